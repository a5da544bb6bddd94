package cli

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/spf13/pflag"

	"github.com/aloft-cloud/aloft/internal/api/route53"
)

// Zones are answered over UDP and TCP, AWS's own names lead here, and nobody
// else is asked.
func TestDNS(t *testing.T) {
	w := newWorld(t)
	zone := do(w, route53.CreateHostedZone, &route53.CreateHostedZoneInput{Name: "example.com", CallerReference: "a"})
	set := func(name, kind string, values ...string) route53.Change {
		r := &route53.ResourceRecordSet{Name: name, Type: kind, TTL: new(int64(60))}
		for _, v := range values {
			r.ResourceRecords = append(r.ResourceRecords, route53.ResourceRecord{Value: v})
		}
		return route53.Change{Action: "CREATE", ResourceRecordSet: r}
	}
	var many []string
	for i := range 60 {
		many = append(many, `"`+strings.Repeat("x", 100+i)+`"`)
	}
	alias := route53.Change{Action: "CREATE", ResourceRecordSet: &route53.ResourceRecordSet{Name: "api.example.com", Type: "A",
		AliasTarget: &route53.AliasTarget{HostedZoneId: "Z2FDTNDATAQYW2", DNSName: "d111111abcdef8.cloudfront.net"}}}
	do(w, route53.ChangeResourceRecordSets, &route53.ChangeResourceRecordSetsInput{HostedZoneId: zone.HostedZone.Id, ChangeBatch: &route53.ChangeBatch{Changes: []route53.Change{
		set("example.com", "MX", "10 mail.example.com."), set("example.com", "CAA", `0 issue "ca.example.net"`), set("www.example.com", "A", "192.0.2.1", "192.0.2.2"),
		set("blog.example.com", "CNAME", "www.example.com"), set("*.example.com", "TXT", `"any \"one\""`), set("long.example.com", "TXT", many...), alias,
	}}})
	s := newSettings(pflag.NewFlagSet("t", pflag.ContinueOnError))
	s.flags.Set("dns", "127.0.0.1:0")
	servers, err := s.listenDNS(t.Context(), w.Names, true, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range servers {
		go server.ActivateAndServe()
		defer server.Shutdown()
	}
	at := servers[1].Listener.Addr().String()

	f := func(network, name, kind string, rcode int, want ...string) {
		t.Helper()
		q := new(dns.Msg).SetQuestion(name, dns.StringToType[kind])
		out, _, err := (&dns.Client{Net: network}).Exchange(q, at)
		if err != nil {
			t.Fatalf("%s %s: %v", name, kind, err)
		}
		var got []string
		for _, rr := range out.Answer {
			got = append(got, dns.TypeToString[rr.Header().Rrtype]+" "+strings.TrimPrefix(rr.String(), rr.Header().String()))
		}
		if out.Rcode != rcode || strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("%s %s: %s, %q", name, kind, dns.RcodeToString[out.Rcode], got)
		}
	}
	f("udp", "WWW.example.com.", "A", dns.RcodeSuccess, "A 192.0.2.1", "A 192.0.2.2")
	f("udp", "blog.example.com.", "A", dns.RcodeSuccess, "CNAME www.example.com.", "A 192.0.2.1", "A 192.0.2.2")
	f("tcp", "example.com.", "MX", dns.RcodeSuccess, "MX 10 mail.example.com.")
	f("tcp", "example.com.", "CAA", dns.RcodeSuccess, `CAA 0 issue "ca.example.net"`)
	f("udp", "deep.down.example.com.", "TXT", dns.RcodeSuccess, `TXT "any \"one\""`)
	f("udp", "www.example.com.", "TXT", dns.RcodeSuccess)
	f("udp", "api.example.com.", "A", dns.RcodeSuccess, "A 127.0.0.1")
	f("udp", "abc.execute-api.us-east-1.amazonaws.com.", "A", dns.RcodeSuccess, "A 127.0.0.1")
	f("udp", "example.org.", "A", dns.RcodeRefused)

	short, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion("long.example.com.", dns.TypeTXT), at)
	if err != nil || !short.Truncated {
		t.Errorf("a long answer over UDP: %v", err)
	}
	long, _, err := (&dns.Client{Net: "tcp"}).Exchange(new(dns.Msg).SetQuestion("long.example.com.", dns.TypeTXT), at)
	if err != nil || len(long.Answer) != len(many) {
		t.Errorf("a long answer over TCP: %v", err)
	}
	s.flags.Set("dns", "0.0.0.0:0")
	if _, err := s.listenDNS(t.Context(), w.Names, true, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("dev listens on all addresses")
	}
}
