package cli

import (
	"net"

	"github.com/aloft-cloud/aloft/internal/ca"
)

// listenMQTT listens for MQTT over TLS, where Aloft shows who it is as it does
// for HTTPS, or returns nil if nobody asked for that.
func (s *settings) listenMQTT(own *ca.Authority, show shower, data string, open bool) (*secureListener, error) {
	at := s.get("mqtt")
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
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, err
	}
	return &secureListener{l, config}, nil
}
