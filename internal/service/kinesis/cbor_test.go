package kinesis_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// text, data and object are items of CBOR.
func text(s string) string { return string(rune(0x60+len(s))) + s } // shorter than 24 bytes

func long(s string) string { return "\x78" + string([]byte{byte(len(s))}) + s }

func blob(s string) string { return string([]byte{byte(0x40 + len(s))}) + s }

func object(pairs ...string) string { return "\xbf" + strings.Join(pairs, "") + "\xff" }

// TestCBOR holds that requests and answers are as SDKs for Java have them.
func TestCBOR(t *testing.T) {
	p, err := platform.Start(t.Context(), platform.Config{
		Memory: true, Open: true, Log: slog.New(slog.DiscardHandler),
		Runner: func(func(sandbox.LogBatch)) sandbox.Runner { return new(sandbox.InProcess) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop() })
	server := httptest.NewServer(p.Handler)
	t.Cleanup(server.Close)
	send := func(operation, body string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-amz-cbor-1.1")
		r.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
		sigv4.Sign(r, sigv4.Credentials{AccessKey: "test", Secret: "test"}, "us-east-1", "kinesis", time.Now(), []byte(body))
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	call := func(operation, body string) string {
		t.Helper()
		resp := send(operation, body)
		var b bytes.Buffer
		if _, err := b.ReadFrom(resp.Body); err != nil {
			t.Fatal(err)
		}
		if ct := resp.Header.Get("Content-Type"); b.Len() > 0 && ct != "application/x-amz-cbor-1.1" {
			t.Errorf("%s: the answer is %s", operation, ct)
		}
		return b.String()
	}
	if got := call("DescribeStream", object(text("StreamName"), text("none"))); !strings.Contains(got, text("__type")+"\x78\x19ResourceNotFoundException") {
		t.Errorf("a refusal is %q", got)
	}
	call("CreateStream", object(text("StreamName"), text("s"), text("ShardCount"), "\x01"))
	before := time.Now()
	call("PutRecord", object(text("StreamName"), text("s"), text("Data"), blob("one"), text("PartitionKey"), text("k")))
	at := "\xc1\x1b" + string(binary.BigEndian.AppendUint64(nil, uint64(before.UnixMilli()-1000)))
	got := call("GetShardIterator", object(text("StreamName"), text("s"), text("ShardId"), text("shardId-000000000000"),
		text("ShardIteratorType"), text("AT_TIMESTAMP"), text("Timestamp"), at))
	_, it, ok := strings.Cut(got, text("ShardIterator"))
	if !ok || it[0] != 0x78 {
		t.Fatalf("GetShardIterator: %q", got)
	}
	got = call("GetRecords", object(text("ShardIterator"), long(it[2:2+it[1]])))
	if !strings.Contains(got, text("Data")+blob("one")) {
		t.Errorf("GetRecords: %q", got)
	}
	_, when, _ := strings.Cut(got, "ApproximateArrivalTimestamp\xc1\x1b")
	if len(when) < 8 || time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(when)))).Sub(before).Abs() > time.Minute {
		t.Errorf("the record arrived at %q", when)
	}

	arn := "arn:aws:kinesis:us-east-1:000000000000:stream/s"
	got = call("RegisterStreamConsumer", object(text("StreamARN"), long(arn), text("ConsumerName"), text("c")))
	consumer := fmt.Sprintf("%s/consumer/c:", arn)
	i := strings.Index(got, consumer)
	if i < 0 {
		t.Fatalf("RegisterStreamConsumer: %q", got)
	}
	resp := send("SubscribeToShard", object(text("ConsumerARN"), long(got[i:i+len(consumer)+10]), text("ShardId"), text("shardId-000000000000"),
		text("StartingPosition"), object(text("Type"), text("TRIM_HORIZON"))))
	for _, want := range []string{"initial-response", "SubscribeToShardEvent"} {
		m, err := eventstream.NewDecoder().Decode(resp.Body, nil)
		if err != nil {
			t.Fatal(err)
		}
		if kind := m.Headers.Get(":event-type").String(); kind != want {
			t.Errorf("event %s, want %s", kind, want)
		}
		if want == "SubscribeToShardEvent" && !strings.Contains(string(m.Payload), text("Data")+blob("one")) {
			t.Errorf("event %q", m.Payload)
		}
	}
}
