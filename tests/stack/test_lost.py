"""Events that never come: the freeze's next run finds the object, and outside the noon hour the regular sweep does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from early_results import keys
from early_results.ids import new_ulid
from early_results.object_keys import upload_key
from infra.local.demonstration import SERVICE
from infra.local.stack import wait_for
from tests.conftest import Deployed

from .conftest import physical, run_freeze
from .filled import good

pytestmark = pytest.mark.stack
SCHOOL = "1232002"


@contextmanager
def _no_events(spare: Deployed) -> Iterator[None]:
    """The bucket tells nobody what is put there."""
    s3, bucket = spare.stack.client("s3"), spare.stack.outputs["UploadsBucketName"]
    told = s3.get_bucket_notification_configuration(Bucket=bucket)
    told.pop("ResponseMetadata", None)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        yield
    finally:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)


def test_an_object_whose_event_was_lost_is_found(spare: Deployed) -> None:
    school = spare.sign_in(f"SCHOOL#{SCHOOL}")
    with _no_events(spare):
        by_freeze = school.upload(SERVICE, "lost.xlsx", good(spare, SCHOOL))
    assert school.get(f"/uploads/{by_freeze}")["status"] == "AWAITING_UPLOAD"

    def found() -> bool:
        run_freeze(spare)  # what the schedule does every minute of the noon hour
        return bool(school.get(f"/uploads/{by_freeze}")["status"] == "SUCCESSFUL")

    wait_for("the freeze's run to find it", found, 60, every=2)


def test_the_schedule_finds_it_by_itself(spare: Deployed) -> None:
    """Nobody runs anything here: the schedule that is deployed does."""
    scheduler = spare.stack.client("scheduler")
    schedules = [scheduler.get_schedule(Name=schedule["Name"]) for schedule in scheduler.list_schedules()["Schedules"]]
    inputs = {json.loads(schedule["Target"]["Input"])["run"] for schedule in schedules}
    assert {"noon", "sweep"} <= inputs
    school = spare.sign_in(f"SCHOOL#{SCHOOL}")
    with _no_events(spare):
        upload = school.upload(SERVICE, "lost too.xlsx", good(spare, SCHOOL, 2))
    wait_for(
        "the regular sweep to find it", lambda: school.get(f"/uploads/{upload}")["status"] == "SUCCESSFUL", 150, every=2
    )


@pytest.mark.parametrize("lost", [False, True], ids=["noticed", "by the sweep"])
def test_an_object_without_a_record_is_kept_and_alarms(spare: Deployed, lost: bool) -> None:
    from datetime import UTC, datetime

    key = upload_key(SERVICE, new_ulid(datetime.now(UTC), b"unknown--" + (b"1" if lost else b"0")))
    if lost:
        with _no_events(spare):
            version = spare.stores.uploads.put(key, b"whose?", "text/plain")
    else:
        version = spare.stores.uploads.put(key, b"whose?", "text/plain")
    record = keys.unattributed(key, version)
    wait_for(
        "it to be recorded",
        lambda: (not lost or run_freeze(spare)) and spare.stores.table.get(record) is not None,
        60,
        every=1,
    )
    assert spare.stores.uploads.get(key) == b"whose?"
    logical = "FreezeLogs" if lost else "ValidateLogs"
    wait_for("the metric that alarms", lambda: _metric(spare, logical, "ObjectUnattributed"), 30, every=1)


def _metric(spare: Deployed, logical: str, metric: str) -> bool:
    """Whether a function's log holds the metric with a count: on AWS CloudWatch makes it one from there."""
    pages = spare.stack.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=physical(spare, logical)):
        for event in page["events"]:
            for line in event["message"].splitlines():
                if '"_aws"' in line and any(json.loads(line[line.index("{") :]).get(metric, [])):
                    return True
    return False
