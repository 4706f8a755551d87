"""The rules, one small function each, in a table by scope; a service names the edition of the table that judges it.

A rule has the code of its finding, its scope, and a function that finds what is wrong. The severity is the code's; the
words are in `messages`. How the rules of each scope are called:

- CELL, `find(case, row, column, value)`: for a cell of the service's columns that does not hold exactly what it should.
  The first rule that gives a message decides, and the others are not called: a cell has at most one finding.
- ROW, `find(case, row)`: for every pupil's row, after its cells have been read.
- FILE and ROSTER, `find(case)`: after all rows have been read. Their findings are about the file as a whole.

If a change of a rule changes what is said of some file, the service needs a new ruleset name: a test compares each
ruleset with `tests/rulesets.lock` (docs/decisions/0012).
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from early_results.checking import messages
from early_results.checking.cells import clean, heading_key, is_blank, score_of
from early_results.checking.roster import TEMPLATE_FIRST_ROW
from early_results.checking.submission import looks_like_a_pupil
from early_results.findings import Code, Finding, Severity, cell_reference
from early_results.workbook import ErrorValue, Picture, Uncalculated, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from early_results.checking.roster import Roster
    from early_results.checking.submission import Cells, Submission
    from early_results.results import Pupil, PupilResults
    from early_results.service import Column, Service

FEW_PUPILS = 3  # from this many pupils on, one finding says that none of them is on the school's list


class Scope(StrEnum):
    """What a rule looks at."""

    FILE = "file"
    ROW = "row"
    CELL = "cell"
    ROSTER = "roster"


class Row:
    """A row of the file while it is judged. `pupil` is the pupil whom the roster has under the row's UPN.

    `blanks` are the result columns that are blank. `given` says that a result cell is filled, though with no good
    result.
    """

    __slots__ = ("blanks", "cells", "codes", "given", "number", "points", "pupil", "upn")

    def __init__(self, number: int, cells: Cells, pupil: Pupil | None, upn: str) -> None:
        self.number = number
        self.cells = cells
        self.pupil = pupil
        self.upn = upn
        self.codes: dict[str, str] = {}
        self.points: dict[str, int] = {}
        self.blanks: list[Column] = []
        self.given = False


class _Noted(NamedTuple):
    """A finding in a cell, by its place."""

    row: int
    position: int
    finding: Finding


class Case:
    """A file while it is judged: what it is judged by, and what is known so far of all its rows."""

    __slots__ = (
        "_cells",
        "_headings",
        "_whole",
        "allowed",
        "below",
        "columns",
        "emptied",
        "first_row",
        "had_results",
        "has_results",
        "known",
        "left",
        "matched",
        "mismatches",
        "pupils",
        "roster",
        "rows",
        "school",
        "service",
        "submission",
        "template_roster",
        "together",
    )

    def __init__(
        self,
        submission: Submission,
        service: Service,
        allowed: Collection[str],
        roster: Roster | None,
        template_roster: Roster | None,
        previous: Sequence[PupilResults],
    ) -> None:
        self.submission = submission
        self.service = service
        self.allowed = allowed
        self.school = submission.school if submission.school in allowed else None
        self.roster = roster
        self.template_roster = template_roster
        self.columns = submission.columns or {}
        self._headings = {column.key: column.heading for column in service.columns}
        self._whole = [finding for finding in submission.findings if finding.cell is None]
        # Findings about headings come in the order of the columns.
        self._cells = [_Noted(submission.heading_row, 0, finding) for finding in submission.findings if finding.cell]
        self.known: dict[Value | None, Pupil] = {pupil.upn: pupil for pupil in roster.pupils} if roster else {}
        self.left = {pupil.upn for pupil in template_roster.pupils} - self.known.keys() if template_roster else set()
        self.had_results = {entry.pupil.upn for entry in previous if entry.assessments or entry.scores}
        self.below = _below(service)  # by code, the number below which the two disagree
        self.mismatches = _mismatches(service, self.columns) if self.below else []
        self.together = [{key for key in run if key in self.columns} for run in service.together]
        self.first_row: dict[str, int] = {}  # by UPN, of the pupils in the file
        self.rows: list[int] = []  # the rows of pupils, ascending
        self.emptied: list[int] = []  # rows of pupils who had results and have none now
        self.pupils = 0
        self.matched = 0
        self.has_results = False

    def of_a_formula(self, row: Row, column: Column) -> bool:
        """Whether a formula gave what is in a cell."""
        return (row.number, self.columns[column.key]) in self.submission.formulas

    def covered(self, row: int, position: int) -> bool:
        """Whether a cell lies in merged ones."""
        return any(
            area.first_row <= row <= area.last_row and area.first_column <= position <= area.last_column
            for area in self.submission.merged
        )

    def rows_told(self, code: Code) -> dict[int, int]:
        """How many findings of a code there are in each column, by its position."""
        counts: dict[int, int] = {}
        for _, position, finding in self._cells:
            if finding.code is code:
                counts[position] = counts.get(position, 0) + 1
        return counts

    def forget(self, code: Code, key: str) -> None:
        """Removes the findings of a code in a column, because one finding will say it of all of them."""
        at = self.columns[key]
        self._cells = [noted for noted in self._cells if not (noted.position == at and noted.finding.code is code)]

    def tell(self, code: Code, row: int, key: str, message: str) -> None:
        """Notes a finding in a cell, by its row and the key of its column."""
        at = self.columns[key]
        self._cells.append(_Noted(row, at, Finding(code, message, row, self._headings[key], cell_reference(row, at))))

    def add(self, finding: Finding) -> None:
        """Notes a finding about the file as a whole."""
        self._whole.append(finding)

    def in_order(self) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        """Errors and warnings, each in order: about the file, then by row, then by column."""
        # The sort is stable: two findings of one cell keep their order.
        self._cells.sort(key=lambda noted: (noted.row, noted.position))
        every = self._whole + [noted.finding for noted in self._cells]
        return (
            tuple(f for f in every if f.severity is Severity.ERROR),
            tuple(f for f in every if f.severity is Severity.WARNING),
        )


class Told(NamedTuple):
    """What a ROW rule found: the key of the column it is told for, and the words."""

    column: str
    message: str


class Rule(NamedTuple):
    """A rule: the code it is told under, its scope, and what finds it.

    `kinds` are the kinds of column that a CELL rule is for. A ROW rule that `ends` a row is called before the row's
    cells are read, and only if the roster does not know the row's pupil; if it finds something, nothing else is said of
    the row. A ROW rule `of_upn` is called only if the roster does not know the row's UPN, or an earlier row has it. A
    ROW rule `of_blanks` is called only if a result cell of the row is blank.
    A rule is called only for a service that it `asks` something of, so that the others' rows do not pay for it.
    """

    code: Code
    scope: Scope
    find: Callable[..., Any]
    kinds: frozenset[str] = frozenset({"identity", "code", "number", "number-or-code"})
    ends: bool = False
    of_upn: bool = False
    of_blanks: bool = False
    asks: Callable[[Service], bool] = lambda _: True


class Rules:
    """A table of rules, by scope; the order within a scope is that of the table."""

    __slots__ = ("cells", "ends", "of_upn", "rows", "whole")

    def __init__(self, table: tuple[Rule, ...]) -> None:
        self.cells = {
            kind: tuple(rule for rule in table if rule.scope is Scope.CELL and kind in rule.kinds)
            for kind in ("identity", "code", "number", "number-or-code")
        }
        self.ends = tuple(rule for rule in table if rule.scope is Scope.ROW and rule.ends)
        self.of_upn = tuple(rule for rule in table if rule.scope is Scope.ROW and rule.of_upn)
        self.rows = tuple(rule for rule in table if rule.scope is Scope.ROW and not (rule.ends or rule.of_upn))
        self.whole = tuple(rule for rule in table if rule.scope in (Scope.FILE, Scope.ROSTER))


# Cells


def _formula_not_calculated(_case: Case, _row: Row, _column: Column, value: Value | None) -> str:
    return messages.formula_not_calculated() if isinstance(value, Uncalculated) else ""


def _cell_error(_case: Case, _row: Row, _column: Column, value: Value | None) -> str:
    if isinstance(value, Picture):
        return messages.picture_in_cell()
    return messages.cell_error() if isinstance(value, ErrorValue) else ""


def _code_not_accepted(case: Case, row: Row, column: Column, value: Value) -> str:
    message = _no_code(case, column, value)
    return messages.of_a_formula(message) if message and case.of_a_formula(row, column) else message


def _no_code(case: Case, column: Column, value: Value) -> str:
    text = clean(value).upper() if isinstance(value, str) else ""
    if column.has_numbers:
        if not any(c.isalpha() for c in text):  # a number out of range, or a date: another rule has a message for it
            return ""
    elif not text.isalpha() and any(score_of(value, other) is not None for other in case.service.scores):
        return messages.score_in_code_column(column, case.service)
    if any(text == code.code for code in case.service.codes):
        return messages.code_of_other_column(column, text)
    return messages.code_not_accepted(column)


def _scaled_score_range(case: Case, row: Row, column: Column, value: Value) -> str:
    message = _no_score(case, column, value)
    return messages.of_a_formula(message) if case.of_a_formula(row, column) else message


def _no_score(case: Case, column: Column, value: Value) -> str:
    if isinstance(value, (date, time)):  # a datetime is a date
        return messages.date_in_score_column(column, case.service)
    if isinstance(value, float) and 0 < value < 2 and column.minimum > 2:
        return messages.percentage_in_score_column(column, case.service)
    text = clean(value).upper() if isinstance(value, str) else ""
    if text and any(text == code.code for code in case.service.codes):
        return messages.code_in_score_column(column, case.service)
    if text.endswith("%"):
        return messages.percentage_in_score_column(column, case.service)
    return messages.scaled_score_range(column)


def _mixed_schools(_case: Case, _row: Row, column: Column, value: Value | None) -> str:
    return messages.mixed_schools() if column.key == "school" and not is_blank(value) else ""


def _differs_from_roster(_case: Case, row: Row, column: Column, _value: Value | None) -> str:
    if row.pupil is None or column.key == "upn":
        return ""
    return messages.school_blank() if column.key == "school" else messages.differs_from_roster(column)


# Rows


def _pupil_left(case: Case, row: Row) -> Iterable[Told]:
    return (Told("upn", messages.pupil_left(case.service)),) if row.upn in case.left else ()


def _row_not_a_pupil(case: Case, row: Row) -> Iterable[Told]:
    """A row of repeated headings, a total, a key of codes, a signature: one finding, in its first filled cell."""
    filled = sorted((at, key) for key, at in case.columns.items() if not is_blank(row.cells.get(at)))
    values = {key: row.cells[at] for at, key in filled}
    keys = list(values)
    headings = {column.key: heading_key(column.heading) for column in case.service.columns}
    repeated = [key for key, value in values.items() if isinstance(value, str) and heading_key(value) == headings[key]]
    if len(repeated) * 2 > len(values):
        return (Told(keys[0], messages.row_of_headings()),)
    if len(values) == 1 and isinstance(values[keys[0]], ErrorValue):
        return ()  # a stray #REF! has a finding of its own
    if "upn" in case.columns and isinstance(row.cells.get(case.columns["upn"]), ErrorValue):
        return ()
    if looks_like_a_pupil(row.cells, case.columns):
        return ()
    return (Told(keys[0], messages.row_not_a_pupil()),)


def _pupil_not_on_roster(case: Case, row: Row) -> Iterable[Told]:
    """A row whose UPN names no pupil of the roster, or that has results and no UPN."""
    if row.pupil is not None or "upn" not in case.columns or isinstance(row.cells.get(case.columns["upn"]), ErrorValue):
        return ()
    if row.upn:
        listed = case.roster is not None and case.roster.pupils
        return (Told("upn", messages.not_on_roster(case.service)),) if listed else ()
    # A total whose formula fails is one cell with an error, not a pupil without a UPN.
    values = [row.cells.get(case.columns[c.key]) for c in case.service.results if c.key in case.columns]
    if any(not is_blank(value) and not isinstance(value, ErrorValue) for value in values):
        return (Told("upn", messages.results_without_upn()),)
    return ()


def _pupil_repeated(case: Case, row: Row) -> Iterable[Told]:
    first = case.first_row.get(row.upn, row.number)
    return () if first == row.number else (Told("upn", messages.pupil_repeated(first)),)


def _assessment_missing(case: Case, row: Row) -> Iterable[Told]:
    """Of columns that the service wants together, some have a result and some have none."""
    told: list[Told] = []
    for run in case.together:
        blank = [column for column in row.blanks if column.key in run]
        if blank and len(blank) < len(run):
            told += [
                Told(column.key, messages.assessment_missing(column, case.service))
                for column in blank
                if not case.covered(row.number, case.columns[column.key])
            ]
    return told


def _assessment_score_mismatch(case: Case, row: Row) -> Iterable[Told]:
    told: tuple[Told, ...] = ()
    code_of, number_of, limit_of = row.codes.get, row.points.get, case.below.get
    for assessment, score in case.mismatches:
        limit = limit_of(code_of(assessment, ""))
        if limit is not None and number_of(score.key, limit) < limit:
            told += (Told(assessment, messages.assessment_score_mismatch(case.service, score)),)
    return told


def _score_unreachable(case: Case, row: Row) -> Iterable[Told]:
    return [
        Told(column.key, messages.score_unreachable(case.service, column))
        for column in case.service.scores
        if row.points.get(column.key) in column.unreachable
    ]


def _has_unreachable(service: Service) -> bool:
    return any(column.unreachable for column in service.scores)


def _below(service: Service) -> dict[str, int]:
    """By code, the number below which the two disagree strongly."""
    below: dict[str, int] = {}
    for rule in service.mismatches:
        for code in rule.codes:
            limit = 1 << 30 if rule.any_score else rule.below or 0
            below[code] = max(limit, below.get(code, 0))
    return below


def _mismatches(service: Service, columns: dict[str, int]) -> list[tuple[str, Column]]:
    """Per pair with both columns there: the key of the codes, and the numbers."""
    return [
        (pair.codes, service.column(pair.numbers))
        for pair in service.pairs
        if pair.codes in columns and pair.numbers in columns
    ]


# The file, and the roster it is compared with


def _cells_merged(case: Case) -> Iterable[Finding]:
    """The finding stands in the first result cell of a pupil that the merged cells cover."""
    results = sorted((case.columns[c.key], c.key) for c in case.service.results if c.key in case.columns)
    for area in case.submission.merged:
        at = bisect_left(case.rows, area.first_row)
        keys = [key for position, key in results if area.first_column <= position <= area.last_column]
        if keys and at < len(case.rows) and case.rows[at] <= area.last_row:
            first = cell_reference(area.first_row, area.first_column)
            last = cell_reference(area.last_row, area.last_column)
            case.tell(Code.CELLS_MERGED, case.rows[at], keys[0], messages.cells_merged(f"{first}:{last}"))
    return ()


def _columns_that_differ(case: Case) -> Iterable[Finding]:
    """If most rows differ in a column, one finding says so, because thirty of one kind would hide the others."""
    told = case.rows_told(Code.DIFFERS_FROM_ROSTER)
    for column in case.service.identity:
        rows = told.get(case.columns.get(column.key, 0), 0)
        if rows >= FEW_PUPILS and rows * 2 > case.matched:
            case.forget(Code.DIFFERS_FROM_ROSTER, column.key)
            message = (
                messages.school_blank_in_most(rows, case.matched)
                if column.key == "school"
                else messages.column_differs(column, rows, case.matched)
            )
            yield Finding(Code.DIFFERS_FROM_ROSTER, message, None, column.heading)


def _wrong_school(case: Case) -> Iterable[Finding]:
    """The file's school is not the uploader's. Single rows that name another school have findings of their own."""
    if "school" not in case.columns or not case.pupils:
        return
    if not case.submission.schools:
        yield Finding(Code.WRONG_SCHOOL, messages.no_school_number(case.service))
    elif case.submission.school is not None and case.school is None:
        yield Finding(Code.WRONG_SCHOOL, messages.wrong_school())


def _nobody_on_roster(case: Case) -> Iterable[Finding]:
    if not _compared(case):
        return
    if case.roster is None or not case.roster.pupils:
        # The code fits: every pupil is on no list of ours. But there is no list either with which the file could be
        # corrected.
        yield Finding(Code.PUPIL_NOT_ON_ROSTER, messages.no_roster(case.service))
    elif case.matched == 0 and case.pupils >= FEW_PUPILS:
        yield Finding(Code.PUPIL_NOT_ON_ROSTER, messages.no_pupil_matches(case.service))


def _pupil_missing(case: Case) -> Iterable[Finding]:
    """One finding that gives their rows in a new template: so the school can find the pupils, and none is named."""
    missing = [row for row, on_template in _not_in_file(case) if on_template]
    if missing:
        yield Finding(Code.PUPIL_MISSING, messages.pupil_missing(case.service, missing))


def _pupil_joined(case: Case) -> Iterable[Finding]:
    if case.template_roster is None:
        return  # the template had the pupils of the present list, so nobody joined it since
    joined = [row for row, on_template in _not_in_file(case) if not on_template]
    if joined:
        yield Finding(Code.PUPIL_JOINED, messages.pupil_joined(case.service, joined))


def _not_in_file(case: Case) -> Iterable[tuple[int, bool]]:
    """The roster's pupils who are not in the file: their rows in a new template, and whether the file's had them."""
    if case.roster is None or not _compared(case):
        return
    older = case.template_roster
    on_template = None if older is None else {pupil.upn for pupil in older.pupils}  # None: everybody was
    for row, pupil in enumerate(case.roster.pupils, TEMPLATE_FIRST_ROW):
        if pupil.upn not in case.first_row and pupil.upn not in case.submission.elsewhere:
            yield row, on_template is None or pupil.upn in on_template


def _compared(case: Case) -> bool:
    return case.school is not None and "upn" in case.columns


def _no_results(case: Case) -> Iterable[Finding]:
    if not case.has_results and any(column.key in case.columns for column in case.service.results):
        words = messages.no_results(case.service) if case.pupils else messages.no_pupils(case.service)
        yield Finding(Code.NO_RESULTS, words)


def _results_removed(case: Case) -> Iterable[Finding]:
    if case.has_results:  # a file with no results at all has a finding of its own
        for row in case.emptied:
            case.tell(Code.RESULTS_REMOVED, row, "upn", messages.results_removed())
    return ()


# The table

_IDENTITY = frozenset({"identity"})
_CODES, _NUMBERS = frozenset({"code", "number-or-code"}), frozenset({"number", "number-or-code"})

TABLE = (
    Rule(Code.FORMULA_NOT_CALCULATED, Scope.CELL, _formula_not_calculated),
    Rule(Code.CELL_ERROR, Scope.CELL, _cell_error),
    Rule(Code.CODE_NOT_ACCEPTED, Scope.CELL, _code_not_accepted, _CODES),
    Rule(Code.SCALED_SCORE_RANGE, Scope.CELL, _scaled_score_range, _NUMBERS),
    Rule(Code.MIXED_SCHOOLS, Scope.CELL, _mixed_schools, _IDENTITY),
    Rule(Code.DIFFERS_FROM_ROSTER, Scope.CELL, _differs_from_roster, _IDENTITY),
    Rule(Code.PUPIL_LEFT, Scope.ROW, _pupil_left, ends=True),
    Rule(Code.ROW_NOT_A_PUPIL, Scope.ROW, _row_not_a_pupil, ends=True),
    Rule(Code.PUPIL_NOT_ON_ROSTER, Scope.ROW, _pupil_not_on_roster, of_upn=True),
    Rule(Code.PUPIL_REPEATED, Scope.ROW, _pupil_repeated, of_upn=True),
    Rule(Code.ASSESSMENT_MISSING, Scope.ROW, _assessment_missing, of_blanks=True),
    Rule(Code.ASSESSMENT_SCORE_MISMATCH, Scope.ROW, _assessment_score_mismatch),
    Rule(Code.SCORE_UNREACHABLE, Scope.ROW, _score_unreachable, asks=_has_unreachable),
    Rule(Code.CELLS_MERGED, Scope.FILE, _cells_merged),
    Rule(Code.DIFFERS_FROM_ROSTER, Scope.FILE, _columns_that_differ),
    Rule(Code.WRONG_SCHOOL, Scope.FILE, _wrong_school),
    Rule(Code.PUPIL_NOT_ON_ROSTER, Scope.ROSTER, _nobody_on_roster),
    Rule(Code.PUPIL_MISSING, Scope.ROSTER, _pupil_missing),
    Rule(Code.PUPIL_JOINED, Scope.ROSTER, _pupil_joined),
    Rule(Code.RESULTS_REMOVED, Scope.FILE, _results_removed),
    Rule(Code.NO_RESULTS, Scope.FILE, _no_results),
)
# The editions of the table, by the number that a service file names; a service file without one means the first.
_EDITIONS = {1: Rules(TABLE)}


def rules_of(service: Service) -> Rules:
    """The rules that judge a service's files. BadServiceFile if its file names an edition that there is not."""
    if service.rules not in _EDITIONS:
        from early_results.service import BadServiceFile

        raise BadServiceFile(f"{service.name}: there is no edition {service.rules} of the rules")
    return _EDITIONS[service.rules]
