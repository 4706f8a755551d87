"""Taking in the extracts that are dropped under `rosters/`: pupils of a service, schools, trusts.

    rosters/<service>/<any name>.csv    the pupils of one or many schools
    rosters/schools.csv                 the schools, and the trust of each
    rosters/trusts.csv                  the trusts

Extracts may come again and out of order: S3's own time of the object decides, within one second the order in which S3
stored its versions, and only a newer one replaces what is there. Every version of a school's roster is kept, because a
verdict names the one it was reached with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, TypeVar

from adapters.errors import Conflict, NotThere
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


class Stamp(NamedTuple):
    """Which extract something was taken from: its received time, and its place among all that came in one second.

    Of one key S3's own order of versions counts. Between keys S3 has none, so their names decide, always alike.
    """

    received: datetime
    key: str
    place: int  # among the versions of its key, oldest first

    @property
    def text(self) -> str:
        """The stamp as stored: texts compare as stamps do."""
        return f"{to_text(self.received)}#{self.key}#{self.place:06d}"


def import_extract(stores: Stores, key: str, version: str | None) -> int:
    """Takes in one version of an extract, None for the newest, and gives how many schools or trusts it held.

    BadRoster if it cannot be used, NotThere if the version is gone.
    """
    versions = stores.uploads.versions(key)
    place = next((n for n, found in enumerate(versions) if found.version == version), None if version else -1)
    if place is None or not versions:
        raise NotThere("this version of an extract is gone")
    place %= len(versions)
    stamp = Stamp(versions[place].received, key, place)
    source = stores.uploads.get(key, versions[place].version)
    parts = key.split("/")
    if key == "rosters/schools.csv":
        schools = parse_schools(source)
        if schools:
            note_first_school(stores, stamp.received)
        return _each(schools, lambda school: _put_school(stores, school, stamp))
    if key == "rosters/trusts.csv":
        return _each(parse_trusts(source), lambda trust: _put_trust(stores, trust, stamp))
    if len(parts) != 3 or not parts[2].endswith(".csv"):
        raise BadRoster("An extract is rosters/<service>/<name>.csv, rosters/schools.csv or rosters/trusts.csv.")
    try:
        service = load_service(parts[1])
    except UnknownService:
        raise BadRoster("The folder of this extract names a service that is not known.") from None
    rosters = parse_rosters(source, service)
    if rosters:
        note_first_school(stores, stamp.received)
        note_begun(stores, service.name)
    return _each(rosters.items(), lambda entry: _put_roster(stores, service.name, *entry, stamp))


def _each(entries: Iterable[Entry], act: Callable[[Entry], None]) -> int:
    with ThreadPoolExecutor(WORKERS) as pool:
        return len(list(pool.map(act, entries)))


def _put_roster(stores: Stores, service: str, school: str, pupils: tuple[Pupil, ...], stamp: Stamp) -> None:
    # First that there is such a school, whatever schools.csv says: nothing is judged without a roster, so a freeze that
    # lists the schools knows of every school that had a file judged before.
    list_school(stores, school)
    version = named_version(stamp.received, pupils)
    roster = Roster(school, version, stamp.received, pupils)
    stores.uploads.put(roster_key(service, school, version), roster_json(roster).encode(), "application/json")
    item = {"version": version, "pupils": len(pupils), "school": school}
    _put_newer(stores, keys.roster(service, school), item, stamp)


def named_version(received: datetime, pupils: tuple[Pupil, ...]) -> str:
    """The name of a version of a school's roster: when its extract was received, and what it says."""
    return f"{received:%Y%m%dT%H%M%SZ}-{roster_version(pupils)}"


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


def _put_school(stores: Stores, school: School, stamp: Stamp) -> None:
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

    _put_newer(stores, keys.school(school.number), item, stamp, membership)


def _put_trust(stores: Stores, trust: Trust, stamp: Stamp) -> None:
    _put_newer(stores, keys.trust(trust.trust), {"trust": trust.trust, "name": trust.name}, stamp)


def _put_newer(
    stores: Stores,
    key: Key,
    item: Item,
    stamp: Stamp,
    along: Callable[[Item], list[Write]] = lambda before: [],
) -> None:
    """Writes an item unless it or a newer one is there, in one transaction with what goes `along` with replacing it."""
    new = {**item, "made": to_text(stamp.received), "stamp": stamp.text}
    while True:
        before = stores.table.get(key) or {}
        # What an earlier version of this program wrote has no stamp: it is older than all of its second.
        if before and str(before.get("stamp", before["made"])) >= stamp.text:
            return
        require: dict[str, Requirement] = {"pk": ABSENT}
        if before:
            require = {"made": before["made"], "stamp": before.get("stamp", ABSENT)}
        try:
            stores.table.write([Put(key, new, require), *along(before)])
        except Conflict:
            continue
        return
