"""Every choice there is, instead of a die: who goes on next, and where the few mishaps fall.

A choice is left open only between actors whose next calls could be crossed by what the others may still do
(`futures.py`). Whoever has nothing to do with them goes on later: it makes no difference when.
`docs/decisions/0018-small-worlds-in-full.md` says why this, and forgetting states that have been seen before, leaves
nothing out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from adapters.errors import AlreadyThere, Conflict, OutsideError, WriteUnderWay
from tests.simulation.scheduler import Actor, Crash, Scheduler

from .futures import Futures, Place, Touched
from .probing import Resource, digest

MISHAPS = ("crash", "throttling", "conflict", "lost answer", "another write")
END = "end"  # an actor that has made its last call, and could still die


@dataclass(slots=True)
class Pending:
    """The next call of an actor."""

    what: str
    key: str
    write: bool
    conditional: bool
    once: bool
    touched: Touched


@dataclass(slots=True)
class Known:
    """What is known of an actor beside what the simulation knows: its next call, and a hash of all it has learnt."""

    place: Place  # of its next call, or of its last one while it waits for others
    pending: Pending | None = None
    learnt: int = 0
    decided: str = "go"


@dataclass(slots=True)
class Trail:
    """The way that a path has come: its steps, and its choices with what another path needs to begin there."""

    steps: list[tuple[int, str]] = field(default_factory=list)  # which of the actors, and what was decided for it
    choices: list[int] = field(default_factory=list)
    ways: list[list[tuple[int, str]]] = field(default_factory=list)  # the steps that could be taken at each choice
    marks: list[int] = field(default_factory=list)  # how many steps had been made by each choice
    learnt: list[list[int]] = field(default_factory=list)  # what each actor had learnt by each choice

    def turn(self) -> bool:
        """Goes back to the last choice that has another way, and takes that; whether there is one."""
        while self.choices and self.choices[-1] + 1 >= len(self.ways[-1]):
            for kept in (self.choices, self.ways, self.marks, self.learnt):
                kept.pop()
        if not self.choices:
            return False
        self.choices[-1] += 1
        del self.steps[self.marks[-1] :]
        return True


class Chooser(Scheduler):
    """Plays one path: the trail that is given, then the first way of each choice that is left open.

    On the trail nothing is worked out anew: which steps there were, and what the actors had learnt, is known. `seen`
    holds the states that were reached before, `futures` what actors may still touch; both outlive the path. `budget`
    says how many of each mishap there may be.
    """

    def __init__(self, trail: Trail, seen: set[int], futures: Futures, budget: dict[str, int]) -> None:
        super().__init__(Random(1), 0)  # noqa: S311
        self.trail = trail
        self.on_trail = False
        self.turned = bool(trail.choices)  # the trail ends with a choice whose way is decided already
        self.seen = seen
        self.futures = futures
        self.budget = dict(budget)
        self.known: dict[int, Known] = {}
        self.touched = Touched()
        self.came_from: tuple[Place, bool] | None = None  # the last step's place, and whether a mishap befell it
        self.exploring = False
        self.new_states = 0
        self.state: Callable[[], tuple[object, ...]] = tuple
        self.pruned = False

    # What the stores tell.

    def touches(
        self, reads: Iterable[Resource], writes: Iterable[Resource], puts: Iterable[tuple[Resource, int]] = ()
    ) -> None:
        self.touched = Touched(frozenset(reads), frozenset(writes), frozenset(puts))

    def came(self, learnt: Callable[[], object]) -> None:
        if self.exploring and not self.on_trail and self.current is not None:
            known = self.known[id(self.current)]
            known.learnt = digest(known.learnt, learnt())
            self.futures.lives.add((self.current.name, known.learnt))

    def before(
        self, what: str, key: str, *, write: bool = False, conditional: bool = False, once: bool = False
    ) -> None:
        actor = self.current
        if not self.exploring or actor is None:
            super().before(what, key, write=write, conditional=conditional, once=once)
            return
        known = self.known[id(actor)]
        known.pending = Pending(what, key, write, conditional, once, self.touched)
        place = Place.of(actor.name, what, key)
        self.futures.note(known.place, place, self.touched, mishap=known.decided != "go")
        known.place = place
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
                self.touched = Touched()
                self.before(END, "")
            return result

        start = Place(actor.name, "start")
        self.known[id(actor)] = Known(start)
        if self.came_from is not None:
            place, mishap = self.came_from
            self.futures.note(place, start, Touched(), mishap=mishap)
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
            if self.turned:
                self.turned = False
                place, decided = self.trail.ways[-1][self.trail.choices[-1]]
                self._make(self.actors[place], decided)
                continue
            moves = list(self._moves())
            if not moves:
                break
            if len(moves) > 1 and not self._choose(moves):
                self.pruned = True
                break
            self._make(*moves[0])
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
        self.came_from = (self.known[id(actor)].place, decided in self.budget)
        self._step(actor)

    def _step(self, actor: Actor) -> None:
        time = self.time
        super()._step(actor)
        if self.exploring:  # the clock stands still: when something was done makes no state another one
            self.time = time

    def _ready(self) -> list[Actor]:
        return sorted((a for a in self.actors if not a.waiting), key=lambda a: a.name)

    def _moves(self) -> Iterator[tuple[Actor, str]]:
        ready = self._ready()
        killed = next((a for a in ready if a.killed), None)
        if killed:
            yield killed, "go"
            return
        for actor in min((self._entangled(a) for a in ready), key=len, default=[]):
            yield actor, "go"
            yield from ((actor, mishap) for mishap in self._mishaps(actor))

    def _entangled(self, first: Actor) -> list[Actor]:
        """Actors, the first among them, whose next calls nobody else can cross: not by anything that is still to come.

        The first alone, if nobody may still touch what its next call touches; else those who may as well, and so on.
        Of those only who is ready can go on.
        """
        found, todo = {id(first): first}, [first]
        while todo:
            actor = todo.pop()
            for other in self.actors:
                if id(other) not in found and self._crosses(actor, other):
                    found[id(other)] = other
                    todo.append(other)
        return sorted((a for a in found.values() if not a.waiting), key=lambda a: a.name)

    def _crosses(self, actor: Actor, other: Actor) -> bool:
        """Whether what another may still do makes a difference to an actor's next call, or to whether it is made."""
        if actor.waiting:  # its next call is made when those it waits for have ended
            return other.parent is actor
        if other.parent is not None and other.parent is actor.parent and self.budget.get("crash", 0):
            return True  # threads of one machine die together
        pending = self.known[id(actor)].pending
        if pending is None or actor.parent is other or other.parent is actor:
            return False
        return self.futures.of(self.known[id(other)].place, mishaps=any(self.budget.values())).clash(pending.touched)

    def _mishaps(self, actor: Actor) -> Iterator[str]:
        pending = self.known[id(actor)].pending
        if pending is None:
            return
        quiet = not pending.write and pending.what != END and len(self._entangled(actor)) == 1
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

    def _choose(self, moves: list[tuple[Actor, str]]) -> bool:
        """Leaves a choice open behind the path. False if the state was reached before."""
        state = digest(self._hash())
        if state in self.seen:
            return False
        self.seen.add(state)
        self.new_states += 1
        trail = self.trail
        trail.choices.append(0)
        trail.ways.append([(self.actors.index(actor), decided) for actor, decided in moves])
        trail.marks.append(len(trail.steps))
        trail.learnt.append([self.known[id(actor)].learnt for actor in self.actors])
        return True

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
