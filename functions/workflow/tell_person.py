"""Telling one person one thing by e-mail, from a notice of the queue.

What the e-mail says is read and decided now and not when the notice was queued, so that it is true when it is sent: who
has sent a good file meanwhile is not reminded. The ledger keeps repeats away (`early_results/telling/ledger.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from adapters.errors import Conflict, NotSentYet, WillNotBeSent
from adapters.lookups import Place, calendar_now, standings, window_states
from adapters.post import Post
from adapters.rosters import user_of
from adapters.settings import deployed_service
from adapters.stores import Stores
from early_results import keys
from early_results.access import User, may_read
from early_results.counting.calendar import Calendar
from early_results.counting.freeze import State
from early_results.counting.standing import Standing, said_of, school_words
from early_results.counting.uploads import ReportState, Upload, upload_from_item
from early_results.reference import reference_of
from early_results.service import LONDON, Service, Window
from early_results.telling import ledger
from early_results.telling.ledger import Entry, Next
from early_results.telling.letters import (
    Chased,
    Frame,
    Letter,
    SchoolNamed,
    Stands,
    frozen_letter,
    overwritten_letter,
    reminder_letter,
    report_letter,
    verdict_letter,
)
from early_results.telling.notices import Kind, Notice, verdict_mark
from early_results.telling.wishes import wants


class Told(StrEnum):
    """What came of a notice."""

    SENT = "sent"
    ALREADY = "already"
    NOT_NEEDED = "not-needed"  # no longer true, or no longer this person's business
    NOT_WANTED = "not-wanted"
    REFUSED = "refused"
    GIVEN_UP = "given-up"


class UnderWayError(RuntimeError):
    """Another try of the same notice is under way, or died a moment ago. The queue brings the notice again."""


@dataclass(frozen=True, slots=True)
class Sender:
    """How this deployment sends: by which post, where its page is, and after how long a try has ended or died."""

    post: Post
    url: str
    lease: timedelta


def tell_person(stores: Stores, sender: Sender, notice: Notice, now: datetime) -> Told:
    """Sends the e-mail of a notice unless it was sent, is not true any more, or is not wanted.

    UnderWayError, NotSentYet or another OutsideError if the notice must come again.
    """
    key = keys.told(notice.to, notice.mark)
    step = ledger.begin(key, stores.table.get(key), sender.lease, now)
    if step.next is Next.DONE:
        return Told.ALREADY
    if step.next is Next.BUSY:
        raise UnderWayError(notice.mark)
    if step.next is Next.GIVE_UP:
        _write(stores, step)
        return Told.GIVEN_UP
    item = stores.table.get(keys.user(notice.to))
    user = user_of(stores, notice.to)
    if item is None or user is None:
        return Told.NOT_NEEDED  # removed or shut out since
    if not wants(item, notice.kind):
        return Told.NOT_WANTED
    letter = _letter(stores, Frame(deployed_service(notice.service), sender.url), user, notice, now)
    if letter is None:
        return Told.NOT_NEEDED
    _write(stores, step)
    try:
        sender.post.send(user.name, letter)
    except NotSentYet:
        stores.table.write(ledger.ended(key, step.tries, Entry.WAITING))
        raise
    except WillNotBeSent:
        stores.table.write(ledger.ended(key, step.tries, Entry.REFUSED))
        return Told.REFUSED
    stores.table.write(ledger.ended(key, step.tries, Entry.SENT))
    return Told.SENT


def _write(stores: Stores, step: ledger.Step) -> None:
    if step.write is None:
        return
    try:
        stores.table.write(step.write)
    except Conflict as error:
        raise UnderWayError("another function has taken this notice") from error


def _letter(stores: Stores, frame: Frame, user: User, notice: Notice, now: datetime) -> Letter | None:
    """The e-mail as things are now; None if there is nothing to tell any more."""
    if notice.upload_id is not None:
        return _of_file(stores, frame, user, notice, notice.upload_id)
    window = calendar_now(stores, frame.service).window(notice.window or 0)
    if window is None or not user.may_upload():
        return None
    if notice.kind is Kind.REMINDER:
        chased = _chased(stores, frame.service, window, user) if window.opens <= now < window.closes else []
        return reminder_letter(frame, window, chased) if chased else None
    if notice.kind is Kind.FROZEN:
        return _frozen(stores, frame, window, user)
    ready = _reports(stores, frame.service, window, user, now)
    return report_letter(frame, window, ready) if ready else None


def _of_file(stores: Stores, frame: Frame, user: User, notice: Notice, upload_id: str) -> Letter | None:
    item = stores.table.get(keys.upload(upload_id))
    upload = upload_from_item(item) if item else None
    if upload is None or not may_read(user, upload) or not upload.judged:
        return None
    calendar = calendar_now(stores, frame.service)
    stands = _standings_of(stores, calendar, upload)
    told = said_of(upload, calendar, stands.values())
    named = _named(stores, [upload.school])[0] if upload.school else None
    if notice.kind is Kind.VERDICT:
        if notice.mark != verdict_mark(upload_id, upload.held):
            return None  # a parked file was judged since, and a notice of its own tells that
        window = calendar.window(upload.window or 0)
        counts = school_words(stands[window.number], window.closes) if window and window.number in stands else ""
        return verdict_letter(frame, upload, told, named, counts, reference_of(upload_id))
    found = stores.table.get(keys.upload(upload.overwritten_by)) if upload.overwritten_by else None
    by = upload_from_item(found) if found else None
    if by is None or named is None or by.user == upload.user:
        return None  # one's own later file is no news
    return overwritten_letter(frame, upload, told, named, by, reference_of(upload_id))


def _standings_of(stores: Stores, calendar: Calendar, upload: Upload) -> dict[int, Standing]:
    """What stands for an upload's school in its window and the later ones, by number."""
    wanted = [
        Place(calendar.service, window.number, upload.school)
        for window in calendar.windows
        if upload.school and upload.window and window.number >= upload.window
    ]
    return {place.window: stands for place, stands in standings(stores, wanted).items()}


