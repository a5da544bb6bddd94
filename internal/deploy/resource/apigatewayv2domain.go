package resource

import (
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func apiDomain() *Type {
	made := func(d api.GetDomainNameOutput) *Made {
		m := &Made{PhysicalID: aws.Value(d.DomainName), Attributes: map[string]any{"DomainNameArn": aws.Value(d.DomainNameArn)}}
		for _, c := range d.DomainNameConfigurations {
			m.Attributes["RegionalDomainName"], m.Attributes["RegionalHostedZoneId"] = aws.Value(c.ApiGatewayDomainName), aws.Value(c.HostedZoneId)
		}
		return m
	}
	return &Type{
		Name:       "AWS::ApiGatewayV2::DomainName",
		Properties: Props("DomainName!@ DomainNameConfigurations MutualTlsAuthentication RoutingMode Tags"),
		Attributes: []string{"RegionalDomainName", "RegionalHostedZoneId", "DomainNameArn"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateDomainNameInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateDomainName, in)
			if err != nil {
				return nil, err
			}
			return made(api.GetDomainNameOutput(*out)), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateDomainNameInput{DomainName: op.PhysicalID}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			if in.MutualTlsAuthentication == nil && op.Changed("MutualTlsAuthentication") {
				in.MutualTlsAuthentication = &api.MutualTlsAuthenticationInput{TruststoreUri: new("")}
			}
			out, err := Do(op, api.UpdateDomainName, in)
			if err != nil {
				return nil, err
			}
			return made(api.GetDomainNameOutput(*out)), retagRest(op, "/domainnames/"+op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteDomainName, &api.DeleteDomainNameInput{DomainName: op.PhysicalID})
			return err
		},
	}
}

func apiMapping() *Type {
	made := func(id *string) *Made {
		return &Made{PhysicalID: aws.Value(id), Attributes: map[string]any{"ApiMappingId": aws.Value(id)}}
	}
	return &Type{
		Name:       "AWS::ApiGatewayV2::ApiMapping",
		Properties: Props("ApiId! ApiMappingKey DomainName!@ Stage!"),
		Attributes: []string{"ApiMappingId"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateApiMappingInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateApiMapping, in)
			if err != nil {
				return nil, err
			}
			return made(out.ApiMappingId), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateApiMappingInput{ApiMappingId: op.PhysicalID, ApiMappingKey: new("")}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			if _, err := Do(op, api.UpdateApiMapping, in); err != nil {
				return nil, err
			}
			return made(&op.PhysicalID), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteApiMapping, &api.DeleteApiMappingInput{DomainName: text(op.Old["DomainName"]), ApiMappingId: op.PhysicalID})
			return err
		},
	}
}

func apiRoutingRule() *Type {
	return &Type{
		Name:       "AWS::ApiGatewayV2::RoutingRule",
		Properties: Props("Actions! Conditions! DomainNameArn!@ Priority!"),
		Attributes: []string{"RoutingRuleArn", "RoutingRuleId"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateRoutingRuleInput{DomainName: lastPart(op.Text("DomainNameArn"))}
			if err := Bind(op, without(op.New, "DomainNameArn"), in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateRoutingRule, in)
			if err != nil {
				return nil, err
			}
			return madeRoutingRule(out.RoutingRuleArn, out.RoutingRuleId), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.PutRoutingRuleInput{DomainName: lastPart(op.Text("DomainNameArn")), RoutingRuleId: lastPart(op.PhysicalID)}
			if err := Bind(op, without(op.New, "DomainNameArn"), in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.PutRoutingRule, in)
			if err != nil {
				return nil, err
			}
			return madeRoutingRule(out.RoutingRuleArn, out.RoutingRuleId), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteRoutingRule, &api.DeleteRoutingRuleInput{
				DomainName: lastPart(text(op.Old["DomainNameArn"])), RoutingRuleId: lastPart(op.PhysicalID),
			})
			return err
		},
	}
}

func madeRoutingRule(arn, id *string) *Made {
	return &Made{PhysicalID: aws.Value(arn), Attributes: map[string]any{"RoutingRuleArn": aws.Value(arn), "RoutingRuleId": aws.Value(id)}}
}

// lastPart is what comes after the last slash: the name of a domain in its ARN.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
