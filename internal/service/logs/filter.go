package logs

import (
	"container/heap"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/logs/pattern"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxSearch is how many bytes of blocks one FilterLogEvents reads. A search
// that needs more goes on with its token.
const maxSearch = 8 << 20

// descendingSince is the earliest start of a search from the latest event
// back: AWS has that since.
var descendingSince = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// FilterLogEvents reads the events of a log group, or of some of its streams,
// that match a pattern, in order of time.
func (s *Service) FilterLogEvents(ctx context.Context, call *aws.Call, in *api.FilterLogEventsInput) (*api.FilterLogEventsOutput, error) {
	q, err := newSearch(call, in)
	if err != nil {
		return nil, err
	}
	out := &api.FilterLogEventsOutput{SearchedLogStreams: []api.SearchedLogStream{}}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, q.group)
		if err != nil {
			return err
		}
		q.from = max(q.from, g.keeps(time.Now()))
		m, err := s.newMerge(tx, q)
		if err != nil {
			return err
		}
		out.Events, out.NextToken, err = q.take(m, int(aws.Or(in.Limit, maxEvents)))
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// TestMetricFilter tells which of some messages a pattern matches.
func (s *Service) TestMetricFilter(ctx context.Context, call *aws.Call, in *api.TestMetricFilterInput) (*api.TestMetricFilterOutput, error) {
	p, err := parsePattern(in.FilterPattern)
	if err != nil {
		return nil, err
	}
	out := &api.TestMetricFilterOutput{Matches: []api.MetricFilterMatchRecord{}}
	for i, m := range in.LogEventMessages {
		if values, ok := p.Extract(m); ok {
			out.Matches = append(out.Matches, api.MetricFilterMatchRecord{EventNumber: new(int64(i + 1)), EventMessage: new(m), ExtractedValues: values})
		}
	}
	return out, nil
}

func parsePattern(text string) (*pattern.Pattern, error) {
	p, err := pattern.Parse(text)
	if err != nil {
		return nil, api.InvalidParameterException.Errorf("%s", err)
	}
	return p, nil
}

// A search is what FilterLogEvents is asked.
type search struct {
	group    aws.ARN
	prefix   string   // of names of streams
	names    []string // of streams; nil means all
	pattern  *pattern.Pattern
	from, to int64 // ms; both included
	desc     bool  // latest first
	digest   uint64
	after    *place // where it goes on
}

// A place is that of an event in a group.
type place struct {
	Stream string
	position
}

// before tells whether p comes before q in a group: by time, then by stream.
func (p *place) before(q *place) bool {
	if p.Time != q.Time || p.Stream == q.Stream {
		return p.position.before(q.position)
	}
	return p.Stream < q.Stream
}

func newSearch(call *aws.Call, in *api.FilterLogEventsInput) (*search, error) {
	if err := checkIdentified(in.LogGroupName, in.LogGroupIdentifier); err != nil {
		return nil, err
	}
	if in.LogStreamNames != nil && in.LogStreamNamePrefix != nil {
		return nil, api.InvalidParameterException.Errorf("LogStreamNames and LogStreamNamePrefix are mutually exclusive parameters.")
	}
	p, err := parsePattern(aws.Value(in.FilterPattern))
	if err != nil {
		return nil, err
	}
	q := &search{
		group:   findARN(call, in.GetLogGroupName(), in.GetLogGroupIdentifier()),
		prefix:  aws.Value(in.LogStreamNamePrefix),
		names:   in.LogStreamNames,
		pattern: p,
		from:    min(aws.Value(in.StartTime), forever),
		to:      min(aws.Or(in.EndTime, forever-1), forever-1),
		desc:    !aws.Or(in.StartFromHead, true),
	}
	if q.desc && q.from < descendingSince {
		return nil, api.InvalidParameterException.Errorf("startFromHead can be false only if startTime is on or after 2024-01-01T00:00:00Z.")
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%v %q %q %q %v %v %v", q.group, q.prefix, q.names, p, q.from, q.to, q.desc)
	q.digest = h.Sum64()
	if in.NextToken != nil {
		q.after, err = q.parseToken(*in.NextToken)
	}
	return q, err
}

// A searchToken is what a token of FilterLogEvents holds.
type searchToken struct {
	Digest uint64 // of the question it is for
	Place  place  // of the last event that was looked at
}

func (q *search) token(p place) *string {
	b, _ := json.Marshal(searchToken{q.digest, p}) // strings and numbers
	return new(base64.RawURLEncoding.EncodeToString(b))
}

func (q *search) parseToken(token string) (*place, error) {
	var t searchToken
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(b, &t) != nil || t.Digest != q.digest {
		return nil, errToken()
	}
	if t.Place.Time < 0 || t.Place.Time > forever || t.Place.Batch < 0 || t.Place.Index < 0 {
		return nil, errToken()
	}
	return &t.Place, nil
}

// bounds returns from where to where a stream is to be read.
func (q *search) bounds(stream string) (lo, hi position) {
	lo, hi = position{Time: q.from}, position{Time: q.to + 1}
	if q.after == nil {
		return lo, hi
	}
	at := q.after.position
	switch {
	case !q.desc && stream == q.after.Stream:
		at = at.next()
	case stream > q.after.Stream:
		at = position{Time: at.Time}
	case stream < q.after.Stream:
		at = position{Time: at.Time + 1}
	}
	if q.desc && at.before(hi) {
		hi = at
	} else if !q.desc && lo.before(at) {
		lo = at
	}
	return lo, hi
}

// take returns a page of what matches, and the token for more.
func (q *search) take(m *merge, limit int) (found []api.FilteredLogEvent, token *string, err error) {
	found = []api.FilteredLogEvent{}
	var last place
	size := 0
	for {
		src := m.next()
		if src == nil {
			return found, nil, m.err
		}
		e := src.peek()
		if size > maxPageBytes || len(found) == limit || m.read > maxSearch {
			return found, q.token(last), m.err
		}
		if q.pattern.Match(e.Message) {
			if size += len(e.Message) + overhead; size > maxPageBytes && len(found) > 0 {
				return found, q.token(last), m.err
			}
			found = append(found, api.FilteredLogEvent{
				LogStreamName: &src.stream,
				Timestamp:     &e.Time,
				Message:       &e.Message,
				IngestionTime: &e.Ingested,
				EventId:       new(eventID(src.stream, e.position)),
			})
		}
		last = place{src.stream, e.position}
		m.skip()
	}
}

// eventID names an event within its group, in the form AWS uses.
func eventID(stream string, p position) string {
	h := fnv.New32a()
	h.Write([]byte(stream))
	return fmt.Sprintf("3%015d%015d%010d%05d0%09d", p.Time, p.Batch, h.Sum32(), p.Index, p.Time%1e9)
}

// A merge reads the streams of a group together. It is a heap of readers by
// their next event. A stream is not read before its first event may be next,
// so streams that follow each other are not open together.
type merge struct {
	sources []*source
	desc    bool
	read    int // bytes
	err     error
}

// A source is a stream in a merge.
type source struct {
	*reader
	at   place // of its next event, or if it is not open a place not after it
	open bool
}

func (m *merge) Len() int           { return len(m.sources) }
func (m *merge) Less(i, j int) bool { return m.sources[i].at.before(&m.sources[j].at) != m.desc }
func (m *merge) Swap(i, j int)      { m.sources[i], m.sources[j] = m.sources[j], m.sources[i] }
func (m *merge) Push(x any)         { m.sources = append(m.sources, x.(*source)) }
func (m *merge) Pop() any {
	last := m.sources[len(m.sources)-1]
	m.sources = m.sources[:len(m.sources)-1]
	return last
}

// newMerge finds the streams that may have events for q.
func (s *Service) newMerge(tx *store.Tx, q *search) (*merge, error) {
	m := &merge{desc: q.desc}
	add := func(key streamKey, row streamRow) {
		if row.Last == 0 || row.Last < q.from || row.First > q.to || !strings.HasPrefix(key.Name, q.prefix) {
			return
		}
		lo, hi := q.bounds(key.Name)
		at := place{key.Name, lo}
		if first := (position{Time: row.First}); lo.before(first) {
			at.position = first
		}
		if q.desc {
			at.position = hi
			if last := (position{Time: row.Last + 1}); last.before(hi) {
				at.position = last
			}
		}
		m.sources = append(m.sources, &source{reader: s.newReader(tx, key, lo, hi, q.desc), at: at})
	}
	if q.names == nil {
		for key, row := range streams.Scan(tx, streamKey{Group: q.group}) {
			add(key, row)
		}
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(q.names))) {
		key := streamKey{q.group, name}
		row, err := streams.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil, errNoStream()
		}
		if err != nil {
			return nil, err
		}
		add(key, row)
	}
	heap.Init(m)
	return m, nil
}

// next returns the stream that has the next event, or nil after the last event.
func (m *merge) next() *source {
	for m.err == nil && len(m.sources) > 0 {
		src := m.sources[0]
		if src.open {
			return src
		}
		src.open = true
		m.settle()
	}
	return nil
}

// skip goes to the event after the next.
func (m *merge) skip() {
	m.sources[0].skip()
	m.settle()
}

// settle puts the first stream in its place.
func (m *merge) settle() {
	src := m.sources[0]
	before := src.read
	e := src.peek()
	m.read += src.read - before
	switch {
	case src.err != nil:
		m.err = src.err
	case e == nil:
		heap.Pop(m)
	default:
		src.at.position = e.position
		heap.Fix(m, 0)
	}
}
