"""A round over the services with boto3."""

import io
import json
import os
import time
import urllib.request
import zipfile

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.config import Config
from botocore.exceptions import ClientError


def refused(code, call, **kwargs):
    try:
        call(**kwargs)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e.response
    raise AssertionError(f"want {code}")


def identity():
    who = boto3.client("sts").get_caller_identity()
    assert who["Arn"] == "arn:aws:iam::000000000000:root", who


def role(name="py-role"):
    iam = boto3.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] == trust
    refused("EntityAlreadyExists", iam.create_role, RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    return arn


def dynamodb():
    table = boto3.resource("dynamodb").create_table(
        TableName="py-table",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in (("pk", "S"), ("sk", "N"), ("color", "S"))],
        GlobalSecondaryIndexes=[{"IndexName": "color", "KeySchema": [{"AttributeName": "color", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    with table.batch_writer() as batch:
        for i in range(60):
            batch.put_item(Item={"pk": "a", "sk": i, "color": "red" if i % 2 else "blue", "tags": {"x", "y"}, "nested": {"l": [1, None, True, b"raw"]}})
    assert len(table.query(KeyConditionExpression=Key("pk").eq("a") & Key("sk").between(10, 19))["Items"]) == 10
    red = table.query(IndexName="color", KeyConditionExpression=Key("color").eq("red"), FilterExpression=Attr("sk").lt(10))
    assert (red["Count"], red["ScannedCount"]) == (5, 30), red
    pages, last = 0, {}
    while True:
        page = table.scan(Limit=25, **last)
        pages += 1
        if "LastEvaluatedKey" not in page:
            break
        last = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert pages == 3, pages
    item = table.get_item(Key={"pk": "a", "sk": 3})["Item"]
    assert item["tags"] == {"x", "y"} and bytes(item["nested"]["l"][3]) == b"raw", item
    client = boto3.client("dynamodb")
    response = refused(
        "TransactionCanceledException", client.transact_write_items,
        TransactItems=[
            {"Put": {"TableName": "py-table", "Item": {"pk": {"S": "b"}, "sk": {"N": "1"}}}},
            {"ConditionCheck": {"TableName": "py-table", "Key": {"pk": {"S": "a"}, "sk": {"N": "1"}}, "ConditionExpression": "attribute_not_exists(pk)"}},
        ],
    )
    assert [r["Code"] for r in response["CancellationReasons"]] == ["None", "ConditionalCheckFailed"], response
    assert "Item" not in table.get_item(Key={"pk": "b", "sk": 1})


def s3():
    client = boto3.client("s3")
    client.create_bucket(Bucket="py-bucket")
    body = os.urandom(200_000)
    put = client.put_object(Bucket="py-bucket", Key="a//b/../ü", Body=io.BytesIO(body), Metadata={"who": "me"})
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 200
    got = client.get_object(Bucket="py-bucket", Key="a//b/../ü", ChecksumMode="ENABLED")
    assert got["Body"].read() == body and got["Metadata"] == {"who": "me"}
    for algorithm in ("CRC32", "SHA256"):
        client.put_object(Bucket="py-bucket", Key=algorithm, Body=io.BytesIO(body), ChecksumAlgorithm=algorithm)
        assert client.get_object(Bucket="py-bucket", Key=algorithm)["Body"].read() == body
    big = os.urandom(9 << 20)  # over the threshold of multipart uploads
    client.upload_fileobj(io.BytesIO(big), "py-bucket", "big")
    out = io.BytesIO()
    client.download_fileobj("py-bucket", "big", out)
    assert out.getvalue() == big
    url = boto3.client("s3", config=Config(signature_version="s3v4")).generate_presigned_url("get_object", Params={"Bucket": "py-bucket", "Key": "SHA256"})
    assert urllib.request.urlopen(url).read() == body
    refused("NoSuchKey", client.get_object, Bucket="py-bucket", Key="none")
    refused("NoSuchBucket", client.list_objects_v2, Bucket="no-such-bucket")
    keys = [o["Key"] for o in client.list_objects_v2(Bucket="py-bucket")["Contents"]]
    assert keys == sorted(keys) and "a//b/../ü" in keys, keys
    client.delete_objects(Bucket="py-bucket", Delete={"Objects": [{"Key": k} for k in keys]})
    client.delete_bucket(Bucket="py-bucket")


CODE = """
import boto3, os
def handler(event, context):
    if event.get("fail"):
        raise ValueError("asked to")
    print("hello", context.aws_request_id)
    return {"role": boto3.client("sts").get_caller_identity()["Arn"] if event.get("who") else None, "event": event}
"""


def function(role_arn):
    client = boto3.client("lambda")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as z:
        z.writestr("index.py", CODE.replace("import boto3, os", "import os"))
    arn = client.create_function(FunctionName="py-fn", Runtime="python3.12", Handler="index.handler", Role=role_arn, Code={"ZipFile": code.getvalue()}, Timeout=10)["FunctionArn"]
    client.get_waiter("function_active_v2").wait(FunctionName="py-fn")
    out = client.invoke(FunctionName="py-fn", Payload=b'{"a": 1}', LogType="Tail")
    assert json.load(out["Payload"]) == {"role": None, "event": {"a": 1}} and "LogResult" in out
    out = client.invoke(FunctionName="py-fn", Payload=b'{"fail": true}')
    error = json.load(out["Payload"])
    assert out["FunctionError"] == "Unhandled" and error["errorType"] == "ValueError" and error["errorMessage"] == "asked to", error
    refused("ResourceNotFoundException", client.invoke, FunctionName="none", Payload=b"{}")
    refused("InvalidRequestContentException", client.invoke, FunctionName="py-fn", Payload=b"{no json")
    logs = boto3.client("logs")
    for _ in range(50):
        try:
            if any("hello" in e["message"] for e in logs.filter_log_events(logGroupName="/aws/lambda/py-fn")["events"]):
                return arn
        except logs.exceptions.ResourceNotFoundException:
            pass
        time.sleep(0.1)
    raise AssertionError("the function's output is not in its log")


def http_api(fn):
    client = boto3.client("apigatewayv2")
    api = client.create_api(Name="py", ProtocolType="HTTP", Target=fn)
    boto3.client("lambda").add_permission(FunctionName=fn, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com")
    base = os.environ["AWS_ENDPOINT_URL"]
    request = urllib.request.Request(base + "/some/path?q=1&q=2", headers={"Host": api["ApiId"] + ".execute-api.localhost"})
    event = json.load(urllib.request.urlopen(request))["event"]
    assert event["version"] == "2.0" and event["rawPath"] == "/some/path" and event["rawQueryString"] == "q=1&q=2", event
    assert event["queryStringParameters"] == {"q": "1,2"}, event
    assert boto3.client("apigatewayv2").get_api(ApiId=api["ApiId"])["Name"] == "py"


def stack():
    client = boto3.client("cloudformation")
    template = {
        "Resources": {
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/py/stack", "RetentionInDays": 7}},
            "Bucket": {"Type": "AWS::S3::Bucket", "DependsOn": "Logs"},
        },
        "Outputs": {"Bucket": {"Value": {"Ref": "Bucket"}}},
    }
    client.create_stack(StackName="py", TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName="py", WaiterConfig={"Delay": 1})
    bucket = client.describe_stacks(StackName="py")["Stacks"][0]["Outputs"][0]["OutputValue"]
    boto3.client("s3").head_bucket(Bucket=bucket)
    refused("ValidationError", client.update_stack, StackName="py", TemplateBody=json.dumps(template))
    template["Resources"]["Bad"] = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/py/stack"}}
    client.update_stack(StackName="py", TemplateBody=json.dumps(template))
    for _ in range(100):
        status = client.describe_stacks(StackName="py")["Stacks"][0]["StackStatus"]
        if not status.endswith("IN_PROGRESS"):
            break
        time.sleep(0.1)
    assert status == "UPDATE_ROLLBACK_COMPLETE", status
    client.delete_stack(StackName="py")
    client.get_waiter("stack_delete_complete").wait(StackName="py", WaiterConfig={"Delay": 1})


if __name__ == "__main__":
    identity()
    dynamodb()
    s3()
    fn = function(role())
    http_api(fn)
    stack()
