package secretsmanager

import (
	"context"
	"crypto/rand"
	"regexp"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var nameForm = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!-]+$`)

const suffixLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func newSuffix() string {
	b := make([]byte, suffixLength)
	rand.Read(b)
	for i := range b {
		b[i] = suffixLetters[int(b[i])%len(suffixLetters)]
	}
	return string(b)
}

// CreateSecret makes a secret, with a value or without.
func (s *Service) CreateSecret(ctx context.Context, call *aws.Call, in *api.CreateSecretInput) (*api.CreateSecretOutput, error) {
	value, binary, err := valueOf(in.SecretString, in.SecretBinary)
	switch {
	case err != nil:
		return nil, err
	case !nameForm.MatchString(in.Name):
		return nil, errName()
	case len(in.AddReplicaRegions) > 0:
		return nil, errReplicas()
	}
	if err := checkTags(nil, in.Tags); err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	f := found{shelf(call, in.Name), secret{
		Suffix: newSuffix(), Description: aws.Value(in.Description), Type: aws.Value(in.Type), Key: aws.Value(in.KmsKeyId), Owner: ownerOf(call, in.Name), Tags: in.Tags, Created: now, Changed: now,
	}}
	token := aws.Or(in.ClientRequestToken, aws.NewRequestID())
	if had, err := s.repeated(ctx, call, in, token, value); had != nil || err != nil {
		return had, err
	}
	var l seal
	if value != nil {
		if l, err = s.newSeal(ctx, call, &f); err != nil {
			return nil, err
		}
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		there, err := secrets.Has(tx, f.key)
		if err != nil {
			return err
		}
		if there {
			return errTaken(tx, f.key)
		}
		if err := secrets.Put(tx, f.key, f.secret); err != nil || value == nil {
			return err
		}
		k, v := versionKey{f.key, token}, version{Stages: []string{current}, Created: now}
		if err := l.close(&v, k, value, binary); err != nil {
			return err
		}
		return versions.Put(tx, k, v)
	})
	if err != nil {
		return nil, err
	}
	return f.created(token, value != nil), nil
}

func (f *found) created(token string, valued bool) *api.CreateSecretOutput {
	out := &api.CreateSecretOutput{ARN: new(f.arn(f.key).String()), Name: new(nameOf(f.key))}
	if valued {
		out.VersionId = &token
	}
	return out
}

// repeated answers a request that was answered before.
func (s *Service) repeated(ctx context.Context, call *aws.Call, in *api.CreateSecretInput, token string, value []byte) (*api.CreateSecretOutput, error) {
	var f found
	var v version
	k := versionKey{shelf(call, in.Name), token}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if f, err = need(tx, call, in.Name); err == nil {
			v, err = versions.Get(tx, k)
		}
		return err
	})
	if err != nil || value == nil {
		return nil, nil // it is new, or the attempt says what is wrong
	}
	had, err := s.open(ctx, call, &f, k, &v)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(had, value) {
		return nil, errExists(in.Name)
	}
	return f.created(token, true), nil
}

// errTaken says why the name of a secret cannot be another's.
func errTaken(tx *store.Tx, key aws.ARN) error {
	had, err := secrets.Get(tx, key)
	switch {
	case err != nil:
		return err
	case !had.Deleted.IsZero():
		return refused("You can't create this secret because a secret with this name is already scheduled for deletion.")
	}
	return errExists(nameOf(key))
}

// valueOf is the value in an input; nil if there is none.
func valueOf(text *string, bytes []byte) (value []byte, binary bool, err error) {
	switch {
	case text != nil && bytes != nil:
		return nil, false, invalid("You can't specify both a binary secret value and a string secret value in the same secret.")
	case text != nil:
		return []byte(*text), false, nil
	}
	return bytes, bytes != nil, nil
}

// DescribeSecret says what a secret is, but not its value.
func (s *Service) DescribeSecret(ctx context.Context, call *aws.Call, in *api.DescribeSecretInput) (*api.DescribeSecretOutput, error) {
	var f found
	var all map[string]version
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if f, err = find(tx, call, in.SecretId); err == nil {
			all, err = f.all(tx)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	e := f.entry(all)
	return &api.DescribeSecretOutput{
		ARN: e.ARN, Name: e.Name, Type: e.Type, Description: e.Description, KmsKeyId: e.KmsKeyId, RotationEnabled: e.RotationEnabled, RotationLambdaARN: e.RotationLambdaARN,
		RotationRules: e.RotationRules, LastRotatedDate: e.LastRotatedDate, LastChangedDate: e.LastChangedDate, LastAccessedDate: e.LastAccessedDate,
		DeletedDate: e.DeletedDate, NextRotationDate: e.NextRotationDate, Tags: e.Tags, VersionIdsToStages: e.SecretVersionsToStages, CreatedDate: e.CreatedDate,
		OwningService: e.OwningService,
	}, nil
}

// entry is what lists say of a secret.
func (f *found) entry(all map[string]version) *api.SecretListEntry {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	moment := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	e := &api.SecretListEntry{
		ARN: new(f.arn(f.key).String()), Name: new(nameOf(f.key)), Type: text(f.Type), Description: text(f.Description), KmsKeyId: text(f.Key),
		RotationLambdaARN: text(f.Function), RotationRules: f.Rules, LastRotatedDate: moment(f.Rotated), LastChangedDate: &f.Changed,
		LastAccessedDate: moment(f.Accessed), DeletedDate: moment(f.Deleted), NextRotationDate: moment(f.Next), Tags: f.Tags, CreatedDate: &f.Created,
		OwningService: text(f.Owner),
	}
	if f.Rotates || f.Function != "" {
		e.RotationEnabled = &f.Rotates
	}
	for id, v := range all {
		if len(v.Stages) == 0 {
			continue
		}
		if e.SecretVersionsToStages == nil {
			e.SecretVersionsToStages = make(map[string][]string)
		}
		e.SecretVersionsToStages[id] = v.Stages
	}
	return e
}

// UpdateSecret changes what is said of a secret, and gives it another value.
func (s *Service) UpdateSecret(ctx context.Context, call *aws.Call, in *api.UpdateSecretInput) (*api.UpdateSecretOutput, error) {
	value, binary, err := valueOf(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	var f found
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if f, err = need(tx, call, in.SecretId); err != nil {
			return err
		}
		f.Description, f.Key, f.Type = aws.Or(in.Description, f.Description), aws.Or(in.KmsKeyId, f.Key), aws.Or(in.Type, f.Type)
		f.Changed = time.Now().UTC()
		return secrets.Put(tx, f.key, f.secret)
	})
	if err != nil {
		return nil, err
	}
	out := &api.UpdateSecretOutput{ARN: new(f.arn(f.key).String()), Name: new(nameOf(f.key))}
	if value == nil {
		return out, nil
	}
	token := aws.Or(in.ClientRequestToken, aws.NewRequestID())
	if _, err := s.put(ctx, call, in.SecretId, token, value, binary, []string{current}); err != nil {
		return nil, err
	}
	out.VersionId = &token
	return out, nil
}
