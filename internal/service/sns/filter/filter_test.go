package filter

import (
	"strings"
	"testing"
)

func TestAttributes(t *testing.T) {
	f := func(policy string, want bool, attributes ...string) {
		t.Helper()
		p, err := Parse(policy, false)
		if err != nil {
			t.Fatalf("Parse(%s): %v", policy, err)
		}
		all := make(map[string]Attribute)
		for _, a := range attributes {
			part := strings.SplitN(a, ":", 3)
			all[part[0]] = Attribute{part[1], part[2]}
		}
		if got := p.Match(Attributes(all)); got != want {
			t.Errorf("%s on %v = %v, want %v", policy, attributes, got, want)
		}
	}
	f(`{"a":["x","y"]}`, true, "a:String:y")
	f(`{"a":["x","y"]}`, false, "a:String:z")
	f(`{"a":["x"]}`, false)
	f(`{"a":["x"],"b":["y"]}`, false, "a:String:x")
	f(`{"a":["x"]}`, true, `a:String.Array:["q","x"]`)
	f(`{"a":[{"anything-but":["x"]}]}`, true, `a:String.Array:["q","x"]`)
	f(`{"a":[{"anything-but":["x"]}]}`, false, "a:String:x")
	f(`{"a":[{"anything-but":["x"]}]}`, false)
	f(`{"a":[{"anything-but":{"prefix":"x"}}]}`, false, "a:String:xy")
	f(`{"a":[{"anything-but":{"prefix":"x"}}]}`, true, "a:String:yx")
	f(`{"a":[{"prefix":"x"}]}`, true, "a:String:xy")
	f(`{"a":[{"suffix":"x"}]}`, true, "a:String:yx")
	f(`{"a":[{"equals-ignore-case":"ABC"}]}`, true, "a:String:abc")
	f(`{"a":[{"wildcard":"a*c*"}]}`, true, "a:String:abcd")
	f(`{"a":[{"wildcard":"a*d"}]}`, false, "a:String:abc")
	f(`{"a":[{"exists":true}]}`, false, "a:Binary:AA==")
	f(`{"a":[{"exists":false}]}`, true, "a:Binary:AA==", "b:String:x")
	f(`{"a":[{"exists":false}]}`, false)
	f(`{"a":[{"exists":false}]}`, true, "b:String:x")
	f(`{"a":[{"numeric":[">",1,"<=",3]}]}`, true, "a:Number:3.0")
	f(`{"a":[{"numeric":[">",1,"<=",3]}]}`, false, "a:Number:1")
	f(`{"a":[{"numeric":[">",1]}]}`, false, "a:String:2")
	f(`{"a":[100]}`, true, "a:Number:1e2")
	f(`{"a":[{"cidr":"10.0.0.0/24"}]}`, true, "a:String:10.0.0.7")
	f(`{"$or":[{"a":["x"]},{"b":["y"]}]}`, true, "b:String:y")
	f(`{"$or":[{"a":["x"]},{"b":["y"]}],"c":["z"]}`, false, "b:String:y")
}

func TestBody(t *testing.T) {
	f := func(policy, body string, want bool) {
		t.Helper()
		p, err := Parse(policy, true)
		if err != nil {
			t.Fatalf("Parse(%s): %v", policy, err)
		}
		if got := p.Match(Body(body)); got != want {
			t.Errorf("%s on %s = %v, want %v", policy, body, got, want)
		}
	}
	f(`{"a":{"b":["x"]}}`, `{"a":{"b":"x"}}`, true)
	f(`{"a":{"b":["x"]}}`, `{"a":{"b":["y","x"]}}`, true)
	f(`{"a":{"b":["x"]}}`, `{"a":[{"b":"y"},{"b":"x"}]}`, true)
	f(`{"a":{"b":["x"]}}`, `{"a":"x"}`, false)
	f(`{"a":{"b":[{"exists":false}]}}`, `{"c":1}`, true)
	f(`{"a":[null,true,1]}`, `{"a":null}`, true)
	f(`{"a":[null]}`, `{}`, false)
	f(`{"a":[true]}`, `{"a":true}`, true)
	f(`{"a":[1]}`, `{"a":1.0}`, true)
	f(`{"a":["x"]}`, `no json`, false)
	f(`{"a":["x"]}`, `["x"]`, false)
	f(`{"a.b":["x"]}`, `{"a":{"b":"x"}}`, true)
}

func TestRefused(t *testing.T) {
	f := func(policy string, nested bool, want string) {
		t.Helper()
		if _, err := Parse(policy, nested); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%s) = %v, want %s", policy, err, want)
		}
	}
	f(`{i`, false, "failed to parse JSON.")
	f(`[]`, false, "failed to parse JSON.")
	f(`{"key_a":"value_one"}`, true, `"key_a" must be an object or an array`)
	f(`{"a":{"b":["x"]}}`, false, "does not support nested filter policy")
	f(`{"a":[{"exists":"no"}]}`, false, "exists match pattern must be either true or false.")
	f(`{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}`, false, "can not have more than 5 keys")
	f(`{"a":[1,2,3,4,5,6],"b":[1,2,3,4,5],"c":[1,2,3,4,5,6]}`, false, "Filter policy is too complex")
	f(`{"a":[{"like":"x"}]}`, false, "Unrecognized match type like")
	f(`{"a":[]}`, false, "Empty arrays are not allowed")
	f(strings.Repeat(`{"a":`, 100)+"[1]"+strings.Repeat("}", 100), true, "nested too deep")
}

// What parses matches, or does not, and never panics.
func FuzzFilter(f *testing.F) {
	f.Add(`{"a":[{"numeric":[">",1e9]}],"$or":[{"b":["x"]},{"c":{"d":[{"anything-but":{"suffix":["y"]}}]}}]}`, `{"a":1,"b":["x",{"d":null}]}`)
	f.Fuzz(func(t *testing.T, policy, body string) {
		p, err := Parse(policy, true)
		if err != nil {
			return
		}
		p.Match(Body(body))
		p.Match(Attributes(map[string]Attribute{"a": {"String.Array", body}, "b": {"Number", body}, "c": {"String", body}}))
	})
}
