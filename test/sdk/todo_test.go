package sdk_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A task is one of the to-do list's.
type task struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Done  bool   `json:"done"`
}

// A todo is the deployed example.
type todo struct {
	aloft *aloft
	host  string // of its API
}

// call makes a request of the app, and returns its status.
func (a *todo) call(t *testing.T, method, path string, body, out any) int {
	t.Helper()
	var in bytes.Buffer
	if body != nil {
		check(t, json.NewEncoder(&in).Encode(body))
	}
	r, err := http.NewRequestWithContext(t.Context(), method, a.aloft.url+path, &in)
	check(t, err)
	r.Host = a.host
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	check(t, err)
	if out != nil && resp.StatusCode < 300 {
		if err := json.Unmarshal(text, out); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return resp.StatusCode
}

// deployTodo deploys the example to a, as a user would, and finds its host.
func deployTodo(t *testing.T, a *aloft) *todo {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), a.bin, "deploy", "../../examples/todo", "--json")
	cmd.Env = a.clientEnv()
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("deploy: %v\n%s%s", err, out, &log)
	}
	var done struct {
		Stack, Status string
		Outputs       map[string]string
	}
	check(t, json.Unmarshal(out, &done))
	u, err := url.Parse(done.Outputs["Url"])
	check(t, err)
	if done.Stack != "todo" || !strings.HasSuffix(done.Status, "_COMPLETE") || !strings.Contains(u.Host, ".execute-api.") {
		t.Fatalf("deploy: %s", out)
	}
	return &todo{aloft: a, host: u.Host}
}

// TestTodo deploys the example and uses it, through a kill -9.
func TestTodo(t *testing.T) {
	data := t.TempDir()
	a := start(t, data)
	app := deployTodo(t, a)

	var milk, book task
	if status := app.call(t, "POST", "/todos", map[string]string{"title": "milk"}, &milk); status != http.StatusCreated || milk.ID == "" {
		t.Fatalf("create: %d %+v", status, milk)
	}
	app.call(t, "POST", "/todos", map[string]string{"title": "book"}, &book)
	if status := app.call(t, "POST", "/todos/"+milk.ID+"/complete", nil, &milk); status != http.StatusOK || !milk.Done {
		t.Errorf("complete: %d %+v", status, milk)
	}
	if status := app.call(t, "PUT", "/todos/"+book.ID, map[string]string{"title": "a book"}, &book); status != http.StatusOK || book.Title != "a book" {
		t.Errorf("update: %d %+v", status, book)
	}
	for _, c := range []struct {
		method, path string
		body         any
		want         int
	}{
		{"GET", "/todos/none", nil, 404},
		{"DELETE", "/todos/none", nil, 404},
		{"POST", "/todos", map[string]string{"title": " "}, 400},
		{"POST", "/todos", "no object", 400},
		{"GET", "/no/such/route", nil, 404},
		{"GET", "/", nil, 200},
	} {
		if got := app.call(t, c.method, c.path, c.body, nil); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, got, c.want)
		}
	}

	check(t, ignoreExit(a.stop(syscall.SIGKILL)))
	app.aloft = start(t, data)
	var all []task
	if app.call(t, "GET", "/todos", nil, &all); len(all) != 2 || all[0] != milk || all[1] != book {
		t.Errorf("after kill -9: %+v, want %+v and %+v", all, milk, book)
	}
	if status := app.call(t, "DELETE", "/todos/"+milk.ID, nil, nil); status != http.StatusNoContent {
		t.Errorf("delete: %d", status)
	}
	if app.call(t, "GET", "/todos", nil, &all); len(all) != 1 {
		t.Errorf("after delete: %+v", all)
	}
}

// ignoreExit returns err unless it says that a process was killed.
func ignoreExit(err error) error {
	if _, ok := err.(*exec.ExitError); ok {
		return nil
	}
	return err
}

// TestReadme runs the command of the README, whose output is one screen with
// the app's address.
func TestReadme(t *testing.T) {
	bin, err := build()
	check(t, err)
	cmd := exec.CommandContext(t.Context(), bin, "dev", "../../examples/todo", "--listen", "127.0.0.1:0", "--data", t.TempDir())
	cmd.Env = environ()
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	stop := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer stop.Stop()
	var seen []string
	address := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		seen = append(seen, lines.Text())
		if name, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), " "); ok && name == "Url" {
			address = strings.TrimSpace(value)
		}
		if strings.Contains(lines.Text(), "Watching") {
			break
		}
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("end after SIGTERM: %v", err)
	}
	if !strings.HasPrefix(address, "http://") || len(seen) > 60 {
		t.Errorf("address %q in %d lines:\n%s", address, len(seen), strings.Join(seen, "\n"))
	}
}
