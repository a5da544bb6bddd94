package cognitoidp

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Second factors, as challenges are named for them.
const (
	smsFactor      = api.ChallengeNameTypeSmsMfa
	emailFactor    = api.ChallengeNameTypeEmailOtp
	softwareFactor = api.ChallengeNameTypeSoftwareTokenMfa
)

// mayUse reports whether the pool has a second factor.
func (p *pool) mayUse(factor string) bool {
	switch factor {
	case softwareFactor:
		return p.SoftwareTokens
	case emailFactor:
		return p.EmailFactor != nil
	}
	return p.SmsConfiguration != nil
}

// factorsOf are the second factors by which the user of v may be asked.
func (v *visit) factorsOf() []string {
	var all []string
	for _, f := range v.user.Factors {
		if v.pool.mayUse(f) {
			all = append(all, f)
		}
	}
	if len(all) == 0 && *v.pool.MfaConfiguration == api.UserPoolMfaTypeOn {
		switch {
		case v.pool.mayUse(smsFactor) && v.user.Attributes["phone_number"] != "":
			return []string{smsFactor}
		case v.pool.mayUse(emailFactor) && v.user.Attributes["email"] != "":
			return []string{emailFactor}
		}
	}
	return all
}

// askSecond asks for a second factor, if the pool and the user want one.
func (v *visit) askSecond(c *climb) (*answer, error) {
	if *v.pool.MfaConfiguration == api.UserPoolMfaTypeOff {
		return nil, nil
	}
	all := v.factorsOf()
	switch {
	case len(all) == 0 && *v.pool.MfaConfiguration == api.UserPoolMfaTypeOptional:
		return nil, nil
	case len(all) == 0:
		var can []string
		for _, f := range []string{softwareFactor, emailFactor, smsFactor} {
			if v.pool.mayUse(f) {
				can = append(can, f)
			}
		}
		return v.askOneOf(c, api.ChallengeNameTypeMfaSetup, "MFAS_CAN_SETUP", can)
	case slices.Contains(all, v.user.Preferred):
		return v.askFactor(c, v.user.Preferred)
	case len(all) == 1:
		return v.askFactor(c, all[0])
	}
	return v.askOneOf(c, api.ChallengeNameTypeSelectMfaType, "MFAS_CAN_CHOOSE", all)
}

func (v *visit) askOneOf(c *climb, step, param string, factors []string) (*answer, error) {
	list, err := json.Marshal(factors)
	if err != nil {
		return nil, err
	}
	return v.ask(c, step, map[string]string{param: string(list), "USER_ID_FOR_SRP": v.user.Name}, nil)
}

// askFactor asks for a factor: a code of an app, or one that is sent.
func (v *visit) askFactor(c *climb, factor string) (*answer, error) {
	if factor == softwareFactor {
		return v.ask(c, factor, map[string]string{"USER_ID_FOR_SRP": v.user.Name}, nil)
	}
	to := placeFor(v.user, "phone_number")
	if factor == emailFactor {
		to = placeFor(v.user, "email")
	}
	if to.to == "" {
		return nil, invalid("User does not have delivery config set to turn on %s", factor)
	}
	m, err := v.compose("Authentication")
	if err != nil {
		return nil, err
	}
	length := 6
	if factor != smsFactor {
		length = 8
	}
	secret := random(length, digits)
	if c.Code, err = v.seal(v.pool.arn, []byte(secret)); err != nil {
		return nil, err
	}
	return v.ask(c, factor, map[string]string{
		"CODE_DELIVERY_DELIVERY_MEDIUM": to.medium, "CODE_DELIVERY_DESTINATION": to.masked(), "USER_ID_FOR_SRP": v.user.Name, "USERNAME": v.user.Name,
	}, func(tx *store.Tx) error { return v.send(tx, to, m, secret) })
}

// verifyCode takes a code that was sent, be it the second factor or the first.
func (v *visit) verifyCode(c *climb, key ticketKey, r map[string]string) (*answer, error) {
	given := r[c.Step+"_CODE"]
	secret, err := v.open(v.pool.arn, c.Code)
	if err != nil {
		return nil, err
	}
	if v.user == nil || !same(secret, given) {
		return nil, api.CodeMismatchException.Errorf("Invalid code or auth state for the user.")
	}
	if err := v.done(key); err != nil {
		return nil, err
	}
	c.Code, c.Second = nil, true
	return v.proceed(c)
}

