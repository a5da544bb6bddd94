package jsonata

import (
	"errors"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/tree"
)

const shop = `{"order":{"id":"o1","items":[{"sku":"a","price":10.5,"qty":2,"tags":["x","y"]},{"sku":"b","price":3,"qty":1},{"sku":"c","price":8,"qty":5,"tags":["y"]}],"note":null},"big":9007199254740993,"list":[3,1,2]}`

func run(t *testing.T, expr string, input tree.Value) string {
	t.Helper()
	p, err := Parse(expr)
	if err != nil {
		return err.Error()
	}
	v, err := p.Eval(testEnv(input, nil))
	switch {
	case err != nil:
		return err.Error()
	case v == Undefined:
		return "undefined"
	}
	return tree.String(v)
}

func TestEval(t *testing.T) {
	input, err := tree.ParseString(shop)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ expr, want string }{
		// Paths and predicates.
		{`order.items.sku`, `["a","b","c"]`},
		{`order.items[0].sku`, `"a"`},
		{`order.items[-1].sku`, `"c"`},
		{`order.items[price > 5].sku`, `["a","c"]`},
		{`order.items[sku = "b"].qty`, `1`},
		{`order.items[sku = "b"].qty[]`, `[1]`},
		{`order.items.tags`, `["x","y","y"]`},
		{`order.items.(price * qty)`, `[21,3,40]`},
		{`$sum(order.items.(price * qty))`, `64`},
		{`order.items.{sku: qty}`, `[{"a":2},{"b":1},{"c":5}]`},
		{`order.items{sku: qty}`, `{"a":2,"b":1,"c":5}`},
		{`order.items^(>price).sku`, `["a","c","b"]`},
		{`order.items#$i[$i > 0].sku`, `["b","c"]`},
		{`order.items@$p.{"sku": $p.sku, "of": id}`, `[{"sku":"a","of":"o1"},{"sku":"b","of":"o1"},{"sku":"c","of":"o1"}]`},
		{`(order.items.{"sku": sku, "of": %.id})[0]`, `{"sku":"a","of":"o1"}`},
		{`order.nothing`, `undefined`},
		{`order.note`, `null`},
		{`**.sku`, `["a","b","c"]`},
		{`order.*.sku`, `["a","b","c"]`},
		// Numbers keep their digits as long as nothing is computed with them, and whole ones beyond.
		{`big`, `9007199254740993`},
		{`big + 1`, `9007199254740994`},
		{`order.items[0].price`, `10.5`},
		{`1e21`, `1e+21`},
		{`0.1 + 0.2`, `0.30000000000000004`},
		{`$string(0.1 + 0.2)`, `"0.3"`},
		{`[1/0, -1/0]`, `["Infinity","-Infinity"]`},
		{`7 % 4 & "!"`, `"3!"`},
		// Functions.
		{`$map(list, function($v, $i) { $v * $i })`, `[0,1,4]`},
		{`$filter(list, function($v) { $v > 1 })`, `[3,2]`},
		{`$reduce(list, function($a, $b) { $a + $b })`, `6`},
		{`list ~> $sort() ~> $join2()`, `T1006: Attempted to invoke a non-function`},
		{`$join($map(list, $string), "-")`, `"3-1-2"`},
		{`($f := function($n) { $n <= 1 ? 1 : $n * $f($n - 1) }; $f(10))`, `3628800`},
		{`($f := function($n, $a) { $n = 0 ? $a : $f($n - 1, $a + 1) }; $f(20000, 0))`, `20000`},
		{`$substringBefore("a.b.c", ".")`, `"a"`},
		{`$replace("John Smith", /(\w+)\s(\w+)/, "$2, $1")`, `"Smith, John"`},
		{`$match("ab12", /[a-z]+(\d)/).groups`, `["1"]`},
		{`$split("a, b", ", ")`, `["a","b"]`},
		{`$fromMillis(1510067557121)`, `"2017-11-07T15:12:37.121Z"`},
		{`$fromMillis(1510067557121, "[D1o] [MNn] [Y0001]", "+0200")`, `"7th November 2017"`},
		{`$toMillis("2017-11-07T15:07:54.972Z")`, `1510067274972`},
		{`$now()`, `"2026-11-28T12:00:00.000Z"`},
		{`$formatNumber(12345.6, "#,###.00")`, `"12,345.60"`},
		{`$formatInteger(2789, "w")`, `"two thousand, seven hundred and eighty-nine"`},
		{`order ~> |items|{"total": price * qty}, ["tags", "price"]| ~> $lookup("items")`, `[{"sku":"a","qty":2,"total":21},{"sku":"b","qty":1,"total":3},{"sku":"c","qty":5,"total":40}]`},
		{`$merge([{"a":1},{"b":2}])`, `{"a":1,"b":2}`},
		{`nothing ?? 5`, `5`},
		{`0 ?: 5`, `5`},
		// What Step Functions adds, and takes away.
		{`$partition([1,2,3,4,5], 2)`, `[[1,2],[3,4],[5]]`},
		{`$range(0, 10, 3)`, `[0,3,6,9]`},
		{`$hash("input data", "SHA-1")`, `"aaff4a450a104cd177d28d18d74485e8cae074b7"`},
		{`$uuid()`, `"1b4e28ba-2fa1-41d2-883f-0016d3cca427"`},
		{`$parse('{"b":1.50,"a":[2]}')`, `{"b":1.50,"a":[2]}`},
		{`$random(3) = $random(3)`, `true`},
		{`$eval("1+1")`, `T1006: Attempted to invoke a non-function`},
		// Refusals.
		{`1 +`, `S0207: Unexpected end of expression`},
		{`a[1,2)`, `S0202: Expected "]", got ","`},
		{`"unterminated`, `S0101: String literal must be terminated by a matching quote`},
		{`{"a":}`, `S0211: The symbol "}" cannot be used as a unary operator`},
		{`$match("a", /abc`, `S0302: No terminating / in regular expression`},
		{`"a" + 1`, `T2001: The left side of the "+" operator must evaluate to a number`},
		{`$sum("x")`, `T0412: Argument 1 of function "sum" must be an array of "numbers"`},
		{`substr("x")`, `T1006: Attempted to invoke a non-function`},
		{`length("x")`, `T1005: Attempted to invoke a non-function. Did you mean $length?`},
		{`$error("my words")`, `D3137: my words`},
		{`$length(1)`, `T0410: Argument 1 of function "length" does not match function signature`},
	} {
		if got := run(t, c.expr, input); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.expr, got, c.want)
		}
	}
	if tree.String(input) != shop {
		t.Errorf("the input has changed: %s", tree.String(input))
	}
}

