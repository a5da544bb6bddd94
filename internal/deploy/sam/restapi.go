package sam

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

var restAPISchema = newSchema(apiType, `__MANAGE_SWAGGER:b Name:sm StageName!:sm Tags:m PropagateTags:b DefinitionBody:m
	DefinitionUri:sm MergeDefinitions:b= CacheClusterEnabled:b CacheClusterSize:s Variables:m EndpointConfiguration:sm
	MethodSettings:l BinaryMediaTypes:l MinimumCompressionSize:i Cors:sm Auth:m GatewayResponses:m AccessLogSetting:m
	CanarySetting:m TracingEnabled:b OpenApiVersion:s Models:m Domain:m FailOnWarnings:b Description:s Mode:s
	DisableExecuteApiEndpoint:b ApiKeySourceType:s AlwaysDeploy:b= Policy:sm SecurityPolicy:s EndpointAccessMode:s`)

var supportedVersion = regexp.MustCompile(`^[2-3](\.\d)(\.\d)?$`)

// A restAPI is an AWS::Serverless::Api that is being expanded.
type restAPI struct {
	*macro
	body object // its definition; nil if it is elsewhere
}

// expandRESTAPI makes an API, a deployment and a stage of it, and its domain,
// authorizers and usage plan.
func expandRESTAPI(m *macro) ([]*resource, error) {
	var err error
	for _, name := range []string{"BinaryMediaTypes", "Domain", "Auth"} {
		if m.props[name], err = m.resolved(name); err != nil {
			return nil, err
		}
	}
	a := &restAPI{macro: m, body: asObject(m.props["DefinitionBody"])}
	api, err := a.api()
	if err != nil {
		return nil, err
	}
	domain, err := a.restDomain()
	if err != nil {
		return nil, err
	}
	deployment, stage := a.deploymentAndStage(api)
	permissions, err := a.authorizerPermissions()
	if err != nil {
		return nil, err
	}
	plan, err := a.usagePlan(stage)
	if err != nil {
		return nil, err
	}
	made := []*resource{api, deployment, stage}
	made = append(made, permissions...)
	made = append(made, domain...)
	made = append(made, plan...)
	if tags := asObject(m.props["Tags"]); len(tags) > 0 && given(m.props["PropagateTags"]) {
		propagateTags(made, tags)
	}
	return made, nil
}

func (a *restAPI) api() (*resource, error) {
	p := a.props
	if err := a.checkDefinition(); err != nil {
		return nil, err
	}
	r := newResource("AWS::ApiGateway::RestApi", a.id, a.attrs)
	r.dependsOn = a.dependsOn
	copyMembers(r.props, p, "BinaryMediaTypes", "MinimumCompressionSize")
	if err := a.endpoint(r); err != nil {
		return nil, err
	}
	for _, add := range []func() error{a.addCORS, a.addAuth, a.addResponses, a.addBinaryTypes, a.addModels, a.addEndpoint} {
		if err := add(); err != nil {
			return nil, err
		}
	}
	if given(p["DefinitionUri"]) {
		location, err := s3Location(a.id, "DefinitionUri", p["DefinitionUri"], "Bucket", "Key", "Version")
		if err != nil {
			return nil, err
		}
		r.props["BodyS3Location"] = location
	} else if len(a.body) > 0 {
		if err := a.modernize(); err != nil {
			return nil, err
		}
		r.props["Body"] = a.body
	}
	for _, name := range []string{"FailOnWarnings", "Name", "Description", "Mode", "ApiKeySourceType", "Policy", "SecurityPolicy", "EndpointAccessMode"} {
		if given(p[name]) {
			r.props[name] = p[name]
		}
	}
	return r, nil
}

func (a *restAPI) checkDefinition() error {
	p := a.props
	switch version := p["OpenApiVersion"]; {
	case given(p["DefinitionUri"]) && len(a.body) > 0:
		return badResource(a.id, "Specify either 'DefinitionUri' or 'DefinitionBody' property and not both.")
	case given(p["DefinitionUri"]) && given(p["MergeDefinitions"]):
		return badResource(a.id, "Cannot set 'MergeDefinitions' to True when using `DefinitionUri`.")
	case given(version) && !supportedVersion.MatchString(shown(version)):
		return badResource(a.id, "The OpenApiVersion value must be of the format '3.0.0'.")
	}
	return nil
}

