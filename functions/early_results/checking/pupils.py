"""Whom a finding is about, and what its cell holds: for who may see the school's pupils, and kept in no record.

A finding says where. This reads the rest from the file itself, each time it is asked: the record in the table stays
without pupils, and a deleted file takes their names with it.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, NamedTuple

from early_results.checking.cells import is_blank, upn_of
from early_results.checking.roster import british_date
from early_results.findings import Code, Finding
from early_results.workbook import ErrorValue, Uncalculated, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from early_results.checking.changes import Changes
    from early_results.checking.roster import Roster
    from early_results.checking.submission import Cells, Submission
    from early_results.results import Pupil, PupilResults
    from early_results.service import Service

LONGEST_VALUE = 120  # characters of a cell that are told
NOT_CALCULATED = "a formula whose value is not in the file"
# What is wrong is that the pupil or a result is there or not; what the cell holds would explain nothing.
_NOT_OF_A_VALUE = frozenset({Code.RESULTS_REMOVED, Code.PUPIL_LEFT, Code.PUPIL_REPEATED, Code.ASSESSMENT_MISSING})
_OF_SEVERAL = frozenset({Code.PUPIL_MISSING, Code.PUPIL_JOINED})


class Named(NamedTuple):
    """A pupil as people know them: as the school's list has them, or else as the file has."""

    upn: str
    forename: str
    surname: str

    @property
    def name(self) -> str:
        return f"{self.forename} {self.surname}".strip()


class Concerned(NamedTuple):
    """A finding with what it is about: one pupil and the value of the cell, or several pupils who are not there."""

    finding: Finding
    pupil: Named | None = None
    value: str | None = None
    pupils: tuple[Named, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The finding as the API gives it, and beside it what is known of `pupil`, `value` and `pupils`."""
        more: dict[str, Any] = {}
        if self.pupil:
            more["pupil"] = self.pupil._asdict()
        if self.value is not None:
            more["value"] = self.value
        if self.pupils:
            more["pupils"] = [pupil._asdict() for pupil in self.pupils]
        return {**self.finding.to_json(), **more}


class FromTo(NamedTuple):
    """One result that differs from the school's last good file; `row` is the new file's, None if it has none."""

    pupil: Named
    row: int | None
    column: str
    before: str
    after: str

    def to_json(self) -> dict[str, Any]:
        """For the API; the column by its heading, a result that is not there as an empty text."""
        return {**self._asdict(), "pupil": self.pupil._asdict()}


def concerned(
    findings: Iterable[Finding],
    submission: Submission,
    service: Service,
    roster: Roster | None,
    template_roster: Roster | None,
) -> list[Concerned]:
    """The findings of a file with the pupils and values that they are about.

    `roster` is the one that the file was judged by, None where it is not the asker's school's; `template_roster` is the
    one that the template was made from, None if that is the same.
    """
    rows = dict(submission.rows)
    columns = submission.columns or {}
    at = {column.heading: columns.get(column.key, 0) for column in service.columns}
    known = {pupil.upn: pupil for pupil in roster.pupils} if roster else {}
    found = []
    for finding in findings:
        cells = rows.get(finding.row or 0)
        if finding.code in _OF_SEVERAL:
            found.append(Concerned(finding, pupils=_not_there(finding.code, submission, roster, template_roster)))
        elif finding.code is Code.WRONG_SCHOOL:
            found.append(Concerned(finding, value=submission.school or ""))
        elif cells is None:
            found.append(Concerned(finding))
        else:
            value = None if finding.code in _NOT_OF_A_VALUE else shown(cells.get(at.get(finding.column or "", 0)))
            found.append(Concerned(finding, whose(cells, columns, known), value))
    return found


def whose(cells: Cells, columns: Mapping[str, int], known: Mapping[str, Pupil]) -> Named | None:
    """The pupil of a row, as the list or else the row itself names them. None where nobody is named."""
    upn = upn_of(cells.get(columns.get("upn", 0)))
    pupil = known.get(upn)
    if pupil is not None:
        return named(pupil)
    forename, surname = (_text(cells.get(columns.get(key, 0))) for key in ("forename", "surname"))
    return Named(upn[:LONGEST_VALUE], forename, surname) if upn or forename or surname else None


def named(pupil: Pupil) -> Named:
    """A pupil of the school's list."""
    return Named(pupil.upn, pupil.forename, pupil.surname)


def shown(value: Value | None) -> str:
    """What a cell holds, as a person sees it in Excel; "" if it is blank."""
    if isinstance(value, Uncalculated):
        return NOT_CALCULATED
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime | date):
        return british_date(value)
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if is_blank(value) else str(value)[:LONGEST_VALUE]


def _text(value: Value | None) -> str:
    return shown(value) if isinstance(value, str) and not isinstance(value, ErrorValue) else ""


def _not_there(
    code: Code, submission: Submission, roster: Roster | None, template_roster: Roster | None
) -> tuple[Named, ...]:
    """The pupils of the list who are not in the file: those whom its template had, or those who joined since."""
    if roster is None:
        return ()
    at = (submission.columns or {}).get("upn", 0)
    there = {upn_of(cells.get(at)) for _, cells in submission.rows} | submission.elsewhere
    on_template = {pupil.upn for pupil in (template_roster or roster).pupils}
    wanted = code is Code.PUPIL_MISSING
    return tuple(
        named(pupil) for pupil in roster.pupils if pupil.upn not in there and (pupil.upn in on_template) is wanted
    )


def from_to(
    changes: Changes, previous: Sequence[PupilResults], current: Sequence[PupilResults], service: Service
) -> list[FromTo]:
    """Every result that differs between two files, by pupil, column and cell: what it was and what it is."""
    before = {entry.pupil.upn: entry for entry in previous}
    after = {entry.pupil.upn: entry for entry in current}
    headings = {column.key: column.heading for column in service.columns}

    def result(entry: PupilResults | None, key: str) -> str:
        return str(entry.assessments.get(key) or entry.scores.get(key, "")) if entry else ""

    return [
        FromTo(
            named((after.get(change.upn) or before[change.upn]).pupil),
            change.row,
            headings[change.column],
            result(before.get(change.upn), change.column),
            result(after.get(change.upn), change.column),
        )
        for change in changes.cells
    ]
