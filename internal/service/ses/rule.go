package ses

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/s3"
	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// setupKey is the object that is written to a bucket to see whether it can be.
const setupKey = "AMAZON_SES_SETUP_NOTIFICATION"

func checkRuleName(path, name string) error { return checkName("ruleName", path, name) }

// place is where a rule goes: behind another, or before all.
func (r *ruleSet) place(after *string) (int, error) {
	if after == nil {
		return 0, nil
	}
	if i := r.index(*after); i >= 0 {
		return i + 1, nil
	}
	return 0, errNoRule(*after)
}

// CreateReceiptRule adds a rule to a set.
func (s *Service) CreateReceiptRule(ctx context.Context, call *aws.Call, in *api.CreateReceiptRuleInput) (*api.CreateReceiptRuleOutput, error) {
	if in.After != nil {
		if err := checkRuleName("after", *in.After); err != nil {
			return nil, err
		}
	}
	rule, err := s.wholeRule(ctx, call, in.RuleSetName, in.Rule)
	if err != nil {
		return nil, err
	}
	err = s.changeRules(ctx, call, in.RuleSetName, func(row *ruleSet) error {
		if row.index(rule.Name) >= 0 {
			return api.AlreadyExistsException.Errorf("Rule already exists: %s", rule.Name)
		}
		if len(row.Rules) >= maxRules {
			return api.LimitExceededException.Errorf("Too many rules")
		}
		at, err := row.place(in.After)
		row.Rules = slices.Insert(row.Rules, at, *rule)
		return err
	})
	return &api.CreateReceiptRuleOutput{}, err
}

// UpdateReceiptRule puts a rule in the place of that of its name.
func (s *Service) UpdateReceiptRule(ctx context.Context, call *aws.Call, in *api.UpdateReceiptRuleInput) (*api.UpdateReceiptRuleOutput, error) {
	rule, err := s.wholeRule(ctx, call, in.RuleSetName, in.Rule)
	if err != nil {
		return nil, err
	}
	err = s.changeRules(ctx, call, in.RuleSetName, func(row *ruleSet) error {
		i := row.index(rule.Name)
		if i < 0 {
			return errNoRule(rule.Name)
		}
		row.Rules[i] = *rule
		return nil
	})
	return &api.UpdateReceiptRuleOutput{}, err
}

// DescribeReceiptRule returns a rule.
func (s *Service) DescribeReceiptRule(ctx context.Context, call *aws.Call, in *api.DescribeReceiptRuleInput) (*api.DescribeReceiptRuleOutput, error) {
	if err := checkRuleName("ruleName", in.RuleName); err != nil {
		return nil, err
	}
	row, err := s.lookRuleSet(ctx, call, in.RuleSetName)
	if err != nil {
		return nil, err
	}
	i := row.index(in.RuleName)
	if i < 0 {
		return nil, errNoRule(in.RuleName)
	}
	return &api.DescribeReceiptRuleOutput{Rule: &row.Rules[i]}, nil
}

// DeleteReceiptRule takes a rule out of a set. That it is not in it is no failure.
func (s *Service) DeleteReceiptRule(ctx context.Context, call *aws.Call, in *api.DeleteReceiptRuleInput) (*api.DeleteReceiptRuleOutput, error) {
	if err := checkRuleName("ruleName", in.RuleName); err != nil {
		return nil, err
	}
	err := s.changeRules(ctx, call, in.RuleSetName, func(row *ruleSet) error {
		row.Rules = slices.DeleteFunc(row.Rules, func(rule api.ReceiptRule) bool { return rule.Name == in.RuleName })
		return nil
	})
	return &api.DeleteReceiptRuleOutput{}, err
}

// SetReceiptRulePosition moves a rule behind another, or before all.
func (s *Service) SetReceiptRulePosition(ctx context.Context, call *aws.Call, in *api.SetReceiptRulePositionInput) (*api.SetReceiptRulePositionOutput, error) {
	err := checkRuleName("ruleName", in.RuleName)
	if err == nil && in.After != nil {
		err = checkRuleName("after", *in.After)
	}
	if err != nil {
		return nil, err
	}
	err = s.changeRules(ctx, call, in.RuleSetName, func(row *ruleSet) error {
		i := row.index(in.RuleName)
		if i < 0 {
			return errNoRule(in.RuleName)
		}
		if aws.Value(in.After) == in.RuleName {
			return nil
		}
		rule := row.Rules[i]
		row.Rules = slices.Delete(row.Rules, i, i+1)
		at, err := row.place(in.After)
		row.Rules = slices.Insert(row.Rules, at, rule)
		return err
	})
	return &api.SetReceiptRulePositionOutput{}, err
}

