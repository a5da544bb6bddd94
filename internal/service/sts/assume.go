package sts

import (
	"context"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
)

const (
	usualDuration = time.Hour
	chainDuration = time.Hour // of a role that a role's session takes on
	maxPolicy     = 2048      // characters
	maxPolicyARNs = 10
	packedBytes   = 4096 // that policies and tags may take in a token
)

// invalidParameter is what STS says of tags; its model has no word for it.
var invalidParameter = aws.Fault{Code: "InvalidParameterValue", Status: 400}

// AssumeRole gives out credentials for a session of a role. That the caller
// may have them was decided before.
func (s *Service) AssumeRole(ctx context.Context, call *aws.Call, in *api.AssumeRoleInput) (*api.AssumeRoleOutput, error) {
	if err := auth.CheckSigned(call); err != nil {
		return nil, err
	}
	role, err := parseRole(in.RoleArn)
	if err != nil {
		return nil, err
	}
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, aws.AccessDenied.Errorf("MultiFactorAuthentication failed with invalid MFA one time pass code.")
	}
	id, longest, err := s.roles.FindRole(ctx, role)
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, aws.AccessDenied.Errorf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", call.Principal.ARN, in.RoleArn)
	}
	duration, err := durationOf(call, in, longest)
	if err != nil {
		return nil, err
	}
	t := &aws.Temporary{Issued: time.Now(), Expires: time.Now().Add(duration), SourceIdentity: aws.Value(in.SourceIdentity)}
	if err := limit(t, in.Policy, in.PolicyArns); err != nil {
		return nil, err
	}
	if err := tag(t, call.Principal.Temporary, in); err != nil {
		return nil, err
	}
	packed, err := packedSize(t)
	if err != nil {
		return nil, err
	}
	name := role.Resource[strings.LastIndexByte(role.Resource, '/')+1:]
	session := aws.ARN{Service: "sts", Account: role.Account, Resource: "assumed-role/" + name + "/" + in.RoleSessionName}
	c, err := s.mint.NewSession(aws.Principal{
		Kind: aws.Session, ARN: session.String(), ID: id + ":" + in.RoleSessionName, Account: role.Account, Role: in.RoleArn, Temporary: t,
	})
	if err != nil {
		return nil, err
	}
	out := &api.AssumeRoleOutput{
		Credentials:      credentials(c),
		AssumedRoleUser:  &api.AssumedRoleUser{AssumedRoleId: id + ":" + in.RoleSessionName, Arn: session.String()},
		PackedPolicySize: packed,
	}
	if t.SourceIdentity != "" {
		out.SourceIdentity = &t.SourceIdentity
	}
	return out, nil
}

func credentials(c auth.Credentials) *api.Credentials {
	return &api.Credentials{AccessKeyId: c.AccessKey, SecretAccessKey: c.Secret, SessionToken: c.Token, Expiration: c.Expires}
}

// durationOf returns how long the session is to last.
func durationOf(call *aws.Call, in *api.AssumeRoleInput, longest time.Duration) (time.Duration, error) {
	chained := call.Principal.Kind == aws.Session
	if in.DurationSeconds == nil {
		return min(usualDuration, longest), nil
	}
	switch want := time.Duration(*in.DurationSeconds) * time.Second; {
	case want > longest:
		return 0, api.ValidationError.Errorf("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	case chained && want > chainDuration:
		return 0, api.ValidationError.Errorf("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	default:
		return want, nil
	}
}

// limit keeps a session to what policies allow, besides the role's own.
func limit(t *aws.Temporary, document *string, arns []api.PolicyDescriptorType) error {
	if document != nil {
		if err := policy.Check(*document, policy.ForIdentity); err != nil {
			return api.MalformedPolicyDocumentException.Errorf("%s", err)
		}
		if len(*document) > maxPolicy {
			return api.ValidationError.Errorf("1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to %d", maxPolicy)
		}
		t.Policies = []string{*document}
	}
	if len(arns) > maxPolicyARNs {
		return api.ValidationError.Errorf("1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to %d", maxPolicyARNs)
	}
	for _, p := range arns {
		arn, err := aws.ParseARN(aws.Value(p.Arn))
		if err != nil || arn.Service != "iam" || !strings.HasPrefix(arn.Resource, "policy/") {
			return api.ValidationError.Errorf("%s is invalid", aws.Value(p.Arn))
		}
		t.ManagedPolicies = append(t.ManagedPolicies, arn.String())
	}
	return nil
}

// tag gives a session the tags that it is to have, and those that the
// caller's own session hands on.
func tag(t, own *aws.Temporary, in *api.AssumeRoleInput) error {
	t.Tags, t.TransitiveTags = make(map[string]string), in.TransitiveTagKeys
	seen := make(map[string]bool)
	for _, tag := range in.Tags {
		lower := strings.ToLower(tag.Key)
		if seen[lower] {
			return invalidParameter.Errorf("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[lower] = true
		t.Tags[tag.Key] = tag.Value
	}
	for _, key := range in.TransitiveTagKeys {
		if !seen[strings.ToLower(key)] {
			return invalidParameter.Errorf("The specified transitive tag key must be included in the requested tags.")
		}
	}
	if own == nil {
		return nil
	}
	if t.SourceIdentity == "" {
		t.SourceIdentity = own.SourceIdentity
	} else if own.SourceIdentity != "" && own.SourceIdentity != t.SourceIdentity {
		return aws.AccessDenied.Errorf("The source identity of a session cannot be changed.")
	}
	for name, value := range own.Tags {
		if !slices.ContainsFunc(own.TransitiveTags, func(key string) bool { return strings.EqualFold(key, name) }) {
			continue
		}
		if seen[strings.ToLower(name)] {
			return invalidParameter.Errorf("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		t.Tags[name] = value
		t.TransitiveTags = append(slices.Clone(t.TransitiveTags), name)
	}
	return nil
}

// packedSize returns how much of the room for them policies and tags take, in
// percent, or nil if there are none.
func packedSize(t *aws.Temporary) (*int32, error) {
	n := 0
	for _, p := range slices.Concat(t.Policies, t.ManagedPolicies) {
		n += len(p)
	}
	for name, value := range t.Tags {
		n += len(name) + len(value) + 4
	}
	if n == 0 {
		return nil, nil
	}
	percent := int32((n*100 + packedBytes - 1) / packedBytes)
	if percent > 100 {
		return nil, api.PackedPolicyTooLargeException.Errorf("Packed size of session tags and policies consumes %d%% of allotted space.", percent)
	}
	return &percent, nil
}
