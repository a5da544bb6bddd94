package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func iotThing() *Type {
	find := func(op *Op, name string) (*Made, error) {
		out, err := Do(op, iot.DescribeThing, &iot.DescribeThingInput{ThingName: name})
		if err != nil {
			return nil, err
		}
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": aws.Value(out.ThingArn), "Id": aws.Value(out.ThingId)}}, nil
	}
	return &Type{
		Name:       "AWS::IoT::Thing",
		Properties: Props("AttributePayload ThingName@"),
		Attributes: []string{"Arn", "Id"},
		Naming:     Naming{Property: "ThingName", Max: 128},
		Shape:      func() any { return new(iot.CreateThingInput) },
		Create: func(op *Op) (*Made, error) {
			in := &iot.CreateThingInput{ThingName: op.Named("ThingName")}
			if err := Bind(op, pick(op.New, "AttributePayload"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, iot.DescribeThing, &iot.DescribeThingInput{ThingName: in.ThingName}); err == nil {
				return nil, alreadyExists("Resource of type 'AWS::IoT::Thing' with identifier '%s' already exists.", in.ThingName)
			}
			if _, err := Do(op, iot.CreateThing, in); err != nil {
				return nil, err
			}
			return find(op, in.ThingName)
		},
		Update: func(op *Op) (*Made, error) {
			in := &iot.UpdateThingInput{ThingName: op.PhysicalID, AttributePayload: &iot.AttributePayload{}}
			if err := Bind(op, pick(op.New, "AttributePayload"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, iot.UpdateThing, in); err != nil {
				return nil, err
			}
			return find(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, iot.DeleteThing, &iot.DeleteThingInput{ThingName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			made, err := find(op, op.Named("ThingName"))
			return made, ignoreGone(err)
		},
	}
}

func iotThingType() *Type {
	find := func(op *Op, name string) (*Made, error) {
		out, err := Do(op, iot.DescribeThingType, &iot.DescribeThingTypeInput{ThingTypeName: name})
		if err != nil {
			return nil, err
		}
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": aws.Value(out.ThingTypeArn), "Id": aws.Value(out.ThingTypeId)}}, nil
	}
	deprecate := func(op *Op, name string) error {
		_, err := Do(op, iot.DeprecateThingType, &iot.DeprecateThingTypeInput{ThingTypeName: name, UndoDeprecate: new(!truth(op.New["DeprecateThingType"]))})
		return err
	}
	return &Type{
		Name:       "AWS::IoT::ThingType",
		Properties: Props("DeprecateThingType Tags ThingTypeName@ ThingTypeProperties@"),
		Attributes: []string{"Arn", "Id"},
		Naming:     Naming{Property: "ThingTypeName", Max: 128},
		Note:       "A type that a stack deletes must have been deprecated for five minutes.",
		Shape:      func() any { return new(iot.CreateThingTypeInput) },
		Create: func(op *Op) (*Made, error) {
			in := &iot.CreateThingTypeInput{ThingTypeName: op.Named("ThingTypeName")}
			if err := Bind(op, pick(op.New, "ThingTypeProperties", "Tags"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, iot.CreateThingType, in); err != nil {
				return nil, err
			}
			made, err := find(op, in.ThingTypeName)
			if err == nil && truth(op.New["DeprecateThingType"]) {
				err = deprecate(op, in.ThingTypeName)
			}
			return made, err
		},
		Update: func(op *Op) (*Made, error) {
			made, err := find(op, op.PhysicalID)
			if err == nil && op.Changed("DeprecateThingType") {
				err = deprecate(op, op.PhysicalID)
			}
			if err != nil {
				return made, err
			}
			return made, retagIoT(op, text(made.Attributes["Arn"]))
		},
		Delete: func(op *Op) error {
			_, err := Do(op, iot.DeleteThingType, &iot.DeleteThingTypeInput{ThingTypeName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			made, err := find(op, op.Named("ThingTypeName"))
			return made, ignoreGone(err)
		},
	}
}

func iotPolicy() *Type {
	made := func(op *Op, name string) *Made {
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": op.ARN("iot", "policy/"+name), "Id": name}}
	}
	return &Type{
		Name:       "AWS::IoT::Policy",
		Properties: Props("PolicyDocument! PolicyName@ Tags"),
		Attributes: []string{"Arn", "Id"},
		Naming:     Naming{Property: "PolicyName", Max: 128},
		Create: func(op *Op) (*Made, error) {
			in := &iot.CreatePolicyInput{PolicyName: op.Named("PolicyName"), PolicyDocument: settingText(op.New["PolicyDocument"])}
			if err := Bind(op, pick(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, iot.CreatePolicy, in); err != nil {
				return nil, err
			}
			return made(op, in.PolicyName), nil
		},
		Update: func(op *Op) (*Made, error) {
			m := made(op, op.PhysicalID)
			if op.Changed("PolicyDocument") {
				if err := replacePolicy(op, settingText(op.New["PolicyDocument"])); err != nil {
					return nil, err
				}
			}
			return m, retagIoT(op, text(m.Attributes["Arn"]))
		},
		Delete: func(op *Op) error {
			if err := dropIoTVersions(op); err != nil {
				return err
			}
			_, err := Do(op, iot.DeletePolicy, &iot.DeletePolicyInput{PolicyName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("PolicyName")
			if _, err := Do(op, iot.GetPolicy, &iot.GetPolicyInput{PolicyName: name}); err != nil {
				return nil, ignoreGone(err)
			}
			return made(op, name), nil
		},
	}
}

// replacePolicy makes a document the only version of a policy.
func replacePolicy(op *Op, document string) error {
	if err := dropIoTVersions(op); err != nil {
		return err
	}
	if _, err := Do(op, iot.CreatePolicyVersion, &iot.CreatePolicyVersionInput{PolicyName: op.PhysicalID, PolicyDocument: document, SetAsDefault: new(true)}); err != nil {
		return err
	}
	return dropIoTVersions(op)
}

// dropIoTVersions deletes the versions of a policy but the default one.
func dropIoTVersions(op *Op) error {
	out, err := Do(op, iot.ListPolicyVersions, &iot.ListPolicyVersionsInput{PolicyName: op.PhysicalID})
	if err != nil {
		return err
	}
	for _, v := range out.PolicyVersions {
		if aws.Value(v.IsDefaultVersion) {
			continue
		}
		if _, err := Do(op, iot.DeletePolicyVersion, &iot.DeletePolicyVersionInput{PolicyName: op.PhysicalID, PolicyVersionId: *v.VersionId}); err != nil {
			return err
		}
	}
	return nil
}

func iotCertificate() *Type {
	made := func(arn, id *string) *Made {
		return &Made{PhysicalID: aws.Value(id), Attributes: map[string]any{"Arn": aws.Value(arn), "Id": aws.Value(id)}}
	}
	return &Type{
		Name:       "AWS::IoT::Certificate",
		Properties: Props("CACertificatePem-@ CertificateMode@ CertificatePem@ CertificateSigningRequest@ Status!"),
		Attributes: []string{"Arn", "Id"},
		Create: func(op *Op) (*Made, error) {
			status := op.Text("Status")
			if csr := op.Text("CertificateSigningRequest"); csr != "" {
				out, err := Do(op, iot.CreateCertificateFromCsr, &iot.CreateCertificateFromCsrInput{CertificateSigningRequest: csr, SetAsActive: new(status == "ACTIVE")})
				if err != nil {
					return nil, err
				}
				return made(out.CertificateArn, out.CertificateId), nil
			}
			if op.Text("CertificateMode") != "SNI_ONLY" {
				return nil, invalidRequest("A certificate of a template has a CertificateSigningRequest, or the CertificateMode SNI_ONLY.")
			}
			out, err := Do(op, iot.RegisterCertificateWithoutCA, &iot.RegisterCertificateWithoutCAInput{CertificatePem: op.Text("CertificatePem"), Status: &status})
			if err != nil {
				return nil, err
			}
			return made(out.CertificateArn, out.CertificateId), nil
		},
		Update: func(op *Op) (*Made, error) {
			_, err := Do(op, iot.UpdateCertificate, &iot.UpdateCertificateInput{CertificateId: op.PhysicalID, NewStatus: op.Text("Status")})
			return &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}, err
		},
		Delete: func(op *Op) error {
			if _, err := Do(op, iot.UpdateCertificate, &iot.UpdateCertificateInput{CertificateId: op.PhysicalID, NewStatus: "INACTIVE"}); err != nil {
				return err
			}
			_, err := Do(op, iot.DeleteCertificate, &iot.DeleteCertificateInput{CertificateId: op.PhysicalID})
			return err
		},
	}
}

func policyAttachment() *Type {
	return &Type{
		Name:       "AWS::IoT::PolicyPrincipalAttachment",
		Properties: Props("PolicyName!@ Principal!@"),
		Create: func(op *Op) (*Made, error) {
			_, err := Do(op, iot.AttachPolicy, &iot.AttachPolicyInput{PolicyName: op.Text("PolicyName"), Target: op.Text("Principal")})
			return &Made{PhysicalID: op.Text("PolicyName") + "|" + op.Text("Principal")}, err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, iot.DetachPolicy, &iot.DetachPolicyInput{PolicyName: text(op.Old["PolicyName"]), Target: text(op.Old["Principal"])})
			return err
		},
	}
}

func thingAttachment() *Type {
	return &Type{
		Name:       "AWS::IoT::ThingPrincipalAttachment",
		Properties: Props("Principal!@ ThingName!@ ThingPrincipalType@"),
		Create: func(op *Op) (*Made, error) {
			in := &iot.AttachThingPrincipalInput{ThingName: op.Text("ThingName"), Principal: op.Text("Principal")}
			if kind := op.Text("ThingPrincipalType"); kind != "" {
				in.ThingPrincipalType = &kind
			}
			_, err := Do(op, iot.AttachThingPrincipal, in)
			return &Made{PhysicalID: in.ThingName + "|" + in.Principal}, err
		},
		Delete: func(op *Op) error {
			in := &iot.DetachThingPrincipalInput{ThingName: text(op.Old["ThingName"]), Principal: text(op.Old["Principal"])}
			_, err := Do(op, iot.DetachThingPrincipal, in)
			return err
		},
	}
}
