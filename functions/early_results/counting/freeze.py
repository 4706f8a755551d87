"""The freeze of a window: its state, what it waits for, the sealing of a register, and the manifest (DESIGN 5).

Every step may be repeated, may overlap with another run, and may die half way. Each write carries a condition by which
it happens only once. The manifest is made from the sealed rows alone and holds no time of the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from .. import keys
from ..canonical import canonical
from ..service import Window
from ..times import from_text, to_text
from ..writes import ABSENT, PRESENT, Check, Item, NoneOf, Requirement, Update, Write
from .calendar import Calendar
from .invariants import always
from .registers import FACTS, Counting, Register
from .uploads import Held, Status, Upload


class State(StrEnum):
    """The state of a window. A window without a stored state is OPEN, or was never held."""

    OPEN = "OPEN"
    CLOSING = "CLOSING"
    FROZEN = "FROZEN"
    NOT_HELD = "not-held"  # never stored: the window closed before the stack had a school, and is never frozen


@dataclass(frozen=True, slots=True)
class WindowState:
    """The stored state of a window: once CLOSING, its closes and the calendar's version are pinned.

    `sealing` is set before the first register is sealed, and before the schools are listed.
    """

    state: State = State.OPEN
    closes: datetime | None = None
    calendar_version: int | None = None
    sealing: bool = False
    manifest_key: str | None = None
    manifest_version: str | None = None
    manifest_sha256: str | None = None
    national_sha256: str | None = None
    reports_queued: bool = False


def state_from_item(item: Item | None) -> WindowState:
    """The state as the table has it: OPEN where nothing is stored."""
    if item is None:
        return WindowState()
    return WindowState(
        State(item["state"]),
        from_text(item["closes"]),
        int(item["calendar_version"]),
        "sealing" in item,
        item.get("manifest_key"),
        item.get("manifest_version"),
        item.get("manifest_sha256"),
        item.get("national_sha256"),
        "reports_queued" in item,
    )


def state_of_window(item: Item | None, window: Window, first_school: datetime | None) -> WindowState:
    """The state of a window. `first_school` is the moment since when the stack has had a school, None if it has none.

    A window that had closed by then can have no file. Freezing it would lock away, for years, a manifest that names
    none.
    """
    if item is None and first_school is not None and window.closes <= first_school:
        return WindowState(State.NOT_HELD)
    return state_from_item(item)


def windows_to_freeze(calendar: Calendar, states: dict[int, WindowState], now: datetime) -> tuple[Window, ...]:
    """The windows that have closed and are not frozen with all their reports queued, in order.

    Of a window that is CLOSING, the close that it pinned counts, whatever the calendar says now. A window that was
    never held is left out.
    """
    due = []
    for window in calendar.windows:
        state = states.get(window.number, WindowState())
        closes = state.closes or window.closes
        if state.state is State.NOT_HELD:
            continue
        if now >= closes and not (state.state is State.FROZEN and state.reports_queued):
            due.append(window)
    return tuple(due)


def minutes_overdue(due: Iterable[Window], states: dict[int, WindowState], now: datetime) -> dict[int, int]:
    """For each window of `due` that is not frozen yet: how many whole minutes ago it closed, by number."""
    found = {}
    for window in due:
        state = states.get(window.number, WindowState())
        if state.state is not State.FROZEN:
            found[window.number] = int((now - (state.closes or window.closes)).total_seconds() // 60)
    return found


def begin_closing(service: str, window: Window, calendar_version: int) -> tuple[Write, ...]:
    """OPEN -> CLOSING, once. Pins the close and the calendar's version, on condition that this version is in force."""
    return (
        Update(
            keys.state(service, window.number),
            set={
                "state": State.CLOSING.value,
                "closes": to_text(window.closes),
                "calendar_version": calendar_version,
                "service": service,
                "window": window.number,
            },
            require={"state": ABSENT},
        ),
        Check(keys.calendar(service), in_force(calendar_version)),
    )


def in_force(calendar_version: int) -> dict[str, Requirement]:
    """The condition, for a write to the table, that this version of the calendar is in force.

    Version 0 is the service file's own calendar: while it is in force, the table has none.
    """
    return {"version": calendar_version} if calendar_version else {"pk": ABSENT}


def begin_sealing(service: str, window: int) -> Update:
    """Notes that sealing begins. From then on a file of a school whose register is still empty is a straggler."""
    return Update(keys.state(service, window), set={"sealing": "yes"}, require={"state": PRESENT})


def closing_terms(state: WindowState, schools: Iterable[str]) -> bytes:
    """What a window is frozen with, written once: its close, the calendar's version, the schools.

    If a freeze run dies and a school is added before the next run, the manifest must be the same all the same.
    """
    closes = to_text(state.closes) if state.closes else None
    return canonical({"closes": closes, "calendar_version": state.calendar_version, "schools": sorted(schools)})


def may_seal(closes: datetime, grace: timedelta, now: datetime) -> bool:
    """Whether the grace after the close is over. Until then S3 may still show a file that was posted slowly."""
    return now >= closes + grace


@dataclass(frozen=True, slots=True)
class Waited:
    """An upload a freeze waits for, and why."""

    upload_id: str
    school: str | None
    why: str


