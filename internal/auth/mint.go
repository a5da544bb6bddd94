package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// A Mint makes access keys out of one secret of the installation, and knows
// those that it made.
type Mint struct {
	seal    cipher.AEAD
	ids     []byte
	secrets []byte
	opened  cache[string, *holder] // by token
}

// Credentials are an access key, and the token that goes with a temporary one.
type Credentials struct {
	AccessKey string
	Secret    string
	Token     string
	Expires   time.Time
}

// MintKeySize is the number of bytes in the secret of an installation.
const MintKeySize = 32

// NewMint returns the mint of the installation that has this secret.
func NewMint(secret []byte) (*Mint, error) {
	if len(secret) != MintKeySize {
		return nil, errors.New("auth: the secret of the installation has not 32 bytes")
	}
	derive := func(what string) []byte {
		key, err := hkdf.Key(sha256.New, secret, nil, "aloft "+what, 32)
		if err != nil {
			panic(err) // only of a length that SHA-256 cannot give
		}
		return key
	}
	block, err := aes.NewCipher(derive("tokens"))
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &Mint{seal: seal, ids: derive("ids"), secrets: derive("secrets")}, nil
}

// Kinds of ids, as AWS begins them.
const (
	permanentKey = "AKIA"
	temporaryKey = "ASIA"
)

// An id has 80 bits after its kind, in base 32. The first 41 are AWS's: a one,
// and the account. Then come 19 of chance and 20 that only the mint can make,
// by which it knows its own ids, those of deleted keys too.
const (
	chanceBits = 19
	proofBits  = 20
)

// newID returns an id for a key of an account.
func (m *Mint) newID(kind, account string) (string, error) {
	n, err := strconv.ParseUint(account, 10, 40)
	if err != nil {
		return "", err
	}
	var chance [4]byte
	rand.Read(chance[:])
	free := binary.BigEndian.Uint32(chance[:]) >> (32 - chanceBits)
	return m.id(kind, n, free), nil
}

