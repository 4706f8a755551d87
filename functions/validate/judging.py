"""Checking one uploaded file, from the object to the verdict (DESIGN 3, 5 and 7).

Which object counts, which window it belongs to, whose it is and what is wrong with it; each step may be repeated. The
verdict in the records bucket is written once and decides: a check that runs twice, with a roster replaced in between,
comes to the same outcome.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from adapters.errors import AlreadyThere, Conflict, NotThere
from adapters.lookups import calendar_now, record_unattributed
from adapters.objects import Version
from adapters.rosters import current_roster, roster_of_version, user_of
from adapters.stores import Stores
from early_results import keys, verdicts
from early_results.check import Verdict, judge
from early_results.findings import Finding
from early_results.freeze import canonical, sha256
from early_results.ids import extract_key, findings_key, parse_upload_key, verdict_key
from early_results.results import PupilResults, extract_json, results_from_extract
from early_results.roster import Roster
from early_results.service import Service, load_service
from early_results.submission import Submission, read_submission
from early_results.summary import Summary, summarise
from early_results.times import to_text
from early_results.uploads import Status, Upload, upload_from_item
from early_results.writes import ABSENT, PRESENT, Update


class Checked(StrEnum):
    """What came of one message about an object."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    ALREADY_JUDGED = "already-judged"
    DELETED = "deleted"
    GONE = "gone"
    UNATTRIBUTED = "unattributed"


class VerdictDiffersError(RuntimeError):
    """Two checks of one file came to different outcomes: our fault, for an operator to look into."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict and everything it was reached from."""

    verdict: Verdict | None
    findings: tuple[Finding, ...]
    window: int | None
    sha256: str
    roster_version: str | None
    template_roster_version: str | None
    calendar_version: int
    allowed_by: str | None

    @property
    def accepted(self) -> bool:
        return self.verdict is not None and self.verdict.accepted


def check_object(stores: Stores, key: str, version: str | None, now: datetime) -> Checked:
    """Checks the upload that an object belongs to. `version` is the one the event names, None if it names none."""
    found = parse_upload_key(key)
    oldest = stores.uploads.oldest(key)
    if oldest is None:
        return Checked.GONE
    item = stores.table.get(keys.upload(found[1])) if found else None
    if item is None or found is None or item["service"] != found[0]:
        record_unattributed(stores, oldest, now)
        return Checked.UNATTRIBUTED
    upload = upload_from_item(item)
    if upload.status is Status.DELETED:
        stores.uploads.remove_versions(key)
        return Checked.DELETED
    if version and version != oldest.version:
        stores.table.write(Update(upload.key, add={"replays": frozenset({version})}, require={"status": PRESENT}))
    if upload.judged:
        return Checked.ALREADY_JUDGED
    try:
        stores.table.write(verdicts.begin_checking(upload, oldest.received, oldest.version))
        return _judge_and_record(stores, upload, oldest)
    except Conflict:
        # Another message about the same object was quicker, or the upload was deleted meanwhile: theirs stands.
        return Checked.ALREADY_JUDGED


def _judge_and_record(stores: Stores, upload: Upload, version: Version) -> Checked:
    service = load_service(upload.service)
    data = stores.uploads.get(version.key, version.version, stores.settings.max_upload_bytes + 1)
    judged = _judge(stores, upload, service, version, data, None)
    record = _verdict_record(upload, version, judged)
    key = verdict_key(upload.service, upload.upload_id)
    try:
        stores.records.put_once(key, canonical(record), "application/json")
    except AlreadyThere:
        earlier = json.loads(stores.records.get(key))
        if earlier != record:
            judged = _judge(stores, upload, service, version, data, earlier)
            if _outcome(_verdict_record(upload, version, judged)) != _outcome(earlier):
                raise VerdictDiffersError(upload.upload_id) from None
    _record(stores, upload, service, judged)
    return Checked.ACCEPTED if judged.accepted else Checked.REFUSED


def _judge(
    stores: Stores, upload: Upload, service: Service, version: Version, data: bytes, pinned: dict[str, Any] | None
) -> Judged:
    """Judges a file as things are now, or with the roster, calendar and authority that an earlier verdict `pinned`."""
    digest = sha256(data)
    calendar = calendar_now(stores, service)
    window = calendar.window_of(version.received)
    number = window.number if window else None
    if pinned:
        number = pinned["window"]
    if number is None:
        late = verdicts.window_closed(calendar, version.received)
        return Judged(None, (late,), None, digest, None, None, calendar.version, None)
    if len(data) > stores.settings.max_upload_bytes:
        huge = verdicts.too_large(version.size, stores.settings.max_upload_bytes)
        return Judged(None, (huge,), number, digest, None, None, calendar.version, None)
    submission = read_submission(data, service)
    if pinned:
        allowed = frozenset({pinned["school"]}) if pinned["allowed_by"] else frozenset[str]()
    else:
        user = user_of(stores, upload.user)
        allowed = user.schools if user and user.may_upload() else frozenset()
    verdict = _verdict(stores, upload, service, submission, allowed, pinned)
    roster_version = verdict[1].version if verdict[1] else None
    return Judged(
        verdict[0],
        verdict[0].errors + verdict[0].warnings,
        number,
        digest,
        roster_version,
        verdict[2],
        calendar.version,
        upload.organisation if verdict[0].school in allowed else None,
    )


