package ses

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/gateway/postbox"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// What deliveries to the service are about: mail that came, whose rules are to be
// gone through, and mail of the service's own that comes to its own door.
const (
	arrivalKind = "arrival/"
	doorKind    = "door"
)

// Refusals of mail.
var (
	errNobody  = &postbox.Refusal{Code: 550, Status: [3]int{5, 1, 1}, Text: "Requested action not taken: mailbox unavailable"}
	errBlocked = &postbox.Refusal{Code: 550, Status: [3]int{5, 7, 1}, Text: "Requested action not taken: messages from this address are blocked"}
	errPlain   = &postbox.Refusal{Code: 530, Status: [3]int{5, 7, 0}, Text: "Must issue a STARTTLS command first"}
	errOthers  = &postbox.Refusal{Code: 452, Status: [3]int{4, 5, 3}, Text: "Recipients in other regions or accounts want a transaction of their own"}
)

// Admit implements postbox.Keeper: whom an active rule is about gets mail.
func (s *Service) Admit(ctx context.Context, e *postbox.Envelope, to string) error {
	return s.view(ctx, func(tx *store.Tx) error {
		h, err := s.admit(tx, e, to)
		if err != nil || len(e.To) == 0 {
			return err
		}
		first, err := homeOf(tx, e.To[0])
		if err == nil && first != nil && first.account != h.account {
			return errOthers
		}
		return err
	})
}

// admit returns the home of a recipient that a client may write to.
func (s *Service) admit(tx *store.Tx, e *postbox.Envelope, to string) (*home, error) {
	h, err := homeOf(tx, to)
	if err != nil {
		return nil, err
	}
	if h == nil {
		return nil, errNobody
	}
	if e.Client.IsValid() && blocked(tx, h.account, e.Client) {
		return nil, errBlocked
	}
	plain := func(rule met) bool { return aws.Value(rule.TlsPolicy) == api.TlsPolicyRequire }
	if !e.Secure && slices.ContainsFunc(h.met(to), plain) {
		return nil, errPlain
	}
	return h, nil
}

// newMailID names mail as AWS does.
func newMailID() string {
	var b [25]byte
	rand.Read(b[:])
	return strings.ToLower(base32.HexEncoding.EncodeToString(b[:]))
}

// Take implements postbox.Keeper: the message is kept, and a delivery has its
// rules gone through, in one transaction.
func (s *Service) Take(ctx context.Context, e *postbox.Envelope, message io.Reader) (id string, err error) {
	up := s.DB.Blobs().Create(ctx)
	defer up.Close()
	head := &limited{max: maxHead}
	if _, err := io.Copy(up, io.TeeReader(message, head)); err != nil {
		return "", err
	}
	if err := up.Finish(); err != nil {
		return "", err
	}
	a := arrival{At: time.Now().UTC(), From: e.From, To: e.To, Checks: s.check(ctx, e, head.Bytes())}
	id = newMailID()
	err = s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		row := a
		var h *home
		for _, to := range e.To {
			last := h
			if h, err = s.admit(tx, e, to); err != nil { // what rules there are may have changed
				return err
			}
			if last != nil && last.account != h.account {
				return errOthers
			}
		}
		row.Set, row.Rules = h.set, h.met(e.To...)
		row.Head = traceOf(e, h.account.Region, id, &row)
		if row.Body, err = up.Keep(tx); err != nil {
			return err
		}
		return s.arrive(tx, arrivalKey{h.account, id}, row)
	})
	return id, err
}

// arrive keeps mail, whose rules are gone through then.
func (s *Service) arrive(tx *store.Tx, key arrivalKey, row arrival) error {
	if err := arrivals.Put(tx, key, row); err != nil {
		return err
	}
	target := key.Account
	target.Resource = arrivalKind + key.ID
	return s.Router.Send(tx, event.Delivery{
		Source: target, Target: target, Line: key.ID, Retry: event.Retry{Attempts: 1 << 20, MaxAge: 2 * actionsLast, First: time.Second, Most: time.Minute},
	})
}

// traceOf is the headers that mail gets on its way in.
func traceOf(e *postbox.Envelope, region, id string, row *arrival) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Return-Path: <%s>\r\n", oneWord(e.From))
	client := "unknown"
	if e.Client.IsValid() {
		client = e.Client.String()
	}
	fmt.Fprintf(&b, "Received: from %s (%s [%s])\r\n by inbound-smtp.%s.amazonaws.com with SMTP id %s\r\n for %s;\r\n %s\r\n",
		oneWord(e.Name), oneWord(e.Name), client, region, id, oneWord(e.To[0]), row.At.Format("Mon, 02 Jan 2006 15:04:05 -0700 (MST)"))
	scan := scanned(aws.Value(row.Rules[0].ScanEnabled))
	fmt.Fprintf(&b, "X-SES-Spam-Verdict: %s\r\nX-SES-Virus-Verdict: %s\r\n", scan.Status, scan.Status)
	return b.String()
}

// oneWord is what a client said, without what could begin another header.
func oneWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// limited keeps the first bytes of what is written to it.
type limited struct {
	bytes.Buffer
	max int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	l.Buffer.Write(p[:min(len(p), l.max-l.Len())])
	return len(p), nil
}

// goThrough and comeIn are operations that AWS does not have: deliveries of the
// service to itself.
var (
	goThrough = smithy.Operation[mailInput, mailOutput]{Service: "ses", Name: "GoThroughReceiptRules"}
	comeIn    = smithy.Operation[mailInput, mailOutput]{Service: "ses", Name: "ComeInToReceiptRules"}
)

type mailInput struct{ delivery *event.Delivery }

type mailOutput struct{}

// receive answers deliveries, which are of mail.
func receive(d *event.Delivery) (operation string, in any, err error) {
	switch {
	case d.Target.Resource == doorKind:
		return comeIn.Name, &mailInput{d}, nil
	case strings.HasPrefix(d.Target.Resource, arrivalKind):
		return goThrough.Name, &mailInput{d}, nil
	}
	return "", nil, aws.NotImplemented.Errorf("Nothing can be delivered to %s.", d.Target)
}

// ownMail lets the service deliver to itself, and nobody else.
func ownMail(call *aws.Call, _ *mailInput, _ func(service.Access) error) error {
	if call.Principal.Kind == aws.Service && call.Principal.Source.Service == "ses" {
		return nil
	}
	return aws.AccessDenied.Errorf("Only SES delivers mail to receipt rules.")
}

// comeIn takes mail of the service's own as any other, but that no filter keeps
// it out and that nobody could have read it on its way.
func (s *Service) comeIn(ctx context.Context, _ *aws.Call, in *mailInput) (*mailOutput, error) {
	d := in.delivery
	e := &postbox.Envelope{Name: reportingMTA, Client: netip.Addr{}, Secure: true, From: d.Params[event.Whole], To: []string{d.Params[event.To]}}
	_, err := s.Take(ctx, e, bytes.NewReader(d.Body))
	if refused, ok := errors.AsType[*postbox.Refusal](err); ok && refused.Code >= 500 {
		return nil, aws.Fault{Code: "MailRefused", Status: 400}.Errorf("%s", refused)
	}
	return &mailOutput{}, err
}
