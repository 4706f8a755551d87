"""What one cell says: where UPNs, days, codes and scores begin and end."""

from __future__ import annotations

from datetime import date

import pytest

from early_results.checking.cells import as_date, code_of, is_upn, read_date, school_number, score_of
from early_results.service import load_service

SERVICE = load_service("ks1-2023")
SCORE = next(column for column in SERVICE.results if column.has_numbers)
CODES = next(column for column in SERVICE.results if column.codes)


@pytest.mark.parametrize(
    ("upn", "looks"),
    [
        ("A12345678901", True),  # twelve, thirteen and fourteen characters
        ("A123456789012", True),
        ("A1234567890123", True),
        ("A1234567890", False),
        ("A12345678901234", False),
        ("A12345678901B", True),  # a temporary one ends with a letter
        ("1123456789012", False),
        ("AB23456789012", False),
        ("A1B3456789012", False),
        ("A1234567890B2", False),
        ("A12345678901-", False),
        ("Á123456789012", False),
    ],
)
def test_what_looks_like_a_upn(upn: str, looks: bool) -> None:
    assert is_upn(upn) is looks


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (60, None),
        (61, date(1900, 3, 1)),
        (42108, date(2015, 4, 14)),
        (42108.75, date(2015, 4, 14)),
        (99_999, date(2173, 10, 13)),
        (100_000, None),
        ("42108", date(2015, 4, 14)),
        ("42108.0", date(2015, 4, 14)),
        ("4210", None),
        ("421080", None),
        (True, None),
    ],
)
def test_the_numbers_that_excel_keeps_for_days(value: float | str, day: date | None) -> None:
    assert as_date(value) == day


APRIL = date(2015, 4, 14)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("14 April 2015", APRIL),
        ("2015 April 14", APRIL),
        ("4 Apr 2015", date(2015, 4, 4)),
        ("14 Apr 15", APRIL),
        ("20150414", APRIL),
        ("14042015", APRIL),
        ("2015041", None),
        ("201504140", None),
        ("2015 4 14", APRIL),
        ("14 4 2015", APRIL),
        ("04/14/2015", APRIL),
        ("14/4/15", APRIL),
        ("14/4/215", None),
        ("114/4/2015", None),
        ("1 sep 2015", date(2015, 9, 1)),
        ("1 sept 2015", date(2015, 9, 1)),
        ("1 september 2015", date(2015, 9, 1)),
        ("1 septem 2015", None),
        ("14 marsh 2015", None),
        ("Tue 14 April 2015", APRIL),
        ("Tues 14 April 2015", APRIL),
        ("Thurs 14 April 2015", APRIL),
        ("Thursday 14 April 2015", APRIL),
        ("Thursd 14 April 2015", None),
        ("Someday 14 April 2015", None),
        ("14 April May 2015", None),
        ("April 2015", None),
        ("April", None),
        ("14 2015", None),
        ("x" * 61, None),
        ("14 April 2015" + " " * 47, APRIL),  # sixty characters
        ("14 April 2015" + " " * 48, None),
    ],
)
def test_days_as_people_write_them(text: str, day: date | None) -> None:
    assert read_date(text) == day


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (SCORE.minimum, SCORE.minimum),
        (SCORE.maximum, SCORE.maximum),
        (SCORE.minimum - 1, None),
        (SCORE.maximum + 1, None),
        (SCORE.minimum - 0.5, None),
        (SCORE.maximum + 0.5, None),
        (100.0000000001, 100),
        (99.9999999999, 100),
        (100.00001, None),
        ("100.0000000000000000", 100),  # twenty characters
        ("100.00000000000000000", None),
        ("1.0.0", None),
        ("１００", 100),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_the_numbers_of_a_score(value: float | str, score: int | None) -> None:
    assert score_of(value, SCORE) == score


def test_a_code_in_any_case() -> None:
    code = CODES.codes[0]
    assert code_of(f" {code.lower()} ", CODES) == code
    assert code_of(True, CODES) is None
    assert code_of(5, CODES) is None


DIGITS = CODES._replace(codes=("0", "1", "99"))


@pytest.mark.parametrize(("value", "code"), [(0, "0"), (1.0, "1"), (99, "99"), (1.5, None), (-1, None), (100, None)])
def test_a_code_of_digits_may_be_a_number(value: float, code: str | None) -> None:
    assert code_of(value, DIGITS) == code


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("123/1234", "1231234"),
        ("123-1234", "1231234"),
        ("123 1234", "1231234"),
        (1231234.0, "1231234"),
        ("1231234.0", "1231234"),
        ("1234/123", None),
        ("12/31234", None),
        ("12312345", None),
        ("123123", None),
        (True, None),
        (1231234.5, None),
    ],
)
def test_school_numbers(value: float | str, number: str | None) -> None:
    assert school_number(value) == number
