package iam

import (
	"cmp"
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A simulation is what policies are tried with.
type simulation struct {
	caller     aws.Principal
	owner      string // of the resources
	policies   []trial
	boundaries []trial
	resource   *trial
	keys       map[string][]string
	tags       map[string]string
	principal  bool // that there is, not one that is thought up
}

// A trial is a document, and where it is from.
type trial struct {
	id, kind string
	text     string
	doc      *policy.Document
}

func parseSimulated(id, kind, text string, use policy.Use) (trial, error) {
	if err := checkDocument(text, use); err != nil {
		return trial{}, api.InvalidInputException.Errorf("%s", err.(*aws.Error).Message)
	}
	doc, err := policy.Parse(text)
	return trial{id, kind, text, doc}, err
}

// add adds documents that the caller of the simulation brings.
func (m *simulation) add(in *api.SimulateCustomPolicyInput) error {
	for i, text := range in.PolicyInputList {
		d, err := parseSimulated("PolicyInputList."+itoa(i+1), "IAM Policy", text, policy.ForIdentity)
		if err != nil {
			return err
		}
		m.policies = append(m.policies, d)
	}
	if len(in.PermissionsBoundaryPolicyInputList) > 0 {
		m.boundaries = nil
	}
	for i, text := range in.PermissionsBoundaryPolicyInputList {
		d, err := parseSimulated("PermissionsBoundaryPolicyInputList."+itoa(i+1), "IAM Permissions Boundary Policy", text, policy.ForIdentity)
		if err != nil {
			return err
		}
		m.boundaries = append(m.boundaries, d)
	}
	if in.ResourcePolicy != nil {
		d, err := parseSimulated("ResourcePolicy", "Resource Policy", *in.ResourcePolicy, policy.ForResource)
		if err != nil {
			return err
		}
		m.resource = &d
	}
	m.keys = make(map[string][]string)
	for _, e := range in.ContextEntries {
		m.keys[aws.Value(e.ContextKeyName)] = e.ContextKeyValues
	}
	if in.CallerArn != nil {
		m.caller = principalOf(*in.CallerArn)
	}
	return nil
}

func itoa(n int) string { return versionID(int64(n))[1:] }

// principalOf returns the principal that an ARN names.
func principalOf(text string) aws.Principal {
	arn, err := aws.ParseARN(text)
	kind, _, _ := strings.Cut(arn.Resource, "/")
	switch {
	case err != nil:
		return aws.Principal{Kind: aws.User, ARN: text}
	case arn.Resource == "root":
		return aws.Principal{Kind: aws.Root, ARN: text, ID: arn.Account, Account: arn.Account}
	case kind == role:
		return aws.Principal{Kind: aws.Session, ARN: text, Role: text, Account: arn.Account}
	}
	return aws.Principal{Kind: aws.User, ARN: text, Account: arn.Account}
}

// SimulateCustomPolicy says what documents would allow.
func (s *Service) SimulateCustomPolicy(ctx context.Context, call *aws.Call, in *api.SimulateCustomPolicyInput) (*api.SimulateCustomPolicyOutput, error) {
	m := simulation{caller: aws.Principal{Kind: aws.User, Account: call.Account}, owner: ownerIn(in.ResourceOwner, call)}
	if err := m.add(in); err != nil {
		return nil, err
	}
	return m.results(call, in)
}

// ownerIn returns the account of the resources: that of the caller, or one
// that is given as an ARN or as it is.
func ownerIn(owner *string, call *aws.Call) string {
	if arn, err := aws.ParseARN(aws.Value(owner)); err == nil {
		return arn.Account
	}
	return cmp.Or(aws.Value(owner), call.Account)
}

// SimulatePrincipalPolicy says what the policies of a user, a group or a role
// would allow, with more documents or without.
func (s *Service) SimulatePrincipalPolicy(ctx context.Context, call *aws.Call, in *api.SimulatePrincipalPolicyInput) (*api.SimulatePrincipalPolicyOutput, error) {
	arn, err := aws.ParseARN(in.PolicySourceArn)
	kind, path, _ := strings.Cut(arn.Resource, "/")
	if err != nil || arn.Service != "iam" || !slices.Contains([]string{user, group, role}, kind) {
		return nil, api.InvalidInputException.Errorf("Invalid Entity Arn: %s does not clearly define entity type and name.", in.PolicySourceArn)
	}
	m := simulation{caller: principalOf(in.PolicySourceArn), owner: ownerIn(in.ResourceOwner, call), principal: true}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		_, row, err := findIdentity(tx, call.Account, kind, path[strings.LastIndexByte(path, '/')+1:])
		if err != nil {
			return err
		}
		m.caller.ID, m.tags = row.ID, row.Tags
		m.policies, m.boundaries, err = s.policiesOf(tx, &row, call.Account)
		return err
	})
	if err != nil {
		return nil, err
	}
	custom := &api.SimulateCustomPolicyInput{
		PolicyInputList: in.PolicyInputList, PermissionsBoundaryPolicyInputList: in.PermissionsBoundaryPolicyInputList,
		ActionNames: in.ActionNames, ResourceArns: in.ResourceArns, ResourcePolicy: in.ResourcePolicy,
		CallerArn: in.CallerArn, ContextEntries: in.ContextEntries, MaxItems: in.MaxItems, Marker: in.Marker,
	}
	if err := m.add(custom); err != nil {
		return nil, err
	}
	return m.results(call, custom)
}

