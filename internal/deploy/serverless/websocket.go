package serverless

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

func (b *builder) socketRef() any {
	return first(at(b.s.provider(), "apiGateway", "websocketApiId"), any(ref(socketID)))
}

// webSocketAPI adds the API of the events of kind websocket.
func (b *builder) webSocketAPI() error {
	events := b.s.events("websocket")
	if len(events) == 0 {
		return nil
	}
	p := b.s.provider()
	description := first(p["websocketsDescription"], "Serverless Websockets")
	external := at(p, "apiGateway", "websocketApiId") != nil
	if !external {
		api := object{
			"Name":                     first(p["websocketsApiName"], b.s.Stage+"-"+b.s.Name+"-websockets"),
			"RouteSelectionExpression": first(p["websocketsApiRouteSelectionExpression"], "$request.body.action"),
			"Description":              description,
			"ProtocolType":             "WEBSOCKET",
		}
		if truthy(at(p, "websocket", "useProviderTags")) {
			put(api, "Tags", clone(p["tags"]))
		}
		b.add(socketID, "AWS::ApiGatewayV2::Api", api)
		b.allow([]string{"execute-api:ManageConnections"}, sub("arn:${AWS::Partition}:execute-api:*:*:*/@connections/*"))
	}
	var made []any
	for _, e := range events {
		ids, err := b.socketRoute(e)
		if err != nil {
			return err
		}
		made = append(made, ids...)
	}
	deployment := object{"ApiId": b.socketRef(), "Description": description}
	if external {
		deployment["StageName"] = b.s.Stage
	}
	id := "WebsocketsDeployment" + b.socketDigest()
	b.add(id, "AWS::ApiGatewayV2::Deployment", deployment, made...)
	if !external {
		b.socketStage(id, description)
	}
	b.output("ServiceEndpointWebsocket", "URL of the service endpoint", join("",
		"wss://", b.socketRef(), ".execute-api.", ref("AWS::Region"), ".", ref("AWS::URLSuffix"), "/"+b.s.Stage))
	return nil
}

// socketDigest is of all that is deployed: a change makes another deployment.
func (b *builder) socketDigest() string {
	parts := object{}
	for id, r := range b.resources {
		if api := at(r, "Properties", "ApiId"); api != nil && asJSON(api) == asJSON(b.socketRef()) {
			parts[id] = r
		}
	}
	sum := sha256.Sum256([]byte(asJSON(parts)))
	return hex.EncodeToString(sum[:16])
}

// socketRoute adds a route, and returns the ids that are to be deployed.
func (b *builder) socketRoute(e event) ([]any, error) {
	name := text(first(e.get("route"), e.config))
	if name == "" {
		return nil, b.s.errorAt(in(e.path, "websocket"), "want a route")
	}
	on := []any{functionID(e.fn.key)}
	if alias := e.fn.aliasID(); alias != nil {
		on[0] = alias
	}
	if at(b.s.provider(), "apiGateway", "websocketApiId") == nil {
		on = append(on, socketID)
	}
	b.add(logical(e.fn.key)+"LambdaPermissionWebsockets", "AWS::Lambda::Permission", object{
		"FunctionName": e.fn.target(), "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
	}, on...)
	integration := logical(e.fn.key) + "WebsocketsIntegration"
	b.add(integration, "AWS::ApiGatewayV2::Integration", object{
		"ApiId": b.socketRef(), "IntegrationType": "AWS_PROXY", "IntegrationUri": invocationURI(e.fn.target()),
	}, e.fn.aliasID())
	id := routeName(name) + "WebsocketsRoute"
	props := object{
		"ApiId": b.socketRef(), "RouteKey": name, "AuthorizationType": "NONE", "Target": join("/", "integrations", ref(integration)),
	}
	if a := e.get("authorizer"); truthy(a) {
		authorizer, err := b.socketAuthorizer(e, a)
		if err != nil {
			return nil, err
		}
		props["AuthorizationType"], props["AuthorizerId"] = "CUSTOM", ref(authorizer)
	}
	b.add(id, "AWS::ApiGatewayV2::Route", props)
	expression := e.get("routeResponseSelectionExpression")
	if !truthy(expression) {
		return []any{id}, nil
	}
	props["RouteResponseSelectionExpression"] = expression
	b.add(id+"Response", "AWS::ApiGatewayV2::RouteResponse", object{"ApiId": b.socketRef(), "RouteId": ref(id), "RouteResponseKey": "$default"})
	return []any{id + "Response", id}, nil
}

// socketAuthorizer adds the authorizer of a route, and returns its id.
func (b *builder) socketAuthorizer(e event, a any) (string, error) {
	name, arn := text(first(at(a, "name"), a)), at(a, "arn")
	if strings.Contains(name, ":") {
		arn, name = name, ""
	}
	if arn == nil {
		f := b.s.function(name)
		if f == nil {
			return "", b.s.errorAt(in(e.path, "websocket", "authorizer"), "there is no function %q", name)
		}
		arn = f.target()
	}
	if name == "" {
		if name = text(arn); name == "" {
			return "", b.s.errorAt(in(e.path, "websocket", "authorizer"), "an authorizer whose arn is computed wants a name")
		}
		name = name[strings.LastIndexByte(name, ':')+1:]
	}
	id := logical(name) + "WebsocketsAuthorizer"
	b.add(id, "AWS::ApiGatewayV2::Authorizer", object{
		"ApiId": b.socketRef(), "Name": name, "AuthorizerType": "REQUEST", "AuthorizerUri": invocationURI(arn),
		"IdentitySource": list(first(at(a, "identitySource"), "route.request.header.Auth")),
	})
	permission := logical(name) + "LambdaPermissionWebsockets"
	if b.resources[permission] == nil {
		b.add(permission, "AWS::Lambda::Permission", object{
			"FunctionName": arn, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
		})
	}
	return id, nil
}

const socketLogFormat = `$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime] ` +
	`"$context.eventType $context.routeKey $context.connectionId" $context.requestId`

// socketStage adds the stage, and how it logs.
func (b *builder) socketStage(deployment string, description any) {
	props := object{
		"ApiId": b.socketRef(), "StageName": b.s.Stage, "Description": description, "DeploymentId": ref(deployment),
	}
	b.add("WebsocketsDeploymentStage", "AWS::ApiGatewayV2::Stage", props)
	logs := at(b.s.provider(), "logs", "websocket")
	if !truthy(logs) {
		return
	}
	level := first(at(logs, "level"), "INFO")
	if v := at(logs, "executionLogging"); v != nil && !truthy(v) {
		level = "OFF"
	}
	props["DefaultRouteSettings"] = object{"DataTraceEnabled": first(at(logs, "fullExecutionData"), true), "LoggingLevel": level}
	const group = "WebsocketsLogGroup"
	b.add(group, "AWS::Logs::LogGroup", b.retention(object{"LogGroupName": "/aws/websocket/" + b.s.prefix()}, nil))
	if v := at(logs, "accessLogging"); v == nil || truthy(v) {
		props["AccessLogSettings"] = object{
			"DestinationArn": sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${" + group + "}"),
			"Format":         first(at(logs, "format"), socketLogFormat),
		}
	}
}
