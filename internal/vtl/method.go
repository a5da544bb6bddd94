package vtl

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// get returns a property of a value, or nil.
func get(v any, name string) any {
	switch v := v.(type) {
	case Object:
		got, _ := v.Get(name)
		return got
	case *Map:
		return v.values[name]
	case Entry:
		switch name {
		case "key":
			return v.Key
		case "value":
			return v.of.values[v.Key]
		}
	case *List:
		if name == "empty" {
			return len(v.Items) == 0
		}
	case string:
		if name == "empty" {
			return v == ""
		}
	}
	return nil
}

// at returns an element of a list or a member of a map.
func at(v, index any) any {
	switch v := v.(type) {
	case *List:
		i, ok := index.(int64)
		if i < 0 {
			i += int64(len(v.Items))
		}
		if ok && i >= 0 && i < int64(len(v.Items)) {
			return v.Items[i]
		}
	case *Map:
		return v.values[String(index)]
	case Object:
		got, err := v.Call("get", []any{index})
		if err != nil {
			got, _ = v.Get(String(index))
		}
		return got
	}
	return nil
}

// call calls a method of a value.
func (r *run) call(v any, name string, args []any) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	if o, ok := v.(Object); ok {
		got, err := o.Call(name, args)
		if s, ok := got.(string); ok && err == nil {
			err = r.spend(len(s))
		}
		return got, err
	}
	c := &arguments{args}
	switch name {
	case "toString":
		return String(v), nil
	case "equals":
		return len(args) == 1 && same(v, args[0]), nil
	case "hashCode":
		return int64(hash(String(v))), nil
	}
	switch v := v.(type) {
	case string:
		return r.ofString(v, name, c)
	case *List:
		return r.ofList(v, name, c)
	case *Map:
		return r.ofMap(v, name, c)
	case Entry:
		switch name {
		case "getKey":
			return v.Key, nil
		case "getValue":
			return v.of.values[v.Key], nil
		}
	case int64, float64:
		return ofNumber(v, name, c)
	case bool:
		if name == "booleanValue" {
			return v, nil
		}
	}
	return nil, ErrNoMethod
}

// same is Java's equals: values of two kinds are never so.
func same(a, b any) bool {
	switch a := a.(type) {
	case *List:
		b, ok := b.(*List)
		return ok && slices.EqualFunc(a.Items, b.Items, same)
	case *Map:
		b, ok := b.(*Map)
		if !ok || len(a.keys) != len(b.keys) {
			return false
		}
		for _, k := range a.keys {
			if w, has := b.values[k]; !has || !same(a.values[k], w) {
				return false
			}
		}
		return true
	}
	return a == b
}

func hash(s string) int32 {
	h := int32(0)
	for _, c := range s {
		h = 31*h + c
	}
	return h
}

// arguments read what a method was called with.
type arguments struct{ all []any }

func (a *arguments) text(i int) string {
	if i < len(a.all) {
		return String(a.all[i])
	}
	return ""
}

func (a *arguments) int(i int) (int, bool) {
	if i >= len(a.all) {
		return 0, false
	}
	switch n := a.all[i].(type) {
	case int64:
		return int(n), true
	case float64:
		return int(n), true
	}
	return 0, false
}

func (a *arguments) value(i int) any {
	if i < len(a.all) {
		return a.all[i]
	}
	return nil
}

// ofString are the methods of java.lang.String. Offsets count UTF-16 in Java;
// here they count letters, which is the same but for the rarest.
func (r *run) ofString(s, name string, a *arguments) (any, error) {
	switch name {
	case "length":
		return int64(utf8.RuneCountInString(s)), nil
	case "isEmpty":
		return s == "", nil
	case "isBlank":
		return strings.TrimSpace(s) == "", nil
	case "trim", "strip":
		return strings.TrimSpace(s), nil
	case "toLowerCase":
		return strings.ToLower(s), nil
	case "toUpperCase":
		return strings.ToUpper(s), nil
	case "intern":
		return s, nil
	case "contains":
		return strings.Contains(s, a.text(0)), nil
	case "startsWith":
		return strings.HasPrefix(s, a.text(0)), nil
	case "endsWith":
		return strings.HasSuffix(s, a.text(0)), nil
	case "equalsIgnoreCase":
		return strings.EqualFold(s, a.text(0)), nil
	case "compareTo":
		return int64(strings.Compare(s, a.text(0))), nil
	case "compareToIgnoreCase":
		return int64(strings.Compare(strings.ToLower(s), strings.ToLower(a.text(0)))), nil
	case "concat":
		t := s + a.text(0)
		return t, r.spend(len(t))
	case "indexOf", "lastIndexOf":
		return indexOf(s, name, a), nil
	case "substring", "charAt", "subSequence":
		return cut(s, name, a), nil
	case "replace":
		t := s
		if n := strings.Count(s, a.text(0)) * len(a.text(1)); n <= r.budget {
			t = strings.ReplaceAll(s, a.text(0), a.text(1))
		}
		return t, r.spend(len(t))
	case "repeat":
		n, ok := a.int(0)
		if !ok || n < 0 {
			return nil, nil
		}
		if n > 0 && len(s) > r.budget/n {
			return nil, ErrOutput
		}
		return strings.Repeat(s, n), r.spend(n * len(s))
	case "replaceAll", "replaceFirst", "matches", "split":
		return r.regex(s, name, a)
	}
	return nil, ErrNoMethod
}

