"""Faults put into the pipeline on purpose, to see that the checker has teeth.

Each is what a tired hand might write: a condition left out, a tie broken the other way, a step in the wrong order. It
is switched on, histories are played until one breaks a rule, and the number it took is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from early_results.writes import ABSENT, Check, Update, Write

from ..history import play
from ..mishaps import FEATURES, Bias

MOST_HISTORIES = 15_000  # played before a fault counts as missed

Patches = list[tuple[Any, str, Any]]
FAULTS: dict[str, Callable[[], Patches]] = {}
BIASES: dict[str, Bias] = {}


def fault(
    name: str, *features: str, slow: tuple[str, ...] = ()
) -> Callable[[Callable[[], Patches]], Callable[[], Patches]]:
    """Lists a fault under what is wrong with the pipeline when it is on.

    `features` are mishaps without which it cannot show: its hunt plays histories that know them. `slow` are calls
    between which others must come for it to show: actors often stand still for a moment before them.
    """
    unknown = set(features) - set(FEATURES)
    if unknown:
        raise ValueError(f"no such mishap: {', '.join(unknown)}")

    def listed(make: Callable[[], Patches]) -> Callable[[], Patches]:
        FAULTS[name] = make
        BIASES[name] = Bias(frozenset(features), slow)
        return make

    return listed


@contextmanager
def switched_on(name: str) -> Iterator[None]:
    """The pipeline with a fault in it."""
    with ExitStack() as stack:
        for target, attribute, value in FAULTS[name]():
            stack.enter_context(patch.object(target, attribute, value))
        yield


@dataclass(frozen=True, slots=True)
class Caught:
    """How many histories it took to catch a fault, None if it was not, and what gave it away."""

    fault: str
    histories: int | None
    seed: int | None
    violation: str


def hunt(name: str, first_seed: int, most: int = MOST_HISTORIES) -> Caught:
    """Plays histories with a fault until one breaks a rule."""
    with switched_on(name):
        for number in range(most):
            try:
                found = play(first_seed + number, bias=BIASES[name], verify=False).violations
            except (LookupError, TypeError, ValueError) as error:  # the evidence lacks what the checker leans on
                found = (f"the checker cannot read what is left: {error!r}",)
            if found:
                return Caught(name, number + 1, first_seed + number, found[0])
    return Caught(name, None, None, "")


def without(write: Write, attribute: str) -> Write:
    """A write that forgets one of its conditions."""
    if isinstance(write, Update | Check) and attribute in write.require:
        left = {name: wanted for name, wanted in write.require.items() if name != attribute}
        if isinstance(write, Check) and not left:
            left = {f"never-{attribute}": ABSENT}
        return replace(write, require=left)
    return write
