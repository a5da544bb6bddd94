package s3

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/s3"
	control "github.com/aloft-cloud/aloft/internal/api/s3control"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Control implements the contract in package service for the service that makes
// access points.
func (s *Service) Control() service.Definition {
	return service.Definition{API: control.API, Operations: []service.Operation{
		onPoint(control.CreateAccessPoint, s.CreateAccessPoint).But("Access points of VPCs, scopes and tags are refused."),
		onPoint(control.GetAccessPoint, s.GetAccessPoint),
		service.OpEach(control.ListAccessPoints, s.ListAccessPoints, func(call *aws.Call, in *control.ListAccessPointsInput, check check) error {
			return check(service.Access{Action: "s3:ListAccessPoints", Resource: aws.AnyResource})
		}),
		onPoint(control.DeleteAccessPoint, s.DeleteAccessPoint),
		onPoint(control.PutAccessPointPolicy, s.PutAccessPointPolicy),
		onPoint(control.GetAccessPointPolicy, s.GetAccessPointPolicy),
		onPoint(control.GetAccessPointPolicyStatus, s.GetAccessPointPolicyStatus),
		onPoint(control.DeleteAccessPointPolicy, s.DeleteAccessPointPolicy),

		onLens(control.CreateAccessPointForObjectLambda, s.CreateAccessPointForObjectLambda).But("CloudWatch metrics are kept and shown."),
		onLens(control.GetAccessPointForObjectLambda, s.GetAccessPointForObjectLambda),
		service.OpEach(control.ListAccessPointsForObjectLambda, s.ListAccessPointsForObjectLambda, func(call *aws.Call, in *control.ListAccessPointsForObjectLambdaInput, check check) error {
			return check(service.Access{Action: "s3:ListAccessPointsForObjectLambda", Resource: aws.AnyResource})
		}),
		onLens(control.DeleteAccessPointForObjectLambda, s.DeleteAccessPointForObjectLambda),
		onLens(control.GetAccessPointConfigurationForObjectLambda, s.GetAccessPointConfigurationForObjectLambda),
		onLens(control.PutAccessPointConfigurationForObjectLambda, s.PutAccessPointConfigurationForObjectLambda),
		onLens(control.PutAccessPointPolicyForObjectLambda, s.PutAccessPointPolicyForObjectLambda),
		onLens(control.GetAccessPointPolicyForObjectLambda, s.GetAccessPointPolicyForObjectLambda),
		onLens(control.GetAccessPointPolicyStatusForObjectLambda, s.GetAccessPointPolicyStatusForObjectLambda),
		onLens(control.DeleteAccessPointPolicyForObjectLambda, s.DeleteAccessPointPolicyForObjectLambda),
	}}
}

