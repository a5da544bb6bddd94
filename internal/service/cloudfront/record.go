package cloudfront

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
)

// place is where a request is answered, as AWS names an edge location.
const place = "ALOFT1-P1"

// A record is a request that was answered, as logs tell of it.
type record struct {
	x     *exchange
	r     *http.Request // as the viewer has made it
	a     *answer
	w     *measured
	began time.Time
	ended time.Time
}

// A measured is a response of which is known how much it was, and when it began.
type measured struct {
	http.ResponseWriter
	status int
	size   int64 // with its headers
	first  time.Time
}

// WriteHeader implements http.ResponseWriter.
func (w *measured) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.first = status, time.Now()
		w.size = sizeOf(w.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (w *measured) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(b)
	w.size += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *measured) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// sizeOf is how many bytes a header is, with the line before it.
func sizeOf(h http.Header) int64 {
	var n counter
	h.Write(&n)
	return int64(n) + int64(len("HTTP/1.1 200 OK\r\n\r\n"))
}

type counter int64

// Write implements io.Writer.
func (n *counter) Write(b []byte) (int, error) {
	*n += counter(len(b))
	return len(b), nil
}

// logged reports whether the request is one that is told to a log.
func (x *exchange) logged() bool {
	return x.b != nil && (aws.Value(x.v.config.Logging.Enabled) || x.b.realtime != nil)
}

// tell tells logs of the request.
func (x *exchange) tell(t *record) {
	t.ended = time.Now()
	if aws.Value(x.v.config.Logging.Enabled) {
		x.logs.Add(accesslog.Place{Group: x.v.arn, Stream: standardLog}, accesslog.Line{At: t.began, Text: t.line(standardFields)})
	}
	if c := x.b.realtime; c != nil && rand.Int64N(100) < c.SamplingRate {
		at := accesslog.Place{Group: realtimeLogs.arn(&aws.Call{Account: x.v.arn.Account}, c.Name), Stream: realtimeLog}
		x.logs.Add(at, accesslog.Line{At: t.began, Text: t.line(c.Fields) + "\n"})
	}
}

// line is the values of fields, with tabs between them.
func (t *record) line(fields []string) string {
	values := make([]string, len(fields))
	for i, name := range fields {
		if values[i] = t.value(name); values[i] == "" {
			values[i] = "-"
		}
	}
	return strings.Join(values, "\t")
}

// value is what a log says in a field, "" if that is nothing. Names are of both
// kinds of log, which differ.
func (t *record) value(name string) string {
	if f := ofRequest[name]; f != nil {
		return f(t.x, t.r)
	}
	if f := ofAnswer[name]; f != nil {
		return f(t)
	}
	return ""
}

var ofRequest = map[string]func(x *exchange, r *http.Request) string{
	"c-ip":            func(x *exchange, r *http.Request) string { return x.context("").IP },
	"cs-method":       func(_ *exchange, r *http.Request) string { return r.Method },
	"cs(Host)":        func(x *exchange, _ *http.Request) string { return x.v.domain },
	"cs-host":         func(x *exchange, _ *http.Request) string { return x.v.domain },
	"x-host-header":   func(_ *exchange, r *http.Request) string { return hostOnly(r.Host) },
	"cs-uri-stem":     func(_ *exchange, r *http.Request) string { return r.URL.EscapedPath() },
	"cs-uri-query":    func(_ *exchange, r *http.Request) string { return plain(r.URL.RawQuery) },
	"cs(Referer)":     func(_ *exchange, r *http.Request) string { return plain(r.Referer()) },
	"cs-referer":      func(_ *exchange, r *http.Request) string { return plain(r.Referer()) },
	"cs(User-Agent)":  func(_ *exchange, r *http.Request) string { return plain(r.UserAgent()) },
	"cs-user-agent":   func(_ *exchange, r *http.Request) string { return plain(r.UserAgent()) },
	"cs-cookie":       func(_ *exchange, r *http.Request) string { return plain(r.Header.Get("Cookie")) },
	"cs-accept":       func(_ *exchange, r *http.Request) string { return plain(r.Header.Get("Accept")) },
	"x-forwarded-for": func(_ *exchange, r *http.Request) string { return plain(r.Header.Get("X-Forwarded-For")) },
	"cs(Cookie)": func(x *exchange, r *http.Request) string {
		if !aws.Value(x.v.config.Logging.IncludeCookies) {
			return ""
		}
		return plain(r.Header.Get("Cookie"))
	},
	"cs-accept-encoding":  func(_ *exchange, r *http.Request) string { return plain(r.Header.Get("Accept-Encoding")) },
	"cs-protocol-version": func(_ *exchange, r *http.Request) string { return r.Proto },
	"cs-protocol": func(x *exchange, _ *http.Request) string {
		if x.call.Secure {
			return "https"
		}
		return "http"
	},
	"cs-bytes": func(_ *exchange, r *http.Request) string {
		line := len(r.Method) + len(r.URL.RequestURI()) - len("200 OK") + len("Host: \r\n") + len(r.Host)
		return strconv.FormatInt(sizeOf(r.Header)+int64(line)+max(r.ContentLength, 0), 10)
	},
	"c-ip-version": func(x *exchange, _ *http.Request) string {
		if strings.Contains(x.context("").IP, ":") {
			return "IPv6"
		}
		return "IPv4"
	},
	"c-port": func(_ *exchange, r *http.Request) string {
		_, port, _ := net.SplitHostPort(r.RemoteAddr)
		return port
	},
	"ssl-protocol": func(_ *exchange, r *http.Request) string {
		if r.TLS == nil {
			return ""
		}
		return strings.Replace(tls.VersionName(r.TLS.Version), "TLS ", "TLSv", 1)
	},
	"ssl-cipher": func(_ *exchange, r *http.Request) string {
		if r.TLS == nil {
			return ""
		}
		return tls.CipherSuiteName(r.TLS.CipherSuite)
	},
	"cs-headers":       func(_ *exchange, r *http.Request) string { return plain(headerLines(r, true)) },
	"cs-header-names":  func(_ *exchange, r *http.Request) string { return plain(headerLines(r, false)) },
	"cs-headers-count": func(_ *exchange, r *http.Request) string { return strconv.Itoa(len(r.Header) + 1) },
}

