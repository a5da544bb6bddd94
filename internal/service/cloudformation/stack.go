package cloudformation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateStack begins to make a stack.
func (s *Service) CreateStack(ctx context.Context, call *aws.Call, in *api.CreateStackInput) (*api.CreateStackOutput, error) {
	id, err := s.createStack(ctx, call, in, "")
	if err != nil {
		return nil, err
	}
	return &api.CreateStackOutput{StackId: &id}, nil
}

func (s *Service) createStack(ctx context.Context, call *aws.Call, in *api.CreateStackInput, parent string) (string, error) {
	if err := checkName(in.StackName); err != nil {
		return "", err
	}
	if err := checkRollback(in.RollbackConfiguration); err != nil {
		return "", err
	}
	policy, err := s.policyText(ctx, call, in.StackPolicyBody, in.StackPolicyURL)
	if err != nil {
		return "", err
	}
	id := newStackID(call, in.StackName)
	if err := s.checkRole(ctx, id, aws.Value(in.RoleARN)); err != nil {
		return "", err
	}
	d, err := s.draft(ctx, call, request{
		body: in.TemplateBody, url: in.TemplateURL, parameters: in.Parameters, tags: in.Tags, capabilities: in.Capabilities,
		resourceTypes: in.ResourceTypes, notifications: in.NotificationARNs, role: aws.Value(in.RoleARN),
	}, id, nil)
	failure := ""
	if refused, ok := errors.AsType[*aws.Error](err); ok && d != nil && d.prepared == nil {
		failure, err = refused.Message, nil // AWS runs macros when it has answered
	}
	if err != nil {
		return "", err
	}
	st := deploy.Stack{
		ID: id.String(), Name: in.StackName, Next: d.spec, Token: aws.Value(in.ClientRequestToken),
		DisableRollback: aws.Value(in.DisableRollback), OnFailure: aws.Value(in.OnFailure),
		RetainExceptOnCreate: aws.Value(in.RetainExceptOnCreate), Protected: aws.Value(in.EnableTerminationProtection),
		Parent: parent, Policy: policy, Watch: watched(in.RollbackConfiguration, deploy.Watch{}), Created: time.Now(),
	}
	if minutes := aws.Value(in.TimeoutInMinutes); minutes > 0 {
		st.Deadline = st.Created.Add(time.Duration(minutes) * time.Minute)
	}
	return s.keepNew(ctx, call, st, failure)
}

// keepNew writes a new stack down, and has it made: or taken back at once, if
// the macros of its template failed.
func (s *Service) keepNew(ctx context.Context, call *aws.Call, st deploy.Stack, failure string) (string, error) {
	got := ""
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		mine := st
		old, err := findStack(tx, call, st.Name)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return err
		case old.Status == "REVIEW_IN_PROGRESS":
			mine.ID, mine.Created, mine.Names = old.ID, old.Created, old.Names
			if err := setChangeSets(tx, stackID(old.ID), "", "OBSOLETE"); err != nil {
				return err
			}
		case mine.Token != "" && old.Token == mine.Token:
			got = old.ID
			return nil
		default:
			return api.AlreadyExistsException.Errorf("Stack [%s] already exists", st.Name)
		}
		got = mine.ID
		if mine.Root, err = rootOf(tx, mine.Parent); err != nil {
			return err
		}
		if err := names.Put(tx, nameARN(call, st.Name), stackID(mine.ID)); err != nil {
			return err
		}
		if failure == "" {
			return s.begin(tx, call, &old, mine, deploy.Creating, "CREATE_IN_PROGRESS", "User Initiated")
		}
		if err := addEvents(tx, &mine, stackEvent(&mine, "CREATE_IN_PROGRESS", "User Initiated")); err != nil {
			return err
		}
		return s.begin(tx, call, &old, mine, deploy.RollingBackCreation, "ROLLBACK_IN_PROGRESS", failure+". Rollback requested by user.")
	})
	return got, err
}

