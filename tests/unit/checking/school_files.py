"""Schools, pupils and filled-in workbooks for tests: made cell by cell, so that a test says what its file holds."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import xlsxwriter  # type: ignore[import-untyped]

from early_results.checking.check import Verdict, judge, read_submission
from early_results.checking.mark import MARK_SHEET, TemplateMark, mark_rows
from early_results.checking.roster import Roster
from early_results.findings import Code, Finding
from early_results.results import Pupil, PupilResults
from early_results.service import load_service

SERVICE = load_service("ks1-2023")
SCHOOL = "1231234"
HEADINGS = [column.heading for column in SERVICE.columns]
POSITION = {column.key: position for position, column in enumerate(SERVICE.columns, 1)}
ISSUED = datetime(2023, 6, 6, 9, 30, tzinfo=UTC)
NAMES = [("John", "Smith"), ("Ann", "Brown"), ("James", "Page"), ("Anna", "Lolly"), ("Zoë", "O'Neill-Smith")]

Grid = dict[tuple[int, int], Any]
GOOD = ("EXS", "WTS", "GDS", "EXS", 100, 101, 115)


class Shown(str):
    """A cell that Excel shows as this error, `Shown("#N/A")`."""

    __slots__ = ()


class Formula(NamedTuple):
    """A formula and what is stored as its value; "" if no program worked it out."""

    formula: str
    stored: Any


def pupil(number: int, school: str = SCHOOL) -> Pupil:
    """The pupil of that number: the same every time."""
    forename, surname = NAMES[number % len(NAMES)]
    born = date(2014, 9, 1) + timedelta(days=number % 365)
    return Pupil(school, f"P{1234567891234 + number}", forename, surname, ("Male", "Female")[number % 2], born, "2")


def roster(count: int = 4, *, school: str = SCHOOL, version: str = "v1", first: int = 0) -> Roster:
    pupils = tuple(pupil(number, school) for number in range(first, first + count))
    return Roster(school, version, datetime(2023, 6, 5, 3, tzinfo=UTC), pupils)


def grid(pupils: tuple[Pupil, ...], results: tuple[Any, ...] = GOOD, *, heading_row: int = 1) -> Grid:
    """A filled-in template: every pupil with the same results, in the template's order of columns."""
    cells: Grid = {(heading_row, position): heading for position, heading in enumerate(HEADINGS, 1)}
    for row, one in enumerate(pupils, heading_row + 1):
        identity = (int(one.school), one.upn, one.forename, one.surname, one.gender, one.birth_date, int(one.nc_year))
        for position, value in enumerate(identity + results, 1):
            cells[row, position] = value
    return cells


def book(
    cells: Grid, *, sheet: str = SERVICE.sheet, mark: TemplateMark | None = None, others: dict[str, Grid] | None = None
) -> bytes:
    """The cells as an .xlsx file."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as workbook:
        day = workbook.add_format({"num_format": "dd/mm/yyyy"})
        for name, content in {**(others or {}), sheet: cells}.items():
            page = workbook.add_worksheet(name)
            for (row, position), value in content.items():
                if isinstance(value, Formula):
                    page.write_formula(row - 1, position - 1, value.formula, None, value.stored)
                elif isinstance(value, Shown):
                    page.write_formula(row - 1, position - 1, "=NA()", None, str(value))
                elif isinstance(value, date):
                    page.write_datetime(row - 1, position - 1, value, day)
                elif value is not None:
                    page.write(row - 1, position - 1, value)
        if mark is not None:
            page = workbook.add_worksheet(MARK_SHEET)
            for row, (name, value) in enumerate(mark_rows(mark)):
                page.write_string(row, 0, name)
                page.write_string(row, 1, value)
            page.very_hidden()
    return out.getvalue()


def merged(data: bytes, area: str) -> bytes:
    """The workbook with cells of its first sheet merged, as a file says it; what is stored in them stays."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                cells = b'</sheetData><mergeCells count="1"><mergeCell ref="%s"/></mergeCells>' % area.encode()
                part = part.replace(b"</sheetData>", cells)
            target.writestr(name, part)
    return out.getvalue()


def mark(version: str = "v1", service: str = "ks1-2023", school: str = SCHOOL) -> TemplateMark:
    return TemplateMark(service, "ks1-2023.1", school, version, ISSUED)


def verdict_on(
    data: bytes,
    current: Roster | None,
    *,
    allowed: tuple[str, ...] = (SCHOOL,),
    template: Roster | None = None,
    previous: tuple[PupilResults, ...] | None = None,
) -> Verdict:
    submission = read_submission(data, SERVICE)
    return judge(
        submission, SERVICE, allowed_schools=allowed, roster=current, template_roster=template, previous=previous
    )


def told(findings: tuple[Finding, ...]) -> list[tuple[Code, str | None]]:
    """Code and cell of each finding, in order."""
    return [(finding.code, finding.cell) for finding in findings]
