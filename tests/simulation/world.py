"""One history: the stores, the clock, and everybody who acts on them.

A plan is drawn from the seed: which mishaps this history knows, who posts what when, who deletes, what the operator
does. Then the scheduler plays it, mishaps stop, and what is left must come to rest. What the world outside knows to be
true (which posts S3 took, and when they surfaced) is kept beside it for the checker.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

from adapters.objects import Bucket
from adapters.queue import Queue
from adapters.table import Table
from early_results.counting.calendar import calendar_of
from early_results.counting.freeze import canonical
from early_results.object_keys import user_key
from early_results.service import Window, load_service, london
from infra.operator.operations import store_calendar

from .boundary import SERVICE
from .founding import FOUNDED, SCHOOLS, TRUST, USERS, founded, stores_of
from .mishaps import FEATURES
from .operators import Operators
from .people import People
from .pipeline import Message, Pipeline
from .schedule import Schedule
from .scheduler import EPOCH, MINUTE, Actor, Scheduler, ms
from .store import MemoryBucket, MemoryQueue, MemoryTable
from .truth import Truth
from .watching import Watch

MOST_SKEW = 20_000  # milliseconds a machine's clock may differ from S3's


class World:
    """Everything that one history is made of."""

    def __init__(
        self, seed: int, *, without: frozenset[str] = frozenset(), tell: Callable[[str], None] | None = None
    ) -> None:
        self.seed = seed
        self.plan = Random(seed)  # noqa: S311 (a die, not a secret)
        wild = self.plan.random()
        drawn = frozenset(f for f in FEATURES if self.plan.random() < wild)
        self.features = drawn - without
        day = self.plan.choice([datetime(2023, 6, 30), datetime(2023, 12, 1), datetime(2023, 10, 28)])  # noqa: DTZ001
        noon = london(day.replace(hour=12))
        self.windows = [
            Window(1, noon - timedelta(days=10), noon, (noon + timedelta(days=7)).date()),
            Window(2, noon, london(day.replace(hour=12) + timedelta(days=2)), (noon + timedelta(days=9)).date()),
        ]
        self.noon = ms(noon)
        self.noon2 = ms(self.windows[1].closes)
        self.extended = ms(london(day.replace(hour=12) + timedelta(days=1)))
        die = Random(seed * 7919 + 1)  # noqa: S311
        self.scheduler = Scheduler(die, self.noon - 21 * MINUTE, tell)
        self.truth = Truth()
        self.kills: dict[int, int] = {}
        self.files = 0
        self.planned = 0
        self.begun: set[str] = set()  # admissions that were begun and never said that they were done
        self.lost = False
        self.patient = False  # whether the operator waits until the next window closes
        self.noons: list[int] = []
        self.runs: list[int] = []
        self.posted: list[int] = []
        self.issued: list[tuple[str, str]] = []
        self.schools = 0  # how many of them upload
        self.rosters: dict[str, list[str]] = {}
        self.pipeline, self.people = Pipeline(self), People(self)
        self.operators, self.schedule = Operators(self), Schedule(self)
        self._build()

    def has(self, feature: str) -> bool:
        """Whether this history knows a mishap."""
        return feature in self.features

    def _build(self) -> None:
        items, objects = founded()
        gate = self.scheduler
        self.table = MemoryTable(gate)
        for key, item in items.items():
            self.table.items[key] = item
            self.table.partitions.setdefault(key.pk, {})[key.sk] = item
        self.table.indexed = dict(items)
        self.table.page = self.plan.choice([1, 2, 100])
        self.uploads = MemoryBucket("uploads", gate, versioned=True, first=1_000)
        self.uploads.objects = {key: list(found) for key, found in objects.items()}
        self.uploads.page = self.plan.choice([1, 2, 1000])
        self.results = MemoryBucket("results", gate, versioned=False)
        self.records = MemoryBucket("records", gate, versioned=True)
        self.stores = stores_of(self.table, self.uploads, self.results, self.records)
        self.upload_queue = cast(
            Queue, MemoryQueue("upload queue", lambda body: self.pipeline.arrive(Message(body), 200), gate)
        )
        self.report_queue = cast(
            Queue, MemoryQueue("report queue", lambda body: self.pipeline.report(Message(body)), gate)
        )
        watch = Watch(self)
        self.table.watch = watch.wrote
        self.uploads.watch_removal = watch.removed
        if self.has("index lag"):
            self.table.catch_up = lambda waiting: (
                waiting if self.scheduler.calm else self.scheduler.random.randint(max(0, waiting - 8), waiting)
            )
        for school in SCHOOLS[:2]:
            self.truth.members.append((EPOCH, TRUST, school, True))
        for sub, role, organisation in USERS:
            rights = canonical({"role": role.value, "organisation": organisation, "by": "operator"})
            self.records.store(user_key(sub), rights, FOUNDED)
        base = calendar_of(load_service(SERVICE))
        first = type(base)(SERVICE, 1, tuple(self.windows))
        store_calendar(cast(Table, self.table), cast(Bucket, self.records), first, "operator", "the season")
        self.table.indexed = dict(self.table.items)
        self.table.lagging.clear()

    # Time, machines, chance.

    def skew(self) -> int:
        """How far the clock of some machine is ahead of S3's, in milliseconds."""
        skew = self.plan.randint(-MOST_SKEW, MOST_SKEW) if self.has("clock differences") else 0
        self.truth.skew = max(self.truth.skew, abs(skew))
        return skew

    def actor(
        self,
        name: str,
        work: Callable[[datetime], Any],
        done: Callable[[Any, BaseException | None], None] = lambda result, error: None,
        *,
        seconds: int = 60,
        mortal: bool = True,
    ) -> Actor:
        """Starts what runs on a machine of its own, with its clock."""
        skew = self.skew()
        scheduler = self.scheduler

        def run() -> Any:
            return work(EPOCH + timedelta(milliseconds=scheduler.time + skew))

        return scheduler.start(name, run, done, skew=skew, seconds=seconds, mortal=mortal)

    def at_a_run(self, since: int) -> int:
        """A moment during some run of the schedule that comes after: where races with a freeze are."""
        later = [run for run in self.runs if run > since] or [since]
        return self.plan.choice(later) + self.plan.randint(0, 1_200)
