package xray

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/xray"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxRules    = 25
	quotaLasts  = 10 // seconds that a client may use its part of a reservoir
	usualRate   = 0.05
	lastOfRules = 10_000 // priority of Default
)

// A ruleRow is a sampling rule.
type ruleRow struct {
	Rule     api.SamplingRule
	Created  time.Time
	Modified time.Time
}

// usualRule is the rule that there always is.
func usualRule(call *aws.Call) ruleRow {
	return ruleRow{Rule: api.SamplingRule{
		RuleName: new(usual), RuleARN: new(ruleARN(call, usual).String()), ResourceARN: "*", Priority: lastOfRules, FixedRate: usualRate, ReservoirSize: 1,
		ServiceName: "*", ServiceType: "*", Host: "*", HTTPMethod: "*", URLPath: "*", Version: 1, Attributes: map[string]string{},
	}, Created: time.Unix(0, 0).UTC(), Modified: time.Unix(0, 0).UTC()}
}

func (r *ruleRow) describe() *api.SamplingRuleRecord {
	return &api.SamplingRuleRecord{SamplingRule: &r.Rule, CreatedAt: &r.Created, ModifiedAt: &r.Modified}
}

// allRules returns the rules of an account in order of their names; Default, if
// it was not changed, is the last.
func allRules(tx *store.Tx, call *aws.Call) []ruleRow {
	var all []ruleRow
	changed := false
	for _, row := range rules.Scan(tx, call.ARN("xray", "")) {
		all = append(all, row)
		changed = changed || *row.Rule.RuleName == usual
	}
	if !changed {
		all = append(all, usualRule(call))
	}
	return all
}

// GetSamplingRules lists sampling rules.
func (s *Service) GetSamplingRules(ctx context.Context, call *aws.Call, in *api.GetSamplingRulesInput) (*api.GetSamplingRulesOutput, error) {
	out := &api.GetSamplingRulesOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.SamplingRuleRecords = []api.SamplingRuleRecord{}
		for _, row := range allRules(tx, call) {
			out.SamplingRuleRecords = append(out.SamplingRuleRecords, *row.describe())
		}
		return tx.Err()
	})
	return out, err
}

// GetSamplingTargets tells clients how much they are to sample.
func (s *Service) GetSamplingTargets(ctx context.Context, call *aws.Call, in *api.GetSamplingTargetsInput) (*api.GetSamplingTargetsOutput, error) {
	out := &api.GetSamplingTargetsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.GetSamplingTargetsOutput{SamplingTargetDocuments: []api.SamplingTargetDocument{}, UnprocessedStatistics: []api.UnprocessedStatistics{}, UnprocessedBoostStatistics: []api.UnprocessedStatistics{}}
		byName := make(map[string]api.SamplingRule)
		last := time.Unix(0, 0).UTC()
		for _, row := range allRules(tx, call) {
			byName[*row.Rule.RuleName] = row.Rule
			if row.Modified.After(last) {
				last = row.Modified
			}
		}
		out.LastRuleModification = &last
		for _, st := range in.SamplingStatisticsDocuments {
			rule, ok := byName[st.RuleName]
			if !ok {
				out.UnprocessedStatistics = append(out.UnprocessedStatistics, api.UnprocessedStatistics{RuleName: new(st.RuleName), ErrorCode: new("400"), Message: new("Unknown rule")})
				continue
			}
			out.SamplingTargetDocuments = append(out.SamplingTargetDocuments, api.SamplingTargetDocument{
				RuleName: new(st.RuleName), FixedRate: new(rule.FixedRate), ReservoirQuota: new(rule.ReservoirSize),
				ReservoirQuotaTTL: new(time.Now().UTC().Add(quotaLasts * time.Second)), Interval: new(int32(quotaLasts)),
			})
		}
		return tx.Err()
	})
	return out, err
}

