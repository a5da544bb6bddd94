package javatime

import (
	"testing"
	"time"
)

func TestFormat(t *testing.T) {
	at := time.Date(2020, 12, 31, 0, 5, 9, 123456789, time.FixedZone("X", 2*60*60))
	test := func(text, want string) {
		t.Helper()
		f, err := Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			return
		}
		if got := f.Format(at); got != want {
			t.Errorf("%q = %q, want %q", text, got, want)
		}
	}
	test("yyyy/MM/dd/HH/", "2020/12/31/00/")
	test("MMM MMMM EEEE a", "Dec December Thursday AM")
	test("kk KK hh h", "24 00 12 12")
	test("mm:ss.SSS", "05:09.123")
	test("YYYY-'W'ww-e Q", "2020-W53-4 4")
	test("XXX xx Z", "+02:00 +0200 +0200")
	test("''yyyy'it''s'", "'2020it's")
	for _, text := range []string{"b", "ddd", "yyyy'", "V", "{", "HHH"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) is no error", text)
		}
	}
}
