"""The reader against calamine and LibreOffice, every cell, on whatever the tests make; and what we alone refuse."""

from __future__ import annotations

import io
import shutil
import warnings
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from adapters.annotated import annotated_workbook
from adapters.templates import template_workbook
from early_results.checking.check import judge, read_submission
from early_results.checking.roster import Roster
from early_results.findings import Code
from early_results.service import load_service, service_names
from early_results.workbook import Unreadable, open_workbook
from infra.local.demonstration import fill, pupils_of, results_of, with_errors
from tests.unit.workbook import second_readers as readers
from tests.unit.workbook.hostile import CASES, inflated, small_files
from tests.unit.workbook.raw_workbook import STRINGS, strings
from tests.unit.workbook.test_workbook_oracle import CELLS, FAST, FORMATS, NEAR, WRITERS, saved

KEPT = Path(__file__).parents[1] / "checking" / "cases"
EPOCH, EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001
SCHOOL = "1231234"
needs_libreoffice = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")


def of_services() -> dict[str, bytes]:
    """For each service a template that is filled in, one with mistakes, and the annotated copy of that."""
    files = {}
    for name in service_names():
        service, made = load_service(name), datetime(2026, 6, 8, 8, tzinfo=UTC)
        roster = Roster(SCHOOL, "v1", made, pupils_of(SCHOOL, 9, service=service))
        results = {pupil.upn: results_of(service, pupil) for pupil in roster.pupils}
        template = template_workbook(service, roster, made)
        files[f"{name}, filled in"] = fill(template, service, results)
        files[f"{name}, mistakes"] = wrong = fill(template, service, with_errors(service, results))
        submission = read_submission(wrong, service)
        verdict = judge(submission, service, allowed_schools={SCHOOL}, roster=roster)
        files[f"{name}, annotated"] = annotated_workbook(service, submission, verdict, roster, made)
    return files


