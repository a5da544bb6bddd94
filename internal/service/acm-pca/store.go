package acmpca

import (
	"context"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/acm-pca"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

var (
	authorities  = store.NewTable[aws.ARN, authority]("acm-pca.authority")
	certificates = store.NewTable[certificateKey, certificate]("acm-pca.certificate")
	permissions  = store.NewTable[permissionKey, permission]("acm-pca.permission")
	dues         = due.NewTimes[aws.ARN]("acm-pca.due") // of authorities that are deleted
)

// An authority is a key, and the certificate of it.
type authority struct {
	Type    string // ROOT or SUBORDINATE
	Status  string // as it was set: that it has expired shows when it is asked
	Config  api.CertificateAuthorityConfiguration
	Revokes *api.RevocationConfiguration `json:",omitempty"`
	Storage string
	Usage   string
	Tags    map[string]string `json:",omitempty"`
	Token   string            `json:",omitempty"` // of the request
	Created time.Time
	Changed time.Time
	Due     time.Time `json:",omitzero"` // when it goes for good

	Key   []byte // in PKCS #8, sealed
	CSR   []byte // in DER
	Cert  []byte `json:",omitempty"` // in DER
	Chain []byte `json:",omitempty"` // in PEM
}

// A certificate is one that an authority has signed.
type certificate struct {
	DER     []byte
	Token   string    `json:",omitempty"`
	Created time.Time // when it was asked for
	Revoked time.Time `json:",omitzero"`
	Reason  string    `json:",omitempty"`
}

type certificateKey struct {
	Authority aws.ARN
	Serial    string // in hexadecimal
}

// A permission is what a service may do with an authority.
type permission struct {
	Actions []string
	Created time.Time
}

type permissionKey struct {
	Authority          aws.ARN
	Principal, Account string
}

const kind = "certificate-authority/"

// now is the time, as precise as it is told.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// meant is the ARN of an authority of the caller's account and region.
func meant(call *aws.Call, text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "acm-pca" || !strings.HasPrefix(arn.Resource, kind) || strings.Count(arn.Resource, "/") != 1 {
		return arn, api.InvalidArnException.Errorf("Value '%s' is not a valid certificate authority ARN.", text)
	}
	if arn.Account != call.Account || arn.Region != call.Region {
		return arn, errNone(text)
	}
	return arn, nil
}

func errNone(arn string) error {
	return api.ResourceNotFoundException.Errorf("Could not find Certificate Authority with ARN %s.", arn)
}

func find(tx *store.Tx, arn aws.ARN) (authority, error) {
	a, err := authorities.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return a, errNone(arn.String())
	}
	return a, err
}

// view returns the authority that a caller means.
func (s *Service) view(ctx context.Context, call *aws.Call, text string) (arn aws.ARN, a authority, err error) {
	if arn, err = meant(call, text); err != nil {
		return arn, a, err
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		a, err = find(tx, arn)
		return err
	})
	return arn, a, err
}

// change changes the authority that a caller means.
func (s *Service) change(ctx context.Context, call *aws.Call, text string, change func(tx *store.Tx, arn aws.ARN, a *authority) error) error {
	arn, err := meant(call, text)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		a, err := find(tx, arn)
		if err != nil {
			return err
		}
		if err := change(tx, arn, &a); err != nil {
			return err
		}
		return authorities.Put(tx, arn, a)
	})
}

// runDue removes authorities that are deleted, and that nobody has restored.
func (s *Service) runDue(ctx context.Context) (time.Duration, error) {
	return dues.Run(ctx, s.db, func(tx *store.Tx, _ time.Time, arn aws.ARN) error {
		return errors.Join(authorities.Delete(tx, arn), certificates.DeletePrefix(tx, certificateKey{Authority: arn}), permissions.DeletePrefix(tx, permissionKey{Authority: arn}))
	})
}
