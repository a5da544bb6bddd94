package elasticfilesystem

import (
	"context"
	"fmt"
	"hash/crc32"

	api "github.com/aloft-cloud/aloft/internal/api/elasticfilesystem"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateMountTarget keeps where in a network a file system would be.
func (s *Service) CreateMountTarget(ctx context.Context, call *aws.Call, in *api.CreateMountTargetInput) (*api.CreateMountTargetOutput, error) {
	id, fs := newID("fsmt"), fileSystemARN(call, in.FileSystemId)
	sum := crc32.ChecksumIEEE([]byte(id))
	mt := mountTarget{SecurityGroups: in.SecurityGroups, Is: api.MountTargetDescription{
		OwnerId: &call.Account, MountTargetId: id, FileSystemId: idOf(fs), SubnetId: in.SubnetId, LifeCycleState: api.LifeCycleStateAvailable,
		IpAddress:            new(aws.Or(in.IpAddress, fmt.Sprintf("192.0.2.%d", 1+sum%254))),
		Ipv6Address:          in.Ipv6Address,
		NetworkInterfaceId:   new(newID("eni")),
		AvailabilityZoneName: new(call.Region + "a"), AvailabilityZoneId: new("use1-az1"),
	}}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findFileSystem(tx, fs); err != nil {
			return err
		}
		for _, other := range targetsOf(tx, fs) {
			if other.Is.SubnetId == in.SubnetId {
				f := api.MountTargetConflict
				return f.With(&api.MountTargetConflictDetail{ErrorCode: f.Code}, "mount target already exists in this AZ")
			}
		}
		return mountTargets.Put(tx, mountTargetARN(call, id), mt)
	})
	if err != nil {
		return nil, err
	}
	out := mt.Is
	out.LifeCycleState = api.LifeCycleStateCreating
	return &out, nil
}

// DescribeMountTargets describes the mount targets of a file system.
func (s *Service) DescribeMountTargets(ctx context.Context, call *aws.Call, in *api.DescribeMountTargetsInput) (*api.DescribeMountTargetsOutput, error) {
	out := &api.DescribeMountTargetsOutput{Marker: in.Marker}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		out.MountTargets, out.NextMarker = []api.MountTargetDescription{}, nil
		var fs aws.ARN
		switch {
		case in.MountTargetId != nil:
			mt, err := findMountTarget(tx, mountTargetARN(call, *in.MountTargetId))
			out.MountTargets = append(out.MountTargets, mt.Is)
			return err
		case in.AccessPointId != nil:
			ap, err := findAccessPoint(tx, accessPointARN(call, *in.AccessPointId))
			if err != nil {
				return err
			}
			fs = fileSystemARN(call, *ap.FileSystemId)
		case in.FileSystemId != nil:
			fs = fileSystemARN(call, *in.FileSystemId)
			if _, err := findFileSystem(tx, fs); err != nil {
				return err
			}
		default:
			return badRequest("You must specify one of FileSystemId, MountTargetId or AccessPointId.")
		}
		for _, mt := range targetsOf(tx, fs) {
			if mt.Is.MountTargetId <= aws.Value(in.Marker) {
				continue
			}
			if n := len(out.MountTargets); n == int(aws.Or(in.MaxItems, usualPage)) {
				out.NextMarker = &out.MountTargets[n-1].MountTargetId
				break
			}
			out.MountTargets = append(out.MountTargets, mt.Is)
		}
		return nil
	})
	return out, err
}

// DeleteMountTarget deletes a mount target.
func (s *Service) DeleteMountTarget(ctx context.Context, call *aws.Call, in *api.DeleteMountTargetInput) (*api.DeleteMountTargetOutput, error) {
	arn := mountTargetARN(call, in.MountTargetId)
	return &api.DeleteMountTargetOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findMountTarget(tx, arn); err != nil {
			return err
		}
		return mountTargets.Delete(tx, arn)
	})
}

// DescribeMountTargetSecurityGroups lists the groups of a mount target.
func (s *Service) DescribeMountTargetSecurityGroups(ctx context.Context, call *aws.Call, in *api.DescribeMountTargetSecurityGroupsInput) (*api.DescribeMountTargetSecurityGroupsOutput, error) {
	out := &api.DescribeMountTargetSecurityGroupsOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		mt, err := findMountTarget(tx, mountTargetARN(call, in.MountTargetId))
		out.SecurityGroups = append([]string{}, mt.SecurityGroups...)
		return err
	})
	return out, err
}

// ModifyMountTargetSecurityGroups replaces the groups of a mount target.
func (s *Service) ModifyMountTargetSecurityGroups(ctx context.Context, call *aws.Call, in *api.ModifyMountTargetSecurityGroupsInput) (*api.ModifyMountTargetSecurityGroupsOutput, error) {
	arn := mountTargetARN(call, in.MountTargetId)
	return &api.ModifyMountTargetSecurityGroupsOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		mt, err := findMountTarget(tx, arn)
		if err != nil {
			return err
		}
		mt.SecurityGroups = in.SecurityGroups
		return mountTargets.Put(tx, arn, mt)
	})
}
