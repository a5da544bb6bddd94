package jx

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzValid(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2.5e-3,"x\u00e9\ud83d\ude00\n",true,false,null,{}],"b":{"c":[]}}`, ` 0 `, `-`, `01`, `1.`, `1e`, `"\ud800"`, `"\x"`,
		`[1,]`, `{"a":1,}`, `{"a"}`, `{,}`, `[,]`, `nul`, `truefalse`, `"` + "\x01" + `"`, `"é"`, "\xff", "\x00", `[}`, `{]`, "1\x00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := json.Valid([]byte(s))
		if !utf8.ValidString(s) {
			want = false // encoding/json lets such strings pass
		}
		if got := Valid(s); got != want && strings.Count(s, "[")+strings.Count(s, "{") < MaxDepth {
			t.Errorf("Valid(%q) = %v, want %v", s, got, want)
		}
	})
}

func FuzzString(f *testing.F) {
	f.Add("a\"\\\n\r\t\x00\x1f\x7fé😀\u2028\ufffd")
	f.Fuzz(func(t *testing.T, s string) {
		b := AppendString(nil, s)
		var want string
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("AppendString(%q) = %s: %v", s, b, err)
		}
		r := NewReader(string(b))
		if got := r.String(); got != want || r.End() != nil {
			t.Errorf("read %s as %q, want %q", b, got, want)
		}
		if want != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Errorf("AppendString(%q) = %s", s, b)
		}
	})
}

func TestString(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		r := NewReader(in)
		if got := r.String(); got != want || r.End() != nil {
			t.Errorf("String(%s) = %q, %v; want %q", in, got, r.Err(), want)
		}
	}
	f(`"plain"`, "plain")
	f(`"a\/b\"\\\b\f\n\r\tc"`, "a/b\"\\\b\f\n\r\tc")
	f(`"\u0041\u00e9\uD83D\uDE00!"`, "Aé😀!")
	f(`"\ud83d"`, "\ufffd")
	f(`"\ud83dx"`, "\ufffdx")
	f(`"\ud83d\u0041"`, "\ufffdA")
}

func TestInt(t *testing.T) {
	f := func(in string, bits int, want int64, ok bool) {
		t.Helper()
		r := NewReader(in)
		got := r.Int(bits)
		if err := r.End(); got != want || ok != (err == nil) {
			t.Errorf("Int(%s, %d) = %d, %v; want %d", in, bits, got, err, want)
		}
	}
	f("5", 32, 5, true)
	f("5.0", 32, 5, true)
	f("5e2", 32, 500, true)
	f("5.5", 32, 0, false)
	f("-2147483648", 32, math.MinInt32, true)
	f("2147483648", 32, 0, false)
	f("2147483648.0", 32, 0, false)
	f("9223372036854775807", 64, math.MaxInt64, true)
	f("9223372036854775808", 64, 0, false)
	f("1e300", 64, 0, false)
	f(`"5"`, 64, 0, false)
}

func TestWrongTypes(t *testing.T) {
	f := func(in string, read func(*Reader), want string) {
		t.Helper()
		r := NewReader(in)
		read(r)
		if err := r.End(); err == nil || err.Error() != want {
			t.Errorf("%s: got error %v, want %s", in, err, want)
		}
	}
	text := func(r *Reader) { _ = r.String() }
	f("23", text, "NUMBER_VALUE cannot be converted to String")
	f("34.56", text, "DECIMAL_VALUE cannot be converted to String")
	f("true", text, "TRUE_VALUE cannot be converted to String")
	f("[]", text, "Unrecognized collection type class java.lang.String")
	f("{}", text, "Start of structure or map found where not expected")
	f("!", text, "invalid JSON")
	f("", text, "invalid JSON")
	f(`"23"`, func(r *Reader) { r.Int(32) }, "STRING_VALUE cannot be converted to Integer")
	f("false", func(r *Reader) { r.Int(64) }, "FALSE_VALUE cannot be converted to Long")
	f(`"23"`, func(r *Reader) { r.Bool() }, "Unexpected token received from parser")
	f("23", func(r *Reader) { r.Bool() }, "NUMBER_VALUE cannot be converted to Boolean")
	f("1", func(r *Reader) { r.BeginArray() }, "Unexpected field type")
	f("{}", func(r *Reader) { r.BeginArray() }, "Start of structure or map found where not expected")
	f(`"x"`, func(r *Reader) { r.Float() }, "STRING_VALUE cannot be converted to Double")
}

func TestDepth(t *testing.T) {
	if !Valid(strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)) {
		t.Error("a value as deep as allowed is refused")
	}
	r := NewReader(strings.Repeat(`{"a":`, 1_000_000))
	r.Skip()
	if !errors.Is(r.Err(), ErrDepth) {
		t.Errorf("got %v, want %v", r.Err(), ErrDepth)
	}
}

// Loops over a broken text must end, whatever the caller does with errors.
func TestErrorsEndLoops(t *testing.T) {
	for _, s := range []string{`{"a":x,"b":1}`, `{"a"`, `{`, `{"a":1 "b":2}`} {
		r := NewReader(s)
		r.BeginObject()
		n := 0
		for r.More('}') {
			r.Key()
			r.Int(64)
			n++
		}
		if r.Err() == nil || n > 2 {
			t.Errorf("%s: error %v after %d members", s, r.Err(), n)
		}
	}
}

func TestAppendFloat(t *testing.T) {
	f := func(v float64, bits int, want string) {
		t.Helper()
		if got := string(AppendFloat(nil, v, bits)); got != want {
			t.Errorf("AppendFloat(%v, %d) = %s, want %s", v, bits, got, want)
		}
	}
	f(0, 64, "0")
	f(1, 64, "1")
	f(-2.5, 64, "-2.5")
	f(float64(float32(1.1)), 32, "1.1")
	f(123456789012345680, 64, "123456789012345680")
	f(1e21, 64, "1e+21")
	f(1e-7, 64, "1e-07")
	f(math.NaN(), 64, `"NaN"`)
	f(math.Inf(-1), 32, `"-Infinity"`)
}
