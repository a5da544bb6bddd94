package checksum

import (
	"math/rand/v2"
	"testing"
)

func sum(a Algorithm, content []byte) string {
	h := a.New()
	h.Write(content)
	return Encode(h.Sum(nil))
}

// The sums are those that AWS answered.
func TestSum(t *testing.T) {
	f := func(a Algorithm, content, want string) {
		t.Helper()
		if got := sum(a, []byte(content)); got != want {
			t.Errorf("%s of %q = %s, want %s", a, content, got, want)
		}
	}
	f(CRC32, "something", "Cdox+w==")
	f(CRC32C, "test content 123", "fwuu0Q==")
	f(CRC64NVME, "aaa", "Rnr2/5P7Gsk=")
	f(CRC64NVME, "123456789", "rosUhgp5mIg=") // AE8B14860A799888 is the catalogue's check value
	f(SHA1, "", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=")
	f(SHA256, "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
}

// The checksum of the whole is the same in whatever parts it comes.
func TestWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	content := make([]byte, 10_000)
	for i := range content {
		content[i] = byte(r.Uint32())
	}
	for _, a := range []Algorithm{CRC32, CRC32C, CRC64NVME} {
		for range 20 {
			var parts []Part
			for rest := content; len(rest) > 0; {
				n := min(len(rest), r.IntN(4000))
				h := a.New()
				h.Write(rest[:n])
				parts = append(parts, Part{h.Sum(nil), int64(n)})
				rest = rest[n:]
			}
			if got, want := a.Whole(FullObject, parts), sum(a, content); got != want {
				t.Errorf("%s of %d parts = %s, want %s", a, len(parts), got, want)
			}
		}
	}
	h := CRC32C.New()
	h.Write([]byte("test content 123"))
	if got, want := CRC32C.Whole(Composite, []Part{{h.Sum(nil), 16}}), "sZB91Q==-1"; got != want {
		t.Errorf("composite of one part = %s, want %s", got, want)
	}
}
