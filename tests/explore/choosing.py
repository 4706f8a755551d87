"""Every choice there is, instead of a die: who goes on next, and where the few mishaps fall.

A choice is left open only where it matters. A call that touches nothing which somebody else could touch at the same
time is made at once, because it makes no difference when (`shared`). What is shared is found by playing: as soon as a
resource turns out to be touched by two of whom one writes, the exploration begins again with it in the set, until
nothing new turns up. `docs/decisions/0018-small-worlds-in-full.md` says why this, and forgetting states that have been
seen before, leaves nothing out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from adapters.errors import AlreadyThere, Conflict, OutsideError, WriteUnderWay
from tests.simulation.scheduler import Actor, Crash, Scheduler

from .probing import Resource, digest

MISHAPS = ("crash", "throttling", "conflict", "lost answer", "another write")
END = "end"  # an actor that has made its last call, and could still die


class Restart(BaseException):
    """A resource turned out to be shared: the exploration begins again."""


@dataclass(slots=True)
class Pending:
    """The next call of an actor."""

    what: str
    key: str
    write: bool
    conditional: bool
    once: bool
    reads: frozenset[Resource]
    writes: frozenset[Resource]


@dataclass(slots=True)
class Known:
    """What is known of an actor beside what the simulation knows: its next call, and a hash of all it has learnt."""

    pending: Pending | None = None
    learnt: int = 0
    decided: str = "go"


@dataclass(slots=True)
class Trail:
    """The way that a path has come: its steps, and its choices with what another path needs to begin there."""

    steps: list[tuple[int, str]] = field(default_factory=list)  # which of the actors, and what was decided for it
    choices: list[int] = field(default_factory=list)
    ways: list[int] = field(default_factory=list)  # how many there were at each choice
    marks: list[int] = field(default_factory=list)  # how many steps had been made by each choice
    learnt: list[list[int]] = field(default_factory=list)  # what each actor had learnt by each choice

    def turn(self) -> bool:
        """Goes back to the last choice that has another way, and takes that; whether there is one."""
        while self.choices and self.choices[-1] + 1 >= self.ways[-1]:
            for kept in (self.choices, self.ways, self.marks, self.learnt):
                kept.pop()
        if not self.choices:
            return False
        self.choices[-1] += 1
        del self.steps[self.marks[-1] :]
        return True


@dataclass(slots=True)
class Sharing:
    """Which resources more than one actor touches while at least one of them writes."""

    readers: dict[Resource, set[str]] = field(default_factory=dict)
    writers: dict[Resource, set[str]] = field(default_factory=dict)
    shared: set[Resource] = field(default_factory=set)

    def note(self, owner: str, pending: Pending) -> bool:
        """Notes a call; whether it made a resource a shared one."""
        found = False
        for resources, mine, others in (
            (pending.reads, self.readers, (self.writers,)),
            (pending.writes, self.writers, (self.writers, self.readers)),
        ):
            for resource in resources:
                mine.setdefault(resource, set()).add(owner)
                if resource in self.shared:
                    continue
                if resources is pending.writes and _gathers(resource):
                    clashes: Iterable[dict[Resource, set[str]]] = (self.readers,)  # two items of one list do not clash
                else:
                    clashes = others
                if any(_apart(owner, other) for kind in clashes for other in kind.get(resource, ())):
                    self.shared.add(resource)
                    found = True
        return found


def _gathers(resource: Resource) -> bool:
    """Whether a resource is what many items or objects make together: an index, a partition, a list of keys."""
    return resource[0] in ("index", "partition") or resource[-1] == "list"


def _apart(one: str, other: str) -> bool:
    """Whether two actors may be at work at the same time: not the same, and neither waits for the other's end."""
    return one != other and not one.startswith(f"{other}/") and not other.startswith(f"{one}/")


