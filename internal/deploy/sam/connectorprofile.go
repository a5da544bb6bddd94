package sam

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed connectors.txt
var connectorsText string

// A connectorProfile is what connectors between two types make.
type connectorProfile struct {
	policy string // whose policy: "source", "destination", "queue", "topic", "invoke"
	before string // what waits for it: "", "mapping", "source"
	only   []string
	grants []connectorGrant
}

// A connectorGrant is one line of what is allowed.
type connectorGrant struct {
	access  string // "Read", "Write"
	actions []any  // or the one service
	on      []string
	account string
}

// connectorProfiles reads connectors.txt, which says how it is written.
var connectorProfiles = sync.OnceValue(func() map[[2]string]*connectorProfile {
	profiles := make(map[[2]string]*connectorProfile)
	var current *connectorProfile
	for line := range strings.Lines(connectorsText) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if line[0] == '\t' {
			current.grants = append(current.grants, readGrant(words))
			continue
		}
		current = &connectorProfile{policy: words[2]}
		if i := slices.Index(words, "before"); i > 0 {
			current.before = words[i+1]
		}
		if i := slices.Index(words, "only"); i > 0 {
			current.only = words[i+1:]
		}
		for source := range strings.SplitSeq(words[0], "|") {
			profiles[[2]string{source, words[1]}] = current
		}
	}
	return profiles
})

func readGrant(words []string) connectorGrant {
	g := connectorGrant{access: words[0]}
	for i, word := range words[1:] {
		switch rest := words[i+2:]; word {
		case "on":
			g.on = rest
			return g
		case "for":
			g.on = rest[:1]
			if len(rest) == 3 {
				g.account = rest[2]
			}
			return g
		}
		g.actions = append(g.actions, word)
	}
	return g
}

// accesses are what can be asked for, in the order of the table.
func (p *connectorProfile) accesses() []string {
	var all []string
	for _, g := range p.grants {
		if !slices.Contains(all, g.access) {
			all = append(all, g.access)
		}
	}
	return all
}

// check refuses what cannot be asked for between two types.
func (p *connectorProfile) check(id, source, destination string, asked []string) error {
	all := strings.Join(p.accesses(), ", ")
	if len(asked) == 0 {
		return badResource(id, "'Permissions' cannot be empty; valid values are: %s.", all)
	}
	const unsupported = "Unsupported 'Permissions' provided for connector from %s to %s; valid "
	for _, access := range asked {
		if !slices.Contains(p.accesses(), access) {
			return badResource(id, unsupported+"values are: %s.", source, destination, all)
		}
	}
	if p.only != nil && !slices.Contains(p.only, strings.Join(asked, "+")) {
		return badResource(id, unsupported+"combinations are: %s.", source, destination, strings.ReplaceAll(strings.Join(p.only, ", "), "+", " + "))
	}
	return nil
}

var (
	endVariable = regexp.MustCompile(`%\{(\w+)\.(\w+)\}`)
	anyVariable = regexp.MustCompile(`\$\{.+\}`)
)

// filled is text with the variables of a profile replaced.
func (c *connection) filled(text string) (any, error) {
	names := object{}
	for _, m := range endVariable.FindAllStringSubmatch(text, -1) {
		end := c.source
		if m[1] == "Destination" {
			end = c.destination
		}
		v := end.values[m[2]]
		if v == nil {
			return nil, badResource(c.id, "%s.%s is missing.", m[1], m[2])
		}
		if m[0] == text {
			return v, nil
		}
		names[m[1]+m[2]] = v
		text = strings.ReplaceAll(text, m[0], "${"+m[1]+m[2]+"}")
	}
	if anyVariable.MatchString(text) {
		return sub(text, names), nil
	}
	return text, nil
}
