"""The API on the deployed stack: who may do what, what a bad request is told, and that it leaves nothing behind."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest

from infra.local.client import PortalClient
from infra.local.demonstration import OUTSIDE, SERVICE
from tests.conftest import Deployed

from .filled import bad, good

pytestmark = pytest.mark.stack
OWN, SISTER = "1231234", "1232001"  # two schools of the same trust
NO_UPLOAD = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture(scope="module")
def people(deployed: Deployed) -> dict[str, PortalClient]:
    """One signed-in user of every kind, seen from the school OWN."""
    organisations = {
        "own school": f"SCHOOL#{OWN}",
        "own trust": "TRUST#ABC",
        "sister school": f"SCHOOL#{SISTER}",
        "stranger": f"SCHOOL#{OUTSIDE}",
        "operator": "OPERATOR",
    }
    found = {kind: deployed.sign_in(organisation) for kind, organisation in organisations.items()}
    return {**found, "nobody": PortalClient(deployed.stack.api_url)}


@dataclass(frozen=True, slots=True)
class Uploads:
    """What the school OWN has: a good file, one with errors, and one for the taking by a DELETE that may not be."""

    good: str
    bad: str


@pytest.fixture(scope="module")
def uploads(deployed: Deployed, people: dict[str, PortalClient]) -> Uploads:
    school = people["own school"]
    wrong = school.upload(SERVICE, "with errors.xlsx", bad(deployed, OWN))
    fine = school.upload(SERVICE, "fine.xlsx", good(deployed, OWN))
    assert school.verdict(fine)["status"] == "SUCCESSFUL"
    assert school.verdict(wrong)["status"] == "UPLOAD_ERROR"
    return Uploads(fine, wrong)


# Every route by every kind of user, as DESIGN 8 has it. {good} and {bad} are uploads of the school OWN.
EVERYBODY = {"own school": 200, "own trust": 200, "sister school": 200, "stranger": 200, "operator": 200, "nobody": 401}
PRIVATE = {"own school": 200, "own trust": 200, "sister school": 404, "stranger": 404, "operator": 200, "nobody": 401}
OF_SCHOOL = {"own school": 200, "own trust": 200, "sister school": 403, "stranger": 403, "operator": 200, "nobody": 401}
MATRIX: dict[tuple[str, str], dict[str, int]] = {
    ("GET", "/openapi.json"): dict.fromkeys(EVERYBODY, 200),
    ("GET", "/me"): EVERYBODY,
    # This stack sends no e-mail; test_told.py's does.
    ("PUT", "/me/mail"): {**dict.fromkeys(EVERYBODY, 404), "nobody": 401},
    ("GET", "/services"): EVERYBODY,
    ("GET", f"/services/{SERVICE}/schools"): EVERYBODY,
    ("GET", f"/services/{SERVICE}/changes"): EVERYBODY,
    ("GET", f"/services/{SERVICE}/template?school={OWN}"): {**OF_SCHOOL, "operator": 403},
    ("POST", "/uploads"): {
        **EVERYBODY,
        **dict.fromkeys(("own school", "own trust", "sister school", "stranger"), 201),
        "operator": 403,
    },
    ("GET", f"/uploads?organisation=SCHOOL%23{OWN}"): OF_SCHOOL,
    ("GET", "/uploads?organisation=TRUST%23ABC"): {**OF_SCHOOL, "own school": 403},
    ("GET", "/uploads/{good}"): PRIVATE,
    ("GET", "/uploads/{bad}"): PRIVATE,
    ("GET", "/uploads/{good}/file"): PRIVATE,
    ("GET", "/uploads/{bad}/file"): PRIVATE,
    ("GET", "/uploads/{bad}/findings?format=json"): PRIVATE,
    ("GET", "/uploads/{bad}/findings?format=csv"): PRIVATE,
    ("GET", "/uploads/{bad}/findings?format=xlsx"): PRIVATE,
    # Whoever runs the collection reads files' verdicts, and has no need of the pupils.
    ("GET", "/uploads/{good}/pupils"): {**PRIVATE, "operator": 403},
    ("GET", "/uploads/{bad}/pupils"): {**PRIVATE, "operator": 403},
    ("GET", "/uploads/{bad}/corrections"): {**PRIVATE, "operator": 403},
    # The list of pupils that the body names is not the school's present one; whose file it is is decided first.
    ("POST", "/uploads/{bad}/corrections"): {**PRIVATE, "own school": 409, "own trust": 409, "operator": 403},
    ("POST", f"/services/{SERVICE}/match"): {**OF_SCHOOL, "operator": 403},
    ("POST", f"/services/{SERVICE}/match/workbook"): {**OF_SCHOOL, "operator": 403},
    # The uploader alone deletes; the last row does it, so it stands last.
    ("GET", f"/reports?school={OWN}"): OF_SCHOOL,
    ("GET", f"/reports/{SERVICE}/1/{OWN}?format=pdf"): {
        **OF_SCHOOL,
        "own school": 404,
        "own trust": 404,
        "operator": 404,
    },
    # The copy that lists pupils: a permission of its own, which operators have not.
    ("GET", f"/reports/{SERVICE}/1/{OWN}?format=staff"): {
        **OF_SCHOOL,
        "own school": 404,
        "own trust": 404,
        "operator": 403,
    },
    # Of many schools: for a trust's administrator, of its own, for an operator the summary, and for nobody else.
    ("GET", "/overviews"): {**dict.fromkeys(EVERYBODY, 403), "own trust": 200, "operator": 200, "nobody": 401},
    ("GET", f"/overviews/{SERVICE}/1?format=pdf"): {
        **dict.fromkeys(EVERYBODY, 403),
        "own trust": 404,
        "operator": 404,
        "nobody": 401,
    },
    # There are none before the window is frozen; whose they would be is decided first.
    ("GET", f"/figures/{SERVICE}/1?school={OWN}"): {
        **OF_SCHOOL,
        "own school": 404,
        "own trust": 404,
        "operator": 404,
    },
    ("GET", f"/windows/{SERVICE}/1"): {**dict.fromkeys(EVERYBODY, 403), "operator": 200, "nobody": 401},
    ("DELETE", "/uploads/{bad}"): {
        "nobody": 401,
        "stranger": 404,
        "sister school": 404,
        "own trust": 403,
        "operator": 403,
        "own school": 204,
    },
}


UPLOAD = {"service": SERVICE, "files": [{"name": "x.xlsx", "size": 10}]}
EXPORT = {
    "school": OWN,
    "file": base64.b64encode(b"UPN,Reading TA\r\nP1234567890123,EXS\r\n").decode(),
    "columns": {"upn": 1, "ta_reading": 2},
    "repairs": [],
}


BODIES: dict[str, Any] = {
    "uploads": UPLOAD,
    "corrections": {"roster_version": "yesterday", "cells": []},
    "mail": {"verdict": False, "reminder": True, "frozen": True, "report": True},
}


def _cells() -> Iterator[tuple[str, str, str, int]]:
    for (method, path), expected in MATRIX.items():
        for kind, status in expected.items():
            yield method, path, kind, status


def test_the_matrix_covers_every_route_of_the_api() -> None:
    """A route that is added without its rights being written down here fails."""
    from portal.app import app

    routes = {(route.method, route.path) for route in [*app._static_routes, *app._dynamic_routes]}
    api = {(method, path.removeprefix("/api")) for method, path in routes if path.startswith("/api/")}

    def covered(method: str, path: str) -> bool:
        parts = path.split("/")
        for tried_method, tried in MATRIX:
            given = tried.split("?")[0].split("/")
            same = method == tried_method and len(given) == len(parts)
            if same and all(p.startswith("<") or p == g for p, g in zip(parts, given, strict=True)):
                return True
        return False

    assert {route for route in api if not covered(*route)} == set()


def test_every_route_by_every_role(deployed: Deployed, people: dict[str, PortalClient], uploads: Uploads) -> None:
    wrong = []
    for method, path, kind, expected in _cells():
        body = BODIES.get(path.rpartition("/")[2], EXPORT) if method in ("POST", "PUT") else None
        filled = path.format(good=uploads.good, bad=uploads.bad)
        answer = people[kind].request(method, filled, body)
        if answer.status != expected:
            wrong.append(f"{method} {path} as {kind}: {answer.status}, not {expected}")
        elif answer.status >= 400 and kind != "nobody" and answer.headers["Content-Type"] != "application/problem+json":
            wrong.append(f"{method} {path} as {kind}: not a problem document")
    assert wrong == []


def _written(deployed: Deployed) -> tuple[int, int]:
    """How many items of uploads and how many objects there are; what the schedule keeps of its runs is left out."""
    scan = deployed.stack.client("dynamodb").get_paginator("scan")
    pages = scan.paginate(
        TableName=deployed.stack.outputs["TableName"],
        Select="COUNT",
        FilterExpression="begins_with(pk, :upload)",
        ExpressionAttributeValues={":upload": {"S": "UPLOAD#"}},
    )
    objects = 0
    for bucket in ("UploadsBucketName", "ResultsBucketName", "RecordsBucketName"):
        listing = deployed.stack.client("s3").get_paginator("list_objects_v2")
        objects += sum(p["KeyCount"] for p in listing.paginate(Bucket=deployed.stack.outputs[bucket]))
    return sum(page["Count"] for page in pages), objects


FILE = {"name": "a.xlsx", "size": 1}
BAD_BODIES: list[Any] = [
    b"",
    b"not json",
    b"[]",
    b'"x"',
    {},
    {"service": SERVICE},
    {"service": SERVICE, "files": []},
    {"service": SERVICE, "files": [FILE] * 501},
    {"service": SERVICE, "files": [{"name": "", "size": 1}]},
    {"service": SERVICE, "files": [{"name": "a\nb.xlsx", "size": 1}]},
    {"service": SERVICE, "files": [{"name": "a" * 256, "size": 1}]},
    {"service": SERVICE, "files": [{"name": "a.xlsx", "size": -1}]},
    {"service": SERVICE, "files": [{"name": "a.xlsx", "size": "1"}]},
    {"service": SERVICE, "files": [{"name": "a.xlsx", "size": 1.5}]},
    {"service": SERVICE, "files": [{"name": "a.xlsx", "size": 1, "user": "somebody else"}]},
    {"service": SERVICE, "files": [FILE], "school": OWN},
    {"service": 2023, "files": [FILE]},
]


def test_bad_requests_get_their_problem_and_leave_nothing_behind(
    deployed: Deployed, people: dict[str, PortalClient], uploads: Uploads
) -> None:
    school = people["own school"]
    tries: list[tuple[str, str, Any, HTTPStatus, str]] = [
        ("POST", "/uploads", body, HTTPStatus.BAD_REQUEST, "bad-request") for body in BAD_BODIES
    ]
    tries += [
        ("POST", "/uploads", {"service": "ks9-1999", "files": [FILE]}, HTTPStatus.NOT_FOUND, "no-such-service"),
        *(
            ("POST", f"/services/{SERVICE}/match", body, HTTPStatus.BAD_REQUEST, "bad-request")
            for body in (b"", {}, {**EXPORT, "file": "é"}, {**EXPORT, "columns": {"upn": 3}}, {**EXPORT, "more": 1})
        ),
        ("POST", f"/services/{SERVICE}/match", {**EXPORT, "file": ""}, HTTPStatus.UNPROCESSABLE_ENTITY, "not-matched"),
        ("POST", f"/services/{SERVICE}/match", {**EXPORT, "school": OUTSIDE}, HTTPStatus.FORBIDDEN, "not-allowed"),
        *(
            ("POST", f"/services/{SERVICE}/match/workbook", body, HTTPStatus.UNPROCESSABLE_ENTITY, "not-matched")
            for body in ({**EXPORT, "columns": {}}, {**EXPORT, "columns": None}, {**EXPORT, "columns": {"upn": 1}})
        ),
        ("GET", "/services/ks9-1999/template", None, HTTPStatus.NOT_FOUND, "no-such-service"),
        ("GET", f"/services/{SERVICE}/template?school={OUTSIDE}", None, HTTPStatus.FORBIDDEN, "not-allowed"),
        ("GET", f"/services/{SERVICE}/template?school=12", None, HTTPStatus.BAD_REQUEST, "bad-request"),
        ("GET", f"/uploads/{NO_UPLOAD}", None, HTTPStatus.NOT_FOUND, "no-such-upload"),
        ("GET", "/uploads/not-an-id", None, HTTPStatus.NOT_FOUND, "no-such-upload"),
        ("GET", f"/uploads/{uploads.good}/findings?format=exe", None, HTTPStatus.BAD_REQUEST, "bad-request"),
        ("GET", "/uploads?status=FINE", None, HTTPStatus.BAD_REQUEST, "bad-request"),
        ("GET", "/uploads?year=MMXXIII", None, HTTPStatus.BAD_REQUEST, "bad-request"),
        ("GET", "/uploads?service=ks9-1999", None, HTTPStatus.NOT_FOUND, "no-such-service"),
        ("GET", "/uploads?cursor=../../etc", None, HTTPStatus.BAD_REQUEST, "bad-request"),
        ("GET", "/uploads?organisation=SCHOOL%23" + OUTSIDE, None, HTTPStatus.FORBIDDEN, "not-allowed"),
        ("GET", "/reports?window=one", None, HTTPStatus.BAD_REQUEST, "bad-request"),
        ("GET", f"/reports/{SERVICE}/9/{OWN}", None, HTTPStatus.NOT_FOUND, "not-found"),
        ("GET", f"/reports/{SERVICE}/1/{OWN}?format=doc", None, HTTPStatus.BAD_REQUEST, "bad-request"),
        ("GET", "/nowhere", None, HTTPStatus.NOT_FOUND, "not-found"),
        ("PUT", "/uploads", {}, HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed"),
        ("PATCH", f"/uploads/{uploads.good}", {}, HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed"),
        ("GET", "/uploads?year=" + "9" * 5000, None, HTTPStatus.BAD_REQUEST, "bad-request"),
        ("GET", "/reports?school=12", None, HTTPStatus.BAD_REQUEST, "bad-request"),
        ("GET", f"/reports/{SERVICE}/01/{OWN}", None, HTTPStatus.NOT_FOUND, "not-found"),
        ("DELETE", f"/uploads/{NO_UPLOAD}", None, HTTPStatus.NOT_FOUND, "no-such-upload"),
    ]
    before = _written(deployed)
    for method, path, body, status, kind in tries:
        answer = school.request(method, path, body)
        said = answer.json()
        assert answer.status == status, (method, path, body, said)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert said["type"] == f"urn:early-results:problem:{kind}"
        assert said["status"] == status
        assert said["title"]
        assert said["detail"]
    assert _written(deployed) == before


@pytest.mark.parametrize("kind", ["missing", "garbage", "tampered", "identity token"])
def test_without_an_access_token_nobody_gets_in(deployed: Deployed, people: dict[str, PortalClient], kind: str) -> None:
    """API Gateway's authorizer answers most of these itself; an identity token gets past it and no further."""
    good_token = people["own school"].token or ""
    head, payload, signature = good_token.split(".")
    tokens = {
        "missing": None,
        "garbage": "garbage",
        "tampered": f"{head}.{payload}.{signature[:-8]}AAAAAAAA",
        "identity token": _identity_token(deployed),
    }
    before = _written(deployed)
    client = PortalClient(deployed.stack.api_url, tokens[kind])
    for method, path in (("GET", "/me"), ("POST", "/uploads"), ("GET", f"/uploads/{NO_UPLOAD}")):
        answer = client.request(method, path, {"service": SERVICE, "files": [FILE]} if method == "POST" else None)
        assert answer.status == HTTPStatus.UNAUTHORIZED
        assert answer.json()
    assert _written(deployed) == before


