package acm

import (
	"crypto"
	"path/filepath"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/acm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/ca"
	"github.com/aloft-cloud/aloft/internal/store"
)

// TestSealed holds that rows have no key that who has them alone could use, that
// servers have it after a restart, and that rows of before are read, and sealed
// when they change.
func TestSealed(t *testing.T) {
	dir, keys := t.TempDir(), filepath.Join(t.TempDir(), "acm")
	authority, err := ca.Open("")
	if err != nil {
		t.Fatal(err)
	}
	open := func(keys string) *Service {
		t.Helper()
		db, err := store.Open(store.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return New(db, nil, authority, keys)
	}
	row := func(s *Service, arn string) (c certificate) {
		t.Helper()
		_, c, err := s.view(t.Context(), &aws.Call{Account: "000000000000", Region: "us-east-1"}, arn)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	shows := func(s *Service, arn string) {
		t.Helper()
		shown, err := s.Certificate(t.Context(), arn)
		if err != nil || shown == nil {
			t.Fatalf("Certificate = %v, %v", shown, err)
		}
		public := shown.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		if !public.Equal(shown.PrivateKey.(crypto.Signer).Public()) {
			t.Error("the key is not that of the certificate")
		}
	}
	s := open(keys)
	call := &aws.Call{Account: "000000000000", Region: "us-east-1"}
	out, err := s.RequestCertificate(t.Context(), call, &api.RequestCertificateInput{DomainName: "shop.example.com", KeyAlgorithm: new("EC_prime256v1")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.runDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	arn := *out.CertificateArn
	if c := row(s, arn); c.Key != nil || c.Sealed == nil {
		t.Errorf("Key = %x, Sealed = %x", c.Key, c.Sealed)
	}
	shows(s, arn)

	// As an earlier version wrote it.
	of, c := call.ARN("acm", certificateKind+"old"), row(s, arn)
	plain, err := newKey("EC_prime256v1")
	if err != nil {
		t.Fatal(err)
	}
	c.Key, c.Sealed, c.Due = plain, nil, time.Time{}
	err = s.db.Update(t.Context(), func(tx *store.Tx) error {
		if err := certificates.Put(tx, of, c); err != nil {
			return err
		}
		return s.issue(tx, of, &c)
	})
	if err != nil {
		t.Fatal(err)
	}
	old := row(s, of.String())
	old.Key, old.Sealed = plain, nil
	if err := s.db.Update(t.Context(), func(tx *store.Tx) error { return certificates.Put(tx, of, old) }); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(keys)
	shows(s, arn)
	shows(s, of.String())
	if _, err := s.AddTagsToCertificate(t.Context(), call, &api.AddTagsToCertificateInput{CertificateArn: of.String(), Tags: []api.Tag{{Key: "a"}}}); err != nil {
		t.Fatal(err)
	}
	if c := row(s, of.String()); c.Key != nil || c.Sealed == nil {
		t.Errorf("Key = %x, Sealed = %x", c.Key, c.Sealed)
	}
	shows(s, of.String())
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(keys + "-other")
	if shown, err := s.Certificate(t.Context(), arn); err == nil {
		t.Errorf("without the key that sealed it: %v", shown)
	}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
}