func indexOf(s, name string, a *arguments) any {
	letters, find := []rune(s), a.text(0)
	if code, ok := a.value(0).(int64); ok {
		find = string(rune(code))
	}
	if name == "lastIndexOf" {
		if i := strings.LastIndex(s, find); i >= 0 {
			return int64(utf8.RuneCountInString(s[:i]))
		}
		return int64(-1)
	}
	from, _ := a.int(1)
	from = max(0, min(from, len(letters)))
	rest := string(letters[from:])
	if i := strings.Index(rest, find); i >= 0 {
		return int64(from + utf8.RuneCountInString(rest[:i]))
	}
	return int64(-1)
}

func cut(s, name string, a *arguments) any {
	letters := []rune(s)
	from, ok := a.int(0)
	to := len(letters)
	if name == "charAt" {
		to = from + 1
	} else if end, has := a.int(1); has {
		to = end
	}
	if !ok || from < 0 || to < from || to > len(letters) {
		return nil
	}
	return string(letters[from:to])
}

// maxPattern is how long a pattern may be.
const maxPattern = 1000

// group is a group in what replaces: $1 in Java, ${1} in Go.
var group = regexp.MustCompile(`\\(.)|\$(\d)|\$\{(\w+)\}|\$`)

// regex are the methods of strings that take patterns.
func (r *run) regex(s, name string, a *arguments) (any, error) {
	pattern := a.text(0)
	if len(pattern) > maxPattern {
		return nil, nil
	}
	if name == "matches" {
		pattern = `\A(?:` + pattern + `)\z`
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, nil // as Velocity, which logs what a method throws
	}
	with := group.ReplaceAllStringFunc(a.text(1), func(m string) string {
		switch {
		case m[0] == '\\':
			return strings.ReplaceAll(m[1:], "$", "$$")
		case len(m) == 2:
			return "${" + m[1:] + "}"
		case m == "$":
			return "$$"
		}
		return m
	})
	switch name {
	case "matches":
		return re.MatchString(s), nil
	case "replaceFirst":
		loc := re.FindStringSubmatchIndex(s)
		if loc == nil {
			return s, nil
		}
		t := s[:loc[0]] + string(re.ExpandString(nil, with, s, loc)) + s[loc[1]:]
		return t, r.spend(len(t))
	case "replaceAll":
		if len(with)*(len(s)+1) > r.budget {
			return nil, ErrOutput
		}
		t := re.ReplaceAllString(s, with)
		return t, r.spend(len(t))
	}
	return r.split(s, re, a)
}

func (r *run) split(s string, re *regexp.Regexp, a *arguments) (any, error) {
	limit, given := a.int(1)
	if !given || limit <= 0 {
		limit = -1
	}
	parts := re.Split(s, limit)
	if !given || limit == 0 { // empty ones at the end are left out
		for len(parts) > 1 && parts[len(parts)-1] == "" {
			parts = parts[:len(parts)-1]
		}
	}
	l := &List{Items: make([]any, len(parts))}
	for i, p := range parts {
		l.Items[i] = p
	}
	return l, r.spend(16*len(parts) + len(s))
}

