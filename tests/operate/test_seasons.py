"""Seasons by command: setting windows that lie in the past anew, what is missing before schools can upload, closing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from adapters.lookups import calendar_now, window_states
from adapters.rosters import user_of
from early_results import keys
from early_results.access import Role
from early_results.counting.freeze import State
from early_results.service import load_service
from early_results.times import to_text
from early_results.writes import Put
from infra.operator import operating, people, rebuilding, seasons
from infra.operator.operating import CannotOperate
from infra.operator.seasons import Moments

from .season import CLOSES, NAME, SCHOOLS, TRUST, Season

SERVICE = load_service(NAME)
NEXT = datetime(2024, 6, 3, 8, 0, tzinfo=UTC)
WINDOWS = {
    1: Moments(NEXT, NEXT + timedelta(days=20), date(2024, 7, 1)),
    2: Moments(NEXT + timedelta(days=20), NEXT + timedelta(days=30), date(2024, 7, 8)),
}


def states(season: Season) -> dict[int, State]:
    return {n: s.state for n, s in window_states(season.stores, calendar_now(season.stores, SERVICE)).items()}


def late(season: Season) -> None:
    """A stack whose first school comes when all the published windows are over."""
    season.now = NEXT - timedelta(days=30)
    season.stores.table.write(Put(keys.first_school(), {"since": to_text(season.now)}))


def test_windows_of_a_year_that_is_over_are_put_ahead_all_at_once(played: Season) -> None:
    late(played)
    assert set(states(played).values()) == {State.NOT_HELD}
    with pytest.raises(CannotOperate, match="window 2 would open before window 1 has closed: name both"):
        seasons.set_calendar(played.operated, NAME, {1: WINDOWS[1]}, "a new season", played.now)
    said = seasons.set_calendar(played.operated, NAME, WINDOWS, "a new season", played.now)
    assert "OPEN" in said
    assert set(states(played).values()) == {State.OPEN}
    assert played.freeze() == ()
    played.now = NEXT + timedelta(minutes=1)
    upload_id = played.upload(SCHOOLS[0])
    assert played.record(upload_id).status == "SUCCESSFUL"
    kept = [json.loads(played.stores.records.get(v.key)) for v in played.stores.records.list(f"calendars/{NAME}/")]
    assert [(one["by"], one["reason"]) for one in kept][-1] == (played.operated.who, "a new season")


@pytest.mark.parametrize(
    ("moments", "says"),
    [
        (Moments(opens=datetime(2024, 1, 1, tzinfo=UTC)), "in the past"),
        (Moments(NEXT, NEXT, date(2024, 7, 1)), "no time"),
        (Moments(NEXT, NEXT + timedelta(days=20), date(2024, 6, 3)), "before the day it closes"),
    ],
)
def test_a_window_that_cannot_be_is_refused(played: Season, moments: Moments, says: str) -> None:
    late(played)
    before = played.items()
    with pytest.raises(CannotOperate, match=says):
        seasons.set_calendar(played.operated, NAME, {1: moments, 2: WINDOWS[2]}, "a slip", played.now)
    assert played.items() == before


def test_a_window_that_is_open_is_changed_by_itself_and_only_ahead(played: Season) -> None:
    later = CLOSES + timedelta(hours=3)
    with pytest.raises(CannotOperate, match="opening can be moved only until one minute before"):
        seasons.set_calendar(
            played.operated, NAME, {1: Moments(opens=played.now + timedelta(hours=1))}, "x", played.now
        )
    with pytest.raises(CannotOperate, match="window 1 has opened: change it by itself"):
        seasons.set_calendar(played.operated, NAME, {1: Moments(closes=later), 2: WINDOWS[2]}, "x", played.now)
    said = seasons.set_calendar(played.operated, NAME, {1: Moments(closes=later)}, "a flood", played.now)
    assert "3pm" in said or "15:00" in said, said


def test_what_is_missing_is_named_until_nothing_is(played: Season) -> None:
    words, ready = seasons.checklist(played.operated, SERVICE, played.now)
    assert ready, words
    people.disable(played.operated, "operator@example.org", "on leave")
    new = "2042222"
    played.extract("rosters/schools.csv", f"School DFE,Name,Trust\n{new},New School,\n")
    words, ready = seasons.checklist(played.operated, SERVICE, played.now)
    assert not ready
    for missing in (
        f"! pupils: {len(SCHOOLS)} of {len(SCHOOLS) + 1} schools (not {new})",
        "! an operator",
        f"(not {new})",
    ):
        assert missing in words, words


def test_a_calendar_that_is_over_is_missing(played: Season) -> None:
    words, ready = seasons.checklist(played.operated, SERVICE, NEXT)
    assert "! calendar: every window has closed, so nobody can upload" in words
    assert not ready


def test_extracts_are_taken_in_or_refused_before_they_are_dropped(played: Season) -> None:
    before = list(played.stores.uploads.all_versions("rosters/"))
    with pytest.raises(CannotOperate, match=r"schools: Line 2: School DFE must be seven digits"):
        seasons.take_in(played.operated, SERVICE, {"schools": b"School DFE,Name,Trust\n12,A,\n"})
    assert list(played.stores.uploads.all_versions("rosters/")) == before

    def roster_function(_: float) -> None:
        from workflow.import_extract import import_extract

        newest = played.stores.uploads.versions("rosters/schools.csv")[-1]
        import_extract(played.stores, newest.key, newest.version)

    said = seasons.take_in(
        played.operated, SERVICE, {"schools": b"School DFE,Name,Trust\n2042222,New,\n"}, roster_function
    )
    assert said == "schools: 1 taken in"


def over(season: Season) -> list[str]:
    """A season that is over: its windows frozen, its reports built, one file deleted."""
    kept, gone = season.upload(SCHOOLS[0]), season.upload(SCHOOLS[1], by=f"TRUST#{TRUST}")
    season.delete(f"TRUST#{TRUST}", gone)
    season.now = CLOSES + timedelta(minutes=5)
    season.freeze()
    season.build_reports()
    season.now = datetime(2023, 9, 1, tzinfo=UTC)
    while any(f.state != "FROZEN" for f in season.freeze()):
        season.now += timedelta(minutes=5)
    season.build_reports()
    return [kept, gone]


def test_a_season_is_closed_only_once_all_is_frozen(played: Season) -> None:
    with pytest.raises(CannotOperate, match="window 1 is OPEN"):
        seasons.close_season(played.operated, SERVICE, "over", really=True)


def test_closing_counts_first_and_removes_only_when_told_to(played: Season) -> None:
    over(played)
    before = played.items()
    told = seasons.close_season(played.operated, SERVICE, "over", really=False)
    assert told.items["uploads"] == 2
    assert played.items() == before
    assert "Say --yes" in seasons.describe_closed(told, NAME, really=False)


def test_a_closed_season_has_no_childs_data_left_and_keeps_what_was_frozen(played: Season) -> None:
    uploads = over(played)
    told = seasons.close_season(played.operated, SERVICE, "the season is over", really=True)
    assert told.items["uploads"] == len(uploads)
    stores = played.stores
    for prefix in ("uploads/", f"school-rosters/{NAME}/", f"rosters/{NAME}/"):
        assert list(stores.uploads.all_versions(prefix)) == [], prefix
    assert list(stores.results.list("")) == []
    left = json.dumps([str(key) + str(item) for key, item in played.items().items()])
    assert "results.xlsx" not in left
    assert not any(f"UPLOAD#{upload}" in left for upload in uploads)
    assert {"manifests", "figures", "verdicts", "tombstones"} <= {v.key.split("/")[0] for v in stores.records.list("")}
    # Quiet: nothing is done to it any more, and closing it again does nothing.
    assert played.freeze() == ()
    again = seasons.close_season(played.operated, SERVICE, "once more", really=True)
    assert (again.items, again.objects) == ({}, {})
    told_by = json.loads(stores.records.get(f"seasons/{NAME}/closed.json"))
    assert told_by["reason"] == "the season is over"


def test_a_table_lost_after_closing_comes_back_without_the_children(played: Season) -> None:
    over(played)
    seasons.close_season(played.operated, SERVICE, "over", really=True)
    played.lose_the_table()
    rebuilding.rebuild(played.operated, played.now)
    assert played.freeze() == ()
    assert set(states(played).values()) == {State.FROZEN}
    assert user_of(played.stores, played.subs[f"SCHOOL#{SCHOOLS[0]}"]) is not None
    assert operating.add_user(played.operated, "new@example.org", Role.OPERATOR, "OPERATOR")
