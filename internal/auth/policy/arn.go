package policy

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// An arnPattern is what the element Resource and the ARN operators compare
// with: six fields, each with wildcards of its own that do not reach over a
// colon. The last takes the rest, colons and all.
type arnPattern struct {
	any    bool // "*"
	fields [6]pattern
}

// compileARN compiles the text of an ARN. Fields that are missing at the end
// are anything.
func compileARN(text string, vars bool) arnPattern {
	if text == "*" {
		return arnPattern{any: true}
	}
	var fields [6][]part
	n := 0
	for _, p := range split(text, true, vars) {
		for p.variable == "" && n < 5 {
			field, rest, found := strings.Cut(p.text, ":")
			if !found {
				break
			}
			fields[n] = append(fields[n], part{text: field})
			n, p.text = n+1, rest
		}
		fields[n] = append(fields[n], p)
	}
	var a arnPattern
	for i := range fields {
		if i > n {
			fields[i] = []part{{text: anyRun}}
		}
		a.fields[i] = assemble(fields[i])
	}
	return a
}

// match reports whether a names what the pattern does. What is about no one
// resource is matched by "*" alone.
func (p *arnPattern) match(a *aws.ARN, r *Request) bool {
	if p.any {
		return true
	}
	if a.Service == aws.AnyResource.Service {
		return false
	}
	f := &p.fields
	return f[2].match(a.Service, r) && f[5].match(a.Resource, r) && f[4].match(a.Account, r) && f[3].match(a.Region, r) &&
		f[0].match("arn", r) && f[1].match("aws", r)
}

// matchText is match for the text of an ARN, which may be of any partition.
func (p *arnPattern) matchText(s string, r *Request) bool {
	if p.any {
		return true
	}
	for i := range 5 {
		field, rest, found := strings.Cut(s, ":")
		if !found || !p.fields[i].match(field, r) {
			return false
		}
		s = rest
	}
	return p.fields[5].match(s, r)
}
