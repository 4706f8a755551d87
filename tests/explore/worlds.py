"""Small worlds: a few people and functions around a close, on the simulation's own world."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from adapters.lookups import rely_on_calendar
from early_results import keys
from portal import uploading
from portal.requests import FileToUpload, UploadRequest
from tests.simulation.boundary import SERVICE
from tests.simulation.founding import GRACE, SCHOOLS
from tests.simulation.pipeline import Message
from tests.simulation.store import Gate
from tests.simulation.truth import Post
from tests.simulation.world import World

from .choosing import Chooser
from .probing import ProbedBucket, ProbedTable

SCHOOL = SCHOOLS[0]
RECEIVED_BEFORE = timedelta(seconds=10)  # the close
OWNER = f"user-{SCHOOL}"


class SmallWorld(World):
    """A world without a die: its scheduler is a chooser, its stores are probed."""

    chooser: Chooser

    def __init__(self, chooser: Chooser) -> None:
        self.chooser = chooser
        self.signed: dict[str, dict[str, str]] = {}
        super().__init__(1, scheduler=chooser)
        # Another school's file of the same second was judged before: checks find the mark of the calendar high enough.
        rely_on_calendar(self.stores.table, SERVICE, self.windows[0].closes - RECEIVED_BEFORE)
        self.holding = True  # messages of the report queue are delivered once all else is at rest
        self.held_back: list[Message] = []
        self.early_deletions: set[str] = set()  # acknowledged before the row of their school was sealed

    def make_stores(self, gate: Gate) -> None:
        """The simulation's stores, probed."""
        self.table = ProbedTable(gate)
        self.uploads = ProbedBucket("uploads", gate, versioned=True, first=1_000)
        self.results = ProbedBucket("results", gate, versioned=False)
        self.records = ProbedBucket("records", gate, versioned=True)
        for store in (self.table, self.uploads, self.results, self.records):
            store.listener = self.chooser
        self.chooser.state = self.hashed

    def hashed(self) -> tuple[object, ...]:
        """What the stores hold, and what was promised."""
        buckets = [cast(ProbedBucket, b).hashed() for b in (self.uploads, self.results, self.records)]
        return (cast(ProbedTable, self.table).state, buckets, sorted(self.early_deletions), len(self.held_back))

    def report(self, body: dict[str, Any]) -> None:
        """A message of the report queue, which may have to wait."""
        if self.holding:
            self.held_back.append(Message(body))
        else:
            self.pipeline.report(Message(body))

    def rest(self) -> None:
        """The schedule and the messages go on, without mishaps, until all is at rest."""
        self.holding = False
        self.scheduler.calm = True
        for message in self.held_back:
            self.pipeline.report(message)
        self.schedule.rest(0)
        self.scheduler.run()

    def manifests(self) -> dict[int, list[dict[str, Any]]]:
        """The lines of each manifest, by window."""
        start = f"manifests/{SERVICE}/"
        return {
            int(key.split("/")[2]): [json.loads(line) for line in found[0].data.splitlines()]
            for key, found in self.records.objects.items()
            if key.startswith(start)
        }

    # What small worlds are made of.

    def taken(self, *, good: bool = True, surfaces_late: bool = False) -> Post:
        """A file that S3 took ten seconds before the close; nobody has heard of it yet."""
        user = self.people.user(OWNER)
        asked = self.scheduler.now()
        request = UploadRequest(service=SERVICE, files=[FileToUpload(name="a.xlsx", size=200)])
        issued: dict[str, Any] = {**uploading.issue_forms(self.stores, user, self.deployed(), request, asked)[0]}
        data, said = self.people.file(SCHOOL, self.template(SCHOOL), good=good)
        received = self.windows[0].closes - RECEIVED_BEFORE
        post = Post(issued["upload_id"], issued["post"]["key"], received, received, data, said)
        self.issued.append((post.upload_id, OWNER))
        self.scheduler.time += 1
        if not surfaces_late:
            self.surface(post, issued["post"]["metadata"])
        else:
            post.surfaced = self.windows[0].closes + timedelta(seconds=GRACE)
        self.signed[post.upload_id] = issued["post"]["metadata"]
        return post

    def surface(self, post: Post, signed: dict[str, str]) -> None:
        """The file is there for all to see."""
        post.version = self.uploads.store(post.key, post.data, post.received, signed)
        self.truth.posts.append(post)

    def to_the_freeze(self) -> None:
        """The grace after the close is over."""
        self.scheduler.time = self.noon + GRACE * 1000 + 1_000

    def notice(self, post: Post) -> None:
        """S3's notice of a file, delivered."""
        message = Message({"Records": [{"s3": {"object": {"key": post.key, "versionId": post.version}}}]})
        self.pipeline.receive(message)

    def offer_now(self, post: Post) -> None:
        """The supersede function's work, before anything is left open."""
        self.pipeline.stream(self.table.items[keys.upload(post.upload_id)])
        self.finish()

    def finish(self) -> None:
        """Lets everybody come to their end before anything is left open."""
        self.scheduler.calm = True
        self.scheduler.run()
        self.scheduler.calm = False

    def deleted(self, post: Post) -> None:
        """Its uploader deletes it, once."""
        self.people.delete(post.upload_id, OWNER, 1_000, 1)

    def acknowledged(self, upload_id: str) -> None:
        """A deletion that was said to be done must be one."""
        row = self.table.items.get(keys.window_register(SERVICE, 1, SCHOOL), {})
        if f"tombstones/{SERVICE}/{upload_id}.json" not in self.records.objects:
            self.truth.journal.append(f"the deletion of {upload_id} was acknowledged without a tombstone")
        if self.table.items[keys.upload(upload_id)]["status"] != "DELETED":
            self.truth.journal.append(f"the deletion of {upload_id} was acknowledged and it is not deleted")
        if "frozen_at" not in row:
            self.early_deletions.add(upload_id)


