package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateLogStream makes a log stream.
func (s *Service) CreateLogStream(ctx context.Context, call *aws.Call, in *api.CreateLogStreamInput) (*api.CreateLogStreamOutput, error) {
	key := streamKey{groupARN(call, in.LogGroupName), in.LogStreamName}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findGroup(tx, key.Group); err != nil {
			return err
		}
		if exists, err := streams.Has(tx, key); err != nil {
			return err
		} else if exists {
			return api.ResourceAlreadyExistsException.Errorf("The specified log stream already exists")
		}
		return streams.Put(tx, key, streamRow{Created: time.Now().UnixMilli()})
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateLogStreamOutput{}, nil
}

// DeleteLogStream removes a log stream with its events.
func (s *Service) DeleteLogStream(ctx context.Context, call *aws.Call, in *api.DeleteLogStreamInput) (*api.DeleteLogStreamOutput, error) {
	key := streamKey{groupARN(call, in.LogGroupName), in.LogStreamName}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := findStream(tx, key); err != nil {
			return err
		}
		prefix := store.AppendString(nil, key.Name)
		return errors.Join(
			streams.Delete(tx, key),
			blocks.Rows(key.Group).DeleteRange(tx, prefix, store.KeyAfter(prefix)),
		)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteLogStreamOutput{}, nil
}

// DescribeLogStreams lists the streams of a log group by name or by the time
// of their last event.
func (s *Service) DescribeLogStreams(ctx context.Context, call *aws.Call, in *api.DescribeLogStreamsInput) (*api.DescribeLogStreamsOutput, error) {
	if err := checkIdentified(in.LogGroupName, in.LogGroupIdentifier); err != nil {
		return nil, err
	}
	byTime := aws.Value(in.OrderBy) == api.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, api.InvalidParameterException.Errorf("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	after, err := parseNameToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	arn := findARN(call, in.GetLogGroupName(), in.GetLogGroupIdentifier())
	var found []namedStream
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := findGroup(tx, arn); err != nil {
			return err
		}
		found = nil
		for key, row := range streams.Scan(tx, streamKey{Group: arn}) {
			if strings.HasPrefix(key.Name, aws.Value(in.LogStreamNamePrefix)) {
				found = append(found, namedStream{key.Name, row})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return describeStreams(arn, found, byTime, aws.Value(in.Descending), after, int(aws.Or(in.Limit, maxPage))), nil
}

// A namedStream is a stream and its name.
type namedStream struct {
	name string
	streamRow
}

// sortKey is text whose order is that of streams.
func (n *namedStream) sortKey(byTime bool) string {
	if byTime {
		return fmt.Sprintf("%020d %s", n.Last, n.name)
	}
	return n.name
}

// describeStreams returns a page of the streams after the one with that sort key.
func describeStreams(group aws.ARN, found []namedStream, byTime, descending bool, after string, limit int) *api.DescribeLogStreamsOutput {
	slices.SortFunc(found, func(a, b namedStream) int {
		c := cmp.Compare(a.name, b.name)
		if byTime {
			c = cmp.Or(cmp.Compare(a.Last, b.Last), c)
		}
		if descending {
			c = -c
		}
		return c
	})
	out := &api.DescribeLogStreamsOutput{LogStreams: []api.LogStream{}}
	for i := range found {
		key := found[i].sortKey(byTime)
		if after != "" && (key <= after) != descending || after != "" && key == after {
			continue
		}
		if len(out.LogStreams) == limit {
			out.NextToken = nameToken(found[i-1].sortKey(byTime))
			break
		}
		out.LogStreams = append(out.LogStreams, describeStream(group, &found[i]))
	}
	return out
}

func describeStream(group aws.ARN, n *namedStream) api.LogStream {
	st := api.LogStream{
		LogStreamName: &n.name,
		Arn:           new(stream(group, n.name).String()),
		CreationTime:  &n.Created,
		StoredBytes:   new(int64(0)), // no longer told, since 2019
	}
	if n.Ingested != 0 {
		st.LastIngestionTime = &n.Ingested
		st.UploadSequenceToken = new(sequenceToken(n.Batches))
	}
	if n.Last != 0 {
		st.FirstEventTimestamp, st.LastEventTimestamp = &n.First, &n.Last
	}
	return st
}