func (a *restAPI) endpoint(r *resource) error {
	v := a.props["EndpointConfiguration"]
	if !given(v) {
		return nil
	}
	m := asObject(v)
	if !given(m["Type"]) {
		r.props["EndpointConfiguration"] = object{"Types": []any{v}}
		r.props["Parameters"] = object{"endpointConfigurationTypes": v}
		return nil
	}
	how := object{"Types": []any{m["Type"]}}
	r.props["Parameters"] = object{"endpointConfigurationTypes": m["Type"]}
	r.props["EndpointConfiguration"] = how
	old, hasOld := m["VPCEndpointIds"]
	ids, hasIDs := m["VpcEndpointIds"]
	if hasOld && hasIDs {
		return badResource(a.id, "'VPCEndpointIds' and 'VpcEndpointIds' cannot be used together in EndpointConfiguration.")
	}
	if hasOld || hasIDs {
		how["VpcEndpointIds"] = ids
		if given(old) {
			how["VpcEndpointIds"] = old
		}
	}
	if address, has := m["IpAddressType"]; has {
		how["IpAddressType"] = address
	}
	return nil
}

// inline opens the definition for a property that needs one here.
func (a *restAPI) inline(property, what string) (*definition, error) {
	if len(a.body) == 0 {
		return nil, badResource(a.id, "%s works only with inline Swagger specified in 'DefinitionBody' property.", property)
	}
	if !isSwagger(a.body) {
		return nil, badResource(a.id, "Unable to add %s because 'DefinitionBody' does not contain a valid Swagger definition.", what)
	}
	return openREST(a.body)
}

func (a *restAPI) addCORS() error {
	v := a.props["Cors"]
	if !given(v) {
		return nil
	}
	if len(a.body) == 0 {
		return badResource(a.id, "Cors works only with inline Swagger specified in 'DefinitionBody' property.")
	}
	cors := object{"AllowOrigin": v}
	if m, ok := v.(object); ok && !isCall(v) {
		cors = object{"AllowOrigin": "'*'"}
		for _, key := range keys(m) {
			if !slices.Contains([]string{"AllowMethods", "AllowHeaders", "AllowOrigin", "MaxAge", "AllowCredentials"}, key) {
				return badResource(a.id, "Invalid key '%s' for 'Cors' property.", key)
			}
			cors[key] = m[key]
		}
	}
	d, err := a.inline("Cors", "Cors configuration")
	if err != nil {
		return err
	}
	if cors["AllowCredentials"] == true && cors["AllowOrigin"] == "'*'" {
		return badResource(a.id, `Unable to add Cors configuration because 'AllowCredentials' can not be true when 'AllowOrigin' is "'*'" or not set`)
	}
	if !given(cors["AllowOrigin"]) {
		return badResource(a.id, "%s", badTemplate("Invalid input. Value for AllowedOrigins is required").Error())
	}
	seen := make(map[string]bool)
	for _, path := range keys(d.paths) {
		normal := path
		if path != "/" {
			normal = strings.TrimRight(path, "/")
		}
		if seen[normal] {
			continue
		}
		seen[normal] = true
		if err := d.addPreflight(path, cors); err != nil {
			return err
		}
	}
	return nil
}

// responseProperties are those of a gateway response, and how the definition
// calls its parameters.
var responseProperties = []string{"ResponseParameters", "ResponseTemplates", "StatusCode"}

var responsePrefixes = []struct{ property, prefix string }{{"Headers", "header."}, {"Paths", "path."}, {"QueryStrings", "querystring."}}

var statusCode = regexp.MustCompile(`^[0-9]{1,3}$`)

func (a *restAPI) addResponses() error {
	all := asObject(a.props["GatewayResponses"])
	if len(all) == 0 {
		return nil
	}
	if len(a.body) == 0 {
		_, err := a.inline("GatewayResponses", "")
		return err
	}
	for _, name := range keys(all) {
		v := all[name]
		m, ok := v.(object)
		switch {
		case isCall(v):
			return badResource(a.id, "Unable to set GatewayResponses attribute because intrinsic functions are not supported for this field.")
		case !ok:
			return badResource(a.id, "Invalid property type '%s' for GatewayResponses. Expected an object of type 'GatewayResponse'.", typeName(v))
		}
		for _, key := range keys(m) {
			if !slices.Contains(responseProperties, key) {
				return badResource(a.id, "Invalid property '%s' in 'GatewayResponses' property '%s'.", key, name)
			}
		}
	}
	d, err := a.inline("GatewayResponses", "Auth configuration")
	if err != nil {
		return err
	}
	const key = "x-amazon-apigateway-gateway-responses"
	if !given(d.doc[key]) {
		d.doc[key] = object{}
	}
	for _, name := range keys(all) {
		response, err := a.response(name, asObject(all[name]))
		if err != nil {
			return err
		}
		asObject(d.doc[key])[name] = response
	}
	return nil
}

