# Objects that a function transforms, with boto3: an access point of Object Lambda
# by its alias, read whole and in parts, by a function in Python that reads the
# object with a plain client of HTTP and streams its answer.
import io
import json
import os
import socket
import zipfile

import boto3
from botocore.exceptions import ClientError

lookup = socket.getaddrinfo  # names below localhost are this machine, though not every resolver knows it
socket.getaddrinfo = lambda host, *rest: lookup("127.0.0.1" if str(host).endswith(".localhost") else host, *rest)
local = os.environ["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost")
s3, iam, functions = (boto3.client(name) for name in ("s3", "iam", "lambda"))
control = boto3.client("s3control", endpoint_url=local)
ACCOUNT = "000000000000"

CODE = """
import urllib.request, boto3
from urllib.error import HTTPError
s3 = boto3.client("s3")

def handler(event, context):
    if "headObjectContext" in event:
        return {"statusCode": 200, "headers": {"Content-Length": 7, "x-amz-meta-made": "by a function"}}
    at = event["getObjectContext"]
    to = {"RequestRoute": at["outputRoute"], "RequestToken": at["outputToken"]}
    try:
        with urllib.request.urlopen(at["inputS3Url"]) as f:
            text = f.read()
    except HTTPError as e:
        s3.write_get_object_response(**to, StatusCode=e.code, ErrorCode="Gone", ErrorMessage="It is not there")
        return {"statusCode": e.code}
    wanted = event["userRequest"]["headers"].get("Range")
    body, more = text.upper(), {}
    if wanted:
        first, last = map(int, wanted.removeprefix("bytes=").split("-"))
        more = {"StatusCode": 206, "ContentRange": f"bytes {first}-{last}/{len(body)}"}
        body = body[first:last + 1]
    s3.write_get_object_response(**to, **more, Body=body, ContentType="text/loud", Metadata={"who": event["userIdentity"]["type"]})
    return {"statusCode": 200}
"""

archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as z:
    z.writestr("app.py", CODE)
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="lens", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
iam.put_role_policy(RoleName="lens", PolicyName="write", PolicyDocument=json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3-object-lambda:WriteGetObjectResponse", "Resource": "*"}]}))
function = functions.create_function(FunctionName="lens", Runtime="python3.12", Handler="app.handler", Role=role, Timeout=30,
                                     Code={"ZipFile": archive.getvalue()})["FunctionArn"]
functions.get_waiter("function_active_v2").wait(FunctionName="lens")

s3.create_bucket(Bucket="words")
text = b"a word and another. " * 200_000
s3.put_object(Bucket="words", Key="a word", Body=text)
control.create_access_point(AccountId=ACCOUNT, Name="plain", Bucket="words")
made = control.create_access_point_for_object_lambda(AccountId=ACCOUNT, Name="loud", Configuration={
    "SupportingAccessPoint": f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/plain", "AllowedFeatures": ["GetObject-Range"],
    "TransformationConfigurations": [{"Actions": ["GetObject", "HeadObject"], "ContentTransformation": {"AwsLambda": {"FunctionArn": function}}}]})
alias = made["Alias"]["Value"]

got = s3.get_object(Bucket=alias, Key="a word")
assert got["ContentType"] == "text/loud" and got["Metadata"] == {"who": "Root"}, got
assert got["Body"].read() == text.upper()
got = s3.get_object(Bucket=alias, Key="a word", Range="bytes=2-5")
assert got["ResponseMetadata"]["HTTPStatusCode"] == 206 and got["Body"].read() == b"WORD", got
head = s3.head_object(Bucket=alias, Key="a word")
assert head["ContentLength"] == 7 and head["Metadata"] == {"made": "by a function"}, head
try:
    s3.get_object(Bucket=alias, Key="none")
    raise AssertionError("nobody refused it")
except ClientError as e:
    assert e.response["Error"]["Code"] == "Gone" and e.response["ResponseMetadata"]["HTTPStatusCode"] == 404, e.response

# By its ARN, which has a host and a name of its own to sign for.
by_arn = boto3.client("s3", endpoint_url=local)
assert by_arn.get_object(Bucket=made["ObjectLambdaAccessPointArn"], Key="a word")["Body"].read() == text.upper()
s3.put_object(Bucket=alias, Key="passed", Body=b"through")
assert s3.get_object(Bucket="words", Key="passed")["Body"].read() == b"through"
control.delete_access_point_for_object_lambda(AccountId=ACCOUNT, Name="loud")
