package elasticloadbalancing

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

const (
	cookiePart = 3800 // letters of a cookie, of which browsers keep 4096 bytes
	cookieMost = 4    // parts
)

// A session is who a browser is: all of it is in its cookies.
type session struct {
	Subject, Issuer, Client, Access string
	Claims                          json.RawMessage
	Until                           time.Time
}

// sealed is what the session of a login is sealed as: one of another load
// balancer, or another provider, is none.
func (x *exchange) sealed(l *login) string {
	return strings.Join([]string{"session", x.b.arn.String(), l.cookie, l.issuer, l.client}, " ")
}

// session is what the browser's cookies say, or nil.
func (x *exchange) session(l *login) *session {
	var text strings.Builder
	for i := range cookieMost {
		c, err := x.r.Cookie(l.cookie + "-" + strconv.Itoa(i))
		if err != nil {
			break
		}
		text.WriteString(c.Value)
	}
	s := new(session)
	if text.Len() == 0 || !x.Service.open(text.String(), x.sealed(l), s) || !time.Now().Before(s.Until) {
		return nil
	}
	return s
}

// keep puts a session in cookies of the browser.
func (x *exchange) keep(l *login, s *session) error {
	s.Until = time.Now().Add(l.lasts)
	text, err := x.Service.seal(s, x.sealed(l))
	if err != nil {
		return err
	}
	for i := range cookieMost {
		part := text[:min(len(text), cookiePart)]
		until := s.Until
		if text = text[len(part):]; part == "" {
			until = time.Unix(1, 0) // what an earlier session left
		}
		x.setCookie(l.cookie+"-"+strconv.Itoa(i), part, until)
	}
	return nil
}
