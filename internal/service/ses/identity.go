package ses

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// addressOf is the address alone of one that may have a name before it.
func addressOf(text string) string {
	if a, err := mail.ParseAddress(text); err == nil {
		return a.Address
	}
	return strings.TrimSpace(text)
}

func isAddress(name string) bool { return strings.Contains(name, "@") }

// dkimTokens are the names of records that an identity's domain should have.
func dkimTokens(arn aws.ARN) []string {
	tokens := make([]string, 3)
	for i := range tokens {
		sum := sha256.Sum256([]byte(fmt.Sprintf("%s dkim %d", arn, i)))
		tokens[i] = strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20]))
	}
	return tokens
}

// domainToken is the value of the record that verifies a domain.
func domainToken(arn aws.ARN) string {
	sum := sha256.Sum256([]byte(arn.String() + " token"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// verify makes an identity, which is verified at once or by a letter. It is
// there already: nothing changes, but that a letter is sent again.
func (s *Service) verify(ctx context.Context, call *aws.Call, name string, change func(*identity)) (arn aws.ARN, row identity, made bool, err error) {
	arn = identityARN(call, name)
	if name = nameOf(arn, identityKind); isAddress(name) {
		if a, err := mail.ParseAddress(name); err != nil || a.Address != name {
			return arn, row, false, invalid("Invalid email address<%s>.", name)
		}
	} else if !strings.Contains(name, ".") || strings.ContainsAny(name, " /<>\"") {
		return arn, row, false, invalid("Invalid domain name %s.", name)
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		var err error
		row, err = identities.Get(tx, arn)
		if made = errors.Is(err, store.ErrNotFound); made {
			row, err = identity{Created: time.Now(), Forward: true, Signing: true}, nil
			if isAddress(name) && !s.Local {
				row.Token = newToken()
			}
		}
		if err != nil {
			return err
		}
		if made && change != nil {
			change(&row)
		}
		if !row.verified() {
			if err := s.askToVerify(tx, arn, &row); err != nil {
				return err
			}
		}
		return identities.Put(tx, arn, row)
	})
	return arn, row, made, err
}

// VerifyEmailIdentity makes an address one that may send.
func (s *Service) VerifyEmailIdentity(ctx context.Context, call *aws.Call, in *api.VerifyEmailIdentityInput) (*api.VerifyEmailIdentityOutput, error) {
	if !isAddress(in.EmailAddress) {
		return nil, invalid("Invalid email address<%s>.", in.EmailAddress)
	}
	_, _, _, err := s.verify(ctx, call, in.EmailAddress, nil)
	return &api.VerifyEmailIdentityOutput{}, err
}

// VerifyEmailAddress is VerifyEmailIdentity by the name it had.
func (s *Service) VerifyEmailAddress(ctx context.Context, call *aws.Call, in *api.VerifyEmailAddressInput) (*api.VerifyEmailAddressOutput, error) {
	_, err := s.VerifyEmailIdentity(ctx, call, &api.VerifyEmailIdentityInput{EmailAddress: in.EmailAddress})
	return &api.VerifyEmailAddressOutput{}, err
}

// VerifyDomainIdentity makes a domain one that may send.
func (s *Service) VerifyDomainIdentity(ctx context.Context, call *aws.Call, in *api.VerifyDomainIdentityInput) (*api.VerifyDomainIdentityOutput, error) {
	if isAddress(in.Domain) {
		return nil, invalid("Invalid domain name %s.", in.Domain)
	}
	arn, _, _, err := s.verify(ctx, call, in.Domain, nil)
	return &api.VerifyDomainIdentityOutput{VerificationToken: domainToken(arn)}, err
}

// VerifyDomainDkim makes a domain one that may send, and names its records.
func (s *Service) VerifyDomainDkim(ctx context.Context, call *aws.Call, in *api.VerifyDomainDkimInput) (*api.VerifyDomainDkimOutput, error) {
	arn, _, _, err := s.verify(ctx, call, in.Domain, nil)
	return &api.VerifyDomainDkimOutput{DkimTokens: dkimTokens(arn)}, err
}

// identityNames lists identities of a type, or all for nil.
func (s *Service) identityNames(ctx context.Context, call *aws.Call, wanted *string) (names []string, err error) {
	err = s.view(ctx, func(tx *store.Tx) error {
		names = slices.DeleteFunc(namesOf(tx, identities, call, identityKind), func(name string) bool {
			return wanted != nil && isAddress(name) != (*wanted == api.IdentityTypeEmailAddress)
		})
		return nil
	})
	return names, err
}

// ListIdentities lists the identities of an account.
func (s *Service) ListIdentities(ctx context.Context, call *aws.Call, in *api.ListIdentitiesInput) (*api.ListIdentitiesOutput, error) {
	names, err := s.identityNames(ctx, call, in.IdentityType)
	if err != nil {
		return nil, err
	}
	out := &api.ListIdentitiesOutput{}
	out.Identities, out.NextToken = page(names, in.NextToken, pageSize(in.MaxItems, 1000))
	return out, nil
}

// ListVerifiedEmailAddresses lists addresses that may send.
func (s *Service) ListVerifiedEmailAddresses(ctx context.Context, call *aws.Call, _ *api.ListVerifiedEmailAddressesInput) (*api.ListVerifiedEmailAddressesOutput, error) {
	out := &api.ListVerifiedEmailAddressesOutput{}
	err := s.view(ctx, func(tx *store.Tx) error {
		out.VerifiedEmailAddresses = []string{}
		for arn, row := range identities.Scan(tx, accountARN(call)) {
			if name := nameOf(arn, identityKind); isAddress(name) && row.verified() {
				out.VerifiedEmailAddresses = append(out.VerifiedEmailAddresses, name)
			}
		}
		return nil
	})
	return out, err
}

// DeleteIdentity deletes an identity. That there is none is no failure.
func (s *Service) DeleteIdentity(ctx context.Context, call *aws.Call, in *api.DeleteIdentityInput) (*api.DeleteIdentityOutput, error) {
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		tx.AfterCommit(func() { s.policies.Add(1) })
		return identities.Delete(tx, identityARN(call, in.Identity))
	})
	return &api.DeleteIdentityOutput{}, err
}

