package dynamodb

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A fakeKinesis takes records, unless it is away.
type fakeKinesis struct {
	away    bool
	records []string
}

func (k *fakeKinesis) Authorize(context.Context, *aws.Call, service.Access) error { return nil }

func (k *fakeKinesis) DescribeStreamSummary(_ context.Context, _ *aws.Call, in *kinesis.DescribeStreamSummaryInput) (*kinesis.DescribeStreamSummaryOutput, error) {
	if strings.HasSuffix(*in.StreamARN, "none") {
		return nil, kinesis.ResourceNotFoundException.Errorf("Stream none under account 000000000000 not found.")
	}
	return &kinesis.DescribeStreamSummaryOutput{}, nil
}

func (k *fakeKinesis) PutRecords(_ context.Context, _ *aws.Call, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
	if k.away {
		return nil, kinesis.ResourceNotFoundException.Errorf("away")
	}
	for _, r := range in.Records {
		k.records = append(k.records, string(r.Data))
	}
	return &kinesis.PutRecordsOutput{}, nil
}

// TestKinesis checks that a stream of Kinesis is told each change, in order,
// those too that happened while it was away.
func TestKinesis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &fakeKinesis{}
		table := dispatch.NewTable(k, dispatch.Observer{})
		table.Add(service.Definition{API: kinesis.API, Operations: []service.Operation{
			service.Op(kinesis.DescribeStreamSummary, k.DescribeStreamSummary, service.Any),
			service.Op(kinesis.PutRecords, k.PutRecords, service.Any),
		}})
		s, arn := recoverable(t)
		s.table = table
		call := &aws.Call{Account: "000000000000", Region: "us-east-1"}
		stream := "arn:aws:kinesis:us-east-1:000000000000:stream/changes"
		enable := func(stream string) error {
			_, err := s.EnableKinesisStreamingDestination(t.Context(), call, &api.EnableKinesisStreamingDestinationInput{TableName: "files", StreamArn: stream})
			return err
		}
		if err := enable("arn:aws:kinesis:us-east-1:000000000000:stream/none"); aws.Refusal(err).Code != "ResourceNotFoundException" {
			t.Errorf("a stream that is not there: %v", err)
		}
		if err := enable(stream); err != nil {
			t.Fatal(err)
		}
		if err := enable(stream); err == nil {
			t.Error("enabled twice")
		}
		put := func(n int) {
			w := &write{table: arn, item: item.New(item.Attribute{Name: "k", Value: item.String("x")}, item.Attribute{Name: "n", Value: item.Int(n)})}
			if err := s.db.Update(t.Context(), func(tx *store.Tx) error { return s.run(tx, w) }); err != nil {
				t.Fatal(err)
			}
		}
		put(0)
		k.away = true
		put(1)
		if next, err := s.tellAll(t.Context()); err != nil || next != kinesisRetry {
			t.Errorf("while the stream is away: %v, %v; want another look in %v", next, err, kinesisRetry)
		}
		k.away = false
		put(2)
		disabled := &api.DisableKinesisStreamingDestinationInput{TableName: "files", StreamArn: stream}
		if _, err := s.DisableKinesisStreamingDestination(t.Context(), call, disabled); err != nil {
			t.Fatal(err)
		}
		put(3) // not told
		for range 2 {
			if next, err := s.tellAll(t.Context()); err != nil || next != idle {
				t.Errorf("tellAll: %v, %v", next, err)
			}
		}
		if len(k.records) != 3 {
			t.Fatalf("told %q, want 3 records", k.records)
		}
		for i, r := range k.records {
			want := fmt.Sprintf(`"NewImage":{"k":{"S":"x"},"n":{"N":"%d"}}`, i)
			if !strings.Contains(r, want) || !strings.Contains(r, `"userIdentity":null,"recordFormat":"application/json","tableName":"files"`) {
				t.Errorf("record %d is %s, want %s in it", i, r, want)
			}
		}
		err := s.db.View(t.Context(), func(tx *store.Tx) error {
			for key := range tellings.Scan(tx, outgoingKey{}) {
				t.Errorf("%v is still to be told", key)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
