package sam

import (
	"maps"
	"slices"
	"strings"
)

var graphQLSchema = newSchema(graphQLType, `Name Tags:m= XrayEnabled Auth!:m= SchemaInline:s= SchemaUri:s= Logging:mb= DataSources:m=
	Functions:m= Resolvers:m= ApiKeys:m= DomainName:m= Cache:m= Visibility OwnerContact IntrospectionConfig QueryDepthLimit
	ResolverCountLimit`)

// A graphQLAPI is an AWS::Serverless::GraphQLApi that is being expanded.
type graphQLAPI struct {
	*macro
	made      []*resource
	sources   map[string]any // names of data sources, by what the template calls them
	functions map[string]any // ids of functions
	none      *resource      // the data source that is none
}

// expandGraphQLAPI makes an API of AppSync and all that belongs to it.
func expandGraphQLAPI(m *macro) ([]*resource, error) {
	g := &graphQLAPI{macro: m, sources: make(map[string]any), functions: make(map[string]any)}
	for _, part := range []func() error{g.check, g.api, g.schema, g.settings, g.tables, g.lambdas, g.pipelineFunctions, g.resolvers} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	if g.none != nil {
		g.made = append(g.made, g.none)
	}
	return g.made, nil
}

// make adds a resource that belongs to the API.
func (g *graphQLAPI) make(kind, id string) *resource {
	r := newResource("AWS::AppSync::"+kind, g.id+id, g.attrs)
	r.dependsOn = g.dependsOn
	if id != "" && kind != "DomainName" {
		r.props["ApiId"] = getAtt(g.id, "ApiId")
	}
	g.made = append(g.made, r)
	return r
}

var (
	graphQLAuthTypes = []any{"AWS_IAM", "API_KEY", "AWS_LAMBDA", "OPENID_CONNECT", "AMAZON_COGNITO_USER_POOLS"}
	graphQLLogging   = []string{"CloudWatchLogsRoleArn", "ExcludeVerboseContent", "FieldLogLevel"}
)

func (g *graphQLAPI) check() error {
	auth := asObject(g.props["Auth"])
	if !slices.Contains(graphQLAuthTypes, auth["Type"]) {
		return badResource(g.id, "Property 'Auth.Type' is invalid.")
	}
	if v, has := auth["Additional"]; has && !isList(v) {
		return badResource(g.id, "Property 'Auth.Additional' is invalid.")
	}
	for _, key := range keys(asObject(g.props["Logging"])) {
		if !slices.Contains(graphQLLogging, key) {
			return badResource(g.id, "Property 'Logging.%s' is invalid.", key)
		}
	}
	return nil
}

func (g *graphQLAPI) api() error {
	r := g.make("GraphQLApi", "")
	r.props["Name"] = or(g.props["Name"], g.id)
	copyMembers(r.props, g.props, "XrayEnabled")
	for _, name := range []string{"Visibility", "OwnerContact", "IntrospectionConfig", "QueryDepthLimit", "ResolverCountLimit"} {
		if given(g.props[name]) {
			r.props[name] = g.props[name]
		}
	}
	tags := cloneObject(asObject(g.props["Tags"]))
	tags["graphqlapi:createdBy"] = "SAM"
	r.props["Tags"] = tagList(tags)
	if err := g.auth(r); err != nil {
		return err
	}
	if g.props["Logging"] == false {
		return nil
	}
	logging := object{"FieldLogLevel": "ALL"}
	for _, name := range graphQLLogging {
		if v := at(g.props["Logging"], name); given(v) {
			logging[name] = v
		}
	}
	if logging["CloudWatchLogsRoleArn"] == nil {
		role := newResource("AWS::IAM::Role", g.id+"CloudWatchRole", g.attrs)
		role.dependsOn = g.dependsOn
		role.props["AssumeRolePolicyDocument"] = assumeRole("appsync.amazonaws.com")
		role.props["ManagedPolicyArns"] = []any{sub("arn:${AWS::Partition}:iam::aws:policy/service-role/AWSAppSyncPushToCloudWatchLogs", nil)}
		g.made = append(g.made, role)
		logging["CloudWatchLogsRoleArn"] = role.arn()
	}
	r.props["LogConfig"] = logging
	return nil
}

