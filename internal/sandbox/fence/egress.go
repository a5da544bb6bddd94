package fence

import (
	"fmt"
	"net/netip"
	"strings"
)

// Beside are the addresses at which a process in a network of its own finds what of
// the platform is no HTTP.
var Beside = netip.MustParsePrefix("198.19.0.0/16")

// Platform is the address at which a process in a network of its own finds what
// it knows by a name of AWS: nobody on the internet has it.
var Platform = netip.MustParseAddr("198.18.0.1")

// Host is the address at which a process finds services on the loopback of
// its host, if Egress has it: what it knows as host.docker.internal.
var Host = netip.MustParseAddr("198.18.0.2")

// An Egress says what processes may reach besides us. Its zero value is nothing.
type Egress struct {
	Internet bool           // what is public
	Host     bool           // what listens on the host's loopback
	Allow    []netip.Prefix // whatever else is said
}

// ParseEgress reads what an operator wrote: "none", "internet", "host",
// addresses and prefixes, with commas between them.
func ParseEgress(s string) (Egress, error) {
	var e Egress
	for word := range strings.SplitSeq(s, ",") {
		word = strings.TrimSpace(word)
		switch word {
		case "", "none":
			continue
		case "internet":
			e.Internet = true
			continue
		case "host":
			e.Host = true
			continue
		}
		p, err := netip.ParsePrefix(word)
		if a, wrong := netip.ParseAddr(word); wrong == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil || !p.Addr().Is4() {
			return e, fmt.Errorf("%q is not none, internet, host, nor an IPv4 address or prefix", word)
		}
		e.Allow = append(e.Allow, p.Masked())
	}
	return e, nil
}

// private are the addresses that are not the internet: of this host, of the
// networks it is in, of clouds' metadata.
var private = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4")

func prefixes(all ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range all {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// Allows reports whether the operator named a prefix of ip.
func (e Egress) Allows(ip netip.Addr) bool { return in(e.Allow, ip) }

// Permits reports whether processes may connect to ip.
func (e Egress) Permits(ip netip.Addr) bool {
	return ip.Is4() && (e.Allows(ip) || e.Host && ip == Host || e.Internet && !in(private, ip))
}

func in(all []netip.Prefix, ip netip.Addr) bool {
	for _, p := range all {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
