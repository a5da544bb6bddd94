package sam

import (
	"regexp"
	"strings"
)

var pathNames = regexp.MustCompile(`\{(.*?)\}`)

func linkHTTP(e *event) error {
	id, _ := apiID(e.props["ApiId"]).(string)
	if e.t.resources[id] == nil {
		return badEvent(e.name, "ApiId must be a valid reference to an 'AWS::Serverless::HttpApi' resource in same template.")
	}
	e.apiID, e.api = id, e.t.properties(id)
	return nil
}

// expandHTTPEvent adds a route to an HTTP API, and lets it call the target.
func expandHTTPEvent(e *event) ([]*resource, error) {
	path, method := asString(e.props["Path"]), strings.ToLower(asString(e.props["Method"]))
	permission, err := e.httpPermission(path, method)
	if err != nil {
		return nil, err
	}
	if e.api["DefinitionBody"] != nil {
		if err := e.addRoute(path, method); err != nil {
			return nil, err
		}
	}
	if permission == nil {
		return nil, nil
	}
	return []*resource{permission}, nil
}

// httpPermission lets the route call the target, unless the $default route may
// already.
func (e *event) httpPermission(path, method string) (*resource, error) {
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	if path == defaultRoute {
		path = ""
	} else if given(e.api["DefinitionBody"]) {
		d, err := openHTTP(e.api["DefinitionBody"])
		if err != nil {
			return nil, e.ofAPI(err)
		}
		covered, err := d.defaultCalls(e.to)
		if covered || err != nil {
			return nil, err
		}
	}
	path = anyPath(path)
	verb := strings.ToUpper(method)
	if method == "any" || method == anyMethod {
		verb = "*"
	}
	on := "${__ApiId__}/${__Stage__}/" + verb + path
	if method == "any" && path == "/"+defaultRoute {
		on = "${__ApiId__}/${__Stage__}" + path
	}
	source := sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"+on,
		object{"__ApiId__": e.props["ApiId"], "__Stage__": "*"})
	return e.permission(e.id+"Permission", "apigateway.amazonaws.com", source, nil, nil), nil
}

// ofAPI says that what is wrong with a definition is wrong with its API.
func (e *event) ofAPI(err error) error {
	if document, ok := err.(*Error); ok {
		var reasons []string
		for _, cause := range document.Causes {
			reasons = append(reasons, cause.Message)
		}
		return badResource(e.apiID, "%s", strings.Join(reasons, " "))
	}
	return err
}

// shorthand is how an Fn::Sub refers to the target.
func (e *event) shorthand() string {
	if m := asObject(e.arn); m["Ref"] != nil {
		return "${" + asString(m["Ref"]) + "}"
	}
	return "${" + e.to + ".Arn}"
}

func (e *event) addRoute(path, method string) error {
	d, err := openHTTP(e.api["DefinitionBody"])
	if err != nil {
		return err
	}
	has, err := d.has(path, method)
	if err != nil {
		return err
	}
	if has && given(e.api[managed]) {
		return badEvent(e.name, "API method '%s' defined multiple times for path '%s'.", method, path)
	}
	if !has {
		uri := sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"+e.shorthand()+"/invocations", nil)
		err = d.integrate(path, method, e.attrs["Condition"], func(m, how object) {
			how["type"] = "aws_proxy"
			how["payloadFormatVersion"] = "2.0"
			how["uri"] = uri
			if condition := e.attrs["Condition"]; given(condition) {
				how["uri"] = choice(condition, uri, noValue())
			}
			if path == defaultRoute && normalMethod(method) == anyMethod {
				m["isDefaultRoute"] = true
			}
			if _, has := m["responses"]; !has {
				m["responses"] = object{}
			}
		})
		if err != nil {
			return err
		}
	}
	return e.completeRoute(d, path, method)
}

func (e *event) completeRoute(d *definition, path, method string) error {
	if given(e.props["Auth"]) {
		if err := e.secureRoute(d, path, method); err != nil {
			return err
		}
	}
	if timeout := e.props["TimeoutInMillis"]; given(timeout) {
		if err := d.setTimeout(path, method, timeout); err != nil {
			return err
		}
	}
	var names []string
	for _, match := range pathNames.FindAllStringSubmatch(path, -1) {
		names = append(names, match[1])
	}
	if names != nil {
		if err := d.addParameters(path, method, names); err != nil {
			return err
		}
	}
	version := e.props["PayloadFormatVersion"]
	if !given(version) {
		return nil
	}
	methods, err := d.methods(path, method)
	for _, m := range methods {
		asObject(m[integration])["payloadFormatVersion"] = version
	}
	return err
}

// secureRoute asks the authorizer of the event's Auth.
func (e *event) secureRoute(d *definition, path, method string) error {
	auth := asObject(e.props["Auth"])
	if v, has := e.api["Auth"]; has && !isMap(v) {
		return wantResource(e.apiID, "Auth", v, aMap)
	}
	api := asObject(e.api["Auth"])
	name := auth["Authorizer"]
	if !given(name) {
		if name = api["DefaultAuthorizer"]; !given(name) {
			return badEvent(e.name, "'Auth' section requires either an explicit 'Authorizer' set or a 'DefaultAuthorizer' configured on the HttpApi.")
		}
	}
	iam := api["EnableIamAuthorizer"] == true
	if err := e.checkAuthorizer(name, api["Authorizers"], iam, path, method); err != nil {
		return err
	}
	known := asObject(api["Authorizers"])
	switch {
	case name == "NONE" && !given(api["DefaultAuthorizer"]):
		return badEvent(e.name, "Unable to set Authorizer on API method [%s] for path [%s] because 'NONE' is only a valid value when a DefaultAuthorizer on the API is specified.", method, path)
	case name == "NONE", name == "AWS_IAM" && iam:
	case len(known) == 0:
		return badEvent(e.name, "Unable to set Authorizer [%s] on API method [%s] for path [%s] because the related API does not define any Authorizers.", shown(name), method, path)
	case !given(known[asString(name)]):
		return badEvent(e.name, "Unable to set Authorizer [%s] on API method [%s] for path [%s] because it wasn't defined in the API's Authorizers.", shown(name), method, path)
	}
	if scopes := auth["AuthorizationScopes"]; given(scopes) && !isList(scopes) {
		return badEvent(e.name, "Unable to set Authorizer on API method [%s] for path [%s] because 'AuthorizationScopes' must be a list of strings.", method, path)
	}
	return d.secureHTTP(path, method, asString(name), known, asList(auth["AuthorizationScopes"]))
}

// checkAuthorizer refuses names and lists of authorizers of the wrong type.
func (e *event) checkAuthorizer(name, known any, iam bool, path, method string) error {
	if name == "NONE" || name == "AWS_IAM" && iam || isString(name) && isMap(known) {
		return nil
	}
	return badEvent(e.name, "Unable to set Authorizer [%s] on API method [%s] for path [%s]. The method authorizer must be a string with a corresponding dict entry in the api authorizer.", shown(name), method, path)
}
