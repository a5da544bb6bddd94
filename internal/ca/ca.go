// Package ca is the certificate authority of one Aloft: made at the first
// start, kept in its data directory, trusted by the functions that Aloft runs
// and by nobody else unless they say so. Everything here that speaks TLS in the
// name of AWS shares one Authority: the sandbox, whose functions call
// https://dynamodb.us-east-1.amazonaws.com, the edge, if it listens for HTTPS,
// and a forward proxy on the developer's machine. The one idea: certificates of
// hosts are made when a client asks for a name, from one key, and never kept.
package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	lifetime     = 10 * 365 * 24 * time.Hour // of the authority
	hostLifetime = 90 * 24 * time.Hour       // of a host's certificate
	maxHosts     = 1000                      // whose certificates are remembered
	certFile     = "ca.pem"
	keyFile      = "ca-key.pem"
)

// An Authority signs certificates of hosts.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey // of the authority
	leaf *ecdsa.PrivateKey // of every host

	mu    sync.Mutex
	hosts map[string]*tls.Certificate
}

// Open returns the authority that is kept in dir, which is made with a new one
// if there is none. With an empty dir it lives in memory.
func Open(dir string) (*Authority, error) {
	a := &Authority{hosts: make(map[string]*tls.Certificate)}
	var err error
	if a.leaf, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	if dir == "" {
		return a, a.make()
	}
	err = a.load(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	if err := a.make(); err != nil {
		return nil, err
	}
	return a, a.save(dir)
}

// make makes a new authority.
func (a *Authority) make() (err error) {
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&a.key.PublicKey)
	if err != nil {
		return err
	}
	id := sha256.Sum256(public)
	t := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{Organization: []string{"Aloft"}, CommonName: fmt.Sprintf("Aloft private CA %x", id[:4])},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(lifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
		SubjectKeyId:          id[:20],
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &a.key.PublicKey, a.key)
	if err != nil {
		return err
	}
	a.cert, err = x509.ParseCertificate(der)
	return err
}

func (a *Authority) load(dir string) error {
	key, err := readPEM(filepath.Join(dir, keyFile))
	if err != nil {
		return err
	}
	cert, err := readPEM(filepath.Join(dir, certFile))
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(cert); err != nil {
		return fmt.Errorf("%s: %w", certFile, err)
	}
	if a.key, err = x509.ParseECPrivateKey(key); err != nil {
		return fmt.Errorf("%s: %w", keyFile, err)
	}
	if !a.key.PublicKey.Equal(a.cert.PublicKey) {
		return fmt.Errorf("%s and %s in %s do not belong together", certFile, keyFile, dir)
	}
	return nil
}

func readPEM(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM", path)
	}
	return block.Bytes, nil
}

// save writes the certificate first: with a key there is a whole authority.
func (a *Authority) save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key, err := x509.MarshalECPrivateKey(a.key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, certFile), a.PEM(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, keyFile), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key}), 0o600)
}

// PEM is the certificate of the authority, for who is to trust it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Certificate is the certificate of the authority.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// bundles are where systems keep the public roots.
var bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
}

// Bundle is the public roots that this host trusts and the authority: for
// programs to which one can give all roots but not one more.
func (a *Authority) Bundle() []byte {
	for _, path := range bundles {
		if text, err := os.ReadFile(path); err == nil {
			return append(append(bytes.TrimSpace(text), '\n'), a.PEM()...)
		}
	}
	return a.PEM()
}

// TLS is the configuration of a server that is every host a client asks for.
func (a *Authority) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			name := hello.ServerName
			if name == "" { // asked by address
				name, _, _ = net.SplitHostPort(hello.Conn.LocalAddr().String())
			}
			return a.Host(name)
		},
	}
}

var hostName = regexp.MustCompile(`^[a-z0-9*_]([a-z0-9_.-]*[a-z0-9])?$`)

// Host returns a certificate for a name or an address.
func (a *Authority) Host(name string) (*tls.Certificate, error) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	ip := net.ParseIP(name)
	if ip == nil && (len(name) > 253 || !hostName.MatchString(name)) {
		return nil, fmt.Errorf("no certificate for the name %q", name)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.hosts[name]; c != nil && time.Until(c.Leaf.NotAfter) > hostLifetime/2 {
		return c, nil
	}
	t := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{Organization: []string{"Aloft"}},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(hostLifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip != nil {
		t.IPAddresses = []net.IP{ip}
	} else {
		t.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &a.leaf.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if len(a.hosts) >= maxHosts {
		clear(a.hosts)
	}
	c := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.leaf, Leaf: leaf}
	a.hosts[name] = c
	return c, nil
}

// Sign returns a certificate in DER, of a public key.
func (a *Authority) Sign(template *x509.Certificate, public any) ([]byte, error) {
	return x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
}

func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b[:])
}
