package apigateway

import (
	"slices"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// What the operations of a patch do.
const (
	opAdd     = "add"
	opRemove  = "remove"
	opReplace = "replace"
	opCopy    = "copy"
)

// A change is one operation of a patch, taken apart.
type change struct {
	op    string
	path  string   // as it was written
	parts []string // of the path, without escapes
	value string
	given bool // there is a value
	from  string
}

// at returns the i-th part of the path, or "".
func (c *change) at(i int) string {
	if i < len(c.parts) {
		return c.parts[i]
	}
	return ""
}

// truth is the value of a change as a boolean, as AWS reads it: what is not
// true is false.
func (c *change) truth() *bool { return new(strings.EqualFold(c.value, "true")) }

// text is the value of a change, or nil if it has none.
func (c *change) text() *string {
	if c.op == opRemove || !c.given {
		return nil
	}
	return &c.value
}

func (c *change) int32() (*int32, error) {
	n, err := strconv.ParseInt(c.value, 10, 32)
	if err != nil {
		return nil, errBad("Invalid patch value  specified for path %s", c.path)
	}
	return new(int32(n)), nil
}

func (c *change) float() (*float64, error) {
	f, err := strconv.ParseFloat(c.value, 64)
	if err != nil {
		return nil, errBad("Invalid patch value  specified for path %s", c.path)
	}
	return &f, nil
}

// errPath refuses a path that cannot be changed so.
func (c *change) errPath() error { return errBad("Invalid patch path %s", c.path) }

var unescaper = strings.NewReplacer("~1", "/", "~0", "~")

// apply takes a patch apart and hands its operations to f, in order.
func apply(patch []api.PatchOperation, f func(c *change) error) error {
	for _, p := range patch {
		c := &change{op: aws.Value(p.Op), path: aws.Or(p.Path, "null"), value: aws.Value(p.Value), given: p.Value != nil, from: aws.Value(p.From)}
		for part := range strings.SplitSeq(strings.TrimPrefix(c.path, "/"), "/") {
			c.parts = append(c.parts, unescaper.Replace(part))
		}
		if err := f(c); err != nil {
			return err
		}
	}
	return nil
}

// replace applies a patch that may only replace, and only what is at paths.
func replace(patch []api.PatchOperation, paths []string, f func(c *change) error) error {
	return apply(patch, func(c *change) error {
		switch {
		case c.op != opReplace:
			return errBad("Invalid patch path  '%s' specified for op '%s'. Please choose supported operations", c.path, c.op)
		case !slices.Contains(paths, c.path):
			return errBad("Invalid patch path  '%s' specified for op '%s'. Must be one of: [%s]", c.path, c.op, strings.Join(paths, ", "))
		}
		return f(c)
	})
}

// member sets or removes a member of a map, and returns the map.
func member[V any](m map[string]V, c *change, name string, v V) map[string]V {
	if c.op == opRemove {
		delete(m, name)
		return m
	}
	if m == nil {
		m = make(map[string]V)
	}
	m[name] = v
	return m
}

// element adds or removes an element of a list, and returns the list.
func element(l []string, c *change, v string) []string {
	if c.op == opRemove {
		return slices.DeleteFunc(slices.Clone(l), func(s string) bool { return s == v })
	}
	if slices.Contains(l, v) {
		return l
	}
	return append(slices.Clone(l), v)
}
