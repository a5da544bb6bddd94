package cloudfront

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// checkConfig refuses a configuration that is wrong in itself.
func checkConfig(c *api.DistributionConfig) error {
	if err := checkLacks(c); err != nil {
		return err
	}
	if strings.HasPrefix(*c.DefaultRootObject, "/") {
		return api.InvalidDefaultRootObject.Errorf("The parameter DefaultRootObject is not valid: it must not begin with a slash.")
	}
	ids := make(map[string]bool)
	for i := range c.Origins.Items {
		o := &c.Origins.Items[i]
		if ids[o.Id] {
			return api.InvalidArgument.Errorf("The parameter Origin Id is not unique: %s.", o.Id)
		}
		ids[o.Id] = true
		if err := checkOrigin(o); err != nil {
			return err
		}
	}
	for _, g := range c.OriginGroups.Items {
		for _, m := range g.Members.Items {
			if !ids[m.OriginId] {
				return api.NoSuchOrigin.Errorf("One or more of your origins or origin groups do not exist.")
			}
		}
	}
	for _, g := range c.OriginGroups.Items {
		ids[g.Id] = true
	}
	for _, b := range behaviors(c) {
		if !ids[b.TargetOriginId] {
			return api.NoSuchOrigin.Errorf("One or more of your origins or origin groups do not exist.")
		}
		if b.CachePolicyId != nil && b.ForwardedValues != nil {
			return api.InvalidArgument.Errorf("The parameter ForwardedValues cannot be used when a cache policy is associated to the cache behavior.")
		}
		if b.CachePolicyId == nil && b.ForwardedValues == nil {
			return api.InvalidArgument.Errorf("The parameter ForwardedValues is required.")
		}
	}
	return nil
}

// originName is what origins may be called. AWS's have no ports; the platform's
// own names may, in development.
var originName = regexp.MustCompile(`^[A-Za-z0-9._-]+(:[0-9]{1,5})?$`)

// checkOrigin refuses an origin that is wrong in itself.
func checkOrigin(o *api.Origin) error {
	switch {
	case !originName.MatchString(o.DomainName):
		return api.InvalidArgument.Errorf("The parameter Origin DomainName does not refer to a valid S3 bucket or server: %s.", o.DomainName)
	case o.S3OriginConfig != nil && o.CustomOriginConfig != nil:
		return api.InvalidOrigin.Errorf("The specified origin has both an S3OriginConfig and a CustomOriginConfig.")
	case o.S3OriginConfig == nil && o.CustomOriginConfig == nil:
		return api.InvalidOrigin.Errorf("The specified origin has neither an S3OriginConfig nor a CustomOriginConfig.")
	case *o.OriginPath != "" && (!strings.HasPrefix(*o.OriginPath, "/") || strings.HasSuffix(*o.OriginPath, "/")):
		return api.InvalidArgument.Errorf("The parameter OriginPath must begin with a slash and not end with one.")
	case o.S3OriginConfig != nil && bucketOf(o.DomainName) == "":
		return api.InvalidArgument.Errorf("The parameter Origin DomainName does not refer to a valid S3 bucket.")
	}
	return nil
}

// checkLacks refuses by name what distributions do not do yet.
func checkLacks(c *api.DistributionConfig) error {
	lack := func(what string) error {
		return aws.NotImplemented.Errorf("Aloft does not answer cloudfront distributions with %s yet.", what)
	}
	switch {
	case c.TenantConfig != nil || aws.Value(c.ConnectionMode) == "tenant-only":
		return lack("tenants")
	case *c.Staging || aws.Value(c.ContinuousDeploymentPolicyId) != "":
		return lack("continuous deployment")
	case c.ViewerMtlsConfig != nil:
		return lack("certificates of viewers")
	case c.ConnectionFunctionAssociation != nil:
		return lack("connection functions")
	}
	for _, o := range c.Origins.Items {
		if o.VpcOriginConfig != nil {
			return lack("VPC origins")
		}
	}
	for _, b := range behaviors(c) {
		switch {
		case b.TrustedSigners != nil && b.TrustedSigners.Enabled:
			return lack("trusted signers, whose keys are those of accounts; key groups are answered")
		case aws.Value(b.FieldLevelEncryptionId) != "":
			return lack("field-level encryption")
		}
	}
	return nil
}

// checkWhole refuses a configuration of what there is not, or of names that
// another distribution has.
func (s *Service) checkWhole(tx *store.Tx, call *aws.Call, arn aws.ARN, c *api.DistributionConfig) error {
	for _, b := range behaviors(c) {
		if err := checkFunctions(tx, call, &b); err != nil {
			return err
		}
		if err := checkTrusted(tx, call, &b); err != nil {
			return err
		}
		if _, err := realtimeOf(tx, call, &b); err != nil {
			return err
		}
		if b.CachePolicyId != nil && managedCache[*b.CachePolicyId] == nil {
			if _, _, err := cachePolicies.find(tx, call, *b.CachePolicyId); err != nil {
				return err
			}
		}
		if b.OriginRequestPolicyId != nil && managedOrigin[*b.OriginRequestPolicyId] == nil {
			if _, _, err := originRules.find(tx, call, *b.OriginRequestPolicyId); err != nil {
				return err
			}
		}
		if b.ResponseHeadersPolicyId != nil && managedHeaders[*b.ResponseHeadersPolicyId] == nil {
			if _, _, err := headerRules.find(tx, call, *b.ResponseHeadersPolicyId); err != nil {
				return err
			}
		}
	}
	for i := range c.Origins.Items {
		o := &c.Origins.Items[i]
		if id := *o.OriginAccessControlId; id != "" {
			if _, _, err := controls.find(tx, call, id); err != nil {
				return err
			}
		}
		if id := identityOf(o); id != "" {
			if _, _, err := identities.find(tx, call, id); errors.Is(err, api.NoSuchCloudFrontOriginAccessIdentity) {
				return api.InvalidOriginAccessIdentity.Errorf("The specified origin access identity does not exist or is not valid.")
			} else if err != nil {
				return err
			}
		}
	}
	return checkAliases(tx, arn, c)
}

// checkAliases refuses names that another distribution has, of any account.
func checkAliases(tx *store.Tx, arn aws.ARN, c *api.DistributionConfig) error {
	if len(c.Aliases.Items) == 0 {
		return nil
	}
	if aws.Value(c.ViewerCertificate.ACMCertificateArn) == "" && aws.Value(c.ViewerCertificate.IAMCertificateId) == "" {
		return api.InvalidViewerCertificate.Errorf("To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach a trusted certificate that validates your authorization to use the domain name.")
	}
	for other, d := range distributions.rows.Scan(tx, aws.ARN{}) {
		if other == arn {
			continue
		}
		for _, name := range d.Config.Aliases.Items {
			if slices.ContainsFunc(c.Aliases.Items, func(is string) bool { return strings.EqualFold(is, name) }) {
				return api.CNAMEAlreadyExists.Errorf("One or more of the CNAMEs you provided are already associated with a different resource.")
			}
		}
	}
	return tx.Err()
}
