package sigv4

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"math/big"
	"strings"
	"sync"
)

// A key checks signatures of one scope: access key, day, region and service.
type key interface {
	// check reports whether signature is that of text.
	check(text []byte, signature string) bool
}

// secretKey is the key of SigV4: a MAC, derived from the secret step by step.
type secretKey struct {
	bytes []byte
	macs  sync.Pool // of hash.Hash
}

func deriveKey(secret, date, region, service string) *secretKey {
	k := mac([]byte("AWS4"+secret), date)
	k = mac(k, region)
	k = mac(k, service)
	k = mac(k, terminator)
	return &secretKey{bytes: k, macs: sync.Pool{New: func() any { return hmac.New(sha256.New, k) }}}
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// appendSign appends the signature of text, in hexadecimal, to b.
func (k *secretKey) appendSign(b, text []byte) []byte {
	var sum [sha256.Size]byte
	h := k.macs.Get().(hash.Hash)
	h.Reset()
	h.Write(text)
	b = hex.AppendEncode(b, h.Sum(sum[:0]))
	k.macs.Put(h)
	return b
}

func (k *secretKey) check(text []byte, signature string) bool {
	var room [2 * sha256.Size]byte
	return subtle.ConstantTimeCompare(k.appendSign(room[:0], text), []byte(signature)) == 1
}

// publicKey is the key of SigV4a.
type publicKey struct{ *ecdsa.PublicKey }

// derivePrivateKey makes the ECDSA key of an access key and its secret: a
// number below the order of the curve, drawn from a MAC in counter mode
// (NIST SP 800-108) until it fits.
func derivePrivateKey(accessKey, secret string) (*ecdsa.PrivateKey, error) {
	curve := elliptic.P256()
	limit := new(big.Int).Sub(curve.Params().N, big.NewInt(2))
	for counter := byte(1); counter != 0; counter++ {
		h := hmac.New(sha256.New, []byte("AWS4A"+secret))
		h.Write([]byte{0, 0, 0, 1})
		h.Write([]byte(algorithm4a))
		h.Write([]byte{0})
		h.Write([]byte(accessKey))
		h.Write([]byte{counter, 0, 0, 1, 0})
		n := new(big.Int).SetBytes(h.Sum(nil))
		if n.Cmp(limit) > 0 {
			continue
		}
		n.Add(n, big.NewInt(1))
		return ecdsa.ParseRawPrivateKey(curve, n.FillBytes(make([]byte, 32)))
	}
	return nil, errors.New("sigv4: no key for SigV4a")
}

// check accepts the padding that signatures of chunks have.
func (k publicKey) check(text []byte, signature string) bool {
	der, err := hex.DecodeString(strings.TrimRight(signature, "*"))
	if err != nil {
		return false
	}
	sum := sha256.Sum256(text)
	return ecdsa.VerifyASN1(k.PublicKey, sum[:], der)
}

// maxKeys bounds what a Verifier remembers; past it, it begins anew.
const maxKeys = 4096

type keyName struct {
	accessKey, date, region, service string
	asymmetric                       bool
}

type keyEntry struct {
	secret string // that the key was derived from: one may come to have another
	key    key
}

// key returns the key that secret and the scope of s make.
func (v *Verifier) key(s *Signature, secret string) (key, error) {
	name := keyName{s.AccessKey, s.date, s.Region, s.Service, s.asymmetric}
	if s.asymmetric {
		name = keyName{accessKey: s.AccessKey, asymmetric: true}
	}
	v.mu.RLock()
	e, ok := v.keys[name]
	v.mu.RUnlock()
	if ok && subtle.ConstantTimeCompare([]byte(e.secret), []byte(secret)) == 1 {
		return e.key, nil
	}
	e = keyEntry{secret: secret}
	if s.asymmetric {
		private, err := derivePrivateKey(s.AccessKey, secret)
		if err != nil {
			return nil, err
		}
		e.key = publicKey{&private.PublicKey}
	} else {
		e.key = deriveKey(secret, s.date, s.Region, s.Service)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys == nil || len(v.keys) >= maxKeys {
		v.keys = make(map[keyName]keyEntry)
	}
	v.keys[name] = e
	return e.key, nil
}
