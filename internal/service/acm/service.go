package acm

import (
	"context"
	"crypto/cipher"
	"crypto/x509"

	api "github.com/aloft-cloud/aloft/internal/api/acm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/master"
	"github.com/aloft-cloud/aloft/internal/task"
)

// An Authority signs certificates.
type Authority interface {
	// Sign returns a certificate in DER, of a public key.
	Sign(template *x509.Certificate, public any) ([]byte, error)
	// PEM is the certificate of the authority.
	PEM() []byte
}

// Users know what shows a certificate.
type Users interface {
	// Showing returns the ARNs of what shows the certificate.
	Showing(ctx context.Context, certificate string) ([]string, error)
}

// Service is ACM.
type Service struct {
	db        *store.DB
	table     *dispatch.Table // of private authorities
	authority Authority
	master    func() (cipher.AEAD, error) // seals keys
	users     []Users
	due       task.Bell // rung when a certificate may be due sooner
}

// New returns ACM over db, whose certificates are by authority, or by private
// authorities that table leads to. Their keys are sealed with that in the file
// key; empty is in memory.
func New(db *store.DB, table *dispatch.Table, authority Authority, key string, users ...Users) *Service {
	master := master.Later(key)
	return &Service{db: db, table: table, authority: authority, master: master, users: users, due: task.NewBell()}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:   api.API,
		Tasks: []task.Task{{Name: "acm/due", Run: s.runDue, Bell: s.due}},
		Operations: []service.Operation{
			service.Op(api.RequestCertificate, s.RequestCertificate, service.Any).But("The installation's own authority issues it, at once: it asks nobody whether the name is yours. Certificates of private authorities are not renewed."),
			onCertificate(api.DescribeCertificate, s.DescribeCertificate),
			onCertificate(api.GetCertificate, s.GetCertificate),
			service.Op(api.ListCertificates, s.ListCertificates, service.Any),
			onCertificate(api.DeleteCertificate, s.DeleteCertificate),
			onCertificate(api.ImportCertificate, s.ImportCertificate),
			onCertificate(api.RenewCertificate, s.RenewCertificate),
			onCertificate(api.ResendValidationEmail, s.ResendValidationEmail),
			onCertificate(api.UpdateCertificateOptions, s.UpdateCertificateOptions).But("Certificates are in no public log, whatever the preference."),
			onCertificate(api.AddTagsToCertificate, s.AddTagsToCertificate),
			onCertificate(api.RemoveTagsFromCertificate, s.RemoveTagsFromCertificate),
			onCertificate(api.ListTagsForCertificate, s.ListTagsForCertificate),
			service.Op(api.GetAccountConfiguration, s.GetAccountConfiguration, service.Any),
			service.Op(api.PutAccountConfiguration, s.PutAccountConfiguration, service.Any).But("The setting is kept; no events of expiry are sent."),
		},
	}
}

// showing returns the ARNs of all that shows a certificate.
func (s *Service) showing(ctx context.Context, certificate string) ([]string, error) {
	all := []string{}
	for _, u := range s.users {
		some, err := u.Showing(ctx, certificate)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// onCertificate is the row of an operation on one certificate.
func onCertificate[In, Out any, P interface {
	*In
	GetCertificateArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(call *aws.Call, in *In) aws.ARN {
		arn, err := aws.ParseARN(P(in).GetCertificateArn())
		if err != nil {
			return aws.AnyResource // the handler refuses it, unless a new one is imported
		}
		return arn
	})
}
