"""Small look-ups that several functions share: the calendar, windows, what stands in them, unattributed objects."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from early_results import keys
from early_results.counting.calendar import Calendar, calendar_from_json, calendar_of
from early_results.counting.freeze import WindowState, state_of_window
from early_results.counting.registers import Register, counting, register_from_item
from early_results.counting.standing import Standing, standing
from early_results.counting.uploads import Status, unsettled_partitions
from early_results.service import Service, load_service
from early_results.times import from_text, to_text
from early_results.writes import ABSENT, AtMost, Item, Put, Update

from .errors import Conflict
from .objects import Version
from .stores import Stores
from .table import Table


class Place(NamedTuple):
    """A school in a window of a service: where one file counts, or none."""

    service: str
    window: int
    school: str


class _Read(NamedTuple):
    register: Register
    row: Item | None
    added: Item | None  # the straggler that was let in beside the row


def calendar_now(stores: Stores, service: Service) -> Calendar:
    """The calendar in force, read consistently: the table's, or the service file's if the table has none."""
    return calendar_in_force(stores.table, service.name)


def calendar_for(stores: Stores, service: Service, received: datetime) -> Calendar:
    """The calendar to judge a file of that received time by: from here on no change of it reaches back to that time.

    The mark is raised before the calendar is read, so a change either is seen here or finds the mark in its way.
    """
    rely_on_calendar(stores.table, service.name, received)
    return calendar_now(stores, service)


def rely_on_calendar(table: Table, service: str, received: datetime) -> None:
    """Marks that files of that received time and before are, or are to be, judged by the calendar in force."""
    key, until = keys.relied(service), to_text(received + timedelta(seconds=1))
    while str((table.get(key) or {}).get("until", "")) < until:
        # A condition that does not hold and a change of the calendar at this moment look the same: look again.
        with suppress(Conflict):
            table.write(Update(key, set={"until": until}, require={"until": AtMost(until)}))


def calendar_in_force(table: Table, service: str) -> Calendar:
    """The calendar in force, for a caller that has only the table. Version 0 is the service file's own."""
    item = table.get(keys.calendar(service))
    return calendar_from_json(item["calendar"]) if item else calendar_of(load_service(service))


def window_states(stores: Stores, calendar: Calendar) -> dict[int, WindowState]:
    """The state of every window of a calendar, read consistently, by number."""
    wanted = {window: keys.state(calendar.service, window.number) for window in calendar.windows}
    found = stores.table.get_many([*wanted.values(), keys.first_school()])
    since = found.get(keys.first_school())
    first = from_text(since["since"]) if since else None
    return {window.number: state_of_window(found.get(key), window, first) for window, key in wanted.items()}


def unsettled_ids(stores: Stores, service: str) -> list[str]:
    """The ids of the uploads that the unsettled index lists for a service, oldest first. The index may lag."""

    def listed(partition: str) -> list[str]:
        return [str(row["order"]) for row in stores.table.query(partition, index="unsettled")]

    partitions = unsettled_partitions(service)
    with ThreadPoolExecutor(len(partitions)) as pool:
        return sorted(upload_id for ids in pool.map(listed, partitions) for upload_id in ids)


def standings(stores: Stores, wanted: Iterable[Place]) -> dict[Place, Standing]:
    """What stands for schools in windows.

    Registers and stragglers are read together; which sealed files have been deleted since is read after them.
    """
    places = list(dict.fromkeys(wanted))
    rows = stores.table.get_many(key for place in places for key in (keys.window_register(*place), keys.added(*place)))
    read: dict[Place, _Read] = {}
    for place in places:
        key = keys.window_register(*place)
        row, added = rows.get(key), rows.get(keys.added(*place))
        read[place] = _Read(register_from_item(key, row), row, added)
    sealed = [counting(*one).upload for one in read.values() if one.register.sealed or one.added is not None]
    found = stores.table.get_many(keys.upload(upload) for upload in sealed if upload)
    gone = {item["upload_id"] for item in found.values() if item["status"] == Status.DELETED.value}
    return {place: standing(place.window, *one, gone) for place, one in read.items()}


def amended(stores: Stores, service: str, window: int) -> list[list[str]]:
    """The deletions from a frozen window and the stragglers let into it: each leaves a row beside the state."""
    partition = keys.state(service, window).pk
    return [
        [row["sk"], row["upload_id"]]
        for prefix in ("ADDED#", "REMOVED#")
        for row in stores.table.query(partition, prefix=prefix)
    ]


def record_unattributed(stores: Stores, version: Version, now: datetime) -> bool:
    """Records an object that belongs to no upload.

    It is kept, and an alarm follows. False if it was recorded before.
    """
    record = {"received": to_text(version.received), "size": version.size, "found": to_text(now)}
    try:
        stores.table.write(Put(keys.unattributed(version.key, version.version), record, require={"pk": ABSENT}))
    except Conflict:
        return False
    return True
