package sam

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

func linkREST(e *event) error {
	id, ok := apiID(e.props["RestApiId"]).(string)
	tree := asObject(e.t.resources[id])
	if !ok || tree == nil {
		return badEvent(e.name, "RestApiId property of Api event must reference a valid resource in the same template.")
	}
	if v, has := tree["Properties"]; has && !isMap(v) {
		return badResource(id, "Attribute 'Properties' should be a map.")
	}
	e.apiID, e.api = id, e.t.properties(id)
	if e.api["StageName"] == "" {
		return badResource(id, "StageName cannot be empty.")
	}
	return nil
}

// stage is what the event calls the stage of its API.
func (e *event) stage() string {
	if name, ok := e.api["StageName"].(string); ok {
		return name
	}
	return "Stage"
}

// restPath is a path as permissions and policies have it.
func restPath(path string) string {
	return restVariables.ReplaceAllString(path, "*")
}

var restVariables = regexp.MustCompile(`\{([a-zA-Z0-9._-]+\+?)\}`)

// expandRESTEvent adds a method to a REST API, and lets it call the target.
func expandRESTEvent(e *event) ([]*resource, error) {
	path, method := asString(e.props["Path"]), strings.ToLower(asString(e.props["Method"]))
	verb := strings.ToUpper(method)
	if method == "any" {
		verb = "*"
	}
	plain := path
	if len(plain) > 1 {
		plain = strings.TrimSuffix(plain, "/")
	}
	source := sub("arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/${__Stage__}/"+verb+restPath(plain),
		object{"__ApiId__": e.props["RestApiId"], "__Stage__": "*"})
	permission := e.permission(suffixed(e.id+"Permission", e.stage()), "apigateway.amazonaws.com", source, nil, nil)
	if given(e.api[managed]) || given(e.api["MergeDefinitions"]) {
		if err := e.addMethod(path, method); err != nil {
			return nil, err
		}
	}
	return []*resource{permission}, e.overrideAuth(path, method)
}

// overrideAuth applies the event's Auth to a method that a definition of the
// template has.
func (e *event) overrideAuth(path, method string) error {
	auth := asObject(e.props["Auth"])
	if !given(e.api["DefinitionBody"]) || !given(auth["OverrideApiAuth"]) {
		return nil
	}
	if !given(auth["Authorizer"]) && !given(auth["ApiKeyRequired"]) && !given(auth["ResourcePolicy"]) {
		return badEvent(e.name, "Must define one of: Authorizer, ApiKeyRequired or ResourcePolicy when using the OverrideApiAuth property.")
	}
	d, err := openREST(e.api["DefinitionBody"])
	if err != nil {
		return err
	}
	return e.secureMethod(d, path, method)
}

// addMethod adds a method to the definition, or to what is to be merged into it.
func (e *event) addMethod(path, method string) error {
	body := e.api["DefinitionBody"]
	if body == nil {
		return nil
	}
	merges := given(e.api["MergeDefinitions"])
	if merges {
		body = swaggerSkeleton()
	}
	d, err := openREST(body)
	if err != nil {
		return err
	}
	has, err := d.has(path, method)
	if err != nil {
		return err
	}
	if has {
		return badEvent(e.name, `API method "%s" defined multiple times for path "%s".`, method, path)
	}
	if v := e.props["Auth"]; given(v) && !isMap(v) {
		return wantEvent(e.name, "Auth", v, aMap)
	}
	if v := e.api["Auth"]; given(v) && !isMap(v) {
		return wantResource(e.apiID, "Auth", v, aMap)
	}
	if err := e.integrateMethod(d, path, method); err != nil {
		return err
	}
	if given(e.props["Auth"]) {
		if err := e.secureMethod(d, path, method); err != nil {
			return err
		}
	}
	if timeout := e.props["TimeoutInMillis"]; given(timeout) {
		if err := d.setTimeout(path, method, timeout); err != nil {
			return err
		}
	}
	for _, add := range []func(*definition, string, string) error{e.addModel, e.addRequestParameters} {
		if err := add(d, path, method); err != nil {
			return err
		}
	}
	if merges {
		return e.mergeDefinition(d, path, method)
	}
	return nil
}

