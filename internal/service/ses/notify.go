package ses

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// notificationTypes are what an identity's owner may hear of.
var notificationTypes = []string{api.NotificationTypeBounce, api.NotificationTypeComplaint, api.NotificationTypeDelivery}

func checkNotification(kind string) error {
	if !slices.Contains(notificationTypes, kind) {
		return invalid("Invalid notification type: %s. Valid values are: Bounce, Complaint, Delivery.", kind)
	}
	return nil
}

// unverified says that an identity is not there as the first API does.
func unverified(err error, name string) error {
	if errors.Is(err, errIdentity) {
		return api.MessageRejected.Errorf("Identity %s is not verified or does not exist.", name)
	}
	return err
}

// SetIdentityNotificationTopic sets the topic that hears of a type of event.
func (s *Service) SetIdentityNotificationTopic(ctx context.Context, call *aws.Call, in *api.SetIdentityNotificationTopicInput) (*api.SetIdentityNotificationTopicOutput, error) {
	if err := checkNotification(in.NotificationType); err != nil {
		return nil, err
	}
	if arn, err := aws.ParseARN(aws.Value(in.SnsTopic)); in.SnsTopic != nil && *in.SnsTopic != "" && (err != nil || arn.Service != "sns") {
		return nil, invalid("Invalid Amazon SNS topic <%s>.", *in.SnsTopic)
	}
	err := s.setNotification(ctx, call, in.Identity, in.NotificationType, func(n *notification) { n.Topic = aws.Value(in.SnsTopic) })
	return &api.SetIdentityNotificationTopicOutput{}, err
}

// SetIdentityHeadersInNotificationsEnabled says whether that topic hears of the
// headers of messages too.
func (s *Service) SetIdentityHeadersInNotificationsEnabled(ctx context.Context, call *aws.Call, in *api.SetIdentityHeadersInNotificationsEnabledInput) (*api.SetIdentityHeadersInNotificationsEnabledOutput, error) {
	if err := checkNotification(in.NotificationType); err != nil {
		return nil, err
	}
	err := s.setNotification(ctx, call, in.Identity, in.NotificationType, func(n *notification) { n.Headers = in.Enabled })
	return &api.SetIdentityHeadersInNotificationsEnabledOutput{}, err
}

func (s *Service) setNotification(ctx context.Context, call *aws.Call, name, kind string, change func(*notification)) error {
	err := s.changeIdentity(ctx, identityARN(call, name), func(row *identity) error {
		n := row.Topics[kind]
		change(&n)
		if row.Topics == nil {
			row.Topics = make(map[string]notification)
		}
		row.Topics[kind] = n
		return nil
	})
	return unverified(err, name)
}

// SetIdentityFeedbackForwardingEnabled notes whether bounces are forwarded.
func (s *Service) SetIdentityFeedbackForwardingEnabled(ctx context.Context, call *aws.Call, in *api.SetIdentityFeedbackForwardingEnabledInput) (*api.SetIdentityFeedbackForwardingEnabledOutput, error) {
	err := s.changeIdentity(ctx, identityARN(call, in.Identity), func(row *identity) error {
		row.Forward = in.ForwardingEnabled
		return nil
	})
	return &api.SetIdentityFeedbackForwardingEnabledOutput{}, unverified(err, in.Identity)
}

// GetIdentityNotificationAttributes says who hears of what of identities.
func (s *Service) GetIdentityNotificationAttributes(ctx context.Context, call *aws.Call, in *api.GetIdentityNotificationAttributesInput) (*api.GetIdentityNotificationAttributesOutput, error) {
	out := &api.GetIdentityNotificationAttributesOutput{NotificationAttributes: make(map[string]api.IdentityNotificationAttributes)}
	err := s.eachOf(ctx, call, in.Identities, func(name string, _ aws.ARN, row *identity) {
		bounce, complaint, delivery := row.Topics[api.NotificationTypeBounce], row.Topics[api.NotificationTypeComplaint], row.Topics[api.NotificationTypeDelivery]
		out.NotificationAttributes[name] = api.IdentityNotificationAttributes{
			BounceTopic: bounce.Topic, ComplaintTopic: complaint.Topic, DeliveryTopic: delivery.Topic, ForwardingEnabled: row.Forward,
			HeadersInBounceNotificationsEnabled: &bounce.Headers, HeadersInComplaintNotificationsEnabled: &complaint.Headers, HeadersInDeliveryNotificationsEnabled: &delivery.Headers,
		}
	})
	return out, err
}

