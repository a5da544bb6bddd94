package kms

import "testing"

// FuzzCiphertext reads what nobody made: whatever it says of itself stays within it.
func FuzzCiphertext(f *testing.F) {
	f.Add([]byte{})
	f.Add(append([]byte{ciphertextVersion, 49}, "000000000000/00000000-0000-0000-0000-000000000000and more bytes than a material's id has"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, ok := parseCiphertext(b)
		if ok && (len(o.header)+len(o.sealed) != len(b) || !idForm.MatchString(o.id)) {
			t.Errorf("%x is read as %+v", b, o)
		}
	})
}
