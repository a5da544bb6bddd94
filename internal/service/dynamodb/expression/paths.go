package expression

import (
	"slices"

	"github.com/aloft-cloud/aloft/internal/item"
)

// A tree is a set of document paths that do not overlap, by their steps.
type tree struct {
	name  string // of an attribute
	index int    // of an element, or -1
	leaf  int    // number of the path that ends here, or -1
	below []*tree
}

// add puts the path numbered leaf in t.
func (t *tree) add(b *binding, path []step, leaf int) {
	for _, s := range path {
		t = t.child(b.name(s), s.index)
	}
	t.leaf = leaf
}

func (t *tree) child(name string, index int) *tree {
	for _, c := range t.below {
		if c.index == index && c.name == name {
			return c
		}
	}
	c := &tree{name: name, index: index, leaf: -1}
	t.below = append(t.below, c)
	return c
}

// newTree returns the tree of paths, whose elements are in order.
func newTree(b *binding, paths [][]step) *tree {
	root := &tree{index: -1, leaf: -1}
	for i, path := range paths {
		root.add(b, path, i)
	}
	root.sort()
	return root
}

func (t *tree) sort() {
	slices.SortStableFunc(t.below, func(a, b *tree) int { return a.index - b.index })
	for _, c := range t.below {
		c.sort()
	}
}

// in returns the part of the container v that c names, or nil.
func (t *tree) in(v item.Value) item.Value {
	if t.index >= 0 {
		return v.Index(t.index)
	}
	return v.Field(t.name)
}

// project returns what of v the paths below t lead to, or nil.
func (t *tree) project(v item.Value) item.Value {
	if t.leaf >= 0 || v == nil {
		return v
	}
	var fields []item.Attribute
	var elems []item.Value
	for _, c := range t.below {
		part := c.project(c.in(v))
		switch {
		case part == nil:
		case c.index >= 0:
			elems = append(elems, part)
		default:
			fields = append(fields, item.Attribute{Name: c.name, Value: part})
		}
	}
	switch {
	case fields != nil:
		return item.Map(item.New(fields...))
	case elems != nil:
		return item.List(elems...)
	}
	return nil
}

// projectItem returns what of it the paths in t lead to.
func (t *tree) projectItem(it item.Item) item.Item {
	fields := make([]item.Attribute, 0, len(t.below))
	for _, c := range t.below {
		if part := c.project(it.Get(c.name)); part != nil {
			fields = append(fields, item.Attribute{Name: c.name, Value: part})
		}
	}
	return item.New(fields...)
}

// overlap returns what is wrong if one of two paths leads through the other,
// and conflict if one thing would have to be both a list and a map.
func (c checker) overlap(paths [][]step) (overlap, conflict problem) {
	for i, path := range paths {
		for _, earlier := range paths[:i] {
			n := min(len(path), len(earlier))
			k := 0
			for k < n && c.same(path[k], earlier[k]) {
				k++
			}
			const rewrite = "; must remove or rewrite one of these paths; path one: "
			switch {
			case k == n:
				note(&overlap, "Two document paths overlap with each other"+rewrite+c.text(earlier)+", path two: "+c.text(path))
				return overlap, conflict
			case (path[k].index < 0) != (earlier[k].index < 0):
				note(&conflict, "Two document paths conflict with each other"+rewrite+c.text(earlier)+", path two: "+c.text(path))
			}
		}
	}
	return overlap, conflict
}

func (c checker) same(a, b step) bool { return a.index == b.index && c.name(a) == c.name(b) }

// A Projection is a choice of attributes and parts of them.
type Projection struct {
	paths [][]step
	tree  *tree
	binding
}

// Projection reads the projection in text: paths with commas between them.
func (r *Request) Projection(text string) (*Projection, error) {
	p, err := r.cache.get('p', text, parseProjection)
	if err != nil {
		return nil, invalid(ProjectionExpression, err)
	}
	out := &Projection{paths: p.paths, binding: r.bind(p)}
	c := checker{&out.binding, p}
	var undefined problem
	for _, path := range p.paths {
		note(&undefined, c.path(path))
	}
	overlap, conflict := c.overlap(p.paths)
	if err := first(undefined, overlap, conflict); err != nil {
		return nil, invalid(ProjectionExpression, err)
	}
	out.tree = newTree(&out.binding, p.paths)
	return out, nil
}

func parseProjection(text string) (*parsed, error) {
	p, err := parse(text, func(p *parser) {
		for {
			p.out.paths = append(p.out.paths, p.path(nil))
			if !p.take(",") {
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return &p.out, first(p.reserved, p.bounds)
}

// ProjectAttributes returns the projection on whole attributes.
func ProjectAttributes(names ...string) *Projection {
	p := &Projection{tree: &tree{index: -1, leaf: -1}}
	for i, name := range names {
		p.paths = append(p.paths, []step{{name: name, index: -1}})
		p.tree.add(&p.binding, p.paths[i], i)
	}
	return p
}

// Attributes lists the attributes that p chooses from.
func (p *Projection) Attributes() []Attribute {
	if p == nil {
		return nil
	}
	return p.attributes(func(yield func([]step)) {
		for _, path := range p.paths {
			yield(path)
		}
	})
}

// Apply returns what p chooses of it: all, if p is nil.
func (p *Projection) Apply(it item.Item) item.Item {
	if p == nil {
		return it
	}
	return p.tree.projectItem(it)
}
