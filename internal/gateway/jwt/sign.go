package jwt

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// A Signer signs tokens with a key of the platform's.
type Signer struct {
	id  string
	key *rsa.PrivateKey
}

// NewKey makes a key to sign with, in PKCS #8, and its id.
func NewKey() (id string, der []byte, err error) {
	private, err := rsa.GenerateKey(rand.Reader, minBits)
	if err != nil {
		return "", nil, err
	}
	chance := make([]byte, 32)
	rand.Read(chance)
	der, err = x509.MarshalPKCS8PrivateKey(private)
	return base64.StdEncoding.EncodeToString(chance), der, err
}

// NewSigner returns who signs with a key that NewKey made.
func NewSigner(id string, der []byte) (*Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("jwt: the key is a %T", key)
	}
	return &Signer{id, private}, nil
}

// Sign writes a token.
func (g *Signer) Sign(claims map[string]any) (string, error) {
	header, err := json.Marshal(map[string]string{"kid": g.id, "alg": "RS256"})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, g.key, crypto.SHA256, sum[:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

// Keys are those by which tokens of g are verified.
func (g *Signer) Keys() Keys { return Keys{g.id: &g.key.PublicKey} }

// Set is the public half of the key, as a JSON Web Key Set.
func (g *Signer) Set() any {
	number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	return map[string]any{"keys": []map[string]string{{
		"alg": "RS256", "e": number(big.NewInt(int64(g.key.E))), "kid": g.id, "kty": "RSA", "n": number(g.key.N), "use": "sig",
	}}}
}
