package cloudformation

import (
	"context"
	"errors"
	"regexp"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A stackInstance is a stack of a set in one account and region, or its place.
type stackInstance struct {
	StackName string
	StackID   string // "": there is none yet
	Status    string // "CURRENT", "OUTDATED", "INOPERABLE"
	Detailed  string // "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"
	Reason    string
	Overrides []api.Parameter
	Operation string // the last
}

type instanceKey struct {
	Set             aws.ARN
	Account, Region string
}

var stackInstances = store.NewTable[instanceKey, stackInstance]("cloudformation.stackinstance")

var accountPattern = regexp.MustCompile(`^[0-9]{12}$`)

// targets are the accounts and regions of a request, each with each.
func targets(accounts []string, d *api.DeploymentTargets, regions []string, preferences *api.StackSetOperationPreferences) ([]target, error) {
	if d != nil {
		if d.OrganizationalUnitIds != nil || d.AccountsUrl != nil {
			return nil, aws.NotImplemented.Errorf("Aloft has no organizations: name the accounts of a stack set.")
		}
		accounts = append(accounts, d.Accounts...)
	}
	if len(accounts) == 0 || len(regions) == 0 {
		return nil, api.ValidationError.Errorf("Accounts and Regions must not be empty")
	}
	for _, account := range accounts {
		if !accountPattern.MatchString(account) {
			return nil, api.ValidationError.Errorf("1 validation error detected: Value '[%s]' at 'accounts' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy regular expression pattern: ^[0-9]{12}$]", account)
		}
	}
	if preferences != nil && preferences.RegionOrder != nil {
		regions = preferences.RegionOrder
	}
	var out []target
	for _, region := range regions {
		for _, account := range accounts {
			out = append(out, target{account, region})
		}
	}
	return out, nil
}

// CreateStackInstances deploys a stack set to accounts and regions.
func (s *Service) CreateStackInstances(ctx context.Context, call *aws.Call, in *api.CreateStackInstancesInput) (*api.CreateStackInstancesOutput, error) {
	op := setOperation{Action: "CREATE", Preferences: in.OperationPreferences, ID: aws.Or(in.OperationId, aws.NewRequestID())}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		set, err := findLiveSet(tx, call, in.StackSetName)
		if err != nil {
			return err
		}
		mine := op
		if mine.Targets, err = targets(in.Accounts, in.DeploymentTargets, in.Regions, in.OperationPreferences); err != nil {
			return err
		}
		for _, t := range mine.Targets {
			key := instanceKey{set.ID, t.Account, t.Region}
			inst, err := stackInstances.Get(tx, key)
			if errors.Is(err, store.ErrNotFound) {
				inst, err = stackInstance{StackName: "StackSet-" + set.Name + "-" + aws.NewRequestID()}, nil
			}
			if err != nil {
				return err
			}
			if in.ParameterOverrides != nil {
				inst.Overrides = in.ParameterOverrides
			}
			inst.Status, inst.Detailed, inst.Operation = "OUTDATED", "PENDING", op.ID
			if err := stackInstances.Put(tx, key, inst); err != nil {
				return err
			}
		}
		return s.beginOperation(tx, call, &set, mine)
	})
	return &api.CreateStackInstancesOutput{OperationId: &op.ID}, err
}

// UpdateStackInstances changes the parameters of stacks of a set.
func (s *Service) UpdateStackInstances(ctx context.Context, call *aws.Call, in *api.UpdateStackInstancesInput) (*api.UpdateStackInstancesOutput, error) {
	op := setOperation{Action: "UPDATE", Preferences: in.OperationPreferences, ID: aws.Or(in.OperationId, aws.NewRequestID())}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		set, err := findLiveSet(tx, call, in.StackSetName)
		if err != nil {
			return err
		}
		mine := op
		if mine.Targets, err = targets(in.Accounts, in.DeploymentTargets, in.Regions, in.OperationPreferences); err != nil {
			return err
		}
		for _, t := range mine.Targets {
			inst, err := needInstance(tx, &set, t)
			if err != nil {
				return err
			}
			if in.ParameterOverrides != nil {
				if inst.Overrides, err = setParameters(in.ParameterOverrides, inst.Overrides); err != nil {
					return err
				}
			}
			inst.Status, inst.Detailed, inst.Operation = "OUTDATED", "PENDING", op.ID
			if err := stackInstances.Put(tx, instanceKey{set.ID, t.Account, t.Region}, inst); err != nil {
				return err
			}
		}
		return s.beginOperation(tx, call, &set, mine)
	})
	return &api.UpdateStackInstancesOutput{OperationId: &op.ID}, err
}

