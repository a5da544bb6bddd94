package sdk_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// TestChatExample deploys the example, and talks by it with the client ws and,
// where there is one, in a browser. Connections that a kill -9 ends are told to
// the application at the next start.
func TestChatExample(t *testing.T) {
	client(t, "node_modules/ws")
	data := t.TempDir()
	a := start(t, data)
	outputs := deploy(t, a, "../../examples/chat")
	at, err := url.Parse(outputs["ServiceEndpointWebsocket"])
	check(t, err)
	local := "ws" + strings.TrimPrefix(a.url, "http") + at.Path
	runClient(t, a, "node", "js/chat.cjs", local, at.Host, "0")
	t.Run("browser", func(t *testing.T) { talkInBrowser(t, a, outputs["HttpApiUrl"], local, at.Host) })

	var open []*websocket.Conn
	for range 3 {
		c, _, err := websocket.Dial(t.Context(), local, &websocket.DialOptions{Host: at.Host})
		check(t, err)
		defer c.CloseNow()
		open = append(open, c)
	}
	db := dynamodb.NewFromConfig(config(a))
	connected := func() int {
		out, err := db.Scan(t.Context(), &dynamodb.ScanInput{TableName: new("chat-dev")})
		check(t, err)
		return len(out.Items)
	}
	waitUntil(t, "the others are forgotten", func() bool { return connected() == len(open) })
	check(t, ignoreExit(a.stop(syscall.SIGKILL)))
	a = start(t, data)
	db = dynamodb.NewFromConfig(config(a))
	waitUntil(t, "who was connected is forgotten", func() bool { return connected() == 0 })
}

// waitUntil waits for what happens in another process.
func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("it does not happen: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// talkInBrowser opens the page in a browser, if the host has one: what it says and
// what another client says, it shows.
func talkInBrowser(t *testing.T, a *aloft, page, socket, host string) {
	t.Helper()
	u, err := url.Parse(page)
	check(t, err)
	id, _, _ := strings.Cut(u.Host, ".")
	u.Scheme, u.Host = "http", id+".execute-api.localhost"+a.url[strings.LastIndexByte(a.url, ':'):]
	tab := openTab(t, browser(t), u.String())
	waitUntil(t, "the page is connected", func() bool { return tab.run("document.getElementById('state').textContent") == "connected" })
	tab.run("document.getElementById('text').value = 'from the page'; document.querySelector('form').requestSubmit()")
	waitUntil(t, "the page hears itself", func() bool {
		return strings.Contains(tab.run("document.getElementById('said').innerHTML"), "<b>me</b>from the page")
	})
	runClient(t, a, "node", "js/chat.cjs", socket, host, "1")
	waitUntil(t, "the page hears others", func() bool {
		return strings.Contains(tab.run("document.getElementById('said').innerHTML"), "<b>Ada</b>again")
	})
}

// browser is the program of a browser, if the host has one.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium-headless-shell", "chromium", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("needs chromium-headless-shell, chromium or google-chrome")
	return ""
}

// A tab is a page that a browser shows.
type tab struct {
	*testing.T
	conn *websocket.Conn
}

var listening = regexp.MustCompile(`DevTools listening on ws://([^/\s]+)`)

// openTab starts a browser that shows an address until the test ends.
func openTab(t *testing.T, browser, address string) *tab {
	t.Helper()
	cmd := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--remote-debugging-port=0",
		"--host-resolver-rules=MAP *.localhost 127.0.0.1", address)
	out, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() {
		defer time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() }).Stop()
		cmd.Wait()
	})
	var m []string
	for lines := bufio.NewScanner(out); m == nil && lines.Scan(); {
		m = listening.FindStringSubmatch(lines.Text())
	}
	if m == nil {
		cmd.Process.Kill()
		t.Fatalf("%s does not listen", browser)
	}
	go io.Copy(io.Discard, out)
	var debug string
	waitUntil(t, "the page is open", func() bool {
		resp, err := http.Get("http://" + m[1] + "/json/list")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var all []struct{ Type, URL, WebSocketDebuggerURL string }
		if json.NewDecoder(resp.Body).Decode(&all) == nil {
			for _, p := range all {
				if p.Type == "page" && strings.HasPrefix(p.URL, address) {
					debug = p.WebSocketDebuggerURL
				}
			}
		}
		return debug != ""
	})
	conn, _, err := websocket.Dial(t.Context(), debug, nil)
	check(t, err)
	t.Cleanup(func() { // the browser ends its other processes
		wsjson.Write(context.Background(), conn, map[string]any{"id": 2, "method": "Browser.close"})
		conn.CloseNow()
	})
	return &tab{t, conn}
}

// run runs a script in the page, and returns the text that it comes to.
func (t *tab) run(script string) string {
	t.Helper()
	check(t.T, wsjson.Write(t.Context(), t.conn, map[string]any{"id": 1, "method": "Runtime.evaluate", "params": map[string]string{"expression": script}}))
	var out struct {
		Result struct{ Result struct{ Value any } }
	}
	check(t.T, wsjson.Read(t.Context(), t.conn, &out))
	text, _ := out.Result.Result.Value.(string)
	return text
}
