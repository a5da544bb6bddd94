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
	l, err := s.listenSecure("smtp", own, show, data, open)
	if err != nil || l == nil {
		return nil, err
	}
	l.config.NextProtos = nil
	name := "inbound-smtp." + s.get("region") + ".amazonaws.com"
	return &mailListener{postbox.New(ctx, postbox.Config{Keeper: keeper, Name: name, TLS: l.config, Log: log}), l.Listener}, nil
}
