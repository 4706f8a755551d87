"""Finding what people are to be told: of a file as the table's stream brings it, of a window as a schedule looks.

Nothing here sends anything, and no use case knows of it: verdicts, freezes and reports are read from the table
(decision 0068). Notices go into the queue; one that is queued twice is told once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from adapters.lookups import calendar_now, window_states
from adapters.queue import Queue
from adapters.stores import Stores
from early_results import keys
from early_results.access import Role
from early_results.counting.uploads import ReportState
from early_results.object_keys import sub_of_user_key, user_key
from early_results.service import Service
from early_results.telling.notices import Kind, Round, due_rounds, of_upload
from early_results.telling.wishes import wants
from early_results.times import to_text
from early_results.writes import Item, Put

PEOPLE_AT_ONCE = 100  # as many as the table gives in one answer


class Queued(NamedTuple):
    """A round and how many people it was queued for."""

    round: Round
    people: int


def news_of_file(stores: Stores, queue: Queue, item: Item, now: datetime) -> int:
    """Queues what the sender of a file is to be told, by its record after a change. Gives how many notices."""
    if stores.table.get(keys.rebuild()) is not None:
        return 0  # an operator is writing the table anew: none of this is news
    notices = of_upload(item, now)
    queue.send([notice.to_json() for notice in notices])
    return len(notices)


def news_of_straggler(stores: Stores, queue: Queue, upload_id: str, now: datetime) -> int:
    """Queues the verdict of a straggler that an operator has let into a frozen window."""
    item = stores.table.get(keys.upload(upload_id))
    if item is None or stores.table.get(keys.rebuild()) is not None:
        return 0
    notices = of_upload(item, now, admitted=True)
    queue.send([notice.to_json() for notice in notices])
    return len(notices)


def news_of_windows(stores: Stores, queue: Queue, service: Service, now: datetime) -> list[Queued]:
    """Queues the rounds of a service that are due, for everybody of whom they may be true.

    A round is noted after it was queued. A run that dies in between queues it once more; the ledger keeps the repeats.
    """
    if stores.table.get(keys.rebuild()) is not None or stores.table.get(keys.service_begun(service.name)) is None:
        return []
    calendar = calendar_now(stores, service)
    partition, prefix = keys.told_all(service.name, "")
    done = {row["sk"].removeprefix(prefix) for row in stores.table.query(partition, prefix=prefix)}
    due = due_rounds(calendar, window_states(stores, calendar), done, now)
    rounds = [one for one in due if one.kind is not Kind.REPORT or _are_built(stores, one, now)]
    if not rounds:
        return []
    counts = dict.fromkeys(rounds, 0)
    for some in _everybody(stores):
        users = stores.table.get_many(map(keys.user, some))
        for one in rounds:
            notices = [one.to(sub) for sub in some if _is_asked(users.get(keys.user(sub)), one.kind)]
            queue.send([notice.to_json() for notice in notices])
            counts[one] += len(notices)
    for one in rounds:
        stores.table.write(Put(keys.told_all(service.name, one.mark), {"at": to_text(now), "people": counts[one]}))
    return [Queued(one, people) for one, people in counts.items()]


def _everybody(stores: Stores) -> Iterator[list[str]]:
    """The `sub` of every user there ever was, a hundred at a time: whose rights are in evidence.

    Not the user pool's list: that one has sixty in an answer, and Cognito bills whoever is asked for as active.
    """
    some: list[str] = []
    for listed in stores.records.list(user_key("").removesuffix(".json")):
        some.append(sub_of_user_key(listed.key))
        if len(some) == PEOPLE_AT_ONCE:
            yield some
            some = []
    yield some


def _is_asked(user: Item | None, kind: Kind) -> bool:
    """Whether a round may concern a user: one who may send files, is not shut out, and wants to be told."""
    if user is None or "disabled" in user or user["role"] == Role.OPERATOR.value:
        return False
    return wants(user, kind)


def _are_built(stores: Stores, one: Round, now: datetime) -> bool:
    """Whether no report of a window is being built any more, so that a trust gets one e-mail for all of its schools."""
    schools = [str(row["school"]) for row in stores.table.query(keys.SCHOOLS)]
    reports = stores.table.get_many(keys.report(one.service, one.window, school) for school in schools)
    building = [r for r in reports.values() if r["state"] == ReportState.PROCESSING.value]
    return not building
