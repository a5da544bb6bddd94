package apigatewayv2

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/apigatewayv2/router"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A served is an API made ready to serve requests. It never changes.
type served struct {
	api      aws.ARN
	disabled bool // it has no host of its own
	stages   map[string]*servedStage
}

type servedStage struct {
	name      string
	variables map[string]string
	cors      *api.Cors
	routes    router.Tree[*servedRoute]
}

type servedRoute struct {
	key      string
	resource string // its path, or $default
	uri      string // of the integration, with variables of the stage filled in; empty if it leads nowhere
	version  string // of events
	timeout  time.Duration
	limit    *limiter // nil if any number may come
	guard    *guard   // nil if anyone may
}

// A cache holds the APIs that were served since they last changed.
type cache struct {
	mu      sync.RWMutex
	apis    map[string]*served // by id
	changes uint64             // counts drops, so that what was read before one is not kept after it
}

// maxCached is how many APIs a cache holds.
const maxCached = 10_000

func (c *cache) get(id string) (*served, uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.apis[id], c.changes
}

// put keeps what was read after get returned changes.
func (c *cache) put(id string, a *served, changes uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != changes {
		return
	}
	if len(c.apis) >= maxCached {
		clear(c.apis)
	}
	c.apis[id] = a
}

func (c *cache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	delete(c.apis, id)
}

// serve returns the API of that id, ready, or nil if there is none.
func (s *Service) serve(ctx context.Context, id string) (*served, error) {
	a, changes := s.cache.get(id)
	if a != nil {
		return a, nil
	}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		a, err = compile(tx, id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.cache.put(id, a, changes)
	return a, nil
}

// compile makes an API ready.
func compile(tx *store.Tx, id string) (*served, error) {
	at, err := homes.Get(tx, homeARN(id))
	if err != nil {
		return nil, err
	}
	arn := aws.ARN{Service: "apigateway", Region: at.Region, Account: at.Account, Resource: "/apis/" + id}
	row, err := apis.Get(tx, arn)
	if err != nil {
		return nil, err
	}
	a := &served{api: arn, disabled: aws.Value(row.DisableExecuteApiEndpoint), stages: make(map[string]*servedStage)}
	for key, stage := range stages.Scan(tx, partKey{API: arn}) {
		if stage.DeploymentId == nil {
			continue // there is nothing to serve yet
		}
		if a.stages[key.ID], err = compileStage(tx, arn, &row, &stage); err != nil {
			return nil, err
		}
	}
	return a, tx.Err()
}

func compileStage(tx *store.Tx, arn aws.ARN, row *apiRow, stage *stageRow) (*servedStage, error) {
	d, err := deployments.Get(tx, partKey{arn, *stage.DeploymentId})
	if err != nil {
		return nil, err
	}
	targets := make(map[string]target)
	cors := d.Cors
	if d.Live {
		targets, cors = liveRoutes(tx, arn), row.CorsConfiguration
	} else {
		for key, t := range deployed.Scan(tx, deployedKey{API: arn, Deployment: *stage.DeploymentId}) {
			targets[key.RouteKey] = t
		}
	}
	s := &servedStage{name: *stage.StageName, variables: stage.StageVariables, cors: cors}
	for key, t := range targets {
		r := &servedRoute{key: key, resource: key, limit: limitOf(stage, key), guard: newGuard(&t, stage.StageVariables)}
		if _, path, ok := strings.Cut(key, " "); ok {
			r.resource = path
		}
		if i := t.Integration; i != nil {
			r.uri = functionOf(fill(*i.IntegrationUri, stage.StageVariables))
			r.version = *i.PayloadFormatVersion
			r.timeout = time.Duration(*i.TimeoutInMillis) * time.Millisecond
		}
		if err := s.routes.Add(key, r); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// fill puts the variables of a stage in a URI: ${stageVariables.name}.
func fill(uri string, variables map[string]string) string {
	if !strings.Contains(uri, "${") {
		return uri
	}
	pairs := make([]string, 0, 2*len(variables))
	for name, value := range variables {
		pairs = append(pairs, "${stageVariables."+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(uri)
}
