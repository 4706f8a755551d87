"""Freezing a window: wait until all is settled, seal every school, write the manifest, queue the reports (DESIGN 5).

Every step may be repeated, may overlap with another run, and may die half way. The next run reads in the table how far
the window is, and goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from adapters.errors import Conflict, NotThere
from adapters.lookups import calendar_now, window_states
from adapters.objects import written_once
from adapters.queue import Queue
from adapters.stores import Stores
from early_results import keys
from early_results.canonical import canonical, sha256
from early_results.counting import freeze
from early_results.counting.calendar import Calendar
from early_results.counting.freeze import State, Waited, WindowState
from early_results.counting.registers import Counting, Register, counting, register_from_item
from early_results.counting.uploads import REPORT_PREFIX, ReportState, Status
from early_results.ids import authority_of
from early_results.object_keys import closing_key, manifest_key, national_key
from early_results.reporting.summary import Summary
from early_results.reporting.taking import National, national
from early_results.service import Service, Window
from early_results.writes import PRESENT, NoneOf, OneOf, Put, Update, Write
from workflow.sweep_bucket import Swept, sweep

# Reports in these states are not queued again: READY is built, REPLACED gave way to a straggler that was let in.
SETTLED_REPORTS = (ReportState.READY.value, ReportState.REPLACED.value)
MOST_WRITES = 100  # in one DynamoDB transaction
# Fewer for reports: the next window's first files overwrite the same uploads at that moment, and one lost race costs
# the whole transaction.
REPORTS_AT_ONCE = 40
WORKERS = 16  # local authorities that are sealed side by side; each has partitions of its own


class ManifestDiffersError(RuntimeError):
    """The stored manifest says something else than the sealed rows. Nothing is overwritten; an operator must look."""


class TableIncompleteError(RuntimeError):
    """The table no longer holds rows that were sealed before: it was lost. No manifest and no figures are written."""


class Reports(NamedTuple):
    """How many schools a frozen window has, and how many of them get a report."""

    schools: int
    reports: int


class SchoolWrites(NamedTuple):
    """What is to be written for one school, in one transaction with other schools' or by itself."""

    school: str
    writes: list[Write]


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a freeze run came to: the window's state, who it waits for, and how many schools and reports there were."""

    window: int
    state: State
    waited: tuple[Waited, ...] = ()
    schools: int = 0
    reports: int = 0


def run_service(
    stores: Stores, upload_queue: Queue, report_queue: Queue, service: Service, now: datetime
) -> tuple[Swept, tuple[Frozen, ...]]:
    """One run of the schedule over a service: the sweep first, then each window that has closed.

    Nothing is done while the table is being rebuilt. Nothing is done while the table knows no school either: it is new
    or was lost, and a sweep would record every object in the bucket as unattributed.

    Before a window is sealed, the sweep lists the whole bucket and not only what is above its low-water mark. A file
    that S3 showed long after its form expired, and whose event was lost, is below the mark.

    A later window waits for an earlier one, because it may have to carry that window's files forward.
    """
    if stores.table.get(keys.rebuild()) is not None or not any(True for _ in stores.table.query(keys.SCHOOLS, limit=1)):
        return Swept(), ()
    calendar = calendar_now(stores, service)
    states = window_states(stores, calendar)
    due = freeze.windows_to_freeze(calendar, states, now)
    swept = sweep(
        stores, upload_queue, service, calendar, now, whole=any(_to_seal(stores, states, w, now) for w in due)
    )
    frozen: list[Frozen] = []
    if due and not _begun(stores, service):
        # The stack is new, or its table was lost. A manifest that names nothing could not be taken back once it is
        # written.
        return swept, ()
    for window in due:
        frozen.append(freeze_window(stores, report_queue, service, calendar, window, swept, now))
        if frozen[-1].state is not State.FROZEN:
            break
    return swept, tuple(frozen)


def minutes_overdue(stores: Stores, service: Service, now: datetime) -> dict[int, int]:
    """For each window of a service that is to be frozen and is not yet: how many minutes ago it closed, by number.

    A stack without schools, or without a pupil list of this service, has nothing to freeze.
    """
    if not _begun(stores, service):
        return {}
    calendar = calendar_now(stores, service)
    states = window_states(stores, calendar)
    return freeze.minutes_overdue(freeze.windows_to_freeze(calendar, states, now), states, now)


def _begun(stores: Stores, service: Service) -> bool:
    """Whether there are schools, and a pupil list of the service has ever come.

    Without a pupil list no file is good.
    """
    schools = any(True for _ in stores.table.query(keys.SCHOOLS, limit=1))
    return schools and stores.table.get(keys.service_begun(service.name)) is not None


