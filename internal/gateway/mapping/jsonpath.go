package mapping

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

// errPath is the error of a path that is none.
var errPath = errors.New("malformed JSON path")

// maxFound is how many values a path may find.
const maxFound = 100_000

// A step goes from values to those below them.
type step struct {
	names   []string // members of maps
	indexes []int    // elements of lists
	from    *int     // a slice of a list
	to      *int
	slice   bool
	all     bool // *
	deep    bool // .. before it: of all that is below too
	filter  *filter
	length  bool // .length()
}

// definite reports whether a step finds one value at most.
func (s *step) definite() bool {
	return !s.deep && !s.all && !s.slice && s.filter == nil && len(s.names)+len(s.indexes) <= 1
}

// A filter keeps the elements of a list that meet a condition.
type filter struct {
	path  []step
	op    string // empty: it is there
	value any
}

// Find returns what a path finds in a value: the value itself if the path can
// find one only, else a list. It returns nil if there is nothing.
func Find(v any, path string) (any, error) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	found, err := follow([]any{v}, steps)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(steps, func(s step) bool { return !s.definite() }) {
		return &vtl.List{Items: found, JSON: true}, nil
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found[0], nil
}

func follow(values []any, steps []step) ([]any, error) {
	for i := range steps {
		s := &steps[i]
		if s.deep {
			values = below(values)
		}
		var next []any
		for _, v := range values {
			if next = s.take(next, v); len(next) > maxFound {
				return nil, errors.New("the JSON path finds too much")
			}
		}
		values = next
	}
	return values, nil
}

// below returns values and all that is in them.
func below(values []any) []any {
	var all []any
	for _, v := range values {
		if all = append(all, v); len(all) > maxFound {
			return all
		}
		switch v := v.(type) {
		case *vtl.List:
			all = append(all, below(v.Items)...)
		case *vtl.Map:
			for _, k := range v.Keys() {
				inner, _ := v.Lookup(k)
				all = append(all, below([]any{inner})...)
			}
		}
	}
	return all
}

// take appends what the step finds in v.
func (s *step) take(found []any, v any) []any {
	switch v := v.(type) {
	case *vtl.Map:
		if s.all {
			for _, k := range v.Keys() {
				inner, _ := v.Lookup(k)
				found = append(found, inner)
			}
		}
		if s.length {
			return append(found, int64(v.Len()))
		}
		if s.filter != nil && s.filter.keeps(v) {
			return append(found, v)
		}
		for _, name := range s.names {
			if inner, ok := v.Lookup(name); ok {
				found = append(found, inner)
			}
		}
	case *vtl.List:
		return s.takeList(found, v.Items)
	case string:
		if s.length {
			return append(found, int64(len(v)))
		}
	}
	return found
}

func (s *step) takeList(found, items []any) []any {
	switch {
	case s.length:
		return append(found, int64(len(items)))
	case s.all:
		return append(found, items...)
	case s.filter != nil:
		for _, item := range items {
			if s.filter.keeps(item) {
				found = append(found, item)
			}
		}
		return found
	case s.slice:
		from, to := 0, len(items)
		if s.from != nil {
			from = clamp(*s.from, len(items))
		}
		if s.to != nil {
			to = clamp(*s.to, len(items))
		}
		if from < to {
			found = append(found, items[from:to]...)
		}
		return found
	}
	for _, i := range s.indexes {
		if i < 0 {
			i += len(items)
		}
		if i >= 0 && i < len(items) {
			found = append(found, items[i])
		}
	}
	return found
}

func clamp(i, n int) int {
	if i < 0 {
		i += n
	}
	return max(0, min(i, n))
}

