package cognitoidp

import (
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// A form is a page of a pool's domain.
type form struct {
	Title, Text, Error, Submit, Action, CSRF string
	Hidden                                   map[string]string
	Fields                                   []field
	Links                                    []link
}

type field struct{ Name, Label, Type, Value, Complete string }

type link struct{ Label, At string }

// show answers with a page, which no other page may frame, and which runs no
// scripts.
func (x *exchange) show(status int, f *form) {
	f.CSRF = x.csrf()
	f.Action = x.r.URL.RequestURI()
	h := x.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	x.w.WriteHeader(status)
	pageTemplate.Execute(x.w, f) // an error is the client's absence
}

// refuse says what is wrong to who came, whom there is nowhere to send.
func (x *exchange) refuse(reason string) {
	x.show(http.StatusBadRequest, &form{Title: "An error was encountered", Error: reason})
}

// fail says that something went wrong.
func (x *exchange) fail(err error) {
	if said, ok := errors.AsType[*aws.Error](err); ok && said.Status < http.StatusInternalServerError {
		x.refuse(said.Message)
		return
	}
	x.cfg.Log.Error("page of a user pool", "pool", x.pool.id(), "err", err)
	x.show(http.StatusInternalServerError, &form{Title: "An error was encountered", Error: "Something went wrong."})
}

const csrfCookie = "XSRF-TOKEN"

// csrf is what a form must bring back, which pages of other sites do not know.
func (x *exchange) csrf() string {
	if c, err := x.r.Cookie(csrfCookie); err == nil && len(c.Value) >= 32 {
		return c.Value
	}
	secret := random(43, upper+lower+digits)
	http.SetCookie(x.w, x.newCookie(csrfCookie, secret, browserLasts))
	return secret
}

// forged reports whether a form is not one of ours.
func (x *exchange) forged() bool {
	c, err := x.r.Cookie(csrfCookie)
	return err != nil || len(c.Value) < 32 || !same([]byte(c.Value), x.r.PostForm.Get("_csrf"))
}

// page answers requests for pages, which are for who comes from a client.
func (x *exchange) page() {
	steps := map[string]struct{ show, take func(o *oauthWish) }{
		"/login":                 {x.showLogin, x.takeLogin},
		"/signup":                {x.showSignUp, x.takeSignUp},
		"/confirm":               {x.showConfirm, x.takeConfirm},
		"/forgotPassword":        {x.showForgot, x.takeForgot},
		"/confirmForgotPassword": {x.showReset, x.takeReset},
	}
	step, ok := steps[x.r.URL.Path]
	switch {
	case x.r.URL.Path == "/confirmUser" && x.r.Method == http.MethodGet:
		x.confirmUser()
		return
	case !ok || x.r.Method != http.MethodGet && x.r.Method != http.MethodPost:
		x.show(http.StatusNotFound, &form{Title: "Page not found"})
		return
	}
	o, problem, err := x.wish()
	switch {
	case err != nil:
		x.refuse(err.Error())
	case problem != "":
		x.refuse("The request is not valid: " + problem)
	case x.r.Method == http.MethodGet:
		step.show(o)
	case x.forged():
		x.show(http.StatusForbidden, &form{Title: "An error was encountered", Error: "The form has expired. Please go back and try again."})
	default:
		step.take(o)
	}
}

// at is a page for the same client.
func (x *exchange) at(path string) string { return path + "?" + x.r.URL.RawQuery }

// visit begins the visit of the user whom the form names.
func (x *exchange) visit(o *oauthWish) (*visit, error) {
	v := &visit{Service: x.Service, ctx: x.r.Context(), call: x.call, pool: x.pool, client: o.client, name: strings.TrimSpace(x.r.PostForm.Get("username"))}
	if v.name == "" {
		return nil, invalid("Please enter your username.")
	}
	return v, x.db.View(v.ctx, v.find) // the page stands for the client, and need not know its secret
}

// again shows a form with why what came was refused.
func (x *exchange) again(f *form, err error) {
	said, ok := errors.AsType[*aws.Error](err)
	if !ok || said.Status >= http.StatusInternalServerError {
		x.fail(err)
		return
	}
	f.Error = said.Message
	x.show(http.StatusOK, f)
}

// named is how the field of a username is called, by what the pool takes for one.
func (x *exchange) named() field {
	f := field{"username", "Username", "text", x.r.Form.Get("username"), "username"}
	if names := x.pool.UsernameAttributes; len(names) == 1 {
		f.Label = map[string]string{"email": "Email", "phone_number": "Phone number"}[names[0]]
	} else if len(names) > 1 {
		f.Label = "Email or phone number"
	}
	return f
}

func (x *exchange) loginForm() *form {
	f := &form{Title: "Sign in", Submit: "Sign in", Fields: []field{x.named(), {"password", "Password", "password", "", "current-password"}}}
	f.Links = []link{{"Forgot your password?", x.at("/forgotPassword")}}
	if !*x.pool.AdminCreateUserConfig.AllowAdminCreateUserOnly {
		f.Links = append(f.Links, link{"Sign up", x.at("/signup")})
	}
	return f
}

func (x *exchange) showLogin(*oauthWish) { x.show(http.StatusOK, x.loginForm()) }

// takeLogin takes a password, or the answer to what was asked after it.
func (x *exchange) takeLogin(o *oauthWish) {
	if session := x.r.PostForm.Get("session"); session != "" {
		x.takeAnswer(o, session)
		return
	}
	v, err := x.visit(o)
	if err != nil {
		x.again(x.loginForm(), err)
		return
	}
	c := &climb{Flow: api.AuthFlowTypeUserPasswordAuth, User: v.key.Name, Name: v.name, Client: *v.client.ClientId}
	out, err := v.byPassword(c, x.r.PostForm.Get("password"))
	switch {
	case errors.Is(err, api.UserNotFoundException):
		err = errPassword()
	case errors.Is(err, api.UserNotConfirmedException):
		http.Redirect(x.w, x.r, x.at("/confirm")+"&username="+url.QueryEscape(v.name), http.StatusSeeOther)
		return
	}
	x.climbed(v, o, out, x.loginForm(), err)
}

// takeAnswer takes the answer to a challenge.
func (x *exchange) takeAnswer(o *oauthWish, session string) {
	r := &reply{step: x.r.PostForm.Get("challenge"), clientID: *o.client.ClientId, session: session, responses: make(map[string]string)}
	for name, values := range x.r.PostForm {
		r.responses[name] = values[0]
	}
	if r.step == api.ChallengeNameTypeMfaSetup && !x.isSetUp(r) {
		return
	}
	v, c, key, err := x.resume(x.r.Context(), x.call, r)
	if err != nil || v.pool.arn != x.pool.arn {
		x.again(x.loginForm(), errors.Join(err, errSession()))
		return
	}
	out, err := v.step(c, key, r)
	x.climbed(v, o, out, x.challengeForm(r.step, session, nil), err)
}

// climbed goes on after a step: to the client, or to the next.
func (x *exchange) climbed(v *visit, o *oauthWish, out *answer, f *form, err error) {
	switch {
	case err != nil:
		x.again(f, err)
	case out == nil:
		x.arrive(v, o)
	case *out.ChallengeName == api.ChallengeNameTypeMfaSetup:
		x.setUp(aws.Value(out.Session), out.ChallengeParameters)
	default:
		x.show(http.StatusOK, x.challengeForm(*out.ChallengeName, aws.Value(out.Session), out.ChallengeParameters))
	}
}

// challengeForm asks what a challenge is about.
func (x *exchange) challengeForm(step, session string, params map[string]string) *form {
	f := &form{Submit: "Continue", Hidden: map[string]string{"session": session, "challenge": step}}
	switch step {
	case api.ChallengeNameTypeNewPasswordRequired:
		f.Title, f.Text = "Change password", "Please choose a new password."
		f.Fields = []field{{"NEW_PASSWORD", "New password", "password", "", "new-password"}}
		for _, a := range x.pool.SchemaAttributes {
			if name := *a.Name; *a.Required && name != "sub" && !strings.HasSuffix(name, "_verified") && strings.Contains(params["requiredAttributes"], `"userAttributes.`+name+`"`) {
				f.Fields = append(f.Fields, field{"userAttributes." + name, name, "text", "", "on"})
			}
		}
	case api.ChallengeNameTypeSelectMfaType:
		f.Title, f.Text = "Sign in", "Choose a second factor: SMS_MFA, EMAIL_OTP or SOFTWARE_TOKEN_MFA."
		f.Fields = []field{{"ANSWER", "Factor", "text", softwareFactor, "off"}}
	default:
		f.Title, f.Text = "Enter your code", "Enter the code of your authenticator app."
		if to := params["CODE_DELIVERY_DESTINATION"]; to != "" {
			f.Text = "We sent a code to " + to + "."
		}
		f.Fields = []field{{step + "_CODE", "Code", "text", "", "one-time-code"}}
	}
	return f
}
