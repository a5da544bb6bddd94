package acmpca

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/acm-pca"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A blueprint is a template of AWS's: what certificates say, and what may be added.
type blueprint struct {
	authority bool
	depth     int // of authorities below it; -1: any
	usage     x509.KeyUsage
	extended  []x509.ExtKeyUsage
	csr, api  bool // extensions of the request, and of the caller, are taken
}

const (
	serves    = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	certifies = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign
)

// blueprints are the templates, by name, without what may be added.
var blueprints = map[string]blueprint{
	"EndEntityCertificate":           {usage: serves, extended: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}},
	"EndEntityClientAuthCertificate": {usage: serves, extended: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
	"EndEntityServerAuthCertificate": {usage: serves, extended: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}},
	"CodeSigningCertificate":         {usage: x509.KeyUsageDigitalSignature, extended: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}},
	"OCSPSigningCertificate":         {usage: x509.KeyUsageDigitalSignature, extended: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}},
	"RootCACertificate":              {authority: true, depth: -1, usage: certifies},
	"BlankEndEntityCertificate":      {},
	"BlankRootCACertificate":         {authority: true, depth: -1},
}

const rootTemplate = "RootCACertificate"

// blueprintOf returns the template of an ARN, and its name without what may be
// added.
func blueprintOf(text string) (b blueprint, name string, err error) {
	none := api.InvalidArnException.Errorf("The template %s is not valid.", text)
	_, path, found := strings.Cut(text, ":acm-pca:::template/")
	path, version, ok := strings.Cut(path, "/")
	if !found || !ok || version != "V1" {
		return b, "", none
	}
	name, adds := path, ""
	for _, end := range []string{"_APICSRPassthrough", "_APIPassthrough", "_CSRPassthrough"} {
		if before, is := strings.CutSuffix(path, end); is {
			name, adds = before, end
		}
	}
	name = strings.TrimSuffix(name, "_CriticalBasicConstraints") // they are critical here anyway
	b, ok = blueprints[name]
	for _, kind := range []string{"SubordinateCACertificate_PathLen", "BlankSubordinateCACertificate_PathLen", "BlankRootCACertificate_PathLen"} {
		if digits, is := strings.CutPrefix(name, kind); is {
			n, err := strconv.Atoi(digits)
			if b, ok = (blueprint{authority: true, depth: n, usage: certifies}), err == nil && n >= 0 && n <= 3; strings.HasPrefix(name, "Blank") {
				b.usage = 0
			}
		}
	}
	b.csr, b.api = strings.Contains(adds, "CSR"), strings.Contains(adds, "API")
	if !ok {
		return b, name, none
	}
	return b, name, nil
}

var (
	usageID       = asn1.ObjectIdentifier{2, 5, 29, 15}
	constraintsID = asn1.ObjectIdentifier{2, 5, 29, 19}
	namesID       = asn1.ObjectIdentifier{2, 5, 29, 17}
	keyIDs        = []asn1.ObjectIdentifier{{2, 5, 29, 14}, {2, 5, 29, 35}} // of the subject, and of who signs

	// authorityExtension is what requests of authorities say: CA:TRUE.
	authorityExtension = pkix.Extension{Id: constraintsID, Critical: true, Value: []byte{0x30, 0x03, 0x01, 0x01, 0xff}}
)

// apply makes a certificate say what the template says of a request.
func (b *blueprint) apply(t *x509.Certificate, request *x509.CertificateRequest, with *api.ApiPassthrough) error {
	t.Subject, t.RawSubject = request.Subject, request.RawSubject
	t.BasicConstraintsValid, t.IsCA = true, b.authority
	if b.authority {
		t.MaxPathLen, t.MaxPathLenZero = b.depth, b.depth == 0
	}
	t.KeyUsage, t.ExtKeyUsage = b.usage, b.extended
	t.DNSNames, t.EmailAddresses, t.IPAddresses, t.URIs = request.DNSNames, request.EmailAddresses, request.IPAddresses, request.URIs
	if b.csr {
		for _, e := range request.Extensions {
			if e.Id.Equal(constraintsID) || e.Id.Equal(namesID) || slices.ContainsFunc(keyIDs, e.Id.Equal) || b.usage != 0 && e.Id.Equal(usageID) {
				continue // the template says that
			}
			t.ExtraExtensions = append(t.ExtraExtensions, e)
		}
	}
	if with == nil {
		return nil
	}
	if !b.api {
		return api.InvalidArgsException.Errorf("ApiPassthrough can be used with templates of API passthrough only.")
	}
	return b.pass(t, with)
}

