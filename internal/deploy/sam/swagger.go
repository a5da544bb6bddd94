package sam

import (
	"regexp"
	"slices"
	"strings"
)

// addPreflight answers the questions that browsers ask before they call, for those
// paths that do not answer them.
func (d *definition) addPreflight(path string, cors object) error {
	items, err := d.items(path)
	if err != nil {
		return err
	}
	methods := cors["AllowMethods"]
	for _, item := range items {
		if _, has := item["options"]; has {
			continue
		}
		if !given(methods) {
			methods = "'" + allowedMethods(item) + "'"
		}
		item["options"] = preflight(cors, methods)
	}
	return nil
}

func allowedMethods(item object) string {
	all := []string{"OPTIONS"}
	if _, has := item[anyMethod]; has {
		all = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
	} else {
		for name := range item {
			all = append(all, strings.ToUpper(name))
		}
	}
	return strings.Join(sortedSet(all), ",")
}

// preflight is an OPTIONS method that answers by itself.
func preflight(cors object, methods any) object {
	parameters, headers := object{}, object{}
	add := func(header string, v any, typ string) {
		parameters["method.response.header.Access-Control-"+header] = v
		headers["Access-Control-"+header] = object{"type": typ}
	}
	add("Allow-Origin", cors["AllowOrigin"], "string")
	if given(cors["AllowHeaders"]) {
		add("Allow-Headers", cors["AllowHeaders"], "string")
	}
	add("Allow-Methods", methods, "string")
	if cors["MaxAge"] != nil {
		add("Max-Age", cors["MaxAge"], "integer")
	}
	if cors["AllowCredentials"] == true {
		add("Allow-Credentials", "'true'", "string")
	}
	return object{
		"summary":  "CORS support",
		"consumes": []any{"application/json"},
		"produces": []any{"application/json"},
		integration: object{
			"type":             "mock",
			"requestTemplates": object{"application/json": "{\n  \"statusCode\" : 200\n}\n"},
			"responses": object{"default": object{
				"statusCode":         "200",
				"responseParameters": parameters,
				"responseTemplates":  object{"application/json": "{}\n"},
			}},
		},
		"responses": object{"200": object{"description": "Default response for CORS method", "headers": headers}},
	}
}

// securityDefinitions returns those of the document, which may be added to.
func (d *definition) securityDefinitions() (object, error) {
	const key = "securityDefinitions"
	if !given(d.doc[key]) {
		d.doc[key] = object{}
	}
	all, ok := d.doc[key].(object)
	if !ok {
		return nil, badTemplate("securityDefinitions must be a dictionary.")
	}
	return all, nil
}

func (d *definition) addSecurity(name string, scheme object) error {
	all, err := d.securityDefinitions()
	if err == nil && all[name] == nil {
		all[name] = scheme
	}
	return err
}

func (d *definition) addIAM() error {
	return d.addSecurity("AWS_IAM", object{
		"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4",
	})
}

func (d *definition) addAPIKey() error {
	return d.addSecurity("api_key", object{"type": "apiKey", "name": "x-api-key", "in": "header"})
}

// setSecurity sets what a method requires, and declares IAM if that is it.
func (d *definition) setSecurity(m object, list []any) error {
	if len(list) == 0 {
		return nil
	}
	m["security"] = list
	if _, iam := asObject(list[0])["AWS_IAM"]; iam {
		return d.addIAM()
	}
	return nil
}

// secureREST asks an authorizer about calls of a method of a REST API.
func (d *definition) secureREST(path, method, authorizer string, authorizers object, scopes any) error {
	methods, err := d.methods(path, method)
	if err != nil {
		return err
	}
	for _, m := range methods {
		existing, err := security(m, path, method)
		if err != nil {
			return err
		}
		var wanted any = []any{}
		if authorizer != "NONE" && len(authorizers) > 0 {
			v, has := authorizers[authorizer]
			if has && !isMap(v) {
				return badDocument("Type of authorizer '%s' must be a dictionary", authorizer)
			}
			own := asObject(v)["AuthorizationScopes"]
			if scopes != nil {
				own = scopes
			}
			if v != nil && own != nil {
				wanted = own
			}
		}
		if err := d.setSecurity(m, append(slices.Clone(existing), object{authorizer: wanted})); err != nil {
			return err
		}
	}
	return nil
}

// requireKey says whether calls of a method need an API key.
func (d *definition) requireKey(path, method string, required bool) error {
	methods, err := d.methods(path, method)
	if err != nil {
		return err
	}
	name := "api_key_false" // replaced when the API's default is set
	for _, m := range methods {
		if required {
			name = "api_key"
			if err := d.addAPIKey(); err != nil {
				return err
			}
		}
		existing, err := security(m, path, method)
		if err != nil {
			return err
		}
		m["security"] = append(slices.Clone(existing), object{name: []any{}})
	}
	return nil
}

