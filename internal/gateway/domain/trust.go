package domain

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
)

type certificate = x509.Certificate

// A trust is whom a domain with mutual TLS trusts.
type trust struct{ pool *x509.CertPool }

// Limits of trust stores.
const (
	maxTrustBytes = 1 << 20
	maxTrustCerts = 1000
)

// newTrust reads a trust store; one that cannot be read trusts nobody.
func newTrust(text string) *trust {
	t := &trust{x509.NewCertPool()}
	certs, _ := parseTrust(text)
	for _, c := range certs {
		t.pool.AddCert(c)
	}
	return t
}

func parseTrust(text string) ([]*certificate, error) {
	var all []*certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			return nil, api.BadRequestException.Errorf("The truststore contains a certificate that cannot be read")
		}
		all = append(all, c)
	}
	if len(all) == 0 || len(all) > maxTrustCerts {
		return nil, api.BadRequestException.Errorf("The truststore must have between 1 and %d certificates in PEM", maxTrustCerts)
	}
	return all, nil
}

// A Getter gets an object of S3.
type Getter func(ctx context.Context, call *aws.Call, in *s3.GetObjectInput) (*s3.GetObjectOutput, error)

// ReadTrust returns the trust store at s3://bucket/key, as the caller may see it.
func ReadTrust(ctx context.Context, call *aws.Call, get Getter, uri, version *string) (string, error) {
	at, ok := strings.CutPrefix(aws.Value(uri), "s3://")
	bucket, key, hasKey := strings.Cut(at, "/")
	if !ok || bucket == "" || !hasKey || key == "" {
		return "", api.BadRequestException.Errorf("The truststoreUri must be of the form s3://bucket-name/key-name")
	}
	if aws.Value(version) == "" {
		version = nil
	}
	out, err := get(ctx, call, &s3.GetObjectInput{Bucket: bucket, Key: key, VersionId: version})
	if err != nil {
		if r := aws.Refusal(err); r.Status < 500 {
			return "", api.BadRequestException.Errorf("The truststore %s cannot be read: %s", *uri, r.Message)
		}
		return "", err
	}
	if c, ok := out.Body.(io.Closer); ok {
		defer c.Close()
	}
	text, err := io.ReadAll(io.LimitReader(out.Body, maxTrustBytes+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxTrustBytes {
		return "", api.BadRequestException.Errorf("The truststore must not be larger than %d bytes", maxTrustBytes)
	}
	_, err = parseTrust(string(text))
	return string(text), err
}

// Trust returns whom the domain of that name trusts, or nil if clients need no
// certificates there: for the server that shakes hands with them.
func (d *Domains) Trust(ctx context.Context, name string) *x509.CertPool {
	s, err := d.find(ctx, name)
	if err != nil {
		return x509.NewCertPool() // nobody, rather than everybody
	}
	if s == nil || s.trust == nil {
		return nil
	}
	return s.trust.pool
}

// admit reports whether r comes from a client that the domain trusts, if it
// wants to know. That was checked as they shook hands, if it was this domain
// that the client asked then.
func (s *served) admit(r *http.Request, host string) bool {
	return s.trust == nil || r.TLS != nil && strings.EqualFold(r.TLS.ServerName, host) && len(r.TLS.VerifiedChains) > 0
}
