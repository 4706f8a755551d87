"""What is made of many schools' files, by who asks: a trust's administrator has the trust's report.

Nobody names whose document is meant, so nobody can ask for another's.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, cast

from adapters.lookups import Place, calendar_now, standings, window_states
from adapters.stores import Stores
from early_results import keys
from early_results.access import Role, User
from early_results.counting.freeze import State
from early_results.counting.standing import Standing
from early_results.counting.uploads import ReportState
from early_results.media import MEDIA_TYPES
from early_results.object_keys import overview_key
from early_results.service import Service, Window, load_service, service_names
from early_results.times import day_words
from early_results.writes import Item

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
    trust = str(user.trust)
    item = stores.table.get(keys.trust_report(service.name, window.number, trust)) or {}
    url = stores.results.link(
        overview_key(service.name, window.number, trust, str(item["made_of"]), form),
        filename=f"{service.year}{service.short_title}-trust-report-{trust}-window-{window.number}.{form}",
        content_type=MEDIA_TYPES[form],
        seconds=LINK_SECONDS,
    )
    return {"url": url}


def _may_ask(user: User) -> None:
    if user.role is not Role.TRUST:
        raise problems.forbidden("Reports of many schools are for those who act for a trust.")


def _told(stores: Stores, user: User, place: _Place, now: datetime) -> answers.Overview | None:
    """The trust's report as it is now; None where no file of its schools counts."""
    item = stores.table.get(keys.trust_report(place.service.name, place.window.number, str(user.trust)))
    stands = standings(stores, [Place(place.service.name, place.window.number, school) for school in user.schools])
    return describe_overview(user, place.service, place.window, item, list(stands.values()), now)


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
    return {
        "service": service.name,
        "window": window.number,
        "kind": "trust",
        "state": cast("answers.ToldReportState", state),
        "available": state is ReportState.READY and published(user, window, now),
        "available_from": window.reports.isoformat(),
        "available_from_words": day_words(window.reports),
        "statement": f"{len(counting):,} of {len(stands):,} schools {'has' if len(counting) == 1 else 'have'} a file "
        "that counts.",
    }


def _made_of(item: Item) -> tuple[list[str], int]:
    """The uploads that a report was made of, and of how many schools. An upload is of one school alone."""
    schools = item["schools"]
    return sorted(upload for upload in schools.values() if upload), len(schools)
