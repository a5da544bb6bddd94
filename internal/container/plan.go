package container

import (
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/dockerfile"
)

// A stage is one image of those that a Dockerfile makes, as a plan: what there
// is at first, and what is then done in order.
type stage struct {
	from   dockerfile.Instruction
	base   base
	parent *stage // in place of base, if it is not nil
	config config
	args   map[string]string // values that ARG has declared
	steps  []step
	key    string // names what the stage is, by all that makes it

	root, work string // where it was made
}

// A config is how an image is run.
type config struct {
	Env        []pair
	Dir        string
	Entrypoint []string
	Cmd        []string
	Shell      []string
	Labels     []pair

	cmdIsOwn bool // it is not of the image below
}

// A pair is a name and a value.
type pair struct{ Name, Value string }

// A step changes the files of a stage.
type step struct {
	in  dockerfile.Instruction
	key string // names what the stage is after it
	do  action
}

// set sets a variable, or changes it.
func set(list []pair, name, value string) []pair {
	if i := slices.IndexFunc(list, func(p pair) bool { return p.Name == name }); i >= 0 {
		list = slices.Clone(list)
		list[i].Value = value
		return list
	}
	return append(slices.Clip(list), pair{name, value})
}

// get returns the value of a variable.
func get(list []pair, name string) (string, bool) {
	for _, p := range list {
		if p.Name == name {
			return p.Value, true
		}
	}
	return "", false
}

// lookup finds variables for the instructions of s.
func (s *stage) lookup(name string) (string, bool) {
	if v, ok := get(s.config.Env, name); ok {
		return v, true
	}
	v, ok := s.args[name]
	return v, ok
}

// plan plans a stage, and those that it needs.
func (b *builder) plan(p *part) (*stage, error) {
	if p.stage != nil {
		return p.stage, nil
	}
	if p.busy {
		return nil, b.refuse(p.from, "the stage is made of itself")
	}
	p.busy = true
	s, err := b.begin(p)
	if err != nil {
		return nil, err
	}
	for _, in := range p.list {
		if err := b.instruct(s, in); err != nil {
			return nil, err
		}
	}
	p.stage = s
	return s, nil
}

// begin begins a stage with what FROM says.
func (b *builder) begin(p *part) (*stage, error) {
	ref, err := b.file.Expand(strings.Fields(p.from.Args)[0], func(name string) (string, bool) { v, ok := b.global[name]; return v, ok })
	if err != nil {
		return nil, b.refuse(p.from, "%w", err)
	}
	s := &stage{from: p.from, args: make(map[string]string)}
	for i, other := range b.parts {
		if other == p {
			break
		}
		if other.name != "" && other.name == strings.ToLower(ref) {
			if s.parent, err = b.plan(b.parts[i]); err != nil {
				return nil, err
			}
		}
	}
	if s.parent != nil {
		s.base, s.config, s.key = s.parent.base, s.parent.config, s.parent.key
		s.config.cmdIsOwn = false
		return s, nil
	}
	if s.base, err = parseBase(ref); err == nil {
		err = s.base.check(ref)
	}
	if err != nil {
		return nil, b.refuse(p.from, "%w", err)
	}
	l, err := s.base.language(b.cfg.Tools)
	if err != nil {
		return nil, b.refuse(p.from, "%w", err)
	}
	s.config = config{Env: s.base.env(), Dir: s.base.dir(), Shell: []string{"/bin/sh", "-c"}}
	if s.base.Empty {
		s.config.Env = []pair{{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}}
	}
	s.key = hashed(format, s.base, l)
	return s, nil
}

// format changes when what is made of the same Dockerfile changes.
const format = "1"

// step adds a step to s. What it does is named by said.
func (s *stage) step(in dockerfile.Instruction, do action, said ...any) {
	s.key = hashed(append([]any{s.key, in.Name}, said...)...)
	s.steps = append(s.steps, step{in, s.key, do})
}

// chain are all steps that s is made by, those of its parents first.
func (s *stage) chain() []step {
	if s.parent == nil {
		return s.steps
	}
	return append(s.parent.chain(), s.steps...)
}
