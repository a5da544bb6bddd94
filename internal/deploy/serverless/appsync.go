package serverless

import (
	"path"
	"strings"
)

// graphQL adds the API of the plugin serverless-appsync-plugin: as its second
// version writes it, at the top, or as its first does, in custom. Logical ids are
// the plugin's own.
func (b *builder) graphQL() error {
	if config := asObject(b.s.root["appSync"]); config != nil {
		g := &graphQL{b: b, path: []string{"appSync"}, config: config, templates: "."}
		return g.build()
	}
	apis := list(at(b.s.root, "custom", "appSync"))
	if len(apis) == 0 {
		return nil
	}
	config := asObject(apis[0])
	if config == nil || len(apis) > 1 {
		return b.s.errorAt([]string{"custom", "appSync"}, "want one API")
	}
	g := &graphQL{b: b, path: []string{"custom", "appSync"}, config: config, first: true}
	g.templates = text(first(config["mappingTemplatesLocation"], "mapping-templates"))
	return g.build()
}

// A graphQL is an API that is being written.
type graphQL struct {
	b         *builder
	path      []string
	config    object
	first     bool   // version 1 of the plugin
	templates string // directory of templates
}

const graphQLID = "GraphQlApi"

// unknownGraphQL are members that make something which is not made here.
var unknownGraphQL = []string{"domain", "waf", "caching", "log", "apiId", "wafConfig", "apiCaching", "schemaPath"}

