package accesslog

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

func TestFormat(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		format, err := Parse(text)
		if err != nil {
			t.Fatalf("Parse(%q): %v", text, err)
		}
		got := format.Line(func(name string) string {
			return map[string]string{"requestId": "r", "status": "200", "identity.sourceIp": "::1", "authorizer.claims.sub": "eve"}[name]
		})
		if got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
	f("$context.requestId", "r")
	f(`{"id":"$context.requestId","ip":"$context.identity.sourceIp","none":"$context.none"}`, `{"id":"r","ip":"::1","none":"-"}`)
	f("$context.status. $context.requestId $context.authorizer.claims.sub $other", "200. r eve $other")
	if _, err := Parse("$context.status"); err != ErrFormat {
		t.Errorf("a format without the request: %v", err)
	}
}

func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New()
		var wrote []string
		ctx, stop := context.WithCancel(t.Context())
		var tasks task.Group
		tasks.Start(ctx, l.Task("log", func(_ context.Context, at Place, lines []Line) error {
			wrote = append(wrote, fmt.Sprint(at.Stream, len(lines)))
			return nil
		}))
		time.Sleep(time.Second)
		synctest.Wait()
		for range maxLines + 1 {
			l.Add(Place{Stream: "a"}, Line{time.Now(), "x"})
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := fmt.Sprint(wrote); got != "[a5000 a1]" {
			t.Errorf("wrote %s", got)
		}
		l.Add(Place{Stream: "b"}, Line{time.Now(), "x"})
		synctest.Wait()
		stop()
		tasks.Wait()
		if got := fmt.Sprint(wrote); got != "[a5000 a1 b1]" {
			t.Errorf("wrote %s: what waits at the end is written", got)
		}
	})
}

// Lines that there is no room for are lost, and that is said once.
func TestFull(t *testing.T) {
	l := New()
	for range maxWaiting + 2 {
		l.Add(Place{Stream: "a"}, Line{Text: "x"})
	}
	wrote := 0
	run := l.Task("log", func(_ context.Context, _ Place, lines []Line) error { wrote += len(lines); return nil }).Run
	if _, err := run(t.Context()); err == nil || err.Error() != "2 lines were lost: too many waited" || wrote != maxWaiting {
		t.Errorf("wrote %d, %v", wrote, err)
	}
	if _, err := run(t.Context()); err != nil {
		t.Error(err)
	}
}