def _identity_token(deployed: Deployed) -> str:
    user = deployed.user(f"SCHOOL#{OWN}")
    answer = deployed.stack.client("cognito-idp").initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH",
        ClientId=deployed.stack.outputs["UserPoolClientId"],
        AuthParameters={"USERNAME": user["email"], "PASSWORD": user["password"]},
    )
    return str(answer["AuthenticationResult"]["IdToken"])


def test_a_file_over_the_limit_is_refused_and_recorded_as_an_attempt(people: dict[str, PortalClient]) -> None:
    school = people["sister school"]
    answer = school.request(
        "POST", "/uploads", {"service": SERVICE, "files": [{"name": "huge.xlsx", "size": 50_000_000}]}
    )
    assert answer.status == HTTPStatus.CREATED
    refused = answer.json()[0]
    assert refused["post"] is None
    assert [finding["code"] for finding in refused["findings"]] == ["too-large"]
    listed = school.get("/uploads", status="UPLOAD_ERROR")["uploads"]
    assert refused["upload_id"] in [upload["upload_id"] for upload in listed]


def test_an_empty_file_gets_its_verdict(people: dict[str, PortalClient]) -> None:
    school = people["sister school"]
    verdict = school.verdict(school.upload(SERVICE, "empty.xlsx", b""))
    assert verdict["status"] == "UPLOAD_ERROR"
    assert [finding["code"] for finding in verdict["findings"]] == ["not-a-workbook"]


