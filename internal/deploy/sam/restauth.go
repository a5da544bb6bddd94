package sam

import (
	"slices"
	"strconv"
	"strings"
)

// A restAuthorizer is one that a REST API asks.
type restAuthorizer struct {
	api, name string
	config    object // as the template has it; nil if it is IAM
}

// restAuthProperties are those of Auth.
var restAuthProperties = []string{"Authorizers", "DefaultAuthorizer", "InvokeRole", "AddDefaultAuthorizerToCorsPreflight",
	"AddApiKeyRequiredToCorsPreflight", "ApiKeyRequired", "ResourcePolicy", "UsagePlan"}

// or returns v, or usual if v is nil.
func or(v, usual any) any {
	if v == nil {
		return usual
	}
	return v
}

func (a *restAPI) addAuth() error {
	auth := asObject(a.props["Auth"])
	if len(auth) == 0 {
		return nil
	}
	if len(a.body) == 0 {
		_, err := a.inline("Auth", "")
		return err
	}
	for _, key := range keys(auth) {
		if !slices.Contains(restAuthProperties, key) {
			return badResource(a.id, "Invalid value for 'Auth' property")
		}
	}
	d, err := a.inline("Auth", "Auth configuration")
	if err != nil {
		return err
	}
	authorizers, err := a.authorizers(auth["DefaultAuthorizer"])
	if err != nil {
		return err
	}
	if len(authorizers) > 0 {
		if err := a.addAuthorizers(d, authorizers, auth); err != nil {
			return err
		}
	}
	if given(auth["ApiKeyRequired"]) {
		if err := d.addAPIKey(); err != nil {
			return err
		}
		for _, path := range keys(d.paths) {
			if err := d.defaultKey(path, given(or(auth["AddApiKeyRequiredToCorsPreflight"], true))); err != nil {
				return err
			}
		}
	}
	if policy := auth["ResourcePolicy"]; given(policy) {
		if !isMap(policy) {
			return badDocument("ResourcePolicy must be a map (ResourcePolicyStatement).")
		}
		if err := d.addResourcePolicy(asObject(policy), keys(d.paths), a.props["StageName"]); err != nil {
			return err
		}
	}
	return a.modernize()
}

func (a *restAPI) addAuthorizers(d *definition, authorizers []*restAuthorizer, auth object) error {
	all, err := d.securityDefinitions()
	if err != nil {
		return err
	}
	var names []string
	for _, authorizer := range authorizers {
		names = append(names, authorizer.name)
		if all[authorizer.name], err = authorizer.scheme(); err != nil {
			return err
		}
	}
	v := auth["DefaultAuthorizer"]
	if !given(v) {
		return nil
	}
	name, ok := v.(string)
	if !ok {
		return badResource(a.id, "DefaultAuthorizer is not a string.")
	}
	i := slices.Index(names, name)
	if i < 0 {
		return badResource(a.id, "Unable to set DefaultAuthorizer because '%s' was not defined in 'Authorizers'.", name)
	}
	scopes := or(authorizers[i].config["AuthorizationScopes"], []any{})
	for _, path := range keys(d.paths) {
		if err := d.defaultAuthorizer(path, name, names, scopes, given(or(auth["AddDefaultAuthorizerToCorsPreflight"], true))); err != nil {
			return err
		}
	}
	return nil
}

// authorizers returns those of the API, sorted by name.
func (a *restAPI) authorizers(usual any) ([]*restAuthorizer, error) {
	var list []*restAuthorizer
	if usual == "AWS_IAM" {
		list = append(list, &restAuthorizer{api: a.id, name: "AWS_IAM"})
	}
	v := asObject(a.props["Auth"])["Authorizers"]
	if !given(v) {
		return list, nil
	}
	if err := wantResource(a.id, "Auth.Authorizers", v, aMap); err != nil {
		return nil, err
	}
	for _, name := range keys(asObject(v)) {
		config := asObject(v)[name]
		if err := wantResource(a.id, "Auth.Authorizers."+name, config, aMap); err != nil {
			return nil, err
		}
		authorizer := &restAuthorizer{api: a.id, name: name, config: asObject(config)}
		if err := authorizer.check(); err != nil {
			return nil, err
		}
		list = append(list, authorizer)
	}
	return list, nil
}

