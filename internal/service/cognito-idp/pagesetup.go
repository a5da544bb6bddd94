package cognitoidp

import (
	"net/http"
	"regexp"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// fours are what a key is read in.
var fours = regexp.MustCompile(`.{4}`)

// setUp has a user set up an authenticator app, without which nobody signs in.
func (x *exchange) setUp(session string, params map[string]string) {
	if !strings.Contains(params["MFAS_CAN_SETUP"], softwareFactor) {
		x.show(http.StatusOK, &form{Title: "Sign in", Error: "A second factor has to be set up by the API, before you can sign in here."})
		return
	}
	out, err := x.AssociateSoftwareToken(x.r.Context(), x.call, &api.AssociateSoftwareTokenInput{Session: &session})
	if err != nil {
		x.again(x.loginForm(), err)
		return
	}
	x.show(http.StatusOK, setupForm(aws.Value(out.Session), *out.SecretCode))
}

func setupForm(session, key string) *form {
	return &form{
		Title: "Set up your authenticator app", Text: "Add this key to the app, and enter the code that it shows: " + fours.ReplaceAllString(key, "$0 "), Submit: "Sign in",
		Hidden: map[string]string{"session": session, "challenge": api.ChallengeNameTypeMfaSetup, "key": key},
		Fields: []field{{"code", "Code", "text", "", "one-time-code"}},
	}
}

// isSetUp takes the code of an app that is being set up, and has r go on if it is
// right.
func (x *exchange) isSetUp(r *reply) bool {
	in := &api.VerifySoftwareTokenInput{Session: &r.session, UserCode: x.r.PostForm.Get("code")}
	out, err := x.VerifySoftwareToken(x.r.Context(), x.call, in)
	if err != nil {
		x.again(setupForm(r.session, x.r.PostForm.Get("key")), err)
		return false
	}
	r.session = aws.Value(out.Session)
	return true
}
