package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/sandbox/sdk"
)

// An extension is what the platform answers a worker of a function, at the
// function's own loopback, in place of one of AWS's public layers. It acts as the
// function's role, so it may what the function may.
type extension struct {
	s     *Service
	fn    aws.ARN
	role  string
	env   variables
	creds sandbox.Credentials
	log   func(string)
}

// variables are those of a function.
type variables map[string]string

// number is the variable of that name, or usual if it is not there or out of bounds.
func (v variables) number(name string, usual, most int) int {
	if n, err := strconv.Atoi(v[name]); err == nil && 0 <= n && n <= most {
		return n
	}
	return usual
}

// companions are what the extensions among a function's layers have answered.
func (s *Service) companions(fn aws.ARN, c *settings) map[int]sandbox.Companion {
	var all map[int]sandbox.Companion
	env := variables(c.Env)
	for _, l := range c.Layers {
		key, err := parseLayerVersion(l.ARN)
		if err != nil || key.Layer.Account == fn.Account {
			continue
		}
		var port int
		var start func(*extension) http.Handler
		switch sdk.Extension(key.name()) {
		case sdk.Settings:
			port, start = env.number("AWS_APPCONFIG_EXTENSION_HTTP_PORT", 2772, 65535), newConfigurations
		case sdk.Secrets:
			port, start = env.number("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", 2773, 65535), newSecrets
		default:
			continue
		}
		if all == nil {
			all = make(map[int]sandbox.Companion)
		}
		all[port] = func(creds sandbox.Credentials, log func(string)) http.Handler {
			return start(&extension{s, fn, c.Role, env, creds, log})
		}
	}
	return all
}

// call is one that the function's role makes.
func (e *extension) call(ctx context.Context) (*aws.Call, error) {
	return e.s.callAs(ctx, e.fn, e.role)
}

// limited is ctx for as long as a variable says, in milliseconds; 0 is no limit.
func (e *extension) limited(ctx context.Context, name string, usual int) (context.Context, context.CancelFunc) {
	const mostMillis = 15 * 60 * 1000
	if n := e.env.number(name, usual, mostMillis); n > 0 {
		return context.WithTimeout(ctx, time.Duration(n)*time.Millisecond)
	}
	return context.WithCancel(ctx)
}

// statusOf is that of an answer that says err.
func statusOf(err error) int {
	switch refused, ok := errors.AsType[*aws.Error](err); {
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case !ok:
		return http.StatusInternalServerError
	case strings.Contains(refused.Code, "NotFound"):
		return http.StatusNotFound
	case refused.Status >= 400:
		return refused.Status
	default:
		return http.StatusBadRequest
	}
}

// answerText answers with a text.
func answerText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// answerJSON answers with a document.
func answerJSON(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
}

// pick is what is asked of a JSON object by member: one as it is, several as an object.
func pick(object []byte, names []string) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(object, &all); err != nil {
		return nil, errors.New("the configuration has no flags")
	}
	some := make(map[string]json.RawMessage)
	for _, name := range names {
		v, ok := all[name]
		if !ok {
			return nil, errors.New("the configuration has no flag " + strconv.Quote(name))
		}
		some[name] = v
	}
	if len(names) == 1 {
		return some[names[0]], nil
	}
	return json.Marshal(some)
}
