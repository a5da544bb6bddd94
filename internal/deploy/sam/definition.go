package sam

import (
	"regexp"
	"slices"
	"strings"
)

const (
	integration  = "x-amazon-apigateway-integration"
	anyMethod    = "x-amazon-apigateway-any-method"
	defaultRoute = "$default"
	pathNotMap   = "Value of '%s' path must be a dictionary according to Swagger spec."
)

var openAPI3 = regexp.MustCompile(`^3(\.\d)(\.\d)?$`)

// A definition is an OpenAPI document, of version 2 or 3, that is being added to.
type definition struct {
	doc, paths object
}

func swaggerSkeleton() object {
	return object{"swagger": "2.0", "info": object{"version": "1.0", "title": ref("AWS::StackName")}, "paths": object{}}
}

func openAPISkeleton() object {
	return object{"openapi": "3.0.1", "info": object{"version": "1.0", "title": ref("AWS::StackName")}, "paths": object{}}
}

// isOpenAPI says whether v is a definition of version 3.
func isOpenAPI(v any) bool {
	doc := asObject(v)
	return isMap(doc["paths"]) && given(doc["openapi"]) && openAPI3.MatchString(shown(doc["openapi"]))
}

// isSwagger says whether v is a definition that a REST API may have.
func isSwagger(v any) bool {
	doc := asObject(v)
	return isMap(doc["paths"]) && given(doc["swagger"]) || isOpenAPI(v)
}

// openHTTP opens the definition of an HTTP API.
func openHTTP(v any) (*definition, error) {
	if !isOpenAPI(v) {
		return nil, badDocument("Invalid OpenApi document. Invalid values or missing keys for 'openapi' or 'paths' in 'DefinitionBody'.")
	}
	d := &definition{doc: asObject(v), paths: asObject(asObject(v)["paths"])}
	for _, path := range [][]string{{"components", "securitySchemes"}, {"info"}} {
		var v any = d.doc
		for i, name := range path {
			m, ok := v.(object)
			if !ok && v != nil {
				return nil, badDocument("Invalid OpenApi document: The value of '%s' should be a map", strings.Join(path[:i], "."))
			}
			v = m[name]
		}
	}
	return d, nil
}

