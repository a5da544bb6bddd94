# The Runtime API client for Python. It asks which function it is, imports it,
# and answers one event after the other on one connection.
import importlib
import json
import logging
import os
import re
import socket
import sys
import time
import traceback

API = b"/2018-06-01/runtime/"
NEXT = b"GET " + API + b"invocation/next HTTP/1.1\r\nHost: aloft\r\n\r\n"
FUNCTION = b"GET /aloft/function HTTP/1.1\r\nHost: aloft\r\n\r\n"

WARNING = (
    "LAMBDA_WARNING: Unhandled exception. "
    "The most likely cause is an issue in the function code. "
    "However, in rare cases, a Lambda runtime update can cause unexpected function behavior. "
    "For functions using managed runtimes, runtime updates can be triggered by a function change, or can be applied automatically. "
    "To determine if the runtime has been updated, check the runtime version in the INIT_START log entry. "
    "If this error correlates with a change in the runtime version, you may be able to mitigate this error by temporarily rolling back to the previous runtime version. "
    "For more information, see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html\r"
)


class Fault(Exception):
    """A fault of the function that the runtime found."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind, self.message, self.trace = "Runtime." + kind, message, trace


# ---- the log: frames keep messages whole ----


class Sink:
    """Sink writes messages as frames, between the lines that print writes."""

    def log(self, message, frame_type=None):
        sys.stdout.flush()
        b = message.encode("utf8", "surrogateescape")
        b = b"\xa5\x5a\x00\x03" + len(b).to_bytes(4, "big") + int(time.time() * 1e6).to_bytes(8, "big") + b
        while b:
            b = b[os.write(1, b) :]


sink = Sink()
request_id = None
as_json = False


class Handler(logging.Handler):
    def __init__(self):
        super().__init__()
        self.log_sink = sink

    def emit(self, record):
        sink.log(self.format(record))


class RequestID(logging.Filter):
    def filter(self, record):
        record.aws_request_id = request_id or ""
        record.tenant_id = None
        return True


RESERVED = set(
    "name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName created msecs relativeCreated "
    "thread threadName processName process taskName aws_request_id tenant_id _frame_type".split()
)


class JSONFormatter(logging.Formatter):
    def format(self, record):
        level = min(50, max(0, record.levelno)) // 10 * 10
        info = record.exc_info
        line = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": logging.getLevelName(level),
            "message": record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(info[2]) if info else None,
            "errorType": info[0].__name__ if info and info[0] else None,
            "errorMessage": str(info[1]) if info else None,
            "requestId": getattr(record, "aws_request_id", None),
            "location": "%s:%s:%s" % (record.pathname, record.funcName, record.lineno) if info else None,
        }
        line.update((k, v) for k, v in record.__dict__.items() if k not in RESERVED and k not in line)
        return json.dumps({k: v for k, v in line.items() if v is not None}, ensure_ascii=False, default=str) + "\n"


def set_up_logging():
    global as_json
    as_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG").replace("FATAL", "CRITICAL")
    logging.Formatter.converter = time.gmtime
    handler = Handler()
    if as_json:
        handler.setFormatter(JSONFormatter())
    else:
        handler.setFormatter(logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(RequestID())
    root = logging.getLogger()
    if level in logging._nameToLevel:
        root.setLevel(level)
    root.addHandler(handler)


def log_error(error):
    if as_json:
        line = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "log_level": "ERROR"}
        line.update(error)
        return sink.log(dumps(line))
    head = "[ERROR]"
    if error["errorType"]:
        head += " " + error["errorType"]
    if error["errorMessage"]:
        head += (":" if error["errorType"] else "") + " " + error["errorMessage"]
    lines = [head, "Traceback (most recent call last):"]
    for entry in error["stackTrace"]:
        for line in entry.splitlines() or [""]:
            text = line.lstrip(" ")
            lines.append("\u00a0" * (len(line) - len(text)) + text)
    sink.log("\n".join(lines))


# ---- JSON with decimals as they are ----


class Encoder(json.JSONEncoder):
    """Encoder writes a Decimal as the number it is: as a mark at first."""

    def __init__(self):
        super().__init__(ensure_ascii=sys.version_info < (3, 12))
        self.raw = []

    def default(self, o):
        decimal = sys.modules.get("decimal")  # dear to import, and nobody has one without
        if decimal and isinstance(o, decimal.Decimal):
            self.raw.append("NaN" if o.is_nan() else str(o))
            return "\x00decimal:%d\x00" % (len(self.raw) - 1)
        return super().default(o)


def dumps(o):
    encoder = Encoder()
    text = encoder.encode(o)
    if encoder.raw:
        text = re.sub(r'"\\u0000decimal:(\d+)\\u0000"', lambda m: encoder.raw[int(m.group(1))], text)
    return text


# ---- errors, in AWS's words ----


def make_error(message, kind, trace, invoke_id=None):
    return {"errorMessage": message or "", "errorType": kind or "", "requestId": invoke_id or "", "stackTrace": trace or []}


def error_of(e, invoke_id=None):
    if isinstance(e, Fault):
        return make_error(e.message, e.kind, e.trace, invoke_id)
    frames = [(f.filename, f.lineno, f.name, f.line) for f in traceback.extract_tb(e.__traceback__)]
    while frames and frames[0][0] == __file__:
        frames.pop(0)
    return make_error(str(e), type(e).__name__, traceback.format_list(frames), invoke_id)


# ---- the context of an event ----


class CognitoIdentity(object):
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]


class Client(object):
    __slots__ = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]


class ClientContext(object):
    __slots__ = ["custom", "env", "client"]


def make(cls, values):
    if values is None:
        return None
    o = cls()
    for name in cls.__slots__:
        setattr(o, name, values.get(name))
    return o


def parse_header(text, name):
    if not text:
        return None
    try:
        return json.loads(text)
    except Exception as e:
        raise Fault("LambdaContextUnmarshalError", "Unable to parse {} JSON: {}".format(name, e))


class LambdaContext(object):
    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.client_context = make(ClientContext, parse_header(headers.get("lambda-runtime-client-context"), "Client Context"))
        if self.client_context is not None:
            self.client_context.client = make(Client, self.client_context.client)
        identity = parse_header(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity") or {}
        self.identity = make(CognitoIdentity, {})
        self.identity.cognito_identity_id = identity.get("cognitoIdentityId")
        self.identity.cognito_identity_pool_id = identity.get("cognitoIdentityPoolId")
        self._epoch_deadline_time_in_ms = int(headers["lambda-runtime-deadline-ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def log(self, msg):
        sink.log(str(msg))

    def __repr__(self):
        names = "aws_request_id log_group_name log_stream_name function_name memory_limit_in_mb function_version invoked_function_arn client_context identity tenant_id"
        return "LambdaContext([" + ",".join("%s=%s" % (n, getattr(self, n)) for n in names.split()) + "])"


# ---- loading and running the function ----


def load(name):
    try:
        module, function = name.rsplit(".", 1)
    except ValueError as e:
        raise Fault("MalformedHandlerName", "Bad handler '{}': {}".format(name, e))
    if module.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", "Cannot use built-in module {} as a handler module".format(module))
    try:
        m = importlib.import_module(module.replace("/", "."))
    except ImportError as e:
        raise Fault("ImportModuleError", "Unable to import module '{}': {}".format(module, e))
    except SyntaxError as e:
        raise Fault("UserCodeSyntaxError", "Syntax error in module '{}': {}".format(module, e), ['  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)])
    if not hasattr(m, function):
        raise Fault("HandlerNotFound", "Handler '{}' missing on module '{}'".format(function, module))
    return getattr(m, function)


def call(handler, headers, body):
    try:
        event = json.loads(body.decode("utf-8"))
    except Exception as e:
        raise Fault("UnmarshalError", "Unable to unmarshal input: {}".format(e))
    result = handler(event, LambdaContext(headers))
    if isinstance(result, bytes):
        return result
    try:
        return dumps(result).encode("utf-8")
    except Exception as e:
        raise Fault("MarshalError", "Unable to marshal response: {}".format(e))


def post(path, body, kind=""):
    extra = b""
    if kind:
        extra = b"Lambda-Runtime-Function-Error-Type: " + kind.encode("ascii", "replace") + b"\r\n"
    return b"POST %s%s HTTP/1.1\r\nHost: aloft\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (API, path.encode(), extra, len(body), body)


class Connection:
    """Connection reads answers of the Runtime API."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def more(self):
        d = self.socket.recv(1 << 18)
        if not d:
            os._exit(0)
        return d

    def read(self):
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.more()
        head, _, body = self.buffer.partition(b"\r\n\r\n")
        headers = {}
        for line in head.decode("utf-8", "replace").split("\r\n")[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        if len(body) < length:
            parts, have = [body], len(body)
            while have < length:
                parts.append(self.more())
                have += len(parts[-1])
            body = b"".join(parts)
        self.buffer = body[length:]
        return headers, body[:length]


def become(job):
    """become makes this process a worker of a function, and returns its handler."""
    os.environ.update(job["env"])
    if hasattr(time, "tzset"):
        time.tzset()
    os.chdir(job["task"])
    version = "python%d.%d" % sys.version_info[:2]
    asked = "python" + job["version"]  # packages for that version are better than none
    own = [job["task"], job["opt"] + "/python/lib/" + version + "/site-packages", job["opt"] + "/python/lib/" + asked + "/site-packages", job["opt"] + "/python"]
    own = list(dict.fromkeys(own))
    sys.path[0:0] = own + [p for p in job["env"].get("PYTHONPATH", "").split(os.pathsep) if p]
    importlib.invalidate_caches()
    forget_what_it_brings(own)
    set_up_logging()
    return load(job["handler"])


warmed = set()  # modules of the SDK that were imported before there was a function


def forget_what_it_brings(own):
    """forget_what_it_brings lets a function that brings a part of the SDK have all of it anew."""
    brought = set(name for directory in own if os.path.isdir(directory) for name in os.listdir(directory))
    tops = set(name.partition(".")[0] for name in warmed)
    if any(top in brought or top + ".py" in brought for top in tops):
        for name in warmed:
            sys.modules.pop(name, None)


def use_sdk(stub):
    """use_sdk imports the SDK that functions find, and uses it against a stub."""
    import boto3
    import botocore.session

    loader = botocore.session.create_loader()
    create = botocore.session.create_loader
    # It has read what clients are made of, and gives it to every session.
    botocore.session.create_loader = lambda path=None: create(path) if path else loader
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    for _ in range(2):
        table = session.resource("dynamodb", endpoint_url=stub).Table("t")
        table.get_item(Key={"k": "a"})
        table.put_item(Item={"k": "a", "n": 1})
        session.client("dynamodb", endpoint_url=stub).get_item(TableName="t", Key={"k": {"S": "a"}})
    session.client("s3", endpoint_url=stub)
    save_session(botocore.session)


def save_session(module):
    """save_session has the first session at hand, which is half of making the first client.

    One that nobody has used knows nothing of the environment, but for the name of the runtime.
    """
    spare = [module.Session()]
    get = module.get_session

    def get_session(env_vars=None):
        if not spare or env_vars is not None:
            return get(env_vars)
        session = spare.pop()
        session._register_user_agent_creator()
        return session

    if hasattr(module.Session, "_register_user_agent_creator"):
        module.get_session = get_session


def train(c):
    """train answers events that are nobody's, and imports what many functions do, until the code is warm."""
    events = int(os.environ.pop("ALOFT_TRAIN", "0"))
    stub = os.environ.pop("ALOFT_STUB", "")
    if not events:
        return
    for name in "base64 collections decimal concurrent.futures copy datetime enum functools hashlib hmac http.client io itertools math random ssl string threading typing urllib.parse urllib.request uuid".split():
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    before = set(sys.modules)
    try:
        use_sdk(stub)
    except Exception:
        pass  # it is not there, or is one that we do not know
    tops = "boto3 botocore s3transfer jmespath dateutil six urllib3".split()
    warmed.update(name for name in set(sys.modules) - before if name.partition(".")[0] in tops)
    while events:
        c.socket.sendall(NEXT)
        headers, body = c.read()
        if "lambda-runtime-aws-request-id" in headers:
            events -= 1
            c.socket.sendall(post("invocation/" + headers["lambda-runtime-aws-request-id"] + "/response", call(lambda e, _: e, headers, body)))
            c.read()
    import gc
    import random

    gc.collect()
    if hasattr(gc, "freeze"):
        gc.freeze()
    random.seed()


OF_AWS = re.compile(r"(^|\.)(amazonaws\.com(\.cn)?|api\.aws|on\.aws|amazoncognito\.com)$")


def lead(plain, secure):
    """lead brings connections to names of AWS to the platform, where there is no network of our own in which these names are the platform's."""
    find = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        if isinstance(host, str) and OF_AWS.search(host):
            host, port = (secure if str(port) in ("443", "https") else plain).rsplit(":", 1)
        return find(host, port, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo


def serve(c):
    global request_id
    sdk = os.environ.pop("ALOFT_SDK", "")
    if sdk:
        sys.path.append(sdk)
    led = os.environ.pop("ALOFT_LEAD", "")
    if led:
        lead(*led.split(","))
    train(c)
    c.socket.sendall(FUNCTION)
    while True:
        headers, body = c.read()
        if headers.get("content-type") == "application/vnd.aloft.function":
            break
    try:
        handler = become(json.loads(body.decode("utf-8")))
    except Exception as e:
        error = error_of(e)
        logging.warning(WARNING)
        log_error(error)
        c.socket.sendall(post("init/error", dumps(error).encode("utf-8"), error["errorType"]))
        c.read()
        sys.exit(1)
    c.socket.sendall(NEXT)
    while True:
        headers, body = c.read()
        if "lambda-runtime-aws-request-id" not in headers:
            continue
        request_id = headers["lambda-runtime-aws-request-id"]
        trace = headers.get("lambda-runtime-trace-id")
        if trace:
            os.environ["_X_AMZN_TRACE_ID"] = trace
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        path = "invocation/" + request_id
        try:
            answer = post(path + "/response", call(handler, headers, body))
        except Exception as e:
            error = error_of(e, request_id)
            log_error(error)
            answer = post(path + "/error", dumps(error).encode("utf-8"), error["errorType"])
        sys.stdout.flush()
        sys.stderr.flush()
        c.socket.sendall(answer + NEXT)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace") if hasattr(sys.stdout, "reconfigure") else None
    serve(Connection(os.environ["AWS_LAMBDA_RUNTIME_API"]))
