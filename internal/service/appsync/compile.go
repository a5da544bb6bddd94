package appsync

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/appsync/graphql"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// A served is an API made ready to serve requests. It never changes.
type served struct {
	id        string
	arn       aws.ARN
	row       api.GraphqlApi
	schema    *graphql.Schema // nil if it has none
	providers []*door         // the first is the API's own
	keys      map[string]time.Time
	resolvers map[fieldName]*resolver
	env       *vtl.Map

	cache      *cached          // nil if it has none
	events     *api.EventConfig // of an Event API; nil if it is none
	namespaces map[string]*namespace
}

type fieldName struct{ typ, field string }

// A resolver is one that is ready.
type resolver struct {
	pipeline bool
	steps    []*step // the one of a unit, or the functions of a pipeline
	around   *step   // before and after a pipeline; it has no source
	batch    int     // at most so many together
	caching  *api.CachingConfig
}

// A step is a request of a data source.
type step struct {
	source   *api.DataSource
	request  *vtl.Template // nil if there is none
	response *vtl.Template
	code     *mapping.Program // nil if it has templates
	version  string           // of a function's templates
}

// serve returns the API of that id, ready, or nil if there is none.
func (s *Service) serve(ctx context.Context, id string) (*served, error) {
	a, changes := s.ready.Get(id)
	if a != nil {
		return a, nil
	}
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		a, err = compile(tx, id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, d := range a.providers {
		s.open(a, d)
	}
	s.ready.Put(id, a, changes)
	return a, nil
}

// compile makes an API ready.
func compile(tx *store.Tx, id string) (*served, error) {
	at, err := homes.Get(tx, homeARN(id))
	if err != nil {
		return nil, err
	}
	a := &served{id: id, arn: at.at(id), keys: make(map[string]time.Time), resolvers: make(map[fieldName]*resolver), env: vtl.NewMap()}
	for key, row := range apiKeys.Scan(tx, partKey{API: a.arn}) {
		a.keys[key.ID] = time.Unix(aws.Value(row.Expires), 0)
	}
	if a.row, err = apis.Get(tx, a.arn); errors.Is(err, store.ErrNotFound) {
		return a, a.compileEvents(tx)
	}
	if err != nil {
		return nil, err
	}
	a.providers = doorsOf(&a.row)
	if a.schema, err = findSchema(tx, a.arn); err != nil && !errors.Is(err, api.NotFoundException) {
		return nil, err
	}
	env, err := variables.Get(tx, a.arn)
	if err := ignoreNone(err); err != nil {
		return nil, err
	}
	for k, v := range env {
		a.env.Set(k, v)
	}
	if err := a.compileCache(tx); err != nil {
		return nil, err
	}
	return a, a.compileResolvers(tx)
}

func (a *served) compileResolvers(tx *store.Tx) error {
	sources := make(map[string]*api.DataSource)
	for key, row := range dataSources.Scan(tx, partKey{API: a.arn}) {
		sources[key.ID] = &row
	}
	steps := make(map[string]*step)
	for key, row := range functions.Scan(tx, partKey{API: a.arn}) {
		f, err := newStep(sources[aws.Value(row.DataSourceName)], row.RequestMappingTemplate, row.ResponseMappingTemplate, row.Code)
		if err != nil {
			return err
		}
		f.version = aws.Value(row.FunctionVersion)
		steps[key.ID] = f
	}
	for key, row := range resolvers.Scan(tx, resolverKey{API: a.arn}) {
		own, err := newStep(sources[aws.Value(row.DataSourceName)], row.RequestMappingTemplate, row.ResponseMappingTemplate, row.Code)
		if err != nil {
			return err
		}
		r := &resolver{steps: []*step{own}, batch: int(aws.Value(row.MaxBatchSize)), caching: row.CachingConfig}
		if aws.Value(row.Kind) == api.ResolverKindPipeline {
			r.pipeline, r.around, r.steps = true, own, nil
			for _, id := range row.PipelineConfig.Functions {
				if steps[id] != nil {
					r.steps = append(r.steps, steps[id])
				}
			}
		}
		a.resolvers[fieldName{key.Type, key.Field}] = r
	}
	return nil
}

func newStep(source *api.DataSource, request, response, code *string) (*step, error) {
	st := &step{source: source}
	if code != nil {
		st.code, _ = mapping.Compile(*code)
		return st, nil
	}
	for _, t := range []struct {
		text *string
		to   **vtl.Template
	}{{request, &st.request}, {response, &st.response}} {
		if aws.Value(t.text) == "" {
			continue
		}
		parsed, err := parseTemplate(*t.text)
		if err != nil {
			return nil, err
		}
		*t.to = parsed
	}
	return st, nil
}
