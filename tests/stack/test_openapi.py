"""The API's contract against the deployed stack: real answers of every route, by every role, in every state; and what
schemathesis makes of it with good data and bad."""

from __future__ import annotations

import base64
import copy
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from string import Template

import pytest

from adapters.lookups import calendar_now
from early_results import keys
from early_results.counting.calendar import Calendar
from early_results.service import LONDON, load_service
from early_results.writes import Put
from infra.local.client import PortalClient, post_form
from infra.local.demonstration import SERVICE
from infra.local.stack import wait_for
from infra.operator.operations import store_calendar
from portal.contract import NEEDED_BY, Schema, document
from tests.conftest import Deployed
from tests.openapi import Contract, operations

from .filled import bad, good

pytestmark = pytest.mark.stack
SCHOOL, SISTER = "1231234", "8012003"
CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("CONTRACT_EXAMPLES")  # of made-up requests an operation; every role then tries everything
FEW = "4"
AT_SOME_PLACES = "phases = { examples = { enabled = false }, coverage = { enabled = false } }"


@pytest.fixture(scope="module")
def people(deployed: Deployed) -> dict[str, PortalClient]:
    organisations = {"school": f"SCHOOL#{SCHOOL}", "trust": "TRUST#ABC", "operator": "OPERATOR"}
    return {role: deployed.sign_in(organisation) for role, organisation in organisations.items()}


def test_the_document_is_served_to_everybody(deployed: Deployed, contract: Contract) -> None:
    answer = PortalClient(deployed.stack.api_url).request("GET", "/openapi.json")
    assert answer.status == HTTPStatus.OK
    assert answer.json() == contract.document == document()
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.fixture
def uploads(deployed: Deployed, people: dict[str, PortalClient]) -> dict[str, str]:
    """An upload of the school in every state that can be had while the window is open, by its name."""
    school = people["school"]
    made = {
        "overwritten": school.upload(SERVICE, "first.xlsx", good(deployed, SCHOOL)),
        "errors": school.upload(SERVICE, "wrong.xlsx", bad(deployed, SCHOOL)),
        "unreadable": school.upload(SERVICE, "empty.xlsx", b""),
    }
    assert school.verdict(made["overwritten"])["status"] == "SUCCESSFUL"
    made["successful"] = school.upload(SERVICE, "second.xlsx", good(deployed, SCHOOL, 2))
    made["deleted"] = school.upload(SERVICE, "gone.xlsx", bad(deployed, SCHOOL, 2))
    for upload_id in made.values():
        school.verdict(upload_id)
    school.delete(made["deleted"])
    made["awaited"] = school.forms(SERVICE, {"never sent.xlsx": b"x"})[0]["upload_id"]
    refused = school.request("POST", "/uploads", {"service": SERVICE, "files": [{"name": "big", "size": 50_000_000}]})
    made["too large"] = refused.json()[0]["upload_id"]
    return made


STATES = {
    "overwritten": "OVERWRITTEN",
    "successful": "SUCCESSFUL",
    "errors": "UPLOAD_ERROR",
    "unreadable": "UPLOAD_ERROR",
    "too large": "UPLOAD_ERROR",
    "awaited": "AWAITING_UPLOAD",
    "deleted": None,
}


