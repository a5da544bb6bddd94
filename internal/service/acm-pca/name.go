package acmpca

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"net/url"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/acm-pca"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Attributes of subjects that crypto/x509/pkix has no names for.
var attributes = []struct {
	id asn1.ObjectIdentifier
	of func(*api.ASN1Subject) *string
}{
	{asn1.ObjectIdentifier{2, 5, 4, 46}, func(s *api.ASN1Subject) *string { return s.DistinguishedNameQualifier }},
	{asn1.ObjectIdentifier{2, 5, 4, 12}, func(s *api.ASN1Subject) *string { return s.Title }},
	{asn1.ObjectIdentifier{2, 5, 4, 4}, func(s *api.ASN1Subject) *string { return s.Surname }},
	{asn1.ObjectIdentifier{2, 5, 4, 42}, func(s *api.ASN1Subject) *string { return s.GivenName }},
	{asn1.ObjectIdentifier{2, 5, 4, 43}, func(s *api.ASN1Subject) *string { return s.Initials }},
	{asn1.ObjectIdentifier{2, 5, 4, 65}, func(s *api.ASN1Subject) *string { return s.Pseudonym }},
	{asn1.ObjectIdentifier{2, 5, 4, 44}, func(s *api.ASN1Subject) *string { return s.GenerationQualifier }},
}

// subjectOf is a subject as certificates have it.
func subjectOf(s *api.ASN1Subject) (pkix.Name, error) {
	list := func(p *string) []string {
		if p == nil {
			return nil
		}
		return []string{*p}
	}
	out := pkix.Name{
		Country: list(s.Country), Organization: list(s.Organization), OrganizationalUnit: list(s.OrganizationalUnit), Province: list(s.State), Locality: list(s.Locality),
		CommonName: aws.Value(s.CommonName), SerialNumber: aws.Value(s.SerialNumber),
	}
	for _, a := range attributes {
		if v := a.of(s); v != nil {
			out.ExtraNames = append(out.ExtraNames, pkix.AttributeTypeAndValue{Type: a.id, Value: *v})
		}
	}
	for _, a := range s.CustomAttributes {
		id, err := identifier(a.ObjectIdentifier)
		if err != nil {
			return out, err
		}
		out.ExtraNames = append(out.ExtraNames, pkix.AttributeTypeAndValue{Type: id, Value: a.Value})
	}
	return out, nil
}

// identifier reads an object identifier: 2.5.29.17.
func identifier(text string) (asn1.ObjectIdentifier, error) {
	var out asn1.ObjectIdentifier
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, api.InvalidArgsException.Errorf("The object identifier %s is not valid.", text)
		}
		out = append(out, n)
	}
	return out, nil
}

// addNames gives a certificate other names of its subject.
func addNames(t *x509.Certificate, names []api.GeneralName) error {
	for _, n := range names {
		switch {
		case n.DnsName != nil:
			t.DNSNames = append(t.DNSNames, *n.DnsName)
		case n.Rfc822Name != nil:
			t.EmailAddresses = append(t.EmailAddresses, *n.Rfc822Name)
		case n.IpAddress != nil:
			ip := net.ParseIP(*n.IpAddress)
			if ip == nil {
				return api.InvalidArgsException.Errorf("The IP address %s is not valid.", *n.IpAddress)
			}
			t.IPAddresses = append(t.IPAddresses, ip)
		case n.UniformResourceIdentifier != nil:
			u, err := url.Parse(*n.UniformResourceIdentifier)
			if err != nil {
				return api.InvalidArgsException.Errorf("The URI %s is not valid.", *n.UniformResourceIdentifier)
			}
			t.URIs = append(t.URIs, u)
		default:
			return aws.NotImplemented.Errorf("Aloft does not answer acm-pca:IssueCertificate with names that are no DNS names, addresses, mail addresses or URIs yet.")
		}
	}
	return nil
}