func TestFunctionAsResult(t *testing.T) {
	p, err := Parse(`function($x) { $x }`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Eval(testEnv(Undefined, nil)); !errors.Is(err, ErrFunction) {
		t.Errorf("got %v", err)
	}
}

// However it is put, an expression ends, and soon.
func TestBounds(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{`($f := function() { $f() }; $f())`, "U1002"},
		{`($f := function($x) { 1 + $f($x) }; $f(1))`, "U1001"},
		{`[1..900000]`, "D2014"},
		{`($s := function($t, $n) { $n = 0 ? $t : $s($t & $t, $n - 1) }; $s("0123456789", 40))`, "U1003"},
		{`$pad("x", 1000000000)`, "U1003"},
		{`($d := function($l, $n) { $n = 0 ? $l : $d($append($l, $l), $n - 1) }; $d([1..1000], 40))`, "U1003"},
		{strings.Repeat("(", 2000), "U1001"},
		{`[1..800000].[1..100]`, "U1003"},
	} {
		got := run(t, c.expr, Undefined)
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%.80s: got %.80s, want %s", c.expr, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{`phone`, `Reference to 'phone' at the top level is not supported.`},
		{`$uppercase(name)`, `Reference to 'name' at the top level is not supported.`},
		{`$states.input.phone`, ``},
		{`$x.{"a": b}`, ``},
		{`$x[price > 5]`, ``},
		{`$map($x, function($v) { $v.name })`, ``},
		{`$map($x, function($v) { name })`, `Reference to 'name' at the top level is not supported.`},
		{`$`, `Reference to '$' at the top level is not supported.`},
		{`$x ~> |$|{"a": b}|`, ``},
		{`$$`, `Reference to '$$' is not supported.`},
	} {
		p, err := Parse(c.expr)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.Check(), " "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.expr, got, c.want)
		}
	}
}

func TestVariables(t *testing.T) {
	p, err := Parse(`($a := 1; $map($list, function($v) { $v + $a + $b })) & $string($states.input)`)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.Variables(), " "); got != "list b states" {
		t.Errorf("got %s", got)
	}
}

// Whatever parses is evaluated within bounds, to JSON or a refusal with a code,
// and leaves its input as it was.
func FuzzEval(f *testing.F) {
	for _, s := range []string{
		`order.items[price > 5].{sku: qty}`, `$map(list, function($v, $i)<nn:n> { $v * $i })`, `order.items^(>price, sku)#$i[$i<2]@$x.%.id`,
		`$formatNumber(-12345.6, "#,##0.00;(0%)")`, `$toMillis("3 March 2018", "[D] [MNn] [Y]")`, `$replace("abc", /(a)|b/i, "$1$$")`,
		`|order|{"a":1},["note"]|`, `$fromMillis(0, "[Y][W][w][X][x][F][PN][z]", "-0530")`, `[1..5] ~> $sum ~> $string`, `$parseInteger("twelve", "w")`,
		`$formatInteger(12, "I;o")`, `"\u00e9" & 'x'`, "`a b`.**.*[0][]", `$sift({"a":1}, function($v){$v>0})`, `a ?? b ?: c ? d : e`,
	} {
		f.Add(s)
	}
	input, _ := tree.ParseString(shop)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Parse(s)
		if err != nil {
			return
		}
		p.Check()
		p.Variables()
		v, err := p.Eval(testEnv(input, nil))
		var e *Error
		if err != nil && !errors.Is(err, ErrFunction) && (!errors.As(err, &e) || messages[e.Code] == "") {
			t.Fatalf("%s: %v", s, err)
		}
		if err == nil && v != Undefined {
			if _, err := tree.ParseString(tree.String(v)); err != nil {
				t.Fatalf("%s gives %s: %v", s, tree.String(v), err)
			}
		}
		if tree.String(input) != shop {
			t.Fatalf("%s changed its input", s)
		}
	})
}
