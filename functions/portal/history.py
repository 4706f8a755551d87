"""The upload history, and one upload in full: what the user may see of it, in the guide's words."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from adapters.lookups import Place, calendar_now, standings, window_states
from adapters.stores import Stores
from early_results import access, keys
from early_results.access import Role, User
from early_results.checking import messages
from early_results.counting.calendar import Calendar
from early_results.counting.standing import Standing, next_step, receipt, said_of
from early_results.counting.uploads import Status, Upload, shown_status, upload_from_item
from early_results.findings import Code
from early_results.ids import is_ulid
from early_results.reference import looks_like_one, read_reference, reference_of
from early_results.service import load_service, service_names
from early_results.times import to_text

from . import problems
from .limits import PAGE
from .requests import UploadsQuery

if TYPE_CHECKING:
    from . import answers  # 6 ms of a cold start; only the contract reads what is in it

_QUERIES = 16  # how many schools' histories of a trust are read at once


def list_uploads(stores: Stores, user: User, query: UploadsQuery, now: datetime) -> answers.Uploads:
    """A page of the history, newest first."""
    wanted, sought = _filters(query), _sought(query.find)
    found = []
    for upload in _newest_first(stores, _partitions(user, query.organisation or ""), query.cursor):
        if access.may_read(user, upload) and _listed(upload, now) and wanted(upload) and sought(upload):
            found.append(upload)
            if len(found) > PAGE:
                break
    page = found[:PAGE]
    calendars = {name: calendar_now(stores, load_service(name)) for name in {u.service for u in page}}
    stands = _standings(stores, page, calendars)
    told: answers.Uploads = {
        "uploads": [describe(user, upload, calendars[upload.service], stands) for upload in page],
        "cursor": page[-1].upload_id if len(found) > PAGE else None,
    }
    if query.find and not found:
        told["note"] = _why_nothing(query.find)
    return told


def one_upload(stores: Stores, user: User, upload: Upload) -> answers.UploadInFull:
    """One upload in full: status, receipt, counts, the first ten findings, what changed since the last good file."""
    calendar = calendar_now(stores, load_service(upload.service))
    return describe_in_full(user, upload, calendar, _standings(stores, [upload], {upload.service: calendar}))


def describe_in_full(
    user: User, upload: Upload, calendar: Calendar, stands: Mapping[Place, Standing]
) -> answers.UploadInFull:
    """An upload in full. `stands` is what stands for its school in its window and the later ones."""
    # What the record has of findings and changes is stored as it is told.
    return {
        **describe(user, upload, calendar, stands),
        "findings": cast("list[answers.Finding]", list(upload.findings)),
        "rules": _rules(upload),
        "changes": cast("answers.ChangedResults | None", upload.changes),
        "ruleset": upload.ruleset,
        "roster_version": upload.roster_version,
        "replays": len(upload.replays),
        "overwritten_by": upload.overwritten_by,
        "repairs": _repairs(upload),
    }


def _repairs(upload: Upload) -> list[answers.RepairTold]:
    """The words that stand for codes in the file, as its own mark says: each with the heading of its column."""
    headings = {column.key: column.heading for column in load_service(upload.service).results}
    return [
        {"column": headings[one["column"]], "word": one["word"], "code": one["code"]}
        for one in upload.repairs
        if one["column"] in headings
    ]


def _rules(upload: Upload) -> dict[Code, answers.RuleNamed]:
    """The findings' codes with their names and severities, so that a page need not know them."""
    codes = {Code(finding["code"]) for finding in upload.findings}
    service = load_service(upload.service)
    return {code: {"title": messages.title(code, service), "severity": code.severity} for code in sorted(codes)}


def find_upload(stores: Stores, user: User, upload_id: str) -> Upload:
    """The upload of that id. Problem (404) if there is none, or if the user may not know of it."""
    item = stores.table.get(keys.upload(upload_id)) if is_ulid(upload_id) else None
    if item is None:
        raise problems.no_such_upload()
    upload = upload_from_item(item)
    if not access.may_read(user, upload):
        raise problems.no_such_upload()
    return upload


def describe(user: User, upload: Upload, calendar: Calendar, stands: Mapping[Place, Standing]) -> answers.Upload:
    """An upload as a line of the history. `stands` is what stands for its school in its window and the later ones."""
    shown = shown_status(upload)
    mine = [stands[place] for place in _places(upload, calendar) if place in stands]
    told = said_of(upload, calendar, mine)
    return {
        **named_upload(upload.upload_id),
        "name": upload.name,
        "service": upload.service,
        "year": load_service(upload.service).year,
        "organisation": upload.organisation,
        "school": upload.school,
        "user": upload.user_name,
        "date": to_text(upload.issued),
        "status": shown,
        "next_step": next_step(upload, told),
        "counts_for_school": any(said.counts for said in told),
        "can_delete": access.may_delete(user, upload) and upload.deletable,
        "can_download": upload.received is not None,
        "counts": cast("answers.Counts | answers.NoCounts", upload.counts),
        "receipt": cast("answers.Receipt | None", receipt(upload, told)),
        "windows": [cast("answers.Said", said.to_json()) for said in told if said.window is not None],
        "corrected_from": named_upload(upload.corrected_from) if upload.corrected_from else None,
        "reports": cast("dict[str, answers.ToldReportState]", upload.reports),
    }