// split parts security requirements into those with one of the names, and others.
func split(list []any, names []string, path, method string) (with, without []any, err error) {
	for _, v := range list {
		m, ok := v.(object)
		if !ok {
			return nil, nil, badDocument("%s in Security for path %s method %s is not a valid dictionary.", shown(v), path, method)
		}
		if slices.ContainsFunc(keys(m), func(key string) bool { return slices.Contains(names, key) }) {
			with = append(with, m)
		} else {
			without = append(without, m)
		}
	}
	return with, without, nil
}

// withKey returns the index of the first requirement of a name, or -1.
func withKey(list []any, name string) int {
	return slices.IndexFunc(list, func(v any) bool { _, has := asObject(v)[name]; return has })
}

// defaultAuthorizer asks an authorizer about calls of those methods of a path
// that do not say whom to ask.
func (d *definition) defaultAuthorizer(path, name string, names []string, scopes any, preflights bool) error {
	methods, err := d.allMethods(path)
	if err != nil {
		return err
	}
	for _, m := range methods {
		if !preflights && m.name == "options" {
			continue
		}
		existing, err := security(m.object, path, m.name)
		if err != nil {
			return err
		}
		own, others, err := split(existing, append([]string{"AWS_IAM"}, names...), path, m.name)
		if err != nil {
			return err
		}
		var chosen []any
		if i := withKey(others, "NONE"); i >= 0 {
			others = slices.Delete(others, i, i+1)
		} else if len(own) > 0 {
			chosen = own
		} else {
			chosen = []any{object{name: scopes}}
		}
		if err := d.setSecurity(m.object, append(others, chosen...)); err != nil {
			return err
		}
	}
	return nil
}

// defaultKey requires an API key of those methods of a path that do not say.
func (d *definition) defaultKey(path string, preflights bool) error {
	methods, err := d.allMethods(path)
	if err != nil {
		return err
	}
	for _, m := range methods {
		existing, err := security(m.object, path, m.name)
		if err != nil {
			return err
		}
		own, list, err := split(existing, []string{"api_key", "api_key_false"}, path, m.name)
		if err != nil {
			return err
		}
		if withKey(own, "api_key_false") < 0 && (m.name != "options" || preflights) {
			list = append(list, object{"api_key": []any{}})
		}
		if list == nil {
			list = []any{}
		}
		if existing == nil && len(list) == 0 || equal(list, existing) {
			continue
		}
		m.object["security"] = list
	}
	return nil
}

// addRequestModel says what the body of a request looks like.
func (d *definition) addRequestModel(path, method, model string, required any) error {
	methods, err := d.methods(path, method)
	for _, m := range methods {
		if d.doc["swagger"] != nil {
			parameter := object{"in": "body", "name": model, "schema": object{"$ref": "#/definitions/" + model}}
			put(parameter, "required", required)
			m["parameters"] = append(asList(m["parameters"]), parameter)
		} else if openAPI3.MatchString(shown(d.doc["openapi"])) {
			body := object{"content": object{"application/json": object{"schema": object{"$ref": "#/components/schemas/" + model}}}}
			put(body, "required", required)
			m["requestBody"] = body
		}
	}
	return err
}

// addValidator says what API Gateway checks of requests itself.
func (d *definition) addValidator(path, method string, body, parameters bool) error {
	name := map[[2]bool]string{
		{true, true}: "body-and-params", {true, false}: "body-only", {false, true}: "params-only", {false, false}: "no-validation",
	}[[2]bool{body, parameters}]
	const key = "x-amazon-apigateway-request-validators"
	if !given(d.doc[key]) {
		d.doc[key] = object{}
	}
	if all := asObject(d.doc[key]); all[name] == nil {
		all[name] = object{"validateRequestBody": body, "validateRequestParameters": parameters}
	}
	methods, err := d.methods(path, method)
	for _, m := range methods {
		m["x-amazon-apigateway-request-validator"] = name
	}
	return err
}

// addRequestParameters declares parameters, and which of them caches go by.
func (d *definition) addRequestParameters(path, method string, parameters []object) error {
	methods, err := d.methods(path, method)
	for _, m := range methods {
		list := asList(m["parameters"])
		for _, p := range parameters {
			full := p["Name"].(string)
			location, name, _ := strings.Cut(strings.TrimPrefix(full, "method.request."), ".")
			if location == "querystring" {
				location = "query"
			}
			list = append(list, object{"in": location, "name": name, "required": p["Required"], "type": "string"})
			if given(p["Caching"]) {
				how := asObject(m[integration])
				how["cacheKeyParameters"] = append(asList(how["cacheKeyParameters"]), full)
			}
		}
		m["parameters"] = list
	}
	return err
}

var (
	vpcID      = regexp.MustCompile(`^vpc-`)
	endpointID = regexp.MustCompile(`^vpce-`)
)

