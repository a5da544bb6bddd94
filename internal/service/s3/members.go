package s3

import (
	"reflect"

	"github.com/aloft-cloud/aloft/internal/service/s3/checksum"
)

// copyMembers sets the members of dst that src has too, by name and type, and
// that are not nil in src. Many shapes of S3 have the same members and no shape
// in common: an object's headers are in seven.
func copyMembers(dst, src any) {
	to, from := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	for f := range to.Type().Fields() {
		v := from.FieldByName(f.Name)
		if v.IsValid() && v.Type() == f.Type && v.Kind() == reflect.Pointer && !v.IsNil() {
			to.FieldByIndex(f.Index).Set(v)
		}
	}
}

// setSum sets the members of out that say the checksum s.
func setSum(out any, s sum) {
	if s.Algorithm == "" {
		return
	}
	v := reflect.ValueOf(out).Elem()
	v.FieldByName(s.Algorithm.Field()).Set(reflect.ValueOf(&s.Value))
	if t := v.FieldByName("ChecksumType"); t.IsValid() && s.Type != "" {
		t.Set(reflect.ValueOf(new(string(s.Type))))
	}
}

// sums returns the checksums that the members of in say.
func sums(in any) []sum {
	var found []sum
	v := reflect.ValueOf(in).Elem()
	for _, a := range checksum.All {
		if p := v.FieldByName(a.Field()).Interface().(*string); p != nil {
			found = append(found, sum{Algorithm: a, Value: *p})
		}
	}
	return found
}
