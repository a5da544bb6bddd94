package lambda

import (
	"container/list"
	"context"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	secrets "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

const (
	secretToken = "X-Aws-Parameters-Secrets-Token" // the session token of the function, which pages that it opens do not know
	mostKept    = 1000                             // secrets and parameters
	mostSeconds = 300                              // that one is kept
)

// parametersAndSecrets are those that a worker has read.
type parametersAndSecrets struct {
	*extension
	most int // that are kept

	mu   sync.Mutex
	kept map[string]*list.Element
	used list.List // of *keptAnswer, the one that was used last in front
}

type keptAnswer struct {
	key   string
	text  []byte
	until time.Time
}

func newSecrets(e *extension) http.Handler {
	p := &parametersAndSecrets{extension: e, kept: make(map[string]*list.Element)}
	if !strings.EqualFold(e.env["PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED"], "false") {
		p.most = e.env.number("PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE", mostKept, mostKept)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /secretsmanager/get", p.serve("SECRETS_MANAGER", p.secret))
	mux.HandleFunc("GET /systemsmanager/parameters/get", p.serve("SSM_PARAMETER_STORE", p.parameter))
	return mux
}

// serve answers what get finds, or has found not long ago. name begins the names
// of the variables that say how long.
func (p *parametersAndSecrets) serve(name string, get func(context.Context, url.Values) (any, error)) http.HandlerFunc {
	keep := time.Duration(p.env.number(name+"_TTL", mostSeconds, mostSeconds)) * time.Second
	return func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get(secretToken)), []byte(p.creds.SessionToken)) != 1 {
			answerText(w, http.StatusUnauthorized, "unauthorized")
			return
		}
		asked := r.URL.Query()
		key := r.URL.Path + "?" + asked.Encode()
		if text := p.find(key); text != nil {
			answerJSON(w, text)
			return
		}
		ctx, cancel := p.limited(r.Context(), name+"_TIMEOUT_MILLIS", 0)
		defer cancel()
		found, err := get(ctx, asked)
		var text []byte
		if err == nil {
			text, err = json.Marshal(found)
		}
		if err != nil {
			p.log("[AWS Parameters and Secrets Lambda Extension] ERROR " + r.URL.Path + ": " + err.Error())
			status := statusOf(err)
			if status < 500 {
				status = http.StatusBadRequest // as the services have all refusals
			}
			answerText(w, status, "an unexpected error occurred while executing request")
			return
		}
		p.keep(&keptAnswer{key, text, time.Now().Add(keep)})
		answerJSON(w, text)
	}
}

// Answers are those of the services, as AWS's SDK for Go has them.
type secretAnswer struct {
	*secrets.GetSecretValueOutput
	ResultMetadata struct{}
}

type parameterAnswer struct {
	*ssm.GetParameterOutput
	ResultMetadata struct{}
}

func (p *parametersAndSecrets) secret(ctx context.Context, asked url.Values) (any, error) {
	call, err := p.call(ctx)
	if err != nil {
		return nil, err
	}
	in := &secrets.GetSecretValueInput{SecretId: asked.Get("secretId"), VersionId: optional(asked.Get("versionId")), VersionStage: optional(asked.Get("versionStage"))}
	out, err := dispatch.CallChecked(ctx, p.s.table, call, secrets.GetSecretValue, in)
	return secretAnswer{GetSecretValueOutput: out}, err
}

func (p *parametersAndSecrets) parameter(ctx context.Context, asked url.Values) (any, error) {
	call, err := p.call(ctx)
	if err != nil {
		return nil, err
	}
	name := asked.Get("name")
	for _, selector := range []string{"version", "label"} {
		if v := asked.Get(selector); v != "" {
			name += ":" + v
			break
		}
	}
	in := &ssm.GetParameterInput{Name: name}
	if decrypt, err := strconv.ParseBool(asked.Get("withDecryption")); err == nil {
		in.WithDecryption = &decrypt
	}
	out, err := dispatch.CallChecked(ctx, p.s.table, call, ssm.GetParameter, in)
	return parameterAnswer{GetParameterOutput: out}, err
}

// find returns what is kept for key and still good, or nil.
func (p *parametersAndSecrets) find(key string) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.kept[key]
	if e == nil || !time.Now().Before(e.Value.(*keptAnswer).until) {
		return nil
	}
	p.used.MoveToFront(e)
	return e.Value.(*keptAnswer).text
}

// keep keeps a, and no more than there is room for.
func (p *parametersAndSecrets) keep(a *keptAnswer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.kept[a.key]; old != nil {
		p.used.Remove(old)
	}
	p.kept[a.key] = p.used.PushFront(a)
	for p.used.Len() > p.most {
		delete(p.kept, p.used.Remove(p.used.Back()).(*keptAnswer).key)
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
