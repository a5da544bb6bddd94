package schemas

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/schemas"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// maxDepth is how deep the events may nest that a schema is made of.
const maxDepth = 100

// GetDiscoveredSchema returns a schema that events which are given are of.
func (s *Service) GetDiscoveredSchema(_ context.Context, _ *aws.Call, in *api.GetDiscoveredSchemaInput) (*api.GetDiscoveredSchemaOutput, error) {
	var shape map[string]any
	for _, text := range in.Events {
		var event map[string]any
		if err := json.Unmarshal([]byte(text), &event); err != nil || event == nil {
			return nil, api.BadRequestException.Errorf("An event is not a JSON object.")
		}
		one, ok := shapeOf(event, 0)
		if !ok {
			return nil, api.BadRequestException.Errorf("An event nests more than %d deep.", maxDepth)
		}
		if shape == nil {
			shape = one
		} else {
			shape = merge(shape, one)
		}
	}
	doc := map[string]any{"openapi": "3.0.0", "info": map[string]any{"version": "1.0.0", "title": "Event"}, "paths": map[string]any{},
		"components": map[string]any{"schemas": map[string]any{"Event": shape}}}
	if in.Type == "JSONSchemaDraft4" {
		doc = maps.Clone(shape)
		doc["$schema"], doc["title"] = "http://json-schema.org/draft-04/schema#", "Event"
	}
	content, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return &api.GetDiscoveredSchemaOutput{Content: new(string(content))}, nil
}

// shapeOf is the schema of a value.
func shapeOf(v any, depth int) (map[string]any, bool) {
	if depth > maxDepth {
		return nil, false
	}
	switch v := v.(type) {
	case map[string]any:
		properties, required := map[string]any{}, []string{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			inner, ok := shapeOf(v[name], depth+1)
			if !ok {
				return nil, false
			}
			properties[name], required = inner, append(required, name)
		}
		shape := map[string]any{"type": "object", "properties": properties}
		if len(required) > 0 {
			shape["required"] = required
		}
		return shape, true
	case []any:
		items := map[string]any{}
		for i, element := range v {
			inner, ok := shapeOf(element, depth+1)
			if !ok {
				return nil, false
			}
			if i > 0 {
				inner = merge(items, inner)
			}
			items = inner
		}
		return map[string]any{"type": "array", "items": items}, true
	case string:
		return map[string]any{"type": "string"}, true
	case bool:
		return map[string]any{"type": "boolean"}, true
	case float64:
		if v == math.Trunc(v) {
			return map[string]any{"type": "integer"}, true
		}
		return map[string]any{"type": "number"}, true
	}
	return map[string]any{}, true // null says nothing
}

// merge is the schema of what is of either.
func merge(a, b map[string]any) map[string]any {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	case a["type"] == "integer" && b["type"] == "number":
		return b
	case a["type"] == "number" && b["type"] == "integer":
		return a
	case a["type"] != b["type"]:
		return map[string]any{}
	case a["type"] == "array":
		return map[string]any{"type": "array", "items": merge(a["items"].(map[string]any), b["items"].(map[string]any))}
	case a["type"] != "object":
		return a
	}
	properties := maps.Clone(a["properties"].(map[string]any))
	for name, shape := range b["properties"].(map[string]any) {
		if had, has := properties[name]; has {
			shape = merge(had.(map[string]any), shape.(map[string]any))
		}
		properties[name] = shape
	}
	out := map[string]any{"type": "object", "properties": properties}
	others := names(b["required"])
	both := slices.DeleteFunc(names(a["required"]), func(name string) bool { return !slices.Contains(others, name) })
	if len(both) > 0 {
		out["required"] = both
	}
	return out
}

// names are texts as they are here, or as they are read from JSON.
func names(v any) (out []string) {
	switch v := v.(type) {
	case []string:
		return slices.Clone(v)
	case []any:
		for _, e := range v {
			if name, ok := e.(string); ok {
				out = append(out, name)
			}
		}
	}
	return out
}
