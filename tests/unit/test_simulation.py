"""A small share of `make simulate`: whole seasons under mishaps, and faults that must not go unseen."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.simulation import __main__ as simulation
from tests.simulation import checker
from tests.simulation.faults import FAULTS, hunt
from tests.simulation.history import Result, play

SEEDS = range(901_000, 901_160)
# Those that a few histories catch; `make simulate` hunts them all.
QUICK = (
    "nobody ever reaches greater depth in all three",
    "whether a file counts is told by its status",
    "a deletion of an overwritten file is acknowledged and not carried out",
    "only the window that a deleted file was sent in is amended",
    "of two extracts of one second the first one stays",
    "a deletion leaves no mark in the registers",
    "a straggler is offered in silence",
    "a window is frozen although not all is settled",
    "the close itself still counts",
    "the former winner is not overwritten",
    "the newest version is read",
    "the worker's clock decides the window",
    "versions are removed before the tombstone is written",
)


@cache
def played(seed: int) -> Result:
    """A history, played once for the tests that look at it."""
    return play(seed)


@pytest.mark.long
def test_no_history_breaks_a_rule() -> None:
    broken = {seed: found for seed in SEEDS if (found := played(seed).violations)}
    assert not broken, "python -m tests.simulation replay SEED tells the story"


def test_the_histories_are_eventful() -> None:
    results = [played(seed) for seed in SEEDS[:40]]
    assert sum(result.mishaps for result in results) > len(results)
    assert sum(result.posts for result in results) > len(results)
    assert frozenset().union(*(result.features for result in results)), "no mishap is ever drawn"


@pytest.mark.parametrize("seed", SEEDS[:5])
def test_a_seed_always_plays_the_same_history(seed: int) -> None:
    stories: list[list[str]] = [[], []]
    for story in stories:
        play(seed, tell=story.append)
    assert stories[0] == stories[1]
    assert stories[0]


@pytest.mark.parametrize("name", QUICK)
def test_a_fault_is_caught(name: str) -> None:
    assert hunt(name, 1_000_000, most=150).histories is not None


@pytest.mark.parametrize("source", sorted(Path(checker.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_the_checker_shares_no_code_with_the_pipeline(source: Path) -> None:
    tree = ast.parse(source.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {f"{'.' * node.level}{node.module}" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names
    beside = {f".{path.stem}" for path in source.parent.glob("*.py")}
    assert {name for name in names - beside if name.split(".")[0] not in sys.stdlib_module_names} == set()


def test_there_are_faults_enough() -> None:
    assert len(FAULTS) >= 60


def test_a_run_that_was_stopped_goes_on_and_not_with_what_other_sources_came_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "KEPT", tmp_path / "kept" / "simulated.jsonl")
    sources = "these"

    def told(wanted: list[int]) -> list[dict[str, int]]:
        kept = simulation.Kept(sources)
        return [*kept.all(_twice, wanted, 1), {"found": kept.found}]

    assert told([1, 2]) == [{"twice": 2}, {"twice": 4}, {"found": 0}]
    assert told([2, 3]) == [{"twice": 4}, {"twice": 6}, {"found": 1}]
    sources = "others"
    assert told([2]) == [{"twice": 4}, {"found": 0}]


def _twice(number: int) -> dict[str, int]:
    return {"twice": 2 * number}
