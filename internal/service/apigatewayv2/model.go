package apigatewayv2

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/jx"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Models are what messages of WebSocket APIs are to look like: schemas of JSON.

const maxSchema = 32_768 // characters

var modelName = regexp.MustCompile(`^[a-zA-Z0-9]+$`)

func checkModel(row *modelRow) error {
	switch {
	case !modelName.MatchString(*row.Name) || len(*row.Name) > 128:
		return errBad("Model name must match the pattern [a-zA-Z0-9]+")
	case len(*row.Schema) > maxSchema || !jx.Valid(*row.Schema) || jx.NewReader(*row.Schema).Kind() != jx.Object:
		return errBad("Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified]")
	}
	return nil
}

// CreateModel adds a model to an API.
func (s *Service) CreateModel(ctx context.Context, call *aws.Call, in *api.CreateModelInput) (*api.CreateModelOutput, error) {
	row := modelRow{ModelId: new(newID(6)), Name: &in.Name, Description: in.Description, Schema: &in.Schema, ContentType: new(aws.Or(in.ContentType, "application/json"))}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, of, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		if !isWebSocket(&of) {
			return errBad("Models are supported only for WebSocket APIs")
		}
		return s.keepModel(tx, partKey{arn, *row.ModelId}, row)
	})
	if err != nil {
		return nil, err
	}
	return new(api.CreateModelOutput(row)), nil
}

// keepModel keeps a model, whose name is that of no other.
func (s *Service) keepModel(tx *store.Tx, key partKey, row modelRow) error {
	if err := checkModel(&row); err != nil {
		return err
	}
	for other, m := range models.Scan(tx, partKey{API: key.API}) {
		if other != key && *m.Name == *row.Name {
			return api.ConflictException.Errorf("Model name already exists for this Api")
		}
	}
	if err := models.Put(tx, key, row); err != nil {
		return err
	}
	return s.changed(tx, key.API)
}

// GetModel returns a model.
func (s *Service) GetModel(ctx context.Context, call *aws.Call, in *api.GetModelInput) (*api.GetModelOutput, error) {
	var row modelRow
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, models, call, in.ApiId, "Model", in.ModelId)
		return err
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
		out.Items, out.NextToken, err = list(tx, models, call, in.ApiId, in.MaxResults, in.NextToken, listedModel)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func listedModel(r modelRow) api.Model {
	return api.Model{ContentType: r.ContentType, Description: r.Description, ModelId: r.ModelId, Name: aws.Value(r.Name), Schema: r.Schema}
}

// GetModelTemplate returns a template to begin with, for what a model describes.
func (s *Service) GetModelTemplate(ctx context.Context, call *aws.Call, in *api.GetModelTemplateInput) (*api.GetModelTemplateOutput, error) {
	row, err := s.GetModel(ctx, call, &api.GetModelInput{ApiId: in.ApiId, ModelId: in.ModelId})
	if err != nil {
		return nil, err
	}
	var schema struct{ Properties map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(*row.Schema), &schema); err != nil {
		return nil, errBad("Unable to generate a template: %v", err)
	}
	text := "#set($inputRoot = $input.path('$'))\n{"
	for i, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		if i > 0 {
			text += ","
		}
		text += "\n  \"" + name + "\" : $input.json('$." + name + "')"
	}
	return &api.GetModelTemplateOutput{Value: new(text + "\n}")}, nil
}

// UpdateModel changes a model.
func (s *Service) UpdateModel(ctx context.Context, call *aws.Call, in *api.UpdateModelInput) (*api.UpdateModelOutput, error) {
	var row modelRow
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, models, call, in.ApiId, "Model", in.ModelId)
		if err != nil {
			return err
		}
		row = found
		setIf(&row.ContentType, in.ContentType)
		setIf(&row.Description, in.Description)
		setIf(&row.Name, in.Name)
		setIf(&row.Schema, in.Schema)
		return s.keepModel(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return new(api.UpdateModelOutput(row)), nil
}

// DeleteModel removes a model that no route checks messages by.
func (s *Service) DeleteModel(ctx context.Context, call *aws.Call, in *api.DeleteModelInput) (*api.DeleteModelOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, row, err := find(tx, models, call, in.ApiId, "Model", in.ModelId)
		if err != nil {
			return err
		}
		for _, r := range routes.Scan(tx, partKey{API: key.API}) {
			if slices.Contains(slices.Collect(maps.Values(r.RequestModels)), *row.Name) {
				return api.ConflictException.Errorf("Cannot delete model '%s', is referenced in route: %s", *row.Name, *r.RouteKey)
			}
		}
		if err := models.Delete(tx, key); err != nil {
			return err
		}
		return s.changed(tx, key.API)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteModelOutput{}, nil
}
