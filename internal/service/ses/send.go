package ses

import (
	"bytes"
	"context"
	"errors"
	"net/mail"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func tagsOf(tags []api.MessageTag) (out [][2]string) {
	for _, t := range tags {
		out = append(out, [2]string{t.Name, t.Value})
	}
	return out
}

// SendEmail sends a message.
func (s *Service) SendEmail(ctx context.Context, call *aws.Call, in *api.SendEmailInput) (*api.SendEmailOutput, error) {
	d := in.Destination
	l := &letter{
		operation: "SendEmail", source: in.Source, to: d.ToAddresses, cc: d.CcAddresses, bcc: d.BccAddresses, replyTo: in.ReplyToAddresses,
		tags: tagsOf(in.Tags), set: aws.Value(in.ConfigurationSetName), from: in.SourceArn,
	}
	l.says.subject = in.Message.Subject.Data
	if in.Message.Body.Text != nil {
		l.says.text = in.Message.Body.Text.Data
	}
	if in.Message.Body.Html != nil {
		l.says.html = in.Message.Body.Html.Data
	}
	id, err := s.send(ctx, call, l)
	if err != nil {
		return nil, err
	}
	return &api.SendEmailOutput{MessageId: id}, nil
}

// rawSource is who sends a whole message.
func rawSource(in *api.SendRawEmailInput) string {
	if in.Source != nil {
		return *in.Source
	}
	if m, err := mail.ReadMessage(bytes.NewReader(in.RawMessage.Data)); err == nil {
		return m.Header.Get("From")
	}
	return ""
}

// SendRawEmail sends a message that the caller has written.
func (s *Service) SendRawEmail(ctx context.Context, call *aws.Call, in *api.SendRawEmailInput) (*api.SendRawEmailOutput, error) {
	l := &letter{operation: "SendRawEmail", source: aws.Value(in.Source), tags: tagsOf(in.Tags), set: aws.Value(in.ConfigurationSetName), from: in.SourceArn}
	if err := l.readRaw(in.RawMessage.Data); err != nil {
		return nil, err
	}
	if len(in.Destinations) > 0 {
		l.destinations = in.Destinations
	}
	id, err := s.send(ctx, call, l)
	if err != nil {
		return nil, err
	}
	return &api.SendRawEmailOutput{MessageId: id}, nil
}

// SendTemplatedEmail sends a message that a template makes of data.
func (s *Service) SendTemplatedEmail(ctx context.Context, call *aws.Call, in *api.SendTemplatedEmailInput) (*api.SendTemplatedEmailOutput, error) {
	d := in.Destination
	id, err := s.send(ctx, call, &letter{
		operation: "SendTemplatedEmail", source: in.Source, to: d.ToAddresses, cc: d.CcAddresses, bcc: d.BccAddresses, replyTo: in.ReplyToAddresses,
		tags: tagsOf(in.Tags), set: aws.Value(in.ConfigurationSetName), from: in.SourceArn, template: &in.Template, data: in.TemplateData,
	})
	if err != nil {
		return nil, err
	}
	return &api.SendTemplatedEmailOutput{MessageId: id}, nil
}

// SendBulkTemplatedEmail sends many such messages. One that is refused holds up
// no other; a template that is not there, or a sender that may not send, is a
// refusal of all.
func (s *Service) SendBulkTemplatedEmail(ctx context.Context, call *aws.Call, in *api.SendBulkTemplatedEmailInput) (*api.SendBulkTemplatedEmailOutput, error) {
	if len(in.Destinations) > maxRecipients {
		return nil, invalid("Recipient count exceeds %d.", maxRecipients)
	}
	if _, err := s.lookTemplate(ctx, call, in.Template); err != nil {
		return nil, err
	}
	out := &api.SendBulkTemplatedEmailOutput{Status: []api.BulkEmailDestinationStatus{}}
	for _, d := range in.Destinations {
		id, err := s.send(ctx, call, &letter{
			operation: "SendBulkTemplatedEmail", source: in.Source, to: d.Destination.ToAddresses, cc: d.Destination.CcAddresses, bcc: d.Destination.BccAddresses,
			replyTo: in.ReplyToAddresses, tags: tagsOf(append(in.DefaultTags, d.ReplacementTags...)), set: aws.Value(in.ConfigurationSetName),
			from: in.SourceArn, template: &in.Template, data: aws.Or(d.ReplacementTemplateData, in.DefaultTemplateData),
		})
		refusal, refused := errors.AsType[*aws.Error](err)
		switch {
		case refused && stopsAll(err):
			return nil, err
		case refused:
			out.Status = append(out.Status, api.BulkEmailDestinationStatus{Status: new(statusOf(refusal)), Error: &refusal.Message})
		case err != nil:
			return nil, err
		default:
			out.Status = append(out.Status, api.BulkEmailDestinationStatus{Status: new(api.BulkEmailStatusSuccess), MessageId: &id})
		}
	}
	return out, nil
}

// stopsAll says whether what refuses one message refuses all of a request.
func stopsAll(err error) bool {
	return errors.Is(err, api.MessageRejected) || errors.Is(err, api.ConfigurationSetDoesNotExistException) ||
		errors.Is(err, api.AccountSendingPausedException) || errors.Is(err, api.ConfigurationSetSendingPausedException)
}

func statusOf(refusal *aws.Error) string {
	if refusal.Code == aws.InvalidParameter.Code {
		return api.BulkEmailStatusInvalidParameterValue
	}
	return api.BulkEmailStatusFailed
}
