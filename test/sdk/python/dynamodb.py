"""Tables with boto3's resource, and with PynamoDB."""

import os
from datetime import datetime, timezone
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError
from pynamodb.attributes import ListAttribute, MapAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute, UTCDateTimeAttribute, VersionAttribute
from pynamodb.connection import Connection
from pynamodb.constants import STREAM_NEW_AND_OLD_IMAGE
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError, UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]


def resource():
    db = boto3.resource("dynamodb")
    table = db.create_table(
        TableName="py-orders",
        KeySchema=[{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "order", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in (("customer", "S"), ("order", "N"), ("state", "S"))],
        LocalSecondaryIndexes=[{"IndexName": "byState", "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["amount"]},
                                "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "state", "KeyType": "RANGE"}]}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    table.wait_until_exists()
    with table.batch_writer(overwrite_by_pkeys=["customer", "order"]) as batch:
        for i in range(100):
            batch.put_item(Item={"customer": "eve", "order": i, "state": "open" if i % 4 else "paid", "amount": Decimal("9.99"), "lines": [{"sku": "x", "n": i}]})
    page = table.query(KeyConditionExpression=Key("customer").eq("eve") & Key("order").between(10, 12), ConsistentRead=True)
    assert [it["order"] for it in page["Items"]] == [10, 11, 12]
    paid = table.query(IndexName="byState", KeyConditionExpression=Key("customer").eq("eve") & Key("state").eq("paid"), ReturnConsumedCapacity="INDEXES")
    assert paid["Count"] == 25 and set(paid["Items"][0]) == {"customer", "order", "state", "amount"}, paid
    assert "byState" in paid["ConsumedCapacity"]["LocalSecondaryIndexes"], paid["ConsumedCapacity"]
    deep = table.scan(FilterExpression=Attr("lines[0].n").gte(95) & Attr("lines").size().eq(1))
    assert deep["Count"] == 5, deep
    try:
        table.update_item(Key={"customer": "eve", "order": 0}, UpdateExpression="SET #s = :s", ConditionExpression=Attr("state").eq("open"),
                          ExpressionAttributeNames={"#s": "state"}, ExpressionAttributeValues={":s": "gone"}, ReturnValuesOnConditionCheckFailure="ALL_OLD")
        raise AssertionError("updated")
    except db.meta.client.exceptions.ConditionalCheckFailedException as e:
        assert e.response["Item"]["state"] == {"S": "paid"}, e.response
    returned = table.update_item(Key={"customer": "eve", "order": 0}, UpdateExpression="ADD amount :n", ExpressionAttributeValues={":n": Decimal("0.01")}, ReturnValues="UPDATED_NEW")
    assert returned["Attributes"] == {"amount": Decimal("10")}, returned
    legacy = table.update_item(Key={"customer": "eve", "order": 1}, AttributeUpdates={"state": {"Action": "PUT", "Value": "paid"}}, Expected={"state": {"Value": "open", "Exists": True}}, ReturnValues="ALL_OLD")
    assert legacy["Attributes"]["state"] == "open"
    got = db.batch_get_item(RequestItems={"py-orders": {"Keys": [{"customer": "eve", "order": i} for i in range(100)], "ProjectionExpression": "#o", "ExpressionAttributeNames": {"#o": "order"}}})
    assert len(got["Responses"]["py-orders"]) == 100 and not got["UnprocessedKeys"]
    client = db.meta.client
    client.transact_write_items(TransactItems=[
        {"Delete": {"TableName": "py-orders", "Key": {"customer": "eve", "order": 2}}},
        {"Put": {"TableName": "py-orders", "Item": {"customer": "bob", "order": 1}, "ConditionExpression": "attribute_not_exists(customer)"}},
    ])
    try:
        client.transact_write_items(TransactItems=[{"Put": {"TableName": "py-orders", "Item": {"customer": "bob", "order": 1}, "ConditionExpression": "attribute_not_exists(customer)"}}])
        raise AssertionError("not canceled")
    except ClientError as e:
        assert [r["Code"] for r in e.response["CancellationReasons"]] == ["ConditionalCheckFailed"], e.response
    records = changes(table.latest_stream_arn)
    assert [r["eventName"] for r in records] == ["INSERT"] * 100 + ["MODIFY", "MODIFY", "REMOVE", "INSERT"], len(records)
    client.update_continuous_backups(TableName="py-orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    backup = client.create_backup(TableName="py-orders", BackupName="copy")["BackupDetails"]["BackupArn"]
    while client.describe_backup(BackupArn=backup)["BackupDescription"]["BackupDetails"]["BackupStatus"] != "AVAILABLE":
        pass
    client.restore_table_from_backup(BackupArn=backup, TargetTableName="py-restored")
    copy = db.Table("py-restored")
    client.get_waiter("table_exists").wait(TableName="py-restored", WaiterConfig={"Delay": 1})
    assert copy.scan(Select="COUNT")["Count"] == 100
    table.delete()
    table.wait_until_not_exists()


def changes(arn):
    """The records of a stream, shard by shard."""
    streams = boto3.client("dynamodbstreams")
    records = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        it = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while it:
            out = streams.get_records(ShardIterator=it, Limit=40)
            records += out["Records"]
            it = out.get("NextShardIterator") if out["Records"] else None
    return records


class Index(GlobalSecondaryIndex):
    class Meta:
        index_name = "byForum"
        projection = AllProjection()
        read_capacity_units = write_capacity_units = 5

    forum = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class Reply(MapAttribute):
    by = UnicodeAttribute()
    text = UnicodeAttribute(null=True)


class Thread(Model):
    class Meta:
        table_name = "py-threads"
        host = ENDPOINT
        region = "us-east-1"
        read_capacity_units = write_capacity_units = 50
        stream_view_type = STREAM_NEW_AND_OLD_IMAGE

    forum = UnicodeAttribute(hash_key=True)
    subject = UnicodeAttribute(range_key=True)
    views = NumberAttribute(default=0)
    tags = UnicodeSetAttribute(null=True)
    posted = UTCDateTimeAttribute(null=True)
    replies = ListAttribute(of=Reply, default=list)
    version = VersionAttribute()
    by_forum = Index()


def pynamodb():
    Thread.create_table(wait=True)
    assert Thread.exists()
    when = datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
    thread = Thread("aws", "first", views=3, tags={"a", "b"}, posted=when, replies=[Reply(by="eve", text="hi")])
    thread.save(Thread.subject.does_not_exist())
    again = Thread.get("aws", "first", consistent_read=True)
    assert (again.tags, again.posted, again.replies[0].by, again.version) == ({"a", "b"}, when, "eve", 1)
    try:
        Thread("aws", "first").save(Thread.subject.does_not_exist())
        raise AssertionError("saved twice")
    except PutError as e:
        assert e.cause_response_code == "ConditionalCheckFailedException", e.cause_response_code
    again.update(actions=[Thread.views.add(1), Thread.replies.set(Thread.replies.append([Reply(by="bob")])), Thread.tags.delete({"a"})], condition=Thread.views == 3)
    assert (again.views, len(again.replies), again.tags, again.version) == (4, 2, {"b"}, 2)
    try:
        thread.update(actions=[Thread.views.set(0)])
        raise AssertionError("an old version was written")
    except UpdateError as e:
        assert e.cause_response_code == "ConditionalCheckFailedException"
    with Thread.batch_write() as batch:
        for i in range(60):
            batch.save(Thread("cloud", f"t{i:02}", views=i))
    assert [t.subject for t in Thread.query("cloud", Thread.subject.startswith("t5"), scan_index_forward=False, limit=3)] == ["t59", "t58", "t57"]
    assert len(list(Thread.query("cloud", filter_condition=(Thread.views > 9) & (Thread.views < 20), page_size=7))) == 10
    assert [t.views for t in Thread.by_forum.query("cloud", Index.views >= 57)] == [57, 58, 59]
    assert Thread.count("cloud") == 60
    assert sum(1 for _ in Thread.scan(segment=0, total_segments=2)) + sum(1 for _ in Thread.scan(segment=1, total_segments=2)) == 61
    assert len(list(Thread.batch_get([("cloud", f"t{i:02}") for i in range(60)]))) == 60
    connection = Connection(region="us-east-1", host=ENDPOINT)
    with TransactWrite(connection=connection) as transaction:
        transaction.save(Thread("tx", "a"))
        transaction.update(Thread.get("cloud", "t00"), actions=[Thread.views.set(1000)])
    with TransactGet(connection=connection) as transaction:
        future = transaction.get(Thread, "cloud", "t00")
    assert future.get().views == 1000
    try:
        with TransactWrite(connection=connection) as transaction:
            transaction.save(Thread("tx", "b"))
            transaction.condition_check(Thread, "tx", "a", condition=Thread.views == 99)
        raise AssertionError("not canceled")
    except TransactWriteError as e:
        assert [r.code if r else None for r in e.cancellation_reasons] == ["ConditionalCheckFailed", None], e.cancellation_reasons  # checks come first
    try:
        Thread.get("tx", "b")
        raise AssertionError("half a transaction")
    except DoesNotExist:
        pass
    first = [r for r in changes(Thread.describe_table()["LatestStreamArn"]) if r["dynamodb"]["Keys"]["subject"]["S"] == "first"]
    old, new = (Thread.from_raw_data(first[1]["dynamodb"][image]) for image in ("OldImage", "NewImage"))
    assert (old.views, new.views, old.tags, new.tags, new.replies[1].by) == (3, 4, {"a", "b"}, {"b"}, "bob")
    Thread.delete_table()


def regions():
    """A table with a key of its own, and a global table of the older version."""
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    clients = [boto3.client("dynamodb", region_name=region) for region in ("us-east-1", "eu-west-1")]
    schema = dict(
        TableName="py-global", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    made = clients[0].create_table(**schema, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    assert made["TableDescription"]["SSEDescription"]["KMSMasterKeyArn"] == key
    clients[1].create_table(**schema)
    group = [{"RegionName": "us-east-1"}, {"RegionName": "eu-west-1"}]
    clients[0].create_global_table(GlobalTableName="py-global", ReplicationGroup=group)
    assert clients[1].describe_global_table(GlobalTableName="py-global")["GlobalTableDescription"]["ReplicationGroup"] == group
    clients[0].put_item(TableName="py-global", Item={"id": {"S": "x"}})
    assert clients[1].get_item(TableName="py-global", Key={"id": {"S": "x"}})["Item"] == {"id": {"S": "x"}}


resource()
regions()
pynamodb()
