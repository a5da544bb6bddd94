package sns

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// tokensLast is for how long a subscription can be confirmed.
const tokensLast = 3 * 24 * time.Hour

// newToken makes a token that a subscription is confirmed by.
func newToken() string {
	var b [96]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// askToConfirm sends a new subscription's endpoint the token to confirm it by.
func (s *Service) askToConfirm(tx *store.Tx, t *topic, key subscriptionKey, sub *subscription) error {
	arn := key.Topic.String()
	return s.tell(tx, t, key, sub, &envelope{
		Type:    "SubscriptionConfirmation",
		Token:   sub.Token,
		Message: "You have chosen to subscribe to the topic " + arn + ".\nTo confirm the subscription, visit the SubscribeURL included in this message.",
	})
}

// tellOfEnd sends an endpoint that its subscription has ended, and how to
// begin it again.
func (s *Service) tellOfEnd(tx *store.Tx, t *topic, key subscriptionKey, sub *subscription) error {
	if sub.Protocol != "http" && sub.Protocol != "https" || sub.Pending {
		return nil
	}
	arn := key.ARN().String()
	return s.tell(tx, t, key, sub, &envelope{
		Type:    "UnsubscribeConfirmation",
		Token:   newToken(),
		Message: "You have chosen to deactivate subscription " + arn + ".\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.",
	})
}

// tell sends an endpoint a message about its subscription.
func (s *Service) tell(tx *store.Tx, t *topic, key subscriptionKey, sub *subscription, e *envelope) error {
	e.MessageID, e.TopicARN, e.Timestamp = aws.NewRequestID(), key.Topic.String(), timestamp(time.Now())
	e.SubscribeURL = s.link("ConfirmSubscription", "TopicArn", e.TopicARN, "Token", e.Token)
	if err := s.sign(t, e, key.Topic, sub); err != nil {
		return err
	}
	return s.router.Send(tx, s.delivery(t, key, sub, e))
}

// ConfirmSubscription confirms the subscription that was sent a token.
func (s *Service) ConfirmSubscription(ctx context.Context, call *aws.Call, in *api.ConfirmSubscriptionInput) (*api.ConfirmSubscriptionOutput, error) {
	arn, err := aws.ParseARN(in.TopicArn)
	if err != nil || arn.Service != "sns" || strings.Contains(arn.Resource, ":") {
		return nil, invalid("Topic")
	}
	if strings.Trim(in.Token, "0123456789abcdef") != "" {
		return nil, errWrongToken
	}
	out := &api.ConfirmSubscriptionOutput{}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		for key, sub := range subscriptions.Scan(tx, subscriptionKey{Topic: arn}) {
			if sub.Token != in.Token {
				continue
			}
			out.SubscriptionArn = new(key.ARN().String())
			if !sub.Pending {
				return nil
			}
			if time.Since(sub.Created) > tokensLast {
				return errToken
			}
			sub.Pending = false
			sub.Signed = call.Principal.Kind != aws.Anonymous
			sub.SignedEnd = aws.Value(in.AuthenticateOnUnsubscribe) == "true"
			return subscriptions.Put(tx, key, sub)
		}
		return errToken
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
