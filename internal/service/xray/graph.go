package xray

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/xray"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxGraph is how many traces a graph is made of at most: the first.
const maxGraph = 10_000

// GetServiceGraph returns which services called which, in a span of time.
func (s *Service) GetServiceGraph(ctx context.Context, call *aws.Call, in *api.GetServiceGraphInput) (*api.GetServiceGraphOutput, error) {
	if !in.StartTime.Before(in.EndTime) {
		return nil, invalid("End time must be after start time.")
	}
	of := call.ARN("xray", "")
	var g *graph
	err := s.db.View(ctx, func(tx *store.Tx) error {
		g = newGraph(call.Account)
		n := 0
		for key := range begun.Range(tx, begunKey{Of: of, At: in.StartTime}, begunKey{Of: of, At: in.EndTime}) {
			if n++; n > maxGraph {
				break
			}
			t := readTrace(tx, traceKey{of, key.ID})
			g.add(&t)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return &api.GetServiceGraphOutput{StartTime: &in.StartTime, EndTime: &in.EndTime, Services: g.services(), ContainsOldGroupVersions: new(false)}, nil
}

// GetTraceGraph returns which services called which, in some traces.
func (s *Service) GetTraceGraph(ctx context.Context, call *aws.Call, in *api.GetTraceGraphInput) (*api.GetTraceGraphOutput, error) {
	var g *graph
	err := s.db.View(ctx, func(tx *store.Tx) error {
		g = newGraph(call.Account)
		for _, id := range in.TraceIds {
			t := readTrace(tx, traceKey{call.ARN("xray", ""), id})
			g.add(&t)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return &api.GetTraceGraphOutput{Services: g.services()}, nil
}

// A graph is services and their calls.
type graph struct {
	account string
	nodes   []*node
	byName  map[nodeName]*node
}

type nodeName struct{ name, kind string }

// A node is a service.
type node struct {
	nodeName
	id       int32
	root     bool
	from, to float64
	stats    statistics
	edges    []*edge
}

// An edge is the calls of one service to another.
type edge struct {
	to         *node
	from, last float64
	stats      statistics
}

// statistics are those of calls.
type statistics struct {
	ok, errors, throttles, faults, total int64
	time                                 float64
}

func (st *statistics) add(d *document) {
	st.total++
	switch {
	case d.Fault:
		st.faults++
	case d.Throttle:
		st.throttles++
	case d.Error:
		st.errors++
	default:
		st.ok++
	}
	st.time += max(0, d.EndTime-d.StartTime)
}

func newGraph(account string) *graph {
	return &graph{account: account, byName: make(map[nodeName]*node)}
}

func (g *graph) node(name, kind string) *node {
	key := nodeName{name, kind}
	n := g.byName[key]
	if n == nil {
		n = &node{nodeName: key, id: int32(len(g.nodes))}
		g.nodes, g.byName[key] = append(g.nodes, n), n
	}
	return n
}

func (n *node) saw(d *document) {
	n.stats.add(d)
	if n.from == 0 || d.StartTime < n.from {
		n.from = d.StartTime
	}
	n.to = max(n.to, d.EndTime)
}

func (n *node) call(to *node, d *document) {
	var e *edge
	for _, had := range n.edges {
		if had.to == to {
			e = had
		}
	}
	if e == nil {
		e = &edge{to: to, from: d.StartTime}
		n.edges = append(n.edges, e)
	}
	e.from, e.last = min(e.from, d.StartTime), max(e.last, d.EndTime)
	e.stats.add(d)
}

// add adds the calls of a trace: a segment is called by the one that has its
// parent, and what a subsegment calls that sent no segment is a service too.
func (g *graph) add(t *trace) {
	owner := make(map[string]*node) // by id of segment or subsegment
	answered := make(map[string]bool)
	for i := range t.documents {
		d := &t.documents[i]
		answered[d.ParentID] = true
		if d.Type == "subsegment" {
			continue
		}
		n := g.node(d.Name, d.Origin)
		d.each(func(sub *document) { owner[sub.ID] = n })
	}
	for i := range t.documents {
		d := &t.documents[i]
		by := owner[d.ParentID]
		n := owner[d.ID]
		if n == nil { // a subsegment that was sent alone
			if n = by; n == nil {
				continue
			}
		} else {
			n.saw(d)
			n.root = n.root || d.ParentID == ""
			if by != nil && by != n {
				by.call(n, d)
			}
		}
		d.each(func(sub *document) {
			if sub.Namespace == "" || answered[sub.ID] {
				return
			}
			kind := "remote"
			if sub.Namespace == "aws" {
				kind = "AWS::" + sub.Name
			}
			remote := g.node(sub.Name, kind)
			remote.saw(sub)
			n.call(remote, sub)
		})
	}
}

func (g *graph) services() []api.Service {
	all := []api.Service{}
	for _, n := range g.nodes {
		sv := api.Service{
			ReferenceId: &n.id, Name: &n.name, Names: []string{n.name}, AccountId: &g.account, State: new("active"), Edges: []api.Edge{},
			StartTime: new(seconds(n.from)), EndTime: new(seconds(n.to)), SummaryStatistics: n.stats.service(),
		}
		if n.kind != "" {
			sv.Type = &n.kind
		}
		if n.root {
			sv.Root = new(true)
		}
		for _, e := range n.edges {
			sv.Edges = append(sv.Edges, api.Edge{
				ReferenceId: &e.to.id, StartTime: new(seconds(e.from)), EndTime: new(seconds(e.last)),
				SummaryStatistics: (*api.EdgeStatistics)(e.stats.service()), Aliases: []api.Alias{},
			})
		}
		all = append(all, sv)
	}
	return all
}

func (st *statistics) service() *api.ServiceStatistics {
	errs := st.errors + st.throttles
	return &api.ServiceStatistics{
		OkCount: &st.ok, TotalCount: &st.total, TotalResponseTime: &st.time,
		ErrorStatistics: &api.ErrorStatistics{ThrottleCount: &st.throttles, OtherCount: &st.errors, TotalCount: &errs},
		FaultStatistics: &api.FaultStatistics{OtherCount: &st.faults, TotalCount: &st.faults},
	}
}
