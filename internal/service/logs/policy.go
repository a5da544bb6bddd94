package logs

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A resourcePolicy is one of an account, that lets services write in its groups.
type resourcePolicy struct {
	Document string
	Updated  int64 // ms
}

const (
	policyKind  = "resource-policy:"
	maxPolicies = 10
)

// PutResourcePolicy keeps a policy of an account.
func (s *Service) PutResourcePolicy(ctx context.Context, call *aws.Call, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	switch {
	case in.ResourceArn != nil || in.ExpectedRevisionId != nil:
		return nil, errUnanswered("PutResourcePolicy", "resourceArn")
	case aws.Value(in.PolicyName) == "":
		return nil, api.InvalidParameterException.Errorf("Policy name must be specified.")
	case !json.Valid([]byte(aws.Value(in.PolicyDocument))):
		return nil, api.InvalidParameterException.Errorf("Policy document is not valid JSON.")
	}
	arn := call.ARN("logs", policyKind+*in.PolicyName)
	row := resourcePolicy{*in.PolicyDocument, time.Now().UnixMilli()}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		n := 0
		for other := range policies.Scan(tx, call.ARN("logs", "")) {
			if other != arn {
				n++
			}
		}
		if n >= maxPolicies {
			return api.LimitExceededException.Errorf("Resource limit exceeded.")
		}
		return policies.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	described := describePolicy(arn, row)
	return &api.PutResourcePolicyOutput{ResourcePolicy: &described}, nil
}

func describePolicy(arn aws.ARN, row resourcePolicy) api.ResourcePolicy {
	return api.ResourcePolicy{
		PolicyName: new(strings.TrimPrefix(arn.Resource, policyKind)), PolicyDocument: &row.Document, LastUpdatedTime: &row.Updated, PolicyScope: new(api.PolicyScopeAccount),
	}
}

// DeleteResourcePolicy deletes a policy of an account.
func (s *Service) DeleteResourcePolicy(ctx context.Context, call *aws.Call, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	name := aws.Value(in.PolicyName)
	arn := call.ARN("logs", policyKind+name)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if exists, err := policies.Has(tx, arn); err != nil {
			return err
		} else if !exists {
			return api.ResourceNotFoundException.Errorf("Policy with name [%s] does not exist.", name)
		}
		return policies.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteResourcePolicyOutput{}, nil
}

// DescribeResourcePolicies lists the policies of an account.
func (s *Service) DescribeResourcePolicies(ctx context.Context, call *aws.Call, in *api.DescribeResourcePoliciesInput) (*api.DescribeResourcePoliciesOutput, error) {
	after, err := parseNameToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	var all []api.ResourcePolicy
	err = s.db.View(ctx, func(tx *store.Tx) error {
		all = []api.ResourcePolicy{}
		for arn, row := range policies.Scan(tx, call.ARN("logs", "")) {
			all = append(all, describePolicy(arn, row))
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeResourcePoliciesOutput{}
	out.ResourcePolicies, out.NextToken = pageAfter(all, after, int(aws.Or(in.Limit, maxPage)), func(p *api.ResourcePolicy) string { return *p.PolicyName })
	return out, nil
}

// A definition is a query that was saved.
type definition struct {
	Name, Query string
	Groups      []string
	Updated     int64 // ms
}

const definitionKind = "query-definition:"

// PutQueryDefinition saves a query, or changes one that was.
func (s *Service) PutQueryDefinition(ctx context.Context, call *aws.Call, in *api.PutQueryDefinitionInput) (*api.PutQueryDefinitionOutput, error) {
	if aws.Or(in.QueryLanguage, api.QueryLanguageCwli) != api.QueryLanguageCwli || in.Parameters != nil {
		return nil, errUnanswered("PutQueryDefinition", "queryLanguage SQL or PPL, or parameters")
	}
	id := aws.Or(in.QueryDefinitionId, aws.NewRequestID())
	arn := call.ARN("logs", definitionKind+id)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		exists, err := definitions.Has(tx, arn)
		if err != nil {
			return err
		}
		if in.QueryDefinitionId != nil && !exists {
			return errNoDefinition()
		}
		return definitions.Put(tx, arn, definition{in.Name, in.QueryString, in.LogGroupNames, time.Now().UnixMilli()})
	})
	if err != nil {
		return nil, err
	}
	return &api.PutQueryDefinitionOutput{QueryDefinitionId: &id}, nil
}

func errNoDefinition() error {
	return api.ResourceNotFoundException.Errorf("The specified query definition does not exist.")
}

// DeleteQueryDefinition deletes a saved query.
func (s *Service) DeleteQueryDefinition(ctx context.Context, call *aws.Call, in *api.DeleteQueryDefinitionInput) (*api.DeleteQueryDefinitionOutput, error) {
	arn := call.ARN("logs", definitionKind+in.QueryDefinitionId)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		_, err := definitions.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			return errNoDefinition()
		}
		return errors.Join(err, definitions.Delete(tx, arn))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteQueryDefinitionOutput{Success: new(true)}, nil
}

// DescribeQueryDefinitions lists saved queries.
func (s *Service) DescribeQueryDefinitions(ctx context.Context, call *aws.Call, in *api.DescribeQueryDefinitionsInput) (*api.DescribeQueryDefinitionsOutput, error) {
	after, err := parseNameToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	var all []api.QueryDefinition
	err = s.db.View(ctx, func(tx *store.Tx) error {
		all = []api.QueryDefinition{}
		for arn, row := range definitions.Scan(tx, call.ARN("logs", "")) {
			if strings.HasPrefix(row.Name, aws.Value(in.QueryDefinitionNamePrefix)) {
				all = append(all, api.QueryDefinition{
					QueryDefinitionId: new(strings.TrimPrefix(arn.Resource, definitionKind)), Name: &row.Name, QueryString: &row.Query,
					LastModified: &row.Updated, LogGroupNames: row.Groups,
				})
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeQueryDefinitionsOutput{}
	out.QueryDefinitions, out.NextToken = pageAfter(all, after, int(aws.Or(in.MaxResults, 1000)), func(d *api.QueryDefinition) string { return *d.QueryDefinitionId })
	return out, nil
}
