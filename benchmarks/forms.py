"""What open forms cost a freeze: how long its sweep takes, by the number of forms that one account has open.

    .venv/bin/python -m benchmarks.forms [FORMS ...]
    .venv/bin/python -m benchmarks.forms noon         a noon, untroubled and after one account asked for 10,000 forms

On the deployed template on MiniStack, the sweep as shipped, in this process: S3's listings and the table's queries are
real calls. The forms are put into the table directly, past the limit of what an account is given, which the last line
shows. Results go to benchmarks/results/forms.md.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

import boto3

from adapters.lookups import calendar_now, window_states
from adapters.queue import Queue
from adapters.stores import Stores
from early_results.counting.forms import MOST_OF_USER
from early_results.counting.freeze import State
from early_results.ids import new_ulid
from early_results.service import load_service
from early_results.times import from_text
from early_results.writes import Put
from infra.local import demonstration
from infra.local import stack as local
from infra.local.client import PortalClient
from infra.local.stack import LOCAL
from infra.operator.operating import stores_of
from portal.limits import MOST_FILES
from tests.uploads import upload_of
from workflow.sweep_bucket import sweep

RESULTS = Path(__file__).parent / "results" / "forms.md"
SERVICE = load_service("ks1-2023")
FORMS = (0, 1000, 10_000)
NOON = timedelta(seconds=90)  # from a stack's beginning to the close


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


def noon(forms: int) -> str:
    """A line about a close of the deployed template: one account asks for so many forms through the API before it."""
    with local.running(LOCAL / "bench-forms", NoonSchedule="rate(1 day)", SweepSchedule="rate(1 day)") as stack:
        seeded = demonstration.seed(stack, datetime.now(UTC), NOON, LOCAL / "bench-forms" / "samples")
        user = next(user for user in seeded.users if user["organisation"].startswith("TRUST#"))
        client = PortalClient.of(stack, user["email"], user["password"])
        closes = from_text(client.get("/services")["services"][0]["windows"][0]["closes"])
        asked = {"service": SERVICE.name, "files": [{"name": "a.xlsx", "size": 200}] * MOST_FILES}
        answers = Counter(client.request("POST", "/uploads", asked).status for _ in range(forms // MOST_FILES))
        if datetime.now(UTC) > closes:
            raise SystemExit("the window closed before all forms were asked for: a machine this slow shows nothing")
        runs = []
        function = stack.outputs["FreezeFunctionName"]
        stores = stores_of(stack.outputs, stack.client("dynamodb"), stack.client("s3"))
        while True:
            time.sleep(max(0.0, (closes - datetime.now(UTC)).total_seconds()))
            began = time.monotonic()
            stack.client("lambda").invoke(FunctionName=function, Payload=b'{"run": "noon"}')
            runs.append(time.monotonic() - began)
            state = window_states(stores, calendar_now(stores, SERVICE))[1]
            if state.state is State.FROZEN:
                break
            time.sleep(1)
        after = (datetime.now(UTC) - closes).total_seconds()
    given, refused = (answers[status] * MOST_FILES for status in (201, 429))
    return f"| {forms:,} | {given:,} | {refused:,} | {median(runs):.2f} s | {max(runs):.2f} s | {after:.0f} s |"


def noons() -> int:
    """An untroubled noon, and one after an account has asked for 10,000 forms."""
    local.build()
    lines = [
        "| forms asked for | given | refused | a run of the freeze | the longest | frozen after the close |",
        "|---|---|---|---|---|---|",
    ]
    for forms in (0, 10_000):
        lines.append(noon(forms))
        print(lines[-1], flush=True)
    return 0


def main(arguments: list[str]) -> int:
    """Runs the sweep with ever more forms open, as a noon's would find them: some minutes old, none used."""
    if arguments == ["noon"]:
        return noons()
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
