// Package firewall decides whether a request may pass: it is the rules of AWS
// WAF, without the service that keeps them.
//
// The idea that makes it work: a statement is a function of a request. Compiled
// once, a list of rules is asked one after the other until one ends it; what its
// rules count is kept elsewhere, so that it may be compiled anew.
//
//	firewall.go   lists of rules, and what they decide    rate.go       what is counted
//	statement.go  what rules look for                     transform.go  and how it is read
//	field.go      parts of requests                       capacity.go   what rules cost
//	managed.go    groups of AWS's                         detect.go     SQL and scripts
//	managedrules.go  and their rules
package firewall

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A Request is one that is to pass.
type Request struct {
	*http.Request
	Body   []byte
	IP     netip.Addr
	labels map[string]bool
}

// New returns a request of an address.
func New(r *http.Request, body []byte, address string) *Request {
	ip, _ := netip.ParseAddr(address)
	return &Request{Request: r, Body: body, IP: ip.Unmap(), labels: make(map[string]bool)}
}

// A Decision is what becomes of a request.
type Decision struct {
	Blocked bool
	Rule    string // that decided; "" if none did
	Status  int    // of the answer to a request that is blocked
	Header  http.Header
	Body    string
	Insert  http.Header // headers that a request gets that is not
}

// A Source finds what rules name by ARN.
type Source interface {
	IPSet(arn string) (*api.IPSet, error)
	PatternSet(arn string) (*api.RegexPatternSet, error)
	RuleGroup(arn string) (*api.RuleGroup, error)
}

// A List is rules that are ready to decide.
type List struct {
	rules  []rule
	usual  action
	bodies map[string]api.CustomResponseBody
}

// A rule is one of a list. Those of a group that it names are within it.
type rule struct {
	name   string
	match  statement // nil, of one that names a group: every request is asked about
	action action
	labels []string
	group  *List
	counts bool // what its group decides is not done
}

// An action is what is done with a request that a rule matches.
type action struct {
	ends   bool // no further rule is asked
	block  *api.BlockAction
	insert []api.CustomHTTPHeader
}

// Lack is the error of what is not answered yet, by its name.
type Lack struct{ What string }

func (e *Lack) Error() string { return e.What }

// Compile makes the rules of a web ACL ready. namespace begins the labels of its
// rules.
func Compile(acl *api.WebACL, from Source, counters *Counters) (*List, error) {
	c := &compiler{from: from, counters: counters, scope: acl.ARN}
	l, err := c.list(acl.Rules, aws.Value(acl.LabelNamespace), acl.CustomResponseBodies)
	if err != nil {
		return nil, err
	}
	l.usual = action{ends: true, block: acl.DefaultAction.Block}
	if a := acl.DefaultAction.Allow; a != nil && a.CustomRequestHandling != nil {
		l.usual.insert = a.CustomRequestHandling.InsertHeaders
	}
	return l, nil
}

// Check refuses rules that cannot be compiled.
func Check(rules []api.Rule, from Source) error {
	_, err := (&compiler{from: from, counters: new(Counters)}).list(rules, "", nil)
	return err
}

type compiler struct {
	from     Source
	counters *Counters
	scope    string // that begins the names of what is counted
}

func (c *compiler) list(rules []api.Rule, namespace string, bodies map[string]api.CustomResponseBody) (*List, error) {
	l := &List{bodies: bodies}
	rules = slices.Clone(rules)
	slices.SortStableFunc(rules, func(a, b api.Rule) int { return int(a.Priority) - int(b.Priority) })
	for i := range rules {
		made, err := c.rule(&rules[i], namespace)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", rules[i].Name, err)
		}
		l.rules = append(l.rules, made)
	}
	return l, nil
}