def test_every_answer_in_every_state_is_as_the_contract_says(
    deployed: Deployed, people: dict[str, PortalClient], uploads: dict[str, str], contract: Contract
) -> None:
    """conftest.py holds each answer against the contract; here it is that there are such answers."""
    PortalClient(deployed.stack.api_url).get("/openapi.json")
    for person in people.values():
        for path in ("/me", "/services", f"/services/{SERVICE}/schools"):
            assert person.request("GET", path).status == HTTPStatus.OK
        for state, upload_id in uploads.items():
            one = person.request("GET", f"/uploads/{upload_id}")
            assert one.status == (HTTPStatus.NOT_FOUND if state == "deleted" else HTTPStatus.OK)
            assert (one.json()["status"] if state != "deleted" else None) == STATES[state], state
            for path in ("file", "findings?format=json", "findings?format=csv", "findings?format=xlsx"):
                person.request("GET", f"/uploads/{upload_id}/{path}")
    listed = people["school"].get("/uploads")["uploads"]
    statuses = {upload["upload_id"]: upload["status"] for upload in listed}
    assert {state: statuses.get(upload_id) for state, upload_id in uploads.items()} == STATES
    assert people["trust"].get("/uploads", organisation=f"SCHOOL#{SCHOOL}")["uploads"]
    assert people["trust"].get(f"/services/{SERVICE}/changes")["changes"]
    assert people["trust"].get("/overviews", service=SERVICE) == {"overviews": []}
    assert people["operator"].get("/uploads", organisation="TRUST#ABC") is not None
    assert people["school"].template(SERVICE, SCHOOL)
    assert people["school"].request("GET", f"/services/{SERVICE}/template").status == HTTPStatus.OK
    assert people["trust"].request("GET", f"/services/{SERVICE}/template").status == HTTPStatus.BAD_REQUEST
    everything = people["school"].request("GET", "/uploads?organisation=&status=&year=&service=&cursor=")
    assert len(everything.json()["uploads"]) >= len(uploads) - 1
    assert people["school"].request("DELETE", f"/uploads/{uploads['awaited']}").status == HTTPStatus.CONFLICT
    assert people["trust"].request("DELETE", f"/uploads/{uploads['errors']}").status == HTTPStatus.FORBIDDEN
    assert people["operator"].request("POST", "/uploads", {"service": SERVICE, "files": []}).status == 400
    export = {"school": SCHOOL, "file": base64.b64encode(b"UPN,Reading TA\r\nP1234567890123,EXS\r\n").decode()}
    chosen = {"columns": {"upn": 1, "ta_reading": 2}, "repairs": []}
    for path in ("match", "match/workbook"):
        answer = people["school"].request("POST", f"/services/{SERVICE}/{path}", export | chosen)
        assert answer.status == HTTPStatus.OK
    wrong = f"/uploads/{uploads['errors']}"
    assert people["school"].get(f"{wrong}/pupils")["findings"]
    seen = people["school"].get(f"{wrong}/corrections")
    values = [{"upn": told["pupil"]["upn"], "column": told["column"], "value": ""} for told in seen["cells"]]
    body = {"roster_version": seen["roster_version"], "cells": values}
    assert people["school"].request("POST", f"{wrong}/corrections", body).status == HTTPStatus.OK
    board = people["operator"].get(f"/windows/{SERVICE}/1")
    assert people["operator"].get(f"/windows/{SERVICE}/1", cursor=board["schools"][0]["school"])["counts"] is None
    seen = {(method, path) for method, path, status in contract.seen if status < HTTPStatus.BAD_REQUEST}
    unseen = set(operations(contract.document)) - seen
    # See below; for figures and trusts' reports test_dataset.py, whose window is frozen, and for e-mail test_told.py.
    later = (
        "/reports",
        "/reports/{service}/{window}/{school}",
        "/figures/{service}/{window}",
        "/overviews/{service}/{window}",
    )
    assert unseen <= {("GET", path) for path in later} | {("PUT", "/me/mail")}


@pytest.fixture
def reports_today(deployed: Deployed) -> None:
    """Reports may be had from today on, even if the window closes after midnight."""
    stores, today = deployed.stores, datetime.now(LONDON).date()
    calendar = calendar_now(stores, load_service(SERVICE))
    windows = tuple(window._replace(reports=min(window.reports, today)) for window in calendar.windows)
    if windows != calendar.windows:
        changed = Calendar(SERVICE, calendar.version + 1, windows)
        store_calendar(stores.table, stores.records, changed, "test", "reports are had at once")


@pytest.mark.usefixtures("reports_today")
@pytest.mark.parametrize(("state", "status"), [("READY", 200), ("PROCESSING", 404), ("FAILED", 404)])
def test_reports_in_every_state_are_as_the_contract_says(
    deployed: Deployed, people: dict[str, PortalClient], uploads: dict[str, str], state: str, status: int
) -> None:
    key = keys.report(SERVICE, 1, SCHOOL)
    built = {"sha256": {"pdf": "0" * 64, "xlsx": "1" * 64}} if state == "READY" else {}
    report = {"service": SERVICE, "window": 1, "upload_id": uploads["successful"], "state": state, **built}
    deployed.stores.table.write(Put(key, report))
    try:
        for person in people.values():
            [told] = person.get("/reports", school=SCHOOL)["reports"]
            assert told["state"] == state
            assert person.request("GET", f"/reports/{SERVICE}/1/{SCHOOL}").status == status
    finally:
        deployed.stores.table.delete(key)