def _chased(stores: Stores, service: Service, window: Window, user: User) -> list[Chased]:
    """The schools of a user that should still send a file.

    One that was never sent a pupil list has none to send. One whose file of an earlier window is carried forward need
    not send one.
    """
    rosters = stores.table.get_many(keys.roster(service.name, school) for school in user.schools)
    schools = [school for school in sorted(user.schools) if keys.roster(service.name, school) in rosters]
    numbers = [w.number for w in calendar_now(stores, service).windows if w.number <= window.number][-2:]
    found = standings(stores, [Place(service.name, number, school) for number in numbers for school in schools])
    left = [s for s in schools if all(found[Place(service.name, n, s)].upload is None for n in numbers)]
    rows = stores.table.get_many(keys.window_register(service.name, window.number, school) for school in left)
    tried = {s for s in left if "tried" in rows.get(keys.window_register(service.name, window.number, s), {})}
    return [Chased(named, named.number in tried) for named in _named(stores, left)]


def _frozen(stores: Stores, frame: Frame, window: Window, user: User) -> Letter | None:
    state = window_states(stores, calendar_now(stores, frame.service))[window.number]
    found = standings(stores, [Place(frame.service.name, window.number, school) for school in sorted(user.schools)])
    sealed = [place.school for place, stands in found.items() if stands.sealed]
    if state.state is not State.FROZEN or state.closes is None or not sealed:
        return None
    stands = [
        Stands(one, found[Place(frame.service.name, window.number, one.number)]) for one in _named(stores, sealed)
    ]
    return frozen_letter(frame, window, state.closes, stands)


def _reports(stores: Stores, service: Service, window: Window, user: User, now: datetime) -> list[SchoolNamed]:
    """The schools whose report of a window can be fetched now: built, of the file that counts, and published."""
    if now.astimezone(LONDON).date() < window.reports:
        return []
    wanted = {school: keys.report(service.name, window.number, school) for school in sorted(user.schools)}
    items = stores.table.get_many(wanted.values())
    found = standings(stores, [Place(service.name, window.number, school) for school in wanted])
    ready = []
    for school, key in wanted.items():
        item = items.get(key, {})
        counts = found[Place(service.name, window.number, school)].upload
        if item.get("state") == ReportState.READY.value and item.get("upload_id") == counts:
            ready.append(school)
    return _named(stores, ready)


def _named(stores: Stores, schools: list[str]) -> list[SchoolNamed]:
    found = stores.table.get_many(keys.school(school) for school in schools)
    return [SchoolNamed(school, str(found.get(keys.school(school), {}).get("name", ""))) for school in schools]
