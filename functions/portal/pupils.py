"""Whom an upload's findings and changes are about: read from the file that is kept, for who may see its pupils.

Nothing of it is stored in the table, and no log has an answer's body (decision 0064).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, cast

from adapters.errors import NotThere
from adapters.stores import Stores
from early_results.access import User, may_read_pupils
from early_results.checking.changes import what_changed
from early_results.checking.pupils import Concerned, FromTo, concerned, from_to
from early_results.counting.uploads import Status, Upload, upload_from_item
from early_results.findings import Finding, finding_from_json
from early_results.object_keys import extract_key
from early_results.results import PupilResults, results_from_extract
from early_results.service import load_service
from workflow.check_upload import judge_again

from . import problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from . import answers  # 6 ms of a cold start; only the contract reads what is in it

_TRIED = 5  # good files before this one that may be the one it was compared with


def describe_pupils(stores: Stores, user: User, upload: Upload) -> answers.UploadPupils:
    """The pupils and values of the findings that an upload shows, and of what it changed. Problem (403)."""
    if not may_read_pupils(user, upload):
        raise problems.forbidden("Only those who act for the school see its pupils.")
    shown = [finding_from_json(finding) for finding in upload.findings]
    found = concerned_in(stores, upload, shown) if shown else []
    changed = _changed(stores, upload)
    return {
        "findings": [cast("answers.FindingOfPupil", one.to_json()) for one in found],
        "changes": None if changed is None else [cast("answers.FromTo", one.to_json()) for one in changed],
    }


def concerned_in(stores: Stores, upload: Upload, findings: Sequence[Finding]) -> list[Concerned]:
    """Findings of an upload with the pupils and values that they are about, as far as its file can be read."""
    again = judge_again(stores, upload)
    if again is None:
        return [Concerned(finding) for finding in findings]
    service = load_service(upload.service)
    return concerned(findings, again.submission, service, again.roster, again.template_roster)


def _changed(stores: Stores, upload: Upload) -> list[FromTo] | None:
    """What changed, result by result. None if nothing was compared, or if what it was compared with is gone.

    The record does not name the file before. The one that gives the very counts and rows that were recorded is it: a
    file deleted since gives none, and then nothing is said.
    """
    if upload.changes is None:
        return None
    current = _results(stores, upload)
    service = load_service(upload.service)
    if current is None:
        return None
    for earlier in islice(_good_before(stores, upload), _TRIED):
        previous = _results(stores, earlier)
        if previous is None:
            continue
        changes = what_changed(previous, current, service)
        if changes.to_json(service) == upload.changes:
            return from_to(changes, previous, current, service)
    return None


def _good_before(stores: Stores, upload: Upload) -> Iterator[Upload]:
    """The good files of an upload's school and service that were issued before it, the newest first."""
    rows = stores.table.query(f"SCHOOL#{upload.school}", index="by_school", before=upload.upload_id, newest_first=True)
    for earlier in map(upload_from_item, rows):
        if earlier.service == upload.service and earlier.status in (Status.SUCCESSFUL, Status.OVERWRITTEN):
            yield earlier


def _results(stores: Stores, upload: Upload) -> tuple[PupilResults, ...] | None:
    try:
        return results_from_extract(stores.results.get(extract_key(upload.service, upload.upload_id)))
    except NotThere:
        return None