// auth sets who may call the API, and lets it call the functions that decide.
func (g *graphQLAPI) auth(r *resource) error {
	auth := asObject(g.props["Auth"])
	name, how, err := g.authConfig(auth, true)
	if err != nil {
		return err
	}
	r.props["AuthenticationType"] = auth["Type"]
	var functions []any
	note := func(to object, name string, how object) {
		if name == "" {
			return
		}
		to[name] = how
		if name == "LambdaAuthorizerConfig" {
			functions = append(functions, how["AuthorizerUri"])
		}
	}
	note(r.props, name, how)
	var more []any
	for _, v := range asList(auth["Additional"]) {
		own := object{"AuthenticationType": at(v, "Type")}
		if name, how, err = g.authConfig(asObject(v), false); err != nil {
			return err
		}
		note(own, name, how)
		more = append(more, own)
	}
	if more != nil {
		r.props["AdditionalAuthenticationProviders"] = more
	}
	for i, function := range functions {
		made, err := g.connect(g.id+"ToLambdaAuthConnector"+itoa(i+1),
			&connectorEnd{typ: r.typ, values: object{"Arn": r.ref(), "ResourceId": getAtt(r.id, "ApiId")}},
			&connectorEnd{typ: "AWS::Lambda::Function", values: object{"Arn": function}}, "Write")
		if err != nil {
			return err
		}
		g.made = append(g.made, made...)
	}
	return nil
}

// authConfig returns how one way of authentication is set up.
func (g *graphQLAPI) authConfig(auth object, first bool) (name string, how object, err error) {
	configs := 0
	for key, v := range auth {
		if key != "Type" && key != "Additional" && v != nil {
			configs++
		}
	}
	if configs > 1 {
		return "", nil, badResource(g.id, "'Auth' has more than one authentication configuration defined.")
	}
	for _, c := range []struct{ typ, property, name string }{
		{"AWS_LAMBDA", "LambdaAuthorizer", "LambdaAuthorizerConfig"},
		{"OPENID_CONNECT", "OpenIDConnect", "OpenIDConnectConfig"},
		{"AMAZON_COGNITO_USER_POOLS", "UserPool", "UserPoolConfig"},
	} {
		if auth["Type"] != c.typ {
			continue
		}
		if auth[c.property] == nil {
			return "", nil, badResource(g.id, "'%s' must be defined if type is '%s'.", c.property, c.typ)
		}
		how = cloneObject(asObject(auth[c.property]))
		if !first {
			delete(how, "DefaultAction")
		}
		return c.name, how, nil
	}
	return "", nil, nil
}

func (g *graphQLAPI) schema() error {
	inline, uri := g.props["SchemaInline"], g.props["SchemaUri"]
	switch {
	case !given(inline) && !given(uri):
		return badResource(g.id, "One of 'SchemaInline' or 'SchemaUri' must be set.")
	case given(inline) && given(uri):
		return badResource(g.id, "Both 'SchemaInline' and 'SchemaUri' cannot be defined at the same time.")
	}
	r := g.make("GraphQLSchema", "Schema")
	put(r.props, "Definition", inline)
	put(r.props, "DefinitionS3Location", uri)
	return nil
}

// settings makes the keys, the cache and the domain of the API.
func (g *graphQLAPI) settings() error {
	apiKeys := asObject(g.props["ApiKeys"])
	for _, name := range keys(apiKeys) {
		r := g.make("ApiKey", name)
		copyMembers(r.props, asObject(apiKeys[name]), "ApiKeyId", "Description")
		put(r.props, "Expires", at(apiKeys[name], "ExpiresOn"))
	}
	if cache := asObject(g.props["Cache"]); len(cache) > 0 {
		maps.Copy(g.make("ApiCache", "ApiCache").props, cache)
	}
	if domain := asObject(g.props["DomainName"]); len(domain) > 0 {
		r := g.make("DomainName", "DomainName")
		maps.Copy(r.props, domain)
		g.make("DomainNameApiAssociation", "DomainNameApiAssociation").props["DomainName"] = r.ref()
	}
	return nil
}

