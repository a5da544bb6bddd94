// Package names answers what a function asks of DNS. Names of AWS are the
// platform, so code that was written for AWS finds it without being told, and so
// are names below localhost, which the platform has for APIs and sites; others
// are asked of the host's own servers, if functions may go there at all.
package names

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	maxQuery  = 4096            // bytes, and of an answer
	maxAsked  = 32              // questions of one function that wait for an answer
	patience  = 3 * time.Second // for a server
	lifetime  = 60              // seconds that an answer of ours is good for
	localhost = "localhost."

	// The endpoint of functions is an address, before which SDKs put labels for
	// some operations: io-cell001.127.0.0.1. They mean the address.
	loopback = "127.0.0.1."

	dockerHost = "host.docker.internal." // as tools that run functions in containers name the host
)

// domains are those of AWS that a platform answers.
var domains = []string{"amazonaws.com.", "amazonaws.com.cn.", "api.aws.", "on.aws.", "amazoncognito.com."}

// IsAWS says whether a host is one of AWS's, which a platform answers.
func IsAWS(host string) bool {
	return under(strings.ToLower(strings.TrimSuffix(host, "."))+".", domains...)
}

// A Server answers questions.
type Server struct {
	Platform netip.Addr // the address of the names of AWS
	Host     netip.Addr // the address of host.docker.internal, if functions may go there
	Servers  []string   // who knows all others: "192.0.2.1:53"; empty: nobody

	// Beside returns the address of a name of AWS that has one of its own; nil: none has.
	Beside func(ctx context.Context, name string) (netip.Addr, bool)
}

// HostServers are the servers that a host asks, by its file resolv.conf.
func HostServers(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) >= 2 && f[0] == "nameserver" {
			if ip, err := netip.ParseAddr(f[1]); err == nil {
				all = append(all, netip.AddrPortFrom(ip, 53).String())
			}
		}
	}
	return all
}

// Serve answers what comes to c until it is closed.
func (s *Server) Serve(ctx context.Context, g *task.Group, c net.PacketConn) {
	left := make(chan struct{}, maxAsked)
	buf := make([]byte, maxQuery)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		answer, ask := s.answer(ctx, buf[:n])
		if !ask {
			if answer != nil {
				c.WriteTo(answer, from)
			}
			continue
		}
		select {
		case left <- struct{}{}:
		default:
			continue // it asks again
		}
		query := append([]byte(nil), buf[:n]...)
		g.Go(func() {
			defer func() { <-left }()
			if answer := s.forward(ctx, query); answer != nil {
				c.WriteTo(answer, from)
			}
		})
	}
}

// answer is the answer to a query, or nil if it deserves none. ask says that
// another server knows.
func (s *Server) answer(ctx context.Context, query []byte) (answer []byte, ask bool) {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil || h.Response {
		return nil, false
	}
	q, err := p.Question()
	if err != nil {
		return nil, false
	}
	name := strings.ToLower(q.Name.String())
	ours := under(name, domains...)
	local := under(name, localhost) || under(name, loopback)
	host := name == dockerHost && s.Host.IsValid()
	h = dnsmessage.Header{ID: h.ID, Response: true, Authoritative: true, RecursionDesired: h.RecursionDesired, RecursionAvailable: true}
	m := dnsmessage.Message{Header: h, Questions: []dnsmessage.Question{q}}
	switch {
	case (ours || local || host) && q.Type == dnsmessage.TypeA:
		ip := s.Platform
		switch {
		case host:
			ip = s.Host
		case ours && s.Beside != nil:
			if own, has := s.Beside(ctx, name); has {
				ip = own
			}
		case name == localhost || under(name, loopback):
			ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: lifetime},
			Body:   &dnsmessage.AResource{A: ip.As4()},
		}}
	case ours || local || host || q.Type == dnsmessage.TypeAAAA: // functions have no IPv6
	case len(s.Servers) == 0:
		m.RCode = dnsmessage.RCodeNameError
	default:
		return nil, true
	}
	answer, err = m.Pack()
	if err != nil {
		return nil, false
	}
	return answer, false
}

func under(name string, domains ...string) bool {
	for _, d := range domains {
		if before, ok := strings.CutSuffix(name, d); ok && (before == "" || before[len(before)-1] == '.') {
			return true
		}
	}
	return false
}

// forward asks one server after the other.
func (s *Server) forward(ctx context.Context, query []byte) []byte {
	for _, server := range s.Servers {
		d := net.Dialer{Timeout: patience}
		c, err := d.DialContext(ctx, "udp", server)
		if err != nil {
			continue
		}
		answer := exchange(c, query)
		c.Close()
		if answer != nil {
			return answer
		}
	}
	return nil
}

func exchange(c net.Conn, query []byte) []byte {
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(query); err != nil {
		return nil
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return nil
		}
		if n >= 12 && buf[0] == query[0] && buf[1] == query[1] {
			return buf[:n]
		}
	}
}
