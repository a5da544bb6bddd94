package sam

import (
	"strings"
)

var httpAPISchema = newSchema(httpAPIType, `__MANAGE_SWAGGER:b Name StageName:sm Tags:m PropagateTags:b DefinitionBody:m
	DefinitionUri:sm StageVariables:m CorsConfiguration:bm AccessLogSettings:m DefaultRouteSettings:m Auth:m
	RouteSettings:m Domain:m FailOnWarnings:b Description:s DisableExecuteApiEndpoint:b`)

// An httpAPI is an AWS::Serverless::HttpApi that is being expanded.
type httpAPI struct {
	*macro
	body object // its definition; nil if it is elsewhere
	tags object
}

// expandHTTPAPI makes an API, its stage, and its domain and authorizers.
func expandHTTPAPI(m *macro) ([]*resource, error) {
	var err error
	for _, name := range []string{"CorsConfiguration", "Domain"} {
		if m.props[name], err = m.resolved(name); err != nil {
			return nil, err
		}
	}
	a := &httpAPI{macro: m, body: asObject(m.props["DefinitionBody"]), tags: asObject(m.props["Tags"])}
	api, err := a.api()
	if err != nil {
		return nil, err
	}
	domain, err := a.domain("httpapi:createdBy", a.body)
	if err != nil {
		return nil, err
	}
	permissions, err := a.authorizerPermissions()
	if err != nil {
		return nil, err
	}
	made := append([]*resource{api}, permissions...)
	made = append(made, domain...)
	made = append(made, a.stage())
	if given(m.props["Tags"]) && m.props["DefinitionBody"] != nil {
		propagateTags(made, asObject(m.props["Tags"]))
	}
	return made, nil
}

func (a *httpAPI) api() (*resource, error) {
	p := a.props
	if given(p["DefinitionUri"]) && len(a.body) > 0 {
		return nil, badResource(a.id, "Specify either 'DefinitionUri' or 'DefinitionBody' property and not both.")
	}
	r := newResource("AWS::ApiGatewayV2::Api", a.id, a.attrs)
	r.dependsOn = a.dependsOn
	for _, add := range []func() error{a.addCORS, a.addAuth, a.addTags} {
		if err := add(); err != nil {
			return nil, err
		}
	}
	if given(p["FailOnWarnings"]) {
		r.props["FailOnWarnings"] = p["FailOnWarnings"]
	}
	for _, add := range []func() error{a.addEndpoint, a.addTitle, a.addDescription} {
		if err := add(); err != nil {
			return nil, err
		}
	}
	if paths := asObject(a.body["paths"]); given(p["FailOnWarnings"]) && paths[defaultRoute] != nil {
		paths["/"+defaultRoute] = paths[defaultRoute]
		delete(paths, defaultRoute)
	}
	switch {
	case given(p["DefinitionUri"]):
		at, err := s3Location(a.id, "DefinitionUri", p["DefinitionUri"], "Bucket", "Key", "Version")
		r.props["BodyS3Location"] = at
		return r, err
	case len(a.body) > 0:
		r.props["Body"] = a.body
		return r, nil
	}
	return nil, badResource(a.id, "'DefinitionUri' or 'DefinitionBody' are required properties of an 'AWS::Serverless::HttpApi'. Add a value for one of these properties or add a 'HttpApi' event to an 'AWS::Serverless::Function'.")
}

func (a *httpAPI) addCORS() error {
	v := a.props["CorsConfiguration"]
	if !given(v) {
		return nil
	}
	if len(a.body) == 0 {
		return badResource(a.id, "Cors works only with inline OpenApi specified in 'DefinitionBody' property.")
	}
	var cors object
	switch {
	case v == true:
		cors = object{"AllowOrigins": []any{"*"}}
	case isCall(v):
		cors = object{"AllowOrigins": v}
	case isMap(v):
		cors = asObject(v)
		for _, key := range keys(cors) {
			known := false
			for _, c := range corsNames {
				known = known || c.property == key
			}
			if !known {
				return badResource(a.id, "Invalid key '%s' for 'Cors' property.", key)
			}
		}
	default:
		return badResource(a.id, "Invalid value for 'Cors' property.")
	}
	if !isOpenAPI(a.body) {
		return badResource(a.id, "Unable to add Cors configuration because 'DefinitionBody' does not contain a valid OpenApi definition.")
	}
	if cors["AllowCredentials"] == true && equal(cors["AllowOrigins"], []any{"*"}) {
		return badResource(a.id, `Unable to add Cors configuration because 'AllowCredentials' can not be true when 'AllowOrigin' is "'*'" or not set.`)
	}
	d, err := openHTTP(a.body)
	if err != nil {
		return err
	}
	return d.addCORS(cors)
}

