package serverless

import (
	"regexp"
	"slices"
	"strings"
)

// An endpoint is an event of kind http: a method of the REST API.
type endpoint struct {
	event
	path        string // without slashes at its ends
	method      string // in upper case
	integration string // AWS, AWS_PROXY, HTTP, HTTP_PROXY, MOCK
	request     object
	response    object
	auth        *authorizer
	cors        *cors
	proxy       *proxied // calls a service, and no function
}

func (b *builder) restAPI() error {
	endpoints, err := b.proxyEndpoints()
	if err != nil {
		return err
	}
	events := b.s.events("http")
	if len(events)+len(endpoints) == 0 {
		return nil
	}
	api := asObject(b.s.provider()["apiGateway"])
	if api["restApiId"] != nil && api["restApiRootResourceId"] == nil {
		return b.s.errorAt([]string{"provider", "apiGateway"}, "restApiId wants restApiRootResourceId beside it")
	}
	for _, e := range events {
		h, err := b.endpoint(e)
		if err != nil {
			return err
		}
		endpoints = append(endpoints, h)
	}
	if api["restApiId"] == nil {
		b.restAPIResource(api)
	}
	ids := b.pathResources(api, endpoints)
	b.preflights(endpoints, ids)
	for _, h := range endpoints {
		if err := b.restMethod(h, ids[h.path]); err != nil {
			return err
		}
	}
	b.restAuthorizers(endpoints)
	b.restDeployment(api)
	b.restPermissions(endpoints)
	return b.usagePlans(api)
}

// restRef is the id of the REST API, which may be another stack's.
func (b *builder) restRef() any {
	return first(at(b.s.provider(), "apiGateway", "restApiId"), any(ref(restID)))
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "OPTIONS", "HEAD", "DELETE", "ANY"}

