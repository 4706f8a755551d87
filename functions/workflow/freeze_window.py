"""Freezing a window: wait until all is settled, seal every school, write the manifest, queue the reports (DESIGN 5).

Every step may be repeated, overlap with another run and die half way; the next run goes on where the table says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from adapters.errors import Conflict, NotThere
from adapters.lookups import calendar_now, window_states
from adapters.objects import written_once
from adapters.queue import Queue
from adapters.stores import Stores
from early_results import keys
from early_results.counting import freeze
from early_results.counting.calendar import Calendar
from early_results.counting.freeze import State, Waited, WindowState, canonical, sha256
from early_results.counting.registers import Counting, Register, counting, register_from_item
from early_results.counting.uploads import REPORT_PREFIX, ReportState, Status
from early_results.ids import authority_of
from early_results.object_keys import closing_key, manifest_key, national_key
from early_results.reporting.figures import National, national
from early_results.reporting.summary import Summary
from early_results.service import Service, Window
from early_results.writes import PRESENT, NoneOf, OneOf, Put, Update, Write
from workflow.sweep_bucket import Swept, sweep

# A report that no later note takes back: it is built, or another file was let in.
SETTLED_REPORTS = (ReportState.READY.value, ReportState.REPLACED.value)
MOST_WRITES = 100  # of one DynamoDB transaction
# Fewer where the next window's first files overwrite uploads at the same moment: each race costs all of a transaction.
REPORTS_AT_ONCE = 40
WORKERS = 16  # local authorities sealed side by side: each has its own partitions


class ManifestDiffersError(RuntimeError):
    """A manifest is there that says something else than the sealed rows: nothing is overwritten, an operator looks."""


class TableIncompleteError(RuntimeError):
    """The table does not hold what was sealed a moment ago: it is lost. Nothing is written that could not be undone."""


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

    Nothing is done while the table is being rebuilt, or while it knows no school: then it is new, or was lost, and a
    sweep would take every object in the bucket for a stray one. Before a window is sealed the sweep looks at the whole
    bucket, not from its low-water mark on: a file that surfaced long after its form ended, and whose notice was lost,
    is below it.
    A later window waits for an earlier one, whose files it may have to carry forward.
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
        # A stack that is new, or whose table was lost: a manifest of nothing, once written, could not be taken back.
        return swept, ()
    for window in due:
        frozen.append(freeze_window(stores, report_queue, service, calendar, window, swept, now))
        if frozen[-1].state is not State.FROZEN:
            break
    return swept, tuple(frozen)


def minutes_overdue(stores: Stores, service: Service, now: datetime) -> dict[int, int]:
    """How many minutes ago each window of a service closed that must be frozen and is not yet, by number.

    A stack without schools, or without a pupil list of this service, has nothing to freeze.
    """
    if not _begun(stores, service):
        return {}
    calendar = calendar_now(stores, service)
    states = window_states(stores, calendar)
    return freeze.minutes_overdue(freeze.windows_to_freeze(calendar, states, now), states, now)


def _begun(stores: Stores, service: Service) -> bool:
    """Whether there are schools, and a pupil list of the service ever came: without one no file of it can be good."""
    schools = any(True for _ in stores.table.query(keys.SCHOOLS, limit=1))
    return schools and stores.table.get(keys.service_begun(service.name)) is not None


def _to_seal(stores: Stores, states: dict[int, WindowState], window: Window, now: datetime) -> bool:
    state = states[window.number]
    closes = state.closes or window.closes
    return state.state is not State.FROZEN and freeze.may_seal(closes, stores.settings.grace, now)


def freeze_window(
    stores: Stores, queue: Queue, service: Service, calendar: Calendar, window: Window, swept: Swept, now: datetime
) -> Frozen:
    """Takes a closed window as far as it will go now. `swept` is of a sweep begun after close and grace."""
    state = _closing(stores, service, calendar, window)
    if state.closes is None:
        # The calendar was changed at this moment, or the write lost a race: the next run sees how it stands.
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
    reports = queue_reports(stores, queue, service, window.number, state)
    return Frozen(window.number, State.FROZEN, (), reports[0], reports[1])


def _closing(stores: Stores, service: Service, calendar: Calendar, window: Window) -> WindowState:
    state = window_states(stores, calendar)[window.number]
    if state.state is State.OPEN:
        with suppress(Conflict):  # another run was quicker; what it pinned counts
            stores.table.write(freeze.begin_closing(service.name, window, calendar.version))
        state = window_states(stores, calendar)[window.number]
    return state


def seal_all(
    stores: Stores, service: Service, calendar: Calendar, window: int, state: WindowState, now: datetime
) -> frozenset[str]:
    """Seals the register of every school of the service, local authorities side by side. Gives the schools."""
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
    """What counted for a school in the nearest frozen window before, and the register it was read from."""

    register: Register
    counts: Counting
    carried_from: int


def _seal_authority(
    stores: Stores, service: Service, calendar: Calendar, window: int, schools: list[str], now: datetime
) -> None:
    """Seals the schools of one local authority as their rows were read, many in a transaction.

    A transaction is lost where a join came between or an upload was deleted: its schools are then sealed one by one, as
    they are by then.
    """
    rows = _rows(stores, service.name, window, authority_of(schools[0]))
    todo = [school for school in schools if "frozen_at" not in rows.get(f"SCHOOL#{school}", {})]
    registers = {
        school: register_from_item(keys.window_register(service.name, window, school), rows.get(f"SCHOOL#{school}"))
        for school in todo
    }
    earlier = _earlier(stores, service, calendar, window, [s for s in todo if registers[s].mark is None])
    decisions = [(school, _seal_writes(registers[school], school, earlier.get(school), now)) for school in todo]
    for some in in_transactions(decisions):
        try:
            stores.table.write([write for _, writes in some for write in writes])
        except Conflict:
            for school, _ in some:
                _seal_school(stores, service, calendar, window, school, now)


def in_transactions(
    decisions: Iterable[tuple[str, list[Write]]], most: int = MOST_WRITES
) -> Iterator[list[tuple[str, list[Write]]]]:
    """Decisions, as many at a time as one transaction takes."""
    some: list[tuple[str, list[Write]]] = []
    for decision in decisions:
        if sum(len(writes) for _, writes in some) + len(decision[1]) > most:
            yield some
            some = []
        some.append(decision)
    if some:
        yield some


def _seal_school(stores: Stores, service: Service, calendar: Calendar, window: int, school: str, now: datetime) -> None:
    """Seals one school's register; a join that came between is read again and sealed as it then is."""
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
    """For schools without a file of their own: what counted in the nearest frozen window before, if it is still there.

    Nothing older ever comes back: where the nearest frozen window has nothing, or its file was deleted since, there is
    none.
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
    """The registers of these schools in a window, re-read consistently, local authority by local authority."""
    for authority in sorted({authority_of(school) for school in schools}):
        for name, row in _rows(stores, service, window, authority).items():
            if name.removeprefix("SCHOOL#") in schools:
                yield row


def write_manifest(stores: Stores, service: Service, window: int, schools: frozenset[str]) -> WindowState:
    """Writes the manifest and the national figures once, and makes the window FROZEN, if no other run was quicker.

    ManifestDiffersError if a manifest is there with another hash, TableIncompleteError if the table was lost meanwhile:
    what is written here once is never taken back.
    """
    rows = list(sealed_rows(stores, service.name, window, schools))
    if len(rows) != len(schools):
        raise TableIncompleteError(f"{len(rows)} of {len(schools)} sealed registers are there")
    data = freeze.manifest(service.name, window, rows)
    version = _write_once(stores, manifest_key(service.name, window), data, "application/x-ndjson")
    figures = _national_once(stores, service.name, window, freeze.manifest_lines(data))
    key = manifest_key(service.name, window)
    with suppress(Conflict):  # another run was quicker, with the same hashes: the objects can be written only once
        stores.table.write(freeze.freeze_state(service.name, window, key, version, sha256(data), sha256(figures)))
    return freeze.state_from_item(stores.table.get(keys.state(service.name, window)))


def _write_once(stores: Stores, key: str, data: bytes, content_type: str) -> str:
    if written_once(stores.records, key, data, content_type) != data:
        raise ManifestDiffersError(key)
    first = stores.records.oldest(key)
    if first is None:
        raise NotThere("a manifest that was written is not there")
    return first.version


def _national_once(stores: Stores, service: str, window: int, lines: Iterable[dict[str, object]]) -> bytes:
    """The national figures: added up once, and from then on what was added up then.

    A file that is deleted between two runs takes its summary with it; the figures that stand must not change for it.
    """
    key = national_key(service, window)
    figures = canonical(_national(stores, lines).to_json())
    return written_once(stores.records, key, figures)


def _national(stores: Stores, lines: Iterable[dict[str, object]]) -> National:
    """The national figures: the summaries of the frozen files, added up; read by the hundred, kept one at a time."""

    def summaries() -> Iterator[Summary]:
        wanted = [str(line["upload"]) for line in lines if line["upload"]]
        for start in range(0, len(wanted), 100):
            some = wanted[start : start + 100]
            found = stores.table.get_many(keys.summary(upload) for upload in some)
            _only_deleted(stores, [upload for upload in some if keys.summary(upload) not in found])
            for upload in some:
                item = found.get(keys.summary(upload))
                if item:  # a file deleted after its register was sealed adds nothing
                    yield Summary.from_json(json.loads(item["summary"]))

    return national(summaries())


def _only_deleted(stores: Stores, uploads: list[str]) -> None:
    """TableIncompleteError unless all of these uploads without a summary were deleted."""
    records = stores.table.get_many(map(keys.upload, uploads))
    if any(records.get(keys.upload(upload), {}).get("status") != Status.DELETED.value for upload in uploads):
        raise TableIncompleteError("a frozen file has no summary and was not deleted")


def queue_reports(stores: Stores, queue: Queue, service: Service, window: int, state: WindowState) -> tuple[int, int]:
    """Queues one report a frozen file, and notes it. Gives the number of schools and of reports.

    A run that dies here queues all again: the build writes the same bytes again, and a report that is READY stays so.
    """
    lines = freeze.manifest_lines(stores.records.get(manifest_key(service.name, window)))
    wanted = [line for line in lines if line["upload"]]
    if state.reports_queued:
        return len(lines), len(wanted)

    # What a report says besides figures is pinned now, so that it can be built again, byte for byte.
    profiles = stores.table.get_many(keys.school(str(line["school"])) for line in wanted)
    kept = calendar_now(stores, service).window(window)

    uploads = {str(line["school"]): str(line["upload"]) for line in wanted}

    def pinned(school: str) -> dict[str, str]:
        return freeze.report_pins(profiles.get(keys.school(school)), kept)

    def note(some: list[tuple[str, list[Write]]]) -> list[str]:
        try:
            stores.table.write([write for _, writes in some for write in writes])
        except Conflict:
            one = partial(_note_processing, stores, service.name, window)
            return [school for school, _ in some if one(school, uploads[school], pinned(school))]
        return [school for school, _ in some]

    decisions = ((s, _processing(service.name, window, s, u, pinned(s))) for s, u in uploads.items())
    with ThreadPoolExecutor(WORKERS) as pool:
        noted = [school for some in pool.map(note, in_transactions(decisions, REPORTS_AT_ONCE)) for school in some]
    queue.send([{"service": service.name, "window": window, "school": school} for school in noted])
    stores.table.write(
        Update(keys.state(service.name, window), set={"reports_queued": "yes"}, require={"state": PRESENT})
    )
    return len(lines), len(wanted)


def _processing(service: str, window: int, school: str, upload_id: str, pinned: dict[str, str]) -> list[Write]:
    """The note that a report is to be built: unless its upload was deleted since, it was built by an earlier run, or
    another file counts by now."""
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
    """Notes that a report is to be built. False if none is: deleted since, built already by an earlier run, or
    replaced by a straggler that was let in.

    Its upload is overwritten at this very hour, by the next window's first files, so races are lost here.
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
