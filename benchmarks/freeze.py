"""What freezing a window costs, by number of schools: calls, capacity and processor time of the real freeze.

    .venv/bin/python -m benchmarks.freeze [SCHOOLS ...]

The freeze runs as shipped on a table in memory. Every call it makes is also put through boto3 as far as the socket, so
that building, signing and reading back cost what they cost in Lambda; the network is left out. Half of the schools have
a file in the window, 45 % have theirs carried forward, 5 % have none: dearer than any window will be. Results go to
benchmarks/results/freeze.md.
"""

from __future__ import annotations

import json
import platform
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from adapters.objects import Bucket
from adapters.queue import Queue
from adapters.settings import Settings
from adapters.stores import Stores
from adapters.table import Table, to_attributes
from early_results import keys
from early_results.canonical import canonical
from early_results.counting.calendar import calendar_of
from early_results.counting.freeze import State, begin_sealing, state_from_item
from early_results.counting.registers import Mark
from early_results.counting.uploads import Status, Upload
from early_results.ids import new_ulid
from early_results.object_keys import upload_key
from early_results.reporting.summary import summarise
from early_results.results import PupilResults
from early_results.service import load_service
from early_results.times import to_text
from early_results.writes import Check, Item, Key, Put, Remove, Update
from infra.local.demonstration import pupils_of, results_of
from tests.simulation.store import Gate, MemoryBucket, MemoryTable
from workflow import freeze_window
from workflow.sweep_bucket import sweep

RESULTS = Path(__file__).parent / "results" / "freeze.md"
SERVICE = load_service("ks1-2023")
AUTHORITIES = 152
# DynamoDB's units: a write of up to 1 KB is one, two in a transaction; a consistent read of up to 4 KB is one.
WRITE_UNIT, READ_UNIT = 1024, 4096
LATENCY = {"update": 0.006, "transact": 0.015, "get": 0.004, "batch get": 0.012, "query": 0.015}  # seconds, typical


