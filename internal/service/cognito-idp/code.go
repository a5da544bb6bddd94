package cognitoidp

import (
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

// What codes are for, besides attributes, which they verify.
const (
	forSignUp   = "signup"
	forPassword = "password"
)

const (
	signUpLasts   = 24 * time.Hour // a code does
	passwordLasts = time.Hour
	maxCodes      = 20 // of a user, for one purpose, in an hour
	maxWrong      = 10 // likewise, that are not right
)

// A code is one that was sent to a user.
type code struct {
	Sealed  []byte
	To      string // address or number
	Expires time.Time

	Since       time.Time // what follows is counted, for an hour
	Sent, Wrong int
}

// A place is where a code can be sent to.
type place struct{ attribute, medium, to string }

// placeFor is where mail or text messages of a user go that an attribute is for.
func placeFor(u *user, attribute string) place {
	medium := api.DeliveryMediumTypeEmail
	if attribute == "phone_number" {
		medium = api.DeliveryMediumTypeSms
	}
	return place{attribute, medium, u.Attributes[attribute]}
}

// details are where a code went, for people who know it to see.
func (p place) details() *api.CodeDeliveryDetailsType {
	return &api.CodeDeliveryDetailsType{AttributeName: &p.attribute, DeliveryMedium: &p.medium, Destination: new(p.masked())}
}

// masked is p's address without most letters.
func (p place) masked() string {
	if p.medium == api.DeliveryMediumTypeSms {
		return "+" + strings.Repeat("*", max(len(p.to)-5, 0)) + p.to[max(len(p.to)-4, 0):]
	}
	name, host, _ := strings.Cut(p.to, "@")
	first := func(s string) string {
		for _, r := range s {
			return string(r) + "***"
		}
		return "***"
	}
	return first(name) + "@" + first(host)
}

// A message is what is written to a user, with places for what is not known
// before.
type message struct{ text, mail, subject string }

const (
	codeHole     = "{####}"
	usernameHole = "{username}"
)

// compose returns the message of an occasion: that of the pool, or what its
// function makes of it.
func (v *visit) compose(occasion string) (*message, error) {
	m := &message{"Your verification code is {####}. ", "Your verification code is {####}. ", "Your verification code"}
	set := func(dst *string, from *string) { *dst = aws.Or(from, *dst) }
	request := facts{"codeParameter": codeHole, "usernameParameter": nil, "linkParameter": "{##Click Here##}"}
	switch occasion {
	case "AdminCreateUser":
		invite := "Your username is {username} and temporary password is {####}. "
		m = &message{invite, invite, "Your temporary password"}
		if t := v.pool.AdminCreateUserConfig.InviteMessageTemplate; t != nil {
			set(&m.text, t.SMSMessage)
			set(&m.mail, t.EmailMessage)
			set(&m.subject, t.EmailSubject)
		}
		request["usernameParameter"] = usernameHole
	case "Authentication":
		m = &message{"Your authentication code is {####}. ", "Your authentication code is {####}. ", "Your authentication code"}
		set(&m.text, v.pool.SmsAuthenticationMessage)
		if f := v.pool.EmailFactor; f != nil {
			set(&m.mail, f.Message)
			set(&m.subject, f.Subject)
		}
	default:
		t := v.pool.VerificationMessageTemplate
		set(&m.text, t.SmsMessage)
		set(&m.mail, t.EmailMessage)
		set(&m.subject, t.EmailSubject)
		if *t.DefaultEmailOption == api.DefaultEmailOptionTypeConfirmWithLink && occasion != "ForgotPassword" {
			m.mail, m.subject = "Please click the link below to verify your email address. {##Verify Email##} ", "Your verification link"
			set(&m.mail, t.EmailMessageByLink)
			set(&m.subject, t.EmailSubjectByLink)
		}
	}
	var said struct {
		SMS     *string `json:"smsMessage"`
		Mail    *string `json:"emailMessage"`
		Subject *string `json:"emailSubject"`
	}
	if err := v.trigger(v.pool.LambdaConfig.CustomMessage, "CustomMessage_"+occasion, request, &said); err != nil {
		return nil, err
	}
	set(&m.text, said.SMS)
	set(&m.mail, said.Mail)
	set(&m.subject, said.Subject)
	return m, nil
}

// send has a message written to a user, with a code in it, if and only if tx is
// kept.
func (v *visit) send(tx *store.Tx, to place, m *message, secret string) error {
	body, protocol := m.mail, event.Email
	if to.medium == api.DeliveryMediumTypeSms {
		body, protocol = m.text, event.SMS
	}
	fill := strings.NewReplacer(codeHole, secret, usernameHole, v.username())
	body = fill.Replace(body)
	if before, rest, ok := strings.Cut(body, "{##"); ok && v.client != nil {
		if label, after, ok := strings.Cut(rest, "##}"); ok {
			body = before + `<a href="` + v.confirmLink(secret) + `">` + label + "</a>" + after
		}
	}
	target := aws.ARN{Service: "sns", Region: v.pool.arn.Region, Account: v.pool.arn.Account, Resource: protocol}
	return v.router.Send(tx, event.Delivery{
		Source: v.pool.arn, Target: target, Line: to.to, Body: []byte(body),
		Params: map[string]string{event.Protocol: protocol, event.To: to.to, event.MessageID: aws.NewRequestID(), event.Subject: fill.Replace(m.subject)},
		Retry:  event.Retry{MaxAge: 6 * time.Hour},
	})
}

// sendCode sends a user a new code in place of the one there was.
func (v *visit) sendCode(tx *store.Tx, u *user, purpose string, to place, m *message) error {
	c := u.Codes[purpose].counted()
	if c.Sent++; c.Sent > maxCodes {
		return errAttempts()
	}
	secret := random(6, digits)
	sealed, err := v.seal(v.pool.arn, []byte(secret))
	if err != nil {
		return err
	}
	c.Sealed, c.To, c.Expires = sealed, to.to, now().Add(signUpLasts)
	if purpose == forPassword {
		c.Expires = now().Add(passwordLasts)
	}
	if u.Codes == nil {
		u.Codes = make(map[string]code)
	}
	u.Codes[purpose] = c
	return v.send(tx, to, m, secret)
}

// counted is c, counted anew after an hour.
func (c code) counted() code {
	if time.Since(c.Since) > time.Hour {
		c.Since, c.Sent, c.Wrong = now(), 0, 0
	}
	return c
}

// takeCode takes a code that a user got, and returns where it was sent. It is
// good once.
func (v *visit) takeCode(u *user, purpose, given string) (to string, err error) {
	c, sent := u.Codes[purpose]
	if !sent || c.Sealed == nil || !time.Now().Before(c.Expires) {
		return "", errExpiredCode()
	}
	c = c.counted()
	if c.Wrong >= maxWrong {
		return "", errAttempts()
	}
	secret, err := v.open(v.pool.arn, c.Sealed)
	if err != nil {
		return "", err
	}
	if !same(secret, given) {
		c.Wrong++
		u.Codes[purpose] = c
		return "", kept{errMismatch()}
	}
	delete(u.Codes, purpose)
	return c.To, nil
}
