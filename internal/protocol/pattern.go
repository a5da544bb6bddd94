package protocol

import (
	"regexp"
	"strings"
	"sync"
)

// A pattern is a regular expression of a model, compiled when first needed.
// Models are written for Java. What RE2 has other words for is translated, a
// look ahead at the beginning or behind at the end becomes an expression of its
// own, and the few others are checked by hand.
type pattern struct {
	source  string
	compile func() func(string) bool
}

func newPattern(source string) *pattern {
	return &pattern{source: source, compile: sync.OnceValue(func() func(string) bool {
		if match := compile(source); match != nil {
			return match
		}
		return func(string) bool { return true }
	})}
}

func (p *pattern) matches(s string) bool { return p.compile()(s) }

func (p *pattern) words() string {
	return "Member must satisfy regular expression pattern: " + p.source
}

// compile returns what tests whether a whole string matches source, or nil if
// we cannot do that.
func compile(source string) func(string) bool {
	if match := byHand[source]; match != nil {
		return match
	}
	rest := source
	var refuse []*regexp.Regexp
	if ahead, after, ok := lookAhead(rest); ok {
		re, err := regexp.Compile("^(?:" + translate(ahead) + ")")
		if err != nil {
			return nil
		}
		refuse, rest = append(refuse, re), after
	}
	if i := strings.LastIndex(rest, "(?<!"); i >= 0 && strings.HasSuffix(strings.TrimSuffix(rest, "$"), ")") {
		re, err := regexp.Compile("(?:" + translate(strings.TrimSuffix(strings.TrimSuffix(rest[i+4:], "$"), ")")) + ")$")
		if err != nil {
			return nil
		}
		refuse, rest = append(refuse, re), rest[:i]
	}
	accept, err := regexp.Compile("^(?:" + translate(rest) + ")$")
	if err != nil {
		return nil
	}
	return func(s string) bool {
		for _, re := range refuse {
			if re.MatchString(s) {
				return false
			}
		}
		return accept.MatchString(s)
	}
}

// lookAhead splits an expression that begins with (?!A) into A and what follows.
func lookAhead(expr string) (ahead, rest string, ok bool) {
	expr = strings.TrimPrefix(expr, "^")
	inner, ok := strings.CutPrefix(expr, "(?!")
	if !ok {
		return "", "", false
	}
	depth := 1
	for i := 0; i < len(inner); i++ {
		switch inner[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return inner[:i], inner[i+1:], true
			}
		}
	}
	return "", "", false
}

// byHand are the patterns that look around in other ways, or mean another thing
// than they say.
var byHand = map[string]func(string) bool{
	// Templates and descriptions of AppSync, which may have several lines.
	`^.*$`: func(string) bool { return true },
	// Names of state machines' aliases.
	`^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$`: func(s string) bool {
		return strings.Trim(s, digitBytes) != "" && strings.Trim(s, nameBytes+".") == ""
	},
	// Qualifiers of function URLs.
	`((?!^\d+$)^[0-9a-zA-Z-_]+$)`: func(s string) bool {
		return strings.Trim(s, digitBytes) != "" && strings.Trim(s, nameBytes) == ""
	},
	// Aliases of accounts.
	`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`: func(s string) bool {
		const ends = digitBytes + "abcdefghijklmnopqrstuvwxyz"
		return len(s) > 2 && len(s) < 64 && !strings.Contains(s, "--") && strings.Trim(s, ends+"-") == "" && strings.Trim(s, "-") == s
	},
}

const (
	digitBytes = "0123456789"
	nameBytes  = digitBytes + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
)

// translate puts a regular expression of Java's in RE2's words.
func translate(expr string) string {
	expr = repeat.ReplaceAllStringFunc(expr, func(r string) string {
		// RE2 counts to 1,000. The length has a constraint of its own.
		m := repeat.FindStringSubmatch(r)
		switch {
		case len(m[1]) < 4 && len(m[3]) < 4:
			return r
		case m[1] == "0":
			return "*"
		case len(m[1]) < 4:
			return "{" + m[1] + ",}"
		}
		return "+"
	})
	return javaEscape.ReplaceAllString(javaClasses.Replace(expr), `\x{$1}`)
}

var (
	repeat     = regexp.MustCompile(`\{(\d+)(,?)(\d*)\}`)
	javaEscape = regexp.MustCompile(`\\u([0-9a-fA-F]{4})`)
	// Halves of surrogate pairs stand for all that is beyond the first plane.
	javaClasses = strings.NewReplacer(
		`\uD800\uDC00-\uDBFF\uDFFF`, `\x{10000}-\x{10FFFF}`,
		`\ud800\udc00-\udbff\udfff`, `\x{10000}-\x{10FFFF}`,
		`\p{Graph}`, `[:graph:]`, `\p{Print}`, `[:print:]`, `\p{Alnum}`, `[:alnum:]`, `\p{Alpha}`, `[:alpha:]`,
		`\p{Digit}`, `[:digit:]`, `\p{Punct}`, `[:punct:]`, `\p{ASCII}`, `[:ascii:]`, `\p{Blank}`, `[:blank:]`, `\p{Space}`, `[:space:]`,
		`\p{LD}`, `\p{L}\p{Nd}`, `\p{IsLatin}`, `\p{Latin}`, `\p{IsLetter}`, `\p{L}`, `\p{IsDigit}`, `\p{Nd}`,
		`\Z`, `\z`, `\h`, ` \t`,
	)
)
