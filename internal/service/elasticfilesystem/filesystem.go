package elasticfilesystem

import (
	"context"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/elasticfilesystem"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const usualPage = 100

// CreateFileSystem makes a file system.
func (s *Service) CreateFileSystem(ctx context.Context, call *aws.Call, in *api.CreateFileSystemInput) (*api.CreateFileSystemOutput, error) {
	mode := aws.Or(in.ThroughputMode, api.ThroughputModeBursting)
	if (mode == api.ThroughputModeProvisioned) != (in.ProvisionedThroughputInMibps != nil) {
		return nil, badRequest("ProvisionedThroughputInMibps must be given if and only if the throughput mode is provisioned.")
	}
	if in.KmsKeyId != nil && !aws.Value(in.Encrypted) {
		return nil, badRequest("KmsKeyId can be specified only for an encrypted file system.")
	}
	id := newID("fs")
	arn := fileSystemARN(call, id)
	row := fileSystem{Backup: api.StatusDisabled, Is: api.FileSystemDescription{
		OwnerId: call.Account, CreationToken: in.CreationToken, FileSystemId: id, FileSystemArn: new(arn.String()), CreationTime: time.Now().Truncate(time.Second),
		LifeCycleState: api.LifeCycleStateAvailable, PerformanceMode: aws.Or(in.PerformanceMode, api.PerformanceModeGeneralPurpose), Encrypted: new(aws.Value(in.Encrypted)),
		KmsKeyId: in.KmsKeyId, ThroughputMode: &mode, ProvisionedThroughputInMibps: in.ProvisionedThroughputInMibps, AvailabilityZoneName: in.AvailabilityZoneName,
		Tags: in.Tags, FileSystemProtection: &api.FileSystemProtectionDescription{ReplicationOverwriteProtection: new("ENABLED")},
	}}
	if aws.Value(in.Backup) || in.Backup == nil && in.AvailabilityZoneName != nil {
		row.Backup = api.StatusEnabled
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		for _, other := range fileSystems.Scan(tx, call.ARN("elasticfilesystem", "")) {
			if other.Is.CreationToken == in.CreationToken {
				f := api.FileSystemAlreadyExists
				return f.With(&api.FileSystemAlreadyExistsDetail{ErrorCode: f.Code, FileSystemId: other.Is.FileSystemId},
					"File system '"+other.Is.FileSystemId+"' already exists with creation token '"+in.CreationToken+"'")
			}
		}
		return fileSystems.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	out := s.described(&row, 0)
	out.LifeCycleState = api.LifeCycleStateCreating
	return out, nil
}

// described is a file system as answers show it.
func (s *Service) described(fs *fileSystem, targets int) *api.FileSystemDescription {
	is := fs.Is
	is.NumberOfMountTargets = int32(targets)
	is.Name = tagName(is.Tags)
	if is.Tags == nil {
		is.Tags = []api.Tag{}
	}
	size := s.size(is.FileSystemId)
	is.SizeInBytes = &api.FileSystemSize{Value: size, ValueInIA: new(int64(0)), ValueInStandard: &size, ValueInArchive: new(int64(0))}
	return &is
}

func tagName(tags []api.Tag) *string {
	for _, t := range tags {
		if t.Key == "Name" {
			return &t.Value
		}
	}
	return nil
}

// DescribeFileSystems describes file systems.
func (s *Service) DescribeFileSystems(ctx context.Context, call *aws.Call, in *api.DescribeFileSystemsInput) (*api.DescribeFileSystemsOutput, error) {
	if in.FileSystemId != nil && in.CreationToken != nil {
		return nil, badRequest("You can specify only one of FileSystemId and CreationToken.")
	}
	out := &api.DescribeFileSystemsOutput{Marker: in.Marker}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		out.FileSystems, out.NextMarker = []api.FileSystemDescription{}, nil
		if in.FileSystemId != nil {
			arn := fileSystemARN(call, *in.FileSystemId)
			fs, err := findFileSystem(tx, arn)
			if err != nil {
				return err
			}
			out.FileSystems = append(out.FileSystems, *s.described(&fs, len(targetsOf(tx, arn))))
			return nil
		}
		for arn, fs := range fileSystems.ScanAfter(tx, call.ARN("elasticfilesystem", ""), fileSystemARN(call, aws.Value(in.Marker))) {
			if in.CreationToken != nil && *in.CreationToken != fs.Is.CreationToken {
				continue
			}
			if n := len(out.FileSystems); n == int(aws.Or(in.MaxItems, usualPage)) {
				out.NextMarker = &out.FileSystems[n-1].FileSystemId
				break
			}
			out.FileSystems = append(out.FileSystems, *s.described(&fs, len(targetsOf(tx, arn))))
		}
		return nil
	})
	return out, err
}

// changeFileSystem changes a file system.
func (s *Service) changeFileSystem(ctx context.Context, call *aws.Call, id string, change func(*fileSystem) error) (*api.FileSystemDescription, error) {
	arn := fileSystemARN(call, id)
	var fs fileSystem
	targets := 0
	err := s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if fs, err = findFileSystem(tx, arn); err != nil {
			return err
		}
		targets = len(targetsOf(tx, arn))
		if err := change(&fs); err != nil {
			return err
		}
		return fileSystems.Put(tx, arn, fs)
	})
	if err != nil {
		return nil, err
	}
	return s.described(&fs, targets), nil
}

// UpdateFileSystem changes the throughput of a file system.
func (s *Service) UpdateFileSystem(ctx context.Context, call *aws.Call, in *api.UpdateFileSystemInput) (*api.UpdateFileSystemOutput, error) {
	return s.changeFileSystem(ctx, call, in.FileSystemId, func(fs *fileSystem) error {
		mode := aws.Or(in.ThroughputMode, *fs.Is.ThroughputMode)
		provisioned := in.ProvisionedThroughputInMibps
		switch {
		case mode != api.ThroughputModeProvisioned && provisioned != nil:
			return badRequest("ProvisionedThroughputInMibps can be given only if the throughput mode is provisioned.")
		case mode == api.ThroughputModeProvisioned && provisioned == nil:
			provisioned = fs.Is.ProvisionedThroughputInMibps
			if provisioned == nil {
				return badRequest("ProvisionedThroughputInMibps must be given if the throughput mode is provisioned.")
			}
		}
		fs.Is.ThroughputMode, fs.Is.ProvisionedThroughputInMibps = &mode, provisioned
		return nil
	})
}

// DeleteFileSystem deletes a file system, and its files.
func (s *Service) DeleteFileSystem(ctx context.Context, call *aws.Call, in *api.DeleteFileSystemInput) (*api.DeleteFileSystemOutput, error) {
	arn := fileSystemARN(call, in.FileSystemId)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findFileSystem(tx, arn); err != nil {
			return err
		}
		if targets := targetsOf(tx, arn); len(targets) > 0 {
			f := api.FileSystemInUse
			return f.With(&api.FileSystemInUseDetail{ErrorCode: f.Code}, "File system '"+idOf(arn)+"' has mount targets. Delete the mount targets first.")
		}
		for key, ap := range accessPoints.Scan(tx, call.ARN("elasticfilesystem", "")) {
			if aws.Value(ap.FileSystemId) == idOf(arn) {
				if err := accessPoints.Delete(tx, key); err != nil {
					return err
				}
			}
		}
		tx.AfterCommit(s.bell.Ring)
		return fileSystems.Delete(tx, arn)
	})
	return &api.DeleteFileSystemOutput{}, err
}
