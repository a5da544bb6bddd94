package cli

import "github.com/aloft-cloud/aloft/internal/ca"

// listenMQTT listens for MQTT over TLS, where Aloft shows who it is as it does
// for HTTPS, or returns nil if nobody asked for that.
func (s *settings) listenMQTT(own *ca.Authority, show shower, data string, open bool) (*secureListener, error) {
	return s.listenSecure("mqtt", own, show, data, open)
}
