package data

import (
	"slices"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/rds-data"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct{ sql, want, names string }{
		{"select :a, :b, :a", "select $1, $2, $1", "a b"},
		{"select ':a', \"b:c\", x::int, :d::text", "select ':a', \"b:c\", x::int, $1::text", "d"},
		{"select 'it''s :a' -- :b\n, :c", "select 'it''s :a' -- :b\n, $1", "c"},
		{"/* :a /* :b */ :c */ :d", "/* :a /* :b */ :c */ $1", "d"},
		{"select $$:a$$, $x$ :b $$ $x$, :c", "select $$:a$$, $x$ :b $$ $x$, $1", "c"},
		{"select E'\\':a', :b", "select E'\\':a', $1", "b"},
		{"select a[1:2], :n_1", "select a[1:2], $1", "n_1"},
		{"select tree$:a", "select tree$$1", "a"},
		{"select 'open :a", "select 'open :a", ""},
	} {
		got, names := postgresDialect.parse(tc.sql)
		if got != tc.want || strings.Join(names, " ") != tc.names {
			t.Errorf("parse(%q) = %q, %q, want %q, %q", tc.sql, got, names, tc.want, tc.names)
		}
	}
}

func TestMySQLStatement(t *testing.T) {
	q := &Query{SQL: "select :a, ':a', `:a`, \"\\\":a\" # :b\n, :b, :a, x'00' /* :b */", Parameters: []api.SqlParameter{
		{Name: new("a"), Value: &api.Field{StringValue: new("it's ?")}}, {Name: new("b"), Value: &api.Field{LongValue: new(int64(-1))}},
	}}
	got, err := mysqlStatement(q)
	if want := "select _utf8mb4 X'69742773203f', ':a', `:a`, \"\\\":a\" # :b\n, -1, _utf8mb4 X'69742773203f', x'00' /* :b */"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	for sql, want := range map[string]bool{"select 1": false, "select 1; ": false, "select ';' ;": false, "select 1; select 2": true} {
		if mysqlDialect.multiple(sql) != want {
			t.Errorf("%q has several statements: %t", sql, !want)
		}
	}
}

// What names no parameter is left as it is.
func FuzzParse(f *testing.F) {
	f.Add("select :a")
	f.Add("$$ $a$ 'x")
	f.Add("e'\\")
	f.Fuzz(func(t *testing.T, sql string) {
		for _, d := range []*dialect{&postgresDialect, &mysqlDialect} {
			if got, names := d.parse(sql); len(names) == 0 && got != sql {
				t.Errorf("parse(%q) = %q", sql, got)
			}
			d.multiple(sql)
		}
	})
}

func TestArray(t *testing.T) {
	q := new(Query)
	f, err := q.array(text, `{a,"b \"c\"",NULL,"NULL"}`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range f.ArrayValue.StringValues {
		got = append(got, aws.Or(v, "-"))
	}
	if want := []string{"a", `b "c"`, "-", "NULL"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if f, err = q.array(long, "[0:1]={{1,2},{3,4}}"); err != nil || len(f.ArrayValue.ArrayValues) != 2 || *f.ArrayValue.ArrayValues[1].LongValues[0] != 3 {
		t.Errorf("got %v, %v", f, err)
	}
}

// An array is read, or refused.
func FuzzArray(f *testing.F) {
	f.Add("{1,2}")
	f.Add(`{"a\\`)
	f.Fuzz(func(t *testing.T, s string) { new(Query).array(text, s) })
}
