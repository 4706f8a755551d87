"""What may go wrong in a history, and how often: each mishap is drawn for a history as a whole."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

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
    "opening moved",  # of the second window: put off, and brought forward again
    "killer files",
    "objects dropped in",
    "delete markers",  # somebody removes an object in the console, without naming a version
    "another write",  # S3's 409: another write is under way, and how it ends is not known
    "reports that fail",  # reports that cannot be built until an operator mends the cause; some are given up before
    "ruleset changed",  # a deployment in the middle of the window
    "old templates",
    "lookers",  # people who ask what became of their files
    "users come and go",
    "season set",  # the first thing an operator does is to store the calendar: version 1, not the service file's own
    "third window",
    "extracts together",  # two versions of one extract in one second
    "school renamed",
    "overlapping freezes",
    "second window",
    "new school",
    "strangers",
    "rush",  # a school's files all at once, with their checks and offers side by side
    "late files decided",  # an operator lets stragglers in, or refuses them
    "table lost",  # once all is at rest; it is written again from the buckets
    "table lost in flight",  # while files are posted, checked and frozen
)

# Drawn less often than the others: each changes so much that little else could be seen in its history.
SELDOM = {
    "table lost in flight": 0.15,
    "table lost": 0.5,
    "third window": 0.5,
    "users come and go": 0.5,
    "opening moved": 0.6,
}


class Bias(NamedTuple):
    """What a hunt loads the die for: mishaps that its histories know in any case, and calls before which actors often
    stand still for a moment, by a part of what is called and on what."""

    features: frozenset[str] = frozenset()
    slow: tuple[str, ...] = ()


def drawn(plan: Random) -> frozenset[str]:
    """The mishaps that a history knows: few in a tame one, most of them in a wild one."""
    wild = plan.random()
    return frozenset(feature for feature in FEATURES if plan.random() < wild * SELDOM.get(feature, 1))


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
        under_way=some("another write", 0.1),
    )
