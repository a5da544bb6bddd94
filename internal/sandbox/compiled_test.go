package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/sdk"
)

// slow is a module that takes a while to load, and tells how it was compiled. An
// error of it names line and column.
const slow = `const part = require('./part')
const { load } = require('./load')
for (const end = Date.now() + 20; Date.now() < end;);
exports.handler = async () => {
  const { extra } = await load()
  return [require('module').prototype._compile.name, part.where(), extra, require.main === process.mainModule, typeof require.resolve.paths('x'), process.env.SECRET]
}`

func slowCode(t *testing.T, index string) string {
	return code(t, map[string]string{
		"index.js":  index,
		"part.js":   "exports.where = () => new Error().stack.split('\\n')[1].trim()",
		"load.js":   "exports.load = () => import('./extra.mjs')",
		"extra.mjs": "export const extra = 7",
	})
}

// TestCompiled: the code of a function that was slow to start is compiled for
// its next workers, which do the same with it as without.
func TestCompiled(t *testing.T) {
	r := newRig(t, nil)
	f := node(t, "")
	f.Code = slowCode(t, slow)
	f.Env = map[string]string{"SECRET": "s"}
	const rest = `at exports.where \(/var/task/part.js:1:23\)",7,true,"object","s"\]`
	r.await(t, f)
	expect(t, r.invoke(t, f, "1"), "", `\[".*","`+rest)
	again := *f
	for end := time.Now().Add(compileLimit); ; time.Sleep(10 * time.Millisecond) { // what compiles yields to all else
		if time.Now().After(end) {
			t.Fatal("it is not compiled")
		}
		if l, err := r.findLanguage(f.Runtime); err == nil && len(r.compiledMount(l, f).Hosts) > 0 {
			break
		}
	}
	r.await(t, f)
	again.Revision = "2"
	expect(t, r.invoke(t, &again, "1"), "", `\["compileFromCache","`+rest)
	for name, change := range map[string]func(*Function){
		"other function": func(g *Function) { g.ARN.Resource += "2" },
		"mapped lines":   func(g *Function) { g.Env = map[string]string{"NODE_OPTIONS": "--enable-source-maps", "SECRET": "s"} },
		"other code":     func(g *Function) { g.Code = slowCode(t, strings.Replace(slow, "[require", "['new', require", 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			g := again
			g.Revision = name
			change(&g)
			r.await(t, &g)
			if res := r.invoke(t, &g, "1"); strings.Contains(string(res.Payload), "compileFromCache") || !strings.Contains(string(res.Payload), `7,true`) {
				t.Errorf("got %s", res.Payload)
			}
		})
	}
}

// BenchmarkColdOwn is the start of a function that brings the modules of the SDK.
func BenchmarkColdOwn(b *testing.B) {
	for _, way := range []string{"plain", "compiled"} {
		b.Run(way, func(b *testing.B) {
			r := sdkRig(b)
			f := node(b, "")
			f.Code = code(b, map[string]string{"index.js": strings.Replace(withV3, "exports.handler = async () =>", "exports.handler = async e => e ||", 1)})
			l, err := r.findLanguage(f.Runtime)
			if err != nil {
				b.Fatal(err)
			}
			modules, err := (&sdk.Store{Dir: r.cfg.SDKs}).Get(b.Context(), l)
			if err == nil {
				err = os.CopyFS(filepath.Join(f.Code, "node_modules"), os.DirFS(modules))
			}
			if err != nil {
				b.Fatal(err)
			}
			r.await(b, f)
			var d []time.Duration
			for i := 0; b.Loop(); i++ {
				g := *f
				if g.Revision = fmt.Sprint("bench", i); way == "plain" {
					g.ARN.Resource += g.Revision
				}
				began := time.Now()
				r.invoke(b, &g, `{"a":1}`)
				d = append(d, time.Since(began))
				b.StopTimer()
				for way == "compiled" && len(r.compiledMount(l, f).Hosts) == 0 {
					time.Sleep(10 * time.Millisecond)
				}
				r.await(b, f)
				b.StartTimer()
			}
			quantiles(b, d)
		})
	}
}