// typeName is what messages call the type of a value.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case string:
		return "str"
	case []any:
		return "list"
	case object:
		return "dict"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "float"
		}
	}
	return "int"
}

func (a *restAPI) response(name string, config object) (object, error) {
	parameters := config["ResponseParameters"]
	if given(parameters) {
		if err := wantResource(a.id, "GatewayResponses."+name+".ResponseParameters", parameters, aMap); err != nil {
			return nil, err
		}
	}
	for _, key := range keys(asObject(parameters)) {
		if !slices.ContainsFunc(responsePrefixes, func(p struct{ property, prefix string }) bool { return p.property == key }) {
			return nil, badResource(a.id, "Invalid gateway response parameter '%s'", key)
		}
	}
	out := object{"responseTemplates": object{}}
	if given(config["ResponseTemplates"]) {
		out["responseTemplates"] = config["ResponseTemplates"]
	}
	if status := config["StatusCode"]; status != nil {
		if given(status) && !statusCode.MatchString(shown(status)) {
			return nil, badResource(a.id, "Property 'StatusCode' must be numeric")
		}
		out["statusCode"] = shown(status)
	}
	prefixed := object{}
	for _, c := range responsePrefixes {
		v := asObject(parameters)[c.property]
		if v != nil && !isMap(v) {
			return nil, wantResource(a.id, "ResponseParameters."+c.property, v, aMap)
		}
		for key, value := range asObject(v) {
			prefixed["gatewayresponse."+c.prefix+key] = value
		}
	}
	out["responseParameters"] = prefixed
	return out, nil
}

func (a *restAPI) addBinaryTypes() error {
	types := a.props["BinaryMediaTypes"]
	if !given(types) || len(a.body) == 0 {
		return nil
	}
	d, err := openREST(a.body)
	if err != nil {
		return err
	}
	var slashes func(v any) any
	slashes = func(v any) any {
		switch v := v.(type) {
		case string:
			return strings.ReplaceAll(v, "~1", "/")
		case []any:
			out := make([]any, len(v))
			for i, element := range v {
				out[i] = slashes(element)
			}
			return out
		case object:
			out := object{}
			for key, member := range v {
				out[strings.ReplaceAll(key, "~1", "/")] = slashes(member)
			}
			return out
		}
		return v
	}
	d.doc["x-amazon-apigateway-binary-media-types"] = slashes(types)
	return nil
}

func (a *restAPI) addModels() error {
	models := asObject(a.props["Models"])
	if len(models) == 0 {
		return nil
	}
	d, err := a.inline("Models", "Models definitions")
	if err != nil {
		return err
	}
	for _, name := range keys(models) {
		if !isMap(models[name]) {
			return badResource(a.id, "Invalid value for 'Models' property")
		}
	}
	if !given(d.doc["definitions"]) {
		d.doc["definitions"] = object{}
	}
	for _, name := range keys(models) {
		if !given(asObject(models[name])["type"]) {
			return badDocument("'Models' schema is missing 'type'.")
		}
		asObject(d.doc["definitions"])[strings.ToLower(name)] = models[name]
	}
	return a.modernize()
}

// addEndpoint sets whether the API's own host name answers.
func (a *restAPI) addEndpoint() error {
	disabled := a.props["DisableExecuteApiEndpoint"]
	if disabled == nil {
		return nil
	}
	if len(a.body) == 0 {
		return badResource(a.id, "DisableExecuteApiEndpoint works only within 'DefinitionBody' property.")
	}
	d, err := openREST(a.body)
	if err != nil {
		return err
	}
	const key = "x-amazon-apigateway-endpoint-configuration"
	if given(d.doc["openapi"]) && openAPI3.MatchString(shown(d.doc["openapi"])) {
		return d.disableEndpoint(disabled)
	}
	if d.doc[key] == nil {
		d.doc[key] = object{}
	}
	m, ok := d.doc[key].(object)
	if !ok {
		return badDocument("Invalid OpenAPI definition: The value of '%s' should be a map.", key)
	}
	m["disableExecuteApiEndpoint"] = disabled
	return nil
}

