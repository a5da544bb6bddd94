package sns

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateTopic makes a topic, unless there is one just like it.
func (s *Service) CreateTopic(ctx context.Context, call *aws.Call, in *api.CreateTopicInput) (*api.CreateTopicOutput, error) {
	arn := call.ARN("sns", in.Name)
	if aws.Value(in.DataProtectionPolicy) != "" {
		return nil, errDataProtection
	}
	fifo := in.Attributes["FifoTopic"] == "true"
	base, suffixed := strings.CutSuffix(in.Name, ".fifo")
	if suffixed != fifo || !isName(base) || len(in.Name) > 256 {
		return nil, invalid("Topic Name")
	}
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		t := topic{Created: time.Now(), FIFO: fifo, Attributes: make(map[string]string), Tags: tags}
		for name, value := range in.Attributes {
			if err := s.setTopicAttribute(&t, arn, name, value, true); err != nil {
				return reason(err)
			}
		}
		old, err := topics.Get(tx, arn)
		if err == nil {
			return checkSameTopic(&old, &t, in)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		tx.AfterCommit(func() { s.policies.Add(1) })
		return topics.Put(tx, arn, t)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateTopicOutput{TopicArn: new(arn.String())}, nil
}

var errDataProtection = aws.NotImplemented.Errorf("Aloft does not audit, mask or deny sensitive data in messages yet: topics cannot have a data protection policy.")

// checkSameTopic refuses to make a topic that is there and differs.
func checkSameTopic(old, t *topic, in *api.CreateTopicInput) error {
	for name := range in.Attributes {
		if old.Attributes[name] != t.Attributes[name] || name == "Policy" && old.Policy != t.Policy {
			return invalid("Attributes Reason: Topic already exists with different attributes")
		}
	}
	if len(in.Tags) > 0 && !maps.Equal(old.Tags, t.Tags) {
		return invalid("Tags Reason: Topic already exists with different tags")
	}
	return nil
}

func isName(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// DeleteTopic deletes a topic and its subscriptions.
func (s *Service) DeleteTopic(ctx context.Context, call *aws.Call, in *api.DeleteTopicInput) (*api.DeleteTopicOutput, error) {
	arn, err := topicARN(call, in.TopicArn)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		tx.AfterCommit(func() { s.policies.Add(1) })
		return errors.Join(
			topics.Delete(tx, arn),
			subscriptions.DeletePrefix(tx, subscriptionKey{Topic: arn}),
			sequences.Delete(tx, arn),
			recents.DeletePrefix(tx, recentKey{Topic: arn}),
			archives.DeletePrefix(tx, archiveKey{Topic: arn}),
			replays.DeletePrefix(tx, subscriptionKey{Topic: arn}),
		)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteTopicOutput{}, nil
}

const pageSize = 100

// listed adds what each yields to a list, a page at a time. each is called with
// what the token says, and adds until it is told that there is no more room.
func listed(token *string, each func(after string, add func(name string, show func()) bool) error) (next *string, err error) {
	after := ""
	if token != nil && *token != "" {
		b, err := base64.StdEncoding.DecodeString(*token)
		if err != nil {
			return nil, invalid("NextToken")
		}
		after = string(b)
	}
	count, last := 0, ""
	err = each(after, func(name string, show func()) bool {
		if count == pageSize {
			next = new(base64.StdEncoding.EncodeToString([]byte(last)))
			return false
		}
		count, last = count+1, name
		show()
		return true
	})
	return next, err
}

// ListTopics lists the topics of an account and region.
func (s *Service) ListTopics(ctx context.Context, call *aws.Call, in *api.ListTopicsInput) (*api.ListTopicsOutput, error) {
	out := &api.ListTopicsOutput{Topics: []api.Topic{}}
	var err error
	out.NextToken, err = listed(in.NextToken, func(after string, add func(string, func()) bool) error {
		return s.db.View(ctx, func(tx *store.Tx) error {
			for arn := range topics.ScanAfter(tx, call.ARN("sns", ""), call.ARN("sns", after)) {
				if !add(arn.Resource, func() { out.Topics = append(out.Topics, api.Topic{TopicArn: new(arn.String())}) }) {
					break
				}
			}
			return tx.Err()
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// GetTopicAttributes returns the attributes of a topic.
func (s *Service) GetTopicAttributes(ctx context.Context, call *aws.Call, in *api.GetTopicAttributesInput) (*api.GetTopicAttributesOutput, error) {
	arn, err := topicARN(call, in.TopicArn)
	if err != nil {
		return nil, err
	}
	out := &api.GetTopicAttributesOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		t, err := findTopic(tx, arn)
		if err != nil {
			return err
		}
		pending, confirmed := 0, 0
		for _, sub := range subscriptions.Scan(tx, subscriptionKey{Topic: arn}) {
			if sub.Pending {
				pending++
			} else {
				confirmed++
			}
		}
		out.Attributes = t.show(arn)
		out.Attributes["SubscriptionsPending"] = strconv.Itoa(pending)
		out.Attributes["SubscriptionsConfirmed"] = strconv.Itoa(confirmed)
		out.Attributes["SubscriptionsDeleted"] = strconv.Itoa(t.Deleted)
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// show returns the attributes of t as users see them.
func (t *topic) show(arn aws.ARN) map[string]string {
	all := map[string]string{"TopicArn": arn.String(), "Owner": arn.Account, "DisplayName": "", "Policy": t.policy(arn)}
	maps.Copy(all, t.Attributes)
	all["EffectiveDeliveryPolicy"] = toJSON(effectiveDelivery(t.Attributes["DeliveryPolicy"]))
	if t.FIFO {
		all["FifoTopic"] = "true"
		if all["ContentBasedDeduplication"] == "" {
			all["ContentBasedDeduplication"] = "false"
		}
	}
	return all
}

// SetTopicAttributes sets an attribute of a topic.
func (s *Service) SetTopicAttributes(ctx context.Context, call *aws.Call, in *api.SetTopicAttributesInput) (*api.SetTopicAttributesOutput, error) {
	arn, err := topicARN(call, in.TopicArn)
	if err != nil {
		return nil, err
	}
	err = s.changeTopic(ctx, arn, func(t *topic) error {
		return s.setTopicAttribute(t, arn, in.AttributeName, aws.Value(in.AttributeValue), false)
	})
	if err != nil {
		return nil, err
	}
	return &api.SetTopicAttributesOutput{}, nil
}

// changeTopic keeps what fn makes of a topic.
func (s *Service) changeTopic(ctx context.Context, arn aws.ARN, fn func(t *topic) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		t, err := findTopic(tx, arn)
		if err != nil {
			return err
		}
		if t.Attributes == nil {
			t.Attributes = make(map[string]string)
		}
		if err := fn(&t); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.policies.Add(1) })
		return topics.Put(tx, arn, t)
	})
}
