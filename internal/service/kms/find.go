package kms

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var idForm = regexp.MustCompile(`^(mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)

// A found is a key that a caller meant.
type found struct {
	ARN   aws.ARN
	Alias string // "alias/jobs", if it was asked for by that
	key
}

// locate returns the key that text names: by id, by ARN, or by an alias or its
// ARN.
func locate(tx *store.Tx, call *aws.Call, text string) (found, error) {
	f := found{ARN: call.ARN("kms", keyKind+text)}
	if strings.HasPrefix(text, aliasKind) {
		f.ARN.Resource = text
	}
	if strings.HasPrefix(text, "arn:") {
		arn, err := aws.ParseARN(text)
		if err != nil || arn.Service != "kms" {
			return f, api.InvalidArnException.Errorf("Invalid arn %s", text)
		}
		if arn.Region != call.Region {
			return f, api.NotFoundException.Errorf("Invalid arn %s", arn.Region)
		}
		f.ARN = arn
	}
	if strings.HasPrefix(f.ARN.Resource, aliasKind) {
		row, err := findAlias(tx, f.ARN)
		if err != nil {
			return f, err
		}
		f.Alias, f.ARN.Resource = f.ARN.Resource, keyKind+row.Key
	} else if !idForm.MatchString(strings.TrimPrefix(f.ARN.Resource, keyKind)) {
		return f, errKeyID(text)
	}
	var err error
	f.key, err = keys.Get(tx, f.ARN)
	if errors.Is(err, store.ErrNotFound) || err == nil && f.gone(time.Now()) {
		return f, errNoKey(f.ARN)
	}
	return f, err
}

// gone reports whether the day has come on which k was to be deleted.
func (k *key) gone(now time.Time) bool { return !k.Deletion.IsZero() && !now.Before(k.Deletion) }

// find returns the key that text names. Those that AWS keeps for its services
// are made when they are first asked for.
func (s *Service) find(ctx context.Context, call *aws.Call, text string) (f found, err error) {
	look := func(tx *store.Tx) (err error) {
		f, err = locate(tx, call, text)
		return err
	}
	err = s.db.View(ctx, look)
	_, name, ok := strings.Cut(text, ownedKind)
	if !ok || !errors.Is(err, api.NotFoundException) {
		return f, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if err := s.makeOwned(tx, call, name); err != nil {
			return err
		}
		return look(tx)
	})
	return f, err
}

// usable is find, of a key that is to be used for something.
func (s *Service) usable(ctx context.Context, call *aws.Call, text, usage string) (f found, err error) {
	if f, err = s.find(ctx, call, text); err == nil {
		err = f.usedFor(usage, f.ARN)
	}
	return f, err
}

// change changes the key that text names, which is none of AWS's, and not by an
// alias.
func (s *Service) change(ctx context.Context, call *aws.Call, text string, change func(tx *store.Tx, f *found) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		f, err := locate(tx, call, text)
		if err != nil {
			return err
		}
		if f.Alias != "" {
			return errKeyID(text)
		}
		if f.Manager == api.KeyManagerTypeAws {
			return aws.AccessDenied.Errorf("User: %s is not authorized to change the AWS managed key %s", call.Principal.ARN, f.ARN)
		}
		if err := change(tx, &f); err != nil {
			return err
		}
		return s.put(tx, f.ARN, f.key)
	})
}
