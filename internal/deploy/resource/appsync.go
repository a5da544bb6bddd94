package resource

import (
	"errors"
	"io"
	"maps"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// AppSync has the types of GraphQL and Event APIs.
func AppSync() []*Type {
	return []*Type{graphQLAPI(), graphQLSchema(), graphQLDataSource(), graphQLResolver(), graphQLFunction(), graphQLKey(), eventAPI(), channelNamespace(),
		graphQLCache(), graphQLDomain(), graphQLDomainAssociation()}
}

func graphQLAPI() *Type {
	return &Type{
		Name: "AWS::AppSync::GraphQLApi",
		Properties: Props(`AdditionalAuthenticationProviders ApiType@ AuthenticationType! EnhancedMetricsConfig EnvironmentVariables IntrospectionConfig
			LambdaAuthorizerConfig LogConfig MergedApiExecutionRoleArn Name! OpenIDConnectConfig OwnerContact QueryDepthLimit ResolverCountLimit Tags
			UserPoolConfig Visibility@ XrayEnabled`),
		Attributes: []string{"ApiId", "Arn", "GraphQLDns", "GraphQLEndpointArn", "GraphQLUrl", "RealtimeDns", "RealtimeUrl"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateGraphqlApiInput{}
			if err := Bind(op, pools(op, without(op.New, "Tags")), in); err != nil {
				return nil, err
			}
			in.Tags = origin(op)
			maps.Copy(in.Tags, tagMap(op.New["Tags"]))
			out, err := Do(op, api.CreateGraphqlApi, in)
			if err != nil {
				return nil, err
			}
			made := madeGraphQL(out.GraphqlApi)
			return made, setVariables(op, *out.GraphqlApi.ApiId)
		},
		Update: updateGraphQL,
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteGraphqlApi, &api.DeleteGraphqlApiInput{ApiId: lastOf(op.PhysicalID)})
			return err
		},
		Find: findGraphQL,
	}
}

// lastOf is the id at the end of an ARN.
func lastOf(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

func madeGraphQL(a *api.GraphqlApi) *Made {
	return &Made{PhysicalID: *a.Arn, Attributes: map[string]any{
		"ApiId": *a.ApiId, "Arn": *a.Arn, "GraphQLUrl": a.Uris["GRAPHQL"], "RealtimeUrl": a.Uris["REALTIME"],
		"GraphQLDns": a.Dns["GRAPHQL"], "RealtimeDns": a.Dns["REALTIME"], "GraphQLEndpointArn": strings.Replace(*a.Arn, ":apis/", ":endpoints/graphql-api/", 1),
	}}
}

// pools are the properties with what CloudFormation says of user pools that
// templates do not say.
func pools(op *Op, properties map[string]any) map[string]any {
	whole := func(v any, action bool) any {
		m := maps.Clone(object(v))
		if m == nil {
			return v
		}
		if text(m["AwsRegion"]) == "" {
			m["AwsRegion"] = op.Call.Region
		}
		if action && text(m["DefaultAction"]) == "" {
			m["DefaultAction"] = api.DefaultActionAllow
		}
		return m
	}
	out := maps.Clone(properties)
	if v := out["UserPoolConfig"]; v != nil {
		out["UserPoolConfig"] = whole(v, true)
	}
	var more []any
	for _, p := range list(out["AdditionalAuthenticationProviders"]) {
		m := maps.Clone(object(p))
		if v := m["UserPoolConfig"]; v != nil {
			m["UserPoolConfig"] = whole(v, false)
		}
		more = append(more, m)
	}
	if more != nil {
		out["AdditionalAuthenticationProviders"] = more
	}
	return out
}

// setVariables gives an API the variables that its resolvers see.
func setVariables(op *Op, id string) error {
	if !op.Changed("EnvironmentVariables") {
		return nil
	}
	in := &api.PutGraphqlApiEnvironmentVariablesInput{ApiId: id, EnvironmentVariables: map[string]string{}}
	for name, v := range object(op.New["EnvironmentVariables"]) {
		in.EnvironmentVariables[name] = text(v)
	}
	_, err := Do(op, api.PutGraphqlApiEnvironmentVariables, in)
	return err
}

func updateGraphQL(op *Op) (*Made, error) {
	in := &api.UpdateGraphqlApiInput{}
	if err := Bind(op, pools(op, without(op.New, "Tags")), in); err != nil {
		return nil, err
	}
	in.ApiId = lastOf(op.PhysicalID)
	out, err := Do(op, api.UpdateGraphqlApi, in)
	if err != nil {
		return nil, err
	}
	if err := setVariables(op, in.ApiId); err != nil {
		return nil, err
	}
	return madeGraphQL(out.GraphqlApi), retagAppSync(op, op.PhysicalID)
}

// retagAppSync makes the tags of a resource those of op.New.
func retagAppSync(op *Op, arn string) error {
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, api.TagResource, &api.TagResourceInput{ResourceArn: arn, Tags: tags})
		return err
	}, func(keys []string) error {
		_, err := Do(op, api.UntagResource, &api.UntagResourceInput{ResourceArn: arn, TagKeys: keys})
		return err
	})
}