// wholeRule returns a rule with what it leaves out, or refuses it: it is one that
// cannot be, or that SES may not do.
func (s *Service) wholeRule(ctx context.Context, call *aws.Call, set string, in *api.ReceiptRule) (*api.ReceiptRule, error) {
	if err := errors.Join(checkRuleSetName(set), checkRuleName("rule.name", in.Name)); err != nil {
		return nil, err
	}
	rule := *in
	rule.TlsPolicy = new(aws.Or(in.TlsPolicy, api.TlsPolicyOptional))
	rule.Enabled, rule.ScanEnabled = new(aws.Value(in.Enabled)), new(aws.Value(in.ScanEnabled))
	rule.Actions = slices.Clone(in.Actions)
	if len(rule.Actions) > maxActions {
		return nil, api.LimitExceededException.Errorf("Too many actions")
	}
	for i := range rule.Actions {
		action := &rule.Actions[i]
		if action.StopAction != nil && i < len(rule.Actions)-1 {
			return nil, invalid("Stop action, if any, must be placed at the end of the actions list")
		}
		if a := action.SNSAction; a != nil {
			action.SNSAction = &api.SNSAction{TopicArn: a.TopicArn, Encoding: new(aws.Or(a.Encoding, api.SNSActionEncodingUtf8))}
		}
		if a := action.LambdaAction; a != nil {
			whole := *a
			whole.InvocationType = new(aws.Or(a.InvocationType, api.InvocationTypeEvent))
			action.LambdaAction = &whole
		}
	}
	by := aws.ServiceCall("ses", ruleARN(accountARN(call), set, rule.Name))
	for i := range rule.Actions {
		if err := s.checkAction(ctx, call, by, &rule.Actions[i]); err != nil {
			return nil, err
		}
	}
	return &rule, nil
}

// ruleARN names a rule of an account.
func ruleARN(account aws.ARN, set, rule string) aws.ARN {
	account.Resource = ruleSetKind + set + ":receipt-rule/" + rule
	return account
}

// topicOf is the topic that an action tells, or nil.
func topicOf(a *api.ReceiptAction) *string {
	switch {
	case a.S3Action != nil:
		return a.S3Action.TopicArn
	case a.SNSAction != nil:
		return &a.SNSAction.TopicArn
	case a.LambdaAction != nil:
		return a.LambdaAction.TopicArn
	case a.BounceAction != nil:
		return a.BounceAction.TopicArn
	case a.StopAction != nil:
		return a.StopAction.TopicArn
	}
	return nil
}

// checkAction refuses an action that by, the call of a rule, may not do.
func (s *Service) checkAction(ctx context.Context, call, by *aws.Call, a *api.ReceiptAction) error {
	switch {
	case a.WorkmailAction != nil:
		return aws.NotImplemented.Errorf("Aloft has no WorkMail: rules cannot have a WorkmailAction.")
	case a.ConnectAction != nil:
		return aws.NotImplemented.Errorf("Aloft has no Amazon Connect: rules cannot have a ConnectAction.")
	}
	if err := s.checkTopic(ctx, by, topicOf(a)); err != nil {
		return err
	}
	switch {
	case a.S3Action != nil:
		return s.checkBucket(ctx, call, by, a.S3Action)
	case a.LambdaAction != nil:
		return s.checkFunction(ctx, by, a.LambdaAction.FunctionArn)
	case a.BounceAction != nil:
		return s.checkBounce(ctx, call, a.BounceAction)
	case a.AddHeaderAction != nil:
		return checkHeader(a.AddHeaderAction)
	}
	return nil
}

