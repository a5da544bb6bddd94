// Package srp is the server's half of the Secure Remote Password protocol,
// version 6a, as Amazon Cognito and its libraries speak it: a client proves that
// it knows a password, which it does not send and the server does not have.
//
//	client                              server
//	A = g^a                  --A-->
//	                         <--B--     B = k·v + g^b, with a salt
//	S = (B - k·g^x)^(a+u·x)             S = (A·v^u)^b
//	                         --proof--> HMAC of what both know, under a key made of S
//
// v = g^x is the verifier that the server keeps in place of the password, of
// which x is a hash. The group is the 3072-bit one of RFC 5054.
package srp

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
)

const prime = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74" +
	"020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437" +
	"4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
	"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05" +
	"98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB" +
	"9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B" +
	"E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718" +
	"3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33" +
	"A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7" +
	"ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864" +
	"D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2" +
	"08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF"

var (
	n    = number(prime)
	g    = big.NewInt(2)
	k    = hash(pad(n), pad(g))
	info = []byte("Caldera Derived Key")
)

const (
	saltSize   = 16 // bytes
	secretSize = 128
	keySize    = 16
	maxNumber  = 2 * 3072 / 8 * 2 // digits of a number that is read
)

// ErrNumber is the error of a number of the client's that is not one, or not one
// that it may choose.
var ErrNumber = errors.New("srp: not a public number of the protocol")

// A Verifier is what is kept of a password.
type Verifier struct{ Salt, Value []byte }

// NewVerifier returns a verifier of a password, of a user by that identity:
// what the password is of, and in which pool.
func NewVerifier(identity, password string) *Verifier {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	return newVerifier(salt, identity, password)
}

func newVerifier(salt []byte, identity, password string) *Verifier {
	inner := sha256.Sum256([]byte(identity + ":" + password))
	x := hash(pad(new(big.Int).SetBytes(salt)), inner[:])
	return &Verifier{salt, new(big.Int).Exp(g, x, n).Bytes()}
}

// Matches reports whether v is of that password.
func (v *Verifier) Matches(identity, password string) bool {
	return hmac.Equal(newVerifier(v.Salt, identity, password).Value, v.Value)
}

// SaltText is the salt as clients get it.
func (v *Verifier) SaltText() string { return new(big.Int).SetBytes(v.Salt).Text(16) }

// A Secret is what the server remembers of an exchange.
type Secret struct{ A, B, Key []byte }

// Begin answers a client that sent A, in hexadecimal digits, and returns B.
func (v *Verifier) Begin(a string) (*Secret, string, error) {
	secret := make([]byte, secretSize)
	rand.Read(secret)
	return v.begin(a, secret)
}

func (v *Verifier) begin(text string, secret []byte) (*Secret, string, error) {
	if len(text) > maxNumber {
		return nil, "", ErrNumber
	}
	a, ok := new(big.Int).SetString(text, 16)
	if !ok || a.Sign() <= 0 || new(big.Int).Mod(a, n).Sign() == 0 {
		return nil, "", ErrNumber
	}
	value, b := new(big.Int).SetBytes(v.Value), new(big.Int).SetBytes(secret)
	public := new(big.Int).Exp(g, b, n)
	public.Add(public, new(big.Int).Mul(k, value)).Mod(public, n)
	u := hash(pad(a), pad(public))
	if u.Sign() == 0 || public.Sign() == 0 {
		return nil, "", ErrNumber
	}
	s := new(big.Int).Exp(value, u, n)
	s.Mul(s, a).Exp(s.Mod(s, n), b, n)
	key, err := hkdf.Key(sha256.New, pad(s), pad(u), string(info), keySize)
	if err != nil {
		return nil, "", err
	}
	return &Secret{A: a.Bytes(), B: public.Bytes(), Key: key}, public.Text(16), nil
}

// Proves reports whether proof is that of a client that knows the password: of
// the parts, one after the other.
func (s *Secret) Proves(proof []byte, parts ...[]byte) bool {
	h := hmac.New(sha256.New, s.Key)
	for _, p := range parts {
		h.Write(p)
	}
	return hmac.Equal(h.Sum(nil), proof)
}

// pad is a number as it is hashed: in bytes, the first of which is below 0x80.
func pad(i *big.Int) []byte {
	b := i.Bytes()
	if len(b) == 0 || b[0] >= 0x80 {
		return append([]byte{0}, b...)
	}
	return b
}

func hash(parts ...[]byte) *big.Int {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return new(big.Int).SetBytes(h.Sum(nil))
}

// number reads a constant.
func number(digits string) *big.Int {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	return new(big.Int).SetBytes(b)
}