// begin gives a stack something to do.
func (s *Service) begin(tx *store.Tx, call *aws.Call, old *deploy.Stack, st deploy.Stack, phase deploy.Phase, status, reason string) error {
	st.Phase, st.Deed, st.Status, st.Reason = phase, aws.NewRequestID(), status, reason
	st.Caller, st.Failed, st.WatchUntil = *call, nil, time.Time{}
	if st.Next != nil && st.Next.Template != "" {
		if err := putBody(tx, stackID(st.ID), st.Next); err != nil {
			return err
		}
	}
	if err := putStack(tx, old, st); err != nil {
		return err
	}
	tx.AfterCommit(s.bell.Ring)
	return addEvents(tx, &st, stackEvent(&st, status, reason))
}

func stackEvent(st *deploy.Stack, status, reason string) deploy.Event {
	return deploy.Event{
		ID: aws.NewRequestID(), LogicalID: st.Name, PhysicalID: st.ID, Type: deploy.StackType,
		Status: status, Reason: reason, Token: st.Token, Time: time.Now(),
	}
}

// UpdateStack begins to make a stack what another template says.
func (s *Service) UpdateStack(ctx context.Context, call *aws.Call, in *api.UpdateStackInput) (*api.UpdateStackOutput, error) {
	st, rows, err := s.load(ctx, call, in.StackName, errNoStack)
	if err != nil {
		return nil, err
	}
	if err := checkUpdatable(&st); err != nil {
		return nil, err
	}
	if err := checkRollback(in.RollbackConfiguration); err != nil {
		return nil, err
	}
	role := aws.Or(in.RoleARN, st.Spec.RoleARN)
	if err := s.checkRole(ctx, stackID(st.ID), role); err != nil {
		return nil, err
	}
	r := request{
		body: in.TemplateBody, url: in.TemplateURL, usePrevious: aws.Value(in.UsePreviousTemplate), parameters: in.Parameters,
		tags: in.Tags, capabilities: in.Capabilities, resourceTypes: in.ResourceTypes, notifications: in.NotificationARNs, role: role,
	}
	policy, err := s.policyText(ctx, call, in.StackPolicyBody, in.StackPolicyURL)
	if err != nil {
		return nil, err
	}
	during, err := s.policyText(ctx, call, in.StackPolicyDuringUpdateBody, in.StackPolicyDuringUpdateURL)
	if err != nil {
		return nil, err
	}
	keepPrevious(&r, &st)
	d, err := s.draft(ctx, call, r, stackID(st.ID), &st)
	if err != nil {
		return nil, err
	}
	if err := s.checkChanges(d, &st, rows); err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		now, err := stacks.Get(tx, stackID(st.ID))
		if err != nil {
			return err
		}
		if err := checkUpdatable(&now); err != nil {
			return err
		}
		old := now
		now.Import = nil
		now.Next, now.Updated, now.Token = d.spec, time.Now(), aws.Value(in.ClientRequestToken)
		now.DisableRollback = aws.Value(in.DisableRollback)
		now.PolicyNow, now.Watch = during, watched(in.RollbackConfiguration, now.Watch)
		if policy != "" {
			now.Policy = policy
		}
		return s.begin(tx, call, &old, now, deploy.Updating, "UPDATE_IN_PROGRESS", "User Initiated")
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateStackOutput{StackId: &st.ID}, nil
}

// keepPrevious fills in what an update does not say: tags and notifications stay.
func keepPrevious(r *request, st *deploy.Stack) {
	if r.tags == nil {
		for _, tag := range st.Spec.Tags {
			r.tags = append(r.tags, api.Tag{Key: tag.Key, Value: tag.Value})
		}
	}
	if r.notifications == nil {
		r.notifications = st.Spec.NotificationARNs
	}
}

// checkChanges refuses an update that would do nothing.
func (s *Service) checkChanges(d *draft, st *deploy.Stack, rows []deploy.Row) error {
	steps, err := deploy.Plan(s.types(), d.prepared, d.spec.Tags, rows)
	if err != nil {
		return refuse(err)
	}
	if len(steps) == 0 && sameOutputs(d, st) && slices.Equal(d.spec.Tags, st.Spec.Tags) {
		return api.ValidationError.Errorf("No updates are to be performed.")
	}
	return nil
}

