"""What a person wants to be told by e-mail: everything, but for the kinds that they have turned off."""

from __future__ import annotations

from collections.abc import Mapping

from ..writes import PRESENT, Item, Key, Update
from .notices import OPTIONAL, Kind

_OFF = "mail_off"  # of a user's item: the kinds that are off, between commas; none where nothing is


def wants(item: Item, kind: Kind) -> bool:
    """Whether the user of an item is told of a kind. That somebody overwrote their file they are always told."""
    return kind not in OPTIONAL or kind.value not in str(item.get(_OFF, "")).split(",")


def wishes_of(item: Item) -> dict[Kind, bool]:
    """For each kind that can be turned off, whether the user is told of it."""
    return {kind: wants(item, kind) for kind in OPTIONAL}


def set_wishes(key: Key, wishes: Mapping[Kind, bool]) -> Update:
    """Keeps what a user wants. It fails if the user is no more."""
    off = ",".join(kind.value for kind in OPTIONAL if not wishes[kind])
    if not off:
        return Update(key, remove=(_OFF,), require={"pk": PRESENT})
    return Update(key, set={_OFF: off}, require={"pk": PRESENT})
