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
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/store"
)

const noChanges = "The submitted information didn't contain changes. Submit different information to create a change set."

// CreateChangeSet works out what an update of a stack, or its creation, would do.
func (s *Service) CreateChangeSet(ctx context.Context, call *aws.Call, in *api.CreateChangeSetInput) (*api.CreateChangeSetOutput, error) {
	if (in.ResourcesToImport != nil) != (aws.Value(in.ChangeSetType) == "IMPORT") {
		return nil, api.ValidationError.Errorf("ResourcesToImport must be given for a change set of type IMPORT, and for no other.")
	}
	if err := checkRollback(in.RollbackConfiguration); err != nil {
		return nil, err
	}
	st, rows, err := s.load(ctx, call, in.StackName, errNoStack)
	kind := aws.Or(in.ChangeSetType, "UPDATE")
	id, existing := stackID(st.ID), &st
	switch {
	case err == nil:
		if err := checkForChangeSet(&st, kind, in.ChangeSetName); err != nil {
			return nil, err
		}
	case kind != "UPDATE" && !strings.HasPrefix(in.StackName, "arn:") && aws.Refusal(err).Code == api.ValidationError.Code:
		if err := checkName(in.StackName); err != nil {
			return nil, err
		}
		id, existing, rows = newStackID(call, in.StackName), nil, nil
	default:
		return nil, err
	}
	role := aws.Value(in.RoleARN)
	if err := s.checkRole(ctx, id, role); err != nil {
		return nil, err
	}
	set := changeSet{
		ID: call.ARN("cloudformation", "changeSet/"+in.ChangeSetName+"/"+aws.NewRequestID()), Name: in.ChangeSetName,
		Description: aws.Value(in.Description), Type: kind, Status: "CREATE_COMPLETE", Execution: "AVAILABLE", Created: time.Now(),
		OnFailure: aws.Value(in.OnStackFailure), IncludeNested: aws.Value(in.IncludeNestedStacks),
		Watch: watched(in.RollbackConfiguration, st.Watch),
	}
	if kind == "IMPORT" {
		if set.Import, err = s.toImport(in.ResourcesToImport); err != nil {
			return nil, err
		}
	}
	r := request{
		body: in.TemplateBody, url: in.TemplateURL, usePrevious: aws.Value(in.UsePreviousTemplate), parameters: in.Parameters,
		tags: in.Tags, capabilities: in.Capabilities, resourceTypes: in.ResourceTypes, notifications: in.NotificationARNs, role: role,
		changeSet: true,
	}
	if existing != nil && kind != "CREATE" {
		keepPrevious(&r, existing)
	}
	if err := s.fill(ctx, call, &set, r, id, existing, rows); err != nil {
		return nil, err
	}
	if aws.Value(in.ImportExistingResources) && kind != "IMPORT" {
		if err := s.findExisting(ctx, call, &set, id); err != nil {
			return nil, err
		}
	}
	if err := s.keepChangeSet(ctx, call, &set, &id, in.StackName); err != nil {
		return nil, err
	}
	return &api.CreateChangeSetOutput{Id: new(set.ID.String()), StackId: new(id.String())}, nil
}

// checkForChangeSet says whether a change set of a kind may be made of a stack.
func checkForChangeSet(st *deploy.Stack, kind, name string) error {
	if st.Status == "REVIEW_IN_PROGRESS" {
		if kind == "UPDATE" {
			return errNoStack(st.Name)
		}
		return nil
	}
	if kind == "CREATE" && st.Status != "DELETE_COMPLETE" {
		return api.ValidationError.Errorf("Stack [%s] already exists and cannot be created again with the changeSet [%s].", st.Name, name)
	}
	if kind == "CREATE" {
		return api.ValidationError.Errorf("Stack [%s] already exists and cannot be created again with the changeSet [%s].", st.ID, name)
	}
	return checkUpdatable(st)
}

