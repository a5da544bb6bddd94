package apigateway

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"sync"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An identity is the certificate by which servers know a stage.
type identity struct {
	id   string
	cert *tls.Certificate
}

// identityOf is the identity of a stage, or nil if it has none.
func identityOf(tx *store.Tx, at aws.ARN, stage *api.Stage) (*identity, error) {
	id := aws.Value(stage.ClientCertificateId)
	if id == "" {
		return nil, nil
	}
	at.Resource = "/clientcertificates/" + id
	row, err := clientCerts.Get(tx, at)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // it was removed
	}
	if err != nil {
		return nil, err
	}
	private, err := clientKeys.Get(tx, at)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(aws.Value(row.PemEncodedCertificate)))
	if block == nil {
		return nil, errors.New("a client certificate is no PEM")
	}
	return &identity{id, &tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}}, nil
}

// transports are those for servers that are asked in ways of their own.
type transports struct {
	mu    sync.Mutex
	known map[transport]http.RoundTripper
}

// A transport shows a certificate, by id, and may take any of a server's.
type transport struct {
	identity string
	trusting bool
}

// maxTransports is how many are remembered.
const maxTransports = 100

// transport is what the request's integration is asked by.
func (x *exchange) transport() http.RoundTripper {
	var t transport
	if x.stage.identity != nil {
		t.identity = x.stage.identity.id
	}
	if c := x.method.integ.TlsConfig; c != nil {
		t.trusting = aws.Value(c.InsecureSkipVerification)
	}
	if t == (transport{}) {
		return x.client
	}
	all := &x.Service.transports
	all.mu.Lock()
	defer all.mu.Unlock()
	if known := all.known[t]; known != nil {
		return known
	}
	own := outbound.NewTransport(x.cfg.Private)
	own.TLSClientConfig = &tls.Config{InsecureSkipVerify: t.trusting}
	if x.stage.identity != nil {
		own.TLSClientConfig.Certificates = []tls.Certificate{*x.stage.identity.cert}
	}
	if all.known == nil || len(all.known) >= maxTransports {
		all.known = make(map[transport]http.RoundTripper)
	}
	all.known[t] = x.within(own)
	return all.known[t]
}

// within has the platform answer requests to its own hosts itself.
func (s *Service) within(others http.RoundTripper) http.RoundTripper {
	if s.cfg.Edge == nil {
		return others
	}
	return backend.Within(s.cfg.Edge, s.cfg.Domains.Inside, others)
}
