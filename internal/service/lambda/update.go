package lambda

import (
	"cmp"
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// UpdateFunctionCode gives a function new code.
func (s *Service) UpdateFunctionCode(ctx context.Context, call *aws.Call, in *api.UpdateFunctionCodeInput) (*api.UpdateFunctionCodeOutput, error) {
	fn, row, err := s.lookUp(ctx, call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	switch isImage := row.Latest.Image != nil; {
	case isImage && in.ImageUri == nil:
		return nil, invalid("Please provide ImageUri when updating a function with packageType Image.")
	case !isImage && in.ImageUri != nil:
		return nil, invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
	}
	for what, given := range map[string]bool{"SourceKMSKeyArn": in.SourceKMSKeyArn != nil, "PublishTo": in.PublishTo != nil} {
		if given {
			return nil, unsupported(api.UpdateFunctionCode.Name, what)
		}
	}
	code, err := s.receive(ctx, call, fn, source{api.UpdateFunctionCode.Name, in.ZipFile, in.S3Bucket, in.S3Key, in.S3ObjectVersion, in.ImageUri})
	if err != nil {
		return nil, err
	}
	defer code.Close()
	publish := aws.Value(in.Publish)
	return s.update(ctx, fn, in.RevisionId, aws.Value(in.DryRun), publish, func(tx *store.Tx, v *version) error {
		old := v.Code
		v.Code, v.Image = code.packed, code.image
		if len(in.Architectures) > 0 {
			v.Architecture = in.Architectures[0]
		}
		return errors.Join(checkSize(v), code.keep(tx), s.drop(tx, old))
	})
}

// UpdateFunctionConfiguration tells a function to be otherwise.
func (s *Service) UpdateFunctionConfiguration(ctx context.Context, call *aws.Call, in *api.UpdateFunctionConfigurationInput) (*api.UpdateFunctionConfigurationOutput, error) {
	fn, row, err := s.lookUp(ctx, call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	switch isImage := row.Latest.Image != nil; {
	case isImage && (in.Runtime != nil || in.Handler != nil || len(in.Layers) > 0):
		return nil, invalid("Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")
	case !isImage && in.ImageConfig != nil:
		return nil, invalid("Please don't provide ImageConfig when the intended function PackageType is Zip.")
	}
	c := changeOfUpdate(in)
	if err := c.check(); err != nil {
		return nil, err
	}
	if in.Role != nil {
		if err := s.checkRole(ctx, fn, *in.Role); err != nil {
			return nil, err
		}
	}
	if err := s.checkFiles(ctx, fn, &c); err != nil {
		return nil, err
	}
	if err := s.makeForeign(ctx, call, in.Layers, cmp.Or(aws.Value(in.Runtime), row.Latest.Runtime)); err != nil {
		return nil, err
	}
	return s.update(ctx, fn, in.RevisionId, false, false, func(tx *store.Tx, v *version) error {
		if in.DurableConfig != nil && v.Durable == nil {
			return invalid("DurableConfig cannot be added to a function that was made without it.")
		}
		c.apply(&v.settings)
		set(&v.Description, in.Description)
		if err := v.checkMounts(); err != nil || in.Layers == nil {
			return err
		}
		old := v.Layers
		if v.Layers, err = findLayers(tx, call, in.Layers); err != nil {
			return err
		}
		if err := errors.Join(checkSize(v), useLayers(tx, v)); err != nil {
			return err
		}
		for i := range old {
			if err := s.drop(tx, old[i].Code); err != nil {
				return err
			}
		}
		return nil
	})
}

// errDry ends a transaction that was only to show what it would do.
var errDry = errors.New("dry run")

// update changes the latest version of a function, and publishes it if asked to.
func (s *Service) update(ctx context.Context, fn aws.ARN, revision *string, dry, publish bool, change func(*store.Tx, *version) error) (*api.FunctionConfiguration, error) {
	var out *api.FunctionConfiguration
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findFunction(tx, fn)
		if err != nil {
			return err
		}
		v := &row.Latest
		if revision != nil && *revision != v.Revision {
			return errRevision("GetFunction/GetAlias")
		}
		if !v.ready() {
			v.finish() // there is nothing that the change would have to wait for
		}
		if err := change(tx, v); err != nil {
			return err
		}
		v.begin(time.Now())
		s.changed(tx, fn)
		tx.AfterCommit(func() { s.runner.Forget(fn) })
		if err := errors.Join(functions.Put(tx, fn, row), s.await(tx, versionKey{fn, 0})); err != nil {
			return err
		}
		out = v.describe(fn, fn, 0)
		if publish {
			if out, err = s.publish(tx, fn, &row, nil); err != nil {
				return err
			}
		}
		if dry {
			return errDry
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDry) {
		return nil, err
	}
	return out, nil
}
