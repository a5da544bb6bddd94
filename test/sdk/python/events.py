"""Buses, schedules, streams and pipes with boto3."""
import json
import threading
import time

import boto3
from botocore.exceptions import ClientError

ROOT = "arn:aws:%s:us-east-1:000000000000:%s"
events, sqs, kinesis = boto3.client("events"), boto3.client("sqs"), boto3.client("kinesis")
scheduler, pipes, iam = boto3.client("scheduler"), boto3.client("pipes"), boto3.client("iam")


def queue(name):
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}]}
    return sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy)})["QueueUrl"]


def receive(url):
    for _ in range(10):
        for m in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
            return m["Body"]
    raise AssertionError("nothing came to " + url)


def refused(code, call, **args):
    try:
        call(**args)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e.response["Error"]["Message"]
    raise AssertionError("not refused")


trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": ["scheduler.amazonaws.com", "pipes.amazonaws.com", "events.amazonaws.com"]}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="events", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
iam.put_role_policy(RoleName="events", PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))

# A rule to a queue, through a transformer.
url = queue("rules")
events.create_event_bus(Name="shop")
events.put_rule(Name="big", EventBusName="shop", EventPattern=json.dumps({"detail": {"total": [{"numeric": [">", 100]}]}}))
out = events.put_targets(Rule="big", EventBusName="shop", Targets=[{"Id": "q", "Arn": ROOT % ("sqs", "rules"), "InputTransformer": {"InputPathsMap": {"t": "$.detail.total"}, "InputTemplate": '{"total": <t>, "rule": <aws.events.rule-name>}'}}])
assert out["FailedEntryCount"] == 0
out = events.put_events(Entries=[{"EventBusName": "shop", "Source": "s", "DetailType": "d", "Detail": json.dumps({"total": n})} for n in (5, 500)])
assert out["FailedEntryCount"] == 0 and len(out["Entries"][0]["EventId"]) == 36
assert json.loads(receive(url)) == {"total": 500, "rule": "big"}
assert "does not exist on EventBus shop" in refused("ResourceNotFoundException", events.describe_rule, Name="none", EventBusName="shop")
refused("InvalidEventPatternException", events.put_rule, Name="bad", EventPattern='{"a": 1}')

# A stream: records, reading, and enhanced fan-out.
kinesis.create_stream(StreamName="clicks", ShardCount=2)
kinesis.get_waiter("stream_exists").wait(StreamName="clicks")
put = kinesis.put_records(StreamName="clicks", Records=[{"Data": b"r%d" % n, "PartitionKey": "k"} for n in range(5)])
shard = put["Records"][0]["ShardId"]
it = kinesis.get_shard_iterator(StreamName="clicks", ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
got = kinesis.get_records(ShardIterator=it)
assert [r["Data"] for r in got["Records"]] == [b"r%d" % n for n in range(5)], got
consumer = kinesis.register_stream_consumer(StreamARN=ROOT % ("kinesis", "stream/clicks"), ConsumerName="fan")["Consumer"]["ConsumerARN"]
stream = kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard, StartingPosition={"Type": "LATEST"})["EventStream"]
threading.Timer(0.3, lambda: kinesis.put_record(StreamName="clicks", Data=b"pushed", PartitionKey="k")).start()
began = time.time()
for event in stream:
    records = event["SubscribeToShardEvent"]["Records"]
    if records:
        assert records[0]["Data"] == b"pushed"
        break
assert time.time() - began < 3
stream.close()
kinesis.update_shard_count(StreamName="clicks", TargetShardCount=4, ScalingType="UNIFORM_SCALING")
assert len(kinesis.list_shards(StreamName="clicks", ShardFilter={"Type": "AT_LATEST"})["Shards"]) == 4

# A schedule: an operation that is no template.
url = queue("scheduled")
scheduler.create_schedule(Name="now", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"}, Target={
    "Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "RoleArn": role, "Input": json.dumps({"QueueUrl": url, "MessageBody": "<aws.scheduler.schedule-arn>"})})
assert receive(url) == ROOT % ("scheduler", "schedule/default/now")
assert scheduler.get_schedule(Name="now")["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 185
assert refused("ValidationException", scheduler.create_schedule, Name="x", ScheduleExpression="cron()", FlexibleTimeWindow={"Mode": "OFF"}, Target={"Arn": ROOT % ("sqs", "scheduled"), "RoleArn": role}) == "Invalid Schedule Expression cron()."

# A pipe from the stream to a queue.
url = queue("piped")
pipes.create_pipe(Name="p", Source=ROOT % ("kinesis", "stream/clicks"), Target=ROOT % ("sqs", "piped"), RoleArn=role,
                  SourceParameters={"KinesisStreamParameters": {"StartingPosition": "LATEST"}, "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"data": {"kind": ["a"]}})}]}},
                  TargetParameters={"InputTemplate": '{"n": <$.data.n>}'})
for _ in range(50):
    kinesis.put_record(StreamName="clicks", Data=json.dumps({"kind": "b", "n": 1}), PartitionKey="x")
    kinesis.put_record(StreamName="clicks", Data=json.dumps({"kind": "a", "n": 2}), PartitionKey="x")
    if "Messages" in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, VisibilityTimeout=0):
        break
assert json.loads(receive(url)) == {"n": 2}
assert pipes.describe_pipe(Name="p")["CurrentState"] == "RUNNING"
pipes.delete_pipe(Name="p")
