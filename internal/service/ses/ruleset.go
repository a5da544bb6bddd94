package ses

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxRules   = 200 // of a set
	maxActions = 10  // of a rule
	maxFilters = 100
	maxName    = 64
)

// nameLetters are what names of rule sets, rules and filters are made of.
var nameLetters = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)

// fitName reports whether a name is short enough, and begins and ends as it must.
func fitName(name string) bool {
	ends := func(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' }
	return len(name) <= maxName && name != "" && ends(name[0]) && ends(name[len(name)-1])
}

// checkName refuses what can be no name of a kind, given as the member at path.
func checkName(kind, path, name string) error {
	if !nameLetters.MatchString(name) {
		return aws.ValidationException.Errorf("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", path, nameLetters)
	}
	if !fitName(name) {
		return invalid("Not a valid %s: %s", kind, name)
	}
	return nil
}

func checkRuleSetName(name string) error { return checkName("ruleSetName", "ruleSetName", name) }

func errNoRule(name string) error {
	return api.RuleDoesNotExistException.Errorf("Rule does not exist: %s", name)
}

func findRuleSet(tx *store.Tx, arn aws.ARN) (ruleSet, error) {
	row, err := ruleSets.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.RuleSetDoesNotExistException.Errorf("Rule set does not exist: %s", nameOf(arn, ruleSetKind))
	}
	return row, err
}

// addRuleSet keeps a set that is new.
func addRuleSet(tx *store.Tx, arn aws.ARN, row ruleSet) error {
	there, err := ruleSets.Has(tx, arn)
	if err != nil {
		return err
	}
	if there {
		return api.AlreadyExistsException.Errorf("Rule set already exists: %s", nameOf(arn, ruleSetKind))
	}
	return ruleSets.Put(tx, arn, row)
}

// changeRules changes the rules of a set.
func (s *Service) changeRules(ctx context.Context, call *aws.Call, name string, change func(*ruleSet) error) error {
	if err := checkRuleSetName(name); err != nil {
		return err
	}
	arn := named(call, ruleSetKind, name)
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findRuleSet(tx, arn)
		if err != nil {
			return err
		}
		row.Rules = slices.Clone(row.Rules)
		if err := change(&row); err != nil {
			return err
		}
		return ruleSets.Put(tx, arn, row)
	})
}

// CreateReceiptRuleSet makes a set without rules.
func (s *Service) CreateReceiptRuleSet(ctx context.Context, call *aws.Call, in *api.CreateReceiptRuleSetInput) (*api.CreateReceiptRuleSetOutput, error) {
	if err := checkRuleSetName(in.RuleSetName); err != nil {
		return nil, err
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		return addRuleSet(tx, named(call, ruleSetKind, in.RuleSetName), ruleSet{Created: time.Now()})
	})
	return &api.CreateReceiptRuleSetOutput{}, err
}

// CloneReceiptRuleSet makes a set with the rules of another.
func (s *Service) CloneReceiptRuleSet(ctx context.Context, call *aws.Call, in *api.CloneReceiptRuleSetInput) (*api.CloneReceiptRuleSetOutput, error) {
	err := checkName("ruleSetName", "originalRuleSetName", in.OriginalRuleSetName)
	if err == nil {
		err = checkRuleSetName(in.RuleSetName)
	}
	if err != nil {
		return nil, err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		row, failed := findRuleSet(tx, named(call, ruleSetKind, in.OriginalRuleSetName))
		row.Created = time.Now()
		if err := addRuleSet(tx, named(call, ruleSetKind, in.RuleSetName), row); err != nil {
			return err // which counts before that there is no original
		}
		return failed
	})
	return &api.CloneReceiptRuleSetOutput{}, err
}

