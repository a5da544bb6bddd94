# A distribution that logs with boto3: "make" makes one whose requests go to a
# bucket every few minutes, and to a stream at once, and makes some; "again",
# after a crash, finds what the stream had, and has it told of more.
import json
import os
import sys
import time
import urllib.request

import boto3
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
front, kinesis, iam, s3 = (boto3.client(n) for n in ("cloudfront", "kinesis", "iam", "s3"))
FIELDS = ["cs-method", "cs-uri-stem", "sc-status", "cs-uri-query"]


def get(path):
    host = front.list_distributions()["DistributionList"]["Items"][0]["DomainName"]
    with urllib.request.urlopen(urllib.request.Request(ENDPOINT + path, headers={"Host": host})) as resp:
        return resp.status, resp.read()


def lines(count):
    """The first lines of the stream, when there are so many."""
    end = time.time() + 30
    while True:
        at = kinesis.get_shard_iterator(StreamName="lines", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        got = [r["Data"].decode().rstrip("\n").split("\t") for r in kinesis.get_records(ShardIterator=at)["Records"]]
        if len(got) >= count:
            return got
        assert time.time() < end, got
        time.sleep(0.1)


def make():
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kinesis:PutRecord*", "Resource": "*"}]}
    role = iam.create_role(RoleName="logs", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="logs", PolicyName="p", PolicyDocument=json.dumps(may))
    kinesis.create_stream(StreamName="lines", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="lines", WaiterConfig={"Delay": 1})
    stream = kinesis.describe_stream_summary(StreamName="lines")["StreamDescriptionSummary"]["StreamARN"]
    log = front.create_realtime_log_config(Name="now", SamplingRate=100, Fields=FIELDS, EndPoints=[
        {"StreamType": "Kinesis", "KinesisStreamConfig": {"RoleARN": role, "StreamARN": stream}}])["RealtimeLogConfig"]["ARN"]
    for bucket in ("site", "logs"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="site", Key="index.html", Body=b"hello")
    s3.put_bucket_policy(Bucket="site", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:*", "Resource": ["arn:aws:s3:::site", "arn:aws:s3:::site/*"]}]}))
    control = front.create_origin_access_control(OriginAccessControlConfig={
        "Name": "site", "SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"})["OriginAccessControl"]["Id"]
    config = {
        "CallerReference": "one", "Comment": "", "Enabled": True,
        "Logging": {"Enabled": True, "IncludeCookies": False, "Bucket": "logs.s3.amazonaws.com", "Prefix": "site/"},
        "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "site.s3.amazonaws.com", "OriginAccessControlId": control, "S3OriginConfig": {"OriginAccessIdentity": ""}}]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6", "RealtimeLogConfigArn": log},
    }
    try:
        front.create_distribution(DistributionConfig=config)
        raise AssertionError("a bucket without ACLs was taken")
    except ClientError as e:
        assert "does not enable ACL access" in e.response["Error"]["Message"], e.response
    s3.put_bucket_ownership_controls(Bucket="logs", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]})
    made = front.create_distribution(DistributionConfig=config)["Distribution"]["DistributionConfig"]
    assert made["Logging"] == config["Logging"] and made["DefaultCacheBehavior"]["RealtimeLogConfigArn"] == log, made


if sys.argv[1] == "make":
    make()
    assert get("/index.html?n=1") == (200, b"hello")
    assert lines(1) == [["GET", "/index.html", "200", "n=1"]]
else:
    assert get("/index.html?n=2") == (200, b"hello")
    assert lines(2) == [["GET", "/index.html", "200", "n=1"], ["GET", "/index.html", "200", "n=2"]]
    try:
        front.delete_realtime_log_config(Name="now")
        raise AssertionError("what is in use was deleted")
    except ClientError as e:
        assert e.response["Error"]["Code"] == "RealtimeLogConfigInUse", e.response
