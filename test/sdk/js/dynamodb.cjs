// Documents with lib-dynamodb, and the two libraries that most build on:
// ElectroDB and Dynamoose. Each puts, reads, queries and transacts.
"use strict";
const assert = require("node:assert");
const { DynamoDBClient, CreateTableCommand, waitUntilTableExists, TransactionCanceledException } = require("@aws-sdk/client-dynamodb");
const { DynamoDBStreamsClient, DescribeStreamCommand, GetShardIteratorCommand, GetRecordsCommand } = require("@aws-sdk/client-dynamodb-streams");
const lib = require("@aws-sdk/lib-dynamodb");
const { unmarshall } = require("@aws-sdk/util-dynamodb");
const { Entity, Service } = require("electrodb");
const dynamoose = require("dynamoose");

const client = new DynamoDBClient({});

async function table(name, extra = {}) {
  const attribute = (AttributeName) => ({ AttributeName, AttributeType: "S" });
  const key = (hash, range) => [{ AttributeName: hash, KeyType: "HASH" }, { AttributeName: range, KeyType: "RANGE" }];
  const out = await client.send(new CreateTableCommand({
    TableName: name, BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: ["pk", "sk", "gsi1pk", "gsi1sk"].map(attribute), KeySchema: key("pk", "sk"),
    GlobalSecondaryIndexes: [{ IndexName: "gsi1", KeySchema: key("gsi1pk", "gsi1sk"), Projection: { ProjectionType: "ALL" } }],
    ...extra,
  }));
  await waitUntilTableExists({ client, minDelay: 1, maxWaitTime: 10 }, { TableName: name });
  return out.TableDescription;
}

async function documents() {
  const made = await table("js-documents", streaming);
  const TableName = made.TableName;
  const docs = lib.DynamoDBDocument.from(client, { marshallOptions: { removeUndefinedValues: true } });
  const item = { pk: "user#1", sk: "profile", age: 41, tags: new Set(["a", "b"]), raw: new Uint8Array([1, 2]), deep: { list: [1, null, { x: true }] }, none: undefined };
  await docs.put({ TableName, Item: item, ConditionExpression: "attribute_not_exists(pk)" });
  const got = (await docs.get({ TableName, Key: { pk: "user#1", sk: "profile" } })).Item;
  assert.deepStrictEqual([got.age, got.tags, got.deep, "none" in got], [41, new Set(["a", "b"]), item.deep, false]);
  await assert.rejects(docs.put({ TableName, Item: item, ConditionExpression: "attribute_not_exists(pk)", ReturnValuesOnConditionCheckFailure: "ALL_OLD" }),
    (e) => e.name === "ConditionalCheckFailedException" && e.Item.age.N === "41");
  const updated = await docs.update({
    TableName, Key: { pk: "user#1", sk: "profile" }, UpdateExpression: "SET age = age + :n, deep.#l[0] = :x REMOVE tags", ReturnValues: "ALL_NEW",
    ExpressionAttributeNames: { "#l": "list" }, ExpressionAttributeValues: { ":n": 1, ":x": "new" },
  });
  assert.deepStrictEqual([updated.Attributes.age, updated.Attributes.deep.list[0], updated.Attributes.tags], [42, "new", undefined]);

  const writes = Array.from({ length: 25 }, (_, i) => ({ PutRequest: { Item: { pk: "user#1", sk: `order#${String(i).padStart(3, "0")}`, gsi1pk: i % 2 ? "odd" : "even", gsi1sk: String(i), i } } }));
  const batch = await docs.batchWrite({ RequestItems: { [TableName]: writes } });
  assert.deepStrictEqual(batch.UnprocessedItems, {});
  const sums = [];
  const pages = lib.paginateQuery({ client: docs, pageSize: 10 }, {
    TableName, KeyConditionExpression: "pk = :p AND begins_with(sk, :s)", ExpressionAttributeValues: { ":p": "user#1", ":s": "order#" }, ScanIndexForward: false,
  });
  for await (const page of pages) sums.push(...page.Items.map((it) => it.i));
  assert.deepStrictEqual(sums, Array.from({ length: 25 }, (_, i) => 24 - i));
  const odd = await docs.query({ TableName, IndexName: "gsi1", KeyConditionExpression: "gsi1pk = :p", ExpressionAttributeValues: { ":p": "odd" } });
  assert.strictEqual(odd.Count, 12);
  const parts = await Promise.all([0, 1, 2].map((Segment) => docs.scan({ TableName, Segment, TotalSegments: 3, Select: "COUNT" })));
  assert.strictEqual(parts.reduce((n, p) => n + p.Count, 0), 26);

  await docs.transactWrite({ ClientRequestToken: "once", TransactItems: [
    { Update: { TableName, Key: { pk: "n", sk: "n" }, UpdateExpression: "ADD n :one", ExpressionAttributeValues: { ":one": 1 } } },
    { ConditionCheck: { TableName, Key: { pk: "user#1", sk: "profile" }, ConditionExpression: "age = :a", ExpressionAttributeValues: { ":a": 42 } } },
  ] });
  await assert.rejects(docs.transactWrite({ TransactItems: [
    { Put: { TableName, Item: { pk: "never", sk: "x" } } },
    { Delete: { TableName, Key: { pk: "user#1", sk: "profile" }, ConditionExpression: "age = :a", ExpressionAttributeValues: { ":a": 0 }, ReturnValuesOnConditionCheckFailure: "ALL_OLD" } },
  ] }), (e) => e instanceof TransactionCanceledException && e.CancellationReasons[0].Code === "None" && e.CancellationReasons[1].Item.age.N === "42");
  const both = await docs.transactGet({ TransactItems: [{ Get: { TableName, Key: { pk: "n", sk: "n" } } }, { Get: { TableName, Key: { pk: "never", sk: "x" } } }] });
  assert.deepStrictEqual(both.Responses.map((r) => r.Item?.n), [1, undefined]);
  const selected = await docs.send(new lib.ExecuteStatementCommand({ Statement: `SELECT i FROM "${TableName}" WHERE pk = ? AND begins_with(sk, ?)`, Parameters: ["user#1", "order#02"] }));
  assert.deepStrictEqual(selected.Items.map((it) => it.i), [20, 21, 22, 23, 24]);
  const events = await changes(made.LatestStreamArn);
  const profile = events.filter((e) => e.dynamodb.Keys.sk.S === "profile").map((e) => [e.eventName, e.dynamodb.OldImage && unmarshall(e.dynamodb.OldImage).age, unmarshall(e.dynamodb.NewImage).age]);
  assert.deepStrictEqual(profile, [["INSERT", undefined, 41], ["MODIFY", 41, 42]]);
  assert.strictEqual(events.length, 28);
}

