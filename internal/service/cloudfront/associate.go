package cloudfront

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service/cloudfront/function"
	"github.com/aloft-cloud/aloft/internal/store"
)

// triggersOf are the functions of Lambda that a behaviour has.
func triggersOf(b *api.CacheBehavior) []api.LambdaFunctionAssociation {
	if b.LambdaFunctionAssociations == nil {
		return nil
	}
	return b.LambdaFunctionAssociations.Items
}

// liveFunction returns a function that distributions may run.
func liveFunction(tx *store.Tx, owner *aws.Call, name string) (*script, error) {
	arn, err := aws.ParseARN(name)
	if err != nil || arn.Account != owner.Account {
		return nil, api.InvalidFunctionAssociation.Errorf("The function ARN %s is not valid.", name)
	}
	_, h, err := scripts.find(tx, owner, scripts.id(arn))
	if errors.Is(err, api.NoSuchFunctionExists) {
		return nil, api.InvalidFunctionAssociation.Errorf("The function %s does not exist.", name)
	} else if err != nil {
		return nil, err
	}
	if h.Config.Live == nil {
		return nil, api.InvalidFunctionAssociation.Errorf("The function %s is not published: it must be in the LIVE stage.", name)
	}
	return &h.Config, nil
}

// checkFunctions refuses functions that cannot run, or not together.
func checkFunctions(tx *store.Tx, call *aws.Call, b *api.CacheBehavior) error {
	seen := make(map[string]bool)
	for _, a := range triggersOf(b) {
		if seen[a.EventType] {
			return api.TooManyLambdaFunctionAssociations.Errorf("Your request contains more Lambda function associations than are allowed per distribution: the event type %s has several.", a.EventType)
		}
		if aws.Value(a.IncludeBody) && strings.HasSuffix(a.EventType, "-response") {
			return api.InvalidLambdaFunctionAssociation.Errorf("IncludeBody is only for request events. ARN: %s", a.LambdaFunctionARN)
		}
		seen[a.EventType] = true
	}
	viewers := seen[function.ViewerRequest] || seen[function.ViewerResponse]
	for _, a := range associated(b) {
		if !strings.HasPrefix(a.EventType, "viewer-") {
			return api.InvalidArgument.Errorf("The parameter EventType of a function association must be one of viewer-request, viewer-response.")
		}
		if seen[a.EventType] || viewers {
			return api.InvalidFunctionAssociation.Errorf("A cache behavior cannot have functions of both CloudFront and Lambda@Edge at viewer events, or several at one.")
		}
		seen[a.EventType] = true
		if _, err := liveFunction(tx, call, a.FunctionARN); err != nil {
			return err
		}
	}
	return nil
}

// checkTrusted refuses groups of keys that there are not.
func checkTrusted(tx *store.Tx, call *aws.Call, b *api.CacheBehavior) error {
	if b.TrustedKeyGroups == nil {
		return nil
	}
	for _, id := range b.TrustedKeyGroups.Items {
		_, _, err := keyGroups.find(tx, call, id)
		if errors.Is(err, api.NoSuchResource) {
			return api.TrustedKeyGroupDoesNotExist.Errorf("One or more of your trusted key groups do not exist.")
		} else if err != nil {
			return err
		}
	}
	return nil
}

// checkTriggers refuses functions of Lambda that cannot run at the edge. The
// caller must be allowed to know them.
func (s *Service) checkTriggers(ctx context.Context, call *aws.Call, c *api.DistributionConfig) error {
	for _, b := range behaviors(c) {
		for _, a := range triggersOf(&b) {
			if err := s.checkTrigger(ctx, call, &a); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) checkTrigger(ctx context.Context, call *aws.Call, a *api.LambdaFunctionAssociation) error {
	refuse := func(format string, args ...any) error {
		return api.InvalidLambdaFunctionAssociation.Errorf(format, args...)
	}
	name := a.LambdaFunctionARN
	arn, err := aws.ParseARN(name)
	if err != nil || arn.Service != "lambda" {
		return refuse("The function ARN is not valid. ARN: %s", name)
	}
	version := arn.Resource[strings.LastIndex(arn.Resource, ":")+1:]
	if n, err := strconv.Atoi(version); err != nil || n < 1 || strings.Count(arn.Resource, ":") != 2 {
		return refuse("The function ARN must reference a specific function version. (The ARN must end with the version number.) ARN: %s", name)
	}
	if arn.Region != "us-east-1" {
		return refuse("The function must be in region 'us-east-1'. ARN: %s", name)
	}
	there := call.Through("cloudfront")
	there.Region = arn.Region
	f, err := dispatch.CallChecked(ctx, s.cfg.Table, there, lambda.GetFunctionConfiguration, &lambda.GetFunctionConfigurationInput{FunctionName: name})
	if err != nil {
		if aws.Refusal(err).Status >= 500 {
			return err
		}
		return refuse("Lambda@Edge cannot retrieve the specified Lambda function. Update the IAM policy to add permission: lambda:GetFunction for resource: %s and try again.", name)
	}
	most := int32(30)
	if strings.HasPrefix(a.EventType, "viewer-") {
		most = 5
	}
	switch {
	case aws.Value(f.State) != "" && *f.State != lambda.StateActive:
		return refuse("The function must be in an Active state. The current state for function %s is %s", name, *f.State)
	case !strings.HasPrefix(aws.Value(f.Runtime), "nodejs") && !strings.HasPrefix(aws.Value(f.Runtime), "python"):
		return refuse("The function has an invalid runtime: Lambda@Edge runs Node.js and Python. Function: %s", name)
	case f.Environment != nil && len(f.Environment.Variables) > 0:
		return refuse("The function cannot have environment variables. Function: %s", name)
	case len(f.Layers) > 0:
		return refuse("The function cannot have layers. Function: %s", name)
	case aws.Value(f.Timeout) > most:
		return refuse("The function timeout is larger than the maximum allowed for functions that are triggered by a CloudFront event: %d Max allowed: %d Function: %s", aws.Value(f.Timeout), most, name)
	case most == 5 && aws.Value(f.MemorySize) > 128:
		return refuse("The function memory size is larger than the maximum allowed for functions that are triggered by a CloudFront event: %d Max allowed: 128 Function: %s", aws.Value(f.MemorySize), name)
	}
	return s.checkReplicable(ctx, arn.Account, aws.Value(f.Role))
}

// checkReplicable refuses a role that functions at the edge may not have.
func (s *Service) checkReplicable(ctx context.Context, account, role string) error {
	call := &aws.Call{Account: account, Region: "us-east-1", Principal: auth.Root(account), RequestID: aws.NewRequestID()}
	out, err := dispatch.CallChecked(ctx, s.cfg.Table, call, iam.GetRole, &iam.GetRoleInput{RoleName: role[strings.LastIndex(role, "/")+1:]})
	if err != nil && aws.Refusal(err).Status >= 500 {
		return err
	}
	if err == nil {
		if text, wrong := url.PathUnescape(aws.Value(out.Role.AssumeRolePolicyDocument)); wrong == nil && strings.Contains(text, "edgelambda.amazonaws.com") {
			return nil
		}
	}
	return api.InvalidLambdaFunctionAssociation.Errorf("The function execution role must be assumable with edgelambda.amazonaws.com as well as lambda.amazonaws.com principals. Update the IAM role and try again. Role: %s", role)
}
