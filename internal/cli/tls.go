package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/acme/autocert"

	"github.com/aloft-cloud/aloft/internal/ca"
)

// A secureListener takes connections over TLS.
type secureListener struct {
	net.Listener
	config *tls.Config
}

// listenTLS listens for HTTPS, or returns nil if nobody asked for that.
func (s *settings) listenTLS(own *ca.Authority, data string, open bool) (*secureListener, error) {
	at := s.get("listen-tls")
	if at == "" {
		return nil, nil
	}
	if open {
		if err := checkLoopback(at); err != nil {
			return nil, err
		}
	}
	config, err := s.certificates(own, data)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, err
	}
	return &secureListener{l, config}, nil
}

// certificates returns how Aloft shows who it is over TLS: by the certificate
// in files, for the names in it; by one of an ACME authority, for the domains
// that are listed; and else by one of its own authority.
func (s *settings) certificates(own *ca.Authority, data string) (*tls.Config, error) {
	config := own.TLS()
	config.NextProtos = []string{"h2", "http/1.1"}
	ours := config.GetCertificate
	var filed *tls.Certificate
	if cert, key := s.get("tls-cert"), s.get("tls-key"); cert != "" || key != "" {
		if cert == "" || key == "" {
			return nil, errors.New("--tls-cert and --tls-key belong together")
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert: %w", err)
		}
		filed = &pair
	}
	domains := strings.FieldsFunc(s.get("acme"), func(r rune) bool { return r == ',' || r == ' ' })
	manager := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(filepath.Join(data, "acme")),
		HostPolicy: autocert.HostWhitelist(domains...),
		Email:      s.get("acme-email"),
	}
	if len(domains) > 0 {
		config.NextProtos = append(config.NextProtos, "acme-tls/1") // the authority's question whether the domain is ours
	}
	config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if filed != nil && hello.SupportsCertificate(filed) == nil {
			return filed, nil
		}
		if slices.Contains(domains, hello.ServerName) {
			return manager.GetCertificate(hello)
		}
		return ours(hello)
	}
	return config, nil
}
