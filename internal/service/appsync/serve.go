package appsync

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/appsync/graphql"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// Limits of requests, as AWS has them.
const (
	maxRequest   = 1 << 20 // bytes
	requestLasts = 30 * time.Second
)

// A query is a request in GraphQL, as it came.
type query struct {
	Query     string
	Operation string
	Variables *vtl.Map
}

// An exchange is a request to an API and its answer.
type exchange struct {
	*Service
	ctx     context.Context
	api     *served
	caller  *caller
	op      *graphql.Operation
	header  *vtl.Map // of the request
	host    any      // by which it came, if that is a domain of the owner's; nil is the API's own
	trusted bool     // it is the API's own: nothing is refused
	effects effects
}

// ServeGraphQL answers what comes to the host of an API.
func (s *Service) ServeGraphQL(w http.ResponseWriter, r *http.Request, call *aws.Call, id string) {
	h := w.Header()
	h.Set("X-Amzn-Requestid", call.RequestID)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "x-amzn-RequestId,x-amzn-ErrorType,x-amz-user-agent,x-amzn-ErrorMessage,Date,x-amz-schema-version")
	a, err := s.serve(r.Context(), strings.ToLower(id))
	switch {
	case err != nil:
		s.cfg.Log.Error("API cannot be served", "api", id, "err", err)
		refuse(w, http.StatusInternalServerError, "InternalFailure", "The request failed because of an internal error.")
	case a == nil:
		refuse(w, http.StatusNotFound, "NotFoundException", "GraphQL API not found.")
	case r.Method == http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS")
		h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
		h.Set("Access-Control-Max-Age", "172800")
		w.WriteHeader(http.StatusOK)
	case a.events != nil && r.URL.Path == "/event" && r.Method == http.MethodPost:
		s.servePublish(w, r, call, a)
	case a.events != nil && r.URL.Path == "/event/realtime":
		s.serveEventSocket(w, r, call, a)
	case a.events != nil:
		refuse(w, http.StatusNotFound, "UnknownOperationException", "Not Found")
	case r.URL.Path == "/graphql/realtime":
		s.connectGraphQL(w, r, call, a)
	case r.URL.Path != "/graphql" && r.URL.Path != "/graphql/":
		refuse(w, http.StatusNotFound, "UnknownOperationException", "Not Found")
	case r.Method != http.MethodPost && r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowedException", "Method not allowed.")
	default:
		s.answer(w, r, call, a)
	}
}

// refuse answers a request that is not run.
func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("X-Amzn-Errortype", kind)
	b := vtl.JSON(vtl.NewMap().Set("errors", &vtl.List{JSON: true, Items: []any{vtl.NewMap().Set("errorType", kind).Set("message", message)}}))
	respond(w, status, []byte(b))
}

func respond(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	w.Write(body) // who is gone needs no answer
}

// answer answers a request in GraphQL.
func (s *Service) answer(w http.ResponseWriter, r *http.Request, call *aws.Call, a *served) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request body is too large.")
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "MalformedHttpRequestException", "Unable to read the request body.")
		return
	}
	q, wrong := readQuery(r, body)
	who, err := s.admit(a, r, r.Header, call, body, &q)
	if err != nil {
		refuse(w, http.StatusUnauthorized, "UnauthorizedException", err.Error())
		return
	}
	if wrong != "" {
		refuse(w, http.StatusBadRequest, "MalformedHttpRequestException", wrong)
		return
	}
	x := &exchange{Service: s, api: a, caller: who, header: headersOf(r.Header)}
	status, out := x.run(r.Context(), &q)
	for name, value := range x.effects.headers() {
		w.Header().Set(name, value)
	}
	respond(w, status, out)
}

// readQuery reads what r asks. wrong says why it cannot be read.
func readQuery(r *http.Request, body []byte) (q query, wrong string) {
	if r.Method == http.MethodGet {
		values := r.URL.Query()
		q.Query, q.Operation = values.Get("query"), values.Get("operationName")
		if text := values.Get("variables"); text != "" {
			v, err := vtl.ParseJSON(text)
			q.Variables, _ = v.(*vtl.Map)
			if err != nil {
				return q, "Unable to parse GraphQL query."
			}
		}
		return q, ""
	}
	if len(body) == 0 {
		return q, "Request body is empty."
	}
	v, err := vtl.ParseJSON(string(body))
	m, ok := v.(*vtl.Map)
	if err != nil || !ok {
		return q, "Unable to parse GraphQL query."
	}
	return queryOf(m)
}

// queryOf reads a request from its members.
func queryOf(m *vtl.Map) (q query, wrong string) {
	text, _ := m.Lookup("query")
	if q.Query, _ = text.(string); q.Query == "" {
		return q, "Unable to parse GraphQL query."
	}
	name, _ := m.Lookup("operationName")
	q.Operation, _ = name.(string)
	given, _ := m.Lookup("variables")
	if text, isText := given.(string); isText && text != "" { // some clients send them so
		given, _ = vtl.ParseJSON(text)
	}
	q.Variables, _ = given.(*vtl.Map)
	return q, ""
}

// run runs a request, and returns the status and the text of the answer.
func (x *exchange) run(ctx context.Context, q *query) (int, []byte) {
	ctx, cancel := context.WithTimeout(ctx, requestLasts)
	defer cancel()
	x.ctx = ctx
	op, status, errs := x.prepare(q)
	if errs != nil {
		if status != http.StatusOK {
			return status, append(graphql.AppendErrors([]byte(`{"errors":`), errs), '}')
		}
		return status, append(graphql.AppendErrors([]byte(`{"data":null,"errors":`), errs), '}')
	}
	if op.Kind == ast.Subscription {
		errs := []*graphql.Error{{Type: "UnsupportedOperation", Message: "Subscriptions are only supported over WebSocket."}}
		return http.StatusBadRequest, append(graphql.AppendErrors([]byte(`{"errors":`), errs), '}')
	}
	out := op.Execute(ctx, x, x.limit(), nil)
	if op.Kind == ast.Mutation {
		x.evict()
		x.publish(out)
	}
	return http.StatusOK, out.JSON()
}

// prepare checks a request.
func (x *exchange) prepare(q *query) (*graphql.Operation, int, []*graphql.Error) {
	if x.api.schema == nil {
		return nil, http.StatusBadRequest, []*graphql.Error{{Type: "GraphQLSchemaException", Message: "No schema found for this API."}}
	}
	op, errs, bad := x.api.schema.Prepare(&graphql.Request{Query: q.Query, Operation: q.Operation, Variables: q.Variables})
	if errs != nil {
		if bad {
			return nil, http.StatusBadRequest, errs
		}
		return nil, http.StatusOK, errs
	}
	if most := int(aws.Value(x.api.row.QueryDepthLimit)); most > 0 && op.Depth() > most {
		return nil, http.StatusOK, []*graphql.Error{{Type: "QueryDepthLimitReached", Message: "Query depth limit reached."}}
	}
	if aws.Value(x.api.row.IntrospectionConfig) == api.GraphQLApiIntrospectionConfigDisabled && op.Introspects() {
		return nil, http.StatusOK, []*graphql.Error{{Message: "Introspection is disabled."}}
	}
	x.op = op
	return op, http.StatusOK, nil
}

// limit is how many resolvers a request may run.
func (x *exchange) limit() int {
	if n := int(aws.Value(x.api.row.ResolverCountLimit)); n > 0 {
		return n
	}
	return maxResolvers
}

// sortedNames are the names of headers in order.
func sortedNames(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }
