package appsync

import (
	"context"
	"iter"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Limits that APIs have.
const (
	maxDepthLimit = 75
	maxResolvers  = 10_000
	maxProviders  = 50
	maxTags       = 50
)

// CreateGraphqlApi makes an API.
func (s *Service) CreateGraphqlApi(ctx context.Context, call *aws.Call, in *api.CreateGraphqlApiInput) (*api.CreateGraphqlApiOutput, error) {
	if aws.Value(in.ApiType) == api.GraphQLApiTypeMerged {
		return nil, errNotYet("merged APIs")
	}
	if aws.Value(in.Visibility) == api.GraphQLApiVisibilityPrivate {
		return nil, errNotYet("private APIs, which are reached by VPC endpoints alone,")
	}
	id := newID(idLetters)
	arn := apiARN(call, id)
	row := api.GraphqlApi{
		Name: &in.Name, ApiId: &id, Arn: new(arn.String()), AuthenticationType: &in.AuthenticationType, LogConfig: in.LogConfig,
		UserPoolConfig: in.UserPoolConfig, OpenIDConnectConfig: in.OpenIDConnectConfig, Tags: in.Tags,
		AdditionalAuthenticationProviders: in.AdditionalAuthenticationProviders, XrayEnabled: new(aws.Value(in.XrayEnabled)),
		LambdaAuthorizerConfig: in.LambdaAuthorizerConfig, Visibility: new(api.GraphQLApiVisibilityGlobal), ApiType: new(api.GraphQLApiTypeGraphql),
		Owner: &call.Account, OwnerContact: in.OwnerContact, IntrospectionConfig: new(aws.Or(in.IntrospectionConfig, api.GraphQLApiIntrospectionConfigEnabled)),
		QueryDepthLimit: new(aws.Value(in.QueryDepthLimit)), ResolverCountLimit: new(aws.Value(in.ResolverCountLimit)), EnhancedMetricsConfig: in.EnhancedMetricsConfig,
	}
	if err := checkAPI(&row); err != nil {
		return nil, err
	}
	err := s.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		if err := homes.Put(tx, homeARN(id), home{call.Account, call.Region}); err != nil {
			return err
		}
		return apis.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateGraphqlApiOutput{GraphqlApi: s.seen(call, &row)}, nil
}

// checkAPI refuses what cannot be of an API.
func checkAPI(row *api.GraphqlApi) error {
	switch {
	case checkTags(row.Tags) != nil:
		return checkTags(row.Tags)
	case aws.Value(row.QueryDepthLimit) < 0 || aws.Value(row.QueryDepthLimit) > maxDepthLimit:
		return errBad("queryDepthLimit must be between 0 and %d.", maxDepthLimit)
	case aws.Value(row.ResolverCountLimit) < 0 || aws.Value(row.ResolverCountLimit) > maxResolvers:
		return errBad("resolverCountLimit must be between 0 and %d.", maxResolvers)
	case len(row.AdditionalAuthenticationProviders) > maxProviders:
		return errBad("Too many additional authentication providers.")
	}
	p := provider{Type: aws.Value(row.AuthenticationType), OIDC: row.OpenIDConnectConfig, Lambda: row.LambdaAuthorizerConfig}
	if c := row.UserPoolConfig; c != nil {
		p.Pool = &api.CognitoUserPoolConfig{UserPoolId: c.UserPoolId, AwsRegion: c.AwsRegion, AppIdClientRegex: c.AppIdClientRegex}
	}
	if err := p.check(); err != nil {
		return err
	}
	for _, more := range row.AdditionalAuthenticationProviders {
		p := provider{aws.Value(more.AuthenticationType), more.UserPoolConfig, more.OpenIDConnectConfig, more.LambdaAuthorizerConfig}
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}

// ownTags begin the names of tags that CloudFormation alone gives, to find what
// it made.
const ownTags = "aws:cloudformation:"

// checkTags refuses tags that a resource cannot have.
func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return errBad("The maximum number of tags for a resource is %d", maxTags)
	}
	for key, value := range tags {
		if key == "" || len(key) > 128 || len(value) > 256 || strings.HasPrefix(key, "aws:") && !strings.HasPrefix(key, ownTags) {
			return errBad("Invalid tag: %s", key)
		}
	}
	return nil
}

// A provider says how callers are known.
type provider struct {
	Type   string
	Pool   *api.CognitoUserPoolConfig
	OIDC   *api.OpenIDConnectConfig
	Lambda *api.LambdaAuthorizerConfig
}

