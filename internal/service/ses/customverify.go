package ses

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/api/sesv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxVerification is how many templates of letters that verify an account has.
const maxVerification = 50

// A verification is a template of letters that verify addresses.
type verification struct {
	From, Subject, Content string
	OnSuccess, OnFailure   string            // where people are led then
	Tags                   map[string]string `json:",omitempty"`
}

func findVerification(tx *store.Tx, arn aws.ARN) (verification, error) {
	row, err := verifications.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		name := nameOf(arn, verificationKind)
		return row, api.CustomVerificationEmailTemplateDoesNotExistException.With(
			&api.CustomVerificationEmailTemplateDoesNotExistExceptionDetail{CustomVerificationEmailTemplateName: &name}, "Custom verification email template <"+name+"> does not exist.")
	}
	return row, err
}

// check refuses a template that letters cannot be made of.
func (v *verification) check(tx *store.Tx, call *aws.Call) error {
	arn, _, err := verifiedSender(tx, call, addressOf(v.From))
	if err != nil {
		return err
	}
	if arn == (aws.ARN{}) {
		return api.FromEmailAddressNotVerifiedException.With(&api.FromEmailAddressNotVerifiedExceptionDetail{FromEmailAddress: &v.From}, "The from address <"+v.From+"> is not verified.")
	}
	for _, text := range []string{v.OnSuccess, v.OnFailure} {
		if u, err := url.Parse(text); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return invalid("Invalid redirection URL: %s", text)
		}
	}
	if v.Content == "" || len(v.Content) > 10<<20 {
		return api.CustomVerificationEmailInvalidContentException.Errorf("The content of the template is not valid.")
	}
	return nil
}

// addVerification keeps a template that is new.
func (s *Service) addVerification(ctx context.Context, call *aws.Call, name string, row verification) error {
	if name == "" || len(name) > 64 || !nameLetters.MatchString(name) {
		return invalid("Invalid template name: %s", name)
	}
	arn := named(call, verificationKind, name)
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		there, err := verifications.Has(tx, arn)
		switch {
		case err != nil:
			return err
		case there:
			return api.CustomVerificationEmailTemplateAlreadyExistsException.With(
				&api.CustomVerificationEmailTemplateAlreadyExistsExceptionDetail{CustomVerificationEmailTemplateName: &name}, "Custom verification email template <"+name+"> already exists.")
		case len(namesOf(tx, verifications, call, verificationKind)) >= maxVerification:
			return api.LimitExceededException.Errorf("Custom verification email template limit of %d is reached.", maxVerification)
		}
		if err := row.check(tx, call); err != nil {
			return err
		}
		return verifications.Put(tx, arn, row)
	})
}

// changeVerification changes a template that is there.
func (s *Service) changeVerification(ctx context.Context, call *aws.Call, name string, change func(*verification)) error {
	arn := named(call, verificationKind, name)
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findVerification(tx, arn)
		if err != nil {
			return err
		}
		change(&row)
		if err := row.check(tx, call); err != nil {
			return err
		}
		return verifications.Put(tx, arn, row)
	})
}

func (s *Service) lookVerification(ctx context.Context, call *aws.Call, name string) (row verification, err error) {
	err = s.view(ctx, func(tx *store.Tx) error {
		row, err = findVerification(tx, named(call, verificationKind, name))
		return err
	})
	return row, err
}

// listVerifications shows a page of templates.
func (s *Service) listVerifications(ctx context.Context, call *aws.Call, token *string, limit int, show func(name string, row *verification)) (next *string, err error) {
	err = s.view(ctx, func(tx *store.Tx) error {
		var some []string
		some, next = page(namesOf(tx, verifications, call, verificationKind), token, limit)
		for _, name := range some {
			row, err := findVerification(tx, named(call, verificationKind, name))
			if err != nil {
				return err
			}
			show(name, &row)
		}
		return nil
	})
	return next, err
}