// verifySoftware takes a code of an app.
func (v *visit) verifySoftware(c *climb, key ticketKey, r map[string]string) (*answer, error) {
	if v.user == nil || v.user.Software == nil {
		return nil, api.SoftwareTokenMFANotFoundException.Errorf("Software token TOTP multi-factor authentication (MFA) is not enabled for the user.")
	}
	secret, err := v.open(v.pool.arn, v.user.Software)
	if err != nil {
		return nil, err
	}
	err = v.update(func(_ *store.Tx, u *user) error {
		step := stepOf(secret, r["SOFTWARE_TOKEN_MFA_CODE"], time.Now())
		switch {
		case step == 0:
			return api.CodeMismatchException.Errorf("Invalid code received for user")
		case step <= u.LastStep:
			return api.ExpiredCodeException.Errorf("Your software token has already been used once.")
		}
		u.LastStep = step
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := v.done(key); err != nil {
		return nil, err
	}
	c.Second = true
	return v.proceed(c)
}

// selectFactor asks for the factor that the user chose.
func (v *visit) selectFactor(c *climb, factor string) (*answer, error) {
	if v.user == nil || !slices.Contains(v.factorsOf(), factor) {
		return nil, invalid("Unrecognizable MFA type selected: %s", factor)
	}
	return v.askFactor(c, factor)
}

// finishSetup goes on when the user has set a factor up.
func (v *visit) finishSetup(c *climb) (*answer, error) {
	if v.user == nil || v.user.Software == nil {
		return nil, unauthorized("Invalid session for the user, MFA is not set up.")
	}
	c.Second = true
	return v.proceed(c)
}

const (
	stepLasts = 30 // seconds that a code of an app is good for
	stepSlack = 1  // codes before and after that are taken, for clocks that differ
)

// stepOf is the step of time that a code of an app is of; zero if it is of none
// that is near.
func stepOf(secret []byte, given string, at time.Time) int64 {
	step := at.Unix() / stepLasts
	for s := step - stepSlack; s <= step+stepSlack; s++ {
		if same([]byte(codeOf(secret, s)), given) {
			return s
		}
	}
	return 0
}

// codeOf is the code of an app at a step, as RFC 6238 has it.
func codeOf(secret []byte, step int64) string {
	h := hmac.New(sha1.New, secret)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

func same(secret []byte, given string) bool {
	return subtle.ConstantTimeCompare(secret, []byte(given)) == 1
}

// arrive begins the visit of a user who sets up an app: by an access token, or
// on the way in, by a session that waits for it.
func (s *Service) arrive(ctx context.Context, call *aws.Call, token, session *string) (*visit, *climb, error) {
	if token != nil {
		v, err := s.recognise(ctx, call, *token)
		return v, nil, err
	}
	v := &visit{Service: s, ctx: ctx, call: call}
	var c *climb
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		var err error
		v.pool, err = findPlace(tx, "pool", poolOf(aws.Value(session)))
		if errors.Is(err, store.ErrNotFound) {
			return errSession()
		}
		if err != nil {
			return err
		}
		key := ticketKey{v.pool.arn, challengeTicket, idOf(*session)}
		if c, _, err = getTicket[climb](tx, key); errors.Is(err, store.ErrNotFound) || err == nil && c.Step != api.ChallengeNameTypeMfaSetup {
			return errSession()
		}
		if err != nil {
			return err
		}
		if v.client, err = findClientOf(tx, v.pool, c.Client); err != nil {
			return err
		}
		v.name = c.User
		if err := v.find(tx); err != nil {
			return err
		}
		return errors.Join(dropTicket(tx, s, key), v.present(errSession()))
	})
	return v, c, err
}

// AssociateSoftwareToken gives a user a secret for an app.
func (s *Service) AssociateSoftwareToken(ctx context.Context, call *aws.Call, in *api.AssociateSoftwareTokenInput) (*api.AssociateSoftwareTokenOutput, error) {
	if in.AccessToken == nil && in.Session == nil {
		return nil, invalid("Either AccessToken or Session must be provided.")
	}
	v, c, err := s.arrive(ctx, call, in.AccessToken, in.Session)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 20)
	rand.Read(secret)
	sealed, err := s.seal(v.pool.arn, secret)
	if err != nil {
		return nil, err
	}
	err = v.update(func(_ *store.Tx, u *user) error {
		u.Unproven = sealed
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &api.AssociateSoftwareTokenOutput{SecretCode: new(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret))}
	out.Session, err = v.again(c)
	return out, err
}

// again waits on for a user to set up an app, if it is on its way in.
func (v *visit) again(c *climb) (session *string, err error) {
	if c == nil {
		return nil, nil
	}
	next, err := v.ask(c, c.Step, map[string]string{}, nil)
	if err != nil {
		return nil, err
	}
	return next.Session, nil
}

// VerifySoftwareToken has a user prove that its app has the secret.
func (s *Service) VerifySoftwareToken(ctx context.Context, call *aws.Call, in *api.VerifySoftwareTokenInput) (*api.VerifySoftwareTokenOutput, error) {
	if in.AccessToken == nil && in.Session == nil {
		return nil, invalid("Either AccessToken or Session must be provided.")
	}
	v, c, err := s.arrive(ctx, call, in.AccessToken, in.Session)
	if err != nil {
		return nil, err
	}
	err = v.update(func(_ *store.Tx, u *user) error {
		if u.Unproven == nil {
			return api.SoftwareTokenMFANotFoundException.Errorf("Software token TOTP multi-factor authentication (MFA) is not enabled for the user.")
		}
		secret, err := s.open(v.pool.arn, u.Unproven)
		if err != nil {
			return err
		}
		step := stepOf(secret, in.UserCode, time.Now())
		if step == 0 {
			return api.EnableSoftwareTokenMFAException.Errorf("Code mismatch")
		}
		u.Software, u.Unproven, u.LastStep = u.Unproven, nil, step
		if c != nil && !slices.Contains(u.Factors, softwareFactor) {
			u.Factors = append(u.Factors, softwareFactor)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &api.VerifySoftwareTokenOutput{Status: new(api.VerifySoftwareTokenResponseTypeSuccess)}
	out.Session, err = v.again(c)
	return out, err
}

// A wish is whether a user wants a factor, and above others.
type wish struct {
	factor          string
	wants, prefers  *bool
	lacks, lacksFor string // attribute without which it cannot be, and why
}

// prefer sets which factors the user of v wants.
func (v *visit) prefer(sms *api.SMSMfaSettingsType, software *api.SoftwareTokenMfaSettingsType, email *api.EmailMfaSettingsType) error {
	var wishes []wish
	if sms != nil {
		wishes = append(wishes, wish{smsFactor, sms.Enabled, sms.PreferredMfa, "phone_number", "User does not have delivery config set to turn on SMS_MFA"})
	}
	if email != nil {
		wishes = append(wishes, wish{emailFactor, email.Enabled, email.PreferredMfa, "email", "User does not have delivery config set to turn on EMAIL_OTP"})
	}
	if software != nil {
		wishes = append(wishes, wish{factor: softwareFactor, wants: software.Enabled, prefers: software.PreferredMfa})
	}
	return v.update(func(_ *store.Tx, u *user) error {
		for _, w := range wishes {
			wants := aws.Value(w.wants) || w.wants == nil && slices.Contains(u.Factors, w.factor)
			u.Factors = slices.DeleteFunc(u.Factors, func(f string) bool { return f == w.factor })
			if u.Preferred == w.factor && (!wants || w.prefers != nil && !*w.prefers) {
				u.Preferred = ""
			}
			switch {
			case !wants:
				continue
			case w.factor == softwareFactor && u.Software == nil:
				return invalid("User has not verified software token mfa")
			case w.lacks != "" && u.Attributes[w.lacks] == "":
				return invalid("%s", w.lacksFor)
			}
			if u.Factors = append(u.Factors, w.factor); aws.Value(w.prefers) {
				u.Preferred = w.factor
			}
		}
		u.Modified = now()
		return nil
	})
}

// SetUserMFAPreference sets which second factors a user wants.
func (s *Service) SetUserMFAPreference(ctx context.Context, call *aws.Call, in *api.SetUserMFAPreferenceInput) (*api.SetUserMFAPreferenceOutput, error) {
	if in.WebAuthnMfaSettings != nil {
		return nil, notYet("passkeys")
	}
	v, err := s.recognise(ctx, call, in.AccessToken)
	if err != nil {
		return nil, err
	}
	return &api.SetUserMFAPreferenceOutput{}, v.prefer(in.SMSMfaSettings, in.SoftwareTokenMfaSettings, in.EmailMfaSettings)
}

// AdminSetUserMFAPreference sets which second factors a user has.
func (s *Service) AdminSetUserMFAPreference(ctx context.Context, call *aws.Call, in *api.AdminSetUserMFAPreferenceInput) (*api.AdminSetUserMFAPreferenceOutput, error) {
	if in.WebAuthnMfaSettings != nil {
		return nil, notYet("passkeys")
	}
	v, err := s.attend(ctx, call, in.UserPoolId, in.Username, nil)
	if err != nil {
		return nil, err
	}
	return &api.AdminSetUserMFAPreferenceOutput{}, v.prefer(in.SMSMfaSettings, in.SoftwareTokenMfaSettings, in.EmailMfaSettings)
}

// SetUserPoolMfaConfig sets which second factors a pool has.
func (s *Service) SetUserPoolMfaConfig(ctx context.Context, call *aws.Call, in *api.SetUserPoolMfaConfigInput) (*api.SetUserPoolMfaConfigOutput, error) {
	out := &api.SetUserPoolMfaConfigOutput{}
	err := s.updatePool(ctx, call, in.UserPoolId, func(p *userPool) error {
		if c := in.SmsMfaConfiguration; c != nil {
			if c.SmsAuthenticationMessage != nil {
				p.SmsAuthenticationMessage = c.SmsAuthenticationMessage
			}
			if c.SmsConfiguration != nil {
				p.SmsConfiguration = c.SmsConfiguration
			}
		}
		if c := in.SoftwareTokenMfaConfiguration; c != nil {
			p.SoftwareTokens = aws.Value(c.Enabled)
		}
		if in.EmailMfaConfiguration != nil {
			p.EmailFactor = in.EmailMfaConfiguration
		}
		if in.WebAuthnConfiguration != nil {
			p.WebAuthn = in.WebAuthnConfiguration
		}
		mode := aws.Or(in.MfaConfiguration, *p.MfaConfiguration)
		if mode != api.UserPoolMfaTypeOff && !p.mayUse(smsFactor) && !p.mayUse(softwareFactor) && !p.mayUse(emailFactor) {
			return invalid("Invalid MFA configuration given, can't turn on MFA and turn off all types of MFA.")
		}
		p.MfaConfiguration = &mode
		*out = api.SetUserPoolMfaConfigOutput(*p.factors())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// factors are the second factors of a pool, as AWS says them.
func (p *pool) factors() *api.GetUserPoolMfaConfigOutput {
	out := &api.GetUserPoolMfaConfigOutput{MfaConfiguration: p.MfaConfiguration, EmailMfaConfiguration: p.EmailFactor, WebAuthnConfiguration: p.WebAuthn}
	if p.SmsConfiguration != nil || p.SmsAuthenticationMessage != nil {
		out.SmsMfaConfiguration = &api.SmsMfaConfigType{SmsConfiguration: p.SmsConfiguration, SmsAuthenticationMessage: p.SmsAuthenticationMessage}
	}
	if p.SoftwareTokens {
		out.SoftwareTokenMfaConfiguration = &api.SoftwareTokenMfaConfigType{Enabled: new(true)}
	}
	return out
}

// GetUserPoolMfaConfig returns which second factors a pool has.
func (s *Service) GetUserPoolMfaConfig(ctx context.Context, call *aws.Call, in *api.GetUserPoolMfaConfigInput) (*api.GetUserPoolMfaConfigOutput, error) {
	out := &api.GetUserPoolMfaConfigOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		*out = *p.factors()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
