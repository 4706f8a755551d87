"""S3's notices, the table's stream and the queues, and the functions that they start."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from early_results.writes import Item
from report import build as report_build
from roster import app as roster_app
from supersede import app as supersede_app
from validate import app as validate_app

from .boundary import REPORT_DEAD_LETTERS, handler

if TYPE_CHECKING:
    from .world import World

RECEIVES = 5


@dataclass(slots=True)
class Message:
    """A message of a queue on its way."""

    body: dict[str, Any]
    receives: int = 0
    dead: bool = False
    number: int = field(default_factory=count().__next__)


class Pipeline:
    """Carries messages, and starts a function for each."""

    def __init__(self, world: World) -> None:
        self.world = world

    def notify(self, key: str, version: str) -> None:
        """S3's notice of a new version to the upload queue. It may be lost, or come twice or late."""
        die = self.world.scheduler.random.random
        body = {"Records": [{"s3": {"object": {"key": key, "versionId": version}}}]}
        copies = 1
        if not self.world.scheduler.calm:
            if self.world.has("lost events") and die() < 0.3:
                self.world.scheduler.story(f"S3's notice of {key} is lost")
                self.world.scheduler.kinds.add("lost events")
                copies = 0
            elif self.world.has("repeated events") and die() < 0.4:
                self.world.scheduler.kinds.add("repeated events")
                copies = 2
        for _ in range(copies):
            wait = 100 + int(die() * (60 if self.world.has("rush") else 900))
            if self.world.has("delayed events") and die() < 0.4:
                self.world.scheduler.kinds.add("delayed events")
                wait = int(die() * 400_000)
            self.arrive(Message(body), wait)

    def arrive(self, message: Message, wait: int) -> None:
        """A message is received after a while."""
        self.world.scheduler.after_ms(wait, lambda: self.receive(message))

    def receive(self, message: Message) -> None:
        """The validate function, and from the dead-letter queue the rescue function, as deployed."""
        message.receives += 1
        event = sqs_event(message)
        act = handler(validate_app, "rescue" if message.dead else "handler")

        def done(result: Any, error: BaseException | None) -> None:
            if error is None:
                return
            if message.receives >= RECEIVES and not message.dead:
                message.dead, message.receives = True, 0
                self.arrive(message, 1000)
            elif message.receives < RECEIVES or message.dead:
                self.arrive(message, 90_000)

        name = "rescue" if message.dead else "validate"
        key = message.body["Records"][0]["s3"]["object"]["key"]
        self.world.actor(f"{name} {key.split('/')[-2][-4:]}", lambda _: act(event, None), done)

    def stream(self, item: Item, tries: int = 0) -> None:
        """The table's stream: records of uploads that wait for their offer, to the supersede function."""
        die = self.world.scheduler.random.random
        copies, wait = 1, 100 + int(die() * (60 if self.world.has("rush") else 500))
        if self.world.has("stream trouble") and not self.world.scheduler.calm:
            self.world.scheduler.kinds.add("stream trouble")
            copies = self.world.scheduler.random.choice([0, 1, 2])
            wait = int(die() * 20_000)
        image = {name: {"S": str(item[name])} for name in ("upload_id", "offer_pending", "status")}
        record = {"eventID": "1", "eventName": "MODIFY", "dynamodb": {"NewImage": image, "SequenceNumber": "1"}}
        act = handler(supersede_app)

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None and tries < 3:
                self.stream(item, tries + 1)

        def start() -> None:
            self.world.actor(f"supersede {item['upload_id'][-4:]}", lambda _: act({"Records": [record]}, None), done)

        for _ in range(copies):
            self.world.scheduler.after_ms(wait, start)

    def report(self, message: Message) -> None:
        """The build function: messages of the report queue, some of them twice, and of its dead-letter queue."""
        twice = self.world.has("repeated events") and not self.world.scheduler.calm and message.receives == 0
        if twice and self.world.scheduler.random.random() < 0.4:
            self._report(Message(message.body))
        self._report(message)

    def _report(self, message: Message) -> None:
        def receive() -> None:
            message.receives += 1
            event, body = sqs_event(message, REPORT_DEAD_LETTERS if message.dead else "report"), message.body
            act = handler(report_build)

            def done(result: Any, error: BaseException | None) -> None:
                if error is None:
                    return
                if message.receives >= RECEIVES and not message.dead:
                    message.dead, message.receives = True, 0
                    self.world.scheduler.kinds.add("reports that fail")
                    self.world.truth.dead_reports.add(f"{body['window']}#{body['school']}")
                self._report(message)

            name = "give up" if message.dead else "build"
            self.world.actor(f"{name} {body['school']}", lambda _: act(event, None), done, seconds=120)

        wait = 500 if message.receives == 0 else 30_000
        if self.world.has("delayed events") and not self.world.scheduler.calm:
            wait += int(self.world.scheduler.random.random() * 200_000)
        self.world.scheduler.after_ms(wait, receive)

    def extract(self, key: str, version: str, received: datetime) -> None:
        """S3's notice of an extract, to the roster function."""
        record = {"s3": {"object": {"key": key, "versionId": version}}}
        self._import(Message({"Records": [{**record, "eventTime": received.isoformat()}]}))

    def _import(self, message: Message) -> None:
        act = handler(roster_app)

        def receive() -> None:
            message.receives += 1
            event = sqs_event(message)

            def done(result: Any, error: BaseException | None) -> None:
                if error is not None:
                    self._import(message)

            self.world.actor("import", lambda _: act(event, None), done, seconds=120)

        wait = 500 if message.receives == 0 else 20_000
        if self.world.has("delayed events") and not self.world.scheduler.calm:
            wait += int(self.world.scheduler.random.random() * 60_000)
        self.world.scheduler.after_ms(wait, receive)


def sqs_event(message: Message, source: str = "queue") -> dict[str, Any]:
    """A message as SQS gives it to a function."""
    record = {
        "messageId": f"m{message.number}",
        "body": json.dumps(message.body),
        "attributes": {"ApproximateReceiveCount": str(message.receives)},
        "eventSourceARN": source,
        "eventSource": "aws:sqs",
    }
    return {"Records": [record]}
