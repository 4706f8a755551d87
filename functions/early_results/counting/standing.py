"""What is said of a window: whether a file counts for it, and what counts for a school.

It is derived from that window's register alone, sealed or not, and never from an upload's status. The status is that of
the whole service: between noon and the freeze it may already speak of the next window. Receipt, history, board, reports
and pages all ask this module.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..findings import Code
from ..guide import NEXT_STEPS, REPORT_FAILED
from ..times import from_text, moment_words, to_text
from ..writes import Item
from .calendar import Calendar
from .registers import Mark, Register, counting
from .uploads import LATE, Held, Status, Upload, shown_status

NOTHING_OLDER = "and nothing older comes back"


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands for a school in a window, now.

    `upload` is the one that counts, None if none does. `last` is the latest upload, which decides that; `deleted` says
    that `last` was deleted, and then nothing counts. `sealed` says that the window is frozen for the school. `let_in`
    says that `last` is a straggler that was let in afterwards. `facts` are what the register keeps of `last`.
    """

    window: int
    sealed: bool = False
    mark: Mark | None = None
    upload: str | None = None
    last: str | None = None
    deleted: bool = False
    let_in: bool = False
    carried_from: int | None = None
    facts: Item = field(default_factory=dict)


def standing(window: int, register: Register, row: Item | None, added: Item | None, gone: Container[str]) -> Standing:
    """What stands for a school in a window.

    `row` is its register's item, `added` the item of a straggler that was let in (`keys.added`), `gone` the uploads
    that were deleted. A sealed row does not change when its file is deleted, so `gone` must say it. No older file comes
    back.
    """
    found = counting(register, row, added)
    last = found.upload or (register.mark.upload_id if register.mark else None)
    deleted = last is not None and (found.upload is None or last in gone)
    return Standing(
        window,
        register.sealed or added is not None,
        register.mark,
        None if deleted else last,
        last,
        deleted,
        added is not None and last == added["upload_id"],
        found.carried_from,
        found.facts,
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a file and a window: whether it counts there, and why. `window` is None outside every window."""

    window: int | None
    closes: datetime | None
    counts: bool
    because: str
    frozen: bool = False
    carried_from: int | None = None

    @property
    def statement(self) -> str:
        """All of it, as one sentence."""
        if self.closes is None:
            return f"Does not count for any window, because {self.because}."
        word = "yes" if self.counts else "no"
        return f"Counts for the window closing at {moment_words(self.closes)}: {word}, because {self.because}."

    def to_json(self) -> dict[str, Any]:
        """As the API gives it."""
        return {
            "window": self.window,
            "closes": to_text(self.closes) if self.closes else None,
            "counts": self.counts,
            "because": self.because,
            "statement": self.statement,
            "frozen": self.frozen,
            "carried_from": self.carried_from,
        }


def said_of(upload: Upload, calendar: Calendar, standings: Iterable[Standing]) -> tuple[Said, ...]:
    """What is said of an upload: about its own window, and about each later one that carries it. () before a verdict.

    `standings` are what stands for its school, window by window. If its own window is not among them, no file has
    joined that window's register.
    """
    if upload.received is None or not upload.judged:
        return ()
    number = upload.window
    if number is None and upload.held == Held.PARKED:
        # A parked upload has no verdict, so its record names no window.
        inside = calendar.window_of(upload.received)
        number = inside.number if inside else None
    window = calendar.window(number) if number else None
    known = {one.window: one for one in standings}
    own = known.get(number, Standing(number)) if number else None
    told = [_own(upload, own, window.closes if window else None)]
    for other in calendar.windows:
        there = known.get(other.number)
        if other.number != number and there and there.sealed and there.upload == upload.upload_id:
            words = f"the school had no file of its own for it, and this one was carried forward from window {number}"
            told.append(Said(other.number, other.closes, True, words, True, number))
    return tuple(told)


def _own(upload: Upload, own: Standing | None, closes: datetime | None) -> Said:
    number = own.window if own else None
    because = _unsettled(upload, own)
    if because is not None or own is None:
        return Said(number, closes, False, because or "it arrived outside every submission window")
    if own.upload == upload.upload_id:
        words = "it is the latest successful file received for the school"
        if own.sealed:
            words = "it was let in after the window was frozen" if own.let_in else "it is the school's frozen file"
        return Said(number, closes, True, words, own.sealed)
    return Said(number, closes, False, _not(upload, own), own.sealed)


def _unsettled(upload: Upload, own: Standing | None) -> str | None:
    """Why a file counts for no window, whatever stands there: it has no verdict yet, is bad, late or deleted.

    Or None.
    """
    if upload.held == Held.PARKED:
        waits = own is not None and not own.sealed
        return "we could not process the file yet" + (", and the window waits for it" if waits else "")
    if upload.held in LATE:
        return "it became visible to us only after the window was frozen, and an operator is looking into it"
    if upload.status is Status.DELETED:
        return "it has been deleted"
    if upload.status is Status.UPLOAD_ERROR:
        if own is None:
            return "it arrived outside every submission window"
        if any(finding["code"] == Code.WINDOW_CLOSED.value for finding in upload.findings):
            return "it became visible to us only after the window was frozen, and was not let in"
        return "the file contains errors"
    return None


def _not(upload: Upload, own: Standing) -> str:
    """Why a good file does not count for its window."""
    if own.last == upload.upload_id:
        return "it has been deleted"
    mine = Mark(upload.received, upload.upload_id, deleted=False) if upload.received else None
    if own.let_in:
        what = "a later file was let in after the window was frozen"
        return f"{what} and has been deleted since, {NOTHING_OLDER}" if own.deleted else what
    if own.mark is None or mine is None or own.mark < mine:
        return "the check has only just ended"
    if not own.sealed:
        what = "a later successful file has overwritten it"
        return f"{what} and has been deleted since, {NOTHING_OLDER}" if own.deleted else what
    if own.mark.deleted:
        return f"a later file overwrote it and was deleted before the window was frozen, {NOTHING_OLDER}"
    what = "a later file was frozen for the school"
    return f"{what} and has been deleted since, {NOTHING_OLDER}" if own.deleted else what


def receipt(upload: Upload, told: Sequence[Said]) -> dict[str, Any] | None:
    """What the uploader is told: hash, received time, window, whether the file counts and why. None before a verdict.

    `told` is what `said_of` says of the upload.
    """
    if upload.received is None or not told:
        return None
    own = told[0].to_json()
    return {
        "sha256": upload.sha256,
        "received": to_text(upload.received),
        **{name: own[name] for name in ("window", "closes", "counts", "because", "statement")},
    }


def next_step(upload: Upload, told: Sequence[Said]) -> str:
    """What the user should know or do next, in the guide's words.

    Of an overwritten file: for which windows it is used.
    """
    if upload.held == Held.PARKED:
        return (
            "We could not process this file. This is our fault, not yours: we have been told and are looking into it."
        )
    if upload.held in LATE:
        return "This file reached us late through no fault of yours. We have been told and will tell you if it counts."
    shown = shown_status(upload)
    if shown == Status.UPLOAD_ERROR.value and upload.status is not Status.UPLOAD_ERROR:
        return REPORT_FAILED
    if shown == Status.OVERWRITTEN.value and any(one.counts for one in told):
        used = [one.window for one in told if one.counts and one.frozen]
        to_be_used = [one.window for one in told if one.counts and not one.frozen]
        words = ["This file has been overwritten by a later one"]
        words += [f"It was used for window {' and '.join(map(str, used))}"] if used else []
        words += [f"It is to be used for window {' and '.join(map(str, to_be_used))}"] if to_be_used else []
        return ". ".join(words)
    return NEXT_STEPS[shown]


def school_words(stands: Standing, closes: datetime) -> str:
    """What counts for a school in a window, as a sentence."""
    window = f"For the window closing at {moment_words(closes)}"
    if stands.deleted:
        return f"{window} nothing counts: the latest file has been deleted, {NOTHING_OLDER}."
    if stands.upload is None:
        return f"{window} no file counts." if stands.sealed else f"{window} no successful file has been received yet."
    received = f"the file received at {moment_words(from_text(stands.facts['received']))}"
    if stands.carried_from is not None:
        return f"{window} {received} counts: it was carried forward from window {stands.carried_from}."
    if stands.let_in:
        return f"{window} {received} counts: it was let in after the window was frozen."
    if stands.sealed:
        return f"{window} {received} counts: it is the school's frozen file."
    return f"{window} {received} counts, unless a later one overwrites it."
