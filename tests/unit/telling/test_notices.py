"""Who is told what, and when: of a file by its record, of a window by the clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from early_results.counting.calendar import Calendar
from early_results.counting.freeze import State, WindowState
from early_results.counting.uploads import Held, ReportState, Status
from early_results.service import LONDON, Window
from early_results.telling.notices import REMINDERS, Kind, due_rounds, moment_of, notice_from_json, of_upload
from tests.uploads import upload_of

ID, LATER = "01H43Q0F8RZJ4T1D2ZK5N8Q6WX", "01H43Q0F8RZJ4T1D2ZK5N8Q6WY"
NOW = datetime(2023, 6, 20, 9, tzinfo=UTC)
CLOSES = datetime(2023, 6, 30, 11, tzinfo=UTC)


def told(**facts: Any) -> list[tuple[Kind, str]]:
    """What the sender of a file received a minute ago is told of its record."""
    given_ = {"received": NOW - timedelta(minutes=1), **facts}
    return [(n.kind, n.mark) for n in of_upload(upload_of(ID, NOW, **given_).to_item(), NOW)]


VERDICT, LOST = (Kind.VERDICT, f"VERDICT#{ID}"), (Kind.OVERWRITTEN, f"OVERWRITTEN#{ID}#{LATER}")


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({"status": Status.AWAITING_UPLOAD, "received": None}, []),
        ({"status": Status.CHECKING}, []),
        ({"status": Status.CHECKING, "offer_pending": True}, []),  # good, and not yet the school's
        ({"status": Status.CHECKING, "held": Held.STRAGGLER}, []),  # an operator decides first
        ({"status": Status.SUCCESSFUL}, [VERDICT]),
        ({"status": Status.SUCCESSFUL, "reports": {"1": ReportState.PROCESSING.value}}, []),
        ({"status": Status.SUCCESSFUL, "received": NOW - timedelta(days=31)}, []),
        ({"status": Status.UPLOAD_ERROR}, [VERDICT]),
        ({"status": Status.UPLOAD_ERROR, "held": Held.PARKED}, [(Kind.VERDICT, f"VERDICT#{ID}#parked")]),
        (
            {"status": Status.UPLOAD_ERROR, "held": Held.PARKED, "received": None},
            [(Kind.VERDICT, f"VERDICT#{ID}#parked")],
        ),
        ({"status": Status.UPLOAD_ERROR, "received": None}, []),  # too large to be sent: whoever chose it was told
        ({"status": Status.OVERWRITTEN, "overwritten_by": LATER}, [VERDICT, LOST]),
        ({"status": Status.OVERWRITTEN, "overwritten_by": LATER, "received": NOW - timedelta(days=20)}, [LOST]),
        ({"status": Status.DELETED}, []),
        ({"status": Status.UPLOAD_ERROR, "purge_pending": True}, []),
    ],
)
def test_a_file_s_sender_is_told_the_verdict_and_that_it_was_overwritten(
    facts: dict[str, Any], wanted: list[tuple[Kind, str]]
) -> None:
    assert told(**facts) == wanted


def test_a_notice_names_nobody_and_no_file() -> None:
    """It lies in a queue and its mark in a log."""
    upload = upload_of(ID, NOW, status=Status.OVERWRITTEN, received=NOW, overwritten_by=LATER, name="Jane Smith.xlsx")
    for notice in of_upload(upload.to_item(), NOW):
        text = json.dumps(notice.to_json())
        assert notice_from_json(json.loads(text)) == notice
        assert "Jane" not in text
        assert "@" not in text


moments = st.datetimes(datetime(2023, 6, 20), datetime(2023, 6, 30, 12), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    st.lists(moments, max_size=40).map(sorted),
    st.datetimes(datetime(2023, 6, 20), datetime(2023, 6, 30, 10), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_however_the_schedule_runs_each_reminder_comes_once_and_the_last_that_is_due(
    runs: list[datetime], opens: datetime
) -> None:
    window = Window(1, opens, CLOSES, CLOSES.date())
    calendar, done, sent = Calendar("ks1-2023", 1, (window,)), set[str](), list[tuple[datetime, str]]()
    for now in [run for run in runs for _ in range(2)]:  # a schedule may run twice
        for one in due_rounds(calendar, {1: WindowState()}, done, now):
            assert one.kind is Kind.REMINDER
            done.add(one.mark)
            sent.append((now, one.mark.split("#")[2]))
    names = [name for _, name in sent]
    assert len(names) == len(set(names))
    ends = [*(moment_of(one, CLOSES) for one in REMINDERS[1:]), CLOSES]
    for reminder, end in zip(REMINDERS, ends, strict=True):
        begin = moment_of(reminder, CLOSES)
        chances = [run for run in runs if begin <= run < end and opens <= begin]
        found = [now for now, name in sent if name == reminder.name]
        assert found == chances[:1]


def test_days_before_a_close_are_counted_by_londons_clock() -> None:
    """Clocks went forward on 26 March 2023: five days before noon of the 30th is noon of the 25th, in winter time."""
    closes = datetime(2023, 3, 30, 12, tzinfo=LONDON).astimezone(UTC)
    five, one, two = (moment_of(reminder, closes) for reminder in REMINDERS)
    assert five == datetime(2023, 3, 25, 12, tzinfo=UTC)
    assert one == datetime(2023, 3, 29, 11, tzinfo=UTC)
    assert two == closes - timedelta(hours=2)


def test_a_close_that_is_moved_is_another_one() -> None:
    later = CLOSES + timedelta(hours=3)
    at = CLOSES - timedelta(hours=20)
    before, after = (
        due_rounds(Calendar("ks1-2023", 1, (Window(1, NOW, end, end.date()),)), {}, {"REMINDER#1#one-day"}, at)
        for end in (CLOSES, later)
    )
    assert before[0].mark != after[0].mark


@pytest.mark.parametrize(
    ("state", "after", "wanted"),
    [
        (WindowState(State.CLOSING, CLOSES), timedelta(minutes=5), []),
        (WindowState(State.NOT_HELD), timedelta(minutes=5), []),
        (WindowState(State.FROZEN, CLOSES), timedelta(minutes=5), [Kind.FROZEN]),
        (WindowState(State.FROZEN, CLOSES, reports_queued=True), timedelta(minutes=5), [Kind.FROZEN]),
        (WindowState(State.FROZEN, CLOSES, reports_queued=True), timedelta(days=6), [Kind.FROZEN, Kind.REPORT]),
        (WindowState(State.FROZEN, CLOSES, reports_queued=True), timedelta(days=10), [Kind.REPORT]),
        (WindowState(State.FROZEN, CLOSES, reports_queued=True), timedelta(days=30), []),  # long ago is no news
    ],
)
def test_of_a_closed_window_people_are_told_once_it_is_frozen_and_its_day_has_come(
    state: WindowState, after: timedelta, wanted: list[Kind]
) -> None:
    window = Window(1, NOW, CLOSES, (CLOSES + timedelta(days=5)).date())
    found = due_rounds(Calendar("ks1-2023", 1, (window,)), {1: state}, set(), CLOSES + after)
    assert [one.kind for one in found] == wanted
    done = {one.mark for one in found}
    assert due_rounds(Calendar("ks1-2023", 1, (window,)), {1: state}, done, CLOSES + after) == ()
