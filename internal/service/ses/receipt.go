package ses

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/postbox"
)

const (
	maxHead   = 256 << 10 // bytes of a message in which its headers are looked for
	maxNotice = 10 << 10  // bytes of headers that notices have
)

// A verdict is what came of a check of mail.
type verdict struct {
	Status string `json:"status"`
}

// Verdicts. That which nothing here finds out is grey, and not passed.
var (
	gray     = verdict{"GRAY"}
	disabled = verdict{"DISABLED"}
)

// scanned is the verdict on spam and viruses: there is nothing that scans.
func scanned(wanted bool) verdict {
	if wanted {
		return gray
	}
	return disabled
}

// checks are what was found out of who sent mail.
type checks struct {
	SPF, DKIM, DMARC verdict
	Policy           string `json:",omitempty"` // of DMARC, if mail did not pass
}

// check finds out who sent mail.
func (s *Service) check(context.Context, *postbox.Envelope, []byte) checks {
	return checks{SPF: gray, DKIM: gray, DMARC: gray}
}

// A receiptNotice is what events say of mail that came, and of what is done with it.
type receiptNotice struct {
	Timestamp  string       `json:"timestamp"`
	Took       int64        `json:"processingTimeMillis"`
	Recipients []string     `json:"recipients"`
	Spam       verdict      `json:"spamVerdict"`
	Virus      verdict      `json:"virusVerdict"`
	SPF        verdict      `json:"spfVerdict"`
	DKIM       verdict      `json:"dkimVerdict"`
	DMARC      verdict      `json:"dmarcVerdict"`
	Policy     string       `json:"dmarcPolicy,omitempty"`
	Action     actionNotice `json:"action"`
}

// An actionNotice is an action of a rule that is done.
type actionNotice struct {
	Type           string `json:"type"`
	Topic          string `json:"topicArn,omitempty"`
	Function       string `json:"functionArn,omitempty"`
	InvocationType string `json:"invocationType,omitempty"`
	Encoding       string `json:"encoding,omitempty"`
	Bucket         string `json:"bucketName,omitempty"`
	Prefix         string `json:"objectKeyPrefix,omitempty"`
	Key            string `json:"objectKey,omitempty"`
	ReplyCode      string `json:"smtpReplyCode,omitempty"`
	StatusCode     string `json:"statusCode,omitempty"`
	Message        string `json:"message,omitempty"`
	Sender         string `json:"sender,omitempty"`
}

// A receivedMail is what events say of the message itself.
type receivedMail struct {
	Timestamp   string         `json:"timestamp"`
	Source      string         `json:"source"`
	ID          string         `json:"messageId"`
	Destination []string       `json:"destination"`
	Truncated   bool           `json:"headersTruncated"`
	Headers     []headerNotice `json:"headers"`
	Common      receivedCommon `json:"commonHeaders"`
}

type receivedCommon struct {
	ReturnPath string   `json:"returnPath"`
	From       []string `json:"from,omitempty"`
	Date       string   `json:"date,omitempty"`
	To         []string `json:"to,omitempty"`
	CC         []string `json:"cc,omitempty"`
	BCC        []string `json:"bcc,omitempty"`
	Sender     string   `json:"sender,omitempty"`
	ReplyTo    []string `json:"replyTo,omitempty"`
	ID         string   `json:"messageId,omitempty"`
	Subject    string   `json:"subject,omitempty"`
}

// receiptOf is what events say of mail at an action of a rule.
func receiptOf(a *arrival, rule *met, action actionNotice, now time.Time) receiptNotice {
	scan := scanned(aws.Value(rule.ScanEnabled))
	return receiptNotice{
		Timestamp: stamp(a.At), Took: now.Sub(a.At).Milliseconds(), Recipients: rule.For, Spam: scan, Virus: scan,
		SPF: a.Checks.SPF, DKIM: a.Checks.DKIM, DMARC: a.Checks.DMARC, Policy: a.Checks.Policy, Action: action,
	}
}

// describe is what events say of a message, of which head is the beginning.
func describe(a *arrival, id string, head []byte) receivedMail {
	m := receivedMail{Timestamp: stamp(a.At), Source: a.From, ID: id, Destination: a.To, Headers: []headerNotice{}}
	m.Common.ReturnPath = a.From
	size := 0
	for _, h := range readHeaders(head) {
		m.Common.note(h)
		if size += len(h.Name) + len(h.Value); size > maxNotice {
			m.Truncated = true
			continue
		}
		m.Headers = append(m.Headers, h)
	}
	return m
}

