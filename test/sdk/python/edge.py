# Functions at the edge with boto3: "make" makes one, tries it, publishes it, has
# a distribution run it before a function of Lambda@Edge, and gives it values;
# "again", after a crash, finds all of it as it was.
import io
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
front, functions, iam = boto3.client("cloudfront"), boto3.client("lambda"), boto3.client("iam")

CODE = b"""
import cf from 'cloudfront';
async function handler(event) {
  const request = event.request;
  if (request.uri === '/old') return { statusCode: 301, statusDescription: 'Moved', headers: { location: { value: await cf.kvs().get('to') } } };
  request.headers['x-tenant'] = { value: await cf.kvs().exists(request.querystring.who.value) ? 'known' : 'unknown' };
  return request;
}
"""
ANSWER = """
exports.handler = async (event) => {
  const { request, config } = event.Records[0].cf;
  const text = JSON.stringify({ at: config.eventType, tenant: request.headers['x-tenant'][0].value, uri: request.uri, query: request.querystring });
  return { status: '200', statusDescription: 'OK', headers: { 'content-type': [{ key: 'Content-Type', value: 'application/json' }] }, body: text };
};
"""


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return e.response["Error"]["Message"]
    raise AssertionError("not refused")


def values(method, arn, path="", body=None, match=None):
    """The keys of a store, signed as SDKs without SigV4A would."""
    headers = {"If-Match": match} if match else {}
    if body is not None:
        body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    request = AWSRequest(method=method, url=f"{ENDPOINT}/key-value-stores/{urllib.parse.quote(arn, safe='')}{path}", data=body, headers=headers)
    SigV4Auth(boto3.Session().get_credentials(), "cloudfront-keyvaluestore", "us-east-1").add_auth(request)
    with urllib.request.urlopen(urllib.request.Request(request.url, method=method, data=body, headers=dict(request.headers))) as resp:
        return json.load(resp), resp.headers["ETag"]


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def get(host, path):
    r = urllib.request.Request(ENDPOINT + path, headers={"Host": host})
    try:
        with urllib.request.build_opener(Stay).open(r) as resp:
            return resp.status, resp.headers, resp.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


def lambda_at_edge():
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "edgelambda.amazonaws.com"]}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="edge", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as z:
        z.writestr("index.js", ANSWER)
    functions.create_function(FunctionName="answer", Runtime="nodejs22.x", Handler="index.handler", Role=role, Code={"ZipFile": code.getvalue()})
    functions.get_waiter("function_active_v2").wait(FunctionName="answer", WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    return functions.publish_version(FunctionName="answer")["FunctionArn"]


def distribution(function, at_edge):
    return {
        "CallerReference": "one", "Comment": "", "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "example.com", "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "OriginRequestPolicyId": "216adef6-5c7f-47e4-b989-5492eafa07d3",
            "FunctionAssociations": {"Quantity": 1, "Items": [{"EventType": "viewer-request", "FunctionARN": function}]},
            "LambdaFunctionAssociations": {"Quantity": 1, "Items": [{"EventType": "origin-request", "LambdaFunctionARN": at_edge}]},
        },
    }


def make():
    store = front.create_key_value_store(Name="routes")["KeyValueStore"]["ARN"]
    _, tag = values("GET", store)
    values("POST", store, "/keys", {"Puts": [{"Key": "to", "Value": "/new"}, {"Key": "eve", "Value": "1"}]}, tag)
    config = {"Comment": "", "Runtime": "cloudfront-js-2.0", "KeyValueStoreAssociations": {"Quantity": 1, "Items": [{"KeyValueStoreARN": store}]}}
    made = front.create_function(Name="route", FunctionConfig=config, FunctionCode=CODE)
    assert made["FunctionSummary"]["Status"] == "UNPUBLISHED", made
    refused("FunctionAlreadyExists", front.create_function, Name="route", FunctionConfig=config, FunctionCode=CODE)
    event = {"version": "1.0", "context": {"eventType": "viewer-request"}, "viewer": {"ip": "1.2.3.4"}, "request": {"method": "GET", "uri": "/old", "querystring": {}, "headers": {}, "cookies": {}}}
    tried = front.test_function(Name="route", IfMatch=made["ETag"], EventObject=json.dumps(event).encode())["TestResult"]
    assert json.loads(tried["FunctionOutput"])["response"]["headers"]["location"]["value"] == "/new", tried
    assert tried["FunctionErrorMessage"] == "" and 0 <= int(tried["ComputeUtilization"]) <= 100, tried
    function, at_edge = made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"], lambda_at_edge()
    refused("InvalidFunctionAssociation", front.create_distribution, DistributionConfig=distribution(function, at_edge))
    front.publish_function(Name="route", IfMatch=made["ETag"])
    words = refused("InvalidLambdaFunctionAssociation", front.create_distribution, DistributionConfig=distribution(function, at_edge.rpartition(":")[0]))
    assert "must reference a specific function version" in words, words
    front.create_distribution(DistributionConfig=distribution(function, at_edge))


def use():
    host = front.list_distributions()["DistributionList"]["Items"][0]["DomainName"]
    status, headers, _ = get(host, "/old")
    assert status == 301 and headers["Location"] == "/new" and headers["X-Cache"] == "FunctionGeneratedResponse from cloudfront", (status, headers.items())
    for who, tenant in (("eve", "known"), ("bob", "unknown")):
        status, headers, body = get(host, "/a?who=" + who)
        assert status == 200 and json.loads(body) == {"at": "origin-request", "tenant": tenant, "uri": "/a", "query": "who=" + who}, (status, body)
    status, headers, body = get(host, "/without")
    assert status == 503 and headers["X-Cache"] == "FunctionExecutionError from cloudfront", (status, body)


if sys.argv[1] == "make":
    make()
use()
live = front.describe_function(Name="route", Stage="LIVE")
assert live["FunctionSummary"]["Status"] == "DEPLOYED", live
refused("FunctionInUse", front.delete_function, Name="route", IfMatch=front.describe_function(Name="route")["ETag"])
assert front.get_function(Name="route", Stage="LIVE")["FunctionCode"].read() == CODE
