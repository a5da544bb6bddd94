package apigatewayv2

import (
	"context"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/limit"
	"github.com/aloft-cloud/aloft/internal/gateway/router"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
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
	log       *logged // nil if it has no access log
	routes    router.Tree[*servedRoute]

	selection string                  // of WebSocket APIs: what of a message chooses its route
	keySource *string                 // where they find API keys
	keys      map[string]*servedRoute // theirs, by key; nil if the API is none
}

type servedRoute struct {
	key      string
	resource string       // its path, or $default
	kind     string       // of the integration
	socket   *socketRoute // of WebSocket APIs

	subtype    string // of an integration with a service, by its operation
	method     string // of an integration with an address
	role       string // to act as
	parameters map[string]string
	responses  map[string]map[string]string // by status
	uri        string                       // of the function or the address, with variables of the stage filled in; empty if it leads to none
	version    string                       // of events
	timeout    time.Duration
	limit      *limit.Bucket // nil if any number may come
	guard      *guard        // nil if anyone may
}

// serve returns the API of that id, ready, or nil if there is none.
func (s *Service) serve(ctx context.Context, id string) (*served, error) {
	a, changes := s.cache.Get(id)
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
	s.cache.Put(id, a, changes)
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

// stageRoutes are the routes that a stage serves, by their keys.
func stageRoutes(tx *store.Tx, arn aws.ARN, row *apiRow, stage *stageRow) (map[string]target, *api.Cors, error) {
	if stage.DeploymentId == nil {
		return nil, nil, nil
	}
	d, err := deployments.Get(tx, partKey{arn, *stage.DeploymentId})
	if err != nil {
		return nil, nil, err
	}
	if d.Live {
		return liveRoutes(tx, arn), row.CorsConfiguration, nil
	}
	targets := make(map[string]target)
	for key, t := range deployed.Scan(tx, deployedKey{API: arn, Deployment: *stage.DeploymentId}) {
		targets[key.RouteKey] = t
	}
	return targets, d.Cors, tx.Err()
}

func compileStage(tx *store.Tx, arn aws.ARN, row *apiRow, stage *stageRow) (*servedStage, error) {
	targets, cors, err := stageRoutes(tx, arn, row, stage)
	if err != nil {
		return nil, err
	}
	s := &servedStage{name: *stage.StageName, variables: stage.StageVariables, cors: cors, log: newLogged(arn, stage)}
	if isWebSocket(row) {
		s.keySource = row.ApiKeySelectionExpression
		s.selection, s.keys = *row.RouteSelectionExpression, make(map[string]*servedRoute)
	}
	for key, t := range targets {
		r := &servedRoute{key: key, resource: key, limit: limitOf(stage, key), guard: newGuard(&t, stage.StageVariables)}
		if _, path, ok := strings.Cut(key, " "); ok {
			r.resource = path
		}
		if i := t.Integration; i != nil {
			r.lead(i, stage.StageVariables)
		}
		if s.keys != nil {
			r.socket = newSocketRoute(*row.ApiId, &t)
			s.keys[key] = r
			continue
		}
		if err := s.routes.Add(key, r); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// lead makes r lead to an integration.
func (r *servedRoute) lead(i *api.Integration, variables map[string]string) {
	r.kind, r.version, r.timeout = *i.IntegrationType, *i.PayloadFormatVersion, time.Duration(*i.TimeoutInMillis)*time.Millisecond
	r.subtype, r.method, r.role = aws.Value(i.IntegrationSubtype), aws.Value(i.IntegrationMethod), aws.Value(i.CredentialsArn)
	r.parameters, r.responses = i.RequestParameters, i.ResponseParameters
	r.uri = uri.Fill(aws.Value(i.IntegrationUri), variables)
	if function := uri.Function(r.uri); function != "" || r.kind == api.IntegrationTypeAwsProxy {
		r.uri = function
	}
}

// limitOf is the limiter of a route on a stage, by its own settings or the
// stage's, or nil if neither says anything.
func limitOf(stage *stageRow, routeKey string) *limit.Bucket {
	settings := stage.DefaultRouteSettings
	if own, ok := stage.RouteSettings[routeKey]; ok && (own.ThrottlingBurstLimit != nil || own.ThrottlingRateLimit != nil) {
		settings = &own
	}
	if settings == nil || settings.ThrottlingBurstLimit == nil && settings.ThrottlingRateLimit == nil {
		return nil
	}
	// What is not said is what an account has.
	return limit.NewBucket(aws.Or(settings.ThrottlingRateLimit, 10_000), float64(aws.Or(settings.ThrottlingBurstLimit, 5_000)))
}
