package cognitoidp

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/cognito-idp/srp"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxTries is how often a code may be answered with another.
const maxTries = 5

// A climb is a user on the way in: what is remembered from step to step.
type climb struct {
	Flow   string
	User   string // name of the row; empty if there is none
	Name   string // as the caller gave it
	Client string
	Step   string // what is asked: the name of a challenge
	Tries  int    `json:",omitempty"` // answers so far
	Second bool   `json:",omitempty"` // a second factor is proven, or not wanted

	SRP     *srp.Secret       `json:",omitempty"`
	Code    []byte            `json:",omitempty"` // sealed
	Rounds  []round           `json:",omitempty"` // of challenges of functions
	Private map[string]string `json:",omitempty"` // what the right answer to such a one is
	Note    string            `json:",omitempty"` // of it, for the next
	SRPA    string            `json:",omitempty"` // A, until a function asks for a password
}

// ask waits for an answer to a challenge, and does more in the same transaction.
func (v *visit) ask(c *climb, step string, params map[string]string, more func(tx *store.Tx) error) (*answer, error) {
	c.Step, c.Tries = step, 0
	secret, id := newSecret(v.pool)
	expires := now().Add(time.Duration(*v.client.AuthSessionValidity) * time.Minute)
	err := v.db.Update(v.ctx, func(tx *store.Tx) error {
		if more != nil {
			if err := more(tx); err != nil {
				return err
			}
		}
		return putTicket(tx, v.Service, ticketKey{v.pool.arn, challengeTicket, id}, expires, c)
	})
	if err != nil {
		return nil, err
	}
	out := &answer{ChallengeName: &c.Step, ChallengeParameters: params}
	if step == api.ChallengeNameTypePasswordVerifier {
		params["SECRET_BLOCK"] = secret
	}
	if step != api.ChallengeNameTypePasswordVerifier || c.Flow != api.AuthFlowTypeUserSrpAuth {
		out.Session = &secret
	}
	return out, nil
}

// A reply is an answer to a challenge, by either of two operations.
type reply struct {
	step, clientID, session string
	responses, metadata     map[string]string
	pool                    string // that an administrator names; empty: it is no administrator
}

// RespondToAuthChallenge takes an answer to what was asked.
func (s *Service) RespondToAuthChallenge(ctx context.Context, call *aws.Call, in *api.RespondToAuthChallengeInput) (*api.RespondToAuthChallengeOutput, error) {
	out, err := s.respond(ctx, call, &reply{
		step: in.ChallengeName, clientID: in.ClientId, session: aws.Value(in.Session), responses: in.ChallengeResponses, metadata: in.ClientMetadata,
	})
	return (*api.RespondToAuthChallengeOutput)(out), err
}

// AdminRespondToAuthChallenge takes an answer by way of a server that has
// credentials.
func (s *Service) AdminRespondToAuthChallenge(ctx context.Context, call *aws.Call, in *api.AdminRespondToAuthChallengeInput) (*api.AdminRespondToAuthChallengeOutput, error) {
	out, err := s.respond(ctx, call, &reply{
		step: in.ChallengeName, clientID: in.ClientId, session: aws.Value(in.Session), responses: in.ChallengeResponses, metadata: in.ClientMetadata, pool: in.UserPoolId,
	})
	return (*api.AdminRespondToAuthChallengeOutput)(out), err
}

// respond takes an answer to a challenge.
func (s *Service) respond(ctx context.Context, call *aws.Call, r *reply) (*answer, error) {
	v, c, key, err := s.resume(ctx, call, r)
	if err != nil {
		return nil, err
	}
	if err := v.checkSecret(r.responses["SECRET_HASH"]); err != nil {
		return nil, err
	}
	return v.settle(v.step(c, key, r))
}

// step takes an answer to the challenge of c.
func (v *visit) step(c *climb, key ticketKey, r *reply) (*answer, error) {
	switch c.Step {
	case api.ChallengeNameTypePasswordVerifier:
		return v.verifySRP(c, r.responses)
	case api.ChallengeNameTypeNewPasswordRequired:
		return v.newPassword(c, key, r.responses)
	case api.ChallengeNameTypeSmsMfa, api.ChallengeNameTypeEmailOtp, api.ChallengeNameTypeSmsOtp:
		return v.verifyCode(c, key, r.responses)
	case api.ChallengeNameTypeSoftwareTokenMfa:
		return v.verifySoftware(c, key, r.responses)
	case api.ChallengeNameTypeSelectMfaType:
		return v.selectFactor(c, r.responses["ANSWER"])
	case api.ChallengeNameTypeMfaSetup:
		return v.finishSetup(c)
	case api.ChallengeNameTypeCustomChallenge:
		return v.verifyCustom(c, r.responses)
	case api.ChallengeNameTypeSelectChallenge:
		return v.choose(c, r.responses["ANSWER"], r.responses)
	case api.ChallengeNameTypePassword:
		return v.byPassword(c, r.responses["PASSWORD"])
	}
	return nil, notYet("challenges of the name %s", c.Step)
}