// sameOutputs says whether the outputs of a template are those of the stack. It
// is asked when no resource changes, so all of them are known.
func sameOutputs(d *draft, st *deploy.Stack) bool {
	n := 0
	for name, o := range d.prepared.Template.Outputs {
		if !d.prepared.Scope.Active(o.Condition) {
			continue
		}
		n++
		i := slices.IndexFunc(st.Outputs, func(old deploy.Output) bool { return old.Key == name })
		if i < 0 || st.Outputs[i].Description != o.Description || (st.Outputs[i].Export != "") != (o.Export != nil) {
			return false
		}
	}
	return n == len(st.Outputs) && sameOutputTrees(d, st)
}

// sameOutputTrees compares what outputs are computed from.
func sameOutputTrees(d *draft, st *deploy.Stack) bool {
	return jsonEqual(d.spec.Processed["Outputs"], st.Spec.Processed["Outputs"])
}

func jsonEqual(a, b any) bool {
	x, y := jsonText(a), jsonText(b)
	return x != nil && y != nil && *x == *y
}

// load returns a stack with its texts and resources.
func (s *Service) load(ctx context.Context, call *aws.Call, name string, missing func(string) error) (deploy.Stack, []deploy.Row, error) {
	var st deploy.Stack
	var rows []deploy.Row
	err := s.db.View(ctx, func(tx *store.Tx) error {
		var err error
		if st, err = needStack(tx, call, name, missing); err != nil {
			return err
		}
		rows = rowsOf(tx, stackID(st.ID))
		return loadBody(tx, stackID(st.ID), &st.Spec)
	})
	return st, rows, err
}

// updatable are the states in which a stack can be updated.
var updatable = []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}

func checkUpdatable(st *deploy.Stack) error {
	if slices.Contains(updatable, st.Status) {
		return nil
	}
	return api.ValidationError.Errorf("Stack:%s is in %s state and can not be updated.", st.ID, st.Status)
}

func checkRollback(c *api.RollbackConfiguration) error {
	if c == nil {
		return nil
	}
	for _, trigger := range c.RollbackTriggers {
		if trigger.Type != "AWS::CloudWatch::Alarm" && trigger.Type != "AWS::CloudWatch::CompositeAlarm" {
			return api.ValidationError.Errorf("Rollback Trigger Type not supported")
		}
		if arn, err := aws.ParseARN(trigger.Arn); err != nil || !strings.HasPrefix(arn.Resource, "alarm:") {
			return api.ValidationError.Errorf("RelativeId of a Rollback Trigger's ARN is incorrect")
		}
	}
	return nil
}

// watched is what c says of a stack, or usual if it says nothing.
func watched(c *api.RollbackConfiguration, usual deploy.Watch) deploy.Watch {
	if c == nil {
		return usual
	}
	w := deploy.Watch{Minutes: aws.Value(c.MonitoringTimeInMinutes), Triggers: usual.Triggers}
	if c.MonitoringTimeInMinutes == nil {
		w.Minutes = usual.Minutes
	}
	if c.RollbackTriggers != nil {
		w.Triggers = nil
	}
	for _, t := range c.RollbackTriggers {
		w.Triggers = append(w.Triggers, deploy.Trigger{Arn: t.Arn, Type: t.Type})
	}
	return w
}

// shownWatch is a watch as people see it.
func shownWatch(w deploy.Watch) *api.RollbackConfiguration {
	out := &api.RollbackConfiguration{}
	for _, t := range w.Triggers {
		out.RollbackTriggers = append(out.RollbackTriggers, api.RollbackTrigger{Arn: t.Arn, Type: t.Type})
	}
	if w.Minutes > 0 {
		out.MonitoringTimeInMinutes = &w.Minutes
	}
	return out
}

