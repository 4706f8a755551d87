"""What is written in any usual way is what it says: headings, school numbers, UPNs, codes, scores, dates, names."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from early_results.checking.cells import as_date, clean, heading_key, school_number, upn_of
from early_results.findings import Code
from early_results.workbook.kinds import beside_a_workbook
from tests.unit.checking.school_files import (
    HEADINGS,
    POSITION,
    SCHOOL,
    SERVICE,
    Formula,
    book,
    grid,
    merged,
    roster,
    told,
    verdict_on,
)

ROSTER = roster(6)
INVISIBLE = st.text("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u202a\u202c\u2066\u2069\ufe0f", max_size=3)
SPACES = st.text(" \u00a0\u2007\u202f\u3000\t", max_size=2)
LEADING = st.sampled_from(("", "", "'", "\u2019", "\u2018", "`", "\u00b4", "\u2032", "\uff07"))
FILES = settings(max_examples=40, deadline=None)


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@st.composite
def written(draw: st.DrawFn, text: str) -> str:
    """A text as copying, typing and old systems leave it: nothing that changes what a person reads."""
    at = draw(st.integers(0, len(text)))
    text = text[:at] + draw(INVISIBLE) + text[at:]
    if draw(st.booleans()):
        text = full_width(text)
    return draw(INVISIBLE) + draw(LEADING) + draw(SPACES) + text + draw(SPACES) + draw(INVISIBLE)


@FILES
@given(st.data())
def test_one_cleaning_for_every_cell_of_a_file(data: st.DataObject) -> None:
    cells: dict[tuple[int, int], Any] = grid(ROSTER.pupils)
    plain = verdict_on(book(cells), ROSTER)
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.sampled_from(sorted(cells)))
        value = cells[place]
        text = f"{value:%d/%m/%Y}" if isinstance(value, date) else str(value)
        cells[place] = data.draw(written(text))
    verdict = verdict_on(book(cells), ROSTER)
    assert verdict.findings == ()
    assert verdict.results == plain.results


@given(st.data())
def test_one_cleaning_for_every_kind_of_value(data: st.DataObject) -> None:
    heading = data.draw(st.sampled_from(HEADINGS))
    assert heading_key(data.draw(written(heading))) == heading_key(heading)
    number = data.draw(st.from_regex(r"[1-9][0-9]{6}", fullmatch=True))
    dash = data.draw(
        st.sampled_from(("", "/", "-", " ", "\u2010", "\u2011", "\u2013", "\u2014", "\u2212", " - ", "\uff0d"))
    )
    assert school_number(data.draw(written(f"{number[:3]}{dash}{number[3:]}"))) == number
    assert upn_of(data.draw(written("a330456720000"))) == "A330456720000"


@given(st.text(max_size=12))
def test_cleaning_is_done_once(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert once == once.strip()
    assert not set(once) & set("\u200b\ufeff\u00ad\u2060")


DAYS = st.dates(date(2014, 9, 1), date(2016, 8, 31))
WAYS = (
    "{0:%d/%m/%Y}",
    "{0.day}/{0.month}/{0.year}",
    "{0.day}.{0.month}.{0.year}",
    "{0:%d-%m-%Y}",
    "{0:%d/%m/%y}",
    "{0:%d-%m-%y}",
    "{0:%Y-%m-%d}",
    "{0:%Y/%m/%d}",
    "{0:%Y%m%d}",
    "{0:%Y-%m-%dT%H:%M:%S}",
    "{0:%Y-%m-%d} 00:00:00",
    "{0:%d/%m/%Y} 12:00 AM",
    "{0.day} {0:%B} {0.year}",
    "{0.day} {0:%b} {0.year}",
    "{0:%d} {0:%b} {0:%y}",
    "{0:%d-%b-%Y}",
    "{0:%d-%b-%y}",
    "{0:%d%b%Y}",
    "{0:%d.%b.%Y}",
    "{0:%A} {0.day} {0:%B} {0.year}",
    "{0:%a}, {0.day} {0:%b} {0.year}",
    "{0:%A}, {0.day} {0:%B}, {0.year}",
    "{0:%B} {0.day}, {0.year}",
    "{0:%b} {0.day} {0.year}",
    "{0.day} of {0:%B} {0.year}",
    "{0.year} {0:%B} {0.day}",
)


@given(DAYS, st.sampled_from(WAYS), st.sampled_from((str, str.upper, str.lower)))
def test_dates_are_what_they_say(day: date, way: str, case: Any) -> None:
    assert as_date(case(way.format(day))) == day


@given(DAYS)
def test_dates_with_endings_and_serial_numbers(day: date) -> None:
    ending = "th" if 10 < day.day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    assert as_date(f"{day.day}{ending} {day:%B} {day.year}") == day
    assert as_date(f"{day:%A} the {day.day}{ending} of {day:%B} {day.year}") == day
    serial = (day - date(1899, 12, 30)).days
    assert as_date(serial) == as_date(float(serial)) == as_date(str(serial)) == as_date(f" '{serial}") == day
    if day.day > 12:
        assert as_date(f"{day:%m/%d/%Y}") == day  # the American way, where it can be no other


@pytest.mark.parametrize(
    "text",
    [
        *("", "2015", "14", "April", "14 April", "April 2015", "30/02/2015", "31 June 2015", "14/13/2015"),
        *("14/04/15/2015", "14 Smarch 2015", "today", "14/04", "1231234", "12 April May 2015", "99999999"),
        *("14/04/2015 or later", "1/2/3"),
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert as_date(text) is None


@pytest.mark.parametrize(
    ("key", "ways"),
    [
        ("gender", ("Girl", "girl", "F", "f", "FEMALE", "Female ", "G")),
        (
            "nc_year",
            ("Y2", "Yr 2", "Yr2", "Year 2", "year2", "Yr. 2", "Year Two", "2.0", 2, 2.0, "02", "NC Year 2", "NCY2"),
        ),
        ("surname", ("Brown", "brown", "BROWN ", "\u200bBrown")),
    ],
)
def test_details_in_other_words_are_no_difference(key: str, ways: tuple[Any, ...]) -> None:
    for way in ways:
        cells = {**grid(ROSTER.pupils), (3, POSITION[key]): way}
        assert verdict_on(book(cells), ROSTER).findings == (), way


@pytest.mark.parametrize("sign", "'\u2018\u2019\u201b\u2032\u02b9\u02bc`\u00b4\uff07")
def test_any_sign_for_an_apostrophe(sign: str) -> None:
    cells = {**grid(ROSTER.pupils), (6, 4): f"O{sign}Neill\u2011Smith"}
    assert verdict_on(book(cells), ROSTER).findings == ()


@pytest.mark.parametrize(
    ("key", "other"),
    [("gender", "Boy"), ("nc_year", "Y3"), ("birth_date", "1 September 2013"), ("surname", "Browne"), ("gender", "X")],
)
def test_details_that_say_something_else_still_differ(key: str, other: str) -> None:
    cells = {**grid(ROSTER.pupils), (3, POSITION[key]): other}
    assert told(verdict_on(book(cells), ROSTER).findings) == [
        (Code.DIFFERS_FROM_ROSTER, f"{'ABCDEFG'[POSITION[key] - 1]}3")
    ]


def test_most_rows_of_a_column_are_told_once() -> None:
    for wrong in range(7):
        cells = {**grid(ROSTER.pupils), **{(row, 6): date(2010, 1, row) for row in range(2, 2 + wrong)}}
        findings = verdict_on(book(cells), ROSTER).findings
        if wrong < 4:
            assert told(findings) == [(Code.DIFFERS_FROM_ROSTER, f"F{row}") for row in range(2, 2 + wrong)]
            continue
        (finding,) = findings
        assert (finding.code, finding.row, finding.column, finding.cell) == (
            Code.DIFFERS_FROM_ROSTER,
            None,
            "Date of birth",
            None,
        )
        assert f"in {wrong} of 6 rows" in finding.message


# Rows that are no pupils


NO_PUPILS: dict[str, dict[int, Any]] = {
    "headings": dict(enumerate(HEADINGS, 1)),
    "some headings": {2: "UPN", 8: HEADINGS[7], 12: HEADINGS[11]},
    "a total": {1: "Total", 8: 14, 9: 3, 12: 100.7},
    "an average under the surnames": {4: "Average", 12: 100.7, 13: 99.0},
    "a count under the UPNs": {2: 30, 12: 28},
    "a count in words": {2: "Pupils: 30", 8: 14},
    "percentages": {7: "% EXS+", 8: 0.73, 9: 0.8},
    "a key": {2: "GDS", 3: "Working at greater depth"},
    "a key in one cell": {8: "GDS = greater depth, EXS = expected"},
    "a signature": {2: "Signed", 3: "A", 4: "Jones"},
    "a signature below the results": {8: "Headteacher: Mrs Jones", 12: "Date: today"},
    "formulas nobody worked out": {12: Formula("=AVERAGE(L2:L7)", ""), 13: Formula("=AVERAGE(M2:M7)", "")},
    "a note": {2: "Please see the notes overleaf"},
    "dashes": {2: "---", 8: "---"},
}


@pytest.mark.parametrize("name", NO_PUPILS)
@pytest.mark.parametrize("row", [5, 8, 12])
def test_a_row_that_is_no_pupil_is_one_finding(name: str, row: int) -> None:
    cells = {(r + (row == 5 and r >= row), c): v for (r, c), v in grid(ROSTER.pupils).items()}
    cells |= {(row, at): value for at, value in NO_PUPILS[name].items()}
    verdict = verdict_on(book(cells), ROSTER)
    first = "ABCDEFGHIJKLMN"[min(NO_PUPILS[name]) - 1]
    assert told(verdict.findings) == [(Code.ROW_NOT_A_PUPIL, f"{first}{row}")]
    assert verdict.pupils == 6


def test_a_row_that_is_no_pupil_does_not_decide_whose_file_it_is() -> None:
    cells = {**grid(ROSTER.pupils[:1]), (3, 1): "Total", (3, 12): 100.5, (4, 1): 7654321, (4, 8): "Signed"}
    verdict = verdict_on(book(cells), roster(1))
    assert verdict.school == SCHOOL
    assert told(verdict.findings) == [(Code.ROW_NOT_A_PUPIL, "A3"), (Code.ROW_NOT_A_PUPIL, "A4")]


@pytest.mark.parametrize("changes", [{2: "P1"}, {2: None}, {2: "P123456789123"}, {2: "lost", 6: date(2015, 1, 1)}])
def test_a_pupil_with_a_slip_is_told_as_a_pupil(changes: dict[int, Any]) -> None:
    cells = {**grid(ROSTER.pupils), **{(3, at): value for at, value in changes.items()}}
    codes = {finding.code for finding in verdict_on(book(cells), ROSTER).errors}
    assert codes == {Code.PUPIL_NOT_ON_ROSTER, Code.PUPIL_MISSING}


# Sheets


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ({"Sheet1": grid(ROSTER.pupils)}, None),
        ({"Sheet1": grid(ROSTER.pupils, ())}, None),
        ({"Sheet1": grid(ROSTER.pupils[2:4], heading_row=3)}, None),
        ({"Sheet1": {**grid(ROSTER.pupils), (3, 12): "100"}}, Code.SEVERAL_SHEETS),
        ({"Sheet1": {**grid(ROSTER.pupils), (3, 13): None}}, Code.SEVERAL_SHEETS),
        ({"Class list": {p: v for p, v in grid(ROSTER.pupils).items() if p[1] < 8}}, None),
    ],
)
def test_other_sheets_beside_the_results(others: Any, code: Code | None) -> None:
    verdict = verdict_on(book({**grid(ROSTER.pupils), (3, 12): 101}, others=others), ROSTER)
    if code is None and others.get("Sheet1", {}).get((3, 12)) == 100:
        code = Code.SEVERAL_SHEETS  # the copy has the score of before
    assert [finding.code for finding in verdict.findings] == ([] if code is None else [code])


def test_a_class_on_each_sheet_is_told_so() -> None:
    data = book(grid(ROSTER.pupils[:3]), others={"Beech": grid(ROSTER.pupils[3:])})
    verdict = verdict_on(data, ROSTER)
    assert told(verdict.findings) == [(Code.SEVERAL_SHEETS, None)]
    assert "“KS1 results” and “Beech” each have results of other pupils" in verdict.errors[0].message


@pytest.mark.parametrize("filled", ["KS1 results", "Sheet1", "My copy"])
def test_the_filled_sheet_is_read(filled: str) -> None:
    names = {"KS1 results", "Sheet1", "My copy"}
    sheets = {name: grid(ROSTER.pupils, *([()] if name != filled else [])) for name in sorted(names)}
    first = sheets.pop("KS1 results")
    assert verdict_on(book(first, others=sheets), ROSTER).findings == ()


# Cells


@pytest.mark.parametrize("stored", [0, 84, 116, "n/a"])
def test_a_value_out_of_range_that_a_formula_gave_says_so(stored: Any) -> None:
    (finding,) = verdict_on(book({**grid(ROSTER.pupils), (3, 12): Formula("=A1+1", stored)}), ROSTER).errors
    assert finding.code is Code.SCALED_SCORE_RANGE
    assert finding.message.startswith("Range must be between 85 to 115 and be whole numbers. Allows empty field")
    assert "A formula gave this value" in finding.message


def test_a_good_value_of_a_formula_counts() -> None:
    cells = {**grid(ROSTER.pupils), (3, 12): Formula("=A1+1", 103), (4, 8): Formula('="E"&"XS"', "EXS")}
    verdict = verdict_on(book(cells), ROSTER)
    assert verdict.findings == ()
    assert verdict.results[1].scores["ss_reading"] == 103


@pytest.mark.parametrize("value", [0.95, 1.02, "95%", "102 %"])
def test_a_percentage_is_told_as_one(value: Any) -> None:
    (finding,) = verdict_on(book({**grid(ROSTER.pupils), (3, 12): value}), ROSTER).errors
    assert finding.code is Code.SCALED_SCORE_RANGE
    assert "percentage" in finding.message


@pytest.mark.parametrize(
    ("area", "cell"),
    [
        ("N2:N5", "N2"),
        ("L3:M3", "L3"),
        ("G4:H4", "H4"),
        ("H7:N40", "H7"),
        ("N1:N3", "N2"),
        ("C2:D2", None),
        ("A9:N9", None),
    ],
)
def test_merged_result_cells_of_pupils_are_told_with_their_range(area: str, cell: str | None) -> None:
    findings = verdict_on(merged(book(grid(ROSTER.pupils)), area), ROSTER).findings
    assert told(findings) == ([] if cell is None else [(Code.CELLS_MERGED, cell)])
    assert all(area in finding.message for finding in findings)


def test_cells_that_are_merged_away_are_not_missing_too() -> None:
    cells = {**grid(ROSTER.pupils), (3, 9): None, (3, 10): None}
    assert told(verdict_on(merged(book(cells), "H3:J3"), ROSTER).findings) == [(Code.CELLS_MERGED, "H3")]


# Files beside workbooks


def test_files_that_only_lie_beside_workbooks_are_known_by_their_names() -> None:
    for name in ("~$2023KS1RS.xlsx", "._2023KS1RS.xlsx", ".DS_Store", "Thumbs.db", "desktop.ini", ".~lock.a.xlsx#"):
        assert beside_a_workbook(name)
    for name in ("2023KS1RS (1).xlsx", "$a.xlsx", ".xlsx", "a~$b.xlsx"):
        assert not beside_a_workbook(name)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            b"\x06A User".ljust(55) + "\x06\0A User".encode("utf-16-le")[:0] + b"\x06\x00" + b" \x00" * 54,
            "while somebody has it open",
        ),
        (b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X".ljust(4096, b"\0"), "a Mac lays beside"),
        (b'{"":"WARNING! DO NOT EDIT","doc_id":"1abc","email":"a@b.example"}', "Google sheet"),
        (b'{"url":"https://docs.google.com/open?id=1abc","doc_id":"1abc"}', "File, Download, Microsoft Excel"),
        (b"[InternetShortcut]\r\nURL=https://example.com/\r\n", "a shortcut to a web page"),
        (b"\x4c\x00\x00\x00\x01\x14\x02\x00".ljust(400, b"\0"), "a Windows shortcut"),
        (b"\x00\x00\x00\x01Bud1".ljust(6148, b"\0"), ".DS_Store"),
        (b",someone,pc,25.11.2026 13:00,file:///home/someone/.config/libreoffice/4;", "LibreOffice"),
    ],
)
def test_what_lies_beside_workbooks_or_in_their_place_is_named(data: bytes, words: str) -> None:
    (finding,) = verdict_on(data, ROSTER).errors
    assert finding.code is Code.NOT_A_WORKBOOK
    assert words in finding.message
    assert finding.message.endswith(".")


def test_the_service_is_what_these_tests_suppose() -> None:
    assert [column.key for column in SERVICE.columns][:2] == ["school", "upn"]
