package emf

import (
	"reflect"
	"testing"
)

const document = `{"_aws":{"Timestamp":1000,"CloudWatchMetrics":[{"Namespace":"App","Dimensions":[["service"],["service","stage"],["none"]],"Metrics":[{"Name":"Latency","Unit":"Milliseconds","StorageResolution":1},{"Name":"absent"}]}]},"service":"pay","stage":"prod","Latency":[1,2.5]}`

func TestParse(t *testing.T) {
	f := func(message string, want ...Datum) {
		t.Helper()
		if got := Parse(message); !reflect.DeepEqual(got, want) {
			t.Errorf("Parse(%s) = %v, want %v", message, got, want)
		}
	}
	f(document,
		Datum{"App", "Latency", "Milliseconds", [][2]string{{"service", "pay"}}, []float64{1, 2.5}, 1000, true},
		Datum{"App", "Latency", "Milliseconds", [][2]string{{"service", "pay"}, {"stage", "prod"}}, []float64{1, 2.5}, 1000, true})
	f(`{"_aws":{"CloudWatchMetrics":[{"Namespace":"App","Metrics":[{"Name":"n"}]}]},"n":3}`, Datum{"App", "n", "", nil, []float64{3}, 0, false})
	f(`{"_aws":{"CloudWatchMetrics":[{"Namespace":"App","Metrics":[{"Name":"n"}]}]},"n":"3"}`)
	f(`{"_aws":{"CloudWatchMetrics":"no"},"n":3}`)
	f("2026-01-02T03:04:05.678Z\t6d3a1f2e-0000-4000-8000-000000000000\tINFO\t"+`{"_aws":{"CloudWatchMetrics":[{"Namespace":"App","Metrics":[{"Name":"n"}]}]},"n":3}`, Datum{"App", "n", "", nil, []float64{3}, 0, false})
	f(`START "_aws" {`)
	f(`{"n":3}`)
}

// No text makes it panic.
func FuzzParse(f *testing.F) {
	f.Add(document)
	f.Fuzz(func(t *testing.T, message string) { Parse(message) })
}
