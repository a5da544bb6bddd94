# Databases are made, snapshots of them, and others of those; the argument says which part
# of the story it is. A kill follows each, while what was asked for is made.
import sys

import boto3

rds, data = boto3.client("rds"), boto3.client("rds-data")
part, engines = sys.argv[1], sys.argv[2:]  # of clusters
soon = {"Delay": 1, "MaxAttempts": 60}


def cluster(name):
    return rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]


def ask(name, sql):
    where = {"resourceArn": cluster(name)["DBClusterArn"], "secretArn": cluster(name.removesuffix("-again"))["MasterUserSecret"]["SecretArn"], "database": "app"}
    return [row[0]["stringValue"] for row in data.execute_statement(sql=sql, **where).get("records", [])]


def available(suffix=""):
    for name in engines:
        rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier=name + suffix, WaiterConfig=soon)
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="alone" + suffix, WaiterConfig=soon)
    # Its server has to answer for that.
    rds.modify_db_instance(DBInstanceIdentifier="alone" + suffix, MasterUserPassword="an0therSecret")


if part == "create":
    for name in engines:
        rds.create_db_cluster(DBClusterIdentifier=name, Engine=name, DatabaseName="app", MasterUsername="joe", ManageMasterUserPassword=True, EnableHttpEndpoint=True)
    rds.create_db_instance(DBInstanceIdentifier="alone", Engine="postgres", DBInstanceClass="db.t3.micro", AllocatedStorage=20, MasterUsername="joe", MasterUserPassword="secretsecret")
elif part == "snapshot":
    available()
    for name in engines:
        ask(name, "create table t (name varchar(50) primary key)")
        ask(name, "insert into t values ('early')")
    for name in engines:
        rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=name + "-then")
    rds.create_db_snapshot(DBInstanceIdentifier="alone", DBSnapshotIdentifier="alone-then")
elif part == "restore":
    for name in engines:
        rds.get_waiter("db_cluster_snapshot_available").wait(DBClusterSnapshotIdentifier=name + "-then", WaiterConfig=soon)
        ask(name, "insert into t values ('later')")
    rds.get_waiter("db_snapshot_completed").wait(DBSnapshotIdentifier="alone-then", WaiterConfig=soon)
    for name in engines:
        rds.restore_db_cluster_from_snapshot(DBClusterIdentifier=name + "-again", SnapshotIdentifier=name + "-then", Engine=name)
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="alone-again", DBSnapshotIdentifier="alone-then")
else:
    available("-again")
    for name in engines:
        rds.enable_http_endpoint(ResourceArn=cluster(name + "-again")["DBClusterArn"])
        was, now = ask(name + "-again", "select name from t order by name"), ask(name, "select name from t order by name")
        assert (was, now) == (["early"], ["early", "later"]), (name, was, now)
