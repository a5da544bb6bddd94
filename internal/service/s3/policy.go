package s3

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxPolicy = 20 << 10

// PutBucketPolicy says what others may do to a bucket and its objects.
func (s *Service) PutBucketPolicy(ctx context.Context, call *aws.Call, in *api.PutBucketPolicyInput) (*api.PutBucketPolicyOutput, error) {
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	p, err := parsePolicy(bucketARN(in.Bucket).String(), in.Policy)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		c, err := findSettings(tx, b)
		if err != nil {
			return err
		}
		if c.Access != nil && aws.Value(c.Access.BlockPublicPolicy) && p.public() {
			return api.AccessDenied.Errorf("User: %s is not authorized to perform: s3:PutBucketPolicy on resource: %q because"+
				" public policies are blocked by the BlockPublicPolicy block public access setting.", call.Principal.ARN, b)
		}
		s.changed(tx)
		return policies.Put(tx, b, policyDocument{in.Policy})
	})
	if err != nil {
		return nil, err
	}
	return &api.PutBucketPolicyOutput{}, nil
}

// checkPolicy refuses what auth could not read.
func checkPolicy(text string) error {
	if len(text) > maxPolicy {
		return api.MalformedPolicy.Errorf("Policy exceeds the maximum allowed document size.")
	}
	if !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)) {
		return api.MalformedPolicy.Errorf("Policies must be valid JSON and the first byte must be '{'")
	}
	err := policy.Check(text, policy.ForResource)
	if err == nil {
		_, err = policy.Parse(text)
	}
	if err != nil {
		return api.MalformedPolicy.Errorf("%s", err)
	}
	return nil
}

// GetBucketPolicy returns a bucket's policy, as it was put.
func (s *Service) GetBucketPolicy(ctx context.Context, call *aws.Call, in *api.GetBucketPolicyInput) (*api.GetBucketPolicyOutput, error) {
	text, err := s.policyOf(ctx, in.Bucket, in.ExpectedBucketOwner)
	return &api.GetBucketPolicyOutput{Policy: &text}, err
}

// GetBucketPolicyStatus says whether a bucket's policy lets everyone in.
func (s *Service) GetBucketPolicyStatus(ctx context.Context, call *aws.Call, in *api.GetBucketPolicyStatusInput) (*api.GetBucketPolicyStatusOutput, error) {
	text, err := s.policyOf(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	p, err := parsePolicy(bucketARN(in.Bucket).String(), text)
	return &api.GetBucketPolicyStatusOutput{PolicyStatus: &api.PolicyStatus{IsPublic: new(p.public())}}, err
}

func (s *Service) policyOf(ctx context.Context, name string, expectedOwner *string) (text string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, name, expectedOwner)
		if err != nil {
			return err
		}
		p, err := policies.Get(tx, b)
		if errors.Is(err, store.ErrNotFound) {
			return api.NoSuchBucketPolicy.With(&api.NoSuchBucketPolicyDetail{BucketName: name}, "The bucket policy does not exist")
		}
		text = p.Text
		return err
	})
	return text, err
}

// DeleteBucketPolicy removes a bucket's policy, if it has one.
func (s *Service) DeleteBucketPolicy(ctx context.Context, call *aws.Call, in *api.DeleteBucketPolicyInput) (*api.DeleteBucketPolicyOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		s.changed(tx)
		return policies.Delete(tx, b)
	})
	return &api.DeleteBucketPolicyOutput{}, err
}

// PutPublicAccessBlock says how far a bucket may be opened to everyone.
func (s *Service) PutPublicAccessBlock(ctx context.Context, call *aws.Call, in *api.PutPublicAccessBlockInput) (*api.PutPublicAccessBlockOutput, error) {
	c := in.PublicAccessBlockConfiguration
	if c == nil {
		return nil, errMalformed()
	}
	completeBlock(c)
	err := s.configure(ctx, in.Bucket, in.ExpectedBucketOwner, func(conf *settings) { conf.Access = c })
	return &api.PutPublicAccessBlockOutput{}, err
}

// GetPublicAccessBlock says how far a bucket may be opened to everyone.
func (s *Service) GetPublicAccessBlock(ctx context.Context, call *aws.Call, in *api.GetPublicAccessBlockInput) (*api.GetPublicAccessBlockOutput, error) {
	c, err := s.settingsOf(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err == nil && c.Access == nil {
		err = api.NoSuchPublicAccessBlockConfiguration.With(&api.NoSuchPublicAccessBlockConfigurationDetail{BucketName: in.Bucket},
			"The public access block configuration was not found")
	}
	return &api.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: c.Access}, err
}

// DeletePublicAccessBlock lets a bucket be opened to everyone.
func (s *Service) DeletePublicAccessBlock(ctx context.Context, call *aws.Call, in *api.DeletePublicAccessBlockInput) (*api.DeletePublicAccessBlockOutput, error) {
	err := s.configure(ctx, in.Bucket, in.ExpectedBucketOwner, func(c *settings) { c.Access = nil })
	return &api.DeletePublicAccessBlockOutput{}, err
}

// completeBlock says false where c says nothing.
func completeBlock(c *api.PublicAccessBlockConfiguration) {
	for _, said := range []**bool{&c.BlockPublicAcls, &c.BlockPublicPolicy, &c.IgnorePublicAcls, &c.RestrictPublicBuckets} {
		*said = new(aws.Value(*said))
	}
}