// fill works out the changes of a set. A template that macros refuse makes a set
// that has failed, as they are run after AWS has answered.
func (s *Service) fill(ctx context.Context, call *aws.Call, set *changeSet, r request, id aws.ARN, st *deploy.Stack, rows []deploy.Row) error {
	d, err := s.draft(ctx, call, r, id, st)
	if err != nil {
		refused, ok := errors.AsType[*aws.Error](err)
		if !ok || d == nil || d.prepared != nil {
			return err
		}
		set.Status, set.Execution, set.Reason = "FAILED", "UNAVAILABLE", refused.Message
		return nil
	}
	set.Spec = *d.spec
	if set.Steps, err = deploy.Plan(s.types(), d.prepared, d.spec.Tags, rows); err != nil {
		return refuse(err)
	}
	if set.Type == "IMPORT" {
		if st != nil && st.Spec.Body != "" && !sameOutputs(d, st) || (st == nil || st.Spec.Body == "") && len(d.prepared.Template.Outputs) > 0 {
			return api.ValidationError.Errorf("As part of the import operation, you cannot modify or add [Outputs]")
		}
		if err := checkNamed(d.prepared.Template, set.Import, rows); err != nil {
			return err
		}
		return refuse(deploy.CheckImport(s.types(), d.prepared, set.Steps, set.Import))
	}
	if set.IncludeNested {
		if failed, err := s.fillNested(ctx, call, set, id, d); failed || err != nil {
			return err
		}
	}
	unchanged := st != nil && sameOutputs(d, st) && slices.Equal(d.spec.Tags, st.Spec.Tags)
	if unchanged && set.changesNothing() {
		set.Status, set.Execution, set.Reason = "FAILED", "UNAVAILABLE", noChanges
	}
	return nil
}

// keepChangeSet writes a change set down, and a stack that is to be reviewed if
// there is none yet.
func (s *Service) keepChangeSet(ctx context.Context, call *aws.Call, set *changeSet, id *aws.ARN, name string) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return keepSet(tx, call, set, id, name, "") })
}

// keepSet is keepChangeSet for the stack within another, if parent is one.
func keepSet(tx *store.Tx, call *aws.Call, set *changeSet, id *aws.ARN, name, parent string) error {
	st, err := findStack(tx, call, name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		st = deploy.Stack{ID: id.String(), Name: name, Status: "REVIEW_IN_PROGRESS", Reason: "User Initiated", Created: time.Now(), Parent: parent}
		if st.Root, err = rootOf(tx, parent); err != nil {
			return err
		}
		if err := names.Put(tx, nameARN(call, name), *id); err != nil {
			return err
		}
		if err := putStack(tx, nil, st); err != nil {
			return err
		}
		if err := addEvents(tx, &st, stackEvent(&st, st.Status, st.Reason)); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	*id = stackID(st.ID)
	has, err := changeSets.Has(tx, changeSetKey{*id, set.Name})
	if err != nil {
		return err
	}
	if has {
		return api.AlreadyExistsException.Errorf("ChangeSet %s already exists", set.Name)
	}
	if set.Spec.Body != "" {
		if err := putBody(tx, *id, &set.Spec); err != nil {
			return err
		}
	}
	if err := stackOfSet.Put(tx, set.ID, *id); err != nil {
		return err
	}
	if err := changeSets.Put(tx, changeSetKey{*id, set.Name}, *set); err != nil {
		return err
	}
	for i := range set.children {
		c := &set.children[i]
		if err := keepSet(tx, call, &c.set, &c.stack, stackName(c.stack), id.String()); err != nil {
			return err
		}
	}
	return nil
}

// findChangeSet returns a change set by its id, or by its name and its stack's.
func findChangeSet(tx *store.Tx, call *aws.Call, stack, name string) (changeSet, error) {
	var id aws.ARN
	if strings.HasPrefix(name, "arn:") {
		set := stackID(name)
		var err error
		id, err = stackOfSet.Get(tx, set)
		if errors.Is(err, store.ErrNotFound) || err == nil && set.Account != call.Account {
			return changeSet{}, errNoChangeSet(name)
		}
		if err != nil {
			return changeSet{}, err
		}
		parts := strings.Split(set.Resource, "/")
		name = parts[min(1, len(parts)-1)]
	} else {
		if stack == "" {
			return changeSet{}, api.ValidationError.Errorf("StackName must be specified if ChangeSetName is not specified as an ARN.")
		}
		st, err := needStack(tx, call, stack, errNoStack)
		if err != nil {
			return changeSet{}, err
		}
		id = stackID(st.ID)
	}
	set, err := changeSets.Get(tx, changeSetKey{id, name})
	if errors.Is(err, store.ErrNotFound) {
		return set, errNoChangeSet(name)
	}
	return set, err
}

// DescribeChangeSet says what a change set would do.
func (s *Service) DescribeChangeSet(ctx context.Context, call *aws.Call, in *api.DescribeChangeSetInput) (*api.DescribeChangeSetOutput, error) {
	var set changeSet
	var id aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		var err error
		if set, err = findChangeSet(tx, call, aws.Value(in.StackName), in.ChangeSetName); err != nil {
			return err
		}
		id, err = stackOfSet.Get(tx, set.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeChangeSetOutput{
		ChangeSetName: &set.Name, ChangeSetId: new(set.ID.String()), StackId: new(id.String()), StackName: new(stackName(id)),
		Description: optional(set.Description), CreationTime: &set.Created, ExecutionStatus: &set.Execution, Status: &set.Status,
		StatusReason: optional(set.Reason), NotificationARNs: append([]string{}, set.Spec.NotificationARNs...),
		RollbackConfiguration: shownWatch(set.Watch), Capabilities: append([]string{}, set.Spec.Capabilities...),
		IncludeNestedStacks: &set.IncludeNested, OnStackFailure: optional(set.OnFailure), Parameters: shownParameters(&set.Spec),
		ParentChangeSetId: optionalARN(set.Parent), RootChangeSetId: optionalARN(set.Root),
		Changes: []api.Change{},
	}
	for _, tag := range set.Spec.Tags {
		out.Tags = append(out.Tags, api.Tag{Key: tag.Key, Value: tag.Value})
	}
	for _, step := range set.Steps {
		if step.Possible && aws.Value(in.IncludePropertyValues) {
			continue
		}
		change := shownStep(step, aws.Value(in.IncludePropertyValues))
		change.ChangeSetId = optionalARN(set.Nested[step.LogicalID].Set)
		out.Changes = append(out.Changes, api.Change{Type: new("Resource"), ResourceChange: change})
	}
	return out, nil
}

func shownStep(step deploy.Step, values bool) *api.ResourceChange {
	c := &api.ResourceChange{
		Action: &step.Action, LogicalResourceId: &step.LogicalID, PhysicalResourceId: optional(step.PhysicalID), ResourceType: &step.Type,
		Replacement: optional(step.Replacement), PolicyAction: optional(step.PolicyAction), Scope: append([]string{}, step.Scope...),
		Details: []api.ResourceChangeDetail{},
	}
	if step.Action != "Modify" {
		c.Replacement = nil
	}
	if values {
		if step.Before != nil {
			c.BeforeContext = jsonText(map[string]any{"Properties": step.Before})
		}
		if step.After != nil {
			c.AfterContext = jsonText(map[string]any{"Properties": step.After})
		}
	}
	for _, d := range step.Details {
		if d.OnlyWithValues && !values {
			continue
		}
		c.Details = append(c.Details, shownDetail(d, values))
	}
	return c
}

func shownDetail(d deploy.Detail, values bool) api.ResourceChangeDetail {
	evaluation := "Dynamic"
	if d.Static {
		evaluation = "Static"
	}
	target := &api.ResourceTargetDefinition{Attribute: &d.Attribute, Name: optional(d.Name), RequiresRecreation: &d.Recreation}
	if values && d.Name != "" {
		target.Path = new("/Properties/" + d.Name)
		target.AttributeChangeType = new("Modify")
		switch {
		case d.Before == nil:
			*target.AttributeChangeType = "Add"
		case d.After == nil:
			*target.AttributeChangeType = "Remove"
		}
		target.BeforeValue, target.AfterValue = valueText(d.Before), valueText(d.After)
	}
	return api.ResourceChangeDetail{Target: target, Evaluation: &evaluation, ChangeSource: optional(d.Source), CausingEntity: optional(d.Cause)}
}

func valueText(v any) *string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return &v
	}
	return new(strings.Trim(resource.JSON(v), `"`))
}

