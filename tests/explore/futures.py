"""What an actor may still touch, learnt by playing.

A place is where an actor stands in its code when it is about to make a call: the actor's name, the call, and the lines
of the functions that it is in. From each place it is noted which places were come to next, by a step with or without a
mishap, and which actors were begun by the step. What may still be touched from a place is what is touched by all
places that can be come to from it. An exploration in which nothing new was noted has known all of it from its start.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cache
from types import CodeType
from typing import NamedTuple, Self

from .probing import Resource

INNER = ("tests/explore/", "tests/simulation/scheduler", "tests/simulation/store")  # whose lines say nothing of a place


class Place(NamedTuple):
    """Where an actor is about to make a call."""

    actor: str
    what: str
    key: str = ""
    lines: int = 0  # a hash of the lines of the functions it is in

    @classmethod
    def of(cls, actor: str, what: str, key: str) -> Self:
        """The place that the present greenlet stands at."""
        lines = 0
        frame = sys._getframe(1)
        while frame is not None:
            if _tells(frame.f_code):
                lines = hash((lines, frame.f_code, frame.f_lineno))
            frame = frame.f_back  # type: ignore[assignment]
        return cls(actor, what, key, lines)


@cache
def _tells(code: CodeType) -> bool:
    return not any(part in code.co_filename for part in INNER)


class Touched(NamedTuple):
    """What a call, or many, read and write. Who puts an object says what is in it: the same bytes twice are as once."""

    reads: frozenset[Resource] = frozenset()
    writes: frozenset[Resource] = frozenset()
    puts: frozenset[tuple[Resource, int]] = frozenset()  # with a hash of the bytes

    def and_(self, other: Touched) -> Touched:
        """Both together."""
        return Touched(self.reads | other.reads, self.writes | other.writes, self.puts | other.puts)

    def clash(self, other: Touched) -> bool:
        """Whether it makes a difference which of two comes first."""
        mine, others = {resource for resource, _ in self.puts}, {resource for resource, _ in other.puts}
        if self.reads & (other.writes | others) or other.reads & (self.writes | mine):
            return True
        if self.writes & others or mine & other.writes:
            return True
        if any(not _gathers(resource) for resource in self.writes & other.writes):
            return True
        return any(key == same and body != another for key, body in self.puts for same, another in other.puts)


def _gathers(resource: Resource) -> bool:
    """Whether a resource is what many items or objects make together: two items of one list do not clash."""
    return resource[0] in ("index", "partition") or resource[-1] == "list"


@dataclass(slots=True)
class Futures:
    """The places that are known, and what can be touched from each."""

    touched: dict[Place, Touched] = field(default_factory=dict)
    after: dict[Place, set[Place]] = field(default_factory=dict)  # a step that went well
    mishaps: dict[Place, set[Place]] = field(default_factory=dict)
    noted: int = 0  # how often something new was
    lives: set[tuple[str, int]] = field(default_factory=set)  # actors' names, with a hash of what they had learnt
    _known: dict[tuple[Place, bool], Touched] = field(default_factory=dict)

    def note(self, place: Place, following: Place, touched: Touched, *, mishap: bool) -> None:
        """Notes that a place follows on another, and what is touched there."""
        new = False
        nexts = (self.mishaps if mishap else self.after).setdefault(place, set())
        if following not in nexts:
            nexts.add(following)
            new = True
        before = self.touched.get(following, Touched())
        both = before.and_(touched)
        if both != before:
            self.touched[following] = both
            new = True
        if new:
            self.noted += 1
            self._known.clear()

    def of(self, place: Place, *, mishaps: bool) -> Touched:
        """What may still be touched from a place on, its own call included."""
        known = self._known.get((place, mishaps))
        if known is None:
            seen, todo, known = {place}, [place], Touched()
            while todo:
                one = todo.pop()
                known = known.and_(self.touched.get(one, Touched()))
                nexts = self.after.get(one, set()) | (self.mishaps.get(one, set()) if mishaps else set())
                todo += nexts - seen
                seen |= nexts
            self._known[place, mishaps] = known
        return known
