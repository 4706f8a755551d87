"""A school's results, after checking: what a good file says, in one normal form.

Values are normalised: codes in capitals without surrounding spaces, scaled scores whole numbers, identity taken from
the roster. This is what the extract, the summary, "what changed" and the reports are made from.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Pupil:
    """A pupil of a school's roster, as its management information system has it. `gender` is as given, "" if unknown."""

    school: str
    upn: str
    forename: str
    surname: str
    gender: str
    birth_date: date | None
    nc_year: str


@dataclass(frozen=True, slots=True)
class PupilResults:
    """One pupil's results: `assessments` maps a column key to a code, `scores` a column key to a scaled score.

    A blank cell has no entry; a wholly blank pupil has two empty maps. `row` is the file's true Excel row.
    """

    pupil: Pupil
    row: int
    assessments: dict[str, str]
    scores: dict[str, int]
