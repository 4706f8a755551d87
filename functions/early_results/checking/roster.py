"""Rosters: a school's current pupils, as its management information system (MIS) lists them.

They arrive as CSV under the template's own identity headings (DESIGN 9) and may hold many schools. A roster that
cannot be read is our supplier's fault or an operator's slip, never a school's, so it is an exception and not a finding.
Its message names the line and the heading; it never quotes a value, because it may be logged.
"""

from __future__ import annotations

from datetime import date, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from early_results.checking.cells import heading_key, normal_upn, parse_date
from early_results.results import Pupil

if TYPE_CHECKING:
    from collections.abc import Iterable

    from early_results.service import Service

TEMPLATE_FIRST_ROW = 2  # in a template's sheet row 1 has the headings; the pupils follow in the roster's order
# characters; no name is nearly so long, so a longer value is many lines behind a quote that was not closed
MAX_CELL = 200


class BadRoster(ValueError):
    """The roster cannot be used. The message says on which line and under which heading, without quoting the value."""


class Roster(NamedTuple):
    """One school's pupils at one moment. `version` names it in templates and verdicts, `made` is aware, in UTC."""

    school: str
    version: str
    made: datetime
    pupils: tuple[Pupil, ...]


def parse_rosters(source: str | bytes, service: Service) -> dict[str, tuple[Pupil, ...]]:
    """The pupils of every school in a roster CSV, by school number, in the order of the file.

    Headings are found by name; further columns of the MIS are ignored. Dates are `14/04/2015` (or `2015-04-14`), or
    blank where the MIS has none. BadRoster says on which line it stopped.
    """
    import csv
    import io

    text = _decoded(source) if isinstance(source, bytes) else source.removeprefix("\ufeff")
    if "\0" in text:
        raise BadRoster("The roster is not a CSV file: it holds binary data.")
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    schools: dict[str, dict[str, Pupil]] = {}
    try:
        at = _headings(next(lines, []), service)
        width, values = max(at) + 1, itemgetter(*at)
        for cells in lines:
            if not "".join(cells).strip():
                continue
            if len(cells) < width:
                cells.extend([""] * (width - len(cells)))
            pupil = _pupil(values(cells), lines.line_num)
            pupils = schools.get(pupil.school)
            if pupils is None:
                pupils = schools[pupil.school] = {}
            if pupil.upn in pupils:
                raise BadRoster(f"Line {lines.line_num}: this UPN is already listed for the school on an earlier line.")
            pupils[pupil.upn] = pupil
    except csv.Error as error:
        raise BadRoster(f"Line {lines.line_num}: not a well-formed CSV line.") from error
    if not schools:
        raise BadRoster("The roster holds no pupils.")
    return {school: tuple(pupils.values()) for school, pupils in schools.items()}


def roster_version(pupils: Iterable[Pupil]) -> str:
    """A version named after the content, for rosters that come without one: equal pupils, equal version.

    A check sum is enough to tell two lists of one school apart, since nothing is trusted because of it. Loading hashlib
    instead would cost the command line 3 ms.
    """
    import zlib

    listed = [tuple(pupil_json(pupil).values()) for pupil in pupils]
    return f"{len(listed)}-{zlib.crc32(repr(listed).encode()):08x}"


def rosters_csv(pupils: Iterable[Pupil], service: Service) -> str:
    """The roster CSV of these pupils, which `parse_rosters` reads back to equal pupils."""
    import csv
    import io

    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.heading for column in service.identity])
    for pupil in pupils:
        values = {**pupil_json(pupil), "birth_date": british_date(pupil.birth_date)}
        writer.writerow([values[column.key] for column in service.identity])
    return out.getvalue()


def british_date(day: date | None) -> str:
    """`14/04/2015`, or nothing."""
    return f"{day.day:02}/{day.month:02}/{day.year:04}" if day else ""


def pupil_json(pupil: Pupil) -> dict[str, str]:
    """A pupil as plain text values, the birth date as `2015-04-14` or nothing."""
    return {
        "school": pupil.school,
        "upn": pupil.upn,
        "forename": pupil.forename,
        "surname": pupil.surname,
        "gender": pupil.gender,
        "birth_date": pupil.birth_date.isoformat() if pupil.birth_date else "",
        "nc_year": pupil.nc_year,
    }


def pupil_from_json(data: dict[str, Any]) -> Pupil:
    """The pupil that `pupil_json` wrote. KeyError or ValueError if it did not."""
    birth_date = date.fromisoformat(data["birth_date"]) if data["birth_date"] else None
    return Pupil(**{**data, "birth_date": birth_date})


def roster_json(roster: Roster) -> str:
    """A roster as it is stored: JSON that is the same, byte for byte, for the same roster."""
    import json

    data = {
        "school": roster.school,
        "version": roster.version,
        "made": roster.made.isoformat(),
        "pupils": [pupil_json(pupil) for pupil in roster.pupils],
    }
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def roster_from_json(text: str | bytes) -> Roster:
    """The roster that `roster_json` wrote. KeyError or ValueError if it did not."""
    import json

    data = json.loads(text)
    pupils = tuple(pupil_from_json(pupil) for pupil in data["pupils"])
    return Roster(data["school"], data["version"], datetime.fromisoformat(data["made"]), pupils)


def _decoded(source: bytes) -> str:
    """UTF-8 as exports should be, or Windows-1252, which is what Excel's "CSV" writes in this country."""
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            return source.decode("cp1252")
        except UnicodeDecodeError:
            raise BadRoster("The roster is neither UTF-8 nor Windows-1252 text.") from None


def _headings(cells: list[str], service: Service) -> list[int]:
    """At which places of a line a pupil's values stand, in the order of Pupil's fields. BadRoster if one is missing."""
    found: dict[str, int] = {}
    wanted = {heading_key(column.heading): column for column in service.identity}
    for index, cell in enumerate(cells):
        column = wanted.get(heading_key(cell))
        if column and column.key in found:
            raise BadRoster(f"Line 1: the heading {column.heading} appears twice.")
        if column:
            found[column.key] = index
    missing = [column.heading for column in service.identity if column.key not in found]
    if missing:
        raise BadRoster(f"Line 1: missing heading {', '.join(missing)}.")
    return [found[name] for name in Pupil._fields]


def _pupil(texts: tuple[str, ...], line: int) -> Pupil:
    """The pupil of a line, whose values are in the order of Pupil's fields. BadRoster if one cannot be right."""
    together = "".join(texts)
    if " " in together or not together.isprintable():  # other white space than a space is not printable
        texts = tuple(" ".join(text.split()) for text in texts)
    if len(together) > MAX_CELL and max(map(len, texts)) > MAX_CELL:
        raise BadRoster(f"Line {line}: a value is longer than {MAX_CELL} characters. Is a quote mark not closed?")
    school, upn, forename, surname, gender, written, nc_year = texts
    if "/" in school or " " in school:
        school = school.replace("/", "").replace(" ", "")
    if not (len(school) == 7 and school.isascii() and school.isdigit()):
        raise BadRoster(f"Line {line}: School DFE must be seven digits.")
    upn = upn.upper() if upn.isascii() and upn.isalnum() else normal_upn(upn)
    if not (upn.isascii() and upn.isalnum()):
        raise BadRoster(f"Line {line}: UPN must be letters and digits, and not be blank.")
    birth_date = parse_date(written)
    if written and birth_date is None:
        raise BadRoster(f"Line {line}: Date of birth must be a date such as 14/04/2015, or blank.")
    return Pupil(school, upn, forename, surname, gender, birth_date, nc_year)
