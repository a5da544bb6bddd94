# Targets that are records, global endpoints of EventBridge, and schedules that
# call what is not answered, with boto3: what cannot be done ends as a dead letter
# that says why.
import json
import os
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

ACCOUNT = "000000000000"
iam, bus, schedules, sqs = (boto3.client(n) for n in ("iam", "events", "scheduler", "sqs"))
west_bus, west_sqs = (boto3.client(n, region_name="us-west-2") for n in ("events", "sqs"))
home = os.environ.get("AWS_DEFAULT_REGION") or os.environ["AWS_REGION"]


def role(name, service):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(may))
    return arn


def queue(client, name):
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": ["events.amazonaws.com", "scheduler.amazonaws.com"]}, "Action": "sqs:SendMessage", "Resource": "*"}]}
    url = client.create_queue(QueueName=name, Attributes={"Policy": json.dumps(may)})["QueueUrl"]
    return url, client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def next_message(client, url, wait=20):
    got = client.receive_message(QueueUrl=url, WaitTimeSeconds=wait, MessageAttributeNames=["All"]).get("Messages", [])
    if not got:
        return None
    client.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
    return got[0]


def reason(letter):
    return letter["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]


def put_by(endpoint, entry):
    """Puts an event by way of an endpoint, signed as SDKs without SigV4A would."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSEvents.PutEvents"}
    body = json.dumps({"EndpointId": endpoint, "Entries": [entry]}).encode()
    request = AWSRequest(method="POST", url=os.environ["AWS_ENDPOINT_URL"] + "/", data=body, headers=headers)
    SigV4Auth(boto3.Session().get_credentials(), "events", home).add_auth(request)
    with urllib.request.urlopen(urllib.request.Request(request.url, method="POST", data=body, headers=dict(request.headers))) as resp:
        return json.load(resp)


def rule():
    dead, arn = queue(sqs, "dead-events")
    bus.put_rule(Name="run", EventPattern=json.dumps({"source": ["shop"]}))
    task = {"TaskDefinitionArn": f"arn:aws:ecs:{home}:{ACCOUNT}:task-definition/t", "LaunchType": "FARGATE"}
    out = bus.put_targets(Rule="run", Targets=[{
        "Id": "task", "Arn": f"arn:aws:ecs:{home}:{ACCOUNT}:cluster/c", "RoleArn": role("runs", "events.amazonaws.com"),
        "EcsParameters": task, "DeadLetterConfig": {"Arn": arn}}])
    assert out["FailedEntryCount"] == 0, out
    assert bus.list_targets_by_rule(Rule="run")["Targets"][0]["EcsParameters"] == task
    bus.put_events(Entries=[{"Source": "shop", "DetailType": "ordered", "Detail": '{"n":1}'}])
    letter = next_message(sqs, dead)
    assert reason(letter) == "Aloft does not have targets of ecs yet.", letter
    assert letter["MessageAttributes"]["RULE_ARN"]["StringValue"].endswith("rule/run"), letter
    assert json.loads(letter["Body"])["detail"] == {"n": 1}, letter


def endpoint():
    heard = []
    for events, queues, region in ((bus, sqs, home), (west_bus, west_sqs, "us-west-2")):
        url, arn = queue(queues, "orders")
        made = events.create_event_bus(Name="orders")["EventBusArn"]
        events.put_rule(Name="all", EventBusName="orders", EventPattern=json.dumps({"source": ["shop"]}))
        events.put_targets(Rule="all", EventBusName="orders", Targets=[{"Id": "q", "Arn": arn}])
        heard.append((queues, url, made))
    routing = {"FailoverConfig": {"Primary": {"HealthCheck": "arn:aws:route53:::healthcheck/a"}, "Secondary": {"Route": "us-west-2"}}}
    bus.create_endpoint(Name="orders", RoutingConfig=routing, EventBuses=[{"EventBusArn": made} for _, _, made in heard], RoleArn=role("replicates", "events.amazonaws.com"))
    found = bus.describe_endpoint(Name="orders")
    assert found["State"] == "ACTIVE" and found["ReplicationConfig"]["State"] == "ENABLED", found
    entry = {"Source": "shop", "DetailType": "ordered", "Detail": '{"n":2}', "EventBusName": "orders"}
    put = put_by(found["EndpointId"], entry)
    assert put["FailedEntryCount"] == 0, put
    for queues, url, _ in heard:
        got = json.loads(next_message(queues, url)["Body"])
        assert got["detail"] == {"n": 2} and got["region"] == home, got
    bus.delete_endpoint(Name="orders")


def schedule():
    dead, arn = queue(sqs, "dead-schedules")
    target = {"Arn": "arn:aws:scheduler:::aws-sdk:ec2:stopInstances", "RoleArn": role("stops", "scheduler.amazonaws.com"),
              "Input": json.dumps({"InstanceIds": ["i-1"]}), "DeadLetterConfig": {"Arn": arn}}
    schedules.create_schedule(Name="stop", ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target)
    letter = next_message(sqs, dead)
    assert reason(letter) == "Aloft does not answer ec2:StopInstances yet.", letter
    assert json.loads(letter["Body"]) == {"InstanceIds": ["i-1"]}, letter


rule()
endpoint()
schedule()