const streaming = { StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" } };

// changes reads a stream from its beginning: its records, shard by shard.
async function changes(StreamArn) {
  const streams = new DynamoDBStreamsClient({});
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const events = [];
  for (const { ShardId } of StreamDescription.Shards) {
    let { ShardIterator } = await streams.send(new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" }));
    for (let i = 0; ShardIterator && i < 5; i++) {
      const out = await streams.send(new GetRecordsCommand({ ShardIterator }));
      events.push(...out.Records);
      ShardIterator = out.NextShardIterator;
    }
  }
  return events;
}

async function electro() {
  const made = await table("js-electro", streaming);
  const configuration = { client, table: "js-electro" };
  const Task = new Entity({
    model: { entity: "task", version: "1", service: "work" },
    attributes: {
      id: { type: "string", required: true }, project: { type: "string", required: true }, employee: { type: "string", required: true },
      points: { type: "number", default: 0 }, labels: { type: "set", items: "string" }, status: { type: ["open", "done"], default: "open" },
    },
    indexes: {
      byProject: { pk: { field: "pk", composite: ["project"] }, sk: { field: "sk", composite: ["id"] } },
      byEmployee: { index: "gsi1", collection: "assignments", pk: { field: "gsi1pk", composite: ["employee"] }, sk: { field: "gsi1sk", composite: ["project", "id"] } },
    },
  }, configuration);
  const Employee = new Entity({
    model: { entity: "employee", version: "1", service: "work" },
    attributes: { employee: { type: "string", required: true }, name: { type: "string" } },
    indexes: {
      byId: { pk: { field: "pk", composite: ["employee"] }, sk: { field: "sk", composite: [] } },
      assigned: { index: "gsi1", collection: "assignments", pk: { field: "gsi1pk", composite: ["employee"] }, sk: { field: "gsi1sk", composite: [] } },
    },
  }, configuration);
  const work = new Service({ Task, Employee });

  await Employee.create({ employee: "eve", name: "Eve" }).go();
  const tasks = Array.from({ length: 30 }, (_, i) => ({ id: String(i).padStart(2, "0"), project: i < 20 ? "aloft" : "other", employee: i % 3 ? "eve" : "bob", labels: ["x", "y"] }));
  assert.deepStrictEqual((await Task.put(tasks).go()).unprocessed, []);
  await assert.rejects(Task.create(tasks[0]).go(), /conditional request failed/i);
  const patched = await Task.patch({ project: "aloft", id: "00" }).add({ points: 5 }).set({ status: "done" }).delete({ labels: ["x"] }).go({ response: "all_new" });
  assert.deepStrictEqual([patched.data.points, patched.data.status, patched.data.labels], [5, "done", ["y"]]);
  const between = await Task.query.byProject({ project: "aloft" }).between({ id: "05" }, { id: "09" }).go();
  assert.deepStrictEqual(between.data.map((t) => t.id), ["05", "06", "07", "08", "09"]);
  const open = await Task.query.byProject({ project: "aloft" }).where(({ status }, { eq }) => eq(status, "open")).go({ pages: "all", limit: 7 });
  assert.strictEqual(open.data.length, 19);
  const assigned = await work.collections.assignments({ employee: "eve" }).go({ pages: "all" });
  assert.deepStrictEqual([assigned.data.Employee.length, assigned.data.Task.length], [1, 20]);
  const many = await Task.get(tasks.slice(0, 3).map(({ id, project }) => ({ id, project }))).go();
  assert.strictEqual(many.data.length, 3);
  const done = await work.transaction.write(({ Task, Employee }) => [
    Task.update({ project: "aloft", id: "01" }).set({ status: "done" }).where(({ status }, { eq }) => eq(status, "open")).commit(),
    Employee.patch({ employee: "eve" }).set({ name: "Eva" }).commit(),
  ]).go();
  assert.strictEqual(done.canceled, false);
  const canceled = await work.transaction.write(({ Task, Employee }) => [
    Task.update({ project: "aloft", id: "01" }).set({ points: 9 }).where(({ status }, { eq }) => eq(status, "open")).commit(),
    Employee.remove({ employee: "eve" }).commit(),
  ]).go();
  assert.deepStrictEqual([canceled.canceled, canceled.data[0].code], [true, "ConditionalCheckFailed"]);
  assert.strictEqual((await Employee.get({ employee: "eve" }).go()).data.name, "Eva");
  const images = (await changes(made.LatestStreamArn)).map((e) => unmarshall(e.dynamodb.NewImage));
  const names = images.filter((image) => image.__edb_e__ === "employee").map((Item) => Employee.parse({ Item }).data.name);
  assert.deepStrictEqual(names, ["Eve", "Eva"]);
}

async function goose() {
  dynamoose.aws.ddb.set(new dynamoose.aws.ddb.DynamoDB({}));
  const schema = new dynamoose.Schema({
    id: String, sort: { type: Number, rangeKey: true }, owner: { type: String, index: { name: "ownerIndex", type: "global" } },
    tags: { type: Set, schema: [String] }, meta: { type: Object, schema: { when: Date } },
  }, { timestamps: true });
  const Note = dynamoose.model("js-goose", schema, { throughput: "ON_DEMAND" });
  await Note.create({ id: "a", sort: 1, owner: "eve", tags: new Set(["x"]), meta: { when: new Date(1000000) } });
  await assert.rejects(Note.create({ id: "a", sort: 1 }), (e) => e.name === "ConditionalCheckFailedException");
  await Note.batchPut(Array.from({ length: 10 }, (_, i) => ({ id: "b", sort: i, owner: i % 2 ? "eve" : "bob" })));
  const note = await Note.get({ id: "a", sort: 1 });
  assert.deepStrictEqual([note.owner, note.meta.when.getTime(), [...note.tags]], ["eve", 1000000, ["x"]]);
  await Note.update({ id: "a", sort: 1 }, { $SET: { owner: "bob" }, $REMOVE: ["meta"] });
  assert.deepStrictEqual([(await Note.query("id").eq("b").where("sort").ge(7).exec()).map((n) => n.sort), (await Note.query("owner").eq("bob").using("ownerIndex").all().exec()).length], [[7, 8, 9], 6]);
  const page = await Note.scan("owner").eq("eve").limit(4).exec();
  assert.ok(page.lastKey);
  await dynamoose.transaction([Note.transaction.create({ id: "t", sort: 1 }), Note.transaction.delete({ id: "a", sort: 1 })]);
  assert.deepStrictEqual([await Note.get({ id: "a", sort: 1 }), (await Note.get({ id: "t", sort: 1 })).id], [undefined, "t"]);
}

(async () => {
  await documents();
  await electro();
  await goose();
})().catch((e) => { console.error(e); process.exit(1); });
