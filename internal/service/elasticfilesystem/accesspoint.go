package elasticfilesystem

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/elasticfilesystem"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateAccessPoint makes a way into a file system.
func (s *Service) CreateAccessPoint(ctx context.Context, call *aws.Call, in *api.CreateAccessPointInput) (*api.CreateAccessPointOutput, error) {
	id, fs := newID("fsap"), fileSystemARN(call, in.FileSystemId)
	arn := accessPointARN(call, id)
	root := api.RootDirectory{Path: new("/")}
	if in.RootDirectory != nil {
		root.CreationInfo = in.RootDirectory.CreationInfo
		root.Path = new(aws.Or(in.RootDirectory.Path, "/"))
	}
	ap := api.AccessPointDescription{
		ClientToken: &in.ClientToken, Name: tagName(in.Tags), Tags: in.Tags, AccessPointId: &id, AccessPointArn: new(arn.String()), FileSystemId: new(idOf(fs)),
		PosixUser: in.PosixUser, RootDirectory: &root, OwnerId: &call.Account, LifeCycleState: new(api.LifeCycleStateAvailable),
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findFileSystem(tx, fs); err != nil {
			return err
		}
		for _, other := range accessPoints.Scan(tx, call.ARN("elasticfilesystem", "")) {
			if aws.Value(other.ClientToken) == in.ClientToken {
				f := api.AccessPointAlreadyExists
				return f.With(&api.AccessPointAlreadyExistsDetail{ErrorCode: f.Code, AccessPointId: *other.AccessPointId},
					"Access point '"+*other.AccessPointId+"' already exists with client token '"+in.ClientToken+"'.")
			}
		}
		return accessPoints.Put(tx, arn, ap)
	})
	if err != nil {
		return nil, err
	}
	out := ap
	out.LifeCycleState = new(api.LifeCycleStateCreating)
	return &out, nil
}

// DescribeAccessPoints describes access points.
func (s *Service) DescribeAccessPoints(ctx context.Context, call *aws.Call, in *api.DescribeAccessPointsInput) (*api.DescribeAccessPointsOutput, error) {
	if in.AccessPointId != nil && in.FileSystemId != nil {
		return nil, badRequest("You can specify only one of AccessPointId and FileSystemId.")
	}
	out := &api.DescribeAccessPointsOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		out.AccessPoints, out.NextToken = []api.AccessPointDescription{}, nil
		if in.AccessPointId != nil {
			ap, err := findAccessPoint(tx, accessPointARN(call, *in.AccessPointId))
			out.AccessPoints = append(out.AccessPoints, ap)
			return err
		}
		of := ""
		if in.FileSystemId != nil {
			arn := fileSystemARN(call, *in.FileSystemId)
			if _, err := findFileSystem(tx, arn); err != nil {
				return err
			}
			of = idOf(arn)
		}
		for _, ap := range accessPoints.ScanAfter(tx, call.ARN("elasticfilesystem", ""), accessPointARN(call, aws.Value(in.NextToken))) {
			if of != "" && of != *ap.FileSystemId {
				continue
			}
			if n := len(out.AccessPoints); n == int(aws.Or(in.MaxResults, usualPage)) {
				out.NextToken = out.AccessPoints[n-1].AccessPointId
				break
			}
			out.AccessPoints = append(out.AccessPoints, ap)
		}
		return nil
	})
	return out, err
}

// DeleteAccessPoint deletes an access point. Files stay.
func (s *Service) DeleteAccessPoint(ctx context.Context, call *aws.Call, in *api.DeleteAccessPointInput) (*api.DeleteAccessPointOutput, error) {
	arn := accessPointARN(call, in.AccessPointId)
	return &api.DeleteAccessPointOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findAccessPoint(tx, arn); err != nil {
			return err
		}
		return accessPoints.Delete(tx, arn)
	})
}
