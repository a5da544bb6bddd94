# A serverless cluster of Aurora MySQL is made, used by the Data API, and found by a
# function: by its endpoint, and by a proxy that takes tokens of IAM. The argument says which half of the story it is; a kill lies between.
import io
import json
import sys
import zipfile

import boto3

rds, data = boto3.client("rds"), boto3.client("rds-data")
functions, iam = boto3.client("lambda"), boto3.client("iam")

# It asks for TLS as clients of MySQL do, and says who it is, with a token if it is
# asked for one: what the server says of that is what it is answered.
CODE = """
import boto3, socket, ssl, struct
def packet(c):
    size, seq = struct.unpack("<IB", c.recv(3) + b"\\0" + c.recv(1))
    return c.recv(size)
def handler(event, context):
    c = socket.create_connection((event["host"], 3306))
    assert packet(c)[0] == 10
    can = struct.pack("<IIB23x", 0x88a00, 1 << 24, 45)
    c.sendall(struct.pack("<I", len(can) | 1 << 24) + can)
    c = ssl.create_default_context().wrap_socket(c, server_hostname=event["host"])
    hello = can + event["user"].encode() + b"\\0\\0mysql_native_password\\0"
    c.sendall(struct.pack("<I", len(hello) | 2 << 24) + hello)
    answer = packet(c)
    if answer.startswith(b"\\xfemysql_clear_password"):
        token = boto3.client("rds").generate_db_auth_token(event["host"], 3306, event["user"]).encode() + b"\\0"
        c.sendall(struct.pack("<I", len(token) | 4 << 24) + token)
        answer = packet(c)
    return "OK" if answer[0] == 0 else answer[3:].decode()
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
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "rds-db:connect", "Resource": "arn:aws:rds-db:us-east-1:*:dbuser:prx-*/admin"}]}
    iam.put_role_policy(RoleName="reader", PolicyName="connect", PolicyDocument=json.dumps(may))
    trust["Statement"][0]["Principal"]["Service"] = "rds.amazonaws.com"
    by = iam.create_role(RoleName="proxy", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    may["Statement"][0].update(Action="secretsmanager:GetSecretValue", Resource=where["secretArn"])
    iam.put_role_policy(RoleName="proxy", PolicyName="read", PolicyDocument=json.dumps(may))
    rds.create_db_proxy(DBProxyName="way", EngineFamily="MYSQL", RoleArn=by, VpcSubnetIds=["subnet-1", "subnet-2"], Auth=[{"SecretArn": where["secretArn"], "IAMAuth": "REQUIRED"}])
    rds.register_db_proxy_targets(DBProxyName="way", DBClusterIdentifiers=["app"])
    functions.create_function(FunctionName="reader", Runtime="python3.12", Handler="app.handler", Role=role, Code={"ZipFile": packed.getvalue()}, Timeout=60)
    functions.get_waiter("function_active_v2").wait(FunctionName="reader")
    ask("create table t (id int auto_increment primary key, name varchar(50), done tinyint(1) default 0, price decimal(10, 2) default 1.5, big bigint unsigned default 18446744073709551615)")
    made = ask("insert into t (name) values (:name)", name="it's \\ :one é")
    assert made["generatedFields"] == [{"longValue": 1}] and made["numberOfRecordsUpdated"] == 1, made
    row = ask("select id, done, price, big, null from t where name = :name", name="it's \\ :one é")["records"][0]
    assert row == [{"longValue": 1}, {"booleanValue": False}, {"stringValue": "1.50"}, {"stringValue": "18446744073709551615"}, {"isNull": True}], row
    for end in data.rollback_transaction, data.commit_transaction:
        transaction = data.begin_transaction(**where)["transactionId"]
        ask("insert into t (name) values (:name)", transaction, name=end.__name__)
        end(transactionId=transaction, resourceArn=where["resourceArn"], secretArn=where["secretArn"])
    for sql, words in ("select * from nowhere", "Database error code: 1146. Message: Table 'app.nowhere' doesn't exist"), ("create user x identified via unix_socket; select 1", "Multistatements"):
        try:
            ask(sql)
            raise AssertionError("that is refused")
        except data.exceptions.ClientError as e:
            assert words in str(e), e


if sys.argv[1] == "write":
    rds.create_db_cluster(
        DBClusterIdentifier="app", Engine="aurora-mysql", EngineMode="serverless", DatabaseName="app", MasterUsername="admin", ManageMasterUserPassword=True, EnableHttpEndpoint=True)
    rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier="app", WaiterConfig={"Delay": 1})
cluster = rds.describe_db_clusters(DBClusterIdentifier="app")["DBClusters"][0]
where = {"resourceArn": cluster["DBClusterArn"], "secretArn": cluster["MasterUserSecret"]["SecretArn"], "database": "app"}
if sys.argv[1] == "write":
    write()
names = [row[0]["stringValue"] for row in ask("select name from t order by id")["records"]]
assert names == ["it's \\ :one é", "commit_transaction"], names
proxy = rds.describe_db_proxies(DBProxyName="way")["DBProxies"][0]
for host, user, said in (cluster["Endpoint"], "nobody", "Access denied for user 'nobody'"), (proxy["Endpoint"], "admin", "OK"), (proxy["Endpoint"], "root", "IAM authentication failed for user root."):
    answer = functions.invoke(FunctionName="reader", Payload=json.dumps({"host": host, "user": user}))["Payload"].read().decode()
    assert said in answer, answer