def _to_seal(stores: Stores, states: dict[int, WindowState], window: Window, now: datetime) -> bool:
    state = states[window.number]
    closes = state.closes or window.closes
    return state.state is not State.FROZEN and freeze.may_seal(closes, stores.settings.grace, now)


def freeze_window(
    stores: Stores, queue: Queue, service: Service, calendar: Calendar, window: Window, swept: Swept, now: datetime
) -> Frozen:
    """Takes a closed window as far as it can go now.

    If its grace is over, `swept` must be of a sweep that began after it.
    """
    state = _closing(stores, service, calendar, window)
    if state.closes is None:
        # An operator changed the calendar at this moment, or another write was quicker. The next run reads the state
        # again.
        return Frozen(window.number, State.OPEN)
    if state.state is not State.FROZEN:
        if not freeze.may_seal(state.closes, stores.settings.grace, now):
            return Frozen(window.number, state.state)
        waited = freeze.waited_for(swept.pending, swept.received, state.closes)
        if waited:
            return Frozen(window.number, state.state, waited)
        if not state.sealing:
            stores.table.write(freeze.begin_sealing(service.name, window.number))
        schools = seal_all(stores, service, calendar, window.number, state, now)
        state = write_manifest(stores, service, window.number, schools)
        if state.state is not State.FROZEN:
            return Frozen(window.number, state.state)
    queued = queue_reports(stores, queue, service, window.number, state)
    return Frozen(window.number, State.FROZEN, schools=queued.schools, reports=queued.reports)


def _closing(stores: Stores, service: Service, calendar: Calendar, window: Window) -> WindowState:
    state = window_states(stores, calendar)[window.number]
    if state.state is State.OPEN:
        with suppress(Conflict):  # another run pinned the close first: its pins count
            stores.table.write(freeze.begin_closing(service.name, window, calendar.version))
        state = window_states(stores, calendar)[window.number]
    return state


def seal_all(
    stores: Stores, service: Service, calendar: Calendar, window: int, state: WindowState, now: datetime
) -> frozenset[str]:
    """Seals the register of every school of the service, many local authorities at once. Gives the schools."""
    schools = _schools_to_seal(stores, service.name, window, state)
    authorities: dict[str, list[str]] = {}
    for school in sorted(schools):
        authorities.setdefault(authority_of(school), []).append(school)

    def seal_authority(authority: str) -> None:
        _seal_authority(stores, service, calendar, window, authorities[authority], now)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(seal_authority, sorted(authorities)))
    return schools


def _schools_to_seal(stores: Stores, service: str, window: int, state: WindowState) -> frozenset[str]:
    """The schools whose registers are sealed: those listed when the sealing began, in this run or an earlier one."""
    key = closing_key(service, window)
    listed = [str(row["school"]) for row in stores.table.query(keys.SCHOOLS)]
    terms = json.loads(written_once(stores.records, key, freeze.closing_terms(state, listed)))
    return frozenset(terms["schools"])


def _rows(stores: Stores, service: str, window: int, authority: str) -> dict[str, dict[str, object]]:
    partition = keys.window_partition(service, window, authority)
    return {row["sk"]: row for row in stores.table.query(partition)}


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What counted for a school in the nearest earlier window that was frozen, and the register that says so."""

    register: Register
    counts: Counting
    carried_from: int


def _seal_authority(
    stores: Stores, service: Service, calendar: Calendar, window: int, schools: list[str], now: datetime
) -> None:
    """Seals the schools of one local authority as their rows were read, many schools in one transaction.

    A transaction fails if, meanwhile, a file joined one of its registers or an upload was deleted. Its schools are then
    read again and sealed one by one.
    """
    rows = _rows(stores, service.name, window, authority_of(schools[0]))
    todo = [school for school in schools if "frozen_at" not in rows.get(f"SCHOOL#{school}", {})]
    registers = {
        school: register_from_item(keys.window_register(service.name, window, school), rows.get(f"SCHOOL#{school}"))
        for school in todo
    }
    earlier = _earlier(stores, service, calendar, window, [s for s in todo if registers[s].mark is None])
    decisions = [
        SchoolWrites(school, _seal_writes(registers[school], school, earlier.get(school), now)) for school in todo
    ]
    for some in in_transactions(decisions):
        try:
            stores.table.write([write for _, writes in some for write in writes])
        except Conflict:
            for school, _ in some:
                _seal_school(stores, service, calendar, window, school, now)


def in_transactions(decisions: Iterable[SchoolWrites], most: int = MOST_WRITES) -> Iterator[list[SchoolWrites]]:
    """The decisions in groups of at most `most` writes, so that each group fits into one transaction."""
    some: list[SchoolWrites] = []
    for decision in decisions:
        if sum(len(writes) for _, writes in some) + len(decision.writes) > most:
            yield some
            some = []
        some.append(decision)
    if some:
        yield some


def _seal_school(stores: Stores, service: Service, calendar: Calendar, window: int, school: str, now: datetime) -> None:
    """Seals one school's register. If a file joins it meanwhile, it is read again and sealed with that file."""
    key = keys.window_register(service.name, window, school)
    while True:
        register = register_from_item(key, stores.table.get(key))
        if register.sealed:
            return
        earlier = _earlier(stores, service, calendar, window, [school] if register.mark is None else [])
        try:
            stores.table.write(_seal_writes(register, school, earlier.get(school), now))
            return
        except Conflict:
            continue


