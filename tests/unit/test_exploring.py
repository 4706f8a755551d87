"""A small share of `make explore`: small worlds in full, and a fault that must not go unseen in one."""

from __future__ import annotations

import pytest

from tests.explore.choosing import Chooser
from tests.explore.exploring import PAIRS, SMALL_WORLDS, explore
from tests.explore.worlds import Small, checked, frozen_and_deleted, offered_and_deleted
from tests.simulation.faults import switched_on

FEW = 40  # paths of each: the whole is `make explore`'s


@pytest.mark.parametrize("small", [*SMALL_WORLDS, PAIRS[0]], ids=lambda small: small.name)
def test_no_path_breaks_a_rule(small: Small) -> None:
    told = explore(small, FEW)
    assert told.violations == []
    assert told.states > 0
    assert told.edges > told.states, "a choice has more than one way to go on"
    assert told.ends


def test_the_same_world_is_explored_in_the_same_way() -> None:
    assert explore(SMALL_WORLDS[0], FEW) == explore(SMALL_WORLDS[0], FEW)


def test_a_fault_is_found_in_a_small_world() -> None:
    with switched_on("a deletion leaves no mark in the registers"):
        assert explore(Small("a fault", frozen_and_deleted), FEW).violations


SMALLEST = (Small("checked", checked, {"crash": 1, "throttling": 1}), Small("deleted", offered_and_deleted))


@pytest.mark.parametrize("small", SMALLEST, ids=lambda small: small.name)
def test_an_order_that_is_left_out_makes_no_difference(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    reduced = explore(small)
    monkeypatch.setattr(Chooser, "_crosses", lambda chooser, actor, other: True)
    every = explore(small)
    assert reduced.whole
    assert every.whole
    assert reduced.states < every.states
    assert reduced.ends == every.ends
    assert reduced.lives == every.lives
