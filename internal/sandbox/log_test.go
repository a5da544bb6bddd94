package sandbox

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"
)

// newTestLogger is a logger that has no process.
func newTestLogger(t testing.TB) *logger {
	t.Helper()
	l, err := new(Manager).newLogger(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.own(&Function{}, "stream", "first\n", false)
	return l
}

func (l *logger) messages() []string {
	var all []string
	for _, line := range l.batch.Lines[1:] {
		all = append(all, line.Message)
	}
	return all
}

func frame(at time.Time, message string) string {
	b := []byte{0xa5, 0x5a, 0, 3}
	b = binary.BigEndian.AppendUint32(b, uint32(len(message)))
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()))
	return string(b) + message
}

func TestMessages(t *testing.T) {
	now := time.Now()
	long := strings.Repeat("x", maxMessage)
	for name, tc := range map[string]struct {
		in   string
		want []string
	}{
		"lines":         {"a\nb\n", []string{"a\n", "b\n"}},
		"unfinished":    {"a\nb", []string{"a\n", "b"}},
		"return":        {"a\rb\n", []string{"a\rb\n"}},
		"frame":         {frame(now, "two\nlines"), []string{"two\nlines"}},
		"frames":        {"a\n" + frame(now, "b\n") + frame(now, "c") + "d\n", []string{"a\n", "b\n", "c", "d\n"}},
		"frame in line": {"a" + frame(now, "b\n") + "c\n", []string{"a", "b\n", "c\n"}},
		"cut frame":     {frame(now, "hello")[:18], []string{"\ufffdZ\x00\x03\x00\x00\x00\x05" + strings.ToValidUTF8(frame(now, "he")[8:18], "\ufffd")}},
		"long line":     {long + "y\n", []string{long, "y\n"}},
		"long frame":    {frame(now, long+"y\n"), []string{long, "y\n"}},
		"not UTF-8":     {"a\xff\n", []string{"a\ufffd\n"}},
		"empty lines":   {"\n\n", []string{"\n", "\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, step := range []int{1, 7, 1 << 20} {
				l := newTestLogger(t)
				for in := []byte(tc.in); len(in) > 0; {
					n := min(step, len(in))
					if len(tc.in) > 1000 {
						n = min(step*1000, len(in))
					}
					l.add(in[:n])
					in = in[n:]
				}
				l.cut()
				if got := l.messages(); strings.Join(got, "|") != strings.Join(tc.want, "|") {
					t.Errorf("in steps of %d: %.200q, want %.200q", step, got, tc.want)
				}
			}
		})
	}
}

func TestFrameTime(t *testing.T) {
	l := newTestLogger(t)
	at := time.Now().Add(-time.Second).Truncate(time.Microsecond)
	l.add([]byte(frame(at, "a") + frame(time.Now().AddDate(1, 0, 0), "b")))
	if got := l.batch.Lines[1].Time; !got.Equal(at) {
		t.Errorf("time %v, want %v", got, at)
	}
	if got := l.batch.Lines[2].Time; got.After(time.Now()) {
		t.Errorf("a function may not write in the future: %v", got)
	}
}

func TestTail(t *testing.T) {
	l := newTestLogger(t)
	l.begin("START\n")
	l.add([]byte(strings.Repeat("a line of output\n", 1000)))
	tail := l.end("END\n")
	if len(tail) != maxTail || !bytes.HasSuffix(tail, []byte("output\nEND\n")) {
		t.Errorf("%d bytes that end in %q", len(tail), tail[len(tail)-20:])
	}
	l.begin("START\n")
	if tail := string(l.end("END\n")); tail != "START\nEND\n" {
		t.Errorf("tail of the next invoke: %q", tail)
	}
}

// FuzzOutput: output without frames is kept byte for byte, in whatever pieces
// it comes; with frames nothing panics and no message is too long.
func FuzzOutput(f *testing.F) {
	f.Add([]byte("a\nb"), 1)
	f.Add([]byte(frame(time.Now(), "x")+"y\n"), 3)
	f.Fuzz(func(t *testing.T, in []byte, step int) {
		if step <= 0 || len(in)/step > 10000 {
			return
		}
		l := newTestLogger(t)
		for rest := in; len(rest) > 0; {
			n := min(step, len(rest))
			l.add(rest[:n])
			rest = rest[n:]
		}
		l.cut()
		got := strings.Join(l.messages(), "")
		if want := strings.ToValidUTF8(string(in), "\ufffd"); !bytes.Contains(in, frameType[:1]) && strings.ToValidUTF8(got, "\ufffd") != want && len(in) < maxMessage {
			t.Errorf("%q became %q", in, got)
		}
		for _, m := range l.messages() {
			if len(m) > 3*maxMessage {
				t.Errorf("a message of %d bytes", len(m))
			}
		}
	})
}
