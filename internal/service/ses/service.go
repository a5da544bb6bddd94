package ses

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Config is what SES needs of the platform.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table
	Router   *event.Router
	Sessions *dispatch.Sessions
	Endpoint string // base of the links in letters
	Local    bool   // addresses are verified at once
	Log      *slog.Logger
}

// Service is Simple Email Service.
type Service struct {
	Config
	policies atomic.Uint64
}

// New returns Simple Email Service.
func New(cfg Config) *Service { return &Service{Config: cfg} }

// Notes of operations.
const (
	sendNote     = "Messages of more than 1 MiB are refused. A delivery is told of when the message is handed to whoever carries it. Opens, clicks and metrics are not measured, and nothing is signed by DKIM."
	metricsNote  = "It is noted; there are no such metrics yet."
	trackingNote = "It is noted; links of messages are not rewritten."
	deliveryNote = "It is noted; the mail server says how mail goes."
	identityNote = "Addresses are verified at once in development, else by the link of a letter; domains are verified at once, whatever their records say."
)

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:        api.API,
		Receive:    receive,
		Operations: slices.Concat(s.identityOperations(), s.sendOperations(), s.receiptOperations()),
		Pages:      []service.Page{{Prefix: verifyPath, Own: true, Serve: s.serveVerify}},
		Policy:     s.policyOf,
		Epoch:      s.policies.Load,
	}
}

func (s *Service) identityOperations() []service.Operation {
	return []service.Operation{
		service.Op(api.VerifyEmailIdentity, s.VerifyEmailIdentity, service.Any).But(identityNote),
		service.Op(api.VerifyEmailAddress, s.VerifyEmailAddress, service.Any),
		service.Op(api.VerifyDomainIdentity, s.VerifyDomainIdentity, service.Any).But(identityNote),
		service.Op(api.VerifyDomainDkim, s.VerifyDomainDkim, service.Any),
		service.Op(api.ListIdentities, s.ListIdentities, service.Any),
		service.Op(api.ListVerifiedEmailAddresses, s.ListVerifiedEmailAddresses, service.Any),
		service.Op(api.DeleteIdentity, s.DeleteIdentity, service.Any),
		service.Op(api.DeleteVerifiedEmailAddress, s.DeleteVerifiedEmailAddress, service.Any),
		service.Op(api.GetIdentityVerificationAttributes, s.GetIdentityVerificationAttributes, service.Any),
		service.Op(api.GetIdentityDkimAttributes, s.GetIdentityDkimAttributes, service.Any),
		service.Op(api.SetIdentityDkimEnabled, s.SetIdentityDkimEnabled, service.Any).But("It is noted; nothing is signed."),
		service.Op(api.GetIdentityNotificationAttributes, s.GetIdentityNotificationAttributes, service.Any),
		service.Op(api.SetIdentityNotificationTopic, s.SetIdentityNotificationTopic, service.Any).Checks("NotificationType"),
		service.Op(api.SetIdentityHeadersInNotificationsEnabled, s.SetIdentityHeadersInNotificationsEnabled, service.Any).Checks("NotificationType"),
		service.Op(api.SetIdentityFeedbackForwardingEnabled, s.SetIdentityFeedbackForwardingEnabled, service.Any).But("It is noted; nothing is forwarded."),
		service.Op(api.GetIdentityMailFromDomainAttributes, s.GetIdentityMailFromDomainAttributes, service.Any),
		service.Op(api.SetIdentityMailFromDomain, s.SetIdentityMailFromDomain, service.Any).But("It is noted; the mail server says from where mail comes."),
		service.Op(api.PutIdentityPolicy, s.PutIdentityPolicy, service.Any),
		service.Op(api.GetIdentityPolicies, s.GetIdentityPolicies, service.Any),
		service.Op(api.ListIdentityPolicies, s.ListIdentityPolicies, service.Any),
		service.Op(api.DeleteIdentityPolicy, s.DeleteIdentityPolicy, service.Any),
	}
}

