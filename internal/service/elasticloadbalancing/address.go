package elasticloadbalancing

import (
	"context"
	"net"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// Address returns the host and port at which a load balancer is asked, or one of
// its listeners, by ARN. Port is that of the listener of a load balancer; one
// that no listener has is its first one's. The scheme is "" if the listener
// takes any, and host is "" if there is no such load balancer.
func (s *Service) Address(ctx context.Context, text, port string) (scheme, host string, err error) {
	all, err := s.index.Get(ctx)
	if err != nil {
		return "", "", err
	}
	b, l := all.arns[text], (*servedListener)(nil)
	if arn, err := aws.ParseARN(text); b == nil && err == nil {
		if b = all.arns[balancers.above(arn).String()]; b == nil {
			return "", "", nil
		}
		for _, of := range b.listeners {
			if of.arn == arn {
				l = of
			}
		}
	} else if b != nil {
		l = b.listener(port, port == "443", true)
	}
	if l == nil {
		return "", "", nil
	}
	switch {
	case b.row.network():
	case encrypts(&l.row.Listener):
		scheme = "https"
	default:
		scheme = "http"
	}
	return scheme, net.JoinHostPort(*b.row.DNSName, itoa(l.port)), nil
}
