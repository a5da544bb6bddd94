# Mail by smtplib to receipt rules that boto3 makes: what applications that read mail do.
import email.message
import io
import json
import os
import smtplib
import ssl
import sys
import time
import zipfile

import boto3
from botocore.exceptions import ClientError

HOST, PORT = sys.argv[1].rsplit(":", 1)
ses, s3, sns, sqs = boto3.client("ses"), boto3.client("s3"), boto3.client("sns"), boto3.client("sqs")
functions, iam, logs = boto3.client("lambda"), boto3.client("iam"), boto3.client("logs")


def until(look, what):
    for _ in range(600):
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(what)


def letter(subject, body, to="ann@example.com"):
    m = email.message.EmailMessage()
    m["From"], m["To"], m["Subject"] = "Bob <bob@example.org>", to, subject
    m.set_content(body)
    return m


def smtp(secure=True):
    c = smtplib.SMTP(HOST, int(PORT), timeout=20)
    if secure:
        context = ssl._create_unverified_context()
        c.starttls(context=context)
    return c


FUNCTION = """
def handler(event, context):
    ses = event["Records"][0]["ses"]
    print("heard of", ses["mail"]["commonHeaders"]["subject"], "for", ses["receipt"]["recipients"])
    return {"disposition": "STOP_RULE_SET" if "spam" in ses["mail"]["commonHeaders"]["subject"] else "CONTINUE"}
"""


def set_up():
    account = boto3.client("sts").get_caller_identity()["Account"]
    ses.verify_domain_identity(Domain="example.com")
    s3.create_bucket(Bucket="letters-in")
    allow = {"Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Condition": {"StringEquals": {"aws:SourceAccount": account}}}
    s3.put_bucket_policy(Bucket="letters-in", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {**allow, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::letters-in/*"}]}))
    topic = sns.create_topic(Name="letters")["TopicArn"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [
        {**allow, "Action": "sns:Publish", "Resource": topic}]}))
    queue = sqs.create_queue(QueueName="letters")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}]})})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="mail", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="mail", PolicyName="all", PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}')
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as z:
        z.writestr("fn.py", FUNCTION)
    fn = functions.create_function(FunctionName="mail", Runtime="python3.13", Handler="fn.handler", Role=role, Timeout=10, Code={"ZipFile": code.getvalue()})["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName="mail")

    ses.create_receipt_rule_set(RuleSetName="inbox")
    rule = {"Name": "read", "Enabled": True, "ScanEnabled": True, "Recipients": ["example.com"], "Actions": [
        {"LambdaAction": {"FunctionArn": fn, "InvocationType": "RequestResponse"}},
        {"S3Action": {"BucketName": "letters-in", "ObjectKeyPrefix": "mail/"}},
        {"SNSAction": {"TopicArn": topic, "Encoding": "UTF-8"}}]}
    try:
        ses.create_receipt_rule(RuleSetName="inbox", Rule=rule)
        raise AssertionError("the function has no policy")
    except ClientError as e:
        assert e.response["Error"]["Code"] == "InvalidLambdaFunction", e.response
        assert e.response["Error"]["Message"] == "Could not invoke Lambda function: " + fn, e.response
    functions.add_permission(FunctionName="mail", StatementId="ses", Action="lambda:InvokeFunction", Principal="ses.amazonaws.com", SourceAccount=account)
    ses.create_receipt_rule(RuleSetName="inbox", Rule=rule)
    ses.set_active_receipt_rule_set(RuleSetName="inbox")
    assert ses.describe_active_receipt_rule_set()["Rules"][0]["Actions"][2]["SNSAction"]["Encoding"] == "UTF-8"
    return queue


def receive(queue):
    with smtp() as c:
        refused = c.send_message(letter("Hello", "Dear Ann,\n.\nbye"), to_addrs=["ann@example.com", "nobody@example.net"])
    assert refused == {"nobody@example.net": (550, b"5.1.1 Requested action not taken: mailbox unavailable")}, refused
    got = until(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"), "a notification")[0]
    told = json.loads(got["Body"])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=got["ReceiptHandle"])
    assert told["notificationType"] == "Received" and told["receipt"]["action"]["type"] == "SNS", told
    assert told["mail"]["commonHeaders"]["from"] == ["Bob <bob@example.org>"] and told["receipt"]["spamVerdict"] == {"status": "GRAY"}, told
    stored = s3.get_object(Bucket="letters-in", Key="mail/" + told["mail"]["messageId"])["Body"].read()
    assert stored.decode() == told["content"], stored
    message = email.message_from_bytes(stored)
    assert message["Subject"] == "Hello" and message.get_payload().replace("\r\n", "\n") == "Dear Ann,\n.\nbye\n", stored
    until(lambda: [e for e in logs.filter_log_events(logGroupName="/aws/lambda/mail")["events"] if "heard of Hello for ['ann@example.com']" in e["message"]], "a line of the log")


def judge(queue):
    """What the function stops is not stored."""
    with smtp(False) as c:
        c.send_message(letter("spam", "buy"))
    until(lambda: [e for e in logs.filter_log_events(logGroupName="/aws/lambda/mail")["events"] if "heard of spam" in e["message"]], "a line of the log")
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)


def too_large(queue):
    """What a topic cannot have goes back, and what is too large for a bucket is refused."""
    with smtp() as c:
        c.send_message(letter("large", "x" * 60 + "\n" + ("y" * 70 + "\n") * 4000))
    to = lambda: [l for l in inbox("bob@example.org") if "Delivery Status" in l["Subject"]]
    assert "ann@example.com" in until(to, "a bounce")[0]["Body"]
    with smtp() as c:
        try:
            c.sendmail("bob@example.org", ["ann@example.com"], ("z" * 998 + "\r\n") * 45000)
            raise AssertionError("45 MB were taken")
        except smtplib.SMTPSenderRefused as e:
            assert e.smtp_code == 552, e


def inbox(to):
    import urllib.request
    with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_aloft/inbox?to=" + to) as r:
        return json.load(r)["letters"]


queue = set_up()
receive(queue)
judge(queue)
too_large(queue)
print("ok")
