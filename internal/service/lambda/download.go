package lambda

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	codeSuffix = "lambda-code" // of hosts that code is downloaded from
	linkLife   = 10 * time.Minute
)

// links make the URLs that code can be downloaded from for a while. Whoever
// has one needs nothing else.
type links struct{ key [32]byte }

func newLinks() links {
	var l links
	rand.Read(l.key[:])
	return l
}

// sign is the signature of a link to code until expires, in seconds since 1970.
func (l *links) sign(code, expires string) string {
	m := hmac.New(sha256.New, l.key[:])
	m.Write([]byte(expires + " " + code))
	return hex.EncodeToString(m.Sum(nil))
}

// codeURL returns a URL for code, for the client that made call.
func (s *Service) codeURL(call *aws.Call, key aws.ARN) string {
	expires := strconv.FormatInt(time.Now().Add(linkLife).Unix(), 10)
	scheme, host := s.host(call)
	u := url.URL{Scheme: scheme, Host: "code." + codeSuffix + "." + host, Path: "/", RawQuery: url.Values{
		"code": {key.String()}, "expires": {expires}, "signature": {s.links.sign(key.String(), expires)},
	}.Encode()}
	return u.String()
}

// serveCode answers the URLs that codeURL makes.
func (s *Service) serveCode(w http.ResponseWriter, r *http.Request, _ *aws.Call, _ string) {
	q := r.URL.Query()
	code, expires := q.Get("code"), q.Get("expires")
	until, err := strconv.ParseInt(expires, 10, 64)
	if !hmac.Equal([]byte(q.Get("signature")), []byte(s.links.sign(code, expires))) || err != nil || time.Now().Unix() > until {
		http.Error(w, "This link to a function's code is not valid, or not any more.", http.StatusForbidden)
		return
	}
	key, err := aws.ParseARN(code)
	if err != nil {
		http.Error(w, "This link to a function's code is not valid.", http.StatusForbidden)
		return
	}
	body, err := s.openCode(r.Context(), key)
	if errors.Is(err, store.ErrNotFound) {
		http.Error(w, "The function's code was deleted.", http.StatusNotFound)
		return
	}
	if err != nil {
		s.log.Error("download code", "code", code, "err", err)
		http.Error(w, "The code cannot be read.", http.StatusInternalServerError)
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", "application/zip")
	http.ServeContent(w, r, "", time.Time{}, body)
}
