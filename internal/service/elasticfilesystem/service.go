package elasticfilesystem

import (
	"context"
	"log/slog"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/elasticfilesystem"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what EFS needs of the platform.
type Config struct {
	DB    *store.DB
	Table *dispatch.Table
	Dir   string // keeps the files
	Log   *slog.Logger
}

// Service is EFS.
type Service struct {
	Config
	bell task.Bell // rung when directories are to be removed
}

// New returns EFS.
func New(cfg Config) *Service { return &Service{Config: cfg, bell: task.NewBell()} }

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.Op(api.CreateFileSystem, s.CreateFileSystem, service.Any).But("Files are in the platform's own directory, and encryption is left to the disk. Throughput and performance are kept as settings. Functions mount file systems; nobody else does."),
			service.Op(api.DescribeFileSystems, s.DescribeFileSystems, service.Any),
			service.Op(api.UpdateFileSystem, s.UpdateFileSystem, ofFileSystem[*api.UpdateFileSystemInput]),
			service.Op(api.DeleteFileSystem, s.DeleteFileSystem, ofFileSystem[*api.DeleteFileSystemInput]),
			service.Op(api.UpdateFileSystemProtection, s.UpdateFileSystemProtection, ofFileSystem[*api.UpdateFileSystemProtectionInput]).But("There is no replication to protect from."),

			service.Op(api.CreateAccessPoint, s.CreateAccessPoint, ofFileSystem[*api.CreateAccessPointInput]).But("Users and permissions are kept and not applied: functions that share a file system run as one user."),
			service.Op(api.DescribeAccessPoints, s.DescribeAccessPoints, service.Any),
			service.Op(api.DeleteAccessPoint, s.DeleteAccessPoint, ofAccessPoint),

			service.Op(api.CreateMountTarget, s.CreateMountTarget, ofFileSystem[*api.CreateMountTargetInput]).But("There is no network: a mount target is kept, and a function needs none."),
			service.Op(api.DescribeMountTargets, s.DescribeMountTargets, service.Any),
			service.Op(api.DeleteMountTarget, s.DeleteMountTarget, service.Any),
			service.Op(api.DescribeMountTargetSecurityGroups, s.DescribeMountTargetSecurityGroups, service.Any),
			service.Op(api.ModifyMountTargetSecurityGroups, s.ModifyMountTargetSecurityGroups, service.Any),

			service.Op(api.PutLifecycleConfiguration, s.PutLifecycleConfiguration, ofFileSystem[*api.PutLifecycleConfigurationInput]).But("It is kept: there is one class of storage."),
			service.Op(api.DescribeLifecycleConfiguration, s.DescribeLifecycleConfiguration, ofFileSystem[*api.DescribeLifecycleConfigurationInput]),
			service.Op(api.PutBackupPolicy, s.PutBackupPolicy, ofFileSystem[*api.PutBackupPolicyInput]).But("It is kept; there is no AWS Backup."),
			service.Op(api.DescribeBackupPolicy, s.DescribeBackupPolicy, ofFileSystem[*api.DescribeBackupPolicyInput]),
			service.Op(api.PutFileSystemPolicy, s.PutFileSystemPolicy, ofFileSystem[*api.PutFileSystemPolicyInput]).But("It is kept; whether a role may mount a file system is not asked."),
			service.Op(api.DescribeFileSystemPolicy, s.DescribeFileSystemPolicy, ofFileSystem[*api.DescribeFileSystemPolicyInput]),
			service.Op(api.DeleteFileSystemPolicy, s.DeleteFileSystemPolicy, ofFileSystem[*api.DeleteFileSystemPolicyInput]),

			service.Op(api.TagResource, s.TagResource, ofResource[*api.TagResourceInput]),
			service.Op(api.UntagResource, s.UntagResource, ofResource[*api.UntagResourceInput]),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, ofResource[*api.ListTagsForResourceInput]),
		},
		Tasks: []task.Task{{Name: "elasticfilesystem/sweep", Bell: s.bell, Run: func(ctx context.Context) (time.Duration, error) {
			return 24 * time.Hour, s.sweep(ctx)
		}}},
	}
}

func ofFileSystem[In interface{ GetFileSystemId() string }](call *aws.Call, in In) aws.ARN {
	return fileSystemARN(call, in.GetFileSystemId())
}

func ofAccessPoint(call *aws.Call, in *api.DeleteAccessPointInput) aws.ARN {
	return accessPointARN(call, in.AccessPointId)
}

func ofResource[In interface{ GetResourceId() string }](call *aws.Call, in In) aws.ARN {
	return resourceARN(call, in.GetResourceId())
}
