package logs

import (
	"container/heap"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/logs/insights"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	queryLife    = 7 * 24 * time.Hour // that its results may be asked for
	queryTime    = time.Minute        // that it may take
	maxQueryRead = 512 << 20          // bytes of blocks that one reads
	maxGroups    = 50
	remembered   = 32 // results that are kept in memory
)

// A queryKey names a query of an account and region.
type queryKey struct {
	Of aws.ARN // without a resource
	ID string
}

// A queryRow is a query that was started. It is run when its results are asked
// for, which are the same whoever asks and when, as far as no older events came.
type queryRow struct {
	Text     string
	Groups   []aws.ARN
	From, To int64 // ms; both included
	Limit    int
	Started  int64 // ms
	Stopped  bool  `json:",omitempty"`
}

// answers are results of queries that were asked for lately.
type answers struct {
	mu    sync.Mutex
	byKey map[queryKey]*api.GetQueryResultsOutput
	order []queryKey
}

func (a *answers) get(key queryKey) *api.GetQueryResultsOutput {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.byKey[key]
}

func (a *answers) put(key queryKey, out *api.GetQueryResultsOutput) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byKey == nil {
		a.byKey = make(map[queryKey]*api.GetQueryResultsOutput)
	}
	if len(a.order) == remembered {
		delete(a.byKey, a.order[0])
		a.order = a.order[1:]
	}
	a.byKey[key], a.order = out, append(a.order, key)
}

// StartQuery begins a query of Logs Insights.
func (s *Service) StartQuery(ctx context.Context, call *aws.Call, in *api.StartQueryInput) (*api.StartQueryOutput, error) {
	if aws.Or(in.QueryLanguage, api.QueryLanguageCwli) != api.QueryLanguageCwli {
		return nil, errUnanswered("StartQuery", "queryLanguage "+*in.QueryLanguage)
	}
	named := in.LogGroupNames
	if in.LogGroupName != nil {
		named = append(named[:len(named):len(named)], *in.LogGroupName)
	}
	row := queryRow{Text: in.QueryString, From: inMillis(in.StartTime), To: inMillis(in.EndTime), Limit: int(aws.Value(in.Limit)), Started: time.Now().UnixMilli()}
	for _, id := range slices.Concat(named, in.LogGroupIdentifiers) {
		row.Groups = append(row.Groups, findARN(call, "", id))
	}
	switch {
	case len(row.Groups) == 0:
		return nil, api.InvalidParameterException.Errorf("At least one log group must be specified.")
	case len(row.Groups) > maxGroups:
		return nil, api.InvalidParameterException.Errorf("At most %d log groups may be specified.", maxGroups)
	case row.From > row.To:
		return nil, api.InvalidParameterException.Errorf("End time should not be before start time")
	}
	if _, err := parseQuery(row.Text); err != nil {
		return nil, err
	}
	key := queryKey{call.ARN("logs", ""), aws.NewRequestID()}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		for _, arn := range row.Groups {
			if exists, err := groups.Has(tx, arn); err != nil {
				return err
			} else if !exists {
				return api.ResourceNotFoundException.Errorf("Log group '%s' does not exist for account ID '%s' (Service: AWSLogs; Status Code: 400; Error Code: ResourceNotFoundException; Request ID: %s; Proxy: null)", groupName(arn), arn.Account, call.RequestID)
			}
		}
		for old, had := range queries.Scan(tx, queryKey{Of: key.Of}) {
			if row.Started-had.Started > queryLife.Milliseconds() {
				if err := queries.Delete(tx, old); err != nil {
					return err
				}
			}
		}
		return queries.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.StartQueryOutput{QueryId: &key.ID}, nil
}

// inMillis is a time that may be in seconds or in milliseconds.
func inMillis(t int64) int64 {
	if t < 100_000_000_000 {
		return t * 1000
	}
	return min(t, forever-1)
}

func parseQuery(text string) (*insights.Query, error) {
	q, err := insights.Parse(text)
	if unanswered, ok := errors.AsType[insights.ErrUnanswered](err); ok {
		return nil, aws.NotImplemented.Errorf("%s", unanswered)
	}
	if err != nil {
		return nil, api.MalformedQueryException.Errorf("%s", err)
	}
	return q, nil
}

func findQuery(tx *store.Tx, key queryKey) (queryRow, error) {
	row, err := queries.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.ResourceNotFoundException.Errorf("Query with id %s does not exist.", key.ID)
	}
	return row, err
}

