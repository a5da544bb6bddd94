package route53_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/aloft-cloud/aloft/internal/service/route53"
	"github.com/aloft-cloud/aloft/internal/store"
)

// What has an address of its own on this host is there for programs of this
// host; others are led to the platform.
func TestBeside(t *testing.T) {
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	own := netip.MustParseAddr("127.19.0.1")
	s := route53.New(db, func(_ context.Context, name string) (netip.Addr, bool) {
		return own, name == "db.abc.us-east-1.rds.amazonaws.com."
	})
	f := func(name, here, want string) {
		t.Helper()
		out := s.Answer(t.Context(), new(dns.Msg).SetQuestion(name, dns.TypeA), netip.MustParseAddr(here))
		if len(out.Answer) != 1 || out.Answer[0].(*dns.A).A.String() != want {
			t.Errorf("%s, asked at %s: %v, want %s", name, here, out.Answer, want)
		}
	}
	f("DB.abc.us-east-1.rds.amazonaws.com.", "127.0.0.1", "127.19.0.1")
	f("db.abc.us-east-1.rds.amazonaws.com.", "192.0.2.1", "192.0.2.1")
	f("sqs.us-east-1.amazonaws.com.", "127.0.0.1", "127.0.0.1")
}
