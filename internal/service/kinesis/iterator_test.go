package kinesis

import (
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// FuzzIterator holds that what parses prints as it was.
func FuzzIterator(f *testing.F) {
	it := iterator{stream: aws.ARN{Service: "kinesis", Region: "us-east-1", Account: "000000000000", Resource: "stream/s"}, shard: 7, after: store.Position{Version: 1, Index: 2}, made: time.UnixMilli(3)}
	f.Add(it.String())
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		it, err := parseIterator(text)
		if err != nil {
			return
		}
		again, err := parseIterator(it.String())
		if err != nil || again.stream != it.stream || again.shard != it.shard || again.after != it.after || !again.made.Equal(it.made) {
			t.Errorf("%q is %+v, which prints as %q: %+v, %v", text, it, it.String(), again, err)
		}
	})
}

// FuzzSequence holds that a sequence number that parses prints as it was.
func FuzzSequence(f *testing.F) {
	s := &stream{Created: time.Unix(946684800, 0)}
	f.Add(sequenceNumber(s, 3, store.Position{Version: 1 << 40, Index: 9}))
	f.Add("49")
	f.Fuzz(func(t *testing.T, text string) {
		at, number, ours := parseSequence(s, text)
		if ours && sequenceNumber(s, number, at) != text {
			t.Errorf("%q is %v of shard %d, which prints as %q", text, at, number, sequenceNumber(s, number, at))
		}
	})
}

// FuzzRecord holds that a record is read as it was written, and that no bytes
// are too bad to be refused.
func FuzzRecord(f *testing.F) {
	f.Add("key", []byte("data"), int64(5))
	f.Fuzz(func(t *testing.T, key string, data []byte, ms int64) {
		r := record{At: time.UnixMilli(ms), Key: key, Data: data}
		b, err := r.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var back record
		if err := back.UnmarshalBinary(b); err != nil || back.Key != key || string(back.Data) != string(data) || !back.At.Equal(r.At) {
			t.Errorf("%+v is read as %+v, %v", r, back, err)
		}
		back.UnmarshalBinary(data)
	})
}

func TestSequence(t *testing.T) {
	s := &stream{Created: time.Unix(946684800, 0)}
	first := sequenceNumber(s, 0, store.Position{Version: 9, Index: 1})
	for _, later := range []string{
		sequenceNumber(s, 0, store.Position{Version: 9, Index: 2}), sequenceNumber(s, 0, store.Position{Version: 10}), sequenceNumber(s, 1, store.Position{}),
	} {
		if len(first) != 56 || len(later) != 56 || later <= first {
			t.Errorf("%s is not past %s", later, first)
		}
	}
	if _, _, ours := parseSequence(&stream{Created: time.Unix(946684801, 0)}, first); ours {
		t.Error("a sequence number of another stream passes")
	}
	if got := before(store.Position{Version: 9}); got != (store.Position{Version: 8, Index: ^uint32(0)}) {
		t.Errorf("before(9.0) = %v", got)
	}
}

func TestBounds(t *testing.T) {
	for n := 1; n < 20; n++ {
		firsts := bounds(n)
		if firsts[0] != hexKey(keyOf("0")) || len(firsts) != n {
			t.Errorf("bounds(%d) = %v", n, firsts)
		}
		for i := 1; i < n; i++ {
			if firsts[i] <= firsts[i-1] || len(firsts[i]) != 32 {
				t.Errorf("bounds(%d) = %v", n, firsts)
			}
		}
	}
}
