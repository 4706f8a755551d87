"""Two more readers of workbooks beside openpyxl, and what each is known to say in another way than ours.

calamine (Rust) shows errors as blanks, every number as a float, and spaces alone as a blank where their part does not
say `xml:space`. LibreOffice shows what a person would see there: it works formulas out, and its formats decide what is
a date. Each accepted difference is a line of `calamine_agrees` or `libreoffice_agrees`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from io import BytesIO
from math import isclose
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineWorkbook

from early_results.workbook import ErrorValue, Uncalculated, Value, open_workbook

Cells = dict[tuple[str, int, int], Any]
LARGEST = 2_000_000  # cells of the rectangle that calamine makes of a sheet: it aborts the process on Excel's last cell
DAY = timedelta(days=1)
FIRST_OF_MARCH = datetime(1900, 3, 1)  # noqa: DTZ001
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"


def by_us(data: bytes) -> dict[tuple[str, int, int], Value]:
    """Every cell of every sheet, by sheet, row and column."""
    book = open_workbook(data)
    return {
        (info.name, row, column): value
        for info in book.sheets
        for row, cells in book.rows(info)
        for column, value in cells.items()
    }


def of_formulas(data: bytes) -> set[tuple[str, int, int]]:
    """The cells that formulas fill: LibreOffice works them out anew."""
    book = open_workbook(data)
    return {(info.name, row, column) for info in book.sheets for row, column in book.contents(info).formulas}


def fits_calamine(cells: Mapping[tuple[str, int, int], Value]) -> bool:
    """Whether calamine can hold the sheets: it allocates the whole rectangle that the cells span."""
    sheets = {sheet for sheet, _, _ in cells}
    spans = [[(row, column) for name, row, column in cells if name == sheet] for sheet in sheets]
    return all(max(r for r, _ in span) * max(c for _, c in span) <= LARGEST for span in spans)


def by_calamine(data: bytes) -> Cells:
    """Every cell that calamine does not show as a blank."""
    book = CalamineWorkbook.from_filelike(BytesIO(data))
    return {
        (name, row, column): value
        for name in book.sheet_names
        for row, values in enumerate(book.get_sheet_by_name(name).to_python(skip_empty_area=False), 1)
        for column, value in enumerate(values, 1)
        if value != ""
    }


def calamine_agrees(ours: Value | None, theirs: Any) -> bool:
    """Whether calamine says the same of a cell, blanks None; every difference that is accepted is here."""
    if ours is None or isinstance(ours, ErrorValue | Uncalculated):
        return theirs is None  # it shows an error as a blank
    if isinstance(theirs, timedelta):
        return theirs / DAY == ours  # a duration: to us it stays the number in the file
    if isinstance(ours, str) and not ours.strip(" "):
        return theirs in (None, ours)  # spaces alone are kept or not as the part says `xml:space`
    if isinstance(ours, bool) or not isinstance(ours, int | float):
        return type(theirs) is type(ours) and theirs == ours
    return type(theirs) is float and theirs == float(ours)  # numbers are floats there


def in_libreoffice(files: Mapping[str, bytes], folder: Path) -> dict[str, Cells]:
    """Every cell of each file, by the file's name, as LibreOffice shows it, but for files that it does not open."""
    soffice = shutil.which("soffice")
    assert soffice is not None
    paths = {name: folder / f"{number}.xlsx" for number, name in enumerate(files)}
    for name, path in paths.items():
        path.write_bytes(files[name])
    command = [soffice, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"]
    convert = [*command, "--convert-to", "fods", "--outdir", str(folder), *map(str, paths.values())]
    subprocess.run(convert, check=True, capture_output=True, timeout=300)
    made = {name: path.with_suffix(".fods") for name, path in paths.items()}
    return {name: _flat(path) for name, path in made.items() if path.exists()}


def _flat(path: Path) -> Cells:
    """The cells of a flat OpenDocument spreadsheet."""
    found: Cells = {}
    for sheet in ElementTree.parse(path).iter(f"{_TABLE}table"):
        row = 0
        for line in sheet.iter(f"{_TABLE}table-row"):
            repeated, column = int(line.get(f"{_TABLE}number-rows-repeated", 1)), 0
            for cell in line:
                if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                    continue
                times = int(cell.get(f"{_TABLE}number-columns-repeated", 1))
                value = _value(cell)
                if value is not None:
                    for down in range(repeated):
                        for right in range(times):
                            found[str(sheet.get(f"{_TABLE}name")), row + down + 1, column + right + 1] = value
                column += times
            row += repeated
    return found


def _value(cell: ElementTree.Element) -> Any:
    kind = cell.get(f"{_OFFICE}value-type")
    if kind is None:
        return None
    if cell.get(f"{_CALC}value-type") == "error":
        return ErrorValue("".join(cell.itertext()).strip())
    if kind == "boolean":
        return cell.get(f"{_OFFICE}boolean-value") == "true"
    if kind == "date":
        return _moment(str(cell.get(f"{_OFFICE}date-value")))
    if kind == "time":
        return _duration(str(cell.get(f"{_OFFICE}time-value")))
    if kind == "string":
        return "\n".join(_text(paragraph) for paragraph in cell.findall(f"{_TEXT}p"))
    return float(str(cell.get(f"{_OFFICE}value")))


def _moment(text: str) -> datetime | str:
    """A moment; the text itself where it is of a year that Python does not have."""
    try:
        return datetime.fromisoformat(text[:26])
    except ValueError:
        return text


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(-?)PT(\d+)H(\d+)M([\d.,]+)S", text)
    assert found is not None, text
    span = timedelta(hours=int(found[2]), minutes=int(found[3]), seconds=float(found[4].replace(",", ".")))
    return -span if found[1] else span


def _text(paragraph: ElementTree.Element) -> str:
    parts = [paragraph.text or ""]
    for child in paragraph:
        name = child.tag.removeprefix(_TEXT)
        if name == "s":
            parts.append(" " * int(child.get(f"{_TEXT}c", 1)))
        elif name == "tab":
            parts.append("\t")
        elif name == "line-break":
            parts.append("\n")
        else:
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def libreoffice_agrees(ours: Value | None, theirs: Any, epoch: datetime) -> bool:
    """Whether LibreOffice says the same of a cell, blanks None; every difference that is accepted is here."""
    if isinstance(ours, bool):  # a number to it, which its format shows as a truth value, a number or a moment
        return theirs in (ours, float(ours), ours * DAY, epoch + ours * DAY)
    if ours is None or isinstance(ours, ErrorValue):
        return type(theirs) is type(ours) and theirs == ours
    if isinstance(ours, date) and isinstance(theirs, datetime) and theirs < FIRST_OF_MARCH:
        theirs += DAY  # Excel has a 29 February 1900, which never was; LibreOffice's days before it are one earlier
    if isinstance(theirs, timedelta):  # what a format shows as a time may be a moment, or a number, to us
        return abs(_days(ours, epoch) - theirs / DAY) < 1e-7
    if isinstance(ours, datetime):
        return isinstance(theirs, datetime) and abs(theirs - ours) < timedelta(seconds=0.01)  # it shows hundredths
    if isinstance(ours, date):
        return bool(theirs == datetime(ours.year, ours.month, ours.day))  # noqa: DTZ001
    if isinstance(ours, time):
        return bool(theirs == ours.isoformat())  # a time of ISO 8601 stays a text there
    if isinstance(ours, int | float):
        return type(theirs) is float and isclose(
            theirs, ours, rel_tol=1e-13, abs_tol=1e-18
        )  # at most 15 digits, 20 decimals
    return bool(theirs == ours)


def _days(value: Value, epoch: datetime) -> float:
    """The number that a workbook holds for a moment: days since its epoch."""
    if isinstance(value, datetime):
        return (value - epoch) / DAY
    if isinstance(value, date):
        return (datetime(value.year, value.month, value.day) - epoch) / DAY  # noqa: DTZ001
    if isinstance(value, time):
        return timedelta(hours=value.hour, minutes=value.minute, seconds=value.second) / DAY
    return float(value) if isinstance(value, int | float) else float("nan")
