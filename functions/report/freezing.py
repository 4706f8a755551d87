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

from adapters.errors import AlreadyThere, Conflict
from adapters.lookups import calendar_now, window_states
from adapters.queue import Queue
from adapters.stores import Stores
from early_results import freeze, keys
from early_results.calendar import Calendar
from early_results.figures import National, national
from early_results.freeze import State, Waited, WindowState, canonical, sha256
from early_results.ids import authority_of, manifest_key, national_key
from early_results.registers import Register, register_from_item
from early_results.service import Service, Window
from early_results.summary import Summary
from early_results.uploads import REPORT_PREFIX, ReportState, Status
from early_results.writes import NotEqual, OneOf, Put, Update, Write

from .sweeping import Swept, sweep

WORKERS = 16  # local authorities sealed side by side: each has its own partitions


class ManifestDiffersError(RuntimeError):
    """A manifest is there that says something else than the sealed rows: nothing is overwritten, an operator looks."""


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
    """One run of the schedule over a service: the sweep first, then each window that has closed."""
    calendar = calendar_now(stores, service)
    swept = sweep(stores, upload_queue, service, calendar, now)
    due = freeze.windows_to_freeze(calendar, window_states(stores, calendar), now)
    frozen = [freeze_window(stores, report_queue, service, calendar, window, swept, now) for window in due]
    return swept, tuple(frozen)


def freeze_window(
    stores: Stores, queue: Queue, service: Service, calendar: Calendar, window: Window, swept: Swept, now: datetime
) -> Frozen:
    """Takes a closed window as far as it will go now. `swept` is of a sweep begun after close and grace."""
    state = _closing(stores, service, calendar, window)
    if state.closes is None:
        raise ValueError("a window that is closing has pinned its close")
    if state.state is not State.FROZEN:
        if not freeze.may_seal(state.closes, stores.settings.grace, now):
            return Frozen(window.number, state.state)
        waited = freeze.waited_for(swept.pending, swept.received, state.closes)
        if waited:
            return Frozen(window.number, state.state, waited)
        schools = seal_all(stores, service, calendar, window.number, now)
        state = write_manifest(stores, service, window.number, schools)
    reports = queue_reports(stores, queue, service, window.number, state)
    return Frozen(window.number, State.FROZEN, (), reports[0], reports[1])


def _closing(stores: Stores, service: Service, calendar: Calendar, window: Window) -> WindowState:
    state = window_states(stores, calendar)[window.number]
    if state.state is State.OPEN:
        with suppress(Conflict):  # another run was quicker; what it pinned counts
            stores.table.write(freeze.begin_closing(service.service, window, calendar.version))
        state = window_states(stores, calendar)[window.number]
    return state


def seal_all(stores: Stores, service: Service, calendar: Calendar, window: int, now: datetime) -> frozenset[str]:
    """Seals the register of every school of the service, local authorities side by side. Gives the authorities."""
    schools: dict[str, list[str]] = {}
    for row in stores.table.query(keys.SCHOOLS, index="listed"):
        schools.setdefault(authority_of(row["order"]), []).append(row["order"])

    def seal_authority(authority: str) -> None:
        rows = _rows(stores, service.service, window, authority)
        known = set(schools[authority]) | {key.removeprefix("SCHOOL#") for key in rows}
        for school in sorted(known):
            if "frozen_at" not in rows.get(f"SCHOOL#{school}", {}):
                _seal_school(stores, service, calendar, window, school, now)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(seal_authority, sorted(schools)))
    return frozenset(schools)


def _rows(stores: Stores, service: str, window: int, authority: str) -> dict[str, dict[str, object]]:
    partition = keys.window_partition(service, window, authority)
    return {row["sk"]: row for row in stores.table.query(partition)}


def _seal_school(stores: Stores, service: Service, calendar: Calendar, window: int, school: str, now: datetime) -> None:
    """Seals one school's register; a join that came between is read again and sealed as it then is."""
    key = keys.window_register(service.service, window, school)
    while True:
        item = stores.table.get(key)
        register = register_from_item(key, item)
        if register.sealed:
            return
        try:
            stores.table.write(_seal_writes(stores, service, calendar, window, school, register, now))
            return
        except Conflict:
            continue


