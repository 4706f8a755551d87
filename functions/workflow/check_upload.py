"""Checking one uploaded file, from the object to the verdict (DESIGN 3, 5 and 7).

It decides which object counts, which window it belongs to, whose it is and what is wrong with it. Each step may be
repeated. The verdict in the records bucket is written once, and decides: a check that runs twice comes to the same
outcome, even if the roster was replaced in between.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from adapters.errors import Conflict, NotThere
from adapters.lookups import calendar_for, record_unattributed
from adapters.objects import Version, written_once
from adapters.rosters import current_roster, roster_of_version, user_of
from adapters.settings import deployed_service
from adapters.stores import Stores
from early_results import keys
from early_results.canonical import canonical, sha256
from early_results.checking.check import Verdict, judge
from early_results.checking.mark import Repair
from early_results.checking.roster import Roster
from early_results.checking.submission import Submission, read_submission
from early_results.counting import verdicts
from early_results.counting.calendar import Calendar
from early_results.counting.uploads import Held, Status, Upload, upload_from_item
from early_results.counting.verdict_record import VerdictRecord, count_by_code, read_verdict
from early_results.findings import Code, Finding
from early_results.object_keys import extract_key, findings_key, parse_upload_key, verdict_key
from early_results.reporting.summary import Summary, summarise
from early_results.results import PupilResults, extract_json, results_from_extract
from early_results.service import Service, with_ruleset
from early_results.times import cut
from early_results.writes import ABSENT, PRESENT, Update
from workflow.adopt_object import adopt
from workflow.delete_upload import purge_again


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
    """A verdict and everything it was reached from. `service` has the rules that reached it.

    `verdict` is the one on the contents, None where they were not looked at; `summary` that of an accepted file.
    """

    service: Service
    verdict: Verdict | None
    findings: tuple[Finding, ...]
    window: int | None
    sha256: str
    calendar_version: int
    roster_version: str | None = None
    template_roster_version: str | None = None
    allowed_by: str | None = None
    summary: Summary | None = None
    repairs: tuple[Repair, ...] = ()
    corrected_from: str | None = None

    @classmethod
    def unread(cls, service: Service, why: Finding, window: int | None, digest: str, calendar: Calendar) -> Judged:
        """A file that is refused for one reason, without a look at its contents."""
        return cls(service, None, (why,), window, digest, calendar.version)

    @property
    def accepted(self) -> bool:
        return self.verdict is not None and self.verdict.accepted


class JudgedContents(NamedTuple):
    """The verdict on a file's contents, and the rosters that it was reached with."""

    verdict: Verdict
    roster: Roster | None = None
    template_roster: Roster | None = None


class JudgedAgain(NamedTuple):
    """A judged file read once more, its verdict, and the rosters that it was reached with."""

    submission: Submission
    verdict: Verdict
    roster: Roster | None
    template_roster: Roster | None


class PinnedRoster(NamedTuple):
    """The roster that an earlier verdict was reached with. None: there was none, and one that came since is not it."""

    version: str | None


def check_object(stores: Stores, key: str, version: str | None, now: datetime) -> Checked:
    """Checks the upload that an object belongs to. `version` is the one the event names, None if it names none."""
    found = parse_upload_key(key)
    item = stores.table.get(keys.upload(found.upload_id)) if found else None
    if item is not None and found is not None and item["service"] == found.service:
        upload = upload_from_item(item)
        if upload.status is Status.DELETED:
            purge_again(stores, upload)
            return Checked.DELETED
        return _check_upload(stores, upload, version)
    oldest = stores.uploads.oldest(key)
    if oldest is None:
        return Checked.GONE
    adopted = adopt(stores, oldest)
    if adopted is not None:
        return _check_upload(stores, adopted, version)
    record_unattributed(stores, oldest, now)
    return Checked.UNATTRIBUTED


