package acm

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/acm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxNames  = 100
	tokenLife = time.Hour // how long an IdempotencyToken means the same request

	issuedHere = "AMAZON_ISSUED" // Type, as AWS calls it
	imported   = "IMPORTED"
	private    = "PRIVATE"
	pending    = "PENDING_VALIDATION"
	issued     = "ISSUED"
	expired    = "EXPIRED"
)

// RequestCertificate has a certificate issued.
func (s *Service) RequestCertificate(ctx context.Context, call *aws.Call, in *api.RequestCertificateInput) (*api.RequestCertificateOutput, error) {
	if in.ManagedBy != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not answer acm:RequestCertificate with ManagedBy yet.")
	}
	c, err := newCertificate(in)
	if err != nil {
		return nil, err
	}
	next := c.Created // it is issued at once
	if in.CertificateAuthorityArn != nil {
		if err := s.sign(ctx, call, *in.CertificateAuthorityArn, &c); err != nil {
			return nil, err
		}
		next = c.Ends
	}
	arn := call.ARN("acm", certificateKind+newID())
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		for was, old := range certificates.Scan(tx, call.ARN("acm", "")) {
			if c.Token != "" && old.Token == c.Token && old.Domain == c.Domain && time.Since(old.Created) < tokenLife {
				arn = was
				return nil
			}
		}
		if err := tx.Err(); err != nil {
			return err
		}
		c := c
		if err := dues.Move(tx, arn, &c.Due, next, s.due); err != nil {
			return err
		}
		return s.put(tx, arn, c)
	})
	if err != nil {
		return nil, err
	}
	return &api.RequestCertificateOutput{CertificateArn: new(arn.String())}, nil
}

func newCertificate(in *api.RequestCertificateInput) (certificate, error) {
	c := certificate{
		Domain: strings.ToLower(in.DomainName), Type: issuedHere, Status: pending, Algorithm: aws.Or(in.KeyAlgorithm, "RSA_2048"),
		Method: aws.Or(in.ValidationMethod, "EMAIL"), Token: aws.Value(in.IdempotencyToken), Created: time.Now().UTC().Truncate(time.Millisecond),
		Options: &api.CertificateOptions{CertificateTransparencyLoggingPreference: new("ENABLED"), Export: new("DISABLED")},
	}
	if o := in.Options; o != nil {
		c.Options.CertificateTransparencyLoggingPreference = cmp.Or(o.CertificateTransparencyLoggingPreference, c.Options.CertificateTransparencyLoggingPreference)
		if aws.Value(o.Export) == "ENABLED" {
			return c, aws.NotImplemented.Errorf("Aloft does not export private keys of certificates yet.")
		}
	}
	if err := checkNames(in); err != nil {
		return c, err
	}
	c.Names = []string{c.Domain}
	for _, name := range in.SubjectAlternativeNames {
		if name = strings.ToLower(name); !slices.Contains(c.Names, name) {
			c.Names = append(c.Names, name)
		}
	}
	if len(c.Names) > maxNames {
		return c, api.LimitExceededException.Errorf("The number of domain names exceeds the limit of %d.", maxNames)
	}
	for _, o := range in.DomainValidationOptions {
		name, by := strings.ToLower(o.DomainName), strings.ToLower(o.ValidationDomain)
		if !slices.Contains(c.Names, name) || name != by && !strings.HasSuffix(name, "."+by) {
			return c, api.InvalidDomainValidationOptionsException.Errorf("%s is not a superdomain of %s.", o.ValidationDomain, o.DomainName)
		}
		if c.Domains == nil {
			c.Domains = make(map[string]string)
		}
		c.Domains[name] = by
	}
	var err error
	if c.Tags, err = tagged(nil, in.Tags); err != nil {
		return c, err
	}
	c.Key, err = newKey(c.Algorithm)
	return c, err
}

// hostName is namePattern, AWS's, in words that Go's expressions have.
var hostName = regexp.MustCompile(`^(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]$`)

const namePattern = `(\*\.)?(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])`

// checkNames refuses what cannot be names of hosts.
func checkNames(in *api.RequestCertificateInput) error {
	bad := func(name, at string) error {
		return api.ValidationException.Errorf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", name, at, namePattern)
	}
	if !hostName.MatchString(in.DomainName) {
		return bad(in.DomainName, "domainName")
	}
	for i, name := range in.SubjectAlternativeNames {
		if !hostName.MatchString(name) {
			return bad(name, fmt.Sprintf("subjectAlternativeNames.%d.member", i+1))
		}
	}
	return nil
}

// DescribeCertificate tells all about a certificate but its key.
func (s *Service) DescribeCertificate(ctx context.Context, call *aws.Call, in *api.DescribeCertificateInput) (*api.DescribeCertificateOutput, error) {
	arn, c, err := s.view(ctx, call, in.CertificateArn)
	if err != nil {
		return nil, err
	}
	d, err := c.describe(arn)
	if err != nil {
		return nil, err
	}
	if d.InUseBy, err = s.showing(ctx, arn.String()); err != nil {
		return nil, err
	}
	return &api.DescribeCertificateOutput{Certificate: d}, nil
}

