package ses

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/sesv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// second is the row of an operation of the second API, on the resource that
// resource finds, whose refusals are that API's.
func second[In, Out any](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error), resource func(*aws.Call, *In) aws.ARN) service.Operation {
	return service.OpEach(op, func(ctx context.Context, call *aws.Call, in *In) (*Out, error) {
		out, err := handle(ctx, call, in)
		if err != nil {
			return nil, v2(err)
		}
		return out, nil
	}, func(call *aws.Call, in *In, check func(service.Access) error) error {
		return check(service.Access{Action: "ses:" + op.Name, Resource: resource(call, in)})
	})
}

func onIdentity[In interface{ GetEmailIdentity() string }](call *aws.Call, in In) aws.ARN {
	return identityARN(call, in.GetEmailIdentity())
}

func onTemplate[In interface{ GetTemplateName() string }](call *aws.Call, in In) aws.ARN {
	return named(call, templateKind, in.GetTemplateName())
}

func onSet[In interface{ GetConfigurationSetName() string }](call *aws.Call, in In) aws.ARN {
	return named(call, setKind, in.GetConfigurationSetName())
}

func onVerification[In interface{ GetTemplateName() string }](call *aws.Call, in In) aws.ARN {
	return named(call, verificationKind, in.GetTemplateName())
}

