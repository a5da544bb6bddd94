package resource

import (
	"maps"
	"slices"

	acmpca "github.com/aloft-cloud/aloft/internal/api/acm-pca"
)

// ACMPCA has the types of AWS Private CA.
func ACMPCA() []*Type {
	return []*Type{privateAuthority(), privateCertificate(), privateActivation(), privatePermission()}
}

func privateAuthority() *Type {
	made := func(op *Op, arn string) (*Made, error) {
		out, err := Do(op, acmpca.GetCertificateAuthorityCsr, &acmpca.GetCertificateAuthorityCsrInput{CertificateAuthorityArn: arn})
		if err != nil {
			return &Made{PhysicalID: arn}, err
		}
		return &Made{PhysicalID: arn, Attributes: map[string]any{"Arn": arn, "CertificateSigningRequest": *out.Csr}}, nil
	}
	return &Type{
		Name:       "AWS::ACMPCA::CertificateAuthority",
		Properties: Props("CsrExtensions@ KeyAlgorithm!@ KeyStorageSecurityStandard@ RevocationConfiguration SigningAlgorithm!@ Subject!@ Tags Type!@ UsageMode@"),
		Attributes: []string{"Arn", "CertificateSigningRequest"},
		Note:       "It has no revocation lists, and no OCSP.",
		Create: func(op *Op) (*Made, error) {
			in := &acmpca.CreateCertificateAuthorityInput{IdempotencyToken: &op.Token, Tags: authorityTags(tagMap(op.New["Tags"]))}
			properties := pick(op.New, "KeyStorageSecurityStandard", "RevocationConfiguration", "UsageMode")
			properties["CertificateAuthorityType"] = op.New["Type"]
			properties["CertificateAuthorityConfiguration"] = pick(op.New, "CsrExtensions", "KeyAlgorithm", "SigningAlgorithm", "Subject")
			if err := Bind(op, properties, in); err != nil {
				return nil, err
			}
			out, err := Do(op, acmpca.CreateCertificateAuthority, in)
			if err != nil {
				return nil, err
			}
			return made(op, *out.CertificateAuthorityArn)
		},
		Update: func(op *Op) (*Made, error) {
			if op.Changed("RevocationConfiguration") {
				in := &acmpca.UpdateCertificateAuthorityInput{}
				if err := Bind(op, pick(op.New, "RevocationConfiguration"), in); err != nil {
					return nil, err
				}
				in.CertificateAuthorityArn = op.PhysicalID
				if _, err := Do(op, acmpca.UpdateCertificateAuthority, in); err != nil {
					return nil, err
				}
			}
			if err := retagAuthority(op); err != nil {
				return nil, err
			}
			return made(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			out, err := Do(op, acmpca.DescribeCertificateAuthority, &acmpca.DescribeCertificateAuthorityInput{CertificateAuthorityArn: op.PhysicalID})
			if err != nil {
				return err
			}
			if *out.CertificateAuthority.Status == acmpca.CertificateAuthorityStatusDeleted {
				return nil
			}
			if err := disableAuthority(op); err != nil {
				return err
			}
			_, err = Do(op, acmpca.DeleteCertificateAuthority, &acmpca.DeleteCertificateAuthorityInput{CertificateAuthorityArn: op.PhysicalID})
			return err
		},
	}
}

func setAuthority(op *Op, arn, status string) error {
	_, err := Do(op, acmpca.UpdateCertificateAuthority, &acmpca.UpdateCertificateAuthorityInput{CertificateAuthorityArn: arn, Status: &status})
	return err
}

// disableAuthority has an authority that signs sign nothing any more.
func disableAuthority(op *Op) error {
	out, err := Do(op, acmpca.DescribeCertificateAuthority, &acmpca.DescribeCertificateAuthorityInput{CertificateAuthorityArn: op.PhysicalID})
	if err != nil || *out.CertificateAuthority.Status != acmpca.CertificateAuthorityStatusActive {
		return err
	}
	return setAuthority(op, op.PhysicalID, acmpca.CertificateAuthorityStatusDisabled)
}

func authorityTags(tags map[string]string) []acmpca.Tag {
	var out []acmpca.Tag
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, acmpca.Tag{Key: name, Value: new(tags[name])})
	}
	return out
}

