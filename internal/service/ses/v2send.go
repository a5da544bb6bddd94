package ses

import (
	"bytes"
	"context"
	"errors"
	"net/mail"

	"github.com/aloft-cloud/aloft/internal/api/ses"
	api "github.com/aloft-cloud/aloft/internal/api/sesv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// sourceV2 is who sends a message.
func sourceV2(in *api.SendEmailInput) string {
	if in.FromEmailAddress != nil {
		return *in.FromEmailAddress
	}
	if in.Content.Raw != nil {
		if m, err := mail.ReadMessage(bytes.NewReader(in.Content.Raw.Data)); err == nil {
			return m.Header.Get("From")
		}
	}
	return ""
}

func tagsOfV2(tags []api.MessageTag) (out [][2]string) {
	for _, t := range tags {
		out = append(out, [2]string{t.Name, t.Value})
	}
	return out
}

func (l *letter) attach(headers []api.MessageHeader, files []api.Attachment) {
	for _, h := range headers {
		l.headers = append(l.headers, [2]string{h.Name, h.Value})
	}
	for _, f := range files {
		l.attachments = append(l.attachments, attachment{
			name: f.FileName, kind: aws.Value(f.ContentType), id: aws.Value(f.ContentId), inline: aws.Value(f.ContentDisposition) == "INLINE", data: f.RawContent,
		})
	}
}

// use has a letter say what a template makes of data.
func (l *letter) use(t *api.Template, data string) error {
	switch {
	case t.TemplateContent != nil:
		c := t.TemplateContent
		l.inline = &template{Subject: aws.Value(c.Subject), Text: aws.Value(c.Text), HTML: aws.Value(c.Html)}
		if err := l.inline.check(); err != nil {
			return err
		}
	case t.TemplateName != nil:
		l.template = t.TemplateName
	case t.TemplateArn != nil:
		arn, err := aws.ParseARN(*t.TemplateArn)
		if err != nil {
			return invalid("Invalid template ARN: %s", *t.TemplateArn)
		}
		l.template = new(nameOf(arn, templateKind))
	default:
		return invalid("The template must be named, or given.")
	}
	l.data = data
	l.attach(t.Headers, t.Attachments)
	return nil
}

// SendEmailV2 is SendEmail of the second API.
func (s *Service) SendEmailV2(ctx context.Context, call *aws.Call, in *api.SendEmailInput) (*api.SendEmailOutput, error) {
	if in.ListManagementOptions != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not have contact lists yet.")
	}
	l := &letter{
		operation: "SendEmail", source: sourceV2(in), replyTo: in.ReplyToAddresses, tags: tagsOfV2(in.EmailTags),
		set: aws.Value(in.ConfigurationSetName), from: in.FromEmailAddressIdentityArn,
	}
	if d := in.Destination; d != nil {
		l.to, l.cc, l.bcc = d.ToAddresses, d.CcAddresses, d.BccAddresses
	}
	switch c := in.Content; {
	case c.Raw != nil:
		given := l.recipients()
		if err := l.readRaw(c.Raw.Data); err != nil {
			return nil, err
		}
		if len(given) > 0 {
			l.destinations = given
		}
	case c.Template != nil:
		if err := l.use(c.Template, aws.Or(c.Template.TemplateData, "{}")); err != nil {
			return nil, err
		}
	case c.Simple != nil:
		l.says.subject = c.Simple.Subject.Data
		if c.Simple.Body.Text != nil {
			l.says.text = c.Simple.Body.Text.Data
		}
		if c.Simple.Body.Html != nil {
			l.says.html = c.Simple.Body.Html.Data
		}
		l.attach(c.Simple.Headers, c.Simple.Attachments)
	default:
		return nil, invalid("Content must have exactly one of Simple, Raw and Template.")
	}
	id, err := s.send(ctx, call, l)
	if err != nil {
		return nil, err
	}
	return &api.SendEmailOutput{MessageId: &id}, nil
}