class Body:
    """What a response is read from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._data


class Costed(MemoryTable):
    """The table in memory, with boto3's share of every call, and what DynamoDB would count."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.units: Counter[str] = Counter()
        self.charging = False
        self.aside = 0.0
        self._lock = threading.Lock()
        self._here = threading.local()
        client = boto3.client(
            "dynamodb",
            region_name="eu-west-2",
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106 - nothing is sent
            config=Config(retries={"max_attempts": 0}),
        )
        respond: Any = self._respond  # botocore takes an answer from this hook, which its stubs do not know
        client.meta.events.register("before-send.dynamodb", respond)
        self._boto = Table(client, "table")

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """What this benchmark does itself, which the freeze does not pay."""
        start = time.thread_time()
        yield
        with self._lock:
            self.aside += time.thread_time() - start

    def _respond(self, request: Any, **_: Any) -> AWSResponse:
        with self._aside():
            data = json.dumps(self._here.answer).encode()
            headers: Any = {"Content-Type": "application/x-amz-json-1.0"}
            return AWSResponse(request.url, 200, headers, Body(data))

    def _read(self, call: str, items: Iterable[Item], *, each: bool = False) -> None:
        sizes = [len(canonical(_plain(item))) for item in items]
        units = sum(-(-size // READ_UNIT) for size in sizes) if each else -(-sum(sizes) // READ_UNIT)
        with self._lock:
            self.calls[call] += 1
            self.units["read"] += max(1, units)

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        with self._aside():
            found = super().get(key)
            self._read("get", [found] if found else [])
            self._here.answer = {"Item": to_attributes(found)} if found else {}
        return self._boto.get(key)

    def get_many(self, wanted: Iterable[Key]) -> dict[Key, Item]:
        asked = list(dict.fromkeys(wanted))
        found: dict[Key, Item] = {}
        for start in range(0, len(asked), 100):
            with self._aside():
                page = list(super().get_many(asked[start : start + 100]).values())
                self._read("batch get", page, each=True)
                self._here.answer = {"Responses": {"table": [to_attributes(item) for item in page]}}
            found |= self._boto.get_many(asked[start : start + 100])
        return found

    def query(self, pk: str, **named: Any) -> Iterator[Item]:
        with self._aside():
            rows = list(super().query(pk, **named))
            self._read("query", rows)
            self._here.answer = {"Items": [to_attributes(row) for row in rows]}
        return self._boto.query(pk, **named)

    def write(self, writes: Any) -> None:
        todo = [writes] if isinstance(writes, Put | Update | Remove | Check) else list(writes)
        with self._aside():
            super().write(todo)
            if not self.charging or not todo:
                return
            single = len(todo) == 1 and not isinstance(todo[0], Check)
            sizes = [len(canonical(_plain(self.items.get(write.key, {})))) for write in todo]
            with self._lock:
                self.calls["update" if single else "transact"] += 1
                self.units["write"] += sum(max(1, -(-size // WRITE_UNIT)) * (1 if single else 2) for size in sizes)
            self._here.answer = {}
        self._boto.write(todo)


def _plain(item: Any) -> Any:
    return {name: sorted(value) if isinstance(value, set | frozenset) else value for name, value in item.items()}


class Nowhere(Queue):
    """A queue whose messages are counted."""

    def __init__(self) -> None:
        self.sent = 0

    def send(self, messages: Any) -> None:
        self.sent += len(messages)


class Noon(Gate):
    """S3's clock."""

    def now(self) -> datetime:
        return SERVICE.windows[1].closes


def made(schools: int) -> tuple[Stores, Costed]:
    """A table as it is when window 2 has closed and all is settled."""
    table, second = Costed(), timedelta(seconds=1)
    buckets = [cast(Bucket, MemoryBucket(name, Noon(), versioned=True)) for name in ("uploads", "results", "records")]
    settings = Settings("table", "u", "r", "e", 180 * second, 60 * second, 600 * second, 1)
    first, closing = SERVICE.windows
    pupils = pupils_of("1231234", 30)
    entries = []
    for row, pupil in enumerate(pupils, 2):
        found = results_of(SERVICE, pupil)
        codes = {c.key: str(found[c.key]) for c in SERVICE.assessments if c.key in found}
        scores = {c.key: int(found[c.key]) for c in SERVICE.scores if c.key in found}
        entries.append(PupilResults(pupil=pupil, row=row, assessments=codes, scores=scores))
    summary = canonical(summarise(SERVICE, tuple(entries)).to_json()).decode()
    table.page = 10**9
    for number in range(schools):
        # Authorities differ in size as England's do: the largest has some 3 % of the schools.
        authority = 200 + (number % 30 if number % 3 == 0 else number % AUTHORITIES)
        school = f"{authority}{number // 30 + 2000:04d}"
        if keys.listed_school(school) in table.items:
            school = f"{authority + 400}{number // 30 + 2000:04d}"
        for upload in _school(table, school, number, summary, first.number, closing.number):
            table.write(Put(upload.key, upload.to_item()))
            buckets[0].put(upload.object_key, b"", "")
    state = {"state": State.FROZEN.value, "closes": to_text(first.closes), "calendar_version": 0, "sealing": "yes"}
    table.write(Put(keys.state(SERVICE.name, 1), {**state, "reports_queued": "yes"}))
    state = {"state": State.CLOSING.value, "closes": to_text(closing.closes), "calendar_version": 0}
    table.write(Put(keys.state(SERVICE.name, 2), state))
    table.write(begin_sealing(SERVICE.name, 2))
    uploads, results, records = buckets
    return Stores(cast(Table, table), uploads, results, records, settings), table


def _school(table: Costed, school: str, number: int, summary: str, first: int, closing: int) -> Iterator[Upload]:
    """A school's rows; gives its uploads: the file that counts, and one before it."""
    table.write(Put(keys.listed_school(school), {"school": school}))
    kind = number % 20
    if kind == 0:
        return  # no file at all
    window = closing if kind <= 10 else first
    received = SERVICE.windows[window - 1].opens + timedelta(hours=1, seconds=number)
    upload_id = new_ulid(received, number.to_bytes(10, "big"))
    facts: Item = {
        "upload_id": upload_id,
        "object_key": upload_key(SERVICE.name, upload_id),
        "version": "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "received": to_text(received),
        "ruleset": SERVICE.ruleset,
        "figures": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
    }
    row: Item = {**facts, "mark": Mark(received, upload_id, deleted=False).to_text(), "school": school}
    if window == first:
        row["frozen_at"] = to_text(SERVICE.windows[0].closes)
    table.write(Put(keys.window_register(SERVICE.name, window, school), row))
    upload = Upload(
        upload_id,
        SERVICE.name,
        "97716142-c53d-4a93-a147-f1a272337dec",
        "head@example.org",
        f"SCHOOL#{school}",
        f"2023KS1-{school}.xlsx",
        23_456,
        received,
        received + timedelta(minutes=10),
        Status.SUCCESSFUL,
        school=school,
        received=received,
        version=str(facts["version"]),
        sha256=str(facts["sha256"]),
        window=window,
        counts={"pupils": 30, "errors": 0, "warnings": 0},
        changes={"changed": 3, "added": 0, "removed": 0},
    )
    yield upload
    older = new_ulid(received - timedelta(minutes=9), number.to_bytes(10, "big"))
    yield replace(upload, upload_id=older, status=Status.OVERWRITTEN)
    table.write(Put(keys.summary(upload_id), {"summary": summary, "service": SERVICE.name}))


def measure(schools: int) -> list[dict[str, Any]]:
    """The freeze's steps one by one."""
    stores, table = made(schools)
    calendar, now = calendar_of(SERVICE), SERVICE.windows[1].closes + timedelta(minutes=4)
    queue = Nowhere()
    table.charging = True
    found = []

    def state() -> Any:
        return state_from_item(stores.table.get(keys.state(SERVICE.name, 2)))

    before = state()
    sealed: frozenset[str] = frozenset()

    def seal() -> None:
        nonlocal sealed
        sealed = freeze_window.seal_all(stores, SERVICE, calendar, 2, before, now)

    steps: dict[str, Callable[[], object]] = {
        "sweep of the whole bucket": lambda: sweep(stores, queue, SERVICE, calendar, now, whole=True),
        "sealing": seal,
        "manifest and national figures": lambda: freeze_window.write_manifest(stores, SERVICE, 2, sealed),
        "noting and queueing reports": lambda: freeze_window.queue_reports(stores, queue, SERVICE, 2, state()),
    }
    for name, step in steps.items():
        table.calls.clear()
        table.units.clear()
        table.aside = 0.0
        start = time.process_time()
        step()
        spent = time.process_time() - start - table.aside
        waits = sum(LATENCY[call] * number for call, number in table.calls.items()) / freeze_window.WORKERS
        found.append(
            {
                "step": name,
                "calls": sum(table.calls.values()),
                "write": table.units["write"],
                "read": table.units["read"],
                "cpu": spent,
                "waits": waits,
            }
        )
    if len(sealed) != schools or queue.sent != schools - -(-schools // 20):
        raise RuntimeError(f"{len(sealed)} of {schools} schools were sealed, {queue.sent} reports queued")
    return found


def main(sizes: list[int]) -> int:
    """Measures and writes the results."""
    lines = [
        "# Freezing a window",
        "",
        f"`python -m benchmarks.freeze {' '.join(map(str, sizes))}`: Python {platform.python_version()}, "
        f"boto3 {boto3.__version__}. Two uploads a school. Half of the schools with a file of the window's own, "
        f"45 % carried forward, "
        f"5 % without. Processor seconds include boto3 as far as the socket, and leave out the table in memory. "
        f"Waiting is what the calls would wait for "
        f"DynamoDB at typical latencies, {freeze_window.WORKERS} side by side: arithmetic, not measured.",
        "",
        "| schools | step | calls | write units | read units | processor, s | waiting, s | processor, ms a school |",
        "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for schools in sizes:
        for row in measure(schools):
            lines.append(
                f"| {schools:,} | {row['step']} | {row['calls']:,} | {row['write']:,} | {row['read']:,} | "
                f"{row['cpu']:.1f} | {row['waits']:.1f} | {row['cpu'] * 1000 / schools:.2f} |"
            )
            print(lines[-1], flush=True)
    RESULTS.write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]] or [1_000, 4_000, 17_000]))
