package srp

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"math/big"
	"testing"
)

// prove is the client's half.
func prove(t *testing.T, a *big.Int, b, salt, identity, password string, parts ...[]byte) []byte {
	t.Helper()
	public, _ := new(big.Int).SetString(b, 16)
	s, _ := new(big.Int).SetString(salt, 16)
	inner := sha256.Sum256([]byte(identity + ":" + password))
	x := hash(pad(s), inner[:])
	u := hash(pad(new(big.Int).Exp(g, a, n)), pad(public))
	base := new(big.Int).Sub(public, new(big.Int).Mul(k, new(big.Int).Exp(g, x, n)))
	shared := base.Exp(base.Mod(base, n), new(big.Int).Add(a, new(big.Int).Mul(u, x)), n)
	key, err := hkdf.Key(sha256.New, pad(shared), pad(u), "Caldera Derived Key", keySize)
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func TestProof(t *testing.T) {
	const who = "Pooleve"
	v := NewVerifier(who, "secret")
	a := big.NewInt(0).SetBytes([]byte("some number that nobody knows, long enough"))
	f := func(password string, want bool) {
		t.Helper()
		s, b, err := v.Begin(new(big.Int).Exp(g, a, n).Text(16))
		if err != nil {
			t.Fatal(err)
		}
		proof := prove(t, a, b, v.SaltText(), who, password, []byte("pool"), []byte("now"))
		if got := s.Proves(proof, []byte("poolnow")); got != want {
			t.Errorf("password %q: proves is %v, want %v", password, got, want)
		}
		if s.Proves(proof, []byte("poolthen")) {
			t.Error("a proof is of other parts")
		}
	}
	f("secret", true)
	f("Secret", false)
	if !v.Matches(who, "secret") || v.Matches(who, "other") || v.Matches("Poolbob", "secret") {
		t.Error("a verifier matches what it is not of")
	}
}

// A client that chooses A so that S is known beforehand is refused.
func TestBadNumbers(t *testing.T) {
	v := NewVerifier("x", "y")
	for _, a := range []string{"", "0", "zz", "-1", n.Text(16), new(big.Int).Mul(n, big.NewInt(3)).Text(16), prime + prime + prime + prime + prime} {
		if _, _, err := v.Begin(a); err == nil {
			t.Errorf("A = %.20s is taken", a)
		}
	}
}

func FuzzBegin(f *testing.F) {
	v := NewVerifier("x", "y")
	f.Add("ab12")
	f.Add("+1")
	f.Fuzz(func(t *testing.T, a string) {
		s, b, err := v.Begin(a)
		if err == nil && (len(s.Key) != keySize || b == "") {
			t.Errorf("%q: no key", a)
		}
	})
}
