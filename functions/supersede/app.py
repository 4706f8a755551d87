"""The supersede function: good uploads that wait for their offer, as the table's stream brings them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from adapters.logs import open_logger
from adapters.stores import open_stores
from early_results.counting.registers import Outcome
from workflow.join_registers import offer_upload

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = open_logger()
metrics = Metrics()
# A record that fails must not hold back the schools behind it, so the others are offered all the same.
processor = BatchProcessor(event_type=EventType.DynamoDBStreams, logger=logger)  # type: ignore[arg-type]


def offer_record(record: DynamoDBRecord) -> None:
    """Offers the upload that a stream record is about. What to do is read from the table, not from the record."""
    image = record.dynamodb.new_image if record.dynamodb else None
    if not image or "offer_pending" not in image:
        return
    upload_id = image["upload_id"]
    # Set first, so that the line about a failed record has it too.
    logger.append_keys(upload_id=upload_id, correlation_id=upload_id)
    outcome = offer_upload(open_stores(), upload_id)
    logger.info("offered", extra={"outcome": outcome.value})
    if outcome is Outcome.STRAGGLER:
        metrics.add_metric("Straggler", MetricUnit.Count, 1)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Records of the table's stream that carry `offer_pending`."""
    return process_partial_response(event, offer_record, processor, context)
