"""Roster files: what they may look like, and what is said of those that cannot be used."""

from __future__ import annotations

import sys
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from early_results.checking.cells import parse_date
from early_results.checking.roster import (
    BadRoster,
    parse_rosters,
    roster_from_json,
    roster_json,
    roster_version,
    rosters_csv,
)
from early_results.results import Pupil
from tests.unit.checking.school_files import SERVICE, pupil, roster

HEAD = "School DFE,UPN,Forename,Surname,Gender,Date of birth,NC Year\r\n"
LINE = "1231234,P1234567891234,John,Smith,Male,14/04/2015,2\r\n"
JOHN = Pupil("1231234", "P1234567891234", "John", "Smith", "Male", date(2015, 4, 14), "2")

WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029"), max_size=20).map(
    lambda text: " ".join(text.split())
)
PUPILS = st.builds(
    Pupil,
    school=st.sampled_from(["1231234", "8765432"]),
    upn=st.from_regex(r"[A-Z][0-9]{11,13}[0-9A-Z]", fullmatch=True),
    forename=WORDS,
    surname=WORDS,
    gender=st.sampled_from(["", "Male", "Female", "M", "F"]),
    birth_date=st.one_of(st.none(), st.dates(date(1990, 1, 1), date(2020, 12, 31))),
    nc_year=st.sampled_from(["2", "1", "R", ""]),
)


@settings(deadline=None)
@given(st.lists(PUPILS, min_size=1, max_size=20, unique_by=lambda one: (one.school, one.upn)))
def test_what_is_written_is_read_back(pupils: list[Pupil]) -> None:
    for text in (rosters_csv(pupils, SERVICE), rosters_csv(pupils, SERVICE).encode("utf-8-sig")):
        read = parse_rosters(text, SERVICE)
        assert set(read) == {one.school for one in pupils}
        for school, found in read.items():
            assert list(found) == [one for one in pupils if one.school == school]


def test_white_space_of_any_kind_around_a_value_is_none_of_it() -> None:
    spaces = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace() and chr(code) not in "\r\n"]
    assert len(spaces) > 20
    for space in spaces:
        for told in (f"{space}John", f"John{space}", f" {space}John{space}{space}"):
            assert parse_rosters(HEAD + LINE.replace("John", told), SERVICE) == {"1231234": (JOHN,)}
        assert parse_rosters(HEAD + space + "\r\n" + LINE, SERVICE) == {"1231234": (JOHN,)}


def test_the_designs_own_form() -> None:
    assert parse_rosters(HEAD + LINE, SERVICE) == {"1231234": (JOHN,)}


@pytest.mark.parametrize(
    "source",
    [
        "\ufeff" + HEAD + LINE,
        (HEAD + LINE).replace("\r\n", "\n").encode(),
        HEAD.upper().replace("DATE OF", " Date  of") + LINE.replace("John", "  John "),
        HEAD + "\r\n,,,,,,\r\n" + LINE + "\r\n",
        "NC Year,UPN,School DFE,Class,Surname,Forename,Date of birth,Gender\n"
        "2,p1234567891234,123/1234,2B,Smith,John,2015-04-14,Male\n",
        HEAD + LINE.replace("14/04/2015", "14.4.2015"),
        HEAD + LINE.replace("14/04/2015", "14/04/2015 00:00:00"),
        HEAD + LINE.replace("14/04/2015", "2015-04-14T00:00:00Z"),
    ],
)
def test_forms_that_exports_really_have(source: str | bytes) -> None:
    assert parse_rosters(source, SERVICE) == {"1231234": (JOHN,)}


def test_a_file_saved_by_excel_in_windows_1252() -> None:
    source = (HEAD + LINE.replace("John", "Zoë").replace("Smith", "O’Neill")).encode("cp1252")
    (found,) = parse_rosters(source, SERVICE)["1231234"]
    assert (found.forename, found.surname) == ("Zoë", "O’Neill")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "Line 1: missing heading School DFE, UPN"),
        (HEAD, "no pupils"),
        (HEAD.replace("UPN", "Id") + LINE, "Line 1: missing heading UPN."),
        (HEAD.replace("Forename", "UPN") + LINE, "Line 1: the heading UPN appears twice."),
        (HEAD + LINE + LINE, "Line 3: this UPN is already listed"),
        (HEAD + LINE.replace("1231234,", "123123,"), "Line 2: School DFE must be seven digits."),
        (HEAD + LINE + LINE.replace("P1234567891234", " "), "Line 3: UPN must be"),
        (HEAD + LINE.replace("14/04/2015", "31/02/2015"), "Line 2: Date of birth must be a date"),
        (HEAD + LINE.replace("14/04/2015", "04/14/2015"), "Line 2: Date of birth must be a date"),
        (HEAD + LINE.replace("John", '"John'), "Line 2: not a well-formed CSV line."),
        (HEAD + LINE.replace("John", "J" * 300), "Line 2: a value is longer"),
        (b"PK\x03\x04\x00\x00", "not a CSV file"),
        (b"\x81\x8d\x8f", "neither UTF-8 nor Windows-1252"),
    ],
)
def test_what_is_said_of_a_bad_roster(source: str | bytes, told: str) -> None:
    with pytest.raises(BadRoster) as caught:
        parse_rosters(source, SERVICE)
    assert told in str(caught.value)
    for value in ("John", "Smith", "P1234567891234", "J" * 20, "31/02"):
        assert value not in str(caught.value)


def test_a_pupil_may_be_on_the_list_of_two_schools() -> None:
    read = parse_rosters(HEAD + LINE + LINE.replace("1231234,", "7654321,"), SERVICE)
    assert read == {"1231234": (JOHN,), "7654321": (JOHN._replace(school="7654321"),)}


@settings(deadline=None)
@given(st.lists(PUPILS, max_size=5))
def test_a_stored_roster_reads_back(pupils: list[Pupil]) -> None:
    whole = roster(0)._replace(pupils=tuple(pupils))
    assert roster_from_json(roster_json(whole)) == whole


def test_a_version_is_of_the_content() -> None:
    one, two = roster(5).pupils, roster(6).pupils
    assert roster_version(one) == roster_version(list(one))
    changed = (*one[:4], pupil(4)._replace(surname="Else"))
    assert len({roster_version(one), roster_version(two), roster_version(changed), roster_version(one[::-1])}) == 4


@settings(deadline=None)
@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_dates_are_read_day_first(day: date) -> None:
    assert parse_date(f"{day:%d/%m/%Y}") == parse_date(f" {day:%Y-%m-%d} ") == day
    assert parse_date(f"{day.day}.{day.month}.{day.year}") == day


@pytest.mark.parametrize(
    "text", ["", "14/04/2015 09:30", "14/04/15", "14 April 2015", "14/04/2015/1", "0/1/2015", "١/٢/2015", "1-2"]
)
def test_other_texts_are_no_dates(text: str) -> None:
    assert parse_date(text) is None
