package appconfig

import (
	"context"
	"encoding/json"

	api "github.com/aloft-cloud/aloft/internal/api/appconfig"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/schema"
)

// validate asks the validators of a profile whether a configuration is right.
func (s *Service) validate(ctx context.Context, arn aws.ARN, p *api.ConfigurationProfile, r *release) error {
	for _, v := range p.Validators {
		var err error
		if v.Type == api.ValidatorTypeLambda {
			err = s.ask(ctx, arn, p, v.Content, r)
		} else {
			err = checkSchema(v.Content, r.Content)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkSchema(text string, content []byte) error {
	wrong, err := schema.New("aloft:", map[string]string{"schema": text}).Of("schema").Find(string(content))
	if err != nil {
		return invalid("Invalid JSON schema: %s", err)
	}
	if wrong != "" {
		return api.BadRequestException.With(&api.BadRequestExceptionDetail{Reason: new(api.BadRequestReasonInvalidConfiguration)}, "Error validating configuration: "+wrong)
	}
	return nil
}

// ask has a function say whether a configuration is right: it fails if not.
func (s *Service) ask(ctx context.Context, arn aws.ARN, p *api.ConfigurationProfile, function string, r *release) error {
	payload, err := json.Marshal(map[string]any{
		"applicationId": p.ApplicationId, "configurationProfileId": p.Id, "configurationVersion": r.Version, "content": r.Content, "uri": p.LocationUri,
	})
	if err != nil {
		return err
	}
	out, err := dispatch.CallChecked(ctx, s.Table, aws.ServiceCall("appconfig", arn), lambda.Invoke, &lambda.InvokeInput{FunctionName: function, Payload: payload})
	if refusal := aws.Refusal(err); err != nil && refusal != nil {
		return invalid("Error invoking the validator %s: %s", function, refusal.Message)
	}
	if err != nil {
		return err
	}
	if out.FunctionError != nil {
		return api.BadRequestException.With(&api.BadRequestExceptionDetail{Reason: new(api.BadRequestReasonInvalidConfiguration)}, "Error validating configuration: "+string(out.Payload))
	}
	return nil
}

// ValidateConfiguration asks the validators of a profile about a version.
func (s *Service) ValidateConfiguration(ctx context.Context, call *aws.Call, in *api.ValidateConfigurationInput) (*api.ValidateConfigurationOutput, error) {
	arn := profileARN(call, in.ApplicationId, in.ConfigurationProfileId)
	p, err := look(ctx, s.DB, profiles, arn, aProfile)
	if err != nil {
		return nil, err
	}
	r, err := s.fetch(ctx, arn, p, in.ConfigurationVersion)
	if err != nil {
		return nil, err
	}
	return &api.ValidateConfigurationOutput{}, s.validate(ctx, arn, p, r)
}
