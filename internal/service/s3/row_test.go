package s3

import (
	"reflect"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/store"
)

func TestRow(t *testing.T) {
	f := func(o object) {
		t.Helper()
		b, err := o.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got object
		if err := got.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(got, o) {
			t.Errorf("a row of %+v reads as %+v, %v", o, got, err)
		}
		for i := range b {
			var part object
			_ = part.UnmarshalBinary(b[:i]) // must not panic
		}
	}
	f(object{Modified: time.Unix(0, 0).UTC()})
	f(object{Version: "null", Seq: 1 << 60, Marker: true, Modified: time.Unix(-5, 0).UTC()})
	f(object{
		Version: "v", Seq: 3, Modified: time.Unix(1800000000, 0).UTC(), Size: 5 << 40, ETag: "e",
		Sum: sum{"CRC32", "AAAAAA==", "FULL_OBJECT"}, Body: store.Body{ID: "f00", Size: 7}, Upload: "u", Parts: 10_000, Class: "GLACIER_IR",
		Headers:  headers{ContentType: new("text/plain"), Expires: new("")},
		Metadata: map[string]string{"a": "\xff", "b": ""}, Tags: []api.Tag{{Key: "k", Value: "v"}, {Key: "l"}},
		More: &more{Restored: time.Unix(1900000000, 0).UTC()},
	})
}

// Every field of an object is in its row.
func TestRowHasAllFields(t *testing.T) {
	if got, want := reflect.TypeFor[object]().NumField(), 15+3; got != want {
		t.Errorf("an object has %d fields and its row %d: its expires, wish and replica are not kept: add what else is new to AppendBinary and UnmarshalBinary", got, want)
	}
	if got, want := reflect.TypeFor[headers]().NumField(), len(new(headers).all()); got != want {
		t.Errorf("there are %d headers and %d in rows", got, want)
	}
}

// A row that is none is an error, not a panic.
func FuzzRow(f *testing.F) {
	b, _ := object{Version: "v", Metadata: map[string]string{"a": "b"}, Headers: headers{ContentType: new("t")}}.AppendBinary(nil)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var o object
		if o.UnmarshalBinary(b) != nil {
			return
		}
		again, err := o.AppendBinary(nil)
		var p object
		if err != nil || p.UnmarshalBinary(again) != nil || !reflect.DeepEqual(o, p) {
			t.Errorf("%x reads as %+v and then as %+v", b, o, p)
		}
	})
}