func (g *graphQL) build() error {
	for _, key := range unknownGraphQL {
		if g.config[key] != nil {
			return g.b.s.errorAt(in(g.path, key), "Aloft does not do what the plugin serverless-appsync-plugin makes of it")
		}
	}
	if err := g.api(); err != nil {
		return err
	}
	if err := g.schema(); err != nil {
		return err
	}
	for _, step := range []func() error{g.dataSources, g.functions, g.resolvers} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func apiID() object { return getAtt(graphQLID, "ApiId") }

// named yields the members of a section that is a map, or a list of maps.
func named(v any) []object {
	var all []object
	for _, m := range list(v) {
		o := asObject(m)
		for _, name := range keys(o) {
			all = append(all, object{"key": name, "value": o[name]})
		}
	}
	return all
}

func (g *graphQL) api() error {
	c := g.config
	props := object{"Name": first(c["name"], g.b.s.Name+"-"+g.b.s.Stage)}
	auth := object{"type": c["authenticationType"], "config": first(c["userPoolConfig"], c["openIdConnectConfig"], c["lambdaAuthorizerConfig"])}
	if !g.first {
		auth = asObject(c["authentication"])
	}
	kinds := make(map[string]bool)
	if err := g.door(props, auth, true); err != nil {
		return err
	}
	kinds[text(props["AuthenticationType"])] = true
	var more []any
	for _, one := range list(first(c["additionalAuthentications"], c["additionalAuthenticationProviders"])) {
		o, p := asObject(one), object{}
		if g.first {
			o = object{"type": o["authenticationType"], "config": first(o["userPoolConfig"], o["openIdConnectConfig"], o["lambdaAuthorizerConfig"])}
		}
		if err := g.door(p, o, false); err != nil {
			return err
		}
		kinds[text(p["AuthenticationType"])] = true
		more = append(more, p)
	}
	if more != nil {
		props["AdditionalAuthenticationProviders"] = more
	}
	put(props, "XrayEnabled", first(c["xrayEnabled"], c["xRay"]))
	if c["introspection"] == false {
		props["IntrospectionConfig"] = "DISABLED"
	}
	put(props, "QueryDepthLimit", c["queryDepthLimit"])
	put(props, "ResolverCountLimit", c["resolverCountLimit"])
	if env := asObject(c["environment"]); env != nil {
		props["EnvironmentVariables"] = env
	}
	if tags := asObject(c["tags"]); len(tags) > 0 {
		props["Tags"] = tagList(tags)
	}
	if c["logging"] != nil || c["logConfig"] != nil {
		g.b.s.note(g.path, "what the API does is not logged")
	}
	g.b.add(graphQLID, "AWS::AppSync::GraphQLApi", props)
	g.b.output("GraphQlApiId", "", apiID())
	g.b.output("GraphQlApiUrl", "", getAtt(graphQLID, "GraphQLUrl"))
	if kinds["API_KEY"] {
		g.keys()
	}
	return nil
}

// keys adds those of an API, one if it names none.
func (g *graphQL) keys() {
	given := list(g.config["apiKeys"])
	if len(given) == 0 {
		given = []any{"Default"}
	}
	for _, one := range given {
		name, props := text(one), object{"ApiId": apiID()}
		if o := asObject(one); o != nil {
			name = text(o["name"])
			put(props, "Description", o["description"])
		}
		id := "GraphQlApi" + logical(name)
		if g.first && name == "Default" {
			id = "GraphQlApiKeyDefault"
		}
		g.b.add(id, "AWS::AppSync::ApiKey", props)
		g.b.output(id, "", getAtt(id, "ApiKey"))
	}
}

// door writes a way to be known to the API.
func (g *graphQL) door(props, auth object, own bool) error {
	kind, c := text(auth["type"]), asObject(auth["config"])
	props["AuthenticationType"] = kind
	switch kind {
	case "API_KEY", "AWS_IAM":
	case "AMAZON_COGNITO_USER_POOLS":
		pool := object{"UserPoolId": c["userPoolId"], "AwsRegion": first(c["awsRegion"], ref("AWS::Region"))}
		put(pool, "AppIdClientRegex", c["appIdClientRegex"])
		if own {
			pool["DefaultAction"] = first(c["defaultAction"], "ALLOW")
		}
		props["UserPoolConfig"] = pool
	case "OPENID_CONNECT":
		oidc := object{"Issuer": c["issuer"]}
		put(oidc, "ClientId", c["clientId"])
		put(oidc, "IatTTL", first(c["iatTTL"]))
		put(oidc, "AuthTTL", first(c["authTTL"]))
		props["OpenIDConnectConfig"] = oidc
	case "AWS_LAMBDA":
		arn, name := g.functionOf(c)
		if arn == nil {
			return g.b.s.errorAt(g.path, "the authorizer names no function")
		}
		lambda := object{"AuthorizerUri": first(c["authorizerUri"], arn)}
		put(lambda, "AuthorizerResultTtlInSeconds", first(c["authorizerResultTtlInSeconds"]))
		put(lambda, "IdentityValidationExpression", c["identityValidationExpression"])
		props["LambdaAuthorizerConfig"] = lambda
		g.b.add("GraphQlApi"+logical(name)+"LambdaAuthorizerPermission", "AWS::Lambda::Permission",
			object{"Action": "lambda:InvokeFunction", "FunctionName": arn, "Principal": "appsync.amazonaws.com", "SourceArn": ref(graphQLID)})
	default:
		return g.b.s.errorAt(g.path, "%q is no authentication of APIs", kind)
	}
	return nil
}

// functionOf is the ARN of the function that a configuration names.
func (g *graphQL) functionOf(c object) (arn any, name string) {
	if key := text(c["functionName"]); key != "" {
		for _, f := range g.b.s.functions {
			if f.key == key {
				return f.target(), key
			}
		}
	}
	arn = first(c["lambdaFunctionArn"], c["functionArn"], c["authorizerUri"])
	return arn, "Function"
}

// read is the text of a file of the application.
func (g *graphQL) read(at []string, name string) (string, error) {
	body, err := g.b.s.read(path.Clean(name))
	if err != nil {
		return "", g.b.s.errorAt(at, "%s", err)
	}
	return string(body), nil
}

func (g *graphQL) schema() error {
	names := texts(first(g.config["schema"], "schema.graphql"))
	var parts []string
	for _, name := range names {
		if strings.ContainsAny(name, "*?[") {
			return g.b.s.errorAt(in(g.path, "schema"), "Aloft takes names of files of schemas, and no patterns")
		}
		body, err := g.read(in(g.path, "schema"), name)
		if err != nil {
			return err
		}
		parts = append(parts, body)
	}
	g.b.add("GraphQlSchema", "AWS::AppSync::GraphQLSchema", object{"ApiId": apiID(), "Definition": strings.Join(parts, "\n")})
	return nil
}

// mapping puts a template or code of a file in properties. Of version 1, a
// request and a response are files of usual names.
func (g *graphQL) mapping(at []string, props, c object, usual string) error {
	if name := text(c["code"]); name != "" {
		body, err := g.read(at, name)
		if err != nil {
			return err
		}
		props["Code"], props["Runtime"] = body, object{"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
		return nil
	}
	for _, m := range []struct{ key, property, suffix string }{{"request", "RequestMappingTemplate", ".request.vtl"}, {"response", "ResponseMappingTemplate", ".response.vtl"}} {
		name := text(c[m.key])
		if name == "" && (c[m.key] == false || !g.first) {
			continue
		}
		if name == "" {
			name = usual + m.suffix
		}
		body, err := g.read(at, path.Join(g.templates, name))
		if err != nil {
			return err
		}
		for _, variables := range []any{g.config["substitutions"], c["substitutions"]} {
			for _, key := range keys(asObject(variables)) {
				body = strings.ReplaceAll(body, "${"+key+"}", text(asObject(variables)[key]))
			}
		}
		props[m.property] = body
	}
	return nil
}

func (g *graphQL) functions() error {
	for _, one := range named(first(g.config["pipelineFunctions"], byName(g.config["functionConfigurations"]))) {
		name, c := text(one["key"]), asObject(one["value"])
		if s := text(one["value"]); s != "" {
			c = object{"dataSource": s}
		}
		props := object{"ApiId": apiID(), "Name": name, "DataSourceName": getAtt(sourceID(text(c["dataSource"])), "Name")}
		if c["code"] == nil {
			props["FunctionVersion"] = "2018-05-29"
		}
		put(props, "MaxBatchSize", c["maxBatchSize"])
		if err := g.mapping(in(g.path, "pipelineFunctions", name), props, c, name); err != nil {
			return err
		}
		g.b.add("GraphQlFunctionConfiguration"+logical(name), "AWS::AppSync::FunctionConfiguration", props)
	}
	return nil
}

// byName makes a map of a list whose elements have names.
func byName(v any) any {
	if v == nil {
		return nil
	}
	out := object{}
	for _, one := range list(v) {
		o := asObject(one)
		if name := text(o["name"]); name != "" {
			out[name] = o
			continue
		}
		for _, key := range keys(o) {
			out[key] = o[key]
		}
	}
	return out
}

func (g *graphQL) resolvers() error {
	if g.first {
		for i, one := range list(g.config["mappingTemplates"]) {
			c := asObject(one)
			if err := g.resolver(in(g.path, "mappingTemplates", itoa(i)), text(c["type"]), text(c["field"]), c); err != nil {
				return err
			}
		}
		return nil
	}
	for _, one := range named(g.config["resolvers"]) {
		key, c := text(one["key"]), asObject(one["value"])
		if s := text(one["value"]); s != "" {
			c = object{"dataSource": s, "kind": "UNIT"}
		}
		typ, field, _ := strings.Cut(key, ".")
		if err := g.resolver(in(g.path, "resolvers", key), text(first(c["type"], typ)), text(first(c["field"], field)), c); err != nil {
			return err
		}
	}
	return nil
}

// passOn is the code of a pipeline that has none of its own.
const passOn = "export function request() { return {}; }\nexport function response(ctx) { return ctx.prev.result; }\n"

func (g *graphQL) resolver(at []string, typ, field string, c object) error {
	if typ == "" || field == "" {
		return g.b.s.errorAt(at, "want a type and a field")
	}
	props := object{"ApiId": apiID(), "TypeName": typ, "FieldName": field}
	usual := "PIPELINE"
	if g.first {
		usual = "UNIT"
	}
	kind := text(first(c["kind"], usual))
	props["Kind"] = kind
	put(props, "MaxBatchSize", c["maxBatchSize"])
	if err := g.mapping(at, props, c, typ+"."+field); err != nil {
		return err
	}
	if kind == "UNIT" {
		props["DataSourceName"] = getAtt(sourceID(text(c["dataSource"])), "Name")
	} else {
		var ids []any
		for _, f := range list(c["functions"]) {
			name := text(f)
			if name == "" {
				return g.b.s.errorAt(at, "Aloft takes names of functions of a pipeline, and none that are written there")
			}
			ids = append(ids, getAtt("GraphQlFunctionConfiguration"+logical(name), "FunctionId"))
		}
		props["PipelineConfig"] = object{"Functions": ids}
		if props["Code"] == nil && props["RequestMappingTemplate"] == nil {
			props["Code"], props["Runtime"] = passOn, object{"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
		}
	}
	g.b.add("GraphQlResolver"+logical(typ)+logical(field), "AWS::AppSync::Resolver", props, "GraphQlSchema")
	return nil
}

func sourceID(name string) string { return "GraphQlDs" + logical(name) }
