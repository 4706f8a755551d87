"""The build function: builds one school's report for each message, or notes that it failed if it is a dead letter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from adapters.logs import open_logger
from adapters.settings import setting
from adapters.stores import open_stores
from early_results import keys
from workflow.build_report import Built, build_report, fail_report

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

METRICS = {
    Built.READY: "ReportReady",
    Built.FAILED: "ReportFailed",
    Built.INCOMPLETE: "ReportFailed",
    Built.DELETED: "ReportDeleted",
}

logger = open_logger()
metrics = Metrics()
processor = BatchProcessor(event_type=EventType.SQS, logger=logger)  # type: ignore[arg-type]  # Powertools' own


def build_record(record: SQSRecord) -> None:
    """Builds the report that a message asks for, or gives it up if the message is a dead letter."""
    message = json.loads(record.body)
    # The message's `service` is logged under another name, since Powertools logs the function's name as `service`.
    logger.append_keys(asked=message)
    dead = record.event_source_arn == setting("REPORT_DEAD_LETTER_QUEUE_ARN")
    act = fail_report if dead else build_report
    built = act(open_stores(), message["service"], int(message["window"]), message["school"])
    report = open_stores().table.get(keys.report(message["service"], int(message["window"]), message["school"])) or {}
    logger.info("report", extra={"outcome": built.value, "correlation_id": report.get("upload_id")})
    metrics.add_metric(METRICS[built], MetricUnit.Count, 1)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handles messages of the report queue and of its dead-letter queue, one in each invocation."""
    return process_partial_response(event, build_record, processor, context)
