package resource

import (
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// APIGatewayV2 has the types of HTTP and WebSocket APIs.
func APIGatewayV2() []*Type {
	return []*Type{httpAPI(), apiRoute(), apiIntegration(), apiStage(), apiDeployment(), apiAuthorizer(), apiRouteResponse(), apiIntegrationResponse(), apiModel(), apiDomain(), apiMapping(), apiRoutingRule(), apiVpcLink()}
}

func httpAPI() *Type {
	return &Type{
		Name: "AWS::ApiGatewayV2::Api",
		Properties: Props(`ApiKeySelectionExpression BasePath Body BodyS3Location- CorsConfiguration CredentialsArn Description
			DisableExecuteApiEndpoint DisableSchemaValidation FailOnWarnings IpAddressType Name ProtocolType@ RouteKey RouteSelectionExpression
			Tags Target Version`),
		Attributes: []string{"ApiEndpoint", "ApiId"},
		TagMap:     true,
		Create: func(op *Op) (*Made, error) {
			if op.New["Body"] == nil {
				return createAPI(op)
			}
			in := &api.ImportApiInput{}
			if err := Bind(op, pick(op.New, "Body", "BasePath", "FailOnWarnings"), in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.ImportApi, in)
			if err != nil {
				return nil, err
			}
			id := aws.Value(out.ApiId)
			if err := tagAPI(op, id); err != nil {
				return &Made{PhysicalID: id}, err
			}
			return updateAPI(op, id)
		},
		Update: func(op *Op) (*Made, error) {
			id := op.PhysicalID
			if op.Changed("Body", "BasePath") && op.New["Body"] != nil {
				in := &api.ReimportApiInput{ApiId: id}
				if err := Bind(op, pick(op.New, "Body", "BasePath", "FailOnWarnings"), in); err != nil {
					return nil, err
				}
				if _, err := Do(op, api.ReimportApi, in); err != nil {
					return nil, err
				}
			}
			if op.New["CorsConfiguration"] == nil && op.Old["CorsConfiguration"] != nil {
				_, err := Do(op, api.DeleteCorsConfiguration, &api.DeleteCorsConfigurationInput{ApiId: id})
				if err := ignoreGone(err); err != nil {
					return nil, err
				}
			}
			if err := tagAPI(op, id); err != nil {
				return nil, err
			}
			return updateAPI(op, id)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteApi, &api.DeleteApiInput{ApiId: op.PhysicalID})
			return err
		},
		Find: findAPI,
	}
}

func madeAPI(id, endpoint *string) *Made {
	return &Made{PhysicalID: aws.Value(id), Attributes: map[string]any{"ApiId": aws.Value(id), "ApiEndpoint": aws.Value(endpoint)}}
}

func createAPI(op *Op) (*Made, error) {
	in := &api.CreateApiInput{Tags: origin(op)}
	if err := Bind(op, without(op.New, "Tags"), in); err != nil {
		return nil, err
	}
	maps.Copy(in.Tags, tagMap(op.New["Tags"]))
	out, err := Do(op, api.CreateApi, in)
	if err != nil {
		return nil, err
	}
	return madeAPI(out.ApiId, out.ApiEndpoint), nil
}

// updateAPI makes the settings of an API those of op.New, where they differ
// from what it was made of.
func updateAPI(op *Op, id string) (*Made, error) {
	in := &api.UpdateApiInput{ApiId: id}
	settings := []string{
		"ApiKeySelectionExpression", "CorsConfiguration", "Description", "DisableExecuteApiEndpoint", "DisableSchemaValidation", "IpAddressType",
		"Name", "RouteSelectionExpression", "Version",
	}
	if op.New["Body"] == nil {
		settings = append(settings, "RouteKey", "Target", "CredentialsArn")
	}
	changed := pick(op.New, slices.DeleteFunc(settings, func(name string) bool { return !op.Changed(name) && op.New["Body"] == nil })...)
	if err := Bind(op, changed, in); err != nil {
		return &Made{PhysicalID: id}, err
	}
	if op.Old["Description"] != nil && op.New["Description"] == nil {
		in.Description = new("")
	}
	out, err := Do(op, api.UpdateApi, in)
	if err != nil {
		return &Made{PhysicalID: id}, err
	}
	return madeAPI(out.ApiId, out.ApiEndpoint), nil
}

// origin are the tags that say which resource of which stack something is.
func origin(op *Op) map[string]string {
	return map[string]string{
		"aws:cloudformation:stack-id": op.Stack.ID, "aws:cloudformation:stack-name": op.Stack.Name, "aws:cloudformation:logical-id": op.LogicalID,
	}
}