// note takes from a header what is said of most.
func (c *receivedCommon) note(h headerNotice) {
	text := func(into *string) {
		if *into == "" {
			*into = decoded(h.Value)
		}
	}
	addresses := func(into *[]string) {
		if *into == nil {
			*into = addressList(h.Value)
		}
	}
	switch textproto.CanonicalMIMEHeaderKey(h.Name) {
	case "From":
		addresses(&c.From)
	case "Date":
		text(&c.Date)
	case "To":
		addresses(&c.To)
	case "Cc":
		addresses(&c.CC)
	case "Bcc":
		addresses(&c.BCC)
	case "Sender":
		text(&c.Sender)
	case "Reply-To":
		addresses(&c.ReplyTo)
	case "Message-Id":
		text(&c.ID)
	case "Subject":
		text(&c.Subject)
	}
}

// decoded is the text of a header whose words may be encoded.
func decoded(text string) string {
	if plain, err := new(mime.WordDecoder).DecodeHeader(text); err == nil {
		return plain
	}
	return text
}

// addressList is the addresses of a header, with their names as people read
// them. What cannot be read is given as it is.
func addressList(text string) (out []string) {
	list, err := mail.ParseAddressList(text)
	if err != nil {
		return []string{text}
	}
	for _, a := range list {
		switch {
		case a.Name == "":
			out = append(out, a.Address)
		case strings.ContainsAny(a.Name, `",<>()@:;\`):
			out = append(out, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Name)+`" <`+a.Address+">")
		default:
			out = append(out, a.Name+" <"+a.Address+">")
		}
	}
	return out
}

// readHeaders reads the headers of a message, in their order, each on one line.
// It ends where they do, or with what is no header.
func readHeaders(data []byte) (out []headerNotice) {
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if out != nil {
				out[len(out)-1].Value += " " + strings.Trim(line, " \t")
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name = strings.TrimRight(name, " \t")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			break
		}
		out = append(out, headerNotice{name, strings.ToValidUTF8(strings.Trim(value, " \t"), "\ufffd")})
	}
	return out
}

// lambdaEvent is what a function gets of mail.
func lambdaEvent(m receivedMail, r receiptNotice) ([]byte, error) {
	return json.Marshal(map[string]any{"Records": []any{map[string]any{
		"eventSource": "aws:ses", "eventVersion": "1.0", "ses": map[string]any{"mail": m, "receipt": r},
	}}})
}

// mailNotification is what a topic gets of mail; content is the message, if it is to
// have that.
func mailNotification(m receivedMail, r receiptNotice, content *string) ([]byte, error) {
	return json.Marshal(struct {
		Type    string        `json:"notificationType"`
		Mail    receivedMail  `json:"mail"`
		Receipt receiptNotice `json:"receipt"`
		Content *string       `json:"content,omitempty"`
	}{"Received", m, r, content})
}

// noticeOf is an action as events have it.
func noticeOf(a *api.ReceiptAction, id string) actionNotice {
	n := actionNotice{Topic: aws.Value(topicOf(a))}
	switch {
	case a.S3Action != nil:
		n.Type, n.Bucket, n.Prefix = "S3", a.S3Action.BucketName, aws.Value(a.S3Action.ObjectKeyPrefix)
		n.Key = n.Prefix + id
	case a.SNSAction != nil:
		n.Type, n.Encoding = "SNS", "UTF8"
		if aws.Value(a.SNSAction.Encoding) == api.SNSActionEncodingBase64 {
			n.Encoding = "BASE64"
		}
	case a.LambdaAction != nil:
		n.Type, n.Function, n.InvocationType = "Lambda", a.LambdaAction.FunctionArn, aws.Value(a.LambdaAction.InvocationType)
	case a.BounceAction != nil:
		b := a.BounceAction
		n.Type, n.ReplyCode, n.StatusCode, n.Message, n.Sender = "Bounce", b.SmtpReplyCode, aws.Value(b.StatusCode), b.Message, b.Sender
	case a.StopAction != nil:
		n.Type = "Stop"
	case a.AddHeaderAction != nil:
		n.Type = "AddHeader"
	}
	return n
}
