package handlebars

import (
	"errors"
	"strings"
	"testing"
)

func TestRender(t *testing.T) {
	test := func(text, data, want string) {
		t.Helper()
		p, err := Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			return
		}
		if got, err := p.Render([]byte(data), true); err != nil || got != want {
			t.Errorf("%q = %q, %v; want %q", text, got, err, want)
		}
	}
	test("Hi {{name}}!", `{"name":"<Ann> & 'co'"}`, "Hi &lt;Ann&gt; &amp; &#x27;co&#x27;!")
	test("{{{name}}} {{& name}}", `{"name":"<b>"}`, "<b> <b>")
	test("{{a.b.[c d]}} {{l.[1]}} {{l.0}} {{n}} {{f}}", `{"a":{"b":{"c d":"x"}},"l":["p","q"],"n":12345678901234567890,"f":1.50}`, "x q p 12345678901234567890 1.50")
	test("{{#if a}}yes{{else}}no{{/if}}{{#unless a}}!{{/unless}}", `{"a":0}`, "no!")
	test("{{#if a}}1{{else if b}}2{{else}}3{{/if}}", `{"b":true}`, "2")
	test("{{#if none}}1{{/if}}-", `{}`, "-")
	test("{{#each l}}{{@index}}{{this}}{{../x}}{{#unless @last}},{{/unless}}{{else}}none{{/each}}", `{"l":["a","b"],"x":"!"}`, "0a!,1b!")
	test("{{#each o}}{{@key}}={{v}};{{/each}}", `{"o":{"a":{"v":1},"b":{"v":2}}}`, "a=1;b=2;")
	test("{{#each l}}x{{else}}none{{/each}}", `{"l":[]}`, "none")
	test("{{#with a}}{{b}}{{@root.c}}{{/with}}", `{"a":{"b":1},"c":2}`, "12")
	test("{{#l}}{{.}} {{/l}}", `{"l":[1,2]}`, "1 2 ")
	test("a {{~b~}} c{{! gone }}{{!-- {{x}} --}}", `{"b":"-"}`, "a-c")
	test("<ul>\n  {{#each l}}\n  <li>{{this}}</li>\n  {{/each}}\n</ul>", `{"l":[1,2]}`, "<ul>\n  <li>1</li>\n  <li>2</li>\n</ul>")
	test("{{#* inline \"row\"}}[{{x}}]{{/inline}}{{#each l}}{{> row}}{{/each}}", `{"l":[{"x":1},{"x":2}]}`, "[1][2]")
}

func TestRefused(t *testing.T) {
	for _, text := range []string{"{{", "{{#if a}}", "{{/if}}", "{{#each a}}{{/if}}", "{{a b}}", "{{#frob a}}{{/frob}}", "{{}}", "{{#if a}}{{else}}", "{{a.[b}}", strings.Repeat("{{#if a}}", 100)} {
		if _, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) is no error", text)
		}
	}
	p, err := Parse("{{a.b}}")
	if err != nil {
		t.Fatal(err)
	}
	var missing *Missing
	if _, err := p.Render([]byte(`{"a":{}}`), true); !errors.As(err, &missing) || missing.Name != "a.b" {
		t.Errorf("got %v", err)
	}
	p, err = Parse(strings.Repeat("{{#each @root}}", 20) + "x" + strings.Repeat("{{/each}}", 20))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Render([]byte(`[1,2,3,4,5,6,7,8,9]`), true); !errors.Is(err, ErrTooMuch) {
		t.Errorf("got %v", err)
	}
	p, err = Parse("{{#* inline 'a'}}{{> a}}{{/inline}}{{> a}}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Render([]byte(`{}`), true); !errors.Is(err, ErrTooMuch) {
		t.Errorf("got %v", err)
	}
}

// FuzzTemplate checks that every template is refused, or shows data of any kind
// or says why not; and that text without braces stays as it is.
func FuzzTemplate(f *testing.F) {
	f.Add("{{#each l}}{{this}}{{else}}{{~x~}}{{/each}}", `{"l":[1]}`)
	f.Add("{{!-- a --}}{{> p}}{{#* inline \"p\"}}x{{/inline}}", `[]`)
	f.Fuzz(func(t *testing.T, text, data string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		got, err := p.Render([]byte(data), true)
		if err == nil && !strings.Contains(text, "{{") && got != text {
			t.Errorf("%q = %q", text, got)
		}
	})
}
