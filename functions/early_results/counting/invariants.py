"""What must hold where a register or a sealed row is written: said in production, not in tests alone.

A write that would break one of these is not made. The message that led to it fails, comes again, and alarms; a wrong
row, once sealed, would be locked away for years.
"""

from __future__ import annotations


class InvariantBroken(AssertionError):
    """A fault of ours: what was to be written cannot be right. The message says which rule it breaks."""


def always(holds: bool, rule: str) -> None:
    """InvariantBroken, with the rule, if it does not hold. Never left out, as an `assert` is by `python -O`."""
    if not holds:
        raise InvariantBroken(rule)
