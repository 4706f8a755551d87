"""The sweep: what the bucket holds against what the table knows (DESIGN 5).

It is the safety net under every event that was lost, and the reason why a freeze may trust that all is settled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

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

# How far behind the clock the low-water mark stays at least: a form's lifetime, and room for clocks that differ.
MARGIN = FORM_LIFETIME + timedelta(minutes=5)
# How often the whole bucket is looked at. What surfaces below the low-water mark and loses its notice is found then.
WHOLE_EVERY = timedelta(hours=1)
# How many forms that nobody used a run ends at most: what is left waits for the next, so that a freeze does not.
MOST_ENDED = 200
WORKERS = 16
_CHUNK = 500
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


@dataclass(slots=True)
class Swept:
    """What a sweep found and did. `pending` are the uploads that were not settled when it ended, `received` the
    received times of those that have an object in the bucket."""

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
    """The newest version of each object; in a sweep of the whole bucket of those beneath a delete marker too.

    Whoever removes a file in the console leaves its versions, and the oldest of them counts. ListObjectsV2 says nothing
    of it: only a list of versions does.
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
            by_key[keys.upload(found[1])] = listed
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
            unsettled.append((upload, listed))
    # The oldest version counts; the listing shows the newest, which a form posted again makes younger.
    oldests = _side_by_side(lambda pair: stores.uploads.oldest(pair[1].key) or pair[1], unsettled)
    _push_on(
        stores, queue, [(upload, version) for (upload, _), version in zip(unsettled, oldests, strict=True)], now, swept
    )


def _settled(upload: Upload) -> bool:
    return upload.judged and upload.held != Held.PARKED and not upload.offer_pending and not upload.note_pending


def _push_on(
    stores: Stores, queue: Queue, unsettled: list[tuple[Upload, Version]], now: datetime, swept: Swept
) -> None:
    """Takes uploads with an object a step on: a good one is offered, an unchecked one queued again."""
    again = []
    for found, oldest in unsettled:
        upload = _offer(stores, found, swept) if found.offer_pending or found.note_pending else found
        if _settled(upload):
            continue
        swept.received[upload.upload_id] = oldest.received
        swept.pending.append(upload)
        if not upload.judged and _due_again(upload, oldest, now, stores.settings):
            again.append((upload, oldest))
    if not again:
        return
    queue.send([_notification(version) for _, version in again])
    _side_by_side(lambda pair: _note_queued(stores, pair[0], now), again)
    swept.queued_again += len(again)


def _note_queued(stores: Stores, upload: Upload, now: datetime) -> None:
    with suppress(Conflict):  # it is being judged at this moment
        # Only onto a record that is there: a table that is lost at this moment must not keep one of a single line.
        stores.table.write(Update(upload.key, set={"queued_again": to_text(now)}, require={"status": PRESENT}))


def _offer(stores: Stores, upload: Upload, swept: Swept) -> Upload:
    outcome = offer_upload(stores, upload.upload_id)
    swept.offered += outcome is Outcome.JOINED
    swept.stragglers += outcome is Outcome.STRAGGLER
    item = stores.table.get(upload.key)
    return upload_from_item(item) if item else upload


def _due_again(upload: Upload, version: Version, now: datetime, settings: Settings) -> bool:
    """Whether an object's own event has had its time, and the last time it was queued again too.

    A check that has begun is given far longer: its message is still on its way, and each further message about a file
    that kills its function would kill it five times more.
    """
    age = settings.stalled if upload.status is Status.CHECKING else settings.sweep_age
    return now - max(version.received, upload.queued_again or version.received) >= age


def _notification(version: Version) -> dict[str, object]:
    """A message for the upload queue in the form that S3 sends."""
    return {"Records": [{"s3": {"object": {"key": version.key, "versionId": version.version}}}]}


def _settle_forms(
    stores: Stores, queue: Queue, service: Service, now: datetime, swept: Swept, seen: set[str], begin: str
) -> None:
    """Ends forms quietly that expired more than the grace ago with no object in the bucket.

    A form that has not expired is left alone: its object, if it comes, is in the next listing. So is one whose grace
    lasts; no window that it was for is frozen before. The listing of this run began at `begin`, after the grace of the
    forms that are ended: where it does not show an object above that place, S3, which lists what it holds, has none.
    Only the few below that place are looked for one by one.
    """
    wanted = [upload_id for upload_id in unsettled_ids(stores, service.name) if upload_id not in seen]
    expired: list[Upload] = []
    looked_for: list[Upload] = []
    pages = [wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK)]
    for page in _side_by_side(lambda ids: stores.table.get_many(map(keys.upload, ids)).values(), pages):
        for upload in map(upload_from_item, page):
            if not upload.unsettled:
                continue  # the index lags
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
            unsettled.append((upload, oldest))
        elif upload.status is Status.AWAITING_UPLOAD and now > upload.expires_at + stores.settings.grace:
            expired.append(upload)
        else:
            swept.pending.append(upload)
    _push_on(stores, queue, unsettled, now, swept)
    expired.sort(key=lambda upload: upload.upload_id)
    swept.ended += sum(_side_by_side(lambda upload: _end(stores, upload), expired[:MOST_ENDED]))
    # No freeze waits for those that are left for the next run; the low-water mark stays before them.
    swept.pending.extend(expired[MOST_ENDED:])


def _end(stores: Stores, upload: Upload) -> bool:
    try:
        stores.table.write(Update(upload.key, remove=("unsettled",), require={"status": Status.AWAITING_UPLOAD.value}))
    except Conflict:
        return False  # its file is being checked at this moment
    return True


def _side_by_side(act: Callable[[_Given], _Made], items: Sequence[_Given]) -> list[_Made]:
    """What an act makes of each item, in order, many at once: most of it is waiting for S3 and the table."""
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
    """Records every version of an object that no upload explains; gives how many were new."""
    return sum(record_unattributed(stores, version, now) for version in stores.uploads.versions(listed.key))


def _raise_low_water(
    stores: Stores, service: Service, low_water: str, whole: bool, now: datetime, swept: Swept
) -> None:
    """Raises the low-water mark to before the oldest unsettled upload, and never closer to now than the margin."""
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
