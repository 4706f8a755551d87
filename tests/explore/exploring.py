"""Explores a small world in full, depth first: each path follows the one before, and each state is left only once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import combinations

from infra.operator.verifying import verify_window
from tests.simulation import checker
from tests.simulation.boundary import Present, small_boundaries
from tests.simulation.history import case_of
from tests.simulation.scheduler import Endless, Pool

from .choosing import MISHAPS, Chooser, Trail
from .futures import Futures
from .worlds import (
    Small,
    SmallWorld,
    checked,
    checks,
    close,
    frozen,
    frozen_and_deleted,
    offers,
    one_file,
    overlapping,
    reports,
)

CRASH = {"crash": 1}
PATIENCE = 200  # paths that are still played after something new was noted, to note more before beginning again


@dataclass(slots=True)
class Explored:
    """What an exploration came to: states and the edges between them, paths that were played, ends that were checked,
    what each actor learnt on its way, and every rule that was broken, with the path to it."""

    name: str
    states: int = 0
    edges: int = 0
    paths: int = 0
    ends: set[int] = field(default_factory=set)
    lives: set[tuple[str, int]] = field(default_factory=set)  # what each actor had learnt, at any time
    violations: list[tuple[str, list[int]]] = field(default_factory=list)
    whole: bool = True  # whether it came to its end


def explore(small: Small, most: int | None = None, seconds: float | None = None) -> Explored:
    """Every path of a small world, or the first `most`, or those of so many seconds.

    As long as something new is noted of what actors may touch, it begins again: the last pass has known all of it.
    """
    until = None if seconds is None else time.monotonic() + seconds
    futures = Futures()
    while True:
        told = _explore(small, futures, most, until)
        if told is not None:
            return told


def _explore(small: Small, futures: Futures, most: int | None, until: float | None) -> Explored | None:
    """One pass. None if it was left because something new was noted."""
    told = Explored(small.name)
    seen: set[int] = set()
    trail = Trail()
    began = noted = futures.noted
    futures.lives = told.lives
    patience = PATIENCE
    while True:
        world, violations = play(small, trail, seen, futures, told.ends)
        told.paths += 1
        told.states += world.chooser.new_states
        told.violations += [(violation, list(trail.choices)) for violation in violations]
        out_of_time = bool(until and time.monotonic() > until)
        if futures.noted != noted:
            noted, patience = futures.noted, PATIENCE
        elif noted != began:
            patience -= 1
        more = trail.turn()
        if noted != began and not out_of_time and (not more or not patience):
            return None
        if not more:
            told.whole = noted == began
            break
        if (most and told.paths >= most) or out_of_time or len(told.violations) > 20:
            told.whole = False
            break
        told.edges += 1
    told.edges += told.states
    return told


def play(small: Small, trail: Trail, seen: set[int], futures: Futures, ends: set[int]) -> tuple[SmallWorld, list[str]]:
    """Plays one path; what it broke, on its way or in the end."""
    with small_boundaries():
        chooser = Chooser(trail, seen, futures, small.budget)
        world = SmallWorld(chooser)
        Present.world, Pool.scheduler = world, chooser
        try:
            small.begin(world)
            chooser.explore()
            end = chooser.end()
            if chooser.pruned or end in ends:
                return world, [f"rule 2: {line}" for line in world.truth.journal]
            ends.add(end)
            world.rest()
            return world, _broken(world)
        except Endless as endless:
            return world, [f"rule 4: {endless}"]
        finally:
            chooser.abandon()
            Present.world, Pool.scheduler = None, None


def _broken(world: SmallWorld) -> list[str]:
    violations = checker.check(case_of(world))
    frozen = {
        line["upload"] for key, lines in world.manifests().items() for line in lines if line["upload"] is not None
    }
    violations += [
        f"rule 7: the deletion of {upload} was acknowledged before its window froze it"
        for upload in sorted(world.early_deletions & frozen)
    ]
    if not violations:
        for number in world.manifests():
            violations += verify_window(world.stores, world.deployed(), number).differences
    return violations


SMALL_WORLDS = (
    Small("one upload over a close", close),
    Small("two files are checked and one deleted", checks, CRASH),
    Small("two files are offered, one deleted, and the window is frozen", offers, CRASH),
    Small("one file is checked, offered, deleted and frozen", one_file, CRASH),
    Small("a file that counts is deleted while its window is frozen", frozen_and_deleted, CRASH),
    Small("a report is built twice and given up, and its file deleted", reports, CRASH),
    Small("two freeze runs and an offer", overlapping, CRASH),
)

PAIRS = tuple(
    Small(f"{one} and {other} with {name}", begin, {one: 1, other: 1} if one != other else {one: 2})
    for name, begin in (
        ("one upload checked and offered after a close", checked),
        ("one upload offered while its window is frozen", frozen),
    )
    for one, other in (*combinations(MISHAPS, 2), *((each, each) for each in MISHAPS))
)
