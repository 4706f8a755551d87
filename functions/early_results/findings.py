"""Findings: what is wrong in a file, as data.

A finding is never an exception. An exception means that *we* failed. A finding tells the user what is wrong in the
file, with a stable code, a message that says what to do, and the cell.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Severity(StrEnum):
    """Whether a finding blocks the file."""

    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """The finding codes: a stable part of the interface (DESIGN 9). Names never change; new ones may be added."""

    NOT_A_WORKBOOK = "not-a-workbook"
    OLD_EXCEL = "old-excel"
    ENCRYPTED = "encrypted"
    MACROS = "macros"
    DAMAGED = "damaged"
    TOO_LARGE = "too-large"
    NO_RESULTS_SHEET = "no-results-sheet"
    MISSING_COLUMN = "missing-column"
    REPEATED_COLUMN = "repeated-column"
    UNKNOWN_COLUMN = "unknown-column"
    WRONG_SCHOOL = "wrong-school"
    MIXED_SCHOOLS = "mixed-schools"
    PUPIL_NOT_ON_ROSTER = "pupil-not-on-roster"
    PUPIL_MISSING = "pupil-missing"
    PUPIL_REPEATED = "pupil-repeated"
    CODE_NOT_ACCEPTED = "code-not-accepted"
    SCALED_SCORE_RANGE = "scaled-score-range"
    CELL_ERROR = "cell-error"
    NO_RESULTS = "no-results"
    FORMULA_NOT_CALCULATED = "formula-not-calculated"
    CELLS_MERGED = "cells-merged"
    SEVERAL_SHEETS = "several-sheets"
    ROW_NOT_A_PUPIL = "row-not-a-pupil"
    WINDOW_CLOSED = "window-closed"
    COULD_NOT_PROCESS = "could-not-process"

    DIFFERS_FROM_ROSTER = "differs-from-roster"
    ASSESSMENT_MISSING = "assessment-missing"
    ASSESSMENT_SCORE_MISMATCH = "assessment-score-mismatch"
    SCORE_UNREACHABLE = "score-unreachable"
    RESULTS_REMOVED = "results-removed"
    PUPIL_JOINED = "pupil-joined"
    PUPIL_LEFT = "pupil-left"

    @property
    def severity(self) -> Severity:
        """The severity of a code. A code has the same severity in every file."""
        return Severity.WARNING if self in WARNINGS else Severity.ERROR


WARNINGS = frozenset(
    {
        Code.DIFFERS_FROM_ROSTER,
        Code.ASSESSMENT_MISSING,
        Code.ASSESSMENT_SCORE_MISMATCH,
        Code.SCORE_UNREACHABLE,
        Code.RESULTS_REMOVED,
        Code.PUPIL_JOINED,
        Code.PUPIL_LEFT,
    }
)


class Finding(NamedTuple):
    """One thing wrong in a file.

    `row` is the 1-based row Excel shows, `column` the heading as the guide prints it, `cell` the reference a user can
    type into Excel's name box (`M4`); all three are None for a finding about the whole file. `message` is written for
    the person who filled in the workbook; it may quote a code the service accepts, never a pupil's name, UPN or value.
    """

    code: Code
    message: str
    row: int | None = None
    column: str | None = None
    cell: str | None = None

    @property
    def severity(self) -> Severity:
        """Error (blocks the file) or warning (does not)."""
        return self.code.severity

    def to_json(self) -> dict[str, str | int | None]:
        """The finding as the API and the command line give it: code, message, row, column, cell."""
        return {
            "code": self.code.value,
            "message": self.message,
            "row": self.row,
            "column": self.column,
            "cell": self.cell,
        }


def finding_from_json(data: Mapping[str, Any]) -> Finding:
    """The finding that `Finding.to_json` gave. KeyError or ValueError if it is none."""
    return Finding(Code(data["code"]), data["message"], data["row"], data["column"], data["cell"])


def column_letters(column: int) -> str:
    """The letters of a 1-based column number: 1 is A, 27 is AA, 16384 is XFD."""
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def cell_reference(row: int, column: int) -> str:
    """The reference of a cell from its 1-based row and column: (4, 13) is M4."""
    return f"{column_letters(column)}{row}"
