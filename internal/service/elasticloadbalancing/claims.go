package elasticloadbalancing

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Headers by which targets are told who asks.
const (
	oidcToken    = "X-Amzn-Oidc-Accesstoken"
	oidcIdentity = "X-Amzn-Oidc-Identity"
	oidcData     = "X-Amzn-Oidc-Data"
)

// keyHost is what the hosts begin with that have the key by which targets know
// what is true.
const keyHost = "public-keys.auth.elb."

const claimsLast = 2 * time.Minute // that a target may take them for true

// signers has the key that signs what targets are told, under no name.
var signers = store.NewTable[aws.ARN, signerRow]("elasticloadbalancing.signer")

type signerRow struct {
	ID  string
	Key []byte // private, in PKCS #8, sealed
}

// A signer signs claims.
type signer struct {
	id  string
	key *ecdsa.PrivateKey
}

// signer returns the one of this installation, which is made when it is needed first.
func (s *Service) signer(ctx context.Context) (*signer, error) {
	if known := s.signs.Load(); known != nil {
		return known, nil
	}
	fresh, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(fresh)
	if err != nil {
		return nil, err
	}
	var row signerRow
	err = s.db.Update(ctx, func(tx *store.Tx) (err error) {
		row, err = signers.Get(tx, aws.ARN{Service: serviceName})
		if errors.Is(err, store.ErrNotFound) {
			row = signerRow{aws.NewRequestID(), s.key.Seal(nil, nil, der, []byte("signer"))}
			err = signers.Put(tx, aws.ARN{Service: serviceName}, row)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if der, err = s.key.Open(nil, nil, row.Key, []byte("signer")); err != nil {
		return nil, err
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	made := &signer{row.ID, private.(*ecdsa.PrivateKey)}
	s.signs.Store(made)
	return made, nil
}

// sign makes a token. As on AWS, its parts are padded.
func (g *signer) sign(header, claims []byte) (string, error) {
	text := base64.URLEncoding.EncodeToString(header) + "." + base64.URLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, g.key, sum[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + base64.URLEncoding.EncodeToString(signature), nil
}

// tell tells the target who asks.
func (x *exchange) tell(s *session) error {
	g, err := x.signer(x.r.Context())
	if err != nil {
		return err
	}
	exp := min(time.Now().Add(claimsLast).Unix(), s.Until.Unix())
	header, err := json.Marshal(map[string]any{
		"typ": "JWT", "kid": g.id, "alg": "ES256", "iss": s.Issuer, "client": s.Client, "signer": x.b.arn.String(), "exp": exp,
	})
	if err != nil {
		return err
	}
	all := make(map[string]any)
	if err := json.Unmarshal(s.Claims, &all); err != nil {
		return err
	}
	all["exp"], all["iss"] = exp, s.Issuer
	claims, err := json.Marshal(all)
	if err != nil {
		return err
	}
	token, err := g.sign(header, claims)
	x.r.Header.Set(oidcToken, s.Access)
	x.r.Header.Set(oidcIdentity, s.Subject)
	x.r.Header.Set(oidcData, token)
	return err
}

// serveKey answers who checks what a target was told with the key for that.
func (s *Service) serveKey(w http.ResponseWriter, r *http.Request) {
	g, err := s.signer(r.Context())
	if err != nil || strings.TrimPrefix(r.URL.Path, "/") != g.id {
		http.NotFound(w, r)
		return
	}
	der, err := x509.MarshalPKIXPublicKey(&g.key.PublicKey)
	if err != nil {
		http.Error(w, "no key", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	if err := pem.Encode(w, &pem.Block{Type: "PUBLIC KEY", Bytes: der}); err != nil {
		return // nobody is there to be told
	}
}