// DeleteReceiptRuleSet deletes a set that is not active. That there is none is
// no failure.
func (s *Service) DeleteReceiptRuleSet(ctx context.Context, call *aws.Call, in *api.DeleteReceiptRuleSetInput) (*api.DeleteReceiptRuleSetOutput, error) {
	if err := checkRuleSetName(in.RuleSetName); err != nil {
		return nil, err
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		name, err := activeSet(tx, accountARN(call))
		if err != nil {
			return err
		}
		if name == in.RuleSetName {
			return api.CannotDeleteException.Errorf("Cannot delete active rule set: %s", name)
		}
		return ruleSets.Delete(tx, named(call, ruleSetKind, in.RuleSetName))
	})
	return &api.DeleteReceiptRuleSetOutput{}, err
}

// activeSet is the name of the active rule set of an account, or "".
func activeSet(tx *store.Tx, account aws.ARN) (string, error) {
	name, err := active.Get(tx, account)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return name, err
}

// SetActiveReceiptRuleSet has a set decide on mail, or none.
func (s *Service) SetActiveReceiptRuleSet(ctx context.Context, call *aws.Call, in *api.SetActiveReceiptRuleSetInput) (*api.SetActiveReceiptRuleSetOutput, error) {
	name := aws.Value(in.RuleSetName)
	if strings.TrimSpace(name) == "" {
		err := s.DB.Update(ctx, func(tx *store.Tx) error { return active.Delete(tx, accountARN(call)) })
		return &api.SetActiveReceiptRuleSetOutput{}, err
	}
	if err := checkRuleSetName(name); err != nil {
		return nil, err
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findRuleSet(tx, named(call, ruleSetKind, name)); err != nil {
			return err
		}
		return active.Put(tx, accountARN(call), name)
	})
	return &api.SetActiveReceiptRuleSetOutput{}, err
}

// lookRuleSet returns a set.
func (s *Service) lookRuleSet(ctx context.Context, call *aws.Call, name string) (row ruleSet, err error) {
	if err := checkRuleSetName(name); err != nil {
		return row, err
	}
	err = s.view(ctx, func(tx *store.Tx) error {
		row, err = findRuleSet(tx, named(call, ruleSetKind, name))
		return err
	})
	return row, err
}

// DescribeReceiptRuleSet returns the rules of a set.
func (s *Service) DescribeReceiptRuleSet(ctx context.Context, call *aws.Call, in *api.DescribeReceiptRuleSetInput) (*api.DescribeReceiptRuleSetOutput, error) {
	row, err := s.lookRuleSet(ctx, call, in.RuleSetName)
	if err != nil {
		return nil, err
	}
	return &api.DescribeReceiptRuleSetOutput{Metadata: row.metadata(in.RuleSetName), Rules: row.all()}, nil
}

func (r *ruleSet) metadata(name string) *api.ReceiptRuleSetMetadata {
	return &api.ReceiptRuleSetMetadata{Name: &name, CreatedTimestamp: &r.Created}
}

// all are the rules of a set, of which there may be none.
func (r *ruleSet) all() []api.ReceiptRule { return append([]api.ReceiptRule{}, r.Rules...) }

// DescribeActiveReceiptRuleSet returns the rules of the active set, if there is one.
func (s *Service) DescribeActiveReceiptRuleSet(ctx context.Context, call *aws.Call, _ *api.DescribeActiveReceiptRuleSetInput) (*api.DescribeActiveReceiptRuleSetOutput, error) {
	out := &api.DescribeActiveReceiptRuleSetOutput{}
	err := s.view(ctx, func(tx *store.Tx) error {
		name, err := activeSet(tx, accountARN(call))
		if err != nil || name == "" {
			return err
		}
		row, err := findRuleSet(tx, named(call, ruleSetKind, name))
		out.Metadata, out.Rules = row.metadata(name), row.all()
		return err
	})
	return out, err
}

