package apigateway

import (
	"context"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const kindValidator = "Request Validator"

// CreateRequestValidator adds a validator to an API.
func (s *Service) CreateRequestValidator(ctx context.Context, call *aws.Call, in *api.CreateRequestValidatorInput) (*api.RequestValidator, error) {
	row := api.RequestValidator{
		Id: new(newID(6)), Name: in.Name, ValidateRequestBody: new(aws.Value(in.ValidateRequestBody)),
		ValidateRequestParameters: new(aws.Value(in.ValidateRequestParameters)),
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		return validators.Put(tx, partKey{arn, *row.Id}, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetRequestValidator returns a validator.
func (s *Service) GetRequestValidator(ctx context.Context, call *aws.Call, in *api.GetRequestValidatorInput) (*api.RequestValidator, error) {
	var row api.RequestValidator
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, validators, call, in.RestApiId, kindValidator, in.RequestValidatorId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetRequestValidators lists the validators of an API.
func (s *Service) GetRequestValidators(ctx context.Context, call *aws.Call, in *api.GetRequestValidatorsInput) (*api.GetRequestValidatorsOutput, error) {
	out := new(api.GetRequestValidatorsOutput)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.Items, out.Position, err = listParts(tx, validators, call, in.RestApiId, in.Limit, in.Position)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateRequestValidator changes a validator.
func (s *Service) UpdateRequestValidator(ctx context.Context, call *aws.Call, in *api.UpdateRequestValidatorInput) (*api.RequestValidator, error) {
	var row api.RequestValidator
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, validators, call, in.RestApiId, kindValidator, in.RequestValidatorId)
		if err != nil {
			return err
		}
		row = found
		err = replace(in.PatchOperations, []string{"/name", "/validateRequestParameters", "/validateRequestBody"}, func(c *change) error {
			switch c.path {
			case "/validateRequestParameters":
				row.ValidateRequestParameters = c.truth()
			case "/validateRequestBody":
				row.ValidateRequestBody = c.truth()
			default:
				if row.Name = c.text(); c.value == "" {
					return errBad("Request Validator name cannot be blank")
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return validators.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// DeleteRequestValidator removes a validator that no method uses.
func (s *Service) DeleteRequestValidator(ctx context.Context, call *aws.Call, in *api.DeleteRequestValidatorInput) (*api.DeleteRequestValidatorOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := find(tx, validators, call, in.RestApiId, kindValidator, in.RequestValidatorId)
		if err != nil {
			return err
		}
		for r, m := range methodsOf(tx, key.API) {
			if aws.Value(m.RequestValidatorId) == key.ID {
				return api.ConflictException.Errorf("Cannot delete request validator '%s', is referenced in method: %s/%s", key.ID, *r.Path, *m.HttpMethod)
			}
		}
		return validators.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRequestValidatorOutput{}, nil
}

// methodsOf yields every method of an API.
func methodsOf(tx *store.Tx, arn aws.ARN) func(yield func(*api.Resource, *api.Method) bool) {
	return func(yield func(*api.Resource, *api.Method) bool) {
		for _, r := range resources.Scan(tx, partKey{API: arn}) {
			for _, name := range slices.Sorted(maps.Keys(r.ResourceMethods)) {
				m := r.ResourceMethods[name]
				if !yield(&r, &m) {
					return
				}
			}
		}
	}
}
