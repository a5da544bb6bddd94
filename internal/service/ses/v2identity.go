package ses

import (
	"context"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/ses"
	api "github.com/aloft-cloud/aloft/internal/api/sesv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func tagMap(tags []api.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	out := make(map[string]string)
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}

func tagList(tags map[string]string) []api.Tag {
	out := []api.Tag{}
	for key, value := range tags {
		out = append(out, api.Tag{Key: key, Value: value})
	}
	slices.SortFunc(out, func(a, b api.Tag) int { return strings.Compare(a.Key, b.Key) })
	return out
}

func typeOf(name string) string {
	if isAddress(name) {
		return api.IdentityTypeEmailAddress
	}
	return api.IdentityTypeDomain
}

// dkim is how messages of an identity are to be signed.
func (i *identity) dkim(arn aws.ARN) *api.DkimAttributes {
	name := nameOf(arn, identityKind)
	if isAddress(name) {
		return &api.DkimAttributes{SigningEnabled: new(false), Status: new(api.DkimStatusNotStarted)}
	}
	return &api.DkimAttributes{
		SigningEnabled: &i.Signing, Status: new(api.DkimStatusSuccess), Tokens: dkimTokens(arn), SigningAttributesOrigin: new("AWS_SES"),
		NextSigningKeyLength: new("RSA_2048_BIT"), CurrentSigningKeyLength: new("RSA_2048_BIT"), LastKeyGenerationTimestamp: &i.Created,
	}
}

// CreateEmailIdentity makes an address or a domain one that may send.
func (s *Service) CreateEmailIdentity(ctx context.Context, call *aws.Call, in *api.CreateEmailIdentityInput) (*api.CreateEmailIdentityOutput, error) {
	if d := in.DkimSigningAttributes; d != nil && d.DomainSigningPrivateKey != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not sign messages by DKIM yet.")
	}
	arn, row, made, err := s.verify(ctx, call, in.EmailIdentity, func(row *identity) {
		row.Tags, row.Set = tagMap(in.Tags), aws.Value(in.ConfigurationSetName)
	})
	if err != nil {
		return nil, err
	}
	if !made {
		return nil, api.AlreadyExistsException.Errorf("Email identity %s already exist.", in.EmailIdentity)
	}
	return &api.CreateEmailIdentityOutput{IdentityType: new(typeOf(in.EmailIdentity)), VerifiedForSendingStatus: new(row.verified()), DkimAttributes: row.dkim(arn)}, nil
}

func statusV2(row *identity) string {
	if row.verified() {
		return api.VerificationStatusSuccess
	}
	return api.VerificationStatusPending
}

