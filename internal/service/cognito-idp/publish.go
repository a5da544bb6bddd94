package cognitoidp

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	keysPath = "/.well-known/jwks.json"
	metaPath = "/.well-known/openid-configuration"
)

// published is what pools publish, on hosts of the service as on those of none.
var published = regexp.MustCompile(`^/[\w-]+_[0-9A-Za-z]+/\.well-known/(jwks\.json|openid-configuration)$`)

func isPublished(r *http.Request) bool {
	return strings.Contains(r.URL.Path, "/.well-known/") && published.MatchString(r.URL.Path)
}

// publish answers with the keys of a pool, or with where what is.
func (s *Service) publish(w http.ResponseWriter, r *http.Request, _ *aws.Call) {
	id, what, _ := strings.Cut(r.URL.Path[1:], "/")
	var p *userPool
	err := s.db.View(r.Context(), func(tx *store.Tx) (err error) {
		p, err = findPlace(tx, "pool", id)
		return err
	})
	w.Header().Set("Access-Control-Allow-Origin", "*")
	switch {
	case errors.Is(err, store.ErrNotFound):
		writeJSON(w, http.StatusNotFound, map[string]string{"message": "User pool " + id + " does not exist."})
		return
	case err == nil && "/"+what == metaPath:
		writeJSON(w, http.StatusOK, s.metadata(p))
		return
	case err == nil:
		var g *jwt.Signer
		if g, err = s.signer(p); err == nil {
			writeJSON(w, http.StatusOK, g.Set())
			return
		}
	}
	s.cfg.Log.Error("keys of a user pool", "pool", id, "err", err)
	writeJSON(w, http.StatusInternalServerError, map[string]string{"message": "The keys cannot be read."})
}

// metadata says where what is of a pool, as OpenID Connect wants it.
func (s *Service) metadata(p *userPool) map[string]any {
	out := map[string]any{
		"issuer": p.issuer(), "jwks_uri": p.issuer() + keysPath,
		"id_token_signing_alg_values_supported": []string{"RS256"}, "subject_types_supported": []string{"public"},
		"response_types_supported": []string{"code", "token"}, "scopes_supported": []string{"openid", "email", "phone", "profile"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"code_challenge_methods_supported":      []string{"S256"},
	}
	if base := s.base(p); base != "" {
		for name, path := range map[string]string{
			"authorization_endpoint": "/oauth2/authorize", "token_endpoint": "/oauth2/token", "userinfo_endpoint": "/oauth2/userInfo",
			"revocation_endpoint": "/oauth2/revoke", "end_session_endpoint": "/logout",
		} {
			out[name] = base + path
		}
	}
	return out
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // an error is the client's absence
}

// origin lets pages of any site use the API: they prove who their users are by
// what they send, and never by what browsers add.
func (s *Service) origin(h http.Header, r *http.Request) (answered bool, err error) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date")
	if r.Method != http.MethodOptions {
		return false, nil
	}
	h.Set("Access-Control-Allow-Headers", "*, Authorization, Content-Type, X-Amz-Target, X-Amz-User-Agent, X-Amz-Date, X-Amz-Security-Token, Cache-Control")
	h.Set("Access-Control-Allow-Methods", "POST")
	h.Set("Access-Control-Max-Age", "172800")
	return true, nil
}
