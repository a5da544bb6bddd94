package drive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// graphQL asks the fields of mutations and queries that have resolvers.
func (d *driver) graphQL(ctx context.Context) {
	for _, p := range d.all("AWS::AppSync::GraphQLApi") {
		id := p.id[strings.LastIndexByte(p.id, '/')+1:]
		api, err := client.Do(ctx, d.Client, appsync.GetGraphqlApi, &appsync.GetGraphqlApiInput{ApiId: id})
		if err != nil {
			continue
		}
		text, err := d.sdl(ctx, id)
		if err != nil {
			continue
		}
		schema, wrong := gqlparser.LoadSchema(&ast.Source{Input: text})
		if wrong != nil {
			d.entries++
			d.say(false, "the schema of %s: %s", p.logical, brief(wrong.Error()))
			continue
		}
		asked := 0
		for _, root := range []*ast.Definition{schema.Mutation, schema.Query} {
			if root == nil {
				continue
			}
			resolved, err := client.Do(ctx, d.Client, appsync.ListResolvers, &appsync.ListResolversInput{ApiId: id, TypeName: root.Name})
			if err != nil {
				continue
			}
			for _, r := range resolved.Resolvers {
				field := root.Fields.ForName(aws.Value(r.FieldName))
				if field == nil || asked >= 2*mostEntries || ctx.Err() != nil {
					continue
				}
				asked++
				d.entries++
				fine, why := d.query(ctx, api.GraphqlApi, schema, root, field)
				d.say(fine, "%s of %s: %s", field.Name, p.logical, why)
			}
		}
	}
}