def test_names_come_back_as_they_were(deployed: Deployed, people: dict[str, PortalClient]) -> None:
    """Emoji, quotes, slashes and percent signs in a file name survive the signed metadata and the history."""
    school = people["sister school"]
    for name in ("Year 2 😀 “final”.xlsx", "50% <b>done</b> & dusted.xlsx", "a/b\\c;d=e+f.xlsx", "Ünïcødé — 年.xlsx"):
        upload_id = school.upload(SERVICE, name, bad(deployed, SISTER))
        assert school.verdict(upload_id)["name"] == name


def test_the_history_pages_newest_first(deployed: Deployed, people: dict[str, PortalClient]) -> None:
    """Page by page, without gaps or repeats, newest first; filters hold on the server."""
    stranger = people["stranger"]
    files = [{"name": f"{number}.xlsx", "size": 50_000_000} for number in range(60)]
    assert stranger.request("POST", "/uploads", {"service": SERVICE, "files": files}).status == HTTPStatus.CREATED
    first = stranger.get("/uploads", status="UPLOAD_ERROR", year="2023", service=SERVICE)
    second = stranger.get("/uploads", status="UPLOAD_ERROR", cursor=first["cursor"])
    ids = [upload["upload_id"] for upload in first["uploads"] + second["uploads"]]
    assert len(first["uploads"]) == 50
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) >= 60
    assert stranger.get("/uploads", year="1999") == {"uploads": [], "cursor": None}
    assert json.dumps(first).count(f"SCHOOL#{OWN}") == 0
