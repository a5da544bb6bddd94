package router

import (
	"fmt"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	var tree Tree[string]
	for _, key := range []string{
		"GET /", "GET /pets", "GET /pets/", "POST /pets", "ANY /pets/dog", "GET /pets/{id}", "GET /pets/{id}/toys/{toy}", "GET /pets/{proxy+}",
		"ANY /files/{path+}", "GET /a+b", "GET /{one}/x", "DELETE /{two}/y",
	} {
		if err := tree.Add(key, key); err != nil {
			t.Fatal(err)
		}
	}
	f := func(request, want string) {
		t.Helper()
		method, path, _ := strings.Cut(request, " ")
		got, params, ok := tree.Find(method, path)
		if !ok {
			got = "none"
		}
		for _, p := range params {
			got += fmt.Sprintf(" %s=%s", p.Name, p.Value)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", request, got, want)
		}
	}
	f("GET /", "GET /")
	f("GET /pets", "GET /pets")
	f("GET /pets/", "GET /pets/")
	f("POST /pets", "POST /pets")
	f("PUT /pets", "none")
	f("PUT /pets/dog", "ANY /pets/dog")
	f("GET /pets/dog", "ANY /pets/dog")
	f("GET /pets/cat", "GET /pets/{id} id=cat")
	f("GET /pets/a%2Fb%20c", "GET /pets/{id} id=a/b c")
	f("GET /pets/%zz", "GET /pets/{id} id=%zz")
	f("GET /pets/cat/toys/ball", "GET /pets/{id}/toys/{toy} id=cat toy=ball")
	f("GET /pets/cat/toys", "GET /pets/{proxy+} proxy=cat/toys")
	f("GET /pets/dog/x", "GET /pets/{proxy+} proxy=dog/x")
	f("GET /pets//", "GET /pets/{proxy+} proxy=/")
	f("POST /pets/cat", "none")
	f("PATCH /files/a//b/", "ANY /files/{path+} path=a//b/")
	f("PATCH /files/", "none")
	f("PATCH /files", "none")
	f("GET /a%2Bb", "GET /a+b")
	f("GET /v/x", "GET /{one}/x one=v")
	f("DELETE /v/y", "DELETE /{two}/y two=v")
	f("GET /v/y", "none")
	f("GET /../pets", "none")
	if err := tree.Add(Default, "default"); err != nil {
		t.Fatal(err)
	}
	f("POST /pets/cat", "default")
	f("GET //", "default")
}

func TestParseKey(t *testing.T) {
	f := func(key string, ok bool) {
		t.Helper()
		if _, err := ParseKey(key); ok != (err == nil) {
			t.Errorf("ParseKey(%q): %v", key, err)
		}
	}
	f("$default", true)
	f("GET /", true)
	f("ANY /a/{b}/{c+}", true)
	f("GET", false)
	f("GET a", false)
	f("get /a", false)
	f("TRACE /a", false)
	f("GET /{a+}/b", false)
	f("GET /{a}/{a}", false)
	f("GET /{}", false)
	f("GET /x{a}", false)
	f("GET /a?b", false)
	f("$connect", false)
	f("", false)
}

// Whatever is asked, nothing panics, and a variable holds what was sent.
func FuzzFind(f *testing.F) {
	f.Add("GET /a/{b}", "GET", "/a/%62")
	f.Add("ANY /{p+}", "PUT", "//x/")
	f.Fuzz(func(t *testing.T, key, method, path string) {
		var tree Tree[int]
		if tree.Add(key, 1) != nil {
			return
		}
		tree.Find(method, path)
		k, _ := ParseKey(key)
		if k.Method == "" || strings.ContainsAny(k.Path, "{%") {
			return
		}
		if _, _, ok := tree.Find(k.Method, k.Path); !ok {
			t.Errorf("the route %q is not found by its own path", key)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{5, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var tree Tree[int]
			for i := range n {
				tree.Add(fmt.Sprintf("GET /things%d/{id}/parts/{part}", i), i)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, _, ok := tree.Find("GET", "/things3/77/parts/8"); !ok {
					b.Fatal("no route")
				}
			}
		})
	}
}
