// Package handlebars renders the templates of mail: the part of Handlebars that
// SES has. What a template may cost is bounded, whoever wrote it.
package handlebars

import (
	"fmt"
	"regexp"
	"strings"
)

const maxDepth = 64 // blocks in one another

// A Template is one that was parsed.
type Template struct {
	nodes    []node
	partials map[string][]node // by name, defined inline
}

// A node is text, a value or a block.
type node struct {
	kind  kind
	text  string // text, or name of a partial
	path  *path  // of a value, or what a block is about
	raw   bool   // a value is not escaped
	body  []node
	other []node // after {{else}}
}

type kind int

const (
	isText kind = iota
	isValue
	isIf
	isUnless
	isEach
	isWith
	isBlock // {{#name}}: each of a list, or with a value
	isPartial
)

var blocks = map[string]kind{"if": isIf, "unless": isUnless, "each": isEach, "with": isWith}

// A path leads to a value: so many contexts up, and by these names.
type path struct {
	up    int
	data  string // "@index"
	names []string
	text  string // as it was written
}

// A token is text, or what stands between braces.
type token struct {
	text string
	tag  bool
	raw  bool // in three braces, or after &
}

// An Error is why a template cannot be read.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func errSyntax(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Parse reads a template.
func Parse(text string) (*Template, error) {
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, partials: make(map[string][]node)}
	nodes, end, err := p.nodes(0)
	if err != nil {
		return nil, err
	}
	if end != "" {
		return nil, errSyntax("%s has no block", end)
	}
	return &Template{nodes, p.partials}, nil
}

// alone finds tags that stand on a line of their own, which is left out with
// them.
var (
	blankBefore = regexp.MustCompile(`(^|\n)[ \t]*$`)
	blankAfter  = regexp.MustCompile(`^[ \t]*(\r?\n|$)`)
)

// scan takes a template apart, and removes the space that tags remove.
func scan(text string) ([]token, error) {
	var out []token
	strip := false // the last tag removes what follows
	for text != "" {
		before, rest, found := strings.Cut(text, "{{")
		if strip {
			before = strings.TrimLeft(before, " \t\r\n")
		}
		if !found {
			return append(out, token{text: before}), nil
		}
		closing, open := "}}", ""
		switch {
		case strings.HasPrefix(rest, "!--"), strings.HasPrefix(rest, "~!--"):
			open, closing = "!--", "--}}"
			if i := strings.Index(rest, "--~}}"); i >= 0 && !strings.Contains(rest[:i], closing) {
				closing = "--~}}"
			}
		case strings.HasPrefix(rest, "{"):
			closing = "}}}"
		}
		inside, after, closed := strings.Cut(rest, closing)
		if !closed {
			return nil, errSyntax("{{%.20s is not closed", rest)
		}
		t := token{tag: true, raw: closing == "}}}"}
		inside = strings.TrimPrefix(inside, "{")
		if strings.HasPrefix(inside, "~") {
			inside, before = inside[1:], strings.TrimRight(before, " \t\r\n")
		}
		strip = strings.HasSuffix(inside, "~") || closing == "--~}}"
		t.text = strings.TrimSpace(strings.TrimSuffix(inside, "~"))
		if open != "" {
			t.text = "!"
		}
		if rest, ok := strings.CutPrefix(t.text, "&"); ok {
			t.text, t.raw = strings.TrimSpace(rest), true
		}
		if isAlone(t.text) && blankBefore.MatchString(lineSoFar(out, before)) && blankAfter.MatchString(after) {
			before = strings.TrimRight(before, " \t")
			after = after[len(blankAfter.FindString(after)):]
		}
		out, text = append(out, token{text: before}, t), after
	}
	return out, nil
}

// lineSoFar is the text before a tag, if nothing but text is on its line.
func lineSoFar(out []token, before string) string {
	if len(out) == 0 || strings.Contains(before, "\n") || len(out) >= 2 && out[len(out)-1].tag && isAlone(out[len(out)-1].text) {
		return before
	}
	return "x" + before
}

// isAlone says whether a tag, alone on its line, is left out with the line.
func isAlone(tag string) bool {
	return tag == "else" || strings.HasPrefix(tag, "else ") || tag == "^" || tag != "" && strings.IndexByte("#/!>", tag[0]) >= 0
}

// A parser makes nodes of tokens.
type parser struct {
	tokens   []token
	at       int
	partials map[string][]node
}

