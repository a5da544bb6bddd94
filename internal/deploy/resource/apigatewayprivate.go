package resource

import (
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// restPrivateDomain is a domain for networks alone. Its physical id is its ARN.
func restPrivateDomain() *Type {
	made := func(d *api.DomainName) *Made {
		arn := aws.Value(d.DomainNameArn)
		return &Made{PhysicalID: arn, Attributes: map[string]any{"DomainNameArn": arn, "DomainNameId": aws.Value(d.DomainNameId)}}
	}
	return &Type{
		Name:       "AWS::ApiGateway::DomainNameV2",
		Properties: Props("CertificateArn DomainName@ EndpointAccessMode EndpointConfiguration@ Policy RoutingMode SecurityPolicy Tags"),
		Attributes: []string{"DomainNameArn", "DomainNameId"},
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
			patch := replaces(op, map[string]string{"CertificateArn": "/certificateArn", "SecurityPolicy": "/securityPolicy", "EndpointAccessMode": "/endpointAccessMode", "RoutingMode": "/routingMode"})
			if op.Changed("Policy") {
				patch = append(patch, api.PatchOperation{Op: new("replace"), Path: new("/policy"), Value: new(JSON(op.New["Policy"]))})
			}
			out, err := Do(op, api.UpdateDomainName, &api.UpdateDomainNameInput{DomainName: op.Text("DomainName"), PatchOperations: patch})
			if err != nil {
				return nil, err
			}
			return made(out), retagRest(op, "/domainnames/"+op.Text("DomainName"))
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteDomainName, &api.DeleteDomainNameInput{DomainName: domainOf(op.PhysicalID)})
			return err
		},
	}
}

// domainOf is the name of a domain by its ARN.
func domainOf(arn string) string {
	name, _, _ := strings.Cut(arn[strings.LastIndexByte(arn, '/')+1:], "+")
	return name
}

func restPrivateMapping() *Type {
	base := func(v any) string {
		if p := text(v); p != "" {
			return p
		}
		return "(none)"
	}
	made := func(op *Op) *Made {
		arn := op.Text("DomainNameArn") + "/basepathmappings/" + base(op.New["BasePath"])
		return &Made{PhysicalID: arn, Attributes: map[string]any{"BasePathMappingArn": arn}}
	}
	return &Type{
		Name:       "AWS::ApiGateway::BasePathMappingV2",
		Properties: Props("BasePath@ DomainNameArn!@ RestApiId! Stage"),
		Attributes: []string{"BasePathMappingArn"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateBasePathMappingInput{}
			if err := Bind(op, pick(op.New, "BasePath", "RestApiId", "Stage"), in); err != nil {
				return nil, err
			}
			in.DomainName = domainOf(op.Text("DomainNameArn"))
			_, err := Do(op, api.CreateBasePathMapping, in)
			return made(op), err
		},
		Update: func(op *Op) (*Made, error) {
			_, err := Do(op, api.UpdateBasePathMapping, &api.UpdateBasePathMappingInput{
				DomainName: domainOf(op.Text("DomainNameArn")), BasePath: base(op.New["BasePath"]),
				PatchOperations: replaces(op, map[string]string{"RestApiId": "/restapiId", "Stage": "/stage"}),
			})
			return made(op), err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteBasePathMapping, &api.DeleteBasePathMappingInput{DomainName: domainOf(text(op.Old["DomainNameArn"])), BasePath: base(op.Old["BasePath"])})
			return err
		},
	}
}

func restAssociation() *Type {
	return &Type{
		Name:       "AWS::ApiGateway::DomainNameAccessAssociation",
		Properties: Props("AccessAssociationSource!@ AccessAssociationSourceType!@ DomainNameArn!@ Tags@"),
		Attributes: []string{"DomainNameAccessAssociationArn"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateDomainNameAccessAssociationInput{Tags: tagMap(op.New["Tags"])}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateDomainNameAccessAssociation, in)
			if err != nil {
				return nil, err
			}
			arn := *out.DomainNameAccessAssociationArn
			return &Made{PhysicalID: arn, Attributes: map[string]any{"DomainNameAccessAssociationArn": arn}}, nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteDomainNameAccessAssociation, &api.DeleteDomainNameAccessAssociationInput{DomainNameAccessAssociationArn: op.PhysicalID})
			return err
		},
	}
}
