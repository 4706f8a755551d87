"""Deleting an upload: its mark joins the registers as deleted; then its file, results and reports are removed.

The tombstone is written first, then the amendments; only then is anything removed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from adapters.errors import Conflict, OutsideError
from adapters.objects import written_once
from adapters.stores import Stores
from early_results import keys
from early_results.canonical import canonical
from early_results.counting import freeze, registers
from early_results.counting.calendar import Calendar
from early_results.counting.registers import Outcome, Register, register_from_item
from early_results.counting.uploads import Held, Upload, upload_from_item
from early_results.object_keys import (
    FINDINGS_FORMS,
    REPORT_FORMS,
    amendment_key,
    extract_key,
    findings_key,
    report_key,
    tombstone_key,
)
from early_results.times import to_text
from early_results.writes import PRESENT, Key, Put, Remove, Update
from workflow.join_registers import TRIES, TooManyRacesError, is_sealing, keep_note, read_registers, wrote


def join_deletion(stores: Stores, upload_id: str) -> tuple[Outcome, Upload | None]:
    """Joins an upload's mark as deleted, in one transaction with a pending offer. Gives the upload as it was."""
    for _ in range(TRIES):
        item = stores.table.get(keys.upload(upload_id))
        if item is None:
            return Outcome.NOTHING_TO_DO, None
        upload = upload_from_item(item)
        if upload.school is None or upload.window is None:
            window, current = None, Register(keys.current_register(upload.service, upload.school or "none"))
        else:
            window, current = read_registers(stores, upload)
        sealing = upload.offer_pending and is_sealing(stores, upload)
        join = registers.delete(upload, window, current, sealing)
        if join.outcome is not Outcome.JOINED or wrote(stores, join):
            return join.outcome, upload
    raise TooManyRacesError(upload_id)


def purge(stores: Stores, calendar: Calendar, upload: Upload, now: datetime) -> None:
    """Finishes the deletion of an upload whose mark has joined its registers as deleted. Safe to repeat and to die in.

    The tombstone is written before any version is removed, so that the buckets alone can tell what was deleted. Every
    window that froze or carried the file gets an amendment, even if its manifest is not written yet.
    """
    tombstone = {
        "upload": upload.upload_id,
        "service": upload.service,
        "school": upload.school,
        "received": to_text(upload.received) if upload.received else None,
        "window": upload.window,
        "user": upload.user,
        "held": upload.held,  # a parked upload and a straggler were in no register, even if their verdict was good
        "at": to_text(now),
    }
    if upload.held == Held.STRAGGLER:
        keep_note(stores, upload)
    _put_once(stores, tombstone_key(upload.service, upload.upload_id), tombstone)
    for window in calendar.windows if upload.school else ():
        school = str(upload.school)
        key = keys.window_register(upload.service, window.number, school)
        register = register_from_item(key, stores.table.get(key))
        added = stores.table.get(keys.added(upload.service, window.number, school)) or {}
        if (register.sealed and register.frozen_upload == upload.upload_id) or added.get(
            "upload_id"
        ) == upload.upload_id:
            amended = freeze.amendment(
                upload.service,
                window.number,
                school,
                upload.upload_id,
                "removed",
                now,
                upload.user,
                "deleted by its uploader",
            )
            _put_once(stores, amendment_key(upload.service, window.number, upload.upload_id), amended)
            removed = keys.removed(upload.service, window.number, school, upload.upload_id)
            stores.table.write(Put(removed, {"upload_id": upload.upload_id}))
        _remove_report(stores, keys.report(upload.service, window.number, school), upload.upload_id)
        for form in REPORT_FORMS:
            stores.results.remove(report_key(upload.service, window.number, school, upload.upload_id, form))
    stores.uploads.remove_versions(upload.object_key)
    remove_results(stores, upload)
    stores.table.delete(keys.summary(upload.upload_id))
    # another run finished it, or the record is gone; if we lost a race, the next sweep finishes it
    with suppress(Conflict):
        stores.table.write(
            Update(upload.key, remove=("purge_pending", "unsettled"), require={"purge_pending": PRESENT})
        )  # last of all: as long as the mark is there, the sweep does all this again


def _remove_report(stores: Stores, report: Key, upload_id: str) -> None:
    """Removes the record of a report if it is this upload's. Another upload's may take its place at any moment."""
    while (stores.table.get(report) or {}).get("upload_id") == upload_id:
        with suppress(Conflict):  # somebody wrote the record at this moment: the loop reads whose it is now
            stores.table.write(Remove(report, {"upload_id": upload_id}))


def purge_again(stores: Stores, upload: Upload) -> None:
    """Removes what came after a deletion: the file of a form posted again, or what a slow check still wrote.

    While `purge` has not finished, this removes no version of the file, since `purge` must write its tombstone first.
    """
    remove_results(stores, upload)
    if not upload.purge_pending:
        stores.uploads.remove_versions(upload.object_key)


def remove_results(stores: Stores, upload: Upload) -> None:
    """Removes what a check wrote about an upload."""
    for form in FINDINGS_FORMS:
        stores.results.remove(findings_key(upload.service, upload.upload_id, form))
    stores.results.remove(extract_key(upload.service, upload.upload_id))


def _put_once(stores: Stores, key: str, record: Mapping[str, object]) -> None:
    """Writes a record of the deletion, or finds the one that an earlier, unfinished try wrote."""
    kept = json.loads(written_once(stores.records, key, canonical(record)))
    if kept["upload"] != record["upload"]:
        raise OutsideError("the record of a deletion is of another upload")
