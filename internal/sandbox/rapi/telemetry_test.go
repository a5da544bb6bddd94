package rapi

import (
	"strings"
	"testing"
)

func TestSubscription(t *testing.T) {
	const to = `"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080/a?b"}`
	for text, want := range map[string]string{
		`{"schemaVersion":"2022-12-13","types":["platform","function","extension"],` + to + `}`:                                         "",
		`{"schemaVersion":"2022-12-13","types":["platform"],"destination":{"protocol":"TCP","port":8080}}`:                              "",
		`{"schemaVersion":"2022-12-13","types":["platform"],"buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":25},` + to + `}`: "",
		`{`: "unexpected end of JSON input",
		`{"schemaVersion":"1","types":["platform"],` + to + `}`:                                                           `schemaVersion "1" is not supported`,
		`{"schemaVersion":"2022-12-13","types":[],` + to + `}`:                                                            "types must name what to subscribe to",
		`{"schemaVersion":"2022-12-13","types":["all"],` + to + `}`:                                                       `type "all" is not supported`,
		`{"schemaVersion":"2022-12-13","types":["platform"],"buffering":{"maxItems":1},` + to + `}`:                       "buffering.maxItems must be between 1000 and 10000",
		`{"schemaVersion":"2022-12-13","types":["platform"],"destination":{"protocol":"HTTP","URI":"http://127.0.0.1/"}}`: "destination.URI must be of http://sandbox.localdomain",
		`{"schemaVersion":"2022-12-13","types":["platform"],"destination":{"protocol":"TCP","port":0}}`:                   "destination.port must be a port",
		`{"schemaVersion":"2022-12-13","types":["platform"],"destination":{"protocol":"UDP","port":1}}`:                   `destination.protocol "UDP" is not supported`,
	} {
		s, err := parseSubscription([]byte(text), false)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
		if err == nil && !s.TCP && (s.Port != "8080" || s.Path != "/a?b") {
			t.Errorf("%s: %+v", text, s)
		}
	}
}

func FuzzSubscription(f *testing.F) { // what parses goes to a port of the worker
	f.Add([]byte(`{"schemaVersion":"2022-12-13","types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox:8080/a"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseSubscription(b, false); err == nil && (s.Port == "" || strings.ContainsAny(s.Port, ":/@ ")) {
			t.Errorf("port %q", s.Port)
		}
	})
}