// blockAll is the public access block of a new bucket.
func blockAll() *api.PublicAccessBlockConfiguration {
	return &api.PublicAccessBlockConfiguration{
		BlockPublicAcls: new(true), BlockPublicPolicy: new(true), IgnorePublicAcls: new(true), RestrictPublicBuckets: new(true),
	}
}

// resourcePolicy returns the policy that holds for a bucket or an object, for
// auth. Where public buckets are restricted, what lets everyone in is left out.
func (s *Service) resourcePolicy(ctx context.Context, resource aws.ARN) (string, error) {
	if resource.Service == lensService {
		return s.lensPolicy(ctx, resource)
	}
	if isPoint(resource) {
		return s.pointPolicy(ctx, resource)
	}
	name, _, _ := strings.Cut(resource.Resource, "/")
	var text string
	var conf settings
	err := s.db.View(ctx, func(tx *store.Tx) error {
		b := bucketARN(name)
		p, err := policies.Get(tx, b)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		text = p.Text
		conf, err = findSettings(tx, b)
		return err
	})
	if err != nil {
		return "", err
	}
	if text == "" || conf.Access == nil || !aws.Value(conf.Access.RestrictPublicBuckets) {
		return text, nil
	}
	p, err := parsePolicy(bucketARN(name).String(), text)
	if err != nil {
		return "", err
	}
	return p.withoutPublic(text)
}

// owner returns the account of a bucket or an object, for auth.
func (s *Service) owner(ctx context.Context, resource aws.ARN) (string, error) {
	name, _, _ := strings.Cut(resource.Resource, "/")
	var account string
	err := s.db.View(ctx, func(tx *store.Tx) error {
		row, err := buckets.Get(tx, bucketARN(name))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		account = row.Owner
		return err
	})
	return account, err
}

// A parsedPolicy is what S3 itself needs to know of a policy.
type parsedPolicy struct {
	Version   string          `json:",omitempty"`
	ID        string          `json:"Id,omitempty"`
	Statement list[statement] `json:"Statement"`
}

// A statement is one of a policy, with its text.
type statement struct {
	Effect      string
	Principal   json.RawMessage
	Resource    list[string]
	NotResource list[string]
	Condition   map[string]map[string]list[any] // values may be numbers and booleans
	text        json.RawMessage
}

func (s *statement) UnmarshalJSON(b []byte) error {
	type plain statement
	s.text = slices.Clone(b)
	return json.Unmarshal(b, (*plain)(s))
}

// MarshalJSON returns the statement as it was read.
func (s statement) MarshalJSON() ([]byte, error) { return s.text, nil }

// A list is an array in JSON, or its one element.
type list[T any] []T

// UnmarshalJSON reads either form.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]T)(l))
	}
	*l = make([]T, 1)
	return json.Unmarshal(b, &(*l)[0])
}

// parsePolicy reads a policy of a bucket or an access point, by its ARN. It
// refuses what is none, or is about others.
func parsePolicy(arn, text string) (parsedPolicy, error) {
	var p parsedPolicy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, api.MalformedPolicy.Errorf("Policies must be valid JSON and the first byte must be '{'")
	}
	for _, s := range p.Statement {
		if len(s.Resource)+len(s.NotResource) == 0 {
			return p, api.MalformedPolicy.Errorf("Missing required field Resource")
		}
		for _, r := range s.Resource {
			if r != arn && !strings.HasPrefix(r, arn+"/") && r != arn+"*" {
				return p, api.MalformedPolicy.Errorf("Policy has invalid resource")
			}
		}
	}
	return p, nil
}

// public reports whether p lets everyone in.
func (p parsedPolicy) public() bool { return slices.ContainsFunc(p.Statement, statement.public) }

// withoutPublic is the policy less the statements that let everyone in.
func (p parsedPolicy) withoutPublic(text string) (string, error) {
	if !p.public() {
		return text, nil
	}
	p.Statement = slices.DeleteFunc(p.Statement, statement.public)
	if len(p.Statement) == 0 {
		return "", nil
	}
	b, err := json.Marshal(p)
	return string(b), err
}

// fixing are the condition keys that make a statement about somebody in
// particular, if their values have no wildcards.
var fixing = []string{
	"aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:sourceip",
	"aws:userid", "aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "aws:principalaccount",
	"s3:dataaccesspointarn", "s3:dataaccesspointaccount",
}

// public reports whether s lets in whoever comes.
func (s statement) public() bool {
	var principals struct{ AWS list[string] }
	anyone := string(s.Principal) == `"*"`
	if !anyone && json.Unmarshal(s.Principal, &principals) == nil {
		anyone = slices.Contains(principals.AWS, "*")
	}
	if s.Effect != "Allow" || !anyone {
		return false
	}
	for operator, keys := range s.Condition {
		if strings.Contains(operator, "Not") || strings.HasSuffix(operator, "IfExists") {
			continue
		}
		for key, values := range keys {
			open := slices.ContainsFunc(values, func(v any) bool {
				s, ok := v.(string)
				return !ok || strings.ContainsAny(s, "*?") || strings.Contains(s, "${") || strings.HasSuffix(s, "/0")
			})
			if slices.Contains(fixing, strings.ToLower(key)) && !open {
				return false
			}
		}
	}
	return true
}
