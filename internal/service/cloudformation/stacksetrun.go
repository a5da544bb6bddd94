package cloudformation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A setRun is one operation of a stack set, being done. What is done in one
// place is done again if the platform stopped meanwhile: its requests have the
// same tokens and names, so no stack is made twice.
type setRun struct {
	s   *Service
	set stackSet
	op  setOperation
}

// workSet does the operation of a set, and writes down what came of it.
func (s *Service) workSet(ctx context.Context, id aws.ARN) error {
	r := &setRun{s: s}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		running, err := setAtWork.Get(tx, id)
		if err != nil {
			return err
		}
		if r.set, err = stackSets.Get(tx, id); err != nil {
			return err
		}
		r.op, err = setOperations.Get(tx, operationKey{id, running})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var regions []string
	for _, t := range r.op.Targets {
		if !contains(regions, t.Region) {
			regions = append(regions, t.Region)
		}
	}
	if p := r.op.Preferences; p != nil && aws.Value(p.RegionConcurrencyType) == "PARALLEL" {
		err = errors.Join(each(regions, len(regions), func(region string) error { return r.region(ctx, region) })...)
	} else {
		for _, region := range regions {
			err = errors.Join(err, r.region(ctx, region))
		}
	}
	if err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	return r.finish(ctx)
}

// each calls do for each of list, up to most at once.
func each[T any](list []T, most int, do func(T) error) []error {
	var g task.Group
	failed := make([]error, len(list))
	turns := make(chan struct{}, most)
	for i, one := range list {
		turns <- struct{}{}
		g.Go(func() {
			defer func() { <-turns }()
			failed[i] = do(one)
		})
	}
	g.Wait()
	return failed
}

// limits say how many accounts of a region are dealt with at once, and how many
// may fail before the rest is left.
func (r *setRun) limits(accounts int) (atOnce, tolerated int) {
	p := r.op.Preferences
	if p == nil {
		return 1, 0
	}
	tolerated = int(aws.Value(p.FailureToleranceCount))
	if p.FailureTolerancePercentage != nil {
		tolerated = accounts * int(*p.FailureTolerancePercentage) / 100
	}
	atOnce = int(cmp.Or(aws.Value(p.MaxConcurrentCount), 1))
	if p.MaxConcurrentPercentage != nil {
		atOnce = max(1, accounts*int(*p.MaxConcurrentPercentage)/100)
	}
	if aws.Value(p.ConcurrencyMode) != "SOFT_FAILURE_TOLERANCE" {
		atOnce = min(atOnce, tolerated+1)
	}
	return atOnce, tolerated
}

// region deals with the accounts of one region.
func (r *setRun) region(ctx context.Context, region string) error {
	var places []target
	for _, t := range r.op.Targets {
		if t.Region == region {
			places = append(places, t)
		}
	}
	atOnce, tolerated := r.limits(len(places))
	return errors.Join(each(places, atOnce, func(t target) error {
		begun, err := r.enter(ctx, t, tolerated)
		if err != nil || !begun {
			return err
		}
		reason, err := r.do(ctx, t)
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		return r.leave(ctx, t, reason)
	})...)
}

// enter says whether something is to be done in a place, and writes it down.
func (r *setRun) enter(ctx context.Context, t target, tolerated int) (begun bool, err error) {
	err = r.change(ctx, t, func(op *setOperation, result *setResult, inst *stackInstance) {
		begun = false
		failed, elsewhere := 0, false
		for _, other := range op.Results {
			if other.Status == "FAILED" && other.Region == t.Region {
				failed++
			}
			elsewhere = elsewhere || other.Status == "CANCELLED"
		}
		switch {
		case result.Status != "PENDING" && result.Status != "RUNNING":
		case result.Status == "PENDING" && (op.Status == "STOPPING" || failed > tolerated || elsewhere):
			result.Status, result.Reason = "CANCELLED", "Cancelled since failure tolerance has exceeded"
			if op.Status == "STOPPING" {
				result.Reason = "Cancelled by user"
			}
			inst.Detailed = "CANCELLED"
		default:
			begun = true
			result.Status, inst.Detailed = "RUNNING", "RUNNING"
		}
	})
	return begun, err
}

// leave writes down what was done in a place, or why it was not.
func (r *setRun) leave(ctx context.Context, t target, reason string) error {
	return r.change(ctx, t, func(_ *setOperation, result *setResult, inst *stackInstance) {
		result.Status, result.Reason = "SUCCEEDED", reason
		inst.Status, inst.Detailed, inst.Reason, inst.Operation = "CURRENT", "SUCCEEDED", reason, r.op.ID
		if reason != "" {
			result.Status, inst.Status, inst.Detailed = "FAILED", "OUTDATED", "FAILED"
			if r.op.Action == "DELETE" {
				inst.Status = "INOPERABLE"
			}
		}
	})
}

