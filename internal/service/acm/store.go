package acm

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/acm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

var (
	certificates = store.NewTable[aws.ARN, certificate]("acm.certificate")
	accounts     = store.NewTable[aws.ARN, account]("acm.account") // by account and region
	dues         = due.NewTimes[aws.ARN]("acm.due")                // of certificates: their rows say what for
)

// A certificate is one, as it is or will be.
type certificate struct {
	Domain    string
	Names     []string // all of them, Domain first
	Type      string
	Status    string
	Algorithm string            // as requests name it: RSA_2048
	Method    string            `json:",omitempty"` // of validation
	Domains   map[string]string `json:",omitempty"` // to validate a name by
	Token     string            `json:",omitempty"` // of the request
	Options   *api.CertificateOptions
	Tags      map[string]string `json:",omitempty"`
	Created   time.Time
	Issued    time.Time `json:",omitzero"` // or imported
	Renewed   time.Time `json:",omitzero"`
	Due       time.Time // when something becomes of it
	Authority string    `json:",omitempty"` // that has signed it, if it is a private one
	Ends      time.Time `json:",omitzero"`  // of such a one

	Key    []byte `json:",omitempty"` // private, in PKCS #8: of a certificate that was not put yet, or by an earlier version
	Sealed []byte `json:",omitempty"` // Key, as it is at rest
	Leaf   []byte `json:",omitempty"` // in DER
	Chain  []byte `json:",omitempty"` // in PEM
}

// An account is what holds for all certificates of one.
type account struct {
	DaysBeforeExpiry int32
	Token            string `json:",omitempty"`
}

const certificateKind = "certificate/"

func errNone(arn string) error {
	return api.ResourceNotFoundException.Errorf("Could not find certificate %s.", arn)
}

// meant returns the ARN of a certificate, which must be of the caller's
// account and region.
func meant(call *aws.Call, text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "acm" || len(arn.Resource) <= len(certificateKind) || arn.Resource[:len(certificateKind)] != certificateKind {
		return arn, api.InvalidArnException.Errorf("The ARN %s is not valid.", text)
	}
	if arn.Account != call.Account || arn.Region != call.Region {
		return arn, errNone(text)
	}
	return arn, nil
}

func find(tx *store.Tx, arn aws.ARN) (certificate, error) {
	c, err := certificates.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return c, errNone(arn.String())
	}
	return c, err
}

// view returns the certificate that a caller means.
func (s *Service) view(ctx context.Context, call *aws.Call, text string) (aws.ARN, certificate, error) {
	arn, err := meant(call, text)
	if err != nil {
		return arn, certificate{}, err
	}
	var c certificate
	err = s.db.View(ctx, func(tx *store.Tx) error {
		c, err = find(tx, arn)
		return err
	})
	return arn, c, err
}

// change changes the certificate that a caller means.
func (s *Service) change(ctx context.Context, call *aws.Call, text string, change func(tx *store.Tx, arn aws.ARN, c *certificate) error) error {
	arn, err := meant(call, text)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		c, err := find(tx, arn)
		if err != nil {
			return err
		}
		if err := change(tx, arn, &c); err != nil {
			return err
		}
		return s.put(tx, arn, c)
	})
}

// Names returns the names that a certificate is for, or store.ErrNotFound.
func (s *Service) Names(ctx context.Context, text string) ([]string, error) {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return nil, store.ErrNotFound
	}
	var c certificate
	err = s.db.View(ctx, func(tx *store.Tx) error {
		c, err = certificates.Get(tx, arn)
		return err
	})
	return c.Names, err
}
