"""A season in memory: the real use cases on the simulation's stores, with a clock that the test sets.

Three schools of four pupils; two windows. What a person or a schedule would do is a method each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from threading import RLock
from typing import Any, cast

import boto3
from moto import mock_aws

from adapters.objects import Bucket
from adapters.queue import Queue
from adapters.rosters import user_of
from adapters.settings import Settings
from adapters.stores import Stores
from adapters.table import Table
from early_results import keys
from early_results.access import Role, User
from early_results.checking.roster import rosters_csv
from early_results.counting.calendar import Calendar
from early_results.counting.registers import Outcome
from early_results.counting.uploads import Upload, upload_from_item
from early_results.object_keys import upload_key
from early_results.service import Window
from early_results.writes import Key
from infra.operator.operating import OperatorSession
from infra.operator.operations import NewUser, create_user, store_calendar
from portal.requests import FileToUpload, UploadRequest
from portal.uploading import delete, issue_forms
from tests.simulation.store import Gate, MemoryBucket, MemoryTable
from tests.unit.checking.school_files import SERVICE, book, grid, roster
from workflow.build_report import build_report
from workflow.check_upload import Checked, check_object, park_upload
from workflow.freeze_window import Frozen, run_service
from workflow.import_extract import import_extract
from workflow.join_registers import offer_upload

NAME = SERVICE.name
SCHOOLS = ("1231234", "1232001", "8012003")
TRUST = "ABC"
OPENS = datetime(2023, 6, 5, 8, 0, tzinfo=UTC)
CLOSES = datetime(2023, 6, 30, 11, 0, tzinfo=UTC)
ENDS = datetime(2023, 7, 21, 11, 0, tzinfo=UTC)
RESULTS = (("EXS", "WTS", "GDS", "EXS", 100, 101, 115), ("GDS", "EXS", "EXS", "EXS", 110, 101, 99))
WRONG = ("EXP", "WTS", "GDS", "EXS", 100, 101, 115)


@dataclass
class Clock(Gate):
    """The clock of everybody, S3 included. It lets every call through."""

    time: datetime

    def now(self) -> datetime:
        return self.time

    def signer(self) -> datetime:
        return self.time


class Shared(MemoryTable):
    """The table in memory, safe for use cases that write from several threads."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = RLock()

    def query(self, *arguments: Any, **named: Any) -> Iterator[dict[str, Any]]:
        with self._lock:
            return iter(list(super().query(*arguments, **named)))

    def get_many(self, wanted: Iterable[Key]) -> dict[Key, dict[str, Any]]:
        with self._lock:
            return super().get_many(wanted)

    def write(self, writes: Any) -> None:
        with self._lock:
            super().write(writes)


