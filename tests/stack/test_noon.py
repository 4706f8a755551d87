"""A deadline on a stack of its own: files that kill their function, a freeze that waits, an operator's word, noon.

The time-outs are cut to seconds by the template's parameters; everything else is as deployed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from early_results import keys
from early_results.counting.calendar import Calendar, calendar_from_json
from early_results.times import from_text
from infra.local.client import PortalClient, Refused, post_form
from infra.local.demo import recomputed_from
from infra.local.demonstration import OUTSIDE, SCHOOLS, SERVICE
from infra.local.stack import wait_for
from infra.operator import operating
from infra.operator.operations import store_calendar
from tests.conftest import Deployed, deploy

from .conftest import packed_with, physical
from .filled import good

pytestmark = pytest.mark.stack


@pytest.fixture(scope="session")
def noon(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A stack whose noon a test calls itself, and whose validate function some files kill."""
    bounds = {"ValidateTimeout": "6", "UploadVisibility": "6", "RescueTimeout": "10", "RescueVisibility": "10"}
    with deploy("test-noon", tmp_path_factory.mktemp("samples"), timedelta(hours=1), **bounds) as deployed:
        _arm(deployed)
        yield deployed


def _arm(deployed: Deployed) -> None:
    """Puts `killing.py` in front of the shipped code of the two functions."""
    code = packed_with("killing.py")
    functions = deployed.stack.client("lambda")
    for logical, handler in (("ValidateFunction", "killing.handler"), ("RescueFunction", "killing.rescue")):
        name = physical(deployed, logical)
        functions.update_function_code(FunctionName=name, ZipFile=code)
        functions.update_function_configuration(FunctionName=name, Handler=handler)


def call_noon(deployed: Deployed, moment: datetime) -> datetime:
    """Lets window 1 close at a moment, and window 2 open then: noon comes when the test is ready for it."""
    stores = deployed.stores
    item = stores.table.get(keys.calendar(SERVICE))
    assert item is not None
    calendar = calendar_from_json(item["calendar"])
    first, second = calendar.windows
    closes = moment.replace(microsecond=0)
    windows = (first._replace(closes=closes), second._replace(opens=closes))
    changed = Calendar(SERVICE, calendar.version + 1, windows)
    store_calendar(stores.table, stores.records, changed, "test", "noon")
    return closes


def metric_seen(deployed: Deployed, logical: str, metric: str) -> bool:
    """Whether a function's log holds the metric: on AWS CloudWatch makes it one from there, for its alarm."""
    logs = deployed.stack.client("logs")
    resource = deployed.stack.client("cloudformation").describe_stack_resource(
        StackName=deployed.stack.name, LogicalResourceId=logical
    )
    group = resource["StackResourceDetail"]["PhysicalResourceId"]
    events = logs.filter_log_events(logGroupName=group).get("events", [])
    lines = [line for event in events for line in event["message"].splitlines()]
    return any(f'"{metric}":[1.0]' in line and '"_aws"' in line for line in lines)


