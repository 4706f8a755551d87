"""One history: schools that upload around noon, the pipeline's own code, and everything that may go wrong between.

A plan is drawn from the seed: which mishaps this history knows, who posts what when, who deletes, what the operator
does. Then the scheduler plays it, mishaps stop, and what is left must come to rest. What the world outside knows to be
true (which posts S3 took, and when they surfaced) is kept beside it for the checker.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, partial
from random import Random
from typing import Any, cast

from adapters.lookups import calendar_now
from adapters.objects import Bucket
from adapters.queue import Queue
from adapters.rosters import user_of
from adapters.settings import Settings
from adapters.stores import Stores
from adapters.table import Table
from early_results import keys
from early_results.access import Role
from early_results.checking.check import Verdict
from early_results.checking.roster import Roster, rosters_csv
from early_results.counting import verdicts
from early_results.counting.calendar import CalendarRefused, calendar_of
from early_results.counting.freeze import canonical
from early_results.counting.registers import Outcome
from early_results.counting.uploads import upload_from_item
from early_results.findings import Code, Finding
from early_results.object_keys import parse_upload_key, user_key
from early_results.reporting import summary
from early_results.reporting.figures import ReportInput
from early_results.results import Pupil, PupilResults
from early_results.service import Window, load_service, london
from early_results.writes import Item, Key, Put
from infra.operator import evidence, operating, rebuilding, verifying
from infra.operator.operating import OperatorSession
from infra.operator.operations import store_calendar
from infra.operator.rebuilding import CannotRebuild, rebuild
from portal import history as portal_history
from portal import uploading
from portal.requests import FileToUpload, UploadRequest
from workflow import build_report, check_upload, freeze_window, import_extract
from workflow.check_upload import check_object, park_upload
from workflow.freeze_window import run_service
from workflow.join_registers import offer_upload

from .scheduler import EPOCH, Actor, Chances, Crash, Pool, Scheduler
from .store import Gate, MemoryBucket, MemoryQueue, MemoryTable, Stored

SERVICE = "ks1-2023"
GRACE = 180
SCHOOLS = ("1231001", "1231002", "2341003")
LATE_SCHOOL = "3451004"  # joins while the window is open: the only one of its local authority
TRUST = "ABC"
MAX_BYTES = 400
MOST_SKEW = 20_000  # milliseconds a machine's clock may differ from S3's
RECEIVES = 5
RESCUE_TRIES = 2
MINUTE = 60_000
MOST_RUNS = 14  # of the schedule after the mishaps have ended

USERS = (
    *((f"user-{school}", Role.SCHOOL, f"SCHOOL#{school}") for school in (*SCHOOLS, LATE_SCHOOL)),
    ("user-trust", Role.TRUST, f"TRUST#{TRUST}"),
)

FEATURES = (
    "lost events",
    "repeated events",
    "delayed events",
    "stream trouble",
    "crashes",
    "throttling",
    "lost answers",
    "conflicts",
    "stalls",
    "index lag",
    "clock differences",
    "slow transfers",
    "very slow transfers",
    "replays",
    "deletes",
    "trust left",
    "roster replaced",
    "calendar extended",
    "killer files",
    "objects dropped in",
    "overlapping freezes",
    "second window",
    "new school",
    "strangers",
    "rush",  # a school's files all at once, with their checks and offers side by side
    "late files decided",  # an operator lets stragglers in, or refuses them
    "table lost",  # once all is at rest; it is written again from the buckets
)


@dataclass(slots=True)
class Message:
    """A message of a queue on its way."""

    body: dict[str, Any]
    receives: int = 0
    dead: bool = False


@dataclass(slots=True)
class Post:
    """A form that S3 took: the world's own knowledge."""

    upload_id: str
    key: str
    received: datetime
    surfaced: datetime
    data: bytes
    version: str = ""


@dataclass(slots=True)
class Look:
    """Somebody was shown, or deleted, an upload: whose, and between which moments."""

    sub: str
    upload_id: str
    school: str | None
    owner: str
    began: datetime
    ended: datetime
    deleted: bool


@dataclass(slots=True)
class Truth:
    """What the outside knows of a history."""

    posts: list[Post] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    members: list[tuple[datetime, str, str, bool]] = field(default_factory=list)  # when, trust, school, in or out
    dead_reports: set[str] = field(default_factory=set)
    journal: list[str] = field(default_factory=list)  # rules broken on the way, as they were broken
    skew: int = 0


# The boundary to the workbook: a file of the simulation says in its own few bytes what is in it.


@dataclass(frozen=True, slots=True)
class SmallSubmission:
    """What a small file says."""

    school: str | None
    pupils: tuple[str, ...]
    good: bool
    template_roster_version: str | None = None