@dataclass(frozen=True, slots=True)
class Small:
    """A small world: what is done before anything is left open, and how many mishaps there may be."""

    name: str
    begin: Callable[[SmallWorld], None]
    budget: dict[str, int] = field(default_factory=dict)


def checks(world: SmallWorld) -> None:
    """Two files of a school are checked and offered, one notice comes twice, the first file is deleted."""
    first, second = world.taken(), world.taken()
    world.to_the_freeze()
    world.notice(first)
    world.notice(first)
    world.notice(second)
    world.deleted(first)


def offers(world: SmallWorld) -> None:
    """Two judged files wait for their offer, which comes twice for one; one is deleted; the window is frozen."""
    first, second = _judged(world), _judged(world)
    world.to_the_freeze()
    for post in (first, first, second):
        world.pipeline.stream(world.table.items[keys.upload(post.upload_id)])
    world.deleted(first)
    world.schedule.freeze()


def one_file(world: SmallWorld) -> None:
    """A file whose notice comes twice is checked, offered and deleted while its window is frozen."""
    post = world.taken()
    world.to_the_freeze()
    world.notice(post)
    world.notice(post)
    world.deleted(post)
    world.schedule.freeze()


def reports(world: SmallWorld) -> None:
    """A frozen file's report is built by a message that comes twice, and given up by a third, while it is deleted."""
    post = _judged(world)
    world.offer_now(post)
    world.to_the_freeze()
    world.holding = True
    world.schedule.freeze()
    world.finish()
    world.holding = False
    body = {"service": SERVICE, "window": 1, "school": SCHOOL}
    world.pipeline.report(Message(body))
    world.pipeline.report(Message(body))
    world.pipeline.report(Message(body, dead=True))
    world.deleted(post)


def frozen_and_deleted(world: SmallWorld) -> None:
    """A file that counts is deleted while its window is frozen."""
    post = _judged(world)
    world.offer_now(post)
    world.to_the_freeze()
    world.schedule.freeze()
    world.deleted(post)


def overlapping(world: SmallWorld) -> None:
    """Two freeze runs side by side, and a file that is offered meanwhile."""
    post = _judged(world)
    world.to_the_freeze()
    world.pipeline.stream(world.table.items[keys.upload(post.upload_id)])
    world.schedule.freeze()
    world.schedule.freeze()


def close(world: SmallWorld) -> None:
    """One upload over a close: checked, offered, frozen."""
    post = world.taken()
    world.to_the_freeze()
    world.notice(post)
    world.schedule.freeze()


def checked(world: SmallWorld) -> None:
    """One upload whose window has closed: checked and offered."""
    post = world.taken()
    world.to_the_freeze()
    world.notice(post)


def frozen(world: SmallWorld) -> None:
    """One judged upload, offered while its window is frozen."""
    post = _judged(world)
    world.to_the_freeze()
    world.pipeline.stream(world.table.items[keys.upload(post.upload_id)])
    world.schedule.freeze()


def offered_and_deleted(world: SmallWorld) -> None:
    """One judged upload, offered while it is deleted."""
    post = _judged(world)
    world.pipeline.stream(world.table.items[keys.upload(post.upload_id)])
    world.deleted(post)


def _judged(world: SmallWorld) -> Post:
    """A file that is checked, and whose offer the stream has not brought yet."""
    post = world.taken()
    stream, world.pipeline.stream = world.pipeline.stream, lambda item, tries=0: None  # type: ignore[method-assign]
    world.notice(post)
    world.finish()
    world.pipeline.stream = stream  # type: ignore[method-assign]
    return post
