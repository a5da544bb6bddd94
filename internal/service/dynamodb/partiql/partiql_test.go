package partiql

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
)

// show writes what a statement came to.
func show(s *Statement) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", s.Kind, s.Table)
	if s.Index != "" {
		fmt.Fprintf(&b, ".%s", s.Index)
	}
	for _, c := range s.Columns {
		fmt.Fprintf(&b, "; %s = %s", c.Name, c.Path)
	}
	if s.Update != "" {
		fmt.Fprintf(&b, "; %s", s.Update)
	}
	if s.Item != nil {
		fmt.Fprintf(&b, "; %s", s.Item)
	}
	for _, t := range s.Where {
		fmt.Fprintf(&b, "; %s", t.Text)
		if t.Test != nil {
			fmt.Fprintf(&b, " (%s %s %d)", t.Test.Attribute, t.Test.Operator, len(t.Test.Values))
		}
	}
	for _, o := range s.OrderBy {
		fmt.Fprintf(&b, "; by %s %t", o.Attribute, o.Descending)
	}
	if s.Returning != "" {
		fmt.Fprintf(&b, "; %s", s.Returning)
	}
	return b.String()
}

var statements = []struct{ text, want string }{
	{`SELECT * FROM t`, `Select t`},
	{`select a, "b c".d[2].e[0][1], a from "t".ix`, `Select t.ix; a = #n0; e[0][1] = #n1.#n2[2].#n3[0][1]`},
	{"-- all\nSELECT * FROM t /* of\nthem */ WHERE a = '--b' -- and no more", `Select t; #n0 = :v0 (a = 1)`},
	{`FROM t WHERE a = 1 SET b = 2 REMOVE c RETURNING ALL NEW *`, `Update t; SET #n1 = :v1 REMOVE #n2; #n0 = :v0 (a = 1); ALL NEW`},
	{`SELECT * FROM t WHERE a = .5e1 AND b = -.5`, `Select t; #n0 = :v0 (a = 1); #n1 = :v1 (b = 1)`},
	{`SELECT * FROM t WHERE Attribute_Exists(a.b) AND NOT attribute_not_exists("c")`, `Select t; attribute_exists(#n0.#n1); NOT (attribute_not_exists(#n2))`},
	{`SELECT * FROM t WHERE attribute_exists(a) = true AND contains(b, 'x') = false`, `Select t; attribute_exists(#n0); NOT (contains(#n1, :v0))`},
	{`SELECT * FROM t WHERE a IS STRING AND b IS NOT BOOL`, `Select t; attribute_type(#n0, :v0); NOT (attribute_type(#n1, :v1))`},
	{`SELECT * FROM t WHERE a = 'it''s' AND 5 < b`, `Select t; #n0 = :v0 (a = 1); :v1 < #n1 (b > 1)`},
	{`SELECT * FROM t WHERE a = 1 OR b != 2 AND c = 3`, `Select t; #n0 = :v0 OR (#n1 <> :v1 AND #n2 = :v2)`},
	{`SELECT * FROM t WHERE (a = 1 OR b = 2) AND c = -3`, `Select t; (#n0 = :v0 OR #n1 = :v1); #n2 = :v2 (c = 1)`},
	{`SELECT * FROM t WHERE ((a = 1)) AND NOT (b = 2 AND NOT c = 3)`, `Select t; #n0 = :v0 (a = 1); NOT (#n1 = :v1 AND NOT (#n2 = :v2))`},
	{`SELECT * FROM t WHERE (a = 1 AND b = 2) AND c BETWEEN 1 AND 2`, `Select t; #n0 = :v0 (a = 1); #n1 = :v1 (b = 1); #n2 BETWEEN :v2 AND :v3 (c BETWEEN 2)`},
	{`SELECT * FROM t WHERE a IN [1, 2] AND b.c IN ('x')`, `Select t; #n0 IN (:v0, :v1); #n1.#n2 IN (:v2)`},
	{`SELECT * FROM t WHERE a IS MISSING AND b IS NOT MISSING`, `Select t; attribute_not_exists(#n0); attribute_exists(#n1)`},
	{`SELECT * FROM t WHERE a IS NULL OR b IS NOT NULL`, `Select t; attribute_type(#n0, :v0) OR NOT (attribute_type(#n1, :v1))`},
	{`SELECT * FROM t WHERE begins_with(a, 'x') AND CONTAINS(b, 'y') AND size(c) > 3`,
		`Select t; begins_with(#n0, :v0) (a begins_with 1); contains(#n1, :v1); size(#n2) > :v2`},
	{`SELECT * FROM t WHERE a = 1 ORDER BY a, b DESC`, `Select t; #n0 = :v0 (a = 1); by a false; by b true`},
	{`INSERT INTO t VALUE {'a': 1, 'b': [true, null, <<'x', 'y'>>], 'c': {'d': 1e2}}`,
		`Insert t; {"a":{"N":"1"},"b":{"L":[{"BOOL":true},{"NULL":true},{"SS":["x","y"]}]},"c":{"M":{"d":{"N":"100"}}}}`},
	{`UPDATE t SET a = 1 SET b.c = b.c + 1, d = list_append(d, [2]) REMOVE e[0] WHERE k = 'x' RETURNING ALL NEW *`,
		`Update t; SET #n0 = :v0, #n1.#n2 = #n1.#n2 + :v1, #n3 = list_append(#n3, :v2) REMOVE #n4[0]; #n5 = :v3 (k = 1); ALL NEW`},
	{`UPDATE t SET a = set_add(a, <<1>>) SET b = set_delete(b, <<'x'>>) WHERE k = 1`, `Update t; ADD #n0 :v0 DELETE #n1 :v1; #n2 = :v2 (k = 1)`},
	{`DELETE FROM t WHERE k = 1 returning all old *`, `Delete t; #n0 = :v0 (k = 1); ALL OLD`},
	{`EXISTS(SELECT * FROM t WHERE k = 1)`, `Select t; #n0 = :v0 (k = 1)`},
}