def _seal_writes(
    stores: Stores, service: Service, calendar: Calendar, window: int, school: str, register: Register, now: datetime
) -> list[Write]:
    if register.mark is None:
        for earlier in calendar.earlier(window):
            earlier_key = keys.window_register(service.service, earlier.number, school)
            earlier_item = stores.table.get(earlier_key)
            before = register_from_item(earlier_key, earlier_item)
            if earlier_item is None or not before.sealed:
                continue
            if before.frozen_upload is None:
                break  # the nearest frozen window says that the school has nothing
            upload = stores.table.get(keys.upload(before.frozen_upload))
            if upload is None or upload["status"] == Status.DELETED.value:
                break  # deleted since: nothing older ever comes back
            carried_from = before.carried_from or earlier.number
            return list(freeze.seal_carrying(register, school, before, earlier_item, carried_from, now))
    return [freeze.seal(register, school, now)]


def sealed_rows(stores: Stores, service: str, window: int, authorities: Iterable[str]) -> Iterator[dict[str, object]]:
    """The registers of a window, re-read consistently, local authority by local authority."""
    for authority in sorted(authorities):
        yield from _rows(stores, service, window, authority).values()


def write_manifest(stores: Stores, service: Service, window: int, authorities: frozenset[str]) -> WindowState:
    """Writes the manifest and the national figures once, and makes the window FROZEN.

    ManifestDiffersError if a manifest is there with another hash.
    """
    data = freeze.manifest(service.service, window, sealed_rows(stores, service.service, window, authorities))
    version = _write_once(stores, manifest_key(service.service, window), data, "application/x-ndjson")
    figures = canonical(_national(stores, freeze.manifest_lines(data)).to_json())
    _write_once(stores, national_key(service.service, window), figures, "application/json")
    key = manifest_key(service.service, window)
    with suppress(Conflict):  # another run was quicker, with the same hashes: the objects can be written only once
        stores.table.write(freeze.freeze_state(service.service, window, key, version, sha256(data), sha256(figures)))
    return freeze.state_from_item(stores.table.get(keys.state(service.service, window)))


def _write_once(stores: Stores, key: str, data: bytes, content_type: str) -> str:
    try:
        return stores.records.put_once(key, data, content_type)
    except AlreadyThere:
        if sha256(stores.records.get(key)) != sha256(data):
            raise ManifestDiffersError(key) from None
        first = stores.records.oldest(key)
        return first.version if first else ""


def _national(stores: Stores, lines: Iterable[dict[str, object]]) -> National:
    """The national figures: the summaries of the frozen files, added up; read by the hundred, kept one at a time."""

    def summaries() -> Iterator[Summary]:
        wanted = [str(line["upload"]) for line in lines if line["upload"]]
        for start in range(0, len(wanted), 100):
            found = stores.table.get_many(keys.summary(upload) for upload in wanted[start : start + 100])
            for upload in wanted[start : start + 100]:
                item = found.get(keys.summary(upload))
                if item:  # a file deleted after its register was sealed adds nothing
                    yield Summary.from_json(json.loads(item["summary"]))

    return national(summaries())


def queue_reports(stores: Stores, queue: Queue, service: Service, window: int, state: WindowState) -> tuple[int, int]:
    """Queues one report a frozen file, and notes it. Gives the number of schools and of reports.

    A run that dies here queues all again: the build writes the same bytes again, and a report that is READY stays so.
    """
    lines = freeze.manifest_lines(stores.records.get(manifest_key(service.service, window)))
    wanted = [line for line in lines if line["upload"]]
    if state.reports_queued:
        return len(lines), len(wanted)

    def note(line: dict[str, object]) -> dict[str, object] | None:
        school, upload_id = str(line["school"]), str(line["upload"])
        processing = {"state": ReportState.PROCESSING.value, "upload_id": upload_id, "service": service.service}
        try:
            stores.table.write(
                [
                    Update(
                        keys.upload(upload_id),
                        set={f"{REPORT_PREFIX}{window}": ReportState.PROCESSING.value},
                        require={
                            "status": OneOf((Status.SUCCESSFUL.value, Status.OVERWRITTEN.value)),
                            f"{REPORT_PREFIX}{window}": NotEqual(ReportState.READY.value),
                        },
                    ),
                    Put(keys.report(service.service, window, school), {**processing, "window": window}),
                ]
            )
        except Conflict:
            return None  # deleted since, or built already by an earlier run
        return {"service": service.service, "window": window, "school": school}

    with ThreadPoolExecutor(WORKERS) as pool:
        queue.send([message for message in pool.map(note, wanted) if message])
    stores.table.write(Update(keys.state(service.service, window), set={"reports_queued": "yes"}))
    return len(lines), len(wanted)
