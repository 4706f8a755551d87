"""Notices: that one person is to be told one thing. What the e-mail says is worked out when it is sent.

A notice names a person by `sub` and holds no address, no name and nothing of a file. Its mark names what the person is
told; the ledger keeps one entry for a person and a mark, so that nothing is told twice (`ledger.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from ..counting.calendar import Calendar
from ..counting.freeze import State, WindowState
from ..counting.uploads import REPORT_PREFIX, Held, Status, upload_from_item
from ..service import LONDON, Window
from ..times import to_text
from ..writes import Item


class Kind(StrEnum):
    """What an e-mail is about."""

    VERDICT = "verdict"
    OVERWRITTEN = "overwritten"
    REMINDER = "reminder"
    FROZEN = "frozen"
    REPORT = "report"


# Everything but that one's file was overwritten: somebody else did that, and nothing else would tell its sender.
OPTIONAL = (Kind.VERDICT, Kind.REMINDER, Kind.FROZEN, Kind.REPORT)

VERDICT_WITHIN = timedelta(days=30)  # of its receipt; one that an operator decides may come that late
OVERWRITTEN_WITHIN = timedelta(days=1)  # older than this, an overwritten file's verdict was told long ago
NEWS_WITHIN = timedelta(days=7)  # of a close or of a report's day: longer than any failure is let stand


class Reminder(NamedTuple):
    """How long before a close a reminder is sent, by London's clock: a day is from noon to noon."""

    name: str
    before: timedelta


REMINDERS = (
    Reminder("five-days", timedelta(days=5)),
    Reminder("one-day", timedelta(days=1)),
    Reminder("two-hours", timedelta(hours=2)),
)


@dataclass(frozen=True, slots=True)
class Notice:
    """That `to`, a user's `sub`, is to be told something. `upload_id` or `window` says of what."""

    kind: Kind
    to: str
    service: str
    mark: str
    upload_id: str | None = None
    window: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As the queue carries it."""
        given = {"kind": self.kind.value, "to": self.to, "service": self.service, "mark": self.mark}
        about = {"upload_id": self.upload_id, "window": self.window}
        return given | {name: value for name, value in about.items() if value is not None}


def notice_from_json(data: Mapping[str, Any]) -> Notice:
    """A notice as the queue brings it. KeyError or ValueError if it is none."""
    return Notice(
        Kind(data["kind"]), data["to"], data["service"], data["mark"], data.get("upload_id"), data.get("window")
    )


def of_upload(item: Item, now: datetime, *, admitted: bool = False) -> tuple[Notice, ...]:
    """What the sender of a file is told of its record as the table has it after a change. Often nothing.

    `admitted` says that the file was a straggler that an operator has just let in. The table's stream brings every
    change of a record, and not what it was before. So the same notice may be given many times; the ledger sees to it
    that it is told once.
    """
    upload = upload_from_item(item)
    if not upload.judged or upload.purge_pending or (upload.received is None and upload.held is not Held.PARKED):
        # It is still being checked, or it was too large to be sent, which whoever chose it saw at once. Who deletes a
        # file sees that it is gone.
        return ()
    age = now - (upload.received or upload.issued)
    verdict = Notice(
        Kind.VERDICT, upload.user, upload.service, verdict_mark(upload.upload_id, upload.held), item["upload_id"]
    )
    if upload.status is Status.UPLOAD_ERROR:
        return (verdict,) if age <= VERDICT_WITHIN else ()
    if upload.status is Status.SUCCESSFUL:
        # Once a report is built from a file, its verdict has been told: what changes now is the report's state. Only a
        # straggler gets both at once.
        reported = not admitted and any(name.startswith(REPORT_PREFIX) for name in item)
        return (verdict,) if age <= VERDICT_WITHIN and not reported else ()
    if upload.status is Status.OVERWRITTEN and upload.overwritten_by:
        mark = f"OVERWRITTEN#{upload.upload_id}#{upload.overwritten_by}"
        lost = Notice(Kind.OVERWRITTEN, upload.user, upload.service, mark, upload.upload_id)
        return (verdict, lost) if age <= OVERWRITTEN_WITHIN else (lost,)
    return ()


def verdict_mark(upload_id: str, held: Held | None) -> str:
    """The mark of a verdict. A parked file gets another verdict once an operator has had it checked again."""
    return f"VERDICT#{upload_id}" + ("#parked" if held is Held.PARKED else "")


class Round(NamedTuple):
    """Something that everybody of a service is to be told, if it concerns them. `mark` is also each notice's."""

    kind: Kind
    service: str
    window: int
    mark: str

    def to(self, sub: str) -> Notice:
        """The notice for one person."""
        return Notice(self.kind, sub, self.service, self.mark, None, self.window)


def due_rounds(
    calendar: Calendar, states: Mapping[int, WindowState], done: Collection[str], now: datetime
) -> tuple[Round, ...]:
    """The rounds that are due now. `done` are the marks of those that were queued already.

    Of reminders only the last that is due is sent: who is told on the day before needs no word of five days. A close
    that was moved is another one, of which people are reminded anew.
    """
    found = []
    for window in calendar.windows:
        state = states.get(window.number, WindowState())
        for kind, mark in _of_window(window, state, now):
            if mark not in done:
                found.append(Round(kind, calendar.service, window.number, mark))
    return tuple(found)


def _of_window(window: Window, state: WindowState, now: datetime) -> list[tuple[Kind, str]]:
    found = []
    if state.state is State.OPEN and window.opens <= now < window.closes:
        past = [one for one in REMINDERS if window.opens <= moment_of(one, window.closes) <= now]
        if past:
            mark = f"REMINDER#{window.number}#{past[-1].name}#{to_text(window.closes)}"
            found.append((Kind.REMINDER, mark))
    if state.state is State.FROZEN and state.closes is not None:
        if now - state.closes <= NEWS_WITHIN:
            found.append((Kind.FROZEN, f"FROZEN#{window.number}"))
        days = (now.astimezone(LONDON).date() - window.reports).days
        if state.reports_queued and 0 <= days <= NEWS_WITHIN.days:
            found.append((Kind.REPORT, f"REPORT#{window.number}"))
    return found


def moment_of(reminder: Reminder, closes: datetime) -> datetime:
    """When a reminder of a close is due. Days are counted by London's clock, hours by any."""
    if reminder.before < timedelta(days=1):
        return closes - reminder.before
    return (closes.astimezone(LONDON) - reminder.before).astimezone(closes.tzinfo)