// DeleteStackInstances deletes stacks of a set, or lets go of them.
func (s *Service) DeleteStackInstances(ctx context.Context, call *aws.Call, in *api.DeleteStackInstancesInput) (*api.DeleteStackInstancesOutput, error) {
	op := setOperation{Action: "DELETE", Preferences: in.OperationPreferences, ID: aws.Or(in.OperationId, aws.NewRequestID()), Retain: in.RetainStacks}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		set, err := findLiveSet(tx, call, in.StackSetName)
		if err != nil {
			return err
		}
		mine := op
		if mine.Targets, err = targets(in.Accounts, in.DeploymentTargets, in.Regions, in.OperationPreferences); err != nil {
			return err
		}
		for _, t := range mine.Targets {
			if _, err := needInstance(tx, &set, t); err != nil {
				return err
			}
		}
		return s.beginOperation(tx, call, &set, mine)
	})
	return &api.DeleteStackInstancesOutput{OperationId: &op.ID}, err
}

func needInstance(tx *store.Tx, set *stackSet, t target) (stackInstance, error) {
	inst, err := stackInstances.Get(tx, instanceKey{set.ID, t.Account, t.Region})
	if errors.Is(err, store.ErrNotFound) {
		err = api.StackInstanceNotFoundException.Errorf("StackInstance not found for StackSet %s, account %s, region %s", set.shortID(), t.Account, t.Region)
	}
	return inst, err
}

// DescribeStackInstance describes a stack of a set.
func (s *Service) DescribeStackInstance(ctx context.Context, call *aws.Call, in *api.DescribeStackInstanceInput) (*api.DescribeStackInstanceOutput, error) {
	out := &api.DescribeStackInstanceOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		set, err := findSet(tx, call, in.StackSetName)
		if err != nil {
			return err
		}
		inst, err := needInstance(tx, &set, target{in.StackInstanceAccount, in.StackInstanceRegion})
		out.StackInstance = &api.StackInstance{
			StackSetId: new(set.shortID()), Region: &in.StackInstanceRegion, Account: &in.StackInstanceAccount, StackId: optional(inst.StackID),
			ParameterOverrides: append([]api.Parameter{}, inst.Overrides...), Status: &inst.Status, StatusReason: optional(inst.Reason),
			StackInstanceStatus:  &api.StackInstanceComprehensiveStatus{DetailedStatus: &inst.Detailed},
			OrganizationalUnitId: new(""), DriftStatus: new(notChecked), LastOperationId: optional(inst.Operation),
		}
		return err
	})
	return out, err
}

// ListStackInstances lists the stacks of a set.
func (s *Service) ListStackInstances(ctx context.Context, call *aws.Call, in *api.ListStackInstancesInput) (*api.ListStackInstancesOutput, error) {
	out := &api.ListStackInstancesOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.Summaries, out.NextToken = []api.StackInstanceSummary{}, nil
		set, err := findSet(tx, call, in.StackSetName)
		if err != nil {
			return err
		}
		after, err := cut(in.NextToken)
		if err != nil {
			return err
		}
		most := int(aws.Or(in.MaxResults, 100))
		for key, inst := range stackInstances.Scan(tx, instanceKey{Set: set.ID}) {
			if key.Account+"/"+key.Region <= after || !listed(in, key, &inst) {
				continue
			}
			if n := len(out.Summaries); n == most {
				out.NextToken = token(*out.Summaries[n-1].Account + "/" + *out.Summaries[n-1].Region)
				break
			}
			out.Summaries = append(out.Summaries, api.StackInstanceSummary{
				StackSetId: new(set.shortID()), Region: &key.Region, Account: &key.Account, StackId: optional(inst.StackID), Status: &inst.Status,
				StatusReason: optional(inst.Reason), StackInstanceStatus: &api.StackInstanceComprehensiveStatus{DetailedStatus: &inst.Detailed},
				OrganizationalUnitId: new(""), DriftStatus: new(notChecked), LastOperationId: optional(inst.Operation),
			})
		}
		return nil
	})
	return out, err
}

func listed(in *api.ListStackInstancesInput, key instanceKey, inst *stackInstance) bool {
	for _, f := range in.Filters {
		has := map[string]string{"DETAILED_STATUS": inst.Detailed, "LAST_OPERATION_ID": inst.Operation, "DRIFT_STATUS": notChecked}[aws.Value(f.Name)]
		if has != aws.Value(f.Values) {
			return false
		}
	}
	return (in.StackInstanceAccount == nil || *in.StackInstanceAccount == key.Account) && (in.StackInstanceRegion == nil || *in.StackInstanceRegion == key.Region)
}
