package sam

import (
	"slices"
	"strings"
)

func (e *event) checkFilter() error {
	criteria := asObject(e.props["FilterCriteria"])
	if len(criteria) == 0 || isCall(criteria) {
		return nil
	}
	if _, has := criteria["Filters"]; !has || len(criteria) > 1 {
		return badEvent(e.name, "FilterCriteria field has a wrong format")
	}
	return nil
}

// basicAuth returns the secret by which Lambda signs in at a source.
func (e *event) basicAuth(types []string) (any, error) {
	const wanted = "BASIC_AUTH"
	v := e.props["SourceAccessConfigurations"]
	if !given(v) {
		return nil, badEvent(e.name, "No SourceAccessConfigurations for Amazon %s event provided.", e.typ)
	}
	if !isList(v) {
		return nil, badEvent(e.name, "Provided SourceAccessConfigurations cannot be parsed into a list.")
	}
	var secret any
	for i, element := range asList(v) {
		path := "SourceAccessConfigurations[" + itoa(i) + "]"
		if err := wantEvent(e.name, path, element, aMap); err != nil {
			return nil, err
		}
		c := asObject(element)
		if err := wantEvent(e.name, path+".Type", c["Type"], aString); err != nil {
			return nil, err
		}
		if !slices.Contains(types, c["Type"].(string)) {
			return nil, badEvent(e.name, "Invalid property Type specified in SourceAccessConfigurations. The supported values are: %s.", quoted(types))
		}
		if c["Type"] != wanted {
			continue
		}
		if given(secret) {
			return nil, badEvent(e.name, "Multiple %s properties specified in SourceAccessConfigurations.", wanted)
		}
		if secret = c["URI"]; !given(secret) {
			return nil, badEvent(e.name, "No %s URI property specified in SourceAccessConfigurations.", wanted)
		}
	}
	if !given(secret) {
		return nil, badEvent(e.name, "No %s property specified in SourceAccessConfigurations.", wanted)
	}
	return secret, nil
}

