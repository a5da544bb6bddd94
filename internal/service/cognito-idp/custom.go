package cognitoidp

import (
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A round is a challenge that was answered, as functions of a pool see it.
type round struct {
	Name   string `json:"challengeName"`
	Result bool   `json:"challengeResult"`
	Note   string `json:"challengeMetadata,omitempty"`
}

// startCustom takes the first step of a flow whose challenges functions make. It
// may begin with a password that is not sent.
func (v *visit) startCustom(c *climb, params map[string]string) (*answer, error) {
	if aws.Value(v.pool.LambdaConfig.DefineAuthChallenge) == "" {
		return nil, invalid("Custom auth lambda trigger is not configured for the user pool.")
	}
	if err := v.present(errPassword()); err != nil {
		return nil, err
	}
	if err := v.preAuthenticate(); err != nil {
		return nil, err
	}
	if params["CHALLENGE_NAME"] == "SRP_A" {
		c.SRPA = params["SRP_A"]
		c.Rounds = append(c.Rounds, round{Name: "SRP_A", Result: true})
	}
	return v.custom(c)
}

// custom has the function of the pool say what is next.
func (v *visit) custom(c *climb) (*answer, error) {
	var said struct {
		Name   *string `json:"challengeName"`
		Issue  *bool   `json:"issueTokens"`
		Failed *bool   `json:"failAuthentication"`
	}
	rounds := c.Rounds
	if rounds == nil {
		rounds = []round{}
	}
	if err := v.trigger(v.pool.LambdaConfig.DefineAuthChallenge, "DefineAuthChallenge_Authentication", facts{"session": rounds}, &said); err != nil {
		return nil, err
	}
	switch {
	case aws.Value(said.Failed):
		return nil, errPassword()
	case aws.Value(said.Issue):
		return v.proceed(c)
	}
	switch name := aws.Value(said.Name); name {
	case api.ChallengeNameTypePasswordVerifier:
		if c.SRPA == "" {
			return nil, invalid("Missing required parameter SRP_A")
		}
		return v.startSRP(c, c.SRPA)
	case "":
		return nil, api.InvalidLambdaResponseException.Errorf("DefineAuthChallenge returned no challenge name")
	default:
		return v.askCustom(c, name)
	}
}

// askCustom asks what the function of the pool says.
func (v *visit) askCustom(c *climb, name string) (*answer, error) {
	if name != api.ChallengeNameTypeCustomChallenge {
		return nil, api.InvalidLambdaResponseException.Errorf("Invalid challenge name %s", name)
	}
	var said struct {
		Public  map[string]string `json:"publicChallengeParameters"`
		Private map[string]string `json:"privateChallengeParameters"`
		Note    *string           `json:"challengeMetadata"`
	}
	request := facts{"challengeName": name, "session": slices.Concat([]round{}, c.Rounds)}
	if err := v.trigger(v.pool.LambdaConfig.CreateAuthChallenge, "CreateAuthChallenge_Authentication", request, &said); err != nil {
		return nil, err
	}
	c.Private, c.Note = said.Private, aws.Value(said.Note)
	params := map[string]string{"USERNAME": v.user.Name}
	maps.Copy(params, said.Public)
	return v.ask(c, name, params, nil)
}

// verifyCustom has the function of the pool judge an answer.
func (v *visit) verifyCustom(c *climb, r map[string]string) (*answer, error) {
	if err := v.present(errPassword()); err != nil {
		return nil, err
	}
	var said struct {
		Correct *bool `json:"answerCorrect"`
	}
	request := facts{"privateChallengeParameters": c.Private, "challengeAnswer": r["ANSWER"]}
	if err := v.trigger(v.pool.LambdaConfig.VerifyAuthChallengeResponse, "VerifyAuthChallengeResponse_Authentication", request, &said); err != nil {
		return nil, err
	}
	c.Rounds = append(c.Rounds, round{c.Step, aws.Value(said.Correct), c.Note})
	c.Private, c.Note = nil, ""
	return v.custom(c)
}

// firstFactors are those by which the user of v may begin, where it has the
// choice.
func (v *visit) firstFactors() []string {
	all := []string{api.ChallengeNameTypePassword, api.ChallengeNameTypePasswordSrp}
	for _, f := range v.pool.Policies.SignInPolicy.AllowedFirstAuthFactors {
		switch {
		case f == api.AuthFactorTypeEmailOtp && v.user.verified("email"), f == api.AuthFactorTypeSmsOtp && v.user.verified("phone_number"):
			all = append(all, f)
		}
	}
	return all
}

// startChoice lets the user choose how to prove who it is, unless it has chosen.
func (v *visit) startChoice(c *climb, params map[string]string) (*answer, error) {
	if err := v.present(errPassword()); err != nil {
		return nil, err
	}
	if wish := params["PREFERRED_CHALLENGE"]; slices.Contains(v.firstFactors(), wish) {
		return v.choose(c, wish, params)
	}
	if err := v.preAuthenticate(); err != nil {
		return nil, err
	}
	out, err := v.ask(c, api.ChallengeNameTypeSelectChallenge, map[string]string{}, nil)
	if err != nil {
		return nil, err
	}
	out.AvailableChallenges = v.firstFactors()
	return out, nil
}

// choose asks for the factor that the user has chosen to begin with.
func (v *visit) choose(c *climb, factor string, params map[string]string) (*answer, error) {
	if err := v.present(errPassword()); err != nil {
		return nil, err
	}
	if !slices.Contains(v.firstFactors(), factor) {
		return nil, invalid("Unrecognizable challenge selected: %s", factor)
	}
	switch factor {
	case api.ChallengeNameTypePassword:
		return v.byPassword(c, params["PASSWORD"])
	case api.ChallengeNameTypePasswordSrp:
		return v.startSRP(c, params["SRP_A"])
	}
	if err := v.preAuthenticate(); err != nil {
		return nil, err
	}
	return v.askFactor(c, factor)
}

// override is what a function changes of tokens, in the older and the newer way.
type override struct {
	Older *struct {
		Add      map[string]any `json:"claimsToAddOrOverride"`
		Suppress []string       `json:"claimsToSuppress"`
		Groups   *groupOverride `json:"groupOverrideDetails"`
	} `json:"claimsOverrideDetails,omitempty"`
	Newer *struct {
		ID     *tokenOverride `json:"idTokenGeneration"`
		Access *tokenOverride `json:"accessTokenGeneration"`
		Groups *groupOverride `json:"groupOverrideDetails"`
	} `json:"claimsAndScopeOverrideDetails,omitempty"`
}

type tokenOverride struct {
	Add      map[string]any `json:"claimsToAddOrOverride"`
	Suppress []string       `json:"claimsToSuppress"`
	Scopes   []string       `json:"scopesToAdd"`
	Without  []string       `json:"scopesToSuppress"`
}

type groupOverride struct {
	Groups    []string `json:"groupsToOverride"`
	Roles     []string `json:"iamRolesToOverride"`
	Preferred *string  `json:"preferredRole"`
}

// customise has the function of the pool change what tokens say.
func (v *visit) customise(c *claims, occasion string, of []group) error {
	config := v.pool.LambdaConfig.PreTokenGenerationConfig
	if config == nil {
		return nil
	}
	roles, preferred := rolesOf(of)
	configuration := facts{"groupsToOverride": groupNames(of), "iamRolesToOverride": slices.Concat([]string{}, roles), "preferredRole": nil}
	if preferred != "" {
		configuration["preferredRole"] = preferred
	}
	request, version := facts{"groupConfiguration": configuration}, "1"
	if config.LambdaVersion != api.PreTokenGenerationLambdaVersionTypeV10 {
		version = config.LambdaVersion[1:2]
		request["scopes"] = scopesOf(c.access)
	}
	var said override
	if err := v.triggerOf(version, &config.LambdaArn, occasion, request, &said); err != nil {
		return err
	}
	var groups *groupOverride
	if o := said.Older; o != nil && version == "1" {
		(&tokenOverride{Add: o.Add, Suppress: o.Suppress}).apply(c.id)
		groups = o.Groups
	}
	if n := said.Newer; n != nil && version != "1" {
		n.ID.apply(c.id)
		n.Access.apply(c.access)
		groups = n.Groups
	}
	if groups == nil {
		return nil
	}
	if groups.Groups != nil {
		c.id["cognito:groups"], c.access["cognito:groups"] = groups.Groups, groups.Groups
	}
	if groups.Roles != nil {
		c.id["cognito:roles"] = groups.Roles
	}
	if groups.Preferred != nil {
		c.id["cognito:preferred_role"] = *groups.Preferred
	}
	return nil
}

// fixed are the claims that no function changes.
var fixed = []string{
	"acr", "amr", "at_hash", "auth_time", "azp", "exp", "iat", "iss", "jti", "nbf", "nonce", "origin_jti", "sub", "token_use", "event_id", "client_id", "aud",
	"cognito:username", "username", "scope", "version", "device_key",
}

// apply changes what one token says.
func (o *tokenOverride) apply(to map[string]any) {
	if o == nil {
		return
	}
	for _, name := range o.Suppress {
		if !slices.Contains(fixed, name) {
			delete(to, name)
		}
	}
	for name, value := range o.Add {
		if !slices.Contains(fixed, name) {
			to[name] = value
		}
	}
	if scopes := scopesOf(to); len(o.Scopes)+len(o.Without) > 0 {
		scopes = slices.DeleteFunc(append(scopes, o.Scopes...), func(s string) bool { return slices.Contains(o.Without, s) })
		to["scope"] = strings.Join(scopes, " ")
	}
}

// scopesOf are the scopes that a token says.
func scopesOf(claims map[string]any) []string {
	text, _ := claims["scope"].(string)
	return strings.Fields(text)
}
