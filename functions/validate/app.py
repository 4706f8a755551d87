"""Checks one uploaded file: the validate function, and the rescue function for files that killed it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from adapters.logs import open_logger
from adapters.stores import open_stores
from early_results.object_keys import parse_upload_key
from workflow.check_upload import Checked, check_object, note_rescue, park_upload

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

RESCUE_TRIES = 2  # after so many tries of the rescue function an upload is parked, because it kills this function too

logger = open_logger()
metrics = Metrics()
processor = BatchProcessor(event_type=EventType.SQS, logger=logger)  # type: ignore[arg-type]  # Powertools' own

METRICS = {
    Checked.ACCEPTED: "UploadAccepted",
    Checked.REFUSED: "UploadRefused",
    Checked.UNATTRIBUTED: "ObjectUnattributed",
    Checked.DELETED: "ReplayUnderTombstone",
}


def objects_of(body: str) -> list[tuple[str, str | None]]:
    """Key and version of every object that an S3 notification names; S3's test message names none."""
    message: dict[str, Any] = json.loads(body)
    return [
        (unquote_plus(record["s3"]["object"]["key"]), record["s3"]["object"].get("versionId"))
        for record in message.get("Records", [])
    ]


def _upload_in(key: str) -> str | None:
    """The id of the upload that an object belongs to. By it all lines of the log, from form to report, can be found."""
    found = parse_upload_key(key)
    return found.upload_id if found else None


def check_record(record: SQSRecord) -> None:
    """Checks every object that a message names."""
    for key, version in objects_of(record.body):
        logger.append_keys(object_key=key, correlation_id=_upload_in(key))
        outcome = check_object(open_stores(), key, version, datetime.now(UTC))
        logger.info("checked", extra={"outcome": outcome.value})
        if outcome in METRICS:
            metrics.add_metric(METRICS[outcome], MetricUnit.Count, 1)


def rescue_record(record: SQSRecord) -> None:
    """Tries a dead letter's objects again with more memory and time, and parks what kills this function too."""
    stores = open_stores()
    attempt = f"{record.message_id}/{record.attributes.approximate_receive_count}"
    if all(note_rescue(stores, key, attempt) <= RESCUE_TRIES for key, _ in objects_of(record.body)):
        check_record(record)
        return
    for key, _ in objects_of(record.body):
        if park_upload(stores, key):
            logger.error("parked", extra={"object_key": key, "correlation_id": _upload_in(key)})
            metrics.add_metric("UploadParked", MetricUnit.Count, 1)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """The validate function: handles messages of the upload queue, one in each invocation."""
    return process_partial_response(event, check_record, processor, context)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def rescue(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """The rescue function: handles messages of the upload queue's dead-letter queue, one in each invocation."""
    return process_partial_response(event, rescue_record, processor, context)
