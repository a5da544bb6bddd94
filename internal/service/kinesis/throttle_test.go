package kinesis

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// TestAdmit has a shard take a thousand records or a MiB in a second, and those
// of streams on demand take all.
func TestAdmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		arn := aws.ARN{Service: "kinesis", Region: "us-east-1", Account: "000000000000", Resource: "stream/s"}
		zeroKey := "00000000000000000000000000000000"
		row := stream{Mode: api.StreamModeProvisioned, Shards: []shard{{First: zeroKey, Last: lastKey}}}
		s := New(nil)
		took := func(n, size int) int {
			all := make([]incoming, n)
			for i := range all {
				all[i] = incoming{hash: zeroKey, record: record{Data: make([]byte, size)}}
			}
			s.admit(arn, &row, all)
			for i := range all {
				if all[i].refused != nil {
					if !errors.Is(all[i].refused, api.ProvisionedThroughputExceededException) {
						t.Fatal(all[i].refused)
					}
					n--
				}
			}
			return n
		}
		for _, c := range []struct{ n, size, want int }{{1500, 1, 1000}, {3, 1 << 19, 2}, {1, 1 << 20, 1}} {
			if got := took(c.n, c.size); got != c.want {
				t.Errorf("of %d records of %d bytes %d were taken, want %d", c.n, c.size, got, c.want)
			}
			time.Sleep(time.Second)
		}
		row.Mode = api.StreamModeOnDemand
		if got := took(2500, 1); got != 2500 {
			t.Errorf("a stream on demand took %d of 2500", got)
		}
	})
}
