package jsonpath

import (
	"errors"
	"slices"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// ErrNoPlace says that a reference path leads through what is neither an object
// nor an array that is long enough.
var ErrNoPlace = errors.New("reference path cannot be applied")

// Set is root with v where the reference path leads; objects on the way are
// made if they are missing. root itself does not change.
func (p *Path) Set(root, v tree.Value) (tree.Value, error) {
	return set(root, p.steps, v, true)
}

func set(at tree.Value, steps []step, v tree.Value, exists bool) (tree.Value, error) {
	if len(steps) == 0 {
		return v, nil
	}
	s := steps[0]
	if s.kind == member {
		o, ok := at.(*tree.Object)
		if !ok && exists {
			return nil, ErrNoPlace
		}
		below, found := o.Get(s.names[0])
		below, err := set(below, steps[1:], v, found)
		if err != nil {
			return nil, err
		}
		return o.With(s.names[0], below), nil
	}
	list, ok := at.([]tree.Value)
	n := s.indexes[0]
	if !ok || n < 0 || n >= len(list) {
		return nil, ErrNoPlace
	}
	below, err := set(list[n], steps[1:], v, true)
	if err != nil {
		return nil, err
	}
	list = slices.Clone(list)
	list[n] = below
	return list, nil
}
