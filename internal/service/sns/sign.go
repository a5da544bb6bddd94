package sns

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// certificatePath begins the path of the certificate that signatures are
// checked with.
const certificatePath = "/SimpleNotificationService-"

// A signingKey is the key that messages are signed with, and its certificate.
type signingKey struct {
	Key         []byte // PKCS #1
	Certificate []byte // PEM
}

// A signer signs messages. It makes its key when it is first needed.
type signer struct {
	db *store.DB

	mu   sync.Mutex
	key  *rsa.PrivateKey
	pem  []byte
	name string // of the certificate: a path
}

// ready makes or reads the key, unless it is there.
func (g *signer) ready(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.key != nil {
		return nil
	}
	row, err := g.load(ctx)
	if err != nil {
		return err
	}
	if g.key, err = x509.ParsePKCS1PrivateKey(row.Key); err != nil {
		return fmt.Errorf("key of signatures: %w", err)
	}
	sum := sha256.Sum256(row.Certificate)
	g.pem, g.name = row.Certificate, certificatePath+hex.EncodeToString(sum[:16])+".pem"
	return nil
}

// load reads the key, or keeps a new one.
func (g *signer) load(ctx context.Context) (row signingKey, err error) {
	err = g.db.View(ctx, func(tx *store.Tx) error {
		row, err = signingKeys.Get(tx, "")
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		return row, err
	}
	made, err := newSigningKey()
	if err != nil {
		return row, err
	}
	err = g.db.Update(ctx, func(tx *store.Tx) error {
		row, err = signingKeys.Get(tx, "")
		if errors.Is(err, store.ErrNotFound) {
			row = made
			return signingKeys.Put(tx, "", row)
		}
		return err
	})
	return row, err
}

func newSigningKey() (signingKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return signingKey{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return signingKey{}, err
	}
	of := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "sns.amazonaws.com", Organization: []string{"Aloft"}},
		DNSNames: []string{"sns.amazonaws.com"}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		return signingKey{}, err
	}
	return signingKey{x509.MarshalPKCS1PrivateKey(key), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, nil
}

// sign is the signature of text, of that version.
func (g *signer) sign(text, version string) (string, error) {
	var b []byte
	var err error
	if version == "2" {
		sum := sha256.Sum256([]byte(text))
		b, err = rsa.SignPKCS1v15(nil, g.key, crypto.SHA256, sum[:])
	} else {
		sum := sha1.Sum([]byte(text))
		b, err = rsa.SignPKCS1v15(nil, g.key, crypto.SHA1, sum[:])
	}
	return base64.StdEncoding.EncodeToString(b), err
}

// serve answers for the certificate.
func (g *signer) serve(w http.ResponseWriter, r *http.Request, _ *aws.Call) {
	if err := g.ready(r.Context()); err != nil || r.URL.Path != g.name {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Write(g.pem) // an error is the client's absence
}

// signed is what is signed of e.
func (e *envelope) signed() string {
	var b strings.Builder
	add := func(name, value string) { b.WriteString(name + "\n" + value + "\n") }
	add("Message", e.Message)
	add("MessageId", e.MessageID)
	if e.Type != "Notification" {
		add("SubscribeURL", e.SubscribeURL)
	} else if e.Subject != nil {
		add("Subject", *e.Subject)
	}
	add("Timestamp", e.Timestamp)
	if e.Type != "Notification" {
		add("Token", e.Token)
	}
	add("TopicArn", e.TopicARN)
	add("Type", e.Type)
	return b.String()
}

// sign signs e, unless it has its signature, for a subscription to t. Functions reach the certificate under
// AWS's own name; others under ours.
func (s *Service) sign(t *topic, e *envelope, arn aws.ARN, sub *subscription) (err error) {
	e.SignatureVersion = "1"
	if t.Attributes["SignatureVersion"] == "2" {
		e.SignatureVersion = "2"
	}
	base := strings.TrimSuffix(s.endpoint, "/")
	if sub.Protocol == "lambda" {
		base = "https://sns." + arn.Region + ".amazonaws.com"
	}
	e.SigningCertURL = base + s.signer.name
	if e.Signature == "" {
		e.Signature, err = s.signer.sign(e.signed(), e.SignatureVersion)
	}
	return err
}

// link is the URL of an operation that whoever has it may do.
func (s *Service) link(action string, parameters ...string) string {
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(s.endpoint, "/") + "/?Action=" + action)
	for i := 0; i < len(parameters); i += 2 {
		b.WriteString("&" + parameters[i] + "=" + parameters[i+1])
	}
	b.WriteString("&Version=2010-03-31")
	return b.String()
}