func (s *Service) checkTopic(ctx context.Context, by *aws.Call, topic *string) error {
	if topic == nil {
		return nil
	}
	arn, err := aws.ParseARN(*topic)
	if err != nil || arn.Service != "sns" || arn.Region == "" || arn.Account == "" {
		return api.InvalidSnsTopicException.Errorf("Invalid SNS topic: %s", *topic)
	}
	if err := s.Table.May(ctx, by, service.Access{Action: "sns:Publish", Resource: arn}); err != nil {
		return api.InvalidSnsTopicException.Errorf("Could not publish to SNS topic: %s", *topic)
	}
	return nil
}

func (s *Service) checkFunction(ctx context.Context, by *aws.Call, function string) error {
	if function == "" {
		return invalid("Lambda function ARN must not be empty")
	}
	arn, err := aws.ParseARN(function)
	if err != nil || arn.Service != "lambda" || !strings.HasPrefix(arn.Resource, "function:") {
		return api.InvalidLambdaFunctionException.Errorf("Invalid Lambda function: %s", function)
	}
	if err := s.Table.May(ctx, by, service.Access{Action: "lambda:InvokeFunction", Resource: arn}); err != nil {
		return api.InvalidLambdaFunctionException.Errorf("Could not invoke Lambda function: %s", function)
	}
	return nil
}

// checkBucket writes to a bucket that mail is to be stored in.
func (s *Service) checkBucket(ctx context.Context, call, by *aws.Call, a *api.S3Action) error {
	if a.BucketName == "" {
		return invalid("Bucket name must not be empty")
	}
	if a.KmsKeyArn != nil {
		return aws.NotImplemented.Errorf("Aloft does not encrypt mail for S3's encryption client yet: an S3Action cannot have a KmsKeyArn.")
	}
	if err := s.storeObject(ctx, by, a, aws.Value(a.ObjectKeyPrefix)+setupKey, strings.NewReader(setupText)); err == nil {
		return nil
	}
	if _, err := dispatch.Call(ctx, s.Table, call, s3.GetBucketLocation, &s3.GetBucketLocationInput{Bucket: a.BucketName}); errors.Is(err, s3.NoSuchBucket) {
		return api.InvalidS3ConfigurationException.Errorf("No such bucket: %s", a.BucketName)
	}
	return api.InvalidS3ConfigurationException.Errorf("Could not write to bucket: %s", a.BucketName)
}

const setupText = "Mail that Amazon SES receives will be stored in this bucket, as a receipt rule of yours says.\n"

func (s *Service) checkBounce(ctx context.Context, call *aws.Call, a *api.BounceAction) error {
	switch {
	case len(a.SmtpReplyCode) != 3 || a.SmtpReplyCode[0] != '5' && a.SmtpReplyCode[0] != '4' || strings.Trim(a.SmtpReplyCode, "0123456789") != "":
		return invalid("Invalid SMTP reply code: %s", a.SmtpReplyCode)
	case a.Message == "":
		return invalid("Invalid SMTP response message: %s", a.Message)
	}
	return s.view(ctx, func(tx *store.Tx) error {
		arn, _, err := verifiedSender(tx, call, addressOf(a.Sender))
		if err == nil && arn == (aws.ARN{}) {
			return invalid("Identity is not verified: %s", a.Sender)
		}
		return err
	})
}

// checkHeader refuses a header that is none.
func checkHeader(a *api.AddHeaderAction) error {
	if a.HeaderName == "" || len(a.HeaderName) > 50 || strings.ContainsFunc(a.HeaderName, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
		return invalid("Invalid header name: %s", a.HeaderName)
	}
	if len(a.HeaderValue) > 2048 || strings.ContainsAny(a.HeaderValue, "\r\n") {
		return invalid("Invalid header value: %s", a.HeaderValue)
	}
	return nil
}

// storeObject writes an object, as SES or as the role that the action names.
func (s *Service) storeObject(ctx context.Context, by *aws.Call, a *api.S3Action, key string, body io.Reader) error {
	if a.IamRoleArn != nil {
		session, err := s.Sessions.Assume(ctx, by, *a.IamRoleArn)
		if err != nil {
			return err
		}
		by = session.Call(by)
	}
	ctx, done := context.WithTimeout(ctx, storing)
	defer done()
	_, err := dispatch.Call(ctx, s.Table, by, s3.PutObject, &s3.PutObjectInput{Bucket: a.BucketName, Key: key, Body: body})
	return err
}

const storing = 5 * time.Minute // that it may take to store a message
