package resource

import (
	"io"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// APIGateway has the types of REST APIs.
func APIGateway() []*Type {
	return []*Type{
		restAPI(), restResource(), restMethod(), restDeployment(), restStage(), restAuthorizer(), restModel(), restValidator(), restResponse(),
		restKey(), restPlan(), restPlanKey(), restAccount(), restDomain(), restMapping(), restPrivateDomain(), restPrivateMapping(), restAssociation(), restClientCertificate(), restVpcLink(), restDocPart(), restDocVersion(),
	}
}

// madeRest is what was made with an id, which an attribute gives too.
func madeRest(id *string, attribute string) *Made {
	m := &Made{PhysicalID: aws.Value(id)}
	if attribute != "" {
		m.Attributes = map[string]any{attribute: aws.Value(id)}
	}
	return m
}

// replaces are the operations of a patch that set what is at paths, by
// property, to what op.New says, where that differs from op.Old.
func replaces(op *Op, paths map[string]string) []api.PatchOperation {
	var patch []api.PatchOperation
	for _, property := range slices.Sorted(maps.Keys(paths)) {
		if op.Changed(property) {
			value := text(op.New[property])
			if m := object(op.New[property]); m != nil {
				value = JSON(m)
			}
			patch = append(patch, replaceAt(paths[property], value))
		}
	}
	return patch
}

func replaceAt(path, value string) api.PatchOperation {
	return api.PatchOperation{Op: new("replace"), Path: &path, Value: &value}
}

func addAt(path, value string) api.PatchOperation {
	return api.PatchOperation{Op: new("add"), Path: &path, Value: &value}
}

func removeAt(path, value string) api.PatchOperation {
	p := api.PatchOperation{Op: new("remove"), Path: &path}
	if value != "" {
		p.Value = &value
	}
	return p
}

// pointer is a name as it stands in the path of a patch.
func pointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// difference are the elements that are in new alone, and in old alone.
func difference(old, new []string) (added, gone []string) {
	for _, v := range new {
		if !slices.Contains(old, v) {
			added = append(added, v)
		}
	}
	for _, v := range old {
		if !slices.Contains(new, v) {
			gone = append(gone, v)
		}
	}
	return added, gone
}

// retagRest makes the tags of a resource of API Gateway those of op.New.
func retagRest(op *Op, path string) error {
	arn := aws.ARN{Service: "apigateway", Region: op.Call.Region, Resource: path}.String()
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, api.TagResource, &api.TagResourceInput{ResourceArn: arn, Tags: tags})
		return err
	}, func(keys []string) error {
		_, err := Do(op, api.UntagResource, &api.UntagResourceInput{ResourceArn: arn, TagKeys: keys})
		return err
	})
}

func restAPI() *Type {
	return &Type{
		Name: "AWS::ApiGateway::RestApi",
		Properties: Props(`ApiKeySourceType BinaryMediaTypes Body BodyS3Location CloneFrom@ Description DisableExecuteApiEndpoint EndpointAccessMode
			EndpointConfiguration FailOnWarnings MinimumCompressionSize Mode Name Parameters Policy SecurityPolicy Tags`),
		Attributes: []string{"RestApiId", "RootResourceId"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateRestApiInput{Tags: origin(op)}
			if err := Bind(op, pick(op.New, "BinaryMediaTypes", "CloneFrom", "Description", "DisableExecuteApiEndpoint", "EndpointConfiguration",
				"MinimumCompressionSize", "Name", "Policy", "SecurityPolicy", "EndpointAccessMode"), in); err != nil {
				return nil, err
			}
			if v := op.Text("ApiKeySourceType"); v != "" {
				in.ApiKeySource = &v
			}
			if in.Name == "" {
				in.Name = op.LogicalID // until the document says
			}
			maps.Copy(in.Tags, tagMap(op.New["Tags"]))
			out, err := Do(op, api.CreateRestApi, in)
			if err != nil {
				return nil, err
			}
			op.PhysicalID = aws.Value(out.Id)
			return putBody(op)
		},
		Update: updateRestAPI,
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteRestApi, &api.DeleteRestApiInput{RestApiId: op.PhysicalID})
			return err
		},
		Find: findRestAPI,
	}
}

