package appsync

import (
	"context"
	"errors"
	"iter"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Limits of resolvers.
const (
	maxCode      = 32 << 10 // bytes
	maxTemplate  = 64 << 10
	maxFunctions = 10 // of a pipeline
	maxBatch     = 2000
)

// CreateResolver gives a field a resolver.
func (s *Service) CreateResolver(ctx context.Context, call *aws.Call, in *api.CreateResolverInput) (*api.CreateResolverOutput, error) {
	row := api.Resolver{
		TypeName: &in.TypeName, FieldName: &in.FieldName, DataSourceName: in.DataSourceName, RequestMappingTemplate: in.RequestMappingTemplate,
		ResponseMappingTemplate: in.ResponseMappingTemplate, Kind: in.Kind, PipelineConfig: in.PipelineConfig, SyncConfig: in.SyncConfig,
		CachingConfig: in.CachingConfig, MaxBatchSize: in.MaxBatchSize, Runtime: in.Runtime, Code: in.Code, MetricsConfig: in.MetricsConfig,
	}
	if err := s.putResolver(ctx, call, in.ApiId, &row, false); err != nil {
		return nil, err
	}
	return &api.CreateResolverOutput{Resolver: &row}, nil
}

// UpdateResolver replaces the resolver of a field.
func (s *Service) UpdateResolver(ctx context.Context, call *aws.Call, in *api.UpdateResolverInput) (*api.UpdateResolverOutput, error) {
	row := api.Resolver{
		TypeName: &in.TypeName, FieldName: &in.FieldName, DataSourceName: in.DataSourceName, RequestMappingTemplate: in.RequestMappingTemplate,
		ResponseMappingTemplate: in.ResponseMappingTemplate, Kind: in.Kind, PipelineConfig: in.PipelineConfig, SyncConfig: in.SyncConfig,
		CachingConfig: in.CachingConfig, MaxBatchSize: in.MaxBatchSize, Runtime: in.Runtime, Code: in.Code, MetricsConfig: in.MetricsConfig,
	}
	if err := s.putResolver(ctx, call, in.ApiId, &row, true); err != nil {
		return nil, err
	}
	return &api.UpdateResolverOutput{Resolver: &row}, nil
}

// putResolver completes and keeps a resolver: a new one, or in the place of an old.
func (s *Service) putResolver(ctx context.Context, call *aws.Call, id string, row *api.Resolver, old bool) error {
	if row.Kind == nil {
		row.Kind = new(api.ResolverKindUnit)
	}
	if row.MaxBatchSize == nil {
		row.MaxBatchSize = new(int32(0))
	}
	if err := s.checkMapping(ctx, row.Runtime, row.Code, row.RequestMappingTemplate, row.ResponseMappingTemplate, row.SyncConfig, *row.MaxBatchSize); err != nil {
		return err
	}
	return s.change(ctx, id, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, id)
		if err != nil {
			return err
		}
		key := resolverKey{arn, *row.TypeName, *row.FieldName}
		has, err := resolvers.Has(tx, key)
		switch {
		case err != nil:
			return err
		case has && !old:
			return errBad("Only one resolver is allowed per field.")
		case !has && old:
			return errNoResolver()
		}
		schema, err := findSchema(tx, arn)
		if errors.Is(err, api.NotFoundException) || err == nil && !schema.HasField(key.Type, key.Field) {
			if err == nil && schema.Type(key.Type) != nil {
				return api.NotFoundException.Errorf("No field named %s found on type %s", key.Field, key.Type)
			}
			return errNoType(key.Type)
		}
		if err != nil {
			return err
		}
		if err := checkKind(tx, arn, row); err != nil {
			return err
		}
		row.ResolverArn = below(arn, "types", key.Type, "resolvers", key.Field)
		return resolvers.Put(tx, key, *row)
	})
}

