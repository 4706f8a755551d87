"""Faults put into the pipeline on purpose, to see that the checker has teeth.

Each is what a tired hand might write: a condition left out, a tie broken the other way, a step in the wrong order. It
is switched on, histories are played until one breaks a rule, and the number it took is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

from adapters.errors import AlreadyThere
from adapters.rosters import user_of
from early_results import access
from early_results.counting import freeze, registers, verdicts
from early_results.counting.calendar import Calendar
from early_results.counting.freeze import Waited
from early_results.counting.registers import Join, Mark, Outcome, Register
from early_results.counting.uploads import Upload
from early_results.object_keys import national_key, verdict_key
from early_results.service import load_service
from early_results.writes import ABSENT, Check, Key, Put, Remove, Update, Write
from infra.operator import operating, operations, rebuilding
from infra.operator.evidence import Evidence
from portal import uploading
from workflow import (
    build_report,
    check_upload,
    delete_upload,
    freeze_window,
    import_extract,
    join_registers,
    sweep_bucket,
)

from . import world
from .history import play
from .store import MemoryBucket, MemoryTable
from .world import _Present

MOST_HISTORIES = 15_000  # played before a fault counts as missed

Patches = list[tuple[Any, str, Any]]
FAULTS: dict[str, Callable[[], Patches]] = {}


def fault(name: str) -> Callable[[Callable[[], Patches]], Callable[[], Patches]]:
    """Lists a fault under what is wrong with the pipeline when it is on."""

    def listed(make: Callable[[], Patches]) -> Callable[[], Patches]:
        FAULTS[name] = make
        return make

    return listed


@contextmanager
def switched_on(name: str) -> Iterator[None]:
    """The pipeline with a fault in it."""
    with ExitStack() as stack:
        for target, attribute, value in FAULTS[name]():
            stack.enter_context(patch.object(target, attribute, value))
        yield


@dataclass(frozen=True, slots=True)
class Caught:
    """How many histories it took to catch a fault, None if it was not, and what gave it away."""

    fault: str
    histories: int | None
    seed: int | None
    violation: str


def hunt(name: str, first_seed: int, most: int = MOST_HISTORIES) -> Caught:
    """Plays histories with a fault until one breaks a rule."""
    with switched_on(name):
        for number in range(most):
            found = play(first_seed + number, verify=False).violations
            if found:
                return Caught(name, number + 1, first_seed + number, found[0])
    return Caught(name, None, None, "")


def _without(write: Write, attribute: str) -> Write:
    if isinstance(write, Update | Check) and attribute in write.require:
        left = {name: wanted for name, wanted in write.require.items() if name != attribute}
        if isinstance(write, Check) and not left:
            left = {f"never-{attribute}": ABSENT}
        return replace(write, require=left)
    return write


# Registers.


@fault("a tie of received times goes to the smaller upload id")
def _() -> Patches:
    def less(one: Mark, other: Mark) -> bool:
        return (one.received, _mirrored(one.upload_id), one.deleted) < (
            other.received,
            _mirrored(other.upload_id),
            other.deleted,
        )

    return [(Mark, "__lt__", less), (Mark, "__le__", lambda one, other: one == other or less(one, other))]


def _mirrored(text: str) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in text)


@fault("a join does not require the mark as it was read")
def _() -> Patches:
    raised = registers._join_mark

    def careless(register: Register, mark: Mark, kept: Any, *, sealable: bool) -> Write:
        return _without(raised(register, mark, kept, sealable=sealable), "mark")

    return [(registers, "_join_mark", careless)]


@fault("a join does not require that the row is not sealed")
def _() -> Patches:
    raised = registers._join_mark

    def careless(register: Register, mark: Mark, kept: Any, *, sealable: bool) -> Write:
        return _without(raised(register, mark, kept, sealable=sealable), "frozen_at")

    return [(registers, "_join_mark", careless)]


@fault("the latest to be checked wins, not the latest received")
def _() -> Patches:
    return [(Mark, "__lt__", lambda one, other: one != other), (Mark, "__le__", lambda one, other: one == other)]


@fault("a deletion leaves no mark in the registers")
def _() -> Patches:
    delete = registers.delete

    def forgetful(upload: Upload, *rest: Any) -> Join:
        join = delete(upload, *rest)
        return replace(join, writes=join.writes[:1])

    return [(registers, "delete", forgetful)]


@fault("a straggler is offered in silence")
def _() -> Patches:
    offer = registers.offer

    def silent(upload: Upload, window: Register, current: Register, sealing: bool) -> Join:
        if registers.is_straggler(upload, window, sealing):
            window = Register(Key(f"LOST#{upload.upload_id}", "x"))
        return offer(upload, window, current, False)

    return [(registers, "offer", silent)]


@fault("a straggler is not noted in the buckets")
def _() -> Patches:
    return [(join_registers, "keep_note", lambda *_: None)]


@fault("the former winner is not overwritten")
def _() -> Patches:
    offer = registers.offer

    def forgetful(*given: Any) -> Join:
        join = offer(*given)
        return replace(join, writes=join.writes[:3]) if join.outcome is Outcome.JOINED else join

    return [(registers, "offer", forgetful)]


# What an operator decides after the freeze, and a table that is written again.


@fault("a straggler is let in without an amendment")
def _() -> Patches:
    return [(operating, "_keep_amendment", lambda *_: None)]


@fault("a straggler may be deleted while it is being let in")
def _() -> Patches:
    return [(Upload, "deletable", Upload.judged)]


@fault("a straggler that is being let in may be refused")
def _() -> Patches:
    def hasty(upload: Upload, finding: Any) -> Update:
        return replace(refuse(upload, finding), require={"status": "CHECKING"})

    refuse = verdicts.refuse_straggler
    return [(verdicts, "refuse_straggler", hasty)]


@fault("a rebuilt table knows nothing of what was deleted before noon")
def _() -> Patches:
    return [(rebuilding._Service, "_greatest_deleted", lambda *_: None)]


@fault("a rebuilt table takes every good file for one that was let in")
def _() -> Patches:
    return [(Evidence, "let_in", lambda *_: True)]


# Windows and their freeze.


@fault("a window is frozen although not all is settled")
def _() -> Patches:
    return [(freeze, "waited_for", lambda *_: ())]


@fault("a window is sealed without the grace")
def _() -> Patches:
    return [(freeze, "may_seal", lambda closes, grace, now: now >= closes)]


@fault("a parked upload holds up nobody")
def _() -> Patches:
    waited = freeze.waited_for

    def hasty(*given: Any) -> tuple[Waited, ...]:
        return tuple(w for w in waited(*given) if not w.why.startswith("parked"))

    return [(freeze, "waited_for", hasty)]


@fault("a seal does not require the mark as it was read")
def _() -> Patches:
    seal = freeze.seal
    frozen: Any = lambda register, school, now: replace(  # noqa: E731
        seal(register, school, now),
        set={**seal(register, school, now).set, **({"mark": register.mark.to_text()} if register.mark else {})},
        require={},
    )
    return [(freeze, "seal", frozen)]


@fault("the worker's clock decides the window")
def _() -> Patches:
    window_of = Calendar.window_of

    def by_clock(calendar: Calendar, received: datetime) -> Any:
        present = _Present.world
        moment = present.scheduler.now() if present and present.scheduler.current else received
        return window_of(calendar, moment)

    return [(Calendar, "window_of", by_clock)]


@fault("the close itself still counts")
def _() -> Patches:
    def inclusive(calendar: Calendar, received: datetime) -> Any:
        moment = received.replace(microsecond=0)
        return next((w for w in calendar.windows if w.opens <= moment <= w.closes), None)

    return [(Calendar, "window_of", inclusive)]


@fault("noon is noon in UTC")
def _() -> Patches:
    return [(world, "london", lambda moment: moment.replace(tzinfo=UTC))]


@fault("nothing is carried forward")
def _() -> Patches:
    return [(Calendar, "earlier", lambda calendar, number: ())]


@fault("the manifest tells when it was made")
def _() -> Patches:
    line, runs = freeze.manifest_line, count()
    return [(freeze, "manifest_line", lambda *given: {**line(*given), "run": next(runs)})]


@fault("the national figures are added up again by every run")
def _() -> Patches:
    def again(stores: Any, service: str, window: int, lines: Any) -> bytes:
        figures = freeze.canonical(freeze_window._national(stores, lines).to_json())
        freeze_window._write_once(stores, national_key(service, window), figures, "application/json")
        return figures

    return [(freeze_window, "_national_once", again)]


@fault("each run lists the schools anew")
def _() -> Patches:
    def anew(stores: Any, *_: Any) -> frozenset[str]:
        return frozenset(str(row["school"]) for row in stores.table.query("SCHOOLS"))

    return [(freeze_window, "_schools_to_seal", anew)]


@fault("a school is known by schools.csv alone")
def _() -> Patches:
    put_roster = import_extract._put_roster

    def unlisted(stores: Any, *given: Any) -> None:
        class Deaf:
            def __getattr__(self, name: str) -> Any:
                return getattr(stores.table, name)

            def write(self, writes: Any) -> None:
                if not (isinstance(writes, Put) and writes.key.pk == "SCHOOLS"):
                    stores.table.write(writes)

        put_roster(replace(stores, table=Deaf()), *given)

    return [(import_extract, "_put_roster", unlisted)]


@fault("a report whose note loses a race is given up")
def _() -> Patches:
    def once(stores: Any, *given: Any) -> bool:
        table = stores.table

        class Once:
            def get(self, key: Key) -> dict[str, str]:
                return {"status": "DELETED"}

            def write(self, writes: Any) -> None:
                table.write(writes)

        return noted(replace(stores, table=Once()), *given)

    noted = freeze_window._note_processing
    return [(freeze_window, "_note_processing", once)]


@fault("a report that loses a race is taken for deleted")
def _() -> Patches:
    return [(build_report, "_deleted", lambda *_: True)]


# Checks.


@fault("the newest version is read")
def _() -> Patches:
    def newest(bucket: MemoryBucket, key: str) -> Any:
        found = bucket.versions(key)
        return found[-1] if found else None

    return [(MemoryBucket, "oldest", newest)]


@fault("each message is processed, whatever is known of its object")
def _() -> Patches:
    return [(verdicts, "UNJUDGED", {}), (Upload, "judged", property(lambda upload: False))]


@fault("evidence is written over")
def _() -> Patches:
    return [(MemoryBucket, "put_once", MemoryBucket.put)]


@fault("a second check judges by the roster of the day")
def _() -> Patches:
    def recheck(stores: Any, upload: Any, version: Any) -> Any:
        service = load_service(upload.service)
        judged = check_upload._judge(stores, upload, service, version, check_upload._read(stores, version), None)
        record = check_upload._verdict_record(upload, version, judged)
        key = verdict_key(upload.service, upload.upload_id)
        with suppress(AlreadyThere):
            stores.records.put_once(key, freeze.canonical(record), "application/json")
        check_upload._record(stores, upload, service, version, judged)
        return check_upload.Checked.ACCEPTED if judged.accepted else check_upload.Checked.REFUSED

    return [(check_upload, "_judge_and_record", recheck)]


@fault("a trust keeps the schools it had when the user signed in")
def _() -> Patches:
    known: dict[tuple[int, str], Any] = {}

    def remembered(stores: Any, sub: str) -> Any:
        key = (id(_Present.world), sub)
        if key not in known:
            known.clear() if len(known) > 20 else None
            known[key] = user_of(stores, sub)
        return known[key]

    return [(check_upload, "user_of", remembered), (world, "user_of", remembered)]


@fault("whoever sees a file may delete it")
def _() -> Patches:
    return [(access, "may_delete", access.may_read)]


@fault("a file that nobody may know of yet is shown to all")
def _() -> Patches:
    return [(access, "may_read", lambda user, upload: True)]


# Deletions.


@fault("versions are removed before the tombstone is written")
def _() -> Patches:
    purge = delete_upload.purge

    def hasty(stores: Any, calendar: Any, upload: Any, now: Any) -> None:
        stores.uploads.remove_versions(upload.object_key)
        purge(stores, calendar, upload, now)

    return [(sweep_bucket, "purge", hasty), (uploading, "purge", hasty)]


@fault("a repeated notice removes a deleted file before its tombstone is written")
def _() -> Patches:
    def hasty(stores: Any, upload: Any) -> None:
        stores.uploads.remove_versions(upload.object_key)

    return [(check_upload, "purge_again", hasty), (sweep_bucket, "purge_again", hasty)]


@fault("no amendment is written for a frozen file that is deleted")
def _() -> Patches:
    put_once = delete_upload._put_once

    def forgetful(stores: Any, key: str, record: Any) -> None:
        if not key.startswith("amendments/"):
            put_once(stores, key, record)

    return [(delete_upload, "_put_once", forgetful)]


@fault("a deletion that died is not finished")
def _() -> Patches:
    return [(sweep_bucket, "_finish_deletions", lambda *_: None)]


@fault("what was found in a file outlives its deletion")
def _() -> Patches:
    return [(delete_upload, "remove_results", lambda *_: None)]


@fault("a slow check writes after a deletion, and nobody clears up")
def _() -> Patches:
    return [(check_upload, "purge_again", lambda *_: None)]


# The sweep, the calendar, the organisations.


@fault("the sweep never looks below its low-water mark")
def _() -> Patches:
    sweep = sweep_bucket.sweep

    def shallow(stores: Any, queue: Any, service: Any, calendar: Any, now: Any, **_: Any) -> Any:
        return sweep(stores, queue, service, calendar, now)

    return [(sweep_bucket, "WHOLE_EVERY", timedelta(days=99)), (freeze_window, "sweep", shallow)]


@fault("the sweep does not queue again what was lost")
def _() -> Patches:
    return [(sweep_bucket, "_due_again", lambda *_: False)]


@fault("the sweep does not offer what the stream lost")
def _() -> Patches:
    return [(sweep_bucket, "_offer", lambda stores, upload, swept: upload)]


@fault("a transaction is carried out write by write")
def _() -> Patches:
    write = MemoryTable.write

    def one_by_one(table: MemoryTable, writes: Any) -> None:
        for single in [writes] if isinstance(writes, Put | Update | Remove | Check) else writes:
            write(table, single)

    return [(MemoryTable, "write", one_by_one)]


@fault("a school that leaves its trust does so in two steps")
def _() -> Patches:
    put_newer = import_extract._put_newer

    def in_steps(stores: Any, key: Key, item: Any, made: Any, along: Any = None) -> None:
        before = stores.table.get(key) or {}
        put_newer(stores, key, item, made)
        for write in along(before) if along and (stores.table.get(key) or {}).get("made") else ():
            stores.table.write(write)

    return [(import_extract, "_put_newer", in_steps)]


@fault("a change of the calendar is not kept as evidence")
def _() -> Patches:
    return [(operations, "canonical", lambda kept: freeze.canonical({"calendar": None}))]
