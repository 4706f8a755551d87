"""The report as workbook and PDF: true to its figures, readable by a screen reader, the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
import zlib
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from pypdf import PdfReader
from pypdf.generic import BooleanObject, IndirectObject

from adapters import report_pdf
from adapters.pdf_packing import packed
from adapters.report_pdf import build_pdf, printable
from adapters.report_view import view
from adapters.report_workbook import build_workbook
from early_results.reporting.figures import Copy, Mean, ReportInput, Share, measures, plain, subjects_of, text_of, words
from early_results.reporting.story import eligible, lines, message, patterns
from early_results.results import PupilResults
from tests.effort import examples
from tests.unit.reporting.report_samples import ODD, UNHURRIED, cohort, cohorts, nation_of, report_of

ROOT = Path(__file__).parents[3]
ODD_RESULTS = [r._replace(pupil=r.pupil._replace(gender="", birth_date=None)) for r in cohort(3, 7)]


@cache
def ordinary() -> ReportInput:
    """The report of a school of one form beside all schools."""
    return report_of(cohort(29, 1), nation_of(45))


@cache
def ordinary_pdf() -> bytes:
    """It as a PDF, set once for all tests that read it."""
    return build_pdf(ordinary())


@cache
def ordinary_workbook() -> bytes:
    """It as a workbook."""
    return build_workbook(ordinary())


def page_text(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def digests() -> str:
    """The hashes of one report, printed by a fresh process as well as by this one."""
    return " ".join(hashlib.sha256(built).hexdigest() for built in (ordinary_pdf(), ordinary_workbook()))


def test_a_report_is_the_same_bytes_again() -> None:
    again = report_of(cohort(29, 1), nation_of(45))
    assert build_pdf(again) == ordinary_pdf()
    assert build_workbook(again) == ordinary_workbook()


@pytest.mark.parametrize(("zone", "seed"), [("Pacific/Auckland", "1"), ("America/Los_Angeles", "4242")])
def test_and_in_another_process_in_another_place(tmp_path: Path, zone: str, seed: str) -> None:
    run = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            "from tests.unit.reporting.test_reports import digests; print(digests())",
        ],
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
    report = ODD[name]()
    pupils, workbook = report.figures.pupils, build_workbook(report)
    for copy in Copy:
        pdf = build_pdf(report, copy)
        assert pdf.startswith(b"%PDF-")
        assert "None" not in page_text(pdf)
        pages = len(PdfReader(io.BytesIO(pdf)).pages)
        if copy is Copy.SHOWN:
            assert pages == (2 if 0 < pupils < 11 else 4 if pupils < 100 else 5), pages
        else:
            assert (pages > 4) is (pupils > 0)
    book = load_workbook(io.BytesIO(workbook))
    assert book["Summary"]["A1"].value == words(report).school
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.value not in ("None", "nan", "null", "#DIV/0!")


@pytest.mark.parametrize("name", ["markup", "unprintable"])
def test_a_name_is_a_name_wherever_it_stands(name: str) -> None:
    report = ODD[name]()
    pdf = PdfReader(io.BytesIO(build_pdf(report)))
    shown = printable(plain(report.school_name))
    assert pdf.metadata is not None
    assert pdf.metadata.title == f"Key Stage 1 Early Results 2023: {shown}"
    assert "".join(shown.split()) in "".join(pdf.pages[0].extract_text().split())
    book = load_workbook(io.BytesIO(build_workbook(report)))
    assert book["Summary"]["A1"].value == plain(report.school_name)


@settings(UNHURRIED, max_examples=examples(10))
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
    pdf = PdfReader(io.BytesIO(ordinary_pdf()))
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
    assert all("mean" in alt and "All schools taking part: mean" in alt for alt in alts)
    # Measures twice, where we stand; codes and their meanings, patterns; two of scores, two crossings; groups.
    assert len(kinds["/Table"]) == 3 + 3 + 4 + 1
    assert len(kinds["/TH"]) > 60
    assert all("/K" in heading for heading in kinds["/TH"])  # no column without a heading
    assert len(kinds["/H1"]) == 1


def test_pdf_and_workbook_say_the_same_figures() -> None:
    report = ordinary()
    text = page_text(ordinary_pdf())
    said = words(report)
    for _, fact in said.facts:
        assert fact in text
    assert said.notice in text
    assert said.provenance in text
    for note in report.figures.notes:
        assert note in text
    sheet = load_workbook(io.BytesIO(ordinary_workbook()))["Groups of pupils"]
    rows = [[cell for cell in row if cell.value is not None] for row in sheet.iter_rows(min_row=4)]
    rows = [
        row
        for row in rows
        if not (row[1:] and all(isinstance(cell.value, str) for cell in row[1:2]) and row[1].value == "All pupils")
    ]
    wanted = []
    for line in measures(report.service.words, report.figures.cohorts[0]):
        wanted += [(line.name, line.school)] + ([("    All schools", line.others)] if line.others else [])
    assert len(rows) == len(wanted)
    for row, (name, figures) in zip(rows, wanted, strict=True):
        assert row[0].value == name
        assert len(row) == 1 + len(figures)
        for cell, figure in zip(row[1:], figures, strict=True):
            assert shown_by_excel(cell.value, cell.number_format) == text_of(figure)


def shown_by_excel(value: Any, number_format: str) -> str:
    """What Excel shows for the formats that reports use."""
    if isinstance(value, str):
        return value
    if number_format.startswith('"'):
        return number_format.replace('"', "")
    if number_format.startswith("0%"):
        # As Excel rounds: half up, of the 15 digits that it keeps.
        percent = Decimal(f"{100 * value:.12f}").quantize(Decimal(1), ROUND_HALF_UP)
        return f"{percent}%" + number_format[2:].replace('"', "")
    return f"{value:,.1f}" if number_format == "0.0" else f"{value:,}"


def grid(sheet: Any, top: int = 4) -> list[list[str]]:
    """A sheet's cells as a reader sees them, blank ones and blank rows left out."""
    rows = [
        [shown_by_excel(cell.value, cell.number_format) for cell in row if cell.value is not None]
        for row in sheet.iter_rows(min_row=top)
    ]
    return [row for row in rows if row]