func retagAuthority(op *Op) error {
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, acmpca.TagCertificateAuthority, &acmpca.TagCertificateAuthorityInput{CertificateAuthorityArn: op.PhysicalID, Tags: authorityTags(tags)})
		return err
	}, func(names []string) error {
		in := &acmpca.UntagCertificateAuthorityInput{CertificateAuthorityArn: op.PhysicalID}
		for _, name := range names {
			in.Tags = append(in.Tags, acmpca.Tag{Key: name})
		}
		_, err := Do(op, acmpca.UntagCertificateAuthority, in)
		return err
	})
}

func privateCertificate() *Type {
	return &Type{
		Name:       "AWS::ACMPCA::Certificate",
		Properties: Props("ApiPassthrough@ CertificateAuthorityArn!@ CertificateSigningRequest!@ SigningAlgorithm!@ TemplateArn@ Validity!@ ValidityNotBefore@"),
		Attributes: []string{"Arn", "Certificate"},
		Create: func(op *Op) (*Made, error) {
			in := &acmpca.IssueCertificateInput{IdempotencyToken: &op.Token}
			if err := Bind(op, without(op.New, "CertificateSigningRequest"), in); err != nil {
				return nil, err
			}
			in.Csr = []byte(op.Text("CertificateSigningRequest"))
			out, err := Do(op, acmpca.IssueCertificate, in)
			if err != nil {
				return nil, err
			}
			got, err := Do(op, acmpca.GetCertificate, &acmpca.GetCertificateInput{CertificateAuthorityArn: in.CertificateAuthorityArn, CertificateArn: *out.CertificateArn})
			if err != nil {
				return &Made{PhysicalID: *out.CertificateArn}, err
			}
			return &Made{PhysicalID: *out.CertificateArn, Attributes: map[string]any{"Arn": *out.CertificateArn, "Certificate": *got.Certificate}}, nil
		},
		Delete: func(*Op) error { return nil }, // what was signed stays so, as on AWS
	}
}

func privateActivation() *Type {
	set := func(op *Op) (*Made, error) {
		arn := op.Text("CertificateAuthorityArn")
		in := &acmpca.ImportCertificateAuthorityCertificateInput{CertificateAuthorityArn: arn, Certificate: []byte(op.Text("Certificate"))}
		whole := op.Text("Certificate")
		if chain := op.Text("CertificateChain"); chain != "" {
			in.CertificateChain = []byte(chain)
			whole += "\n" + chain
		}
		if op.Old == nil || op.Changed("Certificate", "CertificateChain") {
			if _, err := Do(op, acmpca.ImportCertificateAuthorityCertificate, in); err != nil {
				return nil, err
			}
		}
		made := &Made{PhysicalID: arn, Attributes: map[string]any{"CompleteCertificateChain": whole}}
		if status := op.Text("Status"); status != "" {
			return made, setAuthority(op, arn, status)
		}
		return made, nil
	}
	return &Type{
		Name:       "AWS::ACMPCA::CertificateAuthorityActivation",
		Properties: Props("Certificate! CertificateAuthorityArn!@ CertificateChain Status"),
		Attributes: []string{"CompleteCertificateChain"},
		Create:     set,
		Update:     set,
		Delete:     disableAuthority,
	}
}

func privatePermission() *Type {
	return &Type{
		Name:       "AWS::ACMPCA::Permission",
		Properties: Props("Actions!@ CertificateAuthorityArn!@ Principal!@ SourceAccount@"),
		Create: func(op *Op) (*Made, error) {
			in := &acmpca.CreatePermissionInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			_, err := Do(op, acmpca.CreatePermission, in)
			return &Made{PhysicalID: in.CertificateAuthorityArn + "|" + in.Principal}, err
		},
		Delete: func(op *Op) error {
			in := &acmpca.DeletePermissionInput{}
			if err := Bind(op, pick(op.Old, "CertificateAuthorityArn", "Principal", "SourceAccount"), in); err != nil {
				return err
			}
			_, err := Do(op, acmpca.DeletePermission, in)
			return err
		},
	}
}
