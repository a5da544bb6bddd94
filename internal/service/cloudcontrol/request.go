package cloudcontrol

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudcontrol"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/store"
)

// findType returns a type that can be made alone.
func (s *Service) findType(name string) (*resource.Type, error) {
	typ := s.types().Find(name)
	if typ == nil {
		return nil, api.TypeNotFoundException.Errorf("The type '%s' cannot be found.", name)
	}
	if strings.HasPrefix(name, "AWS::CloudFormation::") || typ.Create == nil {
		return nil, api.UnsupportedActionException.Errorf("Resource type %s does not support CREATE action", name)
	}
	return typ, nil
}

// begin writes a request down. One with the token of an earlier one is that.
func (s *Service) begin(ctx context.Context, call *aws.Call, r request, token *string) (*api.ProgressEvent, error) {
	r.Token, r.Client, r.Caller, r.Status, r.At = aws.NewRequestID(), aws.Value(token), *call, working, time.Now()
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		for _, other := range requests.Scan(tx, requestKey{Place: place(call)}) {
			if r.Client != "" && other.Client == r.Client {
				if other.Operation != r.Operation || other.Type != r.Type {
					return api.ClientTokenConflictException.Errorf("The ClientToken %s is already in use", r.Client)
				}
				r = other
				return nil
			}
			same := r.Operation != "CREATE" && other.Type == r.Type && other.Identifier == r.Identifier
			if same && (other.Status == working || other.Status == pending) {
				return api.ConcurrentOperationException.Errorf("Operation %s on resource %s of type %s is in progress", other.Operation, r.Identifier, r.Type)
			}
		}
		key := requestKey{place(call), r.Token}
		if err := open.Put(tx, key, struct{}{}); err != nil {
			return err
		}
		tx.AfterCommit(s.bell.Ring)
		return requests.Put(tx, key, r)
	})
	if err != nil {
		return nil, err
	}
	return progress(&r), nil
}

