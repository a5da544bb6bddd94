package resource

import (
	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// A restPart is a type that one operation makes, one changes and one deletes.
type restPart[In, Out any] struct {
	name, properties, attribute string
	create                      smithy.Operation[In, Out]
	id                          func(*Out) *string
	paths                       map[string]string // of patches, by property
	update                      func(op *Op, patch []api.PatchOperation) error
	remove                      func(op *Op) error
	complete                    func(op *Op, in *In) error // before it is made
}

func (p restPart[In, Out]) typ() *Type {
	made := func(id *string) *Made { return madeRest(id, p.attribute) }
	t := &Type{
		Name: p.name, Properties: Props(p.properties),
		Create: func(op *Op) (*Made, error) {
			in := new(In)
			if err := Bind(op, without(op.New, "Tags", "StageKeys"), in); err != nil {
				return nil, err
			}
			if p.complete != nil {
				if err := p.complete(op, in); err != nil {
					return nil, err
				}
			}
			out, err := Do(op, p.create, in)
			if err != nil {
				return nil, err
			}
			return made(p.id(out)), nil
		},
		Delete: func(op *Op) error { return p.remove(op) },
	}
	if p.attribute != "" {
		t.Attributes = []string{p.attribute}
	}
	if p.update != nil {
		t.Update = func(op *Op) (*Made, error) {
			patch := replaces(op, p.paths)
			if len(patch) > 0 {
				if err := p.update(op, patch); err != nil {
					return nil, err
				}
			}
			return made(&op.PhysicalID), nil
		}
	}
	return t
}

func restAuthorizer() *Type {
	return restPart[api.CreateAuthorizerInput, api.Authorizer]{
		name: "AWS::ApiGateway::Authorizer", attribute: "AuthorizerId",
		properties: `AuthType AuthorizerCredentials AuthorizerResultTtlInSeconds AuthorizerUri IdentitySource IdentityValidationExpression Name! ProviderARNs@
			RestApiId!@ Type!`,
		create: api.CreateAuthorizer, id: func(a *api.Authorizer) *string { return a.Id },
		paths: map[string]string{
			"AuthType": "/authType", "AuthorizerCredentials": "/authorizerCredentials", "AuthorizerResultTtlInSeconds": "/authorizerResultTtlInSeconds",
			"AuthorizerUri": "/authorizerUri", "IdentitySource": "/identitySource", "IdentityValidationExpression": "/identityValidationExpression",
			"Name": "/name", "Type": "/type",
		},
		update: func(op *Op, patch []api.PatchOperation) error {
			_, err := Do(op, api.UpdateAuthorizer, &api.UpdateAuthorizerInput{RestApiId: op.Text("RestApiId"), AuthorizerId: op.PhysicalID, PatchOperations: patch})
			return err
		},
		remove: func(op *Op) error {
			_, err := Do(op, api.DeleteAuthorizer, &api.DeleteAuthorizerInput{RestApiId: text(op.Old["RestApiId"]), AuthorizerId: op.PhysicalID})
			return err
		},
	}.typ()
}

func restModel() *Type {
	t := restPart[api.CreateModelInput, api.Model]{
		name: "AWS::ApiGateway::Model", properties: `ContentType@ Description Name@ RestApiId!@ Schema`,
		create: api.CreateModel, id: func(m *api.Model) *string { return m.Name },
		paths: map[string]string{"Description": "/description", "Schema": "/schema"},
		complete: func(op *Op, in *api.CreateModelInput) error {
			if in.Name = op.Named("Name"); in.ContentType == "" {
				in.ContentType = "application/json"
			}
			return nil
		},
		update: func(op *Op, patch []api.PatchOperation) error {
			_, err := Do(op, api.UpdateModel, &api.UpdateModelInput{RestApiId: op.Text("RestApiId"), ModelName: op.PhysicalID, PatchOperations: patch})
			return err
		},
		remove: func(op *Op) error {
			_, err := Do(op, api.DeleteModel, &api.DeleteModelInput{RestApiId: text(op.Old["RestApiId"]), ModelName: op.PhysicalID})
			return err
		},
	}.typ()
	t.Naming = Naming{Property: "Name", Max: 64, Letters: true}
	return t
}

func restValidator() *Type {
	return restPart[api.CreateRequestValidatorInput, api.RequestValidator]{
		name: "AWS::ApiGateway::RequestValidator", attribute: "RequestValidatorId",
		properties: `Name@ RestApiId!@ ValidateRequestBody ValidateRequestParameters`,
		create:     api.CreateRequestValidator, id: func(v *api.RequestValidator) *string { return v.Id },
		paths: map[string]string{"ValidateRequestBody": "/validateRequestBody", "ValidateRequestParameters": "/validateRequestParameters"},
		update: func(op *Op, patch []api.PatchOperation) error {
			_, err := Do(op, api.UpdateRequestValidator, &api.UpdateRequestValidatorInput{RestApiId: op.Text("RestApiId"), RequestValidatorId: op.PhysicalID, PatchOperations: patch})
			return err
		},
		remove: func(op *Op) error {
			_, err := Do(op, api.DeleteRequestValidator, &api.DeleteRequestValidatorInput{RestApiId: text(op.Old["RestApiId"]), RequestValidatorId: op.PhysicalID})
			return err
		},
	}.typ()
}

func restResponse() *Type {
	put := func(op *Op) (*Made, error) {
		in := new(api.PutGatewayResponseInput)
		if err := Bind(op, op.New, in); err != nil {
			return nil, err
		}
		if _, err := Do(op, api.PutGatewayResponse, in); err != nil {
			return nil, err
		}
		return madeRest(new(in.RestApiId+"|"+in.ResponseType), "Id"), nil
	}
	return &Type{
		Name: "AWS::ApiGateway::GatewayResponse", Attributes: []string{"Id"},
		Properties: Props(`ResponseParameters ResponseTemplates ResponseType!@ RestApiId!@ StatusCode`),
		Shape:      func() any { return new(api.PutGatewayResponseInput) },
		Create:     put, Update: put,
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteGatewayResponse, &api.DeleteGatewayResponseInput{RestApiId: text(op.Old["RestApiId"]), ResponseType: text(op.Old["ResponseType"])})
			return err
		},
	}
}

