package sns

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/sns/filter"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	scopeAttributes = "MessageAttributes"
	scopeBody       = "MessageBody"

	roleAttribute = "SubscriptionRoleArn" // as which messages go to Firehose
)

// setSubscriptionAttribute sets an attribute of a subscription to t. all are
// those that are set at once.
func (s *Service) setSubscriptionAttribute(t *topic, sub *subscription, name, value string, all map[string]string) error {
	switch name {
	case "RawMessageDelivery":
		if value != "true" && value != "false" {
			return invalid("RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
		}
	case "FilterPolicyScope":
		if value != scopeAttributes && value != scopeBody {
			return invalid("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", value)
		}
	case "FilterPolicy":
		scope := sub.Attributes["FilterPolicyScope"]
		if v := all["FilterPolicyScope"]; v != "" {
			scope = v
		}
		if err := checkFilter(value, scope); err != nil {
			return err
		}
	case "RedrivePolicy":
		if err := checkRedrive(value); err != nil {
			return err
		}
	case "DeliveryPolicy":
		if value == "" {
			break
		}
		d, err := parseSubscriptionDelivery(value)
		if err != nil {
			return err
		}
		value = toJSON(d)
	case "ReplayPolicy":
		if !t.FIFO {
			return invalid("ReplayPolicy: Only FIFO topics can be replayed")
		}
		if _, err := parseReplay(value); err != nil {
			return err
		}
	case roleAttribute:
		if role, err := aws.ParseARN(value); err != nil || role.Service != "iam" || !strings.HasPrefix(role.Resource, "role/") || sub.Protocol != "firehose" {
			return invalid("SubscriptionRoleArn: Invalid value [%s].", value)
		}
	default:
		return invalid("AttributeName")
	}
	if sub.Attributes == nil {
		sub.Attributes = make(map[string]string)
	}
	if sub.Attributes[name] = value; value == "" || name == "FilterPolicy" && value == "{}" {
		delete(sub.Attributes, name)
	}
	return nil
}

// checkFilter refuses what is no filter policy of that scope.
func checkFilter(text, scope string) error {
	if text == "" || text == "{}" {
		return nil
	}
	_, err := filter.Parse(text, scope == scopeBody)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, filter.ErrNested):
		return invalid("%v", err)
	}
	return invalid("FilterPolicy: %v", err)
}

// deadLetters is the queue of a redrive policy.
func deadLetters(text string) (aws.ARN, error) {
	if text == "" {
		return aws.ARN{}, nil
	}
	var p struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if err := readJSON("RedrivePolicy", text, &p); err != nil {
		return aws.ARN{}, err
	}
	if p.Target == "" {
		return aws.ARN{}, nil
	}
	arn, err := aws.ParseARN(p.Target)
	if err != nil || arn.Service != "sqs" {
		return aws.ARN{}, invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")
	}
	return arn, nil
}

func checkRedrive(text string) error {
	_, err := deadLetters(text)
	return err
}

// GetSubscriptionAttributes returns the attributes of a subscription.
func (s *Service) GetSubscriptionAttributes(ctx context.Context, call *aws.Call, in *api.GetSubscriptionAttributesInput) (*api.GetSubscriptionAttributesOutput, error) {
	key, err := parseSubscriptionARN(in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	out := &api.GetSubscriptionAttributesOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		t, err := topics.Get(tx, key.Topic)
		if errors.Is(err, store.ErrNotFound) {
			return errNoSubscription
		}
		if err != nil {
			return err
		}
		sub, err := findSubscription(tx, key)
		if err != nil {
			return err
		}
		out.Attributes = sub.all(&t, key)
		if r, err := replays.Get(tx, key); err == nil {
			out.Attributes["ReplayStatus"] = toJSON(r.show())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// all returns the attributes of sub as users see them.
func (sub *subscription) all(t *topic, key subscriptionKey) map[string]string {
	all := map[string]string{
		"SubscriptionArn": key.ARN().String(), "TopicArn": key.Topic.String(), "Owner": sub.Owner, "SubscriptionPrincipal": sub.Principal,
		"Protocol": sub.Protocol, "Endpoint": sub.Endpoint, "RawMessageDelivery": "false",
		"PendingConfirmation": strconv.FormatBool(sub.Pending), "ConfirmationWasAuthenticated": strconv.FormatBool(sub.Signed),
	}
	maps.Copy(all, sub.Attributes)
	if all["FilterPolicy"] == "" {
		delete(all, "FilterPolicyScope")
	} else if all["FilterPolicyScope"] == "" {
		all["FilterPolicyScope"] = scopeAttributes
	}
	if strings.HasPrefix(sub.Protocol, "http") {
		all["EffectiveDeliveryPolicy"] = toJSON(deliveryTo(t, sub))
	}
	return all
}

// SetSubscriptionAttributes sets an attribute of a subscription.
func (s *Service) SetSubscriptionAttributes(ctx context.Context, call *aws.Call, in *api.SetSubscriptionAttributesInput) (*api.SetSubscriptionAttributesOutput, error) {
	key, err := parseSubscriptionARN(in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		t, err := topics.Get(tx, key.Topic)
		if errors.Is(err, store.ErrNotFound) {
			return errNoSubscription
		}
		if err != nil {
			return err
		}
		sub, err := findSubscription(tx, key)
		if err != nil {
			return err
		}
		if err := s.setSubscriptionAttribute(&t, &sub, in.AttributeName, aws.Value(in.AttributeValue), nil); err != nil {
			return err
		}
		if in.AttributeName == "ReplayPolicy" {
			if err := s.startReplay(tx, &t, key, aws.Value(in.AttributeValue)); err != nil {
				return err
			}
		}
		return subscriptions.Put(tx, key, sub)
	})
	if err != nil {
		return nil, err
	}
	return &api.SetSubscriptionAttributesOutput{}, nil
}