// checkKind refuses a resolver whose data source or functions are not there.
func checkKind(tx *store.Tx, arn aws.ARN, row *api.Resolver) error {
	if *row.Kind == api.ResolverKindPipeline {
		if row.DataSourceName != nil {
			return errBad("Pipeline resolvers cannot have a data source.")
		}
		if row.PipelineConfig == nil {
			row.PipelineConfig = &api.PipelineConfig{}
		}
		if len(row.PipelineConfig.Functions) > maxFunctions {
			return errBad("A pipeline resolver can have at most %d functions.", maxFunctions)
		}
		for _, id := range row.PipelineConfig.Functions {
			if has, err := functions.Has(tx, partKey{arn, id}); err != nil || !has {
				return errors.Join(err, api.NotFoundException.Errorf("No function found with id: %s", id))
			}
		}
		return nil
	}
	if row.DataSourceName == nil {
		return errBad("Data source name is required for unit resolvers.")
	}
	return hasDataSource(tx, arn, *row.DataSourceName)
}

func hasDataSource(tx *store.Tx, arn aws.ARN, name string) error {
	if has, err := dataSources.Has(tx, partKey{arn, name}); err != nil || !has {
		return errors.Join(err, api.NotFoundException.Errorf("No data source found named %s", name))
	}
	return nil
}

func errNoResolver() error { return api.NotFoundException.Errorf("No resolver found.") }

func findResolver(tx *store.Tx, call *aws.Call, id, typ, field string) (resolverKey, api.Resolver, error) {
	arn, _, err := findAPI(tx, call, id)
	key := resolverKey{arn, typ, field}
	if err != nil {
		return key, api.Resolver{}, err
	}
	row, err := resolvers.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoResolver()
	}
	return key, row, err
}

// GetResolver returns the resolver of a field.
func (s *Service) GetResolver(ctx context.Context, call *aws.Call, in *api.GetResolverInput) (*api.GetResolverOutput, error) {
	var row api.Resolver
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findResolver(tx, call, in.ApiId, in.TypeName, in.FieldName)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetResolverOutput{Resolver: &row}, nil
}

// ListResolvers lists the resolvers of a type.
func (s *Service) ListResolvers(ctx context.Context, call *aws.Call, in *api.ListResolversInput) (out *api.ListResolversOutput, err error) {
	out = new(api.ListResolversOutput)
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		scan := func(after string) iter.Seq2[resolverKey, api.Resolver] {
			return resolvers.ScanAfter(tx, resolverKey{API: arn, Type: in.TypeName}, resolverKey{arn, in.TypeName, after})
		}
		out.Resolvers, out.NextToken, err = page(in.NextToken, in.MaxResults, scan, func(k resolverKey) string { return k.Field },
			func(k resolverKey, r api.Resolver) (api.Resolver, bool) { return r, k.Type == in.TypeName })
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListResolversByFunction lists the resolvers whose pipeline has a function.
func (s *Service) ListResolversByFunction(ctx context.Context, call *aws.Call, in *api.ListResolversByFunctionInput) (out *api.ListResolversByFunctionOutput, err error) {
	out = new(api.ListResolversByFunctionOutput)
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		name := func(k resolverKey) string { return k.Type + "." + k.Field }
		scan := func(after string) iter.Seq2[resolverKey, api.Resolver] {
			return func(yield func(resolverKey, api.Resolver) bool) {
				for k, r := range resolvers.Scan(tx, resolverKey{API: arn}) {
					if name(k) > after && !yield(k, r) {
						return
					}
				}
			}
		}
		out.Resolvers, out.NextToken, err = page(in.NextToken, in.MaxResults, scan, name, func(_ resolverKey, r api.Resolver) (api.Resolver, bool) {
			return r, r.PipelineConfig != nil && slices.Contains(r.PipelineConfig.Functions, in.FunctionId)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteResolver removes the resolver of a field.
func (s *Service) DeleteResolver(ctx context.Context, call *aws.Call, in *api.DeleteResolverInput) (*api.DeleteResolverOutput, error) {
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		key, _, err := findResolver(tx, call, in.ApiId, in.TypeName, in.FieldName)
		if err != nil {
			return err
		}
		return resolvers.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteResolverOutput{}, nil
}
