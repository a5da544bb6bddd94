package secretsmanager

import (
	"context"
	"errors"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// PutSecretValue gives a secret a value, as a version of its own.
func (s *Service) PutSecretValue(ctx context.Context, call *aws.Call, in *api.PutSecretValueInput) (*api.PutSecretValueOutput, error) {
	value, binary, err := valueOf(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, refused("You must provide either SecretString or SecretBinary.")
	}
	if in.ClientRequestToken == nil {
		return nil, refused("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
	}
	stages := in.VersionStages
	if stages == nil {
		stages = []string{current}
	}
	p, err := s.put(ctx, call, in.SecretId, *in.ClientRequestToken, value, binary, stages)
	if err != nil {
		return nil, err
	}
	return &api.PutSecretValueOutput{ARN: new(p.arn(p.key).String()), Name: new(nameOf(p.key)), VersionId: in.ClientRequestToken, VersionStages: p.stages}, nil
}

// A placed is a version that was put in its place.
type placed struct {
	found
	stages []string
}

// put keeps a value as the version token, unless it is there already.
func (s *Service) put(ctx context.Context, call *aws.Call, id, token string, value []byte, binary bool, stages []string) (p placed, err error) {
	var had version
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if p.found, err = need(tx, call, id); err != nil {
			return err
		}
		had, err = versions.Get(tx, versionKey{p.key, token})
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return p, err
	}
	k := versionKey{p.key, token}
	if had.DataKey != nil {
		before, err := s.open(ctx, call, &p.found, k, &had)
		if err == nil && (!slices.Equal(before, value) || had.Binary != binary) {
			err = api.ResourceExistsException.Errorf("You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.", token, p.arn(p.key))
		}
		p.stages = had.Stages
		return p, err
	}
	l, err := s.newSeal(ctx, call, &p.found)
	if err != nil {
		return p, err
	}
	return p, s.db.Update(ctx, func(tx *store.Tx) error {
		if p.found, err = need(tx, call, id); err != nil {
			return err
		}
		all, err := p.all(tx)
		if err != nil {
			return err
		}
		v, there := all[token]
		if !there {
			v.Created = time.Now().UTC()
		}
		if err := l.close(&v, k, value, binary); err != nil {
			return err
		}
		all[token] = v
		for _, stage := range stages {
			move(all, stage, token)
		}
		p.stages = all[token].Stages
		p.Changed = time.Now().UTC()
		return errors.Join(keep(tx, p.key, all), secrets.Put(tx, p.key, p.secret))
	})
}

// GetSecretValue returns a value of a secret: the current one, or that of a
// version or a stage.
func (s *Service) GetSecretValue(ctx context.Context, call *aws.Call, in *api.GetSecretValueInput) (*api.GetSecretValueOutput, error) {
	var f found
	var k versionKey
	var v version
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if f, err = need(tx, call, in.SecretId); err != nil {
			return err
		}
		k, v, err = f.pick(tx, in.VersionId, in.VersionStage)
		return err
	})
	if err != nil {
		return nil, err
	}
	value, err := s.open(ctx, call, &f, k, &v)
	if err != nil {
		return nil, err
	}
	if day := today(); !f.Accessed.Equal(day) || !v.Accessed.Equal(day) {
		if err := s.access(ctx, k, day); err != nil {
			return nil, err
		}
	}
	out := &api.GetSecretValueOutput{ARN: new(f.arn(f.key).String()), Name: new(nameOf(f.key)), VersionId: &k.ID, VersionStages: v.Stages, CreatedDate: &v.Created}
	if v.Binary {
		out.SecretBinary = value
	} else {
		out.SecretString = new(string(value))
	}
	return out, nil
}

// access notes the day on which a secret was read.
func (s *Service) access(ctx context.Context, k versionKey, day time.Time) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := secrets.Get(tx, k.Secret)
		if err != nil {
			return notFound(err)
		}
		v, err := versions.Get(tx, k)
		if err != nil {
			return notFound(err)
		}
		row.Accessed, v.Accessed = day, day
		return errors.Join(secrets.Put(tx, k.Secret, row), versions.Put(tx, k, v))
	})
}

// pick returns the version of a secret that is asked for, which has a value.
func (f *found) pick(tx *store.Tx, id, stage *string) (k versionKey, v version, err error) {
	if id != nil {
		k = versionKey{f.key, *id}
		v, err = versions.Get(tx, k)
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && v.DataKey == nil:
			return k, v, errNoValue("VersionId", *id)
		case err == nil && stage != nil && !slices.Contains(v.Stages, *stage):
			return k, v, refused("You provided a VersionStage that is not associated to the provided VersionId.")
		}
		return k, v, err
	}
	all, err := f.all(tx)
	if err != nil {
		return k, v, err
	}
	name := aws.Or(stage, current)
	for id, v := range all {
		if slices.Contains(v.Stages, name) && v.DataKey != nil {
			return versionKey{f.key, id}, v, nil
		}
	}
	return k, v, errNoValue("staging label", name)
}

// BatchGetSecretValue returns the current values of several secrets, and says
// which it cannot.
func (s *Service) BatchGetSecretValue(ctx context.Context, call *aws.Call, in *api.BatchGetSecretValueInput) (*api.BatchGetSecretValueOutput, error) {
	ids := in.SecretIdList
	out := &api.BatchGetSecretValueOutput{SecretValues: []api.SecretValueEntry{}, Errors: []api.APIErrorType{}}
	if (ids == nil) == (in.Filters == nil) {
		return nil, invalid("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
	}
	if ids == nil {
		list, err := s.ListSecrets(ctx, call, &api.ListSecretsInput{Filters: in.Filters, MaxResults: new(aws.Or(in.MaxResults, 20)), NextToken: in.NextToken})
		if err != nil {
			return nil, err
		}
		for _, e := range list.SecretList {
			ids = append(ids, *e.ARN)
		}
		out.NextToken = list.NextToken
	}
	for _, id := range ids {
		v, err := s.GetSecretValue(ctx, call, &api.GetSecretValueInput{SecretId: id})
		if said, ok := errors.AsType[*aws.Error](err); ok {
			out.Errors = append(out.Errors, api.APIErrorType{SecretId: new(id), ErrorCode: &said.Code, Message: &said.Message})
			continue
		}
		if err != nil {
			return nil, err
		}
		out.SecretValues = append(out.SecretValues, api.SecretValueEntry{ARN: v.ARN, Name: v.Name, VersionId: v.VersionId, SecretBinary: v.SecretBinary, SecretString: v.SecretString, VersionStages: v.VersionStages, CreatedDate: v.CreatedDate})
	}
	return out, nil
}