func (a *httpAPI) addTags() error {
	switch {
	case len(a.tags) > 0 && len(a.body) == 0:
		return badResource(a.id, "Tags works only with inline OpenApi specified in the 'DefinitionBody' property.")
	case len(a.body) == 0:
		return nil
	case !isOpenAPI(a.body) && len(a.tags) > 0:
		return badResource(a.id, "Unable to add `Tags` because 'DefinitionBody' does not contain a valid OpenApi definition.")
	case !isOpenAPI(a.body):
		return nil
	}
	if len(a.tags) == 0 {
		a.tags = object{}
	}
	a.tags["httpapi:createdBy"] = "SAM"
	d, err := openHTTP(a.body)
	if err != nil {
		return err
	}
	return d.addTags(a.tags)
}

func (a *httpAPI) addEndpoint() error {
	v := a.props["DisableExecuteApiEndpoint"]
	if v == nil {
		return nil
	}
	if len(a.body) == 0 {
		return badResource(a.id, "DisableExecuteApiEndpoint works only within 'DefinitionBody' property.")
	}
	d, err := openHTTP(a.body)
	if err != nil {
		return err
	}
	return d.disableEndpoint(v)
}

// info returns what the definition says of itself.
func (a *httpAPI) info(what string) (object, error) {
	if len(a.body) == 0 {
		return nil, badResource(a.id, "%s works only with inline OpenApi specified in the 'DefinitionBody' property.", what)
	}
	info, ok := a.body["info"].(object)
	if !ok && a.body["info"] != nil {
		return nil, badResource(a.id, "Invalid 'DefinitionBody': The value of 'info' should be a map.")
	}
	if info == nil {
		info = object{}
		a.body["info"] = info
	}
	_, err := openHTTP(a.body)
	return info, err
}

func (a *httpAPI) addTitle() error {
	if !given(a.props["Name"]) {
		return nil
	}
	info, err := a.info("Name")
	if err != nil {
		return err
	}
	if !equal(info["title"], ref("AWS::StackName")) {
		return badResource(a.id, "Unable to set Name because it is already defined within inline OpenAPI specified in the 'DefinitionBody' property.")
	}
	info["title"] = a.props["Name"]
	return nil
}

func (a *httpAPI) addDescription() error {
	if !given(a.props["Description"]) {
		return nil
	}
	info, err := a.info("Description")
	if err != nil {
		return err
	}
	if given(info["description"]) {
		return badResource(a.id, "Unable to set Description because it is already defined within inline OpenAPI specified in the 'DefinitionBody' property.")
	}
	info["description"] = a.props["Description"]
	return nil
}

func (a *httpAPI) stage() *resource {
	name := a.props["StageName"]
	if !given(name) {
		name = defaultRoute
	}
	text, _ := name.(string)
	id := a.id + "Stage" + hashOf(text)
	switch {
	case alphanumeric.MatchString(text):
		id = a.id + text + "Stage"
	case text == defaultRoute:
		id = a.id + "ApiGatewayDefaultStage"
	}
	r := newResource("AWS::ApiGatewayV2::Stage", id, a.passed())
	r.props["ApiId"] = ref(a.id)
	r.props["StageName"] = name
	r.props["AutoDeploy"] = true
	copyMembers(r.props, a.props, "StageVariables", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings")
	if a.tags != nil {
		r.props["Tags"] = a.tags
	}
	return r
}

// s3Location turns an s3:// address, or a map of bucket and key, into a map
// with names of its own.
func s3Location(id, property string, v any, bucket, key, version string) (object, error) {
	from, ok := v.(object)
	if ok {
		if !given(from["Bucket"]) || !given(from["Key"]) {
			return nil, badResource(id, "'%s' requires Bucket and Key properties to be specified.", property)
		}
	} else if from = parseS3(asString(v)); from == nil {
		return nil, badResource(id, `'%s' is not a valid S3 Uri of the form 's3://bucket/key' with optional versionId query parameter.`, property)
	}
	out := object{bucket: from["Bucket"], key: from["Key"]}
	if v, has := from["Version"]; has {
		out[version] = v
	}
	return out, nil
}

// parseS3 takes an s3:// address apart; nil if it is none.
func parseS3(uri string) object {
	rest, ok := strings.CutPrefix(uri, "s3://")
	if !ok {
		return nil
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	bucket, key, ok := strings.Cut(rest, "/")
	if !ok || bucket == "" {
		return nil
	}
	out := object{"Bucket": bucket, "Key": strings.TrimLeft(key, "/")}
	for pair := range strings.SplitSeq(query, "&") {
		if version, ok := strings.CutPrefix(pair, "versionId="); ok && version != "" {
			out["Version"] = version
		}
	}
	return out
}
