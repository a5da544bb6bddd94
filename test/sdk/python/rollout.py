# An alias moves to a new version by CodeDeploy, which asks a function first: what
# that would answer is answered here.
import io
import json
import re
import time
import zipfile

import boto3

lambdas, iam, deploy, logs = (boto3.client(name) for name in ("lambda", "iam", "codedeploy", "logs"))

HOOK = "exports.handler = async event => console.log(JSON.stringify(event));"
ANSWER = "exports.handler = async () => %d;"


def packed(code):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("index.js", code)
    return out.getvalue()


role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Statement": [{
    "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["lambda.amazonaws.com", "codedeploy.amazonaws.com"]}}]}))["Role"]["Arn"]
iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
for name, code in ("f", ANSWER % 1), ("CodeDeployHook_ask", HOOK):
    lambdas.create_function(FunctionName=name, Runtime="nodejs22.x", Handler="index.handler", Role=role, Code={"ZipFile": packed(code)}, Publish=True, Timeout=60)
    lambdas.get_waiter("function_active_v2").wait(FunctionName=name)
lambdas.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
lambdas.update_function_code(FunctionName="f", ZipFile=packed(ANSWER % 2), Publish=True)
deploy.create_application(applicationName="app", computePlatform="Lambda")
deploy.create_deployment_group(applicationName="app", deploymentGroupName="g", serviceRoleArn=role)
spec = {"version": 0.0, "Resources": [{"f": {"Type": "AWS::Lambda::Function", "Properties": {
    "Name": "f", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}}}], "Hooks": [{"BeforeAllowTraffic": "CodeDeployHook_ask"}]}
id = deploy.create_deployment(applicationName="app", deploymentGroupName="g", revision={
    "revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(spec)}})["deploymentId"]
hook = None
for _ in range(600):
    try:
        lines = logs.filter_log_events(logGroupName="/aws/lambda/CodeDeployHook_ask")["events"]
    except logs.exceptions.ResourceNotFoundException:
        lines = []
    if hook := next(filter(None, (re.search(r'"LifecycleEventHookExecutionId":"([^"]+)"', e["message"]) for e in lines)), None):
        break
    time.sleep(0.1)
assert lambdas.get_alias(FunctionName="f", Name="live")["FunctionVersion"] == "1"
deploy.put_lifecycle_event_hook_execution_status(deploymentId=id, lifecycleEventHookExecutionId=hook[1], status="Succeeded")
deploy.get_waiter("deployment_successful").wait(deploymentId=id, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
assert lambdas.get_alias(FunctionName="f", Name="live")["FunctionVersion"] == "2"
assert lambdas.invoke(FunctionName="f", Qualifier="live")["Payload"].read() == b"2"
target = deploy.get_deployment_target(deploymentId=id, targetId="f:live")["deploymentTarget"]["lambdaTarget"]
assert [e["status"] for e in target["lifecycleEvents"]] == ["Succeeded", "Succeeded", "Skipped"], target
try:
    deploy.get_deployment(deploymentId="d-NONE00000")
    raise AssertionError("a deployment that is not there was described")
except deploy.exceptions.DeploymentDoesNotExistException:
    pass