func restKey() *Type {
	t := restPart[api.CreateApiKeyInput, api.ApiKey]{
		name: "AWS::ApiGateway::ApiKey", attribute: "APIKeyId",
		properties: `CustomerId Description Enabled GenerateDistinctId@ Name@ StageKeys@ Tags@ Value@`,
		create:     api.CreateApiKey, id: func(k *api.ApiKey) *string { return k.Id },
		paths: map[string]string{"CustomerId": "/customerId", "Description": "/description", "Enabled": "/enabled"},
		complete: func(op *Op, in *api.CreateApiKeyInput) error {
			in.Name, in.Tags = new(op.Named("Name")), tagMap(op.New["Tags"])
			for _, element := range list(op.New["StageKeys"]) {
				k := object(element)
				in.StageKeys = append(in.StageKeys, api.StageKey{RestApiId: new(text(k["RestApiId"])), StageName: new(text(k["StageName"]))})
			}
			return nil
		},
		update: func(op *Op, patch []api.PatchOperation) error {
			_, err := Do(op, api.UpdateApiKey, &api.UpdateApiKeyInput{ApiKey: op.PhysicalID, PatchOperations: patch})
			return err
		},
		remove: func(op *Op) error {
			_, err := Do(op, api.DeleteApiKey, &api.DeleteApiKeyInput{ApiKey: op.PhysicalID})
			return err
		},
	}.typ()
	t.Naming = Naming{Property: "Name"}
	return t
}

