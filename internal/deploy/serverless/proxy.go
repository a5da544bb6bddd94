package serverless

import (
	"slices"
	"strings"
)

// The plugin serverless-apigateway-service-proxy has methods of the REST API
// call services, with no function between.

const proxyPlugin = "serverless-apigateway-service-proxy"

// A proxied service is one that a method can call.
type proxied struct {
	role    string // of the methods that have none of their own
	actions func(e *endpoint) ([]string, any)
	call    func(e *endpoint) (uri any, parameters, templates object)
}

var proxies = map[string]proxied{
	"kinesis": {
		role: "ApigatewayToKinesisRole",
		actions: func(e *endpoint) ([]string, any) {
			return []string{"kinesis:PutRecord", "kinesis:PutRecords"}, subWith("arn:${AWS::Partition}:kinesis:${AWS::Region}:${AWS::AccountId}:stream/${name}", "name", e.get("streamName"))
		},
		call: kinesisProxy,
	},
	"sqs": {
		role: "ApigatewayToSqsRole",
		actions: func(e *endpoint) ([]string, any) {
			return []string{"sqs:SendMessage"}, subWith("arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${name}", "name", e.get("queueName"))
		},
		call: queueProxy,
	},
	"sns": {
		role: "ApigatewayToSnsRole",
		actions: func(e *endpoint) ([]string, any) {
			return []string{"sns:Publish"}, topicArn(e)
		},
		call: topicProxy,
	},
	"dynamodb": {
		role: "ApigatewayToDynamodbRole",
		actions: func(e *endpoint) ([]string, any) {
			return []string{"dynamodb:" + text(e.get("action"))}, subWith("arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${name}", "name", e.get("tableName"))
		},
		call: tableProxy,
	},
	"s3": {
		role: "ApigatewayToS3Role",
		actions: func(e *endpoint) ([]string, any) {
			return []string{"s3:" + text(e.get("action")) + "*"}, subWith("arn:${AWS::Partition}:s3:::${name}/*", "name", e.get("bucket"))
		},
		call: bucketProxy,
	},
	"eventbridge": {
		role: "ApigatewayToEventBridgeRole",
		actions: func(e *endpoint) ([]string, any) {
			return []string{"events:PutEvents"}, subWith("arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${name}", "name", e.get("eventBusName"))
		},
		call: busProxy,
	},
}

// subWith is a Fn::Sub with one variable.
func subWith(text, name string, value any) object {
	return object{"Fn::Sub": []any{text, object{name: value}}}
}

// proxyEndpoints reads the methods that call services.
func (b *builder) proxyEndpoints() ([]*endpoint, error) {
	if !b.s.plugins[proxyPlugin] {
		return nil, nil
	}
	path := []string{"custom", "apiGatewayServiceProxies"}
	var out []*endpoint
	for i, v := range list(at(b.s.root, path...)) {
		for _, service := range keys(asObject(v)) {
			place := in(path, itoa(i), service)
			p, known := proxies[service]
			config := asObject(at(v, service))
			if !known || config == nil {
				return nil, b.s.errorAt(place, "Aloft makes proxies of kinesis, sqs, sns, s3, dynamodb and eventbridge")
			}
			h := &endpoint{event: event{kind: service, config: config, path: place}, proxy: &p}
			h.path = strings.Trim(text(config["path"]), "/")
			h.method = strings.ToUpper(text(config["method"]))
			if !slices.Contains(methods, h.method) {
				return nil, b.s.errorAt(place, "%s is no method of HTTP", h.method)
			}
			if action := text(config["action"]); service == "s3" && bucketMethods[action] == "" || service == "dynamodb" && !slices.Contains([]string{"PutItem", "GetItem", "DeleteItem"}, action) {
				return nil, b.s.errorAt(in(place, "action"), "Aloft makes no proxies of %s with the action %q", service, action)
			}
			if c := config["cors"]; truthy(c) {
				h.cors = newCORS(c, h.method)
			}
			out = append(out, h)
		}
	}
	return out, nil
}

// proxyMethod adds a method that calls a service.
func (b *builder) proxyMethod(h *endpoint, id string, resource any) {
	uri, parameters, templates := h.proxy.call(h)
	method := first(bucketMethods[text(h.get("action"))], "POST")
	if h.event.kind != "s3" {
		method = "POST"
	}
	merge(parameters, asObject(h.get("requestParameters")))
	own := asObject(h.get("request", "template"))
	merge(templates, own)
	integration := object{
		"IntegrationHttpMethod": method, "Type": "AWS", "Uri": uri, "RequestParameters": parameters, "RequestTemplates": templates,
		"Credentials": first(h.get("roleArn"), any(getAtt(h.proxy.role, "Arn"))), "PassthroughBehavior": "NEVER",
	}
	if h.event.kind == "s3" && own == nil {
		integration["PassthroughBehavior"] = "WHEN_NO_MATCH"
	}
	put(integration, "PassthroughBehavior", h.get("request", "passThrough"))
	put(integration, "ContentHandling", h.get("request", "contentHandling"))
	var declared []any
	integration["IntegrationResponses"], declared = h.proxyResponses()
	props := object{
		"HttpMethod": h.method, "ResourceId": resource, "RestApiId": b.restRef(), "ApiKeyRequired": truthy(h.get("private")),
		"RequestParameters": copied(h.get("acceptParameters")), "AuthorizationType": first(h.get("authorizationType"), "NONE"),
		"Integration": integration, "MethodResponses": declared,
	}
	put(props, "AuthorizerId", h.get("authorizerId"))
	put(props, "AuthorizationScopes", h.get("authorizationScopes"))
	b.methods = append(b.methods, id)
	b.add(id, "AWS::ApiGateway::Method", props)
	if h.get("roleArn") == nil {
		b.proxyRole(h)
	}
}

