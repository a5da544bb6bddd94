package apigatewayv2

import (
	"context"
	"net/url"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxTimeout is how long an integration may take, in milliseconds, and what it has usually.
const maxTimeout = 30_000

// CreateIntegration adds what routes can lead to.
func (s *Service) CreateIntegration(ctx context.Context, call *aws.Call, in *api.CreateIntegrationInput) (*api.CreateIntegrationOutput, error) {
	row := api.Integration{
		ContentHandlingStrategy: in.ContentHandlingStrategy, PassthroughBehavior: in.PassthroughBehavior,
		RequestTemplates: in.RequestTemplates, TemplateSelectionExpression: in.TemplateSelectionExpression,
		ConnectionId: in.ConnectionId, ConnectionType: new(aws.Or(in.ConnectionType, api.ConnectionTypeInternet)), CredentialsArn: in.CredentialsArn,
		Description: in.Description, IntegrationMethod: in.IntegrationMethod, IntegrationSubtype: in.IntegrationSubtype,
		IntegrationType: &in.IntegrationType, IntegrationUri: in.IntegrationUri, PayloadFormatVersion: in.PayloadFormatVersion,
		RequestParameters: in.RequestParameters, ResponseParameters: in.ResponseParameters, TimeoutInMillis: in.TimeoutInMillis,
	}
	if in.TlsConfig != nil {
		row.TlsConfig = new(api.TlsConfig(*in.TlsConfig))
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		if err := s.addIntegration(tx, arn, &row); err != nil {
			return err
		}
		return s.changed(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return new(api.CreateIntegrationOutput(row)), nil
}

// addIntegration keeps a new integration of the API.
func (s *Service) addIntegration(tx *store.Tx, arn aws.ARN, row *api.Integration) error {
	row.IntegrationId = new(newID(7))
	if row.TimeoutInMillis == nil {
		row.TimeoutInMillis = new(int32(maxTimeout))
	}
	if row.PayloadFormatVersion == nil {
		row.PayloadFormatVersion = new(proxy.V1)
	}
	if row.IntegrationMethod == nil && *row.IntegrationType == api.IntegrationTypeAwsProxy {
		row.IntegrationMethod = new("POST")
	}
	of, err := apis.Get(tx, arn)
	if err != nil {
		return err
	}
	if err := s.checkIntegration(&of, row); err != nil {
		return err
	}
	if err := checkPrivate(tx, arn, row); err != nil {
		return err
	}
	return integrations.Put(tx, partKey{arn, *row.IntegrationId}, *row)
}

// checkForWebSockets refuses what only WebSocket APIs have.
func checkForWebSockets(row *api.Integration) error {
	if row.ContentHandlingStrategy != nil || row.TemplateSelectionExpression != nil || row.RequestTemplates != nil {
		return errBad("Content handling and templates are supported only for WebSocket APIs")
	}
	return nil
}

func (s *Service) checkIntegration(of *apiRow, row *api.Integration) error {
	if isWebSocket(of) {
		return checkSocketIntegration(row)
	}
	if err := checkForWebSockets(row); err != nil {
		return err
	}
	switch {
	case *row.TimeoutInMillis < 50 || *row.TimeoutInMillis > maxTimeout:
		return errBad("Timeout should be between 50 ms and 30000 ms")
	case *row.ConnectionType == api.ConnectionTypeVpcLink:
		return checkMappings(row.RequestParameters, row.ResponseParameters) // and see checkPrivate
	case aws.Value(row.ConnectionId) != "" || row.TlsConfig != nil:
		return errBad("ConnectionId and TlsConfig are supported only for VPC_LINK connections")
	case *row.IntegrationType == api.IntegrationTypeAwsProxy && aws.Value(row.IntegrationSubtype) != "":
		return s.checkDirect(*row.IntegrationSubtype, row.RequestParameters, row.CredentialsArn)
	}
	if err := checkMappings(row.RequestParameters, row.ResponseParameters); err != nil {
		return err
	}
	switch *row.IntegrationType {
	case api.IntegrationTypeAwsProxy:
		return checkFunction(row)
	case api.IntegrationTypeHttpProxy:
		return checkAddress(row)
	}
	return errBad("HTTP APIs support only AWS_PROXY and HTTP_PROXY integrations")
}

// checkAddress refuses an integration of type HTTP_PROXY that has no address.
func checkAddress(row *api.Integration) error {
	u, err := url.Parse(aws.Value(row.IntegrationUri))
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errBad("Invalid HTTP endpoint specified for URI")
	case row.IntegrationMethod == nil:
		return errBad("HttpMethod must be specified for HTTP_PROXY integrations")
	case aws.Value(row.CredentialsArn) != "":
		return errBad("Credentials are not supported for HTTP_PROXY integrations")
	}
	return nil
}

// checkFunction refuses an integration that leads to no function.
func checkFunction(row *api.Integration) error {
	switch {
	case strings.Contains(aws.Value(row.CredentialsArn), "*"):
		return errNotYet("credentials of the caller")
	case *row.PayloadFormatVersion != proxy.V1 && *row.PayloadFormatVersion != proxy.V2:
		return errBad("Invalid payload format version specified. Should be 1.0 or 2.0")
	case *row.IntegrationMethod != "POST":
		return errBad("HttpMethod must be POST for AWS_PROXY IntegrationType.")
	case row.IntegrationUri == nil:
		return errBad("Uri must be provided for AWS_PROXY integrations")
	}
	if uri.Function(*row.IntegrationUri) == "" {
		return errBad("Invalid function ARN specified in uri: %s", *row.IntegrationUri)
	}
	return nil
}

// GetIntegration returns an integration.
func (s *Service) GetIntegration(ctx context.Context, call *aws.Call, in *api.GetIntegrationInput) (*api.GetIntegrationOutput, error) {
	var row api.Integration
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, integrations, call, in.ApiId, "Integration", in.IntegrationId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return new(api.GetIntegrationOutput(row)), nil
}

// GetIntegrations lists the integrations of an API.
func (s *Service) GetIntegrations(ctx context.Context, call *aws.Call, in *api.GetIntegrationsInput) (*api.GetIntegrationsOutput, error) {
	out := new(api.GetIntegrationsOutput)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		same := func(row api.Integration) api.Integration { return row }
		out.Items, out.NextToken, err = list(tx, integrations, call, in.ApiId, in.MaxResults, in.NextToken, same)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateIntegration changes an integration.
func (s *Service) UpdateIntegration(ctx context.Context, call *aws.Call, in *api.UpdateIntegrationInput) (*api.UpdateIntegrationOutput, error) {
	var row api.Integration
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, integrations, call, in.ApiId, "Integration", in.IntegrationId)
		if err != nil {
			return err
		}
		row = found
		setIf(&row.ConnectionId, in.ConnectionId)
		setIf(&row.ConnectionType, in.ConnectionType)
		setIf(&row.CredentialsArn, in.CredentialsArn)
		setIf(&row.Description, in.Description)
		setIf(&row.IntegrationMethod, in.IntegrationMethod)
		setIf(&row.IntegrationSubtype, in.IntegrationSubtype)
		setIf(&row.IntegrationType, in.IntegrationType)
		setIf(&row.IntegrationUri, in.IntegrationUri)
		setIf(&row.PayloadFormatVersion, in.PayloadFormatVersion)
		setIf(&row.TimeoutInMillis, in.TimeoutInMillis)
		row.RequestParameters, row.ResponseParameters = in.RequestParameters, in.ResponseParameters
		if in.TlsConfig != nil {
			row.TlsConfig = new(api.TlsConfig(*in.TlsConfig))
		}
		setIf(&row.ContentHandlingStrategy, in.ContentHandlingStrategy)
		setIf(&row.PassthroughBehavior, in.PassthroughBehavior)
		setIf(&row.TemplateSelectionExpression, in.TemplateSelectionExpression)
		if in.RequestTemplates != nil {
			row.RequestTemplates = in.RequestTemplates
		}
		of, err := apis.Get(tx, key.API)
		if err != nil {
			return err
		}
		if err := s.checkIntegration(&of, &row); err != nil {
			return err
		}
		if err := checkPrivate(tx, key.API, &row); err != nil {
			return err
		}
		if err := integrations.Put(tx, key, row); err != nil {
			return err
		}
		return s.changed(tx, key.API)
	})
	if err != nil {
		return nil, err
	}
	return new(api.UpdateIntegrationOutput(row)), nil
}

// DeleteIntegration removes an integration that no route leads to.
func (s *Service) DeleteIntegration(ctx context.Context, call *aws.Call, in *api.DeleteIntegrationInput) (*api.DeleteIntegrationOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := find(tx, integrations, call, in.ApiId, "Integration", in.IntegrationId)
		if err != nil {
			return err
		}
		for _, r := range routes.Scan(tx, partKey{API: key.API}) {
			if aws.Value(r.Target) == "integrations/"+in.IntegrationId {
				return api.ConflictException.Errorf("Cannot delete Integration '%s', it is still referenced by Route with key %s", in.IntegrationId, *r.RouteKey)
			}
		}
		if err := integrations.Delete(tx, key); err != nil {
			return err
		}
		return s.changed(tx, key.API)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteIntegrationOutput{}, nil
}