def read_small(data: bytes, service: Any) -> SmallSubmission:
    """Reads a small file; some kill the machine that reads them."""
    said = json.loads(data)
    world = _Present.world
    tag = said["tag"]
    if world is not None and world.kills.get(tag, 0) > 0:
        world.kills[tag] -= 1
        world.scheduler.story(f"file {tag} kills its function")
        raise Crash("killed by a file")
    return SmallSubmission(said["school"], tuple(said["pupils"]), said["good"])


def judge_small(
    submission: SmallSubmission,
    service: Any,
    *,
    allowed_schools: Any,
    roster: Roster | None,
    template_roster: Roster | None = None,
    previous: Any = None,
) -> Verdict:
    """The checks in small: authority, then the roster, then the contents."""
    school = submission.school if submission.school in allowed_schools else None
    errors = []
    if school is None:
        errors.append(Finding(Code.WRONG_SCHOOL, "Not yours."))
    elif roster is None or sorted(p.upn for p in roster.pupils) != sorted(submission.pupils):
        errors.append(Finding(Code.PUPIL_MISSING, "Not this roster."))
    if not submission.good:
        errors.append(Finding(Code.CODE_NOT_ACCEPTED, "Not a code."))
    results: tuple[PupilResults, ...] = ()
    if not errors and roster is not None:
        results = tuple(PupilResults(pupil, row, {}, {}) for row, pupil in enumerate(roster.pupils, 2))
    warnings = (Finding(Code.RESULTS_REMOVED, "Before there were results."),) if previous is not None else ()
    return Verdict(not errors, school, tuple(errors), warnings, results, len(results), "ks1-2023.1", None)


def build_small(report: ReportInput) -> bytes:
    """A report, which takes a while to make."""
    if _Present.world is not None:
        _Present.world.scheduler.linger(int(_Present.world.scheduler.random.random() * 3_000))
    return f"pdf {report.upload_id} {report.window}".encode()


@lru_cache(maxsize=4096)
def _summary_of(upns: tuple[tuple[str, str], ...]) -> summary.Summary:
    service = load_service(SERVICE)
    return summary.summarise(service, [PupilResults(_pupil(s, u), 2, {}, {}) for s, u in upns])


def summarise_small(service: Any, results: Any) -> summary.Summary:
    """The project's own summary, remembered: a small world has few rosters."""
    return _summary_of(tuple((r.pupil.school, r.pupil.upn) for r in results))


def _pupil(school: str, upn: str) -> Pupil:
    return Pupil(school, upn, "F", "S", "F", None, "2")


class _Pool:
    """The pool of users, as far as a rebuild asks: whose name is whose."""

    def get_paginator(self, _: str) -> _Pool:
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        yield {
            "Users": [
                {"Attributes": [{"Name": "sub", "Value": sub}, {"Name": "email", "Value": sub}]} for sub, *_ in USERS
            ]
        }


class _Present:
    """The history being played: what the replaced boundary functions need to know of it."""

    world: Player | None = None


