"""The story of one upload: from its form to its report or deletion, with times and gaps.

It is put together from what the table, the buckets and the functions' logs say. Each line names its source, so that an
operator can look there. No name of a person, no pupil and no cell is in it: users stand as their `sub`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from adapters.errors import NotThere
from adapters.lookups import calendar_now
from adapters.objects import Bucket
from adapters.stores import Stores
from early_results import keys, object_keys
from early_results.counting.calendar import Calendar
from early_results.counting.registers import register_from_item
from early_results.counting.uploads import Upload, upload_from_item
from early_results.counting.verdict_record import read_verdict
from early_results.ids import is_ulid
from early_results.reference import looks_like_one, read_reference, reference_of
from early_results.service import load_service
from early_results.times import cut, from_text
from early_results.writes import Item

MOST_FOUND = 20  # how many uploads a search by school or file name lists


class CannotTrace(Exception):
    """There is no such upload; the message says what was looked for."""


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """Something that happened to an upload: when (UTC; None if no source says), what, and the source that says so."""

    at: datetime | None
    what: str
    source: str


@dataclass(frozen=True, slots=True)
class Found:
    """An upload as a search finds it."""

    upload_id: str
    school: str | None
    service: str
    status: str
    issued: datetime
    name: str


class Logs(Protocol):
    """The functions' logs: every line, parsed, that holds a text."""

    def lines(self, text: str, since: datetime) -> Iterable[tuple[datetime, str, dict[str, Any]]]:
        """When a line was written, by which function, and what it says."""


def trace_upload(stores: Stores, upload_id: str, logs: Logs | None = None) -> tuple[Upload, tuple[Moment, ...]]:
    """The upload and its story, oldest first. CannotTrace if the table has no such upload."""
    item = stores.table.get(keys.upload(upload_id))
    if item is None:
        raise CannotTrace(f"there is no upload {upload_id}")
    upload = upload_from_item(item)
    calendar = calendar_now(stores, load_service(upload.service))
    told = [
        Moment(upload.issued, f"form issued to {upload.user} ({upload.organisation})", "table"),
        *_object(stores, upload),
        *_verdict(stores, upload),
        *_now(upload, item),
        *_windows(stores, upload, calendar),
        *_records(stores, upload, calendar),
        *(_logged(logs, upload) if logs else ()),
    ]
    dated = sorted((moment for moment in told if moment.at is not None), key=lambda moment: moment.at or upload.issued)
    return upload, (*dated, *(moment for moment in told if moment.at is None))


def _object(stores: Stores, upload: Upload) -> Iterable[Moment]:
    versions = sorted(stores.uploads.versions(upload.object_key), key=lambda version: version.received)
    for number, version in enumerate(versions):
        kept = "the version that counts" if version.version == upload.version else "kept as a replay"
        if upload.version is None:
            kept = "not checked yet" if number == 0 else "kept as a replay"
        yield Moment(version.received, f"received by S3: {version.size} bytes, version {version.version}, {kept}", "S3")
    if not versions:
        gone = upload.received is not None
        why = "the object is gone: its deletion removed it" if gone else "no object has arrived under this form"
        yield Moment(None, why, "S3")


def _verdict(stores: Stores, upload: Upload) -> Iterable[Moment]:
    try:
        record = read_verdict(stores.records.get(object_keys.verdict_key(upload.service, upload.upload_id)))
    except NotThere:
        yield Moment(None, "no verdict is kept", "records")
        return
    found = ", ".join(f"{count} {code.value}" for code, count in sorted(record.findings.items())) or "nothing found"
    roster = f", roster {record.roster_version}" if record.roster_version else ""
    outcome = "accepted" if record.accepted else "refused"
    yield Moment(
        _written(stores.records, object_keys.verdict_key(upload.service, upload.upload_id)),
        f"checked by {record.ruleset}{roster}: {outcome}, {found}",
        "records",
    )


