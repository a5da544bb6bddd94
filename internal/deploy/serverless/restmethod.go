package serverless

import (
	"fmt"
	"strings"
)

// restMethod adds the method of an endpoint.
func (b *builder) restMethod(h *endpoint, resource any) error {
	id := methodID(h.path, h.method)
	if b.resources[id] != nil {
		return b.s.errorAt(h.event.path, "%s /%s is an endpoint already", h.method, h.path)
	}
	if h.proxy != nil {
		b.proxyMethod(h, id, resource)
		return nil
	}
	props := object{
		"HttpMethod":        h.method,
		"RequestParameters": h.requestParameters(),
		"ResourceId":        resource,
		"RestApiId":         b.restRef(),
		"ApiKeyRequired":    truthy(h.get("private")),
		"Integration":       h.integrate(),
		"MethodResponses":   h.methodResponses(),
	}
	put(props, "OperationName", h.get("operationId"))
	authorizer := h.authorize(props)
	b.validateRequest(h, id, props)
	b.methods = append(b.methods, id)
	b.add(id, "AWS::ApiGateway::Method", props, logical(h.fn.key)+"LambdaPermissionApiGateway", h.fn.aliasID(), authorizer)
	return nil
}

// parameters returns the request's parameters by how API Gateway names them.
func (h *endpoint) parameters() object {
	all := object{}
	for kind, location := range map[string]string{"querystrings": "querystring", "paths": "path", "headers": "header"} {
		for name, v := range asObject(at(h.request, "parameters", kind)) {
			all["method.request."+location+"."+name] = v
		}
	}
	return all
}

// requestParameters says of each parameter whether it must be there.
func (h *endpoint) requestParameters() object {
	all := h.parameters()
	for name, v := range all {
		if m, isMap := v.(object); isMap {
			all[name] = first(m["required"], true)
		}
	}
	return all
}

// integrate says how the endpoint calls its function, or something else.
func (h *endpoint) integrate() object {
	i := object{"Type": h.integration, "IntegrationHttpMethod": "POST"}
	switch {
	case strings.HasPrefix(h.integration, "AWS"):
		parts := []any{"arn:", ref("AWS::Partition"), ":apigateway:", ref("AWS::Region"), ":lambda:path/2015-03-31/functions/", getAtt(functionID(h.fn.key), "Arn")}
		if h.fn.alias != "" {
			parts = append(parts, ":", h.fn.alias)
		}
		i["Uri"] = join("", append(parts, "/invocations")...)
	case strings.HasPrefix(h.integration, "HTTP"):
		i["Uri"] = h.request["uri"]
		i["IntegrationHttpMethod"] = strings.ToUpper(text(first(h.request["method"], h.method)))
		if kind := text(h.get("connectionType")); kind != "" {
			i["ConnectionType"] = strings.ReplaceAll(strings.ToUpper(kind), "-", "_")
			put(i, "ConnectionId", h.get("connectionId"))
		}
	}
	mapped := h.integration == "AWS" || h.integration == "HTTP"
	if mapped || h.integration == "MOCK" {
		put(i, "PassthroughBehavior", h.request["passThrough"])
		put(i, "ContentHandling", h.request["contentHandling"])
		if t := h.requestTemplates(); len(t) > 0 {
			i["RequestTemplates"] = t
		}
		i["IntegrationResponses"] = h.integrationResponses()
	}
	parameters := h.parameters()
	if (mapped || h.integration == "HTTP_PROXY") && len(parameters) > 0 || truthy(h.get("async")) {
		out := object{}
		for name, v := range parameters {
			out["integration."+strings.TrimPrefix(name, "method.")] = first(at(v, "mappedValue"), name)
		}
		if truthy(h.get("async")) {
			out["integration.request.header.X-Amz-Invocation-Type"] = "'Event'"
		}
		i["RequestParameters"] = out
	}
	return i
}

// requestTemplates are those that make the function's event, and those that
// the endpoint has of its own. A template of null removes the usual one.
func (h *endpoint) requestTemplates() object {
	templates := object{}
	if h.integration == "AWS" {
		templates["application/json"] = eventTemplate(`#set($body = $input.json("$"))`, h.claims())
		templates["application/x-www-form-urlencoded"] = eventTemplate(formBody, h.claims())
	}
	for kind, t := range asObject(h.request["template"]) {
		if t == nil {
			delete(templates, kind)
			continue
		}
		templates[kind] = t
	}
	return templates
}

// claims are the token's claims that the function wants to see.
func (h *endpoint) claims() string {
	if h.auth == nil {
		return ""
	}
	var b strings.Builder
	for _, claim := range h.auth.claims {
		if _, name, special := strings.Cut(claim, ":"); special {
			fmt.Fprintf(&b, `"%s": "$context.authorizer.claims['%s']", `, name, claim)
		} else {
			fmt.Fprintf(&b, `"%s": "$context.authorizer.claims.%[1]s", `, claim)
		}
	}
	return b.String()
}