func (e *event) integrateMethod(d *definition, path, method string) error {
	streams := e.props["ResponseTransferMode"] == "RESPONSE_STREAM"
	call := "2015-03-31/functions/" + e.shorthand() + "/invocations"
	if streams {
		call = "2021-11-15/functions/" + e.shorthand() + "/response-streaming-invocations"
	}
	uri := sub("arn:aws:apigateway:${AWS::Region}:lambda:path/"+call, nil)
	condition := e.attrs["Condition"]
	return d.integrate(path, method, condition, func(m, how object) {
		how["type"] = "aws_proxy"
		how["uri"] = uri
		if given(condition) {
			how["uri"] = choice(condition, uri, noValue())
		}
		if streams {
			how["responseTransferMode"] = "STREAM"
		}
		if credentials := e.credentials(); given(credentials) {
			how["credentials"] = credentials
		}
		if _, has := m["responses"]; !has {
			m["responses"] = object{}
		}
	})
}

// credentials are whose rights the API uses to call the target where IAM
// decides who may call the API.
func (e *event) credentials() any {
	own, api := asObject(e.props["Auth"]), asObject(e.api["Auth"])
	if own["Authorizer"] != "AWS_IAM" && (api["DefaultAuthorizer"] != "AWS_IAM" || len(own) > 0) {
		return nil
	}
	role := func(auth object) any {
		v, has := auth["InvokeRole"]
		if has && !given(v) {
			return "NONE"
		}
		return v
	}
	invoke := role(own)
	if !given(invoke) {
		invoke = role(api)
	}
	switch {
	case !given(invoke), invoke == "CALLER_CREDENTIALS":
		return "arn:aws:iam::*:user/*"
	case invoke == "NONE":
		return nil
	}
	return invoke
}

// secureMethod applies the event's Auth to its method.
func (e *event) secureMethod(d *definition, path, method string) error {
	auth := asObject(e.props["Auth"])
	v, err := e.t.params.resolve(e.api["Auth"])
	if err != nil {
		return err
	}
	api := asObject(v)
	if err := e.checkMethodAuth(auth, api, path, method); err != nil {
		return err
	}
	name := auth["Authorizer"]
	if scopes := auth["AuthorizationScopes"]; given(scopes) {
		if err := wantEvent(e.name, "Auth.AuthorizationScopes", scopes, aList); err != nil {
			return err
		}
		if !given(name) {
			return badEvent(e.name, "AuthorizationScopes works only when Authorizer is set")
		}
	}
	key := auth["ApiKeyRequired"]
	if key != nil && !given(key) && !given(api["ApiKeyRequired"]) {
		return badEvent(e.name, "Unable to set ApiKeyRequired [False] on API method [%s] for path [%s] because the related API does not specify any ApiKeyRequired.", method, path)
	}
	if given(name) {
		if err := d.secureREST(path, method, asString(name), asObject(api["Authorizers"]), auth["AuthorizationScopes"]); err != nil {
			return err
		}
	}
	if key != nil {
		if err := d.requireKey(path, method, given(key)); err != nil {
			return err
		}
	}
	policy := auth["ResourcePolicy"]
	if !given(policy) {
		return nil
	}
	if err := wantResource(e.name, "Auth.ResourcePolicy", policy, aMap); err != nil {
		return err
	}
	return d.addResourcePolicy(asObject(policy), []string{path}, e.stage())
}

func (e *event) checkMethodAuth(auth, api object, path, method string) error {
	name := auth["Authorizer"]
	if !given(name) {
		return nil
	}
	known := api["Authorizers"]
	if given(known) && !isMap(known) {
		return wantResource(e.apiID, "Auth.Authorizers", known, aMap)
	}
	switch {
	case name == "AWS_IAM":
		return nil
	case name == "NONE":
		if !given(api["DefaultAuthorizer"]) {
			return badEvent(e.name, "Unable to set Authorizer on API method [%s] for path [%s] because 'NONE' is only a valid value when a DefaultAuthorizer on the API is specified.", method, path)
		}
		return nil
	case !given(known):
		return badEvent(e.name, "Unable to set Authorizer [%s] on API method [%s] for path [%s] because the related API does not define any Authorizers.", shown(name), method, path)
	}
	if err := e.checkAuthorizer(name, known, false, path, method); err != nil {
		return err
	}
	if !given(asObject(known)[asString(name)]) {
		return badEvent(e.name, "Unable to set Authorizer [%s] on API method [%s] for path [%s] because it wasn't defined in the API's Authorizers.", shown(name), method, path)
	}
	return nil
}

