# Two functions share a file system: what the first writes the second reads and
# changes. The argument says which half of the story it is; a kill lies between.
import io
import json
import sys
import zipfile

import boto3

efs, functions, iam = boto3.client("efs"), boto3.client("lambda"), boto3.client("iam")

CODE = """
const fs = require("node:fs");
exports.handler = async event => {
  const name = "/mnt/shared/" + event.name;
  if (event.text !== undefined) {
    fs.writeFileSync(name + ".new", event.text, {mode: 0o600});
    fs.renameSync(name + ".new", name);
  }
  return fs.readFileSync(name, "utf8");
};
"""


def make(name, point):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as z:
        z.writestr("index.js", CODE)
    functions.create_function(
        FunctionName=name, Runtime="nodejs22.x", Handler="index.handler", Role=role, Code={"ZipFile": packed.getvalue()}, Timeout=60,
        VpcConfig={"SubnetIds": ["subnet-0123456789abcdef0"], "SecurityGroupIds": ["sg-0123456789abcdef0"]},
        FileSystemConfigs=[{"Arn": point, "LocalMountPath": "/mnt/shared"}])
    functions.get_waiter("function_active_v2").wait(FunctionName=name)


def ask(function, **event):
    out = functions.invoke(FunctionName=function, Payload=json.dumps(event))
    text = out["Payload"].read().decode()
    assert "FunctionError" not in out, text
    return json.loads(text)


if sys.argv[1] == "write":
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(
        {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
    fs = efs.create_file_system(CreationToken="t", Encrypted=True)["FileSystemId"]
    whole = efs.create_access_point(FileSystemId=fs)["AccessPointArn"]
    part = efs.create_access_point(FileSystemId=fs, RootDirectory={"Path": "/part", "CreationInfo": {
        "OwnerUid": 1001, "OwnerGid": 1001, "Permissions": "755"}})["AccessPointArn"]
    make("first", part)
    make("second", whole)
    assert ask("first", name="a", text="one") == "one"
    assert ask("second", name="part/a") == "one"
    assert ask("second", name="part/a", text="two") == "two"
    assert ask("first", name="a") == "two"
else:
    assert ask("first", name="a") == "two"
    size = efs.describe_file_systems()["FileSystems"][0]["SizeInBytes"]["Value"]
    assert size == 6144 + 3, size
    try:
        efs.describe_file_systems(FileSystemId="fs-0123456789abcdef0")
        raise AssertionError("a file system that is not there was described")
    except efs.exceptions.FileSystemNotFound as e:
        assert e.response["ErrorCode"] == "FileSystemNotFound", e.response
