package ecr

import (
	"context"
	"errors"
	"strconv"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateRepository makes a repository.
func (s *Service) CreateRepository(ctx context.Context, call *aws.Call, in *api.CreateRepositoryInput) (*api.CreateRepositoryOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	row := repository{Created: time.Now(), Mutability: aws.Or(in.ImageTagMutability, api.ImageTagMutabilityMutable), Encryption: api.EncryptionTypeAes256, Tags: service.TagMap(in.Tags, pair)}
	if err := checkMutability(row.Mutability); err != nil {
		return nil, err
	}
	if c := in.ImageScanningConfiguration; c != nil {
		row.ScanOnPush = aws.Value(c.ScanOnPush)
	}
	if e := in.EncryptionConfiguration; e != nil {
		row.Encryption, row.Key = e.EncryptionType, aws.Value(e.KmsKey)
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		exists, err := repositories.Has(tx, arn)
		if err != nil {
			return err
		}
		if exists {
			return api.RepositoryAlreadyExistsException.Errorf("The repository with name '%s' already exists in the registry with id '%s'", in.RepositoryName, arn.Account)
		}
		return repositories.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateRepositoryOutput{Repository: s.describe(arn, &row)}, nil
}

// describe is a repository as answers show it.
func (s *Service) describe(arn aws.ARN, row *repository) *api.Repository {
	r := &api.Repository{
		RepositoryArn:              new(arn.String()),
		RegistryId:                 &arn.Account,
		RepositoryName:             new(name(arn)),
		RepositoryUri:              new(s.uri(arn)),
		CreatedAt:                  &row.Created,
		ImageTagMutability:         &row.Mutability,
		ImageScanningConfiguration: &api.ImageScanningConfiguration{ScanOnPush: &row.ScanOnPush},
		EncryptionConfiguration:    &api.EncryptionConfiguration{EncryptionType: row.Encryption},
	}
	if row.Key != "" {
		r.EncryptionConfiguration.KmsKey = &row.Key
	}
	return r
}

const usualPage = 100

// pageOf reads which part of a list a caller wants: how many items, from which.
func pageOf(most *int32, token *string) (n, from int, err error) {
	if token != nil {
		if from, err = strconv.Atoi(*token); err != nil || from < 0 {
			return 0, 0, api.InvalidParameterException.Errorf("Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid nextToken'")
		}
	}
	return int(aws.Or(most, usualPage)), from, nil
}

// page cuts a list, and says where the next page begins.
func page[T any](list []T, n, from int) ([]T, *string) {
	list = list[min(from, len(list)):]
	if len(list) <= n {
		return list, nil
	}
	return list[:n], new(strconv.Itoa(from + n))
}

// DescribeRepositories describes repositories, in order of their names.
func (s *Service) DescribeRepositories(ctx context.Context, call *aws.Call, in *api.DescribeRepositoriesInput) (*api.DescribeRepositoriesOutput, error) {
	n, from, err := pageOf(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	list := []api.Repository{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		list = []api.Repository{}
		for _, name := range in.RepositoryNames {
			arn := repositoryARN(call, in.RegistryId, name)
			row, err := findRepository(tx, arn)
			if err != nil {
				return err
			}
			list = append(list, *s.describe(arn, &row))
		}
		if in.RepositoryNames != nil {
			return nil
		}
		home := call.ARN("ecr", "")
		home.Account = aws.Or(in.RegistryId, call.Account)
		for arn, row := range repositories.Scan(tx, home) {
			list = append(list, *s.describe(arn, &row))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeRepositoriesOutput{}
	out.Repositories, out.NextToken = page(list, n, from)
	return out, nil
}

// DeleteRepository removes a repository; one with images only by force.
func (s *Service) DeleteRepository(ctx context.Context, call *aws.Call, in *api.DeleteRepositoryInput) (*api.DeleteRepositoryOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	var row repository
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if row, err = findRepository(tx, arn); err != nil {
			return err
		}
		for range images.Scan(tx, partKey{Repository: arn}) {
			if !aws.Value(in.Force) {
				return api.RepositoryNotEmptyException.Errorf("The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", in.RepositoryName, arn.Account)
			}
			break
		}
		for key, l := range layers.Scan(tx, partKey{Repository: arn}) {
			if err := errors.Join(layers.Delete(tx, key), s.db.Blobs().Drop(tx, l.Body)); err != nil {
				return err
			}
		}
		tx.AfterCommit(func() { s.epoch.Add(1) })
		return errors.Join(images.DeletePrefix(tx, partKey{Repository: arn}), imageTags.DeletePrefix(tx, tagKey{Repository: arn}), repositories.Delete(tx, arn))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRepositoryOutput{Repository: s.describe(arn, &row)}, nil
}

// PutImageTagMutability says whether a tag may be given to another image.
func (s *Service) PutImageTagMutability(ctx context.Context, call *aws.Call, in *api.PutImageTagMutabilityInput) (*api.PutImageTagMutabilityOutput, error) {
	if err := checkMutability(in.ImageTagMutability); err != nil {
		return nil, err
	}
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	if _, err := s.change(ctx, arn, func(r *repository) { r.Mutability = in.ImageTagMutability }); err != nil {
		return nil, err
	}
	return &api.PutImageTagMutabilityOutput{RegistryId: &arn.Account, RepositoryName: &in.RepositoryName, ImageTagMutability: &in.ImageTagMutability}, nil
}

// checkMutability refuses what has exceptions by patterns of tags.
func checkMutability(kind string) error {
	if kind != api.ImageTagMutabilityMutable && kind != api.ImageTagMutabilityImmutable {
		return aws.NotImplemented.Errorf("Aloft does not keep tags by filters: imageTagMutability %s.", kind)
	}
	return nil
}

// PutImageScanningConfiguration says whether images are to be scanned.
func (s *Service) PutImageScanningConfiguration(ctx context.Context, call *aws.Call, in *api.PutImageScanningConfigurationInput) (*api.PutImageScanningConfigurationOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	on := aws.Value(in.ImageScanningConfiguration.ScanOnPush)
	if _, err := s.change(ctx, arn, func(r *repository) { r.ScanOnPush = on }); err != nil {
		return nil, err
	}
	return &api.PutImageScanningConfigurationOutput{RegistryId: &arn.Account, RepositoryName: &in.RepositoryName, ImageScanningConfiguration: &api.ImageScanningConfiguration{ScanOnPush: &on}}, nil
}

// change changes a repository, and returns what it was.
func (s *Service) change(ctx context.Context, arn aws.ARN, f func(*repository)) (was repository, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findRepository(tx, arn)
		if err != nil {
			return err
		}
		was = row
		f(&row)
		tx.AfterCommit(func() { s.epoch.Add(1) })
		return repositories.Put(tx, arn, row)
	})
	return was, err
}