def _check_upload(stores: Stores, upload: Upload, version: str | None) -> Checked:
    oldest = stores.uploads.oldest(upload.object_key)
    if oldest is None:
        return Checked.GONE
    if version and version != oldest.version:
        stores.table.write(Update(upload.key, add={"replays": frozenset({version})}, require={"status": PRESENT}))
    if upload.judged:
        return Checked.ALREADY_JUDGED
    try:
        stores.table.write(verdicts.begin_checking(upload, oldest.received, oldest.version))
        return _judge_and_record(stores, upload, oldest)
    except Conflict:
        item = stores.table.get(upload.key)
        there = upload_from_item(item) if item else upload
        if there.status is Status.DELETED:
            purge_again(stores, there)  # a deletion was quicker: what this check wrote must not outlive the file
            return Checked.DELETED
        if there.judged:
            # the check of another message about this object was quicker: its verdict stands
            return Checked.ALREADY_JUDGED
        raise  # another write was in the way, and there is no verdict: SQS sends the message again


def _judge_and_record(stores: Stores, upload: Upload, version: Version) -> Checked:
    service = deployed_service(upload.service)
    key = verdict_key(upload.service, upload.upload_id)
    data = _read(stores, version)
    judged = _judge(stores, upload, service, version, data, None)
    record = _verdict_record(upload, version, judged)
    earlier = read_verdict(written_once(stores.records, key, record.to_bytes()))
    if earlier != record:
        # A check that died wrote this verdict. Its rules, roster, calendar and object count, whatever is in force by
        # now.
        service = with_ruleset(service, earlier.ruleset)
        if earlier.version != version.version:
            # S3 has shown an older version since that check. The version that was judged first counts.
            version = Version(version.key, earlier.version, earlier.received, earlier.size)
            data = _read(stores, version)
        judged = _judge(stores, upload, service, version, data, earlier)
        record = _verdict_record(upload, version, judged)
        if not record.agrees_with(earlier):
            raise VerdictDiffersError(upload.upload_id)
    _record(stores, upload, judged, record)
    return Checked.ACCEPTED if judged.accepted else Checked.REFUSED


def _read(stores: Stores, version: Version) -> bytes:
    return stores.uploads.get(version.key, version.version, stores.settings.max_upload_bytes + 1)


def _judge(
    stores: Stores, upload: Upload, service: Service, version: Version, data: bytes, pinned: VerdictRecord | None
) -> Judged:
    """Judges a file as things are now, or with the roster, calendar and authority that an earlier verdict `pinned`."""
    digest = sha256(data)
    calendar = calendar_for(stores, service, version.received)
    window = calendar.window_of(version.received)
    number = window.number if window else None
    if pinned:
        number = pinned.window
        if Code.COULD_NOT_PROCESS in pinned.findings:
            ours = verdicts.could_not_process(service)  # an operator closed it
            return Judged.unread(service, ours, number, digest, calendar)
    if number is None:
        late = verdicts.window_closed(calendar, version.received)
        return Judged.unread(service, late, None, digest, calendar)
    if len(data) > stores.settings.max_upload_bytes:
        huge = verdicts.too_large(version.size, stores.settings.max_upload_bytes)
        return Judged.unread(service, huge, number, digest, calendar)
    submission = read_submission(data, service)
    if pinned:
        allowed = frozenset({pinned.school_allowed} if pinned.school_allowed else ())
    else:
        user = user_of(stores, upload.user)
        allowed = user.schools if user and user.may_upload() else frozenset()
        if submission.nil and stores.table.get(keys.listed_school(str(submission.school))) is None:
            # A freeze seals only schools that are listed. No pupil list has listed this one.
            allowed = frozenset()
    roster = PinnedRoster(pinned.roster_version) if pinned else None
    judged = _judge_contents(stores, upload, service, submission, allowed, roster)
    verdict = judged.verdict
    return Judged(
        service,
        verdict,
        verdict.findings,
        number,
        digest,
        calendar.version,
        roster_version=judged.roster.version if judged.roster else None,
        template_roster_version=judged.template_roster.version if judged.template_roster else None,
        allowed_by=upload.organisation if verdict.school in allowed else None,
        summary=summarise(service, verdict.results) if verdict.accepted else None,
        repairs=submission.mark.repairs if submission.mark and verdict.school in allowed else (),
        corrected_from=_corrected_from(stores, upload, submission) if verdict.school in allowed else None,
    )


