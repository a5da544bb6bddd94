package cloudfront

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
)

// TestSigned holds who is let in where requests must be signed for.
func TestSigned(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &behavior{CacheBehavior: api.CacheBehavior{TrustedKeyGroups: &api.TrustedKeyGroups{Enabled: true}}, keys: map[string]any{"K1": &key.PublicKey, "K2": &curve.PublicKey}}
	letters := strings.NewReplacer("+", "-", "=", "_", "/", "~")
	encode := func(b []byte) string { return letters.Replace(base64.StdEncoding.EncodeToString(b)) }
	sign := func(signer crypto.Signer, text string) string {
		t.Helper()
		h := crypto.SHA1.New()
		h.Write([]byte(text))
		signature, err := signer.Sign(rand.Reader, h.Sum(nil), crypto.SHA1)
		if err != nil {
			t.Fatal(err)
		}
		return encode(signature)
	}
	until := func(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }
	canned := func(url, until string) string {
		return `{"Statement":[{"Resource":"` + url + `","Condition":{"DateLessThan":{"AWS:EpochTime":` + until + `}}}]}`
	}
	hour, past := until(time.Hour), until(-time.Hour)

	f := func(name, query string, cookies map[string]string, want string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "http://d1.cloudfront.net/a/b.txt?"+query, nil)
		for name, value := range cookies {
			r.AddCookie(&http.Cookie{Name: "CloudFront-" + name, Value: value})
		}
		x := &exchange{v: &served{domain: "d1.cloudfront.net"}, b: b, r: r}
		a := x.trusted()
		got := ""
		if a != nil {
			text, err := io.ReadAll(a.body)
			if err != nil {
				t.Fatal(err)
			}
			got = string(text)
		}
		if want == "" && (got != "" || x.r.URL.RawQuery != "x=1") {
			t.Errorf("%s: %s, asks for %q", name, got, x.r.URL.RawQuery)
		}
		if want != "" && !strings.Contains(got, "<Code>"+want+"</Code>") {
			t.Errorf("%s: %q, want %s", name, got, want)
		}
	}
	url := "https://d1.cloudfront.net/a/b.txt?x=1"
	f("unsigned", "x=1", nil, "MissingKey")
	f("stranger", "x=1&Expires="+hour+"&Signature=aaaa&Key-Pair-Id=K9", nil, "InvalidKey")
	f("canned", "x=1&Expires="+hour+"&Signature="+sign(key, canned(url, hour))+"&Key-Pair-Id=K1", nil, "")
	f("of a curve", "x=1&Expires="+hour+"&Signature="+sign(curve, canned(url, hour))+"&Key-Pair-Id=K2", nil, "")
	f("of another", "x=1&Expires="+hour+"&Signature="+sign(curve, canned(url, hour))+"&Key-Pair-Id=K1", nil, "AccessDenied")
	f("too late", "x=1&Expires="+past+"&Signature="+sign(key, canned(url, past))+"&Key-Pair-Id=K1", nil, "AccessDenied")
	f("longer", "x=1&Expires="+until(2*time.Hour)+"&Signature="+sign(key, canned(url, hour))+"&Key-Pair-Id=K1", nil, "AccessDenied")
	f("other path", "x=1&Expires="+hour+"&Signature="+sign(key, canned("https://d1.cloudfront.net/a/c.txt?x=1", hour))+"&Key-Pair-Id=K1", nil, "AccessDenied")
	f("cookies", "x=1", map[string]string{"Expires": hour, "Signature": sign(key, canned(url, hour)), "Key-Pair-Id": "K1"}, "")
	f("not base64", "x=1&Expires="+hour+"&Signature=!&Key-Pair-Id=K1", nil, "MalformedSignature")

	custom := func(name, policy, want string) {
		t.Helper()
		f(name, "x=1&Policy="+encode([]byte(policy))+"&Signature="+sign(key, policy)+"&Key-Pair-Id=K1", nil, want)
		if want == "" {
			f(name+" by cookies", "x=1", map[string]string{"Policy": encode([]byte(policy)), "Signature": sign(key, policy), "Key-Pair-Id": "K1"}, "")
		}
	}
	policy := func(resource, condition string) string {
		return `{"Statement":[{"Resource":"` + resource + `","Condition":{` + condition + `"DateLessThan":{"AWS:EpochTime":` + hour + `}}}]}`
	}
	custom("wildcard", policy("https://d1.cloudfront.net/a/*", ""), "")
	custom("any scheme", policy("http*://d1.cloudfront.net/a/*", ""), "")
	custom("elsewhere", policy("https://d1.cloudfront.net/c/*", ""), "AccessDenied")
	custom("my network", policy("*", `"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"},`), "")
	custom("other network", policy("*", `"IpAddress":{"AWS:SourceIp":"192.0.3.0/24"},`), "AccessDenied")
	custom("not yet", policy("*", `"DateGreaterThan":{"AWS:EpochTime":`+hour+`},`), "AccessDenied")
	custom("no end", `{"Statement":[{"Resource":"*","Condition":{}}]}`, "MalformedPolicy")
}

// FuzzPolicy holds that a policy that is read has an end.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1}}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := readPolicy([]byte(text)); ok && p.Condition.DateLessThan == nil {
			t.Errorf("%s has no end", text)
		}
	})
}
