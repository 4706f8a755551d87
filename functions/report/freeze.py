"""The freeze function: sweeps at every run, and freezes the windows that have closed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from adapters.logs import open_logger
from adapters.stores import open_queue, open_stores
from early_results.service import load_service, service_names
from workflow.freeze_window import minutes_overdue, run_service
from workflow.sweep_bucket import Swept

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = open_logger()
metrics = Metrics()


def run(now: datetime) -> dict[str, Any]:
    """One run over every service: the sweep first, then each closed window. Gives what the log says of it."""
    stores = open_stores()
    told: dict[str, Any] = {}
    for name in service_names():
        service = load_service(name)
        swept, windows = run_service(
            stores, open_queue("UPLOAD_QUEUE_URL"), open_queue("REPORT_QUEUE_URL"), service, now
        )
        count(swept)
        told[name] = []
        for frozen in windows:
            waited = [{"upload_id": w.upload_id, "school": w.school, "why": w.why} for w in frozen.waited]
            told[name].append({"window": frozen.window, "state": frozen.state.value, "waited_for": waited})
            metrics.add_metric("FreezeWaitsFor", MetricUnit.Count, len(waited))
        tell_overdue(name, minutes_overdue(stores, service, now))
    return told


def tell_overdue(service: str, minutes: dict[int, int]) -> None:
    """Gives the metrics how long ago each window that is not frozen closed.

    The longest of them has an alarm, so it is given even if it is 0.
    """
    metrics.add_metric("FreezeOverdueMinutes", MetricUnit.Count, max(minutes.values(), default=0))
    for window, count in minutes.items():
        with single_metric("FreezeOverdueMinutes", MetricUnit.Count, count) as metric:
            metric.add_dimension("service", "freeze")
            metric.add_dimension("window", f"{service}/{window}")


def count(swept: Swept) -> None:
    """Gives the metrics what a sweep found. On a good day each of these is 0."""
    metrics.add_metric("SweptQueuedAgain", MetricUnit.Count, swept.queued_again)
    metrics.add_metric("SweptOffered", MetricUnit.Count, swept.offered)
    metrics.add_metric("Straggler", MetricUnit.Count, swept.stragglers)
    metrics.add_metric("ObjectUnattributed", MetricUnit.Count, swept.unattributed)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A run of the schedule: every minute of the noon hour and every five minutes all year."""
    told = run(datetime.now(UTC))
    logger.info("freeze run", extra={"run": event.get("run"), "windows": told})
    return told
