package sns

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/gateway/mail"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

const (
	deliveryLasts = 15 * time.Second // as long as AWS waits for an answer
	maxAnswer     = 64 << 10         // bytes of an answer that are read
)

// Params of deliveries that leave the platform.
const (
	paramType        = "Type"
	paramTopic       = "TopicArn"
	paramRaw         = "Raw"
	paramContentType = "ContentType"
)

// deliverLetter takes a message out of the platform. AWS has no such operation.
var deliverLetter = smithy.Operation[deliverInput, deliverOutput]{Service: "sns", Name: "DeliverLetter"}

type deliverInput struct{ delivery *event.Delivery }

type deliverOutput struct{}

// receive answers deliveries: to a topic, which publishes what comes, and to
// what is outside.
func receive(d *event.Delivery) (operation string, in any, err error) {
	if d.Target.Resource == feedbackTarget {
		return logFeedback.Name, &deliverInput{d}, nil
	}
	if d.Params[event.Protocol] != "" {
		return deliverLetter.Name, &deliverInput{d}, nil
	}
	p := &api.PublishInput{TopicArn: new(d.Target.String()), Message: string(d.Body)}
	if subject := d.Params[event.Subject]; subject != "" {
		p.Subject = &subject
	}
	fifo := strings.HasSuffix(d.Target.Resource, ".fifo")
	if group := d.Params[event.GroupID]; group != "" {
		p.MessageGroupId = &group
	}
	if id := d.Params[event.DeduplicationID]; id != "" && fifo {
		p.MessageDeduplicationId = &id
	}
	if text := d.Params[event.MessageAttributes]; text != "" {
		if err := json.Unmarshal([]byte(text), &p.MessageAttributes); err != nil {
			return "", nil, err
		}
	}
	return api.Publish.Name, p, nil
}

// deliver takes a message where it is for.
func (s *Service) deliver(ctx context.Context, call *aws.Call, in *deliverInput) (*deliverOutput, error) {
	d := in.delivery
	if protocol := d.Params[event.Protocol]; protocol == "http" || protocol == "https" {
		return &deliverOutput{}, s.post(ctx, d)
	}
	l := &Letter{
		Account: d.Source.Account, Region: d.Source.Region, Time: time.Now().UTC(), ID: d.Params[event.MessageID],
		Protocol: d.Params[event.Protocol], To: d.Params[event.To], From: d.Source.String(),
		Subject: d.Params[event.Subject], Body: string(d.Body),
	}
	if from := d.Params[event.Whole]; from != "" {
		l.From, l.Message, l.Body = from, d.Body, mail.Text(d.Body)
	}
	return &deliverOutput{}, s.courier.carry(ctx, l)
}

// failed is the fault of an endpoint that does not take a message. Those of
// status 500 and above are tried again.
func failed(code string, status int, format string, args ...any) error {
	return aws.Fault{Code: code, Status: status}.Errorf(format, args...)
}

// post sends a message over HTTP.
func (s *Service) post(ctx context.Context, d *event.Delivery) error {
	body := d.Body
	if d.Params[paramRaw] != "" {
		body = d.Body
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Params[event.To], bytes.NewReader(body))
	if err != nil {
		return failed("InvalidEndpoint", http.StatusBadRequest, "The endpoint is no URL.")
	}
	h := r.Header
	h.Set("Content-Type", d.Params[paramContentType])
	h.Set("User-Agent", "Amazon Simple Notification Service Agent")
	h.Set("X-Amz-Sns-Message-Type", d.Params[paramType])
	h.Set("X-Amz-Sns-Message-Id", d.Params[event.MessageID])
	h.Set("X-Amz-Sns-Topic-Arn", d.Params[paramTopic])
	if d.Params[paramType] == "Notification" {
		h.Set("X-Amz-Sns-Subscription-Arn", d.Target.String())
	}
	if d.Params[paramRaw] != "" {
		h.Set("X-Amz-Sns-Rawdelivery", "true")
	}
	resp, err := s.client.Do(r)
	if errors.Is(err, outbound.ErrPrivate) {
		return failed("PrivateAddress", http.StatusForbidden, "Messages to %s are refused: it is %s.", r.URL.Hostname(), outbound.ErrPrivate)
	}
	if err != nil {
		return failed("Unreachable", http.StatusServiceUnavailable, "%s cannot be reached: %v", r.URL.Host, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(io.Discard, resp.Body, maxAnswer); err != nil && err != io.EOF {
		return failed("Unreachable", http.StatusServiceUnavailable, "The answer of %s ended early.", r.URL.Host)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		status := resp.StatusCode
		if status < 400 {
			status = http.StatusBadGateway
		}
		return failed("HTTPStatus", status, "%s answered %s", r.URL.Host, resp.Status)
	}
	return nil
}
