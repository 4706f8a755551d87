"""Schools' own figures of a frozen window, as JSON and as one long CSV. Nothing of other schools is compared in them.

Who may see a school's report may see its figures, from the same day on. Groups of few pupils are for the school and its
trust, who have the pupils' results themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, cast

from adapters.lookups import Place, calendar_now, standings, window_states
from adapters.stores import Stores
from early_results import keys
from early_results.access import Role, User
from early_results.counting.freeze import State
from early_results.counting.standing import Standing
from early_results.ids import authority_of
from early_results.reporting.counts import Group, Measured, counted_groups, long_csv
from early_results.reporting.summary import Summary
from early_results.service import Service
from early_results.times import day_words

from . import problems
from .limits import MOST_FIGURES
from .requests import FiguresQuery
from .services import published, window_of

if TYPE_CHECKING:
    from . import answers  # 6 ms of a cold start; only the contract reads what is in it


class SchoolsFigures(NamedTuple):
    """What counts for a school in a window, and its groups of pupils; `hidden` are partings that are left out."""

    school: str
    stands: Standing
    groups: list[Group]
    hidden: list[str]


class Page(NamedTuple):
    """A page of schools, and the cursor of the next one."""

    schools: list[SchoolsFigures]
    cursor: str | None


def find_figures(
    stores: Stores, user: User, service: Service, number: str, query: FiguresQuery, now: datetime
) -> tuple[int, Page]:
    """The window and a page of figures of the schools that the user may read, or of one of them.

    Problem if a school is not the user's, the window not frozen, or its reports not published yet. A school without a
    file that counts is left out.
    """
    calendar = calendar_now(stores, service)
    window = window_of(calendar, number)
    if query.school and not user.may_read_school(query.school):
        raise problems.forbidden("This school is not one that you act for.")
    if window_states(stores, calendar)[window.number].state is not State.FROZEN:
        raise problems.not_found("This window is not frozen yet, so there are no figures.")
    if not published(user, window, now):
        raise problems.not_found(f"Reports of this window are available from {day_words(window.reports)}.")
    schools = [query.school] if query.school else _listed(stores, user, query.cursor)
    page, rest = schools[:MOST_FIGURES], schools[MOST_FIGURES:]
    stands = standings(stores, [Place(service.name, window.number, school) for school in page])
    counting = {place.school: one for place, one in stands.items() if one.sealed and one.upload}
    summaries = stores.table.get_many(keys.summary(str(one.upload)) for one in counting.values())
    found = []
    for school in page:
        item = summaries.get(keys.summary(str(counting[school].upload))) if school in counting else None
        if item is not None:  # it goes with its file, which may have been deleted at this moment
            summary = Summary.from_json(json.loads(item["summary"]))
            groups, hidden = counted_groups(service, summary, small=user.may_read_pupils(school))
            found.append(SchoolsFigures(school, counting[school], groups, hidden))
    return window.number, Page(found, page[-1] if rest else None)


def _listed(stores: Stores, user: User, cursor: str | None) -> list[str]:
    """The schools that a user may read after a cursor, in order, one more than a page takes."""
    if user.role is not Role.OPERATOR:
        return [school for school in sorted(user.schools) if school > (cursor or "")]
    after = keys.listed_school(cursor).sk if cursor else None
    rows = stores.table.query(keys.SCHOOLS, after=after, limit=MOST_FIGURES + 1)
    return [str(row["school"]) for row in rows]


def figures_json(service: Service, window: int, page: Page) -> answers.Figures:
    """A page of figures as the API tells it."""
    return {
        "service": service.name,
        "window": window,
        "schools": [describe_figures(one) for one in page.schools],
        "cursor": page.cursor,
    }


def describe_figures(one: SchoolsFigures) -> answers.SchoolFigures:
    """A school's figures as the API tells them."""
    facts = one.stands.facts
    return {
        "school": one.school,
        "upload_id": str(one.stands.upload),
        "received": facts["received"],
        "carried_from": one.stands.carried_from,
        "ruleset": facts["ruleset"],
        "hidden": cast("list[answers.Parting]", one.hidden),
        "groups": [
            {
                "year": group.year,
                "group": cast("answers.GroupName", group.group),
                "pupils": group.pupils,
                "empty": group.empty,
                "columns": {
                    key: {**_measured(found), "counts": dict(found.counts or {})}
                    for key, found in group.columns.items()
                },
                "combined": {key: _measured(found) for key, found in group.combined.items()},
            }
            for group in one.groups
        ],
    }


def _measured(found: Measured) -> answers.Measured:
    return {"cohort": found.cohort, "expected": found.expected, "higher": found.higher}


def figures_csv(service: Service, window: int, schools: Iterable[SchoolsFigures]) -> str:
    """A page of figures as one long CSV: a row for each number."""
    return long_csv((_before(service, window, one), one.groups) for one in schools)


def _before(service: Service, window: int, one: SchoolsFigures) -> tuple[str, ...]:
    facts, carried = one.stands.facts, one.stands.carried_from
    return (
        service.name,
        str(window),
        one.school,
        authority_of(one.school),
        str(one.stands.upload),
        facts["received"],
        "" if carried is None else str(carried),
        facts["ruleset"],
    )
