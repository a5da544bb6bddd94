from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, idempotent

logger = Logger(service="shop")
metrics = Metrics(namespace="shop", service="orders")
tracer = Tracer(service="shop")
app = APIGatewayHttpResolver()
processor = BatchProcessor(event_type=EventType.SQS)


@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
@tracer.capture_lambda_handler
def handler(event, context):
    logger.info("got it", extra={"order": event["order"]})
    metrics.add_metric(name="orders", unit=MetricUnit.Count, value=1)
    return {"order": event["order"]}


@app.get("/hello/<name>")
def hello(name):
    return {"message": "hello " + name}


def http(event, context):
    return app.resolve(event, context)


def handle(record):
    if record.body == "bad":
        raise ValueError("bad")


def batch(event, context):
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)


calls = 0


@idempotent(persistence_store=DynamoDBPersistenceLayer(table_name="once"))
def once(event, context):
    global calls
    calls += 1
    return {"calls": calls, "of": event["id"]}
