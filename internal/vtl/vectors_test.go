package vtl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unsupported are the templates that need other files, libraries of macros, or
// more of Java than their own tests' objects.
var unsupported = map[string]bool{"include": true, "stop3": true, "velocimacro": true, "foreach-type": true, "subclass": true, "string": true, "foreach-map": true, "logical": true}

// What Apache Velocity prints for its own templates, these print too.
func TestVectors(t *testing.T) {
	dir := os.Getenv("ALOFT_VECTORS")
	if dir == "" {
		t.Skip("set ALOFT_VECTORS to the directory with Velocity's templates")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "velocity", "templates", "*.vm"))
	for _, f := range files {
		name := filepath.Base(f[:len(f)-3])
		if unsupported[name] {
			continue
		}
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(dir, "velocity", "templates", "compare", name+".cmp"))
		if err != nil {
			continue
		}
		p, err := Parse(string(source))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := p.Render(Config{}, context())
		if err != nil || got != string(want) {
			t.Errorf("%s: %v", name, err)
			os.WriteFile("/tmp/vt-"+name+".got", []byte(got), 0o644)
			os.WriteFile("/tmp/vt-"+name+".want", want, 0o644)
		}
	}
}

// context are the values that Velocity's own tests use.
func context() map[string]any {
	elements, vector := NewList("first element", "second element"), NewList("vector element 1", "vector element 2")
	customers := NewList("ArrayList element 1", "ArrayList element 2", "ArrayList element 3", "ArrayList element 4")
	bar := NewMap().Set("Bar", "this is from a hashtable!").Set("Foo", "this is from a hashtable too!")
	return map[string]any{
		"name": "jason", "name2": "jason", "name3": "geoge", "provider": &provider{title: "lunatic", vector: vector, array: elements, customers: customers},
		"vector": NewList("string1", "string2"), "boolobj": NewMap().Set("boolean", true).Set("notboolean", false), "list": customers, "hashtable": bar, "hashmap": bar, "searchResults": customers,
		"stringarray": elements, "foo2": "bar",
	}
}

// A provider is what Velocity's tests call $provider.
type provider struct {
	title                    string
	vector, array, customers *List
}

func (p *provider) String() string { return "test provider" }

func (p *provider) Get(name string) (any, bool) {
	v, err := p.Call("get"+strings.ToUpper(name[:1])+name[1:], nil)
	return v, err == nil
}

func (p *provider) Set(_ string, v any) error {
	p.title = String(v)
	return nil
}

func (p *provider) Call(name string, args []any) (any, error) {
	switch name {
	case "getTitle", "getTitleMethod":
		return p.title, nil
	case "getName":
		return "jason", nil
	case "getVector":
		return p.vector, nil
	case "getArray":
		return p.array, nil
	case "getCustomers":
		return p.customers, nil
	case "getHashtable":
		return NewMap().Set("key0", "value0").Set("key1", "value1").Set("key2", "value2"), nil
	case "chop":
		text, n := String(args[0]), int(args[1].(int64))
		return text[:len(text)-n], nil
	case "concat":
		if l, ok := args[0].(*List); ok {
			return words(l), nil
		}
		return String(args[0]) + String(args[1]), nil
	case "objConcat":
		return words(args[0].(*List)), nil
	}
	return nil, ErrNoMethod
}

func words(l *List) string {
	var b strings.Builder
	for _, v := range l.Items {
		b.WriteString(String(v) + " ")
	}
	return b.String()
}