// policiesOf returns the policies that an identity has, with their names.
func (s *Service) policiesOf(tx *store.Tx, row *identity, account string) (found, bounds []trial, err error) {
	owners := []identity{*row}
	groups, err := partners(tx, memberships, row.owner(account))
	if err != nil {
		return nil, nil, err
	}
	managed := func(arn aws.ARN) (trial, error) {
		p, err := s.findPolicy(tx, arn)
		if err != nil {
			return trial{}, err
		}
		v, err := s.findVersion(tx, arn, p.Default)
		if err != nil {
			return trial{}, err
		}
		doc, err := policy.Parse(v.Document)
		return trial{p.Name, "IAM Policy", v.Document, doc}, err
	}
	for _, owner := range append(owners, groups...) {
		for key, p := range inlines.Scan(tx, partKey{Owner: owner.owner(account)}) {
			doc, err := policy.Parse(p.Document)
			if err != nil {
				return nil, nil, err
			}
			found = append(found, trial{key.Name, "IAM Policy", p.Document, doc})
		}
		for pair := range attachments.Scan(tx, pairKey{One: owner.owner(account)}) {
			d, err := managed(pair.Other)
			if err != nil {
				return nil, nil, err
			}
			found = append(found, d)
		}
	}
	if row.Boundary == "" {
		return found, nil, tx.Err()
	}
	arn, err := parsePolicyARN(row.Boundary)
	if err != nil {
		return nil, nil, err
	}
	d, err := managed(arn)
	return found, []trial{d}, err
}

// results tries every action on every resource.
func (m *simulation) results(call *aws.Call, in *api.SimulateCustomPolicyInput) (*api.SimulatePolicyResponse, error) {
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	items := func(yield func(string, api.EvaluationResult) bool) {
		n := int64(1) << 40
		for _, action := range in.ActionNames {
			for _, resource := range resources {
				n++
				if !yield(versionID(n), m.result(call, action, resource)) {
					return
				}
			}
		}
	}
	found, truncated, marker, err := cut(page{in.Marker, in.MaxItems}, items)
	return &api.SimulatePolicyResponse{EvaluationResults: found, IsTruncated: truncated, Marker: marker}, err
}

// result tries one action on one resource.
func (m *simulation) result(call *aws.Call, action, resource string) api.EvaluationResult {
	r := m.request(call, action, resource)
	set := policy.Set{}
	for _, p := range m.policies {
		set.Identity = append(set.Identity, p.doc)
	}
	bounded := policy.Allow
	for _, p := range m.boundaries {
		set.Boundary = p.doc
		bounded = p.doc.Effect(r)
	}
	if m.resource != nil {
		set.Resource = m.resource.doc
	}
	decision, effect := api.PolicyEvaluationDecisionTypeAllowed, policy.Allow
	if d := policy.Decide(r, &set); d.Denied {
		decision, effect = api.PolicyEvaluationDecisionTypeExplicitDeny, policy.Deny
	} else if !d.Allowed {
		decision = api.PolicyEvaluationDecisionTypeImplicitDeny
	}
	matched := m.matched(r, effect)
	out := api.EvaluationResult{
		EvalActionName: action, EvalResourceName: &resource, EvalDecision: decision, MatchedStatements: matched,
		MissingContextValues: []string{}, EvalDecisionDetails: map[string]string{},
	}
	specific := api.ResourceSpecificResult{
		EvalResourceName: resource, EvalResourceDecision: decision, MatchedStatements: matched, MissingContextValues: []string{},
	}
	if m.principal {
		out.OrganizationsDecisionDetail = &api.OrganizationsDecisionDetail{AllowedByOrganizations: new(true)}
	}
	if m.boundaries != nil {
		out.PermissionsBoundaryDecisionDetail = &api.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: new(bounded == policy.Allow)}
		specific.PermissionsBoundaryDecisionDetail = out.PermissionsBoundaryDecisionDetail
	}
	out.ResourceSpecificResults = []api.ResourceSpecificResult{specific}
	return out
}

func (m *simulation) request(call *aws.Call, action, resource string) *policy.Request {
	arn, err := aws.ParseARN(resource)
	if err != nil {
		arn = aws.AnyResource
	}
	who := *call
	who.Principal, who.SourceIP, who.UserAgent = m.caller, "", ""
	return &policy.Request{Call: &who, Action: action, Resource: arn, Owner: m.owner, Given: m.keys, Tags: m.tags}
}

// matched lists the statements that made the decision.
func (m *simulation) matched(r *policy.Request, effect policy.Effect) []api.Statement {
	out := []api.Statement{}
	for _, p := range slices.Concat(m.policies, m.boundaries) {
		for _, i := range p.doc.Matches(r, effect) {
			begins, ends := policy.Span(p.text, p.doc, i)
			out = append(out, api.Statement{
				SourcePolicyId: &p.id, SourcePolicyType: &p.kind,
				StartPosition: &api.Position{Line: new(int32(begins.Line)), Column: new(int32(begins.Column))},
				EndPosition:   &api.Position{Line: new(int32(ends.Line)), Column: new(int32(ends.Column))},
			})
		}
	}
	return out
}
