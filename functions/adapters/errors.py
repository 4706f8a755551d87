"""What can go wrong outside the domain, on one page. The vendor's error is kept as the cause."""

from __future__ import annotations


class OutsideError(Exception):
    """Something outside our code failed; trying again may help."""


class Conflict(OutsideError):
    """A condition did not hold, or another transaction was in the way. The caller reads again and decides again."""


class NotThere(OutsideError):
    """An object that was asked for is not there."""


class AlreadyThere(OutsideError):
    """An object that may be written once is there already."""


class WriteUnderWay(OutsideError):
    """S3 says that another write of the same object is under way.

    How it ends is not known, so the caller tries again.
    """


class MissingSetting(RuntimeError):
    """A setting the function needs is not in its environment; the message names it."""


class NotSentYet(OutsideError):
    """A message was not taken now and may be later. It was certainly not sent."""


class WillNotBeSent(OutsideError):
    """A message will never be taken: no address is of that form."""
