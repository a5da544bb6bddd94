package elasticloadbalancing

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Fields of conditions.
const (
	onHost   = "host-header"
	onPath   = "path-pattern"
	onHeader = "http-header"
	onMethod = "http-request-method"
	onQuery  = "query-string"
	onSource = "source-ip"
)

const (
	maxValues    = 5   // of all conditions of a rule
	maxWildcards = 6   // likewise
	maxPattern   = 128 // letters
)

var fields = []string{onPath, onHost, onMethod, onQuery, onHeader, onSource}

// checkConditions refuses conditions that AWS refuses, and returns them as it
// shows them: values of hosts and paths are in two places.
func checkConditions(all []api.RuleCondition) ([]api.RuleCondition, error) {
	out := slices.Clone(all)
	seen := make(map[string]int)
	values, wildcards := 0, 0
	for i := range out {
		c := &out[i]
		field := aws.Value(c.Field)
		if !slices.Contains(fields, field) {
			return nil, bad("Condition field '%s' must be one of '[%s]'", field, strings.Join(fields, ", "))
		}
		if seen[field]++; seen[field] > 1 && field != onHeader && field != onQuery {
			return nil, bad("Only one condition of type '%s' may be specified per rule", field)
		}
		texts, err := complete(c)
		if err != nil {
			return nil, err
		}
		if len(texts) == 0 {
			return nil, bad("A condition value must be specified")
		}
		for _, v := range texts {
			if len(v) > maxPattern {
				return nil, bad("Condition value '%s' cannot be longer than '%d' characters", v, maxPattern)
			}
			wildcards += strings.Count(v, "*") + strings.Count(v, "?")
		}
		values += len(texts)
	}
	if values > maxValues {
		return nil, bad("Rules can have at most %d condition values", maxValues)
	}
	if wildcards > maxWildcards {
		return nil, bad("Rules can have at most %d wildcards", maxWildcards)
	}
	return out, nil
}

// complete puts the values of a condition where answers show them, and returns
// them.
func complete(c *api.RuleCondition) ([]string, error) {
	var texts, patterns []string
	switch *c.Field {
	case onHost:
		if c.HostHeaderConfig == nil {
			c.HostHeaderConfig = &api.HostHeaderConditionConfig{Values: c.Values, RegexValues: c.RegexValues}
		}
		texts, patterns = c.HostHeaderConfig.Values, c.HostHeaderConfig.RegexValues
		c.Values = texts
	case onPath:
		if c.PathPatternConfig == nil {
			c.PathPatternConfig = &api.PathPatternConditionConfig{Values: c.Values, RegexValues: c.RegexValues}
		}
		texts, patterns = c.PathPatternConfig.Values, c.PathPatternConfig.RegexValues
		c.Values = texts
	case onHeader:
		if c.HttpHeaderConfig == nil || aws.Value(c.HttpHeaderConfig.HttpHeaderName) == "" {
			return nil, bad("An HTTP header name must be specified")
		}
		texts, patterns = c.HttpHeaderConfig.Values, c.HttpHeaderConfig.RegexValues
	case onMethod:
		return completeMethod(c)
	case onQuery:
		return completeQuery(c)
	case onSource:
		return completeSource(c)
	}
	c.RegexValues = nil
	for _, p := range patterns {
		if _, err := regexp.Compile(p); err != nil {
			return nil, bad("Regex '%s' is not valid", p)
		}
	}
	return append(slices.Clone(texts), patterns...), nil
}

func completeMethod(c *api.RuleCondition) ([]string, error) {
	if c.HttpRequestMethodConfig == nil {
		c.HttpRequestMethodConfig = &api.HttpRequestMethodConditionConfig{Values: c.Values}
	}
	c.Values = nil
	for _, m := range c.HttpRequestMethodConfig.Values {
		if len(m) > 40 || strings.ContainsFunc(m, func(r rune) bool { return (r < 'A' || r > 'Z') && r != '-' && r != '_' }) {
			return nil, bad("The HTTP request method '%s' is not valid", m)
		}
	}
	return c.HttpRequestMethodConfig.Values, nil
}

func completeQuery(c *api.RuleCondition) ([]string, error) {
	if c.QueryStringConfig == nil {
		return nil, nil
	}
	var texts []string
	for _, pair := range c.QueryStringConfig.Values {
		if pair.Value == nil {
			return nil, bad("A query string value must be specified")
		}
		texts = append(texts, *pair.Value)
	}
	return texts, nil
}

func completeSource(c *api.RuleCondition) ([]string, error) {
	if c.SourceIpConfig == nil {
		c.SourceIpConfig = &api.SourceIpConditionConfig{Values: c.Values}
	}
	c.Values = nil
	for _, v := range c.SourceIpConfig.Values {
		if _, err := netip.ParsePrefix(v); err != nil {
			return nil, bad("The source IP '%s' is not a valid CIDR block", v)
		}
	}
	return c.SourceIpConfig.Values, nil
}
