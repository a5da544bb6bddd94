package appsync

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"regexp"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/appsync/graphql"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxSchema is the largest schema, in bytes.
const maxSchema = 1 << 20

func ignoreNone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// StartSchemaCreation gives an API a schema. It is there when this returns; AWS
// takes a while, so callers ask how it went.
func (s *Service) StartSchemaCreation(ctx context.Context, call *aws.Call, in *api.StartSchemaCreationInput) (*api.StartSchemaCreationOutput, error) {
	if len(in.Definition) > maxSchema {
		return nil, errBad("Schema definition is too large.")
	}
	_, wrong := graphql.ParseSchema(string(in.Definition))
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		row, err := schemas.Get(tx, arn)
		if err := ignoreNone(err); err != nil {
			return err
		}
		if wrong != nil {
			row.Status, row.Details = api.SchemaStatusFailed, "Schema Creation Failed: "+wrong.Error()
		} else {
			row = schemaRow{SDL: string(in.Definition), Status: api.SchemaStatusSuccess, Details: "Successfully created schema."}
		}
		return schemas.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.StartSchemaCreationOutput{Status: new(api.SchemaStatusProcessing)}, nil
}

// GetSchemaCreationStatus says how the last creation of a schema went.
func (s *Service) GetSchemaCreationStatus(ctx context.Context, call *aws.Call, in *api.GetSchemaCreationStatusInput) (*api.GetSchemaCreationStatusOutput, error) {
	out := &api.GetSchemaCreationStatusOutput{Status: new(api.SchemaStatusNotApplicable)}
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		row, err := schemas.Get(tx, arn)
		if err == nil {
			out.Status, out.Details = &row.Status, &row.Details
		}
		return ignoreNone(err)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// schemaOf returns the schema of an API, or a refusal if it has none.
func (s *Service) schemaOf(ctx context.Context, call *aws.Call, id string) (schema *graphql.Schema, err error) {
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, id)
		if err == nil {
			schema, err = findSchema(tx, arn)
		}
		return err
	})
	return schema, err
}

func findSchema(tx *store.Tx, arn aws.ARN) (*graphql.Schema, error) {
	row, err := schemas.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.SDL == "" {
		return nil, api.NotFoundException.Errorf("No schema found for this API.")
	}
	if err != nil {
		return nil, err
	}
	return graphql.ParseSchema(row.SDL)
}

// GetIntrospectionSchema returns the schema of an API, as text or as JSON.
func (s *Service) GetIntrospectionSchema(ctx context.Context, call *aws.Call, in *api.GetIntrospectionSchemaInput) (*api.GetIntrospectionSchemaOutput, error) {
	schema, err := s.schemaOf(ctx, call, in.ApiId)
	if err != nil {
		return nil, err
	}
	if in.Format == api.OutputTypeJson {
		return &api.GetIntrospectionSchemaOutput{Schema: schema.Introspection()}, nil
	}
	return &api.GetIntrospectionSchemaOutput{Schema: []byte(schema.SDL(aws.Or(in.IncludeDirectives, true)))}, nil
}

// typeRow is a type as operations on types answer it.
func typeRow(arn aws.ARN, schema *graphql.Schema, name, format string) api.Type {
	row := api.Type{Name: &name, Arn: below(arn, "types", name), Format: &format, Definition: new(schema.TypeSDL(name))}
	if def := schema.Type(name); def.Description != "" {
		row.Description = &def.Description
	}
	if format == api.TypeDefinitionFormatJson {
		if b, err := json.Marshal(map[string]string{"name": name, "definition": *row.Definition}); err == nil {
			row.Definition = new(string(b))
		}
	}
	return row
}

// GetType returns a type of a schema.
func (s *Service) GetType(ctx context.Context, call *aws.Call, in *api.GetTypeInput) (*api.GetTypeOutput, error) {
	if in.Format == api.TypeDefinitionFormatJson {
		return nil, errNotYet("types as JSON")
	}
	schema, err := s.schemaOf(ctx, call, in.ApiId)
	if err != nil {
		return nil, err
	}
	if !schema.IsOwn(in.TypeName) {
		return nil, errNoType(in.TypeName)
	}
	return &api.GetTypeOutput{Type: new(typeRow(apiARN(call, in.ApiId), schema, in.TypeName, in.Format))}, nil
}

