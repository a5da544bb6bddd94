# A cluster of PostgreSQL is made, used by the Data API, and found by a function. The
# argument says which half of the story it is; a kill lies between.
import io
import json
import sys
import zipfile

import boto3

rds, data, secrets = boto3.client("rds"), boto3.client("rds-data"), boto3.client("secretsmanager")
functions, iam = boto3.client("lambda"), boto3.client("iam")

# It asks for TLS as clients of PostgreSQL do, and says who it is: R is what it is answered.
CODE = """
import socket, ssl, struct
def handler(event, context):
    c = socket.create_connection((event["host"], 5432))
    c.sendall(struct.pack("!ii", 8, 80877103))
    assert c.recv(1) == b"S"
    c = ssl.create_default_context().wrap_socket(c, server_hostname=event["host"])
    hello = struct.pack("!i", 196608) + b"user\\0joe\\0database\\0app\\0\\0"
    c.sendall(struct.pack("!i", len(hello) + 4) + hello)
    return c.recv(1).decode()
"""


def ask(sql, transaction=None, **values):
    more = {"transactionId": transaction} if transaction else {}
    parameters = [{"name": k, "value": {"stringValue": v}} for k, v in values.items()]
    return data.execute_statement(sql=sql, parameters=parameters, **where, **more)


def write():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as z:
        z.writestr("app.py", CODE)
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    functions.create_function(FunctionName="reader", Runtime="python3.12", Handler="app.handler", Role=role, Code={"ZipFile": packed.getvalue()}, Timeout=60)
    functions.get_waiter("function_active_v2").wait(FunctionName="reader")
    ask("create table t (id serial primary key, name text)")
    made = ask("insert into t (name) values (:name) returning id", name="it's :one")
    assert made["records"] == [[{"longValue": 1}]], made
    for end in data.rollback_transaction, data.commit_transaction:
        transaction = data.begin_transaction(**where)["transactionId"]
        ask("insert into t (name) values (:name)", transaction, name=end.__name__)
        end(transactionId=transaction, resourceArn=where["resourceArn"], secretArn=where["secretArn"])
    try:
        ask("select * from nowhere")
        raise AssertionError("there is no such table")
    except data.exceptions.DatabaseErrorException as e:
        assert "SQLState: 42P01" in str(e), e


if sys.argv[1] == "write":
    cluster = rds.create_db_cluster(
        DBClusterIdentifier="app", Engine="aurora-postgresql", DatabaseName="app", MasterUsername="joe", ManageMasterUserPassword=True, EnableHttpEndpoint=True)["DBCluster"]
    rds.create_db_instance(DBInstanceIdentifier="app-1", DBInstanceClass="db.serverless", Engine="aurora-postgresql", DBClusterIdentifier="app")
    rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier="app", WaiterConfig={"Delay": 1})
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="app-1", WaiterConfig={"Delay": 1})
cluster = rds.describe_db_clusters(DBClusterIdentifier="app")["DBClusters"][0]
where = {"resourceArn": cluster["DBClusterArn"], "secretArn": cluster["MasterUserSecret"]["SecretArn"], "database": "app"}
if sys.argv[1] == "write":
    write()
names = [row[0]["stringValue"] for row in ask("select name from t order by id")["records"]]
assert names == ["it's :one", "commit_transaction"], names
answer = functions.invoke(FunctionName="reader", Payload=json.dumps({"host": cluster["Endpoint"]}))["Payload"].read().decode()
assert answer == '"R"', answer