var ofAnswer = map[string]func(t *record) string{
	"date":              func(t *record) string { return t.began.UTC().Format(time.DateOnly) },
	"time":              func(t *record) string { return t.began.UTC().Format(time.TimeOnly) },
	"timestamp":         func(t *record) string { return fmt.Sprintf("%d.%03d", t.began.Unix(), t.began.Nanosecond()/1e6) },
	"x-edge-location":   func(t *record) string { return place },
	"x-edge-request-id": func(t *record) string { return t.x.id },
	"sc-status":         func(t *record) string { return fmt.Sprintf("%03d", t.w.status) },
	"sc-bytes":          func(t *record) string { return strconv.FormatInt(t.w.size, 10) },
	"time-taken":        func(t *record) string { return seconds(t.began, t.ended) },
	"time-to-first-byte": func(t *record) string {
		if t.w.first.IsZero() {
			return seconds(t.began, t.ended)
		}
		return seconds(t.began, t.w.first)
	},
	"x-edge-result-type":          (*record).how,
	"x-edge-response-result-type": (*record).how,
	"x-edge-detailed-result-type": (*record).how,
	"sc-content-type":             func(t *record) string { return plain(t.w.Header().Get("Content-Type")) },
	"sc-content-len":              func(t *record) string { return t.w.Header().Get("Content-Length") },
	"sc-range-start":              func(t *record) string { return t.span(0) },
	"sc-range-end":                func(t *record) string { return t.span(1) },
	"cache-behavior-path-pattern": func(t *record) string { return t.x.b.PathPattern },
	"origin-fbl": func(t *record) string {
		if t.x.asked.IsZero() {
			return ""
		}
		return seconds(t.x.asked, t.x.heard)
	},
	"origin-lbl": func(t *record) string {
		if t.x.asked.IsZero() {
			return ""
		}
		return seconds(t.x.asked, t.ended)
	},
}

// how says how the answer came to be: Hit, Miss, Error, Redirect and others.
func (t *record) how() string {
	if word, ok := strings.CutSuffix(t.a.how, " from cloudfront"); ok {
		return word
	}
	return "Miss"
}

// span is the first or last byte of an answer that is a part.
func (t *record) span(i int) string {
	of, _, _ := strings.Cut(strings.TrimPrefix(t.w.Header().Get("Content-Range"), "bytes "), "/")
	if ends := strings.Split(of, "-"); len(ends) == 2 {
		return ends[i]
	}
	return ""
}

func seconds(from, to time.Time) string {
	return strconv.FormatFloat(to.Sub(from).Seconds(), 'f', 3, 64)
}

// headerLines are the headers of a request, a line each.
func headerLines(r *http.Request, values bool) string {
	var b strings.Builder
	put := func(name, value string) {
		b.WriteString(name)
		if values {
			b.WriteString(":" + value)
		}
		b.WriteByte('\n')
	}
	put("Host", r.Host)
	for name, all := range r.Header {
		put(name, strings.Join(all, ","))
	}
	return b.String()
}

// plain is a text in which what would end a field, or a line, or a quotation is
// written as it is in URLs.
func plain(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"'<>[\\]^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
