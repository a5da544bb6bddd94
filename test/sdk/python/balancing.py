# A load balancer made with boto3, and asked as a browser does: a function, a
# redirect and a fixed response. Between "make" and "ask" the platform is killed.
import io
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile

import boto3
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
elb = boto3.client("elbv2")
functions = boto3.client("lambda")
iam = boto3.client("iam")

CODE = """
import json
def handler(event, context):
    return {"statusCode": 200, "statusDescription": "200 OK", "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"path": event["path"], "query": event["queryStringParameters"], "group": event["requestContext"]["elb"]["targetGroupArn"]})}
"""


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def ask(host, path):
    request = urllib.request.Request(ENDPOINT + path, headers={"Host": host})
    try:
        with urllib.request.build_opener(Stay).open(request) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read().decode()


def make():
    role = iam.create_role(RoleName="balanced", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as z:
        z.writestr("index.py", CODE)
    arn = functions.create_function(FunctionName="balanced", Runtime="python3.12", Handler="index.handler", Role=role, Code={"ZipFile": code.getvalue()})["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName="balanced")
    balancer = elb.create_load_balancer(Name="web", Subnets=["subnet-1", "subnet-2"], Tags=[{"Key": "team", "Value": "a"}])["LoadBalancers"][0]
    elb.get_waiter("load_balancer_available").wait(Names=["web"])
    group = elb.create_target_group(Name="balanced", TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
    try:
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": arn}])
        raise AssertionError("a function that lets nobody invoke it was registered")
    except ClientError as e:
        assert e.response["Error"]["Code"] == "AccessDenied", e
    functions.add_permission(FunctionName="balanced", StatementId="elb", Action="lambda:InvokeFunction", Principal="elasticloadbalancing.amazonaws.com", SourceArn=group)
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": arn}])
    listener = elb.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])["Listeners"][0]["ListenerArn"]
    elb.create_rule(ListenerArn=listener, Priority=1, Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/old/*"]}}],
                    Actions=[{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_302"}}])
    elb.create_rule(ListenerArn=listener, Priority=2, Conditions=[{"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "up", "Value": "*"}]}}],
                    Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "later"}}])


def answers():
    balancer = elb.describe_load_balancers(Names=["web"])["LoadBalancers"][0]
    host = balancer["DNSName"]
    status, headers, body = ask(host, "/shop?a=1")
    assert status == 200 and headers["Server"] == "awselb/2.0", (status, body)
    got = json.loads(body)
    assert got["path"] == "/shop" and got["query"] == {"a": "1"} and ":targetgroup/balanced/" in got["group"], got
    status, headers, _ = ask(host, "/old/x?y=2")
    assert status == 302 and headers["Location"] == f"https://{host}:443/old/x?y=2", (status, headers)
    status, headers, body = ask(host, "/shop?up=1")
    assert (status, headers["Content-Type"], body) == (503, "text/plain", "later"), (status, body)
    local = host.replace("amazonaws.com", "localhost") + ":" + str(urllib.parse.urlsplit(ENDPOINT).port)
    assert ask(local, "/")[0] == 200
    pages = elb.get_paginator("describe_rules").paginate(ListenerArn=elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"][0]["ListenerArn"], PaginationConfig={"PageSize": 1})
    assert [r["Priority"] for p in pages for r in p["Rules"]] == ["1", "2", "default"]
    tags = elb.describe_tags(ResourceArns=[balancer["LoadBalancerArn"]])["TagDescriptions"][0]["Tags"]
    assert tags == [{"Key": "team", "Value": "a"}], tags


def remove():
    elb.delete_load_balancer(LoadBalancerArn=elb.describe_load_balancers(Names=["web"])["LoadBalancers"][0]["LoadBalancerArn"])
    elb.get_waiter("load_balancers_deleted").wait(Names=["web"])
    elb.delete_target_group(TargetGroupArn=elb.describe_target_groups(Names=["balanced"])["TargetGroups"][0]["TargetGroupArn"])


for step in sys.argv[1:]:
    {"make": make, "ask": answers, "remove": remove}[step]()
