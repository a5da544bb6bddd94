package s3

import (
	"bytes"
	"testing"
)

// TestSeal reads every span of what was sealed, wherever blocks end.
func TestSeal(t *testing.T) {
	k := &customerKey{key: bytes.Repeat([]byte{7}, 32)}
	s, err := k.newSeal()
	if err != nil {
		t.Fatal(err)
	}
	stream, err := k.stream(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	clear := []byte("sixteen bytes, and then some more than thirty-two of them")
	var sealed bytes.Buffer
	w := &sealer{to: &sealed, stream: stream}
	for _, piece := range [][]byte{clear[:5], clear[5:40], clear[40:]} {
		if n, err := w.Write(piece); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	if bytes.Contains(sealed.Bytes(), clear[:8]) {
		t.Fatal("it is there to be read")
	}
	for from := range len(clear) {
		stream, err := k.stream(s, int64(from))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(clear)-from)
		stream.XORKeyStream(got, sealed.Bytes()[from:])
		if !bytes.Equal(got, clear[from:]) {
			t.Errorf("from %d: got %q", from, got)
		}
	}
	if err := (&customerKey{key: bytes.Repeat([]byte{8}, 32)}).opens(s); err == nil {
		t.Error("another key opens it")
	}
}
