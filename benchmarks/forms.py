"""What open forms cost a freeze: how long its sweep takes, by the number of forms that one account has open.

    .venv/bin/python -m benchmarks.forms [FORMS ...]

On the deployed template on MiniStack, the sweep as shipped, in this process: S3's listings and the table's queries are
real calls. The forms are put into the table directly, past the limit of what an account is given, which the last line
shows. Results go to benchmarks/results/forms.md.
"""

from __future__ import annotations

import secrets
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import boto3

from adapters.lookups import calendar_now
from adapters.queue import Queue
from adapters.stores import Stores
from early_results.counting.forms import MOST_OF_USER
from early_results.ids import new_ulid
from early_results.service import load_service
from early_results.writes import Put
from infra.local import demonstration
from infra.local import stack as local
from infra.local.stack import LOCAL
from infra.operator.operating import stores_of
from tests.uploads import upload_of
from workflow.sweep_bucket import sweep

RESULTS = Path(__file__).parent / "results" / "forms.md"
SERVICE = load_service("ks1-2023")
FORMS = (0, 1000, 10_000)


def open_form(stores: Stores, issued: datetime) -> None:
    """A form that nobody uses."""
    upload = upload_of(new_ulid(issued, secrets.token_bytes(10)), issued, unsettled=True)
    stores.table.write(Put(upload.key, upload.to_item()))


def timed(stores: Stores, queue: Queue, moment: datetime) -> float:
    """Seconds that a sweep of that moment takes."""
    calendar = calendar_now(stores, SERVICE)
    began = time.monotonic()
    sweep(stores, queue, SERVICE, calendar, moment, whole=True)
    return time.monotonic() - began


def main(arguments: list[str]) -> int:
    """Runs the sweep with ever more forms open, as a noon's would find them: some minutes old, none used."""
    lines = ["| forms open | sweep while they are open | sweep after they expired |", "|---|---|---|"]
    local.build()
    for count in [int(text) for text in arguments] or FORMS:
        # The schedule is out of the way, so that only this sweep meets the forms.
        with local.running(LOCAL / "bench-forms", NoonSchedule="rate(1 day)", SweepSchedule="rate(1 day)") as stack:
            demonstration.seed(stack, datetime.now(UTC), timedelta(hours=2), LOCAL / "bench-forms" / "samples")
            stores = stores_of(stack.outputs, stack.client("dynamodb"), stack.client("s3"))
            queue = Queue(stack.client("sqs"), stack.outputs["UploadQueueUrl"])
            now = datetime.now(UTC)
            with ThreadPoolExecutor(16) as pool:
                list(pool.map(partial(open_form, stores), [now] * count))
            taken = timed(stores, queue, now + timedelta(minutes=1)), timed(stores, queue, now + timedelta(minutes=20))
        lines.append(f"| {count:,} | {taken[0]:.2f} s | {taken[1]:.2f} s |")
        print(lines[-1], flush=True)
    lines += [
        "",
        f"One account is given {MOST_OF_USER:,} at most. boto3 {boto3.__version__}, MiniStack, two shared cores.",
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("# What open forms cost a sweep\n\n" + "\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
