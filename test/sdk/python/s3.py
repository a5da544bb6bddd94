# Files with boto3: its transfer manager, which works in parts; with a key of the
# customer's; and locked.
import gzip
import hashlib
import json
import os
import socket
from datetime import datetime, timedelta, timezone
from urllib.request import urlopen

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError, EventStreamError

s3 = boto3.client("s3")
large = os.urandom(12 << 20)
source, target = (os.path.join(os.environ["WORK"], name) for name in ("source", "target"))
with open(source, "wb") as f:
    f.write(large)


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e.response["Error"]["Message"]
    raise AssertionError("nobody refused it")


def transfers(key, extra):
    config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=4)
    seen = []
    s3.upload_file(source, "files", key, ExtraArgs=extra, Config=config, Callback=seen.append)
    assert sum(seen) == len(large), sum(seen)
    head = s3.head_object(Bucket="files", Key=key, **extra)
    assert head["ETag"].endswith('-3"') and head["ContentLength"] == len(large), head
    s3.download_file("files", key, target, ExtraArgs=extra, Config=config)
    with open(target, "rb") as f:
        assert f.read() == large
    part = s3.get_object(Bucket="files", Key=key, Range="bytes=5242870-5242899", **extra)["Body"].read()
    assert part == large[5242870:5242900]


s3.create_bucket(Bucket="files")
transfers("plain", {})

key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": hashlib.sha256(b"a key").digest()}
transfers("sealed", key)
refused("InvalidRequest", s3.get_object, Bucket="files", Key="sealed")
refused("AccessDenied", s3.get_object, Bucket="files", Key="sealed", SSECustomerAlgorithm="AES256", SSECustomerKey=bytes(32))
s3.copy_object(Bucket="files", Key="open", CopySource="files/sealed", CopySourceSSECustomerAlgorithm="AES256", CopySourceSSECustomerKey=key["SSECustomerKey"])
assert s3.get_object(Bucket="files", Key="open")["Body"].read() == large

# The resource's copy is one of the transfer manager.
boto3.resource("s3").Object("files", "copy").copy({"Bucket": "files", "Key": "plain"}, Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20))
assert s3.get_object(Bucket="files", Key="copy")["Body"].read() == large
boto3.resource("s3").Bucket("files").objects.all().delete()
assert s3.list_objects_v2(Bucket="files")["KeyCount"] == 0

