package cloudfront

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An index is all distributions, by the names that requests have.
type index map[string]*served

// A served is a distribution, ready to serve. It never changes.
type served struct {
	arn       aws.ARN
	domain    string
	config    *api.DistributionConfig
	behaviors []behavior
	origins   map[string]*api.Origin
	groups    map[string]*api.OriginGroup
	signs     map[string]bool // controls that have origins asked as the distribution
}

// A behavior is one, with the policies that it names.
type behavior struct {
	api.CacheBehavior
	keyed     keying
	forwarded keying
	headers   *api.ResponseHeadersPolicyConfig // nil: none are given
	scripts   map[string]*scripted             // by event
	triggers  map[string]*triggered            // by event
	keys      map[string]any                   // that sign for requests, by id
	realtime  *api.RealtimeLogConfig           // what is told of requests at once; nil: nothing is
}

func makeIndex(tx *store.Tx) (*index, error) {
	all := make(index)
	for arn, d := range distributions.rows.Scan(tx, aws.ARN{}) {
		v, err := compile(tx, arn, &d)
		if err != nil {
			return nil, err
		}
		label, _, _ := strings.Cut(d.Domain, ".")
		all[label] = v
		for _, name := range d.Config.Aliases.Items {
			all[strings.ToLower(name)] = v
		}
	}
	return &all, tx.Err()
}

// compile makes a distribution ready to serve.
func compile(tx *store.Tx, arn aws.ARN, d *distribution) (*served, error) {
	v := &served{arn: arn, domain: d.Domain, config: &d.Config, origins: make(map[string]*api.Origin), groups: make(map[string]*api.OriginGroup), signs: make(map[string]bool)}
	owner := &aws.Call{Account: arn.Account}
	for i := range d.Config.Origins.Items {
		o := &d.Config.Origins.Items[i]
		v.origins[o.Id] = o
		if id := aws.Value(o.OriginAccessControlId); id != "" {
			_, c, err := controls.find(tx, owner, id)
			if err != nil {
				return nil, err
			}
			v.signs[id] = c.Config.SigningBehavior != "never"
		}
	}
	for i := range d.Config.OriginGroups.Items {
		g := &d.Config.OriginGroups.Items[i]
		v.groups[g.Id] = g
	}
	for _, b := range behaviors(&d.Config) {
		made, err := compileBehavior(tx, owner, b)
		if err != nil {
			return nil, err
		}
		v.behaviors = append(v.behaviors, made)
	}
	return v, nil
}

func compileBehavior(tx *store.Tx, owner *aws.Call, b api.CacheBehavior) (behavior, error) {
	out := behavior{CacheBehavior: b, scripts: make(map[string]*scripted), triggers: make(map[string]*triggered)}
	for _, a := range associated(&b) {
		f, err := liveFunction(tx, owner, a.FunctionARN)
		if err != nil {
			return out, err
		}
		out.scripts[a.EventType] = &scripted{f.Name, f.Live.program()}
	}
	var err error
	if out.keys, err = trustedKeys(tx, owner, &b); err != nil {
		return out, err
	}
	if out.realtime, err = realtimeOf(tx, owner, &b); err != nil {
		return out, err
	}
	for _, a := range triggersOf(&b) {
		arn, err := aws.ParseARN(a.LambdaFunctionARN)
		if err != nil {
			return out, err
		}
		out.triggers[a.EventType] = &triggered{arn, aws.Value(a.IncludeBody)}
	}
	if b.CachePolicyId == nil {
		out.keyed = legacyKeying(&b)
	} else {
		c, err := policyOf(tx, owner, cachePolicies, managedCache, *b.CachePolicyId)
		if err != nil {
			return out, err
		}
		out.keyed = cacheKeying(c)
	}
	out.forwarded = out.keyed
	if b.OriginRequestPolicyId != nil {
		c, err := policyOf(tx, owner, originRules, managedOrigin, *b.OriginRequestPolicyId)
		if err != nil {
			return out, err
		}
		out.forwarded = originKeying(c)
	}
	if b.ResponseHeadersPolicyId != nil {
		if out.headers, err = policyOf(tx, owner, headerRules, managedHeaders, *b.ResponseHeadersPolicyId); err != nil {
			return out, err
		}
	}
	return out, nil
}

// policyOf returns a policy of AWS's or of the distribution's owner.
func policyOf[C any](tx *store.Tx, owner *aws.Call, k *kind[C], managed map[string]*C, id string) (*C, error) {
	if c := managed[id]; c != nil {
		return c, nil
	}
	_, h, err := k.find(tx, owner, id)
	return &h.Config, err
}

// find returns the distribution of a name: of its own, or a user's.
func (s *Service) find(ctx context.Context, name string) (*served, error) {
	all, err := s.index.Get(ctx)
	if err != nil {
		return nil, err
	}
	name = strings.ToLower(name)
	if v := (*all)[name]; v != nil {
		return v, nil
	}
	_, parent, _ := strings.Cut(name, ".")
	return (*all)["*."+parent], nil
}

// isAlias reports whether a host is a user's name for a distribution.
func (s *Service) isAlias(ctx context.Context, host string) bool {
	v, err := s.find(ctx, host)
	return err == nil && v != nil && strings.Contains(host, ".")
}

// Certificate returns the ARN of the certificate that the distribution of a host
// shows, or "" if there is none.
func (s *Service) Certificate(ctx context.Context, host string) (string, error) {
	v, err := s.find(ctx, host)
	if v == nil || err != nil {
		return "", err
	}
	return aws.Value(v.config.ViewerCertificate.ACMCertificateArn), nil
}

// Showing returns the ARNs of the distributions that show a certificate.
func (s *Service) Showing(ctx context.Context, certificate string) ([]string, error) {
	var all []string
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		for arn, d := range distributions.rows.Scan(tx, aws.ARN{}) {
			if aws.Value(d.Config.ViewerCertificate.ACMCertificateArn) == certificate {
				all = append(all, arn.String())
			}
		}
		return tx.Err()
	})
	return all, err
}
