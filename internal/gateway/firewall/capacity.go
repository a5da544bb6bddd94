package firewall

import (
	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Capacity is what rules cost in units of capacity, as AWS's guide tells for each
// kind of statement. group says what a group costs.
func Capacity(rules []api.Rule, group func(arn string) int64) int64 {
	var sum int64
	for i := range rules {
		sum += cost(rules[i].Statement, group)
	}
	return sum
}

func cost(s *api.Statement, group func(arn string) int64) int64 {
	several := func(list []api.Statement) (sum int64) {
		for i := range list {
			sum += cost(&list[i], group)
		}
		return sum
	}
	switch {
	case s.AndStatement != nil:
		return several(s.AndStatement.Statements)
	case s.OrStatement != nil:
		return several(s.OrStatement.Statements)
	case s.NotStatement != nil:
		return cost(s.NotStatement.Statement, group)
	case s.ByteMatchStatement != nil:
		m := s.ByteMatchStatement
		base := int64(2)
		if m.PositionalConstraint == "CONTAINS" || m.PositionalConstraint == "CONTAINS_WORD" {
			base = 10
		}
		return read(base, m.FieldToMatch, m.TextTransformations)
	case s.RegexMatchStatement != nil:
		return read(3, s.RegexMatchStatement.FieldToMatch, s.RegexMatchStatement.TextTransformations)
	case s.RegexPatternSetReferenceStatement != nil:
		return read(25, s.RegexPatternSetReferenceStatement.FieldToMatch, s.RegexPatternSetReferenceStatement.TextTransformations)
	case s.SizeConstraintStatement != nil:
		return read(1, s.SizeConstraintStatement.FieldToMatch, s.SizeConstraintStatement.TextTransformations)
	case s.SqliMatchStatement != nil:
		base := int64(20)
		if aws.Value(s.SqliMatchStatement.SensitivityLevel) == "HIGH" {
			base = 30
		}
		return read(base, s.SqliMatchStatement.FieldToMatch, s.SqliMatchStatement.TextTransformations)
	case s.XssMatchStatement != nil:
		return read(40, s.XssMatchStatement.FieldToMatch, s.XssMatchStatement.TextTransformations)
	case s.ManagedRuleGroupStatement != nil:
		g, ok := ManagedGroup(s.ManagedRuleGroupStatement.VendorName, s.ManagedRuleGroupStatement.Name)
		if !ok {
			return 0 // it was refused
		}
		return g.Capacity
	case s.RateBasedStatement != nil:
		sum := int64(2)
		if s.RateBasedStatement.ScopeDownStatement != nil {
			sum += cost(s.RateBasedStatement.ScopeDownStatement, group)
		}
		return sum
	case s.IPSetReferenceStatement != nil:
		if f := s.IPSetReferenceStatement.IPSetForwardedIPConfig; f != nil && f.Position == "ANY" {
			return 5
		}
	case s.RuleGroupReferenceStatement != nil:
		return group(s.RuleGroupReferenceStatement.ARN)
	}
	return 1
}

// read is base with what its field and its transformations cost.
func read(base int64, f *api.FieldToMatch, how []api.TextTransformation) int64 {
	if f.AllQueryArguments != nil {
		base += 10
	}
	if f.JsonBody != nil {
		base *= 2
	}
	for _, t := range how {
		if t.Type != "NONE" {
			base += 10
		}
	}
	return base
}
