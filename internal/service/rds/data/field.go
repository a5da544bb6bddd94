package data

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	api "github.com/aloft-cloud/aloft/internal/api/rds-data"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A kind is what a value is, whatever its database calls it.
type kind int

const (
	text kind = iota
	long
	double
	decimal
	boolean
	blob
	stamp // a time, perhaps with an offset
)

// Values of parameters, by name.
type values map[string]*api.SqlParameter

// byName returns the parameters of a query by their names.
func byName(parameters []api.SqlParameter) (values, error) {
	all := make(values, len(parameters))
	for i := range parameters {
		p := &parameters[i]
		if p.Name == nil || *p.Name == "" {
			return nil, &ParameterError{"Named parameter name is empty"}
		}
		if all[*p.Name] != nil {
			return nil, &ParameterError{fmt.Sprintf("Named parameter \"%s\" is bound more than once", *p.Name)}
		}
		all[*p.Name] = p
	}
	return all, nil
}

// get returns a parameter that a statement names.
func (v values) get(name string) (*api.SqlParameter, error) {
	p := v[name]
	if p == nil || p.Value == nil {
		return nil, &ParameterError{"Cannot find parameter: " + name}
	}
	if p.Value.ArrayValue != nil {
		return nil, &ParameterError{"Array parameters are not supported."}
	}
	return p, nil
}

// null says that a value is none.
func null(f *api.Field) bool {
	return aws.Value(f.IsNull) || f.StringValue == nil && f.LongValue == nil && f.DoubleValue == nil && f.BooleanValue == nil && f.BlobValue == nil
}

// field is a value that a database returned as text.
func (q *Query) field(k kind, s string) (api.Field, error) {
	switch k {
	case long:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || q.LongText {
			return api.Field{StringValue: &s}, nil // more than fits
		}
		return api.Field{LongValue: &n}, nil
	case double:
		n, err := strconv.ParseFloat(s, 64)
		return api.Field{DoubleValue: &n}, err
	case decimal:
		return q.decimal(s), nil
	case boolean:
		return api.Field{BooleanValue: new(s == "t" || s == "1" || s == "true")}, nil
	case blob:
		return api.Field{BlobValue: []byte(s)}, nil
	case stamp:
		return api.Field{StringValue: new(strings.TrimSuffix(s, "+00"))}, nil
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return api.Field{StringValue: &s}, nil
}

func (q *Query) decimal(s string) api.Field {
	if !q.Decimals {
		return api.Field{StringValue: &s}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return api.Field{LongValue: &n}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return api.Field{StringValue: &s}
	}
	return api.Field{DoubleValue: &n}
}

// array is an array of PostgreSQL's, of values of one kind, as it writes them:
// {1,2,NULL}, {{"a b","c"},{d,e}}.
func (q *Query) array(k kind, s string) (api.Field, error) {
	if i := strings.Index(s, "={"); strings.HasPrefix(s, "[") && i > 0 { // with bounds
		s = s[i+1:]
	}
	r := &arrayReader{s: s, q: q, kind: k}
	v, err := r.read(0)
	return api.Field{ArrayValue: v}, err
}

const maxDepth = 6 // of arrays

type arrayReader struct {
	s    string
	q    *Query
	kind kind
}

func (r *arrayReader) read(depth int) (*api.ArrayValue, error) {
	bad := fmt.Errorf("no array at %q", r.s[:min(len(r.s), 20)])
	if !strings.HasPrefix(r.s, "{") || depth > maxDepth {
		return nil, bad
	}
	r.s = r.s[1:]
	out := r.empty()
	for {
		switch {
		case strings.HasPrefix(r.s, "}"):
			r.s = r.s[1:]
			return out, nil
		case strings.HasPrefix(r.s, "{"):
			inner, err := r.read(depth + 1)
			if err != nil {
				return nil, err
			}
			out = &api.ArrayValue{ArrayValues: append(out.ArrayValues, inner)}
		default:
			s, isNull, ok := r.element()
			if !ok {
				return nil, bad
			}
			if err := r.add(out, s, isNull); err != nil {
				return nil, err
			}
		}
		r.s = strings.TrimPrefix(r.s, ",")
	}
}

// empty is an array without values, of the kind.
func (r *arrayReader) empty() *api.ArrayValue {
	switch r.kind {
	case long:
		return &api.ArrayValue{LongValues: []*int64{}}
	case double:
		return &api.ArrayValue{DoubleValues: []*float64{}}
	case boolean:
		return &api.ArrayValue{BooleanValues: []*bool{}}
	}
	return &api.ArrayValue{StringValues: []*string{}}
}

// element reads a value that is no array.
func (r *arrayReader) element() (s string, isNull, ok bool) {
	if !strings.HasPrefix(r.s, `"`) {
		end := strings.IndexAny(r.s, ",}")
		if end <= 0 {
			return "", false, false
		}
		s, r.s = r.s[:end], r.s[end:]
		return s, s == "NULL", true
	}
	var b strings.Builder
	for i := 1; i < len(r.s); i++ {
		switch c := r.s[i]; {
		case c == '\\' && i+1 < len(r.s):
			i++
			b.WriteByte(r.s[i])
		case c == '"':
			r.s = r.s[i+1:]
			return b.String(), false, true
		default:
			b.WriteByte(c)
		}
	}
	return "", false, false
}

func (r *arrayReader) add(to *api.ArrayValue, s string, isNull bool) error {
	f, err := api.Field{}, error(nil)
	if !isNull {
		if f, err = r.q.field(r.kind, s); err != nil {
			return err
		}
	}
	switch r.kind {
	case long:
		to.LongValues = append(to.LongValues, f.LongValue)
	case double:
		to.DoubleValues = append(to.DoubleValues, f.DoubleValue)
	case boolean:
		to.BooleanValues = append(to.BooleanValues, f.BooleanValue)
	default:
		if f.StringValue == nil && !isNull {
			f.StringValue = &s
		}
		to.StringValues = append(to.StringValues, f.StringValue)
	}
	return nil
}

// unhex is what PostgreSQL writes as \x0102.
func unhex(s string) (string, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(s, `\x`))
	return string(b), err
}