// ExecuteChangeSet begins to do what a change set says.
func (s *Service) ExecuteChangeSet(ctx context.Context, call *aws.Call, in *api.ExecuteChangeSetInput) (*api.ExecuteChangeSetOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		set, err := findChangeSet(tx, call, aws.Value(in.StackName), in.ChangeSetName)
		if err != nil {
			return err
		}
		id, err := stackOfSet.Get(tx, set.ID)
		if err != nil {
			return err
		}
		if set.Status != "CREATE_COMPLETE" || set.Execution != "AVAILABLE" {
			status := set.Status
			if status == "CREATE_COMPLETE" {
				status = set.Execution
			}
			return api.InvalidChangeSetStatusException.Errorf("ChangeSet [%s] cannot be executed in its current status of [%s]", set.ID, status)
		}
		if err := checkRoot(&set); err != nil {
			return err
		}
		st, err := stacks.Get(tx, id)
		if err != nil {
			return err
		}
		if st.Status != "REVIEW_IN_PROGRESS" {
			if err := checkUpdatable(&st); err != nil {
				return err
			}
		}
		return s.execute(tx, call, st, set, in)
	})
	return &api.ExecuteChangeSetOutput{}, err
}

func (s *Service) execute(tx *store.Tx, call *aws.Call, st deploy.Stack, set changeSet, in *api.ExecuteChangeSetInput) error {
	id, old := stackID(st.ID), st
	spec := set.Spec
	if err := loadBody(tx, id, &spec); err != nil {
		return err
	}
	spec.Body = newID() // the stack's own copy: the set may be deleted
	if spec.RoleARN == "" {
		spec.RoleARN = st.Spec.RoleARN
	}
	st.PolicyNow, st.Watch = "", set.Watch
	st.Next, st.Updated, st.ChangeSet, st.Token = &spec, time.Now(), set.ID.String(), aws.Value(in.ClientRequestToken)
	st.DisableRollback = aws.Value(in.DisableRollback)
	if set.OnFailure != "" {
		st.OnFailure = set.OnFailure
	}
	st.RetainExceptOnCreate = aws.Value(in.RetainExceptOnCreate)
	if err := setChangeSets(tx, id, set.Name, "OBSOLETE"); err != nil {
		return err
	}
	var err error
	if st.Names, err = executeNested(tx, &set); err != nil {
		return err
	}
	set.Execution = "EXECUTE_COMPLETE"
	if err := changeSets.Put(tx, changeSetKey{id, set.Name}, set); err != nil {
		return err
	}
	if st.Import = set.Import; set.Type == "IMPORT" {
		return s.begin(tx, call, &old, st, deploy.Importing, "IMPORT_IN_PROGRESS", "User Initiated")
	}
	if old.Status == "REVIEW_IN_PROGRESS" {
		return s.begin(tx, call, &old, st, deploy.Creating, "CREATE_IN_PROGRESS", "User Initiated")
	}
	return s.begin(tx, call, &old, st, deploy.Updating, "UPDATE_IN_PROGRESS", "User Initiated")
}