def _now(upload: Upload, item: Item) -> Iterable[Moment]:
    if upload.queued_again:
        yield Moment(upload.queued_again, "queued again by the sweep, for the last time", "table")
    words = [f"now {upload.status.value}"]
    words += [f"held: {upload.held.value}"] if upload.held else []
    words += ["waits for its offer"] if upload.offer_pending else []
    words += ["unsettled"] if upload.unsettled else []
    words += ["its objects are still to be removed"] if upload.purge_pending else []
    words += [f"overwritten by {item['overwritten_by']}"] if item.get("overwritten_by") else []
    words += [f"report of window {number}: {state}" for number, state in sorted(upload.reports.items())]
    yield Moment(None, "; ".join(words), "table")


def _windows(stores: Stores, upload: Upload, calendar: Calendar) -> Iterable[Moment]:
    if upload.school is None:
        return
    current = register_from_item(key := keys.current_register(upload.service, upload.school), stores.table.get(key))
    stands = "this upload" if current.winner == upload.upload_id else current.winner or "none"
    yield Moment(None, f"the school's current file: {stands}", "table")
    for window in calendar.windows:
        key = keys.window_register(upload.service, window.number, upload.school)
        row = stores.table.get(key)
        register = register_from_item(key, row)
        added = stores.table.get(keys.added(upload.service, window.number, upload.school)) or {}
        if row and register.sealed:
            mine = register.frozen_upload == upload.upload_id
            carried = f", carried from window {register.carried_from}" if mine and register.carried_from else ""
            frozen = "this upload" if mine else register.frozen_upload or "no file"
            yield Moment(from_text(row["frozen_at"]), f"window {window.number} sealed with {frozen}{carried}", "table")
        elif register.mark and window.number == upload.window:
            stands = "this upload" if register.winner == upload.upload_id else register.winner or "a deleted file"
            yield Moment(None, f"window {window.number} is not sealed; what stands in it: {stands}", "table")
        if added.get("upload_id") == upload.upload_id:
            yield Moment(None, f"let into window {window.number} beside the manifest", "table")
        for form in object_keys.REPORT_FORMS:
            report = object_keys.report_key(upload.service, window.number, upload.school, upload.upload_id, form)
            if written := _written(stores.results, report):
                yield Moment(written, f"report of window {window.number} built ({form})", "results")


def _records(stores: Stores, upload: Upload, calendar: Calendar) -> Iterable[Moment]:
    for listed in stores.records.list(f"operations/{upload.service}/{upload.upload_id}/"):
        record = json.loads(stores.records.get(listed.key))
        yield Moment(from_text(record["at"]), f"{record['did']} by {record['by']}: {record['reason']}", "records")
    if upload.window is not None:
        note = object_keys.straggler_key(upload.service, upload.window, upload.upload_id)
        if written := _written(stores.records, note):
            yield Moment(written, "noted as a straggler", "records")
    for window in calendar.windows:
        for key in (
            object_keys.amendment_key(upload.service, window.number, upload.upload_id),
            object_keys.admission_key(upload.service, window.number, upload.upload_id),
        ):
            if stores.records.has(key):
                record = json.loads(stores.records.get(key))
                what = f"window {window.number} amended: {record['kind']}, {record['reason']}"
                yield Moment(from_text(record["at"]), what, "records")
    tombstone = object_keys.tombstone_key(upload.service, upload.upload_id)
    if stores.records.has(tombstone):
        record = json.loads(stores.records.get(tombstone))
        yield Moment(from_text(record["at"]), f"deleted by {record['user']}: tombstone written", "records")


def _written(bucket: Bucket, key: str) -> datetime | None:
    """When an object was written, by the bucket's own clock. None if it is not there."""
    return next((listed.received for listed in bucket.list(key) if listed.key == key), None)


def _logged(logs: Logs, upload: Upload) -> Iterable[Moment]:
    for at, function, line in logs.lines(upload.upload_id, upload.issued):
        if line.get("message") == "request":
            what = f"{function} answers {line.get('method')} {line.get('path')}: {line.get('status')}"
            yield Moment(at, what, "logs")
            continue
        outcome = f": {line['outcome']}" if "outcome" in line else ""
        yield Moment(at, f"{function} says {line.get('message', '')}{outcome}", "logs")


