package resource

import (
	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func graphQLCache() *Type {
	made := func(op *Op) *Made {
		id := op.Text("ApiId") + "ApiCache"
		return &Made{PhysicalID: id, Attributes: map[string]any{"Id": id}}
	}
	return &Type{
		Name:       "AWS::AppSync::ApiCache",
		Properties: Props("ApiCachingBehavior! ApiId!@ AtRestEncryptionEnabled@ HealthMetricsConfig TransitEncryptionEnabled@ Ttl! Type!"),
		Attributes: []string{"Id"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateApiCacheInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			if _, err := Do(op, api.CreateApiCache, in); err != nil {
				return nil, err
			}
			return made(op), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateApiCacheInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			if _, err := Do(op, api.UpdateApiCache, in); err != nil {
				return nil, err
			}
			return made(op), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteApiCache, &api.DeleteApiCacheInput{ApiId: text(op.Old["ApiId"])})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			if _, err := Do(op, api.GetApiCache, &api.GetApiCacheInput{ApiId: op.Text("ApiId")}); err != nil {
				return nil, ignoreGone(err)
			}
			return made(op), nil
		},
	}
}

func graphQLDomain() *Type {
	made := func(d *api.DomainNameConfig) *Made {
		return &Made{PhysicalID: *d.DomainName, Attributes: map[string]any{
			"DomainName": *d.DomainName, "AppSyncDomainName": *d.AppsyncDomainName, "HostedZoneId": *d.HostedZoneId, "DomainNameArn": *d.DomainNameArn,
		}}
	}
	return &Type{
		Name:       "AWS::AppSync::DomainName",
		Properties: Props("CertificateArn!@ Description DomainName!@ Tags@"),
		Attributes: []string{"AppSyncDomainName", "DomainName", "DomainNameArn", "HostedZoneId"},
		Create: func(op *Op) (*Made, error) {
			in := &api.CreateDomainNameInput{Tags: tagMap(op.New["Tags"])}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			out, err := Do(op, api.CreateDomainName, in)
			if err != nil {
				return nil, err
			}
			return made(out.DomainNameConfig), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &api.UpdateDomainNameInput{DomainName: op.PhysicalID, Description: new(op.Text("Description"))}
			out, err := Do(op, api.UpdateDomainName, in)
			if err != nil {
				return nil, err
			}
			return made(out.DomainNameConfig), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, api.DeleteDomainName, &api.DeleteDomainNameInput{DomainName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, api.GetDomainName, &api.GetDomainNameInput{DomainName: op.Text("DomainName")})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return made(out.DomainNameConfig), nil
		},
	}
}

func graphQLDomainAssociation() *Type {
	put := func(op *Op) (*Made, error) {
		out, err := Do(op, api.AssociateApi, &api.AssociateApiInput{DomainName: op.Text("DomainName"), ApiId: op.Text("ApiId")})
		if err != nil {
			return nil, err
		}
		id := aws.Value(out.ApiAssociation.DomainName) + "/apiassociation"
		return &Made{PhysicalID: id, Attributes: map[string]any{"ApiAssociationIdentifier": id}}, nil
	}
	return &Type{
		Name:       "AWS::AppSync::DomainNameApiAssociation",
		Properties: Props("ApiId! DomainName!@"),
		Attributes: []string{"ApiAssociationIdentifier"},
		Create:     put,
		Update:     put,
		Delete: func(op *Op) error {
			_, err := Do(op, api.DisassociateApi, &api.DisassociateApiInput{DomainName: text(op.Old["DomainName"])})
			return err
		},
	}
}