def _corrected_from(stores: Stores, upload: Upload, submission: Submission) -> str | None:
    """The upload that a file says it was corrected from; None if it says none, or not one of its own school's."""
    first = submission.mark.corrected_from if submission.mark else ""
    item = stores.table.get(keys.upload(first)) if first else None
    if item is None or (item["service"], item.get("school")) != (upload.service, submission.school):
        return None  # anybody can write into a workbook
    return first


def _judge_contents(
    stores: Stores,
    upload: Upload,
    service: Service,
    submission: Submission,
    allowed: frozenset[str],
    pinned: PinnedRoster | None,
) -> JudgedContents:
    """Judges by the school's roster as it is now, or by the one that an earlier verdict `pinned`."""
    school = submission.school
    if school is None or school not in allowed:
        # First it is decided whose file it is: a stranger must learn nothing from the school's roster.
        return JudgedContents(judge(submission, service, allowed_schools=allowed, roster=None))
    if pinned is None:
        roster = current_roster(stores, service.name, school)
    elif pinned.version:
        roster = roster_of_version(stores, service.name, school, pinned.version)
    else:
        roster = None  # the earlier check had no roster; one that has come since must not change the verdict
    claimed = submission.template_roster_version
    template = None
    if claimed and roster and claimed != roster.version:
        template = roster_of_version(stores, service.name, school, claimed)
    verdict = judge(
        submission,
        service,
        allowed_schools=allowed,
        roster=roster,
        template_roster=template,
        previous=last_good_results(stores, service.name, school, upload.upload_id),
    )
    return JudgedContents(verdict, roster, template)


def judge_again(stores: Stores, upload: Upload) -> JudgedAgain | None:
    """The verdict of a judged file once more, with the roster it was reached with: for the annotated workbook.

    None where no verdict was reached on the contents: the file came outside every window, or is gone.
    """
    if upload.version is None or upload.window is None:
        return None
    service = deployed_service(upload.service)
    if upload.ruleset:
        service = with_ruleset(service, upload.ruleset)  # the rules that judged the file, since the findings are theirs
    submission = read_submission(stores.uploads.get(upload.object_key, upload.version), service)
    allowed = frozenset({upload.school} if upload.school else ())
    judged = _judge_contents(stores, upload, service, submission, allowed, PinnedRoster(upload.roster_version))
    return JudgedAgain(submission, *judged)


def last_good_results(stores: Stores, service: str, school: str, but: str) -> tuple[PupilResults, ...] | None:
    """The results of the school's present good file, or None if it has none (or only this one)."""
    register = stores.table.get(keys.current_register(service, school))
    if register is None or "upload_id" not in register or register["upload_id"] == but:
        return None
    try:
        return results_from_extract(stores.results.get(extract_key(service, register["upload_id"])))
    except NotThere:
        return None  # the file was deleted since


def _verdict_record(upload: Upload, version: Version, judged: Judged) -> VerdictRecord:
    verdict = judged.verdict
    return VerdictRecord(
        upload_id=upload.upload_id,
        service=upload.service,
        user=upload.user,
        organisation=upload.organisation,
        allowed_by=judged.allowed_by,
        school=verdict.school if verdict else None,
        accepted=judged.accepted,
        window=judged.window,
        calendar_version=judged.calendar_version,
        received=cut(version.received),
        object_key=version.key,
        version=version.version,
        size=version.size,
        sha256=judged.sha256,
        roster_version=judged.roster_version,
        template_roster_version=judged.template_roster_version,
        ruleset=judged.service.ruleset,
        pupils=verdict.pupils if verdict else 0,
        findings=count_by_code(judged.findings),
        figures_sha256=judged.summary.sha256 if judged.summary else None,
    )


