package item

// Add returns the sum of two numbers, or AWS's words for why it is none.
func Add(v, w Value) (Value, error) {
	return add(readDecimal(v.payload()), readDecimal(w.payload()))
}

// Sub returns v less w, or AWS's words for why that is no number.
func Sub(v, w Value) (Value, error) {
	d := readDecimal(w.payload())
	d.neg = !d.neg
	return add(readDecimal(v.payload()), d)
}

// add sums a and b digit by digit. AWS calls a sum that does not fit 38 digits
// an overflow.
func add(a, b decimal) (Value, error) {
	if a.n == 0 || b.n == 0 {
		if a.n == 0 {
			a = b
		}
		return a.value()
	}
	if b.exp > a.exp {
		a, b = b, a
	}
	shift := a.exp - b.exp
	if shift > maxDigits {
		return nil, errOverflow // more than 38 digits apart, and both count
	}
	const width = 1 + 2*maxDigits + 2 // a carry, and b as far below a as it may be
	var sum [width]int8
	for i := range a.n {
		sum[1+i] = int8(a.d[i])
	}
	sign := int8(1)
	if a.neg != b.neg {
		sign = -1
	}
	for i := range b.n {
		sum[1+shift+i] += sign * int8(b.d[i])
	}
	neg := a.neg
	if firstNegative(sum[:]) {
		neg = !neg
		for i := range sum {
			sum[i] = -sum[i]
		}
	}
	for i := width - 1; i > 0; i-- {
		if sum[i] > 9 {
			sum[i] -= 10
			sum[i-1]++
		} else if sum[i] < 0 {
			sum[i] += 10
			sum[i-1]--
		}
	}
	return sumValue(sum[:], neg, a.exp+1)
}

// firstNegative reports whether the first digit that is not zero is negative.
func firstNegative(sum []int8) bool {
	for _, x := range sum {
		if x != 0 {
			return x < 0
		}
	}
	return false
}

// sumValue returns the number 0.sum times ten to the exp.
func sumValue(sum []int8, neg bool, exp int) (Value, error) {
	for len(sum) > 0 && sum[0] == 0 {
		sum = sum[1:]
		exp--
	}
	for len(sum) > 0 && sum[len(sum)-1] == 0 {
		sum = sum[:len(sum)-1]
	}
	if len(sum) > maxDigits {
		return nil, errOverflow
	}
	d := decimal{n: len(sum), neg: neg, exp: exp}
	for i, x := range sum {
		d.d[i] = byte(x)
	}
	return d.value()
}

func (d *decimal) value() (Value, error) {
	if d.n == 0 {
		return Value{byte(N), 1, zeroNumber}, nil
	}
	if d.exp > maxExponent {
		return nil, errOverflow
	}
	if d.exp < minExponent {
		return nil, errUnderflow
	}
	v := d.append(append(make(Value, 0, 24), byte(N), 0))
	v[1] = byte(len(v) - 2)
	return v, nil
}
