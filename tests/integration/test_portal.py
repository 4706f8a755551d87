"""The portal as the HTTP API calls it: what its log says of a request, how often one may ask, and who needs a code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from logging import makeLogRecord
from typing import Any

import boto3
import pytest

from adapters import clients
from early_results import keys
from early_results.access import Role
from early_results.writes import Put, Update

from .conftest import REGION, SCHOOL, SERVICE, USER, Cloud, Context, Handlers

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
OF_LOGGING = frozenset(vars(makeLogRecord({})))
OPERATOR = "operator@results.example"
PASSWORD = "Long-enough-1"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("USER_POOL_CLIENT_ID", "client"),
        ("USER_POOL_ID", "pool"),
        ("COGNITO_ENDPOINT", "https://cognito-idp.eu-west-2.amazonaws.com/"),
        ("REQUESTS_A_MINUTE", "60"),
        ("TELLS", "yes"),
        ("OPERATORS_NEED_CODES", "true"),
    ):
        monkeypatch.setenv(name, value)


class Portal:
    """Sends requests as a user."""

    def __init__(self, handlers: Handlers, caplog: pytest.LogCaptureFixture) -> None:
        self.handler = handlers("portal.app", "portal")
        self.caplog = caplog

    def ask(self, method: str, path: str, body: Any = None, sub: str = USER, held: str = "") -> dict[str, Any]:
        """An answer of the API, with its body read."""
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"content-type": "application/json", **({"if-none-match": held} if held else {})},
            "requestContext": {
                "requestId": "JKJaXmPLvHcESHA=",
                "http": {"method": method, "path": path},
                "stage": "$default",
                "authorizer": {"jwt": {"claims": {"token_use": "access", "sub": sub}}},
            },
            "body": json.dumps(body) if body is not None else None,
            "isBase64Encoded": False,
        }
        self.caplog.clear()
        answer: dict[str, Any] = self.handler(event, Context())
        return answer

    def log(self) -> list[str]:
        """The lines of the log about requests, of the one before."""
        return [record.message for record in self.caplog.records if record.message == "request"]

    def logged(self) -> dict[str, Any]:
        """What the log says of the request before."""
        [record] = [record for record in self.caplog.records if record.message == "request"]
        return {name: value for name, value in vars(record).items() if name not in OF_LOGGING}


@pytest.fixture
def portal(cloud: Cloud, handlers: Handlers, caplog: pytest.LogCaptureFixture) -> Portal:
    """The portal, with an open window."""
    cloud.open_window()
    caplog.set_level("INFO")
    return Portal(handlers, caplog)


def test_the_log_says_who_asked_for_what_and_what_became_of_it(portal: Portal) -> None:
    assert portal.ask("GET", "/api/me")["statusCode"] == 200
    line = portal.logged()
    told = {name: line[name] for name in ("sub", "method", "path", "status", "api_request_id")}
    assert told == {
        "sub": USER,
        "method": "GET",
        "path": "/api/me",
        "status": 200,
        "api_request_id": "JKJaXmPLvHcESHA=",
    }


def test_a_form_and_every_request_about_its_upload_are_joined_by_one_id(portal: Portal) -> None:
    files = [{"name": "Amelia Smith's results.xlsx", "size": 10}]
    answer = portal.ask("POST", "/api/uploads", {"service": SERVICE, "files": files})
    [form] = json.loads(answer["body"])
    line = portal.logged()
    assert line["correlation_id"] == [form["upload_id"]]
    assert "Amelia" not in json.dumps(line), "a file's name may be a pupil's"
    portal.ask("GET", f"/api/uploads/{form['upload_id']}")
    assert portal.logged()["correlation_id"] == [form["upload_id"]]


def test_an_address_that_is_none_is_not_logged(portal: Portal) -> None:
    """Whoever mistypes one may have put a pupil's name there."""
    assert portal.ask("GET", "/api/Amelia%20Smith")["statusCode"] == 404
    line = portal.logged()
    assert (line["path"], line["status"]) == (None, 404)


def test_json_is_neither_kept_nor_sniffed(portal: Portal) -> None:
    for path in ("/api/me", "/api/uploads/01ARZ3NDEKTSV4RRFFQ69G5FAV"):
        headers = portal.ask("GET", path)["headers"]
        assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store"), path


