// Package jwt verifies JSON Web Tokens as authorizers of HTTP APIs do: signed
// with RSA by a key of the issuer's, in time, for the audience.
package jwt

import (
	"crypto"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for the others
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// ErrInvalid is the error of a token that is not good, or not any more.
var ErrInvalid = errors.New("invalid token")

// ErrExpired is that of a token that was good once; it is an ErrInvalid.
var ErrExpired = fmt.Errorf("%w: it has expired", ErrInvalid)

// ErrKey is that of a token signed with a key that is not among the issuer's.
var ErrKey = errors.New("no such key")

// A Token is one that was parsed.
type Token struct {
	KeyID  string
	Claims map[string]any // numbers are json.Number

	hash      crypto.Hash
	signed    string
	signature []byte
}

// maxToken is the longest token that is looked at, in bytes.
const maxToken = 16 << 10

// API Gateway takes signatures with RSA alone.
var hashes = map[string]crypto.Hash{"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512}

// Parse reads a token. What it says is not to be trusted before Verify.
func Parse(text string) (*Token, error) {
	if len(text) > maxToken {
		return nil, ErrInvalid
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, ErrInvalid
	}
	var header struct {
		Alg  string   `json:"alg"`
		Kid  string   `json:"kid"`
		Crit []string `json:"crit"`
	}
	t := &Token{signed: text[:len(parts[0])+1+len(parts[1])]}
	if decode(parts[0], &header) != nil || decode(parts[1], &t.Claims) != nil || t.Claims == nil || len(header.Crit) > 0 {
		return nil, ErrInvalid
	}
	var ok bool
	if t.hash, ok = hashes[header.Alg]; !ok {
		return nil, ErrInvalid
	}
	t.KeyID = header.Kid
	var err error
	if t.signature, err = base64.RawURLEncoding.Strict().DecodeString(parts[2]); err != nil {
		return nil, ErrInvalid
	}
	return t, nil
}

func decode(part string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	return d.Decode(v)
}

// Verify reports whether t is signed with one of keys, by issuer, for one of
// the audience, and good now.
func (t *Token) Verify(keys Keys, issuer string, audience []string, now time.Time) error {
	if err := t.VerifyIssued(keys, issuer, now); err != nil {
		return err
	}
	if !t.isFor(audience) {
		return ErrInvalid
	}
	return nil
}

// VerifyIssued reports whether t is signed with one of keys, by issuer, and good
// now, whoever it is for.
func (t *Token) VerifyIssued(keys Keys, issuer string, now time.Time) error {
	key := keys[t.KeyID]
	if key == nil {
		return ErrKey
	}
	h := t.hash.New()
	h.Write([]byte(t.signed))
	if rsa.VerifyPKCS1v15(key, t.hash, h.Sum(nil), t.signature) != nil {
		return ErrInvalid
	}
	if iss, _ := t.Claims["iss"].(string); iss != issuer {
		return ErrInvalid
	}
	expires, ok := t.time("exp")
	if !ok || !now.Before(expires) {
		return ErrExpired
	}
	for _, claim := range []string{"nbf", "iat"} {
		if at, ok := t.time(claim); ok && at.After(now) {
			return ErrInvalid
		}
	}
	return nil
}

// isFor reports whether the token is for one of the audience, or of a client
// that is one of them, if it has no audience.
func (t *Token) isFor(audience []string) bool {
	of := Values(t.Claims["aud"])
	if of == nil {
		of = Values(t.Claims["client_id"])
	}
	return slices.ContainsFunc(of, func(a string) bool { return slices.Contains(audience, a) })
}

func (t *Token) time(claim string) (time.Time, bool) {
	n, ok := t.Claims[claim].(json.Number)
	if !ok {
		return time.Time{}, false
	}
	f, err := n.Float64()
	if err != nil || !(f > -1e11 && f < 1e11) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(f * 1000)), true
}

// Scopes are those of the claims scope and scp.
func (t *Token) Scopes() []string {
	var all []string
	for _, claim := range []string{"scope", "scp"} {
		for _, v := range Values(t.Claims[claim]) {
			all = append(all, strings.Fields(v)...)
		}
	}
	return all
}

// Values are the strings of a claim that is one or a list.
func Values(claim any) []string {
	switch v := claim.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

// Texts are the claims as functions get them: all are strings, and a list is
// [a b].
func (t *Token) Texts() map[string]string {
	all := make(map[string]string, len(t.Claims))
	for name, v := range t.Claims {
		if list, ok := v.([]any); ok {
			parts := make([]string, len(list))
			for i, e := range list {
				parts[i] = text(e)
			}
			all[name] = "[" + strings.Join(parts, " ") + "]"
		} else if v != nil {
			all[name] = text(v)
		}
	}
	return all
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// Keys are an issuer's, by their ids.
type Keys map[string]*rsa.PublicKey

// minBits is the least that a key must have.
const minBits = 2048

// ParseKeys reads a JSON Web Key Set. Keys that are not for RSA are left out.
func ParseKeys(set []byte) (Keys, error) {
	var doc struct {
		Keys []struct {
			Kty string `json:"kty"`
			Kid string `json:"kid"`
			Use string `json:"use"`
			N   string `json:"n"`
			E   string `json:"e"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(set, &doc); err != nil {
		return nil, err
	}
	keys := make(Keys)
	for _, k := range doc.Keys {
		n, err := base64.RawURLEncoding.DecodeString(k.N)
		if err != nil || k.Kty != "RSA" || k.Use != "" && k.Use != "sig" {
			continue
		}
		e, err := base64.RawURLEncoding.DecodeString(k.E)
		if err != nil || len(e) == 0 || len(e) > 4 {
			continue
		}
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		if bits := key.N.BitLen(); bits >= minBits && bits <= 8192 && key.E > 2 && key.E < 1<<31 && key.E%2 == 1 {
			keys[k.Kid] = key
		}
	}
	return keys, nil
}
