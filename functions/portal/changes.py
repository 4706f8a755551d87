"""What an open page asks every few seconds: whether anything that it says may have changed.

The answer is a name for the state of things, in the body and as `ETag`: who has it already is told 304. It is made of
what decides, not of what is shown: the calendar and its windows' states, and for each school the two registers, the
roster and the reports. A school costs five small reads (decision 26 has what a day of it costs), so they are read
without DynamoDB's consistency: what is missed by that is seen the next time.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from adapters.stores import Stores
from early_results import keys
from early_results.access import User
from early_results.counting.calendar import Calendar, calendar_from_json, calendar_of
from early_results.service import LONDON, Service
from early_results.writes import Key


def name_of(stores: Stores, user: User, service: Service, now: datetime) -> str:
    """A name for what the user's page is made of at this moment: another one if anything of it is another."""
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
    text = json.dumps(state, sort_keys=True, default=sorted)  # a set of the table's is in no order
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _decisive(user: User, calendar: Calendar, now: datetime) -> list[Key]:
    """The keys of all that decides. A window that has not opened decides nothing yet."""
    service = calendar.service
    begun = [window for window in calendar.windows if window.opens <= now]
    wanted = [keys.state(service, window.number) for window in begun]
    for school in sorted(user.schools):
        wanted += [keys.current_register(service, school), keys.roster(service, school)]
        if begun:  # good files and those with errors both leave their mark there
            wanted.append(keys.window_register(service, begun[-1].number, school))
        wanted += [keys.report(service, window.number, school) for window in begun if window.closes <= now]
    return wanted


def serve(name: str, if_none_match: str | None) -> Response[str]:
    """The name; 304 if the asker has it already."""
    tag = f'"{name}"'
    headers: dict[str, str | list[str]] = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "ETag": tag,
    }
    if if_none_match is not None and tag in if_none_match:
        return Response(HTTPStatus.NOT_MODIFIED.value, "application/json", "", headers)
    return Response(HTTPStatus.OK.value, "application/json", json.dumps({"changes": name}), headers)
