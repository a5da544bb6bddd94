package states

import (
	"context"
	"strconv"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// GetExecutionHistory returns the events of an execution.
func (s *Service) GetExecutionHistory(ctx context.Context, _ *aws.Call, in *api.GetExecutionHistoryInput) (*api.GetExecutionHistoryOutput, error) {
	arn, err := parseKind(in.ExecutionArn, executionKind)
	if err != nil {
		return nil, err
	}
	p, err := newPage(in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	after := int64(0)
	if aws.Value(in.ReverseOrder) {
		after = 1 << 62
	}
	if p.after != "" {
		if after, err = strconv.ParseInt(p.after, 10, 64); err != nil {
			return nil, errToken()
		}
	}
	out := &api.GetExecutionHistoryOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.GetExecutionHistoryOutput{Events: []api.HistoryEvent{}}
		if _, err := findExecution(tx, arn, in.ExecutionArn); err != nil {
			return err
		}
		rows := history.ScanAfter(tx, strandKey{Execution: arn}, strandKey{arn, after})
		if aws.Value(in.ReverseOrder) {
			rows = history.ScanBefore(tx, strandKey{Execution: arn}, strandKey{arn, after})
		}
		last := int64(0)
		for key, event := range rows {
			if len(out.Events) == p.limit {
				out.NextToken = nextPage(strconv.FormatInt(last, 10))
				break
			}
			last, event.ID = key.ID, key.ID
			if !aws.Or(in.IncludeExecutionData, true) {
				event.Bare()
			}
			out.Events = append(out.Events, event.History())
		}
		return nil
	})
	return out, err
}