func progress(r *request) *api.ProgressEvent {
	e := &api.ProgressEvent{
		TypeName: &r.Type, RequestToken: &r.Token, Operation: &r.Operation, OperationStatus: &r.Status, EventTime: &r.At,
		Identifier: optional(r.Identifier), StatusMessage: optional(r.Message), ErrorCode: optional(r.Code),
	}
	if r.Operation != "DELETE" && r.Status == done {
		e.ResourceModel = new(resource.JSON(map[string]any(r.New)))
	}
	return e
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// CreateResource begins to make a resource.
func (s *Service) CreateResource(ctx context.Context, call *aws.Call, in *api.CreateResourceInput) (*api.CreateResourceOutput, error) {
	typ, err := s.findType(in.TypeName)
	if err != nil {
		return nil, err
	}
	var properties tree
	if err := json.Unmarshal([]byte(in.DesiredState), &properties); err != nil || properties == nil {
		return nil, api.InvalidRequestException.Errorf("DesiredState is not a valid JSON object")
	}
	if err := typ.Check("Resource", properties); err != nil {
		return nil, api.InvalidRequestException.Errorf("%s", err.Error())
	}
	event, err := s.begin(ctx, call, request{
		Operation: "CREATE", Type: in.TypeName, New: properties, Role: aws.Value(in.RoleArn), Name: typ.Naming.NewName("cloudcontrol", "resource"),
	}, in.ClientToken)
	return &api.CreateResourceOutput{ProgressEvent: event}, err
}

// UpdateResource begins to change a resource.
func (s *Service) UpdateResource(ctx context.Context, call *aws.Call, in *api.UpdateResourceInput) (*api.UpdateResourceOutput, error) {
	typ, err := s.findType(in.TypeName)
	if err != nil {
		return nil, err
	}
	old, err := s.model(ctx, call, in.TypeName, in.Identifier)
	if err != nil {
		return nil, err
	}
	properties, err := patched(old.Properties, in.PatchDocument)
	if err != nil {
		return nil, err
	}
	if err := typ.Check("Resource", properties); err != nil {
		return nil, api.InvalidRequestException.Errorf("%s", err.Error())
	}
	if takes, names := typ.Diff(old.Properties, properties); takes == resource.Replacement {
		return nil, api.NotUpdatableException.Errorf("Invalid patch update: createOnlyProperties [%s] cannot be updated", strings.Join(names, ", "))
	}
	event, err := s.begin(ctx, call, request{
		Operation: "UPDATE", Type: in.TypeName, Identifier: in.Identifier, Old: old.Properties, New: properties, Role: aws.Value(in.RoleArn),
	}, in.ClientToken)
	return &api.UpdateResourceOutput{ProgressEvent: event}, err
}

// patched applies a JSON patch to the properties of a resource.
func patched(old tree, document string) (tree, error) {
	var steps []struct {
		Op, Path string
		Value    any
	}
	dec := json.NewDecoder(strings.NewReader(document))
	dec.UseNumber()
	if err := dec.Decode(&steps); err != nil {
		return nil, api.InvalidRequestException.Errorf("PatchDocument is not a valid JSON patch")
	}
	text, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	out := tree{}
	if err := out.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	for _, step := range steps {
		parts := strings.Split(strings.TrimPrefix(step.Path, "/"), "/")
		m := map[string]any(out)
		for _, name := range parts[:len(parts)-1] {
			inner, ok := m[unescaped(name)].(map[string]any)
			if !ok {
				return nil, api.InvalidRequestException.Errorf("Aloft patches members of objects alone, and not %s", step.Path)
			}
			m = inner
		}
		last := unescaped(parts[len(parts)-1])
		switch step.Op {
		case "add", "replace":
			m[last] = step.Value
		case "remove":
			delete(m, last)
		case "test":
			if !resource.Equal(m[last], step.Value) {
				return nil, api.InvalidRequestException.Errorf("The test of %s failed", step.Path)
			}
		default:
			return nil, api.InvalidRequestException.Errorf("Aloft does not do the step %q of a patch", step.Op)
		}
	}
	return out, nil
}

// unescaped is a name as a path of a patch spells it.
func unescaped(name string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(name) }

// DeleteResource begins to delete a resource.
func (s *Service) DeleteResource(ctx context.Context, call *aws.Call, in *api.DeleteResourceInput) (*api.DeleteResourceOutput, error) {
	if _, err := s.findType(in.TypeName); err != nil {
		return nil, err
	}
	old, err := s.model(ctx, call, in.TypeName, in.Identifier)
	if err != nil {
		return nil, err
	}
	event, err := s.begin(ctx, call, request{
		Operation: "DELETE", Type: in.TypeName, Identifier: in.Identifier, Old: old.Properties, Role: aws.Value(in.RoleArn),
	}, in.ClientToken)
	return &api.DeleteResourceOutput{ProgressEvent: event}, err
}

// find returns a request by its token.
func find(tx *store.Tx, call *aws.Call, token string) (request, error) {
	r, err := requests.Get(tx, requestKey{place(call), token})
	if errors.Is(err, store.ErrNotFound) {
		return r, api.RequestTokenNotFoundException.Errorf("Request with token %s was not found", token)
	}
	return r, err
}

// GetResourceRequestStatus says what has become of a request.
func (s *Service) GetResourceRequestStatus(ctx context.Context, call *aws.Call, in *api.GetResourceRequestStatusInput) (*api.GetResourceRequestStatusOutput, error) {
	out := &api.GetResourceRequestStatusOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		r, err := find(tx, call, in.RequestToken)
		out.ProgressEvent = progress(&r)
		return err
	})
	return out, err
}

// ListResourceRequests lists requests, newest first.
func (s *Service) ListResourceRequests(ctx context.Context, call *aws.Call, in *api.ListResourceRequestsInput) (*api.ListResourceRequestsOutput, error) {
	out := &api.ListResourceRequestsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.ResourceRequestStatusSummaries = []api.ProgressEvent{}
		for _, r := range requests.Scan(tx, requestKey{Place: place(call)}) {
			filter := in.ResourceRequestStatusFilter
			if filter != nil && (filter.Operations != nil && !slices.Contains(filter.Operations, r.Operation) ||
				filter.OperationStatuses != nil && !slices.Contains(filter.OperationStatuses, r.Status)) {
				continue
			}
			out.ResourceRequestStatusSummaries = append(out.ResourceRequestStatusSummaries, *progress(&r))
		}
		return nil
	})
	slices.SortStableFunc(out.ResourceRequestStatusSummaries, func(a, b api.ProgressEvent) int { return b.EventTime.Compare(*a.EventTime) })
	return out, err
}

// CancelResourceRequest cancels a request: those that are under way are not.
func (s *Service) CancelResourceRequest(ctx context.Context, call *aws.Call, in *api.CancelResourceRequestInput) (*api.CancelResourceRequestOutput, error) {
	out := &api.CancelResourceRequestOutput{}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		r, err := find(tx, call, in.RequestToken)
		if err != nil {
			return err
		}
		if r.Began || r.Status != working {
			return api.ConcurrentModificationException.Errorf("The request %s is %s and cannot be cancelled", r.Token, r.Status)
		}
		r.Status = cancelled
		out.ProgressEvent = progress(&r)
		key := requestKey{place(call), r.Token}
		if err := open.Delete(tx, key); err != nil {
			return err
		}
		return requests.Put(tx, key, r)
	})
	return out, err
}
