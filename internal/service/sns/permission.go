package sns

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// policyOf implements service.Definition.Policy.
func (s *Service) policyOf(ctx context.Context, arn aws.ARN) (text string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		t, err := topics.Get(tx, arn)
		if err == nil {
			text = t.policy(arn)
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return text, err
}

// permissions are the actions that may be given to others.
var permissions = []string{
	"AddPermission", "DeleteTopic", "GetDataProtectionPolicy", "GetTopicAttributes", "ListSubscriptionsByTopic", "ListTagsForResource",
	"Publish", "PutDataProtectionPolicy", "RemovePermission", "SetTopicAttributes", "Subscribe",
}

// changeStatements keeps what fn makes of the statements of a topic's policy.
func (s *Service) changeStatements(ctx context.Context, call *aws.Call, topicArn string, fn func(arn aws.ARN, d *document) error) error {
	arn, err := topicARN(call, topicArn)
	if err != nil {
		return err
	}
	return s.changeTopic(ctx, arn, func(t *topic) error {
		d := new(document)
		if err := json.Unmarshal([]byte(t.policy(arn)), d); err != nil {
			return invalid("Policy")
		}
		if err := fn(arn, d); err != nil {
			return err
		}
		return t.setPolicy(arn, toJSON(d))
	})
}

// labelled returns where the statement with a label is, or -1.
func (d *document) labelled(label string) int {
	return slices.IndexFunc(d.Statement, func(text json.RawMessage) bool {
		var s struct{ Sid string }
		return json.Unmarshal(text, &s) == nil && s.Sid == label
	})
}

// oneOrAll is a list as policies have it.
func oneOrAll(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// AddPermission lets other accounts use a topic.
func (s *Service) AddPermission(ctx context.Context, call *aws.Call, in *api.AddPermissionInput) (*api.AddPermissionOutput, error) {
	err := s.changeStatements(ctx, call, in.TopicArn, func(arn aws.ARN, d *document) error {
		if d.labelled(in.Label) >= 0 {
			return invalid("Statement already exists")
		}
		add := statement{Sid: in.Label, Effect: "Allow", Resource: arn.String()}
		var accounts, actions []string
		for _, action := range in.ActionName {
			if !slices.Contains(permissions, action) {
				return invalid("Policy statement action out of service scope!")
			}
			actions = append(actions, "SNS:"+action)
		}
		for _, account := range in.AWSAccountId {
			accounts = append(accounts, "arn:aws:iam::"+account+":root")
		}
		add.Principal.AWS, add.Action = oneOrAll(accounts), oneOrAll(actions)
		d.Statement = append(d.Statement, json.RawMessage(toJSON(add)))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.AddPermissionOutput{}, nil
}

// RemovePermission takes back what AddPermission gave under a label.
func (s *Service) RemovePermission(ctx context.Context, call *aws.Call, in *api.RemovePermissionInput) (*api.RemovePermissionOutput, error) {
	err := s.changeStatements(ctx, call, in.TopicArn, func(arn aws.ARN, d *document) error {
		if i := d.labelled(in.Label); i >= 0 {
			d.Statement = slices.Delete(d.Statement, i, i+1)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.RemovePermissionOutput{}, nil
}
