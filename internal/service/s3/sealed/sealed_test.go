package sealed

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func seal(t testing.TB, k Key, content []byte, pieces int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := k.NewWriter(&out)
	for rest := content; len(rest) > 0; {
		n := min(pieces, len(rest))
		if m, err := w.Write(rest[:n]); m != n || err != nil {
			t.Fatal(m, err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func newKey(t testing.TB, b byte) Key {
	t.Helper()
	k, err := NewKey(bytes.Repeat([]byte{b}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealed(t *testing.T) {
	k := newKey(t, 1)
	for _, size := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3*chunkSize + 5} {
		content := make([]byte, size)
		for i := range content {
			content[i] = byte(i * 7 / 3)
		}
		there := seal(t, k, content, 1000)
		if len(content) > 100 && bytes.Contains(there, content[:50]) {
			t.Error("it is there to be read")
		}
		for _, from := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, size - 1} {
			for _, n := range []int{0, 1, 17, chunkSize, chunkSize + 2, size} {
				if from < 0 || from > size || from+n > size {
					continue
				}
				got, err := io.ReadAll(k.NewReader(bytes.NewReader(there), int64(from), int64(n)))
				if err != nil || !bytes.Equal(got, content[from:from+n]) {
					t.Errorf("%d bytes from %d of %d: got %d, %v", n, from, size, len(got), err)
				}
				var out bytes.Buffer
				if _, err := io.Copy(&out, k.NewReader(bytes.NewReader(there), int64(from), int64(n))); err != nil || !bytes.Equal(out.Bytes(), content[from:from+n]) {
					t.Errorf("%d bytes from %d of %d, copied: got %d, %v", n, from, size, out.Len(), err)
				}
			}
		}
	}
}

// What was changed, cut, or put in another place is no content.
func TestChanged(t *testing.T) {
	k := newKey(t, 1)
	content := bytes.Repeat([]byte("0123456789"), 20_000)
	there := seal(t, k, content, 1<<20)
	f := func(name string, k Key, there []byte) {
		t.Helper()
		if _, err := io.ReadAll(k.NewReader(bytes.NewReader(there), 0, int64(len(content)))); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f("another key", newKey(t, 2), there)
	f("cut", k, there[:len(there)-1])
	f("cut by a chunk", k, there[:2*(chunkSize+tagSize)])
	changed := bytes.Clone(there)
	changed[chunkSize/2] ^= 1
	f("a bit", k, changed)
	const c = chunkSize + tagSize
	f("chunks in another order", k, append(append(bytes.Clone(there[c:2*c]), there[:c]...), there[2*c:]...))
	if _, err := NewKey([]byte("short")); err == nil {
		t.Error("a short key is taken")
	}
}

// FuzzReader holds that what nobody sealed is never content, whatever it is.
func FuzzReader(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), int64(0), int64(1))
	f.Fuzz(func(t *testing.T, there []byte, from, size int64) {
		if from < 0 || size < 1 || size > 1<<30 || from > 1<<40 {
			return
		}
		if got, err := io.ReadAll(newKey(t, 1).NewReader(bytes.NewReader(there), from, size)); err == nil || len(got) > 0 {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
	})
}

func BenchmarkSealed(b *testing.B) {
	k, content := newKey(b, 1), make([]byte, 8<<20)
	there := seal(b, k, content, 1<<20)
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			w := k.NewWriter(io.Discard)
			w.Write(content)
			w.Close()
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			k.NewReader(bytes.NewReader(there), 0, int64(len(content))).WriteTo(io.Discard)
		}
	})
}
