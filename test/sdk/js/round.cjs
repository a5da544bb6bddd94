// A round over the services with aws-sdk-js v3. argv[2] is node_modules.
const assert = require('node:assert/strict')
const {createRequire} = require('node:module')
const zlib = require('node:zlib')
const load = createRequire(process.argv[2] + '/')
const sdk = name => load('@aws-sdk/' + name)

async function refused(name, promise) {
  await assert.rejects(promise, e => (assert.equal(e.name, name), true))
}

async function dynamodb() {
  const {DynamoDBClient, CreateTableCommand, waitUntilTableExists} = sdk('client-dynamodb')
  const {DynamoDBDocumentClient, PutCommand, GetCommand, QueryCommand, UpdateCommand, TransactWriteCommand} = sdk('lib-dynamodb')
  const client = new DynamoDBClient()
  await client.send(new CreateTableCommand({
    TableName: 'js-table', BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{AttributeName: 'pk', AttributeType: 'S'}, {AttributeName: 'sk', AttributeType: 'S'}],
    KeySchema: [{AttributeName: 'pk', KeyType: 'HASH'}, {AttributeName: 'sk', KeyType: 'RANGE'}],
  }))
  await waitUntilTableExists({client, maxWaitTime: 10, minDelay: 1}, {TableName: 'js-table'})
  const doc = DynamoDBDocumentClient.from(client)
  for (const sk of ['a', 'b', 'c']) await doc.send(new PutCommand({TableName: 'js-table', Item: {pk: '1', sk, n: 1, list: [1, 'x', null, {deep: true}]}}))
  const {Attributes} = await doc.send(new UpdateCommand({
    TableName: 'js-table', Key: {pk: '1', sk: 'a'}, UpdateExpression: 'ADD n :n SET #l[0] = :x',
    ExpressionAttributeNames: {'#l': 'list'}, ExpressionAttributeValues: {':n': 4, ':x': 'first'}, ReturnValues: 'ALL_NEW',
  }))
  assert.deepEqual([Attributes.n, Attributes.list[0]], [5, 'first'])
  const {Items} = await doc.send(new QueryCommand({TableName: 'js-table', KeyConditionExpression: 'pk = :p AND begins_with(sk, :s)', ExpressionAttributeValues: {':p': '1', ':s': 'b'}}))
  assert.equal(Items.length, 1)
  await refused('ConditionalCheckFailedException', doc.send(new PutCommand({TableName: 'js-table', Item: {pk: '1', sk: 'a'}, ConditionExpression: 'attribute_not_exists(pk)'})))
  await doc.send(new TransactWriteCommand({TransactItems: [{Put: {TableName: 'js-table', Item: {pk: '2', sk: 'x'}}}, {Delete: {TableName: 'js-table', Key: {pk: '1', sk: 'c'}}}]}))
  assert.equal((await doc.send(new GetCommand({TableName: 'js-table', Key: {pk: '1', sk: 'c'}}))).Item, undefined)
}

async function s3() {
  const {S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, DeleteObjectCommand, DeleteBucketCommand} = sdk('client-s3')
  const client = new S3Client({forcePathStyle: true})
  const Bucket = 'js-bucket'
  await client.send(new CreateBucketCommand({Bucket}))
  await client.send(new PutObjectCommand({Bucket, Key: 'k', Body: 'hello', ContentType: 'text/plain', Metadata: {a: 'b'}}))
  const got = await client.send(new GetObjectCommand({Bucket, Key: 'k'}))
  assert.equal(await got.Body.transformToString(), 'hello')
  assert.deepEqual([got.ContentType, got.Metadata.a], ['text/plain', 'b'])
  assert.equal((await client.send(new HeadObjectCommand({Bucket, Key: 'k'}))).ContentLength, 5)
  await refused('NoSuchKey', client.send(new GetObjectCommand({Bucket, Key: 'none'})))
  await refused('NotFound', client.send(new HeadObjectCommand({Bucket, Key: 'none'})))
  assert.equal((await client.send(new ListObjectsV2Command({Bucket}))).KeyCount, 1)
  await client.send(new DeleteObjectCommand({Bucket, Key: 'k'}))
  await client.send(new DeleteBucketCommand({Bucket}))
}

// zip makes an archive of one file, stored.
function zip(name, text) {
  const data = Buffer.from(text), n = Buffer.from(name), crc = zlib.crc32 ? zlib.crc32(data) : crc32(data)
  const local = Buffer.alloc(30)
  local.writeUInt32LE(0x04034b50, 0); local.writeUInt16LE(20, 4); local.writeUInt32LE(crc, 14)
  local.writeUInt32LE(data.length, 18); local.writeUInt32LE(data.length, 22); local.writeUInt16LE(n.length, 26)
  const central = Buffer.alloc(46)
  central.writeUInt32LE(0x02014b50, 0); central.writeUInt16LE(0x031e, 4); central.writeUInt16LE(20, 6); central.writeUInt32LE(crc, 16)
  central.writeUInt32LE(data.length, 20); central.writeUInt32LE(data.length, 24); central.writeUInt16LE(n.length, 28); central.writeUInt32LE(0o100644 * 65536, 38)
  const end = Buffer.alloc(22), at = 30 + n.length + data.length
  end.writeUInt32LE(0x06054b50, 0); end.writeUInt16LE(1, 8); end.writeUInt16LE(1, 10); end.writeUInt32LE(46 + n.length, 12); end.writeUInt32LE(at, 16)
  return Buffer.concat([local, n, data, central, n, end])
}

