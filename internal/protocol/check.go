package protocol

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// limits are the constraints a model puts on a value.
type limits struct {
	min, max *float64
	enum     []string
	pattern  *pattern
}

// A checker collects what in an input breaks a constraint of its model.
type checker struct {
	path
	absent   map[string]bool // required members that did not come, besides those that show it
	own      []string        // members of the input that the operation's handler checks itself
	prefix   string          // before the paths of members in the body
	problems []string
}

// check walks v, the struct at c's path.
func (c *checker) check(s *structure, v reflect.Value) {
	if !s.checked {
		return
	}
	for i := range s.fields {
		f := &s.fields[i]
		if !f.required && !f.mustCheck() {
			continue
		}
		if len(c.path) == 0 && (slices.Contains(c.own, f.goName) || slices.Contains(c.own, "*")) {
			continue
		}
		c.path = append(c.path, step{field: f})
		x, ok := f.present(v.Field(f.index))
		if ok && f.bit != 0 && c.absent != nil {
			ok = !c.absent[c.path.String()]
		}
		switch {
		case ok:
			c.value(&f.shape, x)
		case f.required:
			c.problem("null", "Member must not be null")
		}
		c.path = c.path[:len(c.path)-1]
	}
}

// absence returns the words for the first member of s that did not come, among
// those that the operation's handler checks itself; "" if all did, or there are none.
func (c *checker) absence(s *structure, words map[string]string) string {
	if c.absent == nil {
		return ""
	}
	for _, name := range c.own {
		for i := range s.fields {
			if f := &s.fields[i]; f.goName == name && words[name] != "" && c.absent[path{{field: f}}.String()] {
				return words[name]
			}
		}
	}
	return ""
}

// value checks v, which is present.
func (c *checker) value(s *shape, v reflect.Value) {
	if s.limits != nil {
		for _, p := range s.broken(v) {
			c.problem(s.show(v), p)
		}
	}
	switch s.kind {
	case kindStruct:
		c.check(s.structure, v)
	case kindList:
		c.list(s, v)
	case kindMap:
		c.mapping(s, v)
	}
}

func (c *checker) list(s *shape, v reflect.Value) {
	if !s.elem.mustCheck() {
		return
	}
	for i := range v.Len() {
		x, ok := s.elem.present(v.Index(i))
		if !ok {
			continue
		}
		if s.elem.scalar() {
			if len(s.elem.broken(x)) > 0 {
				c.problem(s.show(v), "Member must satisfy constraint: ["+strings.Join(s.elem.all(), ", ")+"]")
				return
			}
			continue
		}
		c.path = append(c.path, step{index: i + 1})
		c.value(s.elem, x)
		c.path = c.path[:len(c.path)-1]
	}
}

func (c *checker) mapping(s *shape, v reflect.Value) {
	if !s.elem.mustCheck() && !s.key.mustCheck() {
		return
	}
	keys := sortedKeys(v)
	for _, k := range keys {
		if len(s.key.broken(k)) > 0 {
			c.problem(s.show(v), "Map keys must satisfy constraint: ["+strings.Join(s.key.all(), ", ")+"]")
			break
		}
	}
	for _, k := range keys {
		x, ok := s.elem.present(v.MapIndex(k))
		if !ok || !s.elem.mustCheck() {
			continue
		}
		if s.elem.scalar() {
			if len(s.elem.broken(x)) > 0 {
				words := append(s.elem.all(), "Member must not be null")
				c.problem(s.show(v), "Map value must satisfy constraint: ["+strings.Join(words, ", ")+"]")
				return
			}
			continue
		}
		if s.elem.kind == kindList && len(s.elem.broken(x)) > 0 {
			c.problem(s.show(v), "Map value must satisfy constraint: ["+strings.Join(s.elem.all(), ", ")+"]")
			return
		}
		c.path = append(c.path, step{key: k.String()})
		c.value(s.elem, x)
		c.path = c.path[:len(c.path)-1]
	}
}

// problem notes that the value at c's path, which prints as shown, is not as it must be.
func (c *checker) problem(shown, must string) {
	at := c.path.String()
	if c.path[0].field.place == inBody {
		at = c.prefix + at
	}
	switch shown {
	case "null":
	case "":
		c.problems = append(c.problems, "Value at '"+at+"' failed to satisfy constraint: "+must)
		return
	default:
		shown = shown[1:] // the mark of show
		shown = "'" + shown + "'"
	}
	c.problems = append(c.problems, "Value "+shown+" at '"+at+"' failed to satisfy constraint: "+must)
}

// message is what AWS says of all problems.
func (c *checker) message() string {
	noun := " validation error"
	if len(c.problems) > 1 {
		noun += "s"
	}
	return strconv.Itoa(len(c.problems)) + noun + " detected: " + strings.Join(c.problems, "; ")
}

func (s *shape) scalar() bool {
	return s.kind != kindStruct && s.kind != kindList && s.kind != kindMap
}

// broken returns, in words, the constraints of the shape that v breaks.
func (s *shape) broken(v reflect.Value) []string {
	if s.limits == nil {
		return nil
	}
	l := s.limits
	var words []string
	if s.kind == kindString && l.pattern != nil && !l.pattern.matches(v.String()) {
		words = append(words, l.pattern.words())
	}
	n := s.measure(v)
	if l.max != nil && n > *l.max {
		words = append(words, s.most())
	}
	if l.min != nil && n < *l.min {
		words = append(words, s.least())
	}
	if s.kind == kindString && l.enum != nil && !slices.Contains(l.enum, v.String()) {
		words = append(words, l.oneOf())
	}
	return words
}

// all returns all constraints of the shape in words.
func (s *shape) all() []string {
	var words []string
	l := s.limits
	if l.max != nil {
		words = append(words, s.most())
	}
	if l.min != nil {
		words = append(words, s.least())
	}
	if l.pattern != nil {
		words = append(words, l.pattern.words())
	}
	if l.enum != nil {
		words = append(words, l.oneOf())
	}
	return words
}

func (s *shape) most() string {
	return "Member must have " + s.quantity() + " less than or equal to " + s.number(*s.limits.max)
}

func (s *shape) least() string {
	return "Member must have " + s.quantity() + " greater than or equal to " + s.number(*s.limits.min)
}

func (l *limits) oneOf() string {
	return "Member must satisfy enum value set: [" + strings.Join(l.enum, ", ") + "]"
}

func (s *shape) quantity() string {
	switch s.kind {
	case kindInt32, kindInt64, kindFloat32, kindFloat64:
		return "value"
	}
	return "length"
}

// number prints a limit of the shape as Java prints a number of its type.
func (s *shape) number(f float64) string {
	if s.kind != kindFloat32 && s.kind != kindFloat64 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e7 {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// measure is what min and max are about: a number's value, anything else's length.
func (s *shape) measure(v reflect.Value) float64 {
	switch s.kind {
	case kindInt32, kindInt64:
		return float64(v.Int())
	case kindFloat32, kindFloat64:
		return v.Float()
	case kindString:
		text := v.String()
		n := len(text)
		if l := s.limits; l.max != nil && float64(n) > *l.max || l.min != nil && float64(n) < 4*(*l.min) {
			n = utf8.RuneCountInString(text)
		}
		return float64(n)
	case kindBlob, kindList, kindMap, kindCodec:
		if k := v.Kind(); k == reflect.Slice || k == reflect.Map {
			return float64(v.Len())
		}
	}
	return 0
}
