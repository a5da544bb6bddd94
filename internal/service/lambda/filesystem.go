package lambda

import (
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// A mount is a file system that a function sees.
type mount struct {
	AccessPoint aws.ARN
	Path        string // "/mnt/files"
}

// checkFiles refuses file systems that are not there.
func (s *Service) checkFiles(ctx context.Context, fn aws.ARN, c *change) error {
	for _, f := range c.FileSystems {
		arn, err := aws.ParseARN(f.Arn)
		if err != nil || arn.Service != "elasticfilesystem" || s.files == nil {
			return unsupported(c.operation, "the file system "+f.Arn)
		}
		_, err = s.files.Share(ctx, arn)
		if errors.Is(err, sandbox.ErrShare) || err == nil && arn.Account != fn.Account { // others' are not shared
			return invalid("The access point %s does not exist.", f.Arn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkMounts refuses settings with a file system that no network leads to.
func (v *settings) checkMounts() error {
	for _, m := range v.Mounts {
		if v.Network == nil || len(v.Network.Subnets) == 0 {
			return invalid("Function must be configured to execute in a VPC to reference access point %s.", m.AccessPoint)
		}
	}
	return nil
}

func mountsOf(configs []api.FileSystemConfig) (mounts []mount) {
	for _, f := range configs {
		arn, _ := aws.ParseARN(f.Arn) // it was checked
		mounts = append(mounts, mount{arn, f.LocalMountPath})
	}
	return mounts
}

// share returns what the workers of a version mount, or nil.
func (s *Service) share(v *settings) func(context.Context) (*sandbox.Share, error) {
	if len(v.Mounts) == 0 {
		return nil
	}
	m := v.Mounts[0] // there is one at most
	return func(ctx context.Context) (*sandbox.Share, error) {
		share, err := s.files.Share(ctx, m.AccessPoint)
		if err != nil {
			return nil, err
		}
		share.Path = m.Path
		return share, nil
	}
}
