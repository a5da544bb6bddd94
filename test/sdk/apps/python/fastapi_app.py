from fastapi import FastAPI, Request, Response
from mangum import Mangum

app = FastAPI()


@app.api_route("/fastapi/echo/{rest:path}", methods=["GET", "POST", "PUT"])
async def echo(request: Request, response: Response):
    response.headers.append("Set-Cookie", "a=1; Path=/")
    response.headers.append("Set-Cookie", "b=2")
    return {
        "kind": "fastapi",
        "path": request.url.path,
        "q": request.query_params.getlist("q"),
        "cookie": request.headers.get("cookie"),
        "multi": request.headers.get("x-multi"),
        "body": (await request.body()).hex(),
    }


@app.get("/fastapi/picture")
def picture():
    return Response(bytes(range(256)), media_type="image/png")


@app.get("/fastapi/fail")
def fail():
    raise RuntimeError("as asked")


handler = Mangum(app, lifespan="off")
