"""Who is chased, and what the board says to operators: carried files, trusts by name, what waits for a decision."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from infra.operator.chasing import chase_csv
from portal.board import deadline_board
from portal.requests import BoardQuery
from tests.unit.checking.school_files import SERVICE

from .season import CLOSES, SCHOOLS, TRUST, WRONG, Season

SCHOOL, SISTER, STRANGER = SCHOOLS


def _chased(played: Season, window: int) -> list[tuple[str, str, str]]:
    data, schools, nobody = chase_csv(played.operated, SERVICE, window, played.now)
    lines = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert schools == len({line["School DFE"] for line in lines})
    assert nobody == sum(not line["Email"] for line in lines)
    return [(line["School DFE"], line["Standing"], line["Email"]) for line in lines]


def _board(played: Season, window: int, **query: str):  # type: ignore[no-untyped-def]
    return deadline_board(played.stores, played.user("OPERATOR"), SERVICE, str(window), BoardQuery(**query), played.now)


def test_a_chase_list_has_everybody_who_can_still_do_something(played: Season) -> None:
    played.upload(SCHOOL)
    played.upload(SISTER, WRONG)
    of_trust = f"trust{TRUST.lower()}@example.org"
    assert _chased(played, 1) == [
        (SISTER, "Only errors", f"school{SISTER}@example.org"),
        (SISTER, "Only errors", of_trust),
        (STRANGER, "Nothing yet", f"school{STRANGER}@example.org"),
    ]
    played.now = CLOSES + timedelta(minutes=5)
    played.freeze()
    # In the next window the first school's file is carried forward, unless it uploads another: it need not be chased.
    lines = {line["school"]: line for line in _board(played, 2)["schools"]}
    assert {number: (line["standing"], line["carries_on"]) for number, line in lines.items()} == {
        SCHOOL: ("nothing", 1),
        SISTER: ("nothing", None),
        STRANGER: ("nothing", None),
    }
    assert {number for number, _, _ in _chased(played, 2)} == {SISTER, STRANGER}
    played.upload(SCHOOL)
    assert _board(played, 2, find=SCHOOL)["schools"][0]["carries_on"] is None


def test_the_board_names_trusts_and_says_what_an_operator_may_decide(played: Season) -> None:
    trusts = {one["trust"]: one["name"] for one in _board(played, 1)["trusts"]}
    assert trusts == {TRUST: "ABC Trust", None: ""}
    parked = played.sent(f"SCHOOL#{SCHOOL}", played.file(SCHOOL))
    played.park(parked)
    (waiting,) = _board(played, 1)["waiting"]
    assert waiting["commands"] == [f"early-results retry {parked}", f"early-results settle {parked}"]


def test_a_straggler_stands_on_the_board_of_its_frozen_window_with_its_commands(played: Season) -> None:
    late = played.straggler(STRANGER)
    played.check(late)
    played.offer(late)
    (told,) = _board(played, 1)["waiting"]
    assert (told["upload_id"], told["held"]) == (late, "straggler")
    assert told["commands"] == [f"early-results settle {late} --admit", f"early-results settle {late} --refuse"]
