package template

import (
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// A pattern is the AllowedPattern of a parameter: of Java, whose patterns look
// ahead and behind, and name classes as POSIX does.
type pattern struct {
	plain *regexp.Regexp  // if that is enough
	rich  *regexp2.Regexp // else
}

// patternTime is how long a value may be held against a pattern: rich ones can
// take for ever.
const patternTime = time.Second

// posixClasses are the classes that Java calls by names of POSIX.
var posixClasses = map[string]string{
	"Lower": "a-z", "Upper": "A-Z", "ASCII": `\x00-\x7F`, "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9",
	"Punct": `!-/:-@\[-` + "`" + `{-~`, "Graph": "!-~", "Print": ` -~`, "Blank": ` \t`, "Cntrl": `\x00-\x1F\x7F`, "XDigit": "0-9a-fA-F", "Space": ` \t-\r`,
}

// compilePattern makes of a pattern one that matches whole values only.
func compilePattern(text string) (*pattern, error) {
	whole := `\A(?:` + spelledOut(text) + `)\z`
	plain, err := regexp.Compile(whole)
	if err == nil {
		return &pattern{plain: plain}, nil
	}
	rich, err := regexp2.Compile(whole, regexp2.None)
	if err != nil {
		return nil, err
	}
	rich.MatchTimeout = patternTime
	return &pattern{rich: rich}, nil
}

// matches says whether a value is as the pattern wants it. One for which that
// takes too long is not.
func (p *pattern) matches(value string) bool {
	if p.plain != nil {
		return p.plain.MatchString(value)
	}
	ok, err := p.rich.MatchString(value)
	return ok && err == nil
}

// spelledOut replaces the classes that have names of POSIX by what is in them.
func spelledOut(text string) string {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && strings.HasPrefix(text[i+1:], "p{"):
			name, _, closed := strings.Cut(text[i+3:], "}")
			class, known := posixClasses[name]
			if !closed || !known {
				b.WriteByte(c)
				continue
			}
			if !inClass {
				class = "[" + class + "]"
			}
			b.WriteString(class)
			i += len(`p{}`) + len(name)
		case c == '\\' && i+1 < len(text):
			b.WriteString(text[i : i+2])
			i++
		default:
			inClass = c == '[' || inClass && c != ']'
			b.WriteByte(c)
		}
	}
	return b.String()
}