// sdl is the schema of an API, with the scalars that AppSync has besides.
func (d *driver) sdl(ctx context.Context, id string) (string, error) {
	response, err := d.Client.HTTP(ctx, "appsync", http.MethodGet, "/v1/apis/"+id+"/schema?format=SDL&includeDirectives=false", nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil || response.StatusCode >= 300 {
		return "", fmt.Errorf("GetIntrospectionSchema: %s %w", response.Status, err)
	}
	text := string(body)
	for _, scalar := range []string{"AWSDate", "AWSTime", "AWSDateTime", "AWSTimestamp", "AWSEmail", "AWSJSON", "AWSURL", "AWSPhone", "AWSIPAddress", "BigInt", "Double"} {
		if !strings.Contains(text, "scalar "+scalar+"\n") {
			text += "\nscalar " + scalar + "\n"
		}
	}
	return text, nil
}

// query asks one field, by each way in that the API has until one lets it.
func (d *driver) query(ctx context.Context, api *appsync.GraphqlApi, schema *ast.Schema, root *ast.Definition, field *ast.FieldDefinition) (fine bool, why string) {
	kind := "query"
	if root == schema.Mutation {
		kind = "mutation"
	}
	var declared, passed []string
	variables := make(map[string]any)
	for _, a := range field.Arguments {
		value := ofType(schema, a.Type, a.Name, 0)
		if value == nil || strings.EqualFold(a.Name, "nextToken") || !a.Type.NonNull && strings.EqualFold(a.Name, "filter") {
			continue
		}
		if v, ok := d.values[a.Name]; ok && kind == "query" {
			value = v
		}
		declared = append(declared, "$"+a.Name+": "+a.Type.String())
		passed = append(passed, a.Name+": $"+a.Name)
		variables[a.Name] = value
	}
	document := kind
	if declared != nil {
		document += "(" + strings.Join(declared, ", ") + ")"
	}
	document += " { " + field.Name
	if passed != nil {
		document += "(" + strings.Join(passed, ", ") + ")"
	}
	document += selection(schema, field.Type, 0) + " }"
	for _, way := range d.ways(api) {
		var text string
		if text, why = d.post(ctx, api, way, encoded(map[string]any{"query": document, "variables": variables})); why != "" {
			continue
		}
		answer, _ := parsed(text).(map[string]any)
		d.want(text)
		if errors, ok := answer["errors"].([]any); ok && len(errors) > 0 {
			first, _ := errors[0].(map[string]any)
			why = brief(textOf(first["message"]))
			if strings.Contains(why, "Not Authorized") {
				continue
			}
			return false, why
		}
		data, ok := answer["data"].(map[string]any)
		d.harvest(data)
		return ok, "answered"
	}
	return false, why
}

// ways are those into an API.
func (d *driver) ways(api *appsync.GraphqlApi) []string {
	list := []string{aws.Value(api.AuthenticationType)}
	for _, more := range api.AdditionalAuthenticationProviders {
		list = append(list, aws.Value(more.AuthenticationType))
	}
	return list
}

// post sends a document to an API.
func (d *driver) post(ctx context.Context, api *appsync.GraphqlApi, way, body string) (text, why string) {
	u, err := url.Parse(api.Uris["GRAPHQL"])
	if err != nil {
		return "", err.Error()
	}
	out, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Client.Endpoint()+u.Path, bytes.NewReader([]byte(body)))
	if err != nil {
		return "", err.Error()
	}
	out.Host = u.Host
	out.Header.Set("Content-Type", "application/json")
	switch way {
	case "API_KEY":
		keys, err := client.Do(ctx, d.Client, appsync.ListApiKeys, &appsync.ListApiKeysInput{ApiId: aws.Value(api.ApiId)})
		if err != nil || len(keys.ApiKeys) == 0 {
			return "", "the API has no key"
		}
		out.Header.Set("X-Api-Key", aws.Value(keys.ApiKeys[0].Id))
	case "AMAZON_COGNITO_USER_POOLS":
		token, err := d.token(ctx, d.poolOf(api))
		if err != nil {
			return "", brief(err.Error())
		}
		out.Header.Set("Authorization", token)
	case "AWS_IAM":
		sigv4.Sign(out, sigv4.Credentials{AccessKey: d.Account, Secret: "secret"}, d.Client.Region(), "appsync", time.Now(), []byte(body))
	default:
		out.Header.Set("Authorization", "custom-authorized")
	}
	response, err := http.DefaultClient.Do(out)
	if err != nil {
		return "", brief(err.Error())
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil || response.StatusCode == 401 || response.StatusCode == 403 {
		return "", fmt.Sprintf("%d %s", response.StatusCode, brief(string(answer)))
	}
	return string(answer), ""
}

// poolOf is the pool whose users an API lets in.
func (d *driver) poolOf(api *appsync.GraphqlApi) string {
	if api.UserPoolConfig != nil {
		return api.UserPoolConfig.UserPoolId
	}
	for _, more := range api.AdditionalAuthenticationProviders {
		if more.UserPoolConfig != nil {
			return more.UserPoolConfig.UserPoolId
		}
	}
	return ""
}

// ofType is a value of a type of a schema.
func ofType(schema *ast.Schema, t *ast.Type, name string, depth int) any {
	if t.Elem != nil {
		if inner := ofType(schema, t.Elem, name, depth+1); inner != nil {
			return []any{inner}
		}
		return []any{}
	}
	switch t.NamedType {
	case "ID":
		return "1"
	case "Int":
		return 1
	case "Float":
		return 1.5
	case "Boolean":
		return true
	case "AWSDate":
		return "2030-01-01"
	case "AWSTime":
		return "12:00:00Z"
	case "AWSDateTime":
		return "2030-01-01T00:00:00Z"
	case "AWSTimestamp":
		return 1735689600
	case "AWSEmail":
		return "someone@example.com"
	case "AWSJSON":
		return "{}"
	case "AWSURL":
		return "https://example.com/"
	case "AWSPhone":
		return "+14155550100"
	case "AWSIPAddress":
		return "192.0.2.1"
	case "String":
		if text, ok := valueFor(name).(string); ok {
			return text
		}
		return "1"
	}
	definition := schema.Types[t.NamedType]
	switch {
	case definition == nil || depth > 4:
		return nil
	case definition.Kind == ast.Enum:
		return definition.EnumValues[0].Name
	case definition.Kind == ast.InputObject:
		object := make(map[string]any)
		for _, f := range definition.Fields {
			if value := ofType(schema, f.Type, f.Name, depth+1); value != nil {
				object[f.Name] = value
			}
		}
		return object
	}
	return nil
}

// selection selects what is plain in a type, and what is in that.
func selection(schema *ast.Schema, t *ast.Type, depth int) string {
	for t.Elem != nil {
		t = t.Elem
	}
	definition := schema.Types[t.NamedType]
	if definition == nil || definition.Kind != ast.Object && definition.Kind != ast.Interface && definition.Kind != ast.Union {
		return ""
	}
	list := []string{"__typename"}
	for _, f := range definition.Fields {
		required := false
		for _, a := range f.Arguments {
			required = required || a.Type.NonNull
		}
		if strings.HasPrefix(f.Name, "__") || required {
			continue
		}
		inner := f.Type
		for inner.Elem != nil {
			inner = inner.Elem
		}
		of := schema.Types[inner.NamedType]
		if of != nil && (of.Kind == ast.Scalar || of.Kind == ast.Enum) {
			list = append(list, f.Name)
		} else if depth < 2 {
			list = append(list, f.Name+selection(schema, f.Type, depth+1))
		}
	}
	return " { " + strings.Join(list, " ") + " }"
}
