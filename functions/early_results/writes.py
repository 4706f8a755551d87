"""What the domain asks the table to write, as plain values.

A decision is a list of writes, each with its conditions. They succeed together or not at all. `adapters/table.py` turns
them into DynamoDB expressions; the simulation has a store of its own that keeps the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Key(NamedTuple):
    """The key of an item: partition and sort key, both text an operator can read."""

    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Requires that an attribute (or, on `pk`, the whole item) is not there."""


@dataclass(frozen=True, slots=True)
class Present:
    """Requires that an attribute (or, on `pk`, the item) is there."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """Requires that an attribute has one of these values."""

    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """Requires that an attribute is absent or has another value than these."""

    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class AtMost:
    """Requires that an attribute is absent, or a text that is not greater than this one."""

    value: str


ABSENT = Absent()
PRESENT = Present()

Requirement = Absent | Present | OneOf | NoneOf | AtMost | str | int
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Put:
    """Writes a whole item."""

    key: Key
    item: Item
    require: dict[str, Requirement] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Update:
    """Sets and removes attributes, and adds texts to sets of texts. Makes the item if it is not there."""

    key: Key
    set: Item = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    add: dict[str, frozenset[str]] = field(default_factory=dict)
    require: dict[str, Requirement] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remove:
    """Removes an item; nothing happens if it is not there."""

    key: Key
    require: dict[str, Requirement] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """Writes nothing itself. If its condition does not hold, the whole transaction fails."""

    key: Key
    require: dict[str, Requirement]


Write = Put | Update | Remove | Check