def _seal_writes(register: Register, school: str, earlier: _Earlier | None, now: datetime) -> list[Write]:
    if register.mark is None and earlier is not None:
        before = earlier.register
        return list(freeze.seal_carrying(register, school, before, earlier.counts, earlier.carried_from, now))
    return [freeze.seal(register, school, now)]


def _earlier(
    stores: Stores, service: Service, calendar: Calendar, window: int, schools: list[str]
) -> dict[str, _Earlier]:
    """For schools without a file in this window: what counted in the nearest earlier window that was frozen.

    A school is left out if nothing counted there, or if the file was deleted since: no older file ever comes back.
    """
    found: dict[str, _Earlier] = {}
    looked = set(schools)
    for before in calendar.earlier(window):
        if not looked:
            break
        wanted = {school: keys.window_register(service.name, before.number, school) for school in looked}
        late = {school: keys.added(service.name, before.number, school) for school in looked}
        items = stores.table.get_many([*wanted.values(), *late.values()])
        for school, key in wanted.items():
            row, added = items.get(key), items.get(late[school])
            register = register_from_item(key, row)
            if not register.sealed and added is None:
                continue
            looked = looked - {school}
            counts = counting(register, row, added)
            if counts.upload is not None:
                found[school] = _Earlier(register, counts, counts.carried_from or before.number)
    uploads = stores.table.get_many(keys.upload(str(earlier.counts.upload)) for earlier in found.values())
    return {
        school: earlier
        for school, earlier in found.items()
        if uploads.get(keys.upload(str(earlier.counts.upload)), {"status": Status.DELETED.value})["status"]
        != Status.DELETED.value
    }


def sealed_rows(stores: Stores, service: str, window: int, schools: frozenset[str]) -> Iterator[dict[str, object]]:
    """The registers of these schools in a window, read again consistently, one local authority after the other."""
    for authority in sorted({authority_of(school) for school in schools}):
        for name, row in _rows(stores, service, window, authority).items():
            if name.removeprefix("SCHOOL#") in schools:
                yield row


def write_manifest(stores: Stores, service: Service, window: int, schools: frozenset[str]) -> WindowState:
    """Writes the manifest and the figures of all schools once, and makes the window FROZEN if no run was quicker.

    ManifestDiffersError if another manifest is stored already. TableIncompleteError if the table was lost meanwhile.
    Neither object can be taken back once it is written.
    """
    rows = list(sealed_rows(stores, service.name, window, schools))
    if len(rows) != len(schools):
        raise TableIncompleteError(f"{len(rows)} of {len(schools)} sealed registers are there")
    data = freeze.manifest(service.name, window, rows)
    version = _write_once(stores, manifest_key(service.name, window), data, "application/x-ndjson")
    figures = _national_once(stores, service, window, freeze.manifest_lines(data))
    key = manifest_key(service.name, window)
    with suppress(Conflict):  # another run froze it first, with the same hashes, since both objects are written once
        stores.table.write(freeze.freeze_state(service.name, window, key, version, sha256(data), sha256(figures)))
    return freeze.state_from_item(stores.table.get(keys.state(service.name, window)))


def _write_once(stores: Stores, key: str, data: bytes, content_type: str) -> str:
    if written_once(stores.records, key, data, content_type) != data:
        raise ManifestDiffersError(key)
    first = stores.records.oldest(key)
    if first is None:
        raise NotThere("a manifest that was written is not there")
    return first.version


def _national_once(stores: Stores, service: Service, window: int, lines: Iterable[dict[str, object]]) -> bytes:
    """The figures of all schools: added up once, and from then on what was added up then.

    If a file is deleted between two runs, its summary is gone too. The stored figures must not change because of that.
    """
    key = national_key(service.name, window)
    figures = canonical(_national(stores, service, lines).to_json())
    return written_once(stores.records, key, figures)


