package appsync

import (
	"context"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/store"
)

// functionVersion is that of the templates of functions.
const functionVersion = "2018-05-29"

// CreateFunction adds a function, which resolvers may have in their pipelines.
func (s *Service) CreateFunction(ctx context.Context, call *aws.Call, in *api.CreateFunctionInput) (*api.CreateFunctionOutput, error) {
	id := newID(idLetters)
	row := api.FunctionConfiguration{
		FunctionId: &id, Name: &in.Name, Description: in.Description, DataSourceName: &in.DataSourceName, RequestMappingTemplate: in.RequestMappingTemplate,
		ResponseMappingTemplate: in.ResponseMappingTemplate, FunctionVersion: in.FunctionVersion, SyncConfig: in.SyncConfig, MaxBatchSize: in.MaxBatchSize,
		Runtime: in.Runtime, Code: in.Code,
	}
	if err := s.checkFunction(ctx, &row); err != nil {
		return nil, err
	}
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		if err := hasDataSource(tx, arn, in.DataSourceName); err != nil {
			return err
		}
		row.FunctionArn = below(arn, "functions", id)
		return functions.Put(tx, partKey{arn, id}, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateFunctionOutput{FunctionConfiguration: &row}, nil
}

func (s *Service) checkFunction(ctx context.Context, row *api.FunctionConfiguration) error {
	if row.MaxBatchSize == nil {
		row.MaxBatchSize = new(int32(0))
	}
	if row.Runtime == nil && row.FunctionVersion == nil {
		return errBad("The functionVersion is required when using VTL mapping templates.")
	}
	if row.Runtime == nil && *row.FunctionVersion != functionVersion {
		return errBad("Unsupported function version: %s.", *row.FunctionVersion)
	}
	return s.checkMapping(ctx, row.Runtime, row.Code, row.RequestMappingTemplate, row.ResponseMappingTemplate, row.SyncConfig, *row.MaxBatchSize)
}

// checkMapping refuses templates and code that cannot run.
func (s *Service) checkMapping(ctx context.Context, runtime *api.AppSyncRuntime, code, request, response *string, sync *api.SyncConfig, batch int32) error {
	switch {
	case sync != nil && aws.Or(sync.ConflictDetection, api.ConflictDetectionTypeNone) != api.ConflictDetectionTypeNone:
		return errNotYet("conflict detection")
	case batch < 0 || batch > maxBatch:
		return errBad("maxBatchSize must be between 0 and %d.", maxBatch)
	case runtime == nil && code != nil:
		return errBad("A runtime is required when code is given.")
	case runtime != nil && code == nil:
		return errBad("Code is required when a runtime is given.")
	case runtime != nil && (request != nil || response != nil):
		return errBad("Mapping templates cannot be given with a runtime.")
	}
	if runtime != nil {
		return s.checkCode(ctx, runtime, *code)
	}
	for _, t := range []*string{request, response} {
		if len(aws.Value(t)) > maxTemplate {
			return errBad("The mapping template is larger than %d bytes.", maxTemplate)
		}
		if _, err := parseTemplate(aws.Value(t)); err != nil {
			return errBad("Template transformation failed: %s", err)
		}
	}
	return nil
}

// checkCode refuses code that is none of the runtime.
func (s *Service) checkCode(ctx context.Context, runtime *api.AppSyncRuntime, code string) error {
	if runtime.RuntimeVersion != "1.0.0" {
		return errBad("Unsupported runtime version: %s", runtime.RuntimeVersion)
	}
	if len(code) > maxCode {
		return errBad("The code is larger than %d bytes.", maxCode)
	}
	_, wrong := mapping.Compile(code)
	if wrong == nil {
		return nil
	}
	return errCode(wrong)
}

// errCode refuses code that has errors.
func errCode(wrong []mapping.CodeError) error {
	detail := &api.BadRequestExceptionDetail{Reason: new(api.BadRequestReasonCodeError), Detail: &api.BadRequestDetail{CodeErrors: codeErrors(wrong)}}
	return api.BadRequestException.With(detail, "The code contains one or more errors.")
}

func codeErrors(wrong []mapping.CodeError) []api.CodeError {
	var all []api.CodeError
	for _, e := range wrong {
		all = append(all, api.CodeError{ErrorType: new(e.Type), Value: new(e.Message),
			Location: &api.CodeErrorLocation{Line: new(int32(e.Line)), Column: new(int32(e.Column)), Span: new(int32(e.Span))}})
	}
	return all
}

// GetFunction returns a function.
func (s *Service) GetFunction(ctx context.Context, call *aws.Call, in *api.GetFunctionInput) (*api.GetFunctionOutput, error) {
	var row api.FunctionConfiguration
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, functions, call, in.ApiId, "function", in.FunctionId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetFunctionOutput{FunctionConfiguration: &row}, nil
}

// ListFunctions lists the functions of an API.
func (s *Service) ListFunctions(ctx context.Context, call *aws.Call, in *api.ListFunctionsInput) (out *api.ListFunctionsOutput, err error) {
	out = new(api.ListFunctionsOutput)
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		out.Functions, out.NextToken, err = pageParts(tx, functions, call, in.ApiId, in.NextToken, in.MaxResults)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateFunction replaces what a function is.
func (s *Service) UpdateFunction(ctx context.Context, call *aws.Call, in *api.UpdateFunctionInput) (*api.UpdateFunctionOutput, error) {
	row := api.FunctionConfiguration{
		FunctionId: &in.FunctionId, Name: &in.Name, Description: in.Description, DataSourceName: &in.DataSourceName,
		RequestMappingTemplate: in.RequestMappingTemplate, ResponseMappingTemplate: in.ResponseMappingTemplate, FunctionVersion: in.FunctionVersion,
		SyncConfig: in.SyncConfig, MaxBatchSize: in.MaxBatchSize, Runtime: in.Runtime, Code: in.Code,
	}
	if err := s.checkFunction(ctx, &row); err != nil {
		return nil, err
	}
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		key, old, err := find(tx, functions, call, in.ApiId, "function", in.FunctionId)
		if err != nil {
			return err
		}
		if err := hasDataSource(tx, key.API, in.DataSourceName); err != nil {
			return err
		}
		row.FunctionArn = old.FunctionArn
		return functions.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateFunctionOutput{FunctionConfiguration: &row}, nil
}

// DeleteFunction removes a function that no resolver has.
func (s *Service) DeleteFunction(ctx context.Context, call *aws.Call, in *api.DeleteFunctionInput) (*api.DeleteFunctionOutput, error) {
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		key, _, err := find(tx, functions, call, in.ApiId, "function", in.FunctionId)
		if err != nil {
			return err
		}
		for k, r := range resolvers.Scan(tx, resolverKey{API: key.API}) {
			if r.PipelineConfig != nil && slices.Contains(r.PipelineConfig.Functions, in.FunctionId) {
				return errBad("Cannot delete a function which is currently used by a resolver: %s.%s", k.Type, k.Field)
			}
		}
		return functions.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteFunctionOutput{}, nil
}
