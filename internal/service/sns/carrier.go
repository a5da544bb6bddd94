package sns

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/aloft-cloud/aloft/internal/gateway/mail"
)

// A Courier takes letters out of the platform: mail to an SMTP server, and all
// else to a URL, as the JSON of a Letter. What it has nowhere to take to goes to
// the inbox.
type Courier struct {
	mail   *mail.Server // nil: mail is posted as all else is
	to     string       // where else is posted; "": to the inbox
	client *http.Client
	inbox  inbox
}

// NewCourier returns a courier to an SMTP server, as package mail reads it, and
// to a URL. Each may be "".
func NewCourier(smtp, post string) (*Courier, error) {
	c := &Courier{to: post, client: &http.Client{Timeout: deliveryLasts}}
	if smtp != "" {
		var err error
		if c.mail, err = mail.Parse(smtp); err != nil {
			return nil, err
		}
	}
	if u, err := url.Parse(post); post != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("letters are posted to a URL of http or https")
	}
	return c, nil
}

// carry takes a letter away. It may be called again for one that it has taken.
func (c *Courier) carry(ctx context.Context, l *Letter) error {
	switch {
	case c.mail != nil && (l.Protocol == "email" || l.Protocol == "email-json"):
		return c.send(ctx, l)
	case c.to != "":
		return c.post(ctx, l)
	}
	return c.inbox.keep(ctx, l)
}

func (c *Courier) send(ctx context.Context, l *Letter) error {
	subject := l.Subject
	if subject == "" {
		subject = "AWS Notification Message"
	}
	err := c.mail.Send(ctx, &mail.Message{ID: l.ID, To: l.To, Subject: subject, Body: l.Body, Time: l.Time, Whole: l.Message})
	if refusal, ok := errors.AsType[*mail.Refusal](err); ok && refusal.Code >= 500 {
		return failed("MailRefused", http.StatusBadRequest, "%s", refusal)
	}
	if err != nil {
		return failed("MailFailed", http.StatusBadGateway, "%s", err)
	}
	return nil
}

func (c *Courier) post(ctx context.Context, l *Letter) error {
	body, err := json.Marshal(l)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.client.Do(r)
	if err != nil {
		return failed("LetterFailed", http.StatusBadGateway, "Letters cannot be posted.")
	}
	resp.Body.Close()
	if resp.StatusCode > 299 {
		return failed("LetterRefused", max(resp.StatusCode, http.StatusBadRequest), "Where letters are posted, the answer is %s.", resp.Status)
	}
	return nil
}
