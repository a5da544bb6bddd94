package ses

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxLetter     = 1 << 20 // bytes of a message
	maxRecipients = 50
)

// A letter is a message that somebody sends, by either API.
type letter struct {
	operation    string // of the API
	source       string // as it was given
	to, cc, bcc  []string
	replyTo      []string
	headers      [][2]string
	says         rendered
	attachments  []attachment
	raw          []byte // the whole message, if it was given as such
	tags         [][2]string
	set          string
	template     *string // by which it is rendered with data when it is sent
	inline       *template
	data         string
	from         *string // ARN of the identity of another account
	destinations []string
}

// recipients are all to whom a letter goes.
func (l *letter) recipients() []string {
	if l.destinations != nil {
		return l.destinations
	}
	return slices.Concat(l.to, l.cc, l.bcc)
}

// newLetterID names a message as AWS does: by its time, and at random.
func newLetterID(now time.Time) string {
	return fmt.Sprintf("0100%012x-%s-000000", now.UnixMilli(), aws.NewRequestID()[:35])
}

// check refuses what the shape of a letter cannot be.
func (l *letter) check() error {
	if len(l.recipients()) == 0 {
		return invalid("No recipients specified")
	}
	if len(l.recipients()) > maxRecipients {
		return invalid("Recipient count exceeds %d.", maxRecipients)
	}
	for _, text := range append(l.recipients(), l.source) {
		a, err := mail.ParseAddress(text)
		if err != nil || strings.ContainsAny(text, "\r\n") || !strings.Contains(a.Address[strings.LastIndexByte(a.Address, '@')+1:], ".") {
			if !strings.Contains(text, "@") {
				return invalid("Missing final '@domain'")
			}
			return invalid("Domain ends with dot or is not valid: %s", text)
		}
	}
	for _, tag := range l.tags {
		if err := checkTag(tag[0], tag[1]); err != nil {
			return err
		}
	}
	return nil
}

// checkTag refuses a tag of a message.
func checkTag(name, value string) error {
	allowed := func(s string) bool {
		return !strings.ContainsFunc(s, func(r rune) bool {
			return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-')
		})
	}
	switch {
	case name == "":
		return invalid("The tag name must be specified.")
	case len(name) > 255:
		return invalid("Tag name cannot exceed 255 characters.")
	case value == "":
		return invalid("The tag value must be specified.")
	case len(value) > 255:
		return invalid("Tag value cannot exceed 255 characters.")
	case !allowed(strings.TrimPrefix(name, "ses:")):
		return invalid("Invalid tag name <%s>: only alphanumeric ASCII characters, '_',  '-' are allowed.", name)
	}
	return nil
}

// send checks a letter, and sends it to each recipient in one transaction.
func (s *Service) send(ctx context.Context, call *aws.Call, l *letter) (id string, err error) {
	if err := l.check(); err != nil {
		return "", err
	}
	now := time.Now()
	id = newLetterID(now)
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		arn, row, err := s.mayBeSent(tx, call, l)
		if err != nil {
			return err
		}
		m := &outgoing{letter: *l, id: id, at: now, call: call, identity: arn, owner: row}
		if m.set == "" {
			m.set = row.Set
		}
		var config set
		if m.set != "" {
			if config, err = findSet(tx, named(call, setKind, m.set)); err != nil {
				return err
			}
			if config.Paused {
				return api.ConfigurationSetSendingPausedException.Errorf("Email sending is disabled for configuration set <%s>.", m.set)
			}
		}
		return s.sendOut(tx, m, &config)
	})
	return id, err
}

// mayBeSent finds the identity that a letter is sent as, and refuses one that
// may not be.
func (s *Service) mayBeSent(tx *store.Tx, call *aws.Call, l *letter) (arn aws.ARN, row identity, err error) {
	a, err := findAccount(tx, accountARN(call))
	if err != nil {
		return arn, row, err
	}
	if a.Paused {
		return arn, row, api.AccountSendingPausedException.Errorf("Email sending is disabled for your account.")
	}
	var failed []string
	find := func(address string) (aws.ARN, identity, error) {
		arn, row, err := verifiedSender(tx, call, address)
		if err == nil && arn == (aws.ARN{}) {
			failed = append(failed, address)
		}
		return arn, row, err
	}
	if other, err := aws.ParseARN(aws.Value(l.from)); err == nil && other.Account != call.Account {
		row, err := identities.Get(tx, other) // whose policy has let the caller
		if err == nil && row.verified() {
			return other, row, nil
		}
		return arn, row, errNotVerified(call, []string{addressOf(l.source)})
	}
	if arn, row, err = find(addressOf(l.source)); err != nil {
		return arn, row, err
	}
	if a.Sandbox {
		for _, to := range l.recipients() {
			if address := addressOf(to); !strings.HasSuffix(strings.ToLower(address), "@simulator.amazonses.com") {
				if _, _, err := find(address); err != nil {
					return arn, row, err
				}
			}
		}
	}
	if failed != nil {
		return arn, row, errNotVerified(call, failed)
	}
	return arn, row, nil
}

