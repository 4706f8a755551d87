"""Taking in the extracts that are dropped under `rosters/`: pupils of a service, schools, trusts.

    rosters/<service>/<any name>.csv    the pupils of one or many schools
    rosters/schools.csv                 the schools, and the trust of each
    rosters/trusts.csv                  the trusts

An extract may come twice, and extracts may come out of order. Only a newer one replaces what is there: S3's own time of
the object decides, and within one second the order in which S3 stored its versions. Every version of a school's roster
is kept, because a verdict names the one it was reached with.
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
    """Which extract an item was taken from: the extract's received time, and its place among those of the same second.

    Among versions of one key, S3's own order counts. Between different keys S3 knows no order, so the keys' names
    decide.
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
    # The school is listed before its roster is stored, even if schools.csv does not name it. No file is judged without
    # a roster, so a freeze, which reads the list of schools, knows every school of which a file was judged.
    list_school(stores, school)
    version = named_version(stamp.received, pupils)
    roster = Roster(school, version, stamp.received, pupils)
    stores.uploads.put(roster_key(service, school, version), roster_json(roster).encode(), "application/json")
    item = {"version": version, "pupils": len(pupils), "school": school}
    _put_newer(stores, keys.roster(service, school), item, stamp)


def named_version(received: datetime, pupils: tuple[Pupil, ...]) -> str:
    """The name of a version of a school's roster: when S3 received its extract, and a hash of its pupils."""
    return f"{received:%Y%m%dT%H%M%SZ}-{roster_version(pupils)}"


def note_first_school(stores: Stores, received: datetime) -> None:
    """Notes since when this stack has had a school: a window that had closed by then was never held.

    Called before the school is listed. Extracts may be taken in out of order, so the earliest moment is kept.
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
    """Notes that this stack runs a service.

    Called before its first school is listed; no other service is frozen here.
    """
    with suppress(Conflict):  # an earlier extract has noted it
        stores.table.write(Put(keys.service_begun(service), {"service": service}, {"pk": ABSENT}))


def list_school(stores: Stores, school: str) -> None:
    """Lists a school unless it is listed. What schools.csv said of a listed school stays as it is."""
    key = keys.listed_school(school)
    if stores.table.get(key) is not None:
        return
    try:
        stores.table.write(Put(key, {"school": school}, {"pk": ABSENT}))
    except Conflict:
        if stores.table.get(key) is None:  # a transaction that then failed was in the way: SQS sends the extract again
            raise


def _put_school(stores: Stores, school: School, stamp: Stamp) -> None:
    item: Item = {"school": school.number, "name": school.name}
    if school.trust:
        item["trust"] = school.trust
    listed = {"school": school.number}

    def membership(before: Item) -> list[Write]:
        # In one transaction with the profile: if the import dies half way, no school may still be in a trust that it
        # left.
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
    """Writes an item unless it or a newer one is there.

    `along` gives the writes that replace it in the same transaction.
    """
    put_stamped(stores, key, {**item, "made": to_text(stamp.received), "stamp": stamp.text}, along)


def put_stamped(stores: Stores, key: Key, new: Item, along: Callable[[Item], list[Write]] = lambda before: []) -> None:
    """As `_put_newer`, for an item that has its `made` and `stamp`."""
    while True:
        before = stores.table.get(key) or {}
        # An earlier version of this program wrote no stamp, only `made`: it counts as the oldest of its second.
        if before and str(before.get("stamp", before["made"])) >= new["stamp"]:
            return
        require: dict[str, Requirement] = {"pk": ABSENT}
        if before:
            require = {"made": before["made"], "stamp": before.get("stamp", ABSENT)}
        try:
            stores.table.write([Put(key, new, require), *along(before)])
        except Conflict:
            continue
        return
