package item

import (
	"bytes"
	"slices"
	"testing"
)

func TestWith(t *testing.T) {
	it := New(Attribute{"b", Int(2)}, Attribute{"a", Int(1)}, Attribute{"d", String("x")}, Attribute{"a", Int(3)})
	got := it.With(Attribute{"c", Bool(true)}, Attribute{"b", nil}, Attribute{"zz", nil}, Attribute{"d", Null()})
	want := New(Attribute{"a", Int(3)}, Attribute{"c", Bool(true)}, Attribute{"d", Null()})
	if !got.Equal(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if it.Get("b").Text() != "2" || it.Get("c") != nil || it.Len() != 3 {
		t.Errorf("the original has changed: %q", it)
	}
	var none Item
	if !none.With(Attribute{"a", Int(1)}).Equal(New(Attribute{"a", Int(1)})) {
		t.Error("nil with an attribute is not that attribute")
	}
}

func TestNested(t *testing.T) {
	v := Map(New(Attribute{"l", List(Int(1), String("two"), Map(Empty))}))
	if got := v.Field("l").Index(1).Text(); got != "two" {
		t.Errorf("got %q", got)
	}
	if v.Field("l").Index(3) != nil || v.Field("x") != nil || v.Index(0) != nil {
		t.Error("found what is not there")
	}
	if v = v.With(Attribute{"l", nil}); v.Len() != 0 || !v.Fields().Equal(Empty) {
		t.Errorf("got %q", v)
	}
}

func TestSets(t *testing.T) {
	a := Set(NS, Int(10), Int(9), Int(10))
	b := Set(NS, Int(1), Int(9))
	texts := func(v Value) (out []string) {
		for e := range v.Elements {
			out = append(out, e.Text())
		}
		return out
	}
	if got := texts(a.Union(b)); !slices.Equal(got, []string{"1", "9", "10"}) {
		t.Errorf("union %v", got)
	}
	if got := texts(a.Without(b)); !slices.Equal(got, []string{"10"}) {
		t.Errorf("difference %v", got)
	}
	if a.Without(a) != nil {
		t.Error("a set less itself is still a set")
	}
	if !Set(SS, String("b"), String("a")).Equal(Set(SS, String("a"), String("b"))) {
		t.Error("sets differ by order")
	}
}

func TestSize(t *testing.T) {
	for want, v := range map[int]Value{
		4: String("Fred"), 2: Int(7), 3: Int(123), 1: Int(0),
		8:  List(Int(5), Bool(true)), // 3 + 1+2 + 1+1
		10: Map(New(Attribute{"name", Int(10)})),
	} {
		if got := v.Size(); got != want {
			t.Errorf("size of %q is %d, want %d", v, got, want)
		}
	}
	if got := New(Attribute{"id", String("Fred")}).Size(); got != 6 {
		t.Errorf("got %d", got)
	}
}

// FuzzKeyOrder: keys order as values do, and none begins another.
func FuzzKeyOrder(f *testing.F) {
	f.Add([]byte("a"), []byte("a\x00"))
	f.Add([]byte{0, 0xff}, []byte{0})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		v, w := Binary(a), Binary(b)
		k, l := AppendKey(nil, v), AppendKey(nil, w)
		if bytes.Compare(k, l) != bytes.Compare(a, b) || v.Compare(w) != bytes.Compare(a, b) {
			t.Errorf("%x and %x have the keys %x and %x", a, b, k, l)
		}
		if !bytes.Equal(a, b) && bytes.HasPrefix(k, l) {
			t.Errorf("the key %x begins with %x", k, l)
		}
		if bytes.HasPrefix(a, b) != bytes.HasPrefix(k, AppendKeyPrefix(nil, w)) {
			t.Errorf("prefix %x of %x: keys %x, %x", b, a, AppendKeyPrefix(nil, w), k)
		}
	})
}
