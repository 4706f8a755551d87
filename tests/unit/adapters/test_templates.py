"""The template: what a school opens, and that it comes back as it went out."""

from __future__ import annotations

import io
import posixpath
import zipfile
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.templates import printable, template_workbook
from early_results.checking.check import judge, read_submission
from early_results.checking.mark import HELP_SHEET, MARK_SHEET, TemplateMark, mark_rows, read_mark
from early_results.checking.roster import Roster, parse_rosters, roster_version, rosters_csv
from early_results.results import Pupil
from tests.effort import examples
from tests.unit.checking.school_files import HEADINGS, ISSUED, SCHOOL, SERVICE, roster
from tests.unit.checking.test_roster import PUPILS

ROSTER = roster(30, version="2023-06-05.1")
TEMPLATE = template_workbook(SERVICE, ROSTER, ISSUED)


def opened(data: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(data))


def test_the_sheets_a_school_sees() -> None:
    book = opened(TEMPLATE)
    assert [(sheet.title, sheet.sheet_state) for sheet in book.worksheets] == [
        (SERVICE.sheet, "visible"),
        (HELP_SHEET, "visible"),
        (MARK_SHEET, "veryHidden"),
    ]
    assert book.active is not None
    assert book.active.title == SERVICE.sheet


def test_prefilled_in_the_services_order() -> None:
    sheet = opened(TEMPLATE)[SERVICE.sheet]
    assert [cell.value for cell in sheet[1]] == HEADINGS
    assert [cell.value for cell in sheet[3]][:7] == [
        1231234, "P1234567891235", "Ann", "Brown", "Female", datetime(2014, 9, 2), 2,  # noqa: DTZ001
    ]  # fmt: skip
    note = sheet["K1"].comment
    assert note is not None
    assert note.text == "Science: EXS, HNM, A; or empty."
    assert sheet["F3"].number_format == "dd/mm/yyyy"
    assert sheet.max_row == 31
    assert all(cell.value is None for row in sheet["H2:N31"] for cell in row)
    assert sheet.freeze_panes == "E2"


def test_identity_is_locked_results_are_open_and_there_is_no_password() -> None:
    sheet = opened(TEMPLATE)[SERVICE.sheet]
    assert sheet.protection.sheet
    assert sheet.protection.password is None
    assert all(cell.protection.locked for row in sheet["A1:G31"] for cell in row)
    assert not any(cell.protection.locked for row in sheet["H2:N31"] for cell in row)


def test_choices_and_limits_come_from_the_service() -> None:
    rules = {str(rule.sqref): rule for rule in opened(TEMPLATE)[SERVICE.sheet].data_validations.dataValidation}
    assert rules["K2:K31"].formula1 == '"EXS,HNM,A"'
    assert rules["H2:H31"].formula1 == '"GDS,EXS,WTS,PK4,PK3,PK2,PK1,EM,A"'
    score = rules["N2:N31"]
    assert (score.type, score.operator, score.formula1, score.formula2) == ("whole", "between", "85", "115")
    assert len(rules) == len(SERVICE.results)
    for rule in rules.values():
        assert rule.allow_blank
        assert len(rule.error) <= 225  # Excel says a file with a longer one is damaged
        assert not rule.prompt  # it would hide the rows below at every step
        assert len(rule.errorTitle) <= 32


def test_the_help_sheet_says_what_people_ask() -> None:
    text = "\n".join(str(v) for row in opened(TEMPLATE)[HELP_SHEET].values for v in row if v)
    for code in SERVICE.codes:
        assert code.meaning in text
    for words in (
        "12 noon on Friday 30 June 2023",
        "12 noon on Friday 21 July 2023",
        "support@fft.org.uk",
        "01446 776 262 (option 2)",
        "as of 5 June 2023",
        "does not replace your statutory return",
        "Has not met the expected standard (Science only)",
        "downloaded on 6 June 2023",
        "30 Year 2 pupils",
    ):
        assert words in text
    assert "Extended" in str(
        list(opened(template_workbook(SERVICE, ROSTER, ISSUED, deadlines=["Extended to Monday."]))[HELP_SHEET].values)
    )


def test_the_same_inputs_give_the_same_bytes_and_no_others() -> None:
    assert template_workbook(SERVICE, ROSTER, ISSUED) == TEMPLATE
    assert template_workbook(SERVICE, ROSTER, ISSUED + timedelta(days=1)) != TEMPLATE
    with zipfile.ZipFile(io.BytesIO(TEMPLATE)) as archive:
        core = archive.read("docProps/core.xml").decode()
    assert core.count("2023-06-06T09:30:00Z") == 2


def test_the_mark_comes_back() -> None:
    submission = read_submission(TEMPLATE, SERVICE)
    assert submission.mark == TemplateMark("ks1-2023", "ks1-2023.1", SCHOOL, "2023-06-05.1", ISSUED)
    assert submission.template_roster_version == "2023-06-05.1"