// source makes a data source, and the role by which the API uses what it is.
func (g *graphQLAPI) source(name, kind string, spec object, connector string, destination *connectorEnd, asked ...string) (*resource, error) {
	r := g.make("DataSource", name+kind+"DataSource")
	r.props["Name"] = or(spec["Name"], name)
	put(r.props, "Description", spec["Description"])
	g.sources[name] = getAtt(r.id, "Name")
	if given(spec["ServiceRoleArn"]) {
		r.props["ServiceRoleArn"] = spec["ServiceRoleArn"]
		return r, nil
	}
	role := newResource("AWS::IAM::Role", r.id+"Role", g.attrs)
	role.dependsOn = g.dependsOn
	role.props["AssumeRolePolicyDocument"] = assumeRole("appsync.amazonaws.com")
	r.props["ServiceRoleArn"] = role.arn()
	from := &connectorEnd{typ: "AWS::AppSync::DataSource", values: object{"Arn": getAtt(r.id, "DataSourceArn"), "RoleName": role.ref()}}
	made, err := g.connect(r.id+connector, from, destination, asked...)
	g.made = append(append(g.made, role), made...)
	return r, err
}

func (g *graphQLAPI) tables() error {
	tables := asObject(at(g.props["DataSources"], "DynamoDb"))
	for _, name := range keys(tables) {
		spec := asObject(tables[name])
		region := or(spec["Region"], ref("AWS::Region"))
		arn := spec["TableArn"]
		if !given(arn) {
			arn = sub("arn:${AWS::Partition}:dynamodb:${__Region__}:${AWS::AccountId}:table/${__TableName__}",
				object{"__Region__": region, "__TableName__": spec["TableName"]})
		}
		asked := []string{"Read", "Write"}
		if list := asList(spec["Permissions"]); len(list) > 0 {
			asked = nil
			for _, v := range list {
				asked = append(asked, asString(v))
			}
		}
		r, err := g.source(name, "DynamoDB", spec, "ToTableConnector", &connectorEnd{typ: "AWS::DynamoDB::Table", values: object{"Arn": arn}}, asked...)
		if err != nil {
			return err
		}
		config := object{"AwsRegion": region, "TableName": spec["TableName"]}
		for property, from := range map[string]string{"UseCallerCredentials": "UseCallerCredentials", "Versioned": "Versioned", "DeltaSyncConfig": "DeltaSync"} {
			if given(spec[from]) {
				config[property] = spec[from]
			}
		}
		r.props["Type"], r.props["DynamoDBConfig"] = "AMAZON_DYNAMODB", config
	}
	return nil
}

func (g *graphQLAPI) lambdas() error {
	lambdas := asObject(at(g.props["DataSources"], "Lambda"))
	for _, name := range keys(lambdas) {
		spec := asObject(lambdas[name])
		function := &connectorEnd{typ: "AWS::Lambda::Function", values: object{"Arn": spec["FunctionArn"]}}
		r, err := g.source(name, "Lambda", spec, "ToLambdaConnector", function, "Write")
		if err != nil {
			return err
		}
		r.props["Type"], r.props["LambdaConfig"] = "AWS_LAMBDA", object{"LambdaFunctionArn": spec["FunctionArn"]}
	}
	return nil
}

// dataSource returns the name of the data source that a function uses.
func (g *graphQLAPI) dataSource(function string, v any) (any, error) {
	name, ok := v.(string)
	switch {
	case !given(v):
		return nil, badResource(function, "'DataSource' must be set.")
	case !ok:
		return v, nil
	case strings.EqualFold(name, "none"):
		if g.none == nil {
			g.none = newResource("AWS::AppSync::DataSource", g.id+"NoneDataSource", g.attrs)
			g.none.dependsOn = g.dependsOn
			g.none.props = object{"ApiId": getAtt(g.id, "ApiId"), "Name": g.none.id, "Type": "NONE"}
		}
		return getAtt(g.none.id, "Name"), nil
	case g.sources[name] == nil:
		return nil, badResource(function, "Either define DataSource '%s' in 'DataSources' or use intrinsic function like GetAtt, ImportValue, Sub or another one to reference a DataSource defined outside of this GraphQLApi resource.", name)
	}
	return g.sources[name], nil
}

