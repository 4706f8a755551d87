"""Moments and days as text and in English. Stored: UTC, whole seconds, `2023-06-30T10:59:59Z`, which sorts as text.

The page has the same words in `assets/words.js`; tests/unit/portal/test_page_logic.py compares the two.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from .service import LONDON


def cut(moment: datetime) -> datetime:
    """The moment in UTC, cut to whole seconds. Received times are compared at whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0)


def to_text(moment: datetime) -> str:
    """A moment as stored and as the API gives it."""
    return cut(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_text(text: str) -> datetime:
    """A stored moment. ValueError if the text is none."""
    # This takes a sixth of strptime's time, and every record that is read has several moments.
    if len(text) != 20 or text[4] != "-" or text[7] != "-" or text[10] != "T" or text[19] != "Z":
        raise ValueError("not a stored moment")
    return datetime.fromisoformat(text)


# Not strftime's names: those depend on the machine's locale.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def date_words(day: date) -> str:
    """`30 June 2023`. Of a moment, the day in its own time zone."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def day_words(day: date) -> str:
    """`Friday 30 June 2023`. Of a moment, the day in its own time zone."""
    return f"{_WEEKDAYS[day.weekday()]} {date_words(day)}"


def clock_words(moment: datetime) -> str:
    """London clock time as people say it: `12 noon`, `9.05am`, `11.59.59am` (seconds only where there are any)."""
    local = moment.astimezone(LONDON)
    if (local.minute, local.second) == (0, 0) and local.hour in (0, 12):
        return "12 noon" if local.hour else "midnight"
    hour = local.hour % 12 or 12
    minutes = f".{local.minute:02d}" if local.minute or local.second else ""
    seconds = f".{local.second:02d}" if local.second else ""
    return f"{hour}{minutes}{seconds}{'am' if local.hour < 12 else 'pm'}"


def moment_words(moment: datetime) -> str:
    """`12 noon on Friday 30 June 2023`, London time."""
    return f"{clock_words(moment)} on {day_words(moment.astimezone(LONDON))}"


def second_words(moment: datetime) -> str:
    """`Friday 30 June 2023 at 11:59:58`, or `at 12 noon` where it is exactly that. London time, for reports."""
    local = moment.astimezone(LONDON)
    noon = (local.hour, local.minute, local.second) == (12, 0, 0)
    return f"{day_words(local)} at {'12 noon' if noon else f'{local:%H:%M:%S}'}"
