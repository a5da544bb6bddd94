package states

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// A token is what names a task to those who end it.
type token struct {
	Execution aws.ARN
	Strand    int64
	Attempt   int64
	Secret    string
}

// newToken returns the token of the task of a strand.
func newToken(execution aws.ARN, s *flow.Strand) string {
	text := strings.Join([]string{execution.String(), strconv.FormatInt(s.ID, 36), strconv.FormatInt(s.Attempt, 36), s.Secret}, " ")
	return base64.StdEncoding.EncodeToString([]byte(text))
}

func parseToken(text string) (token, error) {
	bad := api.InvalidToken.Errorf("Invalid Token: 'Invalid token'")
	b, err := base64.StdEncoding.DecodeString(text)
	parts := strings.Split(string(b), " ")
	if err != nil || len(parts) != 4 {
		return token{}, bad
	}
	t := token{Secret: parts[3]}
	if t.Execution, err = aws.ParseARN(parts[0]); err != nil {
		return t, bad
	}
	if t.Strand, err = strconv.ParseInt(parts[1], 36, 64); err != nil {
		return t, bad
	}
	if t.Attempt, err = strconv.ParseInt(parts[2], 36, 64); err != nil {
		return t, bad
	}
	return t, nil
}

// holder is the resource that the permission to end a task is on.
func holder[In interface{ GetTaskToken() string }](call *aws.Call, in In) aws.ARN {
	t, err := parseToken(in.GetTaskToken())
	if err != nil {
		return call.ARN("states", "*")
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(t.Execution.Resource, executionKind), ":")
	return aws.ARN{Service: "states", Region: t.Execution.Region, Account: t.Execution.Account, Resource: machineKind + name}
}

// SendTaskSuccess ends a task that came to a result.
func (s *Service) SendTaskSuccess(ctx context.Context, call *aws.Call, in *api.SendTaskSuccessInput) (*api.SendTaskSuccessOutput, error) {
	v, err := tree.ParseString(in.Output)
	if err != nil {
		return nil, api.InvalidOutput.Errorf("Invalid Output: '%s'", err)
	}
	if err := s.endTask(ctx, call, in.TaskToken, flow.Answer{Output: flow.Doc{V: v}}); err != nil {
		return nil, err
	}
	return &api.SendTaskSuccessOutput{}, nil
}

// SendTaskFailure ends a task that failed.
func (s *Service) SendTaskFailure(ctx context.Context, call *aws.Call, in *api.SendTaskFailureInput) (*api.SendTaskFailureOutput, error) {
	answer := flow.Answer{Error: &asl.Error{Name: aws.Value(in.Error), Cause: aws.Value(in.Cause)}}
	if err := s.endTask(ctx, call, in.TaskToken, answer); err != nil {
		return nil, err
	}
	return &api.SendTaskFailureOutput{}, nil
}

// endTask ends the task that a token names.
func (s *Service) endTask(ctx context.Context, call *aws.Call, text string, answer flow.Answer) error {
	return s.onTask(ctx, call, text, func(r *flow.Run, t *token) bool { return r.Ended(t.Strand, t.Attempt, answer) })
}

// SendTaskHeartbeat says that a task is still worked on.
func (s *Service) SendTaskHeartbeat(ctx context.Context, call *aws.Call, in *api.SendTaskHeartbeatInput) (*api.SendTaskHeartbeatOutput, error) {
	err := s.onTask(ctx, call, in.TaskToken, func(r *flow.Run, t *token) bool { return r.Beat(t.Strand, t.Attempt) })
	if err != nil {
		return nil, err
	}
	return &api.SendTaskHeartbeatOutput{}, nil
}

// onTask has fn tell a run what happened to the task that a token names. fn
// returns false if nobody waits for the task.
func (s *Service) onTask(ctx context.Context, call *aws.Call, text string, fn func(*flow.Run, *token) bool) error {
	t, err := parseToken(text)
	if err != nil {
		return err
	}
	late := api.TaskTimedOut.Errorf("Task Timed Out: 'Provided task does not exist anymore'")
	if t.Execution.Account != call.Account {
		return api.InvalidToken.Errorf("Invalid Token: 'Invalid token'")
	}
	if strings.HasPrefix(t.Execution.Resource, expressKind) {
		return late
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		strand, err := strands.Get(tx, strandKey{t.Execution, t.Strand})
		if errors.Is(err, store.ErrNotFound) {
			return late
		}
		if err != nil {
			return err
		}
		if !hmac.Equal([]byte(strand.Secret), []byte(t.Secret)) {
			return late
		}
		heard := false
		if err := s.step(tx, t.Execution, func(r *flow.Run) { heard = fn(r, &t) }); err != nil {
			return err
		}
		if !heard {
			return late
		}
		return nil
	})
}

// watch has a strand hear when the execution ends that its task started.
func (s *Service) watch(tx *store.Tx, arn aws.ARN, strand *flow.Strand) error {
	child, err := aws.ParseARN(strand.Child)
	if err != nil {
		return err
	}
	row, err := executions.Get(tx, child)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err == nil && row.Status == api.ExecutionStatusRunning {
		return watches.Put(tx, watchKey{child, arn, strand.ID}, work{Attempt: strand.Attempt})
	}
	return s.do(tx, workKey{arn, strand.ID, workChild}, work{Attempt: strand.Attempt, Child: child})
}

// hearChild tells a strand how the execution ended that its task started.
func (s *Service) hearChild(ctx context.Context, key workKey) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		w, err := works.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := works.Delete(tx, key); err != nil {
			return err
		}
		row, err := executions.Get(tx, w.Child)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return s.step(tx, key.Execution, func(r *flow.Run) {
			if strand := r.Strand(key.ID); strand != nil && strand.Call != nil {
				r.Ended(key.ID, w.Attempt, childAnswer(w.Child, &row, strings.HasSuffix(strand.Call.Resource, ":2")))
			}
		})
	})
}

// childAnswer is how an execution ended, as the task that started it hears. The
// second form of that has data as JSON, the first as text.
func childAnswer(arn aws.ARN, e *execution, asJSON bool) flow.Answer {
	data := func(text string) tree.Value {
		if v, err := tree.ParseString(text); asJSON && err == nil {
			return v
		}
		return text
	}
	ms := func(t time.Time) json.Number { return json.Number(strconv.FormatInt(t.UnixMilli(), 10)) }
	o := tree.NewObject()
	if e.Cause != nil {
		o.Set("Cause", *e.Cause)
	}
	if e.Error != nil {
		o.Set("Error", *e.Error)
	}
	details := tree.NewObject("Included", true)
	o.Set("ExecutionArn", arn.String())
	o.Set("Input", data(e.Input))
	o.Set("InputDetails", details)
	o.Set("Name", e.Name)
	if e.Output != nil {
		o.Set("Output", data(*e.Output))
		o.Set("OutputDetails", details)
	}
	o.Set("StartDate", ms(e.Started))
	o.Set("StateMachineArn", e.machineARN())
	o.Set("Status", e.Status)
	o.Set("StopDate", ms(e.Stopped))
	if e.Status != api.ExecutionStatusSucceeded {
		return failed(asl.ErrTaskFailed, tree.String(o))
	}
	return flow.Answer{Output: flow.Doc{V: o}}
}
