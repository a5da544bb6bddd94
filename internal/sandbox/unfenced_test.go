package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
)

// newPlainRig is a rig on a host without namespaces.
func newPlainRig(t *testing.T, unfenced bool) *rig {
	t.Helper()
	r := newRig(t, func(c *Config) { c.Unfenced = true })
	r.fence.Close()
	var err error
	r.fence, err = fence.New(fence.Config{Dir: r.cfg.Dir, Unfenced: unfenced, Plain: true, Log: r.cfg.Log, Group: &r.group})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRefused(t *testing.T) {
	r := newPlainRig(t, false)
	_, err := r.Invoke(t.Context(), self(t), Event{RequestID: testID})
	if !errors.Is(err, ErrUnfenced) || !strings.Contains(err.Error(), "namespaces") {
		t.Errorf("Invoke = %v", err)
	}
}

func TestUnfenced(t *testing.T) {
	r := newPlainRig(t, true)
	if len(r.Missing()) == 0 {
		t.Error("nothing is missing")
	}
	f := self(t)
	expect(t, r.invoke(t, f, `{"Do":"rubbish"}`), "", "null")
	expect(t, r.invoke(t, f, `{"Do":"endpoint"}`), "", `"404 <nil>"`)

	f = node(t, `exports.handler = async () => [require('dep'), process.cwd() === process.env.LAMBDA_TASK_ROOT]`)
	f.Layers = []string{code(t, map[string]string{"nodejs/node_modules/dep/index.js": "module.exports = 'old'", "a": ""}), code(t, map[string]string{"nodejs/node_modules/dep/index.js": "module.exports = 'new'"})}
	expect(t, r.invoke(t, f, "{}"), "", `\["new",true\]`)

	f = python(t, "import dep\ndef handler(e, c): return dep.x")
	f.Layers = []string{code(t, map[string]string{"python/dep.py": "x = 5"})}
	expect(t, r.invoke(t, f, "{}"), "", `5`)
}

// Names of AWS lead to the endpoint here too, for our clients.
func TestLead(t *testing.T) {
	r := newPlainRig(t, true)
	r.endpoint.Handler = whoServes
	for name, f := range map[string]*Function{
		"node":   node(t, `exports.handler = (e, c, cb) => require(e).get(e + '://x.s3.eu-west-1.amazonaws.com/a', (r) => { let s = ''; r.on('data', (d) => { s += d }).on('end', () => cb(null, s)) }).on('error', cb)`),
		"python": python(t, "import urllib.request\ndef handler(e, c): return urllib.request.urlopen(e + '://x.s3.eu-west-1.amazonaws.com/a').read().decode()"),
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				expect(t, r.invoke(t, f, `"`+scheme+`"`), "", fmt.Sprintf(`"x.s3.eu-west-1.amazonaws.com %t"`, scheme == "https"))
			})
		}
	}
}

// TestLandlock: without namespaces Landlock still keeps the host's files.
func TestLandlock(t *testing.T) {
	r := newPlainRig(t, true)
	for _, m := range r.Missing() {
		if strings.Contains(m, "Landlock") {
			t.Skip(m)
		}
	}
	home, err := os.UserHomeDir()
	if err != nil || strings.HasPrefix(home, "/tmp") {
		t.Skip("needs a home directory that is not below /tmp, where functions may write: ", home, err)
	}
	secret, err := os.MkdirTemp(home, "aloft-test-")
	if err != nil {
		t.Skip(err)
	}
	defer os.RemoveAll(secret)
	file := filepath.Join(secret, "x")
	if err := os.WriteFile(file, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := node(t, `const fs = require('fs'); exports.handler = async (e) => fs.readFileSync(e, 'utf8')`)
	expect(t, r.invoke(t, f, `"`+file+`"`), "Unhandled", `{"errorType":"Error","errorMessage":"EACCES: permission denied.*`)
}
