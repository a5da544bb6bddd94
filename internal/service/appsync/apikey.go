package appsync

import (
	"context"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// How long keys are good for.
const (
	usualKeyLife = 7 * 24 * time.Hour
	minKeyLife   = 24 * time.Hour
	maxKeyLife   = 365 * 24 * time.Hour
	keptExpired  = 60 * 24 * time.Hour // then they are gone
	maxKeys      = 50
)

// lifeOf is when a key expires that is to expire then: at a full hour.
func lifeOf(expires *int64, now time.Time) (time.Time, error) {
	at := now.Add(usualKeyLife)
	if expires != nil {
		at = time.Unix(*expires, 0)
		if at.Before(now.Add(minKeyLife-time.Hour)) || at.After(now.Add(maxKeyLife+time.Hour)) {
			return at, api.ApiKeyValidityOutOfBoundsException.Errorf("API key must be valid for a minimum of 1 days.")
		}
	}
	return at.Truncate(time.Hour), nil
}

// CreateApiKey makes a key, by which callers may use an API.
func (s *Service) CreateApiKey(ctx context.Context, call *aws.Call, in *api.CreateApiKeyInput) (*api.CreateApiKeyOutput, error) {
	expires, err := lifeOf(in.Expires, time.Now())
	if err != nil {
		return nil, err
	}
	id := "da2-" + newID(idLetters)
	row := api.ApiKey{Id: &id, Description: in.Description, Expires: new(expires.Unix()), Deletes: new(expires.Add(keptExpired).Unix())}
	err = s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, err := findEither(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		n := 0
		for key, old := range apiKeys.Scan(tx, partKey{API: arn}) {
			if gone(&old) {
				if err := apiKeys.Delete(tx, key); err != nil {
					return err
				}
				continue
			}
			n++
		}
		if n >= maxKeys {
			return api.ApiKeyLimitExceededException.Errorf("Reached maximum number of api keys.")
		}
		return apiKeys.Put(tx, partKey{arn, id}, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateApiKeyOutput{ApiKey: &row}, nil
}

// gone reports whether a key has been expired for so long that it is deleted.
func gone(row *api.ApiKey) bool { return time.Now().Unix() >= aws.Value(row.Deletes) }

// ListApiKeys lists the keys of an API.
func (s *Service) ListApiKeys(ctx context.Context, call *aws.Call, in *api.ListApiKeysInput) (out *api.ListApiKeysOutput, err error) {
	out = new(api.ListApiKeysOutput)
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		out.ApiKeys, out.NextToken, err = pageParts(tx, apiKeys, call, in.ApiId, in.NextToken, in.MaxResults)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateApiKey changes when a key expires.
func (s *Service) UpdateApiKey(ctx context.Context, call *aws.Call, in *api.UpdateApiKeyInput) (*api.UpdateApiKeyOutput, error) {
	var row api.ApiKey
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		key, old, err := find(tx, apiKeys, call, in.ApiId, "API key", in.Id)
		if err != nil {
			return err
		}
		row = old
		if in.Description != nil {
			row.Description = in.Description
		}
		if in.Expires != nil {
			expires, err := lifeOf(in.Expires, time.Now())
			if err != nil {
				return err
			}
			row.Expires, row.Deletes = new(expires.Unix()), new(expires.Add(keptExpired).Unix())
		}
		return apiKeys.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateApiKeyOutput{ApiKey: &row}, nil
}

// DeleteApiKey deletes a key.
func (s *Service) DeleteApiKey(ctx context.Context, call *aws.Call, in *api.DeleteApiKeyInput) (*api.DeleteApiKeyOutput, error) {
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		key, _, err := find(tx, apiKeys, call, in.ApiId, "API key", in.Id)
		if err != nil {
			return err
		}
		return apiKeys.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteApiKeyOutput{}, nil
}
