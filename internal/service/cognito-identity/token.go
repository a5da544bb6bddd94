package cognitoidentity

import (
	"context"
	"errors"
	"net/http"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-identity"
	"github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	tokenLasts     = 10 * time.Minute
	developerLasts = 15 * time.Minute // usually
	sessionName    = "CognitoIdentityCredentials"
)

var keyPlace = aws.ARN{Service: "cognito-identity", Resource: "key"}

// signer returns who signs tokens of identity pools; its key is made when it is
// first needed.
func (s *Service) signer(ctx context.Context) (*jwt.Signer, error) {
	if known := s.signs.Load(); known != nil {
		return known, nil
	}
	box, err := s.master()
	if err != nil {
		return nil, err
	}
	id, der, err := jwt.NewKey()
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := keys.Get(tx, keyPlace)
		if errors.Is(err, store.ErrNotFound) {
			return keys.Put(tx, keyPlace, signingKey{id, box.Seal(nil, nil, der, nil)})
		}
		if err != nil {
			return err
		}
		id = row.ID
		der, err = box.Open(nil, nil, row.Sealed, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	known, err := jwt.NewSigner(id, der)
	if err == nil {
		s.signs.Store(known)
	}
	return known, err
}

// publish answers with where the key of identity pools is, and with the key.
func (s *Service) publish(w http.ResponseWriter, r *http.Request, _ *aws.Call) {
	signer, err := s.signer(r.Context())
	if err != nil {
		s.cfg.Log.Error("key of identity pools", "err", err)
		http.Error(w, `{"message":"The key cannot be read."}`, http.StatusInternalServerError)
		return
	}
	if r.URL.Path == keysPath {
		writeJSON(w, signer.Set())
		return
	}
	writeJSON(w, map[string]any{
		"issuer": backend.IdentityIssuer, "jwks_uri": backend.IdentityIssuer + keysPath, "authorization_endpoint": backend.IdentityIssuer + "/authorize",
		"response_types_supported": []string{"token id_token"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

// A bearer is an identity that was recognised.
type bearer struct {
	pool   *identityPool
	id     string
	logins []verified
	trusts []string // what its amr says besides, of a developer's login
}

// recognise finds the identity of an id, which must be that of the logins.
func (s *Service) recognise(ctx context.Context, id string, tokens map[string]string) (*bearer, error) {
	b := &bearer{id: id}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		b.pool, _, err = findIdentity(tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	own := ""
	if b.logins, own, err = s.verify(ctx, b.pool, tokens); err != nil {
		return nil, err
	}
	switch {
	case own != "" && own != id:
		return nil, unauthorized("Token is not for identity %s.", id)
	case own != "":
		b.trusts = []string{aws.Value(b.pool.DeveloperProviderName)}
		return b, nil
	case len(tokens) == 0 && !b.pool.AllowUnauthenticatedIdentities:
		return nil, errUnauthenticated()
	}
	return b, s.db.Update(ctx, func(tx *store.Tx) error {
		_, row, err := findIdentity(tx, id)
		if err != nil {
			return err
		}
		if len(tokens) == 0 && len(row.Logins) > 0 {
			return unauthorized("Access to Identity '%s' is forbidden.", id)
		}
		_, err = b.pool.identify(tx, id, b.logins)
		return err
	})
}

// token writes a token for b.
func (s *Service) token(ctx context.Context, b *bearer, lasts time.Duration, tags map[string]any) (string, error) {
	amr := []string{unauthenticated}
	if len(b.logins)+len(b.trusts) > 0 {
		amr = append([]string{authenticated}, b.trusts...)
	}
	for i, l := range b.logins {
		amr = append(amr, l.provider, l.provider+":CognitoSignIn:"+l.subject)
		if i == 0 && tags == nil {
			tags = b.pool.tags(&l)
		}
	}
	signer, err := s.signer(ctx)
	if err != nil {
		return "", err
	}
	at := time.Now()
	claims := map[string]any{
		"iss": backend.IdentityIssuer, "aud": b.pool.IdentityPoolId, "sub": b.id, "amr": amr, "iat": at.Unix(), "exp": at.Add(lasts).Unix(),
	}
	if len(tags) > 0 {
		claims["https://aws.amazon.com/tags"] = map[string]any{"principal_tags": tags}
	}
	return signer.Sign(claims)
}

// GetOpenIdToken gives an identity a token, for STS.
func (s *Service) GetOpenIdToken(ctx context.Context, call *aws.Call, in *api.GetOpenIdTokenInput) (*api.GetOpenIdTokenOutput, error) {
	b, err := s.recognise(ctx, in.IdentityId, in.Logins)
	if err != nil {
		return nil, err
	}
	if !aws.Value(b.pool.AllowClassicFlow) {
		return nil, invalid("Basic (classic) flow is not enabled, please use enhanced flow.")
	}
	token, err := s.token(ctx, b, tokenLasts, nil)
	if err != nil {
		return nil, err
	}
	return &api.GetOpenIdTokenOutput{IdentityId: &in.IdentityId, Token: &token}, nil
}

// GetCredentialsForIdentity gives an identity credentials of the role that it
// gets, if the role lets it in.
func (s *Service) GetCredentialsForIdentity(ctx context.Context, call *aws.Call, in *api.GetCredentialsForIdentityInput) (*api.GetCredentialsForIdentityOutput, error) {
	b, err := s.recognise(ctx, in.IdentityId, in.Logins)
	if err != nil {
		return nil, err
	}
	var role string
	if b.trusts != nil {
		role, err = b.pool.named(authenticated)
	} else {
		role, err = b.pool.roleOf(b.logins, aws.Value(in.CustomRoleArn))
	}
	if err != nil {
		return nil, err
	}
	token, err := s.token(ctx, b, tokenLasts, nil)
	if err != nil {
		return nil, err
	}
	as := &aws.Call{
		Account: b.pool.arn.Account, Region: b.pool.arn.Region, Principal: aws.Principal{Kind: aws.Federated, ARN: ownProvider}, RequestID: aws.NewRequestID(), SourceIP: call.SourceIP,
	}
	out, err := dispatch.CallChecked(ctx, s.cfg.Table, as, sts.AssumeRoleWithWebIdentity, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: role, RoleSessionName: sessionName, WebIdentityToken: token,
	})
	if _, refused := errors.AsType[*aws.Error](err); refused {
		return nil, api.InvalidIdentityPoolConfigurationException.Errorf("Invalid identity pool configuration. Check assigned IAM roles for this pool.")
	}
	if err != nil {
		return nil, err
	}
	c := out.Credentials
	return &api.GetCredentialsForIdentityOutput{IdentityId: &in.IdentityId, Credentials: &api.Credentials{
		AccessKeyId: &c.AccessKeyId, SecretKey: &c.SecretAccessKey, SessionToken: &c.SessionToken, Expiration: &c.Expiration,
	}}, nil
}

// GetOpenIdTokenForDeveloperIdentity gives a token to an identity that a server
// of the developer's vouches for.
func (s *Service) GetOpenIdTokenForDeveloperIdentity(ctx context.Context, call *aws.Call, in *api.GetOpenIdTokenForDeveloperIdentityInput) (*api.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	var p *identityPool
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		p, err = findPool(tx, call, in.IdentityPoolId)
		return err
	})
	if err != nil {
		return nil, err
	}
	provider := aws.Value(p.DeveloperProviderName)
	who := in.Logins[provider]
	if provider == "" || who == "" {
		return nil, invalid("You must provide a login for the developer provider of the identity pool.")
	}
	others := make(map[string]string)
	for name, token := range in.Logins {
		if name != provider {
			others[name] = token
		}
	}
	logins, _, err := s.verify(ctx, p, others)
	if err != nil {
		return nil, err
	}
	b := &bearer{pool: p, trusts: []string{provider, provider + ":" + in.IdentityPoolId + ":" + who}}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		b.id, err = p.identify(tx, aws.Value(in.IdentityId), append([]verified{{provider: provider, subject: who}}, logins...))
		return err
	})
	if err != nil {
		return nil, err
	}
	tags := make(map[string]any)
	for name, value := range in.PrincipalTags {
		tags[name] = []string{value}
	}
	lasts := developerLasts
	if in.TokenDuration != nil {
		lasts = time.Duration(*in.TokenDuration) * time.Second
	}
	token, err := s.token(ctx, b, lasts, tags)
	if err != nil {
		return nil, err
	}
	return &api.GetOpenIdTokenForDeveloperIdentityOutput{IdentityId: &b.id, Token: &token}, nil
}
