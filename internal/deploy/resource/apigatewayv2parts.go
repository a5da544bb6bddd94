package resource

import (
	"encoding/json"
	"maps"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func apiAuthorizer() *Type {
	made := func(id *string) *Made {
		return &Made{PhysicalID: aws.Value(id), Attributes: map[string]any{"AuthorizerId": aws.Value(id)}}
	}
	return &Type{
		Name: "AWS::ApiGatewayV2::Authorizer",
		Properties: Props(`ApiId!@ AuthorizerCredentialsArn AuthorizerPayloadFormatVersion AuthorizerResultTtlInSeconds AuthorizerType!
			AuthorizerUri EnableSimpleResponses IdentitySource IdentityValidationExpression JwtConfiguration Name!`),
		Attributes: []string{"AuthorizerId"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateAuthorizerInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateAuthorizer, in)
			if err != nil {
				return nil, err
			}
			return made(out.AuthorizerId), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateAuthorizerInput{AuthorizerId: op.PhysicalID}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			if _, err := Do(op, api.UpdateAuthorizer, in); err != nil {
				return nil, err
			}
			return made(&op.PhysicalID), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteAuthorizer, &api.DeleteAuthorizerInput{ApiId: text(op.Old["ApiId"]), AuthorizerId: op.PhysicalID})
			return err
		},
	}
}

func apiVpcLink() *Type {
	made := func(id string) *Made { return &Made{PhysicalID: id, Attributes: map[string]any{"VpcLinkId": id}} }
	return &Type{
		Name:       "AWS::ApiGatewayV2::VpcLink",
		Properties: Props("Name! SecurityGroupIds@ SubnetIds!@ Tags@"),
		Attributes: []string{"VpcLinkId"},
		TagMap:     true,
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateVpcLinkInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateVpcLink, in)
			if err != nil {
				return nil, err
			}
			return made(*out.VpcLinkId), nil
		},
		Update: func(op *Op) (*Made, error) {
			_, err := Do(op, api.UpdateVpcLink, &api.UpdateVpcLinkInput{VpcLinkId: op.PhysicalID, Name: new(op.Text("Name"))})
			return made(op.PhysicalID), err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteVpcLink, &api.DeleteVpcLinkInput{VpcLinkId: op.PhysicalID})
			return err
		},
	}
}

func apiRouteResponse() *Type {
	return &Type{
		Name:       "AWS::ApiGatewayV2::RouteResponse",
		Properties: Props("ApiId!@ ModelSelectionExpression@ ResponseModels@ ResponseParameters@ RouteId!@ RouteResponseKey!@"),
		Attributes: []string{"RouteResponseId"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateRouteResponseInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateRouteResponse, in)
			if err != nil {
				return nil, err
			}
			id := aws.Value(out.RouteResponseId)
			return &Made{PhysicalID: id, Attributes: map[string]any{"RouteResponseId": id}}, nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteRouteResponse, &api.DeleteRouteResponseInput{
				ApiId: text(op.Old["ApiId"]), RouteId: text(op.Old["RouteId"]), RouteResponseId: op.PhysicalID,
			})
			return err
		},
	}
}

func apiIntegrationResponse() *Type {
	return &Type{
		Name: "AWS::ApiGatewayV2::IntegrationResponse",
		Properties: Props(`ApiId!@ ContentHandlingStrategy IntegrationId!@ IntegrationResponseKey! ResponseParameters ResponseTemplates
			TemplateSelectionExpression`),
		Attributes: []string{"IntegrationResponseId"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateIntegrationResponseInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateIntegrationResponse, in)
			if err != nil {
				return nil, err
			}
			id := aws.Value(out.IntegrationResponseId)
			return &Made{PhysicalID: id, Attributes: map[string]any{"IntegrationResponseId": id}}, nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateIntegrationResponseInput{IntegrationResponseId: op.PhysicalID}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			if _, err := Do(op, api.UpdateIntegrationResponse, in); err != nil {
				return nil, err
			}
			return &Made{PhysicalID: op.PhysicalID, Attributes: map[string]any{"IntegrationResponseId": op.PhysicalID}}, nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteIntegrationResponse, &api.DeleteIntegrationResponseInput{
				ApiId: text(op.Old["ApiId"]), IntegrationId: text(op.Old["IntegrationId"]), IntegrationResponseId: op.PhysicalID,
			})
			return err
		},
	}
}

func apiModel() *Type {
	made := func(id string) *Made {
		return &Made{PhysicalID: id, Attributes: map[string]any{"ModelId": id}}
	}
	bind := func(op *Op, in any) error {
		properties := maps.Clone(op.New)
		if _, written := properties["Schema"].(string); !written {
			schema, err := json.Marshal(properties["Schema"])
			if err != nil {
				return err
			}
			properties["Schema"] = string(schema)
		}
		return Bind(op, properties, in)
	}
	return &Type{
		Name:       "AWS::ApiGatewayV2::Model",
		Properties: Props("ApiId!@ ContentType Description Name! Schema!"),
		Attributes: []string{"ModelId"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateModelInput{}
			if err := bind(op, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateModel, in)
			if err != nil {
				return nil, err
			}
			return made(aws.Value(out.ModelId)), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateModelInput{ModelId: op.PhysicalID}
			if err := bind(op, in); err != nil {
				return nil, err
			}
			if _, err := Do(op, api.UpdateModel, in); err != nil {
				return nil, err
			}
			return made(op.PhysicalID), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteModel, &api.DeleteModelInput{ApiId: text(op.Old["ApiId"]), ModelId: op.PhysicalID})
			return err
		},
	}
}
