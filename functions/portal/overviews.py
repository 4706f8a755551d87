"""What is made of many schools' files, by who asks: a trust's administrator has its report, an operator the summary.

Nobody names whose document is meant, so nobody can ask for another's.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from adapters.lookups import Place, amended, calendar_now, standings, window_states
from adapters.stores import Stores
from early_results import keys
from early_results.access import Role, User
from early_results.canonical import sha256_of
from early_results.counting.freeze import State
from early_results.counting.standing import Standing
from early_results.counting.uploads import ReportState
from early_results.media import MEDIA_TYPES
from early_results.object_keys import overview_key, summary_key
from early_results.service import Service, Window, load_service, service_names
from early_results.times import day_words
from early_results.writes import Item, Key

from . import problems
from .limits import LINK_SECONDS
from .requests import OverviewsQuery
from .services import published, service_of, window_of

if TYPE_CHECKING:
    from . import answers  # 6 ms of a cold start; only the contract reads what is in it


class _Place(NamedTuple):
    """A frozen window of a service."""

    service: Service
    window: Window


def list_overviews(stores: Stores, user: User, query: OverviewsQuery, now: datetime) -> answers.Overviews:
    """The user's documents of every frozen window. Problem (403) for who has none by their role."""
    _may_ask(user)
    names = [service_of(query.service).name] if query.service else service_names()
    found: list[answers.Overview] = []
    for name in names:
        calendar = calendar_now(stores, load_service(name))
        states = window_states(stores, calendar)
        for window in calendar.windows:
            if states[window.number].state is State.FROZEN and query.window in (None, str(window.number)):
                told = _told(stores, user, _Place(load_service(name), window), now)
                found += [told] if told else []
    return {"overviews": found}


def overview_link(stores: Stores, user: User, service: Service, number: str, form: str, now: datetime) -> answers.Link:
    """A short-lived link to the user's document of a window. Problem if there is none, or not yet."""
    _may_ask(user)
    calendar = calendar_now(stores, service)
    window = window_of(calendar, number)
    if window_states(stores, calendar)[window.number].state is not State.FROZEN:
        raise problems.not_found("This window is not frozen yet, so there is no report.")
    told = _told(stores, user, _Place(service, window), now)
    if told is None:
        raise problems.not_found("No file of your schools counts for this window, so there is no report.")
    if told["state"] == ReportState.FAILED.value:
        raise problems.not_found("The report could not be built. We have been told and are looking into it.")
    if told["state"] != ReportState.READY.value:
        raise problems.not_found("The report is still being built. Please try again in a few minutes.")
    if not told["available"]:
        raise problems.not_found(f"Reports of this window are available from {day_words(window.reports)}.")
    item = stores.table.get(_key(user, service, window)) or {}
    made_of = str(item["made_of"])
    if user.trust is None:
        key, whose = summary_key(service.name, window.number, made_of, form), "summary"
    else:
        key = overview_key(service.name, window.number, user.trust, made_of, form)
        whose = f"trust-report-{user.trust}"
    url = stores.results.link(
        key,
        filename=f"{service.year}{service.short_title}-{whose}-window-{window.number}.{form}",
        content_type=MEDIA_TYPES[form],
        seconds=LINK_SECONDS,
    )
    return {"url": url}


def _may_ask(user: User) -> None:
    if user.role is Role.SCHOOL:
        raise problems.forbidden("Reports of many schools are for those who act for a trust, and for operators.")


def _key(user: User, service: Service, window: Window) -> Key:
    if user.trust is None:
        return keys.operators_summary(service.name, window.number)
    return keys.trust_report(service.name, window.number, user.trust)


def _told(stores: Stores, user: User, place: _Place, now: datetime) -> answers.Overview | None:
    """The user's document as it is now; None where no file of a trust's schools counts."""
    service, window = place
    item = stores.table.get(_key(user, service, window))
    if user.trust is None:
        changes = sha256_of(amended(stores, service.name, window.number))
        return describe_summary(user, service, window, item, changes, now)
    stands = standings(stores, [Place(service.name, window.number, school) for school in user.schools])
    return describe_overview(user, service, window, item, list(stands.values()), now)


def describe_summary(
    user: User, service: Service, window: Window, item: Item | None, changes: str, now: datetime
) -> answers.Overview:
    """The operators' summary. One from before the latest deletion or straggler is told as being built."""
    of_now = item is not None and item["changes"] == changes
    state = ReportState(item["state"]) if item is not None and of_now else ReportState.PROCESSING
    schools = int(item["schools"]) if item is not None and of_now else 0
    statement = f"Who of {schools:,} schools took part, and what all schools came to." if schools else ""
    return _described(user, service, window, "summary", state, statement, now)


def describe_overview(
    user: User, service: Service, window: Window, item: Item | None, stands: list[Standing], now: datetime
) -> answers.Overview | None:
    """A trust's report. One that is of other files than those that count now is told as being built: it is about to be.

    So a file that was deleted is in no report that is handed out, from the moment of its deletion on.
    """
    counting = sorted(one.upload for one in stands if one.upload)
    if not counting:
        return None
    of_now = item is not None and _made_of(item) == (counting, len(stands))
    state = ReportState(item["state"]) if item is not None and of_now else ReportState.PROCESSING
    has = "has" if len(counting) == 1 else "have"
    statement = f"{len(counting):,} of {len(stands):,} schools {has} a file that counts."
    return _described(user, service, window, "trust", state, statement, now)


def _described(
    user: User,
    service: Service,
    window: Window,
    kind: Literal["trust", "summary"],
    state: ReportState,
    statement: str,
    now: datetime,
) -> answers.Overview:
    return {
        "service": service.name,
        "window": window.number,
        "kind": kind,
        "state": cast("answers.ToldReportState", state),
        "available": state is ReportState.READY and published(user, window, now),
        "available_from": window.reports.isoformat(),
        "available_from_words": day_words(window.reports),
        "statement": statement,
    }


def _made_of(item: Item) -> tuple[list[str], int]:
    """The uploads that a report was made of, and of how many schools. An upload is of one school alone."""
    schools = item["schools"]
    return sorted(upload for upload in schools.values() if upload), len(schools)
