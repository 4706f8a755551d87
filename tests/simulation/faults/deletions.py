"""Faults of deletions."""

from __future__ import annotations

from typing import Any

from portal import uploading
from workflow import check_upload, delete_upload, sweep_bucket

from .listing import Patches, fault


@fault("versions are removed before the tombstone is written")
def _() -> Patches:
    purge = delete_upload.purge

    def hasty(stores: Any, calendar: Any, upload: Any, now: Any) -> None:
        stores.uploads.remove_versions(upload.object_key)
        purge(stores, calendar, upload, now)

    return [(sweep_bucket, "purge", hasty), (uploading, "purge", hasty)]


@fault("a repeated notice removes a deleted file before its tombstone is written", "deletes", "repeated events")
def _() -> Patches:
    def hasty(stores: Any, upload: Any) -> None:
        stores.uploads.remove_versions(upload.object_key)

    return [(check_upload, "purge_again", hasty), (sweep_bucket, "purge_again", hasty)]


@fault("no amendment is written for a frozen file that is deleted")
def _() -> Patches:
    put_once = delete_upload._put_once

    def forgetful(stores: Any, key: str, record: Any) -> None:
        if not key.startswith("amendments/"):
            put_once(stores, key, record)

    return [(delete_upload, "_put_once", forgetful)]


@fault("a deletion that died is not finished")
def _() -> Patches:
    return [(sweep_bucket, "_finish_deletions", lambda *_: None)]


@fault("what was found in a file outlives its deletion")
def _() -> Patches:
    return [(delete_upload, "remove_results", lambda *_: None)]


@fault(
    "a slow check writes after a deletion, and nobody clears up",
    "deletes",
    "repeated events",
    slow=("put results/findings",),
)
def _() -> Patches:
    return [(check_upload, "purge_again", lambda *_: None)]


@fault(
    "a deletion removes another file's report",
    "deletes",
    "late files decided",
    "rush",
    slow=("delete SCHOOL#", "transact SCHOOL#"),
)
def _() -> Patches:
    def careless(stores: Any, report: Any, upload_id: str) -> None:
        if (stores.table.get(report) or {}).get("upload_id") == upload_id:
            stores.table.delete(report)

    return [(delete_upload, "_remove_report", careless)]
