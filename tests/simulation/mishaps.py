"""What may go wrong in a history, and how often: each mishap is drawn for a history as a whole."""

from __future__ import annotations

from random import Random

from .scheduler import Chances

FEATURES = (
    "lost events",
    "repeated events",
    "delayed events",
    "stream trouble",
    "crashes",
    "throttling",
    "lost answers",
    "conflicts",
    "stalls",
    "index lag",
    "clock differences",
    "slow transfers",
    "very slow transfers",
    "replays",
    "deletes",
    "trust left",
    "roster replaced",
    "calendar extended",
    "killer files",
    "objects dropped in",
    "overlapping freezes",
    "second window",
    "new school",
    "strangers",
    "rush",  # a school's files all at once, with their checks and offers side by side
    "late files decided",  # an operator lets stragglers in, or refuses them
    "table lost",  # once all is at rest; it is written again from the buckets
)


def chances(plan: Random, features: frozenset[str]) -> Chances:
    """How likely each mishap of a store call is in a history that knows these features."""

    def some(feature: str, most: float) -> float:
        return most * plan.random() if feature in features else 0.0

    return Chances(
        crash_before=some("crashes", 0.02),
        crash_after=some("crashes", 0.03),
        throttle=some("throttling", 0.02),
        unanswered=some("lost answers", 0.08),
        conflict=some("conflicts", 0.15),
        stall=some("stalls", 0.05),
    )