def _record(stores: Stores, upload: Upload, judged: Judged, record: VerdictRecord) -> None:
    """Writes the findings, the extract and the record of a verdict; the offer itself is the supersede function's."""
    verdict, service = judged.verdict, judged.service
    stores.results.put(
        findings_key(service.name, upload.upload_id, "json"),
        canonical([finding.to_json() for finding in judged.findings]),
        "application/json",
    )
    if verdict and judged.accepted:
        extract = extract_json(verdict.results).encode()
        stores.results.put(extract_key(service.name, upload.upload_id), extract, "application/json")
    writes = verdicts.record_verdict(
        upload,
        record,
        judged.findings,
        changes=verdict.changes.to_json(service) if verdict and verdict.changes else None,
        summary=canonical(judged.summary.to_json()).decode() if judged.summary else None,
        repairs=[repair._asdict() for repair in judged.repairs],
        corrected_from=judged.corrected_from,
    )
    stores.table.write(writes)
    if record.school_allowed and record.window and not record.accepted:
        _note_attempt(stores, upload, record.school_allowed, record.window)


def _note_attempt(stores: Stores, upload: Upload, school: str, window: int) -> None:
    """Notes beside a school's register that it tried: the deadline board tells "only errors" from "nothing" by it."""
    key = keys.window_register(upload.service, window, school)
    note = Update(key, set={"tried": upload.upload_id, "school": school}, require={"frozen_at": ABSENT})
    try:
        stores.table.write(note)
    except Conflict:
        with suppress(Conflict):  # the row was sealed, or the school's other file was noted at the same moment
            stores.table.write(note)


def note_rescue(stores: Stores, key: str, attempt: str) -> int:
    """Notes an attempt of the rescue function before it is made, and gives how many there have been, this one included.

    The table keeps the count. SQS counts receives too, but implementations differ: when a message becomes a dead
    letter, AWS goes on counting, and others begin again at one.
    """
    found = parse_upload_key(key)
    if found is None:
        return 1
    try:
        stores.table.write(
            Update(keys.upload(found.upload_id), add={"rescues": frozenset({attempt})}, require={"status": PRESENT})
        )
    except Conflict:
        return 1  # there is no such upload; the check records the object as unattributed
    return len((stores.table.get(keys.upload(found.upload_id)) or {}).get("rescues", ()))


def park_upload(stores: Stores, key: str) -> bool:
    """Parks the upload that an object belongs to, after it killed the rescue function too. False if it is no more."""
    found = parse_upload_key(key)
    while found:
        item = stores.table.get(keys.upload(found.upload_id))
        upload = upload_from_item(item) if item else None
        if upload is None or upload.judged:
            return False  # the upload was judged after all, or deleted
        try:
            stores.table.write(verdicts.park(upload, deployed_service(upload.service)))
        except Conflict:
            continue
        return True
    return False


def close_upload(stores: Stores, upload_id: str) -> bool:
    """Closes a parked upload as an upload error, at an operator's word, so that its window waits no longer.

    The evidence is written first. False if the upload is not parked. False too if a check wrote a verdict before it
    died: that verdict stands, and the upload must be tried again.
    """
    item = stores.table.get(keys.upload(upload_id))
    upload = upload_from_item(item) if item else None
    oldest = stores.uploads.oldest(upload.object_key) if upload else None
    if upload is None or oldest is None or upload.held != Held.PARKED or upload.status is Status.DELETED:
        return False
    service = deployed_service(upload.service)
    calendar = calendar_for(stores, service, oldest.received)
    window = calendar.window_of(oldest.received)
    ours = verdicts.could_not_process(service)
    digest = sha256(_read(stores, oldest))
    judged = Judged.unread(service, ours, window.number if window else None, digest, calendar)
    key = verdict_key(upload.service, upload_id)
    mine = _verdict_record(upload, oldest, judged)
    record = read_verdict(written_once(stores.records, key, mine.to_bytes()))
    if Code.COULD_NOT_PROCESS not in record.findings:
        return False
    stores.table.write(verdicts.close_parked(upload, record))
    return True
