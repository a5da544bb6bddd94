package firewall

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A statement reports whether a request is one that a rule looks for.
type statement func(q *Request) bool

// statement makes one ready, of the rule of that name.
func (c *compiler) statement(s *api.Statement, name string) (statement, error) {
	switch {
	case s.AndStatement != nil:
		all, err := c.statements(s.AndStatement.Statements, name)
		return func(q *Request) bool { return !slices.ContainsFunc(all, func(f statement) bool { return !f(q) }) }, err
	case s.OrStatement != nil:
		all, err := c.statements(s.OrStatement.Statements, name)
		return func(q *Request) bool { return slices.ContainsFunc(all, func(f statement) bool { return f(q) }) }, err
	case s.NotStatement != nil:
		f, err := c.statement(s.NotStatement.Statement, name)
		return func(q *Request) bool { return !f(q) }, err
	case s.ByteMatchStatement != nil:
		return byteMatch(s.ByteMatchStatement)
	case s.RegexMatchStatement != nil:
		m := s.RegexMatchStatement
		return patterns([]string{m.RegexString}, m.FieldToMatch, m.TextTransformations)
	case s.RegexPatternSetReferenceStatement != nil:
		m := s.RegexPatternSetReferenceStatement
		set, err := c.from.PatternSet(m.ARN)
		if err != nil {
			return nil, err
		}
		var all []string
		for _, r := range set.RegularExpressionList {
			all = append(all, aws.Value(r.RegexString))
		}
		return patterns(all, m.FieldToMatch, m.TextTransformations)
	case s.SizeConstraintStatement != nil:
		return size(s.SizeConstraintStatement)
	case s.IPSetReferenceStatement != nil:
		return c.addresses(s.IPSetReferenceStatement)
	case s.LabelMatchStatement != nil:
		return label(s.LabelMatchStatement), nil
	case s.RateBasedStatement != nil:
		return c.rate(s.RateBasedStatement, name)
	case s.GeoMatchStatement != nil:
		return func(*Request) bool { return false }, nil // nobody's country is known
	case s.SqliMatchStatement != nil && len(s.SqliMatchStatement.PreParseTextTransformations) == 0:
		return injection(s.SqliMatchStatement)
	case s.XssMatchStatement != nil && len(s.XssMatchStatement.PreParseTextTransformations) == 0:
		return scripting(s.XssMatchStatement)
	case s.ManagedRuleGroupStatement != nil:
		return nil, api.WAFInvalidParameterException.Errorf("Error reason: You can't nest a managed rule group., field: STATEMENT, parameter: %s", name)
	}
	return nil, &Lack{"a statement of autonomous systems, or transformations before parsing"}
}

