package cloudformation

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A stackSet is a template that is deployed to accounts and regions.
type stackSet struct {
	ID           aws.ARN // ends in "stackset/name:uuid"
	Name         string
	Description  string
	Template     string
	Parameters   []api.Parameter
	Capabilities []string
	Tags         []api.Tag
	AdminRole    string // ARN of the role that CloudFormation assumes
	ExecRole     string // name of the role that it assumes in each account
	Token        string
	Deleted      time.Time // zero: not
}

var (
	stackSets = store.NewTable[aws.ARN, stackSet]("cloudformation.stackset")    // by id
	setNames  = store.NewTable[aws.ARN, aws.ARN]("cloudformation.stacksetname") // of those that are not deleted
)

// The roles that stack sets work by, if they name no others.
const (
	usualAdminRole = "AWSCloudFormationStackSetAdministrationRole"
	usualExecRole  = "AWSCloudFormationStackSetExecutionRole"
)

const setPrefix = "stackset/"

// shortID is the id of a set as people see it: its name and a UUID.
func (set *stackSet) shortID() string { return strings.TrimPrefix(set.ID.Resource, setPrefix) }

func errNoStackSet(name string) error {
	return api.StackSetNotFoundException.Errorf("StackSet %s not found", name)
}

// setOf is the stack set that a request names, for policies.
func setOf[In interface{ GetStackSetName() string }](call *aws.Call, in In) aws.ARN {
	name := in.GetStackSetName()
	if strings.Contains(name, ":") {
		return call.ARN("cloudformation", setPrefix+name)
	}
	return call.ARN("cloudformation", setPrefix+name+":*")
}

// findSet returns the set of a name or an id.
func findSet(tx *store.Tx, call *aws.Call, name string) (stackSet, error) {
	id := call.ARN("cloudformation", setPrefix+name)
	if !strings.Contains(name, ":") {
		var err error
		if id, err = setNames.Get(tx, id); errors.Is(err, store.ErrNotFound) {
			return stackSet{}, errNoStackSet(name)
		} else if err != nil {
			return stackSet{}, err
		}
	}
	set, err := stackSets.Get(tx, id)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoStackSet(name)
	}
	return set, err
}

// findLiveSet is findSet that does not find sets that are deleted.
func findLiveSet(tx *store.Tx, call *aws.Call, name string) (stackSet, error) {
	set, err := findSet(tx, call, name)
	if err == nil && !set.Deleted.IsZero() {
		err = errNoStackSet(name)
	}
	return set, err
}

var setNamePattern = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

// CreateStackSet makes a stack set, that is not deployed anywhere yet.
func (s *Service) CreateStackSet(ctx context.Context, call *aws.Call, in *api.CreateStackSetInput) (*api.CreateStackSetOutput, error) {
	if !setNamePattern.MatchString(in.StackSetName) {
		return nil, api.ValidationError.Errorf("1 validation error detected: Value '%s' at 'stackSetName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", in.StackSetName)
	}
	if err := checkSetModel(in.PermissionModel, in.AutoDeployment, in.CallAs, in.ManagedExecution); err != nil {
		return nil, err
	}
	if in.StackId != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not make stack sets of stacks that are there yet.")
	}
	set := stackSet{
		ID: call.ARN("cloudformation", setPrefix+in.StackSetName+":"+aws.NewRequestID()), Name: in.StackSetName,
		Description: aws.Value(in.Description), Parameters: in.Parameters, Capabilities: in.Capabilities, Tags: in.Tags,
		AdminRole: aws.Value(in.AdministrationRoleARN), ExecRole: aws.Or(in.ExecutionRoleName, usualExecRole),
		Token: aws.Value(in.ClientRequestToken),
	}
	var err error
	if set.Template, err = s.setTemplate(ctx, call, request{body: in.TemplateBody, url: in.TemplateURL}); err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		name := call.ARN("cloudformation", setPrefix+set.Name)
		switch had, err := findSet(tx, call, set.Name); {
		case err == nil && set.Token != "" && had.Token == set.Token:
			set.ID = had.ID
			return nil
		case err == nil:
			return api.NameAlreadyExistsException.Errorf("StackSet %s already exists", set.Name)
		case aws.Refusal(err).Code != api.StackSetNotFoundException.Code:
			return err
		}
		if err := setNames.Put(tx, name, set.ID); err != nil {
			return err
		}
		return stackSets.Put(tx, set.ID, set)
	})
	return &api.CreateStackSetOutput{StackSetId: new(set.shortID())}, err
}