// V2 is the second API of the service.
func (s *Service) V2() service.Definition {
	return service.Definition{
		API: api.API,
		Operations: append(s.verificationOperations(),
			second(api.CreateEmailIdentity, s.CreateEmailIdentity, onIdentity[*api.CreateEmailIdentityInput]).But(identityNote),
			second(api.GetEmailIdentity, s.GetEmailIdentity, onIdentity[*api.GetEmailIdentityInput]),
			second(api.ListEmailIdentities, s.ListEmailIdentities, service.Any),
			second(api.DeleteEmailIdentity, s.DeleteEmailIdentity, onIdentity[*api.DeleteEmailIdentityInput]),
			second(api.PutEmailIdentityDkimAttributes, s.PutEmailIdentityDkimAttributes, onIdentity[*api.PutEmailIdentityDkimAttributesInput]).But("It is noted; nothing is signed."),
			second(api.PutEmailIdentityFeedbackAttributes, s.PutEmailIdentityFeedbackAttributes, onIdentity[*api.PutEmailIdentityFeedbackAttributesInput]).But("It is noted; nothing is forwarded."),
			second(api.PutEmailIdentityMailFromAttributes, s.PutEmailIdentityMailFromAttributes, onIdentity[*api.PutEmailIdentityMailFromAttributesInput]).But("It is noted; the mail server says from where mail comes."),
			second(api.PutEmailIdentityConfigurationSetAttributes, s.PutEmailIdentityConfigurationSetAttributes, onIdentity[*api.PutEmailIdentityConfigurationSetAttributesInput]),
			second(api.CreateEmailIdentityPolicy, s.CreateEmailIdentityPolicy, onIdentity[*api.CreateEmailIdentityPolicyInput]),
			second(api.UpdateEmailIdentityPolicy, s.UpdateEmailIdentityPolicy, onIdentity[*api.UpdateEmailIdentityPolicyInput]),
			second(api.GetEmailIdentityPolicies, s.GetEmailIdentityPolicies, onIdentity[*api.GetEmailIdentityPoliciesInput]),
			second(api.DeleteEmailIdentityPolicy, s.DeleteEmailIdentityPolicy, onIdentity[*api.DeleteEmailIdentityPolicyInput]),

			second(api.SendEmail, s.SendEmailV2, func(call *aws.Call, in *api.SendEmailInput) aws.ARN {
				return sender(call, sourceV2(in), in.FromEmailAddressIdentityArn)
			}).But(sendNote+" Contact lists are refused."),
			second(api.SendBulkEmail, s.SendBulkEmail, func(call *aws.Call, in *api.SendBulkEmailInput) aws.ARN {
				return sender(call, aws.Value(in.FromEmailAddress), in.FromEmailAddressIdentityArn)
			}).But(sendNote),

			second(api.CreateEmailTemplate, s.CreateEmailTemplate, onTemplate[*api.CreateEmailTemplateInput]),
			second(api.UpdateEmailTemplate, s.UpdateEmailTemplate, onTemplate[*api.UpdateEmailTemplateInput]),
			second(api.GetEmailTemplate, s.GetEmailTemplate, onTemplate[*api.GetEmailTemplateInput]),
			second(api.ListEmailTemplates, s.ListEmailTemplates, service.Any),
			second(api.DeleteEmailTemplate, s.DeleteEmailTemplate, onTemplate[*api.DeleteEmailTemplateInput]),
			second(api.TestRenderEmailTemplate, s.TestRenderEmailTemplate, onTemplate[*api.TestRenderEmailTemplateInput]),

			second(api.CreateConfigurationSet, s.CreateConfigurationSetV2, onSet[*api.CreateConfigurationSetInput]).But("Archives are refused."),
			second(api.GetConfigurationSet, s.GetConfigurationSet, onSet[*api.GetConfigurationSetInput]),
			second(api.ListConfigurationSets, s.ListConfigurationSetsV2, service.Any),
			second(api.DeleteConfigurationSet, s.DeleteConfigurationSetV2, onSet[*api.DeleteConfigurationSetInput]),
			second(api.PutConfigurationSetSendingOptions, s.PutConfigurationSetSendingOptions, onSet[*api.PutConfigurationSetSendingOptionsInput]),
			second(api.PutConfigurationSetReputationOptions, s.PutConfigurationSetReputationOptions, onSet[*api.PutConfigurationSetReputationOptionsInput]).But("There are no such metrics yet."),
			second(api.PutConfigurationSetSuppressionOptions, s.PutConfigurationSetSuppressionOptions, onSet[*api.PutConfigurationSetSuppressionOptionsInput]),
			second(api.PutConfigurationSetTrackingOptions, s.PutConfigurationSetTrackingOptions, onSet[*api.PutConfigurationSetTrackingOptionsInput]).But(trackingNote),
			second(api.PutConfigurationSetDeliveryOptions, s.PutConfigurationSetDeliveryOptionsV2, onSet[*api.PutConfigurationSetDeliveryOptionsInput]).But(deliveryNote),
			second(api.PutConfigurationSetVdmOptions, s.PutConfigurationSetVdmOptions, onSet[*api.PutConfigurationSetVdmOptionsInput]).But("It is noted; there is no such dashboard."),
			second(api.CreateConfigurationSetEventDestination, s.CreateConfigurationSetEventDestinationV2, onSet[*api.CreateConfigurationSetEventDestinationInput]).But(destinationNote),
			second(api.UpdateConfigurationSetEventDestination, s.UpdateConfigurationSetEventDestinationV2, onSet[*api.UpdateConfigurationSetEventDestinationInput]).But(destinationNote),
			second(api.GetConfigurationSetEventDestinations, s.GetConfigurationSetEventDestinations, onSet[*api.GetConfigurationSetEventDestinationsInput]),
			second(api.DeleteConfigurationSetEventDestination, s.DeleteConfigurationSetEventDestinationV2, onSet[*api.DeleteConfigurationSetEventDestinationInput]),

			second(api.GetAccount, s.GetAccount, service.Any).But("Accounts begin in production, not in the sandbox."),
			second(api.PutAccountDetails, s.PutAccountDetails, service.Any).But("Production is granted at once."),
			second(api.PutAccountSendingAttributes, s.PutAccountSendingAttributes, service.Any),
			second(api.PutAccountSuppressionAttributes, s.PutAccountSuppressionAttributes, service.Any),
			second(api.PutSuppressedDestination, s.PutSuppressedDestination, service.Any),
			second(api.GetSuppressedDestination, s.GetSuppressedDestination, service.Any),
			second(api.ListSuppressedDestinations, s.ListSuppressedDestinations, service.Any),
			second(api.DeleteSuppressedDestination, s.DeleteSuppressedDestination, service.Any),

			second(api.TagResource, s.TagResource, service.ResourceArn[*api.TagResourceInput]),
			second(api.UntagResource, s.UntagResource, service.ResourceArn[*api.UntagResourceInput]),
			second(api.ListTagsForResource, s.ListTagsForResource, service.ResourceArn[*api.ListTagsForResourceInput]),
		),
	}
}

func (s *Service) verificationOperations() []service.Operation {
	return []service.Operation{
		second(api.CreateCustomVerificationEmailTemplate, s.CreateCustomVerificationEmailTemplateV2, onVerification[*api.CreateCustomVerificationEmailTemplateInput]),
		second(api.UpdateCustomVerificationEmailTemplate, s.UpdateCustomVerificationEmailTemplateV2, onVerification[*api.UpdateCustomVerificationEmailTemplateInput]),
		second(api.GetCustomVerificationEmailTemplate, s.GetCustomVerificationEmailTemplateV2, onVerification[*api.GetCustomVerificationEmailTemplateInput]),
		second(api.ListCustomVerificationEmailTemplates, s.ListCustomVerificationEmailTemplatesV2, service.Any),
		second(api.DeleteCustomVerificationEmailTemplate, s.DeleteCustomVerificationEmailTemplateV2, onVerification[*api.DeleteCustomVerificationEmailTemplateInput]),
		second(api.SendCustomVerificationEmail, s.SendCustomVerificationEmailV2, onVerification[*api.SendCustomVerificationEmailInput]).But(identityNote),
	}
}