// openREST opens the definition of a REST API.
func openREST(v any) (*definition, error) {
	if !isSwagger(v) {
		return nil, badDocument("Invalid Swagger document or the Swagger document is not explicitly defined in 'DefinitionBody'.")
	}
	d := &definition{doc: asObject(v), paths: asObject(asObject(v)["paths"])}
	for _, path := range keys(d.paths) {
		if _, err := d.items(path); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// openDefinition opens a definition of either kind.
func openDefinition(v any) (*definition, error) {
	if isSwagger(v) {
		return openREST(v)
	}
	return openHTTP(v)
}

// branches returns v, or the branches of v if it is an Fn::If.
func branches(v any) ([]any, error) {
	m, ok := v.(object)
	if !ok || m["Fn::If"] == nil {
		return []any{v}, nil
	}
	list, ok := m["Fn::If"].([]any)
	if !ok {
		return nil, badDocument("Value of Fn::If must be a list.")
	}
	return slices.DeleteFunc(slices.Clone(list[min(1, len(list)):]), isNoValue), nil
}

// normalMethod is how a definition spells a method.
func normalMethod(method string) string {
	method = strings.ToLower(method)
	if method == "any" {
		return anyMethod
	}
	return method
}

// items returns the items of a path: one, or the branches of an Fn::If.
func (d *definition) items(path string) ([]object, error) {
	all, err := branches(d.paths[path])
	if err != nil {
		return nil, err
	}
	var items []object
	for _, v := range all {
		item, ok := v.(object)
		if !ok {
			return nil, badDocument(pathNotMap, path)
		}
		items = append(items, item)
	}
	return items, nil
}

// methods returns what is defined for a method of a path, which has an integration.
func (d *definition) methods(path, method string) ([]object, error) {
	items, err := d.items(path)
	if err != nil {
		return nil, err
	}
	var found []object
	for _, item := range items {
		all, err := branches(item[normalMethod(method)])
		if err != nil {
			return nil, err
		}
		for _, v := range all {
			m, ok := v.(object)
			if !ok {
				return nil, badDocument("Definition of method '%s' for path '%s' should be a map.", method, path)
			}
			if given(m[integration]) {
				found = append(found, m)
			}
		}
	}
	return found, nil
}

// A methodOf is a method of a path, with its name.
type methodOf struct {
	name string
	object
}

// notMethods are members of path items that are not methods.
var notMethods = []string{"description", "parameters", "summary"}

// allMethods returns every method of a path that has an integration.
func (d *definition) allMethods(path string) ([]methodOf, error) {
	items, err := d.items(path)
	if err != nil {
		return nil, err
	}
	var found []methodOf
	for _, item := range items {
		for _, name := range keys(item) {
			if slices.Contains(notMethods, name) {
				continue
			}
			all, err := branches(item[name])
			if err != nil {
				return nil, err
			}
			for _, v := range all {
				m, ok := v.(object)
				if !ok {
					return nil, badDocument("Definition of method '%s' for path '%s' should be a map.", name, path)
				}
				if given(m[integration]) {
					found = append(found, methodOf{normalMethod(name), m})
				}
			}
		}
	}
	return found, nil
}

// has says whether a method of a path has an integration, in every branch.
func (d *definition) has(path, method string) (bool, error) {
	if _, ok := d.paths[path]; !ok {
		return false, nil
	}
	method = normalMethod(method)
	all, err := branches(d.paths[path])
	if err != nil {
		return false, err
	}
	for _, v := range all {
		item, ok := v.(object)
		if _, has := item[method]; !ok || !has || !isMap(item[method]) {
			return false, nil
		}
		definitions, err := branches(item[method])
		if err != nil {
			return false, err
		}
		found := false
		for _, v := range definitions {
			m, ok := v.(object)
			if !ok {
				return false, badDocument("Definition of method '%s' for path '%s' should be a map.", method, path)
			}
			found = found || given(m[integration])
		}
		if !found {
			return false, nil
		}
	}
	return true, nil
}

// addPath makes sure that there is a path, and an item for a method.
func (d *definition) addPath(path, method string) error {
	if _, has := d.paths[path]; !has {
		d.paths[path] = object{}
	}
	if !isMap(d.paths[path]) {
		return badDocument(pathNotMap, path)
	}
	items, err := d.items(path)
	if err != nil {
		return err
	}
	for _, item := range items {
		if _, has := item[normalMethod(method)]; !has {
			item[normalMethod(method)] = object{}
		}
	}
	return nil
}

// integrate gives a method of a path an integration in every branch. What
// calls is conditional if the function is.
func (d *definition) integrate(path, method string, condition any, complete func(method, integration object)) error {
	method = normalMethod(method)
	if err := d.addPath(path, method); err != nil {
		return err
	}
	items, err := d.items(path)
	if err != nil {
		return err
	}
	for _, item := range items {
		if item[method] == nil {
			item[method] = object{}
		}
		m, ok := item[method].(object)
		if !ok {
			return badDocument("Definition of method '%s' for path '%s' should be a map.", method, path)
		}
		how := object{"httpMethod": "POST"}
		m[integration] = how
		complete(m, how)
		if given(condition) {
			item[method] = choice(condition, m, noValue())
		}
	}
	return nil
}

// setTimeout sets how long an integration may take.
func (d *definition) setTimeout(path, method string, timeout any) error {
	methods, err := d.methods(path, method)
	for _, m := range methods {
		asObject(m[integration])["timeoutInMillis"] = timeout
	}
	return err
}

// security returns the security requirements of a method.
func security(m object, path, method string) ([]any, error) {
	v, has := m["security"]
	if !has {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, badDocument("Type of security for path %s method %s must be a list", path, method)
	}
	return list, nil
}
