package ses

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/ses/handlebars"
	"github.com/aloft-cloud/aloft/internal/store"
)

// check refuses a template that cannot be rendered, whatever the data.
func (t *template) check() error {
	if t.Subject == "" {
		return api.InvalidTemplateException.Errorf("The subject must be specified.")
	}
	if t.Text == "" && t.HTML == "" {
		return api.InvalidTemplateException.Errorf("The template must have a text part or an HTML part.")
	}
	for _, part := range []string{t.Subject, t.Text, t.HTML} {
		if _, err := handlebars.Parse(part); err != nil {
			return api.InvalidTemplateException.Errorf("Template could not be parsed: %s", err)
		}
	}
	return nil
}

// A rendered is what a message says.
type rendered struct{ subject, text, html string }

// render fills a template with data, which is a JSON object.
func (t *template) render(data string) (out rendered, err error) {
	var object map[string]any
	if err := json.Unmarshal([]byte(data), &object); err != nil {
		return out, api.InvalidRenderingParameterException.Errorf("Template rendering data is invalid")
	}
	for _, part := range []struct {
		text string
		html bool
		into *string
	}{{t.Subject, false, &out.subject}, {t.Text, false, &out.text}, {t.HTML, true, &out.html}} {
		p, err := handlebars.Parse(part.text)
		if err == nil {
			*part.into, err = p.Render([]byte(data), part.html)
		}
		if missing, ok := errors.AsType[*handlebars.Missing](err); ok {
			return out, api.MissingRenderingAttributeException.Errorf("%s", missing)
		}
		if err != nil {
			return out, api.InvalidRenderingParameterException.Errorf("The template could not be rendered: %s", err)
		}
	}
	return out, nil
}

// saveTemplate makes a template, or changes one that is there.
func (s *Service) saveTemplate(ctx context.Context, call *aws.Call, name string, row template, there bool) error {
	if err := row.check(); err != nil {
		return err
	}
	arn := named(call, templateKind, name)
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		old, err := findTemplate(tx, arn)
		fresh := row
		switch {
		case there && err != nil:
			return err
		case there:
			fresh.Created, fresh.Tags = old.Created, old.Tags
		case err == nil:
			return api.AlreadyExistsException.Errorf("Template %s already exists for account id %s", name, call.Account)
		case !errors.Is(err, api.TemplateDoesNotExistException):
			return err
		default:
			fresh.Created = time.Now()
		}
		return templates.Put(tx, arn, fresh)
	})
}

func templateOf(in *api.Template) template {
	return template{Subject: aws.Value(in.SubjectPart), Text: aws.Value(in.TextPart), HTML: aws.Value(in.HtmlPart)}
}

// CreateTemplate makes a template.
func (s *Service) CreateTemplate(ctx context.Context, call *aws.Call, in *api.CreateTemplateInput) (*api.CreateTemplateOutput, error) {
	return &api.CreateTemplateOutput{}, s.saveTemplate(ctx, call, in.Template.TemplateName, templateOf(in.Template), false)
}

// UpdateTemplate changes a template.
func (s *Service) UpdateTemplate(ctx context.Context, call *aws.Call, in *api.UpdateTemplateInput) (*api.UpdateTemplateOutput, error) {
	return &api.UpdateTemplateOutput{}, s.saveTemplate(ctx, call, in.Template.TemplateName, templateOf(in.Template), true)
}

// lookTemplate returns a template.
func (s *Service) lookTemplate(ctx context.Context, call *aws.Call, name string) (row template, err error) {
	err = s.view(ctx, func(tx *store.Tx) error {
		row, err = findTemplate(tx, named(call, templateKind, name))
		return err
	})
	return row, err
}

// GetTemplate returns a template.
func (s *Service) GetTemplate(ctx context.Context, call *aws.Call, in *api.GetTemplateInput) (*api.GetTemplateOutput, error) {
	row, err := s.lookTemplate(ctx, call, in.TemplateName)
	if err != nil {
		return nil, err
	}
	return &api.GetTemplateOutput{Template: &api.Template{TemplateName: in.TemplateName, SubjectPart: &row.Subject, TextPart: optional(row.Text), HtmlPart: optional(row.HTML)}}, nil
}

// optional is nil for nothing.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// listTemplates shows a page of templates.
func (s *Service) listTemplates(ctx context.Context, call *aws.Call, token *string, limit int, show func(name string, row *template)) (next *string, err error) {
	err = s.view(ctx, func(tx *store.Tx) error {
		var some []string
		some, next = page(namesOf(tx, templates, call, templateKind), token, limit)
		for _, name := range some {
			row, err := findTemplate(tx, named(call, templateKind, name))
			if err != nil {
				return err
			}
			show(name, &row)
		}
		return nil
	})
	return next, err
}

// ListTemplates lists templates.
func (s *Service) ListTemplates(ctx context.Context, call *aws.Call, in *api.ListTemplatesInput) (*api.ListTemplatesOutput, error) {
	out := &api.ListTemplatesOutput{TemplatesMetadata: []api.TemplateMetadata{}}
	var err error
	out.NextToken, err = s.listTemplates(ctx, call, in.NextToken, pageSize(in.MaxItems, 10), func(name string, row *template) {
		out.TemplatesMetadata = append(out.TemplatesMetadata, api.TemplateMetadata{Name: &name, CreatedTimestamp: &row.Created})
	})
	return out, err
}

// DeleteTemplate deletes a template. That there is none is no failure.
func (s *Service) DeleteTemplate(ctx context.Context, call *aws.Call, in *api.DeleteTemplateInput) (*api.DeleteTemplateOutput, error) {
	err := s.DB.Update(ctx, func(tx *store.Tx) error { return templates.Delete(tx, named(call, templateKind, in.TemplateName)) })
	return &api.DeleteTemplateOutput{}, err
}

// TestRenderTemplate returns the message that a template makes of data.
func (s *Service) TestRenderTemplate(ctx context.Context, call *aws.Call, in *api.TestRenderTemplateInput) (*api.TestRenderTemplateOutput, error) {
	text, err := s.testRender(ctx, call, in.TemplateName, in.TemplateData)
	if err != nil {
		return nil, err
	}
	return &api.TestRenderTemplateOutput{RenderedTemplate: &text}, nil
}

func (s *Service) testRender(ctx context.Context, call *aws.Call, name, data string) (string, error) {
	row, err := s.lookTemplate(ctx, call, name)
	if err != nil {
		return "", err
	}
	says, err := row.render(data)
	if err != nil {
		return "", err
	}
	l := &letter{says: says}
	return string(l.write("", time.Now())), nil
}
