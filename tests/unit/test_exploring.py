"""A small share of `make explore`: small worlds in full, and a fault that must not go unseen in one."""

from __future__ import annotations

import pytest

from tests.explore.exploring import PAIRS, SMALL_WORLDS, explore
from tests.explore.worlds import Small, frozen_and_deleted
from tests.simulation.faults import switched_on

FEW = 40  # paths of each: the whole is `make explore`'s


@pytest.mark.parametrize("small", [*SMALL_WORLDS, PAIRS[0]], ids=lambda small: small.name)
def test_no_path_breaks_a_rule(small: Small) -> None:
    told = explore(small, FEW)
    assert told.violations == []
    assert told.states > 0
    assert told.edges > told.states, "a choice has more than one way to go on"
    assert told.ends > 0


def test_the_same_world_is_explored_in_the_same_way() -> None:
    assert explore(SMALL_WORLDS[0], FEW) == explore(SMALL_WORLDS[0], FEW)


def test_a_fault_is_found_in_a_small_world() -> None:
    with switched_on("a deletion leaves no mark in the registers"):
        assert explore(Small("a fault", frozen_and_deleted), FEW).violations
