package secretsmanager

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// ListSecrets lists the secrets of an account and region.
func (s *Service) ListSecrets(ctx context.Context, call *aws.Call, in *api.ListSecretsInput) (*api.ListSecretsOutput, error) {
	var all []api.SecretListEntry
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		for key, row := range secrets.Scan(tx, call.ARN("secretsmanager", "")) {
			f := found{key, row}
			if !row.Deleted.IsZero() && !aws.Value(in.IncludePlannedDeletion) || !f.passes(in.Filters) {
				continue
			}
			vs, err := f.all(tx)
			if err != nil {
				return err
			}
			all = append(all, *f.entry(vs))
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	order(all, aws.Or(in.SortBy, api.SortByTypeCreatedDate))
	if aws.Value(in.SortOrder) == api.SortOrderTypeDesc {
		slices.Reverse(all)
	}
	out := &api.ListSecretsOutput{}
	out.SecretList, out.NextToken, err = cut(all, aws.Or(in.MaxResults, 100), in.NextToken, func(e *api.SecretListEntry) string { return *e.Name })
	return out, err
}

func order(all []api.SecretListEntry, by string) {
	moment := func(t *time.Time) time.Time { return aws.Value(t) }
	slices.SortStableFunc(all, func(a, b api.SecretListEntry) int {
		switch by {
		case api.SortByTypeName:
			return cmp.Compare(*a.Name, *b.Name)
		case api.SortByTypeLastAccessedDate:
			return moment(a.LastAccessedDate).Compare(moment(b.LastAccessedDate))
		case api.SortByTypeLastChangedDate:
			return moment(a.LastChangedDate).Compare(moment(b.LastChangedDate))
		}
		return moment(a.CreatedDate).Compare(moment(b.CreatedDate))
	})
}

// passes reports whether a secret is what all filters ask for.
func (f *found) passes(filters []api.Filter) bool {
	for i := range filters {
		any := false
		for _, want := range filters[i].Values {
			bare, not := strings.CutPrefix(want, "!")
			any = any || f.has(aws.Value(filters[i].Key), bare) != not
		}
		if !any {
			return false
		}
	}
	return true
}

// has reports whether what key names of a secret begins with want; "all" is one
// of its words.
func (f *found) has(key, want string) bool {
	tag := func(read func(*api.Tag) *string) bool {
		return slices.ContainsFunc(f.Tags, func(t api.Tag) bool { return strings.HasPrefix(aws.Value(read(&t)), want) })
	}
	switch key {
	case api.FilterNameStringTypeName:
		return strings.HasPrefix(nameOf(f.key), want)
	case api.FilterNameStringTypeDescription:
		return strings.HasPrefix(strings.ToLower(f.Description), strings.ToLower(want))
	case api.FilterNameStringTypeTagKey:
		return tag(func(t *api.Tag) *string { return t.Key })
	case api.FilterNameStringTypeTagValue:
		return tag(func(t *api.Tag) *string { return t.Value })
	case api.FilterNameStringTypeAll:
		text := strings.ToLower(nameOf(f.key) + " " + f.Description)
		return strings.Contains(text, strings.ToLower(want)) || tag(func(t *api.Tag) *string { return t.Key }) || tag(func(t *api.Tag) *string { return t.Value })
	}
	return false
}

// cut is the part of a list that a caller wants. A token is the name that the
// part before ended with.
func cut[T any](all []T, limit int32, token *string, name func(*T) string) (part []T, next *string, err error) {
	if token != nil {
		last, err := base64.RawURLEncoding.DecodeString(*token)
		i := slices.IndexFunc(all, func(e T) bool { return name(&e) == string(last) })
		if err != nil || i < 0 {
			return nil, nil, api.InvalidNextTokenException.Errorf("Invalid NextToken")
		}
		all = all[i+1:]
	}
	if len(all) <= int(limit) {
		return append([]T{}, all...), nil, nil
	}
	return all[:limit], new(base64.RawURLEncoding.EncodeToString([]byte(name(&all[limit-1])))), nil
}

// ListSecretVersionIds lists the versions of a secret.
func (s *Service) ListSecretVersionIds(ctx context.Context, call *aws.Call, in *api.ListSecretVersionIdsInput) (*api.ListSecretVersionIdsOutput, error) {
	var f found
	var vs map[string]version
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if f, err = find(tx, call, in.SecretId); err == nil {
			vs, err = f.all(tx)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []api.SecretVersionsListEntry
	for id, v := range vs {
		if len(v.Stages) == 0 && !aws.Value(in.IncludeDeprecated) {
			continue
		}
		e := api.SecretVersionsListEntry{VersionId: &id, VersionStages: v.Stages, CreatedDate: &v.Created, KmsKeyIds: []string{"DefaultEncryptionKey"}}
		if f.Key != "" {
			e.KmsKeyIds = []string{f.Key}
		}
		if !v.Accessed.IsZero() {
			e.LastAccessedDate = &v.Accessed
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b api.SecretVersionsListEntry) int {
		return cmp.Or(a.CreatedDate.Compare(*b.CreatedDate), cmp.Compare(*a.VersionId, *b.VersionId))
	})
	out := &api.ListSecretVersionIdsOutput{ARN: new(f.arn(f.key).String()), Name: new(nameOf(f.key))}
	out.Versions, out.NextToken, err = cut(all, aws.Or(in.MaxResults, 100), in.NextToken, func(e *api.SecretVersionsListEntry) string { return *e.VersionId })
	return out, err
}
