package jsonata

import (
	"regexp"
	"strings"
	"sync"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// signature says what arguments a function takes, as <s-nn?:s>.
type signature struct {
	params   []param
	required int // params that cannot be left out
	whole    *regexp.Regexp
}

type param struct {
	kind    byte
	pattern string
	context bool // the context stands in when it is missing
	subtype string
}

var signatures sync.Map

// parseSignature reads a signature; those of our own functions are read once.
func parseSignature(text string) *signature {
	if s, ok := signatures.Load(text); ok && len(text) < 20 {
		return s.(*signature)
	}
	s := &signature{}
	body := strings.TrimPrefix(text, "<")
	for i := 0; i < len(body) && body[i] != ':' && body[i] != '>'; i++ {
		i = s.add(body, i)
	}
	for _, p := range s.params {
		if p.context || !strings.HasSuffix(p.pattern, "?") {
			s.required++
		}
	}
	var whole strings.Builder
	whole.WriteString("^")
	for _, p := range s.params {
		whole.WriteString("(" + p.pattern + ")")
	}
	re, err := regexp.Compile(whole.String() + "$")
	if err != nil {
		fail("S0401")
	}
	s.whole = re
	if len(text) < 20 {
		signatures.Store(text, s)
	}
	return s
}

// add reads the symbol at i, and returns where it ends.
func (s *signature) add(body string, i int) int {
	last := len(s.params) - 1
	switch c := body[i]; c {
	case 's', 'n', 'b', 'l', 'o':
		s.params = append(s.params, param{kind: c, pattern: "[" + string(c) + "m]"})
	case 'a':
		s.params = append(s.params, param{kind: c, pattern: "[asnblfom]"})
	case 'f':
		s.params = append(s.params, param{kind: c, pattern: "f"})
	case 'j':
		s.params = append(s.params, param{kind: c, pattern: "[asnblom]"})
	case 'x':
		s.params = append(s.params, param{kind: c, pattern: "[asnblfom]"})
	case '-', '?', '+':
		if last < 0 {
			fail("S0401")
		}
		if c == '-' {
			s.params[last].context = true
			c = '?'
		}
		s.params[last].pattern += string(c)
	case '(':
		end := strings.IndexByte(body[i:], ')')
		if end < 0 {
			fail("S0402")
		}
		choice := body[i+1 : i+end]
		if strings.ContainsRune(choice, '<') {
			fail("S0402")
		}
		for _, r := range choice {
			if !strings.ContainsRune("snblofaxj", r) {
				fail("S0402")
			}
		}
		s.params = append(s.params, param{kind: '(', pattern: "[" + choice + "m]"})
		return i + end
	case '<':
		if last < 0 || s.params[last].kind != 'a' && s.params[last].kind != 'f' {
			fail("S0401")
		}
		end := closing(body, i)
		s.params[last].subtype = body[i+1 : end]
		return end
	}
	return i
}

// closing is where the bracket that opens at i is closed.
func closing(body string, i int) int {
	depth := 0
	for ; i < len(body)-1; i++ {
		switch body[i] {
		case '<':
			depth++
		case '>':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return i
}

// symbol is the type of a value, as signatures have it.
func symbol(v value) byte {
	switch v.(type) {
	case undefined:
		return 'm'
	case nil:
		return 'l'
	case bool:
		return 'b'
	case string:
		return 's'
	case *tree.Object:
		return 'o'
	}
	if isNumber(v) {
		return 'n'
	}
	if _, ok := listOf(v); ok {
		return 'a'
	}
	return 'f'
}

// check holds arguments against the signature, and gives those that the
// function is called with.
func (s *signature) check(name string, args []value, in value) []value {
	symbols := make([]byte, len(args))
	for i, a := range args {
		symbols[i] = symbol(a)
	}
	match := s.whole.FindStringSubmatch(string(symbols))
	if match == nil {
		s.complain(name, string(symbols))
	}
	out := make([]value, 0, len(s.params))
	used := 0
	for i, p := range s.params {
		got := match[i+1]
		if got == "" {
			v := undef
			switch {
			case p.context:
				if !strings.ContainsRune(strings.TrimRight(p.pattern, "?"), rune(symbol(in))) {
					fail("T0411", used+1, name)
				}
				if v = in; isOuter(in) {
					v = in.(*seq).items[0]
				}
			case used < len(args):
				v = args[used]
				used++
			}
			out = append(out, v)
			continue
		}
		for j := range len(got) {
			v := undef
			if used < len(args) {
				v = args[used]
			}
			if p.kind == 'a' && got[j] != 'm' {
				v = p.list(v, got[j], used, name)
			}
			out = append(out, v)
			used++
		}
	}
	return out
}

// list is an argument as a list of the right type.
func (p param) list(v value, got byte, used int, name string) value {
	ok := true
	if p.subtype != "" {
		want := p.subtype[0]
		if got != 'a' {
			ok = got == want
		} else if items, _ := listOf(v); len(items) > 0 {
			for _, x := range items {
				ok = ok && symbol(x) == symbol(items[0])
			}
			ok = ok && symbol(items[0]) == want
		}
		if !ok {
			fail("T0412", used+1, name, typeNames[want])
		}
	}
	if got != 'a' {
		return []value{v}
	}
	return v
}

var typeNames = map[byte]string{'a': "arrays", 'b': "booleans", 'f': "functions", 'n': "numbers", 'o': "objects", 's': "strings"}

// complain says which argument does not fit.
func (s *signature) complain(name, symbols string) {
	partial := "^"
	valid := 0
	for _, p := range s.params {
		partial += p.pattern
		m := regexp.MustCompile(partial).FindString(symbols)
		if m == "" && !regexp.MustCompile(partial).MatchString(symbols) {
			fail("T0410", valid+1, name)
		}
		valid = len(m)
	}
	fail("T0410", valid+1, name)
}
