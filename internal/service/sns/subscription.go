package sns

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// pendingARN stands for the ARN of a subscription that nobody has confirmed.
const (
	pendingARN    = "pending confirmation"
	pendingListed = "PendingConfirmation"
)

// Subscribe sends what is published to a topic to an endpoint, once that has
// confirmed that it wants it.
func (s *Service) Subscribe(ctx context.Context, call *aws.Call, in *api.SubscribeInput) (*api.SubscribeOutput, error) {
	arn, err := topicARN(call, in.TopicArn)
	if err != nil {
		return nil, err
	}
	endpoint := aws.Value(in.Endpoint)
	if err := s.checkEndpoint(in.Protocol, endpoint); err != nil {
		return nil, err
	}
	if err := s.signer.ready(ctx); err != nil {
		return nil, err
	}
	out := &api.SubscribeOutput{}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		t, err := findTopic(tx, arn)
		if err != nil {
			return err
		}
		if err := checkFIFOEndpoint(&t, in.Protocol, endpoint); err != nil {
			return err
		}
		sub := subscription{
			Protocol: in.Protocol, Endpoint: endpoint, Owner: owner(call), Principal: call.Principal.ARN, Created: time.Now(),
			Attributes: make(map[string]string),
		}
		for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
			if err := s.setSubscriptionAttribute(&t, &sub, name, in.Attributes[name], in.Attributes); err != nil {
				return reason(err)
			}
		}
		if in.Protocol == "firehose" && sub.Attributes[roleAttribute] == "" {
			return invalid("SubscriptionRoleArn Reason: a subscription of Firehose needs a role")
		}
		key, old, err := s.sameSubscription(tx, arn, &sub)
		if err != nil {
			return err
		}
		switch {
		case old == nil:
			key = subscriptionKey{arn, aws.NewRequestID()}
			err = s.begin(tx, &t, key, &sub)
		case len(in.Attributes) > 0 && !maps.Equal(old.Attributes, sub.Attributes):
			return invalid("Attributes Reason: Subscription already exists with different attributes")
		default:
			if sub = *old; sub.Pending {
				err = s.askToConfirm(tx, &t, key, &sub)
			}
		}
		if out.SubscriptionArn = new(key.ARN().String()); sub.Pending && !aws.Value(in.ReturnSubscriptionArn) {
			out.SubscriptionArn = new(pendingARN)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func owner(call *aws.Call) string {
	if call.Principal.Account != "" {
		return call.Principal.Account
	}
	return call.Account
}

// begin keeps a new subscription, and asks endpoints of others whether they want it.
func (s *Service) begin(tx *store.Tx, t *topic, key subscriptionKey, sub *subscription) error {
	switch sub.Protocol {
	case "http", "https", "email", "email-json":
		sub.Pending, sub.Token = true, newToken()
		if err := s.askToConfirm(tx, t, key, sub); err != nil {
			return err
		}
	default:
		sub.Signed = true
	}
	if text := sub.Attributes["ReplayPolicy"]; text != "" {
		if err := s.startReplay(tx, t, key, text); err != nil {
			return err
		}
	}
	return subscriptions.Put(tx, key, *sub)
}

// sameSubscription finds the subscription of the same endpoint, if there is one.
func (s *Service) sameSubscription(tx *store.Tx, arn aws.ARN, sub *subscription) (subscriptionKey, *subscription, error) {
	for key, old := range subscriptions.Scan(tx, subscriptionKey{Topic: arn}) {
		if old.Protocol == sub.Protocol && old.Endpoint == sub.Endpoint {
			return key, &old, nil
		}
	}
	return subscriptionKey{}, nil, tx.Err()
}

var (
	phoneNumber = regexp.MustCompile(`^\+?[0-9][0-9 ()./-]{6,20}$`)
	mailAddress = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
)

// checkEndpoint refuses endpoints that are none of their protocol.
func (s *Service) checkEndpoint(protocol, endpoint string) error {
	arnOf := func(service, words string) error {
		if arn, err := aws.ParseARN(endpoint); err != nil || arn.Service != service {
			return invalid("%s", words)
		}
		return nil
	}
	switch protocol {
	case "http", "https":
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != protocol || u.Host == "" {
			return invalid("Endpoint must match the specified protocol")
		}
	case "email", "email-json":
		if !mailAddress.MatchString(endpoint) {
			return invalid("Email address")
		}
	case "sms":
		if !phoneNumber.MatchString(endpoint) || strings.Contains(endpoint, "--") {
			return api.InvalidParameterException.Errorf("Invalid SMS endpoint: %s", endpoint)
		}
	case "sqs":
		return arnOf("sqs", "SQS endpoint ARN")
	case "lambda":
		return arnOf("lambda", "Lambda endpoint ARN")
	case "application":
		return arnOf("sns", "Application endpoint arn invalid")
	case "firehose":
		return arnOf("firehose", "Firehose endpoint ARN")
	default:
		return invalid("Amazon SNS does not support this protocol string: %s", protocol)
	}
	return nil
}

// checkFIFOEndpoint refuses endpoints that cannot keep what t promises.
func checkFIFOEndpoint(t *topic, protocol, endpoint string) error {
	switch {
	case t.FIFO && protocol != "sqs":
		return invalid("Invalid parameter: Endpoint Reason: Please use SQS queues as endpoints of FIFO topics")
	case !t.FIFO && protocol == "sqs" && strings.HasSuffix(endpoint, ".fifo"):
		return invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
	}
	return nil
}

// Unsubscribe ends a subscription. One that is gone already is no failure.
func (s *Service) Unsubscribe(ctx context.Context, call *aws.Call, in *api.UnsubscribeInput) (*api.UnsubscribeOutput, error) {
	key, err := parseSubscriptionARN(in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	if err := s.signer.ready(ctx); err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		t, err := findTopic(tx, key.Topic)
		if err != nil {
			return ignore(err, api.NotFoundException)
		}
		sub, err := findSubscription(tx, key)
		if err != nil {
			return ignore(err, api.NotFoundException)
		}
		if call.Principal.Kind == aws.Anonymous && sub.SignedEnd {
			return api.AuthorizationErrorException.Errorf("The subscription can only be deleted by its owner or the owner of the topic.")
		}
		if err := s.tellOfEnd(tx, &t, key, &sub); err != nil {
			return err
		}
		t.Deleted++
		return errors.Join(topics.Put(tx, key.Topic, t), subscriptions.Delete(tx, key), replays.Delete(tx, key))
	})
	if err != nil {
		return nil, err
	}
	return &api.UnsubscribeOutput{}, nil
}

