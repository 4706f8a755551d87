"""Correcting a file's results at the page: what can be corrected, and the new workbook (decision 0065).

The file is read again, by the school's list as it is now, and nothing is written. The workbook goes back to the
browser, which uploads it like any other: by one object, one hash and one verdict.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, cast

from adapters.lookups import calendar_now
from adapters.rosters import current_roster, roster_of_version
from adapters.settings import deployed_service
from adapters.stores import Stores
from early_results.access import User
from early_results.checking import correcting, messages
from early_results.checking.check import judge
from early_results.checking.correcting import Correctable, NotCorrected, Place
from early_results.checking.roster import Roster
from early_results.checking.submission import Submission, read_submission
from early_results.counting.uploads import Status, Upload
from early_results.service import Column, Service

from . import problems
from .requests import CorrectionsRequest
from .services import no_pupil_list
from .uploading import closed_words

if TYPE_CHECKING:
    from . import answers  # 6 ms of a cold start; only the contract reads what is in it


class _Read(NamedTuple):
    """A file with errors, read again, and what can be corrected of it by the school's list as it is now."""

    service: Service
    submission: Submission
    roster: Roster
    found: Correctable


def describe_corrections(stores: Stores, user: User, upload: Upload) -> answers.Corrections:
    """What can be corrected of an upload. Problem (403, 404, 422)."""
    read = _read(stores, user, upload)
    return describe_correctable(read.service, read.roster, read.found)


def describe_correctable(service: Service, roster: Roster, found: Correctable) -> answers.Corrections:
    """What can be corrected of a file, for the page."""
    return {
        "school": roster.school,
        "roster_version": roster.version,
        "columns": [_column(column) for column in service.results],
        "cells": [
            {
                "pupil": cast("answers.PupilNamed", cell.pupil._asdict()),
                "row": cell.row,
                "column": cell.column,
                "value": cell.value,
                "message": cell.message,
            }
            for cell in found.cells
        ],
        "missing": [cast("answers.PupilNamed", pupil._asdict()) for pupil in found.missing],
        "put_right": [cast("answers.Finding", finding.to_json()) for finding in found.put_right],
        "elsewhere": [cast("answers.Finding", finding.to_json()) for finding in found.elsewhere],
    }


def build_corrected(
    stores: Stores, user: User, upload: Upload, request: CorrectionsRequest, now: datetime
) -> tuple[str, bytes]:
    """File name and bytes of the template with an upload's results and the corrections. Problem (403, 404, 409, 422).

    Its mark names the upload that it was made from.
    """
    read = _read(stores, user, upload)
    service, roster = read.service, read.roster
    calendar = calendar_now(stores, service)
    if calendar.window_of(now) is None:
        raise problems.window_closed(closed_words(calendar, now))
    if request.roster_version != roster.version:
        raise problems.roster_changed(service.year_group)
    given = {Place(cell.upn, cell.column): cell.value for cell in request.cells}
    try:
        results = correcting.corrected(read.submission, service, roster, read.found, given)
    except NotCorrected as error:
        raise problems.not_corrected(str(error)) from None
    deadlines = [messages.deadline(window) for window in calendar.windows]
    from adapters.templates import template_workbook  # openpyxl: for this one download, not for every page

    mark = read.submission.mark
    data = template_workbook(
        service,
        roster,
        now,
        deadlines=deadlines,
        results=results,
        repairs=mark.repairs if mark else (),
        corrected_from=upload.upload_id,
    )
    return f"{service.year}{service.short_title}-{roster.school}-corrected.xlsx", data


def _read(stores: Stores, user: User, upload: Upload) -> _Read:
    if not user.may_upload() or upload.school is None or upload.school not in user.schools:
        raise problems.forbidden("Only those who act for a school correct its files.")
    if upload.status is not Status.UPLOAD_ERROR or upload.version is None:
        raise problems.not_corrected("This file has no errors that could be corrected.")
    service = deployed_service(upload.service)
    submission = read_submission(stores.uploads.get(upload.object_key, upload.version), service)
    roster = current_roster(stores, service.name, upload.school)
    if roster is None:
        raise no_pupil_list(service)
    claimed = submission.template_roster_version
    template = None
    if claimed and claimed != roster.version:
        template = roster_of_version(stores, service.name, upload.school, claimed)
    verdict = judge(submission, service, allowed_schools={upload.school}, roster=roster, template_roster=template)
    return _Read(service, submission, roster, correcting.correctable(submission, verdict, service, roster))


def _column(column: Column) -> answers.ColumnToCorrect:
    """A column with what it takes: codes, numbers in a range, or both."""
    takes: answers.ColumnToCorrect = {"key": column.key, "heading": column.heading, "codes": list(column.codes)}
    if column.has_numbers:
        takes["minimum"], takes["maximum"] = column.minimum, column.maximum
    return takes
