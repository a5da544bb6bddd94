package apigateway

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Kinds of authorization.
const (
	authNone    = "NONE"
	authIAM     = "AWS_IAM"
	authCustom  = "CUSTOM"
	authCognito = "COGNITO_USER_POOLS"
)

// anyMethod is the method that stands for all that a resource has not.
const anyMethod = "ANY"

var methodNames = []string{"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", anyMethod}

// findMethod returns a resource and a method of it, or a refusal.
func findMethod(tx *store.Tx, call *aws.Call, apiID, resourceID, name string) (partKey, api.Resource, api.Method, error) {
	key, row, err := find(tx, resources, call, apiID, "Resource", resourceID)
	if err != nil {
		return key, row, api.Method{}, err
	}
	m, ok := row.ResourceMethods[name]
	if !ok {
		return key, row, m, errNo("Method")
	}
	return key, row, m, nil
}

// viewMethod returns a method.
func (s *Service) viewMethod(ctx context.Context, call *aws.Call, apiID, resourceID, name string) (*api.Method, error) {
	var m api.Method
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, _, m, err = findMethod(tx, call, apiID, resourceID, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &m, nil
}

// changeMethod changes a method by f, which may set it to nil to remove it.
func (s *Service) changeMethod(ctx context.Context, call *aws.Call, apiID, resourceID, name string, f func(tx *store.Tx, arn aws.ARN, m **api.Method) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		key, row, m, err := findMethod(tx, call, apiID, resourceID, name)
		if err != nil {
			return err
		}
		changed := &m
		if err := f(tx, key.API, &changed); err != nil {
			return err
		}
		if delete(row.ResourceMethods, name); changed != nil {
			row.ResourceMethods[name] = *changed
		}
		return resources.Put(tx, key, row)
	})
}

// PutMethod adds a method to a resource.
func (s *Service) PutMethod(ctx context.Context, call *aws.Call, in *api.PutMethodInput) (*api.Method, error) {
	m := api.Method{
		HttpMethod: &in.HttpMethod, AuthorizationType: &in.AuthorizationType, AuthorizerId: in.AuthorizerId, ApiKeyRequired: new(aws.Value(in.ApiKeyRequired)),
		OperationName: in.OperationName, RequestParameters: in.RequestParameters, RequestModels: in.RequestModels, RequestValidatorId: in.RequestValidatorId,
		AuthorizationScopes: in.AuthorizationScopes,
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, row, err := find(tx, resources, call, in.RestApiId, "Resource", in.ResourceId)
		if err != nil {
			return err
		}
		if _, there := row.ResourceMethods[in.HttpMethod]; there {
			return api.ConflictException.Errorf("Method already exists for this resource")
		}
		if err := checkMethod(tx, key.API, &m); err != nil {
			return err
		}
		if row.ResourceMethods == nil {
			row.ResourceMethods = make(map[string]api.Method)
		}
		row.ResourceMethods[in.HttpMethod] = m
		return resources.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &m, nil
}

// checkMethod refuses a method that cannot be.
func checkMethod(tx *store.Tx, arn aws.ARN, m *api.Method) error {
	if !slices.Contains(methodNames, *m.HttpMethod) {
		return errBad("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY")
	}
	if err := checkParameters(m.RequestParameters); err != nil {
		return err
	}
	for _, contentType := range slices.Sorted(maps.Keys(m.RequestModels)) {
		name := m.RequestModels[contentType]
		if found, err := models.Has(tx, partKey{arn, name}); err != nil {
			return err
		} else if !found {
			return errBad("Invalid model identifier specified: %s", name)
		}
	}
	if id := aws.Value(m.RequestValidatorId); id != "" {
		if found, err := validators.Has(tx, partKey{arn, id}); err != nil {
			return err
		} else if !found {
			return errBad("Invalid Request Validator identifier specified")
		}
	}
	return checkAuthorization(tx, arn, m)
}

func checkAuthorization(tx *store.Tx, arn aws.ARN, m *api.Method) error {
	switch *m.AuthorizationType {
	case authNone, authIAM:
		m.AuthorizerId = nil
		return nil
	case authCustom, authCognito:
	default:
		return errBad("Invalid authorization type specified. Valid options are NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS")
	}
	a, err := authorizers.Get(tx, partKey{arn, aws.Value(m.AuthorizerId)})
	if errors.Is(err, store.ErrNotFound) || err == nil && (*a.Type == api.AuthorizerTypeCognitoUserPools) != (*m.AuthorizationType == authCognito) {
		return errBad("Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.")
	}
	return err
}

// checkParameters refuses names of parameters of requests that are none.
func checkParameters(parameters map[string]bool) error {
	seen := make(map[string]bool)
	for name := range parameters {
		place, rest, ok := strings.Cut(strings.TrimPrefix(name, "method.request."), ".")
		if !strings.HasPrefix(name, "method.request.") || !ok || rest == "" || place != "header" && place != "querystring" && place != "path" {
			return errBad("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", name)
		}
		if seen[rest] {
			return errBad("Parameter names must be unique across querystring, header and path")
		}
		seen[rest] = true
	}
	return nil
}

// GetMethod returns a method.
func (s *Service) GetMethod(ctx context.Context, call *aws.Call, in *api.GetMethodInput) (*api.Method, error) {
	return s.viewMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod)
}