func restPlan() *Type {
	t := restPart[api.CreateUsagePlanInput, api.UsagePlan]{
		name: "AWS::ApiGateway::UsagePlan", attribute: "Id", properties: `ApiStages Description Quota Tags Throttle UsagePlanName`,
		create: api.CreateUsagePlan, id: func(p *api.UsagePlan) *string { return p.Id },
		complete: func(op *Op, in *api.CreateUsagePlanInput) error {
			in.Name, in.Tags = op.Named("UsagePlanName"), tagMap(op.New["Tags"])
			return nil
		},
		remove: func(op *Op) error {
			_, err := Do(op, api.UpdateUsagePlan, &api.UpdateUsagePlanInput{UsagePlanId: op.PhysicalID, PatchOperations: planStages(list(op.Old["ApiStages"]), nil)})
			if err != nil {
				return err
			}
			_, err = Do(op, api.DeleteUsagePlan, &api.DeleteUsagePlanInput{UsagePlanId: op.PhysicalID})
			return err
		},
	}.typ()
	t.Naming = Naming{Property: "UsagePlanName"}
	t.Update = func(op *Op) (*Made, error) {
		patch := replaces(op, map[string]string{"Description": "/description", "UsagePlanName": "/name"})
		for _, group := range []struct{ property, path string }{{"Quota", "/quota"}, {"Throttle", "/throttle"}} {
			if !op.Changed(group.property) {
				continue
			}
			if op.New[group.property] == nil {
				patch = append(patch, removeAt(group.path, ""))
			}
			for name, v := range object(op.New[group.property]) {
				patch = append(patch, replaceAt(group.path+"/"+lowerFirst(name), text(v)))
			}
		}
		if op.Changed("ApiStages") {
			patch = append(patch, planStages(list(op.Old["ApiStages"]), list(op.New["ApiStages"]))...)
		}
		if len(patch) > 0 {
			if _, err := Do(op, api.UpdateUsagePlan, &api.UpdateUsagePlanInput{UsagePlanId: op.PhysicalID, PatchOperations: patch}); err != nil {
				return nil, err
			}
		}
		return madeRest(&op.PhysicalID, "Id"), retagRest(op, "/usageplans/"+op.PhysicalID)
	}
	return t
}

// planStages is what makes a plan of some stages one of others.
func planStages(old, now []any) []api.PatchOperation {
	names := func(stages []any) []string {
		var out []string
		for _, s := range stages {
			out = append(out, text(object(s)["ApiId"])+":"+text(object(s)["Stage"]))
		}
		return out
	}
	var patch []api.PatchOperation
	added, gone := difference(names(old), names(now))
	for _, s := range gone {
		patch = append(patch, removeAt("/apiStages", s))
	}
	for _, s := range added {
		patch = append(patch, addAt("/apiStages", s))
	}
	for _, element := range now {
		s := object(element)
		for method, limits := range object(s["Throttle"]) {
			at := "/apiStages/" + text(s["ApiId"]) + ":" + text(s["Stage"]) + "/throttle/" + pointer(method)
			for name, v := range object(limits) {
				patch = append(patch, replaceAt(at+"/"+lowerFirst(name), text(v)))
			}
		}
	}
	return patch
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return string(s[0]|0x20) + s[1:]
}

func restPlanKey() *Type {
	return &Type{
		Name: "AWS::ApiGateway::UsagePlanKey", Properties: Props(`KeyId!@ KeyType!@ UsagePlanId!@`), Attributes: []string{"Id"},
		Shape: func() any { return new(api.CreateUsagePlanKeyInput) },
		Create: func(op *Op) (*Made, error) {
			in := new(api.CreateUsagePlanKeyInput)
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			if _, err := Do(op, api.CreateUsagePlanKey, in); err != nil {
				return nil, err
			}
			return madeRest(new(in.KeyId+":"+in.UsagePlanId), "Id"), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteUsagePlanKey, &api.DeleteUsagePlanKeyInput{UsagePlanId: text(op.Old["UsagePlanId"]), KeyId: text(op.Old["KeyId"])})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			_, err := Do(op, api.GetUsagePlanKey, &api.GetUsagePlanKeyInput{UsagePlanId: op.Text("UsagePlanId"), KeyId: op.Text("KeyId")})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return madeRest(new(op.Text("KeyId")+":"+op.Text("UsagePlanId")), "Id"), nil
		},
	}
}

