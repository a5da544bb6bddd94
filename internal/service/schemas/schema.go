package schemas

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/schemas"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// within yields the schemas of a registry past the name after.
func within(tx *store.Tx, call *aws.Call, registry, after string) iter.Seq2[aws.ARN, schema] {
	return func(yield func(aws.ARN, schema) bool) {
		for arn, row := range schemas.ScanAfter(tx, call.ARN("schemas", ""), schemaARN(call, registry, after)) {
			if !strings.HasPrefix(arn.Resource, schemaKind+registry+"/") || !yield(arn, row) {
				return
			}
		}
	}
}

// CreateSchema makes a schema and its first version.
func (s *Service) CreateSchema(ctx context.Context, call *aws.Call, in *api.CreateSchemaInput) (*api.CreateSchemaOutput, error) {
	if !schemaNames.MatchString(in.SchemaName) {
		return nil, api.BadRequestException.Errorf("Schema name %s is not valid.", in.SchemaName)
	}
	if !json.Valid([]byte(in.Content)) {
		return nil, api.BadRequestException.Errorf("Schema content is not valid JSON.")
	}
	arn, now := schemaOf(call, in), time.Now()
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findRegistry(tx, registryOf(call, in)); err != nil {
			return err
		}
		exists, err := schemas.Has(tx, arn)
		if err != nil {
			return err
		}
		if exists {
			return api.ConflictException.Errorf("Schema with name %s already exists.", in.SchemaName)
		}
		if err := versions.Put(tx, versionKey{arn, 1}, version{in.Content, in.Type, now}); err != nil {
			return err
		}
		return schemas.Put(tx, arn, schema{Description: aws.Value(in.Description), Type: in.Type, Last: 1, Modified: now, Tags: in.Tags})
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateSchemaOutput{
		Description: in.Description, LastModified: &now, SchemaArn: new(arn.String()), SchemaName: &in.SchemaName, SchemaVersion: new("1"),
		Tags: in.Tags, Type: &in.Type, VersionCreatedDate: &now,
	}, nil
}

// UpdateSchema changes a schema; other content is another version.
func (s *Service) UpdateSchema(ctx context.Context, call *aws.Call, in *api.UpdateSchemaInput) (*api.UpdateSchemaOutput, error) {
	if in.Content != nil && !json.Valid([]byte(*in.Content)) {
		return nil, api.BadRequestException.Errorf("Schema content is not valid JSON.")
	}
	arn, now := schemaOf(call, in), time.Now()
	var row schema
	var v version
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if row, v, _, err = findVersion(tx, arn, nil); err != nil {
			return err
		}
		row.Description, row.Type, row.Modified = aws.Or(in.Description, row.Description), aws.Or(in.Type, row.Type), now
		if content := aws.Or(in.Content, v.Content); content != v.Content || row.Type != v.Type {
			row.Last++
			v = version{content, row.Type, now}
			if err := versions.Put(tx, versionKey{arn, row.Last}, v); err != nil {
				return err
			}
		}
		return schemas.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateSchemaOutput{
		Description: optional(row.Description), LastModified: &now, SchemaArn: new(arn.String()), SchemaName: &in.SchemaName,
		SchemaVersion: new(strconv.Itoa(row.Last)), Tags: row.Tags, Type: &row.Type, VersionCreatedDate: &v.Created,
	}, nil
}

// DescribeSchema returns a version of a schema.
func (s *Service) DescribeSchema(ctx context.Context, call *aws.Call, in *api.DescribeSchemaInput) (*api.DescribeSchemaOutput, error) {
	arn := schemaOf(call, in)
	row, v, n, err := s.look(ctx, arn, in.SchemaVersion)
	if err != nil {
		return nil, err
	}
	return &api.DescribeSchemaOutput{
		Content: &v.Content, Description: optional(row.Description), LastModified: &row.Modified, SchemaArn: new(arn.String()), SchemaName: &in.SchemaName,
		SchemaVersion: new(strconv.Itoa(n)), Tags: row.Tags, Type: &v.Type, VersionCreatedDate: &v.Created,
	}, nil
}

func (s *Service) look(ctx context.Context, arn aws.ARN, number *string) (row schema, v version, n int, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, v, n, err = findVersion(tx, arn, number)
		return err
	})
	return row, v, n, err
}

// ExportSchema returns a version of a schema as a type, if it is of that.
func (s *Service) ExportSchema(ctx context.Context, call *aws.Call, in *api.ExportSchemaInput) (*api.ExportSchemaOutput, error) {
	arn := schemaOf(call, in)
	_, v, n, err := s.look(ctx, arn, in.SchemaVersion)
	if err != nil {
		return nil, err
	}
	if v.Type != in.Type {
		return nil, aws.NotImplemented.Errorf("Aloft does not make %s of schemas that are %s yet.", in.Type, v.Type)
	}
	return &api.ExportSchemaOutput{Content: &v.Content, SchemaArn: new(arn.String()), SchemaName: &in.SchemaName, SchemaVersion: new(strconv.Itoa(n)), Type: &v.Type}, nil
}