// removeVerification deletes a template. That there is none is no failure.
func (s *Service) removeVerification(ctx context.Context, call *aws.Call, name string) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error { return verifications.Delete(tx, named(call, verificationKind, name)) })
}

// sendVerification makes an address an identity, which the link in a letter made of
// a template verifies, unless it is verified at once.
func (s *Service) sendVerification(ctx context.Context, call *aws.Call, address, name string) (id string, err error) {
	id = newLetterID(time.Now())
	if _, err := s.lookVerification(ctx, call, name); err != nil {
		return "", err
	}
	if !isAddress(address) {
		return "", invalid("Invalid email address<%s>.", address)
	}
	by := func(row *identity) { row.Letter = name }
	err = s.changeIdentity(ctx, identityARN(call, address), func(row *identity) error {
		by(row)
		return nil
	})
	if err != nil && !errors.Is(err, errIdentity) {
		return "", err
	}
	_, _, _, err = s.verify(ctx, call, address, by)
	return id, err
}

// letterOf is the delivery of the letter that a template makes for an address.
func (s *Service) letterOf(tx *store.Tx, arn aws.ARN, row *identity, link string) (d event.Delivery, made bool, err error) {
	if row.Letter == "" {
		return d, false, nil
	}
	template := arn
	template.Resource = verificationKind + row.Letter
	v, err := verifications.Get(tx, template)
	if errors.Is(err, store.ErrNotFound) {
		return d, false, nil // it was deleted: the usual letter is sent
	}
	if err != nil {
		return d, false, err
	}
	to := nameOf(arn, identityKind)
	l := &letter{source: v.From, to: []string{to}, says: rendered{subject: v.Subject, html: v.Content + fmt.Sprintf(`<p><a href="%s">%s</a></p>`, htmlEscape(link), htmlEscape(link))}}
	id := newLetterID(time.Now())
	return event.Delivery{
		Source: arn, Line: to, Body: l.write(id+"@"+arn.Region+".amazonses.com", time.Now()),
		Target: aws.ARN{Service: "sns", Region: arn.Region, Account: arn.Account, Resource: event.Email},
		Params: map[string]string{event.Protocol: event.Email, event.To: to, event.MessageID: id, event.Subject: v.Subject, event.Whole: addressOf(v.From)},
		Retry:  event.Retry{MaxAge: letterLasts},
	}, true, nil
}

// ledTo is where people are led who opened the link of a letter that was made of
// a template, or "".
func (s *Service) ledTo(ctx context.Context, arn aws.ARN, done bool) (to string, err error) {
	err = s.view(ctx, func(tx *store.Tx) error {
		to = ""
		row, err := identities.Get(tx, arn)
		if err != nil || row.Letter == "" {
			return notThere(err)
		}
		template := arn
		template.Resource = verificationKind + row.Letter
		v, err := verifications.Get(tx, template)
		if to = v.OnFailure; done {
			to = v.OnSuccess
		}
		return notThere(err)
	})
	return to, err
}

