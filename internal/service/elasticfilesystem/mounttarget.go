package elasticfilesystem

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/aloft-cloud/aloft/internal/api/ec2"
	api "github.com/aloft-cloud/aloft/internal/api/elasticfilesystem"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateMountTarget keeps where in a network a file system would be.
func (s *Service) CreateMountTarget(ctx context.Context, call *aws.Call, in *api.CreateMountTargetInput) (*api.CreateMountTargetOutput, error) {
	subnet, err := s.subnet(ctx, call, in.SubnetId)
	if err != nil {
		return nil, err
	}
	id, fs := newID("fsmt"), fileSystemARN(call, in.FileSystemId)
	sum := crc32.ChecksumIEEE([]byte(id))
	mt := mountTarget{SecurityGroups: in.SecurityGroups, Is: api.MountTargetDescription{
		OwnerId: &call.Account, MountTargetId: id, FileSystemId: idOf(fs), SubnetId: in.SubnetId, LifeCycleState: api.LifeCycleStateAvailable,
		IpAddress:            new(aws.Or(in.IpAddress, fmt.Sprintf("192.0.2.%d", 1+sum%254))),
		Ipv6Address:          in.Ipv6Address,
		NetworkInterfaceId:   new(newID("eni")),
		AvailabilityZoneName: subnet.AvailabilityZone, AvailabilityZoneId: subnet.AvailabilityZoneId, VpcId: subnet.VpcId,
	}}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findFileSystem(tx, fs); err != nil {
			return err
		}
		for _, other := range targetsOf(tx, fs) {
			f := api.MountTargetConflict
			switch {
			case aws.Value(other.Is.AvailabilityZoneId) == *subnet.AvailabilityZoneId:
				return f.With(&api.MountTargetConflictDetail{ErrorCode: f.Code}, "mount target already exists in this AZ")
			case aws.Value(other.Is.VpcId) != *subnet.VpcId:
				return f.With(&api.MountTargetConflictDetail{ErrorCode: f.Code}, "requested subnet for new mount target is not in the same VPC as existing mount targets")
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

// subnet is where a mount target is to be, as EC2 knows it.
func (s *Service) subnet(ctx context.Context, call *aws.Call, id string) (*ec2.Subnet, error) {
	out, err := dispatch.Call(ctx, s.Table, call.Through("elasticfilesystem"), ec2.DescribeSubnets, &ec2.DescribeSubnetsInput{SubnetIds: []string{id}})
	if refused, ok := errors.AsType[*aws.Error](err); ok && refused.Status < 500 {
		f := api.SubnetNotFound
		return nil, f.With(&api.SubnetNotFoundDetail{ErrorCode: f.Code}, "The subnet ID '"+id+"' does not exist")
	}
	if err != nil {
		return nil, err
	}
	return &out.Subnets[0], nil
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
