package script

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain is also the program that runs scripts.
func TestMain(m *testing.M) {
	if addr := os.Getenv(EnvAddress); addr != "" {
		if err := Serve(addr); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// each runs f with scripts in this process, and in processes of their own.
func each(t *testing.T, f func(t *testing.T, p *Pool)) {
	t.Run("here", func(t *testing.T) { f(t, New(Config{})) })
	t.Run("apart", func(t *testing.T) { f(t, apart(t)) })
}

// apart skips the test where processes cannot be started.
func apart(t testing.TB) *Pool {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := New(Config{Command: []string{self}, Unfenced: true})
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := p.Run(t.Context(), &Job{Entry: "() => 1", Timeout: 5 * time.Second}); err != nil {
		t.Skip("no processes for scripts here: ", err)
	}
	return p
}

func TestRun(t *testing.T) {
	each(t, func(t *testing.T, p *Pool) {
		f := func(text, entry, want string, args ...string) {
			t.Helper()
			job := &Job{Sources: []Source{{"test", text}}, Entry: entry, Timeout: 5 * time.Second, Call: answer}
			for _, a := range args {
				job.Args = append(job.Args, json.RawMessage(a))
			}
			out, err := p.Run(t.Context(), job)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			got := string(out.Value)
			if out.Thrown != nil {
				got = out.Thrown.Name + ": " + out.Thrown.Message
			}
			if got != want {
				t.Errorf("%s = %s, want %s", text, got, want)
			}
		}
		f("var f = (a, b) => ({sum: a + b.c})", "f", `{"sum":3}`, "1", `{"c":2}`)
		f("async function f(x) { return [await x, host('double', x)] }", "f", `[4,8]`, "4")
		f("function f() { host('none') }", "f", "TypeError: nobody knows none")
		f("function f() { throw new RangeError('far') }", "f", "RangeError: far")
		f("async function f() { throw 'thrown' }", "f", ": thrown")
		f("function f() { return f() }", "f", "RangeError: Maximum call stack size exceeded")
		f("let f = ", "f", "SyntaxError: test: Line 1:9 Unexpected end of input (and 1 more errors)")
		f("var f = () => undefined", "f", "")
		f("x = 1; var f = () => typeof y; y = 2", "f", `"number"`)
		f("var f = () => typeof x", "f", `"undefined"`) // of the job before
		f("var f = () => typeof process + typeof require + typeof fetch + typeof setTimeout", "f", `"undefinedundefinedundefinedundefined"`)
	})
}

func answer(_ context.Context, name string, args []json.RawMessage) (json.RawMessage, error) {
	if name != "double" {
		return nil, errors.New("nobody knows " + name)
	}
	var n int
	if err := json.Unmarshal(args[0], &n); err != nil {
		return nil, err
	}
	return json.Marshal(2 * n)
}

// TestStop holds that what runs for long is stopped, and that the next job runs.
func TestStop(t *testing.T) {
	each(t, func(t *testing.T, p *Pool) {
		for _, text := range []string{"for (;;);", "function f() { return f }; for (;;) f()", "var s = 'x'; async function g() { for (;;) await 1 } g()"} {
			_, err := p.Run(t.Context(), &Job{Sources: []Source{{"test", text}}, Entry: "() => 1", Timeout: 100 * time.Millisecond})
			if !errors.Is(err, ErrTimeout) {
				t.Errorf("%s: %v, want %v", text, err, ErrTimeout)
			}
		}
		if out, err := p.Run(t.Context(), &Job{Entry: "() => 1", Timeout: 5 * time.Second}); err != nil || string(out.Value) != "1" {
			t.Errorf("afterwards: %v, %v", out, err)
		}
	})
}

// TestMemory holds that what takes much memory is stopped, and this process takes
// no more for it.
func TestMemory(t *testing.T) {
	p := apart(t)
	for _, text := range []string{
		"var s = 'x'.repeat(1 << 30) + 'y'.repeat(1 << 30)",
		"var l = []; for (;;) l.push(new Array(100000).fill(7))",
		"var s = 'abc'; for (;;) s += s",
	} {
		_, err := p.Run(t.Context(), &Job{Sources: []Source{{"test", text}}, Entry: "() => 1", Timeout: 20 * time.Second})
		if !errors.Is(err, ErrMemory) {
			t.Errorf("%s: %v, want %v", text, err, ErrMemory)
		}
	}
	if out, err := p.Run(t.Context(), &Job{Entry: "() => 1", Timeout: 5 * time.Second}); err != nil || string(out.Value) != "1" {
		t.Errorf("afterwards: %v, %v", out, err)
	}
}

// TestMuch holds that a script cannot say more than its caller can bear.
func TestMuch(t *testing.T) {
	each(t, func(t *testing.T, p *Pool) {
		_, err := p.Run(t.Context(), &Job{Sources: []Source{{"test", "var s = 'x'.repeat(9 << 20)"}}, Entry: "() => s", Timeout: 5 * time.Second})
		if !errors.Is(err, ErrAnswer) {
			t.Errorf("answer: %v, want %v", err, ErrAnswer)
		}
		out, err := p.Run(t.Context(), &Job{Sources: []Source{{"test", "for (let i = 0; i < 5000; i++) log('line ' + i)"}}, Entry: "() => 1", Timeout: 5 * time.Second})
		if err != nil || len(out.Log) != maxLog {
			t.Errorf("log: %v, %v", out, err)
		}
	})
}

// FuzzRun holds that nothing that a script says makes the interpreter panic.
func FuzzRun(f *testing.F) {
	f.Add("1")
	f.Add("({}).x.y")
	f.Add("new Proxy({}, {get() { throw 1 }})")
	e := new(engine)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "repeat") || len(text) > 1000 {
			return
		}
		e.run(t.Context(), &Job{Entry: "() => (" + text + ")", Timeout: 50 * time.Millisecond})
	})
}

func BenchmarkRun(b *testing.B) {
	p := apart(b)
	job := &Job{Sources: []Source{{"test", "var f = (a) => a + 1"}}, Entry: "f", Args: []json.RawMessage{json.RawMessage("1")}, Timeout: 5 * time.Second}
	for b.Loop() {
		if _, err := p.Run(b.Context(), job); err != nil {
			b.Fatal(err)
		}
	}
}
