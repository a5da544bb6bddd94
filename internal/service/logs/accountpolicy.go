package logs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An accountPolicy subscribes to all groups of an account but those that it
// leaves out.
type accountPolicy struct {
	Document string
	Criteria string   `json:",omitempty"`
	Except   []string `json:",omitempty"` // names of groups
	Updated  int64    // ms
	Filter   subscription
}

const accountPolicyKind = "account-policy:"

func accountPolicyARN(call *aws.Call, name string) aws.ARN {
	return call.ARN("logs", accountPolicyKind+name)
}

// criteriaPattern is what AWS takes to choose groups by.
var criteriaPattern = regexp.MustCompile(`^LogGroupName NOT IN (\[.*\])$`)

// checkPolicyType refuses what accounts have no policies of yet.
func checkPolicyType(operation, kind string) error {
	if kind != api.PolicyTypeSubscriptionFilterPolicy {
		return errUnanswered(operation, "policyType "+kind)
	}
	return nil
}

// readAccountPolicy reads what a policy says, or refuses it.
func readAccountPolicy(call *aws.Call, in *api.PutAccountPolicyInput) (*accountPolicy, error) {
	p := &accountPolicy{Document: in.PolicyDocument, Criteria: aws.Value(in.SelectionCriteria), Updated: time.Now().UnixMilli()}
	var doc struct{ DestinationArn, RoleArn, FilterPattern, Distribution string }
	if err := json.Unmarshal([]byte(in.PolicyDocument), &doc); err != nil {
		return nil, api.InvalidParameterException.Errorf("Policy document is not valid JSON.")
	}
	if p.Criteria != "" {
		m := criteriaPattern.FindStringSubmatch(strings.TrimSpace(p.Criteria))
		if m == nil || json.Unmarshal([]byte(m[1]), &p.Except) != nil {
			return nil, api.InvalidParameterException.Errorf("Invalid selection criteria: %s", p.Criteria)
		}
	}
	if _, err := parsePattern(doc.FilterPattern); err != nil {
		return nil, err
	}
	as := &api.PutSubscriptionFilterInput{DestinationArn: doc.DestinationArn}
	if doc.RoleArn != "" {
		as.RoleArn = &doc.RoleArn
	}
	if err := checkDestination(call, as); err != nil {
		return nil, err
	}
	p.Filter = subscription{doc.FilterPattern, doc.DestinationArn, doc.RoleArn, cmp.Or(doc.Distribution, api.DistributionByLogStream), p.Updated}
	return p, nil
}

// PutAccountPolicy makes the policy of an account, or changes it: it has one.
func (s *Service) PutAccountPolicy(ctx context.Context, call *aws.Call, in *api.PutAccountPolicyInput) (*api.PutAccountPolicyOutput, error) {
	if err := checkPolicyType("PutAccountPolicy", in.PolicyType); err != nil {
		return nil, err
	}
	p, err := readAccountPolicy(call, in)
	if err != nil {
		return nil, err
	}
	arn := accountPolicyARN(call, in.PolicyName)
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		for other := range accountPolicies.Scan(tx, call.ARN("logs", "")) {
			if other != arn {
				return api.LimitExceededException.Errorf("Resource limit exceeded.")
			}
		}
		return errors.Join(tx.Err(), accountPolicies.Put(tx, arn, *p))
	})
	if err != nil {
		return nil, err
	}
	described := p.describe(arn)
	return &api.PutAccountPolicyOutput{AccountPolicy: &described}, nil
}

func (p *accountPolicy) describe(arn aws.ARN) api.AccountPolicy {
	d := api.AccountPolicy{
		PolicyName: new(strings.TrimPrefix(arn.Resource, accountPolicyKind)), PolicyDocument: &p.Document, LastUpdatedTime: &p.Updated,
		PolicyType: new(api.PolicyTypeSubscriptionFilterPolicy), Scope: new(api.ScopeAll), AccountId: &arn.Account,
	}
	if p.Criteria != "" {
		d.SelectionCriteria = &p.Criteria
	}
	return d
}

// DescribeAccountPolicies lists the policies of an account.
func (s *Service) DescribeAccountPolicies(ctx context.Context, call *aws.Call, in *api.DescribeAccountPoliciesInput) (*api.DescribeAccountPoliciesOutput, error) {
	out := &api.DescribeAccountPoliciesOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.AccountPolicies = []api.AccountPolicy{}
		for arn, p := range accountPolicies.Scan(tx, call.ARN("logs", "")) {
			d := p.describe(arn)
			if in.PolicyType == *d.PolicyType && aws.Or(in.PolicyName, *d.PolicyName) == *d.PolicyName {
				out.AccountPolicies = append(out.AccountPolicies, d)
			}
		}
		return tx.Err()
	})
	return out, err
}

// DeleteAccountPolicy deletes a policy of an account.
func (s *Service) DeleteAccountPolicy(ctx context.Context, call *aws.Call, in *api.DeleteAccountPolicyInput) (*api.DeleteAccountPolicyOutput, error) {
	if err := checkPolicyType("DeleteAccountPolicy", in.PolicyType); err != nil {
		return nil, err
	}
	arn := accountPolicyARN(call, in.PolicyName)
	return &api.DeleteAccountPolicyOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		has, err := accountPolicies.Has(tx, arn)
		if err != nil {
			return err
		}
		if !has {
			return api.ResourceNotFoundException.Errorf("Account policy [%s] does not exist.", in.PolicyName)
		}
		return accountPolicies.Delete(tx, arn)
	})
}

// tellAccount sends the events of a batch to who subscribes to the account.
func (s *Service) tellAccount(tx *store.Tx, key streamKey, batch int64, events []api.InputLogEvent) error {
	of := aws.ARN{Service: "logs", Region: key.Group.Region, Account: key.Group.Account}
	for arn, p := range accountPolicies.Scan(tx, of) {
		if slices.Contains(p.Except, groupName(key.Group)) {
			continue
		}
		f := told{name: strings.TrimPrefix(arn.Resource, accountPolicyKind), level: "ACCOUNT_LEVEL_POLICY", to: &p.Filter}
		if err := s.tellSubscriber(tx, key, batch, f, events); err != nil {
			return err
		}
	}
	return tx.Err()
}