// retried are the steps that may be answered again, if the answer was wrong; of
// others the ticket is good once.
var retried = []string{
	api.ChallengeNameTypeSmsMfa, api.ChallengeNameTypeEmailOtp, api.ChallengeNameTypeSmsOtp, api.ChallengeNameTypeSoftwareTokenMfa, api.ChallengeNameTypeNewPasswordRequired,
}

// resume finds the climb that an answer is of, and counts it.
func (s *Service) resume(ctx context.Context, call *aws.Call, r *reply) (v *visit, c *climb, key ticketKey, err error) {
	v = &visit{Service: s, ctx: ctx, call: call, metadata: r.metadata}
	secret := r.responses["PASSWORD_CLAIM_SECRET_BLOCK"]
	if secret == "" {
		secret = r.session
	}
	if secret == "" {
		return nil, nil, key, invalid("Missing required parameter Session")
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if v.pool, v.client, err = findClient(tx, r.clientID); err != nil {
			return err
		}
		if r.pool != "" && v.pool.arn != call.ARN("cognito-idp", kind+r.pool) {
			return errNoClient(r.clientID)
		}
		key = ticketKey{v.pool.arn, challengeTicket, idOf(secret)}
		var expires time.Time
		c, expires, err = getTicket[climb](tx, key)
		if errors.Is(err, store.ErrNotFound) {
			return errSession()
		}
		if err != nil {
			return err
		}
		if c.Client != r.clientID || c.Step != r.step {
			return errSession()
		}
		if v.name = c.Name; c.User != "" {
			v.name = c.User
		}
		if err := v.find(tx); err != nil {
			return err
		}
		v.name = c.Name
		if c.Tries++; c.Tries < maxTries && slices.Contains(retried, c.Step) {
			return putTicket(tx, s, key, expires, c)
		}
		return dropTicket(tx, s, key)
	})
	return v, c, key, err
}

func errSession() error { return unauthorized("Invalid session for the user.") }

// done removes the ticket of a step that was answered well.
func (v *visit) done(key ticketKey) error {
	return v.db.Update(v.ctx, func(tx *store.Tx) error { return dropTicket(tx, v.Service, key) })
}

// verifySRP takes the proof that the user knows the password.
func (v *visit) verifySRP(c *climb, r map[string]string) (*answer, error) {
	if v.user == nil {
		return nil, errPassword()
	}
	if err := v.try(); err != nil {
		return nil, err
	}
	_, pool, _ := strings.Cut(v.pool.id(), "_")
	proof, err := base64.StdEncoding.DecodeString(r["PASSWORD_CLAIM_SIGNATURE"])
	block, otherErr := base64.StdEncoding.DecodeString(r["PASSWORD_CLAIM_SECRET_BLOCK"])
	if err != nil || otherErr != nil || v.user.Password == nil || !c.SRP.Proves(proof, []byte(pool), []byte(v.user.Name), block, []byte(r["TIMESTAMP"])) {
		return nil, errPassword()
	}
	if err := v.right(); err != nil {
		return nil, err
	}
	if c.SRP = nil; c.Flow == api.AuthFlowTypeCustomAuth {
		c.Rounds = append(c.Rounds, round{Name: api.ChallengeNameTypePasswordVerifier, Result: true})
		return v.custom(c)
	}
	return v.proceed(c)
}

// newPassword gives a user who was invited the password that it chose, and
// attributes with it.
func (v *visit) newPassword(c *climb, key ticketKey, r map[string]string) (*answer, error) {
	if v.user == nil {
		return nil, errNoUser()
	}
	if err := v.pool.checkPolicy(r["NEW_PASSWORD"]); err != nil {
		return nil, err
	}
	set := make(map[string]string)
	for name, value := range r {
		if attribute, ok := strings.CutPrefix(name, "userAttributes."); ok {
			set[attribute] = value
		}
	}
	if err := v.client.mayWrite(set); err != nil {
		return nil, err
	}
	for name, value := range v.user.Attributes {
		if _, given := set[name]; !given && name != "sub" {
			set[name] = value
		}
	}
	if err := v.pool.checkAttributes(set, true); err != nil {
		return nil, err
	}
	err := v.update(func(_ *store.Tx, u *user) error {
		setAttributes(u, set)
		u.Status, u.Modified = api.UserStatusTypeConfirmed, now()
		return v.setPassword(v.pool, u, r["NEW_PASSWORD"])
	})
	if err != nil {
		return nil, err
	}
	if err := v.done(key); err != nil {
		return nil, err
	}
	return v.proceed(c)
}
