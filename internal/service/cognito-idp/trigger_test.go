package cognitoidp_test

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aloft-cloud/aloft/internal/platformtest"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// trigger is the function of a pool for every occasion, as its scripts expect it.
func trigger(_ context.Context, _ *sandbox.Function, e sandbox.Event, log func(string)) ([]byte, error) {
	var event map[string]any
	if err := json.Unmarshal(e.Payload, &event); err != nil {
		return nil, err
	}
	log(string(e.Payload))
	request, _ := event["request"].(map[string]any)
	response, _ := event["response"].(map[string]any)
	source, _ := event["triggerSource"].(string)
	switch occasion, _, _ := strings.Cut(source, "_"); occasion {
	case "PreSignUp":
		response["autoConfirmUser"] = true
	case "CustomMessage":
		code, _ := request["codeParameter"].(string)
		response["emailSubject"], response["emailMessage"] = "Psst", "It is "+code
	case "DefineAuthChallenge":
		rounds, _ := request["session"].([]any)
		response["challengeName"], response["issueTokens"], response["failAuthentication"] = "CUSTOM_CHALLENGE", false, len(rounds) > 1
		for _, r := range rounds {
			if r.(map[string]any)["challengeResult"] == true {
				response["issueTokens"], response["failAuthentication"] = true, false
			}
		}
	case "CreateAuthChallenge":
		response["publicChallengeParameters"] = map[string]string{"question": "6*7"}
		response["privateChallengeParameters"] = map[string]string{"answer": "42"}
	case "VerifyAuthChallengeResponse":
		private, _ := request["privateChallengeParameters"].(map[string]any)
		response["answerCorrect"] = private["answer"] == request["challengeAnswer"]
	case "TokenGeneration":
		add := map[string]any{"claimsToAddOrOverride": map[string]any{"shoe": "42", "sub": "forged"}, "scopesToAdd": []string{"more"}}
		response["claimsAndScopeOverrideDetails"] = map[string]any{"idTokenGeneration": add, "accessTokenGeneration": add}
	case "UserMigration":
		if request["password"] == "Passw0rd!" {
			response["userAttributes"] = map[string]string{"email": "old@example.com", "email_verified": "true"}
			response["finalUserStatus"] = "CONFIRMED"
		}
	}
	return json.Marshal(event)
}

func init() { platformtest.Handlers["trigger"] = trigger }
