"""The overview function: at every run, each trust's report of every frozen window whose files have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from adapters.logs import open_logger
from adapters.stores import open_stores
from early_results.service import load_service, service_names
from workflow.build_overviews import build_overviews

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = open_logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A run of the schedule, every five minutes all year. What fails of one service does not hold back the others."""
    told: dict[str, Any] = {}
    built = behind = failed = 0
    for name in service_names():
        try:
            done = build_overviews(
                open_stores(), load_service(name), lambda: context.get_remaining_time_in_millis() / 1000
            )
        except Exception:
            # Not raised again: what fails of one service must not hold back the next.
            logger.exception("no overviews", extra={"of": name})
            failed += 1
            continue
        for whose, error in done.failed:
            logger.error("no overview", exc_info=error, extra={"of": name, "whose": whose})
        told[name] = {"built": done.built, "failed": len(done.failed), "behind": done.behind}
        built += done.built
        behind += done.behind
        failed += len(done.failed)
    logger.info("overview run", extra={"run": event.get("run"), "services": told})
    metrics.add_metric("OverviewBuilt", MetricUnit.Count, built)
    # After a close there is more to do than one run has time for: whoever gets on is not behind.
    metrics.add_metric("OverviewBehind", MetricUnit.Count, 0 if built else behind + failed)
    metrics.add_metric("OverviewFailed", MetricUnit.Count, failed)
    return told
