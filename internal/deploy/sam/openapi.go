package sam

import (
	"encoding/json"
	"regexp"
	"strings"
)

const tagValue = "x-amazon-apigateway-tag-value"

var functionInURI = regexp.MustCompile(`([A-Za-z0-9]+)\.Arn`)

// defaultCalls says whether the $default route of an HTTP API calls function.
func (d *definition) defaultCalls(function string) (bool, error) {
	has, err := d.has(defaultRoute, anyMethod)
	if !has || err != nil {
		return false, err
	}
	methods, err := d.methods(defaultRoute, anyMethod)
	if err != nil {
		return false, err
	}
	for _, m := range methods {
		how, ok := m[integration].(object)
		if !ok {
			return false, badDocument("Value of '%s' must be a dictionary according to Swagger spec.", integration)
		}
		if !isMap(how["uri"]) {
			return false, nil
		}
		all, err := branches(how["uri"])
		if err != nil {
			return false, err
		}
		for _, uri := range all {
			match := functionInURI.FindStringSubmatch(asString(asObject(uri)["Fn::Sub"]))
			if match == nil || match[1] != function {
				return false, nil
			}
		}
	}
	return true, nil
}

// addParameters declares the variables of a path.
func (d *definition) addParameters(path, method string, names []string) error {
	methods, err := d.methods(path, method)
	for _, m := range methods {
		list := asList(m["parameters"])
		for _, name := range names {
			found := false
			for _, v := range list {
				if p := asObject(v); p["name"] == name {
					p["in"], p["required"] = "path", true
					found = true
				}
			}
			if !found {
				list = append(list, object{"name": name, "in": "path", "required": true})
			}
		}
		m["parameters"] = list
	}
	return err
}

// addTags adds tags to the definition of an HTTP API.
func (d *definition) addTags(tags object) error {
	list, ok := d.doc["tags"].([]any)
	if !ok && given(d.doc["tags"]) {
		name := map[bool]string{true: "dict", false: "str"}[isMap(d.doc["tags"])]
		return badDocument("Tags in OpenApi DefinitionBody needs to be a list. %s is a %s not a list.", shown(d.doc["tags"]), name)
	}
	for _, name := range keys(tags) {
		found := false
		for _, v := range list {
			if tag := asObject(v); tag["name"] == name {
				tag[tagValue] = tags[name]
				found = true
				break
			}
		}
		if !found {
			list = append(list, object{"name": name, tagValue: tags[name]})
		}
	}
	if len(list) > 0 {
		d.doc["tags"] = list
	}
	return nil
}

// disableEndpoint sets whether the API's own host name answers.
func (d *definition) disableEndpoint(disabled any) error {
	servers, has := d.doc["servers"].([]any)
	if !has {
		servers = []any{object{}}
	}
	for i, v := range servers {
		server, ok := v.(object)
		if !ok {
			return badDocument("Value of 'servers' item must be a dictionary according to Swagger spec.")
		}
		const key = "x-amazon-apigateway-endpoint-configuration"
		if server[key] == nil {
			server[key] = object{}
		}
		if !isMap(server[key]) {
			return badDocument("Invalid OpenAPI definition of 'servers[%d]': The value of '%s' should be a map.", i, key)
		}
		asObject(server[key])["disableExecuteApiEndpoint"] = disabled
	}
	d.doc["servers"] = servers
	return nil
}

// corsNames are the properties of CorsConfiguration, and what definitions call them.
var corsNames = []struct{ property, name string }{
	{"AllowOrigins", "allowOrigins"}, {"AllowHeaders", "allowHeaders"}, {"AllowMethods", "allowMethods"},
	{"ExposeHeaders", "exposeHeaders"}, {"MaxAge", "maxAge"}, {"AllowCredentials", "allowCredentials"},
}

// addCORS adds what other origins may do to the definition of an HTTP API.
func (d *definition) addCORS(cors object) error {
	const key = "x-amazon-apigateway-cors"
	if v, has := d.doc[key]; has && !isMap(v) {
		return badDocument("Value of '%s' must be a dictionary according to Swagger spec.", key)
	}
	out := asObject(d.doc[key])
	if out == nil {
		out = object{}
		d.doc[key] = out
	}
	if origins := cors["AllowOrigins"]; isCall(origins) {
		text := canonical(origins)
		for _, c := range corsNames {
			text = strings.ReplaceAll(text, c.property, c.name)
		}
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		var renamed object
		if err := dec.Decode(&renamed); err != nil {
			return err
		}
		for k, v := range renamed {
			out[k] = v
		}
		return nil
	}
	for _, c := range corsNames {
		v := cors[c.property]
		switch {
		case c.name == "maxAge" && v != nil, c.name == "allowCredentials" && v == true:
			out[c.name] = v
		case c.name != "maxAge" && c.name != "allowCredentials" && given(v):
			out[c.name] = v
		}
	}
	return nil
}

// secureHTTP asks an authorizer about calls of a method of an HTTP API.
func (d *definition) secureHTTP(path, method, authorizer string, authorizers object, scopes []any) error {
	methods, err := d.methods(path, method)
	if err != nil {
		return err
	}
	for _, m := range methods {
		wanted := []any{}
		if authorizer != "NONE" && authorizer != "AWS_IAM" {
			a, ok := authorizers[authorizer].(object)
			if !ok && authorizers[authorizer] != nil {
				return badDocument("Type of authorizer '%s' must be a dictionary", authorizer)
			}
			own, _ := a["AuthorizationScopes"].([]any)
			if len(scopes) > 0 {
				own = scopes
			}
			if len(a) > 0 && len(own) > 0 {
				wanted = own
			}
		}
		existing, err := security(m, path, method)
		if err != nil {
			return err
		}
		m["security"] = append(existing, object{authorizer: wanted})
	}
	return nil
}

// secureByDefault asks an authorizer about calls of those methods of a path of
// an HTTP API that do not say whom to ask.
func (d *definition) secureByDefault(path, authorizer string, scopes any) error {
	items, err := d.items(path)
	if err != nil {
		return err
	}
	for _, item := range items {
		for _, name := range keys(item) {
			normal := normalMethod(name)
			if normal == "parameters" || normal == "options" {
				continue
			}
			if _, has := item[normal]; !has {
				return badDocument("Could not find %s in %s within DefinitionBody.", normal, path)
			}
			all, err := branches(item[name])
			if err != nil {
				return err
			}
			for _, v := range all {
				m, ok := v.(object)
				if !ok {
					return badDocument("Definition of method '%s' for path '%s' should be a map.", name, path)
				}
				if given(m[integration]) && !given(m["security"]) {
					m["security"] = []any{object{authorizer: scopes}}
				}
			}
		}
	}
	return nil
}

// addSchemes adds authorizers to the definition of an HTTP API.
func (d *definition) addSchemes(schemes object) {
	if len(schemes) == 0 {
		return
	}
	components := asObject(d.doc["components"])
	if components == nil {
		components = object{}
		d.doc["components"] = components
	}
	own := asObject(components["securitySchemes"])
	if own == nil {
		own = object{}
		components["securitySchemes"] = own
	}
	for name, scheme := range schemes {
		own[name] = scheme
	}
}
