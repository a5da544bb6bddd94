package cloudfront

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha1" // which signatures are of, unless they say otherwise
	_ "crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/gateway/glob"
)

// Where a request says that somebody has signed for it: names of parameters of
// its URL, or of cookies after "CloudFront-".
const (
	signedUntil     = "Expires"
	signedPolicy    = "Policy"
	signedSignature = "Signature"
	signedKey       = "Key-Pair-Id"
	signedHash      = "Hash-Algorithm"
)

var signedNames = map[string]bool{signedUntil: true, signedPolicy: true, signedSignature: true, signedKey: true, signedHash: true}

// errSigned is what is answered to a request that nobody has signed for.
func errSigned(code, words string) *answer {
	a := textAnswer(http.StatusForbidden, "text/xml", fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, words))
	a.header.Set("Server", "CloudFront")
	a.how = wrong
	return a
}

// trusted refuses a request unless a trusted key has signed for it, and takes
// from its URL what says so.
func (x *exchange) trusted() *answer {
	if x.b.TrustedKeyGroups == nil || !x.b.TrustedKeyGroups.Enabled {
		return nil
	}
	said, rest := signedIn(x.r)
	url := x.r.URL.EscapedPath()
	if rest != "" {
		url += "?" + rest
	}
	if said[signedKey] == "" {
		return errSigned("MissingKey", "Missing Key-Pair-Id query parameter or cookie value")
	}
	key := x.b.keys[said[signedKey]]
	if key == nil {
		return errSigned("InvalidKey", "Unknown Key")
	}
	signature, err := unsafeBase64(said[signedSignature])
	if err != nil || len(signature) == 0 {
		return errSigned("MalformedSignature", "Could not unencode Signature")
	}
	if policy := said[signedPolicy]; policy != "" {
		text, err := unsafeBase64(policy)
		if err != nil {
			return errSigned("MalformedPolicy", "Malformed Policy")
		}
		p, ok := readPolicy(text)
		if !ok {
			return errSigned("MalformedPolicy", "Malformed Policy")
		}
		if !verified(key, said[signedHash], text, signature) || !x.admits(p, url) {
			return errSigned("AccessDenied", "Access denied")
		}
	} else if !x.signedUntil(key, said, url, signature) {
		return errSigned("AccessDenied", "Access denied")
	}
	x.r = x.r.Clone(x.r.Context())
	x.r.URL.RawQuery = rest
	return nil
}

// signedIn finds what a request says of who signed for it, and the rest of its
// query.
func signedIn(r *http.Request) (said map[string]string, rest string) {
	said = make(map[string]string)
	for _, c := range r.Cookies() {
		if name, ok := strings.CutPrefix(c.Name, "CloudFront-"); ok && signedNames[name] {
			said[name] = c.Value
		}
	}
	var kept []string
	inURL := make(map[string]string)
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(part, "=")
		if signedNames[name] {
			inURL[name] = value
		} else if part != "" {
			kept = append(kept, part)
		}
	}
	if inURL[signedSignature] != "" || inURL[signedKey] != "" {
		said = inURL
	}
	return said, strings.Join(kept, "&")
}

// unsafeBase64 decodes base64 whose letters are those that URLs and cookies bear.
func unsafeBase64(text string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "=", "~", "/").Replace(text))
}

// verified reports whether a key signed a text.
func verified(key any, algorithm string, text, signature []byte) bool {
	hash := crypto.SHA1
	if algorithm == "SHA256" {
		hash = crypto.SHA256
	}
	h := hash.New()
	h.Write(text)
	switch key := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, hash, h.Sum(nil), signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, h.Sum(nil), signature)
	}
	return false
}

// addresses are the beginnings of URLs by which the request may be signed for.
func (x *exchange) addresses() []string {
	var all []string
	for _, host := range []string{x.r.Host, hostOnly(x.r.Host), x.v.domain} {
		all = append(all, "https://"+host, "http://"+host)
	}
	return all
}

// signedUntil reports whether a key signed for a URL, until a time that has not come.
func (x *exchange) signedUntil(key any, said map[string]string, url string, signature []byte) bool {
	until, err := strconv.ParseInt(said[signedUntil], 10, 64)
	if err != nil || !time.Now().Before(time.Unix(until, 0)) {
		return false
	}
	for _, address := range x.addresses() {
		text := `{"Statement":[{"Resource":"` + address + url + `","Condition":{"DateLessThan":{"AWS:EpochTime":` + said[signedUntil] + `}}}]}`
		if verified(key, said[signedHash], []byte(text), signature) {
			return true
		}
	}
	return false
}

// A signing is a policy that somebody signs: for what it is good, and when.
type signing struct {
	Resource  *string
	Condition struct {
		DateLessThan, DateGreaterThan *struct {
			Time json.Number `json:"AWS:EpochTime"`
		}
		IpAddress *struct {
			Source string `json:"AWS:SourceIp"`
		}
	}
}

func readPolicy(text []byte) (*signing, bool) {
	var p struct{ Statement []signing }
	if json.Unmarshal(text, &p) != nil || len(p.Statement) != 1 || p.Statement[0].Condition.DateLessThan == nil {
		return nil, false
	}
	return &p.Statement[0], true
}

// admits reports whether a policy is for the request, now.
func (x *exchange) admits(p *signing, url string) bool {
	now := time.Now()
	c := &p.Condition
	if until, err := c.DateLessThan.Time.Int64(); err != nil || !now.Before(time.Unix(until, 0)) {
		return false
	}
	if c.DateGreaterThan != nil {
		if since, err := c.DateGreaterThan.Time.Int64(); err != nil || !now.After(time.Unix(since, 0)) {
			return false
		}
	}
	if c.IpAddress != nil && !within(c.IpAddress.Source, x.context("").IP) {
		return false
	}
	if p.Resource == nil {
		return true
	}
	for _, address := range x.addresses() {
		if glob.Match(*p.Resource, address+url) || glob.Match(*p.Resource, url) || glob.Match(*p.Resource, strings.TrimPrefix(url, "/")) {
			return true
		}
	}
	return false
}

// within reports whether an address is of a network, or is that address.
func within(network, address string) bool {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	if p, err := netip.ParsePrefix(network); err == nil {
		return p.Contains(ip.Unmap())
	}
	one, err := netip.ParseAddr(network)
	return err == nil && one == ip.Unmap()
}
