package lambda

import (
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Limits of an account in a region.
const (
	accountConcurrency = 1000
	minUnreserved      = 100
	accountCodeSize    = 80530636800
)

// PutFunctionConcurrency reserves a part of the account's concurrency for a
// function, which can have no more than that.
func (s *Service) PutFunctionConcurrency(ctx context.Context, call *aws.Call, in *api.PutFunctionConcurrencyInput) (*api.PutFunctionConcurrencyOutput, error) {
	n := in.ReservedConcurrentExecutions
	err := s.reserve(ctx, call, in.FunctionName, &n)
	if err != nil {
		return nil, err
	}
	return &api.PutFunctionConcurrencyOutput{ReservedConcurrentExecutions: &n}, nil
}

// DeleteFunctionConcurrency lets a function use the account's unreserved concurrency.
func (s *Service) DeleteFunctionConcurrency(ctx context.Context, call *aws.Call, in *api.DeleteFunctionConcurrencyInput) (*api.DeleteFunctionConcurrencyOutput, error) {
	if err := s.reserve(ctx, call, in.FunctionName, nil); err != nil {
		return nil, err
	}
	return &api.DeleteFunctionConcurrencyOutput{}, nil
}

// reserve sets the concurrency that is reserved for a function; nil is none.
func (s *Service) reserve(ctx context.Context, call *aws.Call, text string, n *int32) error {
	fn, err := parseFunction(call, text)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := functions.Get(tx, fn)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return errNoFunction(ref{fn, latest}.arn())
		case err != nil:
			return err
		case aws.Value(n) > accountConcurrency:
			return invalid("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", accountConcurrency)
		}
		others := reservedBut(tx, fn)
		if n != nil && accountConcurrency-others-*n < minUnreserved && *n > aws.Value(row.Reserved) {
			return invalid("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
		}
		row.Reserved = n
		s.reserved(tx, fn, others+aws.Value(n))
		s.changed(tx, fn)
		return functions.Put(tx, fn, row)
	})
}

// reservedBut is the concurrency that other functions of the account have reserved.
func reservedBut(tx *store.Tx, fn aws.ARN) (sum int32) {
	for other, row := range functions.Scan(tx, homeOf(fn)) {
		if other != fn {
			sum += aws.Value(row.Reserved)
		}
	}
	return sum
}

// GetFunctionConcurrency tells what is reserved for a function.
func (s *Service) GetFunctionConcurrency(ctx context.Context, call *aws.Call, in *api.GetFunctionConcurrencyInput) (*api.GetFunctionConcurrencyOutput, error) {
	_, row, err := s.lookUp(ctx, call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return &api.GetFunctionConcurrencyOutput{ReservedConcurrentExecutions: row.Reserved}, nil
}

// GetAccountSettings tells the limits of the account, and what it uses.
func (s *Service) GetAccountSettings(ctx context.Context, call *aws.Call, in *api.GetAccountSettingsInput) (*api.GetAccountSettingsOutput, error) {
	home := call.ARN("lambda", "")
	var size, count int64
	unreserved := int32(accountConcurrency)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		size, count, unreserved = 0, 0, accountConcurrency-reservedBut(tx, home)
		for _, row := range functions.Scan(tx, home) {
			count++
			size += row.Latest.Code.Size
		}
		for _, v := range versions.Scan(tx, versionKey{Function: home}) {
			size += v.Code.Size
		}
		for _, v := range layerVersions.Scan(tx, layerKey{Layer: home}) {
			size += v.Code.Size
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.GetAccountSettingsOutput{
		AccountLimit: &api.AccountLimit{
			TotalCodeSize:                  new(int64(accountCodeSize)),
			CodeSizeUnzipped:               new(int64(maxUnpacked)),
			CodeSizeZipped:                 new(int64(maxZipped)),
			ConcurrentExecutions:           new(int32(accountConcurrency)),
			UnreservedConcurrentExecutions: &unreserved,
		},
		AccountUsage: &api.AccountUsage{TotalCodeSize: &size, FunctionCount: &count},
	}, nil
}
