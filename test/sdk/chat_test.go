package sdk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestChat deploys a WebSocket API whose function, with the AWS SDK that it did
// not bring, posts what one client sends to all by the domain it was told.
func TestChat(t *testing.T) {
	if os.Getuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("names of AWS lead to the platform only in a whole fence: run as root on Linux")
	}
	client(t, "python/bin/python")
	a := start(t, t.TempDir())
	cmd := exec.CommandContext(t.Context(), a.bin, "deploy", "chat", "--json")
	cmd.Env = a.clientEnv()
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("deploy: %v\n%s%s", err, out, &log)
	}
	var done struct{ Outputs map[string]string }
	check(t, json.Unmarshal(out, &done))

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	to := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(a.url, "http://")) // whatever the host resolves
	}}}
	dial := func() *websocket.Conn {
		t.Helper()
		c, _, err := websocket.Dial(ctx, strings.Replace(done.Outputs["Uri"], "wss:", "ws:", 1), &websocket.DialOptions{HTTPClient: to})
		check(t, err)
		t.Cleanup(func() { c.CloseNow() })
		return c
	}
	one, two := dial(), dial()
	check(t, one.Write(ctx, websocket.MessageText, []byte(`{"action":"send","data":"hello"}`)))
	for _, c := range []*websocket.Conn{one, two} {
		if _, got, err := c.Read(ctx); err != nil || string(got) != "hello" {
			t.Errorf("heard %q, %v", got, err)
		}
	}
}
