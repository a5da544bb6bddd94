package sam

import (
	"slices"
	"strings"
)

const authorizerKey = "x-amazon-apigateway-authorizer"

// An httpAuthorizer is one that an HTTP API asks.
type httpAuthorizer struct {
	api, name   string
	config      object // as the template has it; nil if it is IAM
	jwt         object // JwtConfiguration, keys in lower case
	scopes      any
	permissions bool // EnableFunctionDefaultPermissions
}

// httpAuthProperties are the properties of authorizers, for which of them each
// is, and how messages put that.
var httpAuthProperties = []struct{ name, kind, only string }{
	{"AuthorizationScopes", "JWT", "OAuth2 Authorizer"},
	{"JwtConfiguration", "JWT", "OAuth2 Authorizer"},
	{"IdentitySource", "JWT", "OAuth2 Authorizer. For Lambda Authorizer, use the 'Identity' property instead"},
	{"FunctionArn", "REQUEST", "Lambda Authorizer"},
	{"FunctionInvokeRole", "REQUEST", "Lambda Authorizer"},
	{"Identity", "REQUEST", "Lambda Authorizer"},
	{"AuthorizerPayloadFormatVersion", "REQUEST", "Lambda Authorizer"},
	{"EnableSimpleResponses", "REQUEST", "Lambda Authorizer"},
	{"EnableFunctionDefaultPermissions", "REQUEST", "Lambda Authorizer"},
}

func (a *httpAPI) addAuth() error {
	auth := asObject(a.props["Auth"])
	if len(auth) == 0 {
		return nil
	}
	if len(a.body) == 0 {
		return badResource(a.id, "Auth works only with inline OpenApi specified in the 'DefinitionBody' property.")
	}
	for _, key := range keys(auth) {
		if !slices.Contains([]string{"Authorizers", "DefaultAuthorizer", "EnableIamAuthorizer"}, key) {
			return badResource(a.id, "Invalid value for 'Auth' property")
		}
	}
	if !isOpenAPI(a.body) {
		return badResource(a.id, "Unable to add Auth configuration because 'DefinitionBody' does not contain a valid OpenApi definition.")
	}
	d, err := openHTTP(a.body)
	if err != nil {
		return err
	}
	authorizers, err := a.authorizers()
	if err != nil {
		return err
	}
	schemes := object{}
	for _, authorizer := range authorizers {
		if schemes[authorizer.name], err = authorizer.scheme(); err != nil {
			return err
		}
	}
	d.addSchemes(schemes)
	return a.setDefault(d, authorizers, auth["DefaultAuthorizer"])
}

func (a *httpAPI) setDefault(d *definition, authorizers []*httpAuthorizer, v any) error {
	if !given(v) || isNoValue(v) {
		return nil
	}
	if err := wantResource(a.id, "Auth.DefaultAuthorizer", v, aString); err != nil {
		return err
	}
	i := slices.IndexFunc(authorizers, func(au *httpAuthorizer) bool { return au.name == v })
	if i < 0 {
		return badResource(a.id, "Unable to set DefaultAuthorizer because '%s' was not defined in 'Authorizers'.", v)
	}
	scopes := authorizers[i].scopes
	if scopes == nil {
		scopes = []any{}
	}
	for _, path := range keys(d.paths) {
		if err := d.secureByDefault(path, v.(string), scopes); err != nil {
			return err
		}
	}
	return nil
}

// authorizers returns those of the API, sorted by name.
func (a *httpAPI) authorizers() ([]*httpAuthorizer, error) {
	auth := asObject(a.props["Auth"])
	var list []*httpAuthorizer
	if auth["EnableIamAuthorizer"] == true {
		list = append(list, &httpAuthorizer{api: a.id, name: "AWS_IAM"})
	}
	if !given(auth["Authorizers"]) {
		return list, nil
	}
	if err := wantResource(a.id, "Auth.Authorizers", auth["Authorizers"], aMap); err != nil {
		return nil, err
	}
	for _, name := range keys(asObject(auth["Authorizers"])) {
		v := asObject(auth["Authorizers"])[name]
		if err := wantResource(a.id, "Auth.Authorizers."+name, v, aMap); err != nil {
			return nil, err
		}
		if _, has := asObject(v)["OpenIdConnectUrl"]; has {
			return nil, badResource(a.id, "'OpenIdConnectUrl' is no longer a supported property for authorizer '%s'. Please refer to the AWS SAM documentation.", name)
		}
		authorizer := &httpAuthorizer{api: a.id, name: name, config: asObject(v)}
		if err := authorizer.check(); err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(list, func(o *httpAuthorizer) bool { return o.name == name })
		list = append(list, authorizer)
	}
	return list, nil
}

