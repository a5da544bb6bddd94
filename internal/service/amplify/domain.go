package amplify

import (
	"context"
	"iter"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/acm"
	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

// hostOf is the name of a subdomain.
func hostOf(d *api.DomainAssociation, prefix string) string {
	return strings.ToLower(strings.TrimPrefix(prefix+"."+strings.TrimSuffix(d.DomainName, "."), "."))
}

// CreateDomainAssociation has names of a user's own lead to branches of an app.
func (s *Service) CreateDomainAssociation(ctx context.Context, call *aws.Call, in *api.CreateDomainAssociationInput) (*api.CreateDomainAssociationOutput, error) {
	app := appARN(call, in.AppId)
	d := api.DomainAssociation{
		DomainAssociationArn: below(app, "domains", in.DomainName).String(), DomainName: in.DomainName, DomainStatus: api.DomainStatusAvailable,
		UpdateStatus: new(api.UpdateStatusUpdateComplete), Certificate: &api.Certificate{Type: api.CertificateTypeAmplifyManaged}, SubDomains: []api.SubDomain{},
	}
	update := &api.UpdateDomainAssociationInput{
		AppId: in.AppId, DomainName: in.DomainName, EnableAutoSubDomain: in.EnableAutoSubDomain, SubDomainSettings: in.SubDomainSettings,
		AutoSubDomainCreationPatterns: in.AutoSubDomainCreationPatterns, AutoSubDomainIAMRole: in.AutoSubDomainIAMRole, CertificateSettings: in.CertificateSettings,
	}
	if err := s.checkCertificate(ctx, call, in.CertificateSettings); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findApp(tx, app); err != nil {
			return err
		}
		key := partKey{app, strings.ToLower(in.DomainName)}
		exists, err := domains.Has(tx, key)
		if err != nil {
			return err
		}
		if exists {
			return api.BadRequestException.Errorf("Domain association %s already exists for the app %s.", in.DomainName, in.AppId)
		}
		return s.putDomain(tx, key, &d, update)
	})
	return &api.CreateDomainAssociationOutput{DomainAssociation: &d}, err
}

// checkCertificate refuses a certificate of the caller's that is not there.
func (s *Service) checkCertificate(ctx context.Context, call *aws.Call, c *api.CertificateSettings) error {
	if c == nil || c.Type != api.CertificateTypeCustom {
		return nil
	}
	arn, err := aws.ParseARN(aws.Value(c.CustomCertificateArn))
	if err != nil {
		return api.BadRequestException.Errorf("customCertificateArn is required when the type of the certificate is CUSTOM.")
	}
	there := *call
	there.Region = arn.Region
	_, err = dispatch.Call(ctx, s.cfg.Table, &there, acm.DescribeCertificate, &acm.DescribeCertificateInput{CertificateArn: arn.String()})
	return err
}

// putDomain makes of a domain what a caller says, and keeps it.
func (s *Service) putDomain(tx *store.Tx, key partKey, d *api.DomainAssociation, in *api.UpdateDomainAssociationInput) error {
	put(&d.EnableAutoSubDomain, in.EnableAutoSubDomain)
	putOr(&d.AutoSubDomainIAMRole, in.AutoSubDomainIAMRole)
	if in.AutoSubDomainCreationPatterns != nil {
		d.AutoSubDomainCreationPatterns = in.AutoSubDomainCreationPatterns
	}
	if c := in.CertificateSettings; c != nil {
		d.Certificate = &api.Certificate{Type: c.Type, CustomCertificateArn: c.CustomCertificateArn}
	}
	if in.SubDomainSettings != nil {
		d.SubDomains = []api.SubDomain{}
		for _, set := range in.SubDomainSettings {
			b, err := findBranch(tx, key.App, set.BranchName)
			if err != nil {
				return err
			}
			to := b.DisplayName + "." + appID(key.App) + domainSuffix
			d.SubDomains = append(d.SubDomains, api.SubDomain{SubDomainSetting: &set, Verified: true, DnsRecord: set.Prefix + " CNAME " + to})
		}
	}
	taken := make(map[string]bool)
	for other, o := range domains.Scan(tx, partKey{}) {
		for _, sub := range o.SubDomains {
			if other != key {
				taken[hostOf(&o, sub.SubDomainSetting.Prefix)] = true
			}
		}
	}
	for _, sub := range d.SubDomains {
		host := hostOf(d, sub.SubDomainSetting.Prefix)
		if taken[host] {
			return api.BadRequestException.Errorf("One or more aliases specified for the domain are already associated with another app: %s", host)
		}
		taken[host] = true
	}
	s.index.Changed(tx)
	if err := domains.Put(tx, key, *d); err != nil {
		return err
	}
	return noteDomains(tx, key.App)
}

