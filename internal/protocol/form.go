package protocol

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Form is the body of a query request: parameters whose names are paths,
// such as Tags.member.1.Key, as the tree they spell.
type Form struct {
	value string
	set   bool // a value was given here, not only below
	kids  []*Form
	key   string           // of this node in its parent
	byKey map[string]*Form // of kids, when they are many
}

const (
	maxFormDepth = 64
	fewKids      = 8
)

var (
	errFormEscape = errors.New("malformed escape in form")
	errFormDepth  = errors.New("form nested too deep")
)

// ParseForm reads a body of type application/x-www-form-urlencoded.
func ParseForm(body string) (*Form, error) {
	root := new(Form)
	for body != "" {
		var pair string
		pair, body, _ = strings.Cut(body, "&")
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		key, err := unescapeForm(k)
		if err != nil {
			return nil, err
		}
		value, err := unescapeForm(v)
		if err != nil {
			return nil, err
		}
		n, err := root.at(key)
		if err != nil {
			return nil, err
		}
		n.value, n.set = value, true
	}
	return root, nil
}

func unescapeForm(s string) (string, error) {
	if !strings.ContainsAny(s, "%+") && utf8.ValidString(s) {
		return s, nil
	}
	s, err := url.QueryUnescape(s)
	if err != nil || !utf8.ValidString(s) {
		return "", errFormEscape
	}
	return s, nil
}

// at returns the node that path spells, and makes those that are missing.
func (f *Form) at(path string) (*Form, error) {
	for depth := 0; path != ""; depth++ {
		if depth == maxFormDepth {
			return nil, errFormDepth
		}
		var key string
		key, path, _ = strings.Cut(path, ".")
		next := f.kid(key)
		if next == nil {
			next = &Form{key: key}
			f.add(next)
		}
		f = next
	}
	return f, nil
}

func (f *Form) add(kid *Form) {
	f.kids = append(f.kids, kid)
	if f.byKey != nil {
		f.byKey[kid.key] = kid
	} else if len(f.kids) > fewKids {
		f.byKey = make(map[string]*Form)
		for _, k := range f.kids {
			f.byKey[k.key] = k
		}
	}
}

func (f *Form) kid(key string) *Form {
	if f.byKey != nil {
		return f.byKey[key]
	}
	// Parameters of one structure are neighbours: the last is the likely one.
	for _, k := range slices.Backward(f.kids) {
		if k.key == key {
			return k
		}
	}
	return nil
}

// Value returns the parameter of that name, such as Action, or "".
func (f *Form) Value(name string) string {
	if f == nil {
		return ""
	}
	if k := f.kid(name); k != nil {
		return k.value
	}
	return ""
}

// elements returns the kids that are numbered, in order of their numbers.
func (f *Form) elements() []*Form {
	type numbered struct {
		n   int
		kid *Form
	}
	var all []numbered
	for _, k := range f.kids {
		if n, err := strconv.Atoi(k.key); err == nil {
			all = append(all, numbered{n, k})
		}
	}
	slices.SortStableFunc(all, func(a, b numbered) int { return cmp.Compare(a.n, b.n) })
	kids := make([]*Form, len(all))
	for i, e := range all {
		kids[i] = e.kid
	}
	return kids
}
