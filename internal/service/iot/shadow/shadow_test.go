package shadow

import (
	"encoding/json"
	"testing"
	"time"
)

var now = time.Unix(1000, 0)

func TestUpdate(t *testing.T) {
	var d Document
	step := func(body, accepted, delta, get string) {
		t.Helper()
		c, err := d.Update([]byte(body), now)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		d = c.Next
		if string(c.Accepted) != accepted {
			t.Errorf("%s: accepted %s, want %s", body, c.Accepted, accepted)
		}
		if string(c.Delta) != delta {
			t.Errorf("%s: delta %s, want %s", body, c.Delta, delta)
		}
		if got := string(d.Get(now)); got != get {
			t.Errorf("%s: get %s, want %s", body, got, get)
		}
	}
	step(`{"state":{"desired":{"color":"red","at":{"x":1}}},"clientToken":"c"}`,
		`{"state":{"desired":{"color":"red","at":{"x":1}}},"metadata":{"desired":{"color":{"timestamp":1000},"at":{"x":{"timestamp":1000}}}},"version":1,"timestamp":1000,"clientToken":"c"}`,
		`{"version":1,"timestamp":1000,"state":{"color":"red","at":{"x":1}},"metadata":{"color":{"timestamp":1000},"at":{"x":{"timestamp":1000}}},"clientToken":"c"}`,
		`{"state":{"desired":{"color":"red","at":{"x":1}},"delta":{"color":"red","at":{"x":1}}},"metadata":{"desired":{"color":{"timestamp":1000},"at":{"x":{"timestamp":1000}}}},"version":1,"timestamp":1000}`)
	step(`{"state":{"reported":{"color":"red","at":{"x":2},"l":[1]}},"version":1}`,
		`{"state":{"reported":{"color":"red","at":{"x":2},"l":[1]}},"metadata":{"reported":{"color":{"timestamp":1000},"at":{"x":{"timestamp":1000}},"l":[{"timestamp":1000}]}},"version":2,"timestamp":1000}`,
		`{"version":2,"timestamp":1000,"state":{"at":{"x":1}},"metadata":{"at":{"x":{"timestamp":1000}}}}`,
		`{"state":{"desired":{"color":"red","at":{"x":1}},"reported":{"color":"red","at":{"x":2},"l":[1]},"delta":{"at":{"x":1}}},"metadata":{"desired":{"color":{"timestamp":1000},"at":{"x":{"timestamp":1000}}},"reported":{"color":{"timestamp":1000},"at":{"x":{"timestamp":1000}},"l":[{"timestamp":1000}]}},"version":2,"timestamp":1000}`)
	step(`{"state":{"desired":null,"reported":{"at":null,"l":null}}}`,
		`{"state":{"desired":null,"reported":{"at":null,"l":null}},"metadata":{"reported":{}},"version":3,"timestamp":1000}`, ``,
		`{"state":{"reported":{"color":"red"}},"metadata":{"reported":{"color":{"timestamp":1000}}},"version":3,"timestamp":1000}`)
	for body, code := range map[string]int{
		`{`: 400, `[]`: 400, `{}`: 400, `{"state":1}`: 400, `{"state":{"other":{}}}`: 400, `{"state":{"desired":1}}`: 400,
		`{"state":{},"version":1}`: 409, `{"state":{},"version":"x"}`: 400, `{"state":{},"clientToken":1}`: 400,
		`{"state":{"desired":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}}}}`: 400,
	} {
		_, err := d.Update([]byte(body), now)
		if e, ok := err.(*Error); !ok || e.Code != code {
			t.Errorf("%s: %v, want %d", body, err, code)
		}
	}
}

// FuzzUpdate checks that an update either is refused or makes documents.
func FuzzUpdate(f *testing.F) {
	f.Add(`{"state":{"desired":{"a":[{"b":null}]}}}`, `{"state":{"reported":{"a":{"b":1}}},"version":1}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		var d Document
		for _, body := range []string{a, b} {
			c, err := d.Update([]byte(body), now)
			if err != nil {
				continue
			}
			d = c.Next
			for _, text := range [][]byte{c.Accepted, c.Documents, d.Get(now)} {
				if !json.Valid(text) {
					t.Errorf("%s: %s", body, text)
				}
			}
			row, err := json.Marshal(d)
			var again Document
			if err != nil || json.Unmarshal(row, &again) != nil || string(again.Get(now)) != string(d.Get(now)) {
				t.Errorf("%s is kept as %s", d.Get(now), row)
			}
		}
	})
}
