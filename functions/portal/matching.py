"""Matching an export of a school's own system to the template's columns (decision 0043).

The export comes in the request, is read, and is forgotten with the answer: it is kept nowhere. What is kept, by school,
is which headings were matched, and which words were taken for codes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from adapters.lookups import calendar_now
from adapters.rosters import current_roster
from adapters.stores import Stores
from early_results import keys
from early_results.access import User
from early_results.checking import matching, messages
from early_results.checking.mark import LONGEST_WORD, MOST_REPAIRS
from early_results.checking.matching import Export, Matched, NotMatched
from early_results.checking.roster import Roster, british_date
from early_results.service import Service
from early_results.times import to_text
from early_results.workbook import Unreadable, Value
from early_results.writes import Put

from . import problems
from .limits import MOST_LEFT_OUT
from .requests import MatchRequest
from .services import no_pupil_list, school_acted_for

if TYPE_CHECKING:
    from . import answers  # 6 ms of a cold start; only the contract reads what is in it

LONGEST_SHOWN = 120  # characters of a heading or a value


def propose(stores: Stores, user: User, service: Service, request: MatchRequest) -> answers.Match:
    """How an export would be read: with the columns that the request names, or else with those that the school matched
    before, or else with those whose headings fit. Nothing is written."""
    school, roster = _whose(stores, user, service, request)
    export = _export(request)
    kept = stores.table.get(keys.match(service.name, school)) or {}
    remembered = matching.recall(export, kept.get("columns", {}))
    if request.columns is not None:
        columns = _columns(request.columns, export, service)
    else:
        columns = {**matching.propose(export, service), **remembered}
    said = {(one["column"], one["word"].casefold()): one["code"] for one in kept.get("repairs", [])}
    if request.repairs is not None:
        said = _codes(request)
    return describe_match(service, roster, export, columns, said, remembered=bool(remembered))


def describe_match(
    service: Service,
    roster: Roster,
    export: Export,
    columns: dict[str, int],
    said: matching.Codes,
    *,
    remembered: bool,
) -> answers.Match:
    """How an export is read with these columns, and with what was `said` of its words."""
    matched = _matched(export, columns, said, service, roster)
    return {
        "school": roster.school,
        "remembered": remembered,
        "headings": [{"column": at, "heading": text[:LONGEST_SHOWN]} for at, text in sorted(export.headings.items())],
        "wanted": [{"key": column.key, "heading": column.heading} for column in matching.wanted(service)],
        "columns": columns,
        "rows": [
            {"row": row, "cells": {key: _shown(value) for key, value in cells.items()}}
            for row, cells in (matched.rows if matched else {}).items()
        ],
        "repairs": [
            {
                "column": repair.column,
                "word": repair.word,
                "code": repair.code,
                "said": said.get((repair.column, repair.word.casefold()), ""),
                "codes": list(service.column(repair.column).codes),
            }
            for repair in matching.repairs(export, columns, service)
        ],
        "pupils": len(roster.pupils),
        "found": sum(map(bool, matched.results.values())) if matched else 0,
        "unknown": list(matched.unknown[:MOST_LEFT_OUT]) if matched else [],
        "repeated": list(matched.repeated[:MOST_LEFT_OUT]) if matched else [],
    }


def build(stores: Stores, user: User, service: Service, request: MatchRequest, now: datetime) -> tuple[str, bytes]:
    """File name and bytes of the template workbook with an export's results, to be uploaded like any other. The match
    is remembered for the school."""
    school, roster = _whose(stores, user, service, request)
    export = _export(request)
    columns = _columns(request.columns or {}, export, service)
    try:
        matched = matching.apply_match(export, columns, _codes(request), service, roster)
    except NotMatched as error:
        raise problems.not_matched(str(error)) from None
    deadlines = [messages.deadline(window) for window in calendar_now(stores, service).windows]
    from adapters.templates import template_workbook  # openpyxl: for this one download, not for every page

    data = template_workbook(
        service, roster, now, deadlines=deadlines, results=matched.results, repairs=matched.repaired
    )
    kept = {
        "columns": {key: export.headings[at] for key, at in columns.items()},
        "repairs": [repair._asdict() for repair in matched.repaired if len(repair.word) <= LONGEST_WORD][:MOST_REPAIRS],
        "by": user.sub,
        "at": to_text(now),
    }
    stores.table.write(Put(keys.match(service.name, school), kept))
    return f"{service.year}{service.short_title}-{school}-matched.xlsx", data


def _whose(stores: Stores, user: User, service: Service, request: MatchRequest) -> tuple[str, Roster]:
    if not user.may_upload():
        raise problems.forbidden("Only administrators of a school or of a trust upload files.")
    school = school_acted_for(user, request.school)
    roster = current_roster(stores, service.name, school)
    if roster is None:
        raise no_pupil_list(service)
    return school, roster


def _export(request: MatchRequest) -> Export:
    """The export in the request. Problem (400, 422) that quotes nothing of it."""
    try:
        data = base64.b64decode(request.file, validate=True)
    except (binascii.Error, ValueError):
        raise problems.bad_request("The file must be given in base64.") from None
    try:
        return matching.read_export(data)
    except (NotMatched, Unreadable) as error:
        raise problems.not_matched(str(error)) from None


def _columns(given: Mapping[str, int], export: Export, service: Service) -> dict[str, int]:
    """The columns that the request names. Problem (400) for one that either side does not have."""
    ours = {column.key for column in matching.wanted(service)}
    if not set(given) <= ours or not set(given.values()) <= set(export.headings):
        raise problems.bad_request("A column is named that the template or the file does not have.")
    return dict(given)


def _codes(request: MatchRequest) -> dict[tuple[str, str], str]:
    return {(said.column, said.word.casefold()): said.code for said in request.repairs or ()}


def _matched(
    export: Export, columns: Mapping[str, int], codes: matching.Codes, service: Service, roster: Roster
) -> Matched | None:
    """What the export comes to so far; None while too few columns are matched."""
    try:
        return matching.apply_match(export, columns, codes, service, roster)
    except NotMatched:
        return None


def _shown(value: Value) -> str:
    """A value of the export as the preview shows it."""
    if isinstance(value, datetime | date):
        return british_date(value)
    if isinstance(value, time):
        return value.isoformat("minutes")
    return str(value)[:LONGEST_SHOWN]
