package lambda

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// PutFunctionRecursionConfig says whether a function may invoke itself without end.
func (s *Service) PutFunctionRecursionConfig(ctx context.Context, call *aws.Call, in *api.PutFunctionRecursionConfigInput) (*api.PutFunctionRecursionConfigOutput, error) {
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findFunction(tx, fn)
		if err != nil {
			return err
		}
		row.MayLoop = in.RecursiveLoop == api.RecursiveLoopAllow
		s.changed(tx, fn)
		return functions.Put(tx, fn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutFunctionRecursionConfigOutput{RecursiveLoop: &in.RecursiveLoop}, nil
}

// GetFunctionRecursionConfig tells whether a function may invoke itself without end.
func (s *Service) GetFunctionRecursionConfig(ctx context.Context, call *aws.Call, in *api.GetFunctionRecursionConfigInput) (*api.GetFunctionRecursionConfigOutput, error) {
	_, row, err := s.lookUp(ctx, call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	loop := api.RecursiveLoopTerminate
	if row.MayLoop {
		loop = api.RecursiveLoopAllow
	}
	return &api.GetFunctionRecursionConfigOutput{RecursiveLoop: &loop}, nil
}