// proxyRole lets the role of a kind of proxies do what one of them does.
func (b *builder) proxyRole(h *endpoint) {
	actions, on := h.proxy.actions(h)
	statement := object{"Effect": "Allow", "Action": anys(actions), "Resource": on}
	if r := b.resources[h.proxy.role]; r != nil {
		document := asObject(at(list(at(r, "Properties", "Policies"))[0], "PolicyDocument"))
		document["Statement"] = append(list(document["Statement"]), statement)
		return
	}
	b.add(h.proxy.role, "AWS::IAM::Role", object{
		"AssumeRolePolicyDocument": trust("apigateway.amazonaws.com"),
		"Policies":                 []any{object{"PolicyName": "apigatewayto" + h.event.kind, "PolicyDocument": object{"Version": "2012-10-17", "Statement": []any{statement}}}},
	})
}

// proxyResponses are the answers of a proxy, and what its method declares of them.
func (h *endpoint) proxyResponses() (integration, declared []any) {
	add := func(code, pattern string, parameters, templates object) {
		mapped, names := object{}, object{}
		merge(mapped, parameters)
		for name, v := range h.responseHeaders() {
			mapped["method.response.header."+name] = v
		}
		for name := range mapped {
			names[name] = true
		}
		integration = append(integration, object{"StatusCode": code, "SelectionPattern": pattern, "ResponseParameters": mapped, "ResponseTemplates": templates})
		declared = append(declared, object{"StatusCode": code, "ResponseParameters": names, "ResponseModels": object{}})
	}
	if own, isList := h.get("response").([]any); isList {
		for _, r := range own {
			code := text(at(r, "statusCode"))
			add(code, text(first(at(r, "selectionPattern"), code)), asObject(at(r, "responseParameters")), copied(at(r, "responseTemplates")))
		}
		return integration, declared
	}
	template := func(name string) object {
		t := object{}
		put(t, "application/json", h.get("response", "template", name))
		return t
	}
	if h.event.kind == "s3" {
		passed := object{}
		for _, name := range bucketHeaders[text(h.get("action"))] {
			passed["method.response.header."+name] = "integration.response.header." + name
		}
		add("200", `2(0[0-57-9]|[1-9]\d)`, passed, template("success"))
		add("206", "206", passed, template("success"))
		add("400", `4\d{2}`, nil, template("clientError"))
		add("500", `5\d{2}`, nil, template("serverError"))
		return integration, declared
	}
	success := template("success")
	if h.event.kind == "dynamodb" && text(h.get("action")) == "GetItem" && len(success) == 0 {
		success["application/json"] = plainItem
	}
	add("200", "200", nil, success)
	add("400", "400", nil, template("clientError"))
	add("500", "500", nil, template("serverError"))
	return integration, declared
}

// copied is an object of its own, with what v has.
func copied(v any) object {
	out := object{}
	merge(out, asObject(v))
	return out
}

// given is how a template finds what a proxy's setting says: a parameter of the
// request, a member of its body, or the text itself.
func given(v any, usual string) string {
	switch {
	case v == nil:
		return usual
	case at(v, "pathParam") != nil:
		return "$input.params().path." + text(at(v, "pathParam"))
	case at(v, "queryStringParam") != nil:
		return "$input.params().querystring." + text(at(v, "queryStringParam"))
	case at(v, "bodyParam") != nil:
		return "$util.parseJson($input.body)." + text(at(v, "bodyParam"))
	}
	return text(v)
}

func action(service, name string) object {
	return sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:" + service + ":action/" + name)
}

// bothTypes is a template of requests in JSON and of forms.
func bothTypes(template any) object {
	return object{"application/json": template, "application/x-www-form-urlencoded": template}
}

func kinesisProxy(e *endpoint) (any, object, object) {
	name := text(first(e.get("action"), "PutRecord"))
	records := `"Data":"$util.base64Encode($input.body)","PartitionKey":"` + given(e.get("partitionKey"), "$context.requestId") + `"`
	if name == "PutRecords" {
		records = `"Records":[#foreach($elem in $input.path('$.records')){"Data":"$util.base64Encode($elem.data)","PartitionKey":"$elem.partition-key"}#if($foreach.hasNext),#end#end]`
	}
	return action("kinesis", name), object{}, bothTypes(subWith(`{"StreamName":"${name}",`+records+`}`, "name", e.get("streamName")))
}