// ListReceiptRuleSets lists the sets of an account.
func (s *Service) ListReceiptRuleSets(ctx context.Context, call *aws.Call, in *api.ListReceiptRuleSetsInput) (*api.ListReceiptRuleSetsOutput, error) {
	out := &api.ListReceiptRuleSetsOutput{}
	err := s.view(ctx, func(tx *store.Tx) error {
		out.RuleSets = []api.ReceiptRuleSetMetadata{}
		var some []string
		some, out.NextToken = page(namesOf(tx, ruleSets, call, ruleSetKind), in.NextToken, 100)
		for _, name := range some {
			row, err := findRuleSet(tx, named(call, ruleSetKind, name))
			if err != nil {
				return err
			}
			out.RuleSets = append(out.RuleSets, *row.metadata(name))
		}
		return nil
	})
	return out, err
}

// ReorderReceiptRuleSet puts the rules of a set in another order, in which all
// of them must be.
func (s *Service) ReorderReceiptRuleSet(ctx context.Context, call *aws.Call, in *api.ReorderReceiptRuleSetInput) (*api.ReorderReceiptRuleSetOutput, error) {
	err := s.changeRules(ctx, call, in.RuleSetName, func(row *ruleSet) error {
		places := make(map[string]int)
		for i, name := range in.RuleNames {
			if _, twice := places[name]; twice {
				return invalid("Multiple positions found for rule: %s", name)
			}
			places[name] = i
		}
		var missing []string
		for _, rule := range row.Rules {
			if _, there := places[rule.Name]; !there {
				missing = append(missing, rule.Name)
			}
		}
		if missing != nil {
			return invalid("Positions for rules not found: %s", strings.Join(missing, ", "))
		}
		for _, name := range in.RuleNames {
			if row.index(name) < 0 {
				return errNoRule(name)
			}
		}
		slices.SortFunc(row.Rules, func(a, b api.ReceiptRule) int { return places[a.Name] - places[b.Name] })
		return nil
	})
	return &api.ReorderReceiptRuleSetOutput{}, err
}

// CreateReceiptFilter lets mail from some addresses in, or not.
func (s *Service) CreateReceiptFilter(ctx context.Context, call *aws.Call, in *api.CreateReceiptFilterInput) (*api.CreateReceiptFilterOutput, error) {
	name, ip := in.Filter.Name, *in.Filter.IpFilter
	switch {
	case name == "":
		return nil, invalid("filterName must not be empty")
	case !nameLetters.MatchString(name) || !fitName(name):
		return nil, invalid("Not a valid filterName: %s", name)
	}
	if _, err := parseBlock(ip.Cidr); err != nil {
		return nil, invalid("Invalid CIDR block: %s", ip.Cidr)
	}
	arn := named(call, filterKind, name)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		there, err := filters.Has(tx, arn)
		switch {
		case err != nil:
			return err
		case there:
			return api.AlreadyExistsException.Errorf("Filter already exists: %s", name)
		case len(namesOf(tx, filters, call, filterKind)) >= maxFilters:
			return api.LimitExceededException.Errorf("Too many filters")
		}
		return filters.Put(tx, arn, ip)
	})
	return &api.CreateReceiptFilterOutput{}, err
}

// ListReceiptFilters lists the filters of an account.
func (s *Service) ListReceiptFilters(ctx context.Context, call *aws.Call, _ *api.ListReceiptFiltersInput) (*api.ListReceiptFiltersOutput, error) {
	out := &api.ListReceiptFiltersOutput{}
	err := s.view(ctx, func(tx *store.Tx) error {
		out.Filters = []api.ReceiptFilter{}
		for arn, ip := range filters.Scan(tx, accountARN(call)) {
			out.Filters = append(out.Filters, api.ReceiptFilter{Name: nameOf(arn, filterKind), IpFilter: &ip})
		}
		return nil
	})
	return out, err
}

// DeleteReceiptFilter deletes a filter. That there is none is no failure.
func (s *Service) DeleteReceiptFilter(ctx context.Context, call *aws.Call, in *api.DeleteReceiptFilterInput) (*api.DeleteReceiptFilterOutput, error) {
	err := s.DB.Update(ctx, func(tx *store.Tx) error { return filters.Delete(tx, named(call, filterKind, in.FilterName)) })
	return &api.DeleteReceiptFilterOutput{}, err
}
