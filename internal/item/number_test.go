package item

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestNumberText(t *testing.T) {
	for in, want := range map[string]string{
		"1": "1", "-5": "-5", "0": "0", "-0": "0", "-0.0": "0", "+3": "3", "007": "7", "001.23": "1.23", "1.0": "1", "1.10": "1.1",
		"100.000": "100", "1e3": "1000", "1.5e2": "150", "123e-2": "1.23", ".5": "0.5", "-.5": "-0.5", "1.": "1", "0.10": "0.1",
		"0e125": "0", "0e-130": "0", "0.0e3": "0", "1e20": "100000000000000000000", "1e-20": "0.00000000000000000001", "-273.15": "-273.15",
		"314159265358979323846.26433832795028841": "314159265358979323846.26433832795028841",
		"99999999999999999999999999999999999999":  "99999999999999999999999999999999999999",
		"0.00100":                                 "0.001", "1010": "1010", "10.01": "10.01", "-1E-5": "-0.00001",
	} {
		v, err := Number(in)
		if err != nil {
			t.Errorf("Number(%q): %v", in, err)
		} else if got := v.Text(); got != want {
			t.Errorf("Number(%q).Text() = %q, want %q", in, got, want)
		}
	}
}

func TestNumberRefused(t *testing.T) {
	for in, want := range map[string]problem{
		"": errNumber, "NaN": errNumber + ": NaN", "-": errNumber + ": -", ".": errNumber + ": .", " 1": errNumber + ":  1", "1 ": errNumber + ": 1 ",
		"1e": errNumber + ": 1e", "e5": errNumber + ": e5", "1e+": errNumber + ": 1e+", "1.2.3": errNumber + ": 1.2.3", "0x1": errNumber + ": 0x1",
		"1e126": errOverflow, "-11e125": errOverflow, "1.0e100000000": errOverflow, "1e9223372036854775807": errOverflow, "0e126": errOverflow, "-0.00e200": errOverflow,
		"1e-131": errUnderflow, "0.9e-130": errUnderflow, "1e-9223372036854775807": errUnderflow, "0e-131": errUnderflow,
		"1e9223372036854775808": errNumber + ": 1e9223372036854775808", "1e+-5": errNumber + ": 1e+-5",
		"3.14159265358979323846264338327950288419":   errPrecision,
		"100000000000000000000000000000000000001":    errPrecision,
		"-0.100000000000000000000000000000000000001": errPrecision,
	} {
		if v, err := Number(in); err == nil || err.Error() != string(want) {
			t.Errorf("Number(%q) = %v, %v; want %v", in, v, err, want)
		}
	}
}

// FuzzNumber: what parses as a number has the value it says, comes back as
// the same bytes, orders by value among others, and adds up.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "1", "-1.5", "1e125", "-9.99e-120", "00100.00100", "1e-130", "-99999999999999999999999999999999999999"} {
		f.Add(s, "12.5")
		f.Add("-7", s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		v, err := Number(a)
		if err != nil {
			return
		}
		checkNumber(t, a, v)
		w, err := Number(b)
		if err != nil {
			return
		}
		x, y := rat(t, v), rat(t, w)
		if got, want := v.Compare(w), x.Cmp(y); got != want {
			t.Errorf("%s compared to %s is %d, want %d", a, b, got, want)
		}
		if got, want := bytes.Compare(AppendKey(nil, v), AppendKey(nil, w)), x.Cmp(y); got != want {
			t.Errorf("key of %s compared to %s is %d, want %d", a, b, got, want)
		}
		checkSum(t, v, w)
	})
}

func checkNumber(t *testing.T, s string, v Value) {
	t.Helper()
	if len(v) > 2+21 {
		t.Errorf("Number(%q) takes %d bytes", s, len(v))
	}
	back, err := Number(v.Text())
	if err != nil || !back.Equal(v) {
		t.Errorf("Number(%q) = %x, and of its text %q = %x, %v", s, v, v.Text(), back, err)
	}
	if len(s) < 50 {
		if want, ok := new(big.Rat).SetString(s); ok && rat(t, v).Cmp(want) != 0 {
			t.Errorf("Number(%q) = %s", s, v.Text())
		}
	}
}

func checkSum(t *testing.T, v, w Value) {
	t.Helper()
	x, y := rat(t, v), rat(t, w)
	for _, op := range []struct {
		name string
		do   func(v, w Value) (Value, error)
		want *big.Rat
	}{{"Add", Add, new(big.Rat).Add(x, y)}, {"Sub", Sub, new(big.Rat).Sub(x, y)}} {
		got, err := op.do(v, w)
		if err == nil {
			if rat(t, got).Cmp(op.want) != 0 {
				t.Errorf("%s(%s, %s) = %s", op.name, v.Text(), w.Text(), got.Text())
			}
			checkNumber(t, got.Text(), got)
			continue
		}
		if _, err := Number(op.want.FloatString(140)); err == nil {
			t.Errorf("%s(%s, %s) is refused, but the result is %s", op.name, v.Text(), w.Text(), op.want.FloatString(140))
		}
	}
}

func rat(t *testing.T, v Value) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(v.Text())
	if !ok {
		t.Fatalf("%x has the text %q", []byte(v), v.Text())
	}
	return r
}

func TestNumberOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	vs := []Value{Int(0), Int(1), Int(-1)}
	for len(vs) < 1000 {
		if v, err := Number(randomNumber(r)); err == nil {
			vs = append(vs, v)
		}
	}
	for _, v := range vs {
		for _, w := range vs {
			want := rat(t, v).Cmp(rat(t, w))
			if v.Compare(w) != want || bytes.Compare(AppendKey(nil, v), AppendKey(nil, w)) != want {
				t.Fatalf("%s and %s: %x %x", v.Text(), w.Text(), []byte(v), []byte(w))
			}
		}
		checkSum(t, v, vs[r.IntN(len(vs))])
	}
}

func randomNumber(r *rand.Rand) string {
	s := ""
	if r.IntN(2) == 0 {
		s = "-"
	}
	for i := range 1 + r.IntN(38) {
		s += strconv.Itoa(r.IntN(10))
		if i == 0 && r.IntN(3) == 0 {
			s += "."
		}
	}
	if r.IntN(2) == 0 {
		s += "E" + strconv.Itoa(r.IntN(280)-140)
	}
	return s
}

func BenchmarkNumber(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Number("-1234567890.123456789")
	}
}

func BenchmarkNumberText(b *testing.B) {
	v, _ := Number("-1234567890.123456789")
	var buf []byte
	for b.Loop() {
		buf = appendNumberText(buf[:0], v.payload())
	}
}
