package expression

import (
	"testing"

	"github.com/aloft-cloud/aloft/internal/item"
)

func TestUpdateRefused(t *testing.T) {
	f := func(want string, texts ...string) {
		t.Helper()
		for _, text := range texts {
			if _, err := request(t).Update(text); !says(err, "Invalid UpdateExpression: "+want) {
				t.Errorf("%s\n got %v\nwant %s", text, err, want)
			}
		}
	}
	f("The expression can not be empty;", "")
	f("Syntax error; token: …", "whatever", "set a", "add a", "delete a", "set a=set", "remove a = b", "add a = b", "delete a = b", "delete a b",
		"delete a if_not_exist(b)", "add abort b", "add a if_not_exist(b)", "remove a b", "set a b", "set :s = b", "add :s b", "delete :s b", "remove :s",
		"set a = b / c", "set a = b * c", `set a[1] = "eight"`, "set a[1] = 1", "SET a = if_not_exist(a, 100)", "SET if_not_exist(a, b) = a",
		"set (a = (b + c))", "set a = (b.c).d + e", "set a = (b.c)[0] + e", "set a = b + c + d", "set a[#xyz] = :s", "SET _123 = :s", "SET 1a = :s", "set a = (b + c) + d", ";")
	f(`Syntax error; token: "INVALID", near: "INVALID SYNTAX"`, "INVALID SYNTAX HERE")
	f(`Syntax error; token: ":", near: "hits : incr"`, "ADD hits : incr")
	f(`Syntax error; token: "<EOF>", near: ","`, "SET a = :s, ")
	f(`Syntax error; token: "_", near: "SET _123"`, "SET _123 = :s")
	f("Attribute name is a reserved keyword; reserved keyword: abOrt", " set #zz = :zz set abOrt = true ")
	f("Invalid function name; function: if_not_exist", "set #zz = if_not_exist(:zz) set c = d")
	f("The function is not allowed to be used this way in an expression; function: list_append", "SET a = list_append(list_append(:l, :l), :l)")
	f("The function is not allowed to be used this way in an expression; function: size", "SET a = size(b)")
	f(`The "SET" section can only be used once in an update expression;`, "set a = #zz set c = :zz")
	f(`The "DELETE" section can only be used once in an update expression;`, "delete #zz :e set a = b delete #e :f")
	f("An expression attribute name used in the document path is not defined; attribute name: #zz", "SET #zz = if_not_exists(:c)")
	f("An expression attribute value used in expression is not defined; attribute value: :zz", "SET #a = if_not_exists(:zz)")
	const rewrite = "; must remove or rewrite one of these paths; path one: "
	f("Two document paths overlap with each other"+rewrite+"[c, [1], a], path two: [c]", "set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)")
	f("Two document paths overlap with each other"+rewrite+"[c, [3], [3]], path two: [c, [3]]", "set #c[3].#d = a, #c[3] = a")
	f("Two document paths conflict with each other"+rewrite+"[c, [3], [3]], path two: [c, [3], [3]]", "set #c[3].#d = a, #c.#d[3] = if_not_exists(a)")
	f("Two document paths conflict with each other"+rewrite+"[a, c], path two: [a, [1]]", "remove a.#c set a[1] = #d")
	f("Incorrect operand type for operator or function; operator: ADD, operand type: STRING", "set b = list_append(:s, a), c = if_not_exists(a) add a.b :s")
	f("Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER", "delete a.b :n")
	f("Incorrect operand type for operator or function; operator: ADD, operand type: BOOLEAN", "add a.b :t")
	f("Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1", "set a = if_not_exists(c)")
	f("Operator or function requires a document path; operator or function: if_not_exists", "set a = if_not_exists(:s, c)", "set a = if_not_exists(if_not_exists(a, b), c)")
	f("Incorrect operand type for operator or function; operator or function: list_append, operand type: S", "set a = list_append(:s, a)")
	f("Incorrect operand type for operator or function; operator or function: +, operand type: S", "set a = a + :s")
	f("Incorrect operand type for operator or function; operator or function: -, operand type: B", "set a = :b - a")
}

