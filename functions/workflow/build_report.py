"""Building one school's report from its frozen file, or noting that it could not be built."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from enum import StrEnum
from typing import Any

from adapters.errors import Conflict, NotThere
from adapters.lookups import calendar_now
from adapters.report_pdf import build_pdf
from adapters.report_workbook import build_workbook
from adapters.stores import Stores
from early_results import keys
from early_results.canonical import sha256
from early_results.counting.freeze import State, report_pins, state_from_item
from early_results.counting.registers import Counting, counting, register_from_item
from early_results.counting.uploads import REPORT_PREFIX, ReportState, Status
from early_results.media import MEDIA_TYPES
from early_results.object_keys import REPORT_FORMS, extract_key, national_key, report_key
from early_results.reporting.figures import Beside, Copy, Earlier, ReportInput, school_figures
from early_results.reporting.summary import EMPTY, Summary
from early_results.reporting.taking import National
from early_results.results import PupilResults, results_from_extract
from early_results.service import Service, load_service, service_names
from early_results.times import from_text
from early_results.writes import ABSENT, PRESENT, Check, Item, OneOf, Requirement, Update

YEARS_BEFORE = 2  # earlier collections that a report looks back to: with its own, three years
MEDIA = {"pdf": "pdf", "staff": "pdf", "xlsx": "xlsx"}


class Built(StrEnum):
    """What came of a report message."""

    READY = "ready"
    DELETED = "deleted"
    FAILED = "failed"
    INCOMPLETE = "incomplete"  # built, and without the results of single pupils, which are lost


class SummaryMissingError(RuntimeError):
    """A file that was frozen has no summary or extract and was not deleted: the message comes again."""


def build_report(stores: Stores, service_name: str, window: int, school: str, *, last: bool = False) -> Built:
    """Builds the report of a school's frozen file: a workbook and two PDFs, the same bytes every time.

    Where the results of single pupils are lost, it is built without them at the `last` try, and says so: the school has
    its figures, and a report that is built again once they are there is whole.
    """
    frozen, still = _counting(stores, service_name, window, school)
    upload_id = frozen.upload
    if upload_id is None:
        return Built.DELETED
    found = stores.table.get(keys.summary(upload_id))
    if found is None:
        if not _deleted(stores, upload_id):
            raise SummaryMissingError("a frozen file has no summary: its table is being rebuilt")
        # A deletion has removed the summary. An earlier try of this message may have written the report after that, and
        # died before it saw the deletion.
        _remove(stores, service_name, window, school, upload_id)
        return Built.DELETED
    pupils: tuple[PupilResults, ...] | None
    try:
        pupils = results_from_extract(stores.results.get(extract_key(service_name, upload_id)))
    except NotThere:
        if _deleted(stores, upload_id):
            _remove(stores, service_name, window, school, upload_id)
            return Built.DELETED
        if not last:
            raise SummaryMissingError("a frozen file has no extract: it is being written again") from None
        pupils = None
    report = _input(stores, load_service(service_name), window, school, upload_id, frozen, found, pupils)
    forms = {
        "pdf": build_pdf(report, Copy.SHOWN),
        "staff": build_pdf(report, Copy.STAFF),
        "xlsx": build_workbook(report),
    }
    for form, data in forms.items():
        stores.results.put(report_key(service_name, window, school, upload_id, form), data, MEDIA_TYPES[MEDIA[form]])
    hashes = {form: sha256(data) for form, data in forms.items()}
    try:
        _note(stores, service_name, window, school, upload_id, ReportState.READY, still, {"sha256": hashes})
    except Conflict:
        if not _deleted(stores, upload_id):
            raise  # another upload overwrote this one, or was let in, at this moment: SQS sends the message again
        # The file was deleted while its report was being built: the report must not outlive the file.
        _remove(stores, service_name, window, school, upload_id)
        return Built.DELETED
    return Built.READY


def _counting(stores: Stores, service: str, window: int, school: str) -> tuple[Counting, Check]:
    """What counts for a school now, and the condition that no operator has let in another straggler since."""
    key, late = keys.window_register(service, window, school), keys.added(service, window, school)
    row, added = stores.table.get(key), stores.table.get(late)
    unchanged: Requirement = added["upload_id"] if added else ABSENT
    return counting(register_from_item(key, row), row, added), Check(late, {"upload_id": unchanged})


def fail_report(stores: Stores, service_name: str, window: int, school: str) -> Built:
    """Notes that a report failed for good, so that people do not wait for it. A report that was built stays READY.

    If it failed because the results of single pupils are lost, it is built without them.
    """
    frozen, still = _counting(stores, service_name, window, school)
    upload_id = frozen.upload
    if upload_id is None:
        return Built.DELETED
    if not stores.results.has(extract_key(service_name, upload_id)) and stores.table.get(keys.summary(upload_id)):
        built = build_report(stores, service_name, window, school, last=True)
        return Built.INCOMPLETE if built is Built.READY else built
    try:
        _note(stores, service_name, window, school, upload_id, ReportState.FAILED, still, {})
    except Conflict:
        item = stores.table.get(keys.upload(upload_id)) or {}
        if item.get("status") == Status.DELETED.value:
            # The last try may have written the report before it died: the report must not outlive the file.
            _remove(stores, service_name, window, school, upload_id)
            return Built.DELETED
        noted = item.get(f"{REPORT_PREFIX}{window}")
        if noted == ReportState.READY.value:
            return Built.READY  # the message came twice, and the other one built the report
        if noted != ReportState.FAILED.value:  # another message may have noted the failure first
            raise
    return Built.FAILED


def _deleted(stores: Stores, upload_id: str) -> bool:
    item = stores.table.get(keys.upload(upload_id))
    return item is not None and item["status"] == Status.DELETED.value


def _remove(stores: Stores, service: str, window: int, school: str, upload_id: str) -> None:
    for form in REPORT_FORMS:
        stores.results.remove(report_key(service, window, school, upload_id, form))


def _note(
    stores: Stores,
    service: str,
    window: int,
    school: str,
    upload_id: str,
    state: ReportState,
    still: Check,
    more: dict[str, Any],
) -> None:
    item: Item = {"state": state.value, "upload_id": upload_id, "service": service, "window": window, **more}
    note = f"{REPORT_PREFIX}{window}"
    standing: dict[str, Requirement] = {"status": OneOf((Status.SUCCESSFUL.value, Status.OVERWRITTEN.value))}
    awaited: dict[str, Requirement] = {}
    if state is ReportState.FAILED:  # a report becomes FAILED only from PROCESSING
        standing[note] = ReportState.PROCESSING.value
        awaited = {"state": ReportState.PROCESSING.value, "upload_id": upload_id}
    stores.table.write(
        [
            Update(keys.upload(upload_id), set={note: state.value}, require=standing),
            Update(keys.report(service, window, school), set=item, require=awaited),
            still,
        ]
    )


def _pinned(stores: Stores, service: Service, window: int, school: str) -> Item:
    """The report's record, which pins the school's name and the day the report comes out.

    Both may change later, and a report that is built again must be the same, byte for byte. The freeze pins them when
    it queues the report. Where it did not, the first build does.
    """
    key = keys.report(service.name, window, school)
    noted = stores.table.get(key)
    if noted is None or "school_name" not in noted:
        kept = calendar_now(stores, service).window(window)
        if kept is None:
            raise ValueError("a report is built only for a window of the calendar")
        pins = report_pins(stores.table.get(keys.school(school)), kept)
        # Only onto a record that is there: where a deletion has removed it, it must not come back.
        with suppress(Conflict):  # another build of this report pinned them first: its pins count
            stores.table.write(Update(key, set=pins, require={"pk": PRESENT, "school_name": ABSENT}))
        noted = stores.table.get(key) or pins
    return noted


def _input(
    stores: Stores,
    service: Service,
    window: int,
    school: str,
    upload_id: str,
    frozen: Counting,
    found: Item,
    pupils: tuple[PupilResults, ...] | None,
) -> ReportInput:
    national = National.from_json(json.loads(stores.records.get(national_key(service.name, window))))
    noted = _pinned(stores, service, window, school)
    state = state_from_item(stores.table.get(keys.state(service.name, window)))
    if state.closes is None:
        raise ValueError("a report is built only for a window that has closed")
    own = Summary.from_json(json.loads(found["summary"]))
    beside = Beside(national, school, _inside(stores, service.name, window, school, upload_id, own))
    return ReportInput(
        service=service,
        school=school,
        school_name=noted["school_name"],
        window=window,
        closes=state.closes,
        reports=date.fromisoformat(noted["comes_out"]),
        upload_id=upload_id,
        received=from_text(frozen.facts["received"]),
        sha256=str(frozen.facts["sha256"]),
        carried_from=frozen.carried_from,
        figures=school_figures(service, own, beside),
        pupils=pupils or (),
        complete=pupils is not None,
        earlier=_earlier(stores, service, window, school, upload_id),
    )


def _inside(stores: Stores, service: str, window: int, school: str, upload_id: str, own: Summary) -> Summary | None:
    """By which summary the school is in the sum of all schools: that of the file that was sealed, if it is there.

    It is another than the report's where a straggler was let in after the freeze.
    """
    key = keys.window_register(service, window, school)
    sealed = register_from_item(key, stores.table.get(key)).frozen_upload
    if sealed == upload_id:
        return own
    if sealed is None:
        return EMPTY
    found = stores.table.get(keys.summary(sealed))
    return Summary.from_json(json.loads(found["summary"])) if found else None


def _earlier(stores: Stores, service: Service, window: int, school: str, upload_id: str) -> tuple[Earlier, ...]:
    """The windows and the earlier collections of the same kind that hold the school, the latest first.

    The nearest window of its own collection, and the last one of each of so many collections before it.
    """
    windows = [before.number for before in calendar_now(stores, service).earlier(window)]
    found = _latest(stores, service, windows, school, upload_id)
    kind = service.name.rpartition("-")[0]
    before = [load_service(name) for name in service_names() if name.rpartition("-")[0] == kind]
    for other in sorted((s for s in before if s.year < service.year), key=lambda s: -s.year)[:YEARS_BEFORE]:
        numbers = sorted((w.number for w in calendar_now(stores, other).windows), reverse=True)
        found += _latest(stores, other, numbers, school, upload_id)
    return tuple(found)


def _latest(stores: Stores, service: Service, windows: list[int], school: str, upload_id: str) -> list[Earlier]:
    """What the first of these windows has that is frozen and holds the school, if any."""
    for number in windows:
        if state_from_item(stores.table.get(keys.state(service.name, number))).state is not State.FROZEN:
            continue
        counts, _ = _counting(stores, service.name, number, school)
        summary = stores.table.get(keys.summary(counts.upload)) if counts.upload else None
        if counts.upload and summary:
            told = Summary.from_json(json.loads(summary["summary"]))
            return [Earlier(service, number, told, unchanged=counts.upload == upload_id)]
    return []
