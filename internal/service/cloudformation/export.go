package cloudformation

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// ListExports lists what stacks of this account and region export.
func (s *Service) ListExports(ctx context.Context, call *aws.Call, in *api.ListExportsInput) (*api.ListExportsOutput, error) {
	after, err := cut(in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListExportsOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out.Exports, out.NextToken = []api.Export{}, nil
		for key, e := range exports.Scan(tx, exportKey{Place: place(call.ARN("cloudformation", ""))}) {
			if key.Name <= after {
				continue
			}
			if n := len(out.Exports); n == stacksPerPage {
				out.NextToken = token(*out.Exports[n-1].Name)
				return nil
			}
			out.Exports = append(out.Exports, api.Export{ExportingStackId: new(e.Stack.String()), Name: &key.Name, Value: &e.Value})
		}
		return nil
	})
	return out, err
}

// ListImports lists the stacks that use an export.
func (s *Service) ListImports(ctx context.Context, call *aws.Call, in *api.ListImportsInput) (*api.ListImportsOutput, error) {
	out := &api.ListImportsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		where := place(call.ARN("cloudformation", ""))
		has, err := exports.Has(tx, exportKey{where, in.ExportName})
		if err != nil {
			return err
		}
		if out.Imports = importers(tx, where, in.ExportName); out.Imports == nil || !has {
			return api.ValidationError.Errorf("Export '%s' is not imported by any stack.", in.ExportName)
		}
		return nil
	})
	return out, err
}