// CreateSamplingRule makes a sampling rule.
func (s *Service) CreateSamplingRule(ctx context.Context, call *aws.Call, in *api.CreateSamplingRuleInput) (*api.CreateSamplingRuleOutput, error) {
	name := aws.Value(in.SamplingRule.RuleName)
	switch {
	case in.Tags != nil:
		return nil, aws.NotImplemented.Errorf("Aloft does not have tags of sampling rules yet.")
	case name == "":
		return nil, invalid("RuleName is required.")
	case in.SamplingRule.Version != 1:
		return nil, invalid("Version must be 1.")
	}
	now := time.Now().UTC()
	arn := ruleARN(call, name)
	row := ruleRow{Rule: *in.SamplingRule, Created: now, Modified: now}
	row.Rule.RuleARN = new(arn.String())
	if row.Rule.Attributes == nil {
		row.Rule.Attributes = map[string]string{}
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		all := allRules(tx, call)
		for _, had := range all {
			if *had.Rule.RuleName == name {
				return invalid("Rule with the same name already exists: %s", name)
			}
		}
		if len(all) > maxRules {
			return api.RuleLimitExceededException.Errorf("At most %d sampling rules are allowed.", maxRules)
		}
		return rules.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateSamplingRuleOutput{SamplingRuleRecord: row.describe()}, nil
}

func findRule(tx *store.Tx, call *aws.Call, arn aws.ARN) (ruleRow, error) {
	row, err := rules.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		if arn == ruleARN(call, usual) {
			return usualRule(call), nil
		}
		return row, invalid("Sampling rule does not exist.")
	}
	return row, err
}

// UpdateSamplingRule changes a sampling rule.
func (s *Service) UpdateSamplingRule(ctx context.Context, call *aws.Call, in *api.UpdateSamplingRuleInput) (*api.UpdateSamplingRuleOutput, error) {
	arn, up := ruleUpdated(call, in), in.SamplingRuleUpdate
	var row ruleRow
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if row, err = findRule(tx, call, arn); err != nil {
			return err
		}
		r := &row.Rule
		r.ResourceARN, r.Priority, r.FixedRate = aws.Or(up.ResourceARN, r.ResourceARN), aws.Or(up.Priority, r.Priority), aws.Or(up.FixedRate, r.FixedRate)
		r.ReservoirSize, r.Host, r.ServiceName = aws.Or(up.ReservoirSize, r.ReservoirSize), aws.Or(up.Host, r.Host), aws.Or(up.ServiceName, r.ServiceName)
		r.ServiceType, r.HTTPMethod, r.URLPath = aws.Or(up.ServiceType, r.ServiceType), aws.Or(up.HTTPMethod, r.HTTPMethod), aws.Or(up.URLPath, r.URLPath)
		if up.Attributes != nil {
			r.Attributes = up.Attributes
		}
		row.Modified = time.Now().UTC()
		return rules.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateSamplingRuleOutput{SamplingRuleRecord: row.describe()}, nil
}

// DeleteSamplingRule deletes a sampling rule, but Default.
func (s *Service) DeleteSamplingRule(ctx context.Context, call *aws.Call, in *api.DeleteSamplingRuleInput) (*api.DeleteSamplingRuleOutput, error) {
	arn := ruleOf(call, in)
	if arn == ruleARN(call, usual) {
		return nil, invalid("The default rule cannot be deleted.")
	}
	var row ruleRow
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if row, err = findRule(tx, call, arn); err != nil {
			return err
		}
		return rules.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteSamplingRuleOutput{SamplingRuleRecord: row.describe()}, nil
}

// GetEncryptionConfig tells how traces are encrypted: as all that is kept.
func (s *Service) GetEncryptionConfig(context.Context, *aws.Call, *api.GetEncryptionConfigInput) (*api.GetEncryptionConfigOutput, error) {
	return &api.GetEncryptionConfigOutput{EncryptionConfig: &api.EncryptionConfig{Status: new(api.EncryptionStatusActive), Type: new(api.EncryptionTypeNone)}}, nil
}