def _verdict(
    stores: Stores,
    upload: Upload,
    service: Service,
    submission: Submission,
    allowed: frozenset[str],
    pinned: dict[str, Any] | None,
) -> tuple[Verdict, Roster | None, str | None]:
    school = submission.school
    if school is None or school not in allowed:
        # Whose file it is comes before anything that the school's roster could tell a stranger.
        return judge(submission, service, allowed_schools=allowed, roster=None), None, None
    if pinned and pinned["roster_version"]:
        roster = roster_of_version(stores, service.service, school, pinned["roster_version"])
    else:
        roster = current_roster(stores, service.service, school)
    claimed = submission.template_roster_version
    template = None
    if claimed and roster and claimed != roster.version:
        template = roster_of_version(stores, service.service, school, claimed)
    verdict = judge(
        submission,
        service,
        allowed_schools=allowed,
        roster=roster,
        template_roster=template,
        previous=last_good_results(stores, service.service, school, upload.upload_id),
    )
    return verdict, roster, template.version if template else None


def judge_again(stores: Stores, upload: Upload) -> tuple[Submission, Verdict, Roster | None] | None:
    """The verdict of a judged file once more, with the roster it was reached with: for the annotated workbook.

    None where no verdict was reached on the contents: the file came outside every window, or is gone.
    """
    if upload.version is None or upload.window is None:
        return None
    service = load_service(upload.service)
    submission = read_submission(stores.uploads.get(upload.object_key, upload.version), service)
    allowed = frozenset({upload.school} if upload.school else ())
    pinned = {"school": upload.school, "roster_version": upload.roster_version}
    verdict, roster, _ = _verdict(stores, upload, service, submission, allowed, pinned)
    return submission, verdict, roster


def last_good_results(stores: Stores, service: str, school: str, but: str) -> tuple[PupilResults, ...] | None:
    """The results of the school's present good file, or None if it has none (or only this one)."""
    register = stores.table.get(keys.current_register(service, school))
    if register is None or "upload_id" not in register or register["upload_id"] == but:
        return None
    try:
        return results_from_extract(stores.results.get(extract_key(service, register["upload_id"])))
    except NotThere:
        return None  # deleted since


def _verdict_record(upload: Upload, version: Version, judged: Judged) -> dict[str, Any]:
    """What the records bucket keeps of a verdict: no personal data, users as `sub`, nothing of the run's time."""
    by_code: dict[str, int] = {}
    for finding in judged.findings:
        by_code[finding.code.value] = by_code.get(finding.code.value, 0) + 1
    verdict = judged.verdict
    return {
        "upload": upload.upload_id,
        "service": upload.service,
        "user": upload.user,
        "organisation": upload.organisation,
        "allowed_by": judged.allowed_by,
        "school": verdict.school if verdict else None,
        "outcome": "accepted" if judged.accepted else "refused",
        "window": judged.window,
        "calendar_version": judged.calendar_version,
        "received": to_text(version.received),
        "key": version.key,
        "version": version.version,
        "size": version.size,
        "sha256": judged.sha256,
        "roster_version": judged.roster_version,
        "template_roster_version": judged.template_roster_version,
        "ruleset": load_service(upload.service).ruleset,
        "pupils": verdict.pupils if verdict else 0,
        "findings": by_code,
        "figures": _summary(upload, judged).sha256 if judged.accepted else None,
    }


def _outcome(record: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(record[name] for name in ("outcome", "school", "window", "version", "sha256", "figures"))


def _summary(upload: Upload, judged: Judged) -> Summary:
    if judged.verdict is None:
        raise ValueError("only a good file has a summary")
    return summarise(load_service(upload.service), judged.verdict.results)


def _record(stores: Stores, upload: Upload, service: Service, judged: Judged) -> None:
    """Writes the findings, the extract and the record of a verdict; the offer itself is the supersede function's."""
    verdict = judged.verdict
    school = verdict.school if verdict and judged.allowed_by else None
    errors = sum(1 for finding in judged.findings if finding.severity == "error")
    stores.results.put(
        findings_key(service.service, upload.upload_id, "json"),
        canonical([finding.to_json() for finding in judged.findings]),
        "application/json",
    )
    summary = None
    if verdict and judged.accepted:
        extract = extract_json(verdict.results).encode()
        stores.results.put(extract_key(service.service, upload.upload_id), extract, "application/json")
        summary = _summary(upload, judged)
    writes = verdicts.record_verdict(
        upload,
        accepted=judged.accepted,
        school=school,
        window=judged.window,
        sha256=judged.sha256,
        findings=judged.findings,
        counts={
            "pupils": verdict.pupils if verdict else 0,
            "errors": errors,
            "warnings": len(judged.findings) - errors,
        },
        ruleset=service.ruleset,
        roster_version=judged.roster_version,
        changes=verdict.changes.to_json(service) if verdict and verdict.changes else None,
        summary_text=canonical(summary.to_json()).decode() if summary else None,
        summary_hash=summary.sha256 if summary else None,
    )
    stores.table.write(writes)
    if school and judged.window and not judged.accepted:
        _note_attempt(stores, upload, school, judged.window)


def _note_attempt(stores: Stores, upload: Upload, school: str, window: int) -> None:
    """Notes beside a school's register that it tried: the deadline board tells "only errors" from "nothing" by it."""
    with suppress(Conflict):  # a sealed row never changes
        stores.table.write(
            Update(
                keys.window_register(upload.service, window, school),
                set={"tried": upload.upload_id, "school": school},
                require={"frozen_at": ABSENT},
            )
        )


def park_upload(stores: Stores, key: str) -> bool:
    """Parks the upload that an object belongs to, after it killed the rescue function too. False if it is no more."""
    found = parse_upload_key(key)
    item = stores.table.get(keys.upload(found[1])) if found else None
    if item is None:
        return False
    upload = upload_from_item(item)
    try:
        stores.table.write(verdicts.park(upload, load_service(upload.service)))
    except Conflict:
        return False  # judged after all, or deleted
    return True