// findGraphQL looks for the API that is tagged as what op is to make.
func findGraphQL(op *Op) (*Made, error) {
	in := &api.ListGraphqlApisInput{}
	for {
		out, err := Do(op, api.ListGraphqlApis, in)
		if err != nil {
			return nil, err
		}
		for _, a := range out.GraphqlApis {
			if a.Tags["aws:cloudformation:stack-id"] == op.Stack.ID && a.Tags["aws:cloudformation:logical-id"] == op.LogicalID && *a.Arn != op.Except {
				return madeGraphQL(&a), setVariables(op, *a.ApiId)
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return nil, nil
		}
	}
}

func graphQLSchema() *Type {
	put := func(op *Op) (*Made, error) {
		id := op.Text("ApiId")
		definition, err := located(op, "Definition", "DefinitionS3Location")
		if err != nil {
			return nil, err
		}
		if _, err := Do(op, api.StartSchemaCreation, &api.StartSchemaCreationInput{ApiId: id, Definition: []byte(aws.Value(definition))}); err != nil {
			return nil, err
		}
		out, err := Do(op, api.GetSchemaCreationStatus, &api.GetSchemaCreationStatusInput{ApiId: id})
		if err != nil {
			return nil, err
		}
		if aws.Value(out.Status) != api.SchemaStatusSuccess {
			return nil, api.BadRequestException.Errorf("Schema Creation Status is %s with details: %s", aws.Value(out.Status), aws.Value(out.Details))
		}
		return &Made{PhysicalID: id + "GraphQLSchema", Attributes: map[string]any{"Id": id + "GraphQLSchema"}}, nil
	}
	return &Type{
		Name:       "AWS::AppSync::GraphQLSchema",
		Properties: Props("ApiId!@ Definition DefinitionS3Location"),
		Attributes: []string{"Id"},
		Create:     put,
		Update:     put,
		Delete:     func(*Op) error { return nil }, // as CloudFormation: it goes with the API
	}
}

// maxLocated is the largest text that is read from a bucket, in bytes.
const maxLocated = 1 << 20

// located is the text of a property, or that of the object which another names;
// nil if there is neither.
func located(op *Op, property, location string) (*string, error) {
	if v := op.New[property]; v != nil {
		return new(text(v)), nil
	}
	place := op.Text(location)
	if place == "" {
		return nil, nil
	}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(place, "s3://"), "/")
	if !strings.HasPrefix(place, "s3://") || !ok {
		return nil, invalid(op.LogicalID, []string{"#/" + location + ": [" + place + "] is not a valid location"})
	}
	out, err := Do(op, s3.GetObject, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(out.Body, maxLocated))
	if c, ok := out.Body.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	if err != nil {
		return nil, err
	}
	return new(string(b)), nil
}

func graphQLKey() *Type {
	made := func(op *Op, id string) *Made {
		arn := op.ARN("appsync", "apis/"+op.Text("ApiId")+"/apikeys/"+id)
		return &Made{PhysicalID: arn, Attributes: map[string]any{"ApiKey": id, "ApiKeyId": id, "Arn": arn}}
	}
	return &Type{
		Name:       "AWS::AppSync::ApiKey",
		Properties: Props("ApiId!@ ApiKeyId Description Expires"),
		Attributes: []string{"ApiKey", "ApiKeyId", "Arn"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateApiKeyInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateApiKey, in)
			if err != nil {
				return nil, err
			}
			return made(op, *out.ApiKey.Id), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateApiKeyInput{Id: lastOf(op.PhysicalID)}
			if err := Bind(op, pick(op.New, "ApiId", "Description", "Expires"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, api.UpdateApiKey, in); err != nil {
				return nil, err
			}
			return made(op, in.Id), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteApiKey, &api.DeleteApiKeyInput{ApiId: text(op.Old["ApiId"]), Id: lastOf(op.PhysicalID)})
			return err
		},
	}
}
