package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/aloft-cloud/aloft/internal/service/route53"
)

const dnsTimeout = 5 * time.Second

// A namer answers questions over DNS; here is where the platform is for whoever
// asks.
type namer interface {
	Answer(ctx context.Context, q *dns.Msg, here netip.Addr) *dns.Msg
}

// listenDNS has names answer questions at the address that the settings say,
// and returns what serves them, over UDP and TCP, or nothing if nobody asked
// for that.
func (s *settings) listenDNS(ctx context.Context, names namer, open bool, log *slog.Logger) ([]*dns.Server, error) {
	at := s.get("dns")
	if at == "" {
		return nil, nil
	}
	if open {
		if err := checkLoopback(at); err != nil {
			return nil, err
		}
	}
	packets, err := net.ListenPacket("udp", at)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", packets.LocalAddr().String()) // the same port, if at leaves it open
	if err != nil {
		return nil, errors.Join(err, packets.Close())
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		ctx, done := context.WithTimeout(ctx, dnsTimeout)
		defer done()
		out := names.Answer(ctx, q, hereFor(w))
		if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
			out.Truncate(route53.UDPSize(q))
		}
		if err := w.WriteMsg(out); err != nil {
			log.Debug("DNS answer cut short", "err", err)
		}
	})
	return []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: l, Handler: handler, ReadTimeout: dnsTimeout, WriteTimeout: dnsTimeout}}, nil
}

// closeDNS ends what listenDNS returned.
func closeDNS(servers []*dns.Server) error {
	var all error
	for _, s := range servers {
		if s.Listener != nil {
			all = errors.Join(all, s.Listener.Close())
		} else {
			all = errors.Join(all, s.PacketConn.Close())
		}
	}
	return all
}

// hereFor is the address of this host by which w's client reaches it.
func hereFor(w dns.ResponseWriter) netip.Addr {
	at, err := netip.ParseAddrPort(w.LocalAddr().String())
	if err == nil && !at.Addr().IsUnspecified() {
		return at.Addr().Unmap()
	}
	c, err := net.Dial("udp", w.RemoteAddr().String()) // sends nothing: it asks the routes
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	at, err = netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}
