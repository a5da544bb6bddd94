package amplify

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An index is all that requests need.
type index struct {
	hosts map[string]*served // by "branch.app", and by users' own names
	apps  map[string]aws.ARN // by id
}

// A site is an app, ready to serve. It never changes.
type site struct {
	arn     aws.ARN
	rules   []*rule
	headers []headerRule
}

// A served is a branch, ready to serve. It never changes.
type served struct {
	*site
	set         string // "": nothing is deployed yet
	credentials string // of who may see it, or ""
	certificate string // ARN of what the host shows, or ""
}

func makeIndex(tx *store.Tx) (*index, error) {
	all := &index{hosts: make(map[string]*served), apps: make(map[string]aws.ARN)}
	for arn, a := range apps.Scan(tx, aws.ARN{}) {
		all.apps[a.AppId] = arn
		v, err := compileSite(arn, &a)
		if err != nil {
			return nil, err
		}
		named := make(map[string]*served)
		for key, b := range branches.Scan(tx, partKey{App: arn}) {
			named[key.Name] = &served{site: v, set: b.Set, credentials: credentials(&a, &b.Branch)}
			all.hosts[b.DisplayName+"."+a.AppId] = named[key.Name]
		}
		for _, d := range domains.Scan(tx, partKey{App: arn}) {
			for _, sub := range d.SubDomains {
				if at := named[sub.SubDomainSetting.BranchName]; at != nil {
					own := *at
					if d.Certificate != nil {
						own.certificate = aws.Value(d.Certificate.CustomCertificateArn)
					}
					all.hosts[hostOf(&d, sub.SubDomainSetting.Prefix)] = &own
				}
			}
		}
	}
	return all, tx.Err()
}

func compileSite(arn aws.ARN, a *api.App) (*site, error) {
	rules, err := compileRules(a.CustomRules)
	if err != nil {
		return nil, err
	}
	headers, err := parseHeaders(aws.Value(a.CustomHeaders), a.EnvironmentVariables["AMPLIFY_MONOREPO_APP_ROOT"])
	return &site{arn: arn, rules: rules, headers: headers}, err
}

// credentials are those that a visitor must have: the branch's own, or the app's.
func credentials(a *api.App, b *api.Branch) string {
	switch {
	case b.EnableBasicAuth:
		return aws.Value(b.BasicAuthCredentials)
	case a.EnableBasicAuth:
		return aws.Value(a.BasicAuthCredentials)
	}
	return ""
}

// find returns what serves a host, or nil.
func (s *Service) find(ctx context.Context, host string) (*served, error) {
	all, err := s.index.Get(ctx)
	if err != nil {
		return nil, err
	}
	host = strings.ToLower(host)
	if v := all.hosts[host]; v != nil {
		return v, nil
	}
	_, parent, _ := strings.Cut(host, ".")
	return all.hosts["*."+parent], nil
}

// isDomain reports whether a host is a user's own name for a branch.
func (s *Service) isDomain(ctx context.Context, host string) bool {
	v, err := s.find(ctx, host)
	return err == nil && v != nil && strings.Contains(host, ".")
}

// Certificate returns the ARN of the certificate that the domain of a host shows,
// or "" if it shows one of the authority's.
func (s *Service) Certificate(ctx context.Context, host string) (string, error) {
	v, err := s.find(ctx, host)
	if v == nil || err != nil {
		return "", err
	}
	return v.certificate, nil
}

// Showing returns the ARNs of the domains that show a certificate.
func (s *Service) Showing(ctx context.Context, certificate string) ([]string, error) {
	var all []string
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		for _, d := range domains.Scan(tx, partKey{}) {
			if d.Certificate != nil && aws.Value(d.Certificate.CustomCertificateArn) == certificate {
				all = append(all, d.DomainAssociationArn)
			}
		}
		return tx.Err()
	})
	return all, err
}