func (a *httpAuthorizer) check() error {
	c := a.config
	if jwt := c["JwtConfiguration"]; given(jwt) {
		if err := wantResource(a.api, "JwtConfiguration", jwt, aMap); err != nil {
			return err
		}
		a.jwt = object{}
		for key, v := range asObject(jwt) {
			a.jwt[strings.ToLower(key)] = v
		}
	}
	if a.scopes = c["AuthorizationScopes"]; a.scopes != nil && !isList(a.scopes) {
		return badResource(a.api, "AuthorizationScopes must be a list.")
	}
	kind := "REQUEST"
	if a.jwt != nil {
		kind = "JWT"
	}
	for _, p := range httpAuthProperties {
		if c[p.name] != nil && p.kind != kind && (p.name != "JwtConfiguration" || a.jwt != nil) {
			return badResource(a.api, "%s is only supported for %s.", p.name, p.only)
		}
	}
	switch {
	case kind == "JWT" && !given(c["IdentitySource"]):
		return badResource(a.api, "%s OAuth2 Authorizer must define 'IdentitySource'.", a.name)
	case kind == "REQUEST" && !given(c["FunctionArn"]):
		return badResource(a.api, "%s Lambda Authorizer must define 'FunctionArn'.", a.name)
	case kind == "REQUEST" && !given(c["AuthorizerPayloadFormatVersion"]):
		return badResource(a.api, "%s Lambda Authorizer must define 'AuthorizerPayloadFormatVersion'.", a.name)
	}
	if v := c["EnableFunctionDefaultPermissions"]; v != nil {
		a.permissions = v == true
		return wantResource(a.api, "Authorizers."+a.name+".EnableFunctionDefaultPermissions", v, aBoolean)
	}
	return nil
}

// scheme is how a definition says what the authorizer is.
func (a *httpAuthorizer) scheme() (object, error) {
	if a.config == nil {
		return object{"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"}, nil
	}
	if a.jwt != nil {
		return object{"type": "oauth2", authorizerKey: object{
			"jwtConfiguration": a.jwt, "identitySource": a.config["IdentitySource"], "type": "jwt",
		}}, nil
	}
	c := a.config
	how := object{
		"type":                           "request",
		"authorizerUri":                  invokeURI(c["FunctionArn"]),
		"authorizerPayloadFormatVersion": c["AuthorizerPayloadFormatVersion"],
	}
	if role := c["FunctionInvokeRole"]; given(role) && role != "NONE" {
		how["authorizerCredentials"] = role
	}
	if given(c["EnableSimpleResponses"]) {
		how["enableSimpleResponses"] = c["EnableSimpleResponses"]
	}
	if identity := c["Identity"]; given(identity) {
		if err := wantResource(a.api, "Auth.Authorizers."+a.name+".Identity", identity, aMap); err != nil {
			return nil, err
		}
		put(how, "authorizerResultTtlInSeconds", asObject(identity)["ReauthorizeEvery"])
		source, err := a.identitySource(asObject(identity))
		if err != nil {
			return nil, err
		}
		how["identitySource"] = source
	}
	return object{"type": "apiKey", "name": "Unused", "in": "header", authorizerKey: how}, nil
}

func (a *httpAuthorizer) identitySource(identity object) ([]any, error) {
	source := []any{}
	for _, part := range []struct{ property, prefix string }{
		{"Headers", "$request.header."}, {"QueryStrings", "$request.querystring."},
		{"StageVariables", "$stageVariables."}, {"Context", "$context."},
	} {
		if !given(identity[part.property]) {
			continue
		}
		path := "Authorizers." + a.name + ".Identity." + part.property
		if err := wantResource(a.api, path, identity[part.property], aList); err != nil {
			return nil, err
		}
		for i, v := range asList(identity[part.property]) {
			if err := wantResource(a.api, path+"["+itoa(i)+"]", v, aString); err != nil {
				return nil, err
			}
			source = append(source, part.prefix+v.(string))
		}
	}
	return source, nil
}

// invokeURI is the address by which API Gateway calls a function.
func invokeURI(function any) object {
	return sub("arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${__FunctionArn__}/invocations",
		object{"__FunctionArn__": function})
}

// authorizerPermissions lets the API call its authorizers.
func (a *httpAPI) authorizerPermissions() ([]*resource, error) {
	authorizers, err := a.authorizers()
	if err != nil {
		return nil, err
	}
	var made []*resource
	for _, authorizer := range authorizers {
		if function := authorizer.config["FunctionArn"]; given(function) && authorizer.permissions {
			made = append(made, a.authorizerPermission(authorizer.name, function, "${AWS::Partition}"))
		}
	}
	return made, nil
}

// authorizerPermission lets an API call an authorizer's function.
func (m *macro) authorizerPermission(name string, function any, partition string) *resource {
	r := newResource("AWS::Lambda::Permission", m.id+name+"AuthorizerPermission", m.passed())
	r.props["Action"] = "lambda:InvokeFunction"
	r.props["FunctionName"] = function
	r.props["Principal"] = "apigateway.amazonaws.com"
	r.props["SourceArn"] = sub("arn:"+partition+":execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/authorizers/*",
		object{"__ApiId__": ref(m.id)})
	return r
}
