package sam

import (
	"slices"
	"strings"
)

var webSocketSchema = newSchema(webSocketType, `ApiKeySelectionExpression:s AccessLogSettings:m Auth:m DefaultRouteSettings:m
	Description:s DisableExecuteApiEndpoint:b Domain:m DisableSchemaValidation:b FailOnWarnings:b IpAddressType:s Name:s
	PropagateTags:b Routes!:m RouteSettings:m RouteSelectionExpression!:s StageName:sm StageVariables:m Tags:m`)

const (
	webSocketTag   = "websocketapi:createdBy"
	webSocketStage = "default"
)

// A webSocketAPI is an AWS::Serverless::WebSocketApi that is being expanded.
type webSocketAPI struct {
	*macro
	routes object
	auth   object
	stage  any // its name
}

// expandWebSocketAPI makes an API, its routes, what they call, its stage, and
// its domain and authorizer.
func expandWebSocketAPI(m *macro) ([]*resource, error) {
	var err error
	for _, name := range []string{"Auth", "Domain", "Routes"} {
		if m.props[name], err = m.resolved(name); err != nil {
			return nil, err
		}
	}
	a := &webSocketAPI{macro: m, routes: asObject(m.props["Routes"]), auth: asObject(m.props["Auth"]), stage: or(m.props["StageName"], webSocketStage)}
	if err := a.check(); err != nil {
		return nil, err
	}
	made := []*resource{a.api()}
	domain, err := a.domain(webSocketTag, nil)
	if err != nil {
		return nil, err
	}
	stage := a.makeStage()
	var waits []any
	for _, key := range keys(a.routes) {
		route, err := a.route(key, asObject(a.routes[key]))
		if err != nil {
			return nil, err
		}
		waits = append(waits, route[0].id)
		made = append(made, route...)
	}
	if given(m.props["RouteSettings"]) {
		stage.dependsOn = waits
	}
	made = append(append(made, domain...), stage)
	if a.auth["AuthType"] == "CUSTOM" {
		made = append(made, a.authorizer()...)
	}
	if tags := asObject(m.props["Tags"]); len(tags) > 0 && given(m.props["PropagateTags"]) {
		all := cloneObject(tags)
		all[webSocketTag] = "SAM"
		propagateTags(made, all)
	}
	return made, nil
}

func (a *webSocketAPI) check() error {
	address := a.props["IpAddressType"]
	switch {
	case len(a.routes) == 0:
		return badResource(a.id, "WebSocket API must have at least one route.")
	case address != nil && !isCall(address) && address != "ipv4" && address != "dualstack":
		return badResource(a.id, "IpAddressType must be 'ipv4' or 'dualstack'.")
	case given(at(a.props["Domain"], "MutualTlsAuthentication")):
		return badResource(a.id, "Mutual TLS domain name association is not supported for Websocket APIs.")
	case len(a.auth) > 0 && a.routes["$connect"] == nil:
		return badResource(a.id, "Authorization is only available if there is a $connect route.")
	case a.stage == defaultRoute:
		return badResource(a.id, "Stages cannot be named $default for WebSocket APIs.")
	}
	return nil
}

func (a *webSocketAPI) checkAuth() error {
	kind := strings.ToUpper(asString(a.auth["AuthType"]))
	switch {
	case len(a.auth) == 0:
		return nil
	case kind == "":
		return badResource(a.id, "AuthType must be specified for additional auth configurations.")
	case !slices.Contains([]string{"NONE", "AWS_IAM", "CUSTOM"}, kind):
		return badResource(a.id, "AuthType is not one of AWS_IAM, CUSTOM or NONE.")
	case kind == "CUSTOM" && !given(a.auth["AuthArn"]):
		return badResource(a.id, "AuthArn must be specified if AuthType is CUSTOM.")
	case kind != "CUSTOM" && len(a.auth) > 1:
		return badResource(a.id, "No additional configurations supported for AuthType %s.", kind)
	}
	return nil
}

func (a *webSocketAPI) api() *resource {
	r := newResource("AWS::ApiGatewayV2::Api", a.id, a.attrs)
	r.dependsOn = a.dependsOn
	copyMembers(r.props, a.props, "ApiKeySelectionExpression", "Description", "DisableExecuteApiEndpoint",
		"DisableSchemaValidation", "IpAddressType", "RouteSelectionExpression")
	r.props["Name"] = or(a.props["Name"], a.id)
	r.props["ProtocolType"] = "WEBSOCKET"
	tags := cloneObject(asObject(a.props["Tags"]))
	tags[webSocketTag] = "SAM"
	r.props["Tags"] = tags
	return r
}

