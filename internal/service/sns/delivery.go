package sns

import (
	"encoding/json"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
)

// A topicDelivery is the delivery policy of a topic.
type topicDelivery struct {
	HTTP httpDelivery `json:"http"`
}

type httpDelivery struct {
	DefaultHealthyRetryPolicy    *retryPolicy   `json:"defaultHealthyRetryPolicy,omitempty"`
	DisableSubscriptionOverrides bool           `json:"disableSubscriptionOverrides"`
	DefaultThrottlePolicy        *throttle      `json:"defaultThrottlePolicy,omitempty"`
	DefaultRequestPolicy         *requestPolicy `json:"defaultRequestPolicy,omitempty"`
}

// A subscriptionDelivery is the delivery policy of a subscription.
type subscriptionDelivery struct {
	HealthyRetryPolicy *retryPolicy   `json:"healthyRetryPolicy"`
	SicklyRetryPolicy  *retryPolicy   `json:"sicklyRetryPolicy"`
	ThrottlePolicy     *throttle      `json:"throttlePolicy"`
	RequestPolicy      *requestPolicy `json:"requestPolicy"`
	Guaranteed         bool           `json:"guaranteed"`
}

type retryPolicy struct {
	MinDelayTarget     *int    `json:"minDelayTarget,omitempty"`
	MaxDelayTarget     *int    `json:"maxDelayTarget,omitempty"`
	NumRetries         *int    `json:"numRetries,omitempty"`
	NumMaxDelayRetries *int    `json:"numMaxDelayRetries,omitempty"`
	NumNoDelayRetries  *int    `json:"numNoDelayRetries,omitempty"`
	NumMinDelayRetries *int    `json:"numMinDelayRetries,omitempty"`
	BackoffFunction    *string `json:"backoffFunction,omitempty"`
}

type throttle struct {
	MaxReceivesPerSecond *int `json:"maxReceivesPerSecond,omitempty"`
}

type requestPolicy struct {
	HeaderContentType string `json:"headerContentType"`
}

const plainText = "text/plain; charset=UTF-8"

// over returns r with what it leaves out as usual.
func (r *retryPolicy) over() *retryPolicy {
	if r == nil {
		r = new(retryPolicy)
	}
	return &retryPolicy{
		MinDelayTarget: new(aws.Or(r.MinDelayTarget, 20)), MaxDelayTarget: new(aws.Or(r.MaxDelayTarget, 20)),
		NumRetries: new(aws.Or(r.NumRetries, 3)), NumMaxDelayRetries: new(aws.Or(r.NumMaxDelayRetries, 0)),
		NumNoDelayRetries: new(aws.Or(r.NumNoDelayRetries, 0)), NumMinDelayRetries: new(aws.Or(r.NumMinDelayRetries, 0)),
		BackoffFunction: new(aws.Or(r.BackoffFunction, "linear")),
	}
}

// check refuses what is out of bounds.
func (r *retryPolicy) check() error {
	if r == nil {
		return nil
	}
	full := r.over()
	switch {
	case *full.MinDelayTarget < 1 || *full.MinDelayTarget > *full.MaxDelayTarget || *full.MaxDelayTarget > 3600:
		return invalid("DeliveryPolicy: healthyRetryPolicy.minDelayTarget must be at least 1 and at most maxDelayTarget, which is at most 3600")
	case *full.NumRetries < 0 || *full.NumRetries > 100:
		return invalid("DeliveryPolicy: healthyRetryPolicy.numRetries must be between 0 and 100")
	}
	return nil
}

// checkDeliveryPolicy refuses delivery policies of topics that are none, and
// returns others as they are kept.
func checkDeliveryPolicy(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	var d struct {
		HTTP *httpDelivery `json:"http"`
	}
	if err := readJSON("DeliveryPolicy", text, &d); err != nil {
		return "", err
	}
	if d.HTTP == nil {
		return "", nil
	}
	return toJSON(topicDelivery{*d.HTTP}), d.HTTP.DefaultHealthyRetryPolicy.check()
}

// effectiveDelivery is the delivery policy of a topic with what it leaves out.
func effectiveDelivery(text string) topicDelivery {
	var d topicDelivery
	if text != "" && json.Unmarshal([]byte(text), &d) != nil {
		d = topicDelivery{}
	}
	d.HTTP.DefaultHealthyRetryPolicy = d.HTTP.DefaultHealthyRetryPolicy.over()
	if d.HTTP.DefaultRequestPolicy == nil {
		d.HTTP.DefaultRequestPolicy = &requestPolicy{plainText}
	}
	return d
}

// parseSubscriptionDelivery reads the delivery policy of a subscription.
func parseSubscriptionDelivery(text string) (*subscriptionDelivery, error) {
	d := new(subscriptionDelivery)
	if err := readJSON("DeliveryPolicy", text, d); err != nil {
		return nil, err
	}
	return d, d.HealthyRetryPolicy.check()
}

// deliveryTo is the delivery policy by which a subscription of t is served.
func deliveryTo(t *topic, sub *subscription) subscriptionDelivery {
	of := effectiveDelivery(t.Attributes["DeliveryPolicy"]).HTTP
	out := subscriptionDelivery{HealthyRetryPolicy: of.DefaultHealthyRetryPolicy, ThrottlePolicy: of.DefaultThrottlePolicy, RequestPolicy: of.DefaultRequestPolicy}
	text := sub.Attributes["DeliveryPolicy"]
	if text == "" || of.DisableSubscriptionOverrides {
		return out
	}
	own, err := parseSubscriptionDelivery(text)
	if err != nil {
		return out
	}
	if own.HealthyRetryPolicy != nil {
		out.HealthyRetryPolicy = own.HealthyRetryPolicy.over()
	}
	if own.ThrottlePolicy != nil {
		out.ThrottlePolicy = own.ThrottlePolicy
	}
	if own.RequestPolicy != nil {
		out.RequestPolicy = own.RequestPolicy
	}
	return out
}

// retryOf says how often and for how long a delivery to a subscription is tried.
func retryOf(t *topic, sub *subscription) event.Retry {
	switch sub.Protocol {
	case "http", "https":
		r := deliveryTo(t, sub).HealthyRetryPolicy
		return event.Retry{
			Attempts: 1 + *r.NumRetries, MaxAge: time.Hour,
			First: time.Duration(*r.MinDelayTarget) * time.Second, Most: time.Duration(*r.MaxDelayTarget) * time.Second,
		}
	case "sqs", "lambda":
		return event.Retry{Attempts: 100_015, MaxAge: 23 * 24 * time.Hour, First: time.Second, Most: 20 * time.Second}
	}
	return event.Retry{Attempts: 50, MaxAge: 6 * time.Hour, First: 10 * time.Second, Most: 10 * time.Minute}
}
