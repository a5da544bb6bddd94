# A GraphQL API made, asked, tried and subscribed to with boto3, plain HTTP and a
# plain WebSocket, as a browser speaks it.
import base64
import json
import os
import socket
import urllib.error
import urllib.parse
import urllib.request

import boto3
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
api = boto3.client("appsync")
RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}


def ask(uri, key, query, variables=None):
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    host = urllib.parse.urlsplit(uri).netloc
    request = urllib.request.Request(ENDPOINT + "/graphql", body, {"Host": host, "x-api-key": key, "content-type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)


class Socket:
    """As little of RFC 6455 as it takes to speak short texts."""

    def __init__(self, uri, header):
        at = urllib.parse.urlsplit(ENDPOINT)
        self.s = socket.create_connection((at.hostname, at.port))
        text = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
        host = urllib.parse.urlsplit(uri).netloc
        self.s.sendall((f"GET /graphql HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        f"Sec-WebSocket-Key: {base64.b64encode(b'0' * 16).decode()}\r\nSec-WebSocket-Protocol: graphql-ws, header-{text}\r\n\r\n").encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.take(1)
        assert b" 101 " in answer and b"graphql-ws" in answer, answer

    def take(self, n):
        got = b""
        while len(got) < n:
            more = self.s.recv(n - len(got))
            assert more, "the connection ended"
            got += more
        return got

    def say(self, message):
        data = json.dumps(message).encode()
        assert len(data) < 65536
        self.s.sendall(b"\x81\xfe" + len(data).to_bytes(2, "big") + b"\0\0\0\0" + data)

    def hear(self):
        while True:
            length = self.take(2)[1]
            if length == 126:
                length = int.from_bytes(self.take(2), "big")
            message = json.loads(self.take(length))
            if message["type"] != "ka":
                return message


created = api.create_graphql_api(name="notes", authenticationType="API_KEY")["graphqlApi"]
ID, URI = created["apiId"], created["uris"]["GRAPHQL"]
KEY = api.create_api_key(apiId=ID)["apiKey"]["id"]
api.start_schema_creation(apiId=ID, definition=b"""
type Note { id: ID! text: String! at: AWSDateTime }
type Query { notes: [Note] }
type Mutation { note(text: String!): Note }
type Subscription { noted(text: String): Note @aws_subscribe(mutations: ["note"]) }
""")
assert api.get_schema_creation_status(apiId=ID)["status"] == "SUCCESS"
assert b'"queryType":{"name":"Query"}' in api.get_introspection_schema(apiId=ID, format="JSON")["schema"].read()
api.create_data_source(apiId=ID, name="none", type="NONE")
CODE = """
import { util } from '@aws-appsync/utils';
export function request(ctx) { return { payload: { id: util.autoId(), text: ctx.args.text, at: util.time.nowISO8601() } }; }
export function response(ctx) { return ctx.result; }
"""
api.create_resolver(apiId=ID, typeName="Mutation", fieldName="note", dataSourceName="none", runtime=RUNTIME, code=CODE)
try:
    api.create_resolver(apiId=ID, typeName="Query", fieldName="notes", dataSourceName="none", runtime=RUNTIME, code="export async function request() {}")
    raise AssertionError("code with async was taken")
except ClientError as e:
    assert e.response["Error"]["Code"] == "BadRequestException" and e.response["detail"]["codeErrors"], e.response

# A resolver that takes all the memory there is fails by itself alone.
hog = "export function request() { const l = ['x']; for (const x of l) { l.push(x.repeat(1 << 20)); } }\nexport function response() {}"
api.create_resolver(apiId=ID, typeName="Query", fieldName="notes", dataSourceName="none", runtime=RUNTIME, code=hog)
status, answer = ask(URI, KEY, "{ notes { id } }")
assert status == 200 and answer["data"] == {"notes": None} and answer["errors"][0]["errorType"] == "Code", answer

tried = api.evaluate_code(runtime=RUNTIME, code=CODE, context=json.dumps({"arguments": {"text": "x"}}), function="request")
assert json.loads(tried["evaluationResult"])["payload"]["text"] == "x", tried

realtime = Socket(created["uris"]["REALTIME"], {"host": urllib.parse.urlsplit(URI).netloc, "x-api-key": KEY})
realtime.say({"type": "connection_init"})
assert realtime.hear() == {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300000}}
query = json.dumps({"query": 'subscription { noted(text: "b") { id text } }'})
realtime.say({"id": "1", "type": "start", "payload": {"data": query, "extensions": {"authorization": {"x-api-key": KEY}}}})
assert realtime.hear() == {"id": "1", "type": "start_ack"}
for text in "ab":
    status, answer = ask(URI, KEY, "mutation n($t: String!) { note(text: $t) { id text at } }", {"t": text})
    assert status == 200 and answer["data"]["note"]["text"] == text and "errors" not in answer, answer
heard = realtime.hear()
assert heard["type"] == "data" and heard["payload"] == {"data": {"noted": {"id": answer["data"]["note"]["id"], "text": "b"}}}, heard

status, answer = ask(URI, "da2-none", "{ notes { id } }")
assert status == 401 and answer["errors"][0]["errorType"] == "UnauthorizedException", answer
api.delete_graphql_api(apiId=ID)
