package asl

import (
	"fmt"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// Items are the items of a Map without an ItemReader: what ItemsPath or Items
// lead to, else the state's input. The items of an object have keys.
func (s *State) Items(env Env) (items []Item, failed *Error) {
	if s.QueryLanguage == JSONata {
		return s.queryItems(env)
	}
	in, err := s.input(env)
	if err != nil {
		return nil, err
	}
	env.Inspect.set("afterInputPath", in)
	v, err := s.on(env, in).through(s.flow.itemsPath, "ItemsPath", in)
	if err != nil {
		return nil, err
	}
	env.Inspect.set("afterItemsPath", v)
	if items, ok := itemsOf(v, s.Processor.Distributed); ok {
		return items, nil
	}
	path := "$"
	if s.flow.itemsPath.template != nil {
		path = s.flow.itemsPath.text
	}
	return nil, s.fail(env, ErrRuntime, "Reference path \"%s\" must point to array.", path)
}

func (s *State) queryItems(env Env) ([]Item, *Error) {
	if s.flow.items == nil {
		if items, ok := itemsOf(env.Input, s.Processor.Distributed); ok {
			return items, nil
		}
		return nil, s.fail(env, ErrQueryEvaluationError, "Map state input must be an array but was: %s", tree.String(env.Input))
	}
	e := s.on(env, env.Input)
	v, err := e.eval(s.flow.items, "Items")
	if err != nil {
		return nil, err
	}
	items, ok := itemsOf(v, s.Processor.Distributed)
	if !ok {
		_, err = e.typed(s.flow.items, "Items", "array")
		return nil, err
	}
	return items, nil
}

// Item is one item of a Map.
type Item struct {
	Key    string // of a member of an object
	HasKey bool
	Value  Value
}

// itemsOf are the elements of a list; of an object, for a distributed Map, its members.
func itemsOf(v Value, members bool) ([]Item, bool) {
	switch v := v.(type) {
	case []Value:
		items := make([]Item, len(v))
		for i, x := range v {
			items[i].Value = x
		}
		return items, true
	case *tree.Object:
		if members {
			items := make([]Item, 0, v.Len())
			for k, x := range v.All() {
				items = append(items, Item{k, true, x})
			}
			return items, true
		}
	}
	return nil, false
}

// ItemContext is the Context object of the iteration over an item: context with Map.Item.
func ItemContext(context *tree.Object, index int64, item Item) *tree.Object {
	about := tree.NewObject("Index", intNumber(index), "Value", item.Value)
	if item.HasKey {
		about = tree.NewObject("Index", intNumber(index), "Key", item.Key, "Value", item.Value)
	}
	return context.With("Map", tree.NewObject("Item", about))
}

// ItemInput is the input of the iteration over item, which env.Context tells of
// as ItemContext makes it: ItemSelector, or the item itself.
func (s *State) ItemInput(env Env, item Item) (Value, *Error) {
	if s.flow.itemSelector == nil {
		return item.Value, nil
	}
	in := env.Input
	if s.QueryLanguage == JSONPath {
		var err *Error
		if in, err = s.input(env); err != nil {
			return nil, err
		}
	}
	return s.on(env, in).eval(s.flow.itemSelector, "ItemSelector")
}

// MapLimits of a Map.
func (s *State) MapLimits(env Env) (MapLimits, *Error) {
	var l MapLimits
	e := s.on(env, env.Input)
	concurrency, count, percentage := s.flow.limits[0], s.flow.limits[1], s.flow.limits[2]
	n, err := e.integer(concurrency)
	if err != nil {
		return l, err
	}
	if n < 0 {
		return l, e.fail(ErrRuntime, "MaxConcurrency cannot be negative.")
	}
	l.MaxConcurrency = n
	env.Inspect.set("maxConcurrency", intNumber(n))
	if count.template != nil {
		if l.ToleratedFailureCount, err = e.integer(count); err != nil {
			return l, err
		}
		if l.ToleratedFailureCount < 0 {
			return l, e.fail(ErrRuntime, "ToleratedFailureCount cannot be negative.")
		}
		l.CountGiven = true
		env.Inspect.set("toleratedFailureCount", intNumber(l.ToleratedFailureCount))
	}
	if percentage.template != nil {
		v, err := e.value(percentage.template, percentage.name)
		if err != nil {
			return l, err
		}
		given, ok := v.(number)
		f, bad := given.Float64()
		if !ok || bad != nil {
			return l, e.fail(ErrRuntime, "The %s field refers to value \"%s\" which is not a valid float: %s", percentage.name, show(v), percentage.text)
		}
		if f < 0 || f > 100 {
			return l, e.fail(ErrRuntime, "ToleratedFailurePercentage must be between 0 and 100.")
		}
		l.ToleratedFailurePercentage, l.PercentageGiven = f, true
		env.Inspect.set("toleratedFailurePercentage", given)
	}
	return l, nil
}

// integer computes a limit, 0 if it is not given.
func (e *evaluation) integer(f limitField) (int64, *Error) {
	if f.template == nil {
		return 0, nil
	}
	v, err := e.value(f.template, f.name)
	if err != nil {
		return 0, err
	}
	n, ok := tree.Int(v)
	if !ok {
		return 0, e.fail(ErrRuntime, "The %s field refers to value \"%s\" which is not a valid integer: %s", f.name, show(v), f.text)
	}
	return n, nil
}

const maxBatchBytes = MaxPayload // what an execution can be started with

// Batcher groups items for the executions of a distributed Map, one after the other.
type Batcher struct {
	items int64 // at most, in one batch
	bytes int64
	input Value // BatchInput
	given bool  // there is one

	batch []Value
	size  int64
}

// NewBatcher evaluates the ItemBatcher; nil says that there is none, and each
// item is an execution's input by itself.
func (s *State) NewBatcher(env Env) (*Batcher, *Error) {
	f := s.batcher
	if f == nil {
		return nil, nil
	}
	in, err := env.Input, (*Error)(nil)
	if s.QueryLanguage == JSONPath {
		if in, err = s.input(env); err != nil {
			return nil, err
		}
	}
	e := s.on(env, in)
	b := &Batcher{}
	if b.items, err = e.integer(f.maxItems); err != nil {
		return nil, err
	}
	if b.bytes, err = e.integer(f.maxBytes); err != nil {
		return nil, err
	}
	if b.items < 0 || b.bytes < 0 {
		return nil, e.fail(ErrRuntime, "MaxItemsPerBatch and MaxInputBytesPerBatch must be positive.")
	}
	if f.input != nil {
		if b.input, err = e.eval(f.input, "ItemBatcher/BatchInput"); err != nil {
			return nil, err
		}
		b.given = true
	}
	if b.bytes == 0 || b.bytes > maxBatchBytes {
		b.bytes = maxBatchBytes
	}
	return b, nil
}

// overhead is how many bytes a batch has besides its items and their commas.
func (b *Batcher) overhead() int64 { return int64(len(tree.Append(nil, b.wrap([]Value{})))) }

func (b *Batcher) wrap(items []Value) Value {
	o := tree.NewObject("Items", items)
	if b.given {
		o = tree.NewObject("BatchInput", b.input, "Items", items)
	}
	return o
}

// Add takes one more item, and gives the batch that is full without it, if that is so.
func (b *Batcher) Add(item Value) (batch Value, full bool, failed *Error) {
	size := int64(len(tree.Append(nil, item))) + 1
	if size+b.overhead() > b.bytes+1 {
		return nil, false, &Error{ErrDataLimitExceeded, fmt.Sprintf("An item exceeds the maximum number of bytes of a batch: %d", b.bytes)}
	}
	if len(b.batch) > 0 && (b.items > 0 && int64(len(b.batch)) >= b.items || b.size+size+b.overhead() > b.bytes+1) {
		batch, full = b.Rest()
	}
	b.batch = append(b.batch, item)
	b.size += size
	return batch, full, nil
}

// Rest gives the last batch, if there is one.
func (b *Batcher) Rest() (batch Value, some bool) {
	if len(b.batch) == 0 {
		return nil, false
	}
	batch = b.wrap(b.batch)
	b.batch, b.size = nil, 0
	return batch, true
}
