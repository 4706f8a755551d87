"""What the world outside the pipeline knows of a history, kept for the checker."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


@dataclass(slots=True)
class Post:
    """A form that S3 took: the world's own knowledge."""

    upload_id: str
    key: str
    received: datetime
    surfaced: datetime
    data: bytes
    said: dict[str, Any]  # what is in it, for those who do not read workbooks
    version: str = ""


@dataclass(slots=True)
class Look:
    """Somebody was shown an upload, or deleted it: whose it was, and between which moments."""

    sub: str
    upload_id: str
    school: str | None
    owner: str
    began: datetime
    ended: datetime
    deleted: bool


@dataclass(slots=True)
class Shown:
    """What somebody was told of an upload, between which moments."""

    sub: str
    upload_id: str
    school: str | None
    window: int | None
    began: datetime
    ended: datetime
    told: dict[str, Any]


@dataclass(slots=True)
class Truth:
    """What the outside knows of a history."""

    posts: list[Post] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    members: list[tuple[datetime, str, str, bool]] = field(default_factory=list)  # when, trust, school, in or out
    dead_reports: set[str] = field(default_factory=set)
    journal: list[str] = field(default_factory=list)  # rules broken on the way, as they were broken
    shown: list[Shown] = field(default_factory=list)
    acknowledged: dict[str, datetime] = field(default_factory=dict)  # deletions that were said to be done, and when
    happened: list[tuple[datetime, str, str]] = field(default_factory=list)  # when, what, to which upload or row
    gone: dict[str, datetime] = field(default_factory=dict)  # users who went, and when
    lost: list[datetime] = field(default_factory=list)  # when the table was lost
    in_force: str = "0"  # the record of the calendar that was in force when the table was lost
    calendar: int = 0  # the version of the calendar that was in force when the table was lost
    given: set[str] = field(default_factory=set)  # the reports that were READY, by their keys without a form
    skew: int = 0


class Template(NamedTuple):
    """A template: the version of the roster that its mark names, "" without one, and its pupils."""

    version: str
    upns: tuple[str, ...]