func restAccount() *Type {
	set := func(op *Op, role string) error {
		_, err := Do(op, api.UpdateAccount, &api.UpdateAccountInput{PatchOperations: []api.PatchOperation{replaceAt("/cloudwatchRoleArn", role)}})
		return err
	}
	return &Type{
		Name: "AWS::ApiGateway::Account", Properties: Props(`CloudWatchRoleArn`), Attributes: []string{"Id"},
		Create: func(op *Op) (*Made, error) {
			return madeRest(new(op.Stack.Name+"-"+op.LogicalID), "Id"), set(op, op.Text("CloudWatchRoleArn"))
		},
		Update: func(op *Op) (*Made, error) {
			return madeRest(&op.PhysicalID, "Id"), set(op, op.Text("CloudWatchRoleArn"))
		},
		Delete: func(*Op) error { return nil }, // as CloudFormation, which leaves it as it is
	}
}

func restDomain() *Type {
	made := func(d *api.DomainName) *Made {
		return &Made{PhysicalID: aws.Value(d.DomainName), Attributes: map[string]any{
			"DistributionDomainName": aws.Value(d.DistributionDomainName), "DistributionHostedZoneId": aws.Value(d.DistributionHostedZoneId),
			"RegionalDomainName": aws.Value(d.RegionalDomainName), "RegionalHostedZoneId": aws.Value(d.RegionalHostedZoneId), "DomainNameArn": aws.Value(d.DomainNameArn),
		}}
	}
	return &Type{
		Name: "AWS::ApiGateway::DomainName",
		Properties: Props(`CertificateArn DomainName@ EndpointAccessMode EndpointConfiguration@ MutualTlsAuthentication@ OwnershipVerificationCertificateArn
			RegionalCertificateArn RoutingMode SecurityPolicy Tags`),
		Attributes: []string{"DistributionDomainName", "DistributionHostedZoneId", "RegionalDomainName", "RegionalHostedZoneId", "DomainNameArn"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateDomainNameInput{Tags: tagMap(op.New["Tags"])}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateDomainName, in)
			if err != nil {
				return nil, err
			}
			return made(out), nil
		},
		Update: func(op *Op) (*Made, error) {
			out, err := Do(op, api.UpdateDomainName, &api.UpdateDomainNameInput{DomainName: op.PhysicalID, PatchOperations: replaces(op, map[string]string{
				"CertificateArn": "/certificateArn", "RegionalCertificateArn": "/regionalCertificateArn", "SecurityPolicy": "/securityPolicy",
				"OwnershipVerificationCertificateArn": "/ownershipVerificationCertificateArn", "EndpointAccessMode": "/endpointAccessMode", "RoutingMode": "/routingMode",
			})})
			if err != nil {
				return nil, err
			}
			return made(out), retagRest(op, "/domainnames/"+op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteDomainName, &api.DeleteDomainNameInput{DomainName: op.PhysicalID})
			return err
		},
	}
}

func restMapping() *Type {
	path := func(v any) string {
		if p := text(v); p != "" {
			return p
		}
		return "(none)"
	}
	return restPart[api.CreateBasePathMappingInput, api.BasePathMapping]{
		name: "AWS::ApiGateway::BasePathMapping", properties: `BasePath@ DomainName!@ Id RestApiId Stage`,
		create: api.CreateBasePathMapping, id: func(m *api.BasePathMapping) *string { return m.BasePath },
		paths: map[string]string{"RestApiId": "/restapiId", "Stage": "/stage"},
		update: func(op *Op, patch []api.PatchOperation) error {
			_, err := Do(op, api.UpdateBasePathMapping, &api.UpdateBasePathMappingInput{
				DomainName: op.Text("DomainName"), BasePath: path(op.New["BasePath"]), PatchOperations: patch,
			})
			return err
		},
		remove: func(op *Op) error {
			_, err := Do(op, api.DeleteBasePathMapping, &api.DeleteBasePathMappingInput{DomainName: text(op.Old["DomainName"]), BasePath: path(op.Old["BasePath"])})
			return err
		},
	}.typ()
}

