package cognitoidentity

import (
	"context"
	"crypto/cipher"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-identity"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/master"
)

// Config is what identity pools stand on.
type Config struct {
	DB    *store.DB
	Table *dispatch.Table // of STS
	Key   string          // file of the key that the signing key is sealed with; empty in memory
	Log   *slog.Logger    // nil is slog.Default

	// Fetch gets what issuers of tokens publish.
	Fetch func(ctx context.Context, url string) ([]byte, error)
}

// Service is identity pools.
type Service struct {
	cfg     Config
	db      *store.DB
	issuers *jwt.Issuers
	master  func() (cipher.AEAD, error)
	signs   atomic.Pointer[jwt.Signer]
}

// New returns identity pools.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Service{
		cfg: cfg, db: cfg.DB, issuers: jwt.NewIssuers(cfg.Fetch),
		master: master.Later(cfg.Key),
	}
}

const (
	keysPath = "/.well-known/jwks_uri"
	metaPath = "/.well-known/openid-configuration"
)

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:   api.API,
		Pages: []service.Page{{Prefix: "/.well-known/", Takes: isPublished, Own: true, Serve: s.publish}},
		Operations: []service.Operation{
			service.Op(api.CreateIdentityPool, s.CreateIdentityPool, service.Any).But("Providers of IAM, Facebook, Amazon and Twitter are refused."),
			onPool(api.DescribeIdentityPool, s.DescribeIdentityPool),
			service.Op(api.UpdateIdentityPool, s.UpdateIdentityPool, poolOf).But("Providers of IAM, Facebook, Amazon and Twitter are refused."),
			onPool(api.DeleteIdentityPool, s.DeleteIdentityPool),
			service.Op(api.ListIdentityPools, s.ListIdentityPools, service.Any),
			onPool(api.SetIdentityPoolRoles, s.SetIdentityPoolRoles),
			onPool(api.GetIdentityPoolRoles, s.GetIdentityPoolRoles),
			onPool(api.SetPrincipalTagAttributeMap, s.SetPrincipalTagAttributeMap),
			onPool(api.GetPrincipalTagAttributeMap, s.GetPrincipalTagAttributeMap),
			onPool(api.ListIdentities, s.ListIdentities),
			service.Op(api.DescribeIdentity, s.DescribeIdentity, service.Any),
			service.Op(api.DeleteIdentities, s.DeleteIdentities, service.Any),
			onPool(api.GetOpenIdTokenForDeveloperIdentity, s.GetOpenIdTokenForDeveloperIdentity),

			service.OpEach(api.GetId, s.GetId, everybody),
			service.OpEach(api.GetOpenIdToken, s.GetOpenIdToken, everybody),
			service.OpEach(api.GetCredentialsForIdentity, s.GetCredentialsForIdentity, everybody).But("Whether a user has signed out meanwhile is not asked."),

			service.Op(api.TagResource, s.TagResource, service.ResourceArn),
			service.Op(api.UntagResource, s.UntagResource, service.ResourceArn),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceArn),
		},
	}
}

func isPublished(r *http.Request) bool {
	return strings.HasPrefix(r.Host, "cognito-identity.") && (r.URL.Path == keysPath || r.URL.Path == metaPath)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) // an error is the client's absence
}

// onPool is the row of an operation on the pool that its input names.
func onPool[In, Out any, P interface {
	*In
	GetIdentityPoolId() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(call *aws.Call, in *In) aws.ARN {
		return call.ARN("cognito-identity", kind+P(in).GetIdentityPoolId())
	})
}

// poolOf is the pool that is to be as in says.
func poolOf(call *aws.Call, in *api.IdentityPool) aws.ARN {
	return call.ARN("cognito-identity", kind+in.IdentityPoolId)
}

// everybody may do this: what it takes is in the input.
func everybody[In any](*aws.Call, *In, func(service.Access) error) error { return nil }