func TestParse(t *testing.T) {
	for _, c := range statements {
		got, err := Parse(c.text, nil)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if show(got) != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, show(got), c.want)
		}
	}
}

func TestParameters(t *testing.T) {
	s, err := Parse(`SELECT * FROM t WHERE a = ? AND b = [?, {'c': ?}]`, []item.Value{item.String("x"), item.Null(), item.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{":v0":{"S":"x"},":v1":{"L":[{"NULL":true},{"M":{"c":{"BOOL":true}}}]}}`; s.Values.String() != want {
		t.Errorf("values %s, want %s", s.Values, want)
	}
	if v, i := s.Equal("a"); v.Text() != "x" || i != 0 {
		t.Errorf("a = %v at %d", v, i)
	}
}

func TestRefuse(t *testing.T) {
	const (
		malformed = "Statement wasn't well formed, can't be processed: "
		operands  = "Incorrect number of operands for operator or function; operator or function: "
	)
	for _, c := range []struct{ text, want string }{
		{``, malformed + "Expected data manipulation"},
		{`DROP TABLE t`, malformed + "Expected data manipulation"},
		{`SELECT * FROM t WHERE`, malformed + "Unexpected token: end of statement"},
		{`SELECT * FROM t; SELECT`, malformed + "Unexpected token"},
		{`SELECT * FROM t LIMIT 5`, malformed + "Unexpected token: LIMIT"},
		{`SELECT * FROM t WHERE f(a)`, malformed + "No such function: f"},
		{`SELECT * FROM t WHERE begins_with()`, operands + "begins_with, number of operands: 0"},
		{`SELECT * FROM t WHERE contains(a, 'x',)`, malformed + "Unexpected token: )"},
		{`SELECT * FROM t WHERE a = 'x`, malformed + "Unexpected token"},
		{`INSERT INTO t VALUE {'a': <<>>}`, malformed + "Set literals cannot be empty"},
		{`INSERT INTO t VALUE 5`, malformed + "Expected an item after VALUE"},
		{`UPDATE t SET a = 1`, malformed + "Unexpected token: end of statement"},
		{`SELECT * FROM t WHERE a = ?`, "Number of parameters in request and statement don't match."},
		{`SELECT * FROM t WHERE ` + strings.Repeat("(", 200) + "a = 1", malformed + "Statement is nested too deeply"},
		{`SELECT * FROM t WHERE a = ` + strings.Repeat("[", 200), malformed + "Statement is nested too deeply"},
		{`SELECT * FROM t WHERE a = ` + strings.Repeat("1", 9000), "Statement is longer than the maximum size of 8192 bytes"},
	} {
		_, err := Parse(c.text, nil)
		if err == nil {
			t.Errorf("%s: no error", c.text)
		} else if got := aws.Refusal(err).Message; got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
	if _, err := Parse(`SELECT * FROM t`, []item.Value{item.Null()}); err == nil {
		t.Error("a parameter too many: no error")
	}
}

var cache expression.Cache

// checkExpressions checks that the expressions in s are well formed.
func checkExpressions(t *testing.T, s *Statement) {
	t.Helper()
	r, err := cache.NewRequest(s.Names, s.Values)
	if err != nil {
		return // names that are too long
	}
	var texts []string
	for _, term := range s.Where {
		texts = append(texts, term.Text)
	}
	check := func(text string, err error) {
		if err != nil && (strings.Contains(err.Error(), "Syntax error") || strings.Contains(err.Error(), "redundant parentheses") ||
			strings.Contains(err.Error(), "not defined") || strings.Contains(err.Error(), "Invalid function name")) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if texts != nil {
		text := strings.Join(texts, " AND ")
		_, err = r.Condition(expression.ConditionExpression, text)
		check(text, err)
	}
	if s.Update != "" {
		_, err = r.Update(s.Update)
		check(s.Update, err)
	}
	for _, c := range s.Columns {
		_, err := r.Projection(c.Path)
		check(c.Path, err)
	}
}

// FuzzParse checks that every text is read or refused, and that what was read
// is well formed and refers only to what is there.
func FuzzParse(f *testing.F) {
	for _, c := range statements {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text, nil)
		if err != nil {
			if _, ok := errors.AsType[*aws.Error](err); !ok {
				t.Errorf("not a refusal: %v", err)
			}
			return
		}
		if s.Table == "" {
			t.Error("no table")
		}
		checkExpressions(t, s)
		for _, term := range s.Where {
			if term.Text == "" {
				t.Error("an empty term")
			}
			if term.Test != nil {
				for _, v := range term.Test.Values {
					if v == nil {
						t.Error("a test of no value")
					}
				}
			}
		}
	})
}
