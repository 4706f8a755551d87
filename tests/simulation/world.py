"""One history: the stores, the clock, and everybody who acts on them.

A plan is drawn from the seed: which mishaps this history knows, who posts what when, who deletes, what the operator
does. Then the scheduler plays it, mishaps stop, and what is left must come to rest. What the world outside knows to be
true (which posts S3 took, and when they surfaced) is kept beside it for the checker.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

from adapters.queue import Queue
from early_results import keys
from early_results.canonical import canonical
from early_results.object_keys import roster_key, user_key
from early_results.service import Service, Window, load_service

from .boundary import SERVICE
from .founding import FOUNDED, SCHOOLS, TRUST, USERS, founded, stores_of
from .mishaps import Bias, drawn
from .operators import Operators
from .people import People
from .pipeline import Message, Pipeline
from .schedule import Schedule
from .scheduler import EPOCH, MINUTE, Actor, Scheduler, ms
from .store import Gate, MemoryBucket, MemoryQueue, MemoryTable
from .truth import Template, Truth
from .watching import Watch

LONDON = ZoneInfo("Europe/London")
MOST_SKEW = 20_000  # milliseconds a machine's clock may differ from S3's


class World:
    """Everything that one history is made of."""

    def __init__(
        self,
        seed: int,
        *,
        without: frozenset[str] = frozenset(),
        bias: Bias | None = None,
        tell: Callable[[str], None] | None = None,
        scheduler: Scheduler | None = None,
    ) -> None:
        self.seed = seed
        self.plan = Random(seed)  # noqa: S311 (a die, not a secret)
        bias = bias or Bias()
        self.features = (drawn(self.plan) | bias.features) - without if scheduler is None else frozenset[str]()
        day = self.plan.choice([datetime(2023, 6, 30), datetime(2023, 12, 1), datetime(2023, 10, 28)])  # noqa: DTZ001
        self.scheduler = scheduler or Scheduler(Random(seed * 7919 + 1), 0, tell)  # noqa: S311
        self.scheduler.slow = bias.slow
        day12 = day.replace(hour=12)
        published = [
            (1, day12 - timedelta(days=10), day12, (day12 + timedelta(days=7)).date()),
            (2, day12, day12 + timedelta(days=2), (day12 + timedelta(days=9)).date()),
            (3, day12 + timedelta(days=2), day12 + timedelta(days=4), (day12 + timedelta(days=14)).date()),
        ]
        # By the standard library, not by what is played: the outside knows when it is noon in London.
        self.windows = [
            Window(number, opens.replace(tzinfo=LONDON), closes.replace(tzinfo=LONDON), reports)
            for number, opens, closes, reports in published
        ]
        noon = self.windows[0].closes
        file = load_service(SERVICE)
        self.service = file._replace(published=tuple(published))
        self.ruleset = file.ruleset
        self.noon = ms(noon)
        self.noon2, self.noon3 = ms(self.windows[1].closes), ms(self.windows[2].closes)
        self.extended = ms((day12 + timedelta(days=1)).replace(tzinfo=LONDON))
        self.scheduler.time = self.noon - 21 * MINUTE
        self.truth = Truth()
        self.kills: dict[int, int] = {}
        self.files = 0
        self.planned = 0
        self.begun: set[str] = set()  # admissions that were begun and never said that they were done
        self.lost = False
        self.losing = False  # from the loss of the table to the end of its rebuild
        self.must_retry: set[str] = set()  # parked uploads that had their verdict
        self.stumbles: dict[tuple[int, str], int] = {}  # how often a report cannot be built
        self.joined = 0  # pupils
        self.organisations = {sub: organisation for sub, _, organisation in USERS}
        self.in_pool = {sub for sub, *_ in USERS}
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
        self.make_stores(gate)
        for key, item in items.items():
            self.table._set(key, item)
        for name, found in objects.items():
            self.uploads.objects[name] = list(found)
        self.stores = stores_of(self.table, self.uploads, self.results, self.records)
        self.upload_queue = cast(
            Queue, MemoryQueue("upload queue", lambda body: self.pipeline.arrive(Message(body), 200), gate)
        )
        self.report_queue = cast(Queue, MemoryQueue("report queue", self.report, gate))
        watch = Watch(self)
        self.table.watch = watch.wrote
        self.uploads.watch_removal = watch.removed
        self.results.watch_put = watch.put
        if self.has("index lag"):
            self.scheduler.kinds.add("index lag")
            self.table.catch_up = lambda waiting: (
                waiting if self.scheduler.calm else self.scheduler.random.randint(max(0, waiting - 8), waiting)
            )
        for school in SCHOOLS[:2]:
            self.truth.members.append((EPOCH, TRUST, school, True))
        for sub, role, organisation in USERS:
            rights = canonical({"role": role.value, "organisation": organisation, "by": "operator"})
            self.records.store(user_key(sub), rights, FOUNDED)
        self.first_templates = {school: self.template(school) for school in SCHOOLS}
        self.table.indexed = {key: item for key, item in self.table.items.items() if "order" in item}
        self.table.lagging.clear()

    def make_stores(self, gate: Gate) -> None:
        """The table and the buckets, empty."""
        self.table = MemoryTable(gate)
        self.table.page = self.plan.choice([1, 2, 100])
        self.uploads = MemoryBucket("uploads", gate, versioned=True, first=1_000)
        self.uploads.page = self.plan.choice([1, 2, 1000])
        self.results = MemoryBucket("results", gate, versioned=False)
        self.records = MemoryBucket("records", gate, versioned=True)

    def report(self, body: dict[str, Any]) -> None:
        """A message of the report queue."""
        self.pipeline.report(Message(body))

    def acknowledged(self, upload_id: str) -> None:
        """Somebody was told that their file is deleted."""
        self.truth.acknowledged.setdefault(upload_id, self.scheduler.now())

    def deployed(self) -> Service:
        """The service as it is deployed at this moment."""
        if self.service.ruleset != self.ruleset:
            self.service = self.service._replace(ruleset=self.ruleset)
        return self.service

    def published(self) -> list[dict[str, Any]]:
        """The windows of the service file, as a stored calendar has them."""
        return [
            {"number": w.number, "opens": w.opens.isoformat(), "closes": w.closes.isoformat()} for w in self.windows
        ]

    def queue(self, name: str) -> Queue:
        """The queue whose address a setting holds."""
        return self.upload_queue if name == "UPLOAD_QUEUE_URL" else self.report_queue

    def template(self, school: str) -> Template:
        """A school's template as somebody would download it now."""
        roster = self.table.items.get(keys.roster(SERVICE, school))
        if roster is None:
            return Template("", tuple(self.rosters.get(school, ())))
        stored = self.uploads.objects[roster_key(SERVICE, school, roster["version"])]
        return Template(roster["version"], tuple(p["upn"] for p in json.loads(stored[-1].data)["pupils"]))

    def calendar_version(self) -> int:
        """The version of the calendar that the table has at this moment."""
        return int(self.table.items.get(keys.calendar(SERVICE), {}).get("version", 0))

    def opening(self) -> int:
        """When window 2 opens, as the table has it at this moment."""
        item = self.table.items.get(keys.calendar(SERVICE))
        if item is None:
            return ms(self.windows[1].opens)
        return ms(datetime.fromisoformat(item["calendar"]["windows"][1]["opens"]))

    # Time, machines, chance.

    def skew(self) -> int:
        """How far the clock of some machine is ahead of S3's, in milliseconds."""
        skew = self.plan.randint(-MOST_SKEW, MOST_SKEW) if self.has("clock differences") else 0
        if skew:
            self.scheduler.kinds.add("clock differences")
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
