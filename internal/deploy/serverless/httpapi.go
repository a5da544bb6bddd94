package serverless

import (
	"slices"
	"strings"
)

// A route is an event of kind httpApi.
type route struct {
	event
	method, path string // "", "*" for the route that takes the rest
}

func (r route) key() string {
	if r.path == "*" {
		return "$default"
	}
	return r.method + " " + r.path
}

func (r route) id() string {
	if r.path == "*" {
		return "HttpApiRouteDefault"
	}
	return "HttpApiRoute" + pathName(r.method+" "+r.path)
}

func (b *builder) httpAPI() error {
	var routes []route
	for _, e := range b.s.events("httpApi") {
		r, err := b.route(e)
		if err != nil {
			return err
		}
		routes = append(routes, r)
	}
	if len(routes) == 0 {
		return nil
	}
	config := asObject(b.s.provider()["httpApi"])
	if config["id"] == nil {
		b.httpAPIResource(config, routes)
	}
	authorizers := asObject(config["authorizers"])
	for _, name := range keys(authorizers) {
		if err := b.httpAuthorizer(name, authorizers[name]); err != nil {
			return err
		}
	}
	for _, r := range routes {
		if err := b.httpRoute(r, config, authorizers); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) route(e event) (route, error) {
	r := route{event: e}
	path := in(e.path, "httpApi")
	if s, isText := e.config.(string); isText {
		method, p, two := strings.Cut(strings.TrimSpace(s), " ")
		if !two {
			method, p = "*", s
		}
		e.config = object{"method": method, "path": strings.TrimSpace(p)}
	}
	r.method, r.path = strings.ToUpper(text(at(e.config, "method"))), text(at(e.config, "path"))
	switch {
	case r.path == "":
		return r, b.s.errorAt(path, `want "METHOD /path", or a map with path`)
	case r.path == "*" && r.method != "" && r.method != "*":
		return r, b.s.errorAt(path, "the path * takes all methods")
	case r.path == "*":
		r.method = "ANY"
	case r.method == "":
		return r, b.s.errorAt(path, "want a method")
	case r.method == "*":
		r.method = "ANY"
	case !slices.Contains(methods, r.method):
		return r, b.s.errorAt(path, "%s is no method of HTTP", r.method)
	}
	return r, nil
}

func (b *builder) httpAPIRef() any {
	return first(at(b.s.provider(), "httpApi", "id"), any(ref(httpAPIID)))
}

// httpLogFormat is what the framework logs of a request.
const httpLogFormat = `{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","requestTime":"$context.requestTime",` +
	`"httpMethod":"$context.httpMethod","routeKey":"$context.routeKey","status":"$context.status","protocol":"$context.protocol",` +
	`"responseLength":"$context.responseLength"}`

// httpAPIResource adds the API and its stage.
func (b *builder) httpAPIResource(config object, routes []route) {
	p := b.s.provider()
	name := text(config["name"])
	if name == "" {
		name = b.s.Stage + "-" + b.s.Name
		if truthy(config["shouldStartNameWithService"]) {
			name = b.s.prefix()
		}
	}
	api := object{"Name": name, "ProtocolType": "HTTP"}
	put(api, "DisableExecuteApiEndpoint", config["disableDefaultEndpoint"])
	if cors := config["cors"]; truthy(cors) {
		api["CorsConfiguration"] = httpCORS(cors, routes)
	}
	stage := object{
		"ApiId": ref(httpAPIID), "StageName": "$default", "AutoDeploy": true,
		"DefaultRouteSettings": object{"DetailedMetricsEnabled": first(config["metrics"], false)},
	}
	if tags := asObject(p["tags"]); tags != nil {
		api["Tags"], stage["Tags"] = clone(tags), clone(tags)
	}
	var group any
	if logs := at(p, "logs", "httpApi"); truthy(logs) {
		group = "HttpApiLogGroup"
		b.add("HttpApiLogGroup", "AWS::Logs::LogGroup", b.retention(object{"LogGroupName": "/aws/http-api/" + b.s.StackName()}, nil))
		stage["AccessLogSettings"] = object{"DestinationArn": getAtt("HttpApiLogGroup", "Arn"), "Format": first(at(logs, "format"), httpLogFormat)}
	}
	b.add(httpAPIID, "AWS::ApiGatewayV2::Api", api)
	b.add(httpAPIID+"Stage", "AWS::ApiGatewayV2::Stage", stage, group)
	b.output("HttpApiId", "Id of the HTTP API", ref(httpAPIID))
	b.output("HttpApiUrl", "URL of the HTTP API", join("", "https://", ref(httpAPIID), ".execute-api.", ref("AWS::Region"), ".", ref("AWS::URLSuffix")))
}

// httpCORS has what is usual, and the methods of all routes, but for what is said.
func httpCORS(said any, routes []route) object {
	cors := object{
		"AllowOrigins": list(first(at(said, "allowedOrigins"), "*")),
		"AllowHeaders": list(first(at(said, "allowedHeaders"), any(anys(corsHeaders)))),
		"AllowMethods": list(at(said, "allowedMethods")),
	}
	if at(said, "allowedMethods") == nil {
		all := []string{"OPTIONS"}
		for _, r := range routes {
			if r.method == "ANY" {
				all = union(all, methods[:len(methods)-1])
			} else {
				all = union(all, []string{r.method})
			}
		}
		cors["AllowMethods"] = anys(all)
	}
	putTrue(cors, "AllowCredentials", at(said, "allowCredentials"))
	if v := at(said, "exposedResponseHeaders"); v != nil {
		cors["ExposeHeaders"] = list(v)
	}
	put(cors, "MaxAge", at(said, "maxAge"))
	return cors
}

func httpAuthorizerID(name string) string { return "HttpApiAuthorizer" + logical(name) }

// httpAuthorizer adds an authorizer that routes may name.
func (b *builder) httpAuthorizer(name string, config any) error {
	path := []string{"provider", "httpApi", "authorizers", name}
	props := object{
		"ApiId": b.httpAPIRef(), "Name": first(at(config, "name"), name),
		"IdentitySource": append([]any{}, list(at(config, "identitySource"))...),
	}
	var alias any
	if text(at(config, "type")) != "request" {
		props["AuthorizerType"] = "JWT"
		props["JwtConfiguration"] = object{"Audience": list(at(config, "audience")), "Issuer": at(config, "issuerUrl")}
	} else {
		arn := at(config, "functionArn")
		if key := text(at(config, "functionName")); key != "" {
			f := b.s.function(key)
			if f == nil {
				return b.s.errorAt(path, "there is no function %q", key)
			}
			arn, alias = f.target(), f.aliasID()
		}
		if arn == nil {
			return b.s.errorAt(path, "want functionName or functionArn")
		}
		props["AuthorizerType"], props["AuthorizerUri"] = "REQUEST", invocationURI(arn)
		props["AuthorizerPayloadFormatVersion"] = first(at(config, "payloadVersion"), "2.0")
		put(props, "EnableSimpleResponses", at(config, "enableSimpleResponses"))
		put(props, "AuthorizerResultTtlInSeconds", at(config, "resultTtlInSeconds"))
		if !truthy(at(config, "managedExternally")) {
			b.add(logical(text(props["Name"]))+"LambdaAuthorizerPermissionHttpApi", "AWS::Lambda::Permission", object{
				"FunctionName": arn, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
				"SourceArn": executeArn(b.httpAPIRef(), "/*"),
			}, alias)
		}
	}
	b.add(httpAuthorizerID(text(props["Name"])), "AWS::ApiGatewayV2::Authorizer", props, alias)
	return nil
}

// httpRoute adds a route, and what its function needs to be called.
func (b *builder) httpRoute(r route, config, authorizers object) error {
	if b.resources[r.id()] != nil {
		return b.s.errorAt(r.event.path, "%s is a route already", r.key())
	}
	integration := "HttpApiIntegration" + logical(r.fn.key)
	if b.resources[integration] == nil {
		b.permit(logical(r.fn.key)+"LambdaPermissionHttpApi", r.fn, "apigateway.amazonaws.com", executeArn(b.httpAPIRef(), "/*"))
		b.add(integration, "AWS::ApiGatewayV2::Integration", object{
			"ApiId": b.httpAPIRef(), "IntegrationType": "AWS_PROXY", "IntegrationUri": r.fn.target(), "TimeoutInMillis": 30000,
			"PayloadFormatVersion": first(at(r.fn.config, "httpApi", "payload"), config["payload"], "2.0"),
		}, r.fn.aliasID())
	}
	props := object{"ApiId": b.httpAPIRef(), "RouteKey": r.key(), "Target": join("/", "integrations", ref(integration))}
	if a := r.get("authorizer"); truthy(a) {
		if err := b.authorizeRoute(in(r.event.path, "httpApi", "authorizer"), a, authorizers, props); err != nil {
			return err
		}
	}
	b.add(r.id(), "AWS::ApiGatewayV2::Route", props, integration)
	return nil
}

func (b *builder) authorizeRoute(path []string, a any, authorizers, props object) error {
	kind, name := text(at(a, "type")), text(first(at(a, "name"), a))
	if strings.EqualFold(text(a), "aws_iam") && authorizers[name] == nil {
		kind = "aws_iam"
	}
	id := at(a, "id")
	switch {
	case kind == "aws_iam":
		props["AuthorizationType"] = "AWS_IAM"
		return nil
	case id == nil && authorizers[name] == nil:
		return b.s.errorAt(path, "there is no authorizer %q in provider.httpApi.authorizers", name)
	case id == nil:
		kind = text(at(authorizers[name], "type"))
		id = ref(httpAuthorizerID(text(first(at(authorizers[name], "name"), name))))
	}
	props["AuthorizationType"], props["AuthorizerId"] = "JWT", id
	if kind == "request" {
		props["AuthorizationType"] = "CUSTOM"
	}
	if scopes := at(a, "scopes"); scopes != nil {
		props["AuthorizationScopes"] = list(scopes)
	}
	return nil
}
