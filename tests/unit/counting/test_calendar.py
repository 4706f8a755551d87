"""Windows: which one a received time belongs to, when a form expires, and how a window may be moved."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from early_results.counting.calendar import Calendar, CalendarRefused, calendar_from_json, calendar_of
from early_results.service import LONDON, Window, load_service
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


SECONDS = st.integers(1, 20 * 24 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@given(SECONDS, st.timedeltas(timedelta(minutes=1), timedelta(days=9)))
def test_an_extended_window_closes_later_and_windows_still_never_overlap(by: timedelta, before: timedelta) -> None:
    now = FIRST.closes - before - timedelta(seconds=1)
    extended = CALENDAR.extend(1, FIRST.closes + by, now)
    assert extended.version == CALENDAR.version + 1
    assert extended.windows[0].closes == FIRST.closes + by
    assert extended.windows[1].opens == max(SECOND.opens, FIRST.closes + by)
    assert extended.windows[1].closes == SECOND.closes


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("number", "closes", "now", "why"),
    [
        (1, FIRST.closes + HOUR, FIRST.closes - MINUTE, "until one minute before"),
        (1, FIRST.closes + HOUR, FIRST.closes + timedelta(days=1), "until one minute before"),
        (1, FIRST.closes, FIRST.opens, "must be later"),
        (1, SECOND.closes, FIRST.opens, "left with no time"),
        (9, FIRST.closes, FIRST.opens, "has no window 9"),
    ],
)
def test_an_extension_that_may_not_be_made_says_why(number: int, closes: datetime, now: datetime, why: str) -> None:
    with pytest.raises(CalendarRefused, match=why):
        CALENDAR.extend(number, closes, now)


def test_a_window_is_moved_as_a_whole_and_one_that_adjoins_it_gives_way() -> None:
    now = FIRST.opens - timedelta(days=2)
    moved = CALENDAR.move(1, now, opens=FIRST.opens + HOUR, closes=FIRST.closes + HOUR, reports=date(2023, 7, 14))
    assert moved.version == 1
    assert moved.windows == (
        Window(1, FIRST.opens + HOUR, FIRST.closes + HOUR, date(2023, 7, 14)),
        SECOND._replace(opens=FIRST.closes + HOUR),
    )
    earlier = CALENDAR.move(1, now, closes=FIRST.closes - HOUR)
    assert earlier.windows == (FIRST._replace(closes=FIRST.closes - HOUR), SECOND)
    assert earlier.move(2, now, opens=FIRST.closes - HOUR).windows[1].opens == FIRST.closes - HOUR


def test_reports_follow_a_close_that_is_moved_past_them_by_the_date_in_london() -> None:
    late = datetime(2023, 7, 8, 23, 30, tzinfo=UTC)  # 9 July in London
    assert CALENDAR.move(1, FIRST.opens, closes=late).windows[0].reports == max(FIRST.reports, date(2023, 7, 9))
    assert FIRST.reports < date(2023, 8, 1)
    assert CALENDAR.move(1, FIRST.closes - MINUTE, reports=date(2023, 8, 1)).windows[0].reports == date(2023, 8, 1)


@pytest.mark.parametrize(
    ("number", "now", "moved", "why"),
    [
        (1, FIRST.opens - MINUTE, {"opens": FIRST.opens + HOUR}, "until one minute before the window"),
        (1, FIRST.opens + HOUR, {"opens": FIRST.opens - HOUR}, "until one minute before the window"),
        (1, FIRST.opens - HOUR, {"opens": FIRST.opens - HOUR + MINUTE}, "more than a minute from now"),
        (2, FIRST.opens, {"opens": FIRST.closes - timedelta(seconds=1)}, "before window 1 has closed"),
        (1, FIRST.closes - MINUTE, {"closes": FIRST.closes + HOUR}, "until one minute before the window"),
        (1, FIRST.closes - HOUR, {"closes": FIRST.closes - 51 * MINUTE}, "at least ten minutes from now"),
        (1, FIRST.opens, {"closes": SECOND.closes}, "window 2 would be left with no time"),
        (1, FIRST.opens - HOUR, {"opens": FIRST.closes}, "window 1 would be left with no time"),
        (1, FIRST.opens, {"reports": date(2023, 6, 29)}, "before the day it closes"),
        (1, FIRST.opens, {"closes": FIRST.closes}, "nothing would change"),
        (9, FIRST.opens, {"closes": FIRST.closes}, "has no window 9"),
    ],
)
def test_a_move_that_may_not_be_made_says_why(number: int, now: datetime, moved: dict[str, Any], why: str) -> None:
    with pytest.raises(CalendarRefused, match=why):
        CALENDAR.move(number, now, **moved)


SHIFTS = st.none() | st.integers(-40 * 24 * 60, 40 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
NEAR = st.integers(-90, 90).map(lambda minutes: timedelta(minutes=minutes))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 2]),
            st.sampled_from([FIRST.opens, FIRST.closes, SECOND.closes]),
            SHIFTS | NEAR,
            SHIFTS | NEAR,
            SHIFTS | NEAR,
            st.none() | st.dates(date(2023, 6, 1), date(2023, 9, 30)),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_is_moved_nothing_received_by_then_changes_its_window(moves: list[Any]) -> None:
    """Nor does what a form that was handed out by then may still bring."""
    calendar, now = CALENDAR, datetime.min.replace(tzinfo=UTC)
    for number, around, by, opens, closes, reports in moves:
        now = max(now, around + (by or timedelta()))
        window = calendar.window(number)
        assert window
        wanted = {
            "opens": window.opens + opens if opens is not None else None,
            "closes": window.closes + closes if closes is not None else None,
        }
        try:
            changed = calendar.move(number, now, **wanted, reports=reports)
        except CalendarRefused:
            continue
        assert changed.version == calendar.version + 1
        first, second = changed.windows
        assert first.opens < first.closes <= second.opens < second.closes
        assert all(w.reports >= w.closes.astimezone(LONDON).date() for w in changed.windows)
        edges = [edge for w in (*calendar.windows, *changed.windows) for edge in (w.opens, w.closes)]
        for moment in [now, *(edge + timedelta(seconds=s) for edge in edges for s in (-1, 0, 1))]:
            was, becomes = calendar.window_of(moment), changed.window_of(moment)
            if moment <= now:
                assert (was and was.number) == (becomes and becomes.number)
        expiry = calendar.form_expiry(now)
        if expiry:
            last = changed.window_of(expiry - timedelta(seconds=1))
            at_issue = calendar.window_of(now)
            assert last
            assert at_issue
            assert last.number == at_issue.number
        calendar = changed


@given(MOMENTS)
def test_stored_moments_and_calendars_come_back(moment: datetime) -> None:
    assert from_text(to_text(moment)) == moment.replace(microsecond=0)
    assert calendar_from_json(CALENDAR.to_json()) == CALENDAR


EDGES = st.sampled_from([e for w in CALENDAR.windows for e in (w.opens, w.closes)])
NEARBY = st.builds(
    lambda edge, by: edge + timedelta(seconds=by), EDGES, st.integers(-5, 5) | st.integers(-(10**6), 10**6)
)


@given(NEARBY, NEARBY, NEARBY, NEARBY, st.none() | NEARBY, st.lists(NEARBY, min_size=1, max_size=8))
def test_up_to_the_first_difference_every_moment_belongs_to_the_same_window(
    opens: datetime, closes: datetime, again: datetime, ends: datetime, since: datetime | None, moments: list[datetime]
) -> None:
    edges = sorted((opens, closes, again, ends))
    windows = (FIRST._replace(opens=edges[0], closes=edges[1]), SECOND._replace(opens=edges[2], closes=edges[3]))
    other = Calendar(CALENDAR.service, 1, windows)
    first = CALENDAR.first_difference(other, since)
    assert first == other.first_difference(CALENDAR, since)

    def same(moment: datetime) -> bool:
        was, becomes = CALENDAR.window_of(moment), other.window_of(moment)
        return (was and was.number) == (becomes and becomes.number)

    if first is not None:
        assert not same(first)
        assert since is None or first >= since
    for moment in (*moments, *([first - timedelta(seconds=1)] if first else [])):
        if (since is None or moment >= since) and (first is None or moment < first):
            assert same(moment)


def test_calendars_that_differ_in_the_day_of_reports_alone_have_no_first_difference() -> None:
    changed = CALENDAR.move(1, FIRST.opens, reports=date(2023, 8, 1))
    assert CALENDAR.first_difference(changed, None) is None
