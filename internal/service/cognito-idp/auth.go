package cognitoidp

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/cognito-idp/srp"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An answer is what who signs in gets: tokens, or what is asked next. Nil is
// neither: the user is proven. Four operations have an output of that shape.
type answer = api.InitiateAuthOutput

// A request to sign in, by either of two operations.
type authRequest struct {
	flow, clientID string
	params         map[string]string
	metadata       map[string]string
	pool           string // that an administrator names; empty: it is no administrator
	address        string // of who signs in, if it is known
}

// InitiateAuth begins to sign a user in.
func (s *Service) InitiateAuth(ctx context.Context, call *aws.Call, in *api.InitiateAuthInput) (*api.InitiateAuthOutput, error) {
	if in.AuthFlow == api.AuthFlowTypeAdminNoSrpAuth || in.AuthFlow == api.AuthFlowTypeAdminUserPasswordAuth {
		return nil, invalid("Initiate Auth method not supported.")
	}
	return s.initiate(ctx, call, &authRequest{flow: in.AuthFlow, clientID: in.ClientId, params: in.AuthParameters, metadata: in.ClientMetadata, address: call.SourceIP})
}

// AdminInitiateAuth begins to sign a user in, for a server that has credentials.
func (s *Service) AdminInitiateAuth(ctx context.Context, call *aws.Call, in *api.AdminInitiateAuthInput) (*api.AdminInitiateAuthOutput, error) {
	if in.AuthFlow == api.AuthFlowTypeUserPasswordAuth {
		return nil, invalid("Initiate Auth method not supported.")
	}
	r := &authRequest{flow: in.AuthFlow, clientID: in.ClientId, params: in.AuthParameters, metadata: in.ClientMetadata, pool: in.UserPoolId}
	if in.ContextData != nil {
		r.address = in.ContextData.IpAddress
	}
	out, err := s.initiate(ctx, call, r)
	return (*api.AdminInitiateAuthOutput)(out), err
}

// initiate answers a request to sign in.
func (s *Service) initiate(ctx context.Context, call *aws.Call, r *authRequest) (*answer, error) {
	refreshes := r.flow == api.AuthFlowTypeRefreshToken || r.flow == api.AuthFlowTypeRefreshTokenAuth
	if refreshes {
		r.flow = api.AuthFlowTypeRefreshTokenAuth
	} else if r.params["USERNAME"] == "" {
		return nil, invalid("Missing required parameter USERNAME")
	}
	if r.flow == api.AuthFlowTypeAdminNoSrpAuth {
		r.flow = api.AuthFlowTypeAdminUserPasswordAuth
	}
	v, err := s.approach(ctx, call, r)
	if err != nil {
		return nil, err
	}
	if !v.client.allows(r.flow) {
		if r.pool != "" {
			return nil, invalid("Auth flow not enabled for this client")
		}
		return nil, invalid("%s flow not enabled for this client", r.flow)
	}
	if refreshes {
		out, err := s.refresh(v, r.params["REFRESH_TOKEN"], "TokenGeneration_RefreshTokens")
		if err != nil {
			return nil, err
		}
		return &answer{AuthenticationResult: out, ChallengeParameters: map[string]string{}}, nil
	}
	return v.settle(v.start(r))
}

// approach begins the visit of who wants to sign in.
func (s *Service) approach(ctx context.Context, call *aws.Call, r *authRequest) (*visit, error) {
	v := &visit{Service: s, ctx: ctx, call: call, name: r.params["USERNAME"], metadata: r.metadata}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if v.pool, v.client, err = findClient(tx, r.clientID); err != nil {
			return err
		}
		if r.pool != "" && v.pool.arn != call.ARN("cognito-idp", kind+r.pool) {
			return errNoClient(r.clientID)
		}
		if err := v.checkAddress(tx, r.address); err != nil {
			return err
		}
		if r.flow == api.AuthFlowTypeRefreshTokenAuth { // whose it is, its ticket says
			if l, _, err := getTicket[login](tx, loginKey(v.pool, r.params["REFRESH_TOKEN"])); err == nil {
				v.name = l.User
			}
		}
		return v.find(tx)
	})
	if err != nil {
		return nil, err
	}
	if err := v.checkSecret(r.params["SECRET_HASH"]); err != nil {
		return nil, err
	}
	return v, nil
}

// settle gives tokens to who is proven.
func (v *visit) settle(out *answer, err error) (*answer, error) {
	if err != nil || out != nil {
		return out, err
	}
	tokens, err := v.signIn()
	if err != nil {
		return nil, err
	}
	return &answer{AuthenticationResult: tokens, ChallengeParameters: map[string]string{}}, nil
}

// start takes the first step of a flow.
func (v *visit) start(r *authRequest) (*answer, error) {
	c := &climb{Flow: r.flow, User: v.key.Name, Name: v.name, Client: *v.client.ClientId}
	switch r.flow {
	case api.AuthFlowTypeCustomAuth:
		return v.startCustom(c, r.params)
	case api.AuthFlowTypeUserSrpAuth:
		return v.startSRP(c, r.params["SRP_A"])
	case api.AuthFlowTypeUserAuth:
		return v.startChoice(c, r.params)
	}
	return v.byPassword(c, r.params["PASSWORD"])
}