// ofList are the methods of java.util.List.
func (r *run) ofList(l *List, name string, a *arguments) (any, error) {
	i, isIndex := a.int(0)
	inside := isIndex && i >= 0 && i < len(l.Items)
	switch name {
	case "size", "length":
		return int64(len(l.Items)), nil
	case "isEmpty":
		return len(l.Items) == 0, nil
	case "get":
		if inside {
			return l.Items[i], nil
		}
		return nil, nil
	case "set":
		if inside {
			was := l.Items[i]
			l.Items[i] = a.value(1)
			return was, nil
		}
		return nil, nil
	case "add":
		return r.add(l, i, isIndex, a)
	case "addAll":
		more := itemsOf(a.value(0))
		l.Items = append(l.Items, more...)
		return len(more) > 0, r.spend(16 * len(more))
	case "remove":
		return remove(l, i, inside, a), nil
	case "clear":
		l.Items = nil
		return "", nil
	case "contains":
		return slices.ContainsFunc(l.Items, func(v any) bool { return same(v, a.value(0)) }), nil
	case "containsAll":
		for _, want := range itemsOf(a.value(0)) {
			if !slices.ContainsFunc(l.Items, func(v any) bool { return same(v, want) }) {
				return false, nil
			}
		}
		return true, nil
	case "indexOf":
		return int64(slices.IndexFunc(l.Items, func(v any) bool { return same(v, a.value(0)) })), nil
	case "subList":
		end, ok := a.int(1)
		if !isIndex || !ok || i < 0 || end < i || end > len(l.Items) {
			return nil, nil
		}
		return &List{Items: slices.Clone(l.Items[i:end]), JSON: l.JSON}, r.spend(16 * (end - i))
	case "toArray", "iterator":
		return l, nil
	case "elements", "firstElement":
		if name == "firstElement" && len(l.Items) > 0 {
			return l.Items[0], nil
		}
		return l, nil
	case "toJSONString":
		return JSON(l), nil
	}
	return nil, ErrNoMethod
}

func (r *run) add(l *List, i int, isIndex bool, a *arguments) (any, error) {
	if err := r.spend(16); err != nil {
		return nil, err
	}
	if len(a.all) < 2 {
		l.Items = append(l.Items, a.value(0))
		return true, nil
	}
	if isIndex && i >= 0 && i <= len(l.Items) {
		l.Items = slices.Insert(l.Items, i, a.value(1))
	}
	return "", nil
}

func remove(l *List, i int, inside bool, a *arguments) any {
	if _, isInt := a.value(0).(int64); isInt {
		if !inside {
			return nil
		}
		was := l.Items[i]
		l.Items = slices.Delete(l.Items, i, i+1)
		return was
	}
	i = slices.IndexFunc(l.Items, func(v any) bool { return same(v, a.value(0)) })
	if i < 0 {
		return false
	}
	l.Items = slices.Delete(l.Items, i, i+1)
	return true
}

// ofMap are the methods of java.util.Map.
func (r *run) ofMap(m *Map, name string, a *arguments) (any, error) {
	key := a.text(0)
	switch name {
	case "size":
		return int64(len(m.keys)), nil
	case "isEmpty":
		return len(m.keys) == 0, nil
	case "get":
		return m.values[key], nil
	case "getOrDefault":
		if v, ok := m.values[key]; ok {
			return v, nil
		}
		return a.value(1), nil
	case "put", "putIfAbsent":
		was, has := m.values[key]
		if !has || name == "put" {
			m.Set(key, a.value(1))
		}
		return was, r.spend(len(key) + 32)
	case "putAll":
		if from, ok := a.value(0).(*Map); ok {
			for _, k := range slices.Clone(from.keys) {
				m.Set(k, from.values[k])
			}
			return "", r.spend(32 * len(from.keys))
		}
		return "", nil
	case "remove":
		return m.Delete(key), nil
	case "clear":
		*m = *NewMap()
		return "", nil
	case "containsKey":
		_, ok := m.values[key]
		return ok, nil
	case "containsValue":
		for _, v := range m.values {
			if same(v, a.value(0)) {
				return true, nil
			}
		}
		return false, nil
	case "keySet", "values", "entrySet":
		l := &List{Items: make([]any, len(m.keys))}
		for i, k := range m.keys {
			switch name {
			case "keySet":
				l.Items[i] = k
			case "values":
				l.Items[i] = m.values[k]
			default:
				l.Items[i] = Entry{m, k}
			}
		}
		return l, r.spend(16 * len(m.keys))
	case "toJSONString":
		return JSON(m), nil
	}
	return nil, ErrNoMethod
}

// ofNumber are the methods of Java's numbers. The static ones, such as
// parseInt, are there because templates call them on any number.
func ofNumber(v any, name string, a *arguments) (any, error) {
	f, _ := float(v)
	switch name {
	case "intValue", "longValue", "shortValue":
		return int64(f), nil
	case "doubleValue", "floatValue":
		return f, nil
	case "parseInt", "valueOf", "parseLong":
		if n, err := strconv.ParseInt(a.text(0), 10, 64); err == nil {
			return n, nil
		}
		return nil, nil
	case "parseDouble", "parseFloat":
		if n, err := strconv.ParseFloat(a.text(0), 64); err == nil {
			return n, nil
		}
		return nil, nil
	case "compareTo":
		other, _ := float(a.value(0))
		switch {
		case f < other:
			return int64(-1), nil
		case f > other:
			return int64(1), nil
		}
		return int64(0), nil
	case "isNaN":
		return math.IsNaN(f), nil
	case "toHexString":
		return strconv.FormatInt(int64(f), 16), nil
	}
	return nil, ErrNoMethod
}
