// Package domain keeps the domains of users' own, by which their APIs are
// asked, and finds what a request to one is for. REST, HTTP and WebSocket APIs
// share them: either service makes, lists and maps the same rows.
//
// All domains of a platform are one index in memory, made anew after a change.
// So a request for a host that is no domain costs a look at a map, and one for
// a domain a look for each part that its mappings' paths have.
//
//	domain.go   Domains: whose host it is, and what answers there
//	row.go      domains and mappings as they are kept
//	rule.go     routing rules
//	trust.go    whom a domain with mutual TLS trusts
//	private.go  who may ask a private domain
//	certificate.go  what a domain shows
package domain

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A Gateway is a service to whose APIs domains lead.
type Gateway interface {
	// Owns reports whether there is an API of that id.
	Owns(ctx context.Context, id string) bool
	// HasStage reports whether the caller's account has an API of that id,
	// and whether that has such a stage.
	HasStage(tx *store.Tx, call *aws.Call, id, stage string) (hasAPI, hasStage bool, err error)
	// ServeVia answers r for the API of that id.
	ServeVia(w http.ResponseWriter, r *http.Request, call *aws.Call, id string, via *Via)
}

// Domains are those of a platform.
type Domains struct {
	db       *store.DB
	own      string // host of the platform itself
	gateways []Gateway

	index   atomic.Pointer[index]
	mu      sync.Mutex
	changes uint64 // so that an index read before one is not kept after it
}

// New returns the domains that db keeps, of a platform whose own host is own.
func New(db *store.DB, own string) *Domains {
	return &Domains{db: db, own: strings.ToLower(own)}
}

// Add has domains lead to the APIs of g.
func (d *Domains) Add(g Gateway) { d.gateways = append(d.gateways, g) }

// Is reports whether a host is a domain.
func (d *Domains) Is(ctx context.Context, host string) bool {
	s, err := d.find(ctx, host)
	return s != nil || err != nil
}

// Inside reports whether a host is a domain, or that of an API by its id.
func (d *Domains) Inside(ctx context.Context, host string) bool {
	host = strings.ToLower(host)
	if id, rest, ok := strings.Cut(host, ".execute-api."); ok {
		if rest == "localhost" || strings.HasSuffix(rest, ".localhost") || rest == d.own {
			return true
		}
		for _, g := range d.gateways {
			if strings.HasSuffix(rest, ".amazonaws.com") && g.Owns(ctx, id) {
				return true
			}
		}
		return false
	}
	if _, rest, ok := strings.Cut(host, ".appsync-api."); ok { // whatever its id is
		return rest == "localhost" || strings.HasSuffix(rest, ".localhost") || rest == d.own || strings.HasSuffix(rest, ".amazonaws.com")
	}
	if _, _, ok := strings.Cut(host, ".elb."); ok {
		return strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, "."+d.own) || strings.HasSuffix(host, ".amazonaws.com")
	}
	return d.Is(ctx, host)
}

// Serve answers a request to a domain.
func (d *Domains) Serve(w http.ResponseWriter, r *http.Request, call *aws.Call, host string) {
	s, err := d.find(r.Context(), host)
	if err != nil {
		forbid(w, call, http.StatusInternalServerError, "InternalServerErrorException", "Internal server error")
		return
	}
	endpoint, admitted := "", s != nil && s.admit(r, host)
	if admitted && s.private != nil {
		endpoint, admitted = s.private.admit(r, call)
	}
	if admitted {
		if id, via := s.lead(r); via != nil {
			via.Endpoint = endpoint
			for _, g := range d.gateways {
				if g.Owns(r.Context(), id) {
					g.ServeVia(w, r, call, id, via)
					return
				}
			}
		}
	}
	forbid(w, call, http.StatusForbidden, "ForbiddenException", "Forbidden")
}

// forbid answers a request that leads nowhere.
func forbid(w http.ResponseWriter, call *aws.Call, status int, kind, message string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Requestid", call.RequestID)
	h.Set("X-Amzn-Errortype", kind)
	w.WriteHeader(status)
	io.WriteString(w, `{"message":"`+message+`"}`) // nobody is there to be told of an error
}

// An index is all domains by name.
type index map[string]*served

// A served is a domain, ready to lead requests on. It never changes.
type served struct {
	mappings map[string]Mapping // by path
	depth    int                // parts of the longest path
	rules    []Rule             // by priority
	mapped   bool               // mappings are asked, after the rules
	trust    *trust             // nil if clients need no certificates
	private  *privacy           // nil if it is for everybody

	certificate string // ARN of what is shown, or ""
}