// SendBulkEmail sends many messages that a template makes of data.
func (s *Service) SendBulkEmail(ctx context.Context, call *aws.Call, in *api.SendBulkEmailInput) (*api.SendBulkEmailOutput, error) {
	t := in.DefaultContent.Template
	if t == nil {
		return nil, invalid("DefaultContent must have a template.")
	}
	out := &api.SendBulkEmailOutput{BulkEmailEntryResults: []api.BulkEmailEntryResult{}}
	for i := range in.BulkEmailEntries {
		e := &in.BulkEmailEntries[i]
		l := &letter{
			operation: "SendBulkEmail", source: aws.Value(in.FromEmailAddress), to: e.Destination.ToAddresses, cc: e.Destination.CcAddresses,
			bcc: e.Destination.BccAddresses, replyTo: in.ReplyToAddresses, tags: tagsOfV2(append(in.DefaultEmailTags, e.ReplacementTags...)),
			set: aws.Value(in.ConfigurationSetName), from: in.FromEmailAddressIdentityArn,
		}
		data := aws.Or(t.TemplateData, "{}")
		if r := e.ReplacementEmailContent; r != nil && r.ReplacementTemplate != nil {
			data = aws.Or(r.ReplacementTemplate.ReplacementTemplateData, data)
		}
		if err := l.use(t, data); err != nil {
			return nil, err
		}
		l.attach(e.ReplacementHeaders, nil)
		id, err := s.send(ctx, call, l)
		refusal, refused := errors.AsType[*aws.Error](err)
		switch {
		case refused && (stopsAll(err) || errors.Is(err, ses.TemplateDoesNotExistException)):
			return nil, err
		case refused && refusal.Code == aws.InvalidParameter.Code:
			out.BulkEmailEntryResults = append(out.BulkEmailEntryResults, api.BulkEmailEntryResult{Status: new(api.BulkEmailStatusInvalidParameter), Error: &refusal.Message})
		case refused:
			out.BulkEmailEntryResults = append(out.BulkEmailEntryResults, api.BulkEmailEntryResult{Status: new(api.BulkEmailStatusFailed), Error: &refusal.Message})
		case err != nil:
			return nil, err
		default:
			out.BulkEmailEntryResults = append(out.BulkEmailEntryResults, api.BulkEmailEntryResult{Status: new(api.BulkEmailStatusSuccess), MessageId: &id})
		}
	}
	return out, nil
}

func contentOf(in *api.EmailTemplateContent) template {
	return template{Subject: aws.Value(in.Subject), Text: aws.Value(in.Text), HTML: aws.Value(in.Html)}
}

// CreateEmailTemplate makes a template.
func (s *Service) CreateEmailTemplate(ctx context.Context, call *aws.Call, in *api.CreateEmailTemplateInput) (*api.CreateEmailTemplateOutput, error) {
	row := contentOf(in.TemplateContent)
	row.Tags = tagMap(in.Tags)
	return &api.CreateEmailTemplateOutput{}, s.saveTemplate(ctx, call, in.TemplateName, row, false)
}

// UpdateEmailTemplate changes a template.
func (s *Service) UpdateEmailTemplate(ctx context.Context, call *aws.Call, in *api.UpdateEmailTemplateInput) (*api.UpdateEmailTemplateOutput, error) {
	return &api.UpdateEmailTemplateOutput{}, s.saveTemplate(ctx, call, in.TemplateName, contentOf(in.TemplateContent), true)
}

// GetEmailTemplate returns a template.
func (s *Service) GetEmailTemplate(ctx context.Context, call *aws.Call, in *api.GetEmailTemplateInput) (*api.GetEmailTemplateOutput, error) {
	row, err := s.lookTemplate(ctx, call, in.TemplateName)
	if err != nil {
		return nil, err
	}
	content := &api.EmailTemplateContent{Subject: &row.Subject, Text: optional(row.Text), Html: optional(row.HTML)}
	return &api.GetEmailTemplateOutput{TemplateName: in.TemplateName, TemplateContent: content, Tags: tagList(row.Tags)}, nil
}

// ListEmailTemplates lists templates.
func (s *Service) ListEmailTemplates(ctx context.Context, call *aws.Call, in *api.ListEmailTemplatesInput) (*api.ListEmailTemplatesOutput, error) {
	out := &api.ListEmailTemplatesOutput{TemplatesMetadata: []api.EmailTemplateMetadata{}}
	var err error
	out.NextToken, err = s.listTemplates(ctx, call, in.NextToken, pageSize(in.PageSize, 10), func(name string, row *template) {
		out.TemplatesMetadata = append(out.TemplatesMetadata, api.EmailTemplateMetadata{TemplateName: &name, CreatedTimestamp: &row.Created})
	})
	return out, err
}

// DeleteEmailTemplate deletes a template.
func (s *Service) DeleteEmailTemplate(ctx context.Context, call *aws.Call, in *api.DeleteEmailTemplateInput) (*api.DeleteEmailTemplateOutput, error) {
	arn := named(call, templateKind, in.TemplateName)
	return &api.DeleteEmailTemplateOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findTemplate(tx, arn); err != nil {
			return err
		}
		return templates.Delete(tx, arn)
	})
}

// TestRenderEmailTemplate returns the message that a template makes of data.
func (s *Service) TestRenderEmailTemplate(ctx context.Context, call *aws.Call, in *api.TestRenderEmailTemplateInput) (*api.TestRenderEmailTemplateOutput, error) {
	text, err := s.testRender(ctx, call, in.TemplateName, in.TemplateData)
	if err != nil {
		return nil, err
	}
	return &api.TestRenderEmailTemplateOutput{RenderedTemplate: text}, nil
}
