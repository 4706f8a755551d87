"""What the world outside the pipeline knows of a history, kept for the checker."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


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
