package events

import (
	"context"
	"encoding/json"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxPolicy is how many bytes the policy of a bus has at most.
const maxPolicy = 10 << 10

// A document is the policy of a bus, as PutPermission changes it.
type document struct {
	Version   string
	Statement []json.RawMessage
}

// A statement is one that PutPermission makes.
type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// PutPermission lets others put events on a bus, or sets its whole policy.
func (s *Service) PutPermission(ctx context.Context, call *aws.Call, in *api.PutPermissionInput) (*api.PutPermissionOutput, error) {
	arn := busARN(call, aws.Value(in.EventBusName))
	switch {
	case in.Policy == nil && (in.Action == nil || in.Principal == nil || in.StatementId == nil):
		return nil, invalid("Parameter(s) StatementId, Action and Principal must be specified.")
	case in.Policy != nil && (in.Action != nil || in.Principal != nil || in.StatementId != nil || in.Condition != nil):
		return nil, invalid("Only one of Policy or StatementId, Action, Principal and Condition must be provided.")
	case in.Action != nil && *in.Action != "events:PutEvents":
		return nil, invalid("Provided value in parameter 'action' is not supported.")
	}
	err := s.changeBus(ctx, arn, func(b *bus) error {
		text, err := aws.Value(in.Policy), error(nil)
		if in.Policy == nil {
			if text, err = withStatement(b.Policy, arn, in); err != nil {
				return err
			}
		}
		if len(text) > maxPolicy {
			return api.PolicyLengthExceededException.Errorf("The resource policy is too long. The maximum length is %d bytes.", maxPolicy)
		}
		if _, err := policy.Parse(text); err != nil {
			return invalid("Parameter Policy is not valid. Reason: %s", err)
		}
		b.Policy = text
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutPermissionOutput{}, nil
}

// withStatement is a policy with the statement that in describes, in place of
// one of the same id.
func withStatement(text string, arn aws.ARN, in *api.PutPermissionInput) (string, error) {
	st := statement{Sid: *in.StatementId, Effect: "Allow", Principal: "*", Action: *in.Action, Resource: arn.String()}
	if *in.Principal != "*" {
		st.Principal = map[string]string{"AWS": "arn:aws:iam::" + *in.Principal + ":root"}
	}
	if c := in.Condition; c != nil {
		st.Condition = map[string]map[string]string{c.Type: {c.Key: c.Value}}
	}
	doc, err := parseDocument(text)
	if err != nil {
		return "", err
	}
	made, err := json.Marshal(st)
	if err != nil {
		return "", err
	}
	doc.Statement = append(doc.without(st.Sid), made)
	out, err := json.Marshal(doc)
	return string(out), err
}

func parseDocument(text string) (document, error) {
	doc := document{Version: "2012-10-17"}
	if text == "" {
		return doc, nil
	}
	var src struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &src); err != nil {
		return doc, err
	}
	doc.Version = src.Version
	if json.Unmarshal(src.Statement, &doc.Statement) != nil {
		doc.Statement = []json.RawMessage{src.Statement} // there is but one
	}
	return doc, nil
}

// without returns the statements that do not have that id.
func (d document) without(sid string) []json.RawMessage {
	return slices.DeleteFunc(slices.Clone(d.Statement), func(text json.RawMessage) bool {
		var st struct{ Sid string }
		return json.Unmarshal(text, &st) == nil && st.Sid == sid
	})
}

// RemovePermission removes a statement of the policy of a bus, or all.
func (s *Service) RemovePermission(ctx context.Context, call *aws.Call, in *api.RemovePermissionInput) (*api.RemovePermissionOutput, error) {
	arn := busARN(call, aws.Value(in.EventBusName))
	all := aws.Value(in.RemoveAllPermissions)
	if !all && in.StatementId == nil {
		return nil, invalid("Parameter StatementId is required.")
	}
	err := s.changeBus(ctx, arn, func(b *bus) error {
		if all {
			b.Policy = ""
			return nil
		}
		doc, err := parseDocument(b.Policy)
		if err != nil {
			return err
		}
		left := doc.without(*in.StatementId)
		if len(left) == len(doc.Statement) {
			return api.ResourceNotFoundException.Errorf("Statement with the provided id does not exist.")
		}
		if len(left) == 0 {
			b.Policy = ""
			return nil
		}
		doc.Statement = left
		text, err := json.Marshal(doc)
		b.Policy = string(text)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.RemovePermissionOutput{}, nil
}

// policy returns the policy of a bus.
func (s *Service) policy(ctx context.Context, resource aws.ARN) (text string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b, err := buses.Get(tx, resource)
		text = b.Policy
		if err == store.ErrNotFound {
			return nil
		}
		return err
	})
	return text, err
}
