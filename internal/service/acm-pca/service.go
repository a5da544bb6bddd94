package acmpca

import (
	"context"
	"crypto/cipher"

	api "github.com/aloft-cloud/aloft/internal/api/acm-pca"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/master"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Service is AWS Private CA.
type Service struct {
	db     *store.DB
	master func() (cipher.AEAD, error) // seals keys
	due    task.Bell                   // rung when an authority may go sooner
}

// New returns private authorities over db, whose keys are sealed with that in the
// file key; empty is in memory.
func New(db *store.DB, key string) *Service {
	return &Service{db: db, due: task.NewBell(), master: master.Later(key)}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	const lacks = "Keys of SM2 and ML-DSA, revocation lists and OCSP are refused."
	return service.Definition{
		API:   api.API,
		Tasks: []task.Task{{Name: "acm-pca/due", Run: s.runDue, Bell: s.due}},
		Operations: []service.Operation{
			service.Op(api.CreateCertificateAuthority, s.CreateCertificateAuthority, service.Any).But(lacks),
			onAuthority(api.DescribeCertificateAuthority, s.DescribeCertificateAuthority),
			service.Op(api.ListCertificateAuthorities, s.ListCertificateAuthorities, service.Any).But("Authorities of other accounts are not shared."),
			onAuthority(api.GetCertificateAuthorityCsr, s.GetCertificateAuthorityCsr),
			onAuthority(api.ImportCertificateAuthorityCertificate, s.ImportCertificateAuthorityCertificate),
			onAuthority(api.GetCertificateAuthorityCertificate, s.GetCertificateAuthorityCertificate),
			onAuthority(api.UpdateCertificateAuthority, s.UpdateCertificateAuthority).But(lacks),
			onAuthority(api.DeleteCertificateAuthority, s.DeleteCertificateAuthority),
			onAuthority(api.RestoreCertificateAuthority, s.RestoreCertificateAuthority),
			onAuthority(api.IssueCertificate, s.IssueCertificate).But("Names of other forms than DNS, addresses, mail and URIs are refused, as are qualifiers of policies."),
			onAuthority(api.GetCertificate, s.GetCertificate),
			onAuthority(api.RevokeCertificate, s.RevokeCertificate).But("It is remembered; no list tells of it."),
			onAuthority(api.CreatePermission, s.CreatePermission),
			onAuthority(api.DeletePermission, s.DeletePermission),
			onAuthority(api.ListPermissions, s.ListPermissions),
			onAuthority(api.TagCertificateAuthority, s.TagCertificateAuthority),
			onAuthority(api.UntagCertificateAuthority, s.UntagCertificateAuthority),
			onAuthority(api.ListTags, s.ListTags),
		},
	}
}

// onAuthority is the row of an operation on one authority.
func onAuthority[In, Out any, P interface {
	*In
	GetCertificateAuthorityArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(_ *aws.Call, in *In) aws.ARN { return service.Named(P(in).GetCertificateAuthorityArn()) })
}