def test_a_deadline_with_files_that_kill_their_function(noon: Deployed) -> None:
    """The whole of a deadline, in the order in which it happens: the steps need each other."""
    schools = list(SCHOOLS)
    people = {school: noon.sign_in(f"SCHOOL#{school}") for school in schools}
    deadly = {
        "kill.xlsx": people["1231234"],
        "sleep.xlsx": people["1232001"],
        "rescuable.xlsx": people["1232002"],
    }
    ids = {
        name: person.upload(SERVICE, name, good(noon, school))
        for (name, person), school in zip(deadly.items(), schools[:3], strict=True)
    }
    # The others in the queue never notice.
    calm = {
        school: people[school].verdict(people[school].upload(SERVICE, "calm.xlsx", good(noon, school)))
        for school in schools
    }
    assert {upload["status"] for upload in calm.values()} == {"SUCCESSFUL"}
    closes = call_noon(noon, datetime.now(UTC) + timedelta(seconds=60))  # parking the files below takes longer
    late = people[OUTSIDE].forms(SERVICE, {"late.xlsx": b"x"})[0]
    assert from_text(late["expires_at"]) <= closes

    # What killed the validate function alone gets its verdict from the rescue function.
    assert people["1232002"].verdict(ids["rescuable.xlsx"], 120)["status"] in ("SUCCESSFUL", "OVERWRITTEN")

    # What kills both is parked, with an alarm metric and a word to the user.
    operator = noon.sign_in("OPERATOR")
    for name in ("kill.xlsx", "sleep.xlsx"):
        wait_for(f"{name} to be parked", lambda name=name: _held(noon, ids[name]) == "parked", 90)  # type: ignore[misc]
        parked = deadly[name].get(f"/uploads/{ids[name]}")
        assert parked["status"] == "UPLOAD_ERROR"
        assert [finding["code"] for finding in parked["findings"]] == ["could-not-process"]
        assert parked["receipt"]["counts"] is False
    assert metric_seen(noon, "RescueLogs", "UploadParked")

    # Noon: S3 takes no form any more, and the freeze waits and says for whom.
    wait_for("noon", lambda: datetime.now(UTC) > closes + timedelta(seconds=1), 120)
    assert post_form(late["post"], b"x") == 403
    wait_for("the window to be closing", lambda: _board(operator)["state"] == "CLOSING", 90)
    after = people[OUTSIDE].verdict(people[OUTSIDE].upload(SERVICE, "after.xlsx", good(noon, OUTSIDE, 2)))
    assert after["receipt"]["window"] == 2
    _freeze_now(noon)
    board = _board(operator)
    assert board["state"] == "CLOSING"
    assert {u["upload_id"] for u in board["waiting"]} == {ids["kill.xlsx"], ids["sleep.xlsx"]}
    assert {u["held"] for u in board["waiting"]} == {"parked"}

    # An operator's word: one is closed; the other, tried again, kills again and is closed then.
    operated = noon.operated
    operating.settle(operated, ids["kill.xlsx"], "asked the school to send it again")
    operating.retry(operated, ids["sleep.xlsx"], "once more")
    wait_for("it to be parked again", lambda: _held(noon, ids["sleep.xlsx"]) == "parked", 90)
    _freeze_now(noon)
    assert _board(operator)["state"] == "CLOSING"
    operating.settle(operated, ids["sleep.xlsx"], "still no good")
    recorded = noon.stack.client("s3").list_objects_v2(
        Bucket=noon.stack.outputs["RecordsBucketName"], Prefix=f"operations/{SERVICE}/"
    )["Contents"]
    assert len(recorded) == 3

    _freeze_now(noon)
    board = _board(operator)
    assert board["state"] == "FROZEN"
    manifest = noon.stores.records.get(board["manifest"]["key"])
    lines = {line["school"]: line["upload"] for line in map(json.loads, manifest.splitlines())}
    assert lines == recomputed_from(noon.stack, closes)
    assert lines[OUTSIDE] == calm[OUTSIDE]["upload_id"]

    # Freezing again changes nothing; reports come for every school; nothing of the next window is in them.
    _freeze_now(noon)
    assert noon.stores.records.get(board["manifest"]["key"]) == manifest
    for school, person in people.items():
        wait_for(f"the report of {school}", lambda p=person: _ready(p), 60)  # type: ignore[misc]
        assert person.follow(f"/reports/{SERVICE}/1/{school}", format="pdf").startswith(b"%PDF-")
    history = people[OUTSIDE].get("/uploads")["uploads"]
    frozen = next(u for u in history if u["upload_id"] == calm[OUTSIDE]["upload_id"])
    assert frozen["status"] == "OVERWRITTEN"
    assert "used for window 1" in frozen["next_step"]
    assert frozen["receipt"]["counts"] is True

    # A delete after the seal amends; the manifest and the sealed row stay.
    frozen_upload = calm["8012003"]["upload_id"]
    key = keys.window_register(SERVICE, 1, "8012003")
    sealed = noon.stores.table.get(key)
    people["8012003"].delete(frozen_upload)
    assert noon.stores.table.get(key) == sealed
    amended = json.loads(noon.stores.records.get(f"amendments/{SERVICE}/1/{frozen_upload}.json"))
    assert (amended["kind"], amended["school"]) == ("removed", "8012003")
    with pytest.raises(Refused) as gone:
        people["8012003"].get(f"/reports/{SERVICE}/1/8012003", format="pdf")
    assert gone.value.status == 404
    _nothing_between_windows(noon)


def _nothing_between_windows(noon: Deployed) -> None:
    """Outside every window no form is issued and nothing is written."""
    stores, school = noon.stores, noon.sign_in("SCHOOL#1231234")
    item = stores.table.get(keys.calendar(SERVICE))
    assert item is not None
    calendar = calendar_from_json(item["calendar"])
    # Window 1 has closed; between it and a second one that opens tomorrow, nothing may be uploaded.
    first, second = calendar.windows
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    between = Calendar(SERVICE, calendar.version + 1, (first, second._replace(opens=tomorrow)))
    stores.table.delete(keys.relied(SERVICE))  # no operator could: files were judged for window 2 already
    store_calendar(stores.table, stores.records, between, "test", "nothing is open")
    before = _uploads(noon)
    with pytest.raises(Refused) as refused:
        school.forms(SERVICE, {"a.xlsx": b"x"})
    assert refused.value.status == 409
    assert refused.value.body["type"] == "urn:early-results:problem:window-closed"
    assert "The last window closed at" in refused.value.body["detail"]
    assert _uploads(noon) == before


def _uploads(deployed: Deployed) -> int:
    """How many items of uploads there are; what the schedule keeps of its runs is left out."""
    pages = (
        deployed.stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=deployed.stack.outputs["TableName"],
            Select="COUNT",
            FilterExpression="begins_with(pk, :upload)",
            ExpressionAttributeValues={":upload": {"S": "UPLOAD#"}},
        )
    )
    return sum(page["Count"] for page in pages)


def _held(deployed: Deployed, upload_id: str) -> str | None:
    return (deployed.stores.table.get(keys.upload(upload_id)) or {}).get("held")


def _board(operator: PortalClient) -> dict[str, Any]:
    board: dict[str, Any] = operator.get(f"/windows/{SERVICE}/1")
    return board


def _ready(person: PortalClient) -> bool:
    return all(report["state"] == "READY" for report in person.get("/reports", window="1")["reports"])


def _freeze_now(deployed: Deployed) -> None:
    """A run of the freeze beside the schedule's own: runs may overlap."""
    answer = deployed.stack.client("lambda").invoke(
        FunctionName=deployed.stack.outputs["FreezeFunctionName"], Payload=b'{"run": "noon"}'
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
