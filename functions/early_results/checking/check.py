"""The checks: is this submission good, and if not, what is wrong in which cell.

One pass over the rows. What is accepted in each column is worked out once per service, so that a good cell costs one
look-up in a dict; only a cell that is not found there is looked at closely, forgiven or told.
"""

from __future__ import annotations

from datetime import date, datetime, time
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from early_results.checking import messages
from early_results.checking.roster import TEMPLATE_FIRST_ROW
from early_results.checking.submission import (
    INVISIBLE,
    Cells,
    Submission,
    as_date,
    folded,
    is_blank,
    read_submission,
    school_number,
    upn_of,
)
from early_results.findings import Code, Finding, Severity, cell_reference
from early_results.results import Pupil, PupilResults
from early_results.workbook import ErrorValue, Value

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from early_results.checking.changes import Changes
    from early_results.checking.roster import Roster
    from early_results.service import Column, Service

__all__ = ["Submission", "Verdict", "judge", "read_submission"]

FEW_PUPILS = 3  # from this many on, "none of them is yours" is worth a finding of its own


class Verdict(NamedTuple):
    """What became of a submission.

    `errors` and `warnings` are each in order: about the file, then by row, then by column. `results` are those of the
    pupils that count, in the order of the file, and empty unless accepted. `pupils` is how many of the school's pupils
    the file holds; `changes` is against the last good file, None if there was none or this one is not accepted.
    """

    accepted: bool
    school: str | None
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    results: tuple[PupilResults, ...]
    pupils: int
    ruleset: str
    changes: Changes | None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Errors, then warnings."""
        return self.errors + self.warnings

    def to_json(self) -> dict[str, Any]:
        """The verdict as the command line prints it (DESIGN 9)."""
        return {
            "accepted": self.accepted,
            "errors": [finding.to_json() for finding in self.errors],
            "warnings": [finding.to_json() for finding in self.warnings],
            "pupils": self.pupils,
            "ruleset": self.ruleset,
        }


def judge(
    submission: Submission,
    service: Service,
    *,
    allowed_schools: Collection[str],
    roster: Roster | None,
    template_roster: Roster | None = None,
    previous: Sequence[PupilResults] | None = None,
) -> Verdict:
    """The verdict on a submission.

    `allowed_schools` are those the uploader may submit for, as it is now. `roster` is the current one of
    `submission.school`, None if we hold none; `template_roster` is the version that the submission's mark names, None
    if it names none that we hold. `previous` are the results of the school's last good file. Rosters of another school
    are not looked at. Authority over the school is decided before anything is compared with a roster.
    """
    school = submission.school
    if school is not None and school not in allowed_schools:
        school = None  # not the uploader's: no roster and no earlier file may tell them anything
    if school is None:
        previous = None
    if roster is None or roster.school != school:
        roster = template_roster = None
    elif template_roster is not None and (
        template_roster.school != school or template_roster.version != submission.template_roster_version
    ):
        template_roster = None
    notes = _Notes(service)
    notes.whole_file += [finding for finding in submission.findings if finding.cell is None]
    results: list[PupilResults] = []
    if submission.columns is not None:
        for finding in submission.findings:
            if finding.cell is not None:
                notes.cells.append((submission.heading_row, 0, finding))  # they come in the order of the columns
        results = _rows(notes, submission, submission.columns, service, roster, template_roster, previous or ())
        _school(notes, submission, submission.columns, service, allowed_schools)
        if school is not None and "upn" in submission.columns:
            _roster(notes, service, roster, template_roster)
        _results_at_all(notes, submission.columns, service)
    errors, warnings = notes.sorted()
    accepted = not errors
    changes = None
    if accepted and previous is not None:
        from early_results.checking.changes import (
            what_changed,  # 1 ms of a cold start, which a school's first file need not pay
        )

        changes = what_changed(previous, results, service)
    return Verdict(
        accepted=accepted,
        school=submission.school,
        errors=errors,
        warnings=warnings,
        results=tuple(results) if accepted else (),
        pupils=notes.pupils,
        ruleset=service.ruleset,
        changes=changes,
    )


class _Notes:
    """The findings as they come, and what is known about the rows as a whole, until all can be put in order."""

    __slots__ = ("cells", "first_row", "has_results", "headings", "matched", "pupils", "whole_file")

    def __init__(self, service: Service) -> None:
        self.headings = {column.key: column.heading for column in service.columns}
        self.pupils = 0
        self.whole_file: list[Finding] = []
        self.cells: list[tuple[int, int, Finding]] = []
        self.first_row: dict[str, int] = {}  # by UPN, of the pupils in the file
        self.matched = 0
        self.has_results = False

    def add(self, code: Code, message: str, row: int, column: int, key: str) -> None:
        finding = Finding(code, message, row, self.headings[key], cell_reference(row, column))
        self.cells.append((row, column, finding))

    def sorted(self) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        self.cells.sort(key=lambda noted: noted[:2])  # stable: two findings of one cell stay as they came
        every = self.whole_file + [noted[2] for noted in self.cells]
        return (
            tuple(f for f in every if f.severity is Severity.ERROR),
            tuple(f for f in every if f.severity is Severity.WARNING),
        )


def _rows(
    notes: _Notes,
    submission: Submission,
    columns: dict[str, int],
    service: Service,
    roster: Roster | None,
    template_roster: Roster | None,
    previous: Sequence[PupilResults],
) -> list[PupilResults]:
    """Judges every row; the results of the pupils that the roster knows."""
    known: dict[Value | None, Pupil] = {pupil.upn: pupil for pupil in roster.pupils} if roster else {}
    left = {pupil.upn for pupil in template_roster.pupils if pupil.upn not in known} if template_roster else set()
    had_results = {entry.pupil.upn for entry in previous if entry.assessments or entry.scores}
    upn_at = columns.get("upn", 0)  # 0 is no column: looking it up finds nothing
    school_at = columns.get("school", 0)
    right_school = _right_school(submission, school_at)
    prefilled = [(key, columns[key]) for key in _PREFILLED if key in columns]
    alike: set[tuple[str, Value | None, str | date | None]] = set()  # cell and roster values that turned out the same
    assessments = [(columns[c.key], _accepted_codes(c), c.key, c) for c in service.assessments if c.key in columns]
    scores = [(columns[c.key], _accepted_scores(c), c.key, c) for c in service.scores if c.key in columns]
    mismatches = _mismatches(service, columns)
    first_row = notes.first_row
    emptied: list[int] = []
    results: list[PupilResults] = []
    for row, cells in submission.rows:
        get = cells.get
        raw = get(upn_at)
        pupil = known.get(raw)
        upn = upn_of(raw) if pupil is None else pupil.upn
        if pupil is None:
            pupil = known.get(upn)
            if pupil is None:
                if upn in left:
                    notes.add(Code.PUPIL_LEFT, messages.pupil_left(service), row, upn_at, "upn")
                    continue
                _unknown_pupil(notes, service, row, raw, upn, columns, cells, roster)
        if upn:
            notes.pupils += 1
            if upn in first_row:
                notes.add(Code.PUPIL_REPEATED, messages.pupil_repeated(first_row[upn]), row, upn_at, "upn")
            else:
                first_row[upn] = row
        if school_at and get(school_at) not in right_school:
            _odd_school(notes, row, school_at, get(school_at), pupil)
        if pupil is not None:
            notes.matched += 1
            for key, position in prefilled:
                value = get(position)
                wanted = getattr(pupil, key)
                if value == wanted or (key, value, wanted) in alike:
                    continue
                if isinstance(value, datetime) and value.date() == wanted:
                    continue
                if _same(key, value, wanted):
                    alike.add((key, value, wanted))
                else:
                    _differs(notes, service, row, position, key, value)
        else:
            for key, position in prefilled:
                if isinstance(get(position), ErrorValue):
                    notes.add(Code.CELL_ERROR, messages.cell_error(), row, position, key)

        codes: dict[str, str] = {}
        points: dict[str, int] = {}
        blanks = []
        given = False
        for position, accepted_codes, key, column in assessments:
            value = get(position)
            code = accepted_codes.get(value)
            if code is None:
                if value is None or is_blank(value):
                    blanks.append((position, column))
                    continue
                code = _odd_assessment(notes, service, row, position, column, value)
                if code is None:
                    given = True
                    continue
            codes[key] = code
        if blanks and len(blanks) < len(assessments):
            for position, column in blanks:
                notes.add(Code.ASSESSMENT_MISSING, messages.assessment_missing(column), row, position, column.key)
        for position, accepted_scores, key, column in scores:
            value = get(position)
            score = accepted_scores.get(value)
            if score is None:
                if value is None or is_blank(value):
                    continue
                score = _odd_score(notes, service, row, position, column, value)
                if score is None:
                    given = True
                    continue
            points[key] = score
        for assessment, score_column, below in mismatches:
            limit = below.get(codes.get(assessment, ""))
            if limit is not None and points.get(score_column.key, limit) < limit:
                message = messages.assessment_score_mismatch(service, score_column)
                notes.add(Code.ASSESSMENT_SCORE_MISMATCH, message, row, columns[assessment], assessment)
        if codes or points or given:
            notes.has_results = True
        elif upn in had_results:
            emptied.append(row)
        if pupil is not None:
            results.append(PupilResults(pupil, row, codes, points))
    if notes.has_results:  # a file with no results at all is told so once
        for row in emptied:
            notes.add(Code.RESULTS_REMOVED, messages.results_removed(), row, upn_at, "upn")
    return results


def _school(
    notes: _Notes,
    submission: Submission,
    columns: dict[str, int],
    service: Service,
    allowed_schools: Collection[str],
) -> None:
    """Whether the file's school is the uploader's. Rows that name another than the rest were told in their place."""
    if "school" not in columns or not notes.pupils:
        return
    if not submission.schools:
        notes.whole_file.append(Finding(Code.WRONG_SCHOOL, messages.no_school_number(service)))
    elif submission.school is not None and submission.school not in allowed_schools:
        notes.whole_file.append(Finding(Code.WRONG_SCHOOL, messages.wrong_school()))


def _roster(notes: _Notes, service: Service, roster: Roster | None, template_roster: Roster | None) -> None:
    """Who is missing. Told once with the rows of a new template, so that they can be found and nobody is named."""
    if roster is None or not roster.pupils:
        # The code says of every pupil what is true: on no list of ours. There is no list to put it right with.
        notes.whole_file.append(Finding(Code.PUPIL_NOT_ON_ROSTER, messages.no_roster(service)))
        return
    if notes.matched == 0 and notes.pupils >= FEW_PUPILS:
        notes.whole_file.append(Finding(Code.PUPIL_NOT_ON_ROSTER, messages.no_pupil_matches(service)))
    on_template = {pupil.upn for pupil in (template_roster or roster).pupils}
    missing: list[int] = []
    joined: list[int] = []
    for row, pupil in enumerate(roster.pupils, TEMPLATE_FIRST_ROW):
        if pupil.upn not in notes.first_row:
            (missing if pupil.upn in on_template else joined).append(row)
    if missing:
        notes.whole_file.append(Finding(Code.PUPIL_MISSING, messages.pupil_missing(service, missing)))
    if joined:
        notes.whole_file.append(Finding(Code.PUPIL_JOINED, messages.pupil_joined(service, joined)))


def _results_at_all(notes: _Notes, columns: dict[str, int], service: Service) -> None:
    if notes.has_results or not any(column.key in columns for column in service.results):
        return
    message = messages.no_results(service) if notes.pupils else messages.no_pupils(service)
    notes.whole_file.append(Finding(Code.NO_RESULTS, message))


# Identity

_PREFILLED = ("forename", "surname", "gender", "birth_date", "nc_year")


def _right_school(submission: Submission, school_at: int) -> set[Value | None]:
    """The cell values that say the school most rows name; every value but errors if none names a school.

    Where none does, that is told once for the whole file.
    """
    values = {cells.get(school_at) for _, cells in submission.rows}
    if not submission.schools:
        return {value for value in values if not isinstance(value, ErrorValue)}
    return {value for value in values if school_number(value) == submission.schools[0]}


def _odd_school(notes: _Notes, row: int, position: int, value: Value | None, pupil: Pupil | None) -> None:
    """A school cell that does not say what the others say."""
    if isinstance(value, ErrorValue):
        notes.add(Code.CELL_ERROR, messages.cell_error(), row, position, "school")
    elif not is_blank(value):
        notes.add(Code.MIXED_SCHOOLS, messages.mixed_schools(), row, position, "school")
    elif pupil is not None:
        notes.add(Code.DIFFERS_FROM_ROSTER, messages.school_blank(), row, position, "school")


def _unknown_pupil(
    notes: _Notes,
    service: Service,
    row: int,
    raw: Value | None,
    upn: str,
    columns: dict[str, int],
    cells: Cells,
    roster: Roster | None,
) -> None:
    """A row whose UPN names no pupil of the roster, or that has none."""
    if "upn" not in columns:
        return
    if isinstance(raw, ErrorValue):
        notes.add(Code.CELL_ERROR, messages.cell_error(), row, columns["upn"], "upn")
    elif upn:
        if roster is not None and roster.pupils:
            notes.add(Code.PUPIL_NOT_ON_ROSTER, messages.not_on_roster(service), row, columns["upn"], "upn")
    else:
        # A total that fails to work out is one cell in error, not a pupil without a UPN.
        values = [cells.get(columns[column.key]) for column in service.results if column.key in columns]
        if any(not is_blank(value) and not isinstance(value, ErrorValue) for value in values):
            notes.add(Code.PUPIL_NOT_ON_ROSTER, messages.results_without_upn(), row, columns["upn"], "upn")


def _differs(notes: _Notes, service: Service, row: int, position: int, key: str, value: Value | None) -> None:
    if isinstance(value, ErrorValue):
        notes.add(Code.CELL_ERROR, messages.cell_error(), row, position, key)
        return
    column = next(column for column in service.identity if column.key == key)
    notes.add(Code.DIFFERS_FROM_ROSTER, messages.differs_from_roster(column), row, position, key)


def _same(key: str, value: Value | None, wanted: str | date | None) -> bool:
    """Whether a prefilled cell still says what the roster says, however Excel or a typist has turned it."""
    if isinstance(value, ErrorValue):
        return False
    if key == "birth_date":
        return as_date(value) == wanted and (wanted is not None or is_blank(value))
    assert isinstance(wanted, str)  # noqa: S101  # every prefilled field but the birth date is text
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    ours, theirs = folded(wanted), folded("" if value is None else str(value))
    if ours == theirs:
        return True
    if key == "nc_year":
        return ours.removeprefix("year").strip() == theirs.removeprefix("year").strip()
    # "M" for "Male": MIS exports write either
    return key == "gender" and bool(ours) and bool(theirs) and 1 in (len(ours), len(theirs)) and ours[0] == theirs[0]


# Results


@cache
def _accepted_codes(column: Column) -> dict[Value | None, str]:
    """What the good cells of an assessment column hold, and the code each is: the one look-up that most cells cost."""
    return {written: code for code in column.codes for written in (code, code.lower())}


@cache
def _accepted_scores(column: Column) -> dict[Value | None, int]:
    """What the good cells of a score column hold, and the score each is. 100.0 finds 100."""
    table: dict[Value | None, int] = {}
    for score in range(column.minimum, column.maximum + 1):
        table[str(score)] = score
        if score != 1:  # TRUE equals 1 here, and is no score
            table[score] = score
    return table


def _odd_assessment(
    notes: _Notes, service: Service, row: int, position: int, column: Column, value: Value
) -> str | None:
    """A code written in another way, or None and a finding."""
    if isinstance(value, ErrorValue):
        notes.add(Code.CELL_ERROR, messages.cell_error(), row, position, column.key)
        return None
    message = messages.code_not_accepted(column)
    if isinstance(value, str):
        text = value.translate(INVISIBLE).strip().upper()
        if text in column.codes:
            return text
        if any(text == code.code for code in service.codes):
            message = messages.code_of_other_column(column, text)
    if any(_score(value, other) is not None for other in service.scores):
        message = messages.score_in_code_column(column)
    notes.add(Code.CODE_NOT_ACCEPTED, message, row, position, column.key)
    return None


def _odd_score(notes: _Notes, service: Service, row: int, position: int, column: Column, value: Value) -> int | None:
    """A score written in another way, or None and a finding."""
    if isinstance(value, ErrorValue):
        notes.add(Code.CELL_ERROR, messages.cell_error(), row, position, column.key)
        return None
    score = _score(value, column)
    if score is not None:
        return score
    message = messages.scaled_score_range(column)
    if isinstance(value, (date, time)):  # a datetime is a date
        message = messages.date_in_score_column(column)
    elif isinstance(value, str):
        text = value.translate(INVISIBLE).strip().upper()
        if any(text == code.code for code in service.codes):
            message = messages.code_in_score_column(column)
    notes.add(Code.SCALED_SCORE_RANGE, message, row, position, column.key)
    return None


def _score(value: Value, column: Column) -> int | None:
    """The whole number in range that a cell holds, also as text and with what formulas leave behind the point."""
    if isinstance(value, str):
        text = value.translate(INVISIBLE).strip()
        if len(text) > 20 or not text.isascii() or not text.replace(".", "", 1).isdigit():
            return None
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not column.minimum - 1 < value < column.maximum + 1:  # also keeps out what does not round: inf and nan
        return None
    score = round(value)
    return score if abs(value - score) < 1e-9 and column.minimum <= score <= column.maximum else None


def _mismatches(service: Service, columns: dict[str, int]) -> list[tuple[str, Column, dict[str, int]]]:
    """Per subject with both columns there: the assessment's key, the score, and below which score a code disagrees."""
    below: dict[str, int] = {}
    for rule in service.mismatches:
        for code in rule.codes:
            limit = 1 << 30 if rule.any_score else rule.below or 0
            below[code] = max(limit, below.get(code, 0))
    by_subject = {column.subject: column for column in service.scores if column.key in columns}
    return [
        (column.key, by_subject[column.subject], below)
        for column in service.assessments
        if column.key in columns and column.subject in by_subject
    ]