func (p *provider) check() error {
	switch p.Type {
	case api.AuthenticationTypeAmazonCognitoUserPools:
		if p.Pool == nil {
			return errBad("Invalid userPoolConfig: it is required for AMAZON_COGNITO_USER_POOLS authentication type.")
		}
	case api.AuthenticationTypeOpenidConnect:
		if p.OIDC == nil {
			return errBad("Invalid openIDConnectConfig: it is required for OPENID_CONNECT authentication type.")
		}
		u, err := url.Parse(p.OIDC.Issuer)
		if err != nil || u.Host == "" {
			return errBad("Invalid issuer: %s", p.OIDC.Issuer)
		}
	case api.AuthenticationTypeAwsLambda:
		if p.Lambda == nil {
			return errBad("Invalid lambdaAuthorizerConfig: it is required for AWS_LAMBDA authentication type.")
		}
	}
	return nil
}

// seen is an API as one who asks at a host sees it: with addresses there.
func (s *Service) seen(call *aws.Call, row *api.GraphqlApi) *api.GraphqlApi {
	out := *row
	base, socket := s.base(call), "ws"
	if base.Scheme == "https" {
		socket = "wss"
	}
	host, realtime := *row.ApiId+".appsync-api."+base.Host, *row.ApiId+".appsync-realtime-api."+base.Host
	out.Uris = map[string]string{"GRAPHQL": base.Scheme + "://" + host + "/graphql", "REALTIME": socket + "://" + realtime + "/graphql"}
	out.Dns = map[string]string{"GRAPHQL": host, "REALTIME": realtime}
	return &out
}

// base is what hosts of APIs are below, as the caller reaches the platform.
func (s *Service) base(call *aws.Call) *url.URL {
	base := &url.URL{Scheme: "http", Host: call.Host}
	if call.Secure {
		base.Scheme = "https"
	}
	if u, err := url.Parse(s.cfg.Endpoint); call.Host == "" && err == nil && u.Host != "" {
		base = &url.URL{Scheme: u.Scheme, Host: u.Host}
	}
	name, port, err := net.SplitHostPort(base.Host)
	if err != nil {
		name, port = base.Host, ""
	}
	switch {
	case name == "" || net.ParseIP(strings.Trim(name, "[]")) != nil:
		name = "localhost" // an address has no names below it
	case strings.HasSuffix(name, ".amazonaws.com"):
		name = call.Region + ".amazonaws.com"
	}
	if base.Host = name; port != "" {
		base.Host = net.JoinHostPort(name, port)
	}
	return base
}

