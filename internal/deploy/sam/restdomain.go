package sam

import (
	"slices"
	"strings"
)

// restDomain makes the custom domain of a REST API: the name, the mappings of
// its paths, and records of the zone it is in.
func (a *restAPI) restDomain() ([]*resource, error) {
	v := a.props["Domain"]
	if v == nil {
		return nil, nil
	}
	if err := wantResource(a.id, "Domain", v, aMap); err != nil {
		return nil, err
	}
	config := asObject(v)
	for _, name := range []string{"DomainName", "CertificateArn"} {
		if config[name] == nil {
			return nil, badResource(a.id, "Property 'Domain.%s' is required.", name)
		}
	}
	private := config["EndpointConfiguration"] == "PRIVATE"
	name, err := a.domainName(config, private)
	if err != nil {
		return nil, err
	}
	mappings, err := a.basePathMappings(config, name, private)
	if err != nil {
		return nil, err
	}
	made := append([]*resource{name}, mappings...)
	group, err := a.recordSetGroup(config, name.id, func(route object) object { return aliasTarget(config, route, name) })
	if err != nil {
		return nil, err
	}
	if group != nil {
		made = append(made, group)
	}
	access := config["AccessAssociation"]
	if !private || access == nil {
		return made, nil
	}
	if err := wantResource(a.id, "Domain.AccessAssociation", access, aMap); err != nil {
		return nil, err
	}
	endpoint := asObject(access)["VpcEndpointId"]
	r := newResource("AWS::ApiGateway::DomainNameAccessAssociation", "DomainNameAccessAssociation"+hashOf([]any{endpoint, name.id}), a.passed())
	r.props["DomainNameArn"] = name.ref()
	r.props["AccessAssociationSourceType"] = "VPCE"
	put(r.props, "AccessAssociationSource", endpoint)
	return append(made, r), nil
}

func (a *restAPI) domainName(config object, private bool) (*resource, error) {
	typ, prefix := "AWS::ApiGateway::DomainName", "ApiGatewayDomainName"
	if private {
		typ, prefix = "AWS::ApiGateway::DomainNameV2", "ApiGatewayDomainNameV2"
	}
	r := newResource(typ, prefix+hashOf(config["DomainName"]), a.passed())
	r.props["DomainName"] = config["DomainName"]
	kinds := []string{"EDGE", "REGIONAL", "PRIVATE"}
	endpoint, ok := or(config["EndpointConfiguration"], "REGIONAL").(string)
	if !ok || !slices.Contains(kinds, endpoint) {
		return nil, badResource(a.id, "EndpointConfiguration for Custom Domains must be one of %s.", quoted(kinds))
	}
	if endpoint == "REGIONAL" {
		r.props["RegionalCertificateArn"] = config["CertificateArn"]
	} else {
		r.props["CertificateArn"] = config["CertificateArn"]
	}
	how := object{"Types": []any{endpoint}}
	if given(config["IpAddressType"]) {
		how["IpAddressType"] = config["IpAddressType"]
	}
	r.props["EndpointConfiguration"] = how
	for _, name := range []string{"SecurityPolicy", "EndpointAccessMode", "Policy", "OwnershipVerificationCertificateArn"} {
		if given(config[name]) {
			r.props[name] = config[name]
		}
	}
	if private {
		return r, nil
	}
	return r, mutualTLS(config, r, a.id, "Domain.MutualTlsAuthentication")
}

func (a *restAPI) basePathMappings(config object, name *resource, private bool) ([]*resource, error) {
	mapping := func(id string) *resource {
		r := newResource("AWS::ApiGateway::BasePathMapping", id, a.passed())
		r.props["DomainName"] = name.ref()
		if private {
			r = newResource("AWS::ApiGateway::BasePathMappingV2", id, a.passed())
			r.props["DomainNameArn"] = name.ref()
		}
		r.props["RestApiId"] = ref(a.id)
		r.props["Stage"] = ref(a.id + ".Stage")
		return r
	}
	paths := basePaths(config)
	if paths == nil {
		return []*resource{mapping(a.id + "BasePathMapping")}, nil
	}
	var made []*resource
	for i, v := range paths {
		if err := wantResource(a.id, "Domain.BasePath["+itoa(i)+"]", v, aString); err != nil {
			return nil, err
		}
		path := strings.Map(func(c rune) rune {
			if alphanumeric.MatchString(string(c)) {
				return c
			}
			return -1
		}, v.(string))
		r := mapping(a.id + path + "BasePathMapping")
		r.props["BasePath"] = path
		if !given(or(config["NormalizeBasePath"], true)) {
			r.props["BasePath"] = v
		}
		made = append(made, r)
	}
	return made, nil
}

// aliasTarget is what the records of a domain of a REST API point to.
func aliasTarget(config, route object, name *resource) object {
	switch config["EndpointConfiguration"] {
	case nil, "REGIONAL":
		return object{"HostedZoneId": getAtt(name.id, "RegionalHostedZoneId"), "DNSName": getAtt(name.id, "RegionalDomainName")}
	case "EDGE":
		const zone = "Z2FDTNDATAQYW2" // of CloudFront, whatever the domain
		return object{"HostedZoneId": zone, "DNSName": or(route["DistributionDomainName"], getAtt(name.id, "DistributionDomainName"))}
	}
	return object{"HostedZoneId": route["VpcEndpointHostedZoneId"], "DNSName": route["VpcEndpointDomainName"]}
}
