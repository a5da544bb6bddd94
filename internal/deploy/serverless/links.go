package serverless

import "strings"

// Links returns the names of exports of other stacks that the service imports,
// and those of its own.
func (s *Service) Links() (imports, exports []string, err error) {
	notes := s.Notes
	template, err := s.Template(nil)
	s.Notes = notes // they are made again with the template that counts
	if err != nil {
		return nil, nil, err
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			if name := text(v["Fn::ImportValue"]); name != "" {
				imports = append(imports, name)
			}
			for _, key := range keys(v) {
				walk(v[key])
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(template)
	for _, o := range asObject(template["Outputs"]) {
		if name := text(at(o, "Export", "Name")); name != "" {
			exports = append(exports, name)
		}
	}
	return imports, exports, nil
}

// An Endpoint is one way to call a function from outside.
type Endpoint struct {
	Method   string // "GET"; "" for a WebSocket API
	Path     string // "/items/{id}"
	Function string // its name in the file
	Output   string // name of the output that has the address before the path
}

// Endpoints returns the ways to call the service's functions from outside.
func (s *Service) Endpoints() []Endpoint {
	var all []Endpoint
	for _, f := range s.functions {
		for _, e := range f.events {
			line, _ := e.config.(string)
			method, path, _ := strings.Cut(strings.TrimSpace(line), " ")
			if line == "" {
				method, path = text(e.get("method")), text(e.get("path"))
			} else if path == "" {
				method, path = "*", method
			}
			point := Endpoint{Method: strings.ToUpper(method), Path: "/" + strings.TrimPrefix(path, "/"), Function: f.key}
			if point.Method == "*" || point.Method == "" {
				point.Method = "ANY"
			}
			switch {
			case e.kind == "http" && at(s.provider(), "apiGateway", "restApiId") == nil:
				point.Output = "ServiceEndpoint"
			case e.kind == "httpApi" && at(s.provider(), "httpApi", "id") == nil:
				point.Output = "HttpApiUrl"
				if point.Path == "/*" {
					point.Path = "/…"
				}
			default:
				continue
			}
			all = append(all, point)
		}
		if truthy(f.config["url"]) {
			all = append(all, Endpoint{Method: "ANY", Function: f.key, Output: functionID(f.key) + "Url"})
		}
	}
	if len(s.events("websocket")) > 0 {
		all = append(all, Endpoint{Output: "ServiceEndpointWebsocket"})
	}
	return all
}

// Telling says whether an output is one that the application declares, and not
// one that the framework adds to every service.
func (s *Service) Telling(output string) bool {
	return at(s.root, "resources", "Outputs", output) != nil
}