func restClientCertificate() *Type {
	return restPart[api.GenerateClientCertificateInput, api.ClientCertificate]{
		name: "AWS::ApiGateway::ClientCertificate", attribute: "ClientCertificateId", properties: `Description Tags@`,
		create: api.GenerateClientCertificate, id: func(c *api.ClientCertificate) *string { return c.ClientCertificateId },
		paths: map[string]string{"Description": "/description"},
		complete: func(op *Op, in *api.GenerateClientCertificateInput) error {
			in.Tags = tagMap(op.New["Tags"])
			return nil
		},
		update: func(op *Op, patch []api.PatchOperation) error {
			_, err := Do(op, api.UpdateClientCertificate, &api.UpdateClientCertificateInput{ClientCertificateId: op.PhysicalID, PatchOperations: patch})
			return err
		},
		remove: func(op *Op) error {
			_, err := Do(op, api.DeleteClientCertificate, &api.DeleteClientCertificateInput{ClientCertificateId: op.PhysicalID})
			return err
		},
	}.typ()
}

func restVpcLink() *Type {
	return restPart[api.CreateVpcLinkInput, api.VpcLink]{
		name: "AWS::ApiGateway::VpcLink", attribute: "VpcLinkId", properties: `Description Name! Tags@ TargetArns!@`,
		create: api.CreateVpcLink, id: func(l *api.VpcLink) *string { return l.Id },
		paths: map[string]string{"Description": "/description", "Name": "/name"},
		complete: func(op *Op, in *api.CreateVpcLinkInput) error {
			in.Tags = tagMap(op.New["Tags"])
			return nil
		},
		update: func(op *Op, patch []api.PatchOperation) error {
			_, err := Do(op, api.UpdateVpcLink, &api.UpdateVpcLinkInput{VpcLinkId: op.PhysicalID, PatchOperations: patch})
			return err
		},
		remove: func(op *Op) error {
			_, err := Do(op, api.DeleteVpcLink, &api.DeleteVpcLinkInput{VpcLinkId: op.PhysicalID})
			return err
		},
	}.typ()
}

func restDocPart() *Type {
	return restPart[api.CreateDocumentationPartInput, api.DocumentationPart]{
		name: "AWS::ApiGateway::DocumentationPart", attribute: "DocumentationPartId", properties: `Location!@ Properties! RestApiId!@`,
		create: api.CreateDocumentationPart, id: func(d *api.DocumentationPart) *string { return d.Id },
		paths: map[string]string{"Properties": "/properties"},
		update: func(op *Op, patch []api.PatchOperation) error {
			_, err := Do(op, api.UpdateDocumentationPart, &api.UpdateDocumentationPartInput{RestApiId: op.Text("RestApiId"), DocumentationPartId: op.PhysicalID, PatchOperations: patch})
			return err
		},
		remove: func(op *Op) error {
			_, err := Do(op, api.DeleteDocumentationPart, &api.DeleteDocumentationPartInput{RestApiId: text(op.Old["RestApiId"]), DocumentationPartId: op.PhysicalID})
			return err
		},
	}.typ()
}

func restDocVersion() *Type {
	return restPart[api.CreateDocumentationVersionInput, api.DocumentationVersion]{
		name: "AWS::ApiGateway::DocumentationVersion", properties: `Description DocumentationVersion!@ RestApiId!@`,
		create: api.CreateDocumentationVersion, id: func(d *api.DocumentationVersion) *string { return d.Version },
		paths: map[string]string{"Description": "/description"},
		update: func(op *Op, patch []api.PatchOperation) error {
			_, err := Do(op, api.UpdateDocumentationVersion, &api.UpdateDocumentationVersionInput{RestApiId: op.Text("RestApiId"), DocumentationVersion: op.PhysicalID, PatchOperations: patch})
			return err
		},
		remove: func(op *Op) error {
			_, err := Do(op, api.DeleteDocumentationVersion, &api.DeleteDocumentationVersionInput{RestApiId: text(op.Old["RestApiId"]), DocumentationVersion: op.PhysicalID})
			return err
		},
	}.typ()
}
