"""What the checker is given: all that is left of a history."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(slots=True)
class Object:
    """A version of an object, as a bucket lists it."""

    version: str
    received: datetime
    data: bytes


@dataclass(slots=True)
class Posted:
    """A form that S3 took, as the person who posted it knows: which upload, which bytes, when it surfaced."""

    upload: str
    version: str
    received: datetime
    surfaced: datetime
    data: bytes
    said: dict[str, Any]  # what is in the file: school, pupils, good, template, results


@dataclass(slots=True)
class Seen:
    """Somebody was shown an upload, or deleted it."""

    sub: str
    upload: str
    school: str | None
    owner: str
    began: datetime
    ended: datetime
    deleted: bool


@dataclass(slots=True)
class Shown:
    """What somebody was told of an upload, between which moments."""

    sub: str
    upload: str
    school: str | None
    window: int | None
    began: datetime
    ended: datetime
    told: dict[str, Any]


@dataclass(slots=True)
class Case:
    """All that is left of a history."""

    service: str
    uploads: dict[str, list[Object]]
    records: dict[str, bytes]
    results: dict[str, bytes]
    table: list[dict[str, Any]]
    posts: list[Posted]
    seen: list[Seen]
    shown: list[Shown]
    acknowledged: dict[str, datetime]  # deletions that were said to be done
    happened: list[tuple[datetime, str, str]]  # when, what, to which upload, or window and school
    gone: dict[str, datetime]  # users whose rights were taken away
    lost: list[datetime]  # when the table was lost
    published: list[dict[str, Any]]  # the windows of the service file
    organisations: dict[str, str]  # of each user
    members: list[tuple[datetime, str, str, bool]]
    journal: list[str]
    dead_reports: set[str]
    skew: timedelta
    grace: timedelta
    violations: list[str] = field(default_factory=list)

    def wrong(self, rule: int, text: str) -> None:
        self.violations.append(f"rule {rule}: {text}")