// addModel says what the body of a request looks like, and whether it is checked.
func (e *event) addModel(d *definition, path, method string) error {
	v := e.props["RequestModel"]
	if !given(v) {
		return nil
	}
	if err := wantEvent(e.name, "RequestModel", v, aMap); err != nil {
		return err
	}
	request := asObject(v)
	model := request["Model"]
	if !given(model) {
		return nil
	}
	models := e.api["Models"]
	unable := func(reason string) error {
		return badEvent(e.name, "Unable to set RequestModel [%s] on API method [%s] for path [%s] because %s", shown(model), method, path, reason)
	}
	switch {
	case !given(models):
		return unable("the related API does not define any Models.")
	case !isMap(models):
		return unable("the related API Models defined is of invalid type.")
	case !isString(model):
		return unable("the related API does not contain valid Models.")
	case !given(asObject(models)[model.(string)]):
		return unable("it wasn't defined in the API's Models.")
	}
	if err := d.addRequestModel(path, method, strings.ToLower(model.(string)), request["Required"]); err != nil {
		return err
	}
	body, parameters := request["ValidateBody"], request["ValidateParameters"]
	if body == nil && parameters == nil {
		return nil
	}
	if body != nil && !isBool(body) || parameters != nil && !isBool(parameters) {
		return badEvent(e.name, "Unable to set Validator to RequestModel [%s] on API method [%s] for path [%s] ValidateBody and ValidateParameters must be a boolean type, strings or intrinsics are not supported.", model, method, path)
	}
	return d.addValidator(path, method, body == true, parameters == true)
}

var requestParameter = regexp.MustCompile(`^method\.request\.(querystring|path|header)\.`)

const badParameterName = "Invalid value for 'RequestParameters' property. Keys must be in the format 'method.request.[querystring|path|header].{value}', e.g 'method.request.header.Authorization'."

// addRequestParameters declares the parameters of requests.
func (e *event) addRequestParameters(d *definition, path, method string) error {
	var parameters []object
	for _, v := range asList(e.props["RequestParameters"]) {
		settings := object{"Required": false, "Caching": false}
		name, isText := v.(string)
		m, isMap := v.(object)
		switch {
		case isMap && len(m) > 0:
			name = keys(m)[0]
			own, ok := m[name].(object)
			if !requestParameter.MatchString(name) {
				return badEvent(e.name, badParameterName)
			}
			if !ok || slices.ContainsFunc(keys(own), func(key string) bool { return key != "Required" && key != "Caching" }) {
				return badEvent(e.name, "Invalid value for 'RequestParameters' property. Values must be an object, e.g { Required: true, Caching: false }")
			}
			maps.Copy(settings, own)
		case !isText:
			return badEvent(e.name, "Invalid value for 'RequestParameters' property. Property must be either a string or an object")
		case !requestParameter.MatchString(name):
			return badEvent(e.name, badParameterName)
		}
		settings["Name"] = name
		parameters = append(parameters, settings)
	}
	if parameters == nil {
		return nil
	}
	return d.addRequestParameters(path, method, parameters)
}

// mergeDefinition merges the method into the definition that the template has.
func (e *event) mergeDefinition(d *definition, path, method string) error {
	body, ok := e.api["DefinitionBody"].(object)
	if !ok {
		return wantResource(e.apiID, "DefinitionBody", e.api["DefinitionBody"], aMap)
	}
	if !given(body["paths"]) {
		return nil // as AWS's transform, which then adds nothing
	}
	for _, c := range []struct {
		path string
		v    any
	}{{"paths", body["paths"]}, {"paths." + path, at(body, "paths", path)}} {
		if c.path == "" || c.v != nil && !isMap(c.v) {
			if i := strings.LastIndex(c.path, "."); i > 0 {
				c.path = c.path[i+1:]
			}
			return badResource(e.apiID, "Property 'DefinitionBody' is invalid: The value of '%s' should be a map", c.path)
		}
	}
	paths := asObject(body["paths"])
	own := at(paths, path, method)
	if given(own) && !isMap(own) {
		return wantResource(e.apiID, "DefinitionBody.paths."+path+"."+method, own, aMap)
	}
	out := maps.Clone(asObject(own))
	if out == nil {
		out = object{}
	}
	maps.Copy(out, asObject(at(d.paths, path, normalMethod(method))))
	if paths[path] == nil {
		paths[path] = object{}
	}
	asObject(paths[path])[method] = out
	return nil
}