def waited_for(uploads: Iterable[Upload], received: dict[str, datetime], closes: datetime) -> tuple[Waited, ...]:
    """The uploads that keep a window from being frozen, in order of upload id.

    `uploads` are records that may be unsettled. `received` has the received times of those with an object in the
    bucket. A freeze does not wait for an upload without an object: the sweep ends its form after the grace.
    """
    waiting = []
    for upload in uploads:
        # Where both are known the earlier counts: S3 may have shown an older version since the check began.
        known = [moment for moment in (upload.received, received.get(upload.upload_id)) if moment is not None]
        if not known or min(known) >= closes or upload.status is Status.DELETED:
            continue
        if upload.held == Held.PARKED:
            waiting.append(Waited(upload.upload_id, upload.school, "parked: an operator must retry or close it"))
        elif upload.offer_pending:
            waiting.append(Waited(upload.upload_id, upload.school, "accepted, not yet offered to its registers"))
        elif upload.status in (Status.AWAITING_UPLOAD, Status.CHECKING) and upload.held is None:
            waiting.append(Waited(upload.upload_id, upload.school, "received, not yet checked"))
    return tuple(sorted(waiting, key=lambda w: w.upload_id))


def seal(register: Register, school: str, now: datetime) -> Update:
    """Seals a register as it was read. Where the table has none, this makes an empty sealed row."""
    _may_be_sealed(register, school)
    return Update(
        register.key,
        set={"frozen_at": to_text(now), "school": school},
        require={"frozen_at": ABSENT, "mark": register.mark.to_text() if register.mark else ABSENT},
    )


def _may_be_sealed(register: Register, school: str) -> None:
    always(not register.sealed, "a register is sealed once")
    always(register.key.sk == f"SCHOOL#{school}", "a sealed row is of the school it names")


def seal_carrying(
    register: Register, school: str, earlier: Register, carried: Counting, window: int, now: datetime
) -> tuple[Write, ...]:
    """Seals a register without a mark, and carries forward into it what counted for an earlier window.

    The transaction checks that the earlier register is sealed as read and that its upload has not been deleted since.
    """
    upload_id = carried.upload
    if upload_id is None or register.mark is not None:
        raise ValueError("only an earlier frozen file can be carried, and only where there is none")
    _may_be_sealed(register, school)
    always(earlier.key.sk == register.key.sk, "a file is carried forward for its own school")
    always(earlier.key.pk != register.key.pk, "a file is carried forward from another window")
    always(carried.facts.get("upload_id") == upload_id, "what is carried are the facts of the file that counted")
    always(all(carried.facts.get(name) for name in ("object_key", "version", "sha256")), "a frozen file is an object")
    require_earlier: dict[str, Requirement] = {"frozen_at": PRESENT if earlier.sealed else ABSENT}
    require_earlier["mark"] = earlier.mark.to_text() if earlier.mark else ABSENT
    facts = {name: carried.facts[name] for name in FACTS if name in carried.facts}
    return (
        Update(
            register.key,
            set={
                "frozen_at": to_text(now),
                "school": school,
                "carried_from": window,
                "carried_upload": upload_id,
                **facts,
            },
            require={"frozen_at": ABSENT, "mark": ABSENT},
        ),
        Check(earlier.key, require_earlier),
        Check(keys.upload(upload_id), {"status": NoneOf((Status.DELETED.value,))}),
    )


def manifest_line(service: str, window: int, item: Item) -> dict[str, Any]:
    """One school's line of the manifest, made from its sealed row alone."""
    frozen = item.get("carried_upload") or (item.get("upload_id") if _undeleted(item) else None)
    line: dict[str, Any] = {"service": service, "window": window, "school": item["school"], "upload": frozen}
    for name, fact in (
        ("key", "object_key"),
        ("version", "version"),
        ("sha256", "sha256"),
        ("received", "received"),
        ("ruleset", "ruleset"),
        ("figures", "figures"),
    ):
        line[name] = item.get(fact) if frozen else None
    line["carried_from"] = item.get("carried_from")
    if frozen:
        always(item.get("upload_id") == frozen, "a sealed row's facts are those of the file it freezes")
        always(all(line[name] for name in ("key", "version", "sha256", "received")), "a frozen file is an object")
    return line


def _undeleted(item: Item) -> bool:
    return str(item.get("mark", "")).endswith("#0")


def manifest(service: str, window: int, sealed: Iterable[Item]) -> bytes:
    """The manifest: one canonical JSON line for each school, sorted by school. ValueError if a row is not sealed."""
    lines = []
    for item in sealed:
        if "frozen_at" not in item:
            raise ValueError("an unsealed register cannot be in a manifest")
        lines.append(manifest_line(service, window, item))
    lines.sort(key=lambda line: line["school"])
    return b"".join(canonical(line) + b"\n" for line in lines)


def manifest_lines(data: bytes) -> tuple[dict[str, Any], ...]:
    """The lines of a manifest. ValueError if it is none."""
    return tuple(json.loads(line) for line in data.splitlines())


def freeze_state(
    service: str, window: int, key: str, version: str, manifest_sha256: str, national_sha256: str
) -> Update:
    """CLOSING -> FROZEN, naming the manifest by key, version and hash."""
    return Update(
        keys.state(service, window),
        set={
            "state": State.FROZEN.value,
            "manifest_key": key,
            "manifest_version": version,
            "manifest_sha256": manifest_sha256,
            "national_sha256": national_sha256,
        },
        require={"state": State.CLOSING.value},
    )


def report_pins(profile: Item | None, window: Window | None) -> dict[str, str]:
    """What a report says besides figures: the school's name and the day the report comes out. A freeze pins both."""
    return {
        "school_name": str((profile or {}).get("name", "")),
        "comes_out": window.reports.isoformat() if window else "",
    }


def amendment(
    service: str, window: int, school: str, upload_id: str, kind: str, moment: datetime, by: str, reason: str
) -> dict[str, Any]:
    """What is recorded beside a manifest: `removed` for a deletion, `added` for a straggler that an operator let in."""
    return {
        "service": service,
        "window": window,
        "school": school,
        "upload": upload_id,
        "kind": kind,
        "at": to_text(moment),
        "by": by,
        "reason": reason,
    }