def _national(stores: Stores, service: Service, lines: Iterable[dict[str, object]]) -> National:
    """The figures of all schools: the summaries of the frozen files, read by the hundred, kept one at a time.

    Who took part is counted by trust as the schools' listing has it at this moment.
    """
    trusts = {str(row["school"]): str(row["trust"]) for row in stores.table.query(keys.SCHOOLS) if row.get("trust")}

    def summaries() -> Iterator[tuple[str, Summary]]:
        wanted = {str(line["upload"]): str(line["school"]) for line in lines if line["upload"]}
        uploads = list(wanted)
        for start in range(0, len(uploads), 100):
            some = uploads[start : start + 100]
            found = stores.table.get_many(keys.summary(upload) for upload in some)
            _only_deleted(stores, [upload for upload in some if keys.summary(upload) not in found])
            for upload in some:
                item = found.get(keys.summary(upload))
                if item:  # a file deleted after its register was sealed adds nothing
                    yield wanted[upload], Summary.from_json(json.loads(item["summary"]))

    return national(service, summaries(), trusts)


def _only_deleted(stores: Stores, uploads: list[str]) -> None:
    """TableIncompleteError if one of these uploads, which have no summary, was not deleted."""
    records = stores.table.get_many(map(keys.upload, uploads))
    if any(records.get(keys.upload(upload), {}).get("status") != Status.DELETED.value for upload in uploads):
        raise TableIncompleteError("a frozen file has no summary and was not deleted")


def queue_reports(stores: Stores, queue: Queue, service: Service, window: int, state: WindowState) -> Reports:
    """Queues one report for each frozen file, and notes that it is queued.

    If a run dies here, the next one queues all reports again except those that are READY. A report that is built twice
    has the same bytes.
    """
    lines = freeze.manifest_lines(stores.records.get(manifest_key(service.name, window)))
    wanted = [line for line in lines if line["upload"]]
    if state.reports_queued:
        return Reports(len(lines), len(wanted))

    # The school's name and the day of reports are pinned now: a report that is built again must be the same, byte for
    # byte.
    profiles = stores.table.get_many(keys.school(str(line["school"])) for line in wanted)
    kept = calendar_now(stores, service).window(window)

    uploads = {str(line["school"]): str(line["upload"]) for line in wanted}

    def pinned(school: str) -> dict[str, str]:
        return freeze.report_pins(profiles.get(keys.school(school)), kept)

    def note(some: list[SchoolWrites]) -> list[str]:
        try:
            stores.table.write([write for _, writes in some for write in writes])
        except Conflict:
            one = partial(_note_processing, stores, service.name, window)
            return [school for school, _ in some if one(school, uploads[school], pinned(school))]
        return [school for school, _ in some]

    decisions = (SchoolWrites(s, _processing(service.name, window, s, u, pinned(s))) for s, u in uploads.items())
    with ThreadPoolExecutor(WORKERS) as pool:
        noted = [school for some in pool.map(note, in_transactions(decisions, REPORTS_AT_ONCE)) for school in some]
    queue.send([{"service": service.name, "window": window, "school": school} for school in noted])
    stores.table.write(
        Update(keys.state(service.name, window), set={"reports_queued": "yes"}, require={"state": PRESENT})
    )
    return Reports(len(lines), len(wanted))


def _processing(service: str, window: int, school: str, upload_id: str, pinned: dict[str, str]) -> list[Write]:
    """The writes that note that a report is to be built.

    They fail if its upload was deleted, if the report is READY already, or if a straggler that was let in replaced it.
    """
    processing = {"state": ReportState.PROCESSING.value, "upload_id": upload_id, "service": service, "window": window}
    noted = f"{REPORT_PREFIX}{window}"
    return [
        Update(
            keys.upload(upload_id),
            set={noted: ReportState.PROCESSING.value},
            require={
                "status": OneOf((Status.SUCCESSFUL.value, Status.OVERWRITTEN.value)),
                noted: NoneOf(SETTLED_REPORTS),
            },
        ),
        Put(keys.report(service, window, school), {**processing, **pinned}),
    ]


def _note_processing(
    stores: Stores, service: str, window: int, school: str, upload_id: str, pinned: dict[str, str]
) -> bool:
    """Notes that one report is to be built. False if it is not to be built: see `_processing`.

    The next window's first files overwrite the same upload at this time, so the write may lose races; it is repeated.
    """
    noted = f"{REPORT_PREFIX}{window}"
    writes = _processing(service, window, school, upload_id, pinned)
    while True:
        try:
            stores.table.write(writes)
            return True
        except Conflict:
            item = stores.table.get(keys.upload(upload_id))
            if item is None or item["status"] == Status.DELETED.value or item.get(noted) in SETTLED_REPORTS:
                return False
