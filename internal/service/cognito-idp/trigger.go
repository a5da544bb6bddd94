package cognitoidp

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

const (
	triggerLasts = 5 * time.Second // as long as AWS waits for a function
	triggerTries = 3
)

// A fact is a member of what a trigger is asked.
type facts map[string]any

// trigger asks a function of the pool, if it has that one, and sets response to
// what it answers; what response has is what it may leave as it is. A source is
// "PreSignUp_SignUp": the trigger, and on what occasion.
func (v *visit) trigger(function *string, source string, request facts, response any) error {
	return v.triggerOf("1", function, source, request, response)
}

// triggerOf is trigger, of events of a version.
func (v *visit) triggerOf(version string, function *string, source string, request facts, response any) error {
	if aws.Value(function) == "" {
		return nil
	}
	name, _, _ := strings.Cut(source, "_")
	if name == "TokenGeneration" {
		name = "PreTokenGeneration"
	}
	if request["userAttributes"] == nil {
		request["userAttributes"] = v.eventAttributes()
	}
	if len(v.metadata) > 0 {
		request["clientMetadata"] = v.metadata
	}
	clientID := "CLIENT_ID_NOT_APPLICABLE"
	if v.client != nil {
		clientID = *v.client.ClientId
	}
	event, err := json.Marshal(facts{
		"version": version, "region": v.pool.arn.Region, "userPoolId": v.pool.id(), "userName": v.username(), "triggerSource": source,
		"callerContext": facts{"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": clientID}, "request": request, "response": response,
	})
	if err != nil {
		return err
	}
	payload, err := v.invoke(*function, name, event)
	if err != nil {
		return err
	}
	var answer struct {
		Response json.RawMessage `json:"response"`
	}
	if json.Unmarshal(payload, &answer) != nil || len(answer.Response) == 0 || json.Unmarshal(answer.Response, response) != nil {
		return api.InvalidLambdaResponseException.Errorf("Unrecognizable lambda output")
	}
	return nil
}

// invoke runs a function as the pool, and again if it takes too long.
func (v *visit) invoke(function, name string, event []byte) ([]byte, error) {
	for range triggerTries {
		ctx, cancel := context.WithTimeout(v.ctx, triggerLasts)
		out, err := dispatch.CallChecked(ctx, v.table, aws.ServiceCall("cognito-idp", v.pool.arn), lambda.Invoke, &lambda.InvokeInput{FunctionName: function, Payload: event})
		late := ctx.Err() != nil
		cancel()
		switch {
		case v.ctx.Err() != nil:
			return nil, v.ctx.Err()
		case late:
			continue
		case err != nil:
			if said, ok := errors.AsType[*aws.Error](err); ok {
				return nil, api.UnexpectedLambdaException.Errorf("%s invocation failed due to error %s.", name, said.Code)
			}
			return nil, err
		case out.FunctionError != nil:
			var failure struct {
				Message string `json:"errorMessage"`
			}
			if json.Unmarshal(out.Payload, &failure) != nil {
				failure.Message = "Unknown"
			}
			return nil, api.UserLambdaValidationException.Errorf("%s failed with error %s.", name, strings.TrimSuffix(failure.Message, "."))
		}
		return out.Payload, nil
	}
	return nil, api.UnexpectedLambdaException.Errorf("%s invocation failed due to configuration.", name)
}

// username is the user's own name, or what the caller says if there is none.
func (v *visit) username() string {
	if v.user == nil {
		return v.name
	}
	return v.user.Name
}

// eventAttributes are the user's attributes as triggers get them.
func (v *visit) eventAttributes() map[string]string {
	if v.user == nil {
		return map[string]string{}
	}
	all := maps.Clone(v.user.Attributes)
	all["cognito:user_status"] = v.user.Status
	return all
}
