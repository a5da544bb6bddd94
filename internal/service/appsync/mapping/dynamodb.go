package mapping

import (
	"strconv"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

// dynamoHelpers make values that have types of DynamoDB. Each has another that
// writes what it makes as JSON.
var dynamoHelpers = func() map[string]helper {
	out := make(map[string]helper)
	for name, f := range map[string]func(a arguments) any{
		"toDynamoDB":  func(a arguments) any { return ToDynamoDB(a.at(0)) },
		"toString":    func(a arguments) any { return typed("S", textOrNil(a.at(0))) },
		"toStringSet": func(a arguments) any { return typed("SS", listOf(a)) },
		"toNumber":    func(a arguments) any { return typed("N", a.at(0)) },
		"toNumberSet": func(a arguments) any { return typed("NS", listOf(a)) },
		"toBinary":    func(a arguments) any { return typed("B", textOrNil(a.at(0))) },
		"toBinarySet": func(a arguments) any { return typed("BS", listOf(a)) },
		"toBoolean":   func(a arguments) any { return typed("BOOL", a.at(0)) },
		"toNull":      func(arguments) any { return typed("NULL", nil) },
		"toList":      func(a arguments) any { return toList(a.items(0)) },
		"toMap":       func(a arguments) any { return typed("M", mapValues(a.mapping(0))) },
		"toMapValues": func(a arguments) any { return mapValues(a.mapping(0)) },
		"toS3Object":  toS3Object,
	} {
		out["dynamodb."+name] = pure(f)
		out["dynamodb."+name+"Json"] = pure(func(a arguments) any { return vtl.JSON(f(a)) })
	}
	out["dynamodb.fromS3ObjectJson"] = pure(func(a arguments) any {
		v, err := vtl.ParseJSON(a.text(0))
		if m, ok := v.(*vtl.Map); ok && err == nil {
			s3, _ := m.Lookup("s3")
			return s3
		}
		return nil
	})
	return out
}()

func typed(kind string, v any) *vtl.Map { return vtl.NewMap().Set(kind, v) }

func textOrNil(v any) any {
	if v == nil {
		return nil
	}
	return vtl.String(v)
}

func listOf(a arguments) any { return &vtl.List{Items: a.items(0), JSON: true} }

// ToDynamoDB is a value with the type that it has in DynamoDB.
func ToDynamoDB(v any) *vtl.Map {
	switch v := v.(type) {
	case nil:
		return typed("NULL", nil)
	case bool:
		return typed("BOOL", v)
	case int64, float64:
		return typed("N", v)
	case *vtl.List:
		return toList(v.Items)
	case *vtl.Map:
		return typed("M", mapValues(v))
	}
	return typed("S", vtl.String(v))
}

func toList(items []any) *vtl.Map {
	list := &vtl.List{Items: make([]any, len(items)), JSON: true}
	for i, item := range items {
		list.Items[i] = ToDynamoDB(item)
	}
	return typed("L", list)
}

func mapValues(m *vtl.Map) *vtl.Map {
	out := vtl.NewMap()
	for _, k := range m.Keys() {
		v, _ := m.Lookup(k)
		out.Set(k, ToDynamoDB(v))
	}
	return out
}

// toS3Object is a reference to an object of S3, as a text of JSON.
func toS3Object(a arguments) any {
	key, bucket, region, version := a.text(0), a.text(1), a.text(2), ""
	if len(a) > 3 {
		version, region = a.text(2), a.text(3)
	}
	s3 := vtl.NewMap().Set("key", key).Set("bucket", bucket).Set("region", region)
	if version != "" {
		s3.Set("version", version)
	}
	return typed("S", vtl.JSON(vtl.NewMap().Set("s3", s3)))
}

// FromDynamoDB is a value without the type that it has in DynamoDB.
func FromDynamoDB(v any) any {
	m, ok := v.(*vtl.Map)
	if !ok || m.Len() != 1 {
		return v
	}
	kind := m.Keys()[0]
	inner, _ := m.Lookup(kind)
	switch kind {
	case "N":
		return numberOf(vtl.String(inner))
	case "NULL":
		return nil
	case "NS":
		out := &vtl.List{Items: []any{}, JSON: true}
		for _, n := range (arguments{inner}).items(0) {
			out.Items = append(out.Items, numberOf(vtl.String(n)))
		}
		return out
	case "L":
		out := &vtl.List{Items: []any{}, JSON: true}
		for _, item := range (arguments{inner}).items(0) {
			out.Items = append(out.Items, FromDynamoDB(item))
		}
		return out
	case "M":
		return FromAttributes(inner)
	}
	return inner
}

// FromAttributes is an item without the types of DynamoDB; nil is none.
func FromAttributes(v any) any {
	m, ok := v.(*vtl.Map)
	if !ok {
		return nil
	}
	out := vtl.NewMap()
	for _, k := range m.Keys() {
		inner, _ := m.Lookup(k)
		out.Set(k, FromDynamoDB(inner))
	}
	return out
}

func numberOf(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return f
}