func (f *filter) keeps(v any) bool {
	found, err := follow([]any{v}, f.path)
	if err != nil || len(found) == 0 {
		return false
	}
	a, b := found[0], f.value
	switch f.op {
	case "":
		return true
	case "==":
		return vtl.JSON(a) == vtl.JSON(b) || number(a) && number(b) && value(a) == value(b)
	case "!=":
		return vtl.JSON(a) != vtl.JSON(b)
	}
	c := strings.Compare(vtl.String(a), vtl.String(b))
	if number(a) && number(b) {
		switch x, y := value(a), value(b); {
		case x < y:
			c = -1
		case x > y:
			c = 1
		default:
			c = 0
		}
	} else if number(a) || number(b) {
		return false
	}
	switch f.op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func number(v any) bool {
	switch v.(type) {
	case int64, float64:
		return true
	}
	return false
}

func value(v any) float64 {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	f, _ := v.(float64)
	return f
}

// parsePath reads a path: $.a['b'][0]..c[?(@.d == 'e')].
func parsePath(path string) ([]step, error) {
	path = strings.TrimSpace(path)
	path = strings.TrimPrefix(path, "$")
	if path != "" && path[0] != '.' && path[0] != '[' {
		path = "." + path // AWS takes a name without $. too
	}
	var steps []step
	for path != "" {
		s := step{}
		if strings.HasPrefix(path, "..") {
			s.deep = true
			if path = path[1:]; strings.HasPrefix(path, ".[") {
				path = path[1:]
			}
		}
		var err error
		if path[0] == '[' {
			path, err = s.bracket(path[1:])
		} else {
			path, err = s.name(path[1:])
		}
		if err != nil || len(steps) > 100 {
			return nil, errPath
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// name reads what follows a dot.
func (s *step) name(path string) (string, error) {
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		end = len(path)
	}
	switch name := path[:end]; name {
	case "":
		return "", errPath
	case "*":
		s.all = true
	case "length()", "size()":
		s.length = true
	default:
		s.names = []string{name}
	}
	return path[end:], nil
}

// bracket reads what is in brackets, and what closes them.
func (s *step) bracket(path string) (string, error) {
	if rest, ok := strings.CutPrefix(path, "?("); ok {
		return s.condition(rest)
	}
	for {
		path = strings.TrimLeft(path, " ")
		if path == "" {
			return "", errPath
		}
		switch c := path[0]; {
		case c == '*':
			s.all = true
			path = path[1:]
		case c == '\'' || c == '"':
			end := strings.IndexByte(path[1:], c)
			if end < 0 {
				return "", errPath
			}
			s.names = append(s.names, path[1:1+end])
			path = path[end+2:]
		default:
			end := strings.IndexAny(path, ",]")
			if end < 0 || s.index(strings.TrimSpace(path[:end])) != nil {
				return "", errPath
			}
			path = path[end:]
		}
		path = strings.TrimLeft(path, " ")
		switch {
		case strings.HasPrefix(path, ","):
			path = path[1:]
		case strings.HasPrefix(path, "]"):
			return path[1:], nil
		default:
			return "", errPath
		}
	}
}

// index reads an index, or a slice: 1:3.
func (s *step) index(text string) error {
	before, after, isSlice := strings.Cut(text, ":")
	if !isSlice {
		n, err := strconv.Atoi(text)
		s.indexes = append(s.indexes, n)
		return err
	}
	s.slice = true
	for _, part := range []struct {
		text string
		to   **int
	}{{before, &s.from}, {after, &s.to}} {
		if part.text == "" {
			continue
		}
		n, err := strconv.Atoi(part.text)
		if err != nil {
			return err
		}
		*part.to = &n
	}
	return nil
}

// condition reads a filter: @.price < 10)].
func (s *step) condition(path string) (string, error) {
	end := strings.Index(path, ")]")
	if end < 0 {
		return "", errPath
	}
	text, rest := strings.TrimSpace(path[:end]), path[end+2:]
	f := new(filter)
	left := text
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if before, after, ok := strings.Cut(text, op); ok {
			f.op, left = op, strings.TrimSpace(before)
			after = strings.TrimSpace(after)
			if len(after) >= 2 && after[0] == '\'' && after[len(after)-1] == '\'' {
				f.value = after[1 : len(after)-1]
				break
			}
			v, err := vtl.ParseJSON(after)
			if err != nil {
				return "", err
			}
			f.value = v
			break
		}
	}
	if !strings.HasPrefix(left, "@") || strings.Contains(left, "?(") {
		return "", errPath
	}
	var err error
	f.path, err = parsePath("$" + left[1:])
	s.filter = f
	return rest, err
}
