package states

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/logs"
	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateStateMachine makes a state machine. One that is there already and is
// the same is no refusal.
func (s *Service) CreateStateMachine(ctx context.Context, call *aws.Call, in *api.CreateStateMachineInput) (*api.CreateStateMachineOutput, error) {
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	arn, now := machineNamed(call, in.Name), time.Now().UTC()
	made := machine{Name: in.Name, Type: aws.Or(in.Type, api.StateMachineTypeStandard), ID: aws.NewRequestID(), Created: now, Tags: tags}
	what := spec{
		Definition: in.Definition, Role: in.RoleArn, Logging: usualLogging(in.LoggingConfiguration),
		Tracing: aws.Value(aws.Value(in.TracingConfiguration).Enabled), Encryption: in.EncryptionConfiguration, Updated: now,
	}
	if in.VersionDescription != nil && !aws.Value(in.Publish) {
		return nil, api.ValidationException.Errorf("Version description can only be set when publish is true")
	}
	if err := s.check(ctx, arn, made.Type, &what); err != nil {
		return nil, err
	}
	out := &api.CreateStateMachineOutput{}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		row := made
		*out = api.CreateStateMachineOutput{StateMachineArn: arn.String(), CreationDate: now}
		there, err := machines.Get(tx, arn)
		if err == nil {
			return s.recreate(tx, arn, &there, row.Type, &what, in, out)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if aws.Value(in.Publish) {
			if out.StateMachineVersionArn, err = publish(tx, arn, &row, aws.Value(in.VersionDescription), now); err != nil {
				return err
			}
		}
		if err := specs.Put(tx, specKey{arn, row.ID}, what); err != nil {
			return err
		}
		return machines.Put(tx, arn, row)
	})
	return out, err
}

// recreate answers a request to make a machine that is there.
func (s *Service) recreate(tx *store.Tx, arn aws.ARN, there *machine, kind string, what *spec, in *api.CreateStateMachineInput, out *api.CreateStateMachineOutput) error {
	was, err := specs.Get(tx, specKey{arn, there.ID})
	if err != nil {
		return err
	}
	if there.Deleting {
		return api.StateMachineDeleting.Errorf("State Machine is being deleted: '%s'", arn)
	}
	same := was.Definition == what.Definition && there.Type == kind && was.Tracing == what.Tracing &&
		reflect.DeepEqual(was.Logging, what.Logging) && reflect.DeepEqual(was.Encryption, what.Encryption)
	if !same {
		return api.StateMachineAlreadyExists.Errorf("State Machine Already Exists: '%s'", arn)
	}
	out.CreationDate = there.Created
	if !aws.Value(in.Publish) {
		return nil
	}
	if out.StateMachineVersionArn, err = publish(tx, arn, there, aws.Value(in.VersionDescription), time.Now().UTC()); err != nil {
		return err
	}
	return machines.Put(tx, arn, *there)
}

// checkName refuses what cannot be the name of a machine, an execution or an activity.
func checkName(name string) error {
	for _, c := range name {
		if c <= 0x20 || c >= 0x7f && c <= 0x9f || strings.ContainsRune("<>{}[]?*\"#%\\^|~`$&,;:/", c) {
			return api.InvalidName.Errorf("Invalid Name: '%s'", name)
		}
	}
	return nil
}

// usualLogging is the logging of a machine, of which its owner wrote given.
func usualLogging(given *api.LoggingConfiguration) api.LoggingConfiguration {
	c := aws.Value(given)
	c.Level, c.IncludeExecutionData = new(aws.Or(c.Level, api.LogLevelOff)), new(aws.Value(c.IncludeExecutionData))
	return c
}

// check refuses a machine that could not run.
func (s *Service) check(ctx context.Context, arn aws.ARN, kind string, what *spec) error {
	if err := checkDefinition(what.Definition, kind); err != nil {
		return err
	}
	if e := what.Encryption; e != nil && (e.Type == api.EncryptionTypeCustomerManagedKmsKey) != (e.KmsKeyId != nil) {
		return api.InvalidEncryptionConfiguration.Errorf("Invalid Encryption Configuration: kmsKeyId must be specified if and only if the type is CUSTOMER_MANAGED_KMS_KEY")
	}
	if e := what.Encryption; e != nil && e.Type == api.EncryptionTypeCustomerManagedKmsKey {
		return errAbsent("state machines that are encrypted with keys of KMS")
	}
	if err := s.checkLogging(ctx, arn, &what.Logging); err != nil {
		return err
	}
	if role, err := aws.ParseARN(what.Role); err != nil || role.Service != "iam" || !strings.HasPrefix(role.Resource, "role/") {
		return api.InvalidArn.Errorf("Invalid Role Arn: '%s'", what.Role)
	}
	_, err := s.Sessions.Assume(ctx, aws.ServiceCall("states", arn), what.Role)
	if _, refused := errors.AsType[*aws.Error](err); refused {
		return aws.AccessDenied.Errorf("Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role.")
	}
	return err
}

