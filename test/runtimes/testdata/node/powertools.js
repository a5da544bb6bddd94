const { Logger } = require('@aws-lambda-powertools/logger');
const { Metrics, MetricUnit } = require('@aws-lambda-powertools/metrics');
const { Tracer } = require('@aws-lambda-powertools/tracer');
const { BatchProcessor, EventType, processPartialResponse } = require('@aws-lambda-powertools/batch');
const { makeIdempotent } = require('@aws-lambda-powertools/idempotency');
const { DynamoDBPersistenceLayer } = require('@aws-lambda-powertools/idempotency/dynamodb');
const { getParameter } = require('@aws-lambda-powertools/parameters/ssm');

const logger = new Logger({ serviceName: 'shop' });
const metrics = new Metrics({ namespace: 'shop', serviceName: 'orders' });
const tracer = new Tracer({ serviceName: 'shop' });
const processor = new BatchProcessor(EventType.SQS);

exports.handler = async (event, context) => {
  logger.addContext(context);
  logger.info('got it', { order: event.order });
  metrics.captureColdStartMetric();
  metrics.addMetric('orders', MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
  tracer.putAnnotation('order', event.order);
  return { traced: tracer.getRootXrayTraceId() };
};

exports.batch = async (event, context) =>
  processPartialResponse(
    event,
    async (record) => {
      if (record.body === 'bad') throw new Error('bad');
    },
    processor,
    { context },
  );

let calls = 0;
exports.once = makeIdempotent(async (event) => ({ calls: ++calls, of: event.id }), {
  persistenceStore: new DynamoDBPersistenceLayer({ tableName: 'once' }),
});

exports.parameter = async (event) => getParameter(event.name);
