"""The notice function: finds what people are to be told, in the table's stream and by a schedule, and queues it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from adapters.logs import open_logger
from adapters.stores import open_queue, open_stores
from adapters.table import from_attributes
from early_results.service import load_service, service_names
from workflow.find_news import news_of_file, news_of_straggler, news_of_windows

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = open_logger()
metrics = Metrics()
processor = BatchProcessor(event_type=EventType.DynamoDBStreams, logger=logger)  # type: ignore[arg-type]


def read_record(record: DynamoDBRecord) -> None:
    """Queues what a changed record of an upload, or a straggler that was let in (`ADDED#`), is news of."""
    image = record.raw_event["dynamodb"].get("NewImage")
    if not image:
        return
    item = from_attributes(image)
    logger.append_keys(upload_id=item["upload_id"], correlation_id=item["upload_id"])
    stores, queue, now = open_stores(), open_queue("TELL_QUEUE_URL"), datetime.now(UTC)
    if item["sk"] == "UPLOAD":
        queued = news_of_file(stores, queue, item, now)
    else:
        queued = news_of_straggler(stores, queue, item["upload_id"], now)
    metrics.add_metric("NoticeQueued", MetricUnit.Count, queued)


def look(now: datetime) -> dict[str, int]:
    """A run of the schedule over every service. Gives how many people each round was queued for."""
    found: dict[str, int] = {}
    for name in service_names():
        for one, people in news_of_windows(open_stores(), open_queue("TELL_QUEUE_URL"), load_service(name), now):
            found[f"{name} {one.mark}"] = people
            metrics.add_metric("NoticeQueued", MetricUnit.Count, people)
    return found


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Records of the table's stream, or a run of the schedule, every five minutes."""
    if "Records" in event:
        return process_partial_response(event, read_record, processor, context)
    found = look(datetime.now(UTC))
    if found:
        logger.info("rounds", extra={"queued": found})
    return found