s3.create_bucket(Bucket="vault", ObjectLockEnabledForBucket=True)
until = datetime.now(timezone.utc) + timedelta(hours=1)
version = s3.put_object(Bucket="vault", Key="k", Body=b"1", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until)["VersionId"]
assert s3.get_object_retention(Bucket="vault", Key="k")["Retention"]["Mode"] == "GOVERNANCE"
assert refused("AccessDenied", s3.delete_object, Bucket="vault", Key="k", VersionId=version) == "Access Denied because object protected by object lock."
refused("AccessDenied", s3.put_object_retention, Bucket="vault", Key="k", Retention={})
s3.put_object_legal_hold(Bucket="vault", Key="k", LegalHold={"Status": "ON"})
errors = s3.delete_objects(Bucket="vault", Delete={"Objects": [{"Key": "k", "VersionId": version}]}, BypassGovernanceRetention=True)["Errors"]
assert errors[0]["Code"] == "AccessDenied", errors
s3.put_object_legal_hold(Bucket="vault", Key="k", LegalHold={"Status": "OFF"})
s3.put_object_retention(Bucket="vault", Key="k", Retention={}, BypassGovernanceRetention=True)
s3.delete_object(Bucket="vault", Key="k", VersionId=version)
s3.put_object_lock_configuration(Bucket="vault", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}})
assert s3.get_object_lock_configuration(Bucket="vault")["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {"Mode": "COMPLIANCE", "Days": 1}
s3.upload_file(source, "vault", "large")
assert s3.head_object(Bucket="vault", Key="large")["ObjectLockMode"] == "COMPLIANCE"

# With keys of KMS: S3's own, and one that is disabled after.
kms = boto3.client("kms")
own = s3.put_object(Bucket="files", Key="own", Body=large[:9], ServerSideEncryption="aws:kms")
assert own["SSEKMSKeyId"] == kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"], own
arn = kms.create_key()["KeyMetadata"]["Arn"]
s3.upload_file(source, "files", "kept", ExtraArgs={"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn})
head = s3.head_object(Bucket="files", Key="kept")
assert head["ServerSideEncryption"] == "aws:kms" and head["SSEKMSKeyId"] == arn, head
assert s3.get_object(Bucket="files", Key="kept", Range="bytes=9000000-9000099")["Body"].read() == large[9000000:9000100]
s3.download_file("files", "kept", target)
with open(target, "rb") as f:
    assert f.read() == large
kms.disable_key(KeyId=arn)
assert refused("KMS.DisabledException", s3.get_object, Bucket="files", Key="kept") == f"{arn} is disabled."

# An object is asked in SQL, and what does not read as it was said is an event too.


def select(key, sql, source, sink, **more):
    answer = s3.select_object_content(Bucket="files", Key=key, ExpressionType="SQL", Expression=sql, InputSerialization=source, OutputSerialization=sink, **more)
    events = list(answer["Payload"])
    assert "End" in events[-1] and "Stats" in events[-2], events[-2:]
    text = b"".join(e["Records"]["Payload"] for e in events if "Records" in e)
    stats = events[-2]["Stats"]["Details"]
    assert stats["BytesReturned"] == len(text), stats
    return text.decode(), stats


lines = "".join(f'{i},"name {i}",{i % 7}\n' for i in range(200000)).encode()
s3.put_object(Bucket="files", Key="lines.csv.gz", Body=gzip.compress(b"id,name,group\n" + lines))
packed = {"CSV": {"FileHeaderInfo": "USE"}, "CompressionType": "GZIP"}
text, stats = select("lines.csv.gz", "SELECT s.name FROM S3Object s WHERE CAST(s.id AS INT) IN (5, 199999)", packed, {"CSV": {}})
assert text == "name 5\nname 199999\n" and stats["BytesScanned"] < stats["BytesProcessed"] == len(lines) + 14, (text, stats)
text, _ = select("lines.csv.gz", "SELECT COUNT(*) AS n, MAX(CAST(s.id AS INT)) AS top FROM S3Object s WHERE s.\"group\" = '3'", packed, {"JSON": {}})
assert json.loads(text) == {"n": 28571, "top": 199993}, text
text, _ = select("lines.csv.gz", "SELECT * FROM S3Object", packed, {"CSV": {}}, RequestProgress={"Enabled": True})
assert text.encode() == lines.replace(b'"', b""), len(text)
s3.put_object(Bucket="files", Key="doc.json", Body=json.dumps({"orders": [{"id": i, "lines": [{"sku": f"s{i}"}]} for i in range(9)]}))
text, _ = select("doc.json", "SELECT o.id, o.lines[0].sku FROM S3Object[*].orders[*] o WHERE o.id > 6", {"JSON": {"Type": "DOCUMENT"}}, {"JSON": {"RecordDelimiter": ";"}})
assert text == '{"id":7,"sku":"s7"};{"id":8,"sku":"s8"};', text
refused("UnsupportedSqlStructure", select, key="doc.json", sql="SELECT a FROM S3Object ORDER BY a", source={"JSON": {"Type": "LINES"}}, sink={"CSV": {}})
try:
    select("lines.csv.gz", "SELECT CAST(s.name AS INT) FROM S3Object s", packed, {"CSV": {}})
    raise AssertionError("a name is no number")
except EventStreamError as e:
    assert e.response["Error"]["Code"] == "CastFailed", e

# Lists open objects to everyone, and access points are other names of buckets.
s3.put_bucket_ownership_controls(Bucket="files", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]})
s3.delete_public_access_block(Bucket="files")
boto3.resource("s3").Object("files", "shown").put(Body=b"shown", ACL="public-read")
with urlopen(os.environ["AWS_ENDPOINT_URL"] + "/files/shown") as f:
    assert f.read() == b"shown"
boto3.resource("s3").ObjectAcl("files", "shown").put(ACL="private")
assert len(s3.get_object_acl(Bucket="files", Key="shown")["Grants"]) == 1
lookup = socket.getaddrinfo  # 000000000000.localhost is this machine, though not every resolver knows it
socket.getaddrinfo = lambda host, *rest: lookup("127.0.0.1" if str(host).endswith(".localhost") else host, *rest)
control = boto3.client("s3control", endpoint_url=os.environ["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost"))
point = control.create_access_point(AccountId="000000000000", Name="day", Bucket="files")
s3.upload_file(source, point["Alias"], "by-day")
assert s3.get_object(Bucket="files", Key="by-day")["Body"].read() == large
found = control.list_access_points(AccountId="000000000000", Bucket="files")["AccessPointList"]
assert [p["Name"] for p in found] == ["day"], found
control.delete_access_point(AccountId="000000000000", Name="day")
refused("NoSuchBucket", s3.list_objects_v2, Bucket=point["Alias"])

# Settings that report and follow: logs, inventories, and what goes to other buckets.
for name in ("from", "to"):
    s3.create_bucket(Bucket=f"goes-{name}")
    s3.put_bucket_versioning(Bucket=f"goes-{name}", VersioningConfiguration={"Status": "Enabled"})
iam = boto3.client("iam")
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="copier", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
iam.put_role_policy(RoleName="copier", PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
rule = {"ID": "all", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": ""}, "DeleteMarkerReplication": {"Status": "Disabled"}, "Destination": {"Bucket": "arn:aws:s3:::goes-to"}}
s3.put_bucket_replication(Bucket="goes-from", ReplicationConfiguration={"Role": role, "Rules": [rule]})
version = s3.put_object(Bucket="goes-from", Key="k", Body=b"copied")["VersionId"]
s3.get_waiter("object_exists").wait(Bucket="goes-to", Key="k", VersionId=version, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
copy = s3.get_object(Bucket="goes-to", Key="k")
assert copy["ReplicationStatus"] == "REPLICA" and copy["Body"].read() == b"copied", copy
inventory = {"Id": "day", "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"}, "OptionalFields": ["Size"], "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::goes-to", "Format": "CSV"}}}
s3.put_bucket_inventory_configuration(Bucket="goes-from", Id="day", InventoryConfiguration=inventory)
found = s3.list_bucket_inventory_configurations(Bucket="goes-from")["InventoryConfigurationList"]
assert found == [inventory], found
s3.put_bucket_logging(Bucket="goes-from", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "goes-to", "TargetPrefix": "log/"}})
assert s3.get_bucket_logging(Bucket="goes-from")["LoggingEnabled"]["TargetPrefix"] == "log/"
