package expression

import "github.com/aloft-cloud/aloft/internal/item"

// What is wrong with an update only the item can tell.
const (
	errPath    = "The document path provided in the update expression is invalid for update"
	errMissing = "The provided expression refers to an attribute that does not exist in the item"
	errType    = "An operand in the update expression has an incorrect data type"
)

// Apply returns it with the changes made, all of which see it as it was. If
// there was no item, it is only the key, and there is nothing to remove.
func (u *Update) Apply(it item.Item, existed bool) (item.Item, error) {
	e := evaluation{u, it, existed}
	changes := make([]item.Attribute, 0, len(u.tree.below))
	for _, c := range u.tree.below {
		v, err := e.change(c, it.Get(c.name))
		if err != nil {
			return nil, err
		}
		changes = append(changes, item.Attribute{Name: c.name, Value: v})
	}
	return it.With(changes...), nil
}

// Touched returns what of it the update is about.
func (u *Update) Touched(it item.Item) item.Item { return u.tree.projectItem(it) }

// Attributes lists the attributes that u looks at, those it changes first.
func (u *Update) Attributes() (changed, read []Attribute) {
	if u == nil {
		return nil, nil
	}
	changed = u.attributes(func(yield func([]step)) {
		for _, a := range u.actions {
			yield(a.path)
		}
	})
	read = u.attributes(func(yield func([]step)) {
		for _, a := range u.actions {
			if a.value != nil {
				a.value.paths(yield)
			}
		}
	})
	return changed, read
}

// Sets yields the whole attributes that u sets or adds to, with the type that
// they will have, or 0 if only the item will tell.
func (u *Update) Sets(yield func(name string, t item.Type) bool) {
	for _, a := range u.actions {
		if a.value != nil && a.kind != actionDelete && len(a.path) == 1 && !yield(u.name(a.path[0]), u.typeOf(a.value)) {
			return
		}
	}
}

func (u *Update) typeOf(n *node) item.Type {
	switch {
	case n.kind == nodeValue:
		return u.values[n.value].Type()
	case n.kind == nodeSum:
		return item.N
	case n.kind == nodeCall && n.name == "list_append":
		return item.L
	case n.kind == nodeCall:
		return u.typeOf(n.args[1])
	}
	return 0
}

// An evaluation is an update of one item.
type evaluation struct {
	*Update
	old     item.Item
	existed bool
}

// change returns what becomes of v, which is at t; nil is nothing.
func (e evaluation) change(t *tree, v item.Value) (item.Value, error) {
	if t.leaf >= 0 {
		return e.act(e.actions[t.leaf], v)
	}
	switch {
	case v == nil && !e.existed && e.removes(t):
		return nil, nil
	case t.below[0].index < 0 && v.Type() == item.M:
		return e.changeMap(t, v)
	case t.below[0].index >= 0 && v.Type() == item.L:
		return e.changeList(t, v)
	}
	return nil, refuse(errPath)
}

// removes reports whether there are only removals below t.
func (e evaluation) removes(t *tree) bool {
	if t.leaf >= 0 {
		return e.actions[t.leaf].kind == actionRemove
	}
	for _, c := range t.below {
		if !e.removes(c) {
			return false
		}
	}
	return true
}

func (e evaluation) changeMap(t *tree, v item.Value) (item.Value, error) {
	changes := make([]item.Attribute, 0, len(t.below))
	for _, c := range t.below {
		field, err := e.change(c, v.Field(c.name))
		if err != nil {
			return nil, err
		}
		changes = append(changes, item.Attribute{Name: c.name, Value: field})
	}
	return v.With(changes...), nil
}

// changeList counts elements as they were. What is set beyond the end is
// appended.
func (e evaluation) changeList(t *tree, v item.Value) (item.Value, error) {
	var elems []item.Value
	rest := t.below
	i := 0
	for elem := range v.Elements {
		if len(rest) > 0 && rest[0].index == i {
			var err error
			if elem, err = e.change(rest[0], elem); err != nil {
				return nil, err
			}
			rest = rest[1:]
		}
		if elem != nil {
			elems = append(elems, elem)
		}
		i++
	}
	for _, c := range rest {
		elem, err := e.change(c, nil)
		if err != nil {
			return nil, err
		}
		if elem != nil {
			elems = append(elems, elem)
		}
	}
	return item.List(elems...), nil
}

// act returns what the action a makes of v.
func (e evaluation) act(a action, v item.Value) (item.Value, error) {
	if a.kind == actionRemove {
		return nil, nil
	}
	w, err := e.evaluate(a.value)
	switch {
	case err != nil:
		return nil, err
	case a.kind == actionSet:
		return w, nil
	case v == nil && a.kind == actionDelete:
		return nil, nil
	case v == nil:
		return w, nil
	case v.Type() != w.Type():
		return nil, refuse(errType)
	case a.kind == actionDelete:
		return v.Without(w), nil
	case w.Type() == item.N:
		return number(item.Add(v, w))
	}
	return v.Union(w), nil
}

// evaluate returns the value of n, on the item as it was.
func (e evaluation) evaluate(n *node) (item.Value, error) {
	var v item.Value
	switch n.kind {
	case nodePath:
		v = e.find(n.path, e.old)
	case nodeValue:
		v = e.values[n.value]
	case nodeSum:
		return e.sum(n)
	case nodeCall:
		if n.name == "list_append" {
			return e.appendLists(n)
		}
		if v = e.find(n.args[0].path, e.old); v == nil {
			return e.evaluate(n.args[1])
		}
	}
	if v == nil {
		return nil, refuse(errMissing)
	}
	return v, nil
}

// both evaluates two operands, which must be of type t.
func (e evaluation) both(n *node, t item.Type) (v, w item.Value, err error) {
	if v, err = e.evaluate(n.args[0]); err != nil {
		return nil, nil, err
	}
	if w, err = e.evaluate(n.args[1]); err != nil {
		return nil, nil, err
	}
	if v.Type() != t || w.Type() != t {
		return nil, nil, refuse(errType)
	}
	return v, w, nil
}

func (e evaluation) sum(n *node) (item.Value, error) {
	v, w, err := e.both(n, item.N)
	if err != nil {
		return nil, err
	}
	if n.name == "+" {
		return number(item.Add(v, w))
	}
	return number(item.Sub(v, w))
}

func (e evaluation) appendLists(n *node) (item.Value, error) {
	v, w, err := e.both(n, item.L)
	if err != nil {
		return nil, err
	}
	return v.Append(w), nil
}

// number refuses what is no number.
func number(v item.Value, err error) (item.Value, error) {
	if err != nil {
		return nil, refuse(err.Error())
	}
	return v, nil
}

// OnlyRemoves reports whether u makes nothing that was not there: such an
// update of no item makes none.
func (u *Update) OnlyRemoves() bool {
	for _, a := range u.actions {
		if a.kind == actionSet || a.kind == actionAdd {
			return false
		}
	}
	return true
}
