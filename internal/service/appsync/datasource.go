package appsync

import (
	"context"
	"errors"
	"iter"
	"net/url"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateDataSource adds a data source to an API.
func (s *Service) CreateDataSource(ctx context.Context, call *aws.Call, in *api.CreateDataSourceInput) (*api.CreateDataSourceOutput, error) {
	row := api.DataSource{
		Name: &in.Name, Description: in.Description, Type: &in.Type, ServiceRoleArn: in.ServiceRoleArn, DynamodbConfig: in.DynamodbConfig,
		LambdaConfig: in.LambdaConfig, HttpConfig: in.HttpConfig, EventBridgeConfig: in.EventBridgeConfig, MetricsConfig: in.MetricsConfig,
	}
	if err := checkDataSource(&row); err != nil {
		return nil, err
	}
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, err := findEither(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		row.DataSourceArn = below(arn, "datasources", in.Name)
		key := partKey{arn, in.Name}
		if has, err := dataSources.Has(tx, key); err != nil || has {
			return errors.Join(err, errBad("Data source with name %s already exists", in.Name))
		}
		return dataSources.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateDataSourceOutput{DataSource: &row}, nil
}

// checkDataSource refuses what is no data source, or none that we have.
func checkDataSource(row *api.DataSource) error {
	missing := func(what string) error {
		return errBad("%s is required for data source type %s.", what, *row.Type)
	}
	role := false
	switch *row.Type {
	case api.DataSourceTypeNone:
	case api.DataSourceTypeAwsLambda:
		if row.LambdaConfig == nil {
			return missing("lambdaConfig")
		}
		if _, err := aws.ParseARN(row.LambdaConfig.LambdaFunctionArn); err != nil {
			return errBad("Lambda function ARN is not valid: %s", row.LambdaConfig.LambdaFunctionArn)
		}
		role = true
	case api.DataSourceTypeAmazonDynamodb:
		c := row.DynamodbConfig
		if c == nil {
			return missing("dynamodbConfig")
		}
		if aws.Value(c.Versioned) || c.DeltaSyncConfig != nil {
			return errNotYet("versioned data sources, which detect conflicts,")
		}
		role = !aws.Value(c.UseCallerCredentials)
	case api.DataSourceTypeHttp:
		if row.HttpConfig == nil || aws.Value(row.HttpConfig.Endpoint) == "" {
			return missing("httpConfig")
		}
		u, err := url.Parse(*row.HttpConfig.Endpoint)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/" {
			return errBad("HTTP endpoint is not valid: %s", *row.HttpConfig.Endpoint)
		}
		role = row.HttpConfig.AuthorizationConfig != nil
	case api.DataSourceTypeAmazonEventbridge:
		if row.EventBridgeConfig == nil {
			return missing("eventBridgeConfig")
		}
		role = true
	default:
		return errNotYet("data sources of type " + *row.Type)
	}
	if role && aws.Value(row.ServiceRoleArn) == "" {
		return missing("serviceRoleArn")
	}
	return nil
}

// GetDataSource returns a data source.
func (s *Service) GetDataSource(ctx context.Context, call *aws.Call, in *api.GetDataSourceInput) (*api.GetDataSourceOutput, error) {
	var row api.DataSource
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, dataSources, call, in.ApiId, "data source", in.Name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetDataSourceOutput{DataSource: &row}, nil
}

// ListDataSources lists the data sources of an API.
func (s *Service) ListDataSources(ctx context.Context, call *aws.Call, in *api.ListDataSourcesInput) (out *api.ListDataSourcesOutput, err error) {
	out = new(api.ListDataSourcesOutput)
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		out.DataSources, out.NextToken, err = pageParts(tx, dataSources, call, in.ApiId, in.NextToken, in.MaxResults)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// pageParts takes a page of the parts of an API.
func pageParts[V any](tx *store.Tx, table store.Table[partKey, V], call *aws.Call, id string, token *string, most *int32) ([]V, *string, error) {
	arn, err := findEither(tx, call, id)
	if err != nil {
		return nil, nil, err
	}
	scan := func(after string) iter.Seq2[partKey, V] {
		return table.ScanAfter(tx, partKey{API: arn}, partKey{arn, after})
	}
	return page(token, most, scan, func(k partKey) string { return k.ID }, func(_ partKey, v V) (V, bool) { return v, true })
}

// UpdateDataSource replaces what a data source is.
func (s *Service) UpdateDataSource(ctx context.Context, call *aws.Call, in *api.UpdateDataSourceInput) (*api.UpdateDataSourceOutput, error) {
	row := api.DataSource{
		Name: &in.Name, Description: in.Description, Type: &in.Type, ServiceRoleArn: in.ServiceRoleArn, DynamodbConfig: in.DynamodbConfig,
		LambdaConfig: in.LambdaConfig, HttpConfig: in.HttpConfig, EventBridgeConfig: in.EventBridgeConfig, MetricsConfig: in.MetricsConfig,
	}
	if err := checkDataSource(&row); err != nil {
		return nil, err
	}
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		key, old, err := find(tx, dataSources, call, in.ApiId, "data source", in.Name)
		if err != nil {
			return err
		}
		row.DataSourceArn = old.DataSourceArn
		return dataSources.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateDataSourceOutput{DataSource: &row}, nil
}

// DeleteDataSource removes a data source that nothing uses.
func (s *Service) DeleteDataSource(ctx context.Context, call *aws.Call, in *api.DeleteDataSourceInput) (*api.DeleteDataSourceOutput, error) {
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		key, _, err := find(tx, dataSources, call, in.ApiId, "data source", in.Name)
		if err != nil {
			return err
		}
		var users []string
		for k, r := range resolvers.Scan(tx, resolverKey{API: key.API}) {
			if aws.Value(r.DataSourceName) == in.Name {
				users = append(users, k.Type+"."+k.Field)
			}
		}
		for _, f := range functions.Scan(tx, partKey{API: key.API}) {
			if aws.Value(f.DataSourceName) == in.Name {
				users = append(users, aws.Value(f.Name))
			}
		}
		if users != nil {
			return errBad("Cannot delete data source %s: it is used by %s", in.Name, strings.Join(users, ", "))
		}
		return dataSources.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteDataSourceOutput{}, nil
}