func (s *Service) sendOperations() []service.Operation {
	return []service.Operation{
		service.Op(api.SendEmail, s.SendEmail, func(call *aws.Call, in *api.SendEmailInput) aws.ARN {
			return sender(call, in.Source, in.SourceArn)
		}).But(sendNote),
		service.Op(api.SendRawEmail, s.SendRawEmail, func(call *aws.Call, in *api.SendRawEmailInput) aws.ARN {
			return sender(call, rawSource(in), in.SourceArn)
		}).But(sendNote),
		service.Op(api.SendTemplatedEmail, s.SendTemplatedEmail, func(call *aws.Call, in *api.SendTemplatedEmailInput) aws.ARN {
			return sender(call, in.Source, in.SourceArn)
		}).But(sendNote),
		service.Op(api.SendBulkTemplatedEmail, s.SendBulkTemplatedEmail, func(call *aws.Call, in *api.SendBulkTemplatedEmailInput) aws.ARN {
			return sender(call, in.Source, in.SourceArn)
		}).But(sendNote),

		service.Op(api.CreateTemplate, s.CreateTemplate, service.Any),
		service.Op(api.UpdateTemplate, s.UpdateTemplate, service.Any),
		service.Op(api.GetTemplate, s.GetTemplate, service.Any),
		service.Op(api.ListTemplates, s.ListTemplates, service.Any),
		service.Op(api.DeleteTemplate, s.DeleteTemplate, service.Any),
		service.Op(api.TestRenderTemplate, s.TestRenderTemplate, service.Any),

		service.Op(api.CreateConfigurationSet, s.CreateConfigurationSet, service.Any),
		service.Op(api.DescribeConfigurationSet, s.DescribeConfigurationSet, service.Any),
		service.Op(api.ListConfigurationSets, s.ListConfigurationSets, service.Any),
		service.Op(api.DeleteConfigurationSet, s.DeleteConfigurationSet, service.Any),
		service.Op(api.CreateConfigurationSetEventDestination, s.CreateConfigurationSetEventDestination, service.Any).But(destinationNote),
		service.Op(api.UpdateConfigurationSetEventDestination, s.UpdateConfigurationSetEventDestination, service.Any).But(destinationNote),
		service.Op(api.DeleteConfigurationSetEventDestination, s.DeleteConfigurationSetEventDestination, service.Any),
		service.Op(api.UpdateConfigurationSetSendingEnabled, s.UpdateConfigurationSetSendingEnabled, service.Any),
		service.Op(api.UpdateConfigurationSetReputationMetricsEnabled, s.UpdateConfigurationSetReputationMetricsEnabled, service.Any).But(metricsNote),
		service.Op(api.CreateConfigurationSetTrackingOptions, s.CreateConfigurationSetTrackingOptions, service.Any).But(trackingNote),
		service.Op(api.UpdateConfigurationSetTrackingOptions, s.UpdateConfigurationSetTrackingOptions, service.Any).But(trackingNote),
		service.Op(api.DeleteConfigurationSetTrackingOptions, s.DeleteConfigurationSetTrackingOptions, service.Any),
		service.Op(api.PutConfigurationSetDeliveryOptions, s.PutConfigurationSetDeliveryOptions, service.Any).But(deliveryNote),

		service.Op(api.CreateCustomVerificationEmailTemplate, s.CreateCustomVerificationEmailTemplate, service.Any),
		service.Op(api.UpdateCustomVerificationEmailTemplate, s.UpdateCustomVerificationEmailTemplate, service.Any),
		service.Op(api.GetCustomVerificationEmailTemplate, s.GetCustomVerificationEmailTemplate, service.Any),
		service.Op(api.ListCustomVerificationEmailTemplates, s.ListCustomVerificationEmailTemplates, service.Any),
		service.Op(api.DeleteCustomVerificationEmailTemplate, s.DeleteCustomVerificationEmailTemplate, service.Any),
		service.Op(api.SendCustomVerificationEmail, s.SendCustomVerificationEmail, service.Any).But(identityNote),

		service.Op(api.GetSendQuota, s.GetSendQuota, service.Any).But("Accounts begin in production, not in the sandbox."),
		service.Op(api.GetSendStatistics, s.GetSendStatistics, service.Any),
		service.Op(api.GetAccountSendingEnabled, s.GetAccountSendingEnabled, service.Any),
		service.Op(api.UpdateAccountSendingEnabled, s.UpdateAccountSendingEnabled, service.Any),
	}
}

