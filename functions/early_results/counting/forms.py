"""How many upload forms a user, and an organisation, may ask for at a time.

Every form is a record that a freeze must settle. A ledger counts the forms that were given in each minute. Only forms
of the last `FORM_LIFETIME` can still be open, so the sum over those minutes is never less than the number of open
forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .. import keys
from ..writes import ABSENT, Item, Put
from .calendar import FORM_LIFETIME

# A user may have two of the largest requests, of 500 files each. The largest trusts act for about a hundred schools.
MOST_OF_USER = 1000
MOST_OF_ORGANISATION = 2000
_MINUTE = timedelta(minutes=1)
_LASTS = FORM_LIFETIME // _MINUTE  # minutes that a form is open


@dataclass(frozen=True, slots=True)
class TooMany:
    """No more forms for now: how many may be open, and in how many seconds enough of them have expired."""

    most: int
    seconds: int


def take(who: str, most: int, before: Item | None, asked: int, now: datetime) -> Put | TooMany:
    """The write that adds forms to the ledger of a user or an organisation, or TooMany if too many would be open.

    `who` names the user or the organisation, `before` is its ledger's item as it was read, or None. The write fails if
    another request changed the ledger meanwhile. If more forms are asked for at once than may ever be open, the answer
    is TooMany with the longest wait.
    """
    this = int(now.timestamp()) // 60
    given = {int(minute): count for minute, count in (before or {}).get("minutes", {}).items()}
    given = {minute: count for minute, count in given.items() if minute >= this - _LASTS}
    open_forms = sum(given.values())
    if open_forms + asked > most:
        return TooMany(most, _wait(given, open_forms + asked - most, now))
    given[this] = given.get(this, 0) + asked
    last = int(before["times"]) if before else 0
    item: Item = {
        "minutes": {str(minute): count for minute, count in sorted(given.items())},
        "times": last + 1,
        "expires": (this + _LASTS + 2) * 60,
    }
    return Put(keys.forms(who), item, {"times": last} if before else {"times": ABSENT})


def _wait(given: dict[int, int], over: int, now: datetime) -> int:
    """Seconds until `over` forms have expired."""
    for minute, count in sorted(given.items()):
        over -= count
        if over <= 0:
            return (minute + _LASTS + 1) * 60 - int(now.timestamp())
    return (_LASTS + 1) * 60