// putBody makes an API what its document says, besides what its properties say.
func putBody(op *Op) (*Made, error) {
	id := op.PhysicalID
	body, err := bodyOf(op)
	if err != nil {
		return &Made{PhysicalID: id}, err
	}
	if body != nil {
		in := &api.PutRestApiInput{RestApiId: id, Body: body, Mode: new("overwrite"), FailOnWarnings: new(truth(op.New["FailOnWarnings"])), Parameters: tagMap(op.New["Parameters"])}
		if mode := op.Text("Mode"); mode != "" && op.Old != nil {
			in.Mode = &mode
		}
		if _, err := Do(op, api.PutRestApi, in); err != nil {
			return &Made{PhysicalID: id}, err
		}
		if err := restSettings(op, true); err != nil {
			return &Made{PhysicalID: id}, err
		}
	}
	out, err := Do(op, api.GetRestApi, &api.GetRestApiInput{RestApiId: id})
	if err != nil {
		return &Made{PhysicalID: id}, err
	}
	return &Made{PhysicalID: id, Attributes: map[string]any{"RestApiId": id, "RootResourceId": aws.Value(out.RootResourceId)}}, nil
}

// bodyOf is the document of an API, or nil.
func bodyOf(op *Op) ([]byte, error) {
	if body := op.New["Body"]; body != nil {
		return []byte(JSON(body)), nil
	}
	at := object(op.New["BodyS3Location"])
	if at == nil {
		return nil, nil
	}
	in := &s3.GetObjectInput{Bucket: text(at["Bucket"]), Key: text(at["Key"])}
	if v := text(at["Version"]); v != "" {
		in.VersionId = &v
	}
	out, err := Do(op, s3.GetObject, in)
	if err != nil {
		return nil, err
	}
	if c, ok := out.Body.(io.Closer); ok {
		defer c.Close()
	}
	return io.ReadAll(io.LimitReader(out.Body, 10<<20))
}

// restSettings sets what properties say of an API that differs from what they
// said, or all that they say.
func restSettings(op *Op, all bool) error {
	if all {
		before := op.Old
		op.Old = nil
		defer func() { op.Old = before }()
	}
	patch := replaces(op, map[string]string{
		"ApiKeySourceType": "/apiKeySource", "Description": "/description", "DisableExecuteApiEndpoint": "/disableExecuteApiEndpoint",
		"MinimumCompressionSize": "/minimumCompressionSize", "Name": "/name", "Policy": "/policy", "SecurityPolicy": "/securityPolicy",
		"EndpointAccessMode": "/endpointAccessMode",
	})
	added, gone := difference(texts(op.Old["BinaryMediaTypes"]), texts(op.New["BinaryMediaTypes"]))
	for _, t := range added {
		patch = append(patch, addAt("/binaryMediaTypes/"+pointer(t), ""))
	}
	for _, t := range gone {
		patch = append(patch, removeAt("/binaryMediaTypes/"+pointer(t), ""))
	}
	old, now := object(op.Old["EndpointConfiguration"]), object(op.New["EndpointConfiguration"])
	if types := texts(now["Types"]); len(types) > 0 && !Equal(old["Types"], now["Types"]) {
		patch = append(patch, replaceAt("/endpointConfiguration/types/0", types[0]))
	}
	added, gone = difference(texts(old["VpcEndpointIds"]), texts(now["VpcEndpointIds"]))
	for _, v := range added {
		patch = append(patch, addAt("/endpointConfiguration/vpcEndpointIds", v))
	}
	for _, v := range gone {
		patch = append(patch, removeAt("/endpointConfiguration/vpcEndpointIds", v))
	}
	if len(patch) == 0 {
		return nil
	}
	_, err := Do(op, api.UpdateRestApi, &api.UpdateRestApiInput{RestApiId: op.PhysicalID, PatchOperations: patch})
	return err
}

