"""Who goes next: actors that yield before every call to a store, a clock, and a die.

An actor is a greenlet that runs the project's own code: a request, a worker's message, a freeze run. Before each call
to a store it hands control back here, and the seeded die says who goes on, what time it is, and whether the call fails.
So every interleaving at the grain of one store call can happen, and a seed always plays the same history.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from greenlet import greenlet

from adapters.errors import AlreadyThere, Conflict, OutsideError, WriteUnderWay

from .store import Gate

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = 60_000  # milliseconds
STEP = 15  # milliseconds that one store call takes
HANGS = 0.15  # how likely an actor that is to hang does so at its next call
SLOWLY = 0.5  # how likely an actor stands still before a call of which a hunt makes much
MOST_STEPS = 60_000  # the most calls of one history; more mean an endless loop


class Crash(BaseException):
    """The machine an actor runs on is gone. Nothing in the pipeline may catch it."""


class Endless(Exception):
    """A history that does not come to its end."""


@dataclass(slots=True)
class Chances:
    """How likely each mishap is at each store call (or write). If all are 0, nothing goes wrong."""

    crash_before: float = 0.0
    crash_after: float = 0.0
    throttle: float = 0.0
    unanswered: float = 0.0  # a write took effect, its answer was lost, and the client tried it again
    conflict: float = 0.0
    under_way: float = 0.0  # S3's 409: another write of the same object is under way
    stall: float = 0.0  # an actor stands still for a while


@dataclass(eq=False, slots=True)
class Actor:
    """Something that runs: `skew` is how many milliseconds its machine's clock is ahead of S3's."""

    name: str
    skew: int
    deadline: int
    done: Callable[[Any, BaseException | None], None]
    run: greenlet | None = None
    awake: int = 0
    killed: bool = False
    parent: Actor | None = None
    children: list[Actor] = field(default_factory=list)
    waiting: bool = False
    mortal: bool = True
    fragile: float = 1.0  # how many times as likely as others it is to die
    steady: bool = False  # it never stands still by chance
    hang: int = 0  # milliseconds that it stands still, once, before some call


class Scheduler(Gate):
    """Runs actors and timed events until nothing is left."""

    def __init__(self, random: Random, start: int, tell: Callable[[str], None] | None = None) -> None:
        self.random = random
        self.time = start
        self.chances = Chances()
        self.calm = False  # set when mishaps have ended and what is left must come to rest
        self.actors: list[Actor] = []
        self.events: list[tuple[int, int, Callable[[], None]]] = []
        self.current: Actor | None = None
        self.steps = 0
        self.mishaps = 0
        self.kinds: set[str] = set()  # of mishaps that have happened
        self._numbers = count()
        self._main = greenlet.getcurrent()
        self.tell = tell
        self.slow: tuple[str, ...] = ()  # calls before which actors often stand still for a moment

    # What stores ask.

    def now(self) -> datetime:
        """S3's own clock."""
        return EPOCH + timedelta(milliseconds=self.time)

    def signer(self) -> datetime:
        """The clock of the machine that the present actor runs on."""
        return self.local(self.current)

    def local(self, actor: Actor | None) -> datetime:
        """The time as an actor's machine has it."""
        return EPOCH + timedelta(milliseconds=self.time + (actor.skew if actor else 0))

    def before(
        self, what: str, key: str, *, write: bool = False, conditional: bool = False, once: bool = False
    ) -> None:
        actor = self.current
        if actor is None:
            return  # no actor: the simulation itself looks or prepares something
        self._pause(actor)
        if self.calm:
            if self.tell and write:
                self.story(f"{actor.name}: {what} {key}")
            return
        chances, die = self.chances, self.random.random
        if self.slow and any(part in f"{what} {key}" for part in self.slow) and die() < SLOWLY:
            actor.awake = self.time + int(10 ** (die() * 3 + 1.5))  # 30 milliseconds to half a minute
            self._pause(actor)
        if chances.stall and not actor.steady and die() < chances.stall:
            wait = int(10 ** (die() * 2.6 + 2.4))  # a quarter of a second to a hundred seconds
            self.kinds.add("stalls")
            self.story(f"{actor.name} stands still for {wait / 1000:.1f} s before {what} {key}")
            actor.awake = self.time + wait
            self._pause(actor)
        if actor.hang and die() < HANGS:
            self.kinds.add("stalls")
            self.story(f"{actor.name} hangs for {actor.hang / 1000:.1f} s before {what} {key}")
            actor.awake, actor.hang = self.time + actor.hang, 0
            self._pause(actor)
        if chances.crash_before and actor.mortal and die() < chances.crash_before * actor.fragile:
            self._die(actor, f"before {what} {key}")
        if chances.throttle and die() < chances.throttle:
            self._mishap("throttling")
            self.story(f"{actor.name} is throttled at {what} {key}")
            raise OutsideError("throttled")
        if once and chances.under_way and die() < chances.under_way:
            self._mishap("another write")
            self.story(f"{actor.name} is told that another write of {key} is under way")
            raise WriteUnderWay("another write of an object is under way")
        if conditional and chances.conflict and die() < chances.conflict:
            self._mishap("conflicts")
            self.story(f"{actor.name} loses a transaction at {what} {key}")
            raise Conflict("a transaction was in progress")
        if self.tell and write:
            self.story(f"{actor.name}: {what} {key}")

    def after(self, what: str, key: str, *, once: bool = False) -> None:
        actor = self.current
        if actor is None or self.calm:
            return
        chances, die = self.chances, self.random.random
        if chances.crash_after and actor.mortal and die() < chances.crash_after * actor.fragile:
            self._die(actor, f"after {what} {key}")
        if once and chances.unanswered and die() < chances.unanswered:
            self._mishap("lost answers")
            self.story(f"{actor.name} gets no answer to {what} {key}, and finds its own write on the second try")
            raise AlreadyThere("written before") if what == "put once" else Conflict("written before")

    def linger(self, wait: int) -> None:
        """The present actor is busy with itself for a while, in milliseconds."""
        actor = self.current
        if actor is not None:
            actor.awake = self.time + wait
            self._pause(actor)

    def _mishap(self, kind: str) -> None:
        self.mishaps += 1
        self.kinds.add(kind)

    def _die(self, actor: Actor, where: str) -> None:
        self._mishap("crashes")
        self.story(f"{actor.name} dies {where}")
        raise Crash(where)

    def _pause(self, actor: Actor) -> None:
        self._main.switch()
        if actor.killed:
            raise Crash("killed")

    # Actors and events.

    def story(self, line: str) -> None:
        """Notes what happened, if anybody listens."""
        if self.tell:
            self.tell(f"{self.now():%d %H:%M:%S}.{self.time % 1000:03d}  {line}")

    def at(self, time: int, act: Callable[[], None]) -> None:
        """Lets something happen at a time, in milliseconds; the past means now."""
        heapq.heappush(self.events, (time, next(self._numbers), act))

    def after_ms(self, wait: int, act: Callable[[], None]) -> None:
        """Lets something happen after a while."""
        self.at(self.time + wait, act)

    def start(
        self,
        name: str,
        work: Callable[[], Any],
        done: Callable[[Any, BaseException | None], None],
        *,
        skew: int = 0,
        seconds: int = 60,
        mortal: bool = True,
    ) -> Actor:
        """Starts an actor, which is killed if it has not ended after `seconds`."""
        actor = Actor(name, skew, self.time + seconds * 1000, done, mortal=mortal)
        self._spawn(actor, work)
        return actor

    def _spawn(self, actor: Actor, work: Callable[[], Any]) -> None:
        def run() -> None:
            try:
                result = work()
            except Exception as error:
                self._end(actor, None, error)
            except Crash as crash:
                self._end(actor, None, crash)
            else:
                self._end(actor, result, None)

        actor.run = greenlet(run, parent=self._main)
        self.actors.append(actor)

    def _end(self, actor: Actor, result: Any, error: BaseException | None) -> None:
        self.actors.remove(actor)
        if error is not None and self.tell:  # a batch's error takes a while to be put into words
            self.story(f"{actor.name} ends with {type(error).__name__}: {error}")
        if isinstance(error, Crash):
            for child in list(actor.children):
                child.killed = True  # threads of one machine die with it
            if actor.parent:
                actor.parent.killed = True
                for sibling in actor.parent.children:
                    sibling.killed = True
        if actor.parent:
            actor.parent.children.remove(actor)
            actor.parent.waiting = bool(actor.parent.children)
        current, self.current = self.current, None
        actor.done(result, error)
        self.current = current

    def map(self, act: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Does what a pool of threads does: each item on a thread of its own.

        Raises the first error among the results.
        """
        parent = self.current
        listed = list(items)
        if parent is None:
            return iter([act(item) for item in listed])
        answers: dict[int, tuple[Any, BaseException | None]] = {}

        def keeper(number: int) -> Callable[[Any, BaseException | None], None]:
            return lambda result, error: answers.__setitem__(number, (result, error))

        for number, item in enumerate(listed):
            child = Actor(f"{parent.name}/{number}", parent.skew, parent.deadline, keeper(number), parent=parent)
            parent.children.append(child)

            def work(item: Any = item) -> Any:
                return act(item)

            self._spawn(child, work)
        if listed:
            parent.waiting = True
            self._pause(parent)
        results = []
        for number in range(len(listed)):
            result, error = answers[number]
            if error is not None:
                raise error
            results.append(result)
        return iter(results)

    def run(self) -> None:
        """Runs until nobody has anything left to do. Endless if that never comes."""
        while self.actors or self.events:
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise Endless("the history does not end")
            if self.events and self.events[0][0] <= self.time:
                heapq.heappop(self.events)[2]()
                continue
            ready = [actor for actor in self.actors if not actor.waiting and (actor.awake <= self.time or actor.killed)]
            if ready:
                actor = ready[0] if len(ready) == 1 else self.random.choice(ready)
                self._step(actor)
                continue
            sleepers = [actor.awake for actor in self.actors if not actor.waiting]
            times = sleepers + ([self.events[0][0]] if self.events else [])
            self.time = max(self.time, min(times))

    def _step(self, actor: Actor) -> None:
        if self.time > actor.deadline and not actor.killed:
            self.story(f"{actor.name} has run out of its time")
            actor.killed = True
        self.time += STEP
        self.current = actor
        run = actor.run
        if run is None:
            raise Endless("an actor without a body")
        if actor.killed and not run:  # killed before its first step
            self._end(actor, None, Crash("killed"))
        else:
            run.switch()
        self.current = None


def ms(moment: datetime) -> int:
    """A moment as the scheduler counts time."""
    return int((moment - EPOCH).total_seconds() * 1000)


def at(time: int) -> datetime:
    """A time of the scheduler as a moment."""
    return EPOCH + timedelta(milliseconds=time)


class Pool:
    """In the place of a ThreadPoolExecutor: its threads are actors too. `scheduler` is the one of the present run."""

    scheduler: Scheduler | None = None

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def map(self, act: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        if self.scheduler is None:
            return iter([act(item) for item in items])
        return self.scheduler.map(act, items)
