package s3

import (
	"context"
	"errors"
	"strings"
	"time"

	control "github.com/aloft-cloud/aloft/internal/api/s3control"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// ownLens returns a lens of the caller's, by its name.
func ownLens(tx *store.Tx, call *aws.Call, name string) (lens, error) {
	arn := lensARN(call.Region, call.Account, name)
	l, err := lenses.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoPoint(name)
	}
	l.arn = arn
	return l, err
}

// seeLens has f see a lens of the caller's.
func (s *Service) seeLens(ctx context.Context, call *aws.Call, name string, f func(l *lens) error) error {
	return s.db.View(ctx, func(tx *store.Tx) error {
		l, err := ownLens(tx, call, name)
		if err != nil {
			return err
		}
		return f(&l)
	})
}

// changeLens has f change a lens of the caller's.
func (s *Service) changeLens(ctx context.Context, call *aws.Call, name string, f func(l *lens) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		l, err := ownLens(tx, call, name)
		if err != nil {
			return err
		}
		if err := f(&l); err != nil {
			return err
		}
		s.changed(tx)
		return lenses.Put(tx, l.arn, l)
	})
}

// CreateAccessPointForObjectLambda makes an access point by which functions
// change what is read.
func (s *Service) CreateAccessPointForObjectLambda(ctx context.Context, call *aws.Call, in *control.CreateAccessPointForObjectLambdaInput) (*control.CreateAccessPointForObjectLambdaOutput, error) {
	l, err := newLens(call, in.Configuration)
	if err != nil {
		return nil, err
	}
	l.arn = lensARN(call.Region, call.Account, in.Name)
	l.Alias, l.Created = newAlias(in.Name, lensSuffix), time.Now().UTC().Truncate(time.Second)
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		there, err := lenses.Has(tx, l.arn)
		switch {
		case err != nil:
			return err
		case there:
			return control.AccessPointAlreadyOwnedByYou.Errorf("Your previous request to create the named accesspoint succeeded and you already own it.")
		}
		s.changed(tx)
		return errors.Join(lenses.Put(tx, l.arn, l), lensAliases.Put(tx, l.Alias, pointAlias{l.arn}))
	})
	return &control.CreateAccessPointForObjectLambdaOutput{ObjectLambdaAccessPointArn: new(l.arn.String()), Alias: l.alias()}, err
}

// GetAccessPointForObjectLambda describes an access point of Object Lambda.
func (s *Service) GetAccessPointForObjectLambda(ctx context.Context, call *aws.Call, in *control.GetAccessPointForObjectLambdaInput) (*control.GetAccessPointForObjectLambdaOutput, error) {
	out := new(control.GetAccessPointForObjectLambdaOutput)
	return out, s.seeLens(ctx, call, in.Name, func(l *lens) error {
		blocked := control.PublicAccessBlockConfiguration(*blockAll())
		*out = control.GetAccessPointForObjectLambdaOutput{
			Name: &in.Name, CreationDate: &l.Created, Alias: l.alias(), PublicAccessBlockConfiguration: &blocked,
		}
		return nil
	})
}

// ListAccessPointsForObjectLambda lists the access points of Object Lambda of an
// account.
func (s *Service) ListAccessPointsForObjectLambda(ctx context.Context, call *aws.Call, in *control.ListAccessPointsForObjectLambdaInput) (*control.ListAccessPointsForObjectLambdaOutput, error) {
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
	out := &control.ListAccessPointsForObjectLambdaOutput{ObjectLambdaAccessPointList: []control.ObjectLambdaAccessPoint{}}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		all := lensARN(call.Region, call.Account, "")
		all.Resource = ""
		for arn, l := range lenses.ScanAfter(tx, all, lensARN(call.Region, call.Account, after)) {
			if len(out.ObjectLambdaAccessPointList) == most {
				if most > 0 {
					out.NextToken = new(newToken(out.ObjectLambdaAccessPointList[most-1].Name))
				}
				return nil
			}
			out.ObjectLambdaAccessPointList = append(out.ObjectLambdaAccessPointList, control.ObjectLambdaAccessPoint{
				Name: strings.TrimPrefix(arn.Resource, pointKind), ObjectLambdaAccessPointArn: new(arn.String()), Alias: l.alias(),
			})
		}
		return nil
	})
}

// DeleteAccessPointForObjectLambda removes an access point of Object Lambda.
func (s *Service) DeleteAccessPointForObjectLambda(ctx context.Context, call *aws.Call, in *control.DeleteAccessPointForObjectLambdaInput) (*control.DeleteAccessPointForObjectLambdaOutput, error) {
	return &control.DeleteAccessPointForObjectLambdaOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		l, err := ownLens(tx, call, in.Name)
		if err != nil {
			return err
		}
		s.changed(tx)
		return errors.Join(lenses.Delete(tx, l.arn), lensAliases.Delete(tx, l.Alias))
	})
}