func updateRestAPI(op *Op) (*Made, error) {
	if err := restSettings(op, false); err != nil {
		return nil, err
	}
	if err := retagRest(op, "/restapis/"+op.PhysicalID); err != nil {
		return nil, err
	}
	if !op.Changed("Body", "BodyS3Location", "Mode", "Parameters", "BinaryMediaTypes", "Name", "Policy") {
		return &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}, nil
	}
	return putBody(op)
}

// findRestAPI looks for the one API that is tagged as what op is to make.
func findRestAPI(op *Op) (*Made, error) {
	in := &api.GetRestApisInput{Limit: new(int32(500))}
	for {
		out, err := Do(op, api.GetRestApis, in)
		if err != nil {
			return nil, err
		}
		for _, a := range out.Items {
			if a.Tags["aws:cloudformation:stack-id"] == op.Stack.ID && a.Tags["aws:cloudformation:logical-id"] == op.LogicalID && aws.Value(a.Id) != op.Except {
				op.PhysicalID = aws.Value(a.Id)
				return putBody(op)
			}
		}
		if in.Position = out.Position; in.Position == nil {
			return nil, nil
		}
	}
}

func restResource() *Type {
	return &Type{
		Name:       "AWS::ApiGateway::Resource",
		Properties: Props(`ParentId!@ PathPart!@ RestApiId!@`),
		Attributes: []string{"ResourceId"},
		Shape:      func() any { return new(api.CreateResourceInput) },
		Create: func(op *Op) (*Made, error) {
			in := new(api.CreateResourceInput)
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateResource, in)
			if err != nil {
				return nil, err
			}
			return madeRest(out.Id, "ResourceId"), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteResource, &api.DeleteResourceInput{RestApiId: text(op.Old["RestApiId"]), ResourceId: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, api.GetResources, &api.GetResourcesInput{RestApiId: op.Text("RestApiId"), Limit: new(int32(500))})
			if err != nil {
				return nil, err
			}
			for _, r := range out.Items {
				if aws.Value(r.ParentId) == op.Text("ParentId") && aws.Value(r.PathPart) == op.Text("PathPart") {
					return madeRest(r.Id, "ResourceId"), nil
				}
			}
			return nil, nil
		},
	}
}

func restMethod() *Type {
	return &Type{
		Name: "AWS::ApiGateway::Method",
		Properties: Props(`ApiKeyRequired AuthorizationScopes AuthorizationType AuthorizerId HttpMethod!@ Integration MethodResponses OperationName
			RequestModels RequestParameters RequestValidatorId ResourceId!@ RestApiId!@`),
		Create: putMethod,
		Update: func(op *Op) (*Made, error) {
			if err := ignoreGone(deleteMethod(op, op.New)); err != nil {
				return nil, err
			}
			return putMethod(op)
		},
		Delete: func(op *Op) error { return deleteMethod(op, op.Old) },
		Find: func(op *Op) (*Made, error) { // of one that is there in part, all is put anew
			if err := ignoreGone(deleteMethod(op, op.New)); err != nil {
				return nil, err
			}
			return nil, nil
		},
	}
}

func deleteMethod(op *Op, properties map[string]any) error {
	_, err := Do(op, api.DeleteMethod, &api.DeleteMethodInput{
		RestApiId: text(properties["RestApiId"]), ResourceId: text(properties["ResourceId"]), HttpMethod: text(properties["HttpMethod"]),
	})
	return err
}

// putMethod makes a method with its responses and its integration. If one part
// cannot be, nothing stays.
func putMethod(op *Op) (*Made, error) {
	in := &api.PutMethodInput{AuthorizationType: "NONE"}
	if err := Bind(op, without(op.New, "Integration", "MethodResponses"), in); err != nil {
		return nil, err
	}
	if _, err := Do(op, api.PutMethod, in); err != nil {
		return nil, err
	}
	if err := putMethodParts(op, in); err != nil {
		deleteMethod(op, op.New) // what went wrong first is what to tell
		return nil, err
	}
	return &Made{PhysicalID: in.RestApiId + "|" + in.ResourceId + "|" + in.HttpMethod}, nil
}

