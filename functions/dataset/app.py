"""The dataset function: at every run, the next release of each service whose final window's files have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from adapters.logs import open_logger
from adapters.stores import open_stores
from early_results.service import load_service, service_names
from workflow.release_dataset import Outcome, release_dataset

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

BEHIND = (Outcome.UNFINISHED, Outcome.OVERTAKEN, Outcome.WAITS)

logger = open_logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A run of the schedule, every five minutes all year. What fails of one service does not hold back the others."""
    told: dict[str, Any] = {}
    behind = failed = released = 0
    for name in service_names():
        try:
            done = release_dataset(
                open_stores(), load_service(name), lambda: context.get_remaining_time_in_millis() / 1000
            )
        except Exception:
            # Not raised again: the runtime would log the error's text, and a pupil's row could be in it.
            logger.exception("no release", extra={"of": name})
            failed += 1
            continue
        told[name] = {"outcome": done.outcome.value, "release": done.release, "rows": done.rows}
        released += done.outcome is Outcome.RELEASED
        behind += done.outcome in BEHIND
    logger.info("dataset run", extra={"run": event.get("run"), "services": told})
    metrics.add_metric("DatasetReleased", MetricUnit.Count, released)
    metrics.add_metric("DatasetBehind", MetricUnit.Count, behind + failed)
    metrics.add_metric("DatasetFailed", MetricUnit.Count, failed)
    return told
