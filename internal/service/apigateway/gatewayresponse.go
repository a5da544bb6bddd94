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

// Types of answers that are the gateway's own.
const (
	accessDenied       = "ACCESS_DENIED"
	apiConfiguration   = "API_CONFIGURATION_ERROR"
	authorizerConfig   = "AUTHORIZER_CONFIGURATION_ERROR"
	authorizerFailure  = "AUTHORIZER_FAILURE"
	badBody            = "BAD_REQUEST_BODY"
	badParameters      = "BAD_REQUEST_PARAMETERS"
	default4xx         = "DEFAULT_4XX"
	default5xx         = "DEFAULT_5XX"
	expiredToken       = "EXPIRED_TOKEN"
	integrationFailure = "INTEGRATION_FAILURE"
	integrationTimeout = "INTEGRATION_TIMEOUT"
	invalidAPIKey      = "INVALID_API_KEY"
	invalidSignature   = "INVALID_SIGNATURE"
	missingToken       = "MISSING_AUTHENTICATION_TOKEN"
	quotaExceeded      = "QUOTA_EXCEEDED"
	tooLarge           = "REQUEST_TOO_LARGE"
	throttled          = "THROTTLED"
	unauthorized       = "UNAUTHORIZED"
	unsupportedMedia   = "UNSUPPORTED_MEDIA_TYPE"
)

// usualStatus is the status of each type, or "" if it is that of the failure.
var usualStatus = map[string]string{
	accessDenied: "403", apiConfiguration: "500", authorizerConfig: "500", authorizerFailure: "500", badBody: "400", badParameters: "400",
	default4xx: "", default5xx: "", expiredToken: "403", integrationFailure: "504", integrationTimeout: "504", invalidAPIKey: "403",
	invalidSignature: "403", missingToken: "403", quotaExceeded: "429", tooLarge: "413", "RESOURCE_NOT_FOUND": "404", throttled: "429",
	unauthorized: "401", unsupportedMedia: "415", "WAF_FILTERED": "403",
}

// usualTemplate is the body of an answer, where nothing else is said.
const usualTemplate = `{"message":$context.error.messageString}`

// responseOf returns the answer of a type, of those that an API has set: its
// own, else the default of its class, else the usual.
func responseOf(set map[string]api.GatewayResponse, kind string) api.GatewayResponse {
	if r, ok := set[kind]; ok {
		return r
	}
	usual := api.GatewayResponse{
		ResponseType: &kind, DefaultResponse: new(true), ResponseParameters: map[string]string{},
		ResponseTemplates: map[string]string{"application/json": usualTemplate},
	}
	status := usualStatus[kind]
	if status != "" {
		usual.StatusCode = &status
	}
	class := default4xx
	if strings.HasPrefix(status, "5") {
		class = default5xx
	}
	r, ok := set[class]
	if !ok || status == "" {
		return usual
	}
	r.ResponseType, r.DefaultResponse = &kind, new(true)
	if r.StatusCode == nil {
		r.StatusCode = usual.StatusCode
	}
	return r
}

// setResponses are the answers that an API has set, by type.
func setResponses(tx *store.Tx, arn aws.ARN) map[string]api.GatewayResponse {
	set := make(map[string]api.GatewayResponse)
	for key, r := range responses.Scan(tx, partKey{API: arn}) {
		set[key.ID] = r
	}
	return set
}

// PutGatewayResponse sets an answer of the gateway's own.
func (s *Service) PutGatewayResponse(ctx context.Context, call *aws.Call, in *api.PutGatewayResponseInput) (*api.GatewayResponse, error) {
	row := newGatewayResponse(in.ResponseType, in.StatusCode, in.ResponseParameters, in.ResponseTemplates)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		if err := checkGatewayResponse(&row); err != nil {
			return err
		}
		return responses.Put(tx, partKey{arn, in.ResponseType}, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

func newGatewayResponse(kind string, status *string, parameters, templates map[string]string) api.GatewayResponse {
	row := responseOf(nil, kind)
	row.DefaultResponse = new(false)
	if status != nil {
		row.StatusCode = status
	}
	if len(parameters) > 0 {
		row.ResponseParameters = parameters
	}
	if len(templates) > 0 {
		row.ResponseTemplates = templates
	}
	return row
}

func checkGatewayResponse(row *api.GatewayResponse) error {
	for name, from := range row.ResponseParameters {
		if rest, ok := strings.CutPrefix(name, "gatewayresponse.header."); !ok || rest == "" {
			return errMapping(name)
		}
		if !isMapping(from) {
			return errMapping(from)
		}
	}
	return nil
}

// GetGatewayResponse returns an answer of the gateway's own.
func (s *Service) GetGatewayResponse(ctx context.Context, call *aws.Call, in *api.GetGatewayResponseInput) (*api.GatewayResponse, error) {
	var row api.GatewayResponse
	err := s.db.View(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.RestApiId)
		row = responseOf(setResponses(tx, arn), in.ResponseType)
		return errors.Join(err, tx.Err())
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetGatewayResponses lists the answers of the gateway's own.
func (s *Service) GetGatewayResponses(ctx context.Context, call *aws.Call, in *api.GetGatewayResponsesInput) (*api.GetGatewayResponsesOutput, error) {
	var out *api.GetGatewayResponsesOutput
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out = new(api.GetGatewayResponsesOutput)
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		set := setResponses(tx, arn)
		for _, kind := range slices.Sorted(maps.Keys(usualStatus)) {
			out.Items = append(out.Items, responseOf(set, kind))
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateGatewayResponse changes an answer of the gateway's own.
func (s *Service) UpdateGatewayResponse(ctx context.Context, call *aws.Call, in *api.UpdateGatewayResponseInput) (*api.GatewayResponse, error) {
	var row api.GatewayResponse
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		row = responseOf(setResponses(tx, arn), in.ResponseType)
		row.DefaultResponse = new(false)
		if err := apply(in.PatchOperations, func(c *change) error { return patchGatewayResponse(&row, c) }); err != nil {
			return err
		}
		if err := checkGatewayResponse(&row); err != nil {
			return err
		}
		return errors.Join(tx.Err(), responses.Put(tx, partKey{arn, in.ResponseType}, row))
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

func patchGatewayResponse(row *api.GatewayResponse, c *change) error {
	var m *map[string]string
	switch {
	case c.path == "/statusCode" && c.op == opReplace:
		row.StatusCode = c.text()
		return nil
	case len(c.parts) == 2 && c.at(0) == "responseParameters":
		m = &row.ResponseParameters
	case len(c.parts) == 2 && c.at(0) == "responseTemplates":
		m = &row.ResponseTemplates
	default:
		return c.errPath()
	}
	if _, has := (*m)[c.parts[1]]; !has && c.op != opAdd {
		return api.NotFoundException.Errorf("Invalid parameter name specified")
	}
	if c.op != opRemove && c.value == "" {
		return errBad("Invalid null or empty value in %s", c.at(0))
	}
	*m = member(*m, c, c.parts[1], c.value)
	return nil
}

// DeleteGatewayResponse makes an answer of the gateway's own the usual again.
func (s *Service) DeleteGatewayResponse(ctx context.Context, call *aws.Call, in *api.DeleteGatewayResponseInput) (*api.DeleteGatewayResponseOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		key := partKey{arn, in.ResponseType}
		if found, err := responses.Has(tx, key); err != nil {
			return err
		} else if !found {
			return api.NotFoundException.Errorf("Gateway response type not defined on api")
		}
		return responses.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteGatewayResponseOutput{}, nil
}