function crc32(data) {
  let c = ~0
  for (const b of data) { c ^= b; for (let i = 0; i < 8; i++) c = c & 1 ? c >>> 1 ^ 0xedb88320 : c >>> 1 }
  return ~c >>> 0
}

async function functions() {
  const {IAMClient, CreateRoleCommand} = sdk('client-iam')
  const {LambdaClient, CreateFunctionCommand, InvokeCommand, waitUntilFunctionActiveV2} = sdk('client-lambda')
  const trust = {Version: '2012-10-17', Statement: [{Effect: 'Allow', Principal: {Service: 'lambda.amazonaws.com'}, Action: 'sts:AssumeRole'}]}
  const {Role} = await new IAMClient().send(new CreateRoleCommand({RoleName: 'js-role', AssumeRolePolicyDocument: JSON.stringify(trust)}))
  const client = new LambdaClient()
  const code = "exports.handler = async (event, context) => { if (event.fail) throw new TypeError('asked to'); return {event, left: context.getRemainingTimeInMillis() > 0} }"
  await client.send(new CreateFunctionCommand({FunctionName: 'js-fn', Runtime: 'nodejs20.x', Handler: 'index.handler', Role: Role.Arn, Code: {ZipFile: zip('index.js', code)}}))
  await waitUntilFunctionActiveV2({client, maxWaitTime: 10, minDelay: 1}, {FunctionName: 'js-fn'})
  const ok = await client.send(new InvokeCommand({FunctionName: 'js-fn', Payload: '{"a":1}'}))
  assert.deepEqual(JSON.parse(ok.Payload.transformToString()), {event: {a: 1}, left: true})
  const bad = await client.send(new InvokeCommand({FunctionName: 'js-fn', Payload: '{"fail":1}'}))
  assert.equal(bad.FunctionError, 'Unhandled')
  const error = JSON.parse(bad.Payload.transformToString())
  assert.deepEqual([error.errorType, error.errorMessage], ['TypeError', 'asked to'])
  await refused('ResourceNotFoundException', client.send(new InvokeCommand({FunctionName: 'none'})))
}

async function others() {
  const {STSClient, GetCallerIdentityCommand} = sdk('client-sts')
  assert.equal((await new STSClient().send(new GetCallerIdentityCommand())).Account, '000000000000')
  const {CloudWatchLogsClient, CreateLogGroupCommand, CreateLogStreamCommand, PutLogEventsCommand, FilterLogEventsCommand} = sdk('client-cloudwatch-logs')
  const logs = new CloudWatchLogsClient(), logGroupName = 'js', logStreamName = 's'
  await logs.send(new CreateLogGroupCommand({logGroupName}))
  await logs.send(new CreateLogStreamCommand({logGroupName, logStreamName}))
  await logs.send(new PutLogEventsCommand({logGroupName, logStreamName, logEvents: [{timestamp: Date.now(), message: '{"level":"warn","n":3}'}, {timestamp: Date.now(), message: 'plain'}]}))
  assert.equal((await logs.send(new FilterLogEventsCommand({logGroupName, filterPattern: '{ $.n > 2 }'}))).events.length, 1)
  const {ApiGatewayV2Client, CreateApiCommand, GetApisCommand} = sdk('client-apigatewayv2')
  const gateway = new ApiGatewayV2Client()
  await gateway.send(new CreateApiCommand({Name: 'js', ProtocolType: 'HTTP'}))
  assert.equal((await gateway.send(new GetApisCommand())).Items.length, 1)
  const {CloudFormationClient, CreateStackCommand, DescribeStacksCommand, waitUntilStackCreateComplete} = sdk('client-cloudformation')
  const cfn = new CloudFormationClient()
  await cfn.send(new CreateStackCommand({StackName: 'js', TemplateBody: JSON.stringify({Resources: {G: {Type: 'AWS::Logs::LogGroup'}}, Outputs: {G: {Value: {Ref: 'G'}}}})}))
  await waitUntilStackCreateComplete({client: cfn, maxWaitTime: 20, minDelay: 1}, {StackName: 'js'})
  assert.match((await cfn.send(new DescribeStacksCommand({StackName: 'js'}))).Stacks[0].Outputs[0].OutputValue, /^js-G-/)
}

dynamodb().then(s3).then(functions).then(others).catch(e => { console.error(e); process.exit(1) })