class Messages(Queue):
    """A queue that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, messages: Sequence[dict[str, Any]]) -> None:
        self.sent += json.loads(json.dumps(messages))


class Season:
    """The stores, the people and the clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.table = Shared()
        self.files = MemoryBucket("uploads", clock, versioned=True)
        results, records = (
            MemoryBucket("results", clock, versioned=False),
            MemoryBucket("records", clock, versioned=True),
        )
        second = timedelta(seconds=1)
        settings = Settings(
            "table", "uploads", "results", "records", 180 * second, 60 * second, 600 * second, 1_000_000
        )
        files, kept, told = (cast(Bucket, bucket) for bucket in (self.files, results, records))
        self.stores = Stores(cast(Table, self.table), files, kept, told, settings)
        self.upload_queue, self.report_queue = Messages(), Messages()
        self.cognito, pool = empty_pool()
        self.operated = OperatorSession(
            self.stores, self.upload_queue, self.report_queue, "an operator", self.cognito, pool, True
        )
        self.subs: dict[str, str] = {}
        self._seed()

    def _seed(self) -> None:
        stores = self.stores
        windows = (Window(1, OPENS, CLOSES, CLOSES.date()), Window(2, CLOSES, ENDS, ENDS.date()))
        store_calendar(stores.table, stores.records, Calendar(NAME, 1, windows), "an operator", "a season")
        self.extract("rosters/trusts.csv", f"Trust,Name\n{TRUST},ABC Trust\n")
        rows = "".join(f"{school},School {school},{TRUST if school[0] == '1' else ''}\n" for school in SCHOOLS)
        self.extract("rosters/schools.csv", f"School DFE,Name,Trust\n{rows}")
        pupils = [pupil for school in SCHOOLS for pupil in roster(school=school).pupils]
        self.extract(f"rosters/{NAME}/mis.csv", rosters_csv(pupils, SERVICE))
        organisations = [(Role.SCHOOL, f"SCHOOL#{school}") for school in SCHOOLS]
        organisations += [(Role.TRUST, f"TRUST#{TRUST}"), (Role.OPERATOR, "OPERATOR")]
        for role, organisation in organisations:
            name = organisation.replace("#", "").lower()
            new = NewUser(f"{name}@example.org", "Long-enough-1", role, organisation)
            self.subs[organisation] = create_user(
                self.cognito, self.operated.user_pool, stores.table, stores.records, new, "a test"
            )

    @property
    def now(self) -> datetime:
        """What the clock says."""
        return self.clock.time

    @now.setter
    def now(self, moment: datetime) -> None:
        self.clock.time = moment

    def later(self, **gone: float) -> datetime:
        """Lets time go by."""
        self.now += timedelta(**gone)
        return self.now

    def extract(self, key: str, text: str) -> None:
        """An extract that arrives."""
        version = self.stores.uploads.put(key, text.encode(), "text/csv")
        import_extract(self.stores, key, version)

    def file(self, school: str, results: tuple[Any, ...] = RESULTS[0]) -> bytes:
        """A school's workbook, every pupil with the same results."""
        return book(grid(roster(school=school).pupils, results))

    def form(self, organisation: str, name: str = "results.xlsx") -> dict[str, Any]:
        """A form that is issued."""
        user = self.user(organisation)
        request = UploadRequest(service=NAME, files=[FileToUpload(name=name, size=20_000)])
        return {**issue_forms(self.stores, user, SERVICE, request, self.now)[0]}

    def post(self, form: dict[str, Any], data: bytes) -> str:
        """A form that is posted; gives the version."""
        signed = form["post"]
        return self.files.store(signed["key"], data, self.now, signed["metadata"])

    def sent(self, organisation: str, data: bytes) -> str:
        """A file that is uploaded and not noticed yet; gives the upload's id."""
        form = self.form(organisation)
        self.post(form, data)
        return str(form["upload_id"])

    def check(self, upload_id: str, version: str | None = None) -> Checked:
        """The validate function's work on it, or on one of its versions."""
        return check_object(self.stores, upload_key(NAME, upload_id), version, self.now)

    def offer(self, upload_id: str) -> Outcome:
        """The supersede function's work on it."""
        return offer_upload(self.stores, upload_id)

    def upload(self, school: str, results: tuple[Any, ...] = RESULTS[0], by: str | None = None) -> str:
        """A file that is uploaded, checked and offered a minute after the one before; gives the upload's id."""
        self.later(minutes=1)
        upload_id = self.sent(by or f"SCHOOL#{school}", self.file(school, results))
        if self.check(upload_id) is Checked.ACCEPTED:
            self.offer(upload_id)
        return upload_id

    def park(self, upload_id: str) -> None:
        """What the rescue function does with a file that killed it twice."""
        assert park_upload(self.stores, upload_key(NAME, upload_id))

    def user(self, organisation: str) -> User:
        """The user of an organisation, with what they may do now."""
        user = user_of(self.stores, self.subs[organisation])
        assert user is not None
        return user

    def delete(self, organisation: str, upload_id: str) -> None:
        """A file that its uploader deletes."""
        delete(self.stores, self.user(organisation), SERVICE, self.record(upload_id), self.now)

    def record(self, upload_id: str) -> Upload:
        """An upload as the table has it."""
        item = self.stores.table.get(keys.upload(upload_id))
        assert item is not None
        return upload_from_item(item)

    def freeze(self) -> tuple[Frozen, ...]:
        """A run of the schedule."""
        return run_service(self.stores, self.upload_queue, self.report_queue, SERVICE, self.now)[1]

    def straggler(self, school: str, results: tuple[Any, ...] = RESULTS[1]) -> str:
        """A file received in the last minute of window 1 that shows itself only after the freeze."""
        self.now = CLOSES - timedelta(seconds=50)
        upload_id = self.sent(f"SCHOOL#{school}", self.file(school, results))
        hidden = upload_key(NAME, upload_id)
        data, signed = self.stores.uploads.get(hidden), self.stores.uploads.metadata(hidden)
        self.stores.uploads.remove_versions(hidden)
        self.now = CLOSES + timedelta(minutes=4)
        self.freeze()
        # S3's own time of it is before the close.
        self.files.store(hidden, data, CLOSES - timedelta(seconds=50), signed)
        self.now = CLOSES + timedelta(minutes=20)
        return upload_id

    def build_reports(self) -> int:
        """The build function's work on all that is queued."""
        wanted, self.report_queue.sent = self.report_queue.sent, []
        for message in wanted:
            build_report(self.stores, message["service"], message["window"], message["school"])
        return len(wanted)

    def items(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The whole table."""
        return {(key.pk, key.sk): dict(item) for key, item in self.table.items.items()}

    def without_calendar(self) -> None:
        """As a season begins whose operator has changed nothing: the service file's own calendar, version 0."""
        self.stores.table.delete(keys.calendar(NAME))
        for folder in ("calendars", "calendars-in-force"):
            for listed in list(self.stores.records.list(f"{folder}/{NAME}/")):
                self.stores.records.remove_versions(listed.key)

    def lose_the_table(self) -> None:
        """The table is gone, and an empty one is there."""
        for kept in (self.table.items, self.table.partitions, self.table.indexed):
            kept.clear()


@cache
def _cognito() -> Any:
    """The client of all seasons: each one made anew reads the descriptions of every service again."""
    return boto3.Session("testing", "testing", region_name="eu-west-2").client("cognito-idp")


def empty_pool() -> tuple[Any, str]:
    """A client, and a user pool without users: the pool of the season before, if moto still has it.

    moto takes longer over the key of a new pool than over all that a season begins with.
    """
    cognito = _cognito()
    for pool in cognito.list_user_pools(MaxResults=1)["UserPools"]:
        for page in cognito.get_paginator("list_users").paginate(UserPoolId=pool["Id"]):
            for user in page["Users"]:
                cognito.admin_delete_user(UserPoolId=pool["Id"], Username=user["Username"])
        return cognito, pool["Id"]
    made = cognito.create_user_pool(PoolName="users", UsernameAttributes=["email"])
    return cognito, made["UserPool"]["Id"]


@contextmanager
def season(begins: datetime = OPENS + timedelta(days=1)) -> Iterator[Season]:
    """A season that has just begun: schools, users and a calendar are brought onto the stack at that moment."""
    clock, mock = Clock(begins), mock_aws()
    mock.start(reset=False)
    try:
        yield Season(clock)
    finally:
        mock.stop(remove_data=False)