func (a *restAuthorizer) check() error {
	c := a.config
	payload := c["FunctionPayloadType"]
	if payload != nil && payload != "TOKEN" && payload != "REQUEST" {
		return badResource(a.api, "%s Authorizer has invalid 'FunctionPayloadType': %s.", a.name, shown(payload))
	}
	if payload == "REQUEST" {
		missing, err := a.noIdentity()
		if err != nil {
			return err
		}
		if missing {
			return badResource(a.api, "%s Authorizer must specify Identity with at least one of Headers, QueryStrings, StageVariables, or Context.", a.name)
		}
	}
	if scopes := c["AuthorizationScopes"]; scopes != nil && !isList(scopes) {
		return wantResource(a.api, "Authorizers."+a.name+".AuthorizationScopes", scopes, aList)
	}
	if v := c["DisableFunctionDefaultPermissions"]; v != nil {
		return wantResource(a.api, "Authorizers."+a.name+".DisableFunctionDefaultPermissions", v, aBoolean)
	}
	return nil
}

// noIdentity says whether nothing tells one caller from another.
func (a *restAuthorizer) noIdentity() (bool, error) {
	v := a.config["Identity"]
	if !given(v) {
		return true, nil
	}
	if err := wantResource(a.api, "Authorizer."+a.name+".Identity", v, aMap); err != nil {
		return false, err
	}
	identity := asObject(v)
	missing := !given(identity["Headers"]) && !given(identity["QueryStrings"]) && !given(identity["StageVariables"]) && !given(identity["Context"])
	if n, err := strconv.Atoi(shown(identity["ReauthorizeEvery"])); err == nil && n <= 0 {
		return false, nil
	}
	return missing, nil
}

// scheme is how a definition says what the authorizer is.
func (a *restAuthorizer) scheme() (object, error) {
	c := a.config
	v := c["Identity"]
	if given(v) && !isMap(v) {
		return nil, badResource(a.api, "Auth.Authorizers.<Authorizer>.Identity must be a dict (LambdaTokenAuthorizationIdentity, LambdaRequestAuthorizationIdentity or CognitoAuthorizationIdentity).")
	}
	identity := asObject(v)
	scheme := object{"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"}
	if given(identity["Header"]) {
		scheme["name"] = identity["Header"]
	}
	if c == nil {
		return scheme, nil
	}
	how := object{}
	scheme[authorizerKey] = how
	request := c["FunctionPayloadType"] == "REQUEST"
	if pool := c["UserPoolArn"]; given(pool) {
		scheme["x-amazon-apigateway-authtype"] = "cognito_user_pools"
		how["type"] = "cognito_user_pools"
		how["providerARNs"] = listOf(pool)
		request = false
	} else {
		scheme["x-amazon-apigateway-authtype"] = "custom"
		how["type"] = "token"
		how["authorizerUri"] = invokeURI(c["FunctionArn"])
		put(how, "authorizerResultTtlInSeconds", identity["ReauthorizeEvery"])
		if role := c["FunctionInvokeRole"]; given(role) && role != "NONE" {
			how["authorizerCredentials"] = role
		}
	}
	if request {
		scheme["name"] = "Unused"
		how["type"] = "request"
		source, err := a.identitySource(identity)
		if source != "" {
			how["identitySource"] = source
		}
		return scheme, err
	}
	if given(identity["ValidationExpression"]) {
		how["identityValidationExpression"] = identity["ValidationExpression"]
	}
	return scheme, nil
}

func (a *restAuthorizer) identitySource(identity object) (string, error) {
	var source []string
	for _, c := range []struct{ property, prefix string }{
		{"Headers", "method.request.header."}, {"QueryStrings", "method.request.querystring."},
		{"StageVariables", "stageVariables."}, {"Context", "context."},
	} {
		v := identity[c.property]
		if !given(v) {
			continue
		}
		path := "Auth.Authorizers." + a.name + ".Identity." + c.property
		if err := wantResource(a.api, path, v, aList); err != nil {
			return "", err
		}
		for i, element := range asList(v) {
			if err := wantResource(a.api, path+"["+itoa(i)+"]", element, aString); err != nil {
				return "", err
			}
			source = append(source, c.prefix+element.(string))
		}
	}
	return strings.Join(source, ", "), nil
}

// authorizerPermissions lets the API call its authorizers.
func (a *restAPI) authorizerPermissions() ([]*resource, error) {
	if len(asObject(a.props["Auth"])) == 0 {
		return nil, nil
	}
	authorizers, err := a.authorizers(nil)
	if err != nil {
		return nil, err
	}
	var made []*resource
	for _, authorizer := range authorizers {
		if function := authorizer.config["FunctionArn"]; given(function) && !given(authorizer.config["DisableFunctionDefaultPermissions"]) {
			made = append(made, a.authorizerPermission(authorizer.name, function, "aws"))
		}
	}
	return made, nil
}
