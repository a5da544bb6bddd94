package mail

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
)

const (
	maxText  = 1 << 20 // bytes that are shown of a message
	maxParts = 20      // of parts in one another
)

// Text is what a message of MIME says, for people to read: its plain text, or
// else its HTML. What cannot be read is shown as it is.
func Text(data []byte) string {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return string(data)
	}
	text, html := read(textproto.MIMEHeader(m.Header), m.Body, 0)
	switch {
	case text != "":
		return text
	case html != "":
		return html
	}
	return ""
}

// read finds the text and the HTML of a part.
func read(h textproto.MIMEHeader, body io.Reader, depth int) (text, html string) {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") && depth < maxParts {
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			p, err := parts.NextRawPart()
			if err != nil {
				return text, html
			}
			t, h := read(p.Header, p, depth+1)
			if text == "" {
				text = t
			}
			if html == "" {
				html = h
			}
		}
	}
	if disposition, _, _ := mime.ParseMediaType(h.Get("Content-Disposition")); disposition == "attachment" || !strings.HasPrefix(kind, "text/") {
		return "", ""
	}
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	b, _ := io.ReadAll(io.LimitReader(body, maxText)) // what there is of it
	if kind == "text/html" {
		return "", string(b)
	}
	return string(b), ""
}
