"""Workbooks written part by part, so that a test can get any of them wrong."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO

from early_results.workbook import Limits, Value, open_workbook

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
PART_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
MAIN_TYPE = f"{PART_TYPE}.sheet.main+xml"

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
STYLES = "xl/styles.xml"
WORKBOOK = "xl/workbook.xml"
WORKBOOK_RELS = "xl/_rels/workbook.xml.rels"
ROOT_RELS = "_rels/.rels"
CONTENT_TYPES = "[Content_Types].xml"


def content_types(main: str = MAIN_TYPE) -> str:
    return (
        f'{XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{main}"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{PART_TYPE}.sharedStrings+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{PART_TYPE}.styles+xml"/></Types>'
    )


def relationships(*links: tuple[str, str, str], mode: str = "") -> str:
    """Relationships part of (id, last word of the type, target)."""
    extra = f' TargetMode="{mode}"' if mode else ""
    entries = "".join(f'<Relationship Id="{i}" Type="{OFFICE}/{k}" Target="{t}"{extra}/>' for i, k, t in links)
    return f'{XML}<Relationships xmlns="{RELATIONSHIPS}">{entries}</Relationships>'


def workbook(sheets: str = '<sheet name="Sheet1" sheetId="1" r:id="rId1"/>', before: str = "") -> str:
    return f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{before}<sheets>{sheets}</sheets></workbook>'


def sheet(rows: str, after: str = "", before: str = "") -> str:
    return f'{XML}<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def strings(*items: str) -> str:
    return f'{XML}<sst xmlns="{MAIN}">{"".join(f"<si>{item}</si>" for item in items)}</sst>'


def styles(*formats: int | str) -> str:
    """Cell styles 0, 1, 2 ... with a number format each: built in by number, or written out."""
    custom = "".join(
        f'<numFmt numFmtId="{200 + i}" formatCode="{f}"/>' for i, f in enumerate(formats) if isinstance(f, str)
    )
    cells = "".join(f'<xf numFmtId="{f if isinstance(f, int) else 200 + i}"/>' for i, f in enumerate(formats))
    return (
        f'{XML}<styleSheet xmlns="{MAIN}"><numFmts>{custom}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
        f"<cellXfs>{cells}</cellXfs></styleSheet>"
    )


DEFAULT: dict[str, str | bytes | None] = {
    CONTENT_TYPES: content_types(),
    ROOT_RELS: relationships(("rId1", "officeDocument", "xl/workbook.xml")),
    WORKBOOK: workbook(),
    WORKBOOK_RELS: relationships(
        ("rId1", "worksheet", "worksheets/sheet1.xml"),
        ("rId2", "sharedStrings", "sharedStrings.xml"),
        ("rId3", "styles", "styles.xml"),
    ),
    SHEET: sheet('<row r="1"><c r="A1"><v>1</v></c></row>'),
}


def build(parts: Mapping[str, str | bytes | None] | None = None, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A workbook of the default parts, some replaced or added, or left out where None."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in (DEFAULT | dict(parts or {})).items():
            if content is not None:
                archive.writestr(zipfile.ZipInfo(name), content, compression)
    return file.getvalue()


def read(data: bytes, limits: Limits | None = None) -> list[tuple[int, dict[int, Value]]]:
    """The rows of the first sheet."""
    opened = open_workbook(data, limits or Limits())
    return opened.rows(opened.sheets[0])


def rows_of(rows: str, shared: str | None = None, style: str | None = None) -> list[tuple[int, dict[int, Value]]]:
    """The rows that the reader makes of this sheet data."""
    return read(build({SHEET: sheet(rows), STRINGS: shared, STYLES: style}))


def one(cell: str, shared: str | None = None, style: str | None = None) -> Value | None:
    """The value that the reader makes of one cell, written at A1; None if it is blank."""
    found = rows_of(f'<row r="1">{cell}</row>', shared, style)
    return found[0][1][1] if found else None