func queueProxy(e *endpoint) (any, object, object) {
	uri := subWith("arn:${AWS::Partition}:apigateway:${AWS::Region}:sqs:path//${AWS::AccountId}/${name}", "name", e.get("queueName"))
	if len(asObject(e.get("request", "template"))) > 0 {
		return uri, object{"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"}, object{}
	}
	return uri, object{
		"integration.request.querystring.Action":      "'SendMessage'",
		"integration.request.querystring.MessageBody": "method.request.body",
	}, object{"application/json": "{statusCode:200}"}
}

func topicArn(e *endpoint) object {
	return subWith("arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${name}", "name", e.get("topicName"))
}

func topicProxy(e *endpoint) (any, object, object) {
	template := join("", "Action=Publish&Message=$util.urlEncode($input.body)&TopicArn=$util.urlEncode('", topicArn(e), "')")
	return sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:sns:path//"),
		object{"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"}, bothTypes(template)
}

// plainItem answers with an item's values, without their types.
const plainItem = `#set($item = $input.path('$.Item')){#foreach($key in $item.keySet())#set($value = $item.get($key))#foreach($type in $value.keySet())"$key":"$value.get($type)"#if($foreach.hasNext()),#end#end#if($foreach.hasNext()),#end#end}`

// typedItem is the body, whose values have their types, within an item.
const typedItem = `#set($body = $util.parseJson($input.body))#foreach($key in $body.keySet())#set($item = $body.get($key))#foreach($type in $item.keySet())"$key":{"$type":"$item.get($type)"}#if($foreach.hasNext()),#end#end#if($foreach.hasNext()),#end#end`

func tableProxy(e *endpoint) (any, object, object) {
	var key []string
	for _, name := range []string{"hashKey", "rangeKey"} {
		if v := e.get(name); v != nil {
			attribute := text(first(at(v, "pathParam"), at(v, "queryStringParam")))
			key = append(key, `"`+attribute+`":{"`+text(at(v, "attributeType"))+`":"`+given(v, "")+`"}`)
		}
	}
	name := text(e.get("action"))
	text := `{"TableName":"${name}","Key":{` + strings.Join(key, ",") + `}`
	if name == "PutItem" {
		text = `{"TableName":"${name}","Item":{` + strings.Join(append(key, typedItem), ",") + `}`
	}
	if c, has := e.get("condition").(string); has && name != "GetItem" {
		text += `,"ConditionExpression":` + asJSON(c)
	}
	return action("dynamodb", name), object{}, bothTypes(subWith(text+`}`, "name", e.get("tableName")))
}

var (
	bucketMethods = map[string]string{"GetObject": "GET", "PutObject": "PUT", "DeleteObject": "DELETE"}
	bucketHeaders = map[string][]string{
		"GetObject": {"Content-Type", "Accept-Ranges", "Content-Range"}, "PutObject": {"Content-Type", "Content-Length"}, "DeleteObject": {"Content-Type", "Date"},
	}
)

func bucketProxy(e *endpoint) (any, object, object) {
	parameters := object{"integration.request.path.bucket": subWith("'${name}'", "name", e.get("bucket"))}
	switch key := e.get("key"); {
	case at(key, "pathParam") != nil:
		parameters["integration.request.path.object"] = "method.request.path." + text(at(key, "pathParam"))
	case at(key, "queryStringParam") != nil:
		parameters["integration.request.path.object"] = "method.request.querystring." + text(at(key, "queryStringParam"))
	case key != nil:
		parameters["integration.request.path.object"] = "'" + text(key) + "'"
	}
	switch text(e.get("action")) {
	case "GetObject":
		parameters["integration.request.header.Range"] = "method.request.header.Range"
	case "PutObject":
		parameters["integration.request.header.x-amz-acl"] = "'authenticated-read'"
		parameters["integration.request.header.Content-Type"] = "method.request.header.Content-Type"
	}
	path := "{bucket}/" + text(first(e.get("pathOverride"), "{object}"))
	return sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:s3:path/" + path), parameters, object{}
}

func busProxy(e *endpoint) (any, object, object) {
	detail := "$util.escapeJavaScript($input.body)"
	if v := at(e.get("detail"), "bodyParam"); v != nil {
		detail = "$util.escapeJavaScript($util.parseJson($input.body)." + text(v) + ")"
	}
	template := subWith(`{"Entries":[{"Detail":"`+detail+`","DetailType":"`+given(e.get("detailType"), "$context.requestId")+
		`","EventBusName":"${name}","Source":"`+given(e.get("source"), "$context.requestId")+`"}]}`, "name", e.get("eventBusName"))
	return action("events", "PutEvents"), object{
		"integration.request.header.X-Amz-Target": "'AWSEvents.PutEvents'", "integration.request.header.Content-Type": "'application/x-amz-json-1.1'",
	}, bothTypes(template)
}
