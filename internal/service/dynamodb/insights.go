package dynamodb

import (
	"context"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An insight is the setting of contributor insights of a table or an index.
type insight struct {
	Index   string `json:",omitempty"` // its name; empty: the table
	Mode    string
	Since   time.Time
	Enabled bool `json:",omitempty"`
}

const usualInsights = "ACCESSED_AND_THROTTLED_KEYS"

// insight is the setting of the table, or of its index of that name.
func (t *table) insight(index string) *insight {
	i := slices.IndexFunc(t.Insights, func(in insight) bool { return in.Index == index })
	if i < 0 {
		return nil
	}
	return &t.Insights[i]
}

// checkIndex refuses the name of no index of t.
func (t *table) checkIndex(name string) error {
	if name == "" {
		return nil
	}
	for ix := range t.indexes {
		if ix.Name == name {
			return nil
		}
	}
	return api.ResourceNotFoundException.With(nil, "Requested resource not found: Index: "+name+" not found")
}

// UpdateContributorInsights turns contributor insights on and off.
func (s *Service) UpdateContributorInsights(ctx context.Context, call *aws.Call, in *api.UpdateContributorInsightsInput) (*api.UpdateContributorInsightsOutput, error) {
	arn, err := tableARN(call, in.TableName)
	if err != nil {
		return nil, err
	}
	index := aws.Value(in.IndexName)
	mode := aws.Or(in.ContributorInsightsMode, usualInsights)
	on := in.ContributorInsightsAction == "ENABLE"
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		_, err := changeTable(tx, arn, func(t *table) error {
			if err := t.checkIndex(index); err != nil {
				return err
			}
			set := t.insight(index)
			if set == nil {
				t.Insights = append(t.Insights, insight{Index: index})
				set = &t.Insights[len(t.Insights)-1]
			}
			set.Mode, set.Since, set.Enabled = mode, time.Now(), on
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	status := "DISABLING"
	if on {
		status = "ENABLING"
	}
	return &api.UpdateContributorInsightsOutput{
		TableName: new(tableName(arn)), IndexName: in.IndexName, ContributorInsightsStatus: &status, ContributorInsightsMode: &mode,
	}, nil
}

// status of what is set, or is not.
func (set *insight) status() string {
	if set != nil && set.Enabled {
		return "ENABLED"
	}
	return "DISABLED"
}

// DescribeContributorInsights tells whether contributor insights are on.
func (s *Service) DescribeContributorInsights(ctx context.Context, call *aws.Call, in *api.DescribeContributorInsightsInput) (*api.DescribeContributorInsightsOutput, error) {
	t, err := s.viewTable(ctx, call, in.TableName)
	if err != nil {
		return nil, err
	}
	index := aws.Value(in.IndexName)
	if err := t.checkIndex(index); err != nil {
		return nil, err
	}
	set := t.insight(index)
	out := &api.DescribeContributorInsightsOutput{TableName: new(t.name()), IndexName: in.IndexName, ContributorInsightsStatus: new(set.status())}
	if set == nil {
		return out, nil
	}
	out.LastUpdateDateTime, out.ContributorInsightsMode = &set.Since, &set.Mode
	if set.Enabled {
		out.ContributorInsightsRuleList = t.insightRules(set)
	}
	return out, nil
}

// insightRules names the rules of CloudWatch that AWS makes for what is set.
func (t *table) insightRules(set *insight) []string {
	key, name := &t.Key, t.name()
	for ix := range t.indexes {
		if ix.Name == set.Index {
			key, name = &ix.Key, name+"-"+ix.Name
		}
	}
	kinds := []string{"PKC", "PKT"}
	if len(key.Range) > 0 {
		kinds = []string{"PKC", "SKC", "PKT", "SKT"}
	}
	var rules []string
	for _, kind := range kinds {
		if set.Mode == usualInsights || kind[2] == 'T' {
			rules = append(rules, "DynamoDBContributorInsights-"+kind+"-"+name)
		}
	}
	return rules
}

// ListContributorInsights lists what has been set of a table, or of all.
func (s *Service) ListContributorInsights(ctx context.Context, call *aws.Call, in *api.ListContributorInsightsInput) (*api.ListContributorInsightsOutput, error) {
	only := aws.ARN{}
	if in.TableName != nil {
		var err error
		if only, err = tableARN(call, *in.TableName); err != nil {
			return nil, err
		}
	}
	limit := int(aws.Or(in.MaxResults, 100))
	out := &api.ListContributorInsightsOutput{ContributorInsightsSummaries: []api.ContributorInsightsSummary{}}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		from := call.ARN("dynamodb", tableKind+aws.Value(in.NextToken))
		for arn, t := range tables.ScanAfter(tx, call.ARN("dynamodb", ""), from) {
			if in.TableName != nil && arn != only {
				continue
			}
			if n := len(out.ContributorInsightsSummaries); n > 0 && n+len(t.Insights) > limit {
				out.NextToken = out.ContributorInsightsSummaries[n-1].TableName
				break
			}
			for _, set := range t.Insights {
				summary := api.ContributorInsightsSummary{TableName: new(tableName(arn)), ContributorInsightsStatus: new(set.status()), ContributorInsightsMode: &set.Mode}
				if set.Index != "" {
					summary.IndexName = &set.Index
				}
				out.ContributorInsightsSummaries = append(out.ContributorInsightsSummaries, summary)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func listInsightsAccess(call *aws.Call, _ *api.ListContributorInsightsInput, check func(service.Access) error) error {
	return check(service.Access{Action: "dynamodb:ListContributorInsights", Resource: aws.AnyResource})
}
