"""The roster function: extracts of pupils, schools and trusts that are dropped under `rosters/`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from adapters.logs import open_logger
from adapters.stores import open_stores
from early_results.checking.roster import BadRoster
from workflow.import_extract import import_extract

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = open_logger()
metrics = Metrics()
processor = BatchProcessor(event_type=EventType.SQS, logger=logger)  # type: ignore[arg-type]  # Powertools' own


def import_record(record: SQSRecord) -> None:
    """Takes in the extracts that a message names.

    One that cannot be used is logged and alarms; it is not tried again.
    """
    for entry in json.loads(record.body).get("Records", []):
        key = unquote_plus(entry["s3"]["object"]["key"])
        logger.append_keys(object_key=key)
        version = entry["s3"]["object"].get("versionId")
        try:
            schools = import_extract(open_stores(), key, version)
        except BadRoster as refused:
            logger.error("extract refused", extra={"why": str(refused)})
            metrics.add_metric("ExtractRefused", MetricUnit.Count, 1)
        else:
            logger.info("extract taken in", extra={"entries": schools})
            metrics.add_metric("ExtractTakenIn", MetricUnit.Count, 1)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handles messages of the roster queue, one in each invocation."""
    return process_partial_response(event, import_record, processor, context)
