"""From the text of a cell to its value: numbers, dates, booleans, errors and escaped characters."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from math import isinf

from .limits import damaged


class ErrorValue(str):
    """A cell that Excel shows as an error, for example `ErrorValue("#N/A")`."""

    __slots__ = ()


class Picture(ErrorValue):
    """A picture that Excel keeps in the cell itself. Programs that do not know such cells show `#VALUE!`."""

    __slots__ = ()


class Uncalculated(ErrorValue):
    """A formula whose value the file does not hold: the program that wrote the file did not work it out, nor do we."""

    __slots__ = ()


UNCALCULATED = Uncalculated("=")

Value = str | int | float | bool | datetime | date | time | ErrorValue
"""The value of a cell. A whole number may be int or float; a day is a `date`, a day with a time a `datetime`, a time
alone a `time`, all naive. A string may hold any character that XML or Excel's `_xHHHH_` escapes can carry, control
characters included, but never a lone surrogate."""

# Python's own float() also takes "nan", "1_000" and digits of every script: Excel takes none of them.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(\.[0-9]*)?|(\.[0-9]+))([eE][+-]?[0-9]+)?", re.ASCII)
_ESCAPE = re.compile(
    # the two halves of one character, each written as an escape
    "_x([Dd][89ABab][0-9A-Fa-f]{2})__x([Dd][C-Fc-f][0-9A-Fa-f]{2})_|_x([0-9A-Fa-f]{4})_"
)

_LONGEST_NUMBER = 1_000  # Excel writes at most 24 characters; a million digits would take long to convert
_ORDINAL_1900 = date(1899, 12, 30).toordinal()
_ORDINAL_1904 = date(1904, 1, 1).toordinal()
_LAST_ORDINAL = date(9999, 12, 31).toordinal()
_DAY = 24 * 60 * 60 * 1000  # milliseconds, the precision Excel itself shows


class Memo(dict[str, Value | None]):
    """Remembers what a cell's text means, so that the 2,000th "EXS" or 103 costs one look-up. None is a blank.

    A results sheet repeats its values: pupils share codes, scores and birthdays. Bounded, for sheets that do not.
    """

    __slots__ = ("convert", "room")

    def __init__(self, convert: Callable[[str], Value | None], room: int = 10_000) -> None:
        super().__init__()
        self.convert = convert
        self.room = room

    def __missing__(self, text: str) -> Value | None:
        if len(text) > _LONGEST_NUMBER:
            damaged("one of its numbers or dates is longer than any that Excel writes")
        value = self.convert(text)
        if self.room > 0 and len(text) < 100:
            self.room -= 1
            self[text] = value
        return value


def number(text: str) -> Value | None:
    """The value of a number cell: int where no point or exponent is written, otherwise float.

    A text that is no finite number stays text, so that a check can complain about its cell. NaN and infinity are never
    given.
    """
    text = text.strip()
    match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    if match is None:
        return text or None
    if match.group(1) is None and match.group(2) is None and match.group(3) is None:
        return int(text)
    value = float(text)
    return text if isinf(value) else value


def moment(text: str, epoch_1904: bool = False) -> Value | None:
    """The value of a number cell with a date format: a date, datetime or time.

    A number that Excel has no date for (negative, after 9999, and day 60, the 29 February 1900 that never was) stays a
    number.
    """
    serial = number(text)
    if not isinstance(serial, int | float) or not 0 <= serial <= _LAST_ORDINAL:
        return serial
    days, milliseconds = divmod(round(serial * _DAY), _DAY)
    if days == 0 and ((serial < 1 and not epoch_1904) or milliseconds):
        return _clock(milliseconds)
    if epoch_1904:
        ordinal = _ORDINAL_1904 + days
    elif days == 60:
        return serial
    else:
        ordinal = _ORDINAL_1900 + days + (days < 60)
    if ordinal > _LAST_ORDINAL:
        return serial
    day = date.fromordinal(ordinal)
    return datetime.combine(day, _clock(milliseconds)) if milliseconds else day


def moment_1904(text: str) -> Value | None:
    """As `moment`, in a workbook whose days count from 1 January 1904 (Excel for the Mac, once)."""
    return moment(text, epoch_1904=True)


def _clock(milliseconds: int) -> time:
    seconds, thousandths = divmod(milliseconds, 1000)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, thousandths * 1000)


def iso(text: str) -> Value | None:
    """The value of a cell typed as an ISO 8601 date (`t="d"`). A text that is no date stays text."""
    text = text.strip()
    try:
        if ("T" not in text and ":" in text) or text.startswith("T"):
            return time.fromisoformat(text).replace(tzinfo=None)
        when = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return text or None
    return when if when.time() != time() else when.date()


def boolean(text: str) -> Value | None:
    """The value of a boolean cell. A text that is no boolean stays text."""
    text = text.strip()
    return {"1": True, "true": True, "0": False, "false": False}.get(text, text or None)


def error(text: str) -> Value | None:
    """The value of an error cell, such as #N/A."""
    text = text.strip()
    return ErrorValue(text) if text else None


def picture(text: str) -> Value | None:
    """The value of an error cell with a value of a richer kind, in a workbook with pictures in cells."""
    text = text.strip()
    return Picture(text) if text == "#VALUE!" else error(text)


def unescape(text: str) -> str:
    """Excel writes characters that XML cannot carry, and a literal "_x", as `_xHHHH_`."""
    return _ESCAPE.sub(_unescaped, text) if "_x" in text else text


def _unescaped(match: re.Match[str]) -> str:
    high, low, single = match.groups()
    if single is None:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00))
    code = int(single, 16)
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)


def is_date_format(code: str) -> bool:
    """Whether a number format shows a date or a time of day: `dd/mm/yyyy` does, `0.00` and `"day" 0` do not.

    Durations (`[h]:mm`) stay numbers: no column of ours holds one.
    """
    position, seen = 0, False
    while position < len(code):
        character = code[position]
        if character == ";":  # the first section, for positive numbers, is enough
            break
        if character == '"':
            closing = code.find('"', position + 1)
            position = len(code) if closing < 0 else closing + 1
            continue
        # what follows is not a date letter: a character to show, the width of a space, or a filling
        if character in "\\_*":
            position += 2
            continue
        if character == "[":
            closing = code.find("]", position)
            inside = code[position + 1 : closing].lower() if closing > 0 else ""
            if inside and inside.strip("hms") == "":
                return False
            position = len(code) if closing < 0 else closing + 1
            continue
        if code[position : position + 7].lower() == "general":
            position += 7
            continue
        seen = seen or character in "dmyhsDMYHS"
        position += 1
    return seen
