"""Faults of checks, and of who may do what."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from adapters.errors import AlreadyThere
from adapters.rosters import user_of
from early_results import access
from early_results.counting import verdicts
from early_results.counting.uploads import Upload
from early_results.object_keys import verdict_key
from early_results.service import load_service
from workflow import check_upload

from .. import people
from ..boundary import Present
from ..store import MemoryBucket
from .listing import Patches, fault


@fault("the newest version is read")
def _() -> Patches:
    def newest(bucket: MemoryBucket, key: str) -> Any:
        found = bucket.versions(key)
        return found[-1] if found else None

    return [(MemoryBucket, "oldest", newest)]


@fault("each message is processed, whatever is known of its object")
def _() -> Patches:
    return [(verdicts, "UNJUDGED", {}), (Upload, "judged", property(lambda upload: False))]


@fault("evidence is written over")
def _() -> Patches:
    return [(MemoryBucket, "put_once", MemoryBucket.put)]


@fault("a second check judges by the roster of the day", "roster replaced", "crashes")
def _() -> Patches:
    def recheck(stores: Any, upload: Any, version: Any) -> Any:
        service = load_service(upload.service)
        judged = check_upload._judge(stores, upload, service, version, check_upload._read(stores, version), None)
        record = check_upload._verdict_record(upload, version, judged)
        key = verdict_key(upload.service, upload.upload_id)
        with suppress(AlreadyThere):
            stores.records.put_once(key, record.to_bytes(), "application/json")
        check_upload._record(stores, upload, judged, record)
        return check_upload.Checked.ACCEPTED if judged.accepted else check_upload.Checked.REFUSED

    return [(check_upload, "_judge_and_record", recheck)]


@fault("a trust keeps the schools it had when the user signed in")
def _() -> Patches:
    known: dict[tuple[int, str], Any] = {}

    def remembered(stores: Any, sub: str) -> Any:
        key = (id(Present.world), sub)
        if key not in known:
            known.clear() if len(known) > 20 else None
            known[key] = user_of(stores, sub)
        return known[key]

    return [(check_upload, "user_of", remembered), (people, "user_of", remembered)]


@fault("whoever sees a file may delete it", "strangers")
def _() -> Patches:
    return [(access, "may_delete", access.may_read)]


@fault("a file that nobody may know of yet is shown to all")
def _() -> Patches:
    return [(access, "may_read", lambda user, upload: True)]
