"""The tell function: sends the e-mail of each notice of the queue, no faster than SES takes them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from adapters import clients
from adapters.errors import NotSentYet
from adapters.logs import open_logger
from adapters.post import Post
from adapters.settings import setting
from adapters.stores import open_stores
from early_results.telling.notices import notice_from_json
from workflow.tell_person import Sender, Told, UnderWayError, tell_person

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

METRICS = {Told.SENT: "MailSent", Told.REFUSED: "MailRefused", Told.GIVEN_UP: "MailGivenUp"}
SIDE_BY_SIDE = 2  # SQS runs no fewer of a function at once

logger = open_logger()
metrics = Metrics()
processor = BatchProcessor(event_type=EventType.SQS, logger=logger, raise_on_entire_batch_failure=False)  # type: ignore[arg-type]
# What is as it should be: the queue brings the notice again, and no alarm rings. How long e-mails wait has an alarm.
COMES_AGAIN = (UnderWayError, NotSentYet)


class SendingFailedError(RuntimeError):
    """A notice failed in a way that nobody foresaw. The log says where, without the error's own text."""


@cache
def open_sender() -> Sender:
    """How this deployment sends, opened once in a container."""
    post = Post(clients.ses(), setting("MAIL_FROM"), setting("MAIL_SET"))
    url = setting("PORTAL_URL").replace("{api}", setting("API_ID"))
    return Sender(post, url, timedelta(seconds=float(setting("TELL_TIMEOUT"))))


def send_record(record: SQSRecord) -> None:
    """Tells one person one thing. The log names the person by `sub` and what they are told by its mark."""
    notice = notice_from_json(json.loads(record.body))
    logger.append_keys(notice=notice.mark, to=notice.to, correlation_id=notice.upload_id)
    began = time.monotonic()
    told = tell_person(open_stores(), open_sender(), notice, datetime.now(UTC))
    logger.info("told", extra={"outcome": told.value, "kind": notice.kind.value})
    if told in METRICS:
        metrics.add_metric(METRICS[told], MetricUnit.Count, 1)
    if told is Told.SENT:
        # SES refuses what comes faster than the account may send. A wait here is cheaper than a message that comes
        # again.
        pause = SIDE_BY_SIDE / float(setting("MAILS_A_SECOND")) - (time.monotonic() - began)
        time.sleep(max(pause, 0))


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handles notices of the queue, one in each invocation."""
    answer = process_partial_response(event, send_record, processor, context)
    for kind, _, _ in processor.exceptions:
        if kind is None or not issubclass(kind, COMES_AGAIN):
            raise SendingFailedError
        metrics.add_metric("MailHeldBack", MetricUnit.Count, 1)
    return answer
