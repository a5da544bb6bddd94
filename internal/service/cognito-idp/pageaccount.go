package cognitoidp

import (
	"net/http"
	"net/url"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/store"
)

func (x *exchange) signUpForm() *form {
	f := &form{Title: "Sign up", Submit: "Sign up", Fields: []field{x.named()}, Links: []link{{"Already have an account? Sign in", x.at("/login")}}}
	for _, a := range x.pool.SchemaAttributes {
		name := *a.Name
		wanted := *a.Required && name != "sub"
		for _, verified := range x.pool.AutoVerifiedAttributes {
			wanted = wanted || name == verified
		}
		for _, own := range x.pool.UsernameAttributes {
			wanted = wanted && !(name == own && len(x.pool.UsernameAttributes) == 1)
		}
		if wanted {
			kind := map[string]string{"email": "email", "phone_number": "tel"}[name]
			if kind == "" {
				kind = "text"
			}
			f.Fields = append(f.Fields, field{"attribute." + name, name, kind, x.r.PostForm.Get("attribute." + name), "on"})
		}
	}
	f.Fields = append(f.Fields, field{"password", "Password", "password", "", "new-password"})
	return f
}

func (x *exchange) showSignUp(*oauthWish) { x.show(http.StatusOK, x.signUpForm()) }

// takeSignUp makes a user, by the operation that applications use.
func (x *exchange) takeSignUp(o *oauthWish) {
	v, err := x.visit(o)
	if err != nil {
		x.again(x.signUpForm(), err)
		return
	}
	in := &api.SignUpInput{ClientId: *o.client.ClientId, Username: v.name, Password: new(x.r.PostForm.Get("password"))}
	for _, f := range x.signUpForm().Fields {
		if name := f.Name; len(name) > len("attribute.") && name[:len("attribute.")] == "attribute." && f.Value != "" {
			in.UserAttributes = append(in.UserAttributes, api.AttributeType{Name: name[len("attribute."):], Value: &f.Value})
		}
	}
	out, err := v.signUp(in)
	switch {
	case err != nil:
		x.again(x.signUpForm(), err)
	case out.UserConfirmed:
		x.arrive(v, o)
	default:
		http.Redirect(x.w, x.r, x.at("/confirm")+"&username="+url.QueryEscape(in.Username), http.StatusSeeOther)
	}
}

func (x *exchange) confirmForm() *form {
	return &form{
		Title: "Confirm your account", Text: "We sent you a code. Enter it to confirm your account.", Submit: "Confirm",
		Fields: []field{x.named(), {"code", "Code", "text", "", "one-time-code"}}, Links: []link{{"Sign in", x.at("/login")}},
	}
}

func (x *exchange) showConfirm(*oauthWish) { x.show(http.StatusOK, x.confirmForm()) }

func (x *exchange) takeConfirm(o *oauthWish) {
	v, err := x.visit(o)
	if err == nil {
		err = v.present(errMismatch())
	}
	if err == nil {
		err = v.confirmByCode(x.r.PostForm.Get("code"), false)
	}
	if err != nil {
		x.again(x.confirmForm(), err)
		return
	}
	http.Redirect(x.w, x.r, x.at("/login"), http.StatusSeeOther)
}

// confirmUser confirms a user who followed a link.
func (x *exchange) confirmUser() {
	q := x.r.URL.Query()
	v := &visit{Service: x.Service, ctx: x.r.Context(), call: x.call, pool: x.pool, name: q.Get("user_name")}
	err := x.db.View(v.ctx, func(tx *store.Tx) (err error) {
		if v.client, err = findClientOf(tx, x.pool, q.Get("client_id")); err != nil {
			return err
		}
		return v.find(tx)
	})
	if err == nil {
		err = v.present(errMismatch())
	}
	if err == nil {
		err = v.confirmByCode(q.Get("confirmation_code"), false)
	}
	if err != nil {
		x.fail(err)
		return
	}
	x.show(http.StatusOK, &form{Title: "Your registration has been confirmed!", Text: "You can close this page, and sign in."})
}

func (x *exchange) forgotForm() *form {
	return &form{
		Title: "Forgot your password?", Text: "Enter your username, and we will send you a code to choose a new password by.", Submit: "Send a code",
		Fields: []field{x.named()}, Links: []link{{"Sign in", x.at("/login")}},
	}
}

func (x *exchange) showForgot(*oauthWish) { x.show(http.StatusOK, x.forgotForm()) }

func (x *exchange) takeForgot(o *oauthWish) {
	v, err := x.visit(o)
	if err == nil && v.user != nil { // who is not there is not told
		_, err = v.sendRecovery()
	}
	if err != nil {
		x.again(x.forgotForm(), err)
		return
	}
	http.Redirect(x.w, x.r, x.at("/confirmForgotPassword")+"&username="+url.QueryEscape(v.name), http.StatusSeeOther)
}

func (x *exchange) resetForm() *form {
	return &form{
		Title: "Choose a new password", Text: "We sent you a code.", Submit: "Change password",
		Fields: []field{x.named(), {"code", "Code", "text", "", "one-time-code"}, {"password", "New password", "password", "", "new-password"}},
	}
}

func (x *exchange) showReset(*oauthWish) { x.show(http.StatusOK, x.resetForm()) }

func (x *exchange) takeReset(o *oauthWish) {
	v, err := x.visit(o)
	if err == nil {
		err = v.present(errMismatch())
	}
	if err == nil {
		err = v.reset(x.r.PostForm.Get("code"), x.r.PostForm.Get("password"))
	}
	if err != nil {
		x.again(x.resetForm(), err)
		return
	}
	http.Redirect(x.w, x.r, x.at("/login"), http.StatusSeeOther)
}
