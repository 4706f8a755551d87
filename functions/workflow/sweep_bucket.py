"""The sweep: compares what the bucket holds with what the table knows (DESIGN 5).

It finds every file whose event was lost. Because of it a freeze may trust that all uploads before a close are settled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from adapters.errors import Conflict
from adapters.lookups import record_unattributed, unsettled_ids
from adapters.objects import Version
from adapters.queue import Queue
from adapters.settings import Settings
from adapters.stores import Stores
from early_results import keys
from early_results.counting.calendar import FORM_LIFETIME, Calendar
from early_results.counting.registers import Outcome
from early_results.counting.uploads import Held, Status, Upload, purge_partition, upload_from_item
from early_results.ids import first_ulid_of
from early_results.object_keys import parse_upload_key
from early_results.service import Service
from early_results.times import from_text, to_text
from early_results.writes import PRESENT, Key, Update
from workflow.adopt_object import adopt, forget_unattributed
from workflow.delete_upload import purge, purge_again
from workflow.join_registers import offer_upload

# The low-water mark stays at least this far behind now: a form's lifetime, and five minutes for clocks that differ.
MARGIN = FORM_LIFETIME + timedelta(minutes=5)
# How often the whole bucket is listed. A file that appears below the low-water mark, and whose event is lost, is found
# then.
WHOLE_EVERY = timedelta(hours=1)
# How many unused forms one run ends at most. The rest is left to the next run, so that no freeze waits for them.
MOST_ENDED = 200
WORKERS = 16
_CHUNK = 500
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


class _Received(NamedTuple):
    """An upload that is not settled, and a version of its object."""

    upload: Upload
    version: Version


@dataclass(slots=True)
class Swept:
    """What a sweep found and did.

    `pending` are the uploads that were not settled when it ended. `received` has the received time of each of these
    that has an object in the bucket, by upload id.
    """

    objects: int = 0
    queued_again: int = 0
    offered: int = 0
    stragglers: int = 0
    unattributed: int = 0
    ended: int = 0
    purged: int = 0
    pending: list[Upload] = field(default_factory=list)
    received: dict[str, datetime] = field(default_factory=dict)


def sweep(
    stores: Stores, queue: Queue, service: Service, calendar: Calendar, now: datetime, *, whole: bool = False
) -> Swept:
    """Sweeps a service's part of the uploads bucket once: from its low-water mark on, or the whole of it."""
    swept = Swept()
    _finish_deletions(stores, service, calendar, now, swept)
    prefix = f"uploads/{service.name}/"
    kept = stores.table.get(keys.sweep(service.name)) or {}
    low_water = str(kept.get("low_water", ""))
    whole = whole or "whole" not in kept or now - from_text(kept["whole"]) >= WHOLE_EVERY
    seen: set[str] = set()
    begin = "" if whole else low_water
    for chunk in _chunks(_listed(stores, prefix, f"{prefix}{begin}" if begin else "")):
        _settle_objects(stores, queue, chunk, now, swept, seen)
    _settle_forms(stores, queue, service, now, swept, seen, begin)
    _raise_low_water(stores, service, low_water, whole, now, swept)
    forget_unattributed(stores, service.name)
    return swept


def _listed(stores: Stores, prefix: str, start_after: str) -> Iterator[Version]:
    """The newest version of each object. A sweep of the whole bucket also finds objects under a delete marker.

    Somebody who removes a file in the S3 console leaves its versions, and the oldest of them counts. ListObjectsV2 does
    not show such a file; ListObjectVersions does.
    """
    if start_after:
        yield from stores.uploads.list(prefix, start_after)
        return
    seen = ""
    for version in stores.uploads.all_versions(prefix):
        if version.key != seen:
            seen = version.key
            yield version


def _settle_objects(
    stores: Stores, queue: Queue, chunk: list[Version], now: datetime, swept: Swept, seen: set[str]
) -> None:
    by_key: dict[Key, Version] = {}
    for listed in chunk:
        swept.objects += 1
        found = parse_upload_key(listed.key)
        if found:
            by_key[keys.upload(found.upload_id)] = listed
        else:
            swept.unattributed += _unattributed(stores, listed, now)
    items = stores.table.get_many(by_key)
    unsettled = []
    for key, listed in by_key.items():
        if key not in items:
            oldest = stores.uploads.oldest(listed.key)
            adopted = adopt(stores, oldest) if oldest else None
            if adopted is None:
                swept.unattributed += _unattributed(stores, listed, now)
                continue
            upload = adopted
        else:
            upload = upload_from_item(items[key])
        seen.add(upload.upload_id)
        if upload.status is Status.DELETED:
            purge_again(stores, upload)
        elif not _settled(upload):
            unsettled.append(_Received(upload, listed))

    def as_received(shown: _Received) -> _Received:
        # The oldest version counts. The listing shows the newest, which is another one where a form was posted twice.
        return _Received(shown.upload, stores.uploads.oldest(shown.version.key) or shown.version)

    _push_on(stores, queue, _side_by_side(as_received, unsettled), now, swept)


def _settled(upload: Upload) -> bool:
    return upload.judged and upload.held != Held.PARKED and not upload.offer_pending and not upload.note_pending


def _push_on(stores: Stores, queue: Queue, unsettled: list[_Received], now: datetime, swept: Swept) -> None:
    """Takes uploads that have an object one step further: offers a good one, queues an unchecked one again."""
    again = []
    for found, oldest in unsettled:
        upload = _offer(stores, found, swept) if found.offer_pending or found.note_pending else found
        if _settled(upload):
            continue
        swept.received[upload.upload_id] = oldest.received
        swept.pending.append(upload)
        if not upload.judged and _due_again(upload, oldest, now, stores.settings):
            again.append(_Received(upload, oldest))
    if not again:
        return
    queue.send([_notification(waiting.version) for waiting in again])
    _side_by_side(lambda waiting: _note_queued(stores, waiting.upload, now), again)
    swept.queued_again += len(again)


