"""A window that had closed before the stack first held a school: it is never frozen, and says so everywhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.lookups import calendar_now, window_states
from early_results.access import Role
from early_results.counting.freeze import State, manifest_lines
from early_results.object_keys import manifest_key
from infra.operator import operating, rebuilding
from infra.operator.verifying import CannotVerify, verify_window
from portal.board import deadline_board
from portal.requests import BoardQuery
from portal.services import describe_services
from tests.unit.checking.school_files import SERVICE

from .season import CLOSES, ENDS, NAME, SCHOOLS, Season


def test_a_window_closed_before_the_first_school_came_is_never_frozen_and_locks_no_manifest(late: Season) -> None:
    """It froze empty, and the manifest of nothing was locked for two years."""
    upload = late.upload(SCHOOLS[0])
    late.now = CLOSES + timedelta(days=1)
    assert late.freeze() == ()
    assert [entry.key for entry in late.stores.records.list("manifests/")] == []
    late.now = ENDS + timedelta(minutes=5)
    assert [(frozen.window, frozen.state) for frozen in late.freeze()] == [(2, State.FROZEN)]
    lines = manifest_lines(late.stores.records.get(manifest_key(NAME, 2)))
    assert [line["upload"] for line in lines] == [upload, None, None]
    assert verify_window(late.stores, SERVICE, 2).differences == []


def test_board_command_api_and_verification_say_that_a_window_was_not_held(late: Season) -> None:
    operator = late.user("OPERATOR")
    assert operator.role is Role.OPERATOR
    assert deadline_board(late.stores, operator, SERVICE, "1", BoardQuery(), late.now)["state"] == "not-held"
    [told] = [one for one in describe_services(late.stores, late.now)["services"] if one["service"] == NAME]
    assert [window["state"] for window in told["windows"]] == ["not-held", "OPEN"]
    assert "not-held" in operating.show_windows(late.operated, NAME, late.now)
    with pytest.raises(CannotVerify, match="window 1 of ks1-2023 is not-held"):
        verify_window(late.stores, SERVICE, 1)


def test_a_window_that_closes_in_the_minute_of_the_first_extract_is_held(late: Season) -> None:
    """Extracts come out of order: an earlier one that is taken in later still says since when."""
    calendar = calendar_now(late.stores, SERVICE)
    assert window_states(late.stores, calendar)[1].state is State.NOT_HELD
    late.now = CLOSES - timedelta(seconds=1)
    late.extract("rosters/schools.csv", f"School DFE,Name,Trust\n{SCHOOLS[0]},School,\n")
    assert window_states(late.stores, calendar)[1].state is State.OPEN
    late.now = CLOSES + timedelta(minutes=4)
    assert [frozen.state for frozen in late.freeze()] == [State.FROZEN]


def test_a_rebuilt_table_knows_since_when_there_is_a_school(late: Season) -> None:
    before = late.items()
    late.lose_the_table()
    rebuilding.rebuild(late.operated, late.now)
    assert late.items().get(("SCHOOLS#SINCE", "FIRST")) == before["SCHOOLS#SINCE", "FIRST"]
    late.now += timedelta(minutes=10)
    assert late.freeze() == ()
