"""Plays a seed and checks what is left of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from infra.operator.verifying import verify_window

from . import checker
from .boundary import SERVICE, Present, _replaced, small_boundaries
from .founding import GRACE
from .mishaps import Bias
from .plan import play as play_plan
from .scheduler import Endless
from .world import World

_replaced()  # as things are before any fault is switched on


@dataclass(frozen=True, slots=True)
class Result:
    """What a history came to."""

    seed: int
    features: frozenset[str]
    violations: tuple[str, ...]
    steps: int
    mishaps: int
    posts: int
    kinds: frozenset[str]  # of mishaps that happened


def play(
    seed: int,
    *,
    without: frozenset[str] = frozenset(),
    bias: Bias | None = None,
    tell: Callable[[str], None] | None = None,
    verify: bool = True,
) -> Result:
    """Plays a history to its end, and everything it broke.

    Where nothing is broken the operator's own `verify-window` must say so too; it is held to the checker here, and left
    out where the checker alone is to be shown at work.
    """
    with small_boundaries():
        world = World(seed, without=without, bias=bias, tell=tell)
        try:
            play_plan(world)
        except Endless as endless:
            violations = [f"rule 4: {endless}"]
        else:
            violations = checker.check(case_of(world))
            if verify and not violations:
                violations = list(_disagreements(world))
    scheduler = world.scheduler
    return Result(
        seed,
        world.features,
        tuple(violations),
        scheduler.steps,
        scheduler.mishaps,
        len(world.truth.posts),
        frozenset(scheduler.kinds),
    )


def _disagreements(world: World) -> Iterator[str]:
    Present.world = world
    try:
        yield from _told_by_operator(world)
    finally:
        Present.world = None


def _told_by_operator(world: World) -> Iterator[str]:
    service = world.deployed()
    for key in sorted(world.records.objects):
        if key.startswith(f"manifests/{SERVICE}/"):
            told = verify_window(world.stores, service, int(key.split("/")[2]))
            yield from (f"rule 3: verify-window of {told.window}: {text}" for text in told.differences)


def case_of(world: World) -> checker.Case:
    """What the checker is given: the buckets, the table, and what people outside know."""
    truth = world.truth
    return checker.Case(
        service=SERVICE,
        uploads={
            key: [checker.Object(v.version, v.received, v.data) for v in versions if not v.marker]
            for key, versions in world.uploads.objects.items()
            if not all(version.marker for version in versions)
        },
        records={key: versions[0].data for key, versions in world.records.objects.items()},
        results={key: versions[-1].data for key, versions in world.results.objects.items()},
        table=list(world.table.items.values()),
        posts=[checker.Posted(p.upload_id, p.version, p.received, p.surfaced, p.data, p.said) for p in truth.posts],
        shown=[checker.Shown(s.sub, s.upload_id, s.school, s.window, s.began, s.ended, s.told) for s in truth.shown],
        acknowledged=truth.acknowledged,
        happened=truth.happened,
        gone=truth.gone,
        lost=truth.lost,
        published=world.published(),
        seen=[checker.Seen(s.sub, s.upload_id, s.school, s.owner, s.began, s.ended, s.deleted) for s in truth.looks],
        members=truth.members,
        organisations=world.organisations,
        journal=truth.journal,
        dead_reports=truth.dead_reports,
        skew=timedelta(milliseconds=truth.skew + 5_000),
        grace=timedelta(seconds=GRACE),
    )