def test_a_form_that_is_used_twice_makes_one_upload(deployed: Deployed) -> None:
    """At once, and again once the verdict is there: one line of the history, one verdict, on the first file."""
    school = deployed.sign_in(f"SCHOOL#{SISTER}")
    form = school.forms(SERVICE, {"twice.xlsx": good(deployed, SISTER)})[0]
    before = {upload["upload_id"] for upload in school.get("/uploads")["uploads"]}
    first, second = good(deployed, SISTER), bad(deployed, SISTER)
    assert [post_form(form["post"], data) for data in (first, first)] == [204, 204]
    told = school.verdict(form["upload_id"])
    assert told["status"] == "SUCCESSFUL"
    assert post_form(form["post"], second) == HTTPStatus.NO_CONTENT
    path = f"/uploads/{form['upload_id']}"
    wait_for("both repeats to be noted", lambda: school.get(path)["replays"] == 2, 60)
    again = school.get(path)
    assert {**again, "replays": 0} == {**told, "replays": 0}
    assert school.follow(f"{path}/file") == first
    assert {upload["upload_id"] for upload in school.get("/uploads")["uploads"]} == before


# Which role tries which operation at every edge of its contract; the other roles try it at some places. A run with more
# examples has every role try everything.
SHARES = {
    "school": (
        *("me", "mail", "services", "template", "upload", "oneUpload", "deleteUpload", "file", "findings"),
        *("pupils", "corrections", "corrected"),
    ),
    "trust": ("schools", "uploads", "reports", "changes", "figures", "overviews", "match", "matched"),
    "operator": ("contract", "board", "report", "overview"),
}


def test_schemathesis_finds_nothing(
    deployed: Deployed, people: dict[str, PortalClient], uploads: dict[str, str], tmp_path: Path
) -> None:
    school = people["school"]
    uploads["disposable"] = school.upload(SERVICE, "for the taking.xlsx", bad(deployed, SCHOOL))
    school.verdict(uploads["disposable"])
    ids = {state.replace(" ", "_").upper(): upload_id for state, upload_id in uploads.items()}
    config = Template(CONFIG.read_text(encoding="utf-8")).substitute(ids)

    served = PortalClient(deployed.stack.api_url).get("/openapi.json")
    assert sorted(name for names in SHARES.values() for name in names) == sorted(
        operation["operationId"] for operation in operations(served).values()
    )

    def run(role: str) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / role
        folder.mkdir()
        elsewhere = sorted(set().union(*SHARES.values()) - set(SHARES[role]))
        bounds = f"\n[[operations]]\ninclude-operation-id = {elsewhere}\n{AT_SOME_PLACES}\n"
        (folder / "schemathesis.toml").write_text(config if EXAMPLES else config + bounds, encoding="utf-8")
        (folder / "openapi.json").write_text(json.dumps(_as_asked_of(role, copy.deepcopy(served))), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", deployed.stack.api_url),
            *("--header", f"Authorization: Bearer {people[role].token}", "--max-examples", EXAMPLES or FEW),
        ]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor() as pool:
        told = dict(zip(SHARES, pool.map(run, SHARES), strict=True))
    assert {role: run.returncode for role, run in told.items()} == dict.fromkeys(SHARES, 0), "\n".join(
        run.stdout + run.stderr for run in told.values() if run.returncode
    )
    for role, run_ in told.items():
        found = re.search(r"(\d+) generated", run_.stdout)
        assert found is not None, role
        assert int(found[1]) > 100, role  # it has tried


def _as_asked_of(role: str, served: Schema) -> Schema:
    """The contract as it is for a role: with what that role must give."""
    for operation in operations(served).values():
        for parameter in operation.get("parameters", []):
            if role in parameter.get(NEEDED_BY, []):
                parameter["required"] = True
                parameter["schema"] = parameter["schema"]["anyOf"][0]  # and it may not be empty
    return served
