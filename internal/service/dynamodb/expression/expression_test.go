package expression

import (
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/jx"
)

func decode(t testing.TB, text string) item.Item {
	t.Helper()
	if text == "" {
		return nil
	}
	var it item.Item
	r := jx.NewReader(text)
	if err := it.DecodeJSON(r); err != nil || r.End() != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return it
}

var testNames = map[string]string{"#a": "a", "#b": "b", "#c": "c", "#d": "[3]", "#dot": "x.y"}

const testValues = `{":s":{"S":"a"},":n":{"N":"1"},":b":{"B":"YQ=="},":t":{"BOOL":true},":0":{"NULL":true},":ss":{"SS":["a"]},` +
	`":ns":{"NS":["1"]},":bs":{"BS":["YQ=="]},":m":{"M":{}},":l":{"L":[]},":two":{"N":"2"},":type":{"S":"NS"},":z":{"S":"z"}}`

func request(t testing.TB) *Request {
	t.Helper()
	r, err := new(Cache).NewRequest(testNames, decode(t, testValues))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// says reports whether err is a refusal in these words, or, if they end in …,
// in words that begin so.
func says(err error, want string) bool {
	if err == nil {
		return want == ""
	}
	got := aws.Refusal(err)
	if begin, ok := strings.CutSuffix(want, "…"); ok {
		return got.Code == "ValidationException" && strings.HasPrefix(got.Message, begin)
	}
	return got.Code == "ValidationException" && got.Message == want
}

func TestConditionRefused(t *testing.T) {
	f := func(want string, texts ...string) {
		t.Helper()
		for _, text := range texts {
			if _, err := request(t).Condition(FilterExpression, text); !says(err, "Invalid FilterExpression: "+want) {
				t.Errorf("%s\n got %v\nwant %s", text, err, want)
			}
		}
	}
	f("The expression can not be empty;", "")
	f("Syntax error; token: …", "things are not gonna be ok", "a > 4", "attribute_exists(Pictures-RearView)", `attribute_exists("Pictures.RearView")`,
		"attribute_exists(Pictures..RearView)", "attribute_exists(Pi#ctures.RearView)", "attribute_exists(asdf[a])", "a in b, c", "a > between",
		"a in b", "a in (b,c,)", "a in ()", "(a)between(b.(c.d))and(c)", "(a)between(b.c.d)and((c)", "#$.b > a", "a > :things.stuff", "b[:s] > a",
		"b[#_] > a", "ü > a", "(a)between(b.c[4.5].#d)and(:s)", "size(a).b > a", "(size(a)).b > a", "size(a)[0] > a", "(size(a))[0] > a",
		"a", ":s", "NOT a", "a AND :s", "a OR NOT :s", "a = :s OR NOT :s", "a = b = c", "(a = b", "a = b)", "  ", "_a = :s", "a.:s = b", "not", "a =")
	f(`Syntax error; token: "4", near: "> 4"`, "a > 4")
	f(`Syntax error; token: "<EOF>", near: "="`, "a  = ")
	f(`Syntax error; token: ":", near: "= : s"`, "a = : s")
	f(`Syntax error; token: "!", near: "!!"`, "!!! invalid")
	f(`Syntax error; token: "AND", near: "a AND b"`, "a AND b = :s")
	f("The expression has redundant parentheses;", "a=a and a > ((views))", "(a)between(((b.c)).d)and(c)", "a > whatever((:things), ((a)))",
		"a=a AND ((a=a AND a=a)) AND a=a", "a=a OR ((a=a OR a=a)) OR a=a", "a=a AND ((a=a AND (a=a AND a=a)))", "((a = b))")
	f("Invalid function name; function: whatever", "a=a and whatever((:things)) > a")
	f("Invalid function name; function: attRIbute_exIsts", "attRIbute_exIsts((views), #a)")
	const way = "The function is not allowed to be used this way in an expression; function: "
	f(way+"attribute_exists", "a=a and attribute_exists((views), (#a)) > b", "a between b and attribute_exists(things)", "a in (b, attribute_exists(things))")
	f(way+"contains", "contains(:things, c) > b", "size(contains(a, b)) > a")
	f(way+"size", "size(things)", "size(a) AND a=b", "NOT size(a)")
	f(way+"if_not_exists", "if_not_exists(a, b) = :s")
	f("Attribute name is a reserved keyword; reserved keyword: views", "attribute_exists(views, #a)")
	f("Attribute name is a reserved keyword; reserved keyword: abOrT", ":s < abOrT")
	const undefined = "An expression attribute name used in the document path is not defined; attribute name: "
	f(undefined+"#Pictures", "attribute_exists(#Pictures.RearView, :s) and a=a")
	f(undefined+"#RearView", "begins_with(Pictures.#RearView)")
	f(undefined+"#P", "(#P between :lo and :hi) and (#PC in (:cat1, :cat2))")
	f(undefined+"#_", "#_ > a")
	f("An expression attribute value used in expression is not defined; attribute value: :hello", "begins_with(:hello, #a, #b)")
	f("Incorrect number of operands for operator or function; operator or function: size, number of operands: 2", "size(things, a) > b")
	f("Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 3", "begins_with(things, size(a), b)")
	f("Operator or function requires a document path; operator or function: attribute_exists", "attribute_exists(:s) and a=a")
	f("The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]",
		"a = a AND #a = b AND :views > a", "((a=a) OR (a=a))")
	f("The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [ab, bc, [1], a]",
		"contains(ab.bc[1].a, ab.bc[1].#a)")
	f("Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", "attribute_type(a, :s)")
	f("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}", "a between :n and :s")
	f("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {S:z}, upper bound operand: AttributeValue: {S:a}", "a between :z and :s")
	f("The expression contains too many operators; operator count: 301", strings.Repeat("a<b or ", 150)+"a<b")
	f("The IN operator is provided with too many operands; number of operands: 101", "a in (b"+strings.Repeat(",b", 100)+")")
	f("Expression size has exceeded the maximum allowed size; expression size: 4097", strings.Repeat(" ", 4097))
	f("The document path has too many nesting levels; nesting levels: 33", "attribute_exists(a"+strings.Repeat(".a", 32)+")")
}

func TestConditionTypes(t *testing.T) {
	for _, c := range []struct{ text, function, types string }{
		{"attribute_type(a, %)", "attribute_type", "N B BOOL NULL L M SS NS BS"},
		{"begins_with(a, %)", "begins_with", "N BOOL NULL L M SS NS BS"},
		{"begins_with(%, a)", "begins_with", "N BOOL NULL L M SS NS BS"},
		{"size(%) > a", "size", "N BOOL NULL"},
		{"attribute_not_exists(size(%))", "size", "N"},
		{"a < %", "<", "BOOL NULL L M SS NS BS"},
		{"% >= a", ">=", "BOOL NULL L M SS NS BS"},
		{"a between % and b", "BETWEEN", "BOOL NULL L M SS NS BS"},
	} {
		for name := range strings.FieldsSeq(c.types) {
			ref := map[string]string{"S": ":s", "N": ":n", "B": ":b", "BOOL": ":t", "NULL": ":0", "L": ":l", "M": ":m", "SS": ":ss", "NS": ":ns", "BS": ":bs"}[name]
			text := strings.ReplaceAll(c.text, "%", ref)
			_, err := request(t).Condition(ConditionExpression, text)
			want := "Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: " + c.function + ", operand type: " + name
			if !says(err, want) {
				t.Errorf("%s\n got %v\nwant %s", text, err, want)
			}
		}
	}
}

const testItem = `{"s":{"S":"a"},"hello":{"S":"hello 😀"},"n":{"N":"1.0"},"b":{"B":"YWI="},"t":{"BOOL":true},"null":{"NULL":true},"ss":{"SS":["b","a"]},` +
	`"ns":{"NS":["1","2"]},"l":{"L":[{"S":"x"},{"N":"1"},{"L":[]}]},"m":{"M":{"k":{"S":"v"},"l":{"L":[{"N":"7"}]}}},"x.y":{"N":"5"}}`

func TestMatch(t *testing.T) {
	f := func(want bool, texts ...string) {
		t.Helper()
		for _, text := range texts {
			c, err := request(t).Condition(ConditionExpression, text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
			} else if got := c.Match(decode(t, testItem)); got != want {
				t.Errorf("%s is %v", text, got)
			}
		}
	}
	f(true, "s = :s", "n = :n", "t = :t", "ss <> :ss", ":s = s", "#dot > :n", "m.k < :z", "m.k > :s", "l[1] = :n", "(m).l[0] > n", "m.l[0] <> :l")
	f(true, "n < :two", "n <= :n", "n >= :n", "NOT n > :n", "nothing <> :s", "attribute_exists(m.l[0])", "attribute_not_exists(m.l[1])", "attribute_not_exists(s.a)")
	f(true, "begins_with(hello, s) OR begins_with(hello, :s) OR begins_with(b, :b)", "contains(ss, :s)", "contains(ns, :n)", "contains(l, :n)", "contains(l, :l)", "contains(b, :b)")
	f(true, "attribute_type(ns, :type)", "size(hello) = size(hello)", "size(ss) = :two", "size(m) = :two", "size(b) = :two", "n BETWEEN :n AND :two", "s IN (:z, :n, :s)")
	f(true, "NOT (s = :s AND n = :two)", "s = :s OR nothing = :s AND nothing = :s", "(s = :s OR n = :n) AND t = :t", "not not s = :s")
	f(false, "s = :n", "nothing = :s", "nothing < :s", "s < :n", "size(n) = :n", "size(nothing) = :n", "n between :z and :z", "l < m", "t < ss", "contains(n, :n)")
	f(false, "NOT attribute_exists(s)", "s IN (:z)", "nothing IN (:z)", "begins_with(n, s)", "attribute_type(nothing, :type)", "l[9] = :s", "l.k = :s", "m[0] = :s")
	c, _ := request(t).Condition(ConditionExpression, "size(hello) = size(l)")
	if c.Match(decode(t, `{"hello":{"S":"😀!"},"l":{"L":[{"N":"1"},{"N":"1"}]}}`)) || !c.Match(decode(t, `{"hello":{"S":"😀"},"l":{"L":[{"N":"1"},{"N":"1"}]}}`)) {
		t.Error("a string is not measured in UTF-16")
	}
}

func TestRequest(t *testing.T) {
	f := func(names map[string]string, values, want string) {
		t.Helper()
		r, err := new(Cache).NewRequest(names, decode(t, values))
		if err == nil {
			if _, err = r.Condition(ConditionExpression, "#a = :s OR a.#b = :s"); err == nil {
				err = r.CheckUsed()
			}
		}
		if !says(err, want) {
			t.Errorf("%v, %s: got %v, want %s", names, values, err, want)
		}
	}
	names := map[string]string{"#a": "a", "#b": "b"}
	f(names, `{":s":{"S":"a"}}`, "")
	f(map[string]string{}, "", "ExpressionAttributeNames must not be empty")
	f(map[string]string{"a": "a"}, "", `ExpressionAttributeNames contains invalid key: Syntax error; key: "a"`)
	f(names, `{}`, "ExpressionAttributeValues must not be empty")
	f(names, `{"s":{"S":"a"}}`, `ExpressionAttributeValues contains invalid key: Syntax error; key: "s"`)
	f(names, `{":s":{}}`, "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :s")
	f(names, `{":s":{"SS":[]}}`, "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string set  may not be empty for key :s")
	f(map[string]string{"#a": "a", "#b": "b", "#c": "c", "#d": "d"}, `{":s":{"S":"a"}}`, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#c, #d}")
	f(names, `{":s":{"S":"a"},":t":{"S":"a"}}`, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:t}")
}

func TestKeys(t *testing.T) {
	f := func(want string, texts ...string) {
		t.Helper()
		for _, text := range texts {
			c, err := request(t).Condition(KeyConditionExpression, text)
			if err == nil {
				_, err = c.Keys()
			}
			if !says(err, want) {
				t.Errorf("%s\n got %v\nwant %s", text, err, want)
			}
		}
	}
	f("", "a = :s", "a = :s AND b > :n", "(a = :s) AND (b BETWEEN :n AND :two)", ":s = a AND begins_with(b, :s)")
	const op = "Invalid operator used in KeyConditionExpression: "
	f(op+"OR", "a > b and size(b) > c or a > c")
	f(op+"IN", "a in (b, size(c), d)")
	f(op+"attribute_type", "attribute_type(a, :type)")
	f(op+"NOT", "not a > b")
	f(op+"<>", "a <> b")
	f("Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand", ":s between size(b) and size(a) and b > :z")
	f("Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand", "begins_with(:s, b) and a > :z")
	f("KeyConditionExpressions cannot contain nested operations", "size(b) > a AND a.b > b AND b > c", "a > size(b.d)", "a between size(b) and size(a)")
	f("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition", "b > a.b", "b between c[1] and d", "a between b and size(a)", "begins_with(a, b)")
	f("KeyConditionExpressions cannot have conditions on nested attributes", "b.d > a AND c.d > e.f", "a.d > c", "b[0] > a")
	f("Invalid condition in KeyConditionExpression: No key attribute specified", ":z > :s AND a < :z", ":s > b AND :s < :z")
	f("KeyConditionExpressions must only contain one condition per key", "b > :n AND b < :n and c = :n and d = :n", "(a > :n and b > :n) and (b > :n and c > :n)")
	c, _ := request(t).Condition(KeyConditionExpression, ":n < #b")
	if tests, err := c.Keys(); err != nil || len(tests) != 1 || tests[0].Attribute != "b" || tests[0].Operator != ">" || len(tests[0].Values) != 1 {
		t.Errorf("got %v, %v", tests, err)
	}
}