// routeName is a route's key as ids have it.
func (a *webSocketAPI) routeName(key string) (string, error) {
	name := key
	if slices.Contains([]string{"$connect", "$disconnect", defaultRoute}, key) {
		name = key[1:]
	}
	if !alphanumeric.MatchString(name) {
		return "", badResource(a.id, "Route key '%s' must be alphanumeric. Only $connect, $disconnect, and $default special routes are supported.", key)
	}
	return strings.ToUpper(name[:1]) + strings.ToLower(name[1:]), nil
}

// route makes a route, its integration, and the permission for that.
func (a *webSocketAPI) route(key string, spec object) ([]*resource, error) {
	name, err := a.routeName(key)
	if err != nil {
		return nil, err
	}
	r := newResource("AWS::ApiGatewayV2::Route", a.id+name+"Route", a.passed())
	calls := newResource("AWS::ApiGatewayV2::Integration", a.id+name+"Integration", a.passed())
	r.props["RouteKey"], r.props["ApiId"] = key, ref(a.id)
	copyMembers(r.props, spec, "ApiKeyRequired", "ModelSelectionExpression", "OperationName", "RequestModels", "RouteResponseSelectionExpression")
	if given(spec["RequestParameters"]) {
		if key != "$connect" {
			return nil, badResource(a.id, "Request parameters are only supported for the $connect route in WebSocket APIs.")
		}
		r.props["RequestParameters"] = spec["RequestParameters"]
	}
	r.props["Target"] = object{"Fn::Join": []any{"/", []any{"integrations", calls.ref()}}}
	if err := a.checkAuth(); err != nil {
		return nil, err
	}
	if len(a.auth) > 0 && key == "$connect" {
		r.props["AuthorizationType"] = a.auth["AuthType"]
		if a.auth["AuthType"] == "CUSTOM" {
			r.props["AuthorizerId"] = ref(a.authorizerID())
		}
	}
	function, has := spec["FunctionArn"]
	if !has {
		return nil, badResource(a.id, "Route must have associated function.")
	}
	calls.props["ApiId"], calls.props["IntegrationType"] = ref(a.id), "AWS_PROXY"
	calls.props["IntegrationUri"] = invocationsOf("FunctionArn", function)
	put(calls.props, "TimeoutInMillis", spec["IntegrationTimeout"])
	return []*resource{r, calls, a.permission(name, key, function)}, nil
}

func invocationsOf(name string, function any) object {
	return sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${"+name+"}/invocations", object{name: function})
}

func (a *webSocketAPI) permission(name, key string, function any) *resource {
	r := newResource("AWS::Lambda::Permission", a.id+name+"Permission", a.passed())
	source := "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${" + a.id + ".ApiId}/"
	r.props = object{
		"Action": "lambda:InvokeFunction", "FunctionName": function, "Principal": "apigateway.amazonaws.com",
		"SourceArn": sub(source+"${__StageName__}/"+key, object{"__StageName__": a.stage}),
	}
	if stage, ok := a.stage.(string); ok {
		r.props["SourceArn"] = sub(source+stage+"/"+key, nil)
	}
	return r
}

func (a *webSocketAPI) makeStage() *resource {
	name := asString(a.stage)
	if name == webSocketStage {
		name = "Default"
	}
	r := newResource("AWS::ApiGatewayV2::Stage", a.id+name+"Stage", a.passed())
	r.props["ApiId"], r.props["StageName"], r.props["AutoDeploy"] = ref(a.id), a.stage, true
	copyMembers(r.props, a.props, "StageVariables", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings")
	r.props["Tags"] = object{webSocketTag: "SAM"}
	return r
}

func (a *webSocketAPI) authorizerID() string { return a.id + "ConnectAuthorizer" }

// authorizer makes the function decide who may connect, and lets the API call it.
func (a *webSocketAPI) authorizer() []*resource {
	r := newResource("AWS::ApiGatewayV2::Authorizer", a.authorizerID(), a.passed())
	r.props["ApiId"], r.props["AuthorizerType"] = ref(a.id), "REQUEST"
	put(r.props, "AuthorizerCredentialsArn", a.auth["InvokeRole"])
	r.props["AuthorizerUri"] = invocationsOf("AuthArn", a.auth["AuthArn"])
	put(r.props, "IdentitySource", a.auth["IdentitySource"])
	r.props["Name"] = or(a.auth["Name"], r.id)
	if given(a.auth["InvokeRole"]) {
		return []*resource{r}
	}
	return []*resource{r, a.authorizerPermission("", a.auth["AuthArn"], "${AWS::Partition}")}
}
