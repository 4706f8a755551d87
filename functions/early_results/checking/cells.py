"""What a cell says: school numbers, UPNs, dates, codes and scores, however Excel or a typist has turned them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from early_results.workbook import ErrorValue, Value

if TYPE_CHECKING:
    from early_results.service import Column

# Invisible characters that come along when people copy from web pages, e-mails and PDFs: joiners, marks of direction,
# soft hyphens.
_INVISIBLE = dict.fromkeys(
    (
        *(0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F)),
        *(*range(0x2060, 0x2070), *range(0xFE00, 0xFE10), *range(0xFFF9, 0xFFFC)),
    )
)
# Signs that look alike, and that Word, keyboards and old systems write for an apostrophe or a hyphen.
_APOSTROPHES = "\u2018\u2019\u201a\u201b\u2032\u2035\u02b9\u02bb\u02bc\u02bd\u02c8\u0060\u00b4\uff07\uff40\ua78c"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u02d7\u207b\u208b\ufe58\ufe63\uff0d"
_ALIKE = str.maketrans(_APOSTROPHES + _DASHES, "'" * len(_APOSTROPHES) + "-" * len(_DASHES))


def clean(text: str) -> str:
    """A text as a person sees it, with signs that look alike made the same. Every comparison of texts uses it.

    It removes invisible characters, makes full-width and other presentation forms plain, and makes all apostrophes one
    sign and all dashes one sign. It makes white space of any kind a single space, and removes it at the ends. People
    type an apostrophe before a value so that Excel takes it for text; where that was stored in the value, it is
    removed.
    """
    if not text.isascii():
        import unicodedata  # imported only here: few files need it, and it is slow to import

        text = unicodedata.normalize("NFKC", text.translate(_INVISIBLE).translate(_ALIKE)).translate(_INVISIBLE)
    elif "`" in text:
        text = text.replace("`", "'")
    text = " ".join(text.split())
    return text.lstrip("' ") if text[:1] == "'" else text


def heading_key(text: str) -> str:
    """A heading as it is compared: clean, in one letter case, without any white space."""
    if text.isascii() and "'" not in text and "`" not in text:
        return "".join(text.split()).casefold()  # a shortcut for plain headings: each file asks for about 40
    return "".join(clean(text).split()).casefold()


def normal_upn(text: str) -> str:
    """A UPN as it is compared: clean, in capitals, without spaces."""
    if text.isascii() and "'" not in text and "`" not in text:
        return "".join(text.split()).upper()
    return "".join(clean(text).split()).upper()


def school_number(value: Value | None) -> str | None:
    """A cell's school number, seven digits, or None: `1231234`, 1231234.0, `123/1234` and `123 1234` are all one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = "".join(clean(str(value)).split())
    if text[3:4] in ("/", "-", "\\"):
        text = text[:3] + text[4:]
    text = text.removesuffix(".0")
    return text if len(text) == 7 and text.isascii() and text.isdigit() else None


def upn_of(value: Value | None) -> str:
    """A cell's UPN in normal form, "" if there is none."""
    if value is None or isinstance(value, ErrorValue):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return normal_upn(str(value))


def is_upn(upn: str) -> bool:
    """Whether it looks like a UPN: a letter, eleven digits, a digit or a letter.

    One character more or less is let pass.
    """
    return 12 <= len(upn) <= 14 and upn.isascii() and upn[0].isalpha() and upn[1:-1].isdigit() and upn[-1].isalnum()


