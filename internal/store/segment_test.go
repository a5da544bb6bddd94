package store

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// written returns a segment of frames, the first of which begins with the batch
// of that number, and where its frames end.
func written(h header, first uint64, frames ...[]string) (text []byte, ends []int) {
	text = h.append(nil)
	for _, f := range frames {
		from := len(text)
		text = append(text, make([]byte, frameBytes)...)
		for _, batch := range f {
			text = append(text, 0, 0, 0, byte(len(batch)))
			text = append(text, batch...)
		}
		h.finish(text[from:], first)
		first += uint64(len(f))
		ends = append(ends, len(text))
	}
	return text, ends
}

// readAll returns what a segment has, as it was written, and whether something
// that is newer than what could be read is there.
func readAll(text []byte) (batches []string, corrupt bool, err error) {
	h, found, err := parseHeader(text)
	if err != nil || !found {
		return nil, false, err
	}
	next := uint64(1)
	end, err := h.read(text, func(f frame) error {
		if f.first != next {
			return fmt.Errorf("batch %d, want %d", f.first, next)
		}
		for _, b := range f.batches {
			batches = append(batches, string(b))
		}
		next += uint64(len(f.batches))
		return nil
	})
	return batches, h.newest(text[end:]) >= next, err
}

var testFrames = [][]string{{"a"}, {"bc", ""}, {"def"}, {"g", "h", "i"}}

// A segment reads as it was written, however much of it is there; what was in
// the file before does not count.
func TestSegmentCut(t *testing.T) {
	h := newHeader(7)
	before, _ := written(newHeader(3), 1, []string{"old", "older"}, []string{"much that was there before, and longer than what comes"})
	text, ends := written(h, 1, testFrames...)
	for n := headerBytes; n <= len(text); n++ {
		for _, rest := range [][]byte{nil, make([]byte, 100), before[min(n, len(before)):]} {
			var want []string
			there := append(text[:n:n], rest...)
			for i, end := range ends {
				if bytes.HasPrefix(there, text[:end]) {
					want = append(want, testFrames[i]...)
				}
			}
			got, corrupt, err := readAll(there)
			if err != nil || corrupt || !slices.Equal(got, want) {
				t.Fatalf("cut at %d: %q, %v, %v; want %q", n, got, corrupt, err, want)
			}
		}
	}
	for n := range headerBytes {
		if _, _, err := parseHeader(text[:n]); (err != nil) != (n > 0) {
			t.Errorf("a header cut at %d: %v", n, err)
		}
	}
}

// A byte that changed is noticed, unless it is of what was written last.
func TestSegmentCorrupt(t *testing.T) {
	text, ends := written(newHeader(7), 1, testFrames...)
	var all []string
	for _, f := range testFrames {
		all = append(all, f...)
	}
	for i := range text {
		bad := bytes.Clone(text)
		bad[i]++
		got, corrupt, err := readAll(bad)
		if !slices.Equal(got, all[:len(got)]) || len(got) == len(all) {
			t.Errorf("byte %d: read %q", i, got)
		}
		if noticed := corrupt || err != nil; noticed != (i < ends[len(ends)-2]) {
			t.Errorf("byte %d: %v, %v", i, corrupt, err)
		}
	}
}

// Whatever is in a file, what is read of it is what was written, from the
// beginning on, and nothing is missing in the middle unnoticed.
func FuzzSegment(f *testing.F) {
	h := header{number: 7, salt: [saltBytes]byte{1, 2, 3, 4, 5, 6, 7, 8}}
	text, ends := written(h, 1, testFrames...)
	f.Add(text, 0, []byte{})
	f.Add(text, ends[0], []byte("x"))
	f.Add(text[:headerBytes], headerBytes, []byte{1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, other []byte, at int, put []byte) {
		readAll(other)
		bad := bytes.Clone(text)
		if at < 0 || at > len(bad) {
			return
		}
		copy(bad[at:], put)
		got, corrupt, err := readAll(bad)
		if err != nil || bytes.Equal(bad, text) {
			if err == nil && (corrupt || len(got) != 7) {
				t.Errorf("what is whole: %q, %v", got, corrupt)
			}
			return
		}
		all := []string{"a", "bc", "", "def", "g", "h", "i"}
		if len(got) > len(all) || !slices.Equal(got, all[:len(got)]) {
			t.Errorf("read %q", got)
		}
		if whole := bytes.Equal(bad[ends[2]:], text[ends[2]:]); whole && len(got) < len(all) && !corrupt {
			t.Errorf("read %q, and did not notice what is after it", got)
		}
	})
}
