package wafv2

import (
	"context"
	"errors"
	"sync"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/firewall"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Service is AWS WAF.
type Service struct {
	db       *store.DB
	table    *dispatch.Table
	counters firewall.Counters

	mu    sync.Mutex
	epoch int
	ready map[string]*firewall.List // by ARN of the list
	of    map[aws.ARN]string        // lists by the resource that they guard; nil: not read yet
}

// New returns AWS WAF.
func New(db *store.DB, table *dispatch.Table) *Service {
	return &Service{db: db, table: table}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	const lacks = "Managed rule groups of AWS have the rules that AWS tells of, with patterns of our own; those of lists that only AWS has, of addresses and of bots, match nothing. Groups of others, those against fraud and floods, and their versions, CAPTCHA, challenges and custom keys of rates are refused. Nobody's country is known, so no country matches. Requests are counted in memory."
	scope := func(k string) func(*aws.Call, string) aws.ARN {
		return func(call *aws.Call, at string) aws.ARN { return call.ARN("wafv2", at+"/"+k+"/*") }
	}
	acl, group, addresses, pattern := scope("webacl"), scope("rulegroup"), scope("ipset"), scope("regexpatternset")
	return service.Definition{API: api.API, Operations: []service.Operation{
		service.Op(api.CreateWebACL, s.CreateWebACL, func(c *aws.Call, in *api.CreateWebACLInput) aws.ARN { return acl(c, "*") }).But(lacks),
		service.Op(api.GetWebACL, s.GetWebACL, func(c *aws.Call, in *api.GetWebACLInput) aws.ARN { return acl(c, "*") }),
		service.Op(api.UpdateWebACL, s.UpdateWebACL, func(c *aws.Call, in *api.UpdateWebACLInput) aws.ARN { return acl(c, "*") }).But(lacks),
		service.Op(api.DeleteWebACL, s.DeleteWebACL, func(c *aws.Call, in *api.DeleteWebACLInput) aws.ARN { return acl(c, "*") }),
		service.Op(api.ListWebACLs, s.ListWebACLs, service.Any),
		service.Op(api.CheckCapacity, s.CheckCapacity, service.Any),
		service.Op(api.CreateRuleGroup, s.CreateRuleGroup, func(c *aws.Call, in *api.CreateRuleGroupInput) aws.ARN { return group(c, "*") }).But(lacks),
		service.Op(api.GetRuleGroup, s.GetRuleGroup, func(c *aws.Call, in *api.GetRuleGroupInput) aws.ARN { return group(c, "*") }),
		service.Op(api.UpdateRuleGroup, s.UpdateRuleGroup, func(c *aws.Call, in *api.UpdateRuleGroupInput) aws.ARN { return group(c, "*") }).But(lacks),
		service.Op(api.DeleteRuleGroup, s.DeleteRuleGroup, func(c *aws.Call, in *api.DeleteRuleGroupInput) aws.ARN { return group(c, "*") }),
		service.Op(api.ListRuleGroups, s.ListRuleGroups, service.Any),
		service.Op(api.ListAvailableManagedRuleGroups, s.ListAvailableManagedRuleGroups, service.Any).But("Groups of AWS alone are there, without those against fraud and floods."),
		service.Op(api.ListAvailableManagedRuleGroupVersions, s.ListAvailableManagedRuleGroupVersions, service.Any).But("There is one version of each, without a name."),
		service.Op(api.DescribeManagedRuleGroup, s.DescribeManagedRuleGroup, service.Any),
		service.Op(api.CreateIPSet, s.CreateIPSet, func(c *aws.Call, in *api.CreateIPSetInput) aws.ARN { return addresses(c, "*") }),
		service.Op(api.GetIPSet, s.GetIPSet, func(c *aws.Call, in *api.GetIPSetInput) aws.ARN { return addresses(c, "*") }),
		service.Op(api.UpdateIPSet, s.UpdateIPSet, func(c *aws.Call, in *api.UpdateIPSetInput) aws.ARN { return addresses(c, "*") }),
		service.Op(api.DeleteIPSet, s.DeleteIPSet, func(c *aws.Call, in *api.DeleteIPSetInput) aws.ARN { return addresses(c, "*") }),
		service.Op(api.ListIPSets, s.ListIPSets, service.Any),
		service.Op(api.CreateRegexPatternSet, s.CreateRegexPatternSet, func(c *aws.Call, in *api.CreateRegexPatternSetInput) aws.ARN { return pattern(c, "*") }),
		service.Op(api.GetRegexPatternSet, s.GetRegexPatternSet, func(c *aws.Call, in *api.GetRegexPatternSetInput) aws.ARN { return pattern(c, "*") }),
		service.Op(api.UpdateRegexPatternSet, s.UpdateRegexPatternSet, func(c *aws.Call, in *api.UpdateRegexPatternSetInput) aws.ARN { return pattern(c, "*") }),
		service.Op(api.DeleteRegexPatternSet, s.DeleteRegexPatternSet, func(c *aws.Call, in *api.DeleteRegexPatternSetInput) aws.ARN { return pattern(c, "*") }),
		service.Op(api.ListRegexPatternSets, s.ListRegexPatternSets, service.Any),
		service.Op(api.AssociateWebACL, s.AssociateWebACL, func(c *aws.Call, in *api.AssociateWebACLInput) aws.ARN { return service.Named(in.WebACLArn) }).But("Stages of REST APIs alone are guarded so; distributions name their list."),
		service.Op(api.DisassociateWebACL, s.DisassociateWebACL, func(c *aws.Call, in *api.DisassociateWebACLInput) aws.ARN { return service.Named(in.ResourceArn) }),
		service.Op(api.GetWebACLForResource, s.GetWebACLForResource, func(c *aws.Call, in *api.GetWebACLForResourceInput) aws.ARN { return service.Named(in.ResourceArn) }),
		service.Op(api.ListResourcesForWebACL, s.ListResourcesForWebACL, func(c *aws.Call, in *api.ListResourcesForWebACLInput) aws.ARN { return service.Named(in.WebACLArn) }),
		service.Op(api.TagResource, s.TagResource, func(c *aws.Call, in *api.TagResourceInput) aws.ARN { return service.Named(in.ResourceARN) }),
		service.Op(api.UntagResource, s.UntagResource, func(c *aws.Call, in *api.UntagResourceInput) aws.ARN { return service.Named(in.ResourceARN) }),
		service.Op(api.ListTagsForResource, s.ListTagsForResource, func(c *aws.Call, in *api.ListTagsForResourceInput) aws.ARN { return service.Named(in.ResourceARN) }),
	}}
}

// changed has lists made ready anew once tx is kept.
func (s *Service) changed(tx *store.Tx) {
	tx.AfterCommit(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.epoch++
		s.ready, s.of = nil, nil
	})
}

