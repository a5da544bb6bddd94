package firewall

import (
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
)

// A Managed is a group of rules that AWS has made for everybody. AWS tells what
// its rules look for, and not the very patterns: these are made of that. A rule
// that looks for what only AWS knows, such as lists of addresses, matches nothing.
type Managed struct {
	Name        string
	Description string
	Capacity    int64
	Namespace   string // that begins the labels of its rules
	Rules       []ManagedRule
}

// A ManagedRule is a rule of such a group.
type ManagedRule struct {
	Name, Label string
	Counts      bool           // it only counts, and blocks nothing
	Statement   *api.Statement // nil: only AWS knows what it looks for
}

// Action is what the rule does, if nobody overrides it.
func (r *ManagedRule) Action() *api.RuleAction {
	if r.Counts {
		return &api.RuleAction{Count: &api.CountAction{}}
	}
	return &api.RuleAction{Block: &api.BlockAction{}}
}

// ManagedGroup returns the group of AWS's of a name.
func ManagedGroup(vendor, name string) (*Managed, bool) {
	i := slices.IndexFunc(managedGroups, func(g *Managed) bool { return vendor == "AWS" && g.Name == name })
	if i < 0 {
		return nil, false
	}
	return managedGroups[i], true
}

// ManagedGroups are all of them.
func ManagedGroups() []*Managed { return slices.Clone(managedGroups) }

// managed makes a group of AWS's ready, as a rule of a list names it.
func (c *compiler) managed(r *api.Rule) (out rule, err error) {
	m := r.Statement.ManagedRuleGroupStatement
	g, ok := ManagedGroup(m.VendorName, m.Name)
	switch {
	case !ok:
		return out, &Lack{"the managed rule group " + m.Name}
	case m.Version != nil:
		return out, &Lack{"versions of managed rule groups"}
	}
	out = rule{name: r.Name, group: new(List), counts: r.OverrideAction != nil && r.OverrideAction.Count != nil}
	if m.ScopeDownStatement != nil {
		if out.match, err = c.statement(m.ScopeDownStatement, r.Name); err != nil {
			return out, err
		}
	}
	actions := make(map[string]*api.RuleAction)
	for _, o := range m.RuleActionOverrides {
		actions[o.Name] = o.ActionToUse
	}
	for _, x := range m.ExcludedRules {
		actions[x.Name] = &api.RuleAction{Count: &api.CountAction{}}
	}
	for i := range g.Rules {
		one := &g.Rules[i]
		if one.Statement == nil {
			continue
		}
		made := rule{name: one.Name, labels: []string{g.Namespace + one.Label}}
		if made.match, err = c.statement(one.Statement, one.Name); err != nil {
			return out, err
		}
		a := actions[one.Name]
		if a == nil {
			a = one.Action()
		}
		if made.action, err = actionOf(a); err != nil {
			return out, err
		}
		out.group.rules = append(out.group.rules, made)
	}
	return out, nil
}

// Statements of the rules of AWS's groups. They read a field as it is written, and
// as what it means.

func plainly(kinds ...string) []api.TextTransformation {
	var all []api.TextTransformation
	for i, kind := range kinds {
		all = append(all, api.TextTransformation{Priority: int32(i), Type: kind})
	}
	return all
}

// in is a statement over one of the fields that groups look at.
type in func() *api.FieldToMatch

func header(name string) in {
	return func() *api.FieldToMatch { return &api.FieldToMatch{SingleHeader: &api.SingleHeader{Name: name}} }
}

var (
	ofBody   in = func() *api.FieldToMatch { return &api.FieldToMatch{Body: &api.Body{}} }
	ofPath   in = func() *api.FieldToMatch { return &api.FieldToMatch{UriPath: &api.UriPath{}} }
	ofQuery  in = func() *api.FieldToMatch { return &api.FieldToMatch{QueryString: &api.QueryString{}} }
	ofArgs   in = func() *api.FieldToMatch { return &api.FieldToMatch{AllQueryArguments: &api.AllQueryArguments{}} }
	ofCookie in = func() *api.FieldToMatch {
		return &api.FieldToMatch{Cookies: &api.Cookies{MatchPattern: &api.CookieMatchPattern{All: &api.All{}}, MatchScope: "ALL", OversizeHandling: "CONTINUE"}}
	}
	ofHeaders in = func() *api.FieldToMatch {
		return &api.FieldToMatch{Headers: &api.Headers{MatchPattern: &api.HeaderMatchPattern{All: &api.All{}}, MatchScope: "ALL", OversizeHandling: "CONTINUE"}}
	}
)

// has is a statement that a field has what an expression describes, in lower case.
func (where in) has(expression string, as ...string) *api.Statement {
	return &api.Statement{RegexMatchStatement: &api.RegexMatchStatement{RegexString: expression, FieldToMatch: where(), TextTransformations: plainly(append(as, "LOWERCASE")...)}}
}

// over is a statement that a field is longer than n bytes.
func (where in) over(n int64) *api.Statement {
	return &api.Statement{SizeConstraintStatement: &api.SizeConstraintStatement{Size: n, ComparisonOperator: "GT", FieldToMatch: where(), TextTransformations: plainly("NONE")}}
}

// script is a statement that a field has scripts for browsers.
func (where in) script() *api.Statement {
	return &api.Statement{XssMatchStatement: &api.XssMatchStatement{FieldToMatch: where(), TextTransformations: plainly("URL_DECODE", "HTML_ENTITY_DECODE")}}
}

// sql is a statement that a field has pieces of SQL.
func (where in) sql() *api.Statement {
	return &api.Statement{SqliMatchStatement: &api.SqliMatchStatement{FieldToMatch: where(), TextTransformations: plainly("URL_DECODE")}}
}

func not(s *api.Statement) *api.Statement {
	return &api.Statement{NotStatement: &api.NotStatement{Statement: s}}
}

// each makes rules that look for the same in several fields: fields has the end
// of the rule's name, the end of its label, and the field.
func each(rule, label string, looks func(where in) *api.Statement, fields ...part) []ManagedRule {
	var all []ManagedRule
	for _, f := range fields {
		all = append(all, ManagedRule{Name: rule + "_" + f.name, Label: label + "_" + f.label, Statement: looks(f.where)})
	}
	return all
}

// A part is a field, as the names and the labels of rules call it.
type part struct {
	name, label string
	where       in
}

var (
	inBody    = part{"BODY", "Body", ofBody}
	inCookie  = part{"COOKIE", "Cookie", ofCookie}
	inPath    = part{"URIPATH", "URIPath", ofPath}
	inArgs    = part{"QUERYARGUMENTS", "QueryArguments", ofArgs}
	inQuery   = part{"QUERYSTRING", "QueryString", ofQuery}
	inHeaders = part{"HEADER", "Header", ofHeaders}
)

// having is a statement about a field for each.
func having(expression string) func(where in) *api.Statement {
	return func(where in) *api.Statement { return where.has(expression, "URL_DECODE") }
}

// Labels are the labels that the rules of the group give.
func (g *Managed) Labels() []string {
	all := make(map[string]bool)
	for _, r := range g.Rules {
		all[g.Namespace+r.Label] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// Unknown are the rules of the group that match nothing, for only AWS knows what
// they look for.
func (g *Managed) Unknown() []string {
	var all []string
	for _, r := range g.Rules {
		if r.Statement == nil {
			all = append(all, r.Name)
		}
	}
	return all
}