// checkLogging refuses a destination of logs that is not there.
func (s *Service) checkLogging(ctx context.Context, arn aws.ARN, c *api.LoggingConfiguration) error {
	if len(c.Destinations) > 1 || *c.Level != api.LogLevelOff && len(c.Destinations) != 1 {
		return api.InvalidLoggingConfiguration.Errorf("Invalid Logging Configuration: Must specify exactly one Log Destination.")
	}
	if len(c.Destinations) == 0 {
		return nil
	}
	group, ok := accesslog.GroupOf(aws.Value(aws.Value(c.Destinations[0].CloudWatchLogsLogGroup).LogGroupArn), arn.Account)
	if !ok {
		return api.InvalidLoggingConfiguration.Errorf("Invalid Logging Configuration: Must specify exactly one Log Destination.")
	}
	name := strings.TrimPrefix(group.Resource, "log-group:")
	call := &aws.Call{Account: arn.Account, Region: group.Region, Principal: auth.Root(arn.Account), RequestID: aws.NewRequestID()}
	out, err := dispatch.Call(ctx, s.Table, call, logs.DescribeLogGroups, &logs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
	if err != nil {
		return err
	}
	for _, g := range out.LogGroups {
		if aws.Value(g.LogGroupName) == name {
			return nil
		}
	}
	return api.InvalidLoggingConfiguration.Errorf("Invalid Logging Configuration: Log Destination not found.")
}

// UpdateStateMachine changes a machine, for executions to come.
func (s *Service) UpdateStateMachine(ctx context.Context, _ *aws.Call, in *api.UpdateStateMachineInput) (*api.UpdateStateMachineOutput, error) {
	t, err := parseTarget(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	if in.Definition == nil && in.RoleArn == nil && in.LoggingConfiguration == nil && in.TracingConfiguration == nil && in.EncryptionConfiguration == nil && in.Publish == nil {
		return nil, api.MissingRequiredParameter.Errorf("Either the definition, the role ARN, the LoggingConfiguration, the EncryptionConfiguration or the TracingConfiguration must be specified")
	}
	if in.VersionDescription != nil && !aws.Value(in.Publish) {
		return nil, api.ValidationException.Errorf("Version description can only be set when publish is true")
	}
	var row machine
	var was spec
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if t.Qualifier != "" {
			return errNoMachine(in.StateMachineArn)
		}
		row, was, err = findSpec(tx, &t, in.StateMachineArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	what := updated(was, in)
	if err := s.check(ctx, t.Machine, row.Type, &what); err != nil {
		return nil, err
	}
	s.Sessions.Forget(t.Machine)
	now := time.Now().UTC()
	out := &api.UpdateStateMachineOutput{}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		*out = api.UpdateStateMachineOutput{UpdateDate: now}
		row, was, err := findSpec(tx, &t, in.StateMachineArn)
		if err != nil {
			return err
		}
		if row.Deleting {
			return api.StateMachineDeleting.Errorf("State Machine is being deleted: '%s'", t.Machine)
		}
		if what := updated(was, in); !reflect.DeepEqual(was, what) {
			row.ID = aws.NewRequestID()
			row.Revision = row.ID
			what.Revision, what.Updated = row.Revision, now
			if err := specs.Put(tx, specKey{t.Machine, row.ID}, what); err != nil {
				return err
			}
		}
		out.RevisionId = optional(row.Revision)
		if aws.Value(in.Publish) {
			if out.StateMachineVersionArn, err = publish(tx, t.Machine, &row, aws.Value(in.VersionDescription), now); err != nil {
				return err
			}
		}
		return machines.Put(tx, t.Machine, row)
	})
	return out, err
}

// updated is a spec as an update leaves it.
func updated(what spec, in *api.UpdateStateMachineInput) spec {
	what.Definition, what.Role = aws.Or(in.Definition, what.Definition), aws.Or(in.RoleArn, what.Role)
	if in.LoggingConfiguration != nil {
		what.Logging = usualLogging(in.LoggingConfiguration)
	}
	if in.TracingConfiguration != nil {
		what.Tracing = aws.Value(in.TracingConfiguration.Enabled)
	}
	if in.EncryptionConfiguration != nil {
		what.Encryption = in.EncryptionConfiguration
	}
	return what
}

// DescribeStateMachine describes a machine, or a version of it.
func (s *Service) DescribeStateMachine(ctx context.Context, _ *aws.Call, in *api.DescribeStateMachineInput) (*api.DescribeStateMachineOutput, error) {
	t, err := parseTarget(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeStateMachineOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		row, what, err := findSpec(tx, &t, in.StateMachineArn)
		if err != nil {
			return err
		}
		*out = api.DescribeStateMachineOutput{
			StateMachineArn: in.StateMachineArn, Name: row.Name, Status: new(api.StateMachineStatusActive), Definition: what.Definition, RoleArn: what.Role,
			Type: row.Type, CreationDate: row.Created, LoggingConfiguration: &what.Logging,
			TracingConfiguration: &api.TracingConfiguration{Enabled: &what.Tracing}, RevisionId: optional(what.Revision),
			EncryptionConfiguration: encryptionOf(what.Encryption),
		}
		if row.Deleting {
			out.Status = new(api.StateMachineStatusDeleting)
		}
		if t.Qualifier != "" {
			v, err := versions.Get(tx, versionKey{t.Machine, t.number()})
			if err != nil {
				return err
			}
			out.Description, out.CreationDate = optional(v.Description), v.Created
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	describeDefinition(in.IncludedData, &out.Definition, &out.VariableReferences)
	return out, nil
}

// describeDefinition says which variables the states of a definition refer to,
// or takes what its owner wrote from an answer that is to have none of it.
func describeDefinition(included, definition *string, variables *map[string][]string) {
	if aws.Value(included) == api.IncludedDataMetadataOnly {
		*definition = ""
		return
	}
	*variables = variablesOf(*definition)
}

// encryptionOf is how something is encrypted, as answers say it.
func encryptionOf(given *api.EncryptionConfiguration) *api.EncryptionConfiguration {
	if given == nil {
		return &api.EncryptionConfiguration{Type: api.EncryptionTypeAwsOwnedKey}
	}
	return given
}

// DescribeStateMachineForExecution describes the machine as an execution of it began.
func (s *Service) DescribeStateMachineForExecution(ctx context.Context, _ *aws.Call, in *api.DescribeStateMachineForExecutionInput) (*api.DescribeStateMachineForExecutionOutput, error) {
	arn, err := parseKind(in.ExecutionArn, executionKind)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeStateMachineForExecutionOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		row, err := findExecution(tx, arn, in.ExecutionArn)
		if err != nil {
			return err
		}
		what, err := specs.Get(tx, specKey{row.Machine, row.Spec})
		if err != nil {
			return err
		}
		*out = api.DescribeStateMachineForExecutionOutput{
			StateMachineArn: row.machineARN(), Name: strings.TrimPrefix(row.Machine.Resource, machineKind), Definition: what.Definition, RoleArn: what.Role,
			UpdateDate: what.Updated, LoggingConfiguration: &what.Logging, TracingConfiguration: &api.TracingConfiguration{Enabled: &what.Tracing},
			RevisionId: optional(what.Revision), EncryptionConfiguration: encryptionOf(what.Encryption),
			MapRunArn: optional(row.MapRun.String()), Label: optional(row.Label),
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	describeDefinition(in.IncludedData, &out.Definition, &out.VariableReferences)
	return out, nil
}

// DeleteStateMachine deletes a machine, with its versions and aliases. What it
// is running is stopped.
func (s *Service) DeleteStateMachine(ctx context.Context, _ *aws.Call, in *api.DeleteStateMachineInput) (*api.DeleteStateMachineOutput, error) {
	t, err := parseTarget(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := machines.Get(tx, t.Machine)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := versions.DeletePrefix(tx, versionKey{Machine: t.Machine}); err != nil {
			return err
		}
		if err := aliases.DeletePrefix(tx, aliasKey{Machine: t.Machine}); err != nil {
			return err
		}
		return s.remove(tx, t.Machine, row)
	})
	if err != nil {
		return nil, err
	}
	s.Sessions.Forget(t.Machine)
	return &api.DeleteStateMachineOutput{}, nil
}

// ListStateMachines lists machines by name.
func (s *Service) ListStateMachines(ctx context.Context, call *aws.Call, in *api.ListStateMachinesInput) (*api.ListStateMachinesOutput, error) {
	p, err := newPage(in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &api.ListStateMachinesOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.ListStateMachinesOutput{StateMachines: []api.StateMachineListItem{}}
		last := ""
		for arn, row := range machines.ScanAfter(tx, call.ARN("states", ""), call.ARN("states", machineKind+p.after)) {
			if len(out.StateMachines) == p.limit {
				out.NextToken = nextPage(last)
				break
			}
			last = row.Name
			out.StateMachines = append(out.StateMachines, api.StateMachineListItem{StateMachineArn: arn.String(), Name: row.Name, Type: row.Type, CreationDate: row.Created})
		}
		return nil
	})
	return out, err
}
