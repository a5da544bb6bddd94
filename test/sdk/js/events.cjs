// Buses, schedules, streams and pipes with aws-sdk-js v3.
const assert = require('node:assert');
const { SQSClient, CreateQueueCommand, ReceiveMessageCommand } = require('@aws-sdk/client-sqs');
const eb = require('@aws-sdk/client-eventbridge');
const kinesis = require('@aws-sdk/client-kinesis');
const { SchedulerClient, CreateScheduleCommand, GetScheduleCommand, DeleteScheduleCommand } = require('@aws-sdk/client-scheduler');
const { PipesClient, CreatePipeCommand, DescribePipeCommand } = require('@aws-sdk/client-pipes');
const { IAMClient, CreateRoleCommand, PutRolePolicyCommand } = require('@aws-sdk/client-iam');

const sqs = new SQSClient({}), bus = new eb.EventBridgeClient({}), streams = new kinesis.KinesisClient({}), iam = new IAMClient({});
const arn = (service, resource) => `arn:aws:${service}:us-east-1:000000000000:${resource}`;

const queue = async (QueueName) => (await sqs.send(new CreateQueueCommand({
  QueueName,
  Attributes: { Policy: JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' }] }) },
}))).QueueUrl;

const receive = async (QueueUrl) => {
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
  assert.ok(Messages, 'nothing came');
  return Messages[0].Body;
};

(async () => {
  const { Role } = await iam.send(new CreateRoleCommand({
    RoleName: 'js', AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: ['scheduler.amazonaws.com', 'pipes.amazonaws.com', 'events.amazonaws.com'] }, Action: 'sts:AssumeRole' }] }),
  }));
  await iam.send(new PutRolePolicyCommand({ RoleName: 'js', PolicyName: 'all', PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }) }));

  // A rule to a stream, by its partition key.
  await streams.send(new kinesis.CreateStreamCommand({ StreamName: 'js', ShardCount: 1 }));
  await bus.send(new eb.PutRuleCommand({ Name: 'js', EventPattern: JSON.stringify({ source: [{ prefix: 'js.' }] }) }));
  await bus.send(new eb.PutTargetsCommand({ Rule: 'js', Targets: [{ Id: 'k', Arn: arn('kinesis', 'stream/js'), RoleArn: Role.Arn, KinesisParameters: { PartitionKeyPath: '$.detail.id' } }] }));
  const put = await bus.send(new eb.PutEventsCommand({ Entries: [{ Source: 'js.app', DetailType: 'd', Detail: '{"id":"o-1"}', Time: new Date(0) }, { Source: 'js.app', DetailType: 'd', Detail: 'x' }] }));
  assert.equal(put.FailedEntryCount, 1);
  assert.equal(put.Entries[1].ErrorCode, 'MalformedDetail');

  // Enhanced fan-out.
  const { Consumer } = await streams.send(new kinesis.RegisterStreamConsumerCommand({ StreamARN: arn('kinesis', 'stream/js'), ConsumerName: 'c' }));
  const { EventStream } = await streams.send(new kinesis.SubscribeToShardCommand({ ConsumerARN: Consumer.ConsumerARN, ShardId: 'shardId-000000000000', StartingPosition: { Type: 'TRIM_HORIZON' } }));
  for await (const { SubscribeToShardEvent: e } of EventStream) {
    if (e.Records.length === 0) continue;
    const event = JSON.parse(Buffer.from(e.Records[0].Data));
    assert.equal(e.Records[0].PartitionKey, 'o-1');
    assert.equal(event.time, '1970-01-01T00:00:00Z');
    break;
  }

  // A schedule.
  const scheduled = await queue('scheduled');
  const scheduler = new SchedulerClient({});
  await scheduler.send(new CreateScheduleCommand({ Name: 's', ScheduleExpression: 'rate(1 day)', FlexibleTimeWindow: { Mode: 'OFF' }, Target: { Arn: arn('sqs', 'scheduled'), RoleArn: Role.Arn, Input: 'on time' } }));
  assert.equal(await receive(scheduled), 'on time');
  assert.ok((await scheduler.send(new GetScheduleCommand({ Name: 's' }))).CreationDate instanceof Date);
  await scheduler.send(new DeleteScheduleCommand({ Name: 's' }));
  await assert.rejects(scheduler.send(new GetScheduleCommand({ Name: 's' })), (e) => e.name === 'ResourceNotFoundException');

  // A pipe from the stream.
  const piped = await queue('piped');
  const pipes = new PipesClient({});
  await pipes.send(new CreatePipeCommand({
    Name: 'p', Source: arn('kinesis', 'stream/js'), Target: arn('sqs', 'piped'), RoleArn: Role.Arn,
    SourceParameters: { KinesisStreamParameters: { StartingPosition: 'TRIM_HORIZON' } }, TargetParameters: { InputTemplate: '<$.data.detail.id>' },
  }));
  assert.equal(await receive(piped), '"o-1"');
  assert.equal((await pipes.send(new DescribePipeCommand({ Name: 'p' }))).CurrentState, 'RUNNING');
  process.exit(0);
})().catch((e) => { console.error(e); process.exit(1); });
