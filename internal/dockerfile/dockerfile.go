// Package dockerfile reads Dockerfiles: it cuts them into instructions, and
// words of theirs into what variables make of them. What an instruction does is
// for others to know.
package dockerfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// A File is a Dockerfile.
type File struct {
	Escape       byte // before the end of a line that goes on; '\\' or '`'
	Instructions []Instruction
}

// An Instruction is one of a Dockerfile.
type Instruction struct {
	Name  string   // in capitals
	Flags []Flag   // in order
	Args  string   // what follows them, lines joined
	Exec  []string // Args, if they are a list in JSON
	Heres []Here   // documents that follow, in order
	Line  int      // where it begins, from 1
}

// A Flag is "--name=value", or "--name".
type Flag struct{ Name, Value string }

// A Here is a document of several lines that an instruction is given.
type Here struct {
	Name   string
	Text   string
	Plain  bool // no variables are expanded in it
	Indent bool // tabs before its lines do not count
}

// An Error says what is wrong with a line.
type Error struct {
	Line int
	What string
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Line, e.What) }

// flagged are instructions that flags may follow.
var flagged = map[string]bool{"FROM": true, "RUN": true, "COPY": true, "ADD": true, "HEALTHCHECK": true}

// heredocs are instructions that documents may follow.
var heredocs = map[string]bool{"RUN": true, "COPY": true, "ADD": true}

var (
	directive = regexp.MustCompile(`^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$`)
	hereWord  = regexp.MustCompile(`(?:^|\s)(?:\d*)<<(-?)(['"]?)([a-zA-Z_][a-zA-Z0-9_.]*)(['"]?)`)
	name      = regexp.MustCompile(`^[a-zA-Z]+$`)
)

const maxText = 1 << 20 // bytes of a Dockerfile

// Parse reads a Dockerfile.
func Parse(text []byte) (*File, error) {
	if len(text) > maxText {
		return nil, &Error{1, fmt.Sprintf("a Dockerfile has at most %d bytes", maxText)}
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	r := &reader{escape: '\\'}
	r.lines = strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	r.directives()
	f := &File{Escape: r.escape}
	for {
		line, args := r.next()
		if args == "" {
			return f, nil
		}
		in, err := parse(line, args)
		if err != nil {
			return nil, err
		}
		if heredocs[in.Name] && in.Exec == nil {
			if err := r.documents(&in); err != nil {
				return nil, err
			}
		}
		f.Instructions = append(f.Instructions, in)
	}
}

// A reader gives the lines of a file, those that belong together as one.
type reader struct {
	lines  []string
	at     int // of the next, from 0
	escape byte
}

// directives reads comments at the top that are for who reads the file.
func (r *reader) directives() {
	for i, line := range r.lines {
		m := directive.FindStringSubmatch(line)
		if m == nil {
			return
		}
		if strings.EqualFold(m[1], "escape") && m[2] == "`" {
			r.escape = '`'
		}
		r.at = i + 1
	}
}

// next returns the next instruction, in one line; it is empty at the end.
func (r *reader) next() (line int, text string) {
	var b strings.Builder
	for ; r.at < len(r.lines); r.at++ {
		bare := strings.TrimSpace(r.lines[r.at])
		if bare == "" || bare[0] == '#' {
			continue
		}
		if b.Len() == 0 {
			line = r.at + 1
			bare = strings.TrimLeft(r.lines[r.at], " \t\v\f")
		} else {
			bare = r.lines[r.at]
		}
		trimmed := strings.TrimRight(bare, " \t\v\f\r")
		if strings.HasSuffix(trimmed, string(r.escape)) {
			b.WriteString(trimmed[:len(trimmed)-1])
			if b.Len() == 0 {
				b.WriteByte(' ') // it has begun
			}
			continue
		}
		b.WriteString(bare)
		r.at++
		break
	}
	return line, strings.TrimSpace(b.String())
}

// parse takes an instruction apart.
func parse(line int, text string) (Instruction, error) {
	word, rest := cut(text)
	in := Instruction{Name: strings.ToUpper(word), Args: rest, Line: line}
	if !name.MatchString(word) {
		return in, &Error{line, fmt.Sprintf("%q is no instruction", word)}
	}
	for flagged[in.Name] && strings.HasPrefix(in.Args, "--") {
		word, rest := cut(in.Args)
		key, value, _ := strings.Cut(word[2:], "=")
		if key == "" {
			break
		}
		in.Flags, in.Args = append(in.Flags, Flag{key, value}), rest
	}
	if strings.HasPrefix(in.Args, "[") {
		var list []string
		if json.Unmarshal([]byte(in.Args), &list) == nil {
			in.Exec = list
		}
	}
	return in, nil
}

// cut splits text after its first word.
func cut(text string) (word, rest string) {
	i := strings.IndexAny(text, " \t\v\f\n\r")
	if i < 0 {
		return text, ""
	}
	return text[:i], strings.TrimSpace(text[i:])
}

// documents reads those that an instruction announces.
func (r *reader) documents(in *Instruction) error {
	for _, m := range hereWord.FindAllStringSubmatch(in.Args, -1) {
		if m[2] != m[4] {
			continue // no name, but something of the shell's
		}
		here := Here{Name: m[3], Indent: m[1] != "", Plain: m[2] != ""}
		var b strings.Builder
		for found := false; !found; r.at++ {
			if r.at >= len(r.lines) {
				return &Error{in.Line, "the document " + here.Name + " has no end"}
			}
			text := r.lines[r.at]
			if here.Indent {
				text = strings.TrimLeft(text, "\t")
			}
			if found = text == here.Name; !found {
				b.WriteString(text + "\n")
			}
		}
		here.Text = b.String()
		in.Heres = append(in.Heres, here)
	}
	return nil
}

// String writes an instruction as a Dockerfile has it.
func (in Instruction) String() string {
	var b strings.Builder
	b.WriteString(in.Name)
	for _, f := range in.Flags {
		b.WriteString(" --" + f.Name)
		if f.Value != "" {
			b.WriteString("=" + f.Value)
		}
	}
	if in.Args != "" {
		b.WriteString(" " + in.Args)
	}
	for _, h := range in.Heres {
		b.WriteString("\n" + h.Text + h.Name)
	}
	return b.String()
}

// Flag returns the value of a flag, "" if it is not there.
func (in Instruction) Flag(name string) string {
	for _, f := range in.Flags {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}
