"""Serves an application of WSGI from the events of HTTP and REST APIs."""

import base64
import importlib
import io
import json
import os
import sys
from urllib.parse import unquote, urlencode

_here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(_here, ".aloft-wsgi.json")) as f:
    _config = json.load(f)

_app = importlib.import_module(_config["module"])
for _part in _config["app"].split("."):
    _app = getattr(_app, _part)


def _query(event):
    if event.get("rawQueryString") is not None:
        return event["rawQueryString"]
    many = event.get("multiValueQueryStringParameters")
    if many:
        return urlencode([(k, v) for k, values in many.items() for v in values])
    return urlencode(event.get("queryStringParameters") or {})


def _headers(event):
    many = event.get("multiValueHeaders")
    if many:
        return {k: ",".join(values) for k, values in many.items()}
    headers = dict(event.get("headers") or {})
    if event.get("cookies"):
        headers["Cookie"] = "; ".join(event["cookies"])
    return headers


def _environ(event, context):
    http = event.get("requestContext", {}).get("http", {})
    identity = event.get("requestContext", {}).get("identity", {})
    path = event.get("rawPath") or event.get("path") or "/"
    stage = event.get("requestContext", {}).get("stage") or ""
    if event.get("rawPath") and stage != "$default" and path.startswith("/" + stage + "/"):
        path = path[len(stage) + 1:]
    body = event.get("body") or ""
    body = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8")
    headers = _headers(event)
    environ = {
        "CONTENT_LENGTH": str(len(body)),
        "PATH_INFO": unquote(path, encoding="latin-1"),
        "QUERY_STRING": _query(event),
        "REMOTE_ADDR": http.get("sourceIp") or identity.get("sourceIp") or "",
        "REQUEST_METHOD": http.get("method") or event.get("httpMethod") or "GET",
        "SCRIPT_NAME": "",
        "SERVER_NAME": "lambda",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.errors": sys.stderr,
        "wsgi.input": io.BytesIO(body),
        "wsgi.multiprocess": False,
        "wsgi.multithread": False,
        "wsgi.run_once": False,
        "wsgi.url_scheme": "https",
        "wsgi.version": (1, 0),
        "serverless.event": event,
        "serverless.context": context,
        "serverless.authorizer": event.get("requestContext", {}).get("authorizer"),
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        if key == "HOST":
            environ["SERVER_NAME"] = value.split(":")[0]
        elif key == "X_FORWARDED_PROTO":
            environ["wsgi.url_scheme"] = value
        if key == "CONTENT_TYPE":
            environ[key] = value
        elif key != "CONTENT_LENGTH":
            environ["HTTP_" + key] = value
    return environ


_texts = ("text/", "application/json", "application/javascript", "application/xml", "image/svg+xml")


def handler(event, context):
    """Answers one request."""
    if "requestContext" not in event:
        return event  # to keep it warm
    answer = {}

    def start_response(status, headers, exc_info=None):
        answer["status"], answer["headers"] = status, headers
        return lambda data: None

    result = _app(_environ(event, context), start_response)
    try:
        body = b"".join(result)
    finally:
        if hasattr(result, "close"):
            result.close()
    many, kind = {}, ""
    for name, value in answer["headers"]:
        many.setdefault(name, []).append(value)
        if name.lower() == "content-type":
            kind = value
    text = kind.startswith(_texts) and "content-encoding" not in {n.lower() for n in many}
    out = {
        "statusCode": int(answer["status"].split()[0]),
        "body": body.decode("utf-8") if text else base64.b64encode(body).decode("ascii"),
        "isBase64Encoded": not text,
    }
    if event.get("version") == "2.0":
        out["cookies"] = [v for n, values in many.items() if n.lower() == "set-cookie" for v in values]
        out["headers"] = {n: ",".join(v) for n, v in many.items() if n.lower() != "set-cookie"}
    else:
        out["multiValueHeaders"] = many
    return out