def named_upload(upload_id: str) -> answers.NamedUpload:
    """An upload by its id, and by the reference that people use."""
    return {"upload_id": upload_id, "reference": reference_of(upload_id)}


def _listed(upload: Upload, now: datetime) -> bool:
    """Whether the history lists an upload. It leaves out deleted ones, and forms that expired with no file received."""
    if upload.status is Status.DELETED:
        return False
    return upload.status is not Status.AWAITING_UPLOAD or now <= upload.expires_at


def _filters(query: UploadsQuery) -> Callable[[Upload], bool]:
    if query.service and query.service not in service_names():
        raise problems.no_such_service(service_names())

    def wanted(upload: Upload) -> bool:
        return (
            (not query.status or shown_status(upload) == query.status)
            and (not query.service or upload.service == query.service)
            and (not query.year or load_service(upload.service).year == int(query.year))
        )

    return wanted


def _sought(text: str | None) -> Callable[[Upload], bool]:
    """Whether an upload is one that somebody looks for: by its reference, or by a part of its file's name."""
    if text is None:
        return lambda _: True
    named, asked = read_reference(text), text.casefold()
    return lambda upload: asked in upload.name.casefold() or reference_of(upload.upload_id) == named


def _why_nothing(text: str) -> str:
    """Why a search has found nothing, for the person who typed it."""
    named = read_reference(text)
    if named:
        return f"{named} is a right reference, but of no upload that is listed here. It may be another school's."
    if looks_like_one(text):
        return "This looks like a reference with a wrong letter in it: its last letter does not fit the others."
    return "No file here has this in its name. A reference has ten letters and digits, like 7QK4M-2XB30."


def _partitions(user: User, organisation: str) -> list[tuple[str, str]]:
    """The index partitions that hold the uploads, as (index, partition). Problem (403) if they are not the user's."""
    if organisation.startswith("SCHOOL#"):
        if not user.may_read_school(organisation.removeprefix("SCHOOL#")):
            raise problems.forbidden("This school is not one that you act for.")
        return [("by_school", organisation)]
    if organisation and organisation != user.organisation and user.role is not Role.OPERATOR:
        raise problems.forbidden("This organisation is not yours.")
    if user.role is Role.OPERATOR:
        if not organisation.startswith("TRUST#"):
            raise problems.bad_request("Please name an organisation: SCHOOL#1231234 or TRUST#<id>.")
        return [("by_trust", organisation)]
    found = [("by_school", f"SCHOOL#{school}") for school in sorted(user.schools)]
    if user.role is Role.TRUST:
        found.append(("by_trust", user.organisation))
    return found


def _newest_first(stores: Stores, partitions: list[tuple[str, str]], cursor: str | None) -> Iterator[Upload]:
    """Uploads of several partitions as one list, newest first: upload ids sort as their times do."""

    def read(partition: tuple[str, str]) -> Iterator[dict[str, Any]]:
        index, pk = partition
        return stores.table.query(pk, index=index, before=cursor, newest_first=True)

    def first(partition: tuple[str, str]) -> Iterator[dict[str, Any]]:
        rows = read(partition)
        head = list(islice(rows, 1))  # this starts the query, so that all schools of a trust are read at once
        return _chain(head, rows)

    with ThreadPoolExecutor(_QUERIES) as pool:
        streams = list(pool.map(first, partitions))
    for item in heapq.merge(*streams, key=lambda row: row["order"], reverse=True):
        yield upload_from_item(item)


def _chain(head: list[dict[str, Any]], rest: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield from head
    yield from rest


def _places(upload: Upload, calendar: Calendar) -> list[Place]:
    """The window of an upload and those after it, which may carry it."""
    if upload.window is None or upload.school is None:
        return []
    numbers = [window.number for window in calendar.windows if window.number >= upload.window]
    return [Place(upload.service, number, upload.school) for number in numbers]


def _standings(stores: Stores, uploads: Sequence[Upload], calendars: Mapping[str, Calendar]) -> dict[Place, Standing]:
    """What stands where uploads may count: in their own windows, and in later ones that are being or have been sealed.

    The states are read before the registers. A window that is sealed between the two is shown so by the next request.
    """
    states = {name: window_states(stores, calendar) for name, calendar in calendars.items()}
    wanted = [
        place
        for upload in uploads
        for place in _places(upload, calendars[upload.service])
        if place.window == upload.window or states[upload.service][place.window].sealing
    ]
    return standings(stores, wanted)