def test_one_caller_may_ask_so_often_in_a_minute_and_nobody_else_waits(portal: Portal, cloud: Cloud) -> None:
    other = {"name": "b@school.example", "role": Role.SCHOOL.value, "organisation": f"SCHOOL#{SCHOOL}"}
    cloud.stores.table.write(Put(keys.user("somebody"), other))
    answers = [portal.ask("GET", "/api/me") for _ in range(130)]  # more than two minutes' worth, if one goes by
    refused = [answer for answer in answers if answer["statusCode"] == 429]
    assert refused
    assert answers[0]["statusCode"] == 200
    assert sum(answer["statusCode"] == 200 for answer in answers) <= 120
    assert json.loads(refused[0]["body"])["type"].endswith("too-many-requests")
    assert 1 <= int(refused[0]["headers"]["Retry-After"]) <= 60
    assert portal.ask("GET", "/api/me", sub="somebody")["statusCode"] == 200


@pytest.fixture
def pool(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, str]]:
    """A user pool with an operator who has a password alone: the client, and their access token."""
    clients.cognito.cache_clear()
    cognito = boto3.client("cognito-idp", region_name=REGION)
    made = cognito.create_user_pool(PoolName="users", UsernameAttributes=["email"])["UserPool"]["Id"]
    monkeypatch.setenv("USER_POOL_ID", made)
    app = cognito.create_user_pool_client(UserPoolId=made, ClientName="portal")["UserPoolClient"]["ClientId"]
    user = cognito.admin_create_user(UserPoolId=made, Username=OPERATOR, MessageAction="SUPPRESS")["User"]
    cognito.admin_set_user_password(UserPoolId=made, Username=OPERATOR, Password=PASSWORD, Permanent=True)
    told = cognito.initiate_auth(
        ClientId=app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters={"USERNAME": OPERATOR, "PASSWORD": PASSWORD}
    )
    sub = next(a["Value"] for a in user["Attributes"] if a["Name"] == "sub")
    item = {"name": OPERATOR, "role": Role.OPERATOR.value, "organisation": "OPERATOR"}
    cloud.stores.table.write(Put(keys.user(sub), item))
    monkeypatch.setattr(f"{__name__}.TOKEN", told["AuthenticationResult"]["AccessToken"])
    yield cognito, sub
    clients.cognito.cache_clear()


TOKEN = ""


def test_an_operator_is_turned_away_until_they_sign_in_with_codes(portal: Portal, pool: tuple[Any, str]) -> None:
    cognito, sub = pool
    for path in ("/api/me", f"/api/windows/{SERVICE}/1"):
        answer = portal.ask("GET", path, sub=sub)
        assert (answer["statusCode"], json.loads(answer["body"])["type"].split(":")[-1]) == (403, "codes-needed")
    cognito.associate_software_token(AccessToken=TOKEN)
    cognito.verify_software_token(AccessToken=TOKEN, UserCode="123456")
    cognito.set_user_mfa_preference(AccessToken=TOKEN, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True})
    assert portal.ask("GET", "/api/me", sub=sub)["statusCode"] == 200


def test_others_need_no_code(portal: Portal, pool: tuple[Any, str]) -> None:
    assert portal.ask("GET", "/api/me")["statusCode"] == 200


CHANGES = f"/api/services/{SERVICE}/changes"


def test_a_page_is_told_that_something_changed_and_nothing_else(portal: Portal, cloud: Cloud) -> None:
    first = portal.ask("GET", CHANGES)
    tag = first["headers"]["ETag"]
    assert json.loads(first["body"]) == {"changes": tag.strip('"')}
    again = portal.ask("GET", CHANGES, held=tag)
    assert (again["statusCode"], again["body"]) == (304, "")
    assert portal.log() == []  # nothing was told
    table = cloud.stores.table
    touched = [
        keys.current_register(SERVICE, SCHOOL),
        keys.window_register(SERVICE, 1, SCHOOL),
        keys.roster(SERVICE, SCHOOL),
        keys.state(SERVICE, 1),
        keys.calendar(SERVICE),
    ]
    for key in touched:
        before = table.get(key) or {}
        table.write(Update(key, set={"touched_by_the_test": "yes"}))
        changed = portal.ask("GET", CHANGES, held=tag)
        assert changed["statusCode"] == 200, key
        assert changed["headers"]["ETag"] != tag, key
        tag = changed["headers"]["ETag"]
        assert before != table.get(key)
    for key in (keys.current_register(SERVICE, "9999999"), keys.report(SERVICE, 1, SCHOOL)):
        table.write(Update(key, set={"touched_by_the_test": "yes"}))  # another school's; of a window still open
        assert portal.ask("GET", CHANGES, held=tag)["statusCode"] == 304, key


def test_an_open_page_s_looks_are_free_and_a_flood_of_them_is_not(portal: Portal) -> None:
    answers = [portal.ask("GET", CHANGES)["statusCode"] for _ in range(400)]
    assert answers[:10] == [200] * 10
    assert 429 in answers
