package sandbox

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
)

// whoServes answers with the host that was asked, and how.
var whoServes = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %t", r.Host, r.TLS != nil)
})

// Code with addresses of AWS in it reaches the endpoint, and believes it.
func TestNamesOfAWS(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Endpoint = whoServes })
	for name, f := range map[string]*Function{
		"node":   node(t, `exports.handler = (e, c, cb) => require(e).get(e + '://x.s3.eu-west-1.amazonaws.com/a', (r) => { let s = ''; r.on('data', (d) => { s += d }).on('end', () => cb(null, s)) }).on('error', cb)`),
		"python": python(t, "import urllib.request\ndef handler(e, c): return urllib.request.urlopen(e + '://x.s3.eu-west-1.amazonaws.com/a').read().decode()"),
		"go":     self(t),
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				payload := `"` + scheme + `"`
				if name == "go" {
					payload = `{"Do":"get","Say":"` + scheme + `://x.s3.eu-west-1.amazonaws.com/a"}`
				}
				expect(t, r.invoke(t, f, payload), "", fmt.Sprintf(`"x.s3.eu-west-1.amazonaws.com %t"`, scheme == "https"))
			})
		}
	}
}

// What is outside can be reached if the operator says so, on every port, and
// this host cannot unless it is named.
func TestEgress(t *testing.T) {
	host := hostIP(t)
	l, err := net.Listen("tcp", net.JoinHostPort(host.String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "far") }))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	defer s.Close()
	get := `{"Do":"get","Say":"` + s.URL + `"}`
	for _, tc := range []struct {
		name   string
		egress fence.Egress
		want   string
	}{
		{"none", fence.Egress{}, `".*(refused|reset|closed|EOF|unreachable|denied).*"`},
		{"internet", fence.Egress{Internet: true}, `".*(refused|reset|closed|EOF|unreachable|denied).*"`},
		{"named", fence.Egress{Allow: []netip.Prefix{netip.PrefixFrom(host, 32)}}, `"far"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, func(c *Config) { c.Egress = tc.egress })
			expect(t, r.invoke(t, self(t), get), "", tc.want)
			expect(t, r.invoke(t, self(t), `{"Do":"get","Say":"http://169.254.169.254/latest/meta-data/"}`), "", `".*(refused|reset|closed|EOF|unreachable|denied).*"`)
			expect(t, r.invoke(t, self(t), `{"Do":"get","Say":"http://198.18.0.1:81/"}`), "", `".*(refused|reset|closed|EOF|unreachable|denied).*"`)
		})
	}
}

// hostIP is an address of this host that is not loopback.
func hostIP(t *testing.T) netip.Addr {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && ip.IP.To4() != nil {
			return netip.MustParseAddr(ip.IP.To4().String())
		}
	}
	t.Skip("this host has no address but its own")
	return netip.Addr{}
}

// What listens on the host's loopback can be reached by the name that tools with
// containers have for it, if the operator says so; the platform's own port not.
func TestHost(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "database") }))
	defer s.Close()
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	get := `{"Do":"get","Say":"http://host.docker.internal:` + port + `/"}`
	r := newRig(t, func(c *Config) { c.Egress = fence.Egress{Host: true} })
	expect(t, r.invoke(t, self(t), get), "", `"database"`)
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	r = newRig(t, func(c *Config) { c.Egress, c.Port = fence.Egress{Host: true}, n })
	expect(t, r.invoke(t, self(t), get), "", `".*(refused|reset|EOF|closed).*"`)
	r = newRig(t, nil)
	expect(t, r.invoke(t, self(t), get), "", `".*no such host.*"`)
}