func (c *compiler) rule(r *api.Rule, namespace string) (out rule, err error) {
	out.name = r.Name
	for _, label := range r.RuleLabels {
		out.labels = append(out.labels, namespace+label.Name)
	}
	if g := r.Statement.RuleGroupReferenceStatement; g != nil {
		group, err := c.from.RuleGroup(g.ARN)
		if err != nil {
			return out, err
		}
		rules := overridden(group.Rules, g)
		out.group, err = c.list(rules, aws.Value(group.LabelNamespace), group.CustomResponseBodies)
		out.counts = r.OverrideAction != nil && r.OverrideAction.Count != nil
		return out, err
	}
	if r.Statement.ManagedRuleGroupStatement != nil {
		return c.managed(r)
	}
	if out.match, err = c.statement(r.Statement, r.Name); err != nil {
		return out, err
	}
	if r.Action == nil {
		return out, api.WAFInvalidParameterException.Errorf("Error reason: You have used none or multiple values for a field that requires exactly one value., field: RULE, parameter: %s", r.Name)
	}
	out.action, err = actionOf(r.Action)
	return out, err
}

// overridden are rules of a group with the actions that who names it gives them.
func overridden(rules []api.Rule, g *api.RuleGroupReferenceStatement) []api.Rule {
	out := slices.Clone(rules)
	for i := range out {
		for _, o := range g.RuleActionOverrides {
			if o.Name == out[i].Name {
				out[i].Action = o.ActionToUse
			}
		}
		for _, x := range g.ExcludedRules {
			if x.Name == out[i].Name {
				out[i].Action = &api.RuleAction{Count: &api.CountAction{}}
			}
		}
	}
	return out
}

func actionOf(a *api.RuleAction) (action, error) {
	inserts := func(h *api.CustomRequestHandling) []api.CustomHTTPHeader {
		if h == nil {
			return nil
		}
		return h.InsertHeaders
	}
	switch {
	case a.Block != nil:
		return action{ends: true, block: a.Block}, nil
	case a.Allow != nil:
		return action{ends: true, insert: inserts(a.Allow.CustomRequestHandling)}, nil
	case a.Count != nil:
		return action{insert: inserts(a.Count.CustomRequestHandling)}, nil
	}
	return action{}, &Lack{"an Action of CAPTCHA, challenges or payment"}
}

// Decide says what becomes of a request.
func (l *List) Decide(q *Request) *Decision {
	d := &Decision{Insert: make(http.Header)}
	if l.ask(q, d) {
		return d
	}
	l.do(&l.usual, d)
	return d
}

// ask asks the rules, and reports whether one has ended it.
func (l *List) ask(q *Request, d *Decision) bool {
	for i := range l.rules {
		r := &l.rules[i]
		if r.group != nil && r.match != nil && !r.match(q) {
			continue
		}
		if r.group != nil {
			inner := &Decision{Insert: make(http.Header)}
			if r.group.ask(q, inner) && !r.counts {
				*d = *inner
				return true
			}
			continue
		}
		if !r.match(q) {
			continue
		}
		for _, label := range r.labels {
			q.labels[label] = true
		}
		l.do(&r.action, d)
		if r.action.ends {
			d.Rule = r.name
			return true
		}
	}
	return false
}

// do does what an action says.
func (l *List) do(a *action, d *Decision) {
	for _, h := range a.insert {
		d.Insert.Set("X-Amzn-Waf-"+h.Name, h.Value)
	}
	if a.block == nil {
		return
	}
	d.Blocked, d.Status, d.Header = true, http.StatusForbidden, make(http.Header)
	c := a.block.CustomResponse
	if c == nil {
		return
	}
	d.Status = int(c.ResponseCode)
	for _, h := range c.ResponseHeaders {
		d.Header.Set(h.Name, h.Value)
	}
	if b, ok := l.bodies[aws.Value(c.CustomResponseBodyKey)]; ok {
		d.Body = b.Content
		d.Header.Set("Content-Type", map[string]string{"TEXT_PLAIN": "text/plain", "TEXT_HTML": "text/html", "APPLICATION_JSON": "application/json"}[b.ContentType])
	}
}

// Speaks reports whether a rule says how a request is answered that is blocked.
func (d *Decision) Speaks() bool {
	return len(d.Header) > 0 || d.Body != "" || d.Status != http.StatusForbidden
}

// window is how long requests are counted, if a rule does not say.
const window = 5 * time.Minute
