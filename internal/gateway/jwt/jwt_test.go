package jwt

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"
)

var now = time.Unix(1_700_000_000, 0)

func newKey(t testing.TB) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, minBits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encode(v any) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

func sign(t testing.TB, key *rsa.PrivateKey, header, claims map[string]any) string {
	text := encode(header) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func keySet(key *rsa.PublicKey, id string) []byte {
	set, _ := json.Marshal(map[string]any{"keys": []any{
		map[string]any{"kty": "EC", "kid": "other"},
		map[string]any{"kty": "RSA", "use": "sig", "kid": id, "n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())},
	}})
	return set
}

func TestVerify(t *testing.T) {
	key, other := newKey(t), newKey(t)
	keys, err := ParseKeys(keySet(&key.PublicKey, "k1"))
	if err != nil || len(keys) != 1 {
		t.Fatalf("%d keys: %v", len(keys), err)
	}
	good := map[string]any{"iss": "https://issuer", "aud": "me", "exp": now.Unix() + 60, "iat": now.Unix() - 60}
	with := func(changes map[string]any) map[string]any {
		c := maps.Clone(good)
		for k, v := range changes {
			if c[k] = v; v == nil {
				delete(c, k)
			}
		}
		return c
	}
	header := map[string]any{"alg": "RS256", "kid": "k1"}
	f := func(name, token string, want error) {
		t.Helper()
		parsed, err := Parse(token)
		if err == nil {
			err = parsed.Verify(keys, "https://issuer", []string{"me", "you"}, now)
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	f("good", sign(t, key, header, good), nil)
	f("of several", sign(t, key, header, with(map[string]any{"aud": []string{"x", "you"}})), nil)
	f("of a client", sign(t, key, header, with(map[string]any{"aud": nil, "client_id": "me"})), nil)
	f("other audience", sign(t, key, header, with(map[string]any{"aud": "they", "client_id": "me"})), ErrInvalid)
	f("no audience", sign(t, key, header, with(map[string]any{"aud": nil})), ErrInvalid)
	f("other issuer", sign(t, key, header, with(map[string]any{"iss": "https://issuer/"})), ErrInvalid)
	f("expired", sign(t, key, header, with(map[string]any{"exp": now.Unix()})), ErrInvalid)
	f("never expires", sign(t, key, header, with(map[string]any{"exp": nil})), ErrInvalid)
	f("expiry is text", sign(t, key, header, with(map[string]any{"exp": "9999999999"})), ErrInvalid)
	f("not yet", sign(t, key, header, with(map[string]any{"nbf": now.Unix() + 1})), ErrInvalid)
	f("from the future", sign(t, key, header, with(map[string]any{"iat": now.Unix() + 1})), ErrInvalid)
	f("signed by another", sign(t, other, header, good), ErrInvalid)
	f("other key", sign(t, key, map[string]any{"alg": "RS256", "kid": "k2"}, good), ErrKey)
	f("no algorithm", encode(map[string]any{"alg": "none", "kid": "k1"})+"."+encode(good)+".", ErrInvalid)
	f("secret of all", sign(t, key, map[string]any{"alg": "HS256", "kid": "k1"}, good), ErrInvalid)
	f("critical", sign(t, key, map[string]any{"alg": "RS256", "kid": "k1", "crit": []string{"b64"}}, good), ErrInvalid)
	f("changed", strings.Replace(sign(t, key, header, good), ".", ".e30", 1), ErrInvalid)
	f("cut", sign(t, key, header, good)[:100], ErrInvalid)
	f("long", strings.Repeat("a", maxToken+1), ErrInvalid)
	f("null", encode(header)+".bnVsbA.", ErrInvalid)
}

func TestClaims(t *testing.T) {
	token, err := Parse(sign(t, newKey(t), map[string]any{"alg": "RS256"}, map[string]any{
		"sub": "eve", "exp": 1583798639, "ok": true, "groups": []any{"a", 1}, "deep": map[string]any{"x": 1}, "none": nil, "scope": "read write", "scp": []any{"all"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"sub": "eve", "exp": "1583798639", "ok": "true", "groups": "[a 1]", "deep": `{"x":1}`, "scope": "read write", "scp": "[all]"}
	if got := token.Texts(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := fmt.Sprint(token.Scopes()); got != "[read write all]" {
		t.Errorf("got scopes %s", got)
	}
}

func TestParseKeys(t *testing.T) {
	if _, err := ParseKeys([]byte("nonsense")); err == nil {
		t.Error("nonsense is taken for keys")
	}
	weak := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1000), E: 65537}
	if keys, err := ParseKeys(keySet(weak, "k")); err != nil || len(keys) != 0 {
		t.Errorf("weak keys are taken: %v, %v", keys, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(encode(map[string]any{"alg": "RS256", "kid": "k"}) + "." + encode(map[string]any{"aud": []any{1, "x"}, "exp": 1e300}) + ".AAAA")
	key := newKey(f)
	f.Fuzz(func(t *testing.T, text string) {
		token, err := Parse(text)
		if err != nil {
			return
		}
		token.Texts()
		token.Scopes()
		if token.Verify(Keys{token.KeyID: &key.PublicKey}, "", []string{""}, now) == nil {
			t.Errorf("%q is taken for signed", text)
		}
	})
}

// What a signer signs, those verify who have its set of keys.
func TestSigner(t *testing.T) {
	id, der, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewSigner(id, der)
	if err != nil {
		t.Fatal(err)
	}
	text, err := g.Sign(map[string]any{"iss": "https://issuer", "aud": "me", "exp": now.Unix() + 60})
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(g.Set())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeys(set)
	if err != nil {
		t.Fatal(err)
	}
	token, err := Parse(text)
	if err != nil || token.Verify(keys, "https://issuer", []string{"me"}, now) != nil || token.Verify(g.Keys(), "https://issuer", []string{"me"}, now) != nil {
		t.Errorf("%s is not taken: %v", text, err)
	}
}
