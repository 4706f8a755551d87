"""What a cell says: school numbers, UPNs, dates, codes and scores, however Excel or a typist has turned them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from early_results.checking.roster import normal_upn, parse_date
from early_results.workbook import ErrorValue, Value

if TYPE_CHECKING:
    from early_results.service import Column

INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))  # what copying from web pages brings along
_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc\u2010\u2011\u2013", "'''---")  # Word and Excel "correct" names so


def plain(text: str) -> str:
    """A text without invisible characters and surrounding white space."""
    return text.translate(INVISIBLE).strip()


def school_number(value: Value | None) -> str | None:
    """A cell's school number, seven digits, or None: `1231234`, 1231234.0, `123/1234` and `123 1234` are all one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = "".join(str(value).split())
    if text[3:4] in ("/", "-"):
        text = text[:3] + text[4:]
    return text if len(text) == 7 and text.isascii() and text.isdigit() else None


def upn_of(value: Value | None) -> str:
    """A cell's UPN in normal form, "" if there is none."""
    if value is None or isinstance(value, ErrorValue):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return normal_upn(str(value).translate(INVISIBLE))


def as_date(value: Value | None) -> date | None:
    """The day that a cell says: a date, a text such as 14/04/2015, or the number Excel keeps for a day."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        return parse_date(value.translate(INVISIBLE))
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 61 <= value < 100_000:
        return date(1899, 12, 30) + timedelta(days=int(value))  # right for every day after Excel's 29 February 1900
    return None


def folded(text: str) -> str:
    """A name as it is compared: spacing, letter case, kinds of apostrophe and hyphen, and accents' spelling aside."""
    if not text.isascii():
        import unicodedata

        text = unicodedata.normalize("NFC", text.translate(INVISIBLE)).translate(_APOSTROPHES)
    return " ".join(text.split()).casefold()


def is_blank(value: Value | None) -> bool:
    """No value, or a text of nothing but white space (also no-break and zero-width)."""
    if value is None:
        return True
    if not isinstance(value, str):
        return False
    return not value.strip() or (not value.isascii() and not value.translate(INVISIBLE).strip())


def says_the_same(key: str, value: Value | None, wanted: str | date | None) -> bool:
    """Whether a prefilled cell still says what the roster says, however Excel or a typist has turned it."""
    if isinstance(value, ErrorValue):
        return False
    if key == "birth_date":
        return as_date(value) == wanted and (wanted is not None or is_blank(value))
    assert isinstance(wanted, str)  # noqa: S101  # every prefilled field but the birth date is text
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    ours, theirs = folded(wanted), folded("" if value is None else str(value))
    if ours == theirs:
        return True
    if key == "nc_year":
        return ours.removeprefix("year").strip() == theirs.removeprefix("year").strip()
    # "M" for "Male": MIS exports write either
    return key == "gender" and bool(ours) and bool(theirs) and 1 in (len(ours), len(theirs)) and ours[0] == theirs[0]


@cache
def accepted(column: Column) -> dict[Value | None, str | int]:
    """What the good cells of a column hold, and the code or number each is: the one look-up that most cells cost.

    100.0 finds 100, and where the codes are digits, 2 finds "2". TRUE equals 1 here and FALSE 0, and neither is a
    result: those two numbers go the long way.
    """
    table: dict[Value | None, str | int] = {}
    for code in column.codes:
        table[code] = table[code.lower()] = code
        if code.isdigit() and int(code) > 1:
            table[int(code)] = code
    if column.has_numbers:
        for number in range(column.minimum, column.maximum + 1):
            table[str(number)] = number
            if number > 1:
                table[number] = number
    return table


def result_of(value: Value, column: Column) -> str | int | None:
    """The code or the number of the column that a cell holds, however it is written; None if it holds neither."""
    number = score_of(value, column) if column.has_numbers else None
    return code_of(value, column) if number is None and column.codes else number


def code_of(value: Value, column: Column) -> str | None:
    """The column's code that a cell holds, in whatever case and between whatever spaces; digits may be a number."""
    if isinstance(value, str) and not isinstance(value, ErrorValue):
        text = plain(value).upper()
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 100 and value == int(value):
        text = str(int(value))
    else:
        return None
    return text if text in column.codes else None


def score_of(value: Value, column: Column) -> int | None:
    """The whole number in range that a cell holds, also as text and with what formulas leave behind the point."""
    if isinstance(value, str):
        text = plain(value)
        if len(text) > 20 or not text.isascii() or not text.replace(".", "", 1).isdigit():
            return None
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not column.minimum - 1 < value < column.maximum + 1:  # also keeps out what does not round: inf and nan
        return None
    score = round(value)
    return score if abs(value - score) < 1e-9 and column.minimum <= score <= column.maximum else None