SMALL = 150_000  # bytes inflated


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Every file of some size that the tests make or keep, and that we read."""
    kept = {path.stem: path.read_bytes() for path in sorted(KEPT.glob("*.xlsx"))}
    made = {**{name: writer() for name, writer in WRITERS.items()}, **kept, **of_services()}
    return {name: data for name, data in made.items() if _is_read(data)}


def _is_read(data: bytes) -> bool:
    try:
        open_workbook(data)
    except Unreadable:
        return False
    return True


def calamine_differs(data: bytes) -> list[tuple[Any, ...]]:
    ours, theirs = readers.by_us(data), readers.by_calamine(data)
    return [
        (place, ours.get(place), theirs.get(place))
        for place in sorted(ours.keys() | theirs.keys())
        if not readers.calamine_agrees(ours.get(place), theirs.get(place))
    ]


def libreoffice_differs(data: bytes, theirs: readers.Cells, epoch: datetime = EPOCH) -> list[tuple[Any, ...]]:
    ours, worked_out = readers.by_us(data), readers.of_formulas(data)
    return [
        (place, ours.get(place), theirs.get(place))
        for place in sorted((ours.keys() | theirs.keys()) - worked_out)
        if not readers.libreoffice_agrees(ours.get(place), theirs.get(place), epoch)
    ]


def test_calamine_says_the_same_of_every_cell(files: dict[str, bytes]) -> None:
    assert len(files) > 40
    assert {name: found for name, data in files.items() if (found := calamine_differs(data))} == {}


@needs_libreoffice
@pytest.mark.long
def test_libreoffice_says_the_same_of_every_cell(files: dict[str, bytes], tmp_path: Path) -> None:
    told = readers.in_libreoffice(files, tmp_path)
    assert told.keys() == files.keys()
    epochs = {name: EPOCH_1904 if "1904" in name else EPOCH for name in files}
    wrong = {name: libreoffice_differs(files[name], cells, epochs[name]) for name, cells in told.items()}
    assert {name: found for name, found in wrong.items() if found} == {}


GENERATED = st.dictionaries(NEAR, st.tuples(CELLS, st.sampled_from(FORMATS)), min_size=1, max_size=12)


def book_of(cells: dict[tuple[int, int], tuple[Any, str]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for (row, column), (value, number_format) in cells.items():
        cell = sheet.cell(row, column, value)
        if isinstance(value, str | int) and not isinstance(value, bool):
            cell.number_format = number_format if isinstance(value, str) else "General"
    return saved(book)


@FAST
@given(GENERATED)
def test_calamine_says_the_same_of_generated_workbooks(cells: dict[tuple[int, int], tuple[Any, str]]) -> None:
    assert calamine_differs(book_of(cells)) == []


@needs_libreoffice
@pytest.mark.long
@settings(max_examples=1, deadline=None, phases=[Phase.generate])
@given(st.lists(GENERATED, min_size=30, max_size=30))
def test_libreoffice_says_the_same_of_generated_workbooks(
    tmp_path_factory: pytest.TempPathFactory, books: list[dict[tuple[int, int], tuple[Any, str]]]
) -> None:
    """Many at once: LibreOffice takes seconds to start."""
    files = {str(number): book_of(cells) for number, cells in enumerate(books)}
    told = readers.in_libreoffice(files, tmp_path_factory.mktemp("generated"))
    wrong = [one for name, cells in told.items() for one in libreoffice_differs(files[name], cells)]
    assert not wrong, wrong[:9]


# -- what we alone refuse ------------------------------------------------------------------------------------------
_PLACES = "Excel has no such row or column, and nobody would see what stands there"
_TWICE = "which of two parts of one name counts is said nowhere: programs take the first or the last"
_NO_SUCH = "what the cell names is not there: openpyxl counts from the end, LibreOffice shows a blank or another text"
_OTHER = "the part is not what the workbook says it is; what it holds is passed over, and results with it"
_POLICY = "a macro can change what a workbook shows: the template has none, and no school needs one"
_CODECS = "Excel reads UTF-8 and UTF-16; a codec of Python's own is no encoding of XML"
READ_BY_OPENPYXL = {
    **dict.fromkeys(("row 2,000,000,000", "row 2,000,000,000 by its cell alone", "row 2 to the 64th"), _PLACES),
    **dict.fromkeys(("row -1", "row 0", "row 1e5", "column XFE"), _PLACES),
    "shared string -1": _NO_SUCH,
    **dict.fromkeys(("strings that are the sheet", "styles that are the sheet"), _OTHER),
    "a workbook of another namespace": _OTHER,
    **dict.fromkeys(("xl/worksheets/sheet1.xml twice", "XL/WORKSHEETS/sheet1.xml twice"), _TWICE),
    **dict.fromkeys(("xl\\worksheets\\sheet1.xml twice", "/xl/worksheets/sheet1.xml twice"), _TWICE),
    "xl/sharedStrings.xml twice": _TWICE,
    "character encoding unicode_escape": _CODECS,
    **dict.fromkeys(
        ("a macro-enabled workbook", "a macro-enabled workbook in UTF-16", "a workbook with a macro"), _POLICY
    ),
    **dict.fromkeys(("a workbook with a macro elsewhere", "a workbook with a macro sheet of Excel 4"), _POLICY),
}
_SKIPPED = "LibreOffice goes on without the part, and with it without the texts or dates that it holds"
_CUT = "LibreOffice shows the rows before the break as if there were no others: results would be lost unseen"
_ZIP = "the parts can be found by looking for them, but not by what the file says of itself"
_NUMBER = "no number that Excel could have written; LibreOffice shows one of its own"
READ_BY_LIBREOFFICE = {
    **dict.fromkeys(("a number of 50,000 digits", "a number of 5,000 digits", "a day of 999999999999"), _NUMBER),
    **dict.fromkeys(("an external entity in the strings", "an external entity in the styles"), _SKIPPED),
    **dict.fromkeys(("strings that are the sheet", "styles that are the sheet", "an empty strings part"), _SKIPPED),
    **dict.fromkeys(("row -1", "row 1e5"), _PLACES),
    **dict.fromkeys(("shared string x", "shared string 0.5", "shared string 999999999999"), _NO_SUCH),
    "a sheet cut short": _CUT,
    **dict.fromkeys(("xl/worksheets/sheet1.xml twice", "XL/WORKSHEETS/sheet1.xml twice"), _TWICE),
    **dict.fromkeys(("/xl/worksheets/sheet1.xml twice", "xl/sharedStrings.xml twice"), _TWICE),
    **dict.fromkeys(("a zip version of the future", "a zip comment that ends another zip"), _ZIP),
    **dict.fromkeys(
        ("UTF-16 that says it is UTF-8", "UTF-16 with half a byte pair", "character encoding gbk"), _CODECS
    ),
    **dict.fromkeys(
        ("a macro-enabled workbook", "a macro-enabled workbook in UTF-16", "a workbook with a macro"), _POLICY
    ),
    "a workbook with a macro sheet of Excel 4": _POLICY,
}


@pytest.fixture(scope="module")
def refused() -> dict[str, bytes]:
    """The hostile files that we call damaged, or macros, but for those that are there to take somebody's memory."""
    found = {name: data for name, data in small_files().items() if CASES[name].outcome in (Code.DAMAGED, Code.MACROS)}
    return {name: data for name, data in found.items() if len(data) < SMALL and inflated(data) < SMALL}


def read_by_openpyxl(data: bytes) -> bool:
    """Whether openpyxl finds anything in a file. Without a part of texts it stops, which is not the file's fault."""
    whole = io.BytesIO(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with zipfile.ZipFile(whole, "a") as archive:
                if STRINGS not in archive.namelist():
                    archive.writestr(STRINGS, strings())
            book = openpyxl.load_workbook(io.BytesIO(whole.getvalue()), data_only=True)
        except Exception:
            return False
    return any(cell.value is not None for sheet in book.worksheets for cell in sheet._cells.values())


def test_what_openpyxl_reads_and_we_refuse_is_explained(refused: dict[str, bytes]) -> None:
    assert len(refused) > 100
    assert {name for name, data in refused.items() if read_by_openpyxl(data)} == READ_BY_OPENPYXL.keys()


@needs_libreoffice
@pytest.mark.long
def test_what_libreoffice_shows_and_we_refuse_is_explained(refused: dict[str, bytes], tmp_path: Path) -> None:
    told = readers.in_libreoffice(refused, tmp_path)
    assert {name for name, cells in told.items() if cells} == READ_BY_LIBREOFFICE.keys()
