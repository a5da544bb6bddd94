package appsync

import (
	"context"
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/appsync/graphql"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// A subscription is one of a client: a request in GraphQL, run again for each
// mutation that feeds it.
type subscription struct {
	exchange *exchange
	field    string   // of the subscription type
	args     *vtl.Map // that what comes must equal
	filter   any      // set by a resolver: then it counts, and not args
	filtered bool
	ends     any // filter of what ends it

	channel []string // of an Event API: what it hears
}

// ServeRealtime answers what comes to the host of an API for subscriptions.
func (s *Service) ServeRealtime(w http.ResponseWriter, r *http.Request, call *aws.Call, id string) {
	a, err := s.serve(r.Context(), strings.ToLower(id))
	if err != nil || a == nil {
		refuse(w, http.StatusNotFound, "NotFoundException", "GraphQL API not found.")
		return
	}
	if a.events != nil {
		s.serveEventSocket(w, r, call, a)
		return
	}
	s.connectGraphQL(w, r, call, a)
}

// connectGraphQL answers a handshake of a client that wants to subscribe.
func (s *Service) connectGraphQL(w http.ResponseWriter, r *http.Request, call *aws.Call, a *served) {
	admit := func(signed *http.Request, header http.Header) (*caller, error) {
		return s.admit(a, signed, header, call, []byte("{}"), new(query))
	}
	s.connect(w, r, call, a.id, "graphql-ws", admit, (*socket).graphQL)
}

// graphQL handles a message of a client that subscribes by GraphQL.
func (k *socket) graphQL(m *vtl.Map) {
	id := textOf(m, "id")
	switch textOf(m, "type") {
	case "connection_init":
		k.started.Store(true)
		k.send(vtl.NewMap().Set("type", "connection_ack").Set("payload", vtl.NewMap().Set("connectionTimeoutMs", int64(timeoutMillis))))
		k.send(vtl.NewMap().Set("type", "ka"))
	case "start":
		if kind, words := k.start(id, m); kind != "" {
			k.send(vtl.NewMap().Set("id", id).Set("type", "error").Set("payload", problems(kind, words)))
			return
		}
		k.send(vtl.NewMap().Set("id", id).Set("type", "start_ack"))
	case "stop":
		if k.unsubscribe(id) {
			k.send(vtl.NewMap().Set("id", id).Set("type", "complete"))
		}
	default:
		k.send(vtl.NewMap().Set("type", "error").Set("payload", problems("UnsupportedOperation", "unknown not supported through the realtime channel")))
	}
}

// start begins a subscription. kind and words say why not; "" is that it has begun.
func (k *socket) start(id string, m *vtl.Map) (kind, words string) {
	payload, _ := lookup(m, "payload").(*vtl.Map)
	data := textOf(payload, "data")
	v, err := vtl.ParseJSON(data)
	request, ok := v.(*vtl.Map)
	if err != nil || !ok || id == "" {
		return "BadRequestException", "The payload of the message cannot be read."
	}
	q, wrong := queryOf(request)
	if wrong != "" {
		return "MalformedHttpRequestException", wrong
	}
	ctx := context.Background()
	a, err := k.s.serve(ctx, k.id)
	if err != nil || a == nil {
		return "NotFoundException", "GraphQL API not found."
	}
	extensions, _ := lookup(payload, "extensions").(*vtl.Map)
	authorization, _ := lookup(extensions, "authorization").(*vtl.Map)
	header := headerOf(authorization)
	plain, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+k.host+"/graphql", nil)
	if err != nil {
		return "BadRequestException", "The host cannot be read."
	}
	plain.RemoteAddr = k.call.SourceIP + ":0"
	who, err := k.s.admit(a, signedRequest(plain, "/graphql", header), header, k.call, []byte(data), &q)
	if err != nil {
		return "UnauthorizedException", err.Error()
	}
	x := &exchange{Service: k.s, api: a, caller: who, header: headersOf(header), ctx: ctx}
	sub, errs := x.subscribe(&q)
	if errs != nil {
		return errs[0].Type, errs[0].Message
	}
	if !k.subscribe(id, sub) {
		return "MaxSubscriptionsReachedError", "Max number of 100 subscriptions reached"
	}
	return "", ""
}

// subscribe checks a request to subscribe, and runs the resolver of its field, if
// there is one, which may refuse or set a filter.
func (x *exchange) subscribe(q *query) (*subscription, []*graphql.Error) {
	op, _, errs := x.prepare(q)
	if errs != nil {
		if errs[0].Type == "" {
			errs[0].Type = "ValidationError"
		}
		return nil, errs
	}
	if op.Kind != ast.Subscription {
		return nil, []*graphql.Error{{Type: "UnsupportedOperation", Message: string(op.Kind) + " not supported through the realtime channel"}}
	}
	field, wrong := op.Root()
	if wrong == nil {
		wrong = x.Allow(field)
	}
	if wrong != nil {
		return nil, []*graphql.Error{wrong}
	}
	sub := &subscription{exchange: x, field: field.Name, args: vtl.NewMap()}
	for _, name := range field.Args.Keys() {
		if v, _ := field.Args.Lookup(name); v != nil {
			sub.args.Set(name, v)
		}
	}
	if x.Has(field.Parent, field.Name) {
		ctx, cancel := context.WithTimeout(x.ctx, requestLasts)
		defer cancel()
		out := x.Resolve(ctx, []*graphql.Field{field})[0]
		if len(out.Errors) > 0 {
			return nil, out.Errors
		}
		sub.filter, sub.filtered, sub.ends = x.effects.all.Filter, x.effects.all.HasFilter, x.effects.all.Invalidation
	}
	return sub, nil
}