// tagAPI tags an API as op.New says, and with where it is from.
func tagAPI(op *Op, id string) error {
	arn := aws.ARN{Service: "apigateway", Region: op.Call.Region, Resource: "/apis/" + id}.String()
	tag := func(tags map[string]string) error {
		_, err := Do(op, api.TagResource, &api.TagResourceInput{ResourceArn: arn, Tags: tags})
		return err
	}
	if op.Old == nil {
		if err := tag(origin(op)); err != nil {
			return err
		}
	}
	return retag(op, tagMap, tag, func(keys []string) error {
		_, err := Do(op, api.UntagResource, &api.UntagResourceInput{ResourceArn: arn, TagKeys: keys})
		return err
	})
}

// findAPI looks for the one API that is tagged as what op is to make.
func findAPI(op *Op) (*Made, error) {
	var found []api.Api
	in := &api.GetApisInput{}
	for {
		out, err := Do(op, api.GetApis, in)
		if err != nil {
			return nil, err
		}
		for _, a := range out.Items {
			if a.Tags["aws:cloudformation:stack-id"] == op.Stack.ID && a.Tags["aws:cloudformation:logical-id"] == op.LogicalID && aws.Value(a.ApiId) != op.Except {
				found = append(found, a)
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if len(found) != 1 {
		return nil, nil
	}
	return updateAPI(op, aws.Value(found[0].ApiId))
}

func apiRoute() *Type {
	made := func(id *string) *Made {
		return &Made{PhysicalID: aws.Value(id), Attributes: map[string]any{"RouteId": aws.Value(id)}}
	}
	return &Type{
		Name: "AWS::ApiGatewayV2::Route",
		Properties: Props(`ApiId!@ ApiKeyRequired AuthorizationScopes AuthorizationType AuthorizerId ModelSelectionExpression OperationName
			RequestModels RequestParameters RouteKey! RouteResponseSelectionExpression Target`),
		Attributes: []string{"RouteId"},
		Shape:      func() any { return new(api.CreateRouteInput) },
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateRouteInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateRoute, in)
			if err != nil {
				return nil, err
			}
			return made(out.RouteId), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateRouteInput{RouteId: op.PhysicalID}
			if op.Changed("AuthorizationType") {
				in.AuthorizationType = new("NONE")
			}
			if op.Changed("OperationName") {
				in.OperationName = new("")
			}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			if _, err := Do(op, api.UpdateRoute, in); err != nil {
				return nil, err
			}
			return made(&op.PhysicalID), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteRoute, &api.DeleteRouteInput{ApiId: text(op.Old["ApiId"]), RouteId: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			in := &api.GetRoutesInput{ApiId: op.Text("ApiId")}
			for {
				out, err := Do(op, api.GetRoutes, in)
				if err != nil {
					return nil, err
				}
				for _, r := range out.Items {
					if r.RouteKey == op.Text("RouteKey") {
						return made(r.RouteId), nil
					}
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					return nil, nil
				}
			}
		},
	}
}

func apiIntegration() *Type {
	made := func(id *string) *Made {
		return &Made{PhysicalID: aws.Value(id), Attributes: map[string]any{"IntegrationId": aws.Value(id)}}
	}
	return &Type{
		Name: "AWS::ApiGatewayV2::Integration",
		Properties: Props(`ApiId!@ ConnectionId ConnectionType ContentHandlingStrategy CredentialsArn Description IntegrationMethod
			IntegrationSubtype IntegrationType! IntegrationUri PassthroughBehavior PayloadFormatVersion RequestParameters RequestTemplates
			ResponseParameters TemplateSelectionExpression TimeoutInMillis TlsConfig`),
		Attributes: []string{"IntegrationId"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateIntegrationInput{ResponseParameters: responseParameters(op.New["ResponseParameters"])}
			if err := Bind(op, without(op.New, "ResponseParameters"), in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateIntegration, in)
			if err != nil {
				return nil, err
			}
			return made(out.IntegrationId), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateIntegrationInput{IntegrationId: op.PhysicalID, ResponseParameters: responseParameters(op.New["ResponseParameters"])}
			if op.Changed("Description") {
				in.Description = new("")
			}
			if op.Changed("TimeoutInMillis") {
				in.TimeoutInMillis = new(int32(30000))
			}
			if err := Bind(op, without(op.New, "ResponseParameters"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, api.UpdateIntegration, in); err != nil {
				return nil, err
			}
			return made(&op.PhysicalID), nil
		},
		Delete: func(op *Op) error {
			in := &api.DeleteIntegrationInput{ApiId: text(op.Old["ApiId"]), IntegrationId: op.PhysicalID}
			_, err := Do(op, api.DeleteIntegration, in)
			return err
		},
	}
}

// responseParameters reads the parameters of each status, a list in templates.
func responseParameters(v any) map[string]map[string]string {
	var out map[string]map[string]string
	for status, parameters := range object(v) {
		if out == nil {
			out = make(map[string]map[string]string)
		}
		out[status] = make(map[string]string)
		for _, element := range list(object(parameters)["ResponseParameters"]) {
			out[status][text(object(element)["Destination"])] = text(object(element)["Source"])
		}
	}
	return out
}

func apiStage() *Type {
	return &Type{
		Name: "AWS::ApiGatewayV2::Stage",
		Properties: Props(`AccessLogSettings AccessPolicyId- ApiId!@ AutoDeploy ClientCertificateId DefaultRouteSettings DeploymentId Description
			RouteSettings StageName!@ StageVariables Tags`),
		TagMap: true,
		Shape:  func() any { return new(api.CreateStageInput) },
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateStageInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			if _, err := Do(op, api.CreateStage, in); err != nil {
				return nil, err
			}
			return &Made{PhysicalID: in.StageName}, nil
		},
		Update: updateStage,
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteStage, &api.DeleteStageInput{ApiId: text(op.Old["ApiId"]), StageName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Text("StageName")
			if _, err := Do(op, api.GetStage, &api.GetStageInput{ApiId: op.Text("ApiId"), StageName: name}); err != nil {
				return nil, err
			}
			return &Made{PhysicalID: name}, nil
		},
	}
}

func updateStage(op *Op) (*Made, error) {
	apiID, name := op.Text("ApiId"), op.PhysicalID
	in := &api.UpdateStageInput{StageVariables: make(map[string]string)}
	if op.Changed("Description") {
		in.Description = new("")
	}
	if op.Changed("AutoDeploy") {
		in.AutoDeploy = new(false)
	}
	if op.Changed("DefaultRouteSettings") {
		in.DefaultRouteSettings = &api.RouteSettings{}
	}
	if err := Bind(op, op.New, in); err != nil {
		return nil, err
	}
	for key := range object(op.Old["StageVariables"]) {
		if _, has := in.StageVariables[key]; !has {
			in.StageVariables[key] = "" // removes it
		}
	}
	if _, err := Do(op, api.UpdateStage, in); err != nil {
		return nil, err
	}
	kept := object(op.New["RouteSettings"])
	for _, key := range slices.Sorted(maps.Keys(object(op.Old["RouteSettings"]))) {
		if _, has := kept[key]; !has {
			_, err := Do(op, api.DeleteRouteSettings, &api.DeleteRouteSettingsInput{ApiId: apiID, StageName: name, RouteKey: key})
			if err := ignoreGone(err); err != nil {
				return nil, err
			}
		}
	}
	arn := aws.ARN{Service: "apigateway", Region: op.Call.Region, Resource: "/apis/" + apiID + "/stages/" + name}.String()
	return &Made{PhysicalID: name}, retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, api.TagResource, &api.TagResourceInput{ResourceArn: arn, Tags: tags})
		return err
	}, func(keys []string) error {
		_, err := Do(op, api.UntagResource, &api.UntagResourceInput{ResourceArn: arn, TagKeys: keys})
		return err
	})
}

func apiDeployment() *Type {
	made := func(id *string) *Made {
		return &Made{PhysicalID: aws.Value(id), Attributes: map[string]any{"DeploymentId": aws.Value(id)}}
	}
	return &Type{
		Name:       "AWS::ApiGatewayV2::Deployment",
		Properties: Props("ApiId!@ Description StageName"),
		Attributes: []string{"DeploymentId"},
		Shape:      func() any { return new(api.CreateDeploymentInput) },
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateDeploymentInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateDeployment, in)
			if err != nil {
				return nil, err
			}
			return made(out.DeploymentId), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateDeploymentInput{ApiId: op.Text("ApiId"), DeploymentId: op.PhysicalID, Description: new(op.Text("Description"))}
			if _, err := Do(op, api.UpdateDeployment, in); err != nil {
				return nil, err
			}
			return made(&op.PhysicalID), nil
		},
		Delete: func(op *Op) error {
			in := &api.DeleteDeploymentInput{ApiId: text(op.Old["ApiId"]), DeploymentId: op.PhysicalID}
			_, err := Do(op, api.DeleteDeployment, in)
			return err
		},
	}
}
