package apigateway

import (
	"net/http"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
)

// A guard decides who may use a method.
type guard struct {
	kind string // of authorization
}

func newGuard(m *api.Method, _ *api.Authorizer, _ map[string]string) *guard {
	if *m.AuthorizationType == authNone {
		return nil
	}
	return &guard{kind: *m.AuthorizationType}
}

// admit decides whether the request may pass.
func (x *exchange) admit(_ *http.Request) error {
	if x.method.guard != nil {
		return errConfig
	}
	if !x.method.limit.Take() {
		return errThrottled
	}
	return nil
}
