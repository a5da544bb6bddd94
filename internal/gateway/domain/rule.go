package domain

import (
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A Rule has requests to a domain that meet all of its conditions lead to a
// stage of an API.
type Rule struct {
	ID       string
	Priority int32
	Paths    []string   // one of which the path begins with; nil: any
	Headers  [][]Header // of each of which the request has one
	API      string
	Stage    string
	Strip    bool // the API does not see the path that matched
}

// A Header is a header and what its value looks like: "beta*".
type Header struct{ Name, Glob string }

// matches reports whether r meets the conditions, and by which base path.
func (r *Rule) matches(req *http.Request, path string) (base string, ok bool) {
	if ok = r.Paths == nil; !ok {
		for _, p := range r.Paths {
			if p = "/" + p; path == p || strings.HasPrefix(path, p+"/") {
				base, ok = p, true
				break
			}
		}
	}
	for _, any := range r.Headers {
		ok = ok && slices.ContainsFunc(any, func(h Header) bool {
			return slices.ContainsFunc(req.Header.Values(h.Name), func(v string) bool { return globs(h.Glob, v) })
		})
	}
	return base, ok
}

// globs reports whether a value looks like a pattern, whose stars stand for anything.
func globs(pattern, value string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == value
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(value, first) || !strings.HasSuffix(value[len(first):], last) {
		return false
	}
	value = value[len(first) : len(value)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		_, rest, ok := strings.Cut(value, p)
		if !ok {
			return false
		}
		value = rest
	}
	return true
}

// PutRule keeps a rule of a domain.
func (d *Domains) PutRule(tx *store.Tx, call *aws.Call, name string, r Rule, noAPI error) error {
	if _, err := d.Find(tx, call, name); err != nil {
		return err
	}
	for other := range d.Rules(tx, call, name) {
		if other.Priority == r.Priority && other.ID != r.ID {
			return api.ConflictException.Errorf("A routing rule with priority %d already exists for this domain name", r.Priority)
		}
	}
	if err := d.checkTarget(tx, call, r.API, r.Stage, noAPI); err != nil {
		return err
	}
	d.changed(tx)
	return rules.Put(tx, partKey{keyOf(call, name), r.ID}, r)
}

// FindRule returns a rule of a domain.
func (d *Domains) FindRule(tx *store.Tx, call *aws.Call, name, id string) (Rule, error) {
	if _, err := d.Find(tx, call, name); err != nil {
		return Rule{}, err
	}
	r, err := rules.Get(tx, partKey{keyOf(call, name), id})
	if errors.Is(err, store.ErrNotFound) {
		err = api.NotFoundException.Errorf("Invalid routing rule identifier specified")
	}
	return r, err
}

// Rules yields the rules of a domain.
func (d *Domains) Rules(tx *store.Tx, call *aws.Call, name string) iter.Seq[Rule] {
	return func(yield func(Rule) bool) {
		for _, r := range rules.Scan(tx, partKey{Of: keyOf(call, name)}) {
			if !yield(r) {
				return
			}
		}
	}
}

// DeleteRule removes a rule of a domain.
func (d *Domains) DeleteRule(tx *store.Tx, call *aws.Call, name, id string) error {
	if _, err := d.FindRule(tx, call, name, id); err != nil {
		return err
	}
	d.changed(tx)
	return rules.Delete(tx, partKey{keyOf(call, name), id})
}
