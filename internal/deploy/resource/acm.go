package resource

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/acm"
	"github.com/aloft-cloud/aloft/internal/api/route53"
)

// ACM has the types of AWS Certificate Manager.
func ACM() []*Type {
	return []*Type{{
		Name: "AWS::CertificateManager::Certificate",
		Properties: Props(`CertificateAuthorityArn@ CertificateExport@ CertificateTransparencyLoggingPreference DomainName!@ DomainValidationOptions@ KeyAlgorithm@ SubjectAlternativeNames@ Tags
			ValidationMethod@`),
		Create: createCertificate,
		Update: updateCertificate,
		Delete: func(op *Op) error {
			if err := validate(op, op.PhysicalID, op.Old, "DELETE"); err != nil {
				return ignoreGone(err)
			}
			_, err := Do(op, acm.DeleteCertificate, &acm.DeleteCertificateInput{CertificateArn: op.PhysicalID})
			return err
		},
	}}
}

func createCertificate(op *Op) (*Made, error) {
	in := &acm.RequestCertificateInput{Tags: certificateTags(tagMap(op.New["Tags"])), IdempotencyToken: new(strings.ReplaceAll(op.Token, "-", ""))}
	if err := Bind(op, pick(op.New, "CertificateAuthorityArn", "DomainName", "KeyAlgorithm", "SubjectAlternativeNames", "ValidationMethod"), in); err != nil {
		return nil, err
	}
	if in.Options = certificateOptions(op); op.Text("CertificateExport") != "" {
		in.Options.Export = new(op.Text("CertificateExport"))
	}
	for _, element := range list(op.New["DomainValidationOptions"]) {
		if o := object(element); o["ValidationDomain"] != nil {
			in.DomainValidationOptions = append(in.DomainValidationOptions, acm.DomainValidationOption{DomainName: text(o["DomainName"]), ValidationDomain: text(o["ValidationDomain"])})
		}
	}
	out, err := Do(op, acm.RequestCertificate, in)
	if err != nil {
		return nil, err
	}
	arn := *out.CertificateArn
	if err := validate(op, arn, op.New, "UPSERT"); err != nil {
		return &Made{PhysicalID: arn}, err
	}
	return &Made{PhysicalID: arn}, settle(op, func() (bool, error) {
		out, err := Do(op, acm.DescribeCertificate, &acm.DescribeCertificateInput{CertificateArn: arn})
		return err == nil && *out.Certificate.Status == "ISSUED", err
	})
}

// validate makes or removes the records that show that names are the caller's,
// in the hosted zones that a template names.
func validate(op *Op, arn string, properties map[string]any, action string) error {
	zones := make(map[string]string)
	for _, element := range list(properties["DomainValidationOptions"]) {
		if o := object(element); o["HostedZoneId"] != nil {
			zones[text(o["DomainName"])] = text(o["HostedZoneId"])
		}
	}
	if len(zones) == 0 {
		return nil
	}
	out, err := Do(op, acm.DescribeCertificate, &acm.DescribeCertificateInput{CertificateArn: arn})
	if err != nil {
		return err
	}
	done := make(map[string]bool) // one record does for a name and all below it
	for _, v := range out.Certificate.DomainValidationOptions {
		zone, r := zones[v.DomainName], v.ResourceRecord
		if zone == "" || r == nil || done[zone+r.Name] {
			continue
		}
		done[zone+r.Name] = true
		set := route53.ResourceRecordSet{Name: r.Name, Type: r.Type, TTL: new(int64(300)), ResourceRecords: []route53.ResourceRecord{{Value: r.Value}}}
		in := &route53.ChangeResourceRecordSetsInput{HostedZoneId: zone, ChangeBatch: &route53.ChangeBatch{Changes: []route53.Change{{Action: action, ResourceRecordSet: &set}}}}
		if _, err := Do(op, route53.ChangeResourceRecordSets, in); err != nil && action != "DELETE" {
			return err
		}
	}
	return nil
}

func updateCertificate(op *Op) (*Made, error) {
	arn := op.PhysicalID
	if op.Changed("CertificateTransparencyLoggingPreference") {
		in := &acm.UpdateCertificateOptionsInput{CertificateArn: arn, Options: certificateOptions(op)}
		if _, err := Do(op, acm.UpdateCertificateOptions, in); err != nil {
			return nil, err
		}
	}
	return &Made{PhysicalID: arn}, retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, acm.AddTagsToCertificate, &acm.AddTagsToCertificateInput{CertificateArn: arn, Tags: certificateTags(tags)})
		return err
	}, func(names []string) error {
		in := &acm.RemoveTagsFromCertificateInput{CertificateArn: arn}
		for _, name := range names {
			in.Tags = append(in.Tags, acm.Tag{Key: name})
		}
		_, err := Do(op, acm.RemoveTagsFromCertificate, in)
		return err
	})
}

func certificateOptions(op *Op) *acm.CertificateOptions {
	return &acm.CertificateOptions{CertificateTransparencyLoggingPreference: new(cmp.Or(op.Text("CertificateTransparencyLoggingPreference"), "ENABLED"))}
}

func certificateTags(tags map[string]string) []acm.Tag {
	var out []acm.Tag
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, acm.Tag{Key: name, Value: new(tags[name])})
	}
	return out
}