// GetAccessPointConfigurationForObjectLambda says which functions change what.
func (s *Service) GetAccessPointConfigurationForObjectLambda(ctx context.Context, call *aws.Call, in *control.GetAccessPointConfigurationForObjectLambdaInput) (*control.GetAccessPointConfigurationForObjectLambdaOutput, error) {
	out := new(control.GetAccessPointConfigurationForObjectLambdaOutput)
	return out, s.seeLens(ctx, call, in.Name, func(l *lens) error {
		out.Configuration = l.configuration()
		return nil
	})
}

// PutAccessPointConfigurationForObjectLambda has other functions change what is read.
func (s *Service) PutAccessPointConfigurationForObjectLambda(ctx context.Context, call *aws.Call, in *control.PutAccessPointConfigurationForObjectLambdaInput) (*control.PutAccessPointConfigurationForObjectLambdaOutput, error) {
	next, err := newLens(call, in.Configuration)
	if err != nil {
		return nil, err
	}
	return &control.PutAccessPointConfigurationForObjectLambdaOutput{}, s.changeLens(ctx, call, in.Name, func(l *lens) error {
		if next.Point != l.Point {
			return control.InvalidRequest.Errorf("The supporting access point cannot be changed")
		}
		l.Functions, l.Features, l.Metrics = next.Functions, next.Features, next.Metrics
		return nil
	})
}

// PutAccessPointPolicyForObjectLambda says who may read by an access point of
// Object Lambda.
func (s *Service) PutAccessPointPolicyForObjectLambda(ctx context.Context, call *aws.Call, in *control.PutAccessPointPolicyForObjectLambdaInput) (*control.PutAccessPointPolicyForObjectLambdaOutput, error) {
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	return &control.PutAccessPointPolicyForObjectLambdaOutput{}, s.changeLens(ctx, call, in.Name, func(l *lens) error {
		p, err := parsePolicy(l.arn.String(), in.Policy)
		if err != nil {
			return err
		}
		if p.public() {
			return control.AccessDenied.Errorf("Access Denied") // nobody may open one to all
		}
		l.Policy = in.Policy
		return nil
	})
}

// GetAccessPointPolicyForObjectLambda returns the policy of an access point of
// Object Lambda, as it was put.
func (s *Service) GetAccessPointPolicyForObjectLambda(ctx context.Context, call *aws.Call, in *control.GetAccessPointPolicyForObjectLambdaInput) (*control.GetAccessPointPolicyForObjectLambdaOutput, error) {
	out := new(control.GetAccessPointPolicyForObjectLambdaOutput)
	return out, s.seeLens(ctx, call, in.Name, func(l *lens) error {
		out.Policy = &l.Policy
		return l.checkPolicy(in.Name)
	})
}

// checkPolicy refuses what is asked of a policy that l has not.
func (l *lens) checkPolicy(name string) error {
	if l.Policy == "" {
		return control.NoSuchAccessPointPolicy.With(&control.NoSuchAccessPointPolicyDetail{AccessPointName: name}, "The specified accesspoint policy does not exist")
	}
	return nil
}

// GetAccessPointPolicyStatusForObjectLambda says whether a policy lets everyone
// in, which none may.
func (s *Service) GetAccessPointPolicyStatusForObjectLambda(ctx context.Context, call *aws.Call, in *control.GetAccessPointPolicyStatusForObjectLambdaInput) (*control.GetAccessPointPolicyStatusForObjectLambdaOutput, error) {
	out := new(control.GetAccessPointPolicyStatusForObjectLambdaOutput)
	return out, s.seeLens(ctx, call, in.Name, func(l *lens) error {
		out.PolicyStatus = &control.PolicyStatus{IsPublic: new(false)}
		return l.checkPolicy(in.Name)
	})
}

// DeleteAccessPointPolicyForObjectLambda leaves an access point of Object Lambda
// to those whom identities let.
func (s *Service) DeleteAccessPointPolicyForObjectLambda(ctx context.Context, call *aws.Call, in *control.DeleteAccessPointPolicyForObjectLambdaInput) (*control.DeleteAccessPointPolicyForObjectLambdaOutput, error) {
	return &control.DeleteAccessPointPolicyForObjectLambdaOutput{}, s.changeLens(ctx, call, in.Name, func(l *lens) error {
		l.Policy = ""
		return nil
	})
}
