package sam

import (
	"regexp"
	"slices"
	"strings"
)

var notBasePath = regexp.MustCompile(`[^0-9a-zA-Z/\-_]+`)

// domain makes the custom domain of an HTTP or WebSocket API: the name, the
// mappings of its paths, and records of the zone it is in. The domain has a
// tag of that name, unless the API has no definition of ours.
func (m *macro) domain(tag string, body object) ([]*resource, error) {
	config := asObject(m.props["Domain"])
	if m.props["Domain"] == nil {
		return nil, nil
	}
	if config["DomainName"] == nil || config["CertificateArn"] == nil {
		return nil, badResource(m.id, "Custom Domains only works if both DomainName and CertificateArn are provided.")
	}
	name := newResource("AWS::ApiGatewayV2::DomainName", "ApiGatewayDomainNameV2"+hashOf(config["DomainName"]), m.passed())
	name.props["DomainName"] = config["DomainName"]
	if tag != "" {
		name.props["Tags"] = object{tag: "SAM"}
	}
	endpoint := config["EndpointConfiguration"]
	if endpoint == nil {
		endpoint = "REGIONAL"
	}
	if endpoint != "REGIONAL" {
		return nil, badResource(m.id, "EndpointConfiguration for Custom Domains must be one of ['REGIONAL'].")
	}
	how := object{"CertificateArn": config["CertificateArn"], "EndpointType": endpoint}
	for _, key := range []string{"OwnershipVerificationCertificateArn", "SecurityPolicy"} {
		if given(config[key]) {
			how[key] = config[key]
		}
	}
	name.props["DomainNameConfigurations"] = []any{how}
	if err := mutualTLS(config, name, m.id, "MutualTlsAuthentication"); err != nil {
		return nil, err
	}
	mappings, err := m.mappings(config, name)
	if err != nil {
		return nil, err
	}
	made := append([]*resource{name}, mappings...)
	group, err := m.recordSetGroup(config, name.id, func(route object) object {
		return object{"HostedZoneId": getAtt(name.id, "RegionalHostedZoneId"), "DNSName": getAtt(name.id, "RegionalDomainName")}
	})
	if err != nil || group == nil {
		return made, err
	}
	return append(made, group), nil
}

// mutualTLS sets where the certificates of clients are looked up.
func mutualTLS(config object, name *resource, id, property string) error {
	v := config["MutualTlsAuthentication"]
	if !given(v) {
		return nil
	}
	fields := []string{"TruststoreUri", "TruststoreVersion"}
	tls, ok := v.(object)
	if !ok {
		if property != "MutualTlsAuthentication" {
			return wantResource(id, property, v, aMap)
		}
		return badResource(id, "MutualTlsAuthentication must be a map with at least one of the following fields %s.", quoted(fields))
	}
	var extra []string
	for _, key := range keys(tls) {
		if !slices.Contains(fields, key) {
			extra = append(extra, key)
		}
	}
	if extra != nil {
		if property == "MutualTlsAuthentication" {
			id = strings.Join(extra, ",")
		}
		return badResource(id, "Available %s fields are %s.", property, quoted(fields))
	}
	out := object{}
	for _, key := range fields {
		if given(tls[key]) {
			out[key] = tls[key]
		}
	}
	name.props["MutualTlsAuthentication"] = out
	return nil
}

// basePaths returns the paths of a domain under which the API is; nil is its root.
func basePaths(config object) []any {
	switch v := config["BasePath"].(type) {
	case string:
		if v != "" {
			return []any{v}
		}
	case []any:
		if len(v) > 0 {
			return v
		}
	}
	return nil
}

func (m *macro) mappings(config object, name *resource) ([]*resource, error) {
	mapping := func(id string) *resource {
		r := newResource("AWS::ApiGatewayV2::ApiMapping", id, m.passed())
		r.props["DomainName"] = ref(name.id)
		r.props["ApiId"] = ref(m.id)
		r.props["Stage"] = ref(m.id + ".Stage")
		return r
	}
	paths := basePaths(config)
	if paths == nil {
		return []*resource{mapping(m.id + "ApiMapping")}, nil
	}
	var made []*resource
	for _, v := range paths {
		path, ok := v.(string)
		if !ok {
			return nil, badResource(m.id, "Basepath must be a string.")
		}
		if notBasePath.MatchString(path) {
			return nil, badResource(m.id, "Invalid Basepath name provided.")
		}
		r := mapping(m.id + strings.NewReplacer("-", "", "_", "", "/", "").Replace(path) + "ApiMapping")
		r.props["ApiMappingKey"] = strings.Trim(path, "/")
		made = append(made, r)
	}
	return made, nil
}

// recordSetGroup adds the records of a domain to the group of its zone, which
// several APIs share. target is what the records are aliases of.
func (m *macro) recordSetGroup(config object, domain string, target func(route object) object) (*resource, error) {
	if config["Route53"] == nil {
		return nil, nil
	}
	if err := wantResource(m.id, "Domain.Route53", config["Route53"], aMap); err != nil {
		return nil, err
	}
	route := asObject(config["Route53"])
	zone := route["HostedZoneId"]
	if route["HostedZoneId"] == nil && route["HostedZoneName"] == nil {
		return nil, badResource(m.id, "HostedZoneId or HostedZoneName is required to enable Route53 support on Custom Domains.")
	}
	if !given(zone) {
		zone = route["HostedZoneName"]
	}
	alone := given(route["SeparateRecordSetGroup"])
	if alone && !isBool(route["SeparateRecordSetGroup"]) {
		return nil, wantResource(m.id, "Domain.Route53.SeparateRecordSetGroup", route["SeparateRecordSetGroup"], aBoolean)
	}
	id := "RecordSetGroup" + hashOf(zone)
	if alone {
		id = "RecordSetGroup" + hashOf([]any{zone, config["DomainName"]})
	}
	group := m.t.recordSets[id]
	if group == nil || alone {
		group = newResource("AWS::Route53::RecordSetGroup", id, m.passed())
		copyMembers(group.props, route, "HostedZoneId", "HostedZoneName")
		if !alone {
			m.t.recordSets[id] = group
		}
	}
	sets := asList(group.props["RecordSets"])
	types := []string{"A"}
	if route["IpV6"] == true {
		types = append(types, "AAAA")
	}
	for _, typ := range types {
		alias := target(route)
		put(alias, "EvaluateTargetHealth", route["EvaluateTargetHealth"])
		set := object{"Name": config["DomainName"], "Type": typ, "AliasTarget": alias}
		copyMembers(set, route, "Region", "SetIdentifier")
		sets = append(sets, set)
	}
	group.props["RecordSets"] = sets
	return group, nil
}