func (s *Service) receiptOperations() []service.Operation {
	const rule = "What an action may not do is refused when the rule is made, as AWS does. Nothing scans for spam and viruses: those verdicts are GRAY. KmsKeyArn, WorkMail and Connect are refused."
	return []service.Operation{
		service.Op(api.CreateReceiptRuleSet, s.CreateReceiptRuleSet, service.Any),
		service.Op(api.CloneReceiptRuleSet, s.CloneReceiptRuleSet, service.Any),
		service.Op(api.DeleteReceiptRuleSet, s.DeleteReceiptRuleSet, service.Any),
		service.Op(api.DescribeReceiptRuleSet, s.DescribeReceiptRuleSet, service.Any),
		service.Op(api.ListReceiptRuleSets, s.ListReceiptRuleSets, service.Any),
		service.Op(api.ReorderReceiptRuleSet, s.ReorderReceiptRuleSet, service.Any),
		service.Op(api.SetActiveReceiptRuleSet, s.SetActiveReceiptRuleSet, service.Any),
		service.Op(api.DescribeActiveReceiptRuleSet, s.DescribeActiveReceiptRuleSet, service.Any),

		service.OpEach(api.CreateReceiptRule, s.CreateReceiptRule, func(_ *aws.Call, in *api.CreateReceiptRuleInput, check func(service.Access) error) error {
			return maySetRule("ses:CreateReceiptRule", in.Rule, check)
		}).But(rule),
		service.OpEach(api.UpdateReceiptRule, s.UpdateReceiptRule, func(_ *aws.Call, in *api.UpdateReceiptRuleInput, check func(service.Access) error) error {
			return maySetRule("ses:UpdateReceiptRule", in.Rule, check)
		}).But(rule),
		service.Op(api.DescribeReceiptRule, s.DescribeReceiptRule, service.Any),
		service.Op(api.DeleteReceiptRule, s.DeleteReceiptRule, service.Any),
		service.Op(api.SetReceiptRulePosition, s.SetReceiptRulePosition, service.Any),

		service.Op(api.CreateReceiptFilter, s.CreateReceiptFilter, service.Any),
		service.Op(api.ListReceiptFilters, s.ListReceiptFilters, service.Any),
		service.Op(api.DeleteReceiptFilter, s.DeleteReceiptFilter, service.Any),

		service.OpEach(comeIn, s.comeIn, ownMail),
		service.OpEach(goThrough, s.goThroughRules, ownMail),
	}
}

// maySetRule asks for permission to make a rule, and to have SES act as its roles.
func maySetRule(action string, rule *api.ReceiptRule, check func(service.Access) error) error {
	if err := check(service.Access{Action: action, Resource: aws.AnyResource}); err != nil {
		return err
	}
	for _, a := range rule.Actions {
		if a.S3Action != nil && a.S3Action.IamRoleArn != nil {
			if err := check(auth.PassRole(*a.S3Action.IamRoleArn, "ses")); err != nil {
				return err
			}
		}
	}
	return nil
}

// sender is the identity that a message is sent as: that of another account, if
// the caller names it, else the caller's own.
func sender(call *aws.Call, source string, other *string) aws.ARN {
	if arn, err := aws.ParseARN(aws.Value(other)); err == nil {
		return arn
	}
	return identityARN(call, addressOf(source))
}

// changeIdentity changes an identity that is there.
func (s *Service) changeIdentity(ctx context.Context, arn aws.ARN, change func(*identity) error) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findIdentity(tx, arn)
		if err != nil {
			return err
		}
		if err := change(&row); err != nil {
			return err
		}
		return identities.Put(tx, arn, row)
	})
}

// view looks at the store.
func (s *Service) view(ctx context.Context, look func(*store.Tx) error) error {
	return s.DB.View(ctx, func(tx *store.Tx) error {
		if err := look(tx); err != nil {
			return err
		}
		return tx.Err()
	})
}

// pageSize is how many items a page has: what is given, from 1 to 1000.
func pageSize(given *int32, usual int32) int { return int(min(max(aws.Or(given, usual), 1), 1000)) }

// page collects the names of rows, up to limit and past the token, and returns
// the token of the rest.
func page(names []string, token *string, limit int) (some []string, next *string) {
	some = []string{}
	for _, name := range names {
		switch {
		case token != nil && name <= *token:
		case len(some) == limit:
			return some, &some[limit-1]
		default:
			some = append(some, name)
		}
	}
	return some, nil
}

// namesOf lists the names of a kind in the account and region of a call.
func namesOf[V any](tx *store.Tx, table store.Table[aws.ARN, V], call *aws.Call, kind string) (names []string) {
	for arn := range table.Scan(tx, call.ARN("ses", "")) {
		names = append(names, nameOf(arn, kind))
	}
	return names
}
