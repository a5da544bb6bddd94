// Queues and topics with aws-sdk-js v3, and a consumer as people use it.
const assert = require('node:assert');
const { SQSClient, CreateQueueCommand, SendMessageBatchCommand, GetQueueUrlCommand, GetQueueAttributesCommand } = require('@aws-sdk/client-sqs');
const { SNSClient, CreateTopicCommand, SubscribeCommand, PublishBatchCommand } = require('@aws-sdk/client-sns');
const { Consumer } = require('sqs-consumer');

const sqs = new SQSClient({}), sns = new SNSClient({});

// consume returns the bodies of so many messages, as a consumer gets them.
const consume = (queueUrl, count) => new Promise((resolve, reject) => {
  const bodies = [];
  const consumer = Consumer.create({
    queueUrl, sqs, batchSize: 10, waitTimeSeconds: 5,
    handleMessage: async (m) => {
      bodies.push(m.Body);
      if (bodies.length === count) {
        consumer.stop();
        resolve(bodies);
      }
      return m;
    },
  });
  for (const e of ['error', 'processing_error', 'timeout_error']) consumer.on(e, reject);
  consumer.start();
});

(async () => {
  const policy = JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: '*' }] });
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'consumer', Attributes: { Policy: policy } }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  const Entries = [...Array(10).keys()].map((i) => ({ Id: `m${i}`, MessageBody: `m${i}`, MessageAttributes: { i: { DataType: 'Number', StringValue: `${i}` } } }));
  await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  assert.deepEqual((await consume(QueueUrl, 10)).sort(), Entries.map((e) => e.MessageBody).sort());

  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'js' }));
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: Attributes.QueueArn }));
  await sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries: [{ Id: 'a', Message: 'one' }, { Id: 'b', Message: 'two', Subject: 's' }] }));
  const got = (await consume(QueueUrl, 2)).map((b) => JSON.parse(b).Message).sort();
  assert.deepEqual(got, ['one', 'two']);

  await assert.rejects(sqs.send(new GetQueueUrlCommand({ QueueName: 'none' })), (e) => e.name === 'QueueDoesNotExist' || e.name === 'AWS.SimpleQueueService.NonExistentQueue');
})().catch((e) => { console.error(e); process.exit(1); });
