"""Taking in the extracts that are dropped under `rosters/`: pupils of a service, schools, trusts.

    rosters/<service>/<any name>.csv    the pupils of one or many schools
    rosters/schools.csv                 the schools, and the trust of each
    rosters/trusts.csv                  the trusts

Extracts may come again and out of order: S3's own time of the object decides, and only a newer one replaces what is
there. Every version of a school's roster is kept, because a verdict names the one it was reached with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from adapters.errors import Conflict
from adapters.stores import Stores
from early_results import keys
from early_results.checking.roster import BadRoster, Roster, parse_rosters, roster_json, roster_version
from early_results.object_keys import roster_key
from early_results.organisations import School, Trust, parse_schools, parse_trusts
from early_results.results import Pupil
from early_results.service import UnknownService, load_service
from early_results.times import to_text
from early_results.writes import ABSENT, Item, Key, Put, Remove, Requirement, Write

WORKERS = 16
Entry = TypeVar("Entry")


def import_extract(stores: Stores, key: str, version: str | None, received: datetime) -> int:
    """Takes in one extract and gives how many schools or trusts it held. BadRoster if it cannot be used."""
    source = stores.uploads.get(key, version)
    parts = key.split("/")
    if key == "rosters/schools.csv":
        schools = parse_schools(source)
        if schools:
            note_first_school(stores, received)
        return _each(schools, lambda school: _put_school(stores, school, received))
    if key == "rosters/trusts.csv":
        return _each(parse_trusts(source), lambda trust: _put_trust(stores, trust, received))
    if len(parts) != 3 or not parts[2].endswith(".csv"):
        raise BadRoster("An extract is rosters/<service>/<name>.csv, rosters/schools.csv or rosters/trusts.csv.")
    try:
        service = load_service(parts[1])
    except UnknownService:
        raise BadRoster("The folder of this extract names a service that is not known.") from None
    rosters = parse_rosters(source, service)
    if rosters:
        note_first_school(stores, received)
        note_begun(stores, service.name)
    return _each(rosters.items(), lambda entry: _put_roster(stores, service.name, *entry, received))


def _each(entries: Iterable[Entry], act: Callable[[Entry], None]) -> int:
    with ThreadPoolExecutor(WORKERS) as pool:
        return len(list(pool.map(act, entries)))


def _put_roster(stores: Stores, service: str, school: str, pupils: tuple[Pupil, ...], made: datetime) -> None:
    # First that there is such a school, whatever schools.csv says: nothing is judged without a roster, so a freeze that
    # lists the schools knows of every school that had a file judged before.
    list_school(stores, school)
    version = f"{made:%Y%m%dT%H%M%SZ}-{roster_version(pupils)}"
    roster = Roster(school, version, made, pupils)
    stores.uploads.put(roster_key(service, school, version), roster_json(roster).encode(), "application/json")
    _put_newer(
        stores, keys.roster(service, school), {"version": version, "pupils": len(pupils), "school": school}, made
    )


def note_first_school(stores: Stores, received: datetime) -> None:
    """Notes since when there is a school, before it is listed: a window that had closed by then was never held.

    Extracts may be taken in out of order, so the earliest counts.
    """
    key = keys.first_school()
    while True:
        before = stores.table.get(key)
        if before is not None and before["since"] <= to_text(received):
            return
        require: dict[str, Requirement] = {"since": before["since"]} if before else {"pk": ABSENT}
        try:
            stores.table.write(Put(key, {"since": to_text(received)}, require))
        except Conflict:
            continue
        return


def note_begun(stores: Stores, service: str) -> None:
    """Notes that a service is run here, before its first school is listed: no window of another is ever frozen."""
    with suppress(Conflict):  # it has been noted
        stores.table.write(Put(keys.service_begun(service), {"service": service}, {"pk": ABSENT}))


def list_school(stores: Stores, school: str) -> None:
    """Lists a school that schools.csv has not named yet; what that said of a school is left as it is."""
    key = keys.listed_school(school)
    if stores.table.get(key) is not None:
        return
    try:
        stores.table.write(Put(key, {"school": school}, {"pk": ABSENT}))
    except Conflict:
        if stores.table.get(key) is None:  # lost to a transaction that came to nothing: the extract is tried again
            raise


def _put_school(stores: Stores, school: School, received: datetime) -> None:
    item: Item = {"school": school.number, "name": school.name}
    if school.trust:
        item["trust"] = school.trust
    listed = {"school": school.number}

    def membership(before: Item) -> list[Write]:
        # In the profile's own transaction: an import that dies half way must not leave a school in a trust it has left.
        writes: list[Write] = [Put(keys.listed_school(school.number), item)]
        if before.get("trust") not in (None, school.trust):
            writes.append(Remove(keys.trust_school(before["trust"], school.number)))
        if school.trust:
            writes.append(Put(keys.trust_school(school.trust, school.number), listed))
        return writes

    _put_newer(stores, keys.school(school.number), item, received, membership)


def _put_trust(stores: Stores, trust: Trust, received: datetime) -> None:
    _put_newer(stores, keys.trust(trust.trust), {"trust": trust.trust, "name": trust.name}, received)


def _put_newer(
    stores: Stores,
    key: Key,
    item: Item,
    made: datetime,
    along: Callable[[Item], list[Write]] = lambda before: [],
) -> None:
    """Writes an item unless a newer one is there, in one transaction with what goes `along` with replacing it."""
    while True:
        before = stores.table.get(key) or {}
        if before and before["made"] > to_text(made):
            return
        require: dict[str, Requirement] = {"made": before["made"]} if before else {"pk": ABSENT}
        try:
            stores.table.write([Put(key, {**item, "made": to_text(made)}, require), *along(before)])
        except Conflict:
            continue
        return