// behaviors are what is done if the records of a mail-from domain are not
// right, by their names in the first API and in the second.
var behaviors = map[string]string{"UseDefaultValue": "USE_DEFAULT_VALUE", "RejectMessage": "REJECT_MESSAGE"}

// SetIdentityMailFromDomain notes the domain that bounces of an identity go to.
func (s *Service) SetIdentityMailFromDomain(ctx context.Context, call *aws.Call, in *api.SetIdentityMailFromDomainInput) (*api.SetIdentityMailFromDomainOutput, error) {
	err := s.setMailFrom(ctx, call, in.Identity, aws.Value(in.MailFromDomain), behaviors[aws.Value(in.BehaviorOnMXFailure)])
	return &api.SetIdentityMailFromDomainOutput{}, unverified(err, in.Identity)
}

func (s *Service) setMailFrom(ctx context.Context, call *aws.Call, name, domain, onFailure string) error {
	return s.changeIdentity(ctx, identityARN(call, name), func(row *identity) error {
		of := name[strings.LastIndexByte(name, '@')+1:]
		if domain != "" && !strings.HasSuffix(domain, "."+of) {
			return invalid("Provided MAIL-FROM domain <%s> is not subdomain of the domain of the identity <%s>.", domain, of)
		}
		row.MailFrom, row.OnFailure = domain, onFailure
		return nil
	})
}

// GetIdentityMailFromDomainAttributes returns the mail-from domains of identities.
func (s *Service) GetIdentityMailFromDomainAttributes(ctx context.Context, call *aws.Call, in *api.GetIdentityMailFromDomainAttributesInput) (*api.GetIdentityMailFromDomainAttributesOutput, error) {
	out := &api.GetIdentityMailFromDomainAttributesOutput{MailFromDomainAttributes: make(map[string]api.IdentityMailFromDomainAttributes)}
	err := s.eachOf(ctx, call, in.Identities, func(name string, _ aws.ARN, row *identity) {
		a := api.IdentityMailFromDomainAttributes{MailFromDomain: row.MailFrom, BehaviorOnMXFailure: "UseDefaultValue"}
		for first, second := range behaviors {
			if second == row.OnFailure {
				a.BehaviorOnMXFailure = first
			}
		}
		if row.MailFrom != "" {
			a.MailFromDomainStatus = "Success"
		}
		out.MailFromDomainAttributes[name] = a
	})
	return out, err
}

// setPolicy sets a policy of an identity, or deletes it if it is "".
func (s *Service) setPolicy(ctx context.Context, arn aws.ARN, name, text string) error {
	if text != "" {
		if _, err := policy.Parse(text); err != nil {
			return api.InvalidPolicyException.Errorf("Invalid policy document.")
		}
	}
	err := s.changeIdentity(ctx, arn, func(row *identity) error {
		row.Policies = maps.Clone(row.Policies)
		if row.Policies == nil {
			row.Policies = make(map[string]string)
		}
		if row.Policies[name] = text; text == "" {
			delete(row.Policies, name)
		}
		return nil
	})
	s.policies.Add(1)
	return err
}

// policyOf is all policies of an identity as one.
func (s *Service) policyOf(ctx context.Context, arn aws.ARN) (string, error) {
	var row identity
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = identities.Get(tx, arn)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && len(row.Policies) == 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	all := []json.RawMessage{}
	for _, name := range slices.Sorted(maps.Keys(row.Policies)) {
		var doc struct{ Statement json.RawMessage }
		if err := json.Unmarshal([]byte(row.Policies[name]), &doc); err != nil {
			continue // it was parsed when it was set
		}
		var list []json.RawMessage
		if json.Unmarshal(doc.Statement, &list) != nil {
			list = []json.RawMessage{doc.Statement}
		}
		all = append(all, list...)
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": all})
	return string(text), err
}
