"""The handlers as Lambda calls them, on recorded events, with moto in the place of AWS: no socket is opened."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote_plus

import boto3
import pytest
from moto import mock_aws
from moto.core.config import DefaultConfig
from pytest_socket import disable_socket, enable_socket

from adapters import clients, stores
from adapters.stores import Stores
from adapters.templates import template_workbook
from early_results import keys
from early_results.access import Role
from early_results.checking.roster import Roster, rosters_csv
from early_results.counting.calendar import Calendar
from early_results.counting.uploads import Status, Upload
from early_results.ids import new_ulid
from early_results.results import Pupil
from early_results.service import LONDON, Window, load_service
from early_results.writes import Put
from infra.local.demonstration import fill, pupils_of, with_errors
from infra.operator.operations import store_calendar
from tests.template.reading import load_template, props

EVENTS = Path(__file__).resolve().parent.parent / "events"
REGION: Final = "eu-west-2"
# For moto: boto3 keeps its session, and with it the descriptions of the services, which take long to read.
KEPT_SESSION: Final[DefaultConfig] = {"core": {"mock_credentials": True, "reset_boto3_session": False}}
SERVICE = "ks1-2023"
SCHOOL = "1231234"
USER = "0b8e1c1e-5d7a-4d6b-9c62-6a1f0c9b7a11"
BUCKETS = ("uploads", "results", "records")

Event = dict[str, Any]
Handler = Callable[[Event, Any], Any]


class Context:
    """What a handler is told of its invocation."""

    function_name = "function"
    memory_limit_in_mb = 1769
    invoked_function_arn = "arn:aws:lambda:eu-west-2:123456789012:function:function"
    aws_request_id = "52fdfc07-2182-454f-963f-5f0f9a621d72"

    def get_remaining_time_in_millis(self) -> int:
        """Time left, in milliseconds."""
        return 20_000


def recorded(name: str, **put: str) -> Event:
    """A recorded event, with its placeholders (BUCKET, KEY, VERSION, ...) filled in."""
    text = (EVENTS / f"{name}.json").read_text()
    for placeholder, value in put.items():
        text = text.replace(placeholder, value)
    found: Event = json.loads(text)
    return found


def together(*events: Event) -> Event:
    """The records of several events as one batch, each with an id of its own."""
    records = [dict(record) for event in events for record in event["Records"]]
    for number, record in enumerate(records):
        if "messageId" in record:
            record["messageId"] = f"message-{number}"
    return {"Records": records}


@dataclass(slots=True)
class Cloud:
    """A table, three buckets and two queues, as the template makes them, and what the tests put there."""

    stores: Stores
    queues: dict[str, str]

    def object_event(self, name: str, bucket: str, key: str, version: str) -> Event:
        """What S3 sends of an object: its key is percent-encoded, a space is `+`."""
        return recorded(name, BUCKET=bucket, KEY=quote_plus(key, safe="/"), VERSION=version)

    def open_window(self, closes_in: timedelta = timedelta(days=1), version: int = 1) -> Calendar:
        """A calendar whose first window is open now."""
        now = datetime.now(UTC).replace(microsecond=0)
        today = datetime.now(LONDON).date()
        closes = now + closes_in
        windows = (
            Window(1, now - timedelta(days=1), closes, today),
            Window(2, closes, closes + timedelta(days=9), today),
        )
        calendar = Calendar(SERVICE, version, windows)
        store_calendar(self.stores.table, self.stores.records, calendar, "test", "a window")
        return calendar

    def upload(self, data: bytes) -> tuple[Upload, str]:
        """A form that was issued, and the file that came with it: the record and the object's version."""
        now = datetime.now(UTC)
        upload = Upload(
            upload_id=new_ulid(now, len(data).to_bytes(10, "big")),
            service=SERVICE,
            user=USER,
            user_name="head@school.example",
            organisation=f"SCHOOL#{SCHOOL}",
            name="our results.xlsx",
            size=len(data),
            issued=now,
            expires_at=now + timedelta(minutes=10),
            status=Status.AWAITING_UPLOAD,
            school=SCHOOL,
            unsettled=True,
        )
        self.stores.table.write(Put(upload.key, upload.to_item()))
        return upload, self.stores.uploads.put(upload.object_key, data, "application/octet-stream")

    def item(self, upload: Upload) -> dict[str, Any]:
        """An upload's record as it is now."""
        found = self.stores.table.get(upload.key)
        assert found is not None
        return found

    def messages(self, queue: str) -> list[Any]:
        """What waits in a queue."""
        client = boto3.client("sqs", region_name=REGION)
        received = client.receive_message(QueueUrl=self.queues[queue], MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in received]


