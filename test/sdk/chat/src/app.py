"""Keeps who is connected in a table, and posts what one sends to all of them."""
import json
import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    request = event["requestContext"]
    me = request["connectionId"]
    if request["routeKey"] == "$connect":
        table.put_item(Item={"connectionId": me})
    elif request["routeKey"] == "$disconnect":
        table.delete_item(Key={"connectionId": me})
    else:
        api = boto3.client("apigatewaymanagementapi", endpoint_url="https://%s/%s" % (request["domainName"], request["stage"]))
        for item in table.scan()["Items"]:
            api.post_to_connection(ConnectionId=item["connectionId"], Data=json.loads(event["body"])["data"].encode())
    return {"statusCode": 200, "body": "ok"}