// GetEmailIdentity returns what an identity is.
func (s *Service) GetEmailIdentity(ctx context.Context, call *aws.Call, in *api.GetEmailIdentityInput) (*api.GetEmailIdentityOutput, error) {
	arn := identityARN(call, in.EmailIdentity)
	var row identity
	err := s.view(ctx, func(tx *store.Tx) (err error) {
		row, err = findIdentity(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	from := &api.MailFromAttributes{MailFromDomain: row.MailFrom, BehaviorOnMxFailure: "USE_DEFAULT_VALUE"}
	if row.OnFailure != "" {
		from.BehaviorOnMxFailure = row.OnFailure
	}
	if row.MailFrom != "" {
		from.MailFromDomainStatus = "SUCCESS"
	}
	policies := row.Policies
	if policies == nil {
		policies = make(map[string]string)
	}
	return &api.GetEmailIdentityOutput{
		IdentityType: new(typeOf(in.EmailIdentity)), FeedbackForwardingStatus: &row.Forward, VerifiedForSendingStatus: new(row.verified()),
		DkimAttributes: row.dkim(arn), MailFromAttributes: from, Policies: policies, Tags: tagList(row.Tags), ConfigurationSetName: optional(row.Set),
		VerificationStatus: new(statusV2(&row)), VerificationInfo: new(api.VerificationInfo),
	}, nil
}

// ListEmailIdentities lists identities.
func (s *Service) ListEmailIdentities(ctx context.Context, call *aws.Call, in *api.ListEmailIdentitiesInput) (*api.ListEmailIdentitiesOutput, error) {
	names, err := s.identityNames(ctx, call, nil)
	if err != nil {
		return nil, err
	}
	out := &api.ListEmailIdentitiesOutput{EmailIdentities: []api.IdentityInfo{}}
	some, next := page(names, in.NextToken, pageSize(in.PageSize, 1000))
	out.NextToken = next
	err = s.eachOf(ctx, call, some, func(name string, _ aws.ARN, row *identity) {
		out.EmailIdentities = append(out.EmailIdentities, api.IdentityInfo{
			IdentityType: new(typeOf(name)), IdentityName: &name, SendingEnabled: new(row.verified()), VerificationStatus: new(statusV2(row)),
		})
	})
	return out, err
}

// DeleteEmailIdentity deletes an identity.
func (s *Service) DeleteEmailIdentity(ctx context.Context, call *aws.Call, in *api.DeleteEmailIdentityInput) (*api.DeleteEmailIdentityOutput, error) {
	if err := s.changeIdentity(ctx, identityARN(call, in.EmailIdentity), func(*identity) error { return nil }); err != nil {
		return nil, err
	}
	_, err := s.DeleteIdentity(ctx, call, &ses.DeleteIdentityInput{Identity: in.EmailIdentity})
	return &api.DeleteEmailIdentityOutput{}, err
}

// PutEmailIdentityDkimAttributes notes whether messages are to be signed.
func (s *Service) PutEmailIdentityDkimAttributes(ctx context.Context, call *aws.Call, in *api.PutEmailIdentityDkimAttributesInput) (*api.PutEmailIdentityDkimAttributesOutput, error) {
	return &api.PutEmailIdentityDkimAttributesOutput{}, s.changeIdentity(ctx, identityARN(call, in.EmailIdentity), func(row *identity) error {
		row.Signing = aws.Value(in.SigningEnabled)
		return nil
	})
}

// PutEmailIdentityFeedbackAttributes notes whether bounces are forwarded.
func (s *Service) PutEmailIdentityFeedbackAttributes(ctx context.Context, call *aws.Call, in *api.PutEmailIdentityFeedbackAttributesInput) (*api.PutEmailIdentityFeedbackAttributesOutput, error) {
	return &api.PutEmailIdentityFeedbackAttributesOutput{}, s.changeIdentity(ctx, identityARN(call, in.EmailIdentity), func(row *identity) error {
		row.Forward = aws.Value(in.EmailForwardingEnabled)
		return nil
	})
}

// PutEmailIdentityMailFromAttributes notes the domain that bounces go to.
func (s *Service) PutEmailIdentityMailFromAttributes(ctx context.Context, call *aws.Call, in *api.PutEmailIdentityMailFromAttributesInput) (*api.PutEmailIdentityMailFromAttributesOutput, error) {
	return &api.PutEmailIdentityMailFromAttributesOutput{}, s.setMailFrom(ctx, call, in.EmailIdentity, aws.Value(in.MailFromDomain), aws.Value(in.BehaviorOnMxFailure))
}

// PutEmailIdentityConfigurationSetAttributes sets the configuration set of
// messages that name none.
func (s *Service) PutEmailIdentityConfigurationSetAttributes(ctx context.Context, call *aws.Call, in *api.PutEmailIdentityConfigurationSetAttributesInput) (*api.PutEmailIdentityConfigurationSetAttributesOutput, error) {
	return &api.PutEmailIdentityConfigurationSetAttributesOutput{}, s.changeIdentity(ctx, identityARN(call, in.EmailIdentity), func(row *identity) error {
		row.Set = aws.Value(in.ConfigurationSetName)
		return nil
	})
}

// CreateEmailIdentityPolicy sets a policy of an identity.
func (s *Service) CreateEmailIdentityPolicy(ctx context.Context, call *aws.Call, in *api.CreateEmailIdentityPolicyInput) (*api.CreateEmailIdentityPolicyOutput, error) {
	return &api.CreateEmailIdentityPolicyOutput{}, s.setPolicy(ctx, identityARN(call, in.EmailIdentity), in.PolicyName, in.Policy)
}

// UpdateEmailIdentityPolicy changes a policy of an identity.
func (s *Service) UpdateEmailIdentityPolicy(ctx context.Context, call *aws.Call, in *api.UpdateEmailIdentityPolicyInput) (*api.UpdateEmailIdentityPolicyOutput, error) {
	return &api.UpdateEmailIdentityPolicyOutput{}, s.setPolicy(ctx, identityARN(call, in.EmailIdentity), in.PolicyName, in.Policy)
}

// GetEmailIdentityPolicies returns the policies of an identity.
func (s *Service) GetEmailIdentityPolicies(ctx context.Context, call *aws.Call, in *api.GetEmailIdentityPoliciesInput) (*api.GetEmailIdentityPoliciesOutput, error) {
	out, err := s.GetEmailIdentity(ctx, call, &api.GetEmailIdentityInput{EmailIdentity: in.EmailIdentity})
	if err != nil {
		return nil, err
	}
	return &api.GetEmailIdentityPoliciesOutput{Policies: out.Policies}, nil
}

// DeleteEmailIdentityPolicy deletes a policy of an identity.
func (s *Service) DeleteEmailIdentityPolicy(ctx context.Context, call *aws.Call, in *api.DeleteEmailIdentityPolicyInput) (*api.DeleteEmailIdentityPolicyOutput, error) {
	return &api.DeleteEmailIdentityPolicyOutput{}, s.setPolicy(ctx, identityARN(call, in.EmailIdentity), in.PolicyName, "")
}

// changeTags changes the tags of an identity, a template or a configuration set.
func (s *Service) changeTags(ctx context.Context, resource string, change func(map[string]string)) error {
	arn, err := aws.ParseARN(resource)
	if err != nil {
		return invalid("Invalid ARN: %s", resource)
	}
	changed := func(tags map[string]string) map[string]string {
		out := make(map[string]string)
		for key, value := range tags {
			out[key] = value
		}
		change(out)
		return out
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		switch {
		case strings.HasPrefix(arn.Resource, identityKind):
			row, err := findIdentity(tx, arn)
			if err != nil {
				return err
			}
			row.Tags = changed(row.Tags)
			return identities.Put(tx, arn, row)
		case strings.HasPrefix(arn.Resource, templateKind):
			row, err := findTemplate(tx, arn)
			if err != nil {
				return err
			}
			row.Tags = changed(row.Tags)
			return templates.Put(tx, arn, row)
		case strings.HasPrefix(arn.Resource, setKind):
			row, err := findSet(tx, arn)
			if err != nil {
				return err
			}
			row.Tags = changed(row.Tags)
			return sets.Put(tx, arn, row)
		}
		return api.NotFoundException.Errorf("Resource %s does not exist.", resource)
	})
}

// TagResource adds tags.
func (s *Service) TagResource(ctx context.Context, _ *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return &api.TagResourceOutput{}, s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) {
		for _, t := range in.Tags {
			tags[t.Key] = t.Value
		}
	})
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, _ *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
}

// ListTagsForResource lists tags.
func (s *Service) ListTagsForResource(ctx context.Context, _ *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	out := &api.ListTagsForResourceOutput{}
	err := s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) { out.Tags = tagList(tags) })
	return out, err
}
