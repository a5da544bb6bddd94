# A site on Amplify, made, deployed, asked and removed with boto3.
import hashlib
import io
import os
import time
import urllib.error
import urllib.request
import zipfile

import boto3
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
amplify = boto3.client("amplify")


def get(host, path, headers=None):
    """Ask the site at host: python resolves no names below localhost."""
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    request = urllib.request.Request(ENDPOINT + path, headers={"Host": host, **(headers or {})})
    try:
        with urllib.request.build_opener(Stay).open(request) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read().decode()


def put(url, body):
    with urllib.request.urlopen(urllib.request.Request(url, data=body, method="PUT")) as answer:
        assert answer.status == 200


def finished(job):
    for _ in range(600):
        got = amplify.get_job(appId=app, branchName="main", jobId=job)["job"]
        if got["summary"]["status"] not in ("PENDING", "RUNNING"):
            return got
        time.sleep(0.05)
    raise AssertionError("the job does not end")


def refused(code, call, **kwargs):
    try:
        call(**kwargs)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e.response["Error"]["Message"]
    raise AssertionError(f"want {code}")


made = amplify.create_app(
    name="site", environmentVariables={"STAGE": "test"}, tags={"team": "web"},
    customRules=[{"source": "/old/<*>", "target": "/new/<*>", "status": "301"}, {"source": "/<*>", "target": "/index.html", "status": "404-200"}],
    customHeaders="customHeaders:\n  - pattern: '*.js'\n    headers:\n      - key: X-Script\n        value: 'yes'\n")["app"]
app = made["appId"]
branch = amplify.create_branch(appId=app, branchName="main", stage="PRODUCTION")["branch"]
host = f"{branch['displayName']}.{made['defaultDomain']}"
assert get(host, "/")[0] == 404
assert "already exists" in refused("BadRequestException", amplify.create_branch, appId=app, branchName="main")
assert refused("NotFoundException", amplify.get_app, appId="d0") == "App d0 not found."

# A zip file.
zipped = io.BytesIO()
with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("index.html", "<h1>one</h1>")
    z.writestr("static/app.js", "one()" * 50000)
deployment = amplify.create_deployment(appId=app, branchName="main")
put(deployment["zipUploadUrl"], zipped.getvalue())
amplify.start_deployment(appId=app, branchName="main", jobId=deployment["jobId"])
job = finished(deployment["jobId"])
assert job["summary"]["status"] == "SUCCEED" and job["steps"][0]["stepName"] == "DEPLOY", job
status, headers, body = get(host, "/")
assert (status, body, headers["Content-Type"]) == (200, "<h1>one</h1>", "text/html"), (status, body)
assert get(host, "/", {"If-None-Match": headers["ETag"]})[0] == 304
status, headers, body = get(host, "/static/app.js", {"Range": "bytes=0-4"})
assert (status, body, headers["X-Script"]) == (206, "one()", "yes"), (status, body)
assert get(host, "/any/route")[2] == "<h1>one</h1>"
status, headers, _ = get(host, "/old/a?b=c")
assert (status, headers["Location"]) == (301, "/new/a?b=c")

# Files by their sums; what is not there any more is not served.
files = {"index.html": b"<h1>two</h1>", "css/site.css": b"body{}"}
deployment = amplify.create_deployment(appId=app, branchName="main", fileMap={n: hashlib.md5(b).hexdigest() for n, b in files.items()})
refused("BadRequestException", amplify.create_deployment, appId=app, branchName="main")
for name, body in files.items():
    put(deployment["fileUploadUrls"][name], body)
assert get(host, "/")[2] == "<h1>one</h1>"
amplify.start_deployment(appId=app, branchName="main", jobId=deployment["jobId"])
assert finished(deployment["jobId"])["summary"]["status"] == "SUCCEED"
assert get(host, "/")[2] == "<h1>two</h1>"
assert get(host, "/static/app.js")[2] == "<h1>two</h1>"
assert get(host, "/css/site.css")[1]["Content-Type"] == "text/css"

# A bucket that lets Amplify read it.
s3 = boto3.client("s3")
s3.create_bucket(Bucket="builds")
s3.put_object(Bucket="builds", Key="dist/index.html", Body=b"<h1>three</h1>")
started = amplify.start_deployment(appId=app, branchName="main", sourceUrl="s3://builds/dist/", sourceUrlType="BUCKET_PREFIX")
job = finished(started["jobSummary"]["jobId"])
assert job["summary"]["status"] == "FAILED" and "AccessDenied" in job["steps"][0]["statusReason"], job
s3.put_bucket_policy(Bucket="builds", Policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"amplify.amazonaws.com"},"Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::builds","arn:aws:s3:::builds/*"]}]}')
started = amplify.start_deployment(appId=app, branchName="main", sourceUrl="s3://builds/dist/", sourceUrlType="BUCKET_PREFIX")
assert finished(started["jobSummary"]["jobId"])["summary"]["status"] == "SUCCEED"
assert get(host, "/")[2] == "<h1>three</h1>"
statuses = [j["status"] for page in amplify.get_paginator("list_jobs").paginate(appId=app, branchName="main", PaginationConfig={"PageSize": 2}) for j in page["jobSummaries"]]
assert statuses == ["SUCCEED", "FAILED", "SUCCEED", "SUCCEED"], statuses

# A password, a name of one's own, and tags.
amplify.update_app(appId=app, enableBasicAuth=True, basicAuthCredentials="dTpw")
assert get(host, "/")[0] == 401
assert get(host, "/", {"Authorization": "Basic dTpw"})[0] == 200
amplify.update_app(appId=app, enableBasicAuth=False)
amplify.create_domain_association(appId=app, domainName="example.com", subDomainSettings=[{"prefix": "www", "branchName": "main"}])
assert get("www.example.com", "/")[2] == "<h1>three</h1>"
amplify.delete_domain_association(appId=app, domainName="example.com")
amplify.tag_resource(resourceArn=made["appArn"], tags={"a": "b"})
assert amplify.list_tags_for_resource(resourceArn=made["appArn"])["tags"] == {"team": "web", "a": "b"}
assert [a["appId"] for p in amplify.get_paginator("list_apps").paginate() for a in p["apps"]] == [app]

amplify.delete_app(appId=app)
assert get(host, "/")[0] == 404
refused("NotFoundException", amplify.get_branch, appId=app, branchName="main")