// find returns the domain that a host is, or nil.
func (d *Domains) find(ctx context.Context, host string) (*served, error) {
	all := d.index.Load()
	if all == nil {
		var err error
		if all, err = d.read(ctx); err != nil {
			return nil, err
		}
	}
	if len(*all) == 0 {
		return nil, nil
	}
	host = strings.ToLower(host)
	if s := (*all)[host]; s != nil {
		return s, nil
	}
	if _, parent, ok := strings.Cut(host, "."); ok && !d.reserved(host) {
		return (*all)["*."+parent], nil
	}
	return nil, nil
}

// read makes the index.
func (d *Domains) read(ctx context.Context) (*index, error) {
	d.mu.Lock()
	changes := d.changes
	d.mu.Unlock()
	var all index
	err := d.db.View(ctx, func(tx *store.Tx) error {
		all = make(index)
		for arn, row := range names.Scan(tx, aws.ARN{}) {
			s, err := compile(tx, arn, &row)
			if err != nil {
				return err
			}
			all[strings.ToLower(*row.DomainName)] = s
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changes == changes {
		d.index.Store(&all)
	}
	return &all, nil
}

// changed has the index made anew once tx is kept.
func (d *Domains) changed(tx *store.Tx) {
	tx.AfterCommit(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.changes++
		d.index.Store(nil)
	})
}

func compile(tx *store.Tx, arn aws.ARN, row *Row) (*served, error) {
	mode := aws.Value(row.RoutingMode)
	s := &served{mappings: make(map[string]Mapping), mapped: mode != rulesOnly, certificate: certificateOf(row)}
	var err error
	if s.private, err = compilePrivacy(tx, arn, row); err != nil {
		return nil, err
	}
	for key, m := range mappings.Scan(tx, partKey{Of: arn}) {
		s.mappings[key.Part] = m
		if key.Part != "" {
			s.depth = max(s.depth, strings.Count(key.Part, "/")+1)
		}
	}
	if mode == rulesOnly || mode == rulesFirst {
		for _, r := range rules.Scan(tx, partKey{Of: arn}) {
			s.rules = append(s.rules, r)
		}
		slices.SortFunc(s.rules, func(a, b Rule) int { return int(a.Priority - b.Priority) })
	}
	if row.MutualTlsAuthentication == nil {
		return s, tx.Err()
	}
	text, err := trusted.Get(tx, arn)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	s.trust = newTrust(text)
	return s, nil
}

// lead returns the API that r is for, and how it comes there; nil if nowhere.
func (s *served) lead(r *http.Request) (string, *Via) {
	path := r.URL.EscapedPath()
	via := &Via{Full: path}
	if s.trust != nil {
		via.Certificate = r.TLS.PeerCertificates[0]
	}
	for i := range s.rules {
		if base, ok := s.rules[i].matches(r, path); ok {
			a := &s.rules[i]
			if via.Stage = a.Stage; a.Strip {
				via.Base = base
			}
			via.Path = below(path, via.Base)
			return a.API, via
		}
	}
	if !s.mapped {
		return "", nil
	}
	base := firstParts(path, s.depth)
	for {
		if m, ok := s.mappings[strings.TrimPrefix(base, "/")]; ok {
			via.Stage, via.Base = m.Stage, base
			via.Path = below(path, base)
			return m.API, via
		}
		if base == "" {
			return "", nil
		}
		base = base[:strings.LastIndexByte(base, '/')]
	}
}

// A Via is how a request comes to an API by a domain. Paths are raw.
type Via struct {
	Stage string // empty: the path names it
	Full  string // what was asked for
	Base  string // what Full begins with: "/orders/v1", or ""
	Path  string // what of Full comes after Base: "/", "/pets"

	Certificate *certificate // of the client, if the domain wants one
	Endpoint    string       // of a network, if the domain is private
}

// below is what of path comes after base.
func below(path, base string) string {
	if rest := strings.TrimPrefix(path, base); rest != "" {
		return rest
	}
	return "/"
}

// firstParts is path to the end of its n-th part, without a slash at the end.
func firstParts(path string, n int) string {
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			if n--; n == 0 {
				return path[:i]
			}
		}
	}
	if n == 0 {
		return ""
	}
	return strings.TrimSuffix(path, "/")
}