def test_every_sheet_of_the_workbook_holds_its_figures() -> None:
    report = report_of([*ODD_RESULTS, *cohort(31, 1)], nation_of(45))
    book = load_workbook(io.BytesIO(build_workbook(report)))
    groups = report.figures.cohorts[0].groups
    mine, nation = groups[0].school, groups[0].others
    assert nation is not None
    assert len(groups) == 1 + 3 + 4

    summary = grid(book["Summary"])
    for own, other in zip(subjects_of(mine), subjects_of(nation), strict=True):
        higher = [own.higher.text, other.higher.text] if own.higher and other.higher else ["\N{EN DASH}"] * 2
        line = [own.name, str(own.assessed), str(own.blank), own.expected.text, other.expected.text, *higher]
        assert line in summary
    for tests, others in zip(mine.scores, nation.scores, strict=True):
        pairs = ((tests.mean, others.mean), (tests.expected, others.expected), (tests.high, others.high))
        assert [
            tests.name,
            str(tests.number),
            str(tests.blank),
            *(f.text for pair in pairs for f in pair if f),
            *(eligible(tests, share).text for share in (tests.expected, tests.high) if share),
        ] in summary

    codes = grid(book["Teacher assessment"])
    for own, other in zip(mine.assessments, nation.assessments, strict=True):
        at = codes.index([own.name, f"{own.assessed:,} assessed, {own.blank:,} blank"]) + 2
        assert codes[at : at + len(own.codes)] == [
            [a.code, str(a.share.count), a.share.text, b.share.text]
            for a, b in zip(own.codes, other.codes, strict=True)
        ]

    scores = grid(book["Scaled scores"], 5)
    assert scores == [
        [
            str(85 + at),
            *(
                text
                for own, other in zip(mine.scores, nation.scores, strict=True)
                for text in (
                    str(own.distribution[at].share.count),
                    own.distribution[at].share.text,
                    other.distribution[at].share.text,
                )
            ),
        ]
        for at in range(31)
    ]

    crossed = grid(book["Assessment by score"])
    wanted = []
    for group in groups:
        reading, maths = group.school.crossings
        head = ["Code", *reading.bands, "All"]
        wanted += [[group.label], ["Reading", "Maths"], head * 2]
        for a, b in zip(reading.rows, maths.rows, strict=True):
            wanted.append(
                [text for line in (a, b) for text in (line.code or "Blank", *map(str, line.counts), str(line.total))]
            )
        wanted.append([text for c in (reading, maths) for text in ("All", *map(str, c.totals), str(c.total))])
    assert crossed == wanted

    by_group = grid(book["Codes by group"], 5)
    assert len(by_group) == 9 * 3 + 3
    for at, subject in enumerate(mine.assessments):
        for place, code in enumerate(subject.codes):
            line = [subject.name, code.code]
            for group in groups:
                assert group.others is not None
                share = group.school.assessments[at].codes[place].share
                line += [str(share.count), share.text, group.others.assessments[at].codes[place].share.text]
            assert by_group.pop(0) == line

    each_score = grid(book["Scores by group"], 5)
    assert len(each_score) == 3 * 31
    for at, test in enumerate(mine.scores):
        for place in range(31):
            line = [test.name, str(85 + place)]
            for group in groups:
                assert group.others is not None
                line += [
                    str(group.school.scores[at].distribution[place].share.count),
                    group.others.scores[at].distribution[place].share.text,
                ]
            assert each_score.pop(0) == line


