"""What an open page asks every few seconds: whether anything that it says may have changed.

The answer is a name for the present state, in the body and as `ETag`; a page that has that name already gets 304. The
name is a hash of what the page's contents follow from: the calendar, its windows' states, and for each school the two
registers, the roster and the reports. Each school costs five small reads (decision 26 says what that costs a day), so
they are eventually consistent: a change that one look misses is seen by the next.
"""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from adapters.stores import Stores
from early_results import keys
from early_results.access import User
from early_results.canonical import sha256_of
from early_results.counting.calendar import Calendar, calendar_from_json, calendar_of
from early_results.service import LONDON, Service
from early_results.writes import Key


def name_of(stores: Stores, user: User, service: Service, now: datetime) -> str:
    """A name for everything that the user's page shows at this moment. If any of it changes, so does the name."""
    item = stores.table.get(keys.calendar(service.name), consistent=False)
    calendar = calendar_from_json(item["calendar"]) if item else calendar_of(service)
    found = stores.table.get_many(_decisive(user, calendar, now), consistent=False)
    is_open = calendar.window_of(now)
    today = now.astimezone(LONDON).date()
    state = [
        item,
        is_open.number if is_open else None,
        [window.reports <= today for window in calendar.windows],
        sorted(([*key, row] for key, row in found.items()), key=lambda row: row[:2]),
    ]
    return sha256_of(state)[:16]


def _decisive(user: User, calendar: Calendar, now: datetime) -> list[Key]:
    """The keys of the items that the page's contents follow from. A window that has not opened has none yet."""
    service = calendar.service
    begun = [window for window in calendar.windows if window.opens <= now]
    wanted = [keys.state(service, window.number) for window in begun]
    for school in sorted(user.schools):
        wanted += [keys.current_register(service, school), keys.roster(service, school)]
        if begun:  # a check changes this item for a good file and for one with errors
            wanted.append(keys.window_register(service, begun[-1].number, school))
        wanted += [keys.report(service, window.number, school) for window in begun if window.closes <= now]
    return wanted


def serve(name: str, if_none_match: str | None) -> Response[str]:
    """Answers with the name, or with 304 if the page has it already."""
    tag = f'"{name}"'
    headers: dict[str, str | list[str]] = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "ETag": tag,
    }
    if if_none_match is not None and tag in if_none_match:
        return Response(HTTPStatus.NOT_MODIFIED.value, "application/json", "", headers)
    return Response(HTTPStatus.OK.value, "application/json", json.dumps({"changes": name}), headers)
