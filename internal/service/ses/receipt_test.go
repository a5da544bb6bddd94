package ses

import (
	"fmt"
	"net/mail"
	"net/netip"
	"strings"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/gateway/postbox"
)

func TestMeets(t *testing.T) {
	f := func(recipients, address string, want bool) {
		t.Helper()
		rule := &api.ReceiptRule{Recipients: strings.Fields(recipients)}
		if got := meets(rule, address); got != want {
			t.Errorf("meets(%q, %q) = %v, want %v", recipients, address, got, want)
		}
	}
	f("", "ann@example.com", true)
	f("Example.com", "ann@example.com", true)
	f("example.com", "ann@mail.example.com", false)
	f(".example.com", "ann@mail.example.com", true)
	f(".example.com", "ann@example.com", false)
	f("ann@example.com", "ann@example.com", true)
	f("ann@example.com", "ann+label@example.com", true)
	f("ann+label@example.com", "ann@example.com", false)
	f("ann+label@example.com", "ann+label@example.com", true)
	f("eve@example.com .example.net", "ann@example.com", false)
}

func TestDisposition(t *testing.T) {
	for text, want := range map[string]flow{
		``: goOn, `null`: goOn, `{"disposition":"CONTINUE"}`: goOn, `{"disposition":"stop_rule"}`: stopRule, ` {"disposition":"STOP_RULE_SET"}`: stopSet, `[1]`: goOn,
	} {
		if got := disposition([]byte(text)); got != want {
			t.Errorf("disposition(%q) = %v, want %v", text, got, want)
		}
	}
}

// FuzzHeaders has what is read of a message begin none of its own lines, and
// written again read as it was.
func FuzzHeaders(f *testing.F) {
	f.Add("From: a <a@example.com>\r\nSubject: =?utf-8?q?x?=\r\n\tmore\r\n\r\nbody", "host", "a@example.com")
	f.Add("\r\n\r\n", "\r\nBcc: x", "")
	f.Add("no header\nA : b\n", " ", "<a@b>\n")
	f.Fuzz(func(t *testing.T, text, name, from string) {
		all := readHeaders([]byte(text))
		var again strings.Builder
		for _, h := range all {
			if strings.ContainsAny(h.Name, "\n :") || strings.Contains(h.Value, "\n") {
				t.Fatalf("%q is no header: %q", h, text)
			}
			fmt.Fprintf(&again, "%s: %s\r\n", h.Name, h.Value)
		}
		if got := readHeaders([]byte(again.String())); len(got) != len(all) {
			t.Errorf("%q read as %d headers, want %d", again.String(), len(got), len(all))
		}
		row := arrival{At: time.Unix(0, 0).UTC(), Rules: []met{{}}}
		e := &postbox.Envelope{Name: name, From: from, To: []string{from}, Client: netip.MustParseAddr("192.0.2.1")}
		trace := readHeaders([]byte(traceOf(e, "us-east-1", "id", &row)))
		if len(trace) != 4 {
			t.Errorf("%q from %q has headers %q", from, name, trace)
		}
		m := describe(&row, "id", []byte(text))
		for _, a := range m.Common.From {
			if list, err := mail.ParseAddressList(a); err == nil && len(list) == 0 {
				t.Errorf("no address in %q", a)
			}
		}
	})
}
