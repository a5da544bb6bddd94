package apigateway

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/jx"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	docParts    = store.NewTable[partKey, api.DocumentationPart]("apigateway.documentationPart")
	docVersions = store.NewTable[partKey, api.DocumentationVersion]("apigateway.documentationVersion")
)

const (
	kindDocPart    = "Documentation part"
	kindDocVersion = "Documentation version"
)

// CreateDocumentationPart adds what a part of an API is documented with.
func (s *Service) CreateDocumentationPart(ctx context.Context, call *aws.Call, in *api.CreateDocumentationPartInput) (*api.DocumentationPart, error) {
	row := api.DocumentationPart{Id: new(newID(6)), Location: in.Location, Properties: &in.Properties}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		return addDocPart(tx, arn, &row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

func addDocPart(tx *store.Tx, arn aws.ARN, row *api.DocumentationPart) error {
	if !jx.Valid(*row.Properties) || !strings.HasPrefix(strings.TrimSpace(*row.Properties), "{") {
		return errBad("Documentation part properties must be valid JSON")
	}
	for _, other := range docParts.Scan(tx, partKey{API: arn}) {
		if sameLocation(other.Location, row.Location) {
			return api.ConflictException.Errorf("Documentation part already exists for the specified location: type '%s', path: '%s', method: '%s', statusCode: '%s', name: '%s'.",
				row.Location.Type, aws.Value(row.Location.Path), aws.Value(row.Location.Method), aws.Value(row.Location.StatusCode), aws.Value(row.Location.Name))
		}
	}
	return errors.Join(tx.Err(), docParts.Put(tx, partKey{arn, *row.Id}, *row))
}

func sameLocation(a, b *api.DocumentationPartLocation) bool {
	same := func(x, y *string) bool { return aws.Value(x) == aws.Value(y) }
	return a.Type == b.Type && same(a.Path, b.Path) && same(a.Method, b.Method) && same(a.StatusCode, b.StatusCode) && same(a.Name, b.Name)
}

// GetDocumentationPart returns what a part of an API is documented with.
func (s *Service) GetDocumentationPart(ctx context.Context, call *aws.Call, in *api.GetDocumentationPartInput) (*api.DocumentationPart, error) {
	var row api.DocumentationPart
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, docParts, call, in.RestApiId, kindDocPart, in.DocumentationPartId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetDocumentationParts lists what the parts of an API are documented with.
func (s *Service) GetDocumentationParts(ctx context.Context, call *aws.Call, in *api.GetDocumentationPartsInput) (*api.GetDocumentationPartsOutput, error) {
	out := new(api.GetDocumentationPartsOutput)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		rows, position, err := listParts(tx, docParts, call, in.RestApiId, in.Limit, in.Position)
		out.Items, out.Position = []api.DocumentationPart{}, position
		for _, row := range rows {
			if in.Type == nil || row.Location.Type == *in.Type {
				out.Items = append(out.Items, row)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateDocumentationPart changes what a part of an API is documented with.
func (s *Service) UpdateDocumentationPart(ctx context.Context, call *aws.Call, in *api.UpdateDocumentationPartInput) (*api.DocumentationPart, error) {
	var row api.DocumentationPart
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, docParts, call, in.RestApiId, kindDocPart, in.DocumentationPartId)
		if err != nil {
			return err
		}
		row = found
		err = replace(in.PatchOperations, []string{"/properties"}, func(c *change) error {
			row.Properties = &c.value
			return nil
		})
		if err != nil {
			return err
		}
		return docParts.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// DeleteDocumentationPart removes what a part of an API is documented with.
func (s *Service) DeleteDocumentationPart(ctx context.Context, call *aws.Call, in *api.DeleteDocumentationPartInput) (*api.DeleteDocumentationPartOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := findAPI(tx, call, in.RestApiId); err != nil {
			return err
		}
		key, _, err := find(tx, docParts, call, in.RestApiId, kindDocPart, in.DocumentationPartId)
		if err != nil {
			return err
		}
		return docParts.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteDocumentationPartOutput{}, nil
}

// CreateDocumentationVersion names the documentation of an API as it is.
func (s *Service) CreateDocumentationVersion(ctx context.Context, call *aws.Call, in *api.CreateDocumentationVersionInput) (*api.DocumentationVersion, error) {
	row := api.DocumentationVersion{Version: &in.DocumentationVersion, CreatedDate: now(), Description: in.Description}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		key := partKey{arn, in.DocumentationVersion}
		if found, err := docVersions.Has(tx, key); err != nil {
			return err
		} else if found {
			return api.ConflictException.Errorf("Documentation version already exists")
		}
		if in.StageName != nil {
			at, stage, err := find(tx, stages, call, in.RestApiId, "stage", *in.StageName)
			if err != nil {
				return err
			}
			stage.DocumentationVersion = &in.DocumentationVersion
			if err := stages.Put(tx, at, stage); err != nil {
				return err
			}
		}
		return docVersions.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetDocumentationVersion returns a version of the documentation.
func (s *Service) GetDocumentationVersion(ctx context.Context, call *aws.Call, in *api.GetDocumentationVersionInput) (*api.DocumentationVersion, error) {
	var row api.DocumentationVersion
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, docVersions, call, in.RestApiId, kindDocVersion, in.DocumentationVersion)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetDocumentationVersions lists the versions of the documentation.
func (s *Service) GetDocumentationVersions(ctx context.Context, call *aws.Call, in *api.GetDocumentationVersionsInput) (*api.GetDocumentationVersionsOutput, error) {
	out := new(api.GetDocumentationVersionsOutput)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.Items, out.Position, err = listParts(tx, docVersions, call, in.RestApiId, in.Limit, in.Position)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateDocumentationVersion changes the description of a version.
func (s *Service) UpdateDocumentationVersion(ctx context.Context, call *aws.Call, in *api.UpdateDocumentationVersionInput) (*api.DocumentationVersion, error) {
	var row api.DocumentationVersion
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, docVersions, call, in.RestApiId, kindDocVersion, in.DocumentationVersion)
		if err != nil {
			return err
		}
		row = found
		err = replace(in.PatchOperations, []string{"/description"}, func(c *change) error {
			row.Description = c.text()
			return nil
		})
		if err != nil {
			return err
		}
		return docVersions.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// DeleteDocumentationVersion removes a version of the documentation.
func (s *Service) DeleteDocumentationVersion(ctx context.Context, call *aws.Call, in *api.DeleteDocumentationVersionInput) (*api.DeleteDocumentationVersionOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := find(tx, docVersions, call, in.RestApiId, kindDocVersion, in.DocumentationVersion)
		if err != nil {
			return err
		}
		return docVersions.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteDocumentationVersionOutput{}, nil
}
