package platformtest

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platform"
)

// plain makes a request that is no operation: input is its URL, and what it says.
func plain(t *testing.T, p *platform.Platform, method, input string) answer {
	t.Helper()
	url, rest, _ := strings.Cut(input, " ")
	var headers map[string]string
	if err := json.Unmarshal([]byte(cmp.Or(rest, "{}")), &headers); err != nil {
		t.Fatalf("%s %s: %v", method, input, err)
	}
	q := httptest.NewRequest(method, url, strings.NewReader(headers["Body"]))
	q.RemoteAddr = "127.0.0.1:50000"
	q.Header.Set("Authorization", caller{account, "us-east-1"}.authorization("s3"))
	for name, value := range headers {
		switch {
		case name == "Body":
		case value == "":
			q.Header.Del(name)
		default:
			q.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	p.Handler.ServeHTTP(w, q)
	a := answer{operation: method, status: w.Code}
	a.body = map[string]any{"StatusCode": float64(w.Code), "Headers": w.Header(), "Body": w.Body.String()}
	if strings.HasSuffix(w.Header().Get("Content-Type"), "/xml") {
		body, err := elements(xml.NewDecoder(w.Body))
		if err != nil {
			t.Fatalf("%s %s: %v", method, input, err)
		}
		a.body["Body"] = body
	}
	return a
}

// elements tells what is in an element: its text, or the elements in it by name,
// those that come more than once as a list. It reads up to the element's end.
func elements(d *xml.Decoder) (any, error) {
	var text strings.Builder
	in := make(map[string]any)
	for {
		token, err := d.Token()
		switch token := token.(type) {
		case xml.StartElement:
			inner, err := elements(d)
			if err != nil {
				return nil, err
			}
			for _, a := range token.Attr {
				if m, ok := inner.(map[string]any); ok && a.Name.Local == "xmlns" {
					m["@xmlns"] = a.Value
				}
			}
			name := token.Name.Local
			if before, ok := in[name]; !ok {
				in[name] = inner
			} else if list, ok := before.([]any); ok {
				in[name] = append(list, inner)
			} else {
				in[name] = []any{before, inner}
			}
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			if len(in) == 0 && text.Len() == 0 {
				return nil, nil
			}
			if len(in) == 0 {
				return text.String(), nil
			}
			return in, nil
		}
		if err == io.EOF {
			return in, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// unsaid are headers of a connection, which there is none of here, and the name of
// the server, which ours is not.
var unsaid = map[string]bool{"Date": true, "Connection": true, "Transfer-Encoding": true, "Server": true}

// named are headers with the names they have in want, if they are told of there.
func named(h http.Header, want any) map[string]any {
	out := make(map[string]any)
	for name, values := range h {
		out[name] = strings.Join(values, ", ")
	}
	w, _ := want.(map[string]any)
	for name, value := range w {
		canonical := http.CanonicalHeaderKey(name)
		if v, ok := out[canonical]; ok {
			delete(out, canonical)
			out[name] = v
		} else if unsaid[canonical] {
			out[name] = value
		}
	}
	return out
}