@UNHURRIED
@given(cohorts(), st.booleans())
def test_bars_are_as_long_as_their_shares(results: list[PupilResults], beside: bool) -> None:
    report = report_of(results, nation_of(1) if beside else None)
    seen = view(report, Copy.STAFF)
    groups = report.figures.cohorts[0].groups[0]
    for at, chart in enumerate(seen["cohorts"][0]["charts"]):
        for key, block in (("school", groups.school), ("others", groups.others)):
            if block is None:
                assert chart[key] is None
                continue
            shares = [bar.share for bar in block.scores[at].distribution]
            assert chart[key] == [1000 * share.count // max(share.of, 1) for share in shares]
            assert max(chart[key]) <= chart["top"]
        levels = [level for level, _ in chart["levels"]]
        assert levels == sorted(set(levels))
        assert 2 <= len(levels) <= 6
        assert all(0 < level <= chart["top"] for level in levels)
    for at, row in enumerate(seen["cohorts"][0]["codes"]["rows"]):
        codes = groups.school.assessments[at].codes
        lengths = {code.code: 1000 * code.share.count // code.share.of for code in codes if code.share.count}
        assert {part["code"]: part["length"] for part in row["bar"]} == lengths
        assert sum(lengths.values()) <= 1000
        assert row["blank"] == str(groups.school.assessments[at].blank)


def test_small_and_extreme_shares_show_the_same_in_excel() -> None:
    report = ODD["mixed"]()
    book = load_workbook(io.BytesIO(build_workbook(report)))
    shown = {
        shown_by_excel(cell.value, cell.number_format)
        for row in book["Groups of pupils"].iter_rows(min_row=4, min_col=2)
        for cell in row
        if cell.value is not None
    }
    wanted = {
        text_of(figure)
        for line in measures(report.service.words, report.figures.cohorts[0])
        for figure in (*line.school, *line.others)
        if isinstance(figure, (Share, Mean, int))
    }
    assert wanted <= shown
    assert any(" of 3)" in text for text in wanted)


def test_shares_and_means_in_the_workbook_are_exact() -> None:
    report = ordinary()
    book = load_workbook(io.BytesIO(ordinary_workbook()))
    mine = report.figures.cohorts[0].all.school
    held = [cell.value for row in book["Summary"].iter_rows(min_row=4) for cell in row]
    held = [value for value in held if isinstance(value, float)]
    exact = [subject.expected.count / subject.expected.of for subject in subjects_of(mine)]
    exact += [scores.mean.total / scores.mean.number for scores in mine.scores]
    for value in exact:
        assert any(value == pytest.approx(other, rel=1e-14) for other in held)


def test_the_workbook_begins_with_the_message_and_its_measures() -> None:
    report = ordinary()
    cohort_of = report.figures.cohorts[0]
    missed = patterns(report.service, report.pupils, "", report.service.combined[0])
    told = message(report, cohort_of, missed)
    book = load_workbook(io.BytesIO(ordinary_workbook()))
    assert book.sheetnames[0] == "In short"
    said = grid(book["In short"])
    assert [told.verdict] in said
    assert [told.question] in said
    for line in lines(report.service, cohort_of, higher=False):
        assert line.interval is not None
        assert line.standing is not None
        (row,) = (row for row in said if row[0] == line.name and len(row) > 4 and row[3] == line.share.text)
        assert row[1:3] == [str(line.share.count), str(line.share.of)]
        assert " to ".join(row[4:6]) == line.interval_words
        assert row[6:9] == [line.between or "\N{EN DASH}", f"{line.standing.percent}%", str(line.standing.children)]
    for pattern in missed:
        assert [pattern.words[:1].upper() + pattern.words[1:], str(pattern.pupils)] in said


def test_every_chart_of_the_workbook_is_told_in_words() -> None:
    report = ordinary()
    with zipfile.ZipFile(io.BytesIO(ordinary_workbook())) as parts:
        drawings = [parts.read(name) for name in parts.namelist() if name.startswith("xl/drawings/drawing")]
    told = [
        element.attrib["descr"]
        for drawing in drawings
        for element in ElementTree.fromstring(drawing).iter()
        if element.tag.endswith("}cNvPr") and element.attrib["name"].startswith("Chart")
    ]
    assert len(told) == 1 + 4 + 3
    reading = report.figures.cohorts[0].all.school.assessments[0]
    bars = ", ".join(f"{code.code} {code.share.shown}" for code in reading.codes if code.share.count)
    assert any(text.startswith(f"Bar chart of Reading. Your school: {bars}.") for text in told)
    assert all("All schools taking part: " in text for text in told)


def test_a_packed_pdf_is_the_same_document() -> None:
    plain_pdf = packing_of(ordinary())
    smaller = packed(plain_pdf)
    assert smaller == packed(plain_pdf)
    assert len(smaller) < len(plain_pdf) / 2
    before, after = PdfReader(io.BytesIO(plain_pdf)), PdfReader(io.BytesIO(smaller))
    assert [page.extract_text() for page in before.pages] == [page.extract_text() for page in after.pages]
    assert before.metadata == after.metadata
    for number in range(1, len(before.xref[0]) + 1):
        old, new = (reader.get_object(IndirectObject(number, 0, reader)) for reader in (before, after))
        assert re.sub(r"\d{9,}", "", repr(old)) == re.sub(r"\d{9,}", "", repr(new))
    _lie_where_the_table_says(smaller)  # a lenient reader mends a wrong table by itself
    assert packed(smaller) == smaller  # not Typst's own any more: given back as it came
    assert packed(b"%PDF-1.7 nothing") == b"%PDF-1.7 nothing"


def _lie_where_the_table_says(pdf: bytes) -> None:
    """Every entry of the cross-reference stream leads to its own object (ISO 32000-1, 7.5.7 and 7.5.8)."""

    table = int(pdf.rpartition(b"startxref")[2].split()[0])
    rows = zlib.decompressobj().decompress(pdf[table:].partition(b"stream\n")[2])
    entries = [(rows[at], int.from_bytes(rows[at + 1 : at + 5], "big"), rows[at + 6]) for at in range(0, len(rows), 7)]
    listed: dict[int, list[int]] = {}
    for number, (kind, where, place) in enumerate(entries):
        if kind == 1:
            assert pdf[where:].startswith(b"%d 0 obj" % number)
        elif kind == 2:
            if where not in listed:
                at = entries[where][1]
                data = zlib.decompressobj().decompress(pdf[at:].partition(b"stream\n")[2])
                first = int(re.findall(rb"/First (\d+)", pdf[at : at + 200])[0])
                listed[where] = [int(each) for each in data[:first].split()[::2]]
            assert listed[where][place] == number


def packing_of(report: ReportInput) -> bytes:
    """A report's PDF as Typst writes it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(report_pdf, "packed", lambda pdf: pdf)
        return build_pdf(report)


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
    assert "All schools" not in page_text(build_pdf(report))
    for sheet in load_workbook(io.BytesIO(build_workbook(report))):
        for row in sheet.iter_rows(min_row=4):
            assert not any(isinstance(cell.value, str) and cell.value.strip().startswith("All schools") for cell in row)