@pytest.fixture(autouse=True)
def _no_sockets() -> Iterator[None]:
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The template's stores on moto, seeded with a school, its administrator and nothing else."""
    with mock_aws(config=KEPT_SESSION):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        monkeypatch.setenv("TABLE", "records-table")
        for name in BUCKETS:
            monkeypatch.setenv(f"{name.upper()}_BUCKET", name)
        for name, value in (("GRACE_SECONDS", "0"), ("SWEEP_AGE_SECONDS", "60"), ("STALLED_SECONDS", "2700")):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("MAX_UPLOAD_BYTES", "10485760")
        queues = _make(_template())
        for name in ("upload", "report"):
            monkeypatch.setenv(f"{name.upper()}_QUEUE_URL", queues[name])
        monkeypatch.setenv("REPORT_DEAD_LETTER_QUEUE_ARN", "arn:aws:sqs:eu-west-2:123456789012:report-dead")
        _forget()
        opened = stores.open_stores()
        opened.table.write(
            Put(
                keys.user(USER),
                {"name": "head@school.example", "role": Role.SCHOOL.value, "organisation": f"SCHOOL#{SCHOOL}"},
            )
        )
        yield Cloud(opened, queues)
    _forget()


def _forget() -> None:
    """A cold start: what the modules keep for a container's life is gone."""
    for cached in (clients.s3, clients.dynamodb, clients.sqs, stores.open_stores, stores.open_queue):
        cast("Any", cached).cache_clear()


@cache
def _template() -> dict[str, Any]:
    return load_template()


@cache
def _pupils() -> tuple[Pupil, ...]:
    return pupils_of(SCHOOL, 3)


def _make(template: dict[str, Any]) -> dict[str, str]:
    s3 = boto3.client("s3", region_name=REGION)
    for name in BUCKETS:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        versioning = props(template, f"{name.title()}Bucket").get("VersioningConfiguration")
        if versioning:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    table = props(template, "Table")
    shape = {
        name: table[name] for name in ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    }
    boto3.client("dynamodb", region_name=REGION).create_table(TableName="records-table", **shape)
    sqs = boto3.client("sqs", region_name=REGION)
    return {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("upload", "report")}


def roster_file() -> bytes:
    """The school's extract."""
    return rosters_csv(_pupils(), load_service(SERVICE)).encode()


@cache
def results_file(*, wrong: bool = False) -> bytes:
    """The school's filled-in workbook."""
    service = load_service(SERVICE)
    moment = datetime(2023, 6, 5, 8, tzinfo=UTC)
    template = template_workbook(service, Roster(SCHOOL, "none", moment, _pupils()), moment)
    row: dict[str, str | int] = {column.key: "EXS" for column in service.assessments}
    row |= {column.key: 100 for column in service.scores}
    results = {pupil.upn: dict(row) for pupil in _pupils()}
    return fill(template, service, with_errors(service, results) if wrong else results)


@pytest.fixture
def handlers(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Handlers:
    """The functions' handlers, imported anew for each test: as after a cold start."""
    return Handlers(monkeypatch)


class Handlers:
    """Gives handlers by module and name, with the service name that the template gives their function."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    def __call__(self, module: str, service: str, name: str = "handler") -> Handler:
        """One handler, as its function has it."""
        import importlib
        import sys

        self._patch.setenv("POWERTOOLS_SERVICE_NAME", service)
        self._patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "EarlyResults")
        sys.modules.pop(module, None)
        logging.Logger.manager.loggerDict.pop(service, None)  # it writes where an earlier test's output went
        handler: Handler = getattr(importlib.import_module(module), name)
        return handler


def logged(printed: str) -> list[dict[str, Any]]:
    """The lines of a handler's log."""
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def metrics_of(printed: str) -> dict[tuple[str, str], float]:
    """What a handler told CloudWatch, by metric and service: the lines in embedded metric format it printed."""
    found: dict[tuple[str, str], float] = {}
    for said in logged(printed):
        for directive in said.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == "EarlyResults"
            [dimensions] = directive["Dimensions"]
            assert set(dimensions) in ({"service"}, {"service", "window"})
            for metric in directive["Metrics"]:
                found[metric["Name"], said[dimensions[-1]]] = sum(said[metric["Name"]])
    return found
