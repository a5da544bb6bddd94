package sdk_test

import (
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	cloudwatchapi "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	aloftclient "github.com/aloft-cloud/aloft/internal/client"
)

// TestMonitoringPython watches with boto3, and has Powertools embed metrics.
func TestMonitoringPython(t *testing.T) {
	python := client(t, "python/bin/python")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/monitoring.py", "metrics", "alarms", "events", "traces", "powertools")
}

// TestMonitoringCLI watches with the AWS CLI.
func TestMonitoringCLI(t *testing.T) {
	aws := client(t, "python/bin/aws")
	a := start(t, t.TempDir())
	runClient(t, a, "bash", "cli/monitoring.sh", aws)
}

// TestKillMetrics kills the binary while data are put, again and again. In the
// end the metric has all that was acknowledged, and an alarm its state.
func TestKillMetrics(t *testing.T) {
	kills := 3
	if n, err := strconv.Atoi(os.Getenv("ALOFT_KILLS")); err == nil {
		kills = n
	}
	data := t.TempDir()
	const writers = 4
	var acknowledged, tried [writers]int
	for round := range kills {
		a := start(t, data)
		c := clientOf(a)
		if round == 0 {
			check(t, setAlarm(t, c))
		}
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for {
					tried[w]++
					_, err := aloftclient.Do(t.Context(), c, cloudwatchapi.PutMetricData, &cloudwatchapi.PutMetricDataInput{
						Namespace: "App", MetricData: []cloudwatchapi.MetricDatum{{MetricName: "Calls", Value: new(1.0)}},
					})
					if err != nil {
						return
					}
					acknowledged[w]++
				}
			})
		}
		time.Sleep(time.Duration(150+round%5*50) * time.Millisecond)
		check(t, a.cmd.Process.Signal(syscall.SIGKILL))
		a.cmd.Wait()
		wg.Wait()
	}
	c := clientOf(start(t, data))
	now := time.Now()
	out, err := aloftclient.Do(t.Context(), c, cloudwatchapi.GetMetricStatistics, &cloudwatchapi.GetMetricStatisticsInput{
		Namespace: "App", MetricName: "Calls", StartTime: now.Add(-time.Hour), EndTime: now.Add(time.Hour), Period: 60, Statistics: []string{"Sum"},
	})
	check(t, err)
	sum, least, most := 0.0, 0, 0
	for _, d := range out.Datapoints {
		sum += *d.Sum
	}
	for w := range writers {
		least, most = least+acknowledged[w], most+tried[w]
	}
	if least == 0 || int(sum) < least || int(sum) > most {
		t.Errorf("%v were kept of %d acknowledged and %d tried", sum, least, most)
	}
	alarms, err := aloftclient.Do(t.Context(), c, cloudwatchapi.DescribeAlarms, &cloudwatchapi.DescribeAlarmsInput{AlarmNames: []string{"kept"}})
	check(t, err)
	if len(alarms.MetricAlarms) != 1 {
		t.Errorf("%d alarms were kept", len(alarms.MetricAlarms))
	}
}

func setAlarm(t *testing.T, c *aloftclient.Client) error {
	_, err := aloftclient.Do(t.Context(), c, cloudwatchapi.PutMetricAlarm, &cloudwatchapi.PutMetricAlarmInput{
		AlarmName: "kept", Namespace: new("App"), MetricName: new("Calls"), Statistic: new("Sum"), Period: new(int32(60)), EvaluationPeriods: new(int32(1)),
		Threshold: new(1e9), ComparisonOperator: new("GreaterThanThreshold"),
	})
	return err
}
