package firehose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/poll"
	"github.com/aloft-cloud/aloft/internal/store"
)

const sourceBatch = 500 // records of a data stream that are taken at once

// owners returns the streams that read data streams.
func (s *Service) owners(ctx context.Context) (arns []aws.ARN, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		arns = nil
		for arn, row := range streams.Scan(tx, aws.ARN{}) {
			if row.Source != nil {
				arns = append(arns, arn)
			}
		}
		return nil
	})
	return arns, err
}

// job says what to read for a stream: all that came since it was made.
func (s *Service) job(ctx context.Context, arn aws.ARN) (*poll.Job, error) {
	var row stream
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = streams.Get(tx, arn)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Source == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	from, err := aws.ParseARN(row.Source.KinesisStreamARN)
	if err != nil {
		return nil, err
	}
	role := row.Source.RoleARN
	return &poll.Job{
		Owner: arn, Source: from, BatchSize: sourceBatch, Start: "AT_TIMESTAMP", StartAt: row.Created, Lanes: 1, Retries: -1, Identity: role,
		Call:   func(ctx context.Context) (*aws.Call, error) { return s.as(ctx, arn, role) },
		Handle: func(ctx context.Context, b *poll.Batch) poll.Result { return poll.Result{Err: s.take(ctx, arn, b)} },
	}, nil
}

// An origin is what functions hear of where a record is from.
type origin struct {
	Sequence    string `json:"sequenceNumber"`
	Subsequence int    `json:"subsequenceNumber"`
	Key         string `json:"partitionKey"`
	Shard       string `json:"shardId"`
	Arrival     int64  `json:"approximateArrivalTimestamp"`
}

// take keeps records of a data stream.
func (s *Service) take(ctx context.Context, arn aws.ARN, b *poll.Batch) error {
	all, now := make([]record, len(b.Records)), time.Now()
	for i, r := range b.Records {
		var doc struct {
			EventID string `json:"eventID"`
			Kinesis struct {
				Sequence string `json:"sequenceNumber"`
				Key      string `json:"partitionKey"`
				Data     []byte `json:"data"`
			} `json:"kinesis"`
		}
		if err := json.Unmarshal(r.JSON, &doc); err != nil {
			return fmt.Errorf("record of %s: %w", b.Job.Source, err)
		}
		shard, _, _ := strings.Cut(doc.EventID, ":")
		meta, err := json.Marshal(origin{Sequence: doc.Kinesis.Sequence, Key: doc.Kinesis.Key, Shard: shard, Arrival: r.At.UnixMilli()})
		if err != nil {
			return err
		}
		all[i] = record{At: now, Meta: string(meta), Data: doc.Kinesis.Data}
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := streams.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.begin(tx, arn, &row, all)
	})
}
