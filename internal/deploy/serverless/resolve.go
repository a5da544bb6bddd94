package serverless

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Limits of what variables may do.
const (
	maxNested = 30        // results that have variables in turn
	maxCopied = 400_000   // values that variables put into the configuration
	maxText   = 1_000_000 // bytes of a text that has variables
)

// A resolver replaces the variables of a configuration, in place. Each place
// is settled when it is first needed, by itself or by a variable elsewhere.
type resolver struct {
	cfg    *Config
	s      *Service
	env    map[string]string // of .env files
	active map[string]bool   // places being settled, which may not need themselves
	done   map[string]bool   // places that are settled
	files  map[string]any    // what was read, by path and, for scripts, member
	copied int
	braces bool // variables are ${{…}}: versions before 3 let applications choose
}

var errCircular = errors.New("the value refers to itself")

// whole resolves the value at path and all that is inside it.
func (r *resolver) whole(ctx context.Context, path []string) (any, error) {
	v, err := r.settle(ctx, path)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case object:
		for _, key := range keys(v) {
			if _, err := r.whole(ctx, in(path, key)); err != nil {
				return nil, err
			}
		}
	case []any:
		for i := range v {
			if _, err := r.whole(ctx, in(path, strconv.Itoa(i))); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// settle resolves the value at path, but nothing inside it.
func (r *resolver) settle(ctx context.Context, path []string) (any, error) {
	v, _ := member(r.s.root, path)
	s, isText := v.(string)
	if !isText || !strings.Contains(s, "${") {
		return v, nil
	}
	place := strings.Join(path, "\x00")
	if r.done[place] {
		return v, nil // what looks like a variable was escaped
	}
	if r.active[place] {
		return nil, r.s.errorAt(path, "%v: %s", errCircular, s)
	}
	r.active[place] = true
	defer delete(r.active, place)
	v, err := r.expand(ctx, s, path, 0)
	if err != nil {
		if _, known := errors.AsType[*Error](err); known {
			return nil, err
		}
		return nil, r.s.errorAt(path, "%v", err)
	}
	setMember(r.s.root, path, v)
	r.done[place] = true
	return v, nil
}

// expand returns s with its variables replaced. It is whatever the variable
// is if s is nothing else.
func (r *resolver) expand(ctx context.Context, s string, path []string, depth int) (any, error) {
	if depth > maxNested {
		return nil, fmt.Errorf("variables are nested more than %d deep", maxNested)
	}
	found, err := parseVariables(s)
	if err != nil || len(found) == 0 {
		return s, err
	}
	if v := found[0]; v.start == 0 && v.end == len(s) {
		return r.value(ctx, v, s, path, depth)
	}
	var out strings.Builder
	last := 0
	for _, v := range found {
		value, err := r.value(ctx, v, s[v.start:v.end], path, depth)
		if err != nil {
			return nil, err
		}
		switch value.(type) {
		case nil, object, []any:
			return nil, fmt.Errorf("%s is no text, and cannot be part of %q", s[v.start:v.end], s)
		}
		out.WriteString(s[last:v.start])
		out.WriteString(text(value))
		last = v.end
		if out.Len() > maxText {
			return nil, fmt.Errorf("a text grows over %d bytes", maxText)
		}
	}
	return out.String() + s[last:], nil
}

// expandText is expand for what must come out as text: addresses and paths.
func (r *resolver) expandText(ctx context.Context, s string, path []string, depth int) (string, error) {
	v, err := r.expand(ctx, s, path, depth+1)
	if err != nil {
		return "", err
	}
	switch v.(type) {
	case nil, object, []any:
		return "", fmt.Errorf("%s is no text", s)
	}
	return text(v), nil
}

// value returns that of the first source that has one.
func (r *resolver) value(ctx context.Context, v variable, shown string, path []string, depth int) (any, error) {
	reason := "has no value"
	for _, s := range v.sources {
		if text, isText := s.literal.(string); isText {
			return r.expand(ctx, text, path, depth+1)
		}
		if s.kind == "" {
			return s.literal, nil
		}
		var err error
		for i, p := range s.params {
			if s.params[i], err = r.expandText(ctx, p, path, depth); err != nil {
				return nil, err
			}
		}
		if s.address, err = r.expandText(ctx, s.address, path, depth); err != nil {
			return nil, err
		}
		found, err := r.source(ctx, s)
		if err != nil {
			if m, ok := errors.AsType[missing](err); ok {
				reason = m.Error()
				continue
			}
			return nil, err
		}
		if again, isText := found.(string); isText && s.kind != "self" {
			return r.expand(ctx, again, path, depth+1)
		}
		if found != nil {
			return r.copy(found)
		}
	}
	if usual := r.usual(ctx, v); usual != "" {
		return usual, nil
	}
	return nil, fmt.Errorf("%s: %s", shown, reason)
}

// usual is the stage or region in force, for variables that want it: versions
// before 3 had these without being told.
func (r *resolver) usual(ctx context.Context, v variable) string {
	for _, s := range v.sources {
		switch s.kind + ":" + s.address {
		case "opt:stage", "self:provider.stage":
			if stage, err := r.stage(ctx); err == nil {
				return stage
			}
			return usualStage
		case "opt:region", "self:provider.region":
			if region, err := r.region(ctx); err == nil {
				return region
			}
			return r.cfg.usualRegion()
		}
	}
	return ""
}

// copy returns v for another place of the configuration.
func (r *resolver) copy(v any) (any, error) {
	if r.copied += size(v); r.copied > maxCopied {
		return nil, fmt.Errorf("variables put more than %d values into the configuration", maxCopied)
	}
	return clone(v), nil
}

func size(v any) int {
	n := 1
	switch v := v.(type) {
	case object:
		for _, m := range v {
			n += size(m)
		}
	case []any:
		for _, e := range v {
			n += size(e)
		}
	}
	return n
}

// lookup returns the resolved value at a path, which may lead through values
// that are variables themselves.
func (r *resolver) lookup(ctx context.Context, path []string) (any, error) {
	for i := range path {
		if _, err := r.settle(ctx, path[:i]); err != nil {
			return nil, err
		}
		if _, has := member(r.s.root, path[:i+1]); !has {
			return nil, nil
		}
	}
	return r.whole(ctx, path)
}

// stage returns the stage in force.
func (r *resolver) stage(ctx context.Context) (string, error) {
	if r.cfg.Stage != "" {
		return r.cfg.Stage, nil
	}
	return r.provider(ctx, "stage", usualStage)
}

// region returns the region in force.
func (r *resolver) region(ctx context.Context) (string, error) {
	if r.cfg.Region != "" {
		return r.cfg.Region, nil
	}
	return r.provider(ctx, "region", r.cfg.usualRegion())
}

func (r *resolver) provider(ctx context.Context, member, usual string) (string, error) {
	v, err := r.lookup(ctx, []string{"provider", member})
	if err != nil {
		return "", err
	}
	if s := text(v); s != "" {
		return s, nil
	}
	return usual, nil
}

// member returns the value at a path of members and elements.
func member(v any, path []string) (any, bool) {
	for _, key := range path {
		switch c := v.(type) {
		case object:
			m, has := c[key]
			if !has {
				return nil, false
			}
			v = m
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(c) {
				return nil, false
			}
			v = c[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// setMember replaces the value at a path that is there.
func setMember(root object, path []string, v any) {
	if len(path) == 0 {
		return
	}
	at, last := path[:len(path)-1], path[len(path)-1]
	around, _ := member(root, at)
	switch c := around.(type) {
	case object:
		c[last] = v
	case []any:
		if i, err := strconv.Atoi(last); err == nil && i >= 0 && i < len(c) {
			c[i] = v
		}
	}
}
