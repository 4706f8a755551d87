"""Schools and trusts, as the organisation's extracts list them: two small CSV files beside the rosters.

`schools.csv` has the headings `School DFE,Name,Trust` (Trust blank for a school in none), `trusts.csv` has
`Trust,Name`. A line that cannot be read is an operator's slip: BadRoster names the line, never a value.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from .checking.cells import heading_key
from .checking.roster import BadRoster
from .ids import is_school

_LONGEST_ID = 40


@dataclass(frozen=True, slots=True)
class School:
    """A school: DfE number, name, and the trust it belongs to, None for none."""

    number: str
    name: str
    trust: str | None


@dataclass(frozen=True, slots=True)
class Trust:
    """A trust: its identifier and its name."""

    trust: str
    name: str


def parse_schools(source: bytes) -> tuple[School, ...]:
    """The schools of `schools.csv`, one a line. BadRoster says on which line it stopped."""
    schools: dict[str, School] = {}
    for line, (number, name, trust) in _lines(source, ("School DFE", "Name", "Trust")):
        if not is_school(number):
            raise BadRoster(f"Line {line}: School DFE must be seven digits.")
        if number in schools:
            raise BadRoster(f"Line {line}: this school is already listed on an earlier line.")
        schools[number] = School(number, name, _trust_id(trust, line) if trust else None)
    return tuple(schools.values())


def parse_trusts(source: bytes) -> tuple[Trust, ...]:
    """The trusts of `trusts.csv`, one a line. BadRoster says on which line it stopped."""
    trusts: dict[str, Trust] = {}
    for line, (trust, name) in _lines(source, ("Trust", "Name")):
        trusts[trust] = Trust(_trust_id(trust, line), name)
    return tuple(trusts.values())


def _trust_id(text: str, line: int) -> str:
    # It becomes part of a key that operators read in the console, so `#` and spaces have no place in it.
    if not (0 < len(text) <= _LONGEST_ID and text.isascii() and all(c.isalnum() or c in "-_." for c in text)):
        raise BadRoster(f"Line {line}: Trust must be letters, digits, '-', '_' and '.' only.")
    return text


def _lines(source: bytes, headings: tuple[str, ...]) -> list[tuple[int, list[str]]]:
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRoster("The file is not UTF-8 text.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, list[str]]] = []
    try:
        given = [heading_key(cell) for cell in next(reader, [])]
        missing = [heading for heading in headings if heading_key(heading) not in given]
        if missing:
            raise BadRoster(f"Line 1: missing heading {', '.join(missing)}.")
        at = [given.index(heading_key(heading)) for heading in headings]
        for cells in reader:
            values = [cells[i].strip() if i < len(cells) else "" for i in at]
            if any(values):
                found.append((reader.line_num, values))
    except csv.Error as error:
        raise BadRoster(f"Line {reader.line_num}: not a well-formed CSV line.") from error
    return found
