"""The evidence that the buckets hold of one service. From it the frozen set and the table can be worked out.

uploads bucket    uploads/<service>/<upload>/file.xlsx           the files: S3's own times, versions and hashes
                  school-rosters/<service>/<school>/<version>    every roster a file was judged by
                  rosters/schools.csv, trusts.csv                who was whose, at any time
records bucket    verdicts/ tombstones/ stragglers/              what became of each upload
                  calendars/ calendars-in-force/                 every change of the calendar, by whom and why
                  calendars-refused/                             changes that can never come into force
                  closings/ manifests/ figures/ amendments/      what was frozen, and what was changed beside it
                  operations/ users/                             what operators decided; each user's role
                  releases/ handovers/                           hashes of the data set's releases; who took which
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from adapters.objects import Bucket, Version
from adapters.stores import Stores
from early_results.checking.roster import BadRoster
from early_results.counting.calendar import Calendar, calendar_from_json, calendar_of
from early_results.counting.uploads import Held
from early_results.counting.verdict_record import BadVerdict, VerdictRecord, verdict_from_json
from early_results.object_keys import parse_upload_key
from early_results.organisations import School, parse_schools
from early_results.service import Service
from early_results.times import to_text

Record = dict[str, Any]
WORKERS = 16
Given = TypeVar("Given")
Made = TypeVar("Made")


class EvidenceUnclear(Exception):
    """The evidence leaves open what only a person can decide. The message says what."""


@dataclass(slots=True)
class Evidence:
    """What the buckets hold of a service.

    Verdicts, tombstones and stragglers are by upload id. Closings, manifests, national figures and amendments are by
    number of window. `files` has the versions of each upload's object, oldest first. `stored` has their ids in the
    order in which S3 stored them.
    """

    service: Service
    calendars: dict[int, list[Calendar]] = field(default_factory=dict)
    records: dict[str, Calendar] = field(default_factory=dict)  # the same calendars, by the name of their record
    in_force: dict[int, Calendar] = field(default_factory=dict)
    verdicts: dict[str, VerdictRecord] = field(default_factory=dict)
    tombstones: dict[str, Record] = field(default_factory=dict)
    stragglers: dict[str, Record] = field(default_factory=dict)
    amendments: dict[int, list[Record]] = field(default_factory=dict)
    operations: dict[str, list[Record]] = field(default_factory=dict)
    closings: dict[int, Record] = field(default_factory=dict)
    manifests: dict[int, bytes] = field(default_factory=dict)
    figures: dict[int, bytes] = field(default_factory=dict)
    files: dict[str, list[Version]] = field(default_factory=dict)
    stored: dict[str, list[str]] = field(default_factory=dict)

    @property
    def calendar(self) -> Calendar:
        """The calendar in force: the last one of which the evidence says that it came into force."""
        return self.in_force[max(self.in_force)]

    @property
    def undecided(self) -> list[str]:
        """The records of changes of the calendar of which no evidence says whether they came into force.

        The command that made such a change died, lost a race, or is still running. A change of a window that has been
        frozen meanwhile cannot come into force any more, since its condition is that the window has not begun to close.
        """
        last = self.calendar

        def may_be(later: Calendar) -> bool:
            return later.version > last.version and all(
                later.window(number) == last.window(number) for number in self.closings
            )

        return sorted(name for name, calendar in self.records.items() if may_be(calendar))

    def operation(self, upload_id: str, *did: str) -> Record | None:
        """The last of these decisions that an operator took on an upload, or None."""
        taken = [record for record in self.operations.get(upload_id, ()) if record["did"] in did]
        return max(taken, key=lambda record: str(record["at"]), default=None)

    def let_in(self, upload_id: str) -> bool:
        """Whether an operator let a straggler in.

        Its amendments are written only when nothing can stop that any more.
        """
        return any(
            record["kind"] == "added" and record["upload"] == upload_id
            for records in self.amendments.values()
            for record in records
        )

    def offered(self, upload_id: str) -> bool:
        """Whether a good upload was ever joined to its registers: stragglers and parked ones were not."""
        held = self.tombstones.get(upload_id, {}).get("held")
        return upload_id not in self.stragglers and held not in (Held.STRAGGLER, Held.PARKED)


def gather(stores: Stores, service: Service) -> Evidence:
    """Reads the evidence of a service."""
    found = Evidence(service)
    name, records = service.name, stores.records
    _calendars(found, records)
    for key, stored in _json(records, f"verdicts/{name}/").items():
        try:
            verdict = verdict_from_json(stored)
        except BadVerdict as error:
            raise EvidenceUnclear(f"{key} cannot be read: {error}") from error
        found.verdicts[verdict.upload_id] = verdict
    for folder, target in (("tombstones", found.tombstones), ("stragglers", found.stragglers)):
        target |= {str(record["upload"]): record for record in _json(records, f"{folder}/{name}/").values()}
    for record in _json(records, f"operations/{name}/").values():
        found.operations.setdefault(str(record["upload"]), []).append(record)
    for record in _json(records, f"amendments/{name}/").values():
        found.amendments.setdefault(int(record["window"]), []).append(record)
    for key, record in _json(records, f"closings/{name}/").items():
        found.closings[int(key.split("/")[2].removesuffix(".json"))] = record
    _pinned(found)
    for folder, objects in (("manifests", found.manifests), ("figures", found.figures)):
        keys = [listed.key for listed in records.list(f"{folder}/{name}/")]
        objects |= {int(key.split("/")[2]): data for key, data in zip(keys, each(records.get, keys), strict=True)}
    for version in stores.uploads.all_versions(f"uploads/{name}/"):
        parsed = parse_upload_key(version.key)
        if parsed:
            found.files.setdefault(parsed.upload_id, []).insert(0, version)
    for upload, versions in found.files.items():
        found.stored[upload] = [version.version for version in versions]
        versions.sort(key=lambda version: version.received)
    return found


def _calendars(found: Evidence, records: Bucket) -> None:
    """The records that came into force. A command that lost a race, or died, left its record but no mark."""
    name = found.service.name
    stored = _json(records, f"calendars/{name}/")
    refused = {str(note["record"]) for note in _json(records, f"calendars-refused/{name}/").values()}
    for key, record in stored.items():
        calendar = calendar_from_json(record["calendar"])
        if key not in refused:
            found.calendars.setdefault(calendar.version, []).append(calendar)
            found.records[key.rpartition("/")[2].removesuffix(".json")] = calendar
    found.in_force[0] = calendar_of(found.service)
    for mark in _json(records, f"calendars-in-force/{name}/").values():
        calendar = calendar_from_json(stored[str(mark["record"])]["calendar"])
        found.in_force[calendar.version] = calendar


def _pinned(found: Evidence) -> None:
    """A calendar by which a window was closed was in force, even if it has no mark."""
    for number, terms in found.closings.items():
        version, closes = int(terms["calendar_version"]), str(terms["closes"])
        for calendar in found.calendars.get(version, ()):
            window = calendar.window(number)
            if version not in found.in_force and window and to_text(window.closes) == closes:
                found.in_force[version] = calendar


def first_school(stores: Stores) -> datetime | None:
    """Since when the stack has had a school: S3's own time of the first extract that named one. None if it has none."""
    versions = stores.uploads.versions("rosters/schools.csv")
    sources = each(lambda version: stores.uploads.get(version.key, version.version), versions)
    found = [version.received for version, source in zip(versions, sources, strict=True) if _schools(source)]
    for listed in stores.uploads.list("school-rosters/"):
        # A version's name begins with the time at which S3 received its extract.
        stamp = listed.key.rpartition("/")[2].partition("-")[0]
        found.append(datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC))
    return min(found, default=None)


def memberships(stores: Stores) -> dict[str, set[str]]:
    """The schools that each trust ever had, by every version of `rosters/schools.csv`."""
    versions = stores.uploads.versions("rosters/schools.csv")
    found: dict[str, set[str]] = {}
    for source in each(lambda version: stores.uploads.get(version.key, version.version), versions):
        for school in _schools(source):
            if school.trust:
                found.setdefault(school.trust, set()).add(school.number)
    return found


def _schools(source: bytes) -> tuple[School, ...]:
    try:
        return parse_schools(source)
    except BadRoster:
        return ()  # this version was refused when it came, so it put no school into a trust


def _json(bucket: Bucket, prefix: str) -> dict[str, Record]:
    keys = [listed.key for listed in bucket.list(prefix)]
    return {key: json.loads(data) for key, data in zip(keys, each(bucket.get, keys), strict=True)}


def each(act: Callable[[Given], Made], given: Iterable[Given]) -> list[Made]:
    """What comes of each, in order, worked on side by side."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(act, given))