// notThere is err, unless it says that something is not there.
func notThere(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func htmlEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// CreateCustomVerificationEmailTemplate makes a template of letters that verify.
func (s *Service) CreateCustomVerificationEmailTemplate(ctx context.Context, call *aws.Call, in *api.CreateCustomVerificationEmailTemplateInput) (*api.CreateCustomVerificationEmailTemplateOutput, error) {
	return &api.CreateCustomVerificationEmailTemplateOutput{}, s.addVerification(ctx, call, in.TemplateName, verification{
		From: in.FromEmailAddress, Subject: in.TemplateSubject, Content: in.TemplateContent, OnSuccess: in.SuccessRedirectionURL, OnFailure: in.FailureRedirectionURL,
	})
}

// UpdateCustomVerificationEmailTemplate changes a template in what is said.
func (s *Service) UpdateCustomVerificationEmailTemplate(ctx context.Context, call *aws.Call, in *api.UpdateCustomVerificationEmailTemplateInput) (*api.UpdateCustomVerificationEmailTemplateOutput, error) {
	return &api.UpdateCustomVerificationEmailTemplateOutput{}, s.changeVerification(ctx, call, in.TemplateName, func(v *verification) {
		v.From, v.Subject, v.Content = aws.Or(in.FromEmailAddress, v.From), aws.Or(in.TemplateSubject, v.Subject), aws.Or(in.TemplateContent, v.Content)
		v.OnSuccess, v.OnFailure = aws.Or(in.SuccessRedirectionURL, v.OnSuccess), aws.Or(in.FailureRedirectionURL, v.OnFailure)
	})
}

// GetCustomVerificationEmailTemplate returns a template.
func (s *Service) GetCustomVerificationEmailTemplate(ctx context.Context, call *aws.Call, in *api.GetCustomVerificationEmailTemplateInput) (*api.GetCustomVerificationEmailTemplateOutput, error) {
	v, err := s.lookVerification(ctx, call, in.TemplateName)
	if err != nil {
		return nil, err
	}
	return &api.GetCustomVerificationEmailTemplateOutput{
		TemplateName: &in.TemplateName, FromEmailAddress: &v.From, TemplateSubject: &v.Subject, TemplateContent: &v.Content, SuccessRedirectionURL: &v.OnSuccess, FailureRedirectionURL: &v.OnFailure,
	}, nil
}

// ListCustomVerificationEmailTemplates lists templates.
func (s *Service) ListCustomVerificationEmailTemplates(ctx context.Context, call *aws.Call, in *api.ListCustomVerificationEmailTemplatesInput) (*api.ListCustomVerificationEmailTemplatesOutput, error) {
	out := &api.ListCustomVerificationEmailTemplatesOutput{CustomVerificationEmailTemplates: []api.CustomVerificationEmailTemplate{}}
	var err error
	out.NextToken, err = s.listVerifications(ctx, call, in.NextToken, int(aws.Or(in.MaxResults, 50)), func(name string, v *verification) {
		out.CustomVerificationEmailTemplates = append(out.CustomVerificationEmailTemplates, api.CustomVerificationEmailTemplate{
			TemplateName: &name, FromEmailAddress: &v.From, TemplateSubject: &v.Subject, SuccessRedirectionURL: &v.OnSuccess, FailureRedirectionURL: &v.OnFailure,
		})
	})
	return out, err
}

// DeleteCustomVerificationEmailTemplate deletes a template.
func (s *Service) DeleteCustomVerificationEmailTemplate(ctx context.Context, call *aws.Call, in *api.DeleteCustomVerificationEmailTemplateInput) (*api.DeleteCustomVerificationEmailTemplateOutput, error) {
	return &api.DeleteCustomVerificationEmailTemplateOutput{}, s.removeVerification(ctx, call, in.TemplateName)
}

// SendCustomVerificationEmail sends an address a letter that verifies it.
func (s *Service) SendCustomVerificationEmail(ctx context.Context, call *aws.Call, in *api.SendCustomVerificationEmailInput) (*api.SendCustomVerificationEmailOutput, error) {
	id, err := s.sendVerification(ctx, call, in.EmailAddress, in.TemplateName)
	if err != nil {
		return nil, err
	}
	return &api.SendCustomVerificationEmailOutput{MessageId: &id}, nil
}

// CreateCustomVerificationEmailTemplateV2 is that of the second API.
func (s *Service) CreateCustomVerificationEmailTemplateV2(ctx context.Context, call *aws.Call, in *sesv2.CreateCustomVerificationEmailTemplateInput) (*sesv2.CreateCustomVerificationEmailTemplateOutput, error) {
	return &sesv2.CreateCustomVerificationEmailTemplateOutput{}, s.addVerification(ctx, call, in.TemplateName, verification{
		From: in.FromEmailAddress, Subject: in.TemplateSubject, Content: in.TemplateContent, OnSuccess: in.SuccessRedirectionURL, OnFailure: in.FailureRedirectionURL, Tags: tagMap(in.Tags),
	})
}

// UpdateCustomVerificationEmailTemplateV2 is that of the second API.
func (s *Service) UpdateCustomVerificationEmailTemplateV2(ctx context.Context, call *aws.Call, in *sesv2.UpdateCustomVerificationEmailTemplateInput) (*sesv2.UpdateCustomVerificationEmailTemplateOutput, error) {
	return &sesv2.UpdateCustomVerificationEmailTemplateOutput{}, s.changeVerification(ctx, call, in.TemplateName, func(v *verification) {
		v.From, v.Subject, v.Content, v.OnSuccess, v.OnFailure = in.FromEmailAddress, in.TemplateSubject, in.TemplateContent, in.SuccessRedirectionURL, in.FailureRedirectionURL
	})
}

// GetCustomVerificationEmailTemplateV2 is that of the second API.
func (s *Service) GetCustomVerificationEmailTemplateV2(ctx context.Context, call *aws.Call, in *sesv2.GetCustomVerificationEmailTemplateInput) (*sesv2.GetCustomVerificationEmailTemplateOutput, error) {
	v, err := s.lookVerification(ctx, call, in.TemplateName)
	if err != nil {
		return nil, err
	}
	return &sesv2.GetCustomVerificationEmailTemplateOutput{
		TemplateName: &in.TemplateName, FromEmailAddress: &v.From, TemplateSubject: &v.Subject, TemplateContent: &v.Content, SuccessRedirectionURL: &v.OnSuccess, FailureRedirectionURL: &v.OnFailure, Tags: tagList(v.Tags),
	}, nil
}

// ListCustomVerificationEmailTemplatesV2 is that of the second API.
func (s *Service) ListCustomVerificationEmailTemplatesV2(ctx context.Context, call *aws.Call, in *sesv2.ListCustomVerificationEmailTemplatesInput) (*sesv2.ListCustomVerificationEmailTemplatesOutput, error) {
	out := &sesv2.ListCustomVerificationEmailTemplatesOutput{CustomVerificationEmailTemplates: []sesv2.CustomVerificationEmailTemplateMetadata{}}
	var err error
	out.NextToken, err = s.listVerifications(ctx, call, in.NextToken, int(aws.Or(in.PageSize, 50)), func(name string, v *verification) {
		out.CustomVerificationEmailTemplates = append(out.CustomVerificationEmailTemplates, sesv2.CustomVerificationEmailTemplateMetadata{
			TemplateName: &name, FromEmailAddress: &v.From, TemplateSubject: &v.Subject, SuccessRedirectionURL: &v.OnSuccess, FailureRedirectionURL: &v.OnFailure,
		})
	})
	return out, err
}

// DeleteCustomVerificationEmailTemplateV2 is that of the second API.
func (s *Service) DeleteCustomVerificationEmailTemplateV2(ctx context.Context, call *aws.Call, in *sesv2.DeleteCustomVerificationEmailTemplateInput) (*sesv2.DeleteCustomVerificationEmailTemplateOutput, error) {
	return &sesv2.DeleteCustomVerificationEmailTemplateOutput{}, s.removeVerification(ctx, call, in.TemplateName)
}

// SendCustomVerificationEmailV2 is that of the second API.
func (s *Service) SendCustomVerificationEmailV2(ctx context.Context, call *aws.Call, in *sesv2.SendCustomVerificationEmailInput) (*sesv2.SendCustomVerificationEmailOutput, error) {
	id, err := s.sendVerification(ctx, call, in.EmailAddress, in.TemplateName)
	if err != nil {
		return nil, err
	}
	return &sesv2.SendCustomVerificationEmailOutput{MessageId: &id}, nil
}
