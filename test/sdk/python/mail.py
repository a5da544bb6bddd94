# Delivery streams, configurations and mail with boto3, which is what applications use.
import json
import os
import time
import urllib.request
import uuid

import boto3
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]


def until(look, what):
    for _ in range(600):
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(what)


def refused(code, call, **args):
    try:
        call(**args)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return e.response
    raise AssertionError(f"{code} expected")


def deliver():
    """Records that are put are an object of S3."""
    iam, s3, firehose = boto3.client("iam"), boto3.client("s3"), boto3.client("firehose")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="delivery", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="delivery", PolicyName="p", PolicyDocument=json.dumps(allow))
    bucket = "lake-" + uuid.uuid4().hex
    s3.create_bucket(Bucket=bucket)
    firehose.create_delivery_stream(DeliveryStreamName="s", ExtendedS3DestinationConfiguration={
        "RoleARN": role, "BucketARN": "arn:aws:s3:::" + bucket, "Prefix": "in/", "BufferingHints": {"IntervalInSeconds": 1}})
    status = firehose.describe_delivery_stream(DeliveryStreamName="s")["DeliveryStreamDescription"]["DeliveryStreamStatus"]
    assert status == "ACTIVE", status
    out = firehose.put_record_batch(DeliveryStreamName="s", Records=[{"Data": b"one\n"}, {"Data": b"two\n"}])
    assert out["FailedPutCount"] == 0 and len(out["RequestResponses"]) == 2, out
    key = until(lambda: s3.list_objects_v2(Bucket=bucket, Prefix="in/").get("Contents"), "an object")[0]["Key"]
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"one\ntwo\n"
    refused("ResourceNotFoundException", firehose.put_record, DeliveryStreamName="none", Record={"Data": b"x"})


def configure():
    """What is deployed is what a session reads, once."""
    config, data = boto3.client("appconfig"), boto3.client("appconfigdata")
    app = config.create_application(Name="app")["Id"]
    env = config.create_environment(ApplicationId=app, Name="prod")["Id"]
    profile = config.create_configuration_profile(ApplicationId=app, Name="conf", LocationUri="hosted")["Id"]
    version = config.create_hosted_configuration_version(ApplicationId=app, ConfigurationProfileId=profile, Content=b'{"n":1}', ContentType="application/json")
    assert version["VersionNumber"] == 1 and version["Content"].read() == b'{"n":1}', version
    started = config.start_deployment(ApplicationId=app, EnvironmentId=env, ConfigurationProfileId=profile, ConfigurationVersion="1", DeploymentStrategyId="AppConfig.AllAtOnce")
    assert started["State"] == "BAKING", started
    token = data.start_configuration_session(ApplicationIdentifier="app", EnvironmentIdentifier="prod", ConfigurationProfileIdentifier="conf")["InitialConfigurationToken"]
    out = data.get_latest_configuration(ConfigurationToken=token)
    assert out["Configuration"].read() == b'{"n":1}' and out["ContentType"] == "application/json", out
    out = data.get_latest_configuration(ConfigurationToken=out["NextPollConfigurationToken"])
    assert out["Configuration"].read() == b"" and out["NextPollIntervalInSeconds"] == 60, out
    refused("BadRequestException", data.get_latest_configuration, ConfigurationToken="none")
    refused("ResourceNotFoundException", config.get_application, ApplicationId="none")


def letters(to):
    with urllib.request.urlopen(f"{ENDPOINT}/_aloft/inbox?to={to}") as answer:
        return json.load(answer)["letters"]


def send():
    """Mail by both APIs is in the inbox."""
    ses, v2 = boto3.client("ses"), boto3.client("sesv2")
    message = {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "Hello"}, "Html": {"Data": "<b>Hello</b>"}}}
    refused("MessageRejected", ses.send_email, Source="app@example.com", Destination={"ToAddresses": ["ann@example.org"]}, Message=message)
    ses.verify_email_identity(EmailAddress="app@example.com")
    ses.send_email(Source="app@example.com", Destination={"ToAddresses": ["ann@example.org"]}, Message=message)
    letter = until(lambda: letters("ann@example.org"), "a letter")[0]
    assert letter["Subject"] == "Hi" and letter["Body"] == "Hello" and letter["From"] == "app@example.com", letter
    v2.create_email_template(TemplateName="t", TemplateContent={"Subject": "Hi {{name}}", "Text": "Dear {{name}}"})
    v2.send_email(FromEmailAddress="app@example.com", Destination={"ToAddresses": ["bob@example.org"]},
                  Content={"Template": {"TemplateName": "t", "TemplateData": '{"name":"Bob"}'}})
    letter = until(lambda: letters("bob@example.org"), "a letter")[0]
    assert letter["Subject"] == "Hi Bob" and letter["Body"] == "Dear Bob", letter
    refused("NotFoundException", v2.get_email_template, TemplateName="none")
    assert v2.get_email_identity(EmailIdentity="app@example.com")["VerifiedForSendingStatus"]
    assert ses.get_send_quota()["SentLast24Hours"] == 2


deliver()
configure()
send()
