package fence

import (
	"net/netip"
	"testing"
)

func TestEgress(t *testing.T) {
	for _, tc := range []struct{ egress, ip, want string }{
		{"none", "1.1.1.1", "no"},
		{"internet", "1.1.1.1", "yes"},
		{"internet", "169.254.169.254", "no"},
		{"internet", "127.0.0.1", "no"},
		{"internet", "10.1.2.3", "no"},
		{"internet", "172.31.0.1", "no"},
		{"internet", "::1", "no"},
		{"internet", "fd00:ec2::254", "no"},
		{"internet,10.1.0.0/16", "10.1.2.3", "yes"},
		{"10.1.2.3", "10.1.2.3", "yes"},
		{"internet", "198.18.0.2", "no"},
		{"internet,host", "198.18.0.2", "yes"},
		{"host", "127.0.0.1", "no"},
		{"10.1.2.3", "1.1.1.1", "no"},
	} {
		e, err := ParseEgress(tc.egress)
		if err != nil {
			t.Fatal(err)
		}
		if got := map[bool]string{true: "yes", false: "no"}[e.Permits(netip.MustParseAddr(tc.ip))]; got != tc.want {
			t.Errorf("%s permits %s: got %s, want %s", tc.egress, tc.ip, got, tc.want)
		}
	}
	for _, bad := range []string{"some", "10.0.0.0/33", "fd00::/8", "internet none"} {
		if _, err := ParseEgress(bad); err == nil {
			t.Errorf("ParseEgress(%q) succeeded", bad)
		}
	}
}
