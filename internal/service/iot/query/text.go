package query

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// longest is how long a text may grow by padding and replacing, in bytes: what
// is longer is Undefined.
const longest = 1 << 20

// addTexts adds the functions of texts.
func addTexts(functions map[string]function) {
	for name, f := range map[string]function{
		"chr":        {1, 1, chr},
		"concat":     {0, -1, concat},
		"decode":     {2, 2, decode},
		"encode":     {2, 2, encode},
		"endswith":   ofTwo(func(s, t string) tree.Value { return strings.HasSuffix(s, t) }),
		"startswith": ofTwo(func(s, t string) tree.Value { return strings.HasPrefix(s, t) }),
		"indexof":    ofTwo(indexOf),
		"length":     ofText(func(s string) tree.Value { return whole(utf8.RuneCountInString(s)) }),
		"lower":      ofText(func(s string) tree.Value { return strings.ToLower(s) }),
		"upper":      ofText(func(s string) tree.Value { return strings.ToUpper(s) }),
		"ltrim":      ofText(func(s string) tree.Value { return strings.TrimLeft(s, space) }),
		"rtrim":      ofText(func(s string) tree.Value { return strings.TrimRight(s, space) }),
		"trim":       ofText(func(s string) tree.Value { return strings.Trim(s, space) }),
		"numbytes":   ofText(func(s string) tree.Value { return whole(len(s)) }),
		"lpad":       {2, 2, func(_ *scope, args []tree.Value) tree.Value { return pad(args, true) }},
		"rpad":       {2, 2, func(_ *scope, args []tree.Value) tree.Value { return pad(args, false) }},
		"regexp_matches": ofTwo(func(s, t string) tree.Value {
			return withPattern(t, func(re *regexp.Regexp) tree.Value { return re.MatchString(s) })
		}),
		"regexp_substr":  ofTwo(regexpSubstr),
		"regexp_replace": ofThree(regexpReplace),
		"replace":        ofThree(replaceAll),
		"substring":      {2, 3, substring},
		"md5":            hashed(md5.New), "sha1": hashed(sha1.New), "sha224": hashed(sha256.New224), "sha256": hashed(sha256.New),
		"sha384": hashed(sha512.New384), "sha512": hashed(sha512.New),
	} {
		functions[name] = f
	}
}

const space = " \t\r\n\v\f"

// ofText is a function of one text.
func ofText(f func(string) tree.Value) function {
	return function{1, 1, func(_ *scope, args []tree.Value) tree.Value {
		s, ok := text(args[0])
		if !ok {
			return Undefined
		}
		return f(s)
	}}
}

func ofTwo(f func(s, t string) tree.Value) function {
	return function{2, 2, func(_ *scope, args []tree.Value) tree.Value {
		s, ok := text(args[0])
		t, too := text(args[1])
		if !ok || !too {
			return Undefined
		}
		return f(s, t)
	}}
}

func ofThree(f func(s, t, u string) tree.Value) function {
	return function{3, 3, func(_ *scope, args []tree.Value) tree.Value {
		s, a := text(args[0])
		t, b := text(args[1])
		u, c := text(args[2])
		if !a || !b || !c {
			return Undefined
		}
		return f(s, t, u)
	}}
}

func hashed(newHash func() hash.Hash) function {
	return ofText(func(s string) tree.Value {
		h := newHash()
		h.Write([]byte(s))
		return hex.EncodeToString(h.Sum(nil))
	})
}

func chr(_ *scope, args []tree.Value) tree.Value {
	n, ok := integer(args[0])
	if !ok || n < 0 || n > utf8.MaxRune {
		return Undefined
	}
	return string(rune(n))
}

// concat joins arrays if there is one, else texts.
func concat(x *scope, args []tree.Value) tree.Value {
	if len(args) == 1 {
		return args[0]
	}
	arrays := false
	for _, arg := range args {
		_, is := arg.([]any)
		arrays = arrays || is
	}
	if arrays {
		var all []any
		for _, arg := range args {
			if list, is := arg.([]any); is {
				all = append(all, list...)
			} else if v, ok := document(arg); ok {
				all = append(all, v)
			}
		}
		if !x.msg.affords(all) {
			return Undefined
		}
		return all
	}
	var b strings.Builder
	for _, arg := range args {
		s, ok := text(arg)
		if !ok || b.Len()+len(s) > longest {
			return Undefined
		}
		b.WriteString(s)
	}
	return b.String()
}

