package query

// A total is a call of an aggregate function.
type total struct {
	name string     // "COUNT"
	of   expression // nil: all rows
}

// A sum is what a total has come to.
type sum struct {
	count int64
	value Value // nil if there is none yet
}

var totalNames = map[string]bool{"COUNT": true, "SUM": true, "AVG": true, "MIN": true, "MAX": true}

// add adds the row of a scope to s.
func (t *total) add(in *scope, s *sum) error {
	if t.of == nil {
		s.count++
		return nil
	}
	v, err := t.of(in)
	if err != nil || absent(v) {
		return err
	}
	s.count++
	if t.name == "COUNT" {
		return nil
	}
	n, ok := numberOf(v)
	if !ok {
		return Fault("IncorrectSqlFunctionArgumentType", wordsArgument)
	}
	switch {
	case s.value == nil:
		s.value = n.value()
	case t.name == "SUM" || t.name == "AVG":
		s.value, err = arithmetic("+", s.value, n.value())
	default:
		order, _ := compare(n.value(), s.value)
		if (order > 0) == (t.name == "MAX") {
			s.value = n.value()
		}
	}
	return err
}

// result is what s has come to.
func (t *total) result(s *sum) (Value, error) {
	switch {
	case t.name == "COUNT":
		return s.count, nil
	case t.name == "AVG" && s.count > 0:
		sum, _ := numberOf(s.value)
		if sum.kind == isInt {
			sum = number{kind: isDecimal, dec: sum.rat()}
		}
		return arithmetic("/", sum.value(), s.count)
	}
	return s.value, nil
}
