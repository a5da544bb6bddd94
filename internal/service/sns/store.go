package sns

import (
	"errors"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	topics        = store.NewTable[aws.ARN, topic]("sns.topic")
	subscriptions = store.NewTable[subscriptionKey, subscription]("sns.subscription")
	sequences     = store.NewTable[aws.ARN, uint64]("sns.sequence") // of FIFO topics: the last number given
	recents       = store.NewTable[recentKey, recent]("sns.recent")
	archives      = store.NewTable[archiveKey, archived]("sns.archive")
	replays       = store.NewTable[subscriptionKey, replaying]("sns.replay")

	applications = store.NewTable[aws.ARN, application]("sns.application")
	endpoints    = store.NewTable[aws.ARN, endpoint]("sns.endpoint")
	smsSettings  = store.NewTable[smsKey, map[string]string]("sns.sms")
	optedOut     = store.NewTable[optedOutKey, time.Time]("sns.optedout")
	sandbox      = store.NewTable[optedOutKey, tried]("sns.sandbox")
	letters      = store.NewTable[letterKey, Letter]("sns.letter")
	signingKeys  = store.NewTable[string, signingKey]("sns.signingkey")
)

// A topic is all that is known of a topic besides its subscriptions.
type topic struct {
	Created    time.Time
	FIFO       bool              `json:",omitempty"`
	Attributes map[string]string // as they were set
	Policy     string            `json:",omitempty"` // "" is that of every topic
	Tags       map[string]string `json:",omitempty"`
	Deleted    int               `json:",omitempty"` // subscriptions
}

// A subscriptionKey names a subscription.
type subscriptionKey struct {
	Topic aws.ARN
	ID    string
}

// ARN is the name of the subscription for users.
func (k subscriptionKey) ARN() aws.ARN {
	arn := k.Topic
	arn.Resource += ":" + k.ID
	return arn
}

// A subscription is who gets what is published to a topic.
type subscription struct {
	Protocol, Endpoint string
	Owner, Principal   string // account and ARN of who subscribed
	Created            time.Time
	Token              string            `json:",omitempty"` // by which it is confirmed
	Pending            bool              `json:",omitempty"`
	Signed             bool              `json:",omitempty"` // whoever confirmed it did
	SignedEnd          bool              `json:",omitempty"` // and so must who ends it
	Attributes         map[string]string `json:",omitempty"`
}

// findTopic returns a topic.
func findTopic(tx *store.Tx, arn aws.ARN) (topic, error) {
	t, err := topics.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return t, errNoTopic
	}
	return t, err
}

// findSubscription returns a subscription.
func findSubscription(tx *store.Tx, key subscriptionKey) (subscription, error) {
	sub, err := subscriptions.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return sub, errNoSubscription
	}
	return sub, err
}

// parseSubscriptionARN reads the ARN of a subscription.
func parseSubscriptionARN(text string) (subscriptionKey, error) {
	if text == "" {
		return subscriptionKey{}, invalid("SubscriptionArn Reason: no value for required parameter")
	}
	arn, err := parseARN(text, "SubscriptionArn")
	if err != nil {
		return subscriptionKey{}, err
	}
	name, id, found := strings.Cut(arn.Resource, ":")
	if !found || len(id) != 36 {
		return subscriptionKey{}, invalid("SubscriptionId")
	}
	arn.Resource = name
	return subscriptionKey{arn, id}, nil
}
