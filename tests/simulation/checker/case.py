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
class Case:
    """All that is left of a history."""

    service: str
    uploads: dict[str, list[Object]]
    records: dict[str, bytes]
    results: dict[str, bytes]
    table: list[dict[str, Any]]
    posts: list[Posted]
    seen: list[Seen]
    members: list[tuple[datetime, str, str, bool]]
    journal: list[str]
    dead_reports: set[str]
    skew: timedelta
    grace: timedelta
    violations: list[str] = field(default_factory=list)

    def wrong(self, rule: int, text: str) -> None:
        self.violations.append(f"rule {rule}: {text}")
