package store

import (
	"bytes"
	"cmp"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// A mixedKey has a field of each kind.
type mixedKey struct {
	ARN  aws.ARN
	Name string
	Int  int
	Tiny int8
	Uint uint16
	Bool bool
	At   time.Time
	Last struct{ Name string }
}

var mixedPlan = planKey(reflect.TypeFor[mixedKey]())

func encodeMixed(k mixedKey) []byte { return mixedPlan.append(nil, reflect.ValueOf(k)) }

// compareMixed compares as tables promise to.
func compareMixed(a, b mixedKey) int {
	flags := map[bool]int{true: 1}
	return cmp.Or(
		cmp.Compare(a.ARN.Account, b.ARN.Account),
		cmp.Compare(a.ARN.Region, b.ARN.Region),
		cmp.Compare(a.ARN.Service, b.ARN.Service),
		cmp.Compare(a.ARN.Resource, b.ARN.Resource),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Int, b.Int),
		cmp.Compare(a.Tiny, b.Tiny),
		cmp.Compare(a.Uint, b.Uint),
		cmp.Compare(flags[a.Bool], flags[b.Bool]),
		a.At.Compare(b.At),
		cmp.Compare(a.Last.Name, b.Last.Name),
	)
}

// Keys are in the order of their values, and say them exactly.
func FuzzKey(f *testing.F) {
	f.Add("a", "b", "c", 1, 2, int8(3), uint16(4), uint16(5), true, int64(6), int64(7))
	f.Add("a\x00", "a", "a\x00\xff", -1, 1, int8(-1), uint16(0), uint16(1), false, int64(-1), int64(1))
	f.Add("", "\x00", "\x01", math.MinInt, math.MaxInt, int8(0), uint16(0), uint16(0), false, int64(math.MinInt64), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, s1, s2, s3 string, n1, n2 int, tiny int8, u1, u2 uint16, flag bool, t1, t2 int64) {
		base := mixedKey{
			ARN:  aws.ARN{Service: s1, Region: s2, Account: s3, Resource: s1},
			Name: s2, Int: n1, Tiny: tiny, Uint: u1, Bool: flag, At: time.Unix(t1>>8, t1&0xff).UTC(),
		}
		base.Last.Name = s3
		keys := []mixedKey{base, base, base, base, base, base, base, {}}
		keys[1].ARN.Account = s1
		keys[2].ARN.Resource = s3
		keys[3].Name, keys[3].Int = s3, n2
		keys[4].Int, keys[4].Tiny = n2, -tiny
		keys[5].Uint, keys[5].Bool = u2, !flag
		keys[6].At = time.Unix(t2>>8, t2&0xff).UTC()
		for _, a := range keys {
			ea := encodeMixed(a)
			var back mixedKey
			if err := mixedPlan.decode(ea, reflect.ValueOf(&back).Elem()); err != nil || back != a {
				t.Fatalf("decode(encode(%v)) = %v, %v", a, back, err)
			}
			for _, b := range keys {
				eb := encodeMixed(b)
				if got, want := bytes.Compare(ea, eb), compareMixed(a, b); got != want {
					t.Fatalf("the keys of\n%v and\n%v compare %d, want %d:\n%q\n%q", a, b, got, want, ea, eb)
				}
				if !bytes.Equal(ea, eb) && bytes.HasPrefix(ea, eb) {
					t.Fatalf("key %q begins with another, %q", ea, eb)
				}
			}
		}
	})
}

// Bytes that are no key are refused, and a key has only one form.
func FuzzDecodeKey(f *testing.F) {
	f.Add(encodeMixed(mixedKey{Name: "a\x00b", Int: -1, At: time.Unix(1, 2)}))
	f.Add([]byte("a\x00\x01b\x00\xff\x00\x01"))
	f.Add([]byte("\x00\x02"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var k mixedKey
		if mixedPlan.decode(b, reflect.ValueOf(&k).Elem()) != nil {
			return
		}
		if got := encodeMixed(k); !bytes.Equal(got, b) {
			t.Errorf("%q decodes as %v, which encodes as %q", b, k, got)
		}
	})
}

func TestPrefix(t *testing.T) {
	arn := aws.ARN{Service: "s", Region: "r", Account: "1", Resource: "x"}
	bucket := aws.ARN{Service: "s3", Resource: "b"}
	at := time.Unix(0, 0)
	for _, test := range []struct {
		prefix mixedKey
		below  mixedKey
		want   bool
	}{
		{mixedKey{}, mixedKey{ARN: arn}, true},
		{mixedKey{ARN: aws.ARN{Account: "1"}}, mixedKey{ARN: arn, Name: "n"}, true},
		{mixedKey{ARN: aws.ARN{Account: "1", Region: "r"}}, mixedKey{ARN: arn, Name: "n"}, true},
		{mixedKey{ARN: aws.ARN{Account: "1", Service: "s"}}, mixedKey{ARN: arn}, false},
		{mixedKey{ARN: arn}, mixedKey{ARN: arn, At: at}, true},
		{mixedKey{ARN: bucket}, mixedKey{ARN: bucket, Name: "n"}, true},
		{mixedKey{ARN: arn, Name: "n"}, mixedKey{ARN: arn, Name: "no"}, false},
		{mixedKey{ARN: arn, Name: "n", Int: 1}, mixedKey{ARN: arn, Name: "n", Int: 1, Bool: true}, true},
		{mixedKey{ARN: arn, Name: "n", Int: 1}, mixedKey{ARN: arn, Name: "n", Int: 2}, false},
		{mixedKey{ARN: arn, At: at}, mixedKey{ARN: arn, At: at}, true},
	} {
		lo := mixedPlan.appendPrefix(nil, reflect.ValueOf(test.prefix))
		if got := (span{lo, after(lo)}).contains(encodeMixed(test.below)); got != test.want {
			t.Errorf("%v is under %v: %v, want %v", test.below, test.prefix, got, test.want)
		}
	}
}

func TestKeyTypes(t *testing.T) {
	for name, newTable := range map[string]func(){
		"unexported field": func() { NewTable[struct{ a string }, int]("t") },
		"float":            func() { NewTable[float64, int]("t") },
		"pointer":          func() { NewTable[*int, int]("t") },
		"no name":          func() { NewTable[string, int]("") },
		"NUL in name":      func() { NewTable[string, int]("a\x00b") },
		"pointer row":      func() { NewTable[string, *int]("t") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: made a table", name)
				}
			}()
			newTable()
		}()
	}
}

func TestAfter(t *testing.T) {
	for prefix, want := range map[string]string{"a": "b", "a\xff": "b", "a\xff\xff": "b", "ab": "ac", "a\xfe\xff": "a\xff"} {
		if got := after([]byte(prefix)); string(got) != want {
			t.Errorf("after(%q) = %q, want %q", prefix, got, want)
		}
	}
	if got := after([]byte("\xff\xff")); got != nil {
		t.Errorf("after(ff ff) = %q, want nil", got)
	}
}
