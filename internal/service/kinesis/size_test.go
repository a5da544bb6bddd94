package kinesis_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecordSize checks that a stream takes what its largest record may be, and no more.
func TestRecordSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := platformtest.Start(t)
		put := func(kib int) int {
			data := base64.StdEncoding.EncodeToString(make([]byte, kib<<10))
			status, _ := platformtest.Ask(t, p, "kinesis.PutRecord", fmt.Sprintf(`{"StreamName":"s","PartitionKey":"k","Data":%q}`, data))
			return status
		}
		ask := func(operation, input string) map[string]any {
			status, out := platformtest.Ask(t, p, "kinesis."+operation, input)
			if status != 200 {
				t.Fatalf("%s: %d %v", operation, status, out)
			}
			return out
		}
		ask("CreateStream", `{"StreamName":"s","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}`)
		if got := put(1024); got != 200 {
			t.Errorf("1 MiB: status %d", got)
		}
		if got := put(1025); got != 400 {
			t.Errorf("more than 1 MiB: status %d", got)
		}
		ask("UpdateMaxRecordSize", `{"StreamARN":"arn:aws:kinesis:us-east-1:111111111111:stream/s","MaxRecordSizeInKiB":2046}`)
		if got := put(2046); got != 200 {
			t.Errorf("2046 KiB: status %d", got)
		}
		record := fmt.Sprintf(`{"PartitionKey":"k","Data":%q}`, base64.StdEncoding.EncodeToString(make([]byte, 2000<<10)))
		ask("PutRecords", `{"StreamName":"s","Records":[`+strings.Repeat(record+",", 4)+record+`]}`)
		largest := 0
		for shard := range 4 {
			it := ask("GetShardIterator", fmt.Sprintf(`{"StreamName":"s","ShardId":"shardId-%012d","ShardIteratorType":"TRIM_HORIZON"}`, shard))["ShardIterator"].(string)
			for strings.HasPrefix(it, "A") {
				out := ask("GetRecords", fmt.Sprintf(`{"ShardIterator":%q}`, it))
				all, _ := out["Records"].([]any)
				if len(all) == 0 {
					break
				}
				time.Sleep(10 * time.Second) // a shard gives 2 MiB a second
				for _, r := range all {
					largest = max(largest, len(r.(map[string]any)["Data"].(string)))
				}
				it = out["NextShardIterator"].(string)
			}
		}
		if want := base64.StdEncoding.EncodedLen(2046 << 10); largest != want {
			t.Errorf("the largest record read has %d characters, want %d", largest, want)
		}
	})
}
