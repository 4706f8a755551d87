"""S3's notices, the table's stream and the queues, and the functions that they start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from early_results.counting.registers import Outcome
from workflow import build_report, import_extract
from workflow.check_upload import check_object, park_upload
from workflow.join_registers import offer_upload

if TYPE_CHECKING:
    from .world import World

RECEIVES = 5
RESCUE_TRIES = 2


@dataclass(slots=True)
class Message:
    """A message of a queue on its way."""

    body: dict[str, Any]
    receives: int = 0
    dead: bool = False


class Pipeline:
    """Carries messages, and starts a function for each."""

    def __init__(self, world: World) -> None:
        self.world = world

    def notify(self, key: str, version: str) -> None:
        die = self.world.scheduler.random.random
        body = {"Records": [{"s3": {"object": {"key": key, "versionId": version}}}]}
        copies = 1
        if not self.world.scheduler.calm:
            if self.world.has("lost events") and die() < 0.3:
                self.world.scheduler.story(f"S3's notice of {key} is lost")
                copies = 0
            elif self.world.has("repeated events") and die() < 0.4:
                copies = 2
        for _ in range(copies):
            wait = 100 + int(die() * (60 if self.world.has("rush") else 900))
            if self.world.has("delayed events") and die() < 0.4:
                wait = int(die() * 400_000)
            self.arrive(Message(body), wait)

    def arrive(self, message: Message, wait: int) -> None:
        self.world.scheduler.after_ms(wait, lambda: self.receive(message))

    def receive(self, message: Message) -> None:
        message.receives += 1
        found = message.body["Records"][0]["s3"]["object"]
        key, version = found["key"], found.get("versionId")

        def work(now: datetime) -> object:
            if message.dead and message.receives > RESCUE_TRIES:
                return park_upload(self.world.stores, key)
            return check_object(self.world.stores, key, version, now)

        def done(result: Any, error: BaseException | None) -> None:
            if error is None:
                return
            if message.receives >= RECEIVES and not message.dead:
                message.dead, message.receives = True, 0
                self.arrive(message, 1000)
            elif message.receives < RECEIVES or message.dead:
                self.arrive(message, 90_000)

        name = "rescue" if message.dead else "validate"
        self.world.actor(f"{name} {key.split('/')[-2][-4:]}", work, done)

    def stream(self, upload_id: str, tries: int = 0) -> None:
        die = self.world.scheduler.random.random
        copies, wait = 1, 100 + int(die() * (60 if self.world.has("rush") else 500))
        if self.world.has("stream trouble") and not self.world.scheduler.calm:
            copies = self.world.scheduler.random.choice([0, 1, 2])
            wait = int(die() * 20_000)

        def work(_: datetime) -> Outcome:
            return offer_upload(self.world.stores, upload_id)

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None and tries < 3:
                self.stream(upload_id, tries + 1)

        for _ in range(copies):
            self.world.scheduler.after_ms(wait, lambda: self.start_supersede(upload_id, work, done))

    def start_supersede(
        self,
        upload_id: str,
        work: Callable[[datetime], Any],
        done: Callable[[Any, BaseException | None], None],
    ) -> None:
        self.world.actor(f"supersede {upload_id[-4:]}", work, done)

    def report(self, message: Message) -> None:
        def receive() -> None:
            message.receives += 1
            body = message.body

            def work(_: datetime) -> object:
                act = build_report.fail_report if message.dead else build_report.build_report
                return act(self.world.stores, body["service"], int(body["window"]), body["school"])

            def done(result: Any, error: BaseException | None) -> None:
                if error is None:
                    return
                if message.receives >= RECEIVES and not message.dead:
                    message.dead, message.receives = True, 0
                    self.world.truth.dead_reports.add(f"{body['window']}#{body['school']}")
                self.report(message)

            self.world.actor(f"build {body['school']}", work, done, seconds=120)

        wait = 500 if message.receives == 0 else 30_000
        if self.world.has("delayed events") and not self.world.scheduler.calm:
            wait += int(self.world.scheduler.random.random() * 200_000)
        self.world.scheduler.after_ms(wait, receive)

    def import_later(self, message: Message, received: datetime) -> None:
        def receive() -> None:
            message.receives += 1

            def done(result: Any, error: BaseException | None) -> None:
                if error is not None:
                    self.import_later(message, received)

            key, version = message.body["key"], message.body["version"]
            self.world.actor(
                f"import {key}",
                lambda _: import_extract.import_extract(self.world.stores, key, version, received),
                done,
                seconds=120,
            )

        self.world.scheduler.after_ms(500 if message.receives == 0 else 20_000, receive)
