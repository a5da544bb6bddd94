package sqs

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A document is a policy, as far as AddPermission changes it: statements it
// did not make are left as they are written.
type document struct {
	Version   string
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage `json:",omitempty"`
}

// A statement is one that AddPermission makes.
type statement struct {
	Sid, Effect string
	Principal   struct{ AWS any }
	Action      any
	Resource    string
}

// oneOrAll is a list as policies have it.
func oneOrAll(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// permissions are the actions that may be given to others.
var permissions = []string{
	"*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl",
	"ListDeadLetterSourceQueues", "PurgeQueue", "ReceiveMessage", "SendMessage",
}

// changeStatements keeps what fn makes of the statements of a queue's policy.
func (s *Service) changeStatements(ctx context.Context, call *aws.Call, url string, fn func(q *queue, d *document) error) error {
	arn, err := queueARN(call, url)
	if err != nil {
		return err
	}
	return s.change(ctx, arn, func(tx *store.Tx, q *queue) error {
		d := &document{Version: "2008-10-17", ID: arn.String() + "/SQSDefaultPolicy"}
		if q.Policy != "" {
			if err := json.Unmarshal([]byte(q.Policy), d); err != nil {
				return errAttribute(api.QueueAttributeNamePolicy)
			}
		}
		if err := fn(q, d); err != nil {
			return err
		}
		if q.Policy = ""; len(d.Statement) > 0 {
			q.Policy = jsonText(d)
		}
		return nil
	})
}

// labelled returns where the statement with a label is, or -1.
func (d *document) labelled(label string) int {
	return slices.IndexFunc(d.Statement, func(text json.RawMessage) bool {
		var s struct{ Sid string }
		return json.Unmarshal(text, &s) == nil && s.Sid == label
	})
}

// AddPermission lets other accounts use a queue.
func (s *Service) AddPermission(ctx context.Context, call *aws.Call, in *api.AddPermissionInput) (*api.AddPermissionOutput, error) {
	switch {
	case in.Label == "":
		return nil, errMissing("Label")
	case len(in.AWSAccountIds) == 0:
		return nil, errMissing("AWSAccountIds")
	case len(in.Actions) == 0:
		return nil, errMissing("Actions")
	case !isQueueName(in.Label, in.Label):
		return nil, errValue(in.Label, "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	case len(in.Actions) > 7:
		return nil, api.OverLimit.Errorf("%d Actions were found, maximum allowed is 7.", len(in.Actions))
	}
	add := statement{Sid: in.Label, Effect: "Allow"}
	var accounts, actions []string
	for _, account := range in.AWSAccountIds {
		if !isAccount(account) {
			return nil, errValue(account, "PrincipalId", "Unable to verify.")
		}
		accounts = append(accounts, "arn:aws:iam::"+account+":root")
	}
	for _, action := range in.Actions {
		if !slices.Contains(permissions, action) {
			return nil, errValue("SQS:"+action, "ActionName", "Only the queue owner is allowed to invoke this action.")
		}
		actions = append(actions, "SQS:"+action)
	}
	add.Principal.AWS, add.Action = oneOrAll(accounts), oneOrAll(actions)
	err := s.changeStatements(ctx, call, in.QueueUrl, func(q *queue, d *document) error {
		if d.labelled(in.Label) >= 0 {
			return errValue(in.Label, "Label", "Already exists.")
		}
		add.Resource = q.arn.String()
		d.Statement = append(d.Statement, json.RawMessage(jsonText(&add)))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.AddPermissionOutput{}, nil
}

// RemovePermission takes back what AddPermission gave under a label.
func (s *Service) RemovePermission(ctx context.Context, call *aws.Call, in *api.RemovePermissionInput) (*api.RemovePermissionOutput, error) {
	if strings.TrimSpace(in.Label) == "" {
		return nil, errMissing("Label")
	}
	err := s.changeStatements(ctx, call, in.QueueUrl, func(q *queue, d *document) error {
		i := d.labelled(in.Label)
		if i < 0 {
			return errValue(in.Label, "Label", "can't find label.")
		}
		d.Statement = slices.Delete(d.Statement, i, i+1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.RemovePermissionOutput{}, nil
}
