package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/aloft-cloud/aloft/internal/ca"
)

// A secureListener takes connections over TLS.
type secureListener struct {
	net.Listener
	config *tls.Config
}

// A truster says whose certificates clients must show for a name, or nil if
// they need none.
type truster func(ctx context.Context, name string) *x509.CertPool

// A shower returns the certificate that the domain of a name shows, or nil.
type shower func(ctx context.Context, name string) (*tls.Certificate, error)

// listenTLS listens for HTTPS, or returns nil if nobody asked for that.
func (s *settings) listenTLS(own *ca.Authority, show shower, trust truster, data string, open bool) (*secureListener, error) {
	l, err := s.listenSecure("listen-tls", own, show, data, open)
	if err != nil || l == nil {
		return nil, err
	}
	l.config.GetConfigForClient = askFor(trust, l.config)
	return l, nil
}

// listenSecure listens where a setting says, to show over TLS who Aloft is, or
// returns nil if it says nothing. Unless strangers are known, that is on loopback.
func (s *settings) listenSecure(setting string, own *ca.Authority, show shower, data string, open bool) (*secureListener, error) {
	at := s.get(setting)
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

// askFor returns what has clients show certificates for the names that want them.
func askFor(trust truster, usual *tls.Config) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		pool := trust(hello.Context(), hello.ServerName)
		if pool == nil || slices.Contains(hello.SupportedProtos, acme.ALPNProto) {
			return nil, nil
		}
		config := usual.Clone()
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, pool
		config.SessionTicketsDisabled = true // whom a name trusts may have changed since
		return config, nil
	}
}

// certificates returns how Aloft shows who it is over TLS: by the certificate
// in files, for the names in it; by one of an ACME authority, for the domains
// that are listed; by what a domain of a user's shows; and else by one of its
// own authority.
func (s *settings) certificates(own *ca.Authority, show shower, data string) (*tls.Config, error) {
	config := own.TLS()
	config.NextProtos = []string{"h2", "http/1.1"}
	ours := config.GetCertificate
	filed, err := filedCertificates(s.get("tls-cert"), s.get("tls-key"))
	if err != nil {
		return nil, err
	}
	domains := strings.FieldsFunc(s.get("acme"), func(r rune) bool { return r == ',' || r == ' ' })
	manager := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(filepath.Join(data, "acme")),
		HostPolicy: autocert.HostWhitelist(domains...),
		Email:      s.get("acme-email"),
	}
	if at := s.get("acme-directory"); at != "" {
		manager.Client = &acme.Client{DirectoryURL: at}
	}
	if len(domains) > 0 {
		config.NextProtos = append(config.NextProtos, acme.ALPNProto) // the authority's question whether the domain is ours
	}
	config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		for i := range filed {
			if hello.SupportsCertificate(&filed[i]) == nil {
				return &filed[i], nil
			}
		}
		if slices.Contains(domains, hello.ServerName) {
			return manager.GetCertificate(hello)
		}
		if c, err := show(hello.Context(), hello.ServerName); c != nil || err != nil {
			return c, err
		}
		return ours(hello)
	}
	return config, nil
}

// filedCertificates are those in files, with their keys.
func filedCertificates(certFiles, keyFiles string) ([]tls.Certificate, error) {
	if certFiles == "" && keyFiles == "" {
		return nil, nil
	}
	certs, keys := strings.Split(certFiles, ","), strings.Split(keyFiles, ",")
	if keyFiles == "" || len(certs) != len(keys) {
		return nil, errors.New("--tls-cert and --tls-key belong together")
	}
	var all []tls.Certificate
	for i, cert := range certs {
		pair, err := tls.LoadX509KeyPair(cert, keys[i])
		if err != nil {
			return nil, fmt.Errorf("--tls-cert: %w", err)
		}
		all = append(all, pair)
	}
	return all, nil
}
