package proxy

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/jx"
)

// AuthorizerEvent returns r as an event for an authorizer that is a function:
// what it is asked to let through, and what it tells callers apart by.
func (r *Request) AuthorizerEvent(version, routeARN string, identity []string) []byte {
	b := []byte(`{"type":"REQUEST",`)
	if version == V1 {
		b = field(b, "methodArn", routeARN)
		b = field(b, "identitySource", strings.Join(identity, ","))
		b = field(b, "authorizationToken", strings.Join(identity, ","))
	} else {
		b = field(b, "routeArn", routeARN)
		b = append(jx.AppendKey(b, "identitySource"), '[')
		for _, v := range identity {
			b = append(jx.AppendString(b, v), ',')
		}
		b = append(jx.Close(b, 0, ']'), ',')
	}
	bare := *r
	bare.Body = nil
	event := bare.Event(version)
	return append(b, event[1:]...)
}

// A Verdict is what an authorizer that is a function says.
type Verdict struct {
	Allowed   bool
	Policy    string // the document that decides, if there is one instead
	Principal string
	Context   string // JSON of an object, or empty
	Key       string // the API key of the caller, for REST APIs
}

// ParseVerdict reads what an authorizer returned. Simple is whether it may just
// say yes or no, which needs version 2.0.
func ParseVerdict(payload []byte, simple bool) (*Verdict, error) {
	v := new(Verdict)
	said := false
	r := jx.NewReader(string(payload))
	r.BeginObject()
	for r.More('}') {
		switch key := r.Key(); {
		case r.Null():
		case key == "isAuthorized" && simple:
			v.Allowed, said = r.Bool(), true
		case key == "policyDocument":
			if v.Policy, said = r.Raw(), true; !strings.HasPrefix(v.Policy, "{") {
				r.Fail(ErrMalformed)
			}
		case key == "principalId":
			v.Principal = scalar(r)
		case key == "usageIdentifierKey":
			v.Key = scalar(r)
		case key == "context":
			if v.Context = r.Raw(); !strings.HasPrefix(v.Context, "{") {
				r.Fail(ErrMalformed)
			}
		default:
			r.Skip()
		}
	}
	if r.End() != nil || !said {
		return nil, ErrMalformed
	}
	return v, nil
}

// Authorizer is what v has events say, in the version of their format.
func (v *Verdict) Authorizer(version string) []byte {
	if version == V2 {
		context := v.Context
		if context == "" {
			context = "null"
		}
		return []byte(`{"lambda":` + context + `}`)
	}
	b := field([]byte{'{'}, "principalId", v.Principal)
	if v.Context != "" {
		if members := strings.TrimSpace(v.Context[1 : len(v.Context)-1]); members != "" {
			b = append(append(b, members...), ',')
		}
	}
	return jx.Close(b, 0, '}')
}

// JWTAuthorizer is what a verified token has events say.
func JWTAuthorizer(version string, claims map[string]string, scopes []string) []byte {
	b := object([]byte{'{'}, "claims", claims)
	b = jx.AppendKey(b, "scopes")
	if scopes == nil {
		b = append(b, "null"...)
	} else {
		b = append(b, '[')
		for _, s := range scopes {
			b = append(jx.AppendString(b, s), ',')
		}
		b = jx.Close(b, 0, ']')
	}
	b = append(b, '}')
	if version == V1 {
		return b
	}
	return append(append([]byte(`{"jwt":`), b...), '}')
}
