# A round over queues and topics with boto3, whose clients check the MD5 sums of
# messages; then a worker of Celery, and a function that handles batches with
# Powertools, each over queues of their own.
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3

sqs, sns, iam, functions = (boto3.client(name) for name in ("sqs", "sns", "iam", "lambda"))
everybody = lambda action: json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"}]})


def queue(name, **attributes):
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def receive(url, count, seconds=15):
    got, until = [], time.time() + seconds
    while len(got) < count and time.time() < until:
        out = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2, MessageAttributeNames=["All"], AttributeNames=["All"])
        for m in out.get("Messages", []):
            got.append(m)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
    assert len(got) == count, (count, got)
    return got


def messages():
    url, _ = queue("round")
    attributes = {"text": {"DataType": "String", "StringValue": "é"}, "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}, "n": {"DataType": "Number.int", "StringValue": "5"}}
    sqs.send_message(QueueUrl=url, MessageBody="héllo\r\n<&>\"'", MessageAttributes=attributes)
    m = receive(url, 1)[0]
    assert m["Body"] == "héllo\r\n<&>\"'" and m["MessageAttributes"]["bytes"]["BinaryValue"] == b"\x00\xff", m
    big = "x" * (1 << 20)
    sqs.send_message(QueueUrl=url, MessageBody=big)
    assert receive(url, 1)[0]["Body"] == big
    try:
        sqs.get_queue_url(QueueName="none")
        assert False
    except sqs.exceptions.QueueDoesNotExist as e:
        assert e.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue", e.response
    sent = []
    threading.Timer(0.5, lambda: sent.append((sqs.send_message(QueueUrl=url, MessageBody="wake"), time.time()))).start()
    receive(url, 1)
    assert time.time() - sent[0][1] < 1, "a waiting receiver did not wake at once"


def topics():
    url, arn = queue("reader.fifo", FifoQueue="true", Policy=everybody("sqs:SendMessage"))
    topic = sns.create_topic(Name="news.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true", "FilterPolicy": '{"kind":["a"]}'})
    for i in range(20):
        sns.publish(TopicArn=topic, Message=str(i), MessageGroupId=str(i % 2), MessageAttributes={"kind": {"DataType": "String", "StringValue": "a" if i % 4 < 2 else "b"}})
    got = [(m["Attributes"]["MessageGroupId"], int(m["Body"])) for m in receive(url, 10)]
    for group in "01":
        numbers = [n for g, n in got if g == group]
        assert numbers == sorted(numbers) and len(numbers) == 5, got


def http():
    posted = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    topic = sns.create_topic(Name="http")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:%d/in" % server.server_port)
    wait(lambda: posted)
    sns.confirm_subscription(TopicArn=topic, Token=posted[0]["Token"])
    sns.publish(TopicArn=topic, Message="over http")
    wait(lambda: len(posted) > 1)
    assert posted[1]["Message"] == "over http" and posted[1]["Signature"], posted[1]


def wait(done, seconds=20):
    until = time.time() + seconds
    while not done():
        assert time.time() < until, "it took too long"
        time.sleep(0.05)


def celery(work):
    with open(os.path.join(work, "tasks.py"), "w") as f:
        f.write("""
import os
from celery import Celery
from urllib.parse import urlparse
app = Celery("tasks", broker="sqs://test:test@" + urlparse(os.environ["AWS_ENDPOINT_URL"]).netloc + "//")
app.conf.update(task_default_queue="celery", broker_connection_retry_on_startup=True,
    broker_transport_options={"region": "us-east-1", "is_secure": False, "wait_time_seconds": 5})
@app.task
def add(a, b):
    open(os.path.join(os.environ["WORK"], "sums"), "a").write("%d\\n" % (a + b))
""")
    worker = subprocess.Popen([sys.executable, "-m", "celery", "-A", "tasks", "worker", "-P", "solo", "-l", "warning"], cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        subprocess.run([sys.executable, "-c", "from tasks import add\nfor i in range(3): add.delay(i, 10)\nadd.apply_async((100, 1), countdown=1)"], cwd=work, check=True)
        sums = os.path.join(work, "sums")
        wait(lambda: os.path.exists(sums) and len(open(sums).readlines()) == 4, 30)
        assert sorted(int(line) for line in open(sums)) == [10, 11, 12, 101]
    finally:
        worker.terminate()
        worker.wait()


def powertools(work):
    import aws_lambda_powertools
    import jmespath
    import typing_extensions

    archive = os.path.join(work, "fn.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:
        for module in (aws_lambda_powertools, jmespath):
            root = os.path.dirname(module.__file__)
            for folder, _, files in os.walk(root):
                for name in files:
                    if name.endswith(".py"):
                        path = os.path.join(folder, name)
                        z.write(path, os.path.relpath(path, os.path.dirname(root)))
        z.write(typing_extensions.__file__, "typing_extensions.py")
        z.writestr("fn.py", """
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
def one(record):
    if record.body == "bad":
        raise ValueError(record.body)
def handler(event, context):
    return process_partial_response(event=event, record_handler=one, processor=processor, context=context)
""")
    dead, dead_arn = queue("batch-dead")
    url, arn = queue("batch", VisibilityTimeout="10", RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1}))
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="batch", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="batch", PolicyName="all", PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}')
    functions.create_function(FunctionName="batch", Runtime="python3.13", Handler="fn.handler", Role=role, Timeout=10, Code={"ZipFile": open(archive, "rb").read()})
    functions.get_waiter("function_active_v2").wait(FunctionName="batch")
    functions.create_event_source_mapping(FunctionName="batch", EventSourceArn=arn, BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"])
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": body} for i, body in enumerate(("good", "bad", "good"))])
    assert receive(dead, 1, 30)[0]["Body"] == "bad"
    count = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"])["Attributes"]
    assert set(count.values()) == {"0"}, count


if __name__ == "__main__":
    rounds = {"messages": messages, "topics": topics, "http": http, "celery": celery, "powertools": powertools}
    for name in sys.argv[1:]:
        rounds[name](*([os.environ["WORK"]] if name in ("celery", "powertools") else []))
