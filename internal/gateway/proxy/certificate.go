package proxy

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/jx"
)

// A ClientCert is what events and logs say of the certificate of a client.
type ClientCert struct{ PEM, Subject, Issuer, Serial, NotBefore, NotAfter string }

// NewClientCert returns what is said of c.
func NewClientCert(c *x509.Certificate) *ClientCert {
	const layout = "Jan _2 15:04:05 2006 GMT"
	return &ClientCert{
		PEM:     string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})),
		Subject: distinguished(c.RawSubject), Issuer: distinguished(c.RawIssuer), Serial: serial(c.SerialNumber),
		NotBefore: c.NotBefore.UTC().Format(layout), NotAfter: c.NotAfter.UTC().Format(layout),
	}
}

// distinguished prints a name in the order in which the certificate has it.
func distinguished(raw []byte) string {
	var name pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &name); err != nil {
		return ""
	}
	slices.Reverse(name) // which String does too
	return name.String()
}

// serial prints a small number as such, and a large one as bytes.
func serial(n *big.Int) string {
	if n.IsInt64() {
		return n.String()
	}
	parts := make([]string, 0, 20)
	for _, b := range n.Bytes() {
		parts = append(parts, fmt.Sprintf("%02x", b))
	}
	return strings.Join(parts, ":")
}

// clientCert appends the member clientCert, and a comma, if there is one.
func (r *Request) clientCert(b []byte) []byte {
	if r.Certificate == nil {
		return b
	}
	c := NewClientCert(r.Certificate)
	b = append(jx.AppendKey(b, "clientCert"), '{')
	b = field(b, "clientCertPem", c.PEM)
	b = field(b, "subjectDN", c.Subject)
	b = field(b, "issuerDN", c.Issuer)
	b = field(b, "serialNumber", c.Serial)
	b = append(jx.AppendKey(b, "validity"), '{')
	b = field(b, "notBefore", c.NotBefore)
	b = field(b, "notAfter", c.NotAfter)
	return append(jx.Close(jx.Close(b, 0, '}'), 0, '}'), ',')
}

// authentication appends the member authentication of version 2.0, if the
// client showed a certificate.
func (r *Request) authentication(b []byte) []byte {
	if r.Certificate == nil {
		return b
	}
	b = append(jx.AppendKey(b, "authentication"), '{')
	return append(jx.Close(r.clientCert(b), 0, '}'), ',')
}