@pytest.mark.parametrize(
    "change",
    [{"issued": "yesterday"}, {"issued": "2023-06-06T09:30:00"}, {"service": "<b>"}, {"roster version": "x" * 65}],
)
def test_a_mark_that_was_changed_is_no_mark(change: dict[str, str]) -> None:
    mark = TemplateMark("ks1-2023", "ks1-2023.1", SCHOOL, "v1", ISSUED)
    rows = [(row, {1: name, 2: change.get(name, value)}) for row, (name, value) in enumerate(mark_rows(mark), 1)]
    assert read_mark(rows) is None
    assert read_mark([(row, {1: name, 2: value}) for row, (name, value) in enumerate(mark_rows(mark), 1)]) == mark
    assert read_mark([]) is None


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(PUPILS, min_size=1, max_size=12, unique_by=lambda one: one.upn))
def test_roster_to_template_to_accepted(pupils: list[Pupil]) -> None:
    """Whatever names an MIS holds: the template made from them, with one result filled in, is accepted as it stands."""
    pupils = [one._replace(school=SCHOOL) for one in pupils]
    listed = parse_rosters(rosters_csv(pupils, SERVICE), SERVICE)[SCHOOL]
    current = Roster(SCHOOL, roster_version(listed), datetime(2023, 6, 5, tzinfo=UTC), listed)
    book = opened(template_workbook(SERVICE, current, ISSUED))
    book[SERVICE.sheet]["L2"] = 100
    out = io.BytesIO()
    book.save(out)
    submission = read_submission(out.getvalue(), SERVICE)
    verdict = judge(submission, SERVICE, allowed_schools=(SCHOOL,), roster=current)
    assert verdict.findings == ()
    assert [entry.pupil for entry in verdict.results] == pupils
    assert verdict.results[0].scores == {"ss_reading": 100}


@pytest.mark.parametrize("name", ["=1+1", "+44", "-Ann", "@SUM(A1)", "=cmd|' /C calc'!A0", "#N/A", "'quoted", "\x0bVT"])
def test_a_name_is_never_a_formula(name: str) -> None:
    one = Pupil(SCHOOL, "P1234567891234", name, name, "", None, "=2")
    data = template_workbook(SERVICE, ROSTER._replace(pupils=(one,)), ISSUED)
    sheet = opened(data)[SERVICE.sheet]
    for cell in (sheet["C2"], sheet["D2"], sheet["G2"]):
        assert cell.data_type == "s"
    assert sheet["C2"].value == name.replace("\x0b", "")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


@given(st.text(st.characters(), max_size=12))
def test_what_xml_cannot_hold_is_left_out(text: str) -> None:
    kept = printable(text)
    ElementTree.fromstring(f"<a>{escape(kept)}</a>".encode())
    assert [c for c in text if c in kept] == list(kept)
    assert printable("\x00\x1f\ud800\udfff\ufffe\uffffZoë \U0001f600\t") == "Zoë \U0001f600\t"
    assert len(printable("x" * 40_000)) == 32_767


def test_an_empty_list_still_makes_a_template() -> None:
    empty = ROSTER._replace(pupils=())
    assert read_submission(template_workbook(SERVICE, empty, ISSUED), SERVICE).findings == ()


def test_a_birth_date_that_excel_cannot_hold() -> None:
    one = Pupil(SCHOOL, "P1234567891234", "A", "B", "", date(1899, 5, 4), "2")
    current = ROSTER._replace(pupils=(one,))
    data = template_workbook(SERVICE, current, ISSUED)
    verdict = judge(read_submission(data, SERVICE), SERVICE, allowed_schools=(SCHOOL,), roster=current)
    assert [finding.code.value for finding in verdict.findings] == ["no-results"]


def test_parts_are_named_as_excel_names_them() -> None:
    """exceljs does not find the notes of a sheet under other names, nor from the root of the package on."""
    with zipfile.ZipFile(io.BytesIO(TEMPLATE)) as archive:
        named = 0
        for part in archive.namelist():
            if part.endswith(".rels"):
                folder = posixpath.dirname(posixpath.dirname(part))
                for link in ElementTree.fromstring(archive.read(part)):
                    target = link.attrib["Target"]
                    assert not target.startswith("/")
                    assert posixpath.normpath(f"{folder}/{target}").lstrip("/") in archive.namelist()
                    named += 1
        assert {"xl/comments1.xml", "xl/drawings/vmlDrawing1.vml"} <= set(archive.namelist())
        listed = archive.read("[Content_Types].xml").decode()
        for override in ElementTree.fromstring(listed).iter():
            assert override.attrib.get("PartName", "/xl/workbook.xml").lstrip("/") in archive.namelist()
    assert named >= 8


def test_what_the_protection_allows_can_be_done() -> None:
    """Excel: a filter must be there before the sheet is protected, and ranges with locked cells cannot be sorted."""
    sheet = opened(TEMPLATE)[SERVICE.sheet]
    assert sheet.auto_filter.ref == f"A1:N{len(ROSTER.pupils) + 1}"
    assert sheet.protection.sheet
    assert not sheet.protection.autoFilter
    assert sheet.protection.sort
    steps = " ".join(str(cell.value) for row in opened(TEMPLATE)[HELP_SHEET].iter_rows() for cell in row)
    assert "To sort, first choose Review, Unprotect Sheet (there is no password)" in steps
