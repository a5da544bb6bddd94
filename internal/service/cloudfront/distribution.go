package cloudfront

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

type distribution = held[api.DistributionConfig]

const location = "https://cloudfront.amazonaws.com/2020-05-31/"

// CreateDistribution makes a distribution.
func (s *Service) CreateDistribution(ctx context.Context, call *aws.Call, in *api.CreateDistributionInput) (*api.CreateDistributionOutput, error) {
	arn, d, err := s.createDistribution(ctx, call, in.DistributionConfig, nil)
	if err != nil {
		return nil, err
	}
	return &api.CreateDistributionOutput{Distribution: describe(arn, &d), ETag: &d.Version, Location: new(location + arn.Resource)}, nil
}

// CreateDistributionWithTags makes a distribution that has tags.
func (s *Service) CreateDistributionWithTags(ctx context.Context, call *aws.Call, in *api.CreateDistributionWithTagsInput) (*api.CreateDistributionWithTagsOutput, error) {
	tags, err := s.tags().With("", nil, tagMap(in.DistributionConfigWithTags.Tags.Items))
	if err != nil {
		return nil, err
	}
	arn, d, err := s.createDistribution(ctx, call, in.DistributionConfigWithTags.DistributionConfig, tags)
	if err != nil {
		return nil, err
	}
	return &api.CreateDistributionWithTagsOutput{Distribution: describe(arn, &d), ETag: &d.Version, Location: new(location + arn.Resource)}, nil
}

func (s *Service) createDistribution(ctx context.Context, call *aws.Call, c *api.DistributionConfig, tags map[string]string) (aws.ARN, distribution, error) {
	complete(c)
	if err := checkConfig(c); err != nil {
		return aws.ARN{}, distribution{}, err
	}
	if err := s.checkTriggers(ctx, call, c); err != nil {
		return aws.ARN{}, distribution{}, err
	}
	if err := s.checkLogging(ctx, call, c); err != nil {
		return aws.ARN{}, distribution{}, err
	}
	if err := s.checkACL(ctx, c); err != nil {
		return aws.ARN{}, distribution{}, err
	}
	d := distribution{Config: *c, Domain: strings.ToLower(newID("d")) + ".cloudfront.net", Tags: tags}
	return distributions.create(ctx, s, call, d, func(tx *store.Tx, arn aws.ARN, _ *distribution) error {
		return s.checkWhole(tx, call, arn, c)
	})
}

// complete fills in what is usual.
func complete(c *api.DistributionConfig) {
	fill := func(p **string, usual string) {
		if *p == nil {
			*p = &usual
		}
	}
	fill(&c.DefaultRootObject, "")
	fill(&c.PriceClass, "PriceClass_All")
	fill(&c.WebACLId, "")
	fill(&c.HttpVersion, "http2")
	if c.Aliases == nil {
		c.Aliases = &api.Aliases{}
	}
	if c.OriginGroups == nil {
		c.OriginGroups = &api.OriginGroups{}
	}
	if c.CacheBehaviors == nil {
		c.CacheBehaviors = &api.CacheBehaviors{}
	}
	if c.CustomErrorResponses == nil {
		c.CustomErrorResponses = &api.CustomErrorResponses{}
	}
	if c.Logging == nil {
		c.Logging = &api.LoggingConfig{Enabled: new(false), IncludeCookies: new(false), Bucket: new(""), Prefix: new("")}
	}
	if c.ViewerCertificate == nil {
		c.ViewerCertificate = &api.ViewerCertificate{CloudFrontDefaultCertificate: new(true), MinimumProtocolVersion: new("TLSv1"), CertificateSource: new("cloudfront")}
	}
	if c.Restrictions == nil {
		c.Restrictions = &api.Restrictions{GeoRestriction: &api.GeoRestriction{RestrictionType: "none"}}
	}
	if c.IsIPV6Enabled == nil {
		c.IsIPV6Enabled = new(false)
	}
	if c.Staging == nil {
		c.Staging = new(false)
	}
	for i := range c.Origins.Items {
		o := &c.Origins.Items[i]
		fill(&o.OriginPath, "")
		fill(&o.OriginAccessControlId, "")
		if o.CustomHeaders == nil {
			o.CustomHeaders = &api.CustomHeaders{}
		}
		if o.ConnectionAttempts == nil {
			o.ConnectionAttempts = new(int32(3))
		}
		if o.ConnectionTimeout == nil {
			o.ConnectionTimeout = new(int32(10))
		}
	}
}

// describe tells all about a distribution.
func describe(arn aws.ARN, d *distribution) *api.Distribution {
	groups := &api.ActiveTrustedKeyGroups{}
	for _, b := range behaviors(&d.Config) {
		if b.TrustedKeyGroups == nil {
			continue
		}
		for _, id := range b.TrustedKeyGroups.Items {
			groups.Enabled = true
			groups.Items = append(groups.Items, api.KGKeyPairIds{KeyGroupId: &id})
		}
	}
	groups.Quantity = int32(len(groups.Items))
	return &api.Distribution{
		Id: distributions.id(arn), ARN: arn.String(), Status: "Deployed", LastModifiedTime: d.Modified, DomainName: d.Domain,
		ActiveTrustedSigners: &api.ActiveTrustedSigners{}, ActiveTrustedKeyGroups: groups, DistributionConfig: &d.Config,
	}
}