// checkSetModel refuses what needs an organization.
func checkSetModel(model *string, auto *api.AutoDeployment, callAs *string, managed *api.ManagedExecution) error {
	if managed != nil && aws.Value(managed.Active) {
		return aws.NotImplemented.Errorf("Aloft does not queue operations of stack sets yet.")
	}
	if aws.Value(model) == "SERVICE_MANAGED" || auto != nil && aws.Value(auto.Enabled) || aws.Value(callAs) == "DELEGATED_ADMIN" {
		return aws.NotImplemented.Errorf("Aloft has no organizations: stack sets are SELF_MANAGED.")
	}
	return nil
}

// setTemplate finds and checks the template of a set.
func (s *Service) setTemplate(ctx context.Context, call *aws.Call, r request) (string, error) {
	text, err := s.templateText(ctx, call, r, nil)
	if err != nil {
		return "", err
	}
	if len(text) > template.MaxBody {
		return "", aws.NotImplemented.Errorf("Aloft deploys templates of stack sets of at most %d bytes.", template.MaxBody)
	}
	_, err = s.summarize(ctx, call, request{body: &text}, nil)
	return text, err
}

// DescribeStackSet describes a stack set.
func (s *Service) DescribeStackSet(ctx context.Context, call *aws.Call, in *api.DescribeStackSetInput) (*api.DescribeStackSetOutput, error) {
	out := &api.DescribeStackSetOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		set, err := findSet(tx, call, in.StackSetName)
		if err != nil {
			return err
		}
		regions := []string{}
		for key := range stackInstances.Scan(tx, instanceKey{Set: set.ID}) {
			if !contains(regions, key.Region) {
				regions = append(regions, key.Region)
			}
		}
		out.StackSet = &api.StackSet{
			StackSetName: &set.Name, StackSetId: new(set.shortID()), Description: optional(set.Description), Status: new(set.status()),
			TemplateBody: &set.Template, Parameters: append([]api.Parameter{}, set.Parameters...), Capabilities: append([]string{}, set.Capabilities...),
			Tags: append([]api.Tag{}, set.Tags...), StackSetARN: new(set.ID.String()), AdministrationRoleARN: optional(set.AdminRole),
			ExecutionRoleName: &set.ExecRole, PermissionModel: new(selfManaged), OrganizationalUnitIds: []string{}, Regions: regions,
			ManagedExecution: &api.ManagedExecution{Active: new(false)},
			StackSetDriftDetectionDetails: &api.StackSetDriftDetectionDetails{
				DriftStatus: new(notChecked), TotalStackInstancesCount: new(int32(0)), DriftedStackInstancesCount: new(int32(0)),
				InSyncStackInstancesCount: new(int32(0)), InProgressStackInstancesCount: new(int32(0)), FailedStackInstancesCount: new(int32(0)),
			},
		}
		return nil
	})
	return out, err
}

const selfManaged = "SELF_MANAGED"

func (set *stackSet) status() string {
	if set.Deleted.IsZero() {
		return "ACTIVE"
	}
	return "DELETED"
}

// ListStackSets lists stack sets.
func (s *Service) ListStackSets(ctx context.Context, call *aws.Call, in *api.ListStackSetsInput) (*api.ListStackSetsOutput, error) {
	out := &api.ListStackSetsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.Summaries, out.NextToken = []api.StackSetSummary{}, nil
		after, err := cut(in.NextToken)
		if err != nil {
			return err
		}
		most := int(aws.Or(in.MaxResults, 100))
		for id, set := range stackSets.Scan(tx, aws.ARN{}) {
			if id.Account != call.Account || id.Region != call.Region || id.Resource <= after || in.Status != nil && *in.Status != set.status() {
				continue
			}
			if n := len(out.Summaries); n == most {
				out.NextToken = token(setPrefix + *out.Summaries[n-1].StackSetId)
				break
			}
			out.Summaries = append(out.Summaries, api.StackSetSummary{
				StackSetName: &set.Name, StackSetId: new(set.shortID()), Description: optional(set.Description), Status: new(set.status()),
				PermissionModel: new(selfManaged), DriftStatus: new(notChecked), ManagedExecution: &api.ManagedExecution{Active: new(false)},
			})
		}
		return nil
	})
	return out, err
}

