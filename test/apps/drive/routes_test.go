package drive

import (
	"fmt"
	"testing"
)

func TestOwnRoutes(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		d := &driver{samples: &samples{sources: map[string]string{"/a.js": source}}}
		var got []string
		for _, r := range d.routesIn(source, route{method: "ANY", path: "/{proxy+}"}) {
			got = append(got, r.name())
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", source, got, want)
		}
	}
	f("app.get('/users/:id', f); app.post(\"/users\", g)", "[GET /users/{id} POST /users GET / GET /hello]")
	f("@app.route('/todo/<int:n>', methods=['PUT'])", "[PUT /todo/{n} GET / GET /hello]")
	f("@Get('hello') one() {}", "[GET /hello GET / GET /hello]")
	f("x = event.get('name')", "[GET / GET /hello]")
}