func TestUpdate(t *testing.T) {
	f := func(it, text, want string) {
		t.Helper()
		u, err := request(t).Update(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		got, err := u.Apply(decode(t, it), true)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if !got.Equal(decode(t, want)) {
			t.Errorf("%s of %s\n got %s\nwant %s", text, it, got, want)
		}
	}
	f(`{}`, "set a = :s", `{"a":{"S":"a"}}`)
	f(`{"a":{"N":"5"}}`, "SET a = a + :n, b = a REMOVE c", `{"a":{"N":"6"},"b":{"N":"5"}}`)
	f(`{"a":{"N":"5"}}`, "remove a set c = a", `{"c":{"N":"5"}}`)
	f(`{"a":{"N":"5"}}`, "SET a = if_not_exists(a, :n) - :two, b = if_not_exists(b, if_not_exists(c, :n)), c = (:n + :two)", `{"a":{"N":"3"},"b":{"N":"1"},"c":{"N":"3"}}`)
	f(`{"a":{"L":[{"N":"1"}]}}`, "SET a = list_append(a, if_not_exists(b, a))", `{"a":{"L":[{"N":"1"},{"N":"1"}]}}`)
	f(`{"a":{"M":{"x":{"N":"3"},"y":{"N":"4"},"c":{"M":{}}}},"b":{"M":{"x":{"N":"1"},"y":{"N":"2"}}}}`,
		"SET a.b = :n, a.c.d = :s, b.x = :two REMOVE a.x, b.y", `{"a":{"M":{"y":{"N":"4"},"b":{"N":"1"},"c":{"M":{"d":{"S":"a"}}}}},"b":{"M":{"x":{"N":"2"}}}}`)
	six := `{"a":{"L":[{"N":"2"},{"N":"3"},{"N":"4"},{"N":"5"},{"N":"6"}]}}`
	f(six, "REMOVE a[1], a[9] SET a[3] = :s", `{"a":{"L":[{"N":"2"},{"N":"4"},{"S":"a"},{"N":"6"}]}}`)
	f(`{"a":{"L":[]}}`, "SET a[84] = :n, a[37] = :two, a[17] = :s", `{"a":{"L":[{"S":"a"},{"N":"2"},{"N":"1"}]}}`)
	f(`{"a":{"L":[{"M":{"q":{"L":[{"N":"1"}]}}}]}}`, "remove a[0].q[0]", `{"a":{"L":[{"M":{"q":{"L":[]}}}]}}`)
	f(`{"n":{"N":"1.5"},"s":{"SS":["b"]},"d":{"SS":["a","b"]},"e":{"SS":["a"]}}`, "ADD n :n, s :ss, m :two, t :ns DELETE d :ss, e :ss, f :ss",
		`{"n":{"N":"2.5"},"s":{"SS":["a","b"]},"m":{"N":"2"},"t":{"NS":["1"]},"d":{"SS":["b"]}}`)
	f(`{"x":{"N":"1"}}`, "SET #dot = :n", `{"x":{"N":"1"},"x.y":{"N":"1"}}`)
}

func TestUpdateFails(t *testing.T) {
	f := func(it, text, want string) {
		t.Helper()
		u, err := request(t).Update(text)
		if err == nil {
			_, err = u.Apply(decode(t, it), true)
		}
		if !says(err, want) {
			t.Errorf("%s of %s\n got %v\nwant %s", text, it, err, want)
		}
	}
	f(`{}`, "SET a = b", errMissing)
	f(`{}`, "SET a = b + :n", errMissing)
	f(`{"b":{"S":"x"}}`, "SET a = b + :n", errType)
	f(`{"b":{"S":"x"}}`, "SET a = list_append(:l, b)", errType)
	f(`{"b":{"S":"x"}}`, "ADD b :n", errType)
	f(`{"b":{"S":"x"}}`, "DELETE b :ss", errType)
	f(`{"b":{"S":"x"}}`, "SET b.c = :n", errPath)
	f(`{"b":{"L":[]}}`, "SET b.c = :n", errPath)
	f(`{"b":{"L":[]}}`, "SET b[0].c = :n", errPath)
	f(`{"b":{"M":{}}}`, "SET b[0] = :n", errPath)
	f(`{}`, "REMOVE b.c", errPath)
	f(`{"b":{"N":"9e125"}}`, "SET a = b + b", "Number overflow. Attempting to store a number with magnitude larger than supported range")
	u, _ := request(t).Update("REMOVE x.y, z[0]")
	if got, err := u.Apply(item.Empty, false); err != nil || got.Len() != 0 {
		t.Errorf("removing from no item: %s, %v", got, err)
	}
}

func TestProjection(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		p, err := request(t).Projection(text)
		if err != nil {
			if !says(err, "Invalid ProjectionExpression: "+want) {
				t.Errorf("%s\n got %v\nwant %s", text, err, want)
			}
			return
		}
		if got := p.Apply(decode(t, testItem)).String(); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	f("s, n", `{"n":{"N":"1"},"s":{"S":"a"}}`)
	f("nothing, s.x, l[7], m[0]", "{}")
	f("m.l[0], #dot", `{"m":{"M":{"l":{"L":[{"N":"7"}]}}},"x.y":{"N":"5"}}`)
	f("l[2], l[0], l[9]", `{"l":{"L":[{"S":"x"},{"L":[]}]}}`)
	f("", "The expression can not be empty;")
	f("a,", `Syntax error; token: "<EOF>", near: ","`)
	f("!!! INVALID !!!", `Syntax error; token: "!", near: "!!"`)
	f("a, abort", "Attribute name is a reserved keyword; reserved keyword: abort")
	f("a, #zz", "An expression attribute name used in the document path is not defined; attribute name: #zz")
	f("a.b, #a", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]")
	f("a.b, a[1]", "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]")
	f("a[99999999999999]", "List index is not within the allowable range; index: [99999999999999]")
}

// FuzzExpressions: nothing panics, what is refused is refused as a validation
// error, and what is applied gives an item that can be read back.
func FuzzExpressions(f *testing.F) {
	for _, s := range []string{
		"#a = :s AND (a.b[0] < :n OR NOT contains(l, :s))", "a BETWEEN :n AND :two", "size(ss) IN (:n, :two)", "a in (b, (c))",
		"SET a = if_not_exists(a, :n) + :n, l[1] = :s REMOVE m.k ADD n :n DELETE ss :ss", "SET m.l[0] = list_append(l, :l)", "a.b[3].#c, d",
	} {
		f.Add(s)
	}
	it := decode(f, testItem)
	f.Fuzz(func(t *testing.T, text string) {
		r := request(t)
		if c, err := r.Condition(FilterExpression, text); err == nil {
			c.Match(it)
			c.Match(nil)
			c.Attributes()
			if _, err := c.Keys(); err != nil && !says(err, "…") {
				t.Errorf("%q: %v", text, err)
			}
		} else if !says(err, "Invalid FilterExpression: …") {
			t.Errorf("%q: %v", text, err)
		}
		if p, err := r.Projection(text); err == nil {
			if got := p.Apply(p.Apply(it)); got.Err() != nil {
				t.Errorf("%q: %v", text, got.Err())
			}
		} else if !says(err, "Invalid ProjectionExpression: …") {
			t.Errorf("%q: %v", text, err)
		}
		u, err := r.Update(text)
		if err != nil {
			if !says(err, "Invalid UpdateExpression: …") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		u.Attributes()
		got, err := u.Apply(it, true)
		if err != nil {
			if !says(err, "…") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if back := decode(t, got.String()); !back.Equal(got) {
			t.Errorf("%q makes %s, which reads as %s", text, got, back)
		}
	})
}

func BenchmarkCondition(b *testing.B) {
	it := decode(b, testItem)
	cache, values := new(Cache), decode(b, `{":s":{"S":"a"},":n":{"N":"1"}}`)
	b.ReportAllocs()
	for b.Loop() {
		r, _ := cache.NewRequest(nil, values)
		c, _ := r.Condition(ConditionExpression, "attribute_exists(s) AND n >= :n AND s = :s")
		if r.CheckUsed() != nil || !c.Match(it) {
			b.Fatal("no match")
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	it := decode(b, testItem)
	cache, values := new(Cache), decode(b, `{":n":{"N":"1"}}`)
	b.ReportAllocs()
	for b.Loop() {
		r, _ := cache.NewRequest(nil, values)
		u, _ := r.Update("SET n = n + :n")
		if _, err := u.Apply(it, true); err != nil {
			b.Fatal(err)
		}
	}
}