// setCode sets the code of a function or a resolver, and what runs it.
func setCode(r *resource, name string, spec object) error {
	if given(spec["InlineCode"]) && given(spec["CodeUri"]) {
		return badResource(name, "Both 'InlineCode' and 'CodeUri' cannot be defined at the same time.")
	}
	put(r.props, "Code", spec["InlineCode"])
	put(r.props, "CodeS3Location", spec["CodeUri"])
	return nil
}

func setRuntime(r *resource, name string, spec object) error {
	if !given(spec["Runtime"]) {
		return badResource(name, "'Runtime' must be defined as a property in %s.", name)
	}
	r.props["Runtime"] = object{"Name": at(spec["Runtime"], "Name"), "RuntimeVersion": at(spec["Runtime"], "Version")}
	return nil
}

func (g *graphQLAPI) pipelineFunctions() error {
	functions := asObject(g.props["Functions"])
	for _, name := range keys(functions) {
		spec := asObject(functions[name])
		if given(spec["Id"]) {
			if len(spec) != 1 {
				return badResource(name, "'Id' cannot be defined with other properties in Function.")
			}
			g.functions[name] = spec["Id"]
			continue
		}
		r := g.make("FunctionConfiguration", name)
		r.props["Name"] = or(spec["Name"], name)
		if err := setCode(r, name, spec); err != nil {
			return err
		}
		if !given(spec["InlineCode"]) && !given(spec["CodeUri"]) {
			return badResource(name, "One of 'InlineCode' or 'CodeUri' must be set.")
		}
		source, err := g.dataSource(name, spec["DataSource"])
		if err != nil {
			return err
		}
		r.props["DataSourceName"] = source
		copyMembers(r.props, spec, "MaxBatchSize", "Description")
		if err := setRuntime(r, name, spec); err != nil {
			return err
		}
		put(r.props, "SyncConfig", spec["Sync"])
		g.functions[name] = getAtt(r.id, "FunctionId")
	}
	return nil
}

// passOn is the code of resolvers that have none: they return what the last
// function of their pipeline did.
const passOn = "\nexport function request(ctx) {\n    return {};\n}\n\nexport function response(ctx) {\n    return ctx.prev.result;\n}\n"

func (g *graphQLAPI) resolvers() error {
	types := asObject(g.props["Resolvers"])
	for _, typ := range keys(types) {
		for _, name := range keys(asObject(types[typ])) {
			if err := g.resolver(typ, name, asObject(asObject(types[typ])[name])); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *graphQLAPI) resolver(typ, name string, spec object) error {
	r := g.make("Resolver", typ+name)
	r.dependsOn = []any{g.id + "Schema"}
	if err := setCode(r, name, spec); err != nil {
		return err
	}
	if !given(spec["InlineCode"]) && !given(spec["CodeUri"]) {
		r.props["Code"], r.props["Runtime"] = passOn, object{"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
	} else if err := setRuntime(r, name, spec); err != nil {
		return err
	}
	pipeline := asList(spec["Pipeline"])
	if len(pipeline) == 0 {
		return badResource(name, "Resolver '%s' must have Pipeline defined. Unit resolvers are not supported. If you need a Unit resolver you can use AppSync resource.", name)
	}
	var functions []any
	for _, v := range pipeline {
		id := g.functions[asString(v)]
		if id == nil {
			return badResource(name, "Function '%s' does not exist.", shown(v))
		}
		functions = append(functions, id)
	}
	r.props["FieldName"], r.props["TypeName"], r.props["Kind"] = or(spec["FieldName"], name), typ, "PIPELINE"
	r.props["PipelineConfig"] = object{"Functions": functions}
	put(r.props, "CachingConfig", spec["Caching"])
	if given(spec["MaxBatchSize"]) {
		r.props["MaxBatchSize"] = spec["MaxBatchSize"]
	}
	return nil
}