func ignore(err error, fault aws.Fault) error {
	if errors.Is(err, fault) {
		return nil
	}
	return err
}

// show returns sub as it is listed.
func (sub *subscription) show(key subscriptionKey) api.Subscription {
	out := api.Subscription{
		SubscriptionArn: new(key.ARN().String()), Owner: &sub.Owner, Protocol: &sub.Protocol, Endpoint: &sub.Endpoint, TopicArn: new(key.Topic.String()),
	}
	if sub.Pending {
		out.SubscriptionArn = new(pendingListed)
	}
	return out
}

// ListSubscriptions lists the subscriptions to the topics of an account and region.
func (s *Service) ListSubscriptions(ctx context.Context, call *aws.Call, in *api.ListSubscriptionsInput) (*api.ListSubscriptionsOutput, error) {
	out := &api.ListSubscriptionsOutput{Subscriptions: []api.Subscription{}}
	var err error
	out.NextToken, err = s.list(ctx, call, call.ARN("sns", ""), in.NextToken, func(sub api.Subscription) { out.Subscriptions = append(out.Subscriptions, sub) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListSubscriptionsByTopic lists the subscriptions to a topic.
func (s *Service) ListSubscriptionsByTopic(ctx context.Context, call *aws.Call, in *api.ListSubscriptionsByTopicInput) (*api.ListSubscriptionsByTopicOutput, error) {
	arn, err := topicARN(call, in.TopicArn)
	if err != nil {
		return nil, err
	}
	out := &api.ListSubscriptionsByTopicOutput{Subscriptions: []api.Subscription{}}
	out.NextToken, err = s.list(ctx, call, arn, in.NextToken, func(sub api.Subscription) { out.Subscriptions = append(out.Subscriptions, sub) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// list adds the subscriptions to the topic at arn, or to all if that names none.
func (s *Service) list(ctx context.Context, call *aws.Call, arn aws.ARN, token *string, show func(api.Subscription)) (next *string, err error) {
	return listed(token, func(after string, add func(string, func()) bool) error {
		return s.db.View(ctx, func(tx *store.Tx) error {
			from := subscriptionKey{Topic: arn}
			if topicName, id, found := strings.Cut(after, ":"); found {
				from = subscriptionKey{call.ARN("sns", topicName), id}
			}
			if arn.Resource != "" {
				if _, err := findTopic(tx, arn); err != nil {
					return err
				}
			}
			for key, sub := range subscriptions.ScanAfter(tx, subscriptionKey{Topic: arn}, from) {
				if !add(key.Topic.Resource+":"+key.ID, func() { show(sub.show(key)) }) {
					break
				}
			}
			return tx.Err()
		})
	})
}
