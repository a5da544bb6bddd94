package ses

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	verifyPath  = "/_aloft/ses/verify"
	letterLasts = 24 * time.Hour // that it is tried to deliver a letter
)

func newToken() string { return rand.Text() }

// askToVerify sends an address the letter whose link verifies it.
func (s *Service) askToVerify(tx *store.Tx, arn aws.ARN, row *identity) error {
	to := nameOf(arn, identityKind)
	link := strings.TrimSuffix(s.Endpoint, "/") + verifyPath + "?" + url.Values{"identity": {arn.String()}, "token": {row.Token}}.Encode()
	d, made, err := s.letterOf(tx, arn, row, link)
	if err != nil {
		return err
	}
	if made {
		return s.Router.Send(tx, d)
	}
	return s.Router.Send(tx, event.Delivery{
		Source: arn, Target: aws.ARN{Service: "sns", Region: arn.Region, Account: arn.Account, Resource: event.Email}, Line: to,
		Body: []byte("Somebody asked to send mail as this address, in the region " + arn.Region + " of account " + arn.Account +
			".\n\nIf that was you, open this link to verify the address:\n\n" + link + "\n\nIf not, do nothing."),
		Params: map[string]string{
			event.Protocol: event.Email, event.To: to, event.MessageID: aws.NewRequestID(), event.Subject: "Email Address Verification Request in region " + arn.Region,
		},
		Retry: event.Retry{MaxAge: letterLasts},
	})
}

var errToken = errors.New("ses: no such token")

// serveVerify verifies an address for who has the letter.
func (s *Service) serveVerify(w http.ResponseWriter, r *http.Request, _ *aws.Call) {
	q := r.URL.Query()
	arn, err := aws.ParseARN(q.Get("identity"))
	if err == nil {
		err = s.confirm(r.Context(), arn, q.Get("token"))
	}
	if to, failed := s.ledTo(r.Context(), arn, err == nil); failed == nil && to != "" {
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		w.Write([]byte("This link is not, or no longer, good.\n"))
		return
	}
	w.Write([]byte("The address is verified.\n"))
}

func (s *Service) confirm(ctx context.Context, arn aws.ARN, token string) error {
	return s.changeIdentity(ctx, arn, func(row *identity) error {
		if row.verified() || row.Token != token {
			return errToken
		}
		row.Token = ""
		return nil
	})
}