// GetQueryResults returns what a query found.
func (s *Service) GetQueryResults(ctx context.Context, call *aws.Call, in *api.GetQueryResultsInput) (*api.GetQueryResultsOutput, error) {
	key := queryKey{call.ARN("logs", ""), in.QueryId}
	if out := s.answers.get(key); out != nil {
		return out, nil
	}
	var out *api.GetQueryResultsOutput
	err := s.db.View(ctx, func(tx *store.Tx) error {
		row, err := findQuery(tx, key)
		if err != nil {
			return err
		}
		if row.Stopped {
			out = &api.GetQueryResultsOutput{Status: new(api.QueryStatusCancelled), Results: [][]api.ResultField{}, Statistics: &api.QueryStatistics{}}
			return nil
		}
		out, err = s.runQuery(tx, &row)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.answers.put(key, out)
	return out, nil
}

// runQuery runs a query over the events of its groups, the latest first.
func (s *Service) runQuery(tx *store.Tx, row *queryRow) (*api.GetQueryResultsOutput, error) {
	q, err := parseQuery(row.Text)
	if err != nil {
		return nil, err
	}
	run := q.NewRun(row.Limit)
	began, read, scanned := time.Now(), 0, 0
	status := api.QueryStatusComplete
	merged := &groupMerge{}
	for _, arn := range row.Groups {
		g, err := groups.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		m, err := s.newMerge(tx, &search{group: arn, from: max(row.From, g.keeps(began)), to: row.To, desc: true})
		if err != nil {
			return nil, err
		}
		merged.add(arn, m)
	}
	for {
		m := merged.first()
		if m == nil {
			break
		}
		src := m.next()
		e := src.peek()
		scanned++
		more := run.Add(&insights.Record{
			Time: e.Time, Ingested: e.Ingested, Message: e.Message, Stream: src.stream, Log: m.arn.Account + ":" + groupName(m.arn),
			Ptr: base64.StdEncoding.EncodeToString([]byte(groupName(m.arn) + "\x00" + eventID(src.stream, e.position))),
		})
		before := m.read
		m.skip()
		if read += m.read - before; m.err != nil {
			return nil, m.err
		}
		if !more {
			break
		}
		if read > maxQueryRead || scanned%1024 == 0 && time.Since(began) > queryTime {
			status = api.QueryStatusTimeout
			break
		}
		merged.settle()
	}
	return describeResults(run, status, scanned, read), tx.Err()
}

func describeResults(run *insights.Run, status string, scanned, read int) *api.GetQueryResultsOutput {
	out := &api.GetQueryResultsOutput{QueryLanguage: new(api.QueryLanguageCwli), Status: &status, Results: [][]api.ResultField{}}
	for _, row := range run.Results() {
		fields := make([]api.ResultField, 0, len(row))
		for _, f := range row {
			fields = append(fields, api.ResultField{Field: new(f.Name), Value: new(f.Value)})
		}
		out.Results = append(out.Results, fields)
	}
	out.Statistics = &api.QueryStatistics{RecordsMatched: new(float64(run.Matched)), RecordsScanned: new(float64(scanned)), BytesScanned: new(float64(read))}
	return out
}

// A groupMerge reads groups together, the latest event of all first.
type groupMerge []*mergedGroup

type mergedGroup struct {
	*merge
	arn aws.ARN
	at  int64 // time of its next event
}

func (m groupMerge) Len() int           { return len(m) }
func (m groupMerge) Less(i, j int) bool { return m[i].at > m[j].at }
func (m groupMerge) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *groupMerge) Push(x any)        { *m = append(*m, x.(*mergedGroup)) }
func (m *groupMerge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}

func (m *groupMerge) add(arn aws.ARN, of *merge) {
	if src := of.next(); src != nil {
		heap.Push(m, &mergedGroup{of, arn, src.peek().Time})
	}
}

func (m *groupMerge) first() *mergedGroup {
	if len(*m) == 0 {
		return nil
	}
	return (*m)[0]
}

// settle puts the first group in its place, after its next event was taken.
func (m *groupMerge) settle() {
	g := (*m)[0]
	if src := g.next(); src != nil {
		g.at = src.peek().Time
		heap.Fix(m, 0)
		return
	}
	heap.Pop(m)
}

// StopQuery has a query find nothing more.
func (s *Service) StopQuery(ctx context.Context, call *aws.Call, in *api.StopQueryInput) (*api.StopQueryOutput, error) {
	key := queryKey{call.ARN("logs", ""), in.QueryId}
	if s.answers.get(key) != nil {
		return nil, api.InvalidParameterException.Errorf("Query is not in a state that can be stopped.")
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findQuery(tx, key)
		if err != nil {
			return err
		}
		row.Stopped = true
		return queries.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.StopQueryOutput{Success: new(true)}, nil
}

// DescribeQueries lists queries.
func (s *Service) DescribeQueries(ctx context.Context, call *aws.Call, in *api.DescribeQueriesInput) (*api.DescribeQueriesOutput, error) {
	after, err := parseNameToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	var all []api.QueryInfo
	err = s.db.View(ctx, func(tx *store.Tx) error {
		all = []api.QueryInfo{}
		for key, row := range queries.Scan(tx, queryKey{Of: call.ARN("logs", "")}) {
			status := api.QueryStatusComplete
			if row.Stopped {
				status = api.QueryStatusCancelled
			}
			inGroup := slices.ContainsFunc(row.Groups, func(arn aws.ARN) bool { return groupName(arn) == aws.Value(in.LogGroupName) })
			if in.LogGroupName != nil && !inGroup || in.Status != nil && *in.Status != status {
				continue
			}
			all = append(all, api.QueryInfo{
				QueryId: &key.ID, QueryString: &row.Text, Status: &status, CreateTime: &row.Started, LogGroupName: new(groupName(row.Groups[0])), QueryLanguage: new(api.QueryLanguageCwli),
			})
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b api.QueryInfo) int { return strings.Compare(*a.QueryId, *b.QueryId) })
	out := &api.DescribeQueriesOutput{}
	out.Queries, out.NextToken = pageAfter(all, after, int(aws.Or(in.MaxResults, 1000)), func(q *api.QueryInfo) string { return *q.QueryId })
	return out, nil
}
