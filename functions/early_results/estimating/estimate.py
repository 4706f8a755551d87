"""Applying a model to a pupil: chances of each level or more, with how many pupils they rest on. Never one number.

All is counted in whole numbers. A cell of fewer than 30 pupils is not used; the next step of the model's backing off
is, which adds up the cells that it does not tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from ..reporting.figures import Share
from .model import LEAST, Later, Model, Odds, summed


class Basis(StrEnum):
    """Why there are no chances; `CHANCES` where there are some."""

    CHANCES = "chances"
    NO_RESULT = "no estimate: no result"
    FEW = "no estimate: the model has fewer than 30 such pupils"


class Estimate(NamedTuple):
    """What a model says of a pupil's later outcome.

    `chances` has, for each percentile of schools, the chance of each level but the lowest or more. `pupils` is how many
    they rest on, `cell` what those have in common with this one.
    """

    outcome: str
    prior: str
    basis: Basis
    cell: tuple[str, ...] = ()
    pupils: int = 0
    chances: Mapping[str, tuple[Share, ...]] = {}


def estimate(
    model: Model, later: Later, row: Mapping[str, str], known: dict[object, Estimate] | None = None
) -> Estimate:
    """The estimate of one outcome for a row of a data set. `known` keeps what was worked out for rows like it."""
    prior = prior_of(later, row[later.column])
    if not row[later.column]:
        return Estimate(later.key, "", Basis.NO_RESULT)
    gender, month = row["gender"] or None, int(row["birth_month"]) if row["birth_month"] else None
    like = (later.key, prior, gender, month)
    if known is not None and like in known:
        return known[like]
    found = _looked_up(model, later, prior, {"gender": gender, "birth_month": month})
    if known is not None:
        known[like] = found
    return found


def prior_of(later: Later, value: str) -> str:
    """A result as the model's cells name it: a code, or the band that a number lies in; "" if it is in none."""
    if not value.isdigit() or not later.bands:
        return value
    number = int(value)
    return next((name for name, lowest, highest in later.bands if lowest <= number <= highest), "")


def _looked_up(model: Model, later: Later, prior: str, pupil: Mapping[str, str | int | None]) -> Estimate:
    for step in model.back_off:
        wanted = [name for name in step if name != "prior"]
        if any(pupil[name] is None for name in wanted):
            continue  # what is not known of the pupil cannot pick a cell
        counts = summed(
            (
                counts
                for (of, gender, month), counts in later.cells.items()
                if of == prior and all({"gender": gender, "birth_month": month}[name] == pupil[name] for name in wanted)
            ),
            len(later.levels),
        )
        if sum(counts) >= LEAST:
            chances = {percentile: _chances(counts, odds) for percentile, odds in model.effects}
            return Estimate(later.key, prior, Basis.CHANCES, step, sum(counts), chances)
    return Estimate(later.key, prior, Basis.FEW)


def _chances(counts: tuple[int, ...], odds: Odds) -> tuple[Share, ...]:
    """The chance of each level but the lowest or more, with the odds multiplied by a school's effect."""
    found = []
    for level in range(1, len(counts)):
        reached, missed = sum(counts[level:]) * odds.by, sum(counts[:level]) * odds.over
        found.append(Share(reached, reached + missed))
    return tuple(found)
