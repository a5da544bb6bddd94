package apigateway

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxAnswers   = 64 << 20 // bytes of answers that a stage remembers
	maxRemember  = 1 << 20  // bytes of one
	answerWeight = 512      // bytes that one weighs besides its body
)

// answers are those of a stage that are remembered.
type answers struct {
	mu    sync.Mutex
	known map[string]answer
	size  int
}

type answer struct {
	reply *proxy.Reply
	until time.Time
}

func (a *answers) get(key string) *proxy.Reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	found, ok := a.known[key]
	if !ok || !time.Now().Before(found.until) {
		return nil
	}
	return found.reply
}

func (a *answers) put(key string, reply *proxy.Reply, until time.Time) {
	weight := len(reply.Body) + len(key) + answerWeight
	if len(reply.Body) > maxRemember {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for k, old := range a.known { // any will do
		if k != key && a.size+weight <= maxAnswers {
			break
		}
		if k == key || a.size+weight > maxAnswers {
			a.size -= len(old.reply.Body) + len(k) + answerWeight
			delete(a.known, k)
		}
	}
	if old, ok := a.known[key]; ok {
		a.size -= len(old.reply.Body) + len(key) + answerWeight
	}
	a.known[key] = answer{reply, until}
	a.size += weight
}

func (a *answers) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.known)
	a.size = 0
}

// memories are the answers of all stages. They outlive changes of stages.
type memories struct {
	mu  sync.Mutex
	all map[string]*answers
}

func (m *memories) of(name string) *answers {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = make(map[string]*answers)
	}
	if m.all[name] == nil {
		m.all[name] = &answers{known: make(map[string]answer)}
	}
	return m.all[name]
}

// caches reports whether answers of a method are remembered: of GET, unless the
// method's own settings say otherwise.
func caches(stage *api.Stage, m *servedMethod) bool {
	if !aws.Value(stage.CacheClusterEnabled) || !aws.Value(m.settings.CachingEnabled) || aws.Value(m.settings.CacheTtlInSeconds) == 0 {
		return false
	}
	return *m.method.HttpMethod == http.MethodGet || hasSetting(stage, strings.TrimPrefix(m.path, "/")+"/"+*m.method.HttpMethod)
}

// answered answers from memory, or has f answer and remembers that.
func (x *exchange) answered(r *http.Request, f func() error) error {
	if !x.method.cached || aws.Value(x.method.integ.ResponseTransferMode) == streamed {
		return f()
	}
	memory := x.stage.memory
	if x.canary && !aws.Value(x.stage.row.CanarySettings.UseStageCache) {
		memory = x.stage.canaryMemory
	}
	key := x.cacheKey()
	anew, warning := x.invalidates(r)
	if anew == denied {
		return &failure{kind: accessDenied, errorType: "AccessDeniedException", message: "User is not authorized to invalidate the cache"}
	}
	if anew != wanted {
		if reply := memory.get(key); reply != nil {
			again := *reply
			again.Header = reply.Header.Clone()
			x.reply = &again
			x.warn(warning)
			return nil
		}
	}
	if err := f(); err != nil {
		return err
	}
	if x.reply.Status < http.StatusMultipleChoices {
		kept := *x.reply
		kept.Header = x.reply.Header.Clone()
		delete(kept.Header, "X-Amzn-Trace-Id")
		memory.put(key, &kept, time.Now().Add(time.Duration(aws.Value(x.method.settings.CacheTtlInSeconds))*time.Second))
	}
	x.warn(warning)
	return nil
}

func (x *exchange) warn(warning string) {
	if warning != "" {
		x.reply.Header.Set("Warning", warning)
	}
}

// cacheKey is what tells answers of a method apart: the parameters that the
// integration names.
func (x *exchange) cacheKey() string {
	i := &x.method.integ
	parts := []string{aws.Value(i.CacheNamespace), x.req.Method, x.method.path}
	for _, name := range i.CacheKeyParameters {
		from := name
		if mapped, ok := i.RequestParameters[name]; ok {
			from = mapped
		}
		values, _ := x.parameter(from)
		parts = append(parts, strings.Join(values, "\x01"))
	}
	return strings.Join(parts, "\x00")
}

// What a client wants of the memory.
const (
	unwanted = iota
	wanted   // to have it asked anew
	denied
)

// invalidates reports whether the client wants to have the answer made anew,
// and may.
func (x *exchange) invalidates(r *http.Request) (what int, warning string) {
	if !strings.Contains(x.req.Header.Get("Cache-Control"), "max-age=0") {
		return unwanted, ""
	}
	set := x.method.settings
	if !aws.Or(set.RequireAuthorizationForCacheControl, true) {
		return wanted, ""
	}
	if r != nil && x.cfg.Auth != nil && r.Header.Get("Authorization") != "" {
		call, err := x.cfg.Auth.Authenticate(r, "execute-api", x.req.Body)
		if err == nil && x.cfg.Auth.Authorize(x.ctx, call, service.Access{Action: "execute-api:InvalidateCache", Resource: x.askedARN()}) == nil {
			return wanted, ""
		}
	}
	switch aws.Value(set.UnauthorizedCacheControlHeaderStrategy) {
	case "FAIL_WITH_403":
		return denied, ""
	case "SUCCEED_WITHOUT_RESPONSE_HEADER":
		return unwanted, ""
	}
	return unwanted, "199 Cache-control headers were ignored because the caller was unauthorized."
}

// FlushStageCache has a stage forget the answers that it remembers.
func (s *Service) FlushStageCache(ctx context.Context, call *aws.Call, in *api.FlushStageCacheInput) (*api.FlushStageCacheOutput, error) {
	if err := s.checkStage(ctx, call, in.RestApiId, in.StageName); err != nil {
		return nil, err
	}
	s.memories.of(in.RestApiId + "/" + in.StageName).clear()
	s.memories.of(in.RestApiId + "/" + in.StageName + "/canary").clear()
	return &api.FlushStageCacheOutput{}, nil
}

// FlushStageAuthorizersCache has a stage forget what authorizers said.
func (s *Service) FlushStageAuthorizersCache(ctx context.Context, call *aws.Call, in *api.FlushStageAuthorizersCacheInput) (*api.FlushStageAuthorizersCacheOutput, error) {
	if err := s.checkStage(ctx, call, in.RestApiId, in.StageName); err != nil {
		return nil, err
	}
	s.cache.Drop(in.RestApiId)
	return &api.FlushStageAuthorizersCacheOutput{}, nil
}

func (s *Service) checkStage(ctx context.Context, call *aws.Call, id, name string) error {
	return s.db.View(ctx, func(tx *store.Tx) error {
		_, _, err := find(tx, stages, call, id, "stage", name)
		return err
	})
}
