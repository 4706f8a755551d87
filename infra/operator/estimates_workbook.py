"""The workbook of estimates: one sheet a school and outcome, with the model's provenance on each page."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

ALWAYS = datetime(2000, 1, 1)  # noqa: DTZ001 - a workbook of the same estimates is the same
LEFT_OUT = ("school", "la", "upload_id")  # the sheet is of one school
_HEAD, _TINT = Font(bold=True), PatternFill("solid", fgColor="E8EEF4")


def estimates_workbook(
    provenance: Mapping[str, str], sheets: Mapping[tuple[str, str], Sequence[Mapping[str, str]]]
) -> bytes:
    """The workbook; `sheets` are rows by school and name of the outcome. The same rows give the same bytes."""
    book = Workbook()
    if book.active is not None:
        book.remove(book.active)  # the empty one that every new workbook has
    for number, ((school, outcome), rows) in enumerate(sorted(sheets.items()), 1):
        page = book.create_sheet(_title(school, outcome, number))
        page["A1"] = f"{outcome}: school {school}"
        page["A1"].font = Font(bold=True, size=14)
        top = 2
        for name, text in provenance.items():
            page.cell(top, 1, name)
            page.cell(top, 2, text)
            top += 1
        page.cell(top, 1, "Chances in whole per cent, by how schools do: the 50th percentile is the middle one.")
        names = [name for name in rows[0] if name not in LEFT_OUT]
        head = top + 2
        for column, name in enumerate(names, 1):
            cell = page.cell(head, column, name)
            cell.font, cell.fill, cell.alignment = _HEAD, _TINT, Alignment(wrap_text=True, vertical="top")
            page.column_dimensions[get_column_letter(column)].width = 16 if column < 4 else 14
        for at, row in enumerate(rows, head + 1):
            for column, name in enumerate(names, 1):
                page.cell(at, column, row[name])
        page.freeze_panes = page.cell(head + 1, 1)
        page.print_title_rows = f"1:{head}"  # provenance and headings on every page that is printed
        page.page_setup.orientation, page.page_setup.paperSize = "landscape", 9  # A4
        page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
        page.sheet_properties.pageSetUpPr.fitToPage = True
        page.oddFooter.left.text = f"Model {provenance['version']}, {provenance['sha256'][:16]}".replace("&", "&&")
        page.oddFooter.right.text = "Page &P of &N"
    book.properties.creator, book.properties.created, book.properties.modified = "Early Results", ALWAYS, ALWAYS
    saved = io.BytesIO()
    book.save(saved)
    return _without_times(saved.getvalue())


def _title(school: str, outcome: str, number: int) -> str:
    """A sheet's name: Excel takes 31 characters, and some not at all."""
    plain = re.sub(r"[^\w -]", "", outcome)[:17].strip()
    return f"{school} {plain} {number}"


def _without_times(data: bytes) -> bytes:
    """The archive with one time for all its entries, and the moment of saving taken out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = source.read(name)
            if name == "docProps/core.xml":
                moment = rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)"
                part = re.sub(moment, rb"\g<1>2000-01-01T00:00:00Z\g<2>", part)
            target.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), part, zipfile.ZIP_DEFLATED)
    return out.getvalue()
