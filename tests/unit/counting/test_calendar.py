"""Windows: which one a received time belongs to, when a form expires, and how a window may be extended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from early_results.counting.calendar import CalendarRefused, calendar_from_json, calendar_of
from early_results.service import load_service
from early_results.times import clock_words, from_text, moment_words, to_text

CALENDAR = calendar_of(load_service("ks1-2023"))
FIRST, SECOND = CALENDAR.windows
MOMENTS = st.datetimes(datetime(2023, 5, 1), datetime(2023, 8, 31), timezones=st.just(UTC))  # noqa: DTZ001


def test_noon_is_london_noon_in_summer_and_in_winter() -> None:
    assert FIRST.closes == datetime(2023, 6, 30, 11, 0, tzinfo=UTC)
    assert moment_words(FIRST.closes) == "12 noon on Friday 30 June 2023"
    assert clock_words(datetime(2023, 12, 1, 12, 0, tzinfo=UTC)) == "12 noon"
    assert clock_words(datetime(2023, 6, 30, 10, 59, 59, tzinfo=UTC)) == "11.59.59am"
    assert clock_words(datetime(2023, 6, 30, 8, 5, tzinfo=UTC)) == "9.05am"
    assert clock_words(datetime(2023, 6, 29, 23, 0, tzinfo=UTC)) == "midnight"
    assert clock_words(datetime(2023, 6, 30, 14, 0, tzinfo=UTC)) == "3pm"


def test_the_last_second_counts_and_noon_itself_is_the_next_windows() -> None:
    assert CALENDAR.window_of(FIRST.closes - timedelta(seconds=1)) == FIRST
    assert CALENDAR.window_of(FIRST.closes - timedelta(microseconds=1)) == FIRST
    assert CALENDAR.window_of(FIRST.closes) == SECOND
    assert CALENDAR.window_of(SECOND.closes) is None
    assert CALENDAR.window_of(FIRST.opens - timedelta(seconds=1)) is None


@given(MOMENTS)
def test_a_moment_belongs_to_one_window_at_most_and_to_whole_seconds(moment: datetime) -> None:
    holding = [w for w in CALENDAR.windows if w.opens <= moment.replace(microsecond=0) < w.closes]
    assert len(holding) <= 1
    assert CALENDAR.window_of(moment) == (holding[0] if holding else None)


@given(MOMENTS)
def test_a_form_never_outlives_its_window(moment: datetime) -> None:
    window, expiry = CALENDAR.window_of(moment), CALENDAR.form_expiry(moment)
    if window is None:
        assert expiry is None
    else:
        assert expiry is not None
        assert expiry <= window.closes
        assert expiry - moment <= timedelta(minutes=10)
        assert expiry == window.closes or expiry - moment == timedelta(minutes=10)


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=20)), st.timedeltas(timedelta(minutes=1), timedelta(days=9)))
def test_an_extended_window_closes_later_and_windows_still_never_overlap(by: timedelta, before: timedelta) -> None:
    now = FIRST.closes - before - timedelta(seconds=1)
    extended = CALENDAR.extend(1, FIRST.closes + by, now)
    assert extended.version == CALENDAR.version + 1
    assert extended.windows[0].closes == FIRST.closes + by
    assert extended.windows[1].opens == max(SECOND.opens, FIRST.closes + by)
    assert extended.windows[1].closes == SECOND.closes


@pytest.mark.parametrize(
    ("number", "closes", "now", "why"),
    [
        (1, FIRST.closes + timedelta(hours=1), FIRST.closes - timedelta(minutes=1), "until one minute before"),
        (1, FIRST.closes + timedelta(hours=1), FIRST.closes + timedelta(days=1), "until one minute before"),
        (1, FIRST.closes, FIRST.opens, "must be later"),
        (1, SECOND.closes, FIRST.opens, "left with no time"),
        (9, FIRST.closes, FIRST.opens, "has no window 9"),
    ],
)
def test_a_change_that_may_not_be_made_says_why(number: int, closes: datetime, now: datetime, why: str) -> None:
    with pytest.raises(CalendarRefused, match=why):
        CALENDAR.extend(number, closes, now)


@given(MOMENTS)
def test_stored_moments_and_calendars_come_back(moment: datetime) -> None:
    assert from_text(to_text(moment)) == moment.replace(microsecond=0)
    assert calendar_from_json(CALENDAR.to_json()) == CALENDAR