def as_date(value: Value | None) -> date | None:
    """The day that a cell says: a date, a text in any usual way, or the number that Excel keeps for a day."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        text = clean(value)
        if text.removesuffix(".0").isdigit() and len(text.removesuffix(".0")) == 5:
            value = int(text.removesuffix(".0"))
        else:
            return read_date(text)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 61 <= value < 100_000:
        # right for every day after 28 February 1900; Excel counts a 29 February 1900 that never was
        return date(1899, 12, 30) + timedelta(days=int(value))
    return None


def parse_date(text: str) -> date | None:
    """The date of `14/04/2015`, `14.04.2015`, `14-04-2015` or `2015-04-14`; None for any other text.

    A midnight may follow, since exports of databases write `14/04/2015 00:00:00`.
    """
    if text[2:6:3] == "//" and len(text) == 10 and text.isascii() and (text[:2] + text[3:5] + text[6:]).isdigit():
        try:  # a shortcut for the way of nearly every roster: a large one asks thousands of times
            return date(int(text[6:]), int(text[3:5]), int(text[:2]))
        except ValueError:
            return None
    day_text, _, clock = text.strip().replace("T", " ").partition(" ")
    if clock.strip("0:.Z "):
        return None
    parts = day_text.replace(".", "/").replace("-", "/").split("/")
    written = "".join(parts)
    if len(parts) != 3 or not (written.isascii() and written.isdigit() and all(parts)):
        return None
    day, month, year = parts if len(parts[0]) < 3 else reversed(parts)
    try:
        return date(int(year), int(month), int(day)) if len(year) == 4 else None
    except ValueError:
        return None


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORDS = re.compile("[a-z]+|[0-9]+")
_CLOCK = re.compile(r"[t ]? ?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[ap]m|z)?$")


def read_date(text: str) -> date | None:
    """The date of a clean text: `14/04/2015`, `14.4.15`, `2015-04-14`, `20150414`, `14 Apr 2015`, `14th of April 2015`,
    `Tue, 14 April 2015`, `April 14, 2015`, each with a time after it or none. None for any other text.

    Days come before months, as in this country. Years of two digits are this century's.
    """
    if not text.isascii() or len(text) > 60:
        return None
    exact = parse_date(text)
    if exact is not None:
        return exact
    words = _words(text)
    numbers = [word for word in words if word.isdigit()]
    names = [_month(word) for word in words if not word.isdigit()]
    names = [name for name in names if name != 0]
    if None in names or len(names) > 1:
        return None
    if names and len(numbers) == 2:
        day, year = numbers if len(numbers[0]) < 3 else (numbers[1], numbers[0])
        return _date(day, str(names[0]), year)
    if names:
        return None
    if len(numbers) == 1 and len(numbers[0]) == 8:
        (digits,) = numbers
        return _date(digits[6:], digits[4:6], digits[:4]) or _date(digits[:2], digits[2:4], digits[4:])
    if len(numbers) != 3:
        return None
    if len(numbers[0]) == 4:
        return _date(numbers[2], numbers[1], numbers[0])
    # 04/14/2015 must be month first, as Americans write it: there is no month 14.
    return _date(*numbers) or _date(numbers[1], numbers[0], numbers[2])


def _words(text: str) -> list[str]:
    """The words and numbers of a date, without its time of day and without separators."""
    words = _WORDS.findall(_CLOCK.sub(" ", text.lower()))
    return [word for word in words if word not in ("of", "the", "st", "nd", "rd", "th")]


def _month(word: str) -> int | None:
    """The number of a month's name; 0 for a day of the week, None for any other word."""
    if word[:3] in _MONTHS and (word in _MONTHS or word == "sept" or word in _MONTH_NAMES):
        return _MONTHS.index(word[:3]) + 1
    return 0 if word[:3] in _WEEKDAYS and (len(word) <= 5 or word.endswith("day")) else None


def _date(day: str, month: str, year: str) -> date | None:
    if len(year) == 2:
        year = "20" + year
    if len(year) != 4 or len(day) > 2 or len(month) > 2:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def folded(text: str) -> str:
    """A name as it is compared: clean, and without letter case."""
    return clean(text).casefold()


def is_blank(value: Value | None) -> bool:
    """Whether it is no value, or a text in which nothing can be seen."""
    if value is None:
        return True
    if not isinstance(value, str):
        return False
    return not value.strip() or (not value.isascii() and not clean(value)) or not value.strip("' ")


def says_the_same(key: str, value: Value | None, wanted: str | date | None) -> bool:
    """Whether a prefilled cell still says what the roster says, even if Excel or a person has rewritten it."""
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
        return _year_group(ours) == _year_group(theirs)
    return key == "gender" and ours in _GENDERS and _GENDERS[ours] == _GENDERS.get(theirs)


_GENDERS = {
    **dict.fromkeys(("f", "female", "girl", "girls", "g"), "female"),
    **dict.fromkeys(("m", "male", "boy", "boys", "b"), "male"),
}
_YEAR_WORDS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "reception": "r", "rec": "r"}


def _year_group(text: str) -> str:
    """A year group without the word for it: `Year 2`, `Yr. 2`, `Y2`, `NCY 2` and `02` are all 2."""
    left = "".join(c for c in text.removesuffix(".0") if c.isalnum())
    for word in ("national", "curriculum", "nc", "school", "year", "group", "yr", "y", "gp"):
        left = left.removeprefix(word)
    left = left.removesuffix("group")
    return _YEAR_WORDS.get(left, left.lstrip("0") or left)


@cache
def accepted(column: Column) -> dict[Value | None, str | int]:
    """Each value that a good cell of the column may hold, and the code or number it means.

    With it, most cells cost one look-up. 100.0 finds 100, and where the codes are digits, 2 finds "2". To Python, TRUE
    equals 1 and FALSE equals 0, but neither is a result. So 1 and 0 are not in here: `result_of` decides them.
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
    """The code or the number of the column that a cell means, in any way of writing it. None if it means neither."""
    number = score_of(value, column) if column.has_numbers else None
    return code_of(value, column) if number is None and column.codes else number


def code_of(value: Value, column: Column) -> str | None:
    """The column's code that a cell means, in any case and with any spaces around it.

    A code of digits may be a number.
    """
    if isinstance(value, str) and not isinstance(value, ErrorValue):
        text = clean(value).upper()
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 100 and value == int(value):
        text = str(int(value))
    else:
        return None
    return text if text in column.codes else None


def score_of(value: Value, column: Column) -> int | None:
    """The whole number in range that a cell means.

    It may be text, and may be off by what a formula's rounding leaves.
    """
    if isinstance(value, str):
        text = clean(value)
        if len(text) > 20 or not text.isascii() or not text.replace(".", "", 1).isdigit():
            return None
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not column.minimum - 1 < value < column.maximum + 1:  # also refuses inf and nan, which cannot be rounded
        return None
    score = round(value)
    return score if abs(value - score) < 1e-9 and column.minimum <= score <= column.maximum else None