// pass makes a certificate say what the caller says.
func (b *blueprint) pass(t *x509.Certificate, with *api.ApiPassthrough) (err error) {
	if with.Subject != nil {
		t.RawSubject = nil
		if t.Subject, err = subjectOf(with.Subject); err != nil {
			return err
		}
	}
	e := with.Extensions
	if e == nil {
		return nil
	}
	if e.SubjectAlternativeNames != nil {
		t.DNSNames, t.EmailAddresses, t.IPAddresses, t.URIs = nil, nil, nil, nil
		if err := addNames(t, e.SubjectAlternativeNames); err != nil {
			return err
		}
	}
	if e.KeyUsage != nil && b.usage == 0 {
		t.KeyUsage = keyUsage(e.KeyUsage)
	}
	if e.ExtendedKeyUsage != nil && b.extended == nil {
		if err := extend(t, e.ExtendedKeyUsage); err != nil {
			return err
		}
	}
	for _, p := range e.CertificatePolicies {
		if p.PolicyQualifiers != nil {
			return aws.NotImplemented.Errorf("Aloft does not answer acm-pca:IssueCertificate with PolicyQualifiers yet.")
		}
		id, err := x509.ParseOID(p.CertPolicyId)
		if err != nil {
			return api.InvalidArgsException.Errorf("The object identifier %s is not valid.", p.CertPolicyId)
		}
		t.Policies = append(t.Policies, id)
	}
	for _, c := range e.CustomExtensions {
		id, err := identifier(c.ObjectIdentifier)
		if err != nil {
			return err
		}
		value, err := base64.StdEncoding.DecodeString(c.Value)
		if err != nil {
			return api.InvalidArgsException.Errorf("The value of extension %s is not valid.", c.ObjectIdentifier)
		}
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: id, Critical: aws.Value(c.Critical), Value: value})
	}
	return nil
}

var extendedUsages = map[string]x509.ExtKeyUsage{
	api.ExtendedKeyUsageTypeServerAuth: x509.ExtKeyUsageServerAuth, api.ExtendedKeyUsageTypeClientAuth: x509.ExtKeyUsageClientAuth,
	api.ExtendedKeyUsageTypeCodeSigning: x509.ExtKeyUsageCodeSigning, api.ExtendedKeyUsageTypeEmailProtection: x509.ExtKeyUsageEmailProtection,
	api.ExtendedKeyUsageTypeTimeStamping: x509.ExtKeyUsageTimeStamping, api.ExtendedKeyUsageTypeOcspSigning: x509.ExtKeyUsageOCSPSigning,
}

// Usages that crypto/x509 has no names for.
var otherUsages = map[string]asn1.ObjectIdentifier{
	api.ExtendedKeyUsageTypeSmartCardLogin:          {1, 3, 6, 1, 4, 1, 311, 20, 2, 2},
	api.ExtendedKeyUsageTypeDocumentSigning:         {1, 3, 6, 1, 4, 1, 311, 10, 3, 12},
	api.ExtendedKeyUsageTypeCertificateTransparency: {1, 3, 6, 1, 4, 1, 11129, 2, 4, 4},
}

// extend has a certificate be for purposes.
func extend(t *x509.Certificate, all []api.ExtendedKeyUsage) error {
	for _, u := range all {
		kind := aws.Value(u.ExtendedKeyUsageType)
		if known, ok := extendedUsages[kind]; ok {
			t.ExtKeyUsage = append(t.ExtKeyUsage, known)
			continue
		}
		id := otherUsages[kind]
		if id == nil {
			var err error
			if id, err = identifier(aws.Value(u.ExtendedKeyUsageObjectIdentifier)); err != nil {
				return err
			}
		}
		t.UnknownExtKeyUsage = append(t.UnknownExtKeyUsage, id)
	}
	return nil
}

// keyUsage is what a key is for.
func keyUsage(u *api.KeyUsage) (all x509.KeyUsage) {
	for i, set := range []*bool{u.DigitalSignature, u.NonRepudiation, u.KeyEncipherment, u.DataEncipherment, u.KeyAgreement, u.KeyCertSign, u.CRLSign, u.EncipherOnly, u.DecipherOnly} {
		if aws.Value(set) {
			all |= 1 << i
		}
	}
	return all
}

// usageExtension is the extension that says what a key is for.
func usageExtension(usage x509.KeyUsage) (pkix.Extension, error) {
	bits := asn1.BitString{Bytes: make([]byte, 2)}
	for i := range 9 {
		if usage&(1<<i) != 0 {
			bits.Bytes[i/8] |= 0x80 >> (i % 8)
			bits.BitLength = i + 1
		}
	}
	bits.Bytes = bits.Bytes[:(bits.BitLength+7)/8]
	value, err := asn1.Marshal(bits)
	return pkix.Extension{Id: usageID, Critical: true, Value: value}, err
}