// change changes what is remembered of a place. An instance whose stack is gone
// goes with it.
func (r *setRun) change(ctx context.Context, t target, f func(*setOperation, *setResult, *stackInstance)) error {
	return r.s.db.Update(ctx, func(tx *store.Tx) error {
		at, key := operationKey{r.set.ID, r.op.ID}, instanceKey{r.set.ID, t.Account, t.Region}
		op, err := setOperations.Get(tx, at)
		if err != nil {
			return err
		}
		inst, err := stackInstances.Get(tx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		i := slices.IndexFunc(op.Results, func(result setResult) bool { return result.target == t })
		op.Results = slices.Clone(op.Results)
		f(&op, &op.Results[i], &inst)
		if err := setOperations.Put(tx, at, op); err != nil {
			return err
		}
		if op.Action == "DELETE" && op.Results[i].Status == "SUCCEEDED" {
			return stackInstances.Delete(tx, key)
		}
		return stackInstances.Put(tx, key, inst)
	})
}

// finish ends the operation.
func (r *setRun) finish(ctx context.Context) error {
	return r.s.db.Update(ctx, func(tx *store.Tx) error {
		key := operationKey{r.set.ID, r.op.ID}
		op, err := setOperations.Get(tx, key)
		if err != nil {
			return err
		}
		failed := make(map[string]int)
		accounts := make(map[string]int)
		for _, result := range op.Results {
			accounts[result.Region]++
			if result.Status == "FAILED" {
				failed[result.Region]++
			}
		}
		status := "SUCCEEDED"
		for region, n := range failed {
			if _, tolerated := r.limits(accounts[region]); n > tolerated {
				status = "FAILED"
			}
		}
		if op.Status == "STOPPING" {
			status = "STOPPED"
		}
		op.Status, op.Ended = status, time.Now()
		if err := setAtWork.Delete(tx, r.set.ID); err != nil {
			return err
		}
		return setOperations.Put(tx, key, op)
	})
}

// do makes the stack of one place what it is to be. It returns why that is not
// possible, or an error of ours.
func (r *setRun) do(ctx context.Context, t target) (reason string, err error) {
	if r.op.Action == "DELETE" && r.op.Retain {
		return "", nil
	}
	call, reason := r.enterAccount(ctx, t)
	if reason != "" {
		return reason, nil
	}
	inst, st, err := r.instance(ctx, t)
	if err != nil {
		return "", err
	}
	switch {
	case r.op.Action == "DELETE":
		return r.delete(ctx, call, st)
	case st == nil:
		return r.create(ctx, call, t, inst)
	}
	if st.Phase != deploy.AtRest {
		if st, err = r.await(ctx, st.ID); err != nil {
			return "", err
		}
	}
	if st.Token == r.token(t) {
		return outcome(st, "CREATE_COMPLETE", "UPDATE_COMPLETE"), nil // before a crash
	}
	if !contains(updatable, st.Status) {
		if reason, err := r.delete(ctx, call, st); reason != "" || err != nil {
			return reason, err
		}
		return r.create(ctx, call, t, inst)
	}
	_, err = dispatch.CallChecked(ctx, r.s.table, call, api.UpdateStack, &api.UpdateStackInput{
		StackName: st.ID, TemplateBody: &r.set.Template, Parameters: r.parameters(inst), Capabilities: r.set.Capabilities, Tags: r.tags(),
		ClientRequestToken: new(r.token(t)),
	})
	if refused, ok := errors.AsType[*aws.Error](err); ok {
		if strings.Contains(refused.Message, "No updates are to be performed") {
			return "", nil
		}
		return refused.Message, nil
	}
	if err != nil {
		return "", err
	}
	st, err = r.await(ctx, st.ID)
	return outcome(st, "UPDATE_COMPLETE"), err
}

// token is that of the requests of an operation in one place.
func (r *setRun) token(t target) string {
	return strings.ReplaceAll(r.op.ID, "/", "-") + "-" + t.Account + "-" + t.Region
}

// tags are those of the set, which must be said even if there are none.
func (r *setRun) tags() []api.Tag { return append([]api.Tag{}, r.set.Tags...) }

// parameters are those of the set, but for those that the instance has of its own.
func (r *setRun) parameters(inst *stackInstance) []api.Parameter {
	out := slices.Clone(r.set.Parameters)
	for _, own := range inst.Overrides {
		i := slices.IndexFunc(out, func(p api.Parameter) bool { return aws.Value(p.ParameterKey) == aws.Value(own.ParameterKey) })
		if i < 0 {
			out = append(out, own)
		} else {
			out[i] = own
		}
	}
	return out
}

func (r *setRun) create(ctx context.Context, call *aws.Call, t target, inst *stackInstance) (string, error) {
	made, err := dispatch.CallChecked(ctx, r.s.table, call, api.CreateStack, &api.CreateStackInput{
		StackName: inst.StackName, TemplateBody: &r.set.Template, Parameters: r.parameters(inst), Capabilities: r.set.Capabilities, Tags: r.tags(),
		ClientRequestToken: new(r.token(t)),
	})
	if refused, ok := errors.AsType[*aws.Error](err); ok {
		return refused.Message, nil
	}
	if err != nil {
		return "", err
	}
	if err := r.change(ctx, t, func(_ *setOperation, _ *setResult, inst *stackInstance) { inst.StackID = *made.StackId }); err != nil {
		return "", err
	}
	st, err := r.await(ctx, *made.StackId)
	return outcome(st, "CREATE_COMPLETE"), err
}

func (r *setRun) delete(ctx context.Context, call *aws.Call, st *deploy.Stack) (string, error) {
	if st == nil || !st.Deleted.IsZero() {
		return "", nil
	}
	_, err := dispatch.CallChecked(ctx, r.s.table, call, api.DeleteStack, &api.DeleteStackInput{StackName: st.ID})
	if refused, ok := errors.AsType[*aws.Error](err); ok {
		return refused.Message, nil
	}
	if err != nil {
		return "", err
	}
	st, err = r.await(ctx, st.ID)
	return outcome(st, "DELETE_COMPLETE"), err
}

// outcome is why a stack is not as wanted, or "".
func outcome(st *deploy.Stack, wanted ...string) string {
	if st == nil || contains(wanted, st.Status) {
		return ""
	}
	return cmp.Or(st.Reason, "Stack "+st.ID+" is in "+st.Status+" state")
}

// instance returns what is remembered of a place, and its stack if there is one.
func (r *setRun) instance(ctx context.Context, t target) (inst *stackInstance, st *deploy.Stack, err error) {
	err = r.s.db.View(ctx, func(tx *store.Tx) error {
		st = nil
		got, err := stackInstances.Get(tx, instanceKey{r.set.ID, t.Account, t.Region})
		if err != nil {
			return err
		}
		inst = &got
		found, err := findStack(tx, &aws.Call{Account: t.Account, Region: t.Region}, got.StackName)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		st = &found
		return err
	})
	return inst, st, err
}

// await waits until a stack is at rest.
func (r *setRun) await(ctx context.Context, id string) (*deploy.Stack, error) {
	bell, stop := r.s.db.Watch(topic(stackID(id)))
	defer stop()
	for {
		var st deploy.Stack
		err := r.s.db.View(ctx, func(tx *store.Tx) error {
			var err error
			st, err = stacks.Get(tx, stackID(id))
			return err
		})
		if err != nil || st.Phase == deploy.AtRest {
			return &st, err
		}
		select {
		case <-bell:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// enterAccount becomes the role by which the set works in an account, by way of
// the one that administers it.
func (r *setRun) enterAccount(ctx context.Context, t target) (call *aws.Call, reason string) {
	home := r.set.ID.Account
	admin := cmp.Or(r.set.AdminRole, "arn:aws:iam::"+home+":role/"+usualAdminRole)
	adminName := admin[strings.LastIndexByte(admin, '/')+1:]
	session, err := r.s.assume(ctx, r.set.ID, admin)
	if err != nil {
		return nil, "Account " + home + " should have '" + adminName + "' role with trust relationship to CloudFormation service."
	}
	out, err := dispatch.CallChecked(ctx, r.s.table, session, sts.AssumeRole, &sts.AssumeRoleInput{
		RoleArn: "arn:aws:iam::" + t.Account + ":role/" + r.set.ExecRole, RoleSessionName: "AWSCloudFormation",
	})
	if err != nil {
		return nil, "Account " + t.Account + " should have '" + r.set.ExecRole + "' role with trust relationship to Role '" + adminName + "'."
	}
	return &aws.Call{
		Account: t.Account, Region: t.Region, RequestID: aws.NewRequestID(),
		Principal: aws.Principal{
			Kind: aws.Session, ARN: out.AssumedRoleUser.Arn, ID: out.AssumedRoleUser.AssumedRoleId, Account: t.Account,
			Role: "arn:aws:iam::" + t.Account + ":role/" + r.set.ExecRole,
		},
	}, ""
}