class Chooser(Scheduler):
    """Plays one path: the trail that is given, then the first way of each choice that is left open.

    On the trail nothing is worked out anew: which steps there were, and what the actors had learnt, is known. `seen`
    holds the states that were reached before, `sharing` what is shared; both outlive the path. `budget` says how many
    of each mishap there may be.
    """

    def __init__(self, trail: Trail, seen: set[int], sharing: Sharing, budget: dict[str, int]) -> None:
        super().__init__(Random(1), 0)  # noqa: S311
        self.trail = trail
        self.on_trail = False
        self.turned = bool(trail.choices)  # the trail ends with a choice whose way is decided already
        self.seen = seen
        self.sharing = sharing
        self.budget = dict(budget)
        self.known: dict[int, Known] = {}
        self.footprint: tuple[frozenset[Resource], frozenset[Resource]] = (frozenset(), frozenset())
        self.exploring = False
        self.new_states = 0
        self.state: Callable[[], tuple[object, ...]] = tuple
        self.pruned = False

    # What the stores tell.

    def touches(self, reads: Iterable[Resource], writes: Iterable[Resource]) -> None:
        self.footprint = (frozenset(reads), frozenset(writes))

    def came(self, learnt: Callable[[], object]) -> None:
        if self.exploring and not self.on_trail and self.current is not None:
            known = self.known[id(self.current)]
            known.learnt = digest(known.learnt, learnt())

    def before(
        self, what: str, key: str, *, write: bool = False, conditional: bool = False, once: bool = False
    ) -> None:
        actor = self.current
        if not self.exploring or actor is None:
            super().before(what, key, write=write, conditional=conditional, once=once)
            return
        known = self.known[id(actor)]
        known.pending = Pending(what, key, write, conditional, once, *self.footprint)
        if not self.on_trail and self.sharing.note(actor.name, known.pending):
            raise Restart
        self._pause(actor)
        decided, known.pending = known.decided, None
        if decided != "go":
            self.mishaps += 1
            self.story(f"{actor.name}: {decided} at {what} {key}")
            known.learnt = digest(known.learnt, decided)
        elif self.tell:
            self.story(f"{actor.name}: {what} {key}")
        if decided == "crash":
            raise Crash(f"before {what} {key}")
        if decided == "throttling":
            raise OutsideError("throttled")
        if decided == "conflict":
            raise Conflict("a transaction was in progress")
        if decided == "another write":
            raise WriteUnderWay("another write of an object is under way")

    def after(self, what: str, key: str, *, once: bool = False) -> None:
        actor = self.current
        if self.exploring and actor is not None and self.known[id(actor)].decided == "lost answer":
            raise AlreadyThere("written before") if what == "put once" else Conflict("written before")

    def linger(self, wait: int) -> None:
        if not self.exploring:
            super().linger(wait)

    def map(self, act: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        results = list(super().map(act, items))
        self.came(lambda: results)
        return iter(results)

    def _spawn(self, actor: Actor, work: Callable[[], Any]) -> None:
        def ending() -> Any:
            result = work()
            if self.exploring and self.budget.get("crash", 0) and actor.mortal:
                self.footprint = (frozenset(), frozenset())
                self.before(END, "")
            return result

        self.known[id(actor)] = Known()
        super()._spawn(actor, ending)

    # Choosing.

    def explore(self) -> None:
        """Plays the path to where all is at rest, or to a state that was seen before (`pruned`)."""
        self.exploring = True
        self._along_the_trail()
        while True:
            self._deliver()
            # Up to its first call an actor does nothing that anybody could notice.
            fresh = next((a for a in self._ready() if self.known[id(a)].pending is None), None)
            if fresh is not None:
                self._make(fresh, "")
                continue
            moves = list(self._moves())
            if not moves:
                break
            number = self._choose(len(moves))
            if number is None:
                self.pruned = True
                break
            self._make(*moves[number])
        self.exploring = False

    def abandon(self) -> None:
        """Ends whoever is still at work: a greenlet that stands still keeps its world alive for good."""
        self.exploring, self.calm = False, True
        self.events.clear()
        for actor in self.actors:
            actor.killed, actor.done = True, lambda result, error: None
        while self.actors:
            self._step(self.actors[0])

    def _along_the_trail(self) -> None:
        steps, self.trail.steps = self.trail.steps, []
        self.on_trail = True
        for place, decided in steps:
            self._deliver()
            self._make(self.actors[place], decided)
        self._deliver()
        self.on_trail = False
        if self.turned:
            for actor, learnt in zip(self.actors, self.trail.learnt[-1], strict=True):
                self.known[id(actor)].learnt = learnt

    def _deliver(self) -> None:
        while self.events:
            self.events.sort()
            self.events.pop(0)[2]()

    def _make(self, actor: Actor, decided: str) -> None:
        """A step: "" for an actor's first, which nothing can befall."""
        self.trail.steps.append((self.actors.index(actor), decided))
        if decided:
            self.known[id(actor)].decided = decided
        if decided in self.budget:
            self.budget[decided] -= 1
        self._step(actor)

    def _ready(self) -> list[Actor]:
        return sorted((a for a in self.actors if not a.waiting), key=lambda a: a.name)

    def _moves(self) -> Iterator[tuple[Actor, str]]:
        ready = self._ready()
        killed = next((a for a in ready if a.killed), None)
        alone = killed or next((a for a in ready if self._unnoticed(a)), None)
        for actor in [alone] if alone else ready:
            yield actor, "go"
            if not actor.killed:
                yield from ((actor, mishap) for mishap in self._mishaps(actor))

    def _unnoticed(self, actor: Actor) -> bool:
        pending = self.known[id(actor)].pending
        return pending is not None and not (pending.reads | pending.writes) & self.sharing.shared

    def _mishaps(self, actor: Actor) -> Iterator[str]:
        pending = self.known[id(actor)].pending
        if pending is None:
            return
        quiet = self._unnoticed(actor) and not pending.write and pending.what != END
        for mishap in MISHAPS:
            fits = {
                # Whoever dies before a call that only reads what nobody else writes might as well die before the next.
                "crash": actor.mortal and not quiet,
                "throttling": pending.what != END,
                "conflict": pending.conditional,
                "lost answer": pending.what == "put once" or (pending.conditional and pending.what == "write"),
                "another write": pending.once,
            }[mishap]
            if fits and self.budget.get(mishap, 0):
                yield mishap

    def _choose(self, count: int) -> int | None:
        if count == 1:
            return 0
        trail = self.trail
        if self.turned:
            self.turned = False
            return trail.choices[-1]
        state = digest(self._hash())
        if state in self.seen:
            return None
        self.seen.add(state)
        self.new_states += 1
        trail.choices.append(0)
        trail.ways.append(count)
        trail.marks.append(len(trail.steps))
        trail.learnt.append([self.known[id(actor)].learnt for actor in self.actors])
        return 0

    def end(self) -> int:
        """A hash of the state in which nobody has anything left to do."""
        return digest(self._hash())

    def _hash(self) -> tuple[object, ...]:
        """All that can make a difference to what comes: the stores, what each actor has learnt, what may still happen.

        An actor's code does nothing but compute between its calls, so where it stands follows from what it is and what
        its calls have told it.
        """
        actors = sorted((a.name, self.known[id(a)].learnt, a.waiting, a.killed) for a in self.actors)
        return (self.state(), actors, sorted(self.budget.items()))