// DeleteSchema deletes a schema and all its versions.
func (s *Service) DeleteSchema(ctx context.Context, call *aws.Call, in *api.DeleteSchemaInput) (*api.DeleteSchemaOutput, error) {
	arn := schemaOf(call, in)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findSchema(tx, arn); err != nil {
			return err
		}
		if err := versions.DeletePrefix(tx, versionKey{Schema: arn}); err != nil {
			return err
		}
		return schemas.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteSchemaOutput{}, nil
}

// DeleteSchemaVersion deletes a version that is not the latest.
func (s *Service) DeleteSchemaVersion(ctx context.Context, call *aws.Call, in *api.DeleteSchemaVersionInput) (*api.DeleteSchemaVersionOutput, error) {
	arn := schemaOf(call, in)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		row, _, n, err := findVersion(tx, arn, &in.SchemaVersion)
		if err != nil {
			return err
		}
		if n == row.Last {
			return api.BadRequestException.Errorf("The latest version of a schema cannot be deleted.")
		}
		return versions.Delete(tx, versionKey{arn, n})
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteSchemaVersionOutput{}, nil
}

// ListSchemas lists the schemas of a registry by name.
func (s *Service) ListSchemas(ctx context.Context, call *aws.Call, in *api.ListSchemasInput) (*api.ListSchemasOutput, error) {
	limit, after, err := pageOf(in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListSchemasOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.ListSchemasOutput{Schemas: []api.SchemaSummary{}}
		if _, err := findRegistry(tx, registryOf(call, in)); err != nil {
			return err
		}
		for arn, row := range within(tx, call, in.RegistryName, after) {
			name := schemaName(arn)
			if !strings.HasPrefix(name, aws.Value(in.SchemaNamePrefix)) {
				continue
			}
			if len(out.Schemas) == limit {
				out.NextToken = tokenAfter(*out.Schemas[limit-1].SchemaName)
				break
			}
			n := int64(0)
			for range versions.Scan(tx, versionKey{Schema: arn}) {
				n++
			}
			out.Schemas = append(out.Schemas, api.SchemaSummary{LastModified: &row.Modified, SchemaArn: new(arn.String()), SchemaName: &name, Tags: row.Tags, VersionCount: &n})
		}
		return nil
	})
	return out, err
}

// ListSchemaVersions lists the versions of a schema, in order.
func (s *Service) ListSchemaVersions(ctx context.Context, call *aws.Call, in *api.ListSchemaVersionsInput) (*api.ListSchemaVersionsOutput, error) {
	limit, after, err := pageOf(in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	last, _ := strconv.Atoi(after) // nothing is before all
	arn := schemaOf(call, in)
	out := &api.ListSchemaVersionsOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.ListSchemaVersionsOutput{SchemaVersions: []api.SchemaVersionSummary{}}
		if _, err := findSchema(tx, arn); err != nil {
			return err
		}
		for key, v := range versions.ScanAfter(tx, versionKey{Schema: arn}, versionKey{arn, last}) {
			if len(out.SchemaVersions) == limit {
				out.NextToken = tokenAfter(*out.SchemaVersions[limit-1].SchemaVersion)
				break
			}
			out.SchemaVersions = append(out.SchemaVersions, api.SchemaVersionSummary{
				SchemaArn: new(arn.String()), SchemaName: &in.SchemaName, SchemaVersion: new(strconv.Itoa(key.Number)), Type: &v.Type,
			})
		}
		return nil
	})
	return out, err
}

// SearchSchemas finds schemas whose names or contents have some words.
func (s *Service) SearchSchemas(ctx context.Context, call *aws.Call, in *api.SearchSchemasInput) (*api.SearchSchemasOutput, error) {
	limit, after, err := pageOf(in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(strings.ToLower(in.Keywords))
	out := &api.SearchSchemasOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.SearchSchemasOutput{Schemas: []api.SearchSchemaSummary{}}
		if _, err := findRegistry(tx, registryOf(call, in)); err != nil {
			return err
		}
		for arn := range within(tx, call, in.RegistryName, after) {
			found := api.SearchSchemaSummary{RegistryName: &in.RegistryName, SchemaArn: new(arn.String()), SchemaName: new(schemaName(arn))}
			for key, v := range versions.Scan(tx, versionKey{Schema: arn}) {
				if hasAll(strings.ToLower(schemaName(arn)+" "+v.Content), words) {
					found.SchemaVersions = append(found.SchemaVersions, api.SearchSchemaVersionSummary{CreatedDate: &v.Created, SchemaVersion: new(strconv.Itoa(key.Number)), Type: &v.Type})
				}
			}
			if found.SchemaVersions == nil {
				continue
			}
			if len(out.Schemas) == limit {
				out.NextToken = tokenAfter(*out.Schemas[limit-1].SchemaName)
				break
			}
			out.Schemas = append(out.Schemas, found)
		}
		return nil
	})
	return out, err
}

func hasAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