func putMethodParts(op *Op, m *api.PutMethodInput) error {
	for _, element := range list(op.New["MethodResponses"]) {
		in := &api.PutMethodResponseInput{RestApiId: m.RestApiId, ResourceId: m.ResourceId, HttpMethod: m.HttpMethod}
		if err := Bind(op, object(element), in); err != nil {
			return err
		}
		if _, err := Do(op, api.PutMethodResponse, in); err != nil {
			return err
		}
	}
	integration := object(op.New["Integration"])
	if integration == nil {
		return nil
	}
	in := &api.PutIntegrationInput{RestApiId: m.RestApiId, ResourceId: m.ResourceId, HttpMethod: m.HttpMethod}
	if err := Bind(op, without(integration, "IntegrationResponses"), in); err != nil {
		return err
	}
	if _, err := Do(op, api.PutIntegration, in); err != nil {
		return err
	}
	for _, element := range list(integration["IntegrationResponses"]) {
		in := &api.PutIntegrationResponseInput{RestApiId: m.RestApiId, ResourceId: m.ResourceId, HttpMethod: m.HttpMethod}
		if err := Bind(op, object(element), in); err != nil {
			return err
		}
		if _, err := Do(op, api.PutIntegrationResponse, in); err != nil {
			return err
		}
	}
	return nil
}

func restDeployment() *Type {
	return &Type{
		Name:       "AWS::ApiGateway::Deployment",
		Properties: Props(`DeploymentCanarySettings@ Description RestApiId!@ StageDescription@ StageName@`),
		Attributes: []string{"DeploymentId"},
		Create: func(op *Op) (*Made, error) {
			in := new(api.CreateDeploymentInput)
			if err := Bind(op, pick(op.New, "Description", "RestApiId", "StageName"), in); err != nil {
				return nil, err
			}
			stage := object(op.New["StageDescription"])
			if err := Bind(op, pick(stage, "CacheClusterEnabled", "CacheClusterSize", "TracingEnabled", "Variables"), in); err != nil {
				return nil, err
			}
			if v := text(stage["Description"]); v != "" {
				in.StageDescription = &v
			}
			if c := object(op.New["DeploymentCanarySettings"]); c != nil {
				in.CanarySettings = new(api.DeploymentCanarySettings)
				if err := Bind(op, c, in.CanarySettings); err != nil {
					return nil, err
				}
			}
			out, err := Do(op, api.CreateDeployment, in)
			if err != nil {
				return nil, err
			}
			made := madeRest(out.Id, "DeploymentId")
			if in.StageName == nil || stage == nil {
				return made, nil
			}
			patch := stagePatch(&Op{New: stage})
			if len(patch) > 0 {
				_, err = Do(op, api.UpdateStage, &api.UpdateStageInput{RestApiId: in.RestApiId, StageName: *in.StageName, PatchOperations: patch})
			}
			return made, err
		},
		Update: func(op *Op) (*Made, error) {
			_, err := Do(op, api.UpdateDeployment, &api.UpdateDeploymentInput{
				RestApiId: op.Text("RestApiId"), DeploymentId: op.PhysicalID, PatchOperations: replaces(op, map[string]string{"Description": "/description"}),
			})
			if err != nil {
				return nil, err
			}
			return madeRest(&op.PhysicalID, "DeploymentId"), nil
		},
		Delete: deleteRestDeployment,
	}
}

// deleteRestDeployment deletes a deployment, and the stage that it was made
// with if that serves it still.
func deleteRestDeployment(op *Op) error {
	id, stage := text(op.Old["RestApiId"]), text(op.Old["StageName"])
	if stage != "" {
		out, err := Do(op, api.GetStage, &api.GetStageInput{RestApiId: id, StageName: stage})
		if err == nil && aws.Value(out.DeploymentId) == op.PhysicalID {
			_, err = Do(op, api.DeleteStage, &api.DeleteStageInput{RestApiId: id, StageName: stage})
		}
		if err := ignoreGone(err); err != nil {
			return err
		}
	}
	_, err := Do(op, api.DeleteDeployment, &api.DeleteDeploymentInput{RestApiId: id, DeploymentId: op.PhysicalID})
	return err
}