// modernize moves parts of the definition to where OpenAPI 3 has them.
func (a *restAPI) modernize() error {
	doc := a.body
	version := doc["openapi"]
	if a.props["OpenApiVersion"] != nil {
		version = a.props["OpenApiVersion"]
	}
	if doc["swagger"] != nil || !given(version) || !openAPI3.MatchString(shown(version)) {
		return nil
	}
	for old, name := range map[string]string{"securityDefinitions": "securitySchemes", "definitions": "schemas"} {
		if !given(doc[old]) {
			continue
		}
		components := asObject(doc["components"])
		if len(components) == 0 {
			components = object{}
			doc["components"] = components
		}
		components[name] = doc[old]
		delete(doc, old)
	}
	if v := doc["paths"]; given(v) && !isMap(v) {
		return badDocument("Value of paths must be a dictionary according to Swagger spec.")
	}
	for _, path := range keys(asObject(doc["paths"])) {
		item, ok := asObject(doc["paths"])[path].(object)
		if !ok {
			return badDocument(pathNotMap, path)
		}
		if err := modernizeOptions(path, item); err != nil {
			return err
		}
	}
	return nil
}

func modernizeOptions(path string, item object) error {
	v := item["options"]
	if !given(v) {
		return nil
	}
	options, ok := v.(object)
	if !ok {
		return badDocument("Value of options method for path %s must be a dictionary according to Swagger spec.", path)
	}
	delete(options, "produces")
	delete(options, "consumes")
	if options["responses"] == nil {
		return nil
	}
	var inside any = options["responses"]
	for i, name := range []string{"200", "headers"} {
		m, ok := inside.(object)
		if !ok {
			reason := "It should be a map"
			if i > 0 {
				reason = "The value of '200' should be a map"
			}
			return badDocument("Invalid responses in options method for path %s: %s.", path, reason)
		}
		if inside = m[name]; inside == nil {
			return nil
		}
	}
	headers, ok := inside.(object)
	if !ok && given(inside) {
		return badDocument("Value of response's headers in options method for path %s must be a dictionary according to Swagger spec.", path)
	}
	for name, v := range headers {
		headers[name] = object{"schema": v}
	}
	return nil
}

// deploymentAndStage makes a deployment whose id changes with the definition,
// and the stage that shows it.
func (a *restAPI) deploymentAndStage(api *resource) (deployment, stage *resource) {
	p := a.props
	name, _ := p["StageName"].(string)
	id := a.id + "Stage" + hashOf(name)
	if alphanumeric.MatchString(name) {
		id = a.id + name + "Stage"
	}
	deployment = newResource("AWS::ApiGateway::Deployment", a.id+"Deployment", a.passed())
	deployment.props["RestApiId"] = ref(a.id)
	if !given(p["OpenApiVersion"]) {
		deployment.props["StageName"] = "Stage"
	}
	body := api.props["Body"]
	if body == nil {
		body = api.props["BodyS3Location"]
	}
	if given(body) {
		hash := hashInFull([]any{body, p["OpenApiVersion"], p["Domain"], a.functionNames()})
		deployment.id += hash[:10]
		deployment.props["Description"] = "RestApi deployment id: " + hash
	}
	stage = newResource("AWS::ApiGateway::Stage", id, a.passed())
	stage.props["RestApiId"] = ref(a.id)
	stage.props["DeploymentId"] = deployment.ref()
	stage.props["StageName"] = p["StageName"]
	copyMembers(stage.props, p, "CacheClusterEnabled", "CacheClusterSize", "Variables", "MethodSettings",
		"AccessLogSetting", "CanarySetting", "TracingEnabled")
	if tags := asObject(p["Tags"]); tags != nil {
		stage.props["Tags"] = tagList(tags)
	}
	return deployment, stage
}

// functionNames are the names of functions that the API calls: should one
// change, the API is to be deployed again.
func (a *restAPI) functionNames() []any {
	var names []any
	for _, id := range a.t.samResources(functionType) {
		p := a.t.properties(id)
		for _, v := range asObject(p["Events"]) {
			if at(v, "Type") == "Api" && apiID(at(v, "Properties", "RestApiId")) == a.id && given(p["FunctionName"]) {
				names = append(names, p["FunctionName"])
				break
			}
		}
	}
	return names
}
