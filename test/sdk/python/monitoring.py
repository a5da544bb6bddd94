# Metrics, alarms, dashboards, filters and queries of logs, and traces with boto3;
# then a function whose metrics Powertools embeds in its log.
import json
import os
import sys
import time
import zipfile
from datetime import datetime, timedelta, timezone

import boto3

watch, logs, xray, sns, sqs, iam, functions = (boto3.client(n) for n in ("cloudwatch", "logs", "xray", "sns", "sqs", "iam", "lambda"))
now = datetime.now(timezone.utc)
span = {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(hours=1)}


def until(ask, seconds=20):
    end = time.time() + seconds
    while True:
        got = ask()
        if got:
            return got
        assert time.time() < end, "waited in vain"
        time.sleep(0.2)


def total(namespace, name, **dimensions):
    out = watch.get_metric_statistics(
        Namespace=namespace, MetricName=name, Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()], Period=7200, Statistics=["Sum"], **span)
    return sum(d["Sum"] for d in out["Datapoints"])


def metrics():
    watch.put_metric_data(Namespace="App", MetricData=[
        {"MetricName": "Latency", "Dimensions": [{"Name": "Stage", "Value": "prod"}], "Values": [1.0, 2.0, 10.0], "Counts": [5.0, 4.0, 1.0], "Unit": "Milliseconds"},
        {"MetricName": "Calls", "Value": 4.0, "Timestamp": now - timedelta(minutes=5)},
    ])
    queries = [
        {"Id": "p", "MetricStat": {"Metric": {"Namespace": "App", "MetricName": "Latency", "Dimensions": [{"Name": "Stage", "Value": "prod"}]}, "Period": 7200, "Stat": "p99"}},
        {"Id": "c", "MetricStat": {"Metric": {"Namespace": "App", "MetricName": "Calls"}, "Period": 7200, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "e", "Expression": "FILL(c, 0) * 2", "Label": "twice"},
    ]
    out = watch.get_metric_data(MetricDataQueries=queries, **span)["MetricDataResults"]
    assert 2 < out[0]["Values"][0] <= 10 and out[1]["Label"] == "twice" and sum(out[1]["Values"]) == 8, out
    assert [m["MetricName"] for page in watch.get_paginator("list_metrics").paginate(Namespace="App") for m in page["Metrics"]] == ["Calls", "Latency"]
    try:
        watch.put_metric_data(Namespace="App", MetricData=[{"MetricName": "m", "Value": 1.0, "Values": [1.0]}])
        raise AssertionError("not refused")
    except watch.exceptions.InvalidParameterCombinationException:
        pass


def alarms():
    url = sqs.create_queue(QueueName="told", Attributes={"Policy": json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]})})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="told")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    watch.put_metric_alarm(AlarmName="one", Namespace="App", MetricName="Latency", Statistic="Average", Period=60, EvaluationPeriods=1, Threshold=1,
                           ComparisonOperator="GreaterThanThreshold", AlarmActions=[topic])
    watch.put_composite_alarm(AlarmName="all", AlarmRule="ALARM(one)")
    watch.set_alarm_state(AlarmName="one", StateValue="ALARM", StateReason="test")
    told = until(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages"))
    assert json.loads(told[0]["Body"])["NewStateReason"] == "test", told
    both = watch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    assert both["CompositeAlarms"][0]["StateValue"] == "ALARM", both
    assert watch.describe_alarm_history(AlarmName="one")["AlarmHistoryItems"]
    watch.put_dashboard(DashboardName="ops", DashboardBody=json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "hi"}}]}))
    assert "markdown" in watch.get_dashboard(DashboardName="ops")["DashboardBody"]
    watch.delete_alarms(AlarmNames=["all", "one"])


def events():
    logs.create_log_group(logGroupName="app")
    logs.create_log_stream(logGroupName="app", logStreamName="s")
    logs.put_metric_filter(logGroupName="app", filterName="f", filterPattern="{ $.level = ERROR }", metricTransformations=[{"metricName": "Errors", "metricNamespace": "App", "metricValue": "1"}])
    at = int(now.timestamp() * 1000)
    logs.put_log_events(logGroupName="app", logStreamName="s", logEvents=[{"timestamp": at, "message": json.dumps({"level": level, "ms": ms})} for level, ms in (("ERROR", 5), ("INFO", 7))])
    until(lambda: total("App", "Errors") == 1)
    query = logs.start_query(logGroupName="app", startTime=int(span["StartTime"].timestamp()), endTime=int(span["EndTime"].timestamp()), queryString="stats count(*) as n, max(ms) as most by level | sort level")
    out = until(lambda: (lambda r: r["status"] == "Complete" and r)(logs.get_query_results(queryId=query["queryId"])))
    assert [[f["value"] for f in row] for row in out["results"]] == [["ERROR", "1", "5"], ["INFO", "1", "7"]], out


def traces():
    begun = now.timestamp()
    trace = "1-%08x-0123456789abcdef01234567" % int(begun)
    out = xray.put_trace_segments(TraceSegmentDocuments=[json.dumps({"id": "0123456789abcdef", "trace_id": trace, "name": "shop", "start_time": begun, "end_time": begun + 1})])
    assert not out["UnprocessedTraceSegments"], out
    assert xray.get_trace_summaries(**span)["TraceSummaries"][0]["Id"] == trace
    assert xray.batch_get_traces(TraceIds=[trace])["Traces"][0]["Segments"]
    assert xray.get_service_graph(**span)["Services"][0]["Name"] == "shop"
    assert xray.get_sampling_rules()["SamplingRuleRecords"]


def powertools(work):
    import aws_lambda_powertools
    import jmespath
    import typing_extensions

    archive = os.path.join(work, "fn.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:
        for module in (aws_lambda_powertools, jmespath):
            root = os.path.dirname(module.__file__)
            for folder, _, files in os.walk(root):
                for name in files:
                    if name.endswith(".py"):
                        path = os.path.join(folder, name)
                        z.write(path, os.path.relpath(path, os.path.dirname(root)))
        z.write(typing_extensions.__file__, "typing_extensions.py")
        z.writestr("fn.py", """
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
logger = Logger(service="pay")
metrics = Metrics(namespace="Shop", service="pay")
@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    metrics.add_metric(name="Orders", unit=MetricUnit.Count, value=3)
    logger.info("taken", extra={"order": 7})
    return {"ok": True}
""")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
    role = iam.create_role(RoleName="shop", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}  # what a function without it logs is nowhere
    iam.put_role_policy(RoleName="shop", PolicyName="logs", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    functions.create_function(FunctionName="shop", Runtime="python3.13", Handler="fn.handler", Role=role, Timeout=10, Code={"ZipFile": open(archive, "rb").read()})
    functions.get_waiter("function_active_v2").wait(FunctionName="shop")
    out = functions.invoke(FunctionName="shop", Payload=b"{}")
    assert "FunctionError" not in out, out["Payload"].read()
    until(lambda: total("Shop", "Orders", service="pay") == 3)
    until(lambda: total("Shop", "ColdStart", function_name="shop", service="pay") == 1)
    assert total("AWS/Lambda", "Invocations", FunctionName="shop") == 1


if __name__ == "__main__":
    rounds = {"metrics": metrics, "alarms": alarms, "events": events, "traces": traces, "powertools": powertools}
    for name in sys.argv[1:]:
        rounds[name](*([os.environ["WORK"]] if name == "powertools" else []))