def _note_queued(stores: Stores, upload: Upload, now: datetime) -> None:
    with suppress(Conflict):  # a check writes its verdict at this moment
        # Only onto a record that is there: if the table is lost at this moment, no record of this one attribute may
        # stay.
        stores.table.write(Update(upload.key, set={"queued_again": to_text(now)}, require={"status": PRESENT}))


def _offer(stores: Stores, upload: Upload, swept: Swept) -> Upload:
    outcome = offer_upload(stores, upload.upload_id)
    swept.offered += outcome is Outcome.JOINED
    swept.stragglers += outcome is Outcome.STRAGGLER
    item = stores.table.get(upload.key)
    return upload_from_item(item) if item else upload


def _due_again(upload: Upload, version: Version, now: datetime, settings: Settings) -> bool:
    """Whether to queue an object again: its event, and the last message that a sweep sent, have had time to arrive.

    A check that has begun is given far longer, since SQS still sends its message again by itself. If the file kills its
    function, each further message would kill the function five times more.
    """
    age = settings.stalled if upload.status is Status.CHECKING else settings.sweep_age
    return now - max(version.received, upload.queued_again or version.received) >= age


def _notification(version: Version) -> dict[str, object]:
    """A message for the upload queue in the form that S3 sends."""
    return {"Records": [{"s3": {"object": {"key": version.key, "versionId": version.version}}}]}


def _settle_forms(
    stores: Stores, queue: Queue, service: Service, now: datetime, swept: Swept, seen: set[str], begin: str
) -> None:
    """Ends forms that expired more than the grace ago and have no object in the bucket.

    A form that has not expired, or whose grace is not over, is left to a later run: its object may still come. No
    window that it was for is frozen before then. This run listed the bucket after the grace of the forms it ends, from
    the key `begin` on. S3 lists whatever it holds, so an expired form above `begin` that is not in the listing has no
    object. Only the few forms below `begin` are looked for one by one.
    """
    wanted = [upload_id for upload_id in unsettled_ids(stores, service.name) if upload_id not in seen]
    expired: list[Upload] = []
    looked_for: list[Upload] = []
    pages = [wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK)]
    for page in _side_by_side(lambda ids: stores.table.get_many(map(keys.upload, ids)).values(), pages):
        for upload in map(upload_from_item, page):
            if not upload.unsettled:
                continue  # the record is settled already; the index is behind it
            if upload.status is not Status.AWAITING_UPLOAD or upload.upload_id < begin:
                looked_for.append(upload)
            elif now > upload.expires_at + stores.settings.grace:
                expired.append(upload)
            else:
                swept.pending.append(upload)
    unsettled = []
    found = _side_by_side(lambda upload: stores.uploads.oldest(upload.object_key), looked_for)
    for upload, oldest in zip(looked_for, found, strict=True):
        if oldest is not None:
            unsettled.append(_Received(upload, oldest))
        elif upload.status is Status.AWAITING_UPLOAD and now > upload.expires_at + stores.settings.grace:
            expired.append(upload)
        else:
            swept.pending.append(upload)
    _push_on(stores, queue, unsettled, now, swept)
    expired.sort(key=lambda upload: upload.upload_id)
    swept.ended += sum(_side_by_side(lambda upload: _end(stores, upload), expired[:MOST_ENDED]))
    # No freeze waits for the forms that are left to the next run. The low-water mark stays below them.
    swept.pending.extend(expired[MOST_ENDED:])


def _end(stores: Stores, upload: Upload) -> bool:
    try:
        stores.table.write(Update(upload.key, remove=("unsettled",), require={"status": Status.AWAITING_UPLOAD.value}))
    except Conflict:
        return False  # its file came, and a check has begun
    return True


def _side_by_side(act: Callable[[_Given], _Made], items: Sequence[_Given]) -> list[_Made]:
    """What `act` gives for each item, in order.

    Many run at once, since most of their time is waiting for S3 and the table.
    """
    if not items:
        return []
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(act, items))


def _finish_deletions(stores: Stores, service: Service, calendar: Calendar, now: datetime, swept: Swept) -> None:
    listed = stores.table.query(purge_partition(service.name), index="unsettled")
    for item in stores.table.get_many(keys.upload(row["order"]) for row in listed).values():
        upload = upload_from_item(item)
        if upload.purge_pending:
            purge(stores, calendar, upload, now)
            swept.purged += 1


def _unattributed(stores: Stores, listed: Version, now: datetime) -> int:
    """Records every version of an object that belongs to no upload. Gives how many were not recorded before."""
    return sum(record_unattributed(stores, version, now) for version in stores.uploads.versions(listed.key))


def _raise_low_water(
    stores: Stores, service: Service, low_water: str, whole: bool, now: datetime, swept: Swept
) -> None:
    """Raises the low-water mark, but not above the oldest unsettled upload, and not closer to now than the margin."""
    raised = min([first_ulid_of(now - MARGIN), *(upload.upload_id for upload in swept.pending)])
    kept = {"swept": to_text(now), "low_water": max(raised, low_water)}
    if whole:
        kept["whole"] = to_text(now)
    stores.table.write(Update(keys.sweep(service.name), set=kept))


def _chunks(listed: Iterator[Version]) -> Iterator[list[Version]]:
    chunk: list[Version] = []
    for version in listed:
        chunk.append(version)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