// GetGraphqlApi returns an API.
func (s *Service) GetGraphqlApi(ctx context.Context, call *aws.Call, in *api.GetGraphqlApiInput) (*api.GetGraphqlApiOutput, error) {
	var row api.GraphqlApi
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findAPI(tx, call, in.ApiId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetGraphqlApiOutput{GraphqlApi: s.seen(call, &row)}, nil
}

// ListGraphqlApis lists the APIs of the account and region.
func (s *Service) ListGraphqlApis(ctx context.Context, call *aws.Call, in *api.ListGraphqlApisInput) (out *api.ListGraphqlApisOutput, err error) {
	out = new(api.ListGraphqlApisOutput)
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		scan := func(after string) iter.Seq2[aws.ARN, api.GraphqlApi] {
			return apis.ScanAfter(tx, call.ARN("appsync", ""), apiARN(call, after))
		}
		wanted := aws.Value(in.ApiType) != api.GraphQLApiTypeMerged && aws.Value(in.Owner) != api.OwnershipOtherAccounts
		out.GraphqlApis, out.NextToken, err = page(in.NextToken, in.MaxResults, scan,
			func(k aws.ARN) string { return strings.TrimPrefix(k.Resource, apiKind) },
			func(_ aws.ARN, row api.GraphqlApi) (api.GraphqlApi, bool) { return *s.seen(call, &row), wanted })
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateGraphqlApi changes an API: what is not given is as it would be of a new one.
func (s *Service) UpdateGraphqlApi(ctx context.Context, call *aws.Call, in *api.UpdateGraphqlApiInput) (*api.UpdateGraphqlApiOutput, error) {
	var row api.GraphqlApi
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, old, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		row = old
		row.Name, row.LogConfig, row.UserPoolConfig, row.OpenIDConnectConfig = &in.Name, in.LogConfig, in.UserPoolConfig, in.OpenIDConnectConfig
		if in.AuthenticationType != "" {
			row.AuthenticationType = &in.AuthenticationType
		}
		row.AdditionalAuthenticationProviders, row.LambdaAuthorizerConfig = in.AdditionalAuthenticationProviders, in.LambdaAuthorizerConfig
		row.XrayEnabled, row.OwnerContact, row.EnhancedMetricsConfig = new(aws.Value(in.XrayEnabled)), in.OwnerContact, in.EnhancedMetricsConfig
		row.IntrospectionConfig = new(aws.Or(in.IntrospectionConfig, api.GraphQLApiIntrospectionConfigEnabled))
		row.QueryDepthLimit, row.ResolverCountLimit = new(aws.Value(in.QueryDepthLimit)), new(aws.Value(in.ResolverCountLimit))
		if err := checkAPI(&row); err != nil {
			return err
		}
		return apis.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateGraphqlApiOutput{GraphqlApi: s.seen(call, &row)}, nil
}

// DeleteGraphqlApi deletes an API and all that is of it.
func (s *Service) DeleteGraphqlApi(ctx context.Context, call *aws.Call, in *api.DeleteGraphqlApiInput) (*api.DeleteGraphqlApiOutput, error) {
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		for _, remove := range []func() error{
			func() error { return dataSources.DeletePrefix(tx, partKey{API: arn}) },
			func() error { return functions.DeletePrefix(tx, partKey{API: arn}) },
			func() error { return apiKeys.DeletePrefix(tx, partKey{API: arn}) },
			func() error { return resolvers.DeletePrefix(tx, resolverKey{API: arn}) },
			func() error { return schemas.Delete(tx, arn) },
			func() error { return variables.Delete(tx, arn) },
			func() error { return caches.Delete(tx, arn) },
			func() error { return homes.Delete(tx, homeARN(in.ApiId)) },
			func() error { return apis.Delete(tx, arn) },
		} {
			if err := remove(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteGraphqlApiOutput{}, nil
}

// change runs a transaction that changes an API, which is compiled anew then.
func (s *Service) change(ctx context.Context, id string, f func(*store.Tx) error) error {
	return s.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		tx.AfterCommit(func() { s.ready.Drop(id) })
		return f(tx)
	})
}

// PutGraphqlApiEnvironmentVariables sets the variables that resolvers see.
func (s *Service) PutGraphqlApiEnvironmentVariables(ctx context.Context, call *aws.Call, in *api.PutGraphqlApiEnvironmentVariablesInput) (*api.PutGraphqlApiEnvironmentVariablesOutput, error) {
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		return variables.Put(tx, arn, in.EnvironmentVariables)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutGraphqlApiEnvironmentVariablesOutput{EnvironmentVariables: in.EnvironmentVariables}, nil
}

// GetGraphqlApiEnvironmentVariables returns the variables that resolvers see.
func (s *Service) GetGraphqlApiEnvironmentVariables(ctx context.Context, call *aws.Call, in *api.GetGraphqlApiEnvironmentVariablesInput) (*api.GetGraphqlApiEnvironmentVariablesOutput, error) {
	out := new(api.GetGraphqlApiEnvironmentVariablesOutput)
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		out.EnvironmentVariables, err = variables.Get(tx, arn)
		return ignoreNone(err)
	})
	if err != nil {
		return nil, err
	}
	if out.EnvironmentVariables == nil {
		out.EnvironmentVariables = map[string]string{}
	}
	return out, nil
}

// TagResource adds tags to an API.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	err := s.retag(ctx, call, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from an API.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	err := s.retag(ctx, call, in.ResourceArn, func(tags map[string]string) {
		maps.DeleteFunc(tags, func(k, _ string) bool { return slices.Contains(in.TagKeys, k) })
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

func (s *Service) retag(ctx context.Context, call *aws.Call, arn string, change func(map[string]string)) error {
	return s.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		old, put, err := findTags(tx, call, arn)
		if err != nil {
			return err
		}
		tags := make(map[string]string)
		maps.Copy(tags, old)
		change(tags)
		if err := checkTags(tags); err != nil {
			return err
		}
		return put(tags)
	})
}

// ListTagsForResource returns the tags of an API.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	out := new(api.ListTagsForResourceOutput)
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		out.Tags, _, err = findTags(tx, call, in.ResourceArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	if out.Tags == nil {
		out.Tags = map[string]string{}
	}
	return out, nil
}

// findTags returns the tags of the resource that arn names, and what keeps others.
func findTags(tx *store.Tx, call *aws.Call, arn string) (map[string]string, func(map[string]string) error, error) {
	id, ok := strings.CutPrefix(arn, "arn:aws:appsync:"+call.Region+":"+call.Account+":"+apiKind)
	if !ok {
		return nil, nil, errBad("Invalid resource ARN: %s", arn)
	}
	if part, name, ofNamespace := strings.Cut(id, "/channelNamespace/"); ofNamespace {
		key, row, err := findNamespace(tx, call, part, name)
		return row.Tags, func(tags map[string]string) error {
			row.Tags = tags
			return namespaces.Put(tx, key, row)
		}, err
	}
	if key, row, err := findEventAPI(tx, call, id); err == nil {
		return row.Tags, func(tags map[string]string) error {
			row.Tags = tags
			return eventAPIs.Put(tx, key, row)
		}, nil
	}
	key, row, err := findAPI(tx, call, id)
	return row.Tags, func(tags map[string]string) error {
		row.Tags = tags
		return apis.Put(tx, key, row)
	}, err
}
