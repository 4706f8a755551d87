"""A flood around a close, while functions die, messages come again and the freeze runs all along (DESIGN 5).

What must be frozen is worked out by the test: it knows which of its files are good, and asks S3 alone when they came.
`make flood` plays it with 500 uploads of 60 schools; `make test` with fewer, in the same way.
"""

from __future__ import annotations

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from early_results import keys
from early_results.access import Role
from early_results.checking.roster import rosters_csv
from early_results.service import load_service
from infra.local.client import PortalClient, post_form
from infra.local.demo import recomputed_from
from infra.local.demonstration import SCHOOLS, SERVICE
from infra.local.stack import wait_for
from infra.operator.operations import NewUser, create_user
from infra.operator.verifying import verify_window
from tests.conftest import Deployed
from tests.unit.checking.school_files import GOOD, book, grid, roster

from .conftest import call_noon, chaos, freeze, open_window, run_freeze

pytestmark = pytest.mark.stack
UPLOADS = int(os.environ.get("FLOOD", "100"))
FLOOD = [f"30{number:05d}" for number in range(2001, 2001 + max(6, UPLOADS * 60 // 500))]
TRUST = "FLOOD"
LEAD = timedelta(seconds=3)  # how far ahead the close is when it is set
WRONG = ("EXP", *GOOD[1:])


def _schools(closing: Deployed) -> PortalClient:
    """Many schools of one trust, and its administrator, signed in."""
    stores, stack = closing.stores, closing.stack
    rows = "".join(f"{school},{name},{trust or ''}\n" for school, (name, _, trust) in SCHOOLS.items())
    rows += "".join(f"{school},School {school},{TRUST}\n" for school in FLOOD)
    stores.uploads.put("rosters/trusts.csv", f"Trust,Name\nABC,ABC Trust\n{TRUST},Flood\n".encode(), "text/csv")
    stores.uploads.put("rosters/schools.csv", f"School DFE,Name,Trust\n{rows}".encode(), "text/csv")
    pupils = [pupil for school in FLOOD for pupil in roster(school=school).pupils]
    extract = rosters_csv(pupils, load_service(SERVICE)).encode()
    stores.uploads.put(f"rosters/{SERVICE}/flood.csv", extract, "text/csv")
    user = NewUser("flood@example.org", "Flood-1aB-2cD-3", Role.TRUST, f"TRUST#{TRUST}")
    pool = stack.outputs["UserPoolId"]
    create_user(stack.client("cognito-idp"), pool, stores.table, stores.records, user, "a test")
    wanted = [keys.roster(SERVICE, s) for s in FLOOD] + [keys.trust_school(TRUST, s) for s in FLOOD]
    wait_for("the flood's schools", lambda: len(stores.table.get_many(wanted)) == len(wanted), 120)
    return PortalClient.of(stack, user.email, user.password or "")


def _notify_again(closing: Deployed, ids: list[str], stop: threading.Event) -> None:
    """Messages that come again, in any order, each with an id of its own."""
    queue = closing.queue("UploadQueueUrl")
    for _ in range(UPLOADS // 3):
        if stop.wait(0.3):
            return
        if ids:
            key = f"uploads/{SERVICE}/{random.choice(ids)}/file.xlsx"  # noqa: S311 - a die
            queue.send([{"Records": [{"s3": {"object": {"key": key}}}]}])


def _freeze_again(closing: Deployed, stop: threading.Event) -> None:
    while not stop.wait(2):
        run_freeze(closing)


def test_a_flood_around_a_close_freezes_what_s3_received_in_time(closing: Deployed) -> None:
    client = _schools(closing)
    number = open_window(closing)
    files = {s: [book(grid(roster(school=s).pupils, r)) for r in (GOOD, WRONG)] for s in FLOOD}
    draw = random.Random(2023)  # noqa: S311 - the same flood every time
    wanted: list[tuple[str, bool]] = [
        (FLOOD[n % len(FLOOD)] if n < len(FLOOD) else draw.choice(FLOOD), draw.random() < 0.8) for n in range(UPLOADS)
    ]
    early, late = wanted[: UPLOADS * 7 // 10], wanted[UPLOADS * 7 // 10 :]
    good: dict[str, str] = {}
    posted: list[str] = []

    def forms(of: list[tuple[str, bool]]) -> list[tuple[dict[str, Any], bytes, str, bool]]:
        found = []
        for start in range(0, len(of), 50):
            some = of[start : start + 50]
            named = {f"{n}-{school}.xlsx": files[school][0 if fine else 1] for n, (school, fine) in enumerate(some)}
            issued = client.forms(SERVICE, named)
            found += [(form, named[form["name"]], *what) for form, what in zip(issued, some, strict=True)]
        return found

    def post(entry: tuple[dict[str, Any], bytes, str, bool]) -> None:
        form, data, school, fine = entry
        if post_form(form["post"], data) == 204:
            posted.append(form["upload_id"])
            if fine:
                good[form["upload_id"]] = school

    stop = threading.Event()
    with chaos(closing), ThreadPoolExecutor(18) as pool:
        issued = forms(early)  # before the close is known: some are posted after it, and are the next window's
        pool.submit(_notify_again, closing, posted, stop)
        pool.submit(_freeze_again, closing, stop)
        try:
            # The close comes while files are being posted, on a quick machine and on a slow one.
            first = [pool.submit(post, entry) for entry in issued[: len(issued) * 8 // 10]]
            wait_for("most files to be posted", lambda: len(posted) > len(issued) * 6 // 10, 300)
            closes = call_noon(closing, datetime.now(UTC) + LEAD)
            noon = closes.timestamp()
            first += [pool.submit(post, entry) for entry in issued[len(issued) * 8 // 10 : -3]]
            wait_for("the close", lambda: time.time() > noon + 0.2)
            second = [pool.submit(post, entry) for entry in [*issued[-3:], *forms(late)]]
            for job in [*first, *second]:
                job.result()
            frozen = freeze(closing, number, 600)
        finally:
            stop.set()

    expected = _expected(closing, good, closes)
    assert {s: u for s, u in frozen.items() if s in FLOOD} == {s: expected.get(s) for s in FLOOD}
    assert {s: u for s, u in frozen.items() if u} == recomputed_from(closing.stack, closes)
    assert len(expected) > len(FLOOD) // 2
    # What came after the close is the next window's, and everything comes to its end.
    wait_for("everything to be settled", lambda: run_freeze(closing) and _settled(closing, posted), 600, every=2)
    told = verify_window(closing.stores, load_service(SERVICE), number)
    assert told.differences == []
    assert told.notes == []
    statuses = [closing.stores.table.get(keys.upload(upload)) or {} for upload in posted]
    assert {item.get("status") for item in statuses} <= {"SUCCESSFUL", "OVERWRITTEN", "UPLOAD_ERROR"}
    assert sum(1 for item in statuses if item.get("status") == "SUCCESSFUL") == len(set(good.values()))


def _settled(closing: Deployed, posted: list[str]) -> bool:
    found = closing.stores.table.get_many(keys.upload(upload) for upload in posted)
    return len(found) == len(posted) and not any("unsettled" in item for item in found.values())


def _expected(closing: Deployed, good: dict[str, str], closes: datetime) -> dict[str, str]:
    """The latest good file a school that S3 received before the close: from S3's own list, and nothing else."""
    best: dict[str, tuple[datetime, str]] = {}
    pages = closing.stack.client("s3").get_paginator("list_object_versions")
    bucket = closing.stack.outputs["UploadsBucketName"]
    for page in pages.paginate(Bucket=bucket, Prefix=f"uploads/{SERVICE}/"):
        for version in page.get("Versions", []):
            upload, received = version["Key"].split("/")[2], version["LastModified"].replace(microsecond=0)
            if upload in good and received < closes:
                best[good[upload]] = max(best.get(good[upload], (received, upload)), (received, upload))
    return {school: upload for school, (_, upload) in best.items()}