// UpdateMethod changes a method.
func (s *Service) UpdateMethod(ctx context.Context, call *aws.Call, in *api.UpdateMethodInput) (*api.Method, error) {
	var out api.Method
	err := s.changeMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod, func(tx *store.Tx, arn aws.ARN, m **api.Method) error {
		if err := apply(in.PatchOperations, func(c *change) error { return patchMethod(*m, c) }); err != nil {
			return err
		}
		out = **m
		err := checkMethod(tx, arn, &out)
		**m = out
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func patchMethod(m *api.Method, c *change) error {
	switch {
	case c.at(0) == "requestParameters" && len(c.parts) == 2:
		return patchFlag(&m.RequestParameters, c)
	case c.at(0) == "requestModels" && len(c.parts) == 2:
		return patchModel(&m.RequestModels, c)
	case c.at(0) == "authorizationScopes" && len(c.parts) == 1 && c.op != opReplace:
		m.AuthorizationScopes = element(m.AuthorizationScopes, c, c.value)
		return nil
	case c.op == opAdd:
		return errBad("Invalid patch path  '%s' specified for op 'add'. Must be one of: [/requestParameters/<parameter_name>, /requestModels/<content_type>]", c.path)
	}
	switch c.path {
	case "/authorizationType":
		m.AuthorizationType = &c.value
	case "/authorizerId":
		m.AuthorizerId = c.text()
	case "/apiKeyRequired":
		m.ApiKeyRequired = c.truth()
	case "/operationName":
		m.OperationName = c.text()
	case "/requestValidatorId":
		if m.RequestValidatorId = c.text(); aws.Value(m.RequestValidatorId) == "" {
			m.RequestValidatorId = nil
		}
	default:
		return errBad("Invalid patch path  '%s' specified for op '%s'. Must be one of: [/authorizationType, /authorizerId, /apiKeyRequired, /operationName, "+
			"/requestValidatorId, /requestParameters/<parameter_name>, /requestModels/<content_type>]", c.path, c.op)
	}
	return nil
}

// patchFlag changes a member of a map of parameters.
func patchFlag(m *map[string]bool, c *change) error {
	if _, has := (*m)[c.parts[1]]; !has && c.op != opAdd {
		return api.NotFoundException.Errorf("Invalid parameter name specified")
	}
	*m = member(*m, c, c.parts[1], *c.truth())
	if len(*m) == 0 {
		*m = nil
	}
	return nil
}

// patchModel changes a member of a map of models.
func patchModel(m *map[string]string, c *change) error {
	if _, has := (*m)[c.parts[1]]; !has && c.op != opAdd {
		return api.NotFoundException.Errorf("Content-Type specified was not found")
	}
	*m = member(*m, c, c.parts[1], c.value)
	if len(*m) == 0 {
		*m = nil
	}
	return nil
}

// DeleteMethod removes a method.
func (s *Service) DeleteMethod(ctx context.Context, call *aws.Call, in *api.DeleteMethodInput) (*api.DeleteMethodOutput, error) {
	err := s.changeMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *store.Tx, _ aws.ARN, m **api.Method) error {
		*m = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteMethodOutput{}, nil
}

// errNoStatus refuses a status that a method has no response for.
func errNoStatus() error {
	return api.NotFoundException.Errorf("Invalid Response status code specified")
}

// PutMethodResponse adds a response to a method.
func (s *Service) PutMethodResponse(ctx context.Context, call *aws.Call, in *api.PutMethodResponseInput) (*api.MethodResponse, error) {
	r := api.MethodResponse{StatusCode: &in.StatusCode, ResponseParameters: in.ResponseParameters, ResponseModels: in.ResponseModels}
	err := s.changeMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod, func(tx *store.Tx, arn aws.ARN, m **api.Method) error {
		if _, there := (*m).MethodResponses[in.StatusCode]; there {
			return api.ConflictException.Errorf("Response already exists for this resource")
		}
		if err := checkMethodResponse(tx, arn, &r); err != nil {
			return err
		}
		if (*m).MethodResponses == nil {
			(*m).MethodResponses = make(map[string]api.MethodResponse)
		}
		(*m).MethodResponses[in.StatusCode] = r
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &r, nil
}

func checkMethodResponse(tx *store.Tx, arn aws.ARN, r *api.MethodResponse) error {
	for name := range r.ResponseParameters {
		if rest, ok := strings.CutPrefix(name, "method.response.header."); !ok || rest == "" {
			return errBad("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", name)
		}
	}
	for _, name := range r.ResponseModels {
		if found, err := models.Has(tx, partKey{arn, name}); err != nil {
			return err
		} else if !found {
			return errBad("Invalid model identifier specified: %s", name)
		}
	}
	return nil
}

// GetMethodResponse returns a response of a method.
func (s *Service) GetMethodResponse(ctx context.Context, call *aws.Call, in *api.GetMethodResponseInput) (*api.MethodResponse, error) {
	m, err := s.viewMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	r, ok := m.MethodResponses[in.StatusCode]
	if !ok {
		return nil, errNoStatus()
	}
	return &r, nil
}

// UpdateMethodResponse changes a response of a method.
func (s *Service) UpdateMethodResponse(ctx context.Context, call *aws.Call, in *api.UpdateMethodResponseInput) (*api.MethodResponse, error) {
	var r api.MethodResponse
	err := s.changeMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod, func(tx *store.Tx, arn aws.ARN, m **api.Method) error {
		found, ok := (*m).MethodResponses[in.StatusCode]
		if !ok {
			return errNoStatus()
		}
		r = found
		err := apply(in.PatchOperations, func(c *change) error {
			switch {
			case c.at(0) == "responseParameters" && len(c.parts) == 2:
				return patchFlag(&r.ResponseParameters, c)
			case c.at(0) == "responseModels" && len(c.parts) == 2:
				return patchModel(&r.ResponseModels, c)
			}
			return c.errPath()
		})
		if err != nil {
			return err
		}
		(*m).MethodResponses[in.StatusCode] = r
		return checkMethodResponse(tx, arn, &r)
	})
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// DeleteMethodResponse removes a response of a method.
func (s *Service) DeleteMethodResponse(ctx context.Context, call *aws.Call, in *api.DeleteMethodResponseInput) (*api.DeleteMethodResponseOutput, error) {
	err := s.changeMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *store.Tx, _ aws.ARN, m **api.Method) error {
		if _, there := (*m).MethodResponses[in.StatusCode]; !there {
			return errNoStatus()
		}
		if delete((*m).MethodResponses, in.StatusCode); len((*m).MethodResponses) == 0 {
			(*m).MethodResponses = nil
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteMethodResponseOutput{}, nil
}
