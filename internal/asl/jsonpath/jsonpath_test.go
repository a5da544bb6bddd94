package jsonpath

import (
	"testing"

	"github.com/aloft-cloud/aloft/internal/tree"
)

const doc = `{"a":{"b":[{"c":1,"d":"x"},{"c":2,"d":"y"},{"c":3}],"b c":"space"},"n":null,"list":[0,10,20,30,40,50],"s":"text","destroy-status":"ok",
"store":{"book":[{"category":"reference","price":8.95,"title":"Sayings"},{"category":"fiction","price":12.99,"title":"Sword","isbn":"0-553"}]}}`

func TestGet(t *testing.T) {
	root, err := tree.ParseString(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{`$.a.b[0].c`, `1`},
		{`$.list[-1]`, `50`},
		{`$.list[3:]`, `[30,40,50]`},
		{`$.list[:2]`, `[0,10]`},
		{`$.list[-2:]`, `[40,50]`},
		{`$.list[1:3]`, `[10,20]`},
		{`$.list[0,2]`, `[0,20]`},
		{`$.a['b c']`, `"space"`},
		{`$['a']["b"][1]['d']`, `"y"`},
		{`$.a.b[*].c`, `[1,2,3]`},
		{`$..c`, `[1,2,3]`},
		{`$..nothing`, `[]`},
		{`$.a.b[?(@.c > 1)].c`, `[2,3]`},
		{`$.a.b[?(@.d)].d`, `["x","y"]`},
		{`$.a.b[?(!@.d)].c`, `[3]`},
		{`$.a.b[?(@.d == 'x' || @.c == 3)].c`, `[1,3]`},
		{`$.a.b[?(@.d == 'x' && @.c == 3)].c`, `[]`},
		{`$.a.b[?(@.d =~ /X/i)].c`, `[1]`},
		{`$.a.b[?(@.c in [1,3])].c`, `[1,3]`},
		{`$.a.b[?(@.d in ['x'])].c`, `[1]`},
		{`$.store.book[?(@.price < $.list[1])].title`, `["Sayings"]`},
		{`$..book[?(@.isbn)].title`, `["Sword"]`},
		{`$.store.book[?(@['category'] == "fiction")].price`, `[12.99]`},
		{`$.list[?(@ >= 30)]`, `[30,40,50]`},
		{`$.destroy-status`, `"ok"`},
		{`$.n`, `null`},
		{`$.a.b.length()`, `3`},
		{`$.list.max()`, `50.0`},
		{`$.store.book[*].price.sum()`, `21.939999999999998`},
		{`$.a.b[0]['c','d']`, `{"c":1,"d":"x"}`},
		{`$.list.[0]`, `0`},
		{`$.a.b.[?(@.d==x)].['c']`, `[1]`},
		{`$`, tree.String(root)},
	} {
		p, err := Parse(c.path)
		if err != nil {
			t.Errorf("Parse(%s): %v", c.path, err)
			continue
		}
		v, err := p.Get(root)
		if got := tree.String(v); err != nil || got != c.want {
			t.Errorf("%s = %s, %v, want %s", c.path, got, err, c.want)
		}
	}
}

func TestMissing(t *testing.T) {
	root, _ := tree.ParseString(doc)
	for _, c := range []struct{ path, want string }{
		{`$.no`, `No results for path: $['no']`},
		{`$.no.such.result.path`, `Missing property in path $['no']`},
		{`$.a.no`, `No results for path: $['a']['no']`},
		{`$.list[9]`, `Index out of bounds when evaluating path $['list'][9]`},
		{`$.n.x`, `Missing property in path $['n']`},
	} {
		p, err := Parse(c.path)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := p.Get(root); err == nil || err.Error() != c.want {
			t.Errorf("%s = %s, %v, want %s", c.path, tree.String(v), err, c.want)
		}
	}
}

func TestRoots(t *testing.T) {
	for _, c := range []struct {
		path, root string
		reference  bool
	}{
		{`$.a.b[0]`, "", true},
		{`$$.Execution.Id`, "$", true},
		{`$$`, "$", true},
		{`$name.x`, "name", true},
		{`$.a[*]`, "", false},
		{`$.a['b','c']`, "", false},
		{`$..a`, "", false},
	} {
		p, err := Parse(c.path)
		if err != nil || p.Root() != c.root || p.Reference() != c.reference {
			t.Errorf("Parse(%s) = root %q, reference %v, %v", c.path, p.Root(), p.Reference(), err)
		}
	}
	for _, bad := range []string{"", "a", "$.", "$..", "$.a[", "$.a[?(]", "$a b", "$.a[?(@.b ==)]", "$['a", "$.a[x]"} {
		if p, err := Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %v", bad, p)
		}
	}
}

func TestSet(t *testing.T) {
	for _, c := range []struct{ in, path, want string }{
		{`{"a":1}`, `$.b`, `{"a":1,"b":"v"}`},
		{`{"a":1}`, `$.b.c`, `{"a":1,"b":{"c":"v"}}`},
		{`{"a":1}`, `$`, `"v"`},
		{`{"a":[1,2]}`, `$.a[1]`, `{"a":[1,"v"]}`},
		{`{"a":{"b":1,"c":2}}`, `$.a.b`, `{"a":{"b":"v","c":2}}`},
		{`{"a":1}`, `$.a.b`, ``},
		{`{"a":[1]}`, `$.a[5]`, ``},
		{`"s"`, `$.a`, ``},
	} {
		p, _ := Parse(c.path)
		in, _ := tree.ParseString(c.in)
		v, err := p.Set(in, "v")
		got := tree.String(v)
		if err != nil {
			got = ""
		}
		if got != c.want || tree.String(in) != c.in {
			t.Errorf("%s in %s = %s, %v, want %s", c.path, c.in, got, err, c.want)
		}
	}
}

// Any path that parses finds something, or says what is missing, in bounded time.
func FuzzGet(f *testing.F) {
	for _, s := range []string{`$.a.b[?(@.c > 1 && !(@.d == 'x'))].c`, `$..*..*..*`, `$['a']["b"][-1:]`, `$$.x`, `$v[0,1].length()`, `$.a[?(@.x =~ /a+/i)]`} {
		f.Add(s)
	}
	root, _ := tree.ParseString(doc)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Parse(s)
		if err != nil {
			return
		}
		p.Get(root)
		if p.Reference() {
			p.Set(root, true)
		}
		if p.String() != s {
			t.Fatalf("Parse(%q) = %v", s, p)
		}
	})
}
