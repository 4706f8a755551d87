"""No pupil's data reaches a log, a metric, the table or the records: marked values are sent and looked for."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest

from early_results.checking.roster import rosters_csv
from early_results.results import Pupil
from early_results.service import load_service
from infra.local.demonstration import SERVICE, fill, results_of
from infra.local.stack import wait_for
from tests.conftest import Deployed

from .filled import template_of

pytestmark = pytest.mark.stack
SCHOOL = "8012003"
MARKS = ("QZFORENAMEQZ", "QZSURNAMEQZ", "QZCELLQZ", "QZNOTEQZ")
UPN = "Q999000111222"


def _marked(deployed: Deployed) -> tuple[Pupil, ...]:
    first, *rest = deployed.seeded.pupils[SCHOOL]
    marked = Pupil(SCHOOL, UPN, MARKS[0], MARKS[1], "Female", first.birth_date, "2")
    return (marked, *rest)


def _everything(deployed: Deployed) -> dict[str, bytes]:
    """All that the stack wrote outside the two buckets that are there to hold pupils' data."""
    found: dict[str, bytes] = {}
    logs = deployed.stack.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        lines = [event["message"] for page in pages for event in page["events"]]
        found[f"log {group['logGroupName']}"] = "\n".join(lines).encode()
    scan = deployed.stack.client("dynamodb").get_paginator("scan")
    pages = scan.paginate(TableName=deployed.stack.outputs["TableName"])
    found["table"] = json.dumps([item for page in pages for item in page["Items"]], default=str).encode()
    s3, records = deployed.stack.client("s3"), deployed.stack.outputs["RecordsBucketName"]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=records):
        for entry in page.get("Contents", []):
            found[f"record {entry['Key']}"] = s3.get_object(Bucket=records, Key=entry["Key"])["Body"].read()
    metrics = deployed.stack.client("cloudwatch").list_metrics()
    found["metrics"] = json.dumps(metrics, default=str).encode()
    found["MiniStack's own log"] = (deployed.stack.folder / "ministack.log").read_bytes()
    return found


@pytest.fixture
def own_list(deployed: Deployed) -> Iterator[None]:
    """The school's pupil list is changed here; the tests that share the stack get the one back that they know."""
    yield
    before = rosters_csv(deployed.seeded.pupils[SCHOOL], load_service(SERVICE))
    deployed.stores.uploads.put(f"rosters/{SERVICE}/before.csv", before.encode(), "text/csv")
    school = deployed.sign_in(f"SCHOOL#{SCHOOL}")
    wait_for("the list as it was", lambda: MARKS[0].encode() not in _text(school.template(SERVICE, SCHOOL)), 120)


@pytest.mark.usefixtures("own_list")
def test_marked_values_stay_where_they_belong(deployed: Deployed) -> None:
    service, stores = load_service(SERVICE), deployed.stores
    pupils = _marked(deployed)
    stores.uploads.put(f"rosters/{SERVICE}/marked.csv", rosters_csv(pupils, service).encode(), "text/csv")
    school = deployed.sign_in(f"SCHOOL#{SCHOOL}")
    wait_for("the marked roster", lambda: MARKS[0].encode() in _text(school.template(SERVICE, SCHOOL)), 120)
    template = school.template(SERVICE, SCHOOL)
    results: dict[str, dict[str, Any]] = {p.upn: dict(results_of(service, p)) for p in pupils}
    results[UPN][service.assessments[0].key] = MARKS[2]
    results[UPN][service.scores[0].key] = MARKS[3]
    wrong = school.verdict(school.upload(SERVICE, "marked.xlsx", fill(template, service, results)))
    assert wrong["status"] == "UPLOAD_ERROR"
    for form in ("json", "csv", "xlsx"):
        school.follow(f"/uploads/{wrong['upload_id']}/findings", format=form)
    named = school.get(f"/uploads/{wrong['upload_id']}/pupils")
    assert named["findings"][0]["pupil"] == {"upn": UPN, "forename": MARKS[0], "surname": MARKS[1]}
    assert [one["value"] for one in named["findings"]] == [MARKS[2], MARKS[3]]
    seen = school.get(f"/uploads/{wrong['upload_id']}/corrections")
    assert [cell["value"] for cell in seen["cells"]] == [MARKS[2], MARKS[3]]
    given = [{"upn": UPN, "column": cell["column"], "value": MARKS[2]} for cell in seen["cells"]]
    for version in (seen["roster_version"], MARKS[3]):
        body = {"roster_version": version, "cells": given}
        answer = school.request("POST", f"/uploads/{wrong['upload_id']}/corrections", body)
        assert answer.status in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
    damaged = fill(template, service, results)
    school.verdict(school.upload(SERVICE, "damaged.xlsx", damaged[: len(damaged) // 2] + MARKS[2].encode()))
    foreign = fill(template_of(deployed, "1232002"), service, {})
    assert school.verdict(school.upload(SERVICE, "foreign.xlsx", foreign))["findings"][0]["code"] == "wrong-school"
    results[UPN] = {service.assessments[0].key: "EXS"}
    fine = school.verdict(school.upload(SERVICE, "fine.xlsx", fill(template, service, results)))
    assert fine["status"] == "SUCCESSFUL"
    export = f"UPN,Name,Reading TA\r\n{UPN},{MARKS[0]},{MARKS[2]}\r\n".encode()
    match = {"file": base64.b64encode(export).decode(), "columns": {"upn": 1, "ta_reading": 3}, "repairs": []}
    for path in ("match", "match/workbook"):
        assert school.request("POST", f"/services/{SERVICE}/{path}", match).status == HTTPStatus.OK
        broken = {**match, "file": MARKS[2]}
        assert school.request("POST", f"/services/{SERVICE}/{path}", broken).status >= HTTPStatus.BAD_REQUEST
    # What is to be found is there at all, and the search would find it.
    extract = stores.results.get(f"extracts/{SERVICE}/{fine['upload_id']}.json")
    assert MARKS[0].encode() in extract
    assert UPN.encode() in extract

    where = [
        f"{mark} in {place}"
        for place, data in _everything(deployed).items()
        for mark in (*MARKS, UPN)
        if mark.encode() in data
    ]
    assert where == []


def _text(workbook: bytes) -> bytes:
    """Everything written in a workbook's parts, inflated."""

    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())