func errNoType(name string) error {
	return api.NotFoundException.Errorf("No type found named %s", name)
}

// ListTypes lists the types of a schema.
func (s *Service) ListTypes(ctx context.Context, call *aws.Call, in *api.ListTypesInput) (*api.ListTypesOutput, error) {
	if in.Format == api.TypeDefinitionFormatJson {
		return nil, errNotYet("types as JSON")
	}
	schema, err := s.schemaOf(ctx, call, in.ApiId)
	if err != nil {
		return nil, err
	}
	names := schema.OwnTypes()
	slices.Sort(names)
	scan := func(after string) iter.Seq2[string, string] {
		return func(yield func(string, string) bool) {
			for _, name := range names {
				if name > after && !yield(name, name) {
					return
				}
			}
		}
	}
	out := new(api.ListTypesOutput)
	out.Types, out.NextToken, err = page(in.NextToken, in.MaxResults, scan, func(k string) string { return k },
		func(name, _ string) (api.Type, bool) {
			return typeRow(apiARN(call, in.ApiId), schema, name, in.Format), true
		})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// typeName finds what a definition defines.
var typeName = regexp.MustCompile(`(?m)^\s*(?:type|input|interface|enum|union|scalar)\s+(\w+)`)

// CreateType adds a type to the schema of an API.
func (s *Service) CreateType(ctx context.Context, call *aws.Call, in *api.CreateTypeInput) (*api.CreateTypeOutput, error) {
	row, err := s.putType(ctx, call, in.ApiId, "", in.Definition, in.Format)
	if err != nil {
		return nil, err
	}
	return &api.CreateTypeOutput{Type: row}, nil
}

// UpdateType changes a type of a schema.
func (s *Service) UpdateType(ctx context.Context, call *aws.Call, in *api.UpdateTypeInput) (*api.UpdateTypeOutput, error) {
	if aws.Value(in.Definition) == "" {
		return nil, errBad("A definition is required.")
	}
	row, err := s.putType(ctx, call, in.ApiId, in.TypeName, *in.Definition, in.Format)
	if err != nil {
		return nil, err
	}
	return &api.UpdateTypeOutput{Type: row}, nil
}

// putType puts a type in a schema, in the place of an old one if there is to be one.
func (s *Service) putType(ctx context.Context, call *aws.Call, id, old, definition, format string) (row *api.Type, err error) {
	if format == api.TypeDefinitionFormatJson {
		return nil, errNotYet("types as JSON")
	}
	name := typeName.FindStringSubmatch(definition)
	if name == nil {
		return nil, errBad("Unable to parse the type definition.")
	}
	err = s.change(ctx, id, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, id)
		if err != nil {
			return err
		}
		text := ""
		if before, err := findSchema(tx, arn); err == nil {
			if old != "" && !before.IsOwn(old) {
				return errNoType(old)
			}
			text = before.Without(old)
		} else if !errors.Is(err, api.NotFoundException) || old != "" {
			return err
		}
		text += "\n" + definition + "\n"
		schema, err := graphql.ParseSchema(text)
		if err != nil {
			return api.BadRequestException.Errorf("Schema is invalid: %s", err)
		}
		row = new(typeRow(arn, schema, name[1], format))
		return schemas.Put(tx, arn, schemaRow{SDL: text, Status: api.SchemaStatusSuccess})
	})
	return row, err
}

// DeleteType removes a type from a schema.
func (s *Service) DeleteType(ctx context.Context, call *aws.Call, in *api.DeleteTypeInput) (*api.DeleteTypeOutput, error) {
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		before, err := findSchema(tx, arn)
		if err != nil {
			return err
		}
		if !before.IsOwn(in.TypeName) {
			return errNoType(in.TypeName)
		}
		text := before.Without(in.TypeName)
		if _, err := graphql.ParseSchema(text); err != nil {
			return api.BadRequestException.Errorf("Schema is invalid: %s", err)
		}
		return schemas.Put(tx, arn, schemaRow{SDL: text, Status: api.SchemaStatusSuccess})
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteTypeOutput{}, nil
}
