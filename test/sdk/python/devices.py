# Devices speak MQTT over TLS with certificates that IoT made. The arguments are a
# directory, the port of MQTT and which part of the story it is; a kill lies between.
import json
import os
import queue
import sys
import time

import boto3
import paho.mqtt.client as mqtt

iot, data, sqs = boto3.client("iot"), boto3.client("iot-data"), boto3.client("sqs")
folder, port, part = sys.argv[1], int(sys.argv[2]), sys.argv[3]
PATIENCE = 20


def path(name):
    return os.path.join(folder, name)


class Device:
    """A client of MQTT whose certificate is in the folder."""

    def __init__(self, name, clean=False):
        self.heard, self.present, self.ended = queue.Queue(), queue.Queue(), queue.Queue()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean)
        self.client.tls_set(ca_certs=os.environ["CA"], certfile=path("cert.pem"), keyfile=path("key.pem"))
        self.client.on_message = lambda client, userdata, m: self.heard.put((m.topic, m.payload))
        self.client.on_connect = lambda client, userdata, flags, reason, properties: self.present.put((flags.session_present, reason))
        self.client.on_disconnect = lambda client, userdata, flags, reason, properties: self.ended.put(reason)
        self.client.connect("localhost", port, keepalive=60)
        self.client.loop_start()
        self.session, reason = self.present.get(timeout=PATIENCE)
        assert not reason.is_failure, reason

    def subscribe(self, *topics):
        done = queue.Queue()
        self.client.on_subscribe = lambda client, userdata, mid, reasons, properties: done.put(reasons)
        self.client.subscribe([(t, 1) for t in topics])
        reasons = done.get(timeout=PATIENCE)
        assert [r.value for r in reasons] == [1] * len(topics), reasons

    def publish(self, topic, payload):
        self.client.publish(topic, payload, qos=1).wait_for_publish(PATIENCE)

    def hear(self):
        return self.heard.get(timeout=PATIENCE)

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()


def received(url):
    """The bodies of all messages of a queue, once there were some and no more come."""
    bodies, quiet = [], 0
    while quiet < (2 if bodies else 10):
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        quiet = 0 if got else quiet + 1
        bodies += [m["Body"] for m in got]
        for m in got:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
    return bodies


def make():
    keys = iot.create_keys_and_certificate(setAsActive=True)
    with open(path("cert.pem"), "w") as f:
        f.write(keys["certificatePem"])
    with open(path("key.pem"), "w") as f:
        f.write(keys["keyPair"]["PrivateKey"])
    allow = {"Effect": "Allow", "Action": ["iot:Connect", "iot:Publish", "iot:Subscribe", "iot:Receive"], "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "iot:Publish", "Resource": "arn:aws:iot:*:*:topic/secret"}
    iot.create_policy(policyName="devices", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]}))
    iot.attach_policy(policyName="devices", target=keys["certificateArn"])
    iot.create_thing(thingName="dev")
    iot.attach_thing_principal(thingName="dev", principal=keys["certificateArn"])
    url = sqs.create_queue(QueueName="states")["QueueUrl"]
    boto3.client("dynamodb").create_table(
        TableName="states", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "device", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "device", "AttributeType": "S"}])
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "iot.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    iam = boto3.client("iam")
    role = iam.create_role(RoleName="rules", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sqs:SendMessage", "dynamodb:PutItem"], "Resource": "*"}]}
    iam.put_role_policy(RoleName="rules", PolicyName="rules", PolicyDocument=json.dumps(may))
    iot.create_topic_rule(ruleName="states", topicRulePayload={
        "sql": "SELECT *, topic(2) AS device FROM 'sensors/+/state' WHERE n >= 0", "awsIotSqlVersion": "2016-03-23",
        "actions": [{"sqs": {"queueUrl": url, "roleArn": role}}, {"dynamoDBv2": {"roleArn": role, "putItem": {"tableName": "states"}}}]})


def write():
    make()
    dev = Device("dev")
    assert not dev.session
    dev.subscribe("cmd/#", "$aws/things/dev/shadow/update/delta")
    dev.publish("sensors/dev/state", '{"n": -1}')
    dev.publish("sensors/dev/state", '{"n": 7}')
    url = sqs.get_queue_url(QueueName="states")["QueueUrl"]
    assert [json.loads(b) for b in received(url)] == [{"n": 7, "device": "dev"}]
    item = boto3.client("dynamodb").get_item(TableName="states", Key={"device": {"S": "dev"}})["Item"]
    assert item["n"] == {"N": "7"}, item

    data.update_thing_shadow(thingName="dev", payload=json.dumps({"state": {"desired": {"on": True}}}))
    topic, payload = dev.hear()
    assert topic.endswith("/delta") and json.loads(payload)["state"] == {"on": True}, payload
    dev.publish("$aws/things/dev/shadow/update", json.dumps({"state": {"reported": {"on": True}}}))
    shadow = json.loads(data.get_thing_shadow(thingName="dev")["payload"].read())
    assert "delta" not in shadow["state"], shadow

    stranger = Device("stranger", clean=True)
    stranger.client.publish("secret", "x", qos=1)
    stranger.ended.get(timeout=PATIENCE)
    stranger.leave()
    dev.leave()
    for n in range(150):
        data.publish(topic="cmd/%d" % n, qos=1, payload=b"%d" % n)


def read():
    dev = Device("dev")
    assert dev.session
    for n in range(150):
        topic, payload = dev.hear()
        assert (topic, payload) == ("cmd/%d" % n, b"%d" % n), (topic, payload)
    dev.publish("done", "x")
    time.sleep(0.5)
    dev.leave()
    again = Device("dev")
    assert again.session and again.heard.empty()
    again.leave()


def flood():
    """Publishes until the platform is killed, and says what was acknowledged."""
    dev = Device("flood", clean=True)
    with open(path("acked"), "w") as f:
        for n in range(1000000):
            sent = dev.client.publish("sensors/flood/state", json.dumps({"n": n}), qos=1)
            sent.wait_for_publish(5)
            if not sent.is_published() or not dev.ended.empty():
                return
            f.write("%d\n" % n)
            f.flush()


def count():
    with open(path("acked")) as f:
        acked = [int(line) for line in f]
    got = {json.loads(b)["n"] for b in received(sqs.get_queue_url(QueueName="states")["QueueUrl"])}
    lost = [n for n in acked if n not in got]
    assert acked and not lost, (len(acked), lost)


{"write": write, "read": read, "flood": flood, "count": count}[part]()
