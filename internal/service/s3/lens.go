package s3

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	control "github.com/aloft-cloud/aloft/internal/api/s3control"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A lens is an access point of Object Lambda: what is read by it is what a
// function makes of what is read by another access point, which supports it.
// Operations that it has no function for pass through to that one.

var (
	lenses      = store.NewTable[aws.ARN, lens]("s3.lens")
	lensAliases = store.NewTable[string, pointAlias]("s3.lens.alias")
)

const (
	lensService = "s3-object-lambda" // in ARNs, actions, hosts and scopes
	lensSuffix  = "--ol-s3"          // of aliases
)

type lens struct {
	Point     aws.ARN // that supports it
	Functions []lensFunction
	Features  []string `json:",omitempty"` // that its functions have
	Metrics   bool     `json:",omitempty"`
	Alias     string
	Created   time.Time
	Policy    string `json:",omitempty"`

	arn aws.ARN // not kept
}

// A lensFunction makes what operations answer.
type lensFunction struct {
	Operations []string
	Function   string
	Payload    *string `json:",omitempty"`
}

func lensARN(region, account, name string) aws.ARN {
	return aws.ARN{Service: lensService, Region: region, Account: account, Resource: pointKind + name}
}

// findLens returns the lens that a request names in place of a bucket: by its
// alias, its ARN, or its name and account.
func findLens(tx *store.Tx, call *aws.Call, name string) (l lens, found bool, err error) {
	var arn aws.ARN
	switch {
	case strings.HasSuffix(name, lensSuffix):
		a, err := lensAliases.Get(tx, name)
		if err != nil {
			return l, false, ignoreMissing(err)
		}
		arn = a.Point
	case strings.HasPrefix(name, "arn:"):
		if arn, err = aws.ParseARN(name); err != nil {
			return l, false, nil
		}
		arn.Resource = strings.Replace(arn.Resource, "accesspoint:", pointKind, 1)
	default:
		m := accounted.FindStringSubmatch(name)
		if m == nil {
			return l, false, nil
		}
		arn = lensARN(call.Region, m[2], m[1])
	}
	if arn.Region == "" {
		arn.Region = call.Region
	}
	l, err = lenses.Get(tx, arn)
	l.arn = arn
	return l, err == nil, ignoreMissing(err)
}

// function returns what makes the answer of an operation, or nil.
func (l *lens) function(operation string) *lensFunction {
	for i, f := range l.Functions {
		if slices.Contains(f.Operations, operation) {
			return &l.Functions[i]
		}
	}
	return nil
}

// guard asks for access to l itself, whose actions have names of their own.
func (l lens) guard(check check) func(service.Access) error {
	return func(a service.Access) error {
		a.Action = lensService + strings.TrimPrefix(a.Action, "s3")
		a.Resource = l.arn
		a.Keys = maps.Clone(a.Keys)
		return check(a)
	}
}

// missing is err, of l's access point.
func (l *lens) missing(err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return aws.Fault{Code: "NoSuchAccessPoint", Status: 404}.Errorf("The specified accesspoint does not exist")
}

// lensPolicy returns the policy of a lens, for auth.
func (s *Service) lensPolicy(ctx context.Context, arn aws.ARN) (text string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		l, err := lenses.Get(tx, arn)
		text = l.Policy
		return ignoreMissing(err)
	})
	return text, err
}

// throughLens is op for who names a lens that has a function for it. Its access
// is checked, and the lens then stands where the bucket's name does.
func (s *Service) throughLens(op service.Operation) service.Operation {
	handle := op.Handle
	switch op.Name {
	case api.GetObject.Name, api.HeadObject.Name, api.ListObjects.Name, api.ListObjectsV2.Name:
	default:
		return op
	}
	op.Handle = func(ctx context.Context, call *aws.Call, in any) (any, error) {
		if bucket := in.(interface{ GetBucket() string }).GetBucket(); !strings.HasPrefix(bucket, "arn:aws:"+lensService+":") {
			return handle(ctx, call, in)
		}
		return s.see(ctx, call, op.Name, in)
	}
	return op
}

// newLens returns a lens of what a caller says of it.
func newLens(call *aws.Call, c *control.ObjectLambdaConfiguration) (lens, error) {
	bad := control.InvalidRequest
	point, err := aws.ParseARN(c.SupportingAccessPoint)
	switch {
	case err != nil || point.Service != "s3" || !strings.HasPrefix(point.Resource, pointKind):
		return lens{}, bad.Errorf("Invalid access point ARN")
	case point.Account != call.Account || point.Region != call.Region:
		return lens{}, bad.Errorf("The supporting access point must be in the same account and Region as the Object Lambda Access Point")
	case len(c.TransformationConfigurations) == 0:
		return lens{}, bad.Errorf("At least one transformation configuration is required")
	}
	l := lens{Point: point, Features: c.AllowedFeatures, Metrics: aws.Value(c.CloudWatchMetricsEnabled)}
	seen := make(map[string]bool)
	for _, t := range c.TransformationConfigurations {
		f := aws.Value(t.ContentTransformation).AwsLambda
		switch {
		case f == nil:
			return lens{}, bad.Errorf("Invalid transformation configuration")
		case len(t.Actions) == 0:
			return lens{}, bad.Errorf("Transformation configuration must have at least one action")
		}
		for _, a := range t.Actions {
			if seen[a] {
				return lens{}, bad.Errorf("Each action must be in one transformation configuration only")
			}
			seen[a] = true
		}
		l.Functions = append(l.Functions, lensFunction{Operations: t.Actions, Function: f.FunctionArn, Payload: f.FunctionPayload})
	}
	return l, nil
}

// configuration is what newLens was told.
func (l *lens) configuration() *control.ObjectLambdaConfiguration {
	c := &control.ObjectLambdaConfiguration{
		SupportingAccessPoint: l.Point.String(), CloudWatchMetricsEnabled: &l.Metrics, AllowedFeatures: l.Features,
	}
	for _, f := range l.Functions {
		c.TransformationConfigurations = append(c.TransformationConfigurations, control.ObjectLambdaTransformationConfiguration{
			Actions: f.Operations,
			ContentTransformation: &control.ObjectLambdaContentTransformation{
				AwsLambda: &control.AwsLambdaTransformation{FunctionArn: f.Function, FunctionPayload: f.Payload},
			},
		})
	}
	return c
}

func (l *lens) alias() *control.ObjectLambdaAccessPointAlias {
	return &control.ObjectLambdaAccessPointAlias{Value: &l.Alias, Status: new(control.ObjectLambdaAccessPointAliasStatusReady)}
}