// DeleteStack begins to delete a stack. That there is none is no failure.
func (s *Service) DeleteStack(ctx context.Context, call *aws.Call, in *api.DeleteStackInput) (*api.DeleteStackOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		st, err := findStack(tx, call, in.StackName)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case st.Status == "DELETE_COMPLETE", st.Phase == deploy.Deleting:
			return nil
		case st.Protected:
			return api.ValidationError.Errorf("Stack [%s] cannot be deleted while TerminationProtection is enabled", st.Name)
		case len(in.RetainResources) > 0 && st.Status != "DELETE_FAILED":
			return api.ValidationError.Errorf("Invalid operation on stack [%s]. When you delete a stack, specify which resources to retain only when the stack is in the DELETE_FAILED state.", st.ID)
		case slices.Contains([]deploy.Phase{deploy.Updating, deploy.RollingBackUpdate, deploy.CleaningUp, deploy.CleaningUpRollback}, st.Phase):
			return api.ValidationError.Errorf("Stack [%s] cannot be deleted while in status %s", st.ID, st.Status)
		}
		return s.deleteStack(tx, call, st, in)
	})
	return &api.DeleteStackOutput{}, err
}

func (s *Service) deleteStack(tx *store.Tx, call *aws.Call, st deploy.Stack, in *api.DeleteStackInput) error {
	old := st
	if err := setChangeSets(tx, stackID(st.ID), "", ""); err != nil {
		return err
	}
	st.Token, st.Retain = aws.Value(in.ClientRequestToken), in.RetainResources
	if in.RoleARN != nil {
		if st.Next != nil {
			st.Next = new(*st.Next)
			st.Next.RoleARN = *in.RoleARN
		} else {
			st.Spec.RoleARN = *in.RoleARN
		}
	}
	return s.begin(tx, call, &old, st, deploy.Deleting, "DELETE_IN_PROGRESS", "User Initiated")
}

// CancelUpdateStack takes an update back that is under way.
func (s *Service) CancelUpdateStack(ctx context.Context, call *aws.Call, in *api.CancelUpdateStackInput) (*api.CancelUpdateStackOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		st, err := needStack(tx, call, in.StackName, errNoStack)
		if err != nil {
			return err
		}
		if st.Phase != deploy.Updating {
			return api.ValidationError.Errorf("CancelUpdateStack cannot be called from current stack status")
		}
		// The deed stays the same: what it changed is what is taken back.
		st.Phase, st.Status, st.Reason = deploy.RollingBackUpdate, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated"
		st.Caller = *call
		if err := putStack(tx, nil, st); err != nil {
			return err
		}
		tx.AfterCommit(s.bell.Ring)
		return addEvents(tx, &st, stackEvent(&st, st.Status, st.Reason))
	})
	return &api.CancelUpdateStackOutput{}, err
}

// ContinueUpdateRollback tries again to take an update back.
func (s *Service) ContinueUpdateRollback(ctx context.Context, call *aws.Call, in *api.ContinueUpdateRollbackInput) (*api.ContinueUpdateRollbackOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		st, err := needStack(tx, call, in.StackName, errNoStack)
		if err != nil {
			return err
		}
		if st.Status != "UPDATE_ROLLBACK_FAILED" {
			return api.ValidationError.Errorf("Stack [%s] is in %s state and can not continue rollback.", st.ID, st.Status)
		}
		st.Phase, st.Status, st.Reason = deploy.RollingBackUpdate, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated"
		for _, id := range in.ResourcesToSkip {
			if !slices.Contains(st.Failed, id) {
				return api.ValidationError.Errorf("The following resources to skip are not in the UPDATE_FAILED state: [%s]", id)
			}
		}
		st.Caller, st.Token, st.Skip = *call, aws.Value(in.ClientRequestToken), in.ResourcesToSkip
		if err := putStack(tx, nil, st); err != nil {
			return err
		}
		tx.AfterCommit(s.bell.Ring)
		return addEvents(tx, &st, stackEvent(&st, st.Status, st.Reason))
	})
	return &api.ContinueUpdateRollbackOutput{}, err
}
