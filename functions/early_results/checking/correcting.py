"""Correcting a file's results without Excel: which cells can be, and what the file's results are then.

Only the result cells in which a check found an error can be given, and those of pupils who are not in the file. All
else of the new workbook is the template's, or is in the file as it is. Where an error is anywhere else, nothing can be
corrected so: a workbook made of the rest would lose rows or columns in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from early_results.checking import messages
from early_results.checking.cells import is_blank, result_of, upn_of
from early_results.checking.pupils import Named, named, shown
from early_results.findings import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from early_results.checking.check import Verdict
    from early_results.checking.roster import Roster
    from early_results.checking.submission import Submission
    from early_results.findings import Finding
    from early_results.results import Pupil
    from early_results.service import Column, Service
    from early_results.workbook import Value

_IN_A_CELL = frozenset({Code.CODE_NOT_ACCEPTED, Code.SCALED_SCORE_RANGE, Code.CELL_ERROR, Code.FORMULA_NOT_CALCULATED})
# Errors that a new template is without, whatever is entered in it.
_PUT_RIGHT = frozenset({Code.PUPIL_MISSING, Code.ROW_NOT_A_PUPIL})
# Details of a pupil whom the list knows are the list's in a new template.
_OF_DETAILS = frozenset({Code.MIXED_SCHOOLS, Code.CELL_ERROR, Code.FORMULA_NOT_CALCULATED})


class NotCorrected(ValueError):
    """Something cannot be corrected so; the message says why, in the user's words, and quotes no value."""


class Place(NamedTuple):
    """A pupil's result: UPN, and the key of a column."""

    upn: str
    column: str


class BadCell(NamedTuple):
    """A result cell with an error: whose, on which row, in which column (by key), what it holds, what is wrong."""

    pupil: Named
    row: int
    column: str
    value: str
    message: str

    @property
    def place(self) -> Place:
        return Place(self.pupil.upn, self.column)


class Correctable(NamedTuple):
    """What can be corrected of a file: its bad cells in row order, and the pupils who are not in it.

    `put_right` are the errors that a new template is without. `elsewhere` are those that cannot be corrected so: while
    there is one, nothing can.
    """

    cells: tuple[BadCell, ...]
    missing: tuple[Named, ...]
    put_right: tuple[Finding, ...]
    elsewhere: tuple[Finding, ...]

    @property
    def places(self) -> frozenset[Place]:
        return frozenset(cell.place for cell in self.cells)


def correctable(submission: Submission, verdict: Verdict, service: Service, roster: Roster) -> Correctable:
    """What can be corrected of a file, by the school's list as it is now. `verdict` is the one by that list."""
    known = {pupil.upn: pupil for pupil in roster.pupils}
    rows = _rows_of_pupils(submission, known)
    columns = {column.heading: column for column in service.columns}
    cells: list[BadCell] = []
    put_right: list[Finding] = []
    elsewhere: list[Finding] = []
    for finding in verdict.errors:
        column = columns.get(finding.column or "")
        pupil = rows.get(finding.row or 0)
        if finding.code in _PUT_RIGHT or (finding.code is Code.UNKNOWN_COLUMN and not _lacks_columns(verdict)):
            put_right.append(finding)
        elif pupil is None or column is None:
            elsewhere.append(finding)
        elif column.kind == "identity":
            (put_right if finding.code in _OF_DETAILS else elsewhere).append(finding)
        elif finding.code in _IN_A_CELL:
            value = dict(submission.rows)[finding.row or 0].get((submission.columns or {})[column.key])
            cells.append(BadCell(named(pupil), finding.row or 0, column.key, shown(value), finding.message))
        else:
            elsewhere.append(finding)
    there = {pupil.upn for pupil in rows.values()}
    missing = tuple(named(pupil) for pupil in roster.pupils if pupil.upn not in there)
    return Correctable(tuple(cells), missing, tuple(put_right), tuple(elsewhere))


def corrected(
    submission: Submission,
    service: Service,
    roster: Roster,
    found: Correctable,
    given: Mapping[Place, str],
) -> dict[str, dict[str, Value]]:
    """The results of a file, by UPN and column key, with what was given in place of its bad cells; "" is a blank.

    NotCorrected if a place may not be given, if a bad cell is not, or if a value is no result of its column.
    """
    if found.elsewhere:
        raise NotCorrected("Some errors of this file are not in its results. Please correct it in Excel.")
    known = {pupil.upn: pupil for pupil in roster.pupils}
    results: dict[str, dict[str, Value]] = {}
    at = [(column.key, (submission.columns or {}).get(column.key, 0)) for column in service.results]
    rows = dict(submission.rows)
    for row, pupil in _rows_of_pupils(submission, known).items():
        cells = rows[row]
        results[pupil.upn] = {key: cells[place] for key, place in at if not is_blank(cells.get(place))}
    columns = {column.key: column for column in service.results}
    missing = {pupil.upn for pupil in found.missing}
    for place, text in given.items():
        column = columns.get(place.column)
        if column is None or (place not in found.places and place.upn not in missing):
            raise NotCorrected("Only results in which there is an error can be corrected here.")
        mine = results.setdefault(place.upn, {})
        mine.pop(column.key, None)
        if not is_blank(text):
            mine[column.key] = _result(text, column)
    left = len(found.places - given.keys())
    if left:
        raise NotCorrected(f"{left} {'cell is' if left == 1 else 'cells are'} not corrected yet.")
    if not any(results.values()):
        raise NotCorrected(messages.no_results(service))
    return results


def _result(text: str, column: Column) -> str | int:
    found = result_of(text, column)
    if found is None:
        wrong = messages.scaled_score_range(column) if column.has_numbers else messages.code_not_accepted(column)
        raise NotCorrected(f"{column.heading}: {wrong}")
    return found


def _rows_of_pupils(submission: Submission, known: Mapping[str, Pupil]) -> dict[int, Pupil]:
    """The pupils of the list by the rows that name them; of several rows of one pupil the first."""
    at = (submission.columns or {}).get("upn", 0)
    found: dict[int, Pupil] = {}
    seen: set[str] = set()
    for row, cells in submission.rows:
        pupil = known.get(upn_of(cells.get(at)))
        if pupil is not None and pupil.upn not in seen:
            seen.add(pupil.upn)
            found[row] = pupil
    return found


def _lacks_columns(verdict: Verdict) -> bool:
    return any(finding.code is Code.MISSING_COLUMN for finding in verdict.errors)