// setChangeSets moves the change sets of a stack, but one, to an execution
// status, or removes them if that is empty.
func setChangeSets(tx *store.Tx, stack aws.ARN, but, execution string) error {
	for key, set := range changeSets.Scan(tx, changeSetKey{Stack: stack}) {
		if key.Name == but {
			continue
		}
		if execution == "" {
			if err := removeChangeSet(tx, stack, set); err != nil {
				return err
			}
			continue
		}
		if set.Execution == "AVAILABLE" {
			set.Execution = execution
			if err := changeSets.Put(tx, key, set); err != nil {
				return err
			}
			if err := removeNested(tx, &set); err != nil {
				return err
			}
		}
	}
	return nil
}

func removeChangeSet(tx *store.Tx, stack aws.ARN, set changeSet) error {
	if set.Spec.Body != "" {
		if err := bodies.DeletePrefix(tx, bodyKey{Stack: stack, ID: set.Spec.Body}); err != nil {
			return err
		}
	}
	if err := stackOfSet.Delete(tx, set.ID); err != nil {
		return err
	}
	if set.Execution != "EXECUTE_COMPLETE" {
		if err := removeNested(tx, &set); err != nil {
			return err
		}
	}
	return changeSets.Delete(tx, changeSetKey{stack, set.Name})
}

// DeleteChangeSet removes a change set.
func (s *Service) DeleteChangeSet(ctx context.Context, call *aws.Call, in *api.DeleteChangeSetInput) (*api.DeleteChangeSetOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		set, err := findChangeSet(tx, call, aws.Value(in.StackName), in.ChangeSetName)
		if errors.Is(err, api.ChangeSetNotFoundException) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := checkRoot(&set); err != nil {
			return err
		}
		id, err := stackOfSet.Get(tx, set.ID)
		if err != nil {
			return err
		}
		return removeChangeSet(tx, id, set)
	})
	return &api.DeleteChangeSetOutput{}, err
}

// ListChangeSets lists the change sets of a stack that were not executed.
func (s *Service) ListChangeSets(ctx context.Context, call *aws.Call, in *api.ListChangeSetsInput) (*api.ListChangeSetsOutput, error) {
	out := &api.ListChangeSetsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.Summaries = []api.ChangeSetSummary{}
		st, err := needStack(tx, call, in.StackName, errNoStack)
		if err != nil {
			return err
		}
		for _, set := range changeSets.Scan(tx, changeSetKey{Stack: stackID(st.ID)}) {
			if set.Execution == "EXECUTE_COMPLETE" {
				continue
			}
			out.Summaries = append(out.Summaries, api.ChangeSetSummary{
				StackId: &st.ID, StackName: &st.Name, ChangeSetId: new(set.ID.String()), ChangeSetName: &set.Name,
				ExecutionStatus: &set.Execution, Status: &set.Status, StatusReason: optional(set.Reason), CreationTime: &set.Created,
				Description: optional(set.Description), IncludeNestedStacks: &set.IncludeNested,
				ParentChangeSetId: optionalARN(set.Parent), RootChangeSetId: optionalARN(set.Root),
			})
		}
		return nil
	})
	return out, err
}
