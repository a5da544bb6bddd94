package cli

import (
	"context"
	"log/slog"
	"net"

	"github.com/aloft-cloud/aloft/internal/ca"
	"github.com/aloft-cloud/aloft/internal/gateway/postbox"
)

// A mailListener takes mail.
type mailListener struct {
	*postbox.Server
	l net.Listener
}

// listenSMTP listens for mail to receipt rules, over TLS for who asks for it, or
// returns nil if nobody asked for that.
func (s *settings) listenSMTP(ctx context.Context, keeper postbox.Keeper, own *ca.Authority, show shower, data string, open bool, log *slog.Logger) (*mailListener, error) {
	at := s.get("smtp")
	if at == "" {
		return nil, nil
	}
	if open {
		if err := checkLoopback(at); err != nil {
			return nil, err
		}
	}
	config, err := s.certificates(own, show, data)
	if err != nil {
		return nil, err
	}
	config.NextProtos = nil
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, err
	}
	name := "inbound-smtp." + s.get("region") + ".amazonaws.com"
	return &mailListener{postbox.New(ctx, postbox.Config{Keeper: keeper, Name: name, TLS: config, Log: log}), l}, nil
}
