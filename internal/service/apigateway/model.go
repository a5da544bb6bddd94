package apigateway

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/jx"
	"github.com/aloft-cloud/aloft/internal/store"
)

var modelName = regexp.MustCompile(`^[a-zA-Z0-9]+$`)

// usualModels are those that every API begins with.
func usualModels() []api.Model {
	const head = "{\n  \"$schema\": \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : "
	return []api.Model{
		{
			Id: new(newID(6)), Name: new("Empty"), ContentType: new("application/json"), Description: new("This is a default empty schema model"),
			Schema: new(head + "\"Empty Schema\",\n  \"type\" : \"object\"\n}"),
		},
		{
			Id: new(newID(6)), Name: new("Error"), ContentType: new("application/json"), Description: new("This is a default error schema model"),
			Schema: new(head + "\"Error Schema\",\n  \"type\" : \"object\",\n  \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }\n}"),
		},
	}
}

// errNoModel refuses a name that no model has.
func errNoModel(err error, name string) error {
	if errors.Is(err, store.ErrNotFound) {
		return api.NotFoundException.Errorf("Invalid model name specified: %s", name)
	}
	return err
}

func checkModel(m *api.Model) error {
	schema := strings.TrimSpace(aws.Value(m.Schema))
	switch {
	case *m.Name == "":
		return errBad("Model name must be non-empty")
	case !modelName.MatchString(*m.Name):
		return errBad("Model name must match the pattern [a-zA-Z0-9]+")
	case schema == "":
		return errBad("Model schema must have at least 1 property or array items defined")
	case strings.Contains(*m.ContentType, "json") && (!strings.HasPrefix(schema, "{") || !jx.Valid(schema)):
		return errBad("Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified]")
	}
	return nil
}

// CreateModel adds a model to an API.
func (s *Service) CreateModel(ctx context.Context, call *aws.Call, in *api.CreateModelInput) (*api.Model, error) {
	row := api.Model{Id: new(newID(6)), Name: &in.Name, Description: in.Description, Schema: in.Schema, ContentType: &in.ContentType}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		if err := checkModel(&row); err != nil {
			return err
		}
		key := partKey{arn, in.Name}
		if found, err := models.Has(tx, key); err != nil {
			return err
		} else if found {
			return api.ConflictException.Errorf("Model name already exists for this REST API")
		}
		return models.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetModel returns a model.
func (s *Service) GetModel(ctx context.Context, call *aws.Call, in *api.GetModelInput) (*api.Model, error) {
	var row api.Model
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		row, err = models.Get(tx, partKey{apiARN(call, in.RestApiId), in.ModelName})
		return errNoModel(err, in.ModelName)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetModels lists the models of an API.
func (s *Service) GetModels(ctx context.Context, call *aws.Call, in *api.GetModelsInput) (*api.GetModelsOutput, error) {
	out := new(api.GetModelsOutput)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.Items, out.Position, err = listParts(tx, models, call, in.RestApiId, in.Limit, in.Position)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateModel changes a model.
func (s *Service) UpdateModel(ctx context.Context, call *aws.Call, in *api.UpdateModelInput) (*api.Model, error) {
	var row api.Model
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		key := partKey{apiARN(call, in.RestApiId), in.ModelName}
		if row, err = models.Get(tx, key); err != nil {
			return errNoModel(err, in.ModelName)
		}
		err = replace(in.PatchOperations, []string{"/description", "/schema"}, func(c *change) error {
			if c.path == "/schema" {
				row.Schema = c.text()
			} else {
				row.Description = c.text()
			}
			return checkModel(&row)
		})
		if err != nil {
			return err
		}
		return models.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// DeleteModel removes a model that no method uses.
func (s *Service) DeleteModel(ctx context.Context, call *aws.Call, in *api.DeleteModelInput) (*api.DeleteModelOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key := partKey{apiARN(call, in.RestApiId), in.ModelName}
		if _, err := models.Get(tx, key); err != nil {
			return errNoModel(err, in.ModelName)
		}
		for _, r := range byPath(tx, key.API) {
			if err := checkModelUnused(&r, in.ModelName); err != nil {
				return err
			}
		}
		if tx.Err() != nil {
			return tx.Err()
		}
		return models.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteModelOutput{}, nil
}

// checkModelUnused refuses to remove a model that a method of r uses.
func checkModelUnused(r *api.Resource, name string) error {
	uses := func(m map[string]string) bool { return slices.Contains(slices.Collect(maps.Values(m)), name) }
	for _, method := range slices.Sorted(maps.Keys(r.ResourceMethods)) {
		m := r.ResourceMethods[method]
		if uses(m.RequestModels) {
			return api.ConflictException.Errorf("Cannot delete model '%s', is referenced in method request: %s/%s", name, *r.Path, method)
		}
		for _, response := range m.MethodResponses {
			if uses(response.ResponseModels) {
				return api.ConflictException.Errorf("Cannot delete model '%s', is referenced in method response: %s/%s", name, *r.Path, method)
			}
		}
	}
	return nil
}
