package ec2

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A filter asks of what a record is: its name is a path of members, written with
// hyphens, and one of its values must be that of one of them.

// matches reports whether a record passes all filters. also has names of filters
// that are not those of members.
func matches(is any, tags []api.Tag, filters []api.Filter, also map[string]string) (bool, error) {
	for _, f := range filters {
		name := aws.Value(f.Name)
		found, known := tagValues(tags, name)
		if !known {
			path := name
			if real, has := also[name]; has {
				path = real
			}
			if found, known = values(reflect.ValueOf(is), strings.Split(path, ".")); !known {
				return false, refused("InvalidParameterValue", "The filter '%s' is invalid", name)
			}
		}
		if !anyLike(found, f.Values) {
			return false, nil
		}
	}
	return true, nil
}

// tagValues are what a filter of tags asks of; known says that it is one.
func tagValues(tags []api.Tag, name string) (found []string, known bool) {
	key, byKey := strings.CutPrefix(name, "tag:")
	if !byKey && name != "tag-key" && name != "tag-value" {
		return nil, false
	}
	for _, t := range tags {
		switch {
		case byKey && aws.Value(t.Key) == key, name == "tag-value":
			found = append(found, aws.Value(t.Value))
		case name == "tag-key":
			found = append(found, aws.Value(t.Key))
		}
	}
	return found, true
}

// values are those at a path below v.
func values(v reflect.Value, path []string) (found []string, known bool) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v = reflect.Zero(v.Type().Elem()) // what is not there may be known all the same
			_, known = values(v, path)
			return nil, known
		}
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.Slice && v.Len() == 0:
		_, known = values(reflect.Zero(v.Type().Elem()), path)
		return nil, known
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			var more []string
			more, known = values(v.Index(i), path)
			found = append(found, more...)
		}
		return found, known
	case len(path) == 0:
		return []string{written(v)}, true
	case v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[time.Time]():
		return nil, false
	}
	member := memberOf(v, path[0])
	if !member.IsValid() {
		return nil, false
	}
	return values(member, path[1:])
}

// memberOf is the member of a structure that a part of a path names.
func memberOf(v reflect.Value, part string) reflect.Value {
	want := strings.ToLower(strings.ReplaceAll(part, "-", ""))
	return v.FieldByNameFunc(func(name string) bool {
		name = strings.ToLower(name)
		return name == want || name == want+"s" || name == want+"set" || name == want[:len(want)-min(1, len(want))]+"ies"
	})
}

// written is a value as filters write it.
func written(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	}
	if t, ok := v.Interface().(time.Time); ok {
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return ""
}

// anyLike reports whether one of the values is like one of the patterns.
func anyLike(values, patterns []string) bool {
	for _, v := range values {
		for _, p := range patterns {
			if like(v, p) {
				return true
			}
		}
	}
	return false
}

// like reports whether s is like a pattern, in which * is any text, ? is any
// letter, and \ takes that meaning from what follows.
func like(s, pattern string) bool {
	back, retry := -1, 0 // where the last * was, and what it takes so far
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			back, retry = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			p, i = p+1, i+1
		case p+1 < len(pattern) && pattern[p] == '\\' && pattern[p+1] == s[i]:
			p, i = p+2, i+1
		case p < len(pattern) && pattern[p] == s[i]:
			p, i = p+1, i+1
		case back >= 0:
			retry++
			p, i = back+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
