# A REST API made, changed, deployed, asked and exported with boto3; its answers
# and refusals are those that AWS gives.
import json
import os
import urllib.error
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
api = boto3.client("apigateway")


def refused(code, message, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        got = e.response["Error"]
        assert got["Code"] == code and message in got["Message"], got
        return
    raise AssertionError(f"{call.__name__} was not refused")


def ask(path, method="GET", body=None, headers=None, signed=False):
    url = f"{ENDPOINT}/_aws/execute-api/{path}"
    if signed:
        request = AWSRequest(method=method, url=url, data=body)
        SigV4Auth(boto3.Session().get_credentials(), "execute-api", "us-east-1").add_auth(request)
        headers = dict(request.headers)
    r = urllib.request.Request(url, method=method, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(r) as resp:
            return resp.status, resp.headers, resp.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


made = api.create_rest_api(name="pets", version="v1", endpointConfiguration={"types": ["REGIONAL"]})
assert made["ResponseMetadata"]["HTTPStatusCode"] == 201 and made["endpointConfiguration"] == {"types": ["REGIONAL"], "ipAddressType": "ipv4"}, made
assert made["apiKeySource"] == "HEADER" and made["disableExecuteApiEndpoint"] is False and made["createdDate"].year > 2000
id, root = made["id"], made["rootResourceId"]
refused("ValidationException", "Value '[wrong]' at 'createRestApiInput.endpointConfiguration.types' failed", api.create_rest_api, name="x", endpointConfiguration={"types": ["wrong"]})
refused("BadRequestException", "Cannot create an api with multiple Endpoint Types.", api.create_rest_api, name="x", endpointConfiguration={"types": ["EDGE", "REGIONAL"]})
refused("NotFoundException", "Invalid API identifier specified 000000000000:none", api.get_rest_api, restApiId="none")
refused("BadRequestException", "Invalid patch operation specified. Must be one of: [replace]", api.update_rest_api, restApiId=id, patchOperations=[{"op": "remove", "path": "/minimumCompressionSize"}])
refused("BadRequestException", "Invalid patch path /binaryMediaTypes", api.update_rest_api, restApiId=id, patchOperations=[{"op": "add", "path": "/binaryMediaTypes", "value": "a/b"}])

parent = api.create_resource(restApiId=id, parentId=root, pathPart="pets")["id"]
proxy = api.create_resource(restApiId=id, parentId=parent, pathPart="{proxy+}")["id"]
refused("BadRequestException", "Cannot create a child of a resource with a greedy path variable: {proxy+}", api.create_resource, restApiId=id, parentId=proxy, pathPart="x")
refused("BadRequestException", "A sibling ({proxy+}) of this resource already has a variable path part -- only one is allowed", api.create_resource, restApiId=id, parentId=parent, pathPart="{other+}")
refused("BadRequestException", "Root resource cannot update its pathPart.", api.update_resource, restApiId=id, resourceId=root, patchOperations=[{"op": "replace", "path": "/pathPart", "value": "x"}])
moved = api.update_resource(restApiId=id, resourceId=parent, patchOperations=[{"op": "replace", "path": "/pathPart", "value": "dogs"}])
assert moved["path"] == "/dogs"
assert [r["path"] for r in api.get_resources(restApiId=id)["items"]] == ["/", "/dogs", "/dogs/{proxy+}"]

on = {"restApiId": id, "resourceId": parent, "httpMethod": "GET"}
refused("BadRequestException", "Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY", api.put_method, restApiId=id, resourceId=parent, httpMethod="X", authorizationType="NONE")
assert api.put_method(**on, authorizationType="AWS_IAM", requestParameters={"method.request.querystring.q": False})["authorizationType"] == "AWS_IAM"
refused("NotFoundException", "Invalid Integration identifier specified", api.get_integration, **on)
refused("ValidationException", "Value 'HTTPS_PROXY' at 'putIntegrationInput.type' failed to satisfy constraint", api.put_integration, **on, type="HTTPS_PROXY")
refused("BadRequestException", "AWS ARN for integration must contain path or action", api.put_integration, **on, type="AWS", integrationHttpMethod="POST", uri="arn:aws:lambda:us-east-1:000000000000:function:f")
refused("BadRequestException", "Invalid HTTP endpoint specified for URI", api.put_integration, **on, type="HTTP", integrationHttpMethod="POST", uri="htt://x")
assert api.put_integration(**on, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})["cacheKeyParameters"] == []
api.put_method_response(**on, statusCode="200", responseParameters={"method.response.header.X-Q": False})
api.put_integration_response(**on, statusCode="200", responseParameters={"method.response.header.X-Q": "method.request.querystring.q"},
                             responseTemplates={"application/json": '{"who":"$context.identity.userArn","q":"$util.escapeJavaScript($input.params(\'q\'))"}'})
refused("ValidationException", "Value 'wrong' at 'statusCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [1-5]\\d\\d", api.get_integration_response, **on, statusCode="wrong")
refused("NotFoundException", "Invalid Response status code specified", api.get_integration_response, **on, statusCode="404")
refused("NotFoundException", "Invalid parameter name specified", api.update_method_response, **on, statusCode="200", patchOperations=[{"op": "replace", "path": "/responseParameters/method.response.header.none", "value": "true"}])

api.create_deployment(restApiId=id, stageName="dev", description="first")
status, headers, body = ask(f"{id}/dev/dogs?q=a%22b")
assert (status, json.loads(body)) == (403, {"message": "Missing Authentication Token"}), (status, body)
assert headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException" and headers["x-amzn-RequestId"] and headers["x-amz-apigw-id"]
status, headers, body = ask(f"{id}/dev/dogs?q=a%22b", signed=True)
assert status == 200 and headers["X-Q"] == 'a"b' and json.loads(body)["q"] == 'a"b' and "root" in json.loads(body)["who"], (status, body)

exported = json.loads(api.get_export(restApiId=id, stageName="dev", exportType="oas30", parameters={"extensions": "integrations"})["body"].read())
assert exported["info"] == {"title": "pets", "version": "v1"} and exported["paths"]["/dogs"]["get"]["x-amazon-apigateway-integration"]["type"] == "mock", exported
again = api.import_rest_api(body=json.dumps(exported))
assert [r["path"] for r in api.get_resources(restApiId=again["id"])["items"]] == ["/", "/dogs"]
twice = api.get_method(restApiId=again["id"], resourceId=api.get_resources(restApiId=again["id"])["items"][1]["id"], httpMethod="GET")
assert twice["methodIntegration"]["integrationResponses"]["200"]["responseTemplates"] and twice["authorizationType"] == "AWS_IAM", twice

key = api.create_api_key(name="k", enabled=True)
assert len(key["value"]) == 40 and key["stageKeys"] == []
assert "value" not in api.get_api_key(apiKey=key["id"]) and api.get_api_key(apiKey=key["id"], includeValue=True)["value"] == key["value"]
plan = api.create_usage_plan(name="p", apiStages=[{"apiId": id, "stage": "dev"}], throttle={"burstLimit": 20, "rateLimit": 10})
assert plan["throttle"] == {"burstLimit": 20, "rateLimit": 10.0}
assert api.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")["type"] == "API_KEY"
pages = api.get_paginator("get_rest_apis").paginate(PaginationConfig={"PageSize": 1})
assert sorted(i["id"] for p in pages for i in p["items"]) == sorted([id, again["id"]])
api.tag_resource(resourceArn=f"arn:aws:apigateway:us-east-1::/restapis/{id}", tags={"a": "b"})
assert api.get_tags(resourceArn=f"arn:aws:apigateway:us-east-1::/restapis/{id}")["tags"] == {"a": "b"}
