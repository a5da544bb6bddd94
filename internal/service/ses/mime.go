package ses

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// An attachment is a file that goes with a letter.
type attachment struct {
	name, kind, id string
	inline         bool
	data           []byte
}

// A part is one of a message, and what says how to read it.
type part struct {
	header textproto.MIMEHeader
	body   []byte
}

// oneLine is text that begins no other header.
func oneLine(s string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(s) }

// list is addresses as a header has them.
func list(addresses []string) string {
	out := make([]string, len(addresses))
	for i, text := range addresses {
		out[i] = oneLine(text)
		if a, err := mail.ParseAddress(text); err == nil && a.Name != "" {
			out[i] = a.String()
		}
	}
	return strings.Join(out, ", ")
}

// lines are the headers of a letter, but those of its content.
func (l *letter) lines(id string, at time.Time) (out [][2]string) {
	add := func(name, value string) {
		if value != "" {
			out = append(out, [2]string{name, value})
		}
	}
	add("From", list(slices.DeleteFunc([]string{l.source}, func(s string) bool { return s == "" })))
	add("To", list(l.to))
	add("Cc", list(l.cc))
	add("Reply-To", list(l.replyTo))
	add("Subject", mime.QEncoding.Encode("utf-8", oneLine(l.says.subject)))
	for _, h := range l.headers {
		add(h[0], oneLine(h[1]))
	}
	add("Date", at.UTC().Format(time.RFC1123Z))
	if id != "" {
		add("Message-ID", "<"+id+">")
	}
	return append(out, [2]string{"MIME-Version", "1.0"})
}

// write returns a letter as it goes over the wire.
func (l *letter) write(id string, at time.Time) []byte {
	var b bytes.Buffer
	for _, h := range l.lines(id, at) {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	p := l.content()
	for _, name := range []string{"Content-Type", "Content-Transfer-Encoding"} {
		if v := p.header.Get(name); v != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	b.WriteString("\r\n")
	b.Write(p.body)
	return b.Bytes()
}

// content is what a letter says: text, HTML or both, and its attachments.
func (l *letter) content() part {
	var bodies []part
	if l.says.text != "" || l.says.html == "" {
		bodies = append(bodies, textPart("text/plain", l.says.text))
	}
	if l.says.html != "" {
		bodies = append(bodies, textPart("text/html", l.says.html))
	}
	all := bodies[0]
	if len(bodies) > 1 {
		all = many("alternative", bodies)
	}
	if len(l.attachments) == 0 {
		return all
	}
	parts := []part{all}
	for _, a := range l.attachments {
		parts = append(parts, a.part())
	}
	return many("mixed", parts)
}

func textPart(kind, text string) part {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	w.Write([]byte(text)) // to memory
	w.Close()
	return part{textproto.MIMEHeader{"Content-Type": {kind + "; charset=UTF-8"}, "Content-Transfer-Encoding": {"quoted-printable"}}, b.Bytes()}
}

// many is parts as one.
func many(kind string, parts []part) part {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary("----=_Part_" + rand.Text()); err != nil {
		panic(err) // it is one
	}
	for _, p := range parts {
		if one, err := w.CreatePart(p.header); err == nil { // to memory
			one.Write(p.body)
		}
	}
	w.Close()
	return part{textproto.MIMEHeader{"Content-Type": {"multipart/" + kind + `; boundary="` + w.Boundary() + `"`}}, b.Bytes()}
}

func (a *attachment) part() part {
	h := textproto.MIMEHeader{"Content-Transfer-Encoding": {"base64"}}
	h.Set("Content-Type", cmp.Or(oneLine(a.kind), mime.TypeByExtension(a.name[strings.LastIndexByte(a.name, '.')+1:]), "application/octet-stream"))
	disposition := "attachment"
	if a.inline {
		disposition = "inline"
	}
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": oneLine(a.name)}))
	if a.id != "" {
		h.Set("Content-ID", "<"+oneLine(a.id)+">")
	}
	text := base64.StdEncoding.EncodeToString(a.data)
	var b bytes.Buffer
	for len(text) > 76 {
		b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	b.WriteString(text)
	return part{h, b.Bytes()}
}

// subject is what a letter is about.
func (l *letter) subject() string {
	if l.raw == nil {
		return l.says.subject
	}
	m, err := mail.ReadMessage(bytes.NewReader(l.raw))
	if err != nil {
		return ""
	}
	text, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return m.Header.Get("Subject")
	}
	return text
}

// readRaw takes from a whole message who sends it and to whom, where the caller
// did not say, and takes its blind copies out.
func (l *letter) readRaw(data []byte) error {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return invalid("The message is no message of MIME: %s", err)
	}
	l.raw = data
	if l.source == "" {
		l.source = m.Header.Get("From")
	}
	for _, h := range []struct {
		name string
		into *[]string
	}{{"To", &l.to}, {"Cc", &l.cc}, {"Bcc", &l.bcc}} {
		found, err := m.Header.AddressList(h.name)
		if err != nil {
			continue
		}
		for _, a := range found {
			*h.into = append(*h.into, a.Address)
		}
	}
	l.raw = withoutBcc(data)
	return nil
}

// withoutBcc removes the header that recipients must not see.
func withoutBcc(data []byte) []byte {
	head, body, found := bytes.Cut(data, []byte("\r\n\r\n"))
	end := "\r\n"
	if !found || bytes.Contains(head, []byte("\n\n")) {
		if head, body, found = bytes.Cut(data, []byte("\n\n")); !found {
			return data
		}
		end = "\n"
	}
	var out []string
	skip := false
	for line := range strings.SplitSeq(string(head), end) {
		if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			name, _, _ := strings.Cut(line, ":")
			skip = strings.EqualFold(strings.TrimSpace(name), "Bcc")
		}
		if !skip {
			out = append(out, line)
		}
	}
	return append([]byte(strings.Join(out, end)+end+end), body...)
}
