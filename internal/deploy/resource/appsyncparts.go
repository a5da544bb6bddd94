package resource

import (
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func graphQLDataSource() *Type {
	made := func(d *api.DataSource) *Made {
		return &Made{PhysicalID: *d.DataSourceArn, Attributes: map[string]any{"DataSourceArn": *d.DataSourceArn, "Name": *d.Name}}
	}
	return &Type{
		Name: "AWS::AppSync::DataSource",
		Properties: Props(`ApiId!@ Description DynamoDBConfig ElasticsearchConfig- EventBridgeConfig HttpConfig LambdaConfig MetricsConfig Name!@
			OpenSearchServiceConfig- RelationalDatabaseConfig- ServiceRoleArn Type!`),
		Attributes: []string{"DataSourceArn", "Name"},
		Shape:      func() any { return new(api.CreateDataSourceInput) },
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateDataSourceInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateDataSource, in)
			if err != nil {
				return nil, err
			}
			return made(out.DataSource), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateDataSourceInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.UpdateDataSource, in)
			if err != nil {
				return nil, err
			}
			return made(out.DataSource), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteDataSource, &api.DeleteDataSourceInput{ApiId: text(op.Old["ApiId"]), Name: text(op.Old["Name"])})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, api.GetDataSource, &api.GetDataSourceInput{ApiId: op.Text("ApiId"), Name: op.Text("Name")})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return made(out.DataSource), nil
		},
	}
}

// mappings are the templates and the code of a resolver or a function, which may
// be in a bucket.
func mappings(op *Op, request, response, code **string) (err error) {
	for _, m := range []struct {
		to       **string
		property string
	}{{request, "RequestMappingTemplate"}, {response, "ResponseMappingTemplate"}, {code, "Code"}} {
		if *m.to, err = located(op, m.property, m.property+"S3Location"); err != nil {
			return err
		}
	}
	return nil
}

const mappingProperties = `Code CodeS3Location MaxBatchSize RequestMappingTemplate RequestMappingTemplateS3Location ResponseMappingTemplate
	ResponseMappingTemplateS3Location Runtime SyncConfig `

func graphQLResolver() *Type {
	made := func(r *api.Resolver) *Made {
		return &Made{PhysicalID: *r.ResolverArn, Attributes: map[string]any{"ResolverArn": *r.ResolverArn, "TypeName": *r.TypeName, "FieldName": *r.FieldName}}
	}
	return &Type{
		Name:       "AWS::AppSync::Resolver",
		Properties: Props(mappingProperties + "ApiId!@ CachingConfig DataSourceName FieldName!@ Kind MetricsConfig PipelineConfig TypeName!@"),
		Attributes: []string{"FieldName", "ResolverArn", "TypeName"},
		Shape:      func() any { return new(api.CreateResolverInput) },
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateResolverInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			if err := mappings(op, &in.RequestMappingTemplate, &in.ResponseMappingTemplate, &in.Code); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateResolver, in)
			if err != nil {
				return nil, err
			}
			return made(out.Resolver), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateResolverInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			if err := mappings(op, &in.RequestMappingTemplate, &in.ResponseMappingTemplate, &in.Code); err != nil {
				return nil, err
			}
			out, err := Do(op, api.UpdateResolver, in)
			if err != nil {
				return nil, err
			}
			return made(out.Resolver), nil
		},
		Delete: func(op *Op) error {
			in := &api.DeleteResolverInput{ApiId: text(op.Old["ApiId"]), TypeName: text(op.Old["TypeName"]), FieldName: text(op.Old["FieldName"])}
			_, err := Do(op, api.DeleteResolver, in)
			return err
		},
		Find: func(op *Op) (*Made, error) {
			in := &api.GetResolverInput{ApiId: op.Text("ApiId"), TypeName: op.Text("TypeName"), FieldName: op.Text("FieldName")}
			out, err := Do(op, api.GetResolver, in)
			if err != nil {
				return nil, ignoreGone(err)
			}
			return made(out.Resolver), nil
		},
	}
}

func graphQLFunction() *Type {
	made := func(f *api.FunctionConfiguration) *Made {
		return &Made{PhysicalID: *f.FunctionArn, Attributes: map[string]any{
			"FunctionArn": *f.FunctionArn, "FunctionId": *f.FunctionId, "Name": *f.Name, "DataSourceName": *f.DataSourceName,
		}}
	}
	return &Type{
		Name:       "AWS::AppSync::FunctionConfiguration",
		Properties: Props(mappingProperties + "ApiId!@ DataSourceName! Description FunctionVersion Name!"),
		Attributes: []string{"DataSourceName", "FunctionArn", "FunctionId", "Name"},
		Shape:      func() any { return new(api.CreateFunctionInput) },
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateFunctionInput{FunctionVersion: templateVersion(op)}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			if err := mappings(op, &in.RequestMappingTemplate, &in.ResponseMappingTemplate, &in.Code); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateFunction, in)
			if err != nil {
				return nil, err
			}
			return made(out.FunctionConfiguration), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateFunctionInput{FunctionVersion: templateVersion(op)}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.FunctionId = lastOf(op.PhysicalID)
			if err := mappings(op, &in.RequestMappingTemplate, &in.ResponseMappingTemplate, &in.Code); err != nil {
				return nil, err
			}
			out, err := Do(op, api.UpdateFunction, in)
			if err != nil {
				return nil, err
			}
			return made(out.FunctionConfiguration), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteFunction, &api.DeleteFunctionInput{ApiId: text(op.Old["ApiId"]), FunctionId: lastOf(op.PhysicalID)})
			return err
		},
		Find: findGraphQLFunction(made),
	}
}

// templateVersion is that of a function with templates, if its template names none.
func templateVersion(op *Op) *string {
	if op.New["Runtime"] != nil {
		return nil
	}
	return new("2018-05-29")
}

// findGraphQLFunction looks for a function of that name, since names are the
// template's to keep apart.
func findGraphQLFunction(made func(*api.FunctionConfiguration) *Made) func(*Op) (*Made, error) {
	return func(op *Op) (*Made, error) {
		in := &api.ListFunctionsInput{ApiId: op.Text("ApiId")}
		for {
			out, err := Do(op, api.ListFunctions, in)
			if err != nil {
				return nil, ignoreGone(err)
			}
			for _, f := range out.Functions {
				if *f.Name == op.Text("Name") && !strings.EqualFold(aws.Value(f.FunctionArn), op.Except) {
					return made(&f), nil
				}
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return nil, nil
			}
		}
	}
}