@contextmanager
def small_boundaries() -> Iterator[None]:
    """Stand-ins where the pipeline meets workbooks, PDFs, threads and true randomness, for as long as it plays."""

    def randomness(count: int) -> bytes:
        return _Present.world.plan.randbytes(count) if _Present.world else bytes(count)

    replaced: list[tuple[Any, str, Any]] = [
        (check_upload, "read_submission", read_small),
        (check_upload, "judge", judge_small),
        (check_upload, "summarise", summarise_small),
        (build_report, "school_figures", lambda *_: None),
        (build_report, "build_pdf", build_small),
        (build_report, "build_workbook", lambda report: f"xlsx {report.upload_id} {report.window}".encode()),
        (freeze_window, "ThreadPoolExecutor", Pool),
        (import_extract, "ThreadPoolExecutor", Pool),
        (evidence, "ThreadPoolExecutor", Pool),
        (rebuilding, "summarise", summarise_small),
        (verifying, "read_submission", read_small),
        (verifying, "judge", judge_small),
        (verifying, "summarise", summarise_small),
        (uploading, "token_bytes", randomness),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    for module, name, value in replaced:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


@cache
def _founded() -> tuple[dict[Key, Item], dict[str, list[Stored]]]:
    """Table and uploads bucket as every history finds them: schools, a trust, users, rosters."""
    table = MemoryTable(_Still())
    uploads = MemoryBucket("uploads", _Still(), versioned=True)
    stores = _stores(table, uploads, uploads, uploads)
    lines = ["School DFE,Name,Trust", *(f"{s},School {s},{TRUST if n < 2 else ''}" for n, s in enumerate(SCHOOLS))]
    uploads.store("rosters/schools.csv", "\n".join(lines).encode(), _FOUNDED)
    uploads.store("rosters/trusts.csv", f"Trust,Name\n{TRUST},Trust".encode(), _FOUNDED)
    pupils = [_pupil(s, f"A{n}{s}") for s in SCHOOLS for n in range(2)]
    uploads.store(f"rosters/{SERVICE}/all.csv", rosters_csv(pupils, load_service(SERVICE)).encode(), _FOUNDED)
    for key in sorted(uploads.objects):
        import_extract.import_extract(stores, key, None, _FOUNDED)
    for sub, role, organisation in USERS:
        table.write(Put(keys.user(sub), {"name": sub, "role": role.value, "organisation": organisation}))
    return table.items, uploads.objects


_FOUNDED = datetime(2023, 5, 1, tzinfo=UTC)


class _Still(Gate):
    def now(self) -> datetime:
        return _FOUNDED


def _stores(table: MemoryTable, uploads: MemoryBucket, results: MemoryBucket, records: MemoryBucket) -> Stores:
    settings = Settings(
        "t",
        "uploads",
        "results",
        "records",
        timedelta(seconds=GRACE),
        timedelta(seconds=120),
        timedelta(seconds=300),
        MAX_BYTES,
    )
    return Stores(cast(Table, table), cast(Bucket, uploads), cast(Bucket, results), cast(Bucket, records), settings)


class Player:
    """Plays one history."""

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
        self.noon = _ms(noon)
        self.noon2 = _ms(self.windows[1].closes)
        self.extended = _ms(london(day.replace(hour=12) + timedelta(days=1)))
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
        self._build()

    def has(self, feature: str) -> bool:
        return feature in self.features

    def _build(self) -> None:
        items, objects = _founded()
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
        self.stores = _stores(self.table, self.uploads, self.results, self.records)
        self.upload_queue = cast(
            Queue, MemoryQueue("upload queue", lambda body: self._arrive(Message(body), 200), gate)
        )
        self.report_queue = cast(Queue, MemoryQueue("report queue", lambda body: self._report(Message(body)), gate))
        self.table.watch = self._watch
        self.uploads.watch_removal = self._removed
        if self.has("index lag"):
            self.table.catch_up = lambda waiting: (
                waiting if self.scheduler.calm else self.scheduler.random.randint(max(0, waiting - 8), waiting)
            )
        self.members: dict[str, bool] = {}
        for school in SCHOOLS[:2]:
            self.truth.members.append((EPOCH, TRUST, school, True))
        for sub, role, organisation in USERS:
            rights = canonical({"role": role.value, "organisation": organisation, "by": "operator"})
            self.records.store(user_key(sub), rights, _FOUNDED)
        base = calendar_of(load_service(SERVICE))
        first = type(base)(SERVICE, 1, tuple(self.windows))
        store_calendar(cast(Table, self.table), cast(Bucket, self.records), first, "operator", "the season")
        self.table.indexed = dict(self.table.items)
        self.table.lagging.clear()

    # What is watched on the way.

    def _watch(self, key: Key, old: Item | None, new: Item | None) -> None:
        if key.sk == "UPLOAD":
            if new is not None and "offer_pending" in new:
                self._stream(new["upload_id"])
            if new is not None and new.get("held") == "straggler" and new["status"] == "CHECKING":
                self._decide_soon()
        elif key.sk == "STATE" and new is not None and "reports_queued" in new:
            self._decide_soon()
        elif key.sk == "STATE" and new is not None and "sealing" in new and not (old and "sealing" in old):
            self._decide_soon(500)
        elif key.pk.startswith("WINDOW#") and key.sk.startswith("SCHOOL#"):
            if old is not None and "frozen_at" in old and old != new:
                self.truth.journal.append(f"the sealed row {key.pk} {key.sk} was changed")
            self._mark_rises(key, old, new)
        elif key.sk.startswith("CURRENT#"):
            self._mark_rises(key, old, new)
        elif key.pk.startswith("TRUST#") and key.sk.startswith("SCHOOL#"):
            school = key.sk.removeprefix("SCHOOL#")
            self.truth.members.append((self.scheduler.now(), key.pk.removeprefix("TRUST#"), school, new is not None))

    def _mark_rises(self, key: Key, old: Item | None, new: Item | None) -> None:
        if old is not None and "mark" in old and (new is None or new.get("mark", "") < old["mark"]):
            self.truth.journal.append(f"the register {key.pk} {key.sk} fell back")

    def _removed(self, key: str, stored: Stored) -> None:
        found = parse_upload_key(key)
        if found and f"tombstones/{found[0]}/{found[1]}.json" not in self.records.objects:
            self.truth.journal.append(f"a version under {key} was removed before its tombstone was written")

    # Time, machines, chance.

    def _skew(self) -> int:
        skew = self.plan.randint(-MOST_SKEW, MOST_SKEW) if self.has("clock differences") else 0
        self.truth.skew = max(self.truth.skew, abs(skew))
        return skew

    def _actor(
        self,
        name: str,
        work: Callable[[datetime], Any],
        done: Callable[[Any, BaseException | None], None] = lambda result, error: None,
        *,
        seconds: int = 60,
        mortal: bool = True,
    ) -> Actor:
        skew = self._skew()
        scheduler = self.scheduler

        def run() -> Any:
            return work(EPOCH + timedelta(milliseconds=scheduler.time + skew))

        return scheduler.start(name, run, done, skew=skew, seconds=seconds, mortal=mortal)

    def _chances(self) -> Chances:
        def some(feature: str, most: float) -> float:
            return most * self.plan.random() if self.has(feature) else 0.0

        return Chances(
            crash_before=some("crashes", 0.02),
            crash_after=some("crashes", 0.03),
            throttle=some("throttling", 0.02),
            unanswered=some("lost answers", 0.08),
            conflict=some("conflicts", 0.15),
            stall=some("stalls", 0.05),
        )

    # S3's notices, the stream, the queues.

    def _notify(self, key: str, version: str) -> None:
        die = self.scheduler.random.random
        body = {"Records": [{"s3": {"object": {"key": key, "versionId": version}}}]}
        copies = 1
        if not self.scheduler.calm:
            if self.has("lost events") and die() < 0.3:
                self.scheduler.story(f"S3's notice of {key} is lost")
                copies = 0
            elif self.has("repeated events") and die() < 0.4:
                copies = 2
        for _ in range(copies):
            wait = 100 + int(die() * (60 if self.has("rush") else 900))
            if self.has("delayed events") and die() < 0.4:
                wait = int(die() * 400_000)
            self._arrive(Message(body), wait)

    def _arrive(self, message: Message, wait: int) -> None:
        self.scheduler.after_ms(wait, lambda: self._receive(message))

    def _receive(self, message: Message) -> None:
        message.receives += 1
        found = message.body["Records"][0]["s3"]["object"]
        key, version = found["key"], found.get("versionId")

        def work(now: datetime) -> object:
            if message.dead and message.receives > RESCUE_TRIES:
                return park_upload(self.stores, key)
            return check_object(self.stores, key, version, now)

        def done(result: Any, error: BaseException | None) -> None:
            if error is None:
                return
            if message.receives >= RECEIVES and not message.dead:
                message.dead, message.receives = True, 0
                self._arrive(message, 1000)
            elif message.receives < RECEIVES or message.dead:
                self._arrive(message, 90_000)

        name = "rescue" if message.dead else "validate"
        self._actor(f"{name} {key.split('/')[-2][-4:]}", work, done)

    def _stream(self, upload_id: str, tries: int = 0) -> None:
        die = self.scheduler.random.random
        copies, wait = 1, 100 + int(die() * (60 if self.has("rush") else 500))
        if self.has("stream trouble") and not self.scheduler.calm:
            copies = self.scheduler.random.choice([0, 1, 2])
            wait = int(die() * 20_000)

        def work(_: datetime) -> Outcome:
            return offer_upload(self.stores, upload_id)

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None and tries < 3:
                self._stream(upload_id, tries + 1)

        for _ in range(copies):
            self.scheduler.after_ms(wait, lambda: self._start_supersede(upload_id, work, done))

    def _start_supersede(
        self,
        upload_id: str,
        work: Callable[[datetime], Any],
        done: Callable[[Any, BaseException | None], None],
    ) -> None:
        self._actor(f"supersede {upload_id[-4:]}", work, done)

    def _report(self, message: Message) -> None:
        def receive() -> None:
            message.receives += 1
            body = message.body

            def work(_: datetime) -> object:
                act = build_report.fail_report if message.dead else build_report.build_report
                return act(self.stores, body["service"], int(body["window"]), body["school"])

            def done(result: Any, error: BaseException | None) -> None:
                if error is None:
                    return
                if message.receives >= RECEIVES and not message.dead:
                    message.dead, message.receives = True, 0
                    self.truth.dead_reports.add(f"{body['window']}#{body['school']}")
                self._report(message)

            self._actor(f"build {body['school']}", work, done, seconds=120)

        wait = 500 if message.receives == 0 else 30_000
        if self.has("delayed events") and not self.scheduler.calm:
            wait += int(self.scheduler.random.random() * 200_000)
        self.scheduler.after_ms(wait, receive)

    # People.

    def _file(self, school: str, *, good: bool, kills: int = 0) -> bytes:
        self.files += 1
        tag = self.files
        if kills:
            self.kills[tag] = kills
        listed = self.rosters.get(school, [])
        return json.dumps({"school": school, "pupils": listed, "good": good, "tag": tag}).encode()

    def _plan_upload(self, posted: int) -> None:
        """One person's attempt: a form, a post, perhaps posts again, perhaps a deletion."""
        plan = self.plan
        schools = [*SCHOOLS[: self.schools], *([LATE_SCHOOL] if self.has("new school") else [])]
        school = schools[0] if self.has("rush") else plan.choice(schools)
        sub = f"user-{school}"
        if school in SCHOOLS[:2] and plan.random() < 0.3:
            sub = "user-trust"
        elif plan.random() < 0.05:
            sub = f"user-{plan.choice(schools)}"  # somebody else's file, by mistake
        kills = plan.choice([1, 3, 8, 99]) if self.has("killer files") and plan.random() < 0.3 else 0
        good = plan.random() < 0.85
        asked = posted - plan.choice([900, 3_000, 30_000, 200_000, 590_000])
        service = load_service(SERVICE)
        big = plan.random() < 0.03
        transfer = plan.randint(0, 400)
        if self.has("slow transfers") and plan.random() < 0.5:
            transfer = plan.randint(0, 150_000)
        if self.has("rush"):
            transfer //= 8
        if self.has("very slow transfers") and plan.random() < 0.4:
            transfer = plan.randint(0, 1_500_000)
            if plan.random() < 0.5:
                transfer = max(0, self._at_a_run(posted) - posted)
        if self.has("late files decided") and plan.random() < 0.5:
            closes = min((noon for noon in self.noons if noon > posted), default=posted)
            transfer = closes + plan.randint(GRACE, 900) * 1000 - posted
        again = plan.randint(0, 60_000) if self.has("replays") and plan.random() < 0.5 else None
        gives_up = plan.random() < 0.08
        delete_after = plan.choice([0, 2_000, 20_000, 200_000, 600_000, 1_800_000, 9 * 3_600_000])
        if plan.random() < 0.4:
            delete_after = max(0, self._at_a_run(posted) - posted - transfer)
        deletes = self.has("deletes") and plan.random() < 0.5
        fickle = plan.randint(500, 40_000)
        self.planned += 1
        name = f"post {self.planned}"

        def ask() -> None:
            def work(now: datetime) -> list[Any]:
                user = user_of(self.stores, sub)
                if user is None:
                    raise LookupError("no such user")
                size = MAX_BYTES + 1 if big else 200
                request = UploadRequest(service=SERVICE, files=[FileToUpload(name="a.xlsx", size=size)])
                return uploading.issue_forms(self.stores, user, service, request, now)

            self._actor(f"form for {name} ({school})", work, got, seconds=25)

        def got(result: Any, error: BaseException | None) -> None:
            if error is not None:
                return
            upload_id, form = result[0]["upload_id"], result[0]["post"]
            self.issued.append((upload_id, sub))
            if form is None or gives_up:
                return
            self.scheduler.at(posted, lambda: post(upload_id, form, transfer, first=True))

        def post(upload_id: str, form: dict[str, Any], takes: int, *, first: bool) -> None:
            moment = self.scheduler.now() if self.scheduler.time > posted + 100 else _at(posted)
            if not first:
                moment = self.scheduler.now()
            if moment >= form["signed"] + timedelta(seconds=form["seconds"]):
                self.scheduler.story(f"S3 refuses {name}: the form has expired")
                return
            data = self._file(school, good=good, kills=kills)
            received = moment.replace(microsecond=0)
            self.scheduler.story(
                f"S3 takes {name} ({school}, {upload_id[-4:]}, good: {good}) as of {received:%H:%M:%S}"
            )

            def surface() -> None:
                version = self.uploads.store(form["key"], data, received, form["metadata"])
                kept = Post(upload_id, form["key"], received, self.scheduler.now(), data, version)
                self.truth.posts.append(kept)
                self.scheduler.story(f"{name} surfaces as version {version}")
                self._notify(form["key"], version)

            if takes == 0:
                surface()
            else:
                self.scheduler.after_ms(takes, surface)
            if first and again is not None:
                self.scheduler.after_ms(again, lambda: post(upload_id, form, transfer // 3, first=False))
            if first and deletes:
                self.scheduler.after_ms(takes + delete_after, lambda: self._delete(upload_id, sub, fickle, 3))

        self.scheduler.at(asked, ask)

    def _at_a_run(self, since: int) -> int:
        """A moment during some run of the schedule that comes after: where races with a freeze are."""
        later = [run for run in self.runs if run > since] or [since]
        return self.plan.choice(later) + self.plan.randint(0, 1_200)

    def _delete(self, upload_id: str, sub: str, fickle: int, tries: int) -> None:
        def work(now: datetime) -> None:
            began = self.scheduler.now()
            user = user_of(self.stores, sub)
            if user is None:
                raise LookupError("no such user")
            upload = portal_history.find_upload(self.stores, user, upload_id)
            uploading.delete(self.stores, user, load_service(SERVICE), upload, now)
            self.truth.looks.append(Look(sub, upload_id, upload.school, upload.user, began, self.scheduler.now(), True))

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None and tries > 1:
                self.scheduler.after_ms(fickle, lambda: self._delete(upload_id, sub, fickle * 3, tries - 1))

        self._actor(f"deletion of {upload_id[-4:]}", work, done, seconds=25)

    def _stranger(self) -> None:
        """Somebody looks at an upload, theirs or not, and may try to delete it."""
        if not self.issued:
            return
        random = self.scheduler.random
        upload_id, owner = random.choice(self.issued)
        sub = random.choice([*(f"user-{s}" for s in SCHOOLS), "user-trust"])
        spiteful = sub != owner and random.random() < 0.5

        def work(now: datetime) -> None:
            began = self.scheduler.now()
            user = user_of(self.stores, sub)
            if user is None:
                raise LookupError("no such user")
            upload = portal_history.find_upload(self.stores, user, upload_id)
            seen = Look(sub, upload_id, upload.school, upload.user, began, self.scheduler.now(), False)
            self.truth.looks.append(seen)
            if spiteful:
                uploading.delete(self.stores, user, load_service(SERVICE), upload, now)
                seen.deleted = True

        self._actor(f"stranger at {upload_id[-4:]}", work, seconds=25)

    def _extract(self, name: str, text: Callable[[], str]) -> None:
        plan = self.plan
        time = self.noon - plan.randint(-5, 18) * MINUTE + plan.randint(0, 59_999)
        chance = plan.random()
        if chance < 0.4 and self.posted:
            time = plan.choice(self.posted) + plan.randint(0, 100_000)
        elif chance < 0.6:
            time = self._at_a_run(self.noon + plan.randint(0, 200_000))

        def drop() -> None:
            version = self.uploads.store(name, text().encode(), self.scheduler.now().replace(microsecond=0))
            received = self.scheduler.now().replace(microsecond=0)
            self.scheduler.story(f"an extract is dropped: {name}")
            self._import(Message({"key": name, "version": version}), received)

        self.scheduler.at(time, drop)

    def _import(self, message: Message, received: datetime) -> None:
        def receive() -> None:
            message.receives += 1

            def done(result: Any, error: BaseException | None) -> None:
                if error is not None:
                    self._import(message, received)

            key, version = message.body["key"], message.body["version"]
            self._actor(
                f"import {key}",
                lambda _: import_extract.import_extract(self.stores, key, version, received),
                done,
                seconds=120,
            )

        self.scheduler.after_ms(500 if message.receives == 0 else 20_000, receive)

    def _new_roster(self, school: str) -> Callable[[], str]:
        def text() -> str:
            upns = [*self.rosters.get(school, []), f"B{len(self.rosters.get(school, []))}{school}"]
            self.rosters[school] = upns
            return rosters_csv([_pupil(school, upn) for upn in upns], load_service(SERVICE))

        return text

    def _extend(self) -> None:
        def work(now: datetime) -> None:
            calendar = calendar_now(self.stores, load_service(SERVICE))
            try:
                longer = calendar.extend(1, _at(self.extended), now)
            except CalendarRefused:
                return
            store_calendar(self.stores.table, self.stores.records, longer, "operator", "snow")
            self.scheduler.story("the window is extended by a day")

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None:
                self.scheduler.after_ms(20_000, self._extend)

        self._actor("operator extends", work, done, seconds=30)

    def _freeze(self) -> None:
        def work(now: datetime) -> object:
            return run_service(self.stores, self.upload_queue, self.report_queue, load_service(SERVICE), now)

        self._actor("freeze", work, seconds=600)

    def _mend(self) -> None:
        """The operator decides what is parked: mostly the fault is found and the file tried again."""

        def work(now: datetime) -> None:
            for key, item in list(self.table.items.items()):
                if key.sk != "UPLOAD" or item.get("held") != "parked" or item["status"] == "DELETED":
                    continue
                tag = next((json.loads(p.data)["tag"] for p in self.truth.posts if p.upload_id == item["upload_id"]), 0)
                if self.scheduler.random.random() < 0.7:
                    self.kills = dict.fromkeys(self.kills, 0)
                    self.table.write(verdicts.retry_parked(upload_from_item(item)))
                    self.scheduler.story(f"the operator has file {tag} tried again")
                elif check_upload.close_upload(self.stores, item["upload_id"]):
                    self.scheduler.story(f"the operator closes file {tag}")

        self._actor("operator mends", work, mortal=False, seconds=600)

    def operated(self, skew: int = 0) -> OperatorSession:
        """The stack as an operator's commands see it, by the clock of the operator's machine."""

        def now() -> datetime:
            return self.scheduler.now() + timedelta(milliseconds=skew)

        pool = cast(Any, _Pool())
        return OperatorSession(self.stores, self.upload_queue, self.report_queue, "operator", pool, "pool", True, now)

    def _decide_soon(self, most: int = 2_000) -> None:
        """An operator who sits and watches: where races with a freeze, a build and an uploader are."""
        if not self.has("late files decided") or self.scheduler.calm:
            return
        for _ in range(self.scheduler.random.choice([0, 1, 2])):
            self.scheduler.after_ms(int(self.scheduler.random.random() * most), self._decide)

    def _decide(self) -> None:
        """An operator decides late files: lets them in, refuses them, or has another think."""
        if self.patient and self.scheduler.time < self.noon2:
            return
        for key, item in list(self.table.items.items()):
            if key.sk != "UPLOAD" or item.get("held") != "straggler" or item["status"] == "DELETED":
                continue
            choice = self.scheduler.random.random()
            if choice < 0.6:
                self._admit(item["upload_id"])
            if self.has("deletes") and self.scheduler.random.random() < 0.3:
                upload_id, sub = next(issued for issued in self.issued if issued[0] == item["upload_id"])
                wait = int(self.scheduler.random.random() * 400)
                self.scheduler.after_ms(wait, partial(self._delete, upload_id, sub, 20_000, 2))
            if choice > 0.4 and choice < 0.8:
                self._operate("refusal", item["upload_id"], operating.refuse)

    def _admit(self, upload_id: str) -> None:
        self.begun.add(upload_id)
        self._operate("admission", upload_id, operating.admit)

    def _operate(self, what: str, upload_id: str, act: Callable[[OperatorSession, str, str], str]) -> None:
        skew = self._skew()

        def work(_: datetime) -> str:
            return act(self.operated(skew), upload_id, "it was there in time")

        def done(result: Any, error: BaseException | None) -> None:
            if result is not None:
                self.begun.discard(upload_id)

        self._actor(f"{what} of {upload_id[-4:]}", work, done, seconds=300)

    def _finish_admissions(self) -> None:
        """An operator's command that died is given again, until it says that it is done or cannot be."""
        for upload_id in sorted(self.begun):
            item = self.table.items.get(keys.upload(upload_id), {})
            if item.get("status") in ("DELETED", "UPLOAD_ERROR"):  # the uploader, or another operator, was quicker
                self.begun.discard(upload_id)
            else:
                self._admit(upload_id)

    def _lose_table(self) -> None:
        """Everything in the table is gone; an operator has it written again from the buckets, until that is done."""
        self.scheduler.story("the table is lost")
        self.lost = True
        watch, self.table.watch = self.table.watch, lambda key, old, new: None
        for key in list(self.table.items):
            self.table._set(key, None)
        self.table.indexed.clear()
        self.table.lagging.clear()
        self.table.watch = watch
        self._rebuild(self.scheduler.random.choice([0, 1, 1, 2, 4]))

    def _rebuild(self, mishaps: int) -> None:
        """Rebuilds, with mishaps while there are tries left for them; the schedule goes on meanwhile."""
        self.scheduler.calm = not mishaps

        def done(result: Any, error: BaseException | None) -> None:
            self.scheduler.calm = True
            if error is not None and not isinstance(error, CannotRebuild):  # it died, before its last word or after
                self.scheduler.after_ms(20_000, lambda: self._rebuild(max(0, mishaps - 1)))
            else:
                self.scheduler.after_ms(1_000, lambda: self._rest(0))

        def freeze() -> None:
            if keys.rebuild() in self.table.items:  # the runbook has the schedule paused until the mark is there
                self._freeze()

        self.scheduler.after_ms(self.scheduler.random.choice([500, 2_000, 5_000]), freeze)

        self._actor("rebuild", lambda now: rebuild(self.operated(), now), done, seconds=3_600)

    # The play.

    def play(self) -> None:
        """Plays the history to its end. Endless if it has none."""
        plan, scheduler = self.plan, self.scheduler
        scheduler.chances = self._chances()
        self.schools = plan.randint(1, 3)
        self.rosters = {s: [f"A{n}{s}" for n in range(2)] for s in SCHOOLS}
        noons = self.noons = [self.noon]
        if self.has("calendar extended"):
            noons.append(self.extended)
            scheduler.at(self.noon - plan.choice([1, 2, 3, 10]) * MINUTE - plan.randint(0, 50_000), self._extend)
        if self.has("second window"):
            noons.append(self.noon2)
        self._plan_runs(noons)
        together = plan.choice([-200_000, -20_000, -700])
        for _ in range(plan.randint(2, 6)):
            noon = plan.choice([self.noon, *noons])
            wait = plan.choice([-1_200_000, -300_000, -60_000, -5_000, -1_000, -999, -1, 0, 1, 1_000, 30_000, 240_000])
            if wait < -1_000 or wait > 1_000:
                wait += plan.randint(-5_000, 5_000)
            if self.has("rush"):
                wait = together + plan.randint(-200, 200)
            self.posted.append(max(noon + wait, scheduler.time + 1_000))
            self._plan_upload(self.posted[-1])
        if self.has("trust left"):
            lines = ["School DFE,Name,Trust", *(f"{s},School {s}," for s in SCHOOLS[: plan.randint(1, 2)])]
            self._extract("rosters/schools.csv", lambda: "\n".join(lines))
            if plan.random() < 0.4:
                back = ["School DFE,Name,Trust", *(f"{s},School {s},{TRUST}" for s in SCHOOLS[:1])]
                self._extract("rosters/schools.csv", lambda: "\n".join(back))
        if self.has("roster replaced"):
            self._extract(f"rosters/{SERVICE}/new.csv", self._new_roster(plan.choice(SCHOOLS)))
        if self.has("new school"):
            self._extract(f"rosters/{SERVICE}/late.csv", self._new_roster(LATE_SCHOOL))
            if plan.random() < 0.5:
                self._extract("rosters/schools.csv", lambda: f"School DFE,Name,Trust\n{LATE_SCHOOL},Late school,")
        if self.has("objects dropped in"):
            stray = plan.choice([f"uploads/{SERVICE}/notes.txt", f"uploads/{SERVICE}/{'0' * 26}/file.xlsx"])

            def drop() -> None:
                version = self.uploads.store(stray, b"{}", scheduler.now().replace(microsecond=0))
                self._notify(stray, version)

            scheduler.at(self.noon - plan.randint(0, 15) * MINUTE, drop)
        if self.has("strangers"):
            for _ in range(3):
                scheduler.at(self.noon - 10 * MINUTE + plan.randint(0, 1_800_000), self._stranger)
        if self.has("late files decided"):
            self.patient = self.has("second window") and plan.random() < 0.6
            for _ in range(4):
                when = self._at_a_run(plan.choice(noons) + plan.randint(0, 300_000))
                if plan.random() < 0.4:
                    when = plan.choice(noons) + plan.randint(0, 24) * MINUTE
                scheduler.at(when, self._decide)
        if self.has("killer files"):
            scheduler.at(noons[0] + plan.randint(1, 26) * MINUTE, self._mend)
        scheduler.at(noons[-1] + 26 * MINUTE, self._calm)
        _Present.world = self
        Pool.scheduler = scheduler
        try:
            scheduler.run()
        finally:
            _Present.world = None
            Pool.scheduler = None

    def _plan_runs(self, noons: list[int]) -> None:
        """The schedule's runs around each noon: early, often, twice at a time."""
        plan = self.plan
        for noon in noons:
            time = noon - plan.randint(0, 6) * MINUTE
            while time < noon + 12 * MINUTE:
                self.runs.append(time)
                if self.has("overlapping freezes") and plan.random() < 0.5:
                    self.runs.append(time + plan.choice([0, 200, 5_000]))
                time += plan.choice([60_000, 120_000, 180_000, 300_000])
        for run in self.runs:
            self.scheduler.at(run, self._freeze)

    def _calm(self) -> None:
        """Mishaps end here. The schedule goes on until two runs in a row leave nothing to be done."""
        self.scheduler.story("mishaps end")
        self.scheduler.calm = True
        self._rest(0)

    def _rest(self, runs: int, *, looked: bool = False) -> None:
        """Goes on until all is at rest, then once more when a sweep of the whole bucket is due."""
        if runs >= MOST_RUNS or (looked and runs >= 2 and self._at_rest()):
            if self.has("table lost") and not self.lost:
                self._lose_table()
            return
        wait = 5 * MINUTE
        if not looked and runs >= 2 and self._at_rest():
            wait, runs, looked = 61 * MINUTE, -1, True
        self._mend()
        self._finish_admissions()
        self.scheduler.after_ms(30_000, self._freeze)
        self.scheduler.after_ms(wait, lambda: self._rest(runs + 1, looked=looked))

    def _at_rest(self) -> bool:
        """Whether nothing is left to wait for, as far as an operator can see. A second look finds what hides."""
        waits = any("unsettled" in item and item.get("held") != "straggler" for item in self.table.items.values())
        now = self.scheduler.now()
        closed = [w.number for w in self.windows if w.closes <= now]
        states = [self.table.items.get(keys.state(SERVICE, number), {}) for number in closed]
        frozen = all("reports_queued" in state for state in states)
        return frozen and not waits and not self.begun and not self.scheduler.actors and not self.scheduler.events


def _ms(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds() * 1000)


def _at(time: int) -> datetime:
    return EPOCH + timedelta(milliseconds=time)