// onPoint is the row of an operation on an access point.
func onPoint[In, Out any, P interface {
	*In
	GetAccountId() string
	GetName() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return named[In, Out, P](op, handle, pointARN)
}

// onLens is the row of an operation on an access point of Object Lambda.
func onLens[In, Out any, P interface {
	*In
	GetAccountId() string
	GetName() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return named[In, Out, P](op, handle, lensARN)
}

// named is the row of an operation on what has a name in an account.
func named[In, Out any, P interface {
	*In
	GetAccountId() string
	GetName() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error), arn func(region, account, name string) aws.ARN) service.Operation {
	return service.OpEach(op, func(ctx context.Context, call *aws.Call, in *In) (*Out, error) {
		if account := P(in).GetAccountId(); account != call.Account {
			return nil, control.AccessDenied.Errorf("Access Denied")
		}
		return handle(ctx, call, in)
	}, func(call *aws.Call, in *In, check check) error {
		return check(service.Access{Action: "s3:" + op.Name, Resource: arn(call.Region, P(in).GetAccountId(), P(in).GetName())})
	})
}

var pointName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$`)

// CreateAccessPoint makes another name of a bucket.
func (s *Service) CreateAccessPoint(ctx context.Context, call *aws.Call, in *control.CreateAccessPointInput) (*control.CreateAccessPointOutput, error) {
	switch {
	case in.VpcConfiguration != nil:
		return nil, errLacking("access points of VPCs")
	case in.Scope != nil || len(in.Tags) > 0:
		return nil, errLacking("scopes and tags of access points")
	case !pointName.MatchString(in.Name) || strings.HasSuffix(in.Name, aliasSuffix):
		return nil, control.InvalidURI.Errorf("Couldn't parse the specified URI.")
	}
	arn := pointARN(call.Region, call.Account, in.Name)
	p := point{Bucket: in.Bucket, Alias: newAlias(in.Name, aliasSuffix), Created: time.Now().UTC().Truncate(time.Second), Access: blockAll()}
	if in.PublicAccessBlockConfiguration != nil {
		c := s3.PublicAccessBlockConfiguration(*in.PublicAccessBlockConfiguration)
		completeBlock(&c)
		p.Access = &c
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.BucketAccountId)
		if err != nil {
			return err
		}
		there, err := points.Has(tx, arn)
		switch {
		case err != nil:
			return err
		case there:
			return control.AccessPointAlreadyOwnedByYou.Errorf("Your previous request to create the named accesspoint succeeded and you already own it.")
		case row.Owner != call.Account && in.BucketAccountId == nil:
			return control.AccessDenied.Errorf("Access Denied")
		case row.Region != call.Region:
			return control.InvalidRequest.Errorf("The access point must be in the same Region as the bucket")
		}
		p := p
		p.Owner = row.Owner
		s.changed(tx)
		return errors.Join(points.Put(tx, arn, p), pointsOf.Put(tx, pointOf{b, arn}, struct{}{}), aliases.Put(tx, p.Alias, pointAlias{arn}))
	})
	return &control.CreateAccessPointOutput{AccessPointArn: new(arn.String()), Alias: &p.Alias}, err
}

// newAlias is a name for an access point that can stand where a bucket's does.
func newAlias(name, suffix string) string {
	const most, random = 20, 34
	b := make([]byte, 22)
	rand.Read(b)
	text := strings.ToLower(base32.StdEncoding.EncodeToString(b))
	return strings.TrimRight(name[:min(len(name), most)], "-") + "-" + text[:random] + suffix
}

func errNoPoint(name string) error {
	return control.NoSuchAccessPoint.With(&control.NoSuchAccessPointDetail{AccessPointName: name}, "The specified accesspoint does not exist")
}

// ownPoint returns an access point of the caller's, by its name.
func ownPoint(tx *store.Tx, call *aws.Call, name string) (aws.ARN, point, error) {
	arn := pointARN(call.Region, call.Account, name)
	p, err := points.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoPoint(name)
	}
	return arn, p, err
}

// GetAccessPoint describes an access point.
func (s *Service) GetAccessPoint(ctx context.Context, call *aws.Call, in *control.GetAccessPointInput) (*control.GetAccessPointOutput, error) {
	out := new(control.GetAccessPointOutput)
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		arn, p, err := ownPoint(tx, call, in.Name)
		if err != nil {
			return err
		}
		c := control.PublicAccessBlockConfiguration(*p.Access)
		*out = control.GetAccessPointOutput{
			Name: &in.Name, Bucket: &p.Bucket, NetworkOrigin: new(control.NetworkOriginInternet), CreationDate: &p.Created,
			PublicAccessBlockConfiguration: &c, Alias: &p.Alias, AccessPointArn: new(arn.String()), BucketAccountId: &p.Owner,
			Endpoints: map[string]string{
				"ipv4":      "s3-accesspoint." + arn.Region + ".amazonaws.com",
				"dualstack": "s3-accesspoint.dualstack." + arn.Region + ".amazonaws.com",
			},
		}
		return nil
	})
}

// ListAccessPoints lists the access points of an account, or those to a bucket.
func (s *Service) ListAccessPoints(ctx context.Context, call *aws.Call, in *control.ListAccessPointsInput) (*control.ListAccessPointsOutput, error) {
	if in.AccountId != call.Account {
		return nil, control.AccessDenied.Errorf("Access Denied")
	}
	after := ""
	if in.NextToken != nil {
		var err error
		if after, err = parseToken(*in.NextToken); err != nil {
			return nil, control.InvalidRequest.Errorf("The continuation token provided is incorrect")
		}
	}
	most := int(aws.Or(in.MaxResults, usualMax))
	out := &control.ListAccessPointsOutput{AccessPointList: []control.AccessPoint{}}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		from := pointARN(call.Region, call.Account, "")
		for arn, p := range points.ScanAfter(tx, aws.ARN{Account: from.Account, Region: from.Region, Service: from.Service}, pointARN(call.Region, call.Account, after)) {
			if in.Bucket != nil && p.Bucket != *in.Bucket {
				continue
			}
			if len(out.AccessPointList) == most {
				out.NextToken = new(newToken(out.AccessPointList[most-1].Name))
				return nil
			}
			out.AccessPointList = append(out.AccessPointList, control.AccessPoint{
				Name: strings.TrimPrefix(arn.Resource, pointKind), NetworkOrigin: control.NetworkOriginInternet, Bucket: p.Bucket,
				AccessPointArn: new(arn.String()), Alias: &p.Alias, BucketAccountId: &p.Owner,
			})
		}
		return nil
	})
}

// DeleteAccessPoint removes an access point, and no object.
func (s *Service) DeleteAccessPoint(ctx context.Context, call *aws.Call, in *control.DeleteAccessPointInput) (*control.DeleteAccessPointOutput, error) {
	return &control.DeleteAccessPointOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		arn, p, err := ownPoint(tx, call, in.Name)
		if err != nil {
			return err
		}
		s.changed(tx)
		return errors.Join(points.Delete(tx, arn), aliases.Delete(tx, p.Alias), pointsOf.Delete(tx, pointOf{bucketARN(p.Bucket), arn}))
	})
}

// PutAccessPointPolicy says what may be done by an access point, as far as the
// bucket lets it.
func (s *Service) PutAccessPointPolicy(ctx context.Context, call *aws.Call, in *control.PutAccessPointPolicyInput) (*control.PutAccessPointPolicyOutput, error) {
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	return &control.PutAccessPointPolicyOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		arn, p, err := ownPoint(tx, call, in.Name)
		if err != nil {
			return err
		}
		parsed, err := parsePolicy(arn.String(), in.Policy)
		if err != nil {
			return err
		}
		if aws.Value(p.Access.BlockPublicPolicy) && parsed.public() {
			return control.AccessDenied.Errorf("User: %s is not authorized to perform: s3:PutAccessPointPolicy on resource: %q because"+
				" public policies are blocked by the BlockPublicPolicy block public access setting.", call.Principal.ARN, arn)
		}
		p.Policy = in.Policy
		s.changed(tx)
		return points.Put(tx, arn, p)
	})
}

func (s *Service) policyOfPoint(ctx context.Context, call *aws.Call, name string) (arn aws.ARN, text string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		var p point
		if arn, p, err = ownPoint(tx, call, name); err != nil {
			return err
		}
		if text = p.Policy; text == "" {
			return control.NoSuchAccessPointPolicy.With(&control.NoSuchAccessPointPolicyDetail{AccessPointName: name}, "The specified accesspoint policy does not exist")
		}
		return nil
	})
	return arn, text, err
}

// GetAccessPointPolicy returns the policy of an access point, as it was put.
func (s *Service) GetAccessPointPolicy(ctx context.Context, call *aws.Call, in *control.GetAccessPointPolicyInput) (*control.GetAccessPointPolicyOutput, error) {
	_, text, err := s.policyOfPoint(ctx, call, in.Name)
	return &control.GetAccessPointPolicyOutput{Policy: &text}, err
}

// GetAccessPointPolicyStatus says whether an access point lets everyone in.
func (s *Service) GetAccessPointPolicyStatus(ctx context.Context, call *aws.Call, in *control.GetAccessPointPolicyStatusInput) (*control.GetAccessPointPolicyStatusOutput, error) {
	arn, text, err := s.policyOfPoint(ctx, call, in.Name)
	if err != nil {
		return nil, err
	}
	p, err := parsePolicy(arn.String(), text)
	return &control.GetAccessPointPolicyStatusOutput{PolicyStatus: &control.PolicyStatus{IsPublic: new(p.public())}}, err
}

// DeleteAccessPointPolicy leaves nobody by an access point whom identities do
// not let.
func (s *Service) DeleteAccessPointPolicy(ctx context.Context, call *aws.Call, in *control.DeleteAccessPointPolicyInput) (*control.DeleteAccessPointPolicyOutput, error) {
	return &control.DeleteAccessPointPolicyOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		arn, p, err := ownPoint(tx, call, in.Name)
		if err != nil {
			return err
		}
		p.Policy = ""
		s.changed(tx)
		return points.Put(tx, arn, p)
	})
}
