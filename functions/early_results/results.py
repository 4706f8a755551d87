"""A school's results, after checking: what a good file says, in one normal form.

Values are normalised: codes in capitals without surrounding spaces, numbers whole, identity taken from
the roster. This is what the extract, the summary, "what changed" and the reports are made from.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Pupil(NamedTuple):
    """A pupil of a school's roster, as its management information system has it. `gender` is "" if unknown."""

    school: str
    upn: str
    forename: str
    surname: str
    gender: str
    birth_date: date | None
    nc_year: str


class PupilResults(NamedTuple):
    """One pupil's results: `assessments` maps a column key to a code, `scores` a column key to a number.

    A column that takes either has its codes in the one and its numbers in the other.

    A blank cell has no entry; a wholly blank pupil has two empty maps. `row` is the file's true Excel row.
    """

    pupil: Pupil
    row: int
    assessments: dict[str, str]
    scores: dict[str, int]


EXTRACT_FORM = 1  # the form of the extract's JSON; whoever reads an extract refuses a form it does not know


def extract_json(results: Sequence[PupilResults]) -> str:
    """The normalised extract of a good file, as it is stored: the same results give the same text, byte for byte."""
    import json

    pupils = [
        {
            "row": entry.row,
            "school": entry.pupil.school,
            "upn": entry.pupil.upn,
            "forename": entry.pupil.forename,
            "surname": entry.pupil.surname,
            "gender": entry.pupil.gender,
            "birth_date": entry.pupil.birth_date.isoformat() if entry.pupil.birth_date else None,
            "nc_year": entry.pupil.nc_year,
            "assessments": dict(sorted(entry.assessments.items())),
            "scores": dict(sorted(entry.scores.items())),
        }
        for entry in results
    ]
    return json.dumps({"form": EXTRACT_FORM, "pupils": pupils}, ensure_ascii=False, separators=(",", ":"))


def results_from_extract(text: str | bytes) -> tuple[PupilResults, ...]:
    """The results that `extract_json` wrote. ValueError, KeyError or TypeError if the text is anything else."""
    import json

    data = json.loads(text)
    if data["form"] != EXTRACT_FORM:
        raise ValueError(f"extract of form {data['form']}, not {EXTRACT_FORM}")
    return tuple(
        PupilResults(
            pupil=Pupil(
                school=entry["school"],
                upn=entry["upn"],
                forename=entry["forename"],
                surname=entry["surname"],
                gender=entry["gender"],
                birth_date=date.fromisoformat(entry["birth_date"]) if entry["birth_date"] else None,
                nc_year=entry["nc_year"],
            ),
            row=entry["row"],
            assessments=entry["assessments"],
            scores=entry["scores"],
        )
        for entry in data["pupils"]
    )