// byPassword takes the step of a password that was sent.
func (v *visit) byPassword(c *climb, password string) (*answer, error) {
	if password == "" {
		return nil, invalid("Missing required parameter PASSWORD")
	}
	if v.user == nil {
		if err := v.migrate(password); err != nil {
			return nil, err
		}
		c.User = v.key.Name
	}
	if err := v.present(errPassword()); err != nil {
		return nil, err
	}
	if err := v.preAuthenticate(); err != nil {
		return nil, err
	}
	if err := v.checkPassword(password); err != nil {
		return nil, err
	}
	return v.proceed(c)
}

// preAuthenticate asks the function of the pool whether the user may try.
func (v *visit) preAuthenticate() error {
	if v.user.Disabled {
		return errDisabled()
	}
	return v.trigger(v.pool.LambdaConfig.PreAuthentication, "PreAuthentication_Authentication", facts{"validationData": v.metadata}, &struct{}{})
}

// startSRP answers who wants to prove a password without sending it. Who is not
// there gets an answer too, if the client is not to tell.
func (v *visit) startSRP(c *climb, a string) (*answer, error) {
	if a == "" {
		return nil, invalid("Missing required parameter SRP_A")
	}
	if err := v.present(nil); err != nil {
		return nil, err
	}
	known := v.invented()
	if v.user != nil {
		if err := v.preAuthenticate(); err != nil {
			return nil, err
		}
		own, err := v.verifier()
		if err != nil {
			return nil, err
		}
		if own != nil {
			known = own
		}
	}
	secret, b, err := known.Begin(a)
	if err != nil {
		return nil, invalid("SRP_A is not valid.")
	}
	c.SRP = secret
	return v.ask(c, api.ChallengeNameTypePasswordVerifier, map[string]string{
		"SALT": known.SaltText(), "SRP_B": b, "USERNAME": v.username(), "USER_ID_FOR_SRP": v.username(),
	}, nil)
}

// invented is the verifier of a password that nobody has, the same whenever it
// is asked for.
func (v *visit) invented() *srp.Verifier {
	sum := sha256.Sum256(append([]byte(v.name+"\x00"), v.pool.Key...))
	return &srp.Verifier{Salt: sum[:16], Value: sum[:]}
}

// proceed asks what is left to ask of a user whose first factor is proven, or
// returns nil.
func (v *visit) proceed(c *climb) (*answer, error) {
	switch {
	case v.user.Disabled:
		return nil, errDisabled()
	case v.user.Status == api.UserStatusTypeUnconfirmed:
		return nil, api.UserNotConfirmedException.Errorf("User is not confirmed.")
	case v.user.Status == api.UserStatusTypeResetRequired:
		return nil, api.PasswordResetRequiredException.Errorf("Password reset required for the user")
	case v.user.Status == api.UserStatusTypeForceChangePassword:
		return v.askNewPassword(c)
	case c.Second:
		return nil, nil
	}
	return v.askSecond(c)
}

// askNewPassword has a user who was invited choose a password.
func (v *visit) askNewPassword(c *climb) (*answer, error) {
	days := aws.Or(v.pool.Policies.PasswordPolicy.TemporaryPasswordValidityDays, 7)
	if days > 0 && time.Since(v.user.Set) > time.Duration(days)*24*time.Hour {
		return nil, unauthorized("Temporary password has expired and must be reset by an administrator.")
	}
	required := []string{}
	for _, a := range v.pool.SchemaAttributes {
		if *a.Required && v.user.Attributes[*a.Name] == "" {
			required = append(required, "userAttributes."+*a.Name)
		}
	}
	wanted, err := json.Marshal(required)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(v.user.Attributes)
	delete(all, "sub")
	has, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return v.ask(c, api.ChallengeNameTypeNewPasswordRequired, map[string]string{
		"USER_ID_FOR_SRP": v.user.Name, "requiredAttributes": string(wanted), "userAttributes": string(has),
	}, nil)
}

// migrate has the function of the pool bring a user from elsewhere, if it knows
// one of that name and password.
func (v *visit) migrate(password string) error {
	if aws.Value(v.pool.LambdaConfig.UserMigration) == "" {
		return nil
	}
	var said struct {
		Attributes map[string]string `json:"userAttributes"`
		Status     string            `json:"finalUserStatus"`
		Action     string            `json:"messageAction"`
	}
	name := v.name
	err := v.trigger(v.pool.LambdaConfig.UserMigration, "UserMigration_Authentication", facts{"password": password, "validationData": nil}, &said)
	if err != nil {
		return errPassword() // that is all that AWS says
	}
	if said.Attributes == nil {
		return nil
	}
	set := maps.Clone(said.Attributes)
	delete(set, "username")
	delete(set, "sub")
	u, err := v.newUser(name, set)
	if err != nil {
		return err
	}
	u.Status = api.UserStatusTypeResetRequired
	if slices.Contains([]string{api.UserStatusTypeConfirmed, api.UserStatusTypeForceChangePassword}, said.Status) {
		u.Status = said.Status
	}
	if err := v.setPassword(v.pool, u, password); err != nil {
		return err
	}
	return v.create(u, true, func(*store.Tx, *user) error { return nil })
}
