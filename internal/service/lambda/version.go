package lambda

import (
	"context"
	"errors"
	"reflect"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// PublishVersion makes a version of a function as it is now, or finds the last
// one if the function has not changed since.
func (s *Service) PublishVersion(ctx context.Context, call *aws.Call, in *api.PublishVersionInput) (*api.PublishVersionOutput, error) {
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.PublishTo != nil {
		return nil, unsupported(api.PublishVersion.Name, "PublishTo")
	}
	var out *api.FunctionConfiguration
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findFunction(tx, fn)
		if err != nil {
			return err
		}
		v := &row.Latest
		switch {
		case in.RevisionId != nil && *in.RevisionId != v.Revision:
			return errRevision("GetFunction/GetAlias")
		case aws.Value(in.CodeSha256) != "" && *in.CodeSha256 != v.Code.sha256():
			return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", *in.CodeSha256, v.Code.sha256())
		}
		out, err = s.publish(tx, fn, &row, in.Description)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// publish makes a version of the latest one of row, or finds the last one if
// it is the same.
func (s *Service) publish(tx *store.Tx, fn aws.ARN, row *function, description *string) (*api.FunctionConfiguration, error) {
	key := versionKey{fn, row.Published}
	last, err := versions.Get(tx, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err == nil && last.Code.Key == row.Latest.Code.Key && reflect.DeepEqual(last.settings, row.Latest.settings) {
		return last.describe(ref{fn, versionName(key.Number)}.arn(), fn, key.Number), nil
	}
	row.Published++
	key.Number = row.Published
	v := row.Latest
	set(&v.Description, description)
	if v.ready() {
		v.finish()
		v.Modified = time.Now()
	} else {
		v.State, v.Updated = "", ""
		v.begin(time.Now())
		if err := s.await(tx, key); err != nil {
			return nil, err
		}
	}
	row.Latest.touch()
	s.changed(tx, fn)
	err = errors.Join(v.Code.use(tx), useLayers(tx, &v), versions.Put(tx, key, v), functions.Put(tx, fn, *row))
	return v.describe(ref{fn, versionName(key.Number)}.arn(), fn, key.Number), err
}

// ListVersionsByFunction lists the versions of a function, $LATEST first.
func (s *Service) ListVersionsByFunction(ctx context.Context, call *aws.Call, in *api.ListVersionsByFunctionInput) (*api.ListVersionsByFunctionOutput, error) {
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	p, err := newPager(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	list := []api.FunctionConfiguration{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err := findFunction(tx, fn)
		if err != nil {
			return err
		}
		if p.takes(sortable(0)) {
			list = append(list, row.Latest.list(ref{fn, latest}.arn(), fn, 0))
		}
		for key, v := range versions.Scan(tx, versionKey{Function: fn}) {
			if p.takes(sortable(key.Number)) {
				list = append(list, v.list(ref{fn, versionName(key.Number)}.arn(), fn, key.Number))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ListVersionsByFunctionOutput{Versions: list, NextMarker: p.next()}, nil
}
