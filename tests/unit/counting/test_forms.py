"""The ledger of upload forms: whatever is asked for, no more are open than may be, and everybody gets theirs again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from early_results import keys
from early_results.counting.calendar import FORM_LIFETIME
from early_results.counting.forms import TooMany, take
from early_results.writes import ABSENT, Item

BEGIN = datetime(2023, 6, 30, 10, 0, tzinfo=UTC)
MOST = 20


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 25)), max_size=60))
def test_no_more_forms_are_open_than_may_be(requests: list[tuple[int, int]]) -> None:
    now, item = BEGIN, None
    given_at: list[tuple[datetime, int]] = []
    for later, asked in requests:
        now += timedelta(seconds=later)
        taken = take("user", MOST, item, asked, now)
        if isinstance(taken, TooMany):
            assert 0 < taken.seconds <= (FORM_LIFETIME + timedelta(minutes=1)).total_seconds()
            if asked <= MOST:  # whoever waits as long as they are told is not told to wait again
                after = now + timedelta(seconds=taken.seconds)
                assert not isinstance(take("user", MOST, item, asked, after), TooMany)
            continue
        item = taken.item
        given_at.append((now, asked))
        open_forms = sum(count for moment, count in given_at if now < moment + FORM_LIFETIME)
        assert open_forms <= MOST


def test_a_request_that_came_between_is_seen() -> None:
    first = take("user", MOST, None, 1, BEGIN)
    assert not isinstance(first, TooMany)
    assert (first.key, first.require) == (keys.forms("user"), {"times": ABSENT})
    second = take("user", MOST, first.item, 1, BEGIN)
    assert not isinstance(second, TooMany)
    assert second.require == {"times": 1}


def test_the_ledger_goes_by_itself_and_never_grows() -> None:
    item: Item | None = None
    for minute in range(60):
        taken = take("user", MOST, item, 1, BEGIN + timedelta(minutes=minute))
        assert not isinstance(taken, TooMany)
        item = taken.item
    assert item is not None
    assert len(item["minutes"]) == 11
    last = BEGIN + timedelta(minutes=59)
    assert last + FORM_LIFETIME < datetime.fromtimestamp(item["expires"], UTC) < last + 2 * FORM_LIFETIME
