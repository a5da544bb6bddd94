package meter

import (
	"testing"
	"time"
)

// What is counted is taken once, minute by minute, and rings once.
func TestMeter(t *testing.T) {
	m := New()
	rings := func() (n int) {
		select {
		case <-m.Bell():
			return 1
		default:
			return 0
		}
	}
	of := Subject{Account: "1", Region: "r", Namespace: "AWS/X", Name1: "N", Value1: "v"}
	start := time.Unix(600, 0)
	m.Add(of, start, Count("Calls", 1), Milliseconds("Latency", 5*time.Millisecond))
	m.Add(of, start.Add(30*time.Second), Count("Calls", 1))
	m.Add(of, start.Add(60*time.Second), Count("Calls", 1))
	all := m.Take()
	sums := make(map[string]float64)
	for _, s := range all {
		sums[s.At.UTC().Format("15:04 ")+s.Metric] += s.Set.Sum
	}
	if sums["00:10 Calls"] != 2 || sums["00:11 Calls"] != 1 || sums["00:10 Latency"] != 5 || len(all) != 3 || rings() != 1 {
		t.Errorf("took %v of %v", sums, all)
	}
	if again := m.Take(); again != nil {
		t.Errorf("took %v again", again)
	}
	m.Rest()
	m.Add(of, start, Count("Calls", 1))
	if rings() != 1 || !m.Since().Equal(start) {
		t.Errorf("did not ring again, or since %v", m.Since())
	}
	var none *Meter
	none.Add(of, start, Count("Calls", 1))
}

func BenchmarkAdd(b *testing.B) {
	m := New()
	of := Subject{Account: "000000000000", Region: "us-east-1", Namespace: "AWS/DynamoDB", Name1: "TableName", Value1: "orders", Name2: "Operation", Value2: "PutItem"}
	now := time.Now()
	for b.Loop() {
		m.Add(of, now, Milliseconds("SuccessfulRequestLatency", 3*time.Millisecond))
	}
}
