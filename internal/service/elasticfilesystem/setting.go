package elasticfilesystem

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/elasticfilesystem"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// look shows something of a file system.
func (s *Service) look(ctx context.Context, call *aws.Call, id string, show func(*fileSystem) error) error {
	return s.DB.View(ctx, func(tx *store.Tx) error {
		fs, err := findFileSystem(tx, fileSystemARN(call, id))
		if err != nil {
			return err
		}
		return show(&fs)
	})
}

// PutLifecycleConfiguration keeps when files would move between classes of storage.
func (s *Service) PutLifecycleConfiguration(ctx context.Context, call *aws.Call, in *api.PutLifecycleConfigurationInput) (*api.PutLifecycleConfigurationOutput, error) {
	_, err := s.changeFileSystem(ctx, call, in.FileSystemId, func(fs *fileSystem) error {
		fs.Lifecycle = in.LifecyclePolicies
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutLifecycleConfigurationOutput{LifecyclePolicies: in.LifecyclePolicies}, nil
}

// DescribeLifecycleConfiguration shows when files would move.
func (s *Service) DescribeLifecycleConfiguration(ctx context.Context, call *aws.Call, in *api.DescribeLifecycleConfigurationInput) (*api.DescribeLifecycleConfigurationOutput, error) {
	out := &api.DescribeLifecycleConfigurationOutput{}
	return out, s.look(ctx, call, in.FileSystemId, func(fs *fileSystem) error {
		out.LifecyclePolicies = append([]api.LifecyclePolicy{}, fs.Lifecycle...)
		return nil
	})
}

// PutBackupPolicy keeps whether a file system would be backed up.
func (s *Service) PutBackupPolicy(ctx context.Context, call *aws.Call, in *api.PutBackupPolicyInput) (*api.PutBackupPolicyOutput, error) {
	_, err := s.changeFileSystem(ctx, call, in.FileSystemId, func(fs *fileSystem) error {
		fs.Backup = in.BackupPolicy.Status
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutBackupPolicyOutput{BackupPolicy: in.BackupPolicy}, nil
}

// DescribeBackupPolicy shows whether a file system would be backed up.
func (s *Service) DescribeBackupPolicy(ctx context.Context, call *aws.Call, in *api.DescribeBackupPolicyInput) (*api.DescribeBackupPolicyOutput, error) {
	out := &api.DescribeBackupPolicyOutput{}
	return out, s.look(ctx, call, in.FileSystemId, func(fs *fileSystem) error {
		out.BackupPolicy = &api.BackupPolicy{Status: fs.Backup}
		return nil
	})
}

// PutFileSystemPolicy keeps who may mount a file system.
func (s *Service) PutFileSystemPolicy(ctx context.Context, call *aws.Call, in *api.PutFileSystemPolicyInput) (*api.PutFileSystemPolicyOutput, error) {
	if _, err := policy.Parse(in.Policy); err != nil {
		f := api.InvalidPolicyException
		return nil, f.With(&api.InvalidPolicyExceptionDetail{ErrorCode: &f.Code}, err.Error())
	}
	is, err := s.changeFileSystem(ctx, call, in.FileSystemId, func(fs *fileSystem) error {
		fs.Policy = in.Policy
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutFileSystemPolicyOutput{FileSystemId: &is.FileSystemId, Policy: &in.Policy}, nil
}

// DescribeFileSystemPolicy shows who may mount a file system.
func (s *Service) DescribeFileSystemPolicy(ctx context.Context, call *aws.Call, in *api.DescribeFileSystemPolicyInput) (*api.DescribeFileSystemPolicyOutput, error) {
	out := &api.DescribeFileSystemPolicyOutput{}
	return out, s.look(ctx, call, in.FileSystemId, func(fs *fileSystem) error {
		if fs.Policy == "" {
			f := api.PolicyNotFound
			return f.With(&api.PolicyNotFoundDetail{ErrorCode: &f.Code}, "Policy not found for file system '"+fs.Is.FileSystemId+"'")
		}
		out.FileSystemId, out.Policy = &fs.Is.FileSystemId, &fs.Policy
		return nil
	})
}

// DeleteFileSystemPolicy forgets who may mount a file system.
func (s *Service) DeleteFileSystemPolicy(ctx context.Context, call *aws.Call, in *api.DeleteFileSystemPolicyInput) (*api.DeleteFileSystemPolicyOutput, error) {
	_, err := s.changeFileSystem(ctx, call, in.FileSystemId, func(fs *fileSystem) error {
		fs.Policy = ""
		return nil
	})
	return &api.DeleteFileSystemPolicyOutput{}, err
}

// UpdateFileSystemProtection keeps whether a file system may be replicated to.
func (s *Service) UpdateFileSystemProtection(ctx context.Context, call *aws.Call, in *api.UpdateFileSystemProtectionInput) (*api.UpdateFileSystemProtectionOutput, error) {
	is, err := s.changeFileSystem(ctx, call, in.FileSystemId, func(fs *fileSystem) error {
		if in.ReplicationOverwriteProtection != nil {
			fs.Is.FileSystemProtection = &api.FileSystemProtectionDescription{ReplicationOverwriteProtection: in.ReplicationOverwriteProtection}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return is.FileSystemProtection, nil
}