func (m *Mint) id(kind string, account uint64, chance uint32) string {
	h := hmac.New(sha256.New, m.ids)
	h.Write([]byte(kind))
	h.Write(binary.BigEndian.AppendUint64(nil, account))
	h.Write(binary.BigEndian.AppendUint32(nil, chance))
	proof := binary.BigEndian.Uint32(h.Sum(nil)) >> (32 - proofBits)
	// 1 + 40 + 7 bits in the first six bytes, 32 in the last four.
	tail := uint64(chance)<<proofBits | uint64(proof)
	head := 1<<47 | account<<7 | tail>>32
	var b []byte
	b = binary.BigEndian.AppendUint16(b, uint16(head>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(head))
	b = binary.BigEndian.AppendUint32(b, uint32(tail))
	return kind + base32.StdEncoding.EncodeToString(b)
}

// Made reports whether m made the key of that id, be it deleted since.
func (m *Mint) Made(id string) bool {
	account, tail, ok := splitID(id)
	return ok && m.id(id[:4], account, uint32(tail>>proofBits)) == id
}

// splitID returns the account and the rest of what an id of AWS's form holds.
func splitID(id string) (account, tail uint64, ok bool) {
	if len(id) != 20 || id[:4] != permanentKey && id[:4] != temporaryKey {
		return 0, 0, false
	}
	b, err := base32.StdEncoding.DecodeString(id[4:])
	if err != nil {
		return 0, 0, false
	}
	head := uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
	return head >> 7 & (1<<40 - 1), head&0x7f<<32 | uint64(binary.BigEndian.Uint32(b[6:])), true
}

// AccountOf returns the account that an access key's id holds, as AWS's own do.
func AccountOf(id string) (string, bool) {
	n, _, ok := splitID(id)
	account := strconv.FormatUint(n, 10)
	if !ok || len(account) > 12 {
		return "", false
	}
	return strings.Repeat("0", 12-len(account)) + account, true
}

// NewKey makes a key that is good until somebody deletes it. Whoever keeps it
// sees to it that there is no other of its id.
func (m *Mint) NewKey(account string) (Credentials, error) {
	id, err := m.newID(permanentKey, account)
	if err != nil {
		return Credentials{}, err
	}
	var secret [30]byte
	rand.Read(secret[:])
	return Credentials{AccessKey: id, Secret: base64.StdEncoding.EncodeToString(secret[:])}, nil
}

// sealed is what a token holds.
type sealed struct {
	Kind       aws.Kind          `json:"k"`
	ARN        string            `json:"a"`
	ID         string            `json:"i"`
	Account    string            `json:"n"`
	Role       string            `json:"r,omitempty"`
	Issued     int64             `json:"f"` // s
	Expires    int64             `json:"u"` // s
	Policies   []string          `json:"p,omitempty"`
	Managed    []string          `json:"m,omitempty"`
	Tags       map[string]string `json:"t,omitempty"`
	Transitive []string          `json:"x,omitempty"`
	Source     string            `json:"s,omitempty"`
	Via        string            `json:"v,omitempty"`
}

// NewSession makes temporary credentials for p, whose Temporary says until
// when they are good.
func (m *Mint) NewSession(p aws.Principal) (Credentials, error) {
	t := p.Temporary
	id, err := m.newID(temporaryKey, p.Account)
	if err != nil {
		return Credentials{}, err
	}
	text, err := json.Marshal(sealed{
		Kind: p.Kind, ARN: p.ARN, ID: p.ID, Account: p.Account, Role: p.Role,
		Issued: t.Issued.Unix(), Expires: t.Expires.Unix(), Policies: t.Policies, Managed: t.ManagedPolicies,
		Tags: t.Tags, Transitive: t.TransitiveTags, Source: t.SourceIdentity, Via: t.Via,
	})
	if err != nil {
		return Credentials{}, err
	}
	nonce := make([]byte, m.seal.NonceSize(), m.seal.NonceSize()+len(text)+m.seal.Overhead())
	rand.Read(nonce)
	token := base64.StdEncoding.EncodeToString(m.seal.Seal(nonce, nonce, text, []byte(id)))
	return Credentials{AccessKey: id, Secret: m.secretOf(token), Token: token, Expires: time.Unix(t.Expires.Unix(), 0).UTC()}, nil
}

// secretOf returns the secret that goes with a token.
func (m *Mint) secretOf(token string) string {
	h := hmac.New(sha256.New, m.secrets)
	h.Write([]byte(token))
	return base64.StdEncoding.EncodeToString(h.Sum(nil)[:30])
}

// A holder is who holds an access key.
type holder struct {
	id        string
	secret    string
	principal aws.Principal
}

// open returns who holds a temporary key, or nil if m did not make it. It may
// have expired.
func (m *Mint) open(id, token string) *holder {
	if h, ok := m.opened.get(token); ok && h.id == id {
		return h
	}
	b, err := base64.StdEncoding.DecodeString(token)
	size := m.seal.NonceSize()
	if err != nil || len(b) < size {
		return nil
	}
	text, err := m.seal.Open(nil, b[:size], b[size:], []byte(id))
	if err != nil {
		return nil
	}
	var s sealed
	if json.Unmarshal(text, &s) != nil {
		return nil
	}
	h := &holder{id: id, secret: m.secretOf(token), principal: aws.Principal{
		Kind: s.Kind, ARN: s.ARN, ID: s.ID, Account: s.Account, Role: s.Role,
		Temporary: &aws.Temporary{
			Issued: time.Unix(s.Issued, 0), Expires: time.Unix(s.Expires, 0), Policies: s.Policies, ManagedPolicies: s.Managed,
			Tags: s.Tags, TransitiveTags: s.Transitive, SourceIdentity: s.Source, Via: s.Via,
		},
	}}
	m.opened.put(token, h)
	return h
}