// formBody makes an object of a form.
const formBody = `#define($body){#foreach($field in $input.path("$").split("&"))#set($pair = $field.split("="))#if($pair.size() > 0)"$util.escapeJavaScript($util.urlDecode($pair[0]))": "#if($pair.size() > 1)$util.escapeJavaScript($util.urlDecode($pair[1])).replaceAll("\\'", "'")#end"#if($foreach.hasNext), #end#end#end}#end`

// eventTemplate makes the event that functions get by the integration lambda.
func eventTemplate(body, claims string) string {
	entries := func(of string) string {
		return `{#foreach($name in ` + of + `.keySet())"$util.escapeJavaScript($name)": "$util.escapeJavaScript(` + of +
			`.get($name)).replaceAll("\\'", "'")"#if($foreach.hasNext), #end#end}`
	}
	return body + `
{
  "body": $body,
  "method": "$context.httpMethod",
  "principalId": "$context.authorizer.principalId",
  "stage": "$context.stage",
  "cognitoPoolClaims": {` + claims + `"sub": "$context.authorizer.claims.sub"},
  "enhancedAuthContext": ` + entries("$context.authorizer") + `,
  "headers": ` + entries("$input.params().header") + `,
  "query": ` + entries("$input.params().querystring") + `,
  "path": ` + entries("$input.params().path") + `,
  "identity": ` + entries("$context.identity") + `,
  "stageVariables": ` + entries("$stageVariables") + `,
  "requestPath": "$context.resourcePath"
}`
}

// statusPatterns choose the status by a function's error: those that begin
// their message with [404] answer 404.
var statusPatterns = map[string]string{
	"200": "",
	"500": `[\s\S]*(Process\s?exited\s?before\s?completing\s?request|\[500\])[\s\S]*`,
	"504": `([\s\S]*\[504\][\s\S]*)|(.*Task timed out after \d+\.\d+ seconds$)`,
}

func init() {
	for _, code := range []string{"400", "401", "403", "404", "422", "502"} {
		statusPatterns[code] = `[\s\S]*\[` + code + `\][\s\S]*`
	}
}

// completeStatusCodes adds the usual status codes to a response that has none,
// and one for success to those that have not.
func completeStatusCodes(response object) {
	codes := asObject(response["statusCodes"])
	if codes == nil {
		codes = object{}
		for code, pattern := range statusPatterns {
			codes[code] = object{"pattern": pattern}
		}
		response["statusCodes"] = codes
		return
	}
	for _, c := range codes {
		if pattern, isText := at(c, "pattern").(string); isText && pattern == "" {
			return
		}
	}
	codes["200"] = object{"pattern": ""}
}

// responseHeaders are those of all answers: CORS and the response's own.
func (h *endpoint) responseHeaders() object {
	headers := object{}
	if h.cors != nil {
		headers["Access-Control-Allow-Origin"] = "'" + strings.Join(h.cors.origins, ",") + "'"
		if h.cors.credentials {
			headers["Access-Control-Allow-Credentials"] = "'true'"
		}
	}
	merge(headers, asObject(h.response["headers"]))
	return headers
}

func (h *endpoint) integrationResponses() []any {
	out := []any{}
	codes := asObject(h.response["statusCodes"])
	for _, code := range keys(codes) {
		c := codes[code]
		headers := object{}
		for _, from := range []object{h.responseHeaders(), asObject(at(c, "headers"))} {
			for name, v := range from {
				headers["method.response.header."+name] = v
			}
		}
		templates := object{}
		if t := h.response["template"]; t != nil {
			templates["application/json"] = t
		}
		if t, isText := at(c, "template").(string); isText {
			templates["application/json"] = t
		}
		merge(templates, asObject(at(c, "template")))
		r := object{
			"StatusCode": code, "SelectionPattern": text(at(c, "pattern")), "ResponseParameters": headers, "ResponseTemplates": templates,
		}
		if code[0] == '2' {
			put(r, "ContentHandling", h.response["contentHandling"])
		}
		out = append(out, r)
	}
	return out
}

func (h *endpoint) methodResponses() []any {
	out := []any{}
	codes := asObject(h.response["statusCodes"])
	for _, code := range keys(codes) {
		headers := object{}
		for _, from := range []object{h.responseHeaders(), asObject(at(codes[code], "headers"))} {
			for name := range from {
				headers["method.response.header."+name] = true
			}
		}
		out = append(out, object{"StatusCode": code, "ResponseParameters": headers, "ResponseModels": object{}})
	}
	return out
}