// encode writes a text, or the payload as it came, in base64.
func encode(x *scope, args []tree.Value) tree.Value {
	if args[1] != "base64" {
		return Undefined
	}
	if b, ok := args[0].(raw); ok {
		return base64.StdEncoding.EncodeToString(b)
	}
	if o, ok := args[0].(*tree.Object); ok && tree.Value(o) == x.msg.doc {
		return base64.StdEncoding.EncodeToString(x.msg.Payload) // *
	}
	s, ok := text(args[0])
	if !ok {
		return Undefined
	}
	return base64.StdEncoding.EncodeToString([]byte(s))
}

func decode(_ *scope, args []tree.Value) tree.Value {
	s, ok := text(args[0])
	if !ok || args[1] != "base64" {
		return Undefined
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || !utf8.Valid(b) {
		return Undefined
	}
	return string(b)
}

func indexOf(s, t string) tree.Value {
	i := strings.Index(s, t)
	if i < 0 {
		return whole(-1)
	}
	return whole(utf8.RuneCountInString(s[:i]))
}

// substring is of letters, from one place up to another that it does not have.
func substring(_ *scope, args []tree.Value) tree.Value {
	s, ok := text(args[0])
	from, too := integer(args[1])
	if !ok || !too {
		return Undefined
	}
	letters := []rune(s)
	to := len(letters)
	if len(args) == 3 {
		if to, ok = integer(args[2]); !ok {
			return Undefined
		}
	}
	from, to = min(max(from, 0), len(letters)), min(max(to, 0), len(letters))
	if from >= to {
		return ""
	}
	return string(letters[from:to])
}

func pad(args []tree.Value, left bool) tree.Value {
	s, ok := text(args[0])
	n, too := integer(args[1])
	if !ok || !too || n < 0 || n > longest {
		return Undefined
	}
	spaces := strings.Repeat(" ", n)
	if left {
		return spaces + s
	}
	return s + spaces
}

// replaceAll is strings.ReplaceAll, of what stays of a sane size.
func replaceAll(s, old, new string) tree.Value {
	if strings.Count(s, old)*len(new)+len(s) > longest {
		return Undefined
	}
	return strings.ReplaceAll(s, old, new)
}

func regexpSubstr(s, pattern string) tree.Value {
	return withPattern(pattern, func(re *regexp.Regexp) tree.Value {
		if at := re.FindStringIndex(s); at != nil {
			return s[at[0]:at[1]]
		}
		return Undefined
	})
}

func regexpReplace(s, pattern, with string) tree.Value {
	return withPattern(pattern, func(re *regexp.Regexp) tree.Value {
		if (len(s)+1)*len(with) > longest {
			return Undefined
		}
		return re.ReplaceAllString(s, groups.ReplaceAllString(with, "$${$1}"))
	})
}

var groups = regexp.MustCompile(`\$(\d+)`)

// patterns are expressions that were compiled, a few hundred at most.
var patterns struct {
	sync.Mutex
	compiled map[string]*regexp.Regexp
}

const (
	mostPatterns = 256
	mostPattern  = 4 << 10 // bytes of one
)

// withPattern uses a regular expression. One that is none is Undefined.
func withPattern(pattern string, use func(*regexp.Regexp) tree.Value) tree.Value {
	patterns.Lock()
	re := patterns.compiled[pattern]
	patterns.Unlock()
	if re == nil {
		var err error
		if len(pattern) > mostPattern {
			return Undefined
		}
		if re, err = regexp.Compile(pattern); err != nil {
			return Undefined
		}
		patterns.Lock()
		if patterns.compiled == nil || len(patterns.compiled) >= mostPatterns {
			patterns.compiled = make(map[string]*regexp.Regexp)
		}
		patterns.compiled[pattern] = re
		patterns.Unlock()
	}
	return use(re)
}
