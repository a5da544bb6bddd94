#!/usr/bin/env bash
# Metrics, alarms, dashboards and queries of logs with the AWS CLI, $1.
set -euo pipefail
aws="$1 --endpoint-url $AWS_ENDPOINT_URL"
from=$(date -u -d '-1 hour' +%Y-%m-%dT%H:%M:%SZ) to=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)
$aws cloudwatch put-metric-data --namespace CLI --metric-name Calls --value 3 --unit Count --dimensions Stage=prod
$aws cloudwatch put-metric-data --namespace CLI --metric-data 'MetricName=Calls,Dimensions=[{Name=Stage,Value=prod}],Values=[1,2],Counts=[2,1],Unit=Count'
$aws cloudwatch get-metric-statistics --namespace CLI --metric-name Calls --dimensions Name=Stage,Value=prod --start-time "$from" --end-time "$to" \
  --period 7200 --statistics Sum SampleCount --query 'sum(Datapoints[].Sum)' --output text | grep -qxE '7(\.0)?'
$aws cloudwatch list-metrics --namespace CLI --query 'Metrics[0].MetricName' --output text | grep -qx Calls
$aws cloudwatch put-metric-alarm --alarm-name cli --namespace CLI --metric-name Calls --statistic Sum --period 60 --evaluation-periods 1 --threshold 1 \
  --comparison-operator GreaterThanThreshold --treat-missing-data notBreaching
$aws cloudwatch set-alarm-state --alarm-name cli --state-value ALARM --state-reason test
$aws cloudwatch describe-alarms --alarm-names cli --query 'MetricAlarms[0].[StateValue,StateReason]' --output text | grep -q 'ALARM.test'
$aws cloudwatch put-dashboard --dashboard-name cli --dashboard-body '{"widgets":[]}' > /dev/null
$aws cloudwatch list-dashboards --query 'DashboardEntries[].DashboardName' --output text | grep -qx cli
$aws logs create-log-group --log-group-name cli
$aws logs create-log-stream --log-group-name cli --log-stream-name s
$aws logs put-log-events --log-group-name cli --log-stream-name s --log-events timestamp="$(date +%s000)",message=hello > /dev/null
query=$($aws logs start-query --log-group-name cli --start-time "$(date -d '-1 hour' +%s)" --end-time "$(date -d '+1 hour' +%s)" \
  --query-string 'fields @message | filter @message like /hel+o/' --query queryId --output text)
$aws logs get-query-results --query-id "$query" --query 'results[0][0].value' --output text | grep -qx hello