// verifiedSender is the identity by which an account may send as an address: its
// own, or that of a domain it is in. It is zero if there is none.
func verifiedSender(tx *store.Tx, call *aws.Call, address string) (aws.ARN, identity, error) {
	names := []string{address}
	for domain := address[strings.LastIndexByte(address, '@')+1:]; strings.Contains(domain, "."); {
		names = append(names, domain)
		_, domain, _ = strings.Cut(domain, ".")
	}
	for _, name := range names {
		arn := identityARN(call, name)
		row, err := identities.Get(tx, arn)
		if err == nil && row.verified() {
			return arn, row, nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return arn, row, err
		}
	}
	return aws.ARN{}, identity{}, nil
}

func errNotVerified(call *aws.Call, addresses []string) error {
	return api.MessageRejected.Errorf("Email address is not verified. The following identities failed the check in region %s: %s",
		strings.ToUpper(call.Region), strings.Join(addresses, ", "))
}

// An outgoing is a letter that is sent.
type outgoing struct {
	letter
	id       string
	at       time.Time
	call     *aws.Call
	identity aws.ARN
	owner    identity
}

// sendOut renders and writes a letter, sends it to all who are to get it, and
// tells of that.
func (s *Service) sendOut(tx *store.Tx, m *outgoing, config *set) error {
	if failed, err := s.fill(tx, m); err != nil {
		return err
	} else if failed != nil {
		return s.tell(tx, m, config, eventRenderingFailure, m.recipients(), failed)
	}
	data := m.raw
	if data == nil {
		data = m.write(m.id+"@"+m.call.Region+".amazonses.com", m.at)
	}
	if len(data) > maxLetter {
		return invalid("Message length is more than %d bytes long: '%d'.", maxLetter, len(data))
	}
	if err := s.tell(tx, m, config, eventSend, m.recipients(), nil); err != nil {
		return err
	}
	fates, err := s.fatesOf(tx, m, config)
	if err != nil {
		return err
	}
	for _, to := range fates.delivered {
		if err := s.post(tx, m, to, data); err != nil {
			return err
		}
	}
	if err := s.tellFates(tx, m, config, &fates); err != nil {
		return err
	}
	return s.count(tx, m, func(c *count) {
		c.Attempts += int64(len(m.recipients()))
		c.Bounces += int64(len(fates.bounced) + len(fates.suppressed))
		c.Complaints += int64(len(fates.complained))
	})
}

// fill renders the template of a letter. What the template lacks is no refusal:
// it is told of.
func (s *Service) fill(tx *store.Tx, m *outgoing) (failed any, err error) {
	row := m.inline
	if m.template != nil {
		found, err := findTemplate(tx, named(m.call, templateKind, *m.template))
		if err != nil {
			return nil, err
		}
		row = &found
	}
	if row == nil {
		return nil, nil
	}
	if m.says, err = row.render(m.data); errors.Is(err, api.MissingRenderingAttributeException) {
		return map[string]string{"templateName": aws.Value(m.template), "errorMessage": aws.Refusal(err).Message}, nil
	}
	return nil, err
}

// post sends a letter to one recipient: to rules of the platform that receive
// what is for them, or else to the courier.
func (s *Service) post(tx *store.Tx, m *outgoing, to string, data []byte) error {
	d := event.Delivery{
		Source: m.identity, Account: m.call.Account, Region: m.call.Region, Line: to, Body: data,
		Target: aws.ARN{Service: "sns", Region: m.call.Region, Account: m.call.Account, Resource: event.Email},
		Params: map[string]string{
			event.Protocol: event.Email, event.To: addressOf(to), event.MessageID: m.id, event.Subject: m.subject(), event.Whole: addressOf(m.source),
		},
		Retry: event.Retry{MaxAge: letterLasts},
	}
	home, err := homeOf(tx, addressOf(to))
	if err != nil {
		return err
	}
	if home != nil {
		d.Target = home.account
		d.Target.Resource = doorKind
	}
	return s.Router.Send(tx, d)
}

// Fates are what becomes of a letter, by recipient.
type fates struct{ delivered, bounced, suppressed, complained, away []string }

// fatesOf says what becomes of a letter: those of the mailbox simulator get what
// they are there for, and who is suppressed gets nothing.
func (s *Service) fatesOf(tx *store.Tx, m *outgoing, config *set) (f fates, err error) {
	a, err := findAccount(tx, accountARN(m.call))
	if err != nil {
		return f, err
	}
	reasons := a.reasons()
	if config.Suppress != nil {
		reasons = config.Suppress
	}
	for _, to := range m.recipients() {
		address := strings.ToLower(addressOf(to))
		user, domain, _ := strings.Cut(address, "@")
		user, _, _ = strings.Cut(user, "+")
		if domain == "simulator.amazonses.com" {
			switch user {
			case "bounce":
				f.bounced = append(f.bounced, to)
			case "suppressionlist":
				f.suppressed = append(f.suppressed, to)
			case "complaint":
				f.complained = append(f.complained, to)
			default:
				f.away = append(f.away, to)
			}
			continue
		}
		row, err := suppressed.Get(tx, addressKey{accountARN(m.call), address})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return f, err
		}
		if err == nil && slices.Contains(reasons, row.Reason) {
			f.suppressed = append(f.suppressed, to)
		} else {
			f.delivered = append(f.delivered, to)
		}
	}
	return f, nil
}
