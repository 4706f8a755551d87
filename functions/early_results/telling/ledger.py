"""The ledger: for each person and each thing to be told, whether the e-mail went out. One item of the table each.

SES takes no token by which it would know a message that it was given before, so nobody can send exactly once. A try is
noted before it is made, and that it was sent afterwards. A try that was noted and has no outcome may have been sent:
it is tried once more, so that nothing is lost. If that try too has no outcome, a third would be one e-mail too many,
and an operator is told. So a person gets an e-mail twice at most, and only if a function died at that very moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .. import keys
from ..times import from_text, to_text
from ..writes import ABSENT, Item, Key, Put, Requirement, Update

MOST_TRIES = 2  # whose outcome is not known
KEPT = timedelta(days=60)  # longer than the queue, the stream and VERDICT_WITHIN together could bring a notice again


class Entry(StrEnum):
    """What the ledger says of an e-mail."""

    TRYING = "trying"
    WAITING = "waiting"  # SES would not take it yet, or could not be reached: it was not sent
    SENT = "sent"
    REFUSED = "refused"  # SES will never take it
    GIVEN_UP = "given-up"  # two tries have no outcome


class Next(StrEnum):
    """What to do about a notice, by its entry."""

    SEND = "send"
    DONE = "done"
    BUSY = "busy"  # another try is under way
    GIVE_UP = "give-up"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, and the write that must succeed first: it fails if somebody else was quicker."""

    next: Next
    write: Put | Update | None = None
    tries: int = 0


def begin(key: Key, item: Item | None, lease: timedelta, now: datetime) -> Step:
    """What to do about a notice. `item` is its entry, None if there is none. After `lease` a try has ended or died."""
    started: Item = {"entry": Entry.TRYING.value, "since": to_text(now)}
    if item is None:
        expires = int((now + KEPT).timestamp())
        return Step(Next.SEND, Put(key, {**started, "tries": 1, "expires": expires}, {"pk": ABSENT}), 1)
    entry, tries, since = Entry(item["entry"]), int(item["tries"]), from_text(item["since"])
    as_read: dict[str, Requirement] = {"entry": entry.value, "tries": tries, "since": item["since"]}
    if entry is Entry.TRYING and now - since < lease:
        return Step(Next.BUSY)
    if entry is Entry.TRYING and tries >= MOST_TRIES:
        return Step(Next.GIVE_UP, Update(key, set={"entry": Entry.GIVEN_UP.value}, require=as_read), tries)
    if entry in (Entry.TRYING, Entry.WAITING):
        return Step(Next.SEND, Update(key, set={**started, "tries": tries + 1}, require=as_read), tries + 1)
    return Step(Next.DONE)


def ended(key: Key, tries: int, entry: Entry) -> Update:
    """Notes the outcome of a try. One that was certainly not sent does not count."""
    known: dict[str, Requirement] = {"entry": Entry.TRYING.value, "tries": tries}
    left = tries - 1 if entry is Entry.WAITING else tries
    return Update(key, set={"entry": entry.value, "tries": left}, require=known)


def key_of(to: str, mark: str) -> Key:
    """Where the ledger keeps a notice."""
    return keys.told(to, mark)