// nodes reads nodes up to the end of a block, whose tag it returns.
func (p *parser) nodes(depth int) (out []node, end string, err error) {
	if depth > maxDepth {
		return nil, "", errSyntax("there are more than %d blocks in one another", maxDepth)
	}
	for p.at < len(p.tokens) {
		t := p.tokens[p.at]
		p.at++
		switch {
		case !t.tag:
			if t.text != "" {
				out = append(out, node{text: t.text})
			}
		case strings.HasPrefix(t.text, "!"):
		case strings.HasPrefix(t.text, "/"), t.text == "else", strings.HasPrefix(t.text, "else "), t.text == "^":
			return out, t.text, nil
		case strings.HasPrefix(t.text, ">"):
			out = append(out, node{kind: isPartial, text: strings.Trim(strings.TrimSpace(t.text[1:]), `"'`)})
		case strings.HasPrefix(t.text, "#"):
			n, err := p.block(strings.TrimSpace(t.text[1:]), depth)
			if err != nil {
				return nil, "", err
			}
			if n != nil {
				out = append(out, *n)
			}
		default:
			path, err := parsePath(t.text)
			if err != nil {
				return nil, "", err
			}
			out = append(out, node{kind: isValue, path: path, raw: t.raw})
		}
	}
	return out, "", nil
}

// block reads a block after its tag; nil is one that shows nothing where it is.
func (p *parser) block(tag string, depth int) (*node, error) {
	name, about, _ := strings.Cut(tag, " ")
	about = strings.TrimSpace(about)
	if name == "*" || strings.HasPrefix(name, "*") { // {{#* inline "name"}}
		words := strings.Fields(strings.TrimPrefix(tag, "*"))
		if len(words) != 2 || words[0] != "inline" {
			return nil, errSyntax("the decorator %s is not known", tag)
		}
		body, err := p.until("inline", depth)
		p.partials[strings.Trim(words[1], `"'`)] = body
		return nil, err
	}
	n := &node{kind: isBlock}
	if k, ok := blocks[name]; ok {
		n.kind = k
	} else if about != "" {
		return nil, errSyntax("the helper %s is not known", name)
	} else {
		about = name
	}
	var err error
	if n.path, err = parsePath(about); err != nil {
		return nil, err
	}
	return n, p.branches(n, name, depth)
}

// branches reads what a block shows, and what else.
func (p *parser) branches(n *node, name string, depth int) error {
	body, end, err := p.nodes(depth + 1)
	if err != nil {
		return err
	}
	n.body = body
	switch {
	case end == "else" || end == "^":
		n.other, err = p.until(name, depth)
		return err
	case strings.HasPrefix(end, "else "):
		what, about, _ := strings.Cut(strings.TrimSpace(end[5:]), " ")
		k, ok := blocks[what]
		if !ok {
			return errSyntax("the helper %s is not known", what)
		}
		next := node{kind: k}
		if next.path, err = parsePath(strings.TrimSpace(about)); err != nil {
			return err
		}
		if err := p.branches(&next, name, depth+1); err != nil {
			return err
		}
		n.other = []node{next}
		return nil
	case strings.TrimSpace(strings.TrimPrefix(end, "/")) != name || end == "":
		return errSyntax("{{#%s}} is not closed", name)
	}
	return nil
}

// until reads nodes up to the end of the block of that name.
func (p *parser) until(name string, depth int) ([]node, error) {
	body, end, err := p.nodes(depth + 1)
	if err == nil && (!strings.HasPrefix(end, "/") || strings.TrimSpace(end[1:]) != name) {
		err = errSyntax("{{#%s}} is not closed", name)
	}
	return body, err
}

var pathName = regexp.MustCompile(`^[^\s!"#%&'()*+,./;<=>@\[\\\]^{|}~` + "`" + `]+$`)

// parsePath reads where a value is: "this", "a.b", "../c.[d e]", "@index".
func parsePath(text string) (*path, error) {
	p := &path{text: text}
	rest := text
	for strings.HasPrefix(rest, "../") || rest == ".." {
		p.up++
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, ".."), "/")
	}
	if data, ok := strings.CutPrefix(rest, "@"); ok {
		p.data, rest, _ = strings.Cut(data, ".")
	} else if rest == "this" || rest == "." {
		rest = ""
	} else {
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, "this."), "this/")
		if rest == "" && p.up == 0 {
			return nil, errSyntax("a name is missing")
		}
	}
	for rest != "" {
		var name string
		if inside, ok := strings.CutPrefix(rest, "["); ok {
			if name, rest, ok = strings.Cut(inside, "]"); !ok {
				return nil, errSyntax("%s is not a name", text)
			}
			rest = strings.TrimLeft(rest, "./")
		} else {
			i := strings.IndexAny(rest, "./")
			if i < 0 {
				i = len(rest)
			}
			name, rest = rest[:i], strings.TrimPrefix(strings.TrimPrefix(rest[i:], "."), "/")
			if !pathName.MatchString(name) {
				return nil, errSyntax("%s is not a name", text)
			}
		}
		p.names = append(p.names, name)
	}
	return p, nil
}