// noteDomains notes in the branches of an app which names lead to them.
func noteDomains(tx *store.Tx, app aws.ARN) error {
	names := make(map[string][]string)
	for _, d := range domains.Scan(tx, partKey{App: app}) {
		for _, sub := range d.SubDomains {
			at := sub.SubDomainSetting.BranchName
			names[at] = append(names[at], hostOf(&d, sub.SubDomainSetting.Prefix))
		}
	}
	for key, b := range branches.Scan(tx, partKey{App: app}) {
		if b.CustomDomains = names[key.Name]; b.CustomDomains == nil {
			b.CustomDomains = []string{}
		}
		if err := branches.Put(tx, key, b); err != nil {
			return err
		}
	}
	return tx.Err()
}

func findDomain(tx *store.Tx, app aws.ARN, name string) (partKey, api.DomainAssociation, error) {
	key := partKey{app, strings.ToLower(name)}
	if _, err := findApp(tx, app); err != nil {
		return key, api.DomainAssociation{}, err
	}
	d, err := domains.Get(tx, key)
	return key, d, orNotFound(err, "Domain association %s not found.", name)
}

// GetDomainAssociation returns a domain.
func (s *Service) GetDomainAssociation(ctx context.Context, call *aws.Call, in *api.GetDomainAssociationInput) (*api.GetDomainAssociationOutput, error) {
	var d api.DomainAssociation
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, d, err = findDomain(tx, appARN(call, in.AppId), in.DomainName)
		return err
	})
	return &api.GetDomainAssociationOutput{DomainAssociation: &d}, err
}

// ListDomainAssociations lists the domains of an app.
func (s *Service) ListDomainAssociations(ctx context.Context, call *aws.Call, in *api.ListDomainAssociationsInput) (*api.ListDomainAssociationsOutput, error) {
	app, out := appARN(call, in.AppId), &api.ListDomainAssociationsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := findApp(tx, app); err != nil {
			return err
		}
		scan := func(after string) iter.Seq2[partKey, api.DomainAssociation] {
			return domains.ScanAfter(tx, partKey{App: app}, partKey{app, after})
		}
		var err error
		out.DomainAssociations, out.NextToken, err = page(in.NextToken, in.MaxResults, scan, func(k partKey, d api.DomainAssociation) (string, api.DomainAssociation) { return k.Name, d })
		return err
	})
	return out, err
}

// UpdateDomainAssociation changes a domain.
func (s *Service) UpdateDomainAssociation(ctx context.Context, call *aws.Call, in *api.UpdateDomainAssociationInput) (*api.UpdateDomainAssociationOutput, error) {
	if err := s.checkCertificate(ctx, call, in.CertificateSettings); err != nil {
		return nil, err
	}
	var d api.DomainAssociation
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := findDomain(tx, appARN(call, in.AppId), in.DomainName)
		if err != nil {
			return err
		}
		d = found
		return s.putDomain(tx, key, &d, in)
	})
	return &api.UpdateDomainAssociationOutput{DomainAssociation: &d}, err
}

// DeleteDomainAssociation has a domain lead nowhere.
func (s *Service) DeleteDomainAssociation(ctx context.Context, call *aws.Call, in *api.DeleteDomainAssociationInput) (*api.DeleteDomainAssociationOutput, error) {
	var d api.DomainAssociation
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := findDomain(tx, appARN(call, in.AppId), in.DomainName)
		if err != nil {
			return err
		}
		d = found
		if err := domains.Delete(tx, key); err != nil {
			return err
		}
		s.index.Changed(tx)
		return noteDomains(tx, key.App)
	})
	return &api.DeleteDomainAssociationOutput{DomainAssociation: &d}, err
}
