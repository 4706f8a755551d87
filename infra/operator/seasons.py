"""Opening a season and closing it: what must be there before schools upload, and what is removed in the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from adapters.errors import Conflict
from adapters.lookups import calendar_now, window_states
from adapters.objects import written_once
from early_results import keys
from early_results.canonical import canonical
from early_results.checking.roster import BadRoster, parse_rosters
from early_results.counting.calendar import CHANGE_CUTOFF, Calendar, CalendarRefused
from early_results.counting.freeze import State, WindowState
from early_results.counting.uploads import Status, Upload, upload_from_item
from early_results.object_keys import overview_folder, release_folder, season_key
from early_results.organisations import parse_schools, parse_trusts
from early_results.service import LONDON, Service, Window, load_service
from early_results.times import from_text, moment_words, to_text
from early_results.writes import Key

from .operating import CannotOperate, OperatorSession, show_calendar
from .operations import mark_calendar, store_calendar

TAKEN_IN_SECONDS = 180
NAMED = 5  # how many schools a line names of those that lack something


@dataclass(frozen=True, slots=True)
class Moments:
    """What is to be changed of a window; None leaves it. Moments are aware."""

    opens: datetime | None = None
    closes: datetime | None = None
    reports: date | None = None


def set_calendar(
    session: OperatorSession, service_name: str, changes: dict[int, Moments], reason: str, now: datetime
) -> str:
    """Moves openings, closes and days of reports of a service's windows, as one audited change.

    Windows that have not opened, or were never held, may be moved to anywhere ahead, several at once. Of a window that
    has opened, only a moment that lies ahead may be moved, and no other window with it. CannotOperate says why a change
    is not allowed.
    """
    stores = session.stores
    mark_calendar(stores.table, stores.records, service_name)
    calendar = calendar_now(stores, load_service(service_name))
    states = window_states(stores, calendar)
    free = free_windows(calendar, states, now, any_school=stores.table.get(keys.first_school()) is not None)
    try:
        changed = _changed(calendar, changes, now, free)
        store_calendar(stores.table, stores.records, changed, session.who, reason)
    except CalendarRefused as refused:
        raise CannotOperate(str(refused)) from None
    except Conflict:
        raise CannotOperate("somebody has changed the calendar or a window meanwhile; look again") from None
    return show_calendar(session, service_name, now)


def _changed(calendar: Calendar, changes: dict[int, Moments], now: datetime, free: frozenset[int]) -> Calendar:
    unknown = [number for number in changes if calendar.window(number) is None]
    if unknown:
        raise CalendarRefused(f"{calendar.service} has no window {unknown[0]}")
    if set(changes) <= free:
        return calendar.plan({n: _moved(calendar, n, moments) for n, moments in changes.items()}, now, free)
    if len(changes) > 1:
        begun = sorted(set(changes) - free)
        raise CalendarRefused(f"window {begun[0]} has opened: change it by itself")
    [(number, moments)] = changes.items()
    return calendar.move(number, now, opens=moments.opens, closes=moments.closes, reports=moments.reports)


def _moved(calendar: Calendar, number: int, moments: Moments) -> Window:
    window = calendar.window(number)
    if window is None:
        raise CalendarRefused(f"{calendar.service} has no window {number}")
    closes = moments.closes or window.closes
    return Window(
        number,
        moments.opens or window.opens,
        closes,
        moments.reports or max(window.reports, closes.astimezone(LONDON).date()),
    )


def free_windows(
    calendar: Calendar, states: dict[int, WindowState], now: datetime, *, any_school: bool
) -> frozenset[int]:
    """The windows that can hold no file: never held, not opened yet, or opened while the stack had no school."""
    return frozenset(
        window.number
        for window in calendar.windows
        if states[window.number].state is State.NOT_HELD
        or (states[window.number].state is State.OPEN and (not any_school or now < window.opens - CHANGE_CUTOFF))
    )


def take_in(
    session: OperatorSession, service: Service, extracts: dict[str, bytes], pause: Callable[[float], None] = time.sleep
) -> str:
    """Drops extracts (`schools`, `trusts`, `pupils`) under rosters/ and waits until each has been taken in.

    CannotOperate if an extract cannot be used, before any is dropped; or if one is not taken in in time.
    """
    lines = []
    # trusts first, so that a school's trust is known when the school comes
    for kind in ("trusts", "schools", "pupils"):
        if kind not in extracts:
            continue
        wanted, where = _entries(service, kind, extracts[kind])
        session.stores.uploads.put(where, extracts[kind], "text/csv")
        received = max(version.received for version in session.stores.uploads.versions(where))
        deadline = session.now().timestamp() + TAKEN_IN_SECONDS
        while not _taken_in(session, wanted, received):
            if session.now().timestamp() > deadline:
                raise CannotOperate(f"{where} is not taken in after {TAKEN_IN_SECONDS} s; look at the roster function")
            pause(0.5)
        lines.append(f"{kind}: {len(wanted)} taken in")
    return "\n".join(lines)


def _entries(service: Service, kind: str, source: bytes) -> tuple[list[Key], str]:
    """The items that an extract makes, and where it is dropped."""
    try:
        if kind == "schools":
            return [keys.school(school.number) for school in parse_schools(source)], "rosters/schools.csv"
        if kind == "trusts":
            return [keys.trust(trust.trust) for trust in parse_trusts(source)], "rosters/trusts.csv"
        rosters = parse_rosters(source, service)
        return [keys.roster(service.name, school) for school in rosters], f"rosters/{service.name}/pupils.csv"
    except BadRoster as error:
        raise CannotOperate(f"{kind}: {error}") from None


def _taken_in(session: OperatorSession, wanted: list[Key], received: datetime) -> bool:
    found = session.stores.table.get_many(wanted)
    return all(key in found and from_text(found[key]["made"]) >= received for key in wanted)


def checklist(session: OperatorSession, service: Service, now: datetime) -> tuple[str, bool]:
    """What is there and what is missing before schools can upload, step by step; and whether nothing is missing."""
    stores = session.stores
    schools = list(stores.table.query(keys.SCHOOLS))
    numbers = [str(row["school"]) for row in schools]
    rosters = stores.table.get_many(keys.roster(service.name, number) for number in numbers)
    without = [number for number in numbers if keys.roster(service.name, number) not in rosters]
    calendar = calendar_now(stores, service)
    open_now = calendar.window_of(now)
    opens = calendar.next_to_open(now)
    people = _organisations(session)
    trusts = {str(row["trust"]) for row in schools if row.get("trust")}
    covered = {f"SCHOOL#{n}" for n in numbers} & people
    alone = [
        str(row["school"])
        for row in schools
        if f"SCHOOL#{row['school']}" not in covered and f"TRUST#{row.get('trust')}" not in people
    ]
    steps = [
        _step(bool(numbers), f"schools: {len(numbers)}, of {len(trusts)} trusts", "--schools and --trusts"),
        _step(
            not without, f"pupils: {len(numbers) - len(without)} of {len(numbers)} schools{_some(without)}", "--pupils"
        ),
        _step(bool(open_now or opens), _calendar_words(open_now, opens), "--window, or `early-results calendar set`"),
        _step(not alone, f"people: {len(alone)} schools that nobody can upload for{_some(alone)}", "`user import`"),
        _step("OPERATOR" in people, "an operator who watches", "`early-results user add --role operator`"),
    ]
    ready = all(done for done, _ in steps)
    last = f"{service.name} is ready." if ready else f"{service.name} is not ready: see what is marked with “!”."
    return "\n".join([*(words for _, words in steps), last]), ready


def _step(done: bool, words: str, how: str) -> tuple[bool, str]:
    return done, f"  {'✓' if done else '!'} {words}" + ("" if done else f"\n      {how}")


def _some(numbers: list[str]) -> str:
    return f" (not {', '.join(numbers[:NAMED])}{' ...' if len(numbers) > NAMED else ''})" if numbers else ""


def _calendar_words(open_now: Window | None, opens: Window | None) -> str:
    if open_now:
        return f"calendar: window {open_now.number} is open until {moment_words(open_now.closes)}"
    if opens:
        return f"calendar: window {opens.number} opens at {moment_words(opens.opens)}"
    return "calendar: every window has closed, so nobody can upload"


def _organisations(session: OperatorSession) -> set[str]:
    """The organisations that have a user who may sign in."""
    found = set()
    for page in session.cognito.get_paginator("list_users").paginate(UserPoolId=session.user_pool):
        subs = [next(a["Value"] for a in user["Attributes"] if a["Name"] == "sub") for user in page["Users"]]
        items = session.stores.table.get_many(keys.user(sub) for sub in subs)
        found |= {str(item["organisation"]) for item in items.values() if "disabled" not in item}
    return found


@dataclass(slots=True)
class Closed:
    """What closing a season removes, or has removed: how many of each."""

    objects: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)


def close_season(session: OperatorSession, service: Service, reason: str, *, really: bool) -> Closed:
    """Removes a season's children's data: files, pupils, findings, extracts, reports of one school and of many, the
    data set, and records that name people.

    What was frozen and released stays in evidence by school, id and hash. Unless `really`, it only counts. Safe to
    repeat after it died half way. CannotOperate while a window is not frozen, a report is not built, or the table is
    being rebuilt.
    """
    stores = session.stores
    _may_close(session, service)
    closed = Closed()
    if really:
        told = canonical({"service": service.name, "by": session.who, "reason": reason, "at": to_text(session.now())})
        written_once(stores.records, season_key(service.name), told)
    for upload in list(_uploads(session, service)):
        closed.items["uploads"] += 1
        if really:
            stores.table.delete(keys.summary(upload.upload_id))
            stores.table.delete(upload.key)
    for listed in stores.records.list(f"tombstones/{service.name}/"):  # deleted uploads, which are in no index
        upload_id = listed.key.rsplit("/", 1)[-1].removesuffix(".json")
        if stores.table.get(keys.upload(upload_id)) is None:
            continue
        closed.items["uploads"] += 1
        if really:
            stores.table.delete(keys.summary(upload_id))
            stores.table.delete(keys.upload(upload_id))
    for number in _schools(session):
        gone = [of(service.name, number) for of in (keys.current_register, keys.roster, keys.match)]
        gone += [keys.report(service.name, window.number, number) for window in calendar_now(stores, service).windows]
        for key in stores.table.get_many(gone):
            closed.items["schools' records"] += 1
            if really:
                stores.table.delete(key)
    numbers = [window.number for window in calendar_now(stores, service).windows]
    made = [of(service.name, number) for of in (keys.overviews, keys.operators_summary) for number in numbers]
    made += [keys.trust_report(service.name, number, trust) for number in numbers for trust in _trusts(session)]
    for key in stores.table.get_many(made):
        closed.items["records of many schools"] += 1
        if really:
            stores.table.delete(key)
    for prefix in (f"uploads/{service.name}/", f"school-rosters/{service.name}/", f"rosters/{service.name}/"):
        for name in sorted({version.key for version in stores.uploads.all_versions(prefix)}):
            closed.objects[prefix] += 1
            if really:
                stores.uploads.remove_versions(name)
    results = [f"{kind}/{service.name}/" for kind in ("findings", "extracts", "reports")]
    for prefix in (*results, release_folder(service.name), overview_folder(service.name)):
        for version in list(stores.results.list(prefix)):
            closed.objects[prefix] += 1
            if really:
                stores.results.remove(version.key)
    return closed


def _may_close(session: OperatorSession, service: Service) -> None:
    stores = session.stores
    if stores.table.get(keys.rebuild()) is not None:
        raise CannotOperate("the table is being rebuilt; try again once that is done")
    calendar = calendar_now(stores, service)
    for number, state in window_states(stores, calendar).items():
        if state.state is not State.NOT_HELD and not (state.state is State.FROZEN and state.reports_queued):
            raise CannotOperate(
                f"window {number} is {state.state.value}: a season is closed once all its windows are frozen"
            )
    for upload in _uploads(session, service):
        if upload.purge_pending or upload.unsettled:
            raise CannotOperate(f"{upload.upload_id} is not settled; see `early-results windows`")
        if upload.status is not Status.DELETED and "PROCESSING" in upload.reports.values():
            raise CannotOperate(f"the report of {upload.upload_id} is still being built")


def _schools(session: OperatorSession) -> list[str]:
    return [str(row["school"]) for row in session.stores.table.query(keys.SCHOOLS)]


def _trusts(session: OperatorSession) -> list[str]:
    return sorted({str(row["trust"]) for row in session.stores.table.query(keys.SCHOOLS) if row.get("trust")})


def _uploads(session: OperatorSession, service: Service) -> Iterable[Upload]:
    """Every upload of a service that the table knows by its school or its trust."""
    table = session.stores.table
    schools = list(table.query(keys.SCHOOLS))
    places = [("by_school", f"SCHOOL#{row['school']}") for row in schools]
    places += [
        ("by_trust", f"TRUST#{trust}") for trust in sorted({row["trust"] for row in schools if row.get("trust")})
    ]
    for index, partition in places:
        for item in table.query(partition, index=index):
            if item["service"] == service.name:
                yield upload_from_item(item)


def describe_closed(closed: Closed, service: str, *, really: bool) -> str:
    """What was removed, or what would be, in words."""
    lines = [f"{number:8,}  {what}" for what, number in sorted((closed.items + closed.objects).items())]
    last = f"The season of {service} is closed." if really else "Nothing was removed. Say --yes to remove all this."
    return "\n".join([*lines, last])