// endpoint reads an event.
func (b *builder) endpoint(e event) (*endpoint, error) {
	if s, isText := e.config.(string); isText {
		method, path, _ := strings.Cut(s, " ")
		e.config = object{"method": method, "path": path}
	}
	if e.get("path") == nil || e.get("method") == nil {
		return nil, b.s.errorAt(in(e.path, "http"), `want "METHOD path", or a map with path and method`)
	}
	h := &endpoint{event: e}
	h.path = strings.TrimSuffix(strings.TrimPrefix(text(e.get("path")), "/"), "/")
	h.method = strings.ToUpper(text(e.get("method")))
	if h.method == "*" {
		h.method = "ANY"
	}
	if !slices.Contains(methods, h.method) {
		return nil, b.s.errorAt(in(e.path, "http"), "%s is no method of HTTP", h.method)
	}
	if err := b.integrationKind(h); err != nil {
		return nil, err
	}
	if v := e.get("cors"); truthy(v) {
		h.cors = newCORS(v, h.method)
	}
	if v := e.get("authorizer"); truthy(v) {
		var err error
		if h.auth, err = b.authorizer(h, v); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// integrationKind works out how the endpoint calls its function, and which of
// the request's and response's settings count with that.
func (b *builder) integrationKind(h *endpoint) error {
	kind := strings.ReplaceAll(strings.ToUpper(text(h.get("integration"))), "-", "_")
	switch {
	case kind == "LAMBDA", kind == "" && truthy(h.get("async")):
		kind = "AWS"
	case kind == "LAMBDA_PROXY", kind == "":
		kind = "AWS_PROXY"
	}
	path := in(h.event.path, "http", "integration")
	switch kind {
	case "AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK":
	default:
		return b.s.errorAt(path, "%s is no kind of integration", kind)
	}
	h.integration = kind
	request := asObject(clone(h.get("request")))
	if request == nil {
		request = object{}
	}
	if strings.HasPrefix(kind, "HTTP") && request["uri"] == nil {
		return b.s.errorAt(path, "an integration of kind %s wants request.uri", kind)
	}
	if strings.HasSuffix(kind, "_PROXY") {
		for _, key := range keys(request) {
			if key != "parameters" && key != "schemas" && key != "schema" && (key != "uri" || kind != "HTTP_PROXY") {
				b.s.note(in(h.event.path, "http", "request", key), "it has no effect with the integration %s", kind)
				delete(request, key)
			}
		}
	}
	h.request = request
	if kind != "AWS" && kind != "HTTP" {
		return nil
	}
	if request["passThrough"] == nil && kind == "AWS" {
		request["passThrough"] = "NEVER"
	}
	h.response = asObject(clone(h.get("response")))
	if h.response == nil && kind == "AWS" {
		h.response = object{}
	}
	if h.response != nil {
		completeStatusCodes(h.response)
	}
	return nil
}

// restAPIResource adds the API itself.
func (b *builder) restAPIResource(api object) {
	p := b.s.provider()
	name := text(first(api["name"], p["apiName"]))
	if name == "" {
		name = b.s.Stage + "-" + b.s.Name
		if truthy(api["shouldStartNameWithService"]) {
			name = b.s.prefix()
		}
	}
	endpoint := object{"Types": []any{strings.ToUpper(text(first(p["endpointType"], "EDGE")))}}
	put(endpoint, "VpcEndpointIds", p["vpcEndpointIds"])
	props := object{"Name": name, "EndpointConfiguration": endpoint, "Policy": ""}
	if policy := asList(api["resourcePolicy"]); len(policy) > 0 {
		props["Policy"] = object{"Version": "2012-10-17", "Statement": policy}
	}
	if types := b.binaryTypes(api); types != nil {
		props["BinaryMediaTypes"] = types
	}
	put(props, "DisableExecuteApiEndpoint", api["disableDefaultEndpoint"])
	if v := text(api["apiKeySourceType"]); v != "" {
		props["ApiKeySourceType"] = strings.ToUpper(v)
	}
	put(props, "MinimumCompressionSize", api["minimumCompressionSize"])
	putTrue(props, "Description", api["description"])
	b.add(restID, "AWS::ApiGateway::RestApi", props)
}

// binaryTypes are the types of bodies that pass as they are; a plugin has them
// elsewhere.
func (b *builder) binaryTypes(api object) any {
	if types := api["binaryMediaTypes"]; types != nil {
		return list(types)
	}
	if b.s.plugins["serverless-apigw-binary"] {
		return list(at(b.s.root, "custom", "apigwBinary", "types"))
	}
	return nil
}

// pathResources adds the resources of all paths, and returns their ids by path.
func (b *builder) pathResources(api object, endpoints []*endpoint) map[string]any {
	ids := map[string]any{"": first(api["restApiRootResourceId"], any(getAtt(restID, "RootResourceId")))}
	for path, id := range asObject(api["restApiResources"]) {
		ids[strings.Trim(path, "/")] = id
	}
	for _, r := range asList(api["restApiResources"]) {
		ids[strings.Trim(text(at(r, "path")), "/")] = at(r, "resourceId")
	}
	for _, h := range endpoints {
		parent := ""
		for part := range strings.SplitSeq(h.path, "/") {
			path := strings.TrimPrefix(parent+"/"+part, "/")
			if ids[path] == nil {
				id := "ApiGatewayResource" + pathName(path)
				b.add(id, "AWS::ApiGateway::Resource", object{"ParentId": ids[parent], "PathPart": part, "RestApiId": b.restRef()})
				ids[path] = ref(id)
			}
			parent = path
		}
	}
	return ids
}

// restDeployment adds the deployment, which makes the stage, and the address.
func (b *builder) restDeployment(api object) {
	stage := first(api["stage"], b.s.Stage)
	props := object{"RestApiId": b.restRef(), "StageName": stage}
	putTrue(props, "Description", api["description"])
	if description := b.stageDescription(api); len(description) > 0 && api["restApiId"] == nil {
		props["StageDescription"] = description
	}
	slices.Sort(b.methods)
	b.add("ApiGatewayDeployment"+instanceID, "AWS::ApiGateway::Deployment", props, anys(slices.Compact(b.methods))...)
	b.output("ServiceEndpoint", "URL of the service endpoint", join("",
		"https://", b.restRef(), ".execute-api.", ref("AWS::Region"), ".", ref("AWS::URLSuffix"), "/"+b.s.Stage))
}

var restLogFormat = []string{
	"requestId: $context.requestId", "ip: $context.identity.sourceIp", "caller: $context.identity.caller", "user: $context.identity.user",
	"requestTime: $context.requestTime", "httpMethod: $context.httpMethod", "resourcePath: $context.resourcePath", "status: $context.status",
	"protocol: $context.protocol", "responseLength: $context.responseLength",
}

// stageDescription says how the stage logs and traces. The framework sets this
// after it deployed; we let the deployment do it.
func (b *builder) stageDescription(api object) object {
	p, d := b.s.provider(), object{}
	put(d, "TracingEnabled", at(p, "tracing", "apiGateway"))
	put(d, "MetricsEnabled", api["metrics"])
	tags := object{}
	merge(tags, asObject(p["stackTags"]))
	merge(tags, asObject(p["tags"]))
	if len(tags) > 0 {
		d["Tags"] = tagList(tags)
	}
	logs := at(p, "logs", "restApi")
	if !truthy(logs) {
		return d
	}
	d["LoggingLevel"] = first(at(logs, "level"), "INFO")
	if v := at(logs, "executionLogging"); v != nil && !truthy(v) {
		d["LoggingLevel"] = "OFF"
	}
	d["DataTraceEnabled"] = first(at(logs, "fullExecutionData"), true)
	if v := at(logs, "accessLogging"); v == nil || truthy(v) {
		const group = "ApiGatewayLogGroup"
		b.add(group, "AWS::Logs::LogGroup", b.retention(object{"LogGroupName": "/aws/api-gateway/" + b.s.prefix()}, nil))
		d["AccessLogSetting"] = object{
			"DestinationArn": getAtt(group, "Arn"),
			"Format":         first(at(logs, "format"), strings.Join(restLogFormat, ", ")),
		}
	}
	return d
}

var userPoolArn = regexp.MustCompile(`^arn:[a-zA-Z-]*:cognito-idp:`)

func executeArn(api any, rest string) object {
	return join("", "arn:", ref("AWS::Partition"), ":execute-api:", ref("AWS::Region"), ":", ref("AWS::AccountId"), ":", api, rest)
}

// restPermissions lets the API invoke functions and authorizers.
func (b *builder) restPermissions(endpoints []*endpoint) {
	source := executeArn(b.restRef(), "/*/*")
	id := func(name string) string { return logical(name) + "LambdaPermissionApiGateway" }
	for _, h := range endpoints {
		if h.proxy != nil {
			continue
		}
		b.permit(id(h.fn.key), h.fn, "apigateway.amazonaws.com", source)
	}
	for _, h := range endpoints {
		a := h.auth
		if a == nil || a.arn == nil || a.managed || a.userPools() || b.resources[id(a.name)] != nil {
			continue
		}
		function := a.arn
		if a.aliasID != nil {
			function = ref(a.aliasID.(string))
		}
		b.add(id(a.name), "AWS::Lambda::Permission", object{
			"FunctionName": function, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com", "SourceArn": source,
		})
	}
}
