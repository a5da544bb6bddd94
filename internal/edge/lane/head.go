package lane

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// A head is what comes before the body of a plain request.
type head struct {
	method, target, host string
	url                  *url.URL
	header               http.Header
	length               int64 // of the body
	close                bool  // the client wants no more
}

// What parse returns if there is no plain head.
const (
	more  = 0  // not yet
	other = -1 // and there will be none
)

const maxFields = 100

// parse reads the head that b begins with and returns its length, more or other.
func (h *head) parse(b []byte) int {
	end := headEnd(b)
	if end <= 0 {
		return end
	}
	text := string(b[:end])
	line, text, _ := strings.Cut(text, "\r\n")
	if !h.parseLine(line) {
		return other
	}
	n := strings.Count(text, "\r\n") - 1
	if n > maxFields {
		return other
	}
	h.header = make(http.Header, n)
	values := make([]string, 0, n)
	for {
		line, text, _ = strings.Cut(text, "\r\n")
		if line == "" {
			break
		}
		name, value, ok := cutField(line)
		if !ok {
			return other
		}
		if isSpecial(name) {
			keep, ok := h.special(name, value)
			if !ok {
				return other
			}
			if !keep {
				continue
			}
		}
		if old := h.header[name]; old != nil {
			h.header[name] = append(old, value)
			continue
		}
		values = append(values, value)
		i := len(values)
		h.header[name] = values[i-1 : i : i]
	}
	if h.host == "" {
		return other
	}
	return end
}

// headEnd returns the length of the head that b begins with, more or other.
func headEnd(b []byte) int {
	if len(b) > 0 && !('A' <= b[0] && b[0] <= 'Z') {
		return other // TLS, for one
	}
	for i, c := range b {
		if c != '\n' {
			continue
		}
		if i == 0 || b[i-1] != '\r' {
			return other
		}
		if i >= 3 && b[i-2] == '\n' {
			return i + 1
		}
	}
	return more
}

// parseLine reads the first line.
func (h *head) parseLine(line string) bool {
	method, rest, _ := strings.Cut(line, " ")
	target, proto, _ := strings.Cut(rest, " ")
	if proto != "HTTP/1.1" || method == http.MethodConnect || target == "" || target[0] != '/' {
		return false
	}
	for i := range len(method) {
		if c := method[i]; !('A' <= c && c <= 'Z') {
			return false
		}
	}
	h.method, h.target = method, target
	if target == "/" {
		h.url = &url.URL{Path: "/"}
		return true
	}
	var err error
	h.url, err = url.ParseRequestURI(target)
	return err == nil
}

// cutField takes a line of a head apart.
func cutField(line string) (name, value string, ok bool) {
	upper, canonical := true, true
	i := 0
	for ; i < len(line) && line[i] != ':'; i++ {
		c := line[i]
		switch kind := kinds[c]; {
		case kind&inName == 0:
			return "", "", false
		case upper && kind&isLower != 0, !upper && kind&isUpper != 0:
			canonical = false
		}
		upper = c == '-'
	}
	if i == 0 || i == len(line) {
		return "", "", false
	}
	name, value = line[:i], strings.Trim(line[i+1:], " \t")
	for j := range len(value) {
		if kinds[value[j]]&inValue == 0 {
			return "", "", false
		}
	}
	if !canonical {
		name = textproto.CanonicalMIMEHeaderKey(name)
	}
	return name, value, true
}

// isSpecial reports whether a field may say how the request is to be read.
func isSpecial(name string) bool {
	switch name {
	case "Host", "Content-Length", "Connection", "Transfer-Encoding", "Upgrade", "Expect", "Trailer", "Pragma", "Http2-Settings":
		return true
	}
	return false
}

// special takes in such a field. It reports whether handlers see it, and
// whether the request is plain with it.
func (h *head) special(name, value string) (keep, plain bool) {
	switch name {
	case "Host":
		if h.host != "" || value == "" || !isHost(value) {
			return false, false
		}
		h.host = value
		return false, true
	case "Content-Length":
		n, err := strconv.ParseUint(value, 10, 62)
		if h.header[name] != nil || err != nil || value[0] == '+' {
			return false, false
		}
		h.length = int64(n)
		return true, true
	case "Connection":
		h.close = strings.EqualFold(value, "close")
		return true, h.header[name] == nil && (h.close || strings.EqualFold(value, "keep-alive"))
	}
	return false, false
}

func isHost(s string) bool {
	for i := range len(s) {
		if kinds[s[i]]&inHost == 0 {
			return false
		}
	}
	return true
}

// Where a byte may be.
const (
	inName uint8 = 1 << iota
	inValue
	inHost
	isUpper
	isLower
)

var kinds = func() (k [256]uint8) {
	for c := range k {
		if c >= ' ' && c != 0x7f || c == '\t' {
			k[c] |= inValue
		}
		switch {
		case 'a' <= c && c <= 'z':
			k[c] |= inName | inHost | isLower
		case 'A' <= c && c <= 'Z':
			k[c] |= inName | inHost | isUpper
		case '0' <= c && c <= '9', c == '-', c == '_', c == '.':
			k[c] |= inName | inHost
		case c == ':', c == '[', c == ']':
			k[c] |= inHost
		}
	}
	return k
}()