// eligible is whether c is renewed when its time comes.
func (c *certificate) eligible() string {
	if c.Type == issuedHere && c.Status == issued {
		return "ELIGIBLE"
	}
	return "INELIGIBLE"
}

func (c *certificate) describe(arn aws.ARN) (*api.CertificateDetail, error) {
	d := &api.CertificateDetail{
		CertificateArn: new(arn.String()), DomainName: &c.Domain, SubjectAlternativeNames: c.Names, Subject: new("CN=" + c.Domain), Issuer: new("Aloft"),
		CreatedAt: &c.Created, Status: &c.Status, KeyAlgorithm: new(strings.Replace(c.Algorithm, "_", "-", 1)), SignatureAlgorithm: new("SHA256WITHRSA"),
		InUseBy: []string{}, Type: &c.Type, KeyUsages: []api.KeyUsage{}, ExtendedKeyUsages: []api.ExtendedKeyUsage{}, RenewalEligibility: new(c.eligible()), Options: c.Options,
	}
	switch {
	case c.Type == imported:
		d.ImportedAt = &c.Issued
	case c.Type == private:
		d.IssuedAt, d.CertificateAuthorityArn = &c.Issued, &c.Authority
	default:
		d.DomainValidationOptions = c.validations(arn)
		d.IssuedAt = timeOrNil(c.Issued)
		if !c.Renewed.IsZero() {
			d.RenewalSummary = &api.RenewalSummary{RenewalStatus: "SUCCESS", DomainValidationOptions: d.DomainValidationOptions, UpdatedAt: c.Renewed}
		}
	}
	if c.Leaf == nil {
		return d, nil
	}
	leaf, err := x509.ParseCertificate(c.Leaf)
	if err != nil {
		return nil, err
	}
	d.Serial, d.Subject, d.Issuer = new(serialText(leaf)), new(subjectText(leaf)), new(issuerText(leaf))
	d.NotBefore, d.NotAfter, d.SignatureAlgorithm = &leaf.NotBefore, &leaf.NotAfter, new(signatureText(leaf))
	for _, name := range usages(leaf) {
		d.KeyUsages = append(d.KeyUsages, api.KeyUsage{Name: &name})
	}
	d.ExtendedKeyUsages = append(d.ExtendedKeyUsages, extendedUsages(leaf)...)
	return d, nil
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// validations are how the names of c are shown to be the caller's.
func (c *certificate) validations(arn aws.ARN) []api.DomainValidation {
	status := "SUCCESS"
	if c.Status == pending {
		status = pending
	}
	out := make([]api.DomainValidation, len(c.Names))
	for i, name := range c.Names {
		v := api.DomainValidation{DomainName: name, ValidationDomain: new(cmp.Or(c.Domains[name], name)), ValidationStatus: &status, ValidationMethod: &c.Method}
		switch c.Method {
		case "EMAIL":
			v.ValidationEmails = []string{}
		case "DNS":
			// One record does for a name and all below it.
			bare := strings.TrimPrefix(name, "*.")
			v.ResourceRecord = &api.ResourceRecord{Name: "_" + digest(arn.Account, bare)[:32] + "." + bare + ".", Type: "CNAME", Value: "_" + digest(bare, arn.Account)[:32] + ".acm-validations.aws."}
		}
		out[i] = v
	}
	return out
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// ListCertificates lists certificates, the latest last.
func (s *Service) ListCertificates(ctx context.Context, call *aws.Call, in *api.ListCertificatesInput) (*api.ListCertificatesOutput, error) {
	if in.SortOrder != nil && in.SortBy == nil {
		return nil, api.ValidationException.Errorf("SortBy must be given with SortOrder.")
	}
	after := call.ARN("acm", certificateKind)
	if in.NextToken != nil {
		after.Resource += *in.NextToken
	}
	limit := int(aws.Or(in.MaxItems, 1000))
	out := &api.ListCertificatesOutput{CertificateSummaryList: []api.CertificateSummary{}}
	var last string
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.CertificateSummaryList, out.NextToken = out.CertificateSummaryList[:0], nil
		for arn, c := range certificates.ScanAfter(tx, call.ARN("acm", ""), after) {
			sum, err := c.summary(arn)
			if err != nil {
				return err
			}
			if !listed(in, &sum) {
				continue
			}
			if len(out.CertificateSummaryList) == limit {
				out.NextToken = &last
				break
			}
			last = strings.TrimPrefix(arn.Resource, certificateKind)
			out.CertificateSummaryList = append(out.CertificateSummaryList, sum)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	if in.SortBy != nil {
		slices.SortStableFunc(out.CertificateSummaryList, func(a, b api.CertificateSummary) int {
			if aws.Value(in.SortOrder) == "DESCENDING" {
				a, b = b, a
			}
			return a.CreatedAt.Compare(*b.CreatedAt)
		})
	}
	for i := range out.CertificateSummaryList {
		sum := &out.CertificateSummaryList[i]
		users, err := s.showing(ctx, *sum.CertificateArn)
		if err != nil {
			return nil, err
		}
		sum.InUse = new(len(users) > 0)
	}
	return out, nil
}

// listed reports whether a list holds a certificate. One that names no kinds of
// keys is of RSA keys of up to 2,048 bits, as AWS has it.
func listed(in *api.ListCertificatesInput, sum *api.CertificateSummary) bool {
	kinds := []string{"RSA_1024", "RSA_2048"}
	if f := in.Includes; f != nil {
		if len(f.KeyTypes) > 0 {
			kinds = f.KeyTypes
		}
		if f.ExportOption != nil && *f.ExportOption != *sum.ExportOption || f.ManagedBy != nil || !holds(sum.KeyUsages, f.KeyUsage) || !holds(sum.ExtendedKeyUsages, f.ExtendedKeyUsage) {
			return false
		}
	}
	return slices.Contains(kinds, strings.Replace(*sum.KeyAlgorithm, "-", "_", 1)) &&
		(len(in.CertificateStatuses) == 0 || slices.Contains(in.CertificateStatuses, *sum.Status))
}

// holds reports whether all that is wanted is there.
func holds(there, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(w string) bool { return w != "ANY" && !slices.Contains(there, w) })
}

func (c *certificate) summary(arn aws.ARN) (api.CertificateSummary, error) {
	d, err := c.describe(arn)
	if err != nil {
		return api.CertificateSummary{}, err
	}
	sum := api.CertificateSummary{
		CertificateArn: d.CertificateArn, DomainName: d.DomainName, SubjectAlternativeNameSummaries: d.SubjectAlternativeNames,
		HasAdditionalSubjectAlternativeNames: new(false), Status: d.Status, Type: d.Type, KeyAlgorithm: d.KeyAlgorithm, KeyUsages: []string{}, ExtendedKeyUsages: []string{},
		ExportOption: c.Options.Export, Exported: new(false), RenewalEligibility: d.RenewalEligibility, NotBefore: d.NotBefore, NotAfter: d.NotAfter,
		CreatedAt: d.CreatedAt, IssuedAt: d.IssuedAt, ImportedAt: d.ImportedAt,
	}
	for _, u := range d.KeyUsages {
		sum.KeyUsages = append(sum.KeyUsages, *u.Name)
	}
	for _, u := range d.ExtendedKeyUsages {
		sum.ExtendedKeyUsages = append(sum.ExtendedKeyUsages, *u.Name)
	}
	return sum, nil
}

// DeleteCertificate removes a certificate that nothing shows.
func (s *Service) DeleteCertificate(ctx context.Context, call *aws.Call, in *api.DeleteCertificateInput) (*api.DeleteCertificateOutput, error) {
	arn, err := meant(call, in.CertificateArn)
	if err != nil {
		return nil, err
	}
	users, err := s.showing(ctx, arn.String())
	if err != nil {
		return nil, err
	}
	if len(users) > 0 {
		return nil, api.ResourceInUseException.Errorf("Certificate %s in account %s is in use.", arn, arn.Account)
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		c, err := find(tx, arn)
		if err != nil {
			return err
		}
		if err := dues.Move(tx, arn, &c.Due, time.Time{}, s.due); err != nil {
			return err
		}
		return certificates.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteCertificateOutput{}, nil
}

// ResendValidationEmail is for certificates that wait for a mail to be answered,
// of which there are none.
func (s *Service) ResendValidationEmail(ctx context.Context, call *aws.Call, in *api.ResendValidationEmailInput) (*api.ResendValidationEmailOutput, error) {
	arn, c, err := s.view(ctx, call, in.CertificateArn)
	if err != nil {
		return nil, err
	}
	if c.Status != pending || c.Method != "EMAIL" {
		return nil, api.InvalidStateException.Errorf("Certificate %s is not in PENDING_VALIDATION with EMAIL validation.", arn)
	}
	return &api.ResendValidationEmailOutput{}, nil
}

// UpdateCertificateOptions changes what a certificate was requested with.
func (s *Service) UpdateCertificateOptions(ctx context.Context, call *aws.Call, in *api.UpdateCertificateOptionsInput) (*api.UpdateCertificateOptionsOutput, error) {
	return &api.UpdateCertificateOptionsOutput{}, s.change(ctx, call, in.CertificateArn, func(_ *store.Tx, arn aws.ARN, c *certificate) error {
		if c.Type == imported {
			return api.InvalidStateException.Errorf("Certificate %s is imported: it has no options.", arn)
		}
		if aws.Value(in.Options.Export) == "ENABLED" {
			return aws.NotImplemented.Errorf("Aloft does not export private keys of certificates yet.")
		}
		c.Options.CertificateTransparencyLoggingPreference = cmp.Or(in.Options.CertificateTransparencyLoggingPreference, c.Options.CertificateTransparencyLoggingPreference)
		return nil
	})
}