// UpdateStackSet changes a stack set, and all of its stacks or some.
func (s *Service) UpdateStackSet(ctx context.Context, call *aws.Call, in *api.UpdateStackSetInput) (*api.UpdateStackSetOutput, error) {
	if err := checkSetModel(in.PermissionModel, in.AutoDeployment, in.CallAs, in.ManagedExecution); err != nil {
		return nil, err
	}
	text := ""
	if !aws.Value(in.UsePreviousTemplate) {
		var err error
		if text, err = s.setTemplate(ctx, call, request{body: in.TemplateBody, url: in.TemplateURL}); err != nil {
			return nil, err
		}
	}
	op := setOperation{Action: "UPDATE", Preferences: in.OperationPreferences, ID: aws.Or(in.OperationId, aws.NewRequestID())}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		set, err := findLiveSet(tx, call, in.StackSetName)
		if err != nil {
			return err
		}
		if text != "" {
			set.Template = text
		}
		if set.Parameters, err = setParameters(in.Parameters, set.Parameters); err != nil {
			return err
		}
		set.Description, set.Capabilities = aws.Or(in.Description, set.Description), in.Capabilities
		if in.Tags != nil {
			set.Tags = in.Tags
		}
		set.AdminRole, set.ExecRole = aws.Or(in.AdministrationRoleARN, set.AdminRole), aws.Or(in.ExecutionRoleName, set.ExecRole)
		if err := stackSets.Put(tx, set.ID, set); err != nil {
			return err
		}
		accounts := in.Accounts
		if in.DeploymentTargets != nil {
			accounts = append(accounts, in.DeploymentTargets.Accounts...)
		}
		mine := op
		for key, inst := range stackInstances.Scan(tx, instanceKey{Set: set.ID}) {
			if accounts != nil && !contains(accounts, key.Account) || in.Regions != nil && !contains(in.Regions, key.Region) {
				inst.Status, inst.Detailed = "OUTDATED", "PENDING"
				if err := stackInstances.Put(tx, key, inst); err != nil {
					return err
				}
				continue
			}
			mine.Targets = append(mine.Targets, target{key.Account, key.Region})
		}
		return s.beginOperation(tx, call, &set, mine)
	})
	return &api.UpdateStackSetOutput{OperationId: &op.ID}, err
}

// setParameters are those of a set after an update.
func setParameters(given, had []api.Parameter) ([]api.Parameter, error) {
	var out []api.Parameter
	for _, p := range given {
		if !aws.Value(p.UsePreviousValue) {
			out = append(out, p)
			continue
		}
		found := false
		for _, old := range had {
			if aws.Value(old.ParameterKey) == aws.Value(p.ParameterKey) {
				out, found = append(out, old), true
			}
		}
		if !found {
			return nil, api.ValidationError.Errorf("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", aws.Value(p.ParameterKey))
		}
	}
	return out, nil
}

// DeleteStackSet deletes a stack set that is deployed nowhere.
func (s *Service) DeleteStackSet(ctx context.Context, call *aws.Call, in *api.DeleteStackSetInput) (*api.DeleteStackSetOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		set, err := findSet(tx, call, in.StackSetName)
		if err != nil || !set.Deleted.IsZero() {
			return err
		}
		for range stackInstances.Scan(tx, instanceKey{Set: set.ID}) {
			return api.StackSetNotEmptyException.Errorf("StackSet is not empty")
		}
		if err := checkIdle(tx, &set); err != nil {
			return err
		}
		if err := setNames.Delete(tx, call.ARN("cloudformation", setPrefix+set.Name)); err != nil {
			return err
		}
		set.Deleted = time.Now()
		return stackSets.Put(tx, set.ID, set)
	})
	return &api.DeleteStackSetOutput{}, err
}