// Ways in which Lambda may sign in at a Kafka of one's own, those of them that
// need no secret, and what else may be said of OAuth.
var (
	kafkaAuth     = []string{"SASL_SCRAM_256_AUTH", "SASL_SCRAM_512_AUTH", "BASIC_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "OAUTHBEARER_AUTH", "IAM_AUTH", "IAM_OAUTHBEARER_AUTH"}
	kafkaNoSecret = []string{"IAM_AUTH", "IAM_OAUTHBEARER_AUTH"}
	kafkaOAuth    = []string{"OAUTHBEARER_SCOPE", "OAUTHBEARER_AUDIENCE", "OAUTHBEARER_LOGICAL_CLUSTER", "OAUTHBEARER_IDENTITY_POOL"}
)

func (e *event) selfManagedStatements() ([]any, error) {
	for _, c := range []struct{ property, reason string }{
		{"KafkaBootstrapServers", "No KafkaBootstrapServers provided for self managed kafka as an event source"},
		{"Topics", "No Topics provided for self managed kafka as an event source"},
	} {
		if !given(e.props[c.property]) {
			return nil, badEvent(e.name, "%s", c.reason)
		}
	}
	if len(asList(e.props["Topics"])) != 1 {
		return nil, badEvent(e.name, "Topics for self managed kafka only supports single configuration entry.")
	}
	if !given(e.props["SourceAccessConfigurations"]) {
		return nil, badEvent(e.name, "No SourceAccessConfigurations for self managed kafka event provided.")
	}
	access, err := e.kafkaAccess()
	if err != nil {
		return nil, err
	}
	var list []any
	for _, secret := range []any{access.secret, access.certificate} {
		if given(secret) {
			list = append(list, mayReadSecret(secret))
		}
	}
	if access.network {
		list = append(list, clone(networkStatement))
	}
	key, err := e.decryptStatement()
	if err != nil {
		return nil, err
	}
	registry, err := e.registryStatements()
	return append(append(list, key...), registry...), err
}

// kafkaAccess is what SourceAccessConfigurations say.
type kafkaAccess struct {
	secret, certificate any
	network             bool
}

func (e *event) kafkaAccess() (kafkaAccess, error) {
	var a kafkaAccess
	var subnet, group, signsIn bool
	bad := func(reason string) (kafkaAccess, error) { return a, badEvent(e.name, "%s", reason) }
	if !isList(e.props["SourceAccessConfigurations"]) {
		return bad("SourceAccessConfigurations for self managed kafka event should be a list.")
	}
	for _, element := range asList(e.props["SourceAccessConfigurations"]) {
		if err := wantResource(e.name, "SourceAccessConfigurations", element, aMap); err != nil {
			return a, err
		}
		uri := asObject(element)["URI"]
		typ, _ := asObject(element)["Type"].(string)
		what := typ
		switch {
		case typ == "VPC_SUBNET":
			subnet = true
		case typ == "VPC_SECURITY_GROUP":
			group = true
		case slices.Contains(kafkaAuth, typ):
			if signsIn {
				return bad("Multiple auth mechanism properties specified in SourceAccessConfigurations for self managed kafka event.")
			}
			signsIn = true
			if slices.Contains(kafkaNoSecret, typ) {
				continue
			}
			a.secret, what = uri, "auth mechanism"
		case typ == "SERVER_ROOT_CA_CERTIFICATE":
			a.certificate = uri
		case slices.Contains(kafkaOAuth, typ):
		default:
			return bad("Invalid SourceAccessConfigurations Type provided for self managed kafka event.")
		}
		if !given(uri) {
			return bad("No " + what + " URI property specified in SourceAccessConfigurations for self managed kafka event.")
		}
		if !isString(uri) && !isCall(uri) {
			return bad("Wrong Type for " + what + " URI property specified in SourceAccessConfigurations for self managed kafka event.")
		}
	}
	if subnet != group {
		return bad("VPC_SUBNET and VPC_SECURITY_GROUP in SourceAccessConfigurations for SelfManagedKafka must be both provided.")
	}
	a.network = subnet
	return a, nil
}

// registryStatements allow to read the registry of schemas that is named.
func (e *event) registryStatements() ([]any, error) {
	config := asObject(e.props["SchemaRegistryConfig"])
	if len(config) == 0 {
		return nil, nil
	}
	if err := e.checkRegistry(config); err != nil {
		return nil, err
	}
	var list []any
	for _, v := range asList(config["AccessConfigs"]) {
		list = append(list, mayReadSecret(asObject(v)["URI"]))
	}
	uri := config["SchemaRegistryURI"]
	text, _ := uri.(string)
	if m, ok := uri.(object); ok {
		v, err := e.t.params.resolve(clone(m))
		if err != nil {
			return nil, err
		}
		text, _ = asObject(v)["Fn::Sub"].(string)
	}
	parts := strings.Split(text, ":")
	if !strings.HasPrefix(text, "arn") || len(parts) < 6 {
		return list, nil
	}
	name, ok := strings.CutPrefix(parts[5], "registry/")
	if !ok {
		return list, nil
	}
	return append(list,
		object{"Action": []any{"glue:GetRegistry"}, "Effect": "Allow", "Resource": uri},
		object{"Action": []any{"glue:GetSchemaVersion"}, "Effect": "Allow", "Resource": []any{
			sub("arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:schema/"+name+"/*", nil),
		}},
	), nil
}

func (e *event) checkRegistry(config object) error {
	for _, field := range []string{"SchemaRegistryURI", "EventRecordFormat", "SchemaValidationConfigs"} {
		if _, has := config[field]; !has {
			return badEvent(e.name, "Missing required field %s in SchemaRegistryConfig", field)
		}
	}
	if format := config["EventRecordFormat"]; format != "JSON" && format != "SOURCE" {
		return badEvent(e.name, "EventRecordFormat in SchemaRegistryConfig must be either 'JSON' or 'SOURCE'")
	}
	if !isList(config["SchemaValidationConfigs"]) {
		return badEvent(e.name, "SchemaValidationConfigs must be a list")
	}
	access := config["AccessConfigs"]
	if given(access) && !isList(access) {
		return badEvent(e.name, "AccessConfigs in SchemaRegistryConfig must be a list")
	}
	for _, v := range asList(access) {
		c := asObject(v)
		_, hasType := c["Type"]
		_, hasURI := c["URI"]
		if !hasType || !hasURI {
			return badEvent(e.name, "Each AccessConfig must be a dict with 'Type' and 'URI' fields")
		}
	}
	return nil
}
