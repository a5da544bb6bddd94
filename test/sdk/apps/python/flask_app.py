from apig_wsgi import make_lambda_handler
from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.route("/flask/echo/<path:rest>", methods=["GET", "POST", "PUT"])
def echo(rest):
    answer = jsonify(
        kind="flask",
        path=request.path,
        q=request.args.getlist("q"),
        cookie=request.headers.get("Cookie"),
        multi=request.headers.get("X-Multi"),
        body=request.get_data().hex(),
    )
    answer.headers.add("Set-Cookie", "a=1; Path=/")
    answer.headers.add("Set-Cookie", "b=2")
    return answer


@app.get("/flask/picture")
def picture():
    return Response(bytes(range(256)), content_type="image/png")


@app.get("/flask/fail")
def fail():
    raise RuntimeError("as asked")


handler = make_lambda_handler(app, binary_support=True)
