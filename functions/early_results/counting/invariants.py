"""What must hold where a register or a sealed row is written. Production code checks it, not only tests.

A write that would break such a rule is not made. The message that led to it fails, SQS sends it again, and an alarm
follows. That is better than a wrong row, which would be locked away for years once it is sealed.
"""

from __future__ import annotations


class InvariantBroken(AssertionError):
    """A fault of ours: what was to be written cannot be right. The message says which rule it breaks."""


def always(holds: bool, rule: str) -> None:
    """Raises InvariantBroken with the rule unless it holds. `python -O` leaves out an `assert`, but not this."""
    if not holds:
        raise InvariantBroken(rule)