// DeleteVerifiedEmailAddress deletes the identity of an address.
func (s *Service) DeleteVerifiedEmailAddress(ctx context.Context, call *aws.Call, in *api.DeleteVerifiedEmailAddressInput) (*api.DeleteVerifiedEmailAddressOutput, error) {
	_, err := s.DeleteIdentity(ctx, call, &api.DeleteIdentityInput{Identity: in.EmailAddress})
	return &api.DeleteVerifiedEmailAddressOutput{}, err
}

// eachOf shows those of the named identities that are there.
func (s *Service) eachOf(ctx context.Context, call *aws.Call, names []string, show func(name string, arn aws.ARN, row *identity)) error {
	return s.view(ctx, func(tx *store.Tx) error {
		for _, name := range names {
			arn := identityARN(call, name)
			row, err := identities.Get(tx, arn)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			show(name, arn, &row)
		}
		return nil
	})
}

// GetIdentityVerificationAttributes says which identities are verified.
func (s *Service) GetIdentityVerificationAttributes(ctx context.Context, call *aws.Call, in *api.GetIdentityVerificationAttributesInput) (*api.GetIdentityVerificationAttributesOutput, error) {
	out := &api.GetIdentityVerificationAttributesOutput{VerificationAttributes: make(map[string]api.IdentityVerificationAttributes)}
	err := s.eachOf(ctx, call, in.Identities, func(name string, arn aws.ARN, row *identity) {
		a := api.IdentityVerificationAttributes{VerificationStatus: api.VerificationStatusSuccess}
		if !row.verified() {
			a.VerificationStatus = api.VerificationStatusPending
		}
		if !isAddress(name) {
			a.VerificationToken = new(domainToken(arn))
		}
		out.VerificationAttributes[name] = a
	})
	return out, err
}

// GetIdentityDkimAttributes says how messages of identities are to be signed.
func (s *Service) GetIdentityDkimAttributes(ctx context.Context, call *aws.Call, in *api.GetIdentityDkimAttributesInput) (*api.GetIdentityDkimAttributesOutput, error) {
	out := &api.GetIdentityDkimAttributesOutput{DkimAttributes: make(map[string]api.IdentityDkimAttributes)}
	err := s.eachOf(ctx, call, in.Identities, func(name string, arn aws.ARN, row *identity) {
		a := api.IdentityDkimAttributes{DkimEnabled: row.Signing && !isAddress(name), DkimVerificationStatus: api.VerificationStatusNotStarted}
		if !isAddress(name) {
			a.DkimVerificationStatus, a.DkimTokens = api.VerificationStatusSuccess, dkimTokens(arn)
		}
		out.DkimAttributes[name] = a
	})
	return out, err
}

// SetIdentityDkimEnabled notes whether messages of an identity are to be signed.
func (s *Service) SetIdentityDkimEnabled(ctx context.Context, call *aws.Call, in *api.SetIdentityDkimEnabledInput) (*api.SetIdentityDkimEnabledOutput, error) {
	err := s.changeIdentity(ctx, identityARN(call, in.Identity), func(row *identity) error {
		row.Signing = in.DkimEnabled
		return nil
	})
	return &api.SetIdentityDkimEnabledOutput{}, unverified(err, in.Identity)
}

// PutIdentityPolicy sets a policy of an identity, by which others may send as it.
func (s *Service) PutIdentityPolicy(ctx context.Context, call *aws.Call, in *api.PutIdentityPolicyInput) (*api.PutIdentityPolicyOutput, error) {
	return &api.PutIdentityPolicyOutput{}, unverified(s.setPolicy(ctx, identityARN(call, in.Identity), in.PolicyName, in.Policy), in.Identity)
}

// DeleteIdentityPolicy deletes a policy of an identity.
func (s *Service) DeleteIdentityPolicy(ctx context.Context, call *aws.Call, in *api.DeleteIdentityPolicyInput) (*api.DeleteIdentityPolicyOutput, error) {
	return &api.DeleteIdentityPolicyOutput{}, unverified(s.setPolicy(ctx, identityARN(call, in.Identity), in.PolicyName, ""), in.Identity)
}

// GetIdentityPolicies returns policies of an identity.
func (s *Service) GetIdentityPolicies(ctx context.Context, call *aws.Call, in *api.GetIdentityPoliciesInput) (*api.GetIdentityPoliciesOutput, error) {
	out := &api.GetIdentityPoliciesOutput{Policies: make(map[string]string)}
	err := s.eachOf(ctx, call, []string{in.Identity}, func(_ string, _ aws.ARN, row *identity) {
		for name, text := range row.Policies {
			if slices.Contains(in.PolicyNames, name) {
				out.Policies[name] = text
			}
		}
	})
	return out, err
}

// ListIdentityPolicies lists the policies of an identity.
func (s *Service) ListIdentityPolicies(ctx context.Context, call *aws.Call, in *api.ListIdentityPoliciesInput) (*api.ListIdentityPoliciesOutput, error) {
	out := &api.ListIdentityPoliciesOutput{PolicyNames: []string{}}
	err := s.eachOf(ctx, call, []string{in.Identity}, func(_ string, _ aws.ARN, row *identity) {
		out.PolicyNames = append(out.PolicyNames, slices.Sorted(maps.Keys(row.Policies))...)
	})
	return out, err
}