// publish tells subscriptions of what a mutation did, as far as it did.
func (x *exchange) publish(out *graphql.Response) {
	open := x.sockets.of(x.api.id)
	if len(open) == 0 {
		return
	}
	for _, name := range out.Roots() {
		fed := x.api.schema.Subscriptions(name)
		v, ok := out.Field(name)
		if len(fed) == 0 || !ok || v == nil {
			continue
		}
		for _, field := range fed {
			for _, k := range open {
				k.feed(field, v)
			}
		}
	}
	x.invalidate(open)
}

// feed tells the client what came of a mutation, where it has subscribed to that.
func (k *socket) feed(field string, v any) {
	for id, sub := range k.all() {
		if sub.field != field || !sub.wants(v) {
			continue
		}
		answer := sub.exchange.op.Execute(context.Background(), fed{sub.exchange}, maxResolvers, vtl.NewMap().Set(field, v))
		payload, _ := vtl.ParseJSON(string(answer.JSON()))
		k.send(vtl.NewMap().Set("id", id).Set("type", "data").Set("payload", payload))
	}
}

// fed resolves nothing: what came of a mutation is all that there is.
type fed struct{ *exchange }

// Has is false.
func (fed) Has(string, string) bool { return false }

// wants reports whether the subscription's filter, or else its arguments, let v through.
func (s *subscription) wants(v any) bool {
	m, ok := v.(*vtl.Map)
	if !ok {
		return s.args.Len() == 0 && !s.filtered
	}
	if s.filtered {
		return matches(s.filter, m)
	}
	for _, name := range s.args.Keys() {
		want, _ := s.args.Lookup(name)
		got, _ := m.Lookup(name)
		if got == nil || vtl.JSON(got) != vtl.JSON(want) {
			return false
		}
	}
	return true
}

// invalidate ends subscriptions as resolvers said.
func (x *exchange) invalidate(open []*socket) {
	for _, one := range x.effects.all.Invalidate {
		m, _ := one.(*vtl.Map)
		payload, _ := lookup(m, "payload").(*vtl.Map)
		for _, k := range open {
			for id, sub := range k.all() {
				if sub.field == textOf(m, "subscriptionField") && sub.ends != nil && matches(sub.ends, orEmpty(payload)) && k.unsubscribe(id) {
					k.send(vtl.NewMap().Set("id", id).Set("type", "complete"))
				}
			}
		}
	}
}

// matches reports whether v passes one of the groups of a filter: all filters of it.
func matches(filter any, v *vtl.Map) bool {
	m, ok := filter.(*vtl.Map)
	if !ok {
		return true
	}
	groups, ok := lookup(m, "filterGroup").(*vtl.List)
	if !ok || len(groups.Items) == 0 {
		return true
	}
	for _, g := range groups.Items {
		group, _ := g.(*vtl.Map)
		filters, _ := lookup(group, "filters").(*vtl.List)
		holds := true
		if filters != nil {
			for _, f := range filters.Items {
				one, _ := f.(*vtl.Map)
				holds = holds && passes(one, v)
			}
		}
		if holds {
			return true
		}
	}
	return false
}

// passes reports whether v passes a filter.
func passes(filter, v *vtl.Map) bool {
	var got any = v
	for part := range strings.SplitSeq(textOf(filter, "fieldName"), ".") {
		m, _ := got.(*vtl.Map)
		got = lookup(m, part)
	}
	want := lookup(filter, "value")
	var wanted []any
	if list, ok := want.(*vtl.List); ok {
		wanted = list.Items
	}
	var held []any
	if list, ok := got.(*vtl.List); ok {
		held = list.Items
	}
	same := func(a, b any) bool { return vtl.JSON(a) == vtl.JSON(b) }
	among := func(list []any, v any) bool {
		for _, w := range list {
			if same(w, v) {
				return true
			}
		}
		return false
	}
	text, isText := got.(string)
	switch op := textOf(filter, "operator"); op {
	case "eq":
		return same(got, want)
	case "ne":
		return !same(got, want)
	case "in":
		return among(wanted, got)
	case "notIn":
		return !among(wanted, got)
	case "contains":
		return isText && strings.Contains(text, vtl.String(want)) || among(held, want)
	case "notContains":
		return !(isText && strings.Contains(text, vtl.String(want)) || among(held, want))
	case "containsAny":
		for _, w := range wanted {
			if isText && strings.Contains(text, vtl.String(w)) || among(held, w) {
				return true
			}
		}
		return false
	case "beginsWith":
		return isText && strings.HasPrefix(text, vtl.String(want))
	case "between":
		return len(wanted) == 2 && compare(got, wanted[0]) >= 0 && compare(got, wanted[1]) <= 0 && ordered(got, wanted[0])
	case "lt", "le", "gt", "ge":
		c := compare(got, want)
		return ordered(got, want) && (op == "lt" && c < 0 || op == "le" && c <= 0 || op == "gt" && c > 0 || op == "ge" && c >= 0)
	}
	return false
}

// ordered reports whether two values have an order.
func ordered(a, b any) bool {
	_, aText := a.(string)
	_, bText := b.(string)
	_, aNumber := number(a)
	_, bNumber := number(b)
	return aText && bText || aNumber && bNumber
}

func compare(a, b any) int {
	if x, ok := number(a); ok {
		y, _ := number(b)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	return strings.Compare(vtl.String(a), vtl.String(b))
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
