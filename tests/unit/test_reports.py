"""The report as workbook and PDF: true to its figures, readable by a screen reader, the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from pypdf import PdfReader
from pypdf.generic import BooleanObject

from adapters.report_pdf import build_pdf, printable
from adapters.report_workbook import build_workbook
from early_results.figures import Mean, Share, measures, plain, text_of, words
from tests.unit.report_samples import UNHURRIED, cohort, nation_of, odd_reports, report_of

ROOT = Path(__file__).parents[2]
ODD = odd_reports()


def page_text(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def digests() -> str:
    """The hashes of one report, printed by a fresh process as well as by this one."""
    report = report_of(cohort(29, 1), nation_of(3))
    return " ".join(hashlib.sha256(built).hexdigest() for built in (build_pdf(report), build_workbook(report)))


def test_a_report_is_the_same_bytes_again() -> None:
    assert digests() == digests()


@pytest.mark.parametrize(("zone", "seed"), [("Pacific/Auckland", "1"), ("America/Los_Angeles", "4242")])
def test_and_in_another_process_in_another_place(tmp_path: Path, zone: str, seed: str) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", "from tests.unit.test_reports import digests; print(digests())"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'functions'}",
            "TZ": zone,
            "PYTHONHASHSEED": seed,
            "HOME": str(tmp_path),
            "LC_ALL": "C",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == digests()


@pytest.mark.parametrize("name", ODD)
def test_every_odd_school_gets_both_reports(name: str) -> None:
    report = ODD[name]
    pdf, workbook = build_pdf(report), build_workbook(report)
    assert pdf.startswith(b"%PDF-")
    assert len(PdfReader(io.BytesIO(pdf)).pages) == 4
    book = load_workbook(io.BytesIO(workbook))
    assert book["Summary"]["A1"].value == words(report).school
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.value not in ("None", "nan", "null", "#DIV/0!")
    assert "None" not in page_text(pdf)


@pytest.mark.parametrize("name", ["markup", "unprintable"])
def test_a_name_is_a_name_wherever_it_stands(name: str) -> None:
    report = ODD[name]
    pdf = PdfReader(io.BytesIO(build_pdf(report)))
    shown = printable(plain(report.school_name))
    assert pdf.metadata is not None
    assert pdf.metadata.title == f"Key Stage 1 Early Results 2023: {shown}"
    assert "".join(shown.split()) in "".join(pdf.pages[0].extract_text().split())
    book = load_workbook(io.BytesIO(build_workbook(report)))
    assert book["Summary"]["A1"].value == plain(report.school_name)


@settings(UNHURRIED, max_examples=25)
@given(st.text(max_size=60))
def test_no_name_costs_a_school_its_report(name: str) -> None:
    report = report_of(cohort(2, 1), name=name)
    assert build_pdf(report).startswith(b"%PDF-")
    assert load_workbook(io.BytesIO(build_workbook(report)))["Summary"]["A1"].value == words(report).school


def test_the_font_has_every_character_that_counts_as_printable() -> None:
    letters = [chr(point) for point in range(0x20, 0x2100) if printable(chr(point)) != "?"]
    assert len(letters) > 450
    assert set("ŵŷŁłşğÉéđớ–’£€") <= set(letters)
    # PDF/UA refuses a character that the font lacks, so to be built is to be printed.
    assert build_pdf(report_of([], name="x".join(letters))).startswith(b"%PDF-")


def test_the_pdf_can_be_read_aloud() -> None:
    pdf = PdfReader(io.BytesIO(build_pdf(report_of(cohort(29, 1), nation_of(3)))))
    root: Any = pdf.trailer["/Root"]
    assert root["/Lang"] == "en-GB"
    assert root["/MarkInfo"]["/Marked"] == BooleanObject(True)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "pdfuaid" in root["/Metadata"].get_data().decode()
    kinds: dict[str, list[Any]] = {}

    def walk(element: Any) -> None:
        element = element.get_object() if hasattr(element, "get_object") else element
        if isinstance(element, list):
            for inner in element:
                walk(inner)
        elif isinstance(element, dict):
            if "/S" in element:
                kinds.setdefault(str(element["/S"]), []).append(element)
            if "/K" in element:
                walk(element["/K"])

    walk(root["/StructTreeRoot"])
    alts = [str(figure["/Alt"]) for figure in kinds["/Figure"]]
    assert [alt.partition(" scaled scores")[0] for alt in alts] == [
        "Bar chart of Reading",
        "Bar chart of Maths",
        "Bar chart of Grammar, punctuation and spelling",
    ]
    assert all("mean" in alt and "Nationally" in alt for alt in alts)
    assert len(kinds["/Table"]) == 2 + 4 + 1 + 2 + 1
    assert len(kinds["/TH"]) > 40
    assert len(kinds["/H1"]) == 1


def test_pdf_and_workbook_say_the_same_figures() -> None:
    report = report_of(cohort(29, 1), nation_of(3))
    text = page_text(build_pdf(report))
    said = words(report)
    for _, fact in said.facts:
        assert fact in text
    assert said.notice in text
    for note in report.figures.notes:
        assert note in text
    sheet = load_workbook(io.BytesIO(build_workbook(report)))["Groups of pupils"]
    rows = [[cell for cell in row if cell.value is not None] for row in sheet.iter_rows(min_row=4)]
    rows = [
        row
        for row in rows
        if not (row[1:] and all(isinstance(cell.value, str) for cell in row[1:2]) and row[1].value == "All pupils")
    ]
    wanted = []
    for line in measures(report.figures):
        wanted += [(line.name, line.school), ("    National", line.national)]
    assert len(rows) == len(wanted)
    for row, (name, figures) in zip(rows, wanted, strict=True):
        assert row[0].value == name
        assert len(row) == 1 + len(figures)
        for cell, figure in zip(row[1:], figures, strict=True):
            assert shown_by_excel(cell.value, cell.number_format) == text_of(figure)
            assert text_of(figure).partition(" (")[0] in text


def shown_by_excel(value: Any, number_format: str) -> str:
    """What Excel shows for the formats that reports use."""
    if isinstance(value, str):
        return value
    if number_format.startswith('"'):
        return number_format.replace('"', "")
    if number_format.startswith("0%"):
        assert round(value * 100) == pytest.approx(value * 100)
        return f"{round(value * 100)}%" + number_format[2:].replace('"', "")
    return f"{value:,.1f}" if number_format == "0.0" else f"{value:,}"


def test_small_and_extreme_shares_show_the_same_in_excel() -> None:
    report = ODD["mixed"]
    book = load_workbook(io.BytesIO(build_workbook(report)))
    shown = {
        shown_by_excel(cell.value, cell.number_format)
        for row in book["Groups of pupils"].iter_rows(min_row=4, min_col=2)
        for cell in row
        if cell.value is not None
    }
    wanted = {
        text_of(figure)
        for line in measures(report.figures)
        for figure in (*line.school, *line.national)
        if isinstance(figure, (Share, Mean, int))
    }
    assert wanted <= shown
    assert any(" of 3)" in text for text in wanted)


def test_the_workbook_keeps_no_time_but_the_windows_close() -> None:
    built = build_workbook(report_of(cohort(5, 1)))
    with zipfile.ZipFile(io.BytesIO(built)) as parts:
        assert {part.date_time for part in parts.infolist()} == {(2023, 6, 30, 11, 0, 0)}
        core = ElementTree.fromstring(parts.read("docProps/core.xml"))
        assert {e.text for e in core.iter() if e.tag.endswith(("}created", "}modified"))} == {"2023-06-30T11:00:00Z"}
        charts = [name for name in parts.namelist() if name.startswith("xl/charts/chart")]
    assert len(charts) == 1 + 4 + 3


def test_without_national_figures_nothing_speaks_of_them() -> None:
    report = report_of(cohort(29, 1), None)
    assert "National:" not in page_text(build_pdf(report))
    for sheet in load_workbook(io.BytesIO(build_workbook(report))):
        for row in sheet.iter_rows(min_row=4):
            assert not any(isinstance(cell.value, str) and cell.value.strip().startswith("National") for cell in row)
