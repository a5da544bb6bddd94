# Who may come in, with boto3: a list of rules of WAF before a stage of a REST
# API, and URLs that CloudFrontSigner signs before a distribution. "make" makes
# them; "again", after a crash, finds that they still guard. The second argument
# is the folder of the keys.
import datetime
import json
import os
import sys
import urllib.error
import urllib.request

import boto3
import rsa
from botocore.exceptions import ClientError
from botocore.signers import CloudFrontSigner

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
waf, api, front, s3 = boto3.client("wafv2"), boto3.client("apigateway"), boto3.client("cloudfront"), boto3.client("s3")
KEYS = sys.argv[2]
SEEN = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
REGIONAL = {"Scope": "REGIONAL"}


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return
    raise AssertionError("not refused")


def get(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as resp:
            return resp.status, resp.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def stage():
    made = api.create_rest_api(name="pets")
    on = {"restApiId": made["id"], "resourceId": made["rootResourceId"], "httpMethod": "GET"}
    api.put_method(**on, authorizationType="NONE")
    api.put_method_response(**on, statusCode="200")
    api.put_integration(**on, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    api.put_integration_response(**on, statusCode="200", responseTemplates={"application/json": "passed"})
    api.create_deployment(restApiId=made["id"], stageName="dev")
    return f"arn:aws:apigateway:us-east-1::/restapis/{made['id']}/stages/dev"


def matching(name, priority, statement, action):
    return {"Name": name, "Priority": priority, "Statement": statement, "Action": action, "VisibilityConfig": SEEN}


def rules(addresses):
    holds = {"SearchString": b"sqlmap", "FieldToMatch": {"SingleHeader": {"Name": "user-agent"}}, "PositionalConstraint": "CONTAINS",
             "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}]}
    forwarded = {"HeaderName": "X-Forwarded-For", "FallbackBehavior": "NO_MATCH", "Position": "FIRST"}
    return [
        matching("scans", 0, {"ByteMatchStatement": holds}, {"Block": {"CustomResponse": {"ResponseCode": 418}}}),
        matching("bad", 1, {"IPSetReferenceStatement": {"ARN": addresses, "IPSetForwardedIPConfig": forwarded}}, {"Block": {}}),
    ]


def guard_api():
    bad = waf.create_ip_set(Name="bad", **REGIONAL, IPAddressVersion="IPV4", Addresses=["192.0.2.0/24"])["Summary"]
    wanted = {"Name": "front", **REGIONAL, "DefaultAction": {"Allow": {}}, "VisibilityConfig": SEEN, "Rules": rules(bad["ARN"])}
    front = waf.create_web_acl(**wanted)["Summary"]
    refused("WAFDuplicateItemException", waf.create_web_acl, **wanted)
    waf.associate_web_acl(WebACLArn=front["ARN"], ResourceArn=stage())
    refused("WAFAssociatedItemException", waf.delete_web_acl, Name="front", **REGIONAL, Id=front["Id"], LockToken=front["LockToken"])
    refused("WAFOptimisticLockException", waf.update_ip_set, Name="bad", **REGIONAL, Id=bad["Id"], LockToken=front["LockToken"], Addresses=[])


def guard_site():
    with open(f"{KEYS}/public.pem") as f:
        pem = f.read()
    key = front.create_public_key(PublicKeyConfig={"CallerReference": "k", "Name": "k", "EncodedKey": pem})["PublicKey"]["Id"]
    group = front.create_key_group(KeyGroupConfig={"Name": "g", "Items": [key]})["KeyGroup"]["Id"]
    s3.create_bucket(Bucket="films")
    s3.put_object(Bucket="films", Key="a film.txt", Body=b"a film")
    control = front.create_origin_access_control(OriginAccessControlConfig={
        "Name": "films", "SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"})["OriginAccessControl"]["Id"]
    made = front.create_distribution(DistributionConfig={
        "CallerReference": "one", "Comment": "", "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "films.s3.us-east-1.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}, "OriginAccessControlId": control}]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
                                 "TrustedKeyGroups": {"Enabled": True, "Quantity": 1, "Items": [group]}},
    })["Distribution"]
    may = {"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::films/*",
           "Condition": {"StringEquals": {"AWS:SourceArn": made["ARN"]}}}
    s3.put_bucket_policy(Bucket="films", Policy=json.dumps({"Version": "2012-10-17", "Statement": [may]}))


def try_api():
    url = f"{ENDPOINT}/_aws/execute-api/{api.get_rest_apis()['items'][0]['id']}/dev"
    assert get(url) == (200, b"passed"), get(url)
    assert get(url, **{"User-Agent": "SQLMap/1"})[0] == 418
    status, body = get(url, **{"X-Forwarded-For": "192.0.2.7"})
    assert status == 403 and json.loads(body) == {"message": "Forbidden"}, (status, body)


def try_site():
    host = front.list_distributions()["DistributionList"]["Items"][0]["DomainName"]
    key = front.list_public_keys()["PublicKeyList"]["Items"][0]["Id"]
    with open(f"{KEYS}/private.pem", "rb") as f:
        private = rsa.PrivateKey.load_pkcs1(f.read())
    signer = CloudFrontSigner(key, lambda message: rsa.sign(message, private, "SHA-1"))

    def ask(path, **until):
        url = f"http://{host}{path}"
        if until:
            url = signer.generate_presigned_url(url, **until)
        return get(url.replace(f"http://{host}", ENDPOINT), Host=host)

    now = datetime.datetime.now(datetime.timezone.utc)
    hour = datetime.timedelta(hours=1)
    assert ask("/a%20film.txt", date_less_than=now + hour) == (200, b"a film")
    anything = signer.build_policy(f"http://{host}/a*", now + hour)
    assert ask("/a%20film.txt", policy=anything) == (200, b"a film")
    for status, body in (ask("/a%20film.txt"), ask("/a%20film.txt", date_less_than=now - hour), ask("/b.txt", policy=anything)):
        assert status == 403, (status, body)


if sys.argv[1] == "make":
    guard_api()
    guard_site()
try_api()
try_site()
