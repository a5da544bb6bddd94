package sns

import (
	"errors"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/event/pattern"
	"github.com/aloft-cloud/aloft/internal/service/sns/filter"
	"github.com/aloft-cloud/aloft/internal/store"
)

// fanOut sends m to each subscription of t that wants it.
func (s *Service) fanOut(tx *store.Tx, t *topic, m *message) error {
	seen := &filtered{message: m}
	for key, sub := range subscriptions.Scan(tx, subscriptionKey{Topic: m.topic}) {
		if sub.Pending || !s.wants(&sub, seen) {
			continue
		}
		if err := s.sendMessage(tx, t, key, &sub, m); err != nil {
			return err
		}
	}
	return tx.Err()
}

// wants reports whether m meets the filter of sub.
func (s *Service) wants(sub *subscription, m *filtered) bool {
	text := sub.Attributes["FilterPolicy"]
	if text == "" {
		return true
	}
	body := sub.Attributes["FilterPolicyScope"] == scopeBody
	id := sub.Attributes["FilterPolicyScope"] + text
	f, changes := s.filters.Get(id)
	if f == nil {
		var err error
		if f, err = filter.Parse(text, body); err != nil {
			return false // of another scope
		}
		s.filters.Put(id, f, changes)
	}
	if body {
		return f.Match(m.body(sub.Protocol))
	}
	return f.Match(m.attributes())
}

// filtered is a message as filters see it, which is found out once, and only if
// there are any.
type filtered struct {
	message *message
	named   *pattern.Event            // the attributes
	bodies  map[string]*pattern.Event // by text
}

func (f *filtered) attributes() *pattern.Event {
	if f.named == nil {
		f.named = filter.Attributes(filterable(f.message.MessageAttributes))
	}
	return f.named
}

func (f *filtered) body(protocol string) *pattern.Event {
	text := f.message.text(protocol)
	e, known := f.bodies[text]
	if !known {
		if e = filter.Body(text); f.bodies == nil {
			f.bodies = make(map[string]*pattern.Event)
		}
		f.bodies[text] = e
	}
	return e
}

// sendMessage sends m to one subscription.
func (s *Service) sendMessage(tx *store.Tx, t *topic, key subscriptionKey, sub *subscription, m *message) error {
	protocol := sub.Protocol
	if protocol == "application" {
		device, err := endpoints.Get(tx, endpointOf(sub))
		if errors.Is(err, store.ErrNotFound) || err == nil && device.Attributes["Enabled"] != "true" {
			return nil // nobody is told
		}
		if err != nil {
			return err
		}
		to := *sub
		to.Endpoint, protocol = device.Attributes["Token"], platformOf(endpointOf(sub))
		sub = &to
	}
	e := newEnvelope(m, protocol)
	e.UnsubscribeURL = s.link("Unsubscribe", "SubscriptionArn", key.ARN().String())
	raw := sub.raw()
	if !t.FIFO && !raw && !slices.Contains([]string{"sms", "application", "firehose"}, sub.Protocol) {
		if err := s.signMessage(t, e, key.Topic, sub, m); err != nil {
			return err
		}
	}
	d := s.delivery(t, key, sub, e)
	d.Trace = m.trace
	if raw {
		d.Body = []byte(e.Message)
	}
	if sub.Protocol == "firehose" {
		d.Body = append(d.Body, '\n')
	}
	if raw {
		if sub.Protocol == "sqs" && len(m.MessageAttributes) > 0 {
			d.Params[event.MessageAttributes] = toJSON(m.MessageAttributes)
		}
	}
	if group := aws.Value(m.MessageGroupId); group != "" && (!t.FIFO || sub.Protocol != "sqs" || strings.HasSuffix(sub.Endpoint, ".fifo")) {
		d.Params[event.GroupID] = group
		if t.FIFO {
			d.Params[event.DeduplicationID] = *m.MessageDeduplicationId
			d.Ordered, d.Line = true, d.Line+"/"+group
		}
	}
	watch(t, sub, m, &d)
	return s.router.Send(tx, d)
}

// signMessage signs e, which holds m. One signature is good for all who get the
// same text.
func (s *Service) signMessage(t *topic, e *envelope, arn aws.ARN, sub *subscription, m *message) error {
	id := t.Attributes["SignatureVersion"] + e.Message
	e.Signature = m.signatures[id]
	if err := s.sign(t, e, arn, sub); err != nil {
		return err
	}
	m.signatures[id] = e.Signature
	return nil
}

// raw reports whether sub gets messages without an envelope.
func (sub *subscription) raw() bool {
	return sub.Attributes["RawMessageDelivery"] == "true" && sub.Protocol != "lambda"
}

// delivery is how e goes to a subscription.
func (s *Service) delivery(t *topic, key subscriptionKey, sub *subscription, e *envelope) event.Delivery {
	arn := key.ARN()
	d := event.Delivery{
		Source: key.Topic, Target: arn, Line: arn.String(), Params: make(map[string]string), Retry: retryOf(t, sub),
	}
	d.DeadLetter, _ = deadLetters(sub.Attributes["RedrivePolicy"]) // checked when it was set
	switch sub.Protocol {
	case "sqs":
		d.Target, d.Body = endpointOf(sub), []byte(e.json())
	case "firehose":
		d.Target, d.Role, d.Body = endpointOf(sub), sub.Attributes[roleAttribute], []byte(e.line())
	case "lambda":
		d.Target, d.Body, d.Original = endpointOf(sub), []byte(e.event(arn.String())), []byte(e.json())
	default:
		d.Body = []byte(e.json())
		d.Params[event.Protocol], d.Params[event.To] = sub.Protocol, sub.Endpoint
		d.Params[paramType], d.Params[event.MessageID], d.Params[paramTopic] = e.Type, e.MessageID, e.TopicARN
		if e.Subject != nil {
			d.Params[event.Subject] = *e.Subject
		}
		if strings.HasPrefix(sub.Protocol, "http") {
			d.Params[paramContentType] = deliveryTo(t, sub).RequestPolicy.HeaderContentType
			if sub.raw() && e.Type == "Notification" {
				d.Params[paramRaw] = "true"
			}
		} else if sub.Protocol != "email-json" {
			d.Body = []byte(e.letter())
		}
	}
	return d
}

// endpointOf is the ARN that a subscription names, which was checked.
func endpointOf(sub *subscription) aws.ARN {
	arn, err := aws.ParseARN(sub.Endpoint)
	if err != nil {
		return aws.ARN{Service: sub.Protocol, Resource: sub.Endpoint}
	}
	return arn
}

// letter is e for people to read.
func (e *envelope) letter() string {
	if e.SubscribeURL != "" {
		return e.Message + "\n\n" + e.SubscribeURL
	}
	return e.Message
}
