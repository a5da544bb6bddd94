package ses

import (
	"cmp"
	"fmt"
	"io"
	"net/textproto"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
)

// bounce sends mail back to whom bounces of it go to, if there is anybody: a
// bounce has nobody, so that none goes back and forth.
func (w *work) bounce(sender, reply, status, text string) ([]event.Delivery, error) {
	if w.row.From == "" {
		return nil, nil
	}
	head, err := io.ReadAll(io.LimitReader(w.whole(), maxHead))
	if err != nil {
		return nil, err
	}
	if _, err := w.message.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	f := failure{reply: reply, status: cmp.Or(status, reply[:1]+".0.0"), text: oneLine(text)}
	id := newLetterID(time.Now())
	region := w.key.Account.Region
	data := f.report(id+"@"+region+".amazonses.com", sender, w.row.From, w.rule.For, head, time.Now())
	return []event.Delivery{{
		Source: w.by().Principal.Source, Line: w.key.ID, Body: data,
		Target: aws.ARN{Service: "sns", Region: region, Account: w.key.Account.Account, Resource: event.Email},
		Params: map[string]string{
			event.Protocol: event.Email, event.To: w.row.From, event.MessageID: id, event.Subject: bounceSubject, event.Whole: addressOf(sender),
		},
		Retry: event.Retry{MaxAge: letterLasts},
	}}, nil
}

const bounceSubject = "Delivery Status Notification (Failure)"

// A failure is why mail was not delivered.
type failure struct{ reply, status, text string }

// report is the message that says so, of RFC 3464: for people, for programs, and
// the headers of what was not delivered.
func (f failure) report(id, from, to string, failed []string, head []byte, at time.Time) []byte {
	var human, machine strings.Builder
	fmt.Fprintf(&human, "An error occurred while trying to deliver the mail to the following recipients:\r\n%s\r\n", strings.Join(failed, "\r\n"))
	fmt.Fprintf(&machine, "Reporting-MTA: dns; %s\r\n", reportingMTA)
	for _, r := range failed {
		fmt.Fprintf(&machine, "\r\nFinal-Recipient: rfc822; %s\r\nAction: failed\r\nStatus: %s\r\nDiagnostic-Code: smtp; %s %s %s\r\n", r, f.status, f.reply, f.status, f.text)
	}
	var original strings.Builder
	for _, h := range readHeaders(head) {
		fmt.Fprintf(&original, "%s: %s\r\n", h.Name, h.Value)
	}
	piece := func(kind, text string) part {
		return part{textproto.MIMEHeader{"Content-Type": {kind}}, []byte(text)}
	}
	all := many("report", []part{
		piece("text/plain; charset=UTF-8", human.String()), piece("message/delivery-status", machine.String()), piece("text/rfc822-headers", original.String()),
	})
	var b strings.Builder
	for _, h := range [][2]string{
		{"From", from}, {"To", to}, {"Subject", bounceSubject}, {"Date", at.UTC().Format(time.RFC1123Z)}, {"Message-ID", "<" + id + ">"}, {"MIME-Version", "1.0"},
		{"Auto-Submitted", "auto-replied"}, {"Content-Type", strings.Replace(all.header.Get("Content-Type"), ";", "; report-type=delivery-status;", 1)},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], oneLine(h[1]))
	}
	b.WriteString("\r\n")
	b.Write(all.body)
	return []byte(b.String())
}