// addResourcePolicy says who may call paths of a REST API, and from where.
func (d *definition) addResourcePolicy(policy object, paths []string, stage any) error {
	const key = "x-amazon-apigateway-policy"
	p := resourcePolicy{doc: asObject(d.doc[key])}
	if p.doc == nil {
		p.doc = object{}
	}
	for _, path := range paths {
		resources, err := d.pathResources(path, stage)
		if err != nil {
			return err
		}
		p.resources = resources
		if err := p.add(policy); err != nil {
			return err
		}
	}
	if custom := policy["CustomStatements"]; given(custom) {
		p.custom(custom)
	}
	if len(p.doc) > 0 {
		d.doc[key] = p.doc
	}
	return nil
}

// pathResources are the methods of a path, as policies name them.
func (d *definition) pathResources(path string, stage any) ([]any, error) {
	items, err := d.items(path)
	if err != nil {
		return nil, err
	}
	var resources []any
	for _, item := range items {
		for _, name := range keys(item) {
			verb := strings.ToUpper(name)
			if normalMethod(name) == anyMethod {
				verb = "*"
			}
			resources = append(resources, sub("execute-api:/${__Stage__}/"+verb+restPath(path), object{"__Stage__": stage}))
		}
	}
	return resources, nil
}

// A resourcePolicy is being added to a definition.
type resourcePolicy struct {
	doc       object
	resources []any // that statements are about
}

func (p *resourcePolicy) add(policy object) error {
	for _, c := range []struct{ property, effect string }{{"AwsAccountWhitelist", "Allow"}, {"AwsAccountBlacklist", "Deny"}} {
		v := policy[c.property]
		if !given(v) {
			continue
		}
		if !isList(v) && !isMap(v) {
			return badDocument("Type of '%s' must be a list or dictionary", shown(v))
		}
		p.append(object{"Effect": c.effect, "Action": "execute-api:Invoke", "Resource": p.resources,
			"Principal": object{"AWS": listOf(v)}}, true)
	}
	for _, c := range []struct{ property, operator string }{{"IpRangeWhitelist", "NotIpAddress"}, {"IpRangeBlacklist", "IpAddress"}} {
		if v := policy[c.property]; given(v) {
			p.denyIf(object{c.operator: object{"aws:SourceIp": listOf(v)}})
		}
	}
	for _, c := range []struct{ list, operator string }{{"Blacklist", "StringEquals"}, {"Whitelist", "StringNotEquals"}} {
		sources, err := p.sources(policy, c.list)
		if err != nil {
			return err
		}
		if len(sources) > 0 {
			p.denyIf(object{c.operator: sources})
		}
	}
	return nil
}

func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// sources are the networks and endpoints that a list of a policy names.
func (p *resourcePolicy) sources(policy object, list string) (object, error) {
	var networks, endpoints []any
	for _, v := range asList(policy["SourceVpc"+list]) {
		id, ok := v.(string)
		if !ok {
			return nil, badDocument("SourceVpc%s must be a list of strings. Use IntrinsicVpc%s instead for values that use Intrinsic Functions", list, list)
		}
		switch {
		case endpointID.MatchString(id):
			endpoints = append(endpoints, id)
		case vpcID.MatchString(id):
			networks = append(networks, id)
		}
	}
	networks = append(networks, asList(policy["IntrinsicVpc"+list])...)
	endpoints = append(endpoints, asList(policy["IntrinsicVpce"+list])...)
	out := object{}
	if networks != nil {
		out["aws:SourceVpc"] = networks
	}
	if endpoints != nil {
		out["aws:SourceVpce"] = endpoints
	}
	return out, nil
}

// denyIf allows all, and denies what a condition says.
func (p *resourcePolicy) denyIf(condition object) {
	statement := object{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": p.resources, "Principal": "*"}
	p.append(statement, false)
	p.append(object{"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": p.resources, "Principal": "*",
		"Condition": condition}, false)
}

// append adds a statement; the first may stand alone instead of in a list.
func (p *resourcePolicy) append(statement object, alone bool) {
	p.doc["Version"] = "2012-10-17"
	existing := p.doc["Statement"]
	if existing == nil && alone {
		p.doc["Statement"] = statement
		return
	}
	var list []any
	if existing != nil {
		list = slices.Clone(listOf(existing))
	}
	if alone || !contains(list, statement) {
		list = append(list, statement)
	}
	p.doc["Statement"] = list
}

func (p *resourcePolicy) custom(v any) {
	p.doc["Version"] = "2012-10-17"
	if p.doc["Statement"] == nil {
		p.doc["Statement"] = v
		return
	}
	list := slices.Clone(listOf(p.doc["Statement"]))
	for _, statement := range listOf(v) {
		if !contains(list, statement) {
			list = append(list, statement)
		}
	}
	p.doc["Statement"] = list
}
