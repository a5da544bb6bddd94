package apigateway

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/apigateway/openapi"
	"github.com/aloft-cloud/aloft/internal/store"
)

// GetExport returns what a stage serves as a document.
func (s *Service) GetExport(ctx context.Context, call *aws.Call, in *api.GetExportInput) (*api.GetExportOutput, error) {
	if in.ExportType != "oas30" && in.ExportType != "swagger" {
		return nil, errBad("No API exporter for type '%s'", in.ExportType)
	}
	e := &openapi.Export{Region: call.Region, Stage: in.StageName, Swagger: in.ExportType == "swagger"}
	switch accept := aws.Or(in.Accepts, jsonType); accept {
	case "application/yaml":
		e.YAML = true
	case jsonType, "*/*", "":
	default:
		return nil, errBad("Invalid Accept header specified: %s. Must be one of: [application/json, application/yaml]", accept)
	}
	extensions := strings.Split(in.Parameters["extensions"], ",")
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(extensions, n) })
	}
	e.Integrations, e.Security, e.Documented = has("integrations", "apigateway"), has("authorizers", "apigateway", "integrations"), has("documentation")
	err := s.db.View(ctx, func(tx *store.Tx) error {
		key, stage, err := find(tx, stages, call, in.RestApiId, "stage", in.StageName)
		if err != nil {
			return err
		}
		return readExport(tx, key.API, *stage.DeploymentId, e)
	})
	if err != nil {
		return nil, err
	}
	body, err := e.Write()
	if err != nil {
		return nil, err
	}
	return &api.GetExportOutput{ContentType: new("application/octet-stream"), ContentDisposition: new(`attachment; filename="` + e.Name() + `"`), Body: body}, nil
}

// readExport reads what a deployment has.
func readExport(tx *store.Tx, arn aws.ARN, id string, e *openapi.Export) error {
	d, err := deployments.Get(tx, partKey{arn, id})
	if err != nil {
		return err
	}
	all := copyKey{API: arn, Deployment: id}
	e.API = d.API
	e.Resources, e.Models, e.Validators = valuesOf(tx, deployedResources, all), valuesOf(tx, deployedModels, all), valuesOf(tx, deployedValidators, all)
	e.Authorizers, e.Responses = valuesOf(tx, deployedAuthorizers, all), valuesOf(tx, deployedResponses, all)
	for _, p := range docParts.Scan(tx, partKey{API: arn}) {
		e.Parts = append(e.Parts, p)
	}
	return tx.Err()
}

func valuesOf[V any](tx *store.Tx, table store.Table[copyKey, V], prefix copyKey) []V {
	var all []V
	for _, v := range table.Scan(tx, prefix) {
		all = append(all, v)
	}
	return all
}

// GetModelTemplate returns a mapping template that makes what a model says.
func (s *Service) GetModelTemplate(ctx context.Context, call *aws.Call, in *api.GetModelTemplateInput) (*api.GetModelTemplateOutput, error) {
	m, err := s.GetModel(ctx, call, &api.GetModelInput{RestApiId: in.RestApiId, ModelName: in.ModelName})
	if err != nil {
		return nil, err
	}
	var schema any
	if err := json.Unmarshal([]byte(aws.Value(m.Schema)), &schema); err != nil {
		return nil, errBad("Invalid model schema specified")
	}
	var b strings.Builder
	b.WriteString("#set($inputRoot = $input.path('$'))\n")
	template(&b, schema, "", 0)
	return &api.GetModelTemplateOutput{Value: new(b.String())}, nil
}

// template writes an example of a schema.
func template(b *strings.Builder, schema any, indent string, depth int) {
	s, _ := schema.(map[string]any)
	kind, _ := s["type"].(string)
	switch {
	case kind == "object" && depth < 20:
		properties, _ := s["properties"].(map[string]any)
		b.WriteString("{")
		for i, name := range sortedKeys(properties) {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString("\n" + indent + "  \"" + name + "\" : ")
			template(b, properties[name], indent+"  ", depth+1)
		}
		b.WriteString("\n" + indent + "}")
	case kind == "array" && depth < 20:
		b.WriteString("[ ")
		template(b, s["items"], indent, depth+1)
		b.WriteString(" ]")
	case kind == "string":
		b.WriteString(`"foo"`)
	case kind == "integer":
		b.WriteString("42")
	case kind == "number":
		b.WriteString("3.149")
	case kind == "boolean":
		b.WriteString("true")
	default:
		b.WriteString("{}")
	}
}

// ImportApiKeys makes keys of a file of values with commas between them.
func (s *Service) ImportApiKeys(ctx context.Context, call *aws.Call, in *api.ImportApiKeysInput) (*api.ImportApiKeysOutput, error) {
	rows, err := csv.NewReader(bytes.NewReader(in.Body)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, errBad("Failed to parse API keys from the CSV file")
	}
	at := make(map[string]int)
	for i, name := range rows[0] {
		at[strings.ToLower(strings.TrimSpace(name))] = i
	}
	if _, ok := at["key"]; !ok {
		return nil, errBad("API Key CSV must have a 'key' column")
	}
	var out *api.ImportApiKeysOutput
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		out = &api.ImportApiKeysOutput{Ids: []string{}}
		for _, row := range rows[1:] {
			cell := func(name string) *string {
				if i, ok := at[name]; ok && strings.TrimSpace(row[i]) != "" {
					return new(strings.TrimSpace(row[i]))
				}
				return nil
			}
			key := api.ApiKey{
				Id: new(newID(10)), Name: cell("name"), Value: cell("key"), Description: cell("description"), StageKeys: []string{}, CreatedDate: now(), LastUpdatedDate: now(),
				Enabled: new(!strings.EqualFold(aws.Or(cell("enabled"), "true"), "false")),
			}
			if err := s.addKey(tx, call, &key); err != nil {
				return err
			}
			for plan := range strings.SplitSeq(aws.Value(cell("usageplanids")), ",") {
				if plan = strings.TrimSpace(plan); plan == "" {
					continue
				}
				arn, _, err := findPlan(tx, call, plan)
				if err != nil {
					return err
				}
				if err := join(tx, arn, keyARN(call, *key.Id)); err != nil {
					return err
				}
			}
			out.Ids = append(out.Ids, *key.Id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
