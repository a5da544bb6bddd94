package rds

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/database"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
)

// An Authority says who signed a token, and whether they may connect by it.
type Authority interface {
	Authenticate(r *http.Request, service string, body []byte) (*aws.Call, error)
	Authorize(ctx context.Context, call *aws.Call, access service.Access) error
}

// errToken says that what a client showed is no token for where it came.
var errToken = errors.New("this is no token for the endpoint and the user")

// tokenLife is how many seconds a token may be good for.
const tokenLife = 900

// checkIAM refuses what only PostgreSQL can, of those that we run.
func checkIAM(enable *bool, e *engine) error {
	if aws.Value(enable) && e.server != database.Postgres {
		return notYet("IAM database authentication at databases of " + e.title + "; proxies have it")
	}
	return nil
}

// tokens are how clients sign in at a way by tokens; nil if they do not.
func (s *Service) tokens(w *way) *database.Tokens {
	if !w.iam {
		return nil
	}
	t := &database.Tokens{Check: func(ctx context.Context, user, token string) error { return s.checkToken(ctx, w, user, token) }}
	if w.proxy != nil {
		t.Password = func(ctx context.Context, user string) (string, error) { return s.passwordOf(ctx, w, user) }
	}
	return t
}

// checkToken refuses what is no token for a user at a way: a request for the host, as
// whoever signed it would send it.
func (s *Service) checkToken(ctx context.Context, w *way, user, token string) error {
	u, err := url.Parse("https://" + token)
	if err != nil {
		return errToken
	}
	q := u.Query()
	life, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || life > tokenLife || q.Get("X-Amz-Signature") == "" || q.Get("Action") != "connect" || q.Get("DBUser") != user ||
		!strings.EqualFold(u.Hostname(), w.Host) || u.Port() != itoa(w.port) {
		return errToken
	}
	r := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: make(http.Header), Body: http.NoBody}).WithContext(ctx)
	call, err := s.cfg.Auth.Authenticate(r, "rds-db", []byte{})
	if err != nil {
		return err
	}
	of := aws.ARN{Service: "rds-db", Region: w.Of.Region, Account: w.Of.Account, Resource: "dbuser:" + w.id + "/" + user}
	return s.cfg.Auth.Authorize(ctx, call, service.Access{Action: "rds-db:connect", Resource: of})
}

// passwordOf is the password of a user, by the secrets of a proxy, which it reads by
// its role.
func (s *Service) passwordOf(ctx context.Context, w *way, user string) (string, error) {
	by := aws.ServiceCall(serviceName, w.Of)
	session, err := s.cfg.Sessions.Assume(ctx, by, *w.proxy.RoleArn)
	if err != nil {
		return "", err
	}
	failure := error(database.ErrNoCredentials)
	for _, a := range w.proxy.Auth {
		if a.UserName != nil && *a.UserName != user {
			continue
		}
		out, err := dispatch.CallChecked(ctx, s.cfg.Table, session.Call(by), secretsmanager.GetSecretValue, &secretsmanager.GetSecretValueInput{SecretId: *a.SecretArn})
		if err != nil {
			failure = errors.Join(failure, err)
			continue
		}
		var is struct{ Username, Password string }
		if json.Unmarshal([]byte(aws.Value(out.SecretString)), &is) == nil && is.Username == user {
			return is.Password, nil
		}
	}
	return "", failure
}

// iamAuth reports whether clients of a proxy are to show tokens.
func iamAuth(p *api.DBProxy) bool {
	for _, a := range p.Auth {
		if *a.IAMAuth == api.IAMAuthModeRequired {
			return true
		}
	}
	return false
}