// GetDistribution tells all about a distribution.
func (s *Service) GetDistribution(ctx context.Context, call *aws.Call, in *api.GetDistributionInput) (*api.GetDistributionOutput, error) {
	d, err := distributions.view(ctx, s, call, in.Id)
	if err != nil {
		return nil, err
	}
	return &api.GetDistributionOutput{Distribution: describe(distributions.arn(call, in.Id), &d), ETag: &d.Version}, nil
}

// GetDistributionConfig returns what UpdateDistribution changes.
func (s *Service) GetDistributionConfig(ctx context.Context, call *aws.Call, in *api.GetDistributionConfigInput) (*api.GetDistributionConfigOutput, error) {
	d, err := distributions.view(ctx, s, call, in.Id)
	if err != nil {
		return nil, err
	}
	return &api.GetDistributionConfigOutput{DistributionConfig: &d.Config, ETag: &d.Version}, nil
}

// UpdateDistribution replaces the configuration of a distribution.
func (s *Service) UpdateDistribution(ctx context.Context, call *aws.Call, in *api.UpdateDistributionInput) (*api.UpdateDistributionOutput, error) {
	c := in.DistributionConfig
	complete(c)
	if err := checkConfig(c); err != nil {
		return nil, err
	}
	if err := s.checkTriggers(ctx, call, c); err != nil {
		return nil, err
	}
	if err := s.checkLogging(ctx, call, c); err != nil {
		return nil, err
	}
	if err := s.checkACL(ctx, c); err != nil {
		return nil, err
	}
	arn, d, err := distributions.update(ctx, s, call, in.Id, aws.Value(in.IfMatch), *c, func(tx *store.Tx, arn aws.ARN, was *distribution, _ *api.DistributionConfig) error {
		if was.Config.CallerReference != c.CallerReference {
			return api.IllegalUpdate.Errorf("The update contains modifications that are not allowed.")
		}
		return s.checkWhole(tx, call, arn, c)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateDistributionOutput{Distribution: describe(arn, &d), ETag: &d.Version}, nil
}

// DeleteDistribution removes a distribution that is disabled.
func (s *Service) DeleteDistribution(ctx context.Context, call *aws.Call, in *api.DeleteDistributionInput) (*api.DeleteDistributionOutput, error) {
	return &api.DeleteDistributionOutput{}, distributions.remove(ctx, s, call, in.Id, aws.Value(in.IfMatch), func(tx *store.Tx, arn aws.ARN, d *distribution) error {
		if d.Config.Enabled {
			return api.DistributionNotDisabled.Errorf("The distribution you are trying to delete has not been disabled.")
		}
		return invalidations.DeletePrefix(tx, invalidationKey{Of: arn})
	})
}

// ListDistributions lists the distributions of an account.
func (s *Service) ListDistributions(ctx context.Context, call *aws.Call, in *api.ListDistributionsInput) (*api.ListDistributionsOutput, error) {
	p, err := pageOf(ctx, s, distributions, call, in.GetMarker(), in.GetMaxItems(), summary)
	if err != nil {
		return nil, err
	}
	return &api.ListDistributionsOutput{DistributionList: &api.DistributionList{
		Marker: p.Marker, NextMarker: p.Next, MaxItems: p.MaxItems, IsTruncated: p.Truncated, Quantity: p.quantity(), Items: p.Items,
	}}, nil
}

// ListDistributionsByWebACLId lists the distributions that a web ACL guards; "null"
// is none.
func (s *Service) ListDistributionsByWebACLId(ctx context.Context, call *aws.Call, in *api.ListDistributionsByWebACLIdInput) (*api.ListDistributionsByWebACLIdOutput, error) {
	list := &api.DistributionList{Marker: in.GetMarker(), MaxItems: pageSize}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		list.Items = []api.DistributionSummary{}
		for arn, d := range distributions.rows.Scan(tx, global(call, "")) {
			if *d.Config.WebACLId == in.WebACLId || in.WebACLId == "null" && *d.Config.WebACLId == "" {
				list.Items = append(list.Items, summary(arn, &d))
			}
		}
		return tx.Err()
	})
	list.Quantity = int32(len(list.Items))
	return &api.ListDistributionsByWebACLIdOutput{DistributionList: list}, err
}

// checkACL refuses a web ACL that there is not, or that is not for distributions.
func (s *Service) checkACL(ctx context.Context, c *api.DistributionConfig) error {
	acl := *c.WebACLId
	if acl == "" {
		return nil
	}
	has, err := s.cfg.Firewall.Has(ctx, acl)
	if err != nil {
		return err
	}
	if !has || !strings.Contains(acl, ":global/webacl/") {
		return api.InvalidWebACLId.Errorf("The specified web ACL ID is not valid or does not exist: %s", acl)
	}
	return nil
}

func summary(arn aws.ARN, d *distribution) api.DistributionSummary {
	c := &d.Config
	return api.DistributionSummary{
		Id: distributions.id(arn), ARN: arn.String(), ETag: &d.Version, Status: "Deployed", LastModifiedTime: d.Modified, DomainName: d.Domain, Aliases: c.Aliases, Origins: c.Origins,
		OriginGroups: c.OriginGroups, DefaultCacheBehavior: c.DefaultCacheBehavior, CacheBehaviors: c.CacheBehaviors, CustomErrorResponses: c.CustomErrorResponses,
		Comment: c.Comment, PriceClass: *c.PriceClass, Enabled: c.Enabled, ViewerCertificate: c.ViewerCertificate, Restrictions: c.Restrictions, WebACLId: *c.WebACLId,
		HttpVersion: *c.HttpVersion, IsIPV6Enabled: *c.IsIPV6Enabled, Staging: *c.Staging,
	}
}