func (c *compiler) statements(list []api.Statement, name string) ([]statement, error) {
	all := make([]statement, len(list))
	for i := range list {
		var err error
		if all[i], err = c.statement(&list[i], name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// texts reports whether one of the texts of a field, read so, is as f says.
func texts(where *api.FieldToMatch, how []api.TextTransformation, f func(string) bool) (statement, error) {
	find, err := fieldOf(where)
	if err != nil {
		return nil, err
	}
	read, err := reader(how)
	return func(q *Request) bool {
		return slices.ContainsFunc(find(q), func(s string) bool { return f(read(s)) })
	}, err
}

func byteMatch(m *api.ByteMatchStatement) (statement, error) {
	want := string(m.SearchString)
	f := map[string]func(string) bool{
		"EXACTLY":     func(s string) bool { return s == want },
		"STARTS_WITH": func(s string) bool { return strings.HasPrefix(s, want) },
		"ENDS_WITH":   func(s string) bool { return strings.HasSuffix(s, want) },
		"CONTAINS":    func(s string) bool { return strings.Contains(s, want) },
	}[m.PositionalConstraint]
	if f == nil { // CONTAINS_WORD
		word, err := regexp.Compile(`(^|[^A-Za-z0-9_])` + regexp.QuoteMeta(want) + `($|[^A-Za-z0-9_])`)
		if err != nil {
			return nil, err
		}
		f = word.MatchString
	}
	return texts(m.FieldToMatch, m.TextTransformations, f)
}

func patterns(list []string, where *api.FieldToMatch, how []api.TextTransformation) (statement, error) {
	var all []*regexp.Regexp
	for _, text := range list {
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, &Lack{"the regular expression " + text}
		}
		all = append(all, re)
	}
	return texts(where, how, func(s string) bool {
		return slices.ContainsFunc(all, func(re *regexp.Regexp) bool { return re.MatchString(s) })
	})
}

func size(m *api.SizeConstraintStatement) (statement, error) {
	f := map[string]func(n int64) bool{
		"EQ": func(n int64) bool { return n == m.Size }, "NE": func(n int64) bool { return n != m.Size },
		"LE": func(n int64) bool { return n <= m.Size }, "LT": func(n int64) bool { return n < m.Size },
		"GE": func(n int64) bool { return n >= m.Size }, "GT": func(n int64) bool { return n > m.Size },
	}[m.ComparisonOperator]
	return texts(m.FieldToMatch, m.TextTransformations, func(s string) bool { return f(int64(len(s))) })
}

// addresses looks for those of a set.
func (c *compiler) addresses(m *api.IPSetReferenceStatement) (statement, error) {
	set, err := c.from.IPSet(m.ARN)
	if err != nil {
		return nil, err
	}
	var all []netip.Prefix
	for _, text := range set.Addresses {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		all = append(all, p.Masked())
	}
	has := func(ip netip.Addr) bool {
		return ip.IsValid() && slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(ip) })
	}
	f := m.IPSetForwardedIPConfig
	if f == nil {
		return func(q *Request) bool { return has(q.IP) }, nil
	}
	return func(q *Request) bool {
		ips, ok := forwarded(q, f.HeaderName)
		if !ok || len(ips) == 0 {
			return !ok && f.FallbackBehavior == "MATCH"
		}
		switch f.Position {
		case "FIRST":
			return has(ips[0])
		case "LAST":
			return has(ips[len(ips)-1])
		}
		return slices.ContainsFunc(ips, has)
	}, nil
}

// forwarded are the addresses that a header says, and whether it says no other
// thing. A request without the header has none.
func forwarded(q *Request, name string) ([]netip.Addr, bool) {
	text := strings.Join(q.Header.Values(name), ",")
	if text == "" {
		return nil, true
	}
	var all []netip.Addr
	for part := range strings.SplitSeq(text, ",") {
		ip, err := netip.ParseAddr(strings.TrimSpace(part))
		if err != nil {
			return nil, false
		}
		all = append(all, ip.Unmap())
	}
	return all, true
}

func label(m *api.LabelMatchStatement) statement {
	return func(q *Request) bool {
		for have := range q.labels {
			if m.Scope == "LABEL" && (have == m.Key || strings.HasSuffix(have, ":"+m.Key)) || m.Scope != "LABEL" && strings.Contains(":"+have, ":"+strings.TrimSuffix(m.Key, ":")+":") {
				return true
			}
		}
		return false
	}
}

// rate looks for requests of which there are too many.
func (c *compiler) rate(m *api.RateBasedStatement, name string) (statement, error) {
	within := window
	if m.EvaluationWindowSec != nil {
		within = time.Duration(*m.EvaluationWindowSec) * time.Second
	}
	scoped := func(*Request) bool { return true }
	if m.ScopeDownStatement != nil {
		var err error
		if scoped, err = c.statement(m.ScopeDownStatement, name); err != nil {
			return nil, err
		}
	}
	key, err := aggregate(m)
	if err != nil {
		return nil, err
	}
	rule := c.scope + "\n" + name
	return func(q *Request) bool {
		if !scoped(q) {
			return false
		}
		k, ok := key(q)
		return ok && c.counters.add(rule, k, within) > m.Limit
	}, nil
}

// aggregate is by what requests are counted.
func aggregate(m *api.RateBasedStatement) (func(q *Request) (string, bool), error) {
	switch m.AggregateKeyType {
	case "IP":
		return func(q *Request) (string, bool) { return q.IP.String(), true }, nil
	case "CONSTANT":
		return func(*Request) (string, bool) { return "", true }, nil
	case "FORWARDED_IP":
		return func(q *Request) (string, bool) {
			ips, ok := forwarded(q, m.ForwardedIPConfig.HeaderName)
			if !ok || len(ips) == 0 {
				return "", !ok && m.ForwardedIPConfig.FallbackBehavior == "MATCH"
			}
			return ips[0].String(), true
		}, nil
	}
	return nil, &Lack{"a rate of CUSTOM_KEYS"}
}