// Guard says what becomes of a request to a resource; nil: nothing guards it.
func (s *Service) Guard(ctx context.Context, resource aws.ARN, q *firewall.Request) (*firewall.Decision, error) {
	s.mu.Lock()
	of, epoch := s.of, s.epoch
	s.mu.Unlock()
	if of == nil {
		err := s.db.View(ctx, func(tx *store.Tx) error {
			of = make(map[aws.ARN]string)
			for resource, acl := range associations.Scan(tx, aws.ARN{}) {
				of[resource] = acl
			}
			return tx.Err()
		})
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		if s.epoch == epoch {
			s.of = of
		}
		s.mu.Unlock()
	}
	if of[resource] == "" {
		return nil, nil
	}
	return s.Decide(ctx, of[resource], q)
}

// Has reports whether there is a list of that ARN.
func (s *Service) Has(ctx context.Context, acl string) (bool, error) {
	arn, err := aws.ParseARN(acl)
	if err != nil {
		return false, nil
	}
	_, err = acls.view(ctx, s, arn)
	if errors.Is(err, api.WAFNonexistentItemException) {
		return false, nil
	}
	return err == nil, err
}

// Decide says what a list makes of a request.
func (s *Service) Decide(ctx context.Context, acl string, q *firewall.Request) (*firewall.Decision, error) {
	s.mu.Lock()
	l, epoch := s.ready[acl], s.epoch
	s.mu.Unlock()
	if l == nil {
		arn, err := aws.ParseARN(acl)
		if err != nil {
			return nil, err
		}
		err = s.db.View(ctx, func(tx *store.Tx) error {
			r, err := acls.get(tx, arn)
			if err != nil {
				return err
			}
			l, err = firewall.Compile(&r.Config, &source{tx}, &s.counters)
			return err
		})
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		if s.epoch == epoch {
			if s.ready == nil {
				s.ready = make(map[string]*firewall.List)
			}
			s.ready[acl] = l
		}
		s.mu.Unlock()
	}
	return l.Decide(q), nil
}

// A source finds what rules name.
type source struct{ tx *store.Tx }

func find[C any](tx *store.Tx, k *kind[C], text string) (*C, error) {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return nil, errParameter("The ARN isn't valid.", "RESOURCE_ARN", text)
	}
	r, err := k.get(tx, arn)
	return &r.Config, err
}

// IPSet implements firewall.Source.
func (f *source) IPSet(arn string) (*api.IPSet, error) { return find(f.tx, ipSets, arn) }

// PatternSet implements firewall.Source.
func (f *source) PatternSet(arn string) (*api.RegexPatternSet, error) {
	return find(f.tx, patterns, arn)
}

// RuleGroup implements firewall.Source.
func (f *source) RuleGroup(arn string) (*api.RuleGroup, error) { return find(f.tx, groups, arn) }

func (f *source) capacity(arn string) int64 {
	g, err := f.RuleGroup(arn)
	if err != nil {
		return 0
	}
	return g.Capacity
}