def describe(upload: Upload, story: Iterable[Moment]) -> str:
    """The story for an operator's terminal: a line for each moment, with the time since the one before."""
    school = f"school {upload.school}" if upload.school else "school not known"
    lines = [f"upload {upload.upload_id}  {upload.service}  {school}  {upload.status.value}"]
    before: datetime | None = None
    for moment in story:
        if moment.at is None:
            lines.append(f"{'':24} {'':>9}  {moment.what}  [{moment.source}]")
            continue
        gap = f"+{_gap((moment.at - before).total_seconds())}" if before else ""
        lines.append(f"{cut(moment.at):%Y-%m-%d %H:%M:%S} UTC  {gap:>9}  {moment.what}  [{moment.source}]")
        before = moment.at
    return "\n".join(lines)


def _gap(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def find_uploads(stores: Stores, school: str | None = None, name: str | None = None) -> tuple[Found, ...]:
    """The uploads of a school, newest first, or those of any school whose file name holds a text (letter case aside).

    With a school, one query of the index is enough. With a name alone, every school's history is read.
    """
    if school is None:
        schools = [str(row["sk"]).removeprefix("SCHOOL#") for row in stores.table.query(keys.SCHOOLS)]
    else:
        schools = [school]
    found = [
        Found(row["upload_id"], number, row["service"], row["status"], from_text(row["issued"]), row["name"])
        for number in schools
        for row in stores.table.query(f"SCHOOL#{number}", index="by_school")
        if name is None or name.casefold() in row["name"].casefold()
    ]
    return tuple(sorted(found, key=lambda upload: upload.upload_id, reverse=True)[:MOST_FOUND])


def upload_of(stores: Stores, text: str) -> str:
    """The id of the upload that somebody names: by its id, or by its reference. CannotTrace if there is none.

    By a reference, it is looked for among the files and the verdicts, in the buckets: a deleted upload has its verdict.
    """
    if is_ulid(text.upper()):
        return text.upper()
    named = read_reference(text)
    if named is None:
        wrong = " It looks like a reference with a wrong letter in it." if looks_like_one(text) else ""
        raise CannotTrace(f"{text} is neither an upload's id nor a reference.{wrong}")
    ids = {
        part
        for bucket, prefix in ((stores.uploads, "uploads/"), (stores.records, "verdicts/"))
        for entry in bucket.list(prefix)
        for part in entry.key.removesuffix(".json").split("/")
        if is_ulid(part) and reference_of(part) == named
    }
    if len(ids) != 1:
        several = f": it is that of {' and '.join(sorted(ids))}" if ids else ""
        raise CannotTrace(f"the reference {named} is not that of one received file{several}")
    return ids.pop()


def describe_found(found: Iterable[Found]) -> str:
    """What a search found: a line for each upload, for the operator to choose from."""
    lines = [
        f"{upload.upload_id}  {upload.service}  school {upload.school}  {upload.status}  "
        f"{cut(upload.issued):%Y-%m-%d %H:%M:%S} UTC  {upload.name}"
        for upload in found
    ]
    return "\n".join(lines) or "no upload was found"


class CloudWatchLogs:
    """The log groups of a stack's functions."""

    def __init__(self, client: Any, groups: dict[str, str]) -> None:
        """`groups` maps a function's name for people to its log group."""
        self._client = client
        self._groups = groups

    def lines(self, text: str, since: datetime) -> Iterable[tuple[datetime, str, dict[str, Any]]]:
        """Every line of any group that holds the text, from a minute before `since` on."""
        start = int((since - timedelta(minutes=1)).timestamp() * 1000)
        for function, group in self._groups.items():
            pages = self._client.get_paginator("filter_log_events").paginate(
                logGroupName=group, filterPattern=f'"{text}"', startTime=start
            )
            for page in pages:
                for event in page["events"]:
                    with suppress(ValueError):  # the runtime writes lines that are not JSON; ours are
                        line = json.loads(event["message"])
                        yield datetime.fromtimestamp(event["timestamp"] / 1000, UTC), function, line
