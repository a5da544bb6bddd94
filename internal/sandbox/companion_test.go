package sandbox

import (
	"fmt"
	"net/http"
	"testing"
)

// A companion answers at the loopback of its own function's workers, each worker
// one of its own, whether they were booted ahead or not; other functions find
// nothing there.
func TestCompanion(t *testing.T) {
	r := newRig(t, nil)
	const ask = `exports.handler = async () => { try { return await (await fetch('http://localhost:2773/a')).text() } catch (e) { return e.cause.code } }`
	for _, way := range []string{"assigned", "booted"} {
		t.Run(way, func(t *testing.T) {
			f := node(t, ask)
			f.Revision = way
			made := 0
			f.Companions = map[int]Companion{2773: func(creds Credentials, log func(string)) http.Handler {
				made++
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					log("asked for " + r.URL.Path)
					fmt.Fprintf(w, "%d %s", made, r.Host)
				})
			}}
			if way == "booted" {
				f.Env = map[string]string{"LANG": "C.UTF-8"}
			} else {
				r.await(t, f)
			}
			res := r.invoke(t, f, "{}")
			expect(t, res, "", `"1 localhost:2773"`)
			r.log(t, res.LogStream, "asked for /a\n")
			expect(t, r.invoke(t, f, "{}"), "", `"1 localhost:2773"`)
			r.Forget(f.ARN)
			expect(t, r.invoke(t, f, "{}"), "", `"2 localhost:2773"`)
			r.Forget(f.ARN)
		})
	}
	other := node(t, ask)
	other.Revision = "none"
	expect(t, r.invoke(t, other, "{}"), "", `"ECONNREFUSED"`)
}
