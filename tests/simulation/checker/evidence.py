"""The evidence of a history as the rules read it: records, verdicts, tombstones, windows, who was offered."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from .case import Case, Posted


class Evidence:
    """A case, looked up in the ways that the rules need."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.items = {(row["pk"], row["sk"]): row for row in case.table}
        self.records = {key: json.loads(data) for key, data in case.records.items() if key.endswith(".json")}
        self.verdicts = self.under("verdicts")
        self.tombstones = self.under("tombstones")
        self.stragglers = {
            key.split("/")[3].removesuffix(".json"): value
            for key, value in self.records.items()
            if key.startswith(f"stragglers/{case.service}/")
        }
        self.posts: dict[str, list[Posted]] = {}
        for post in case.posts:
            self.posts.setdefault(post.upload, []).append(post)
        calendars = [self.records[key] for key in sorted(self.records) if key.startswith(f"calendars/{case.service}/")]
        row = self.items.get((f"SERVICE#{case.service}", "CALENDAR"))
        stored = row["calendar"] if row else {"windows": case.published}
        self.windows = {w["number"]: (moment_of(w["opens"]), moment_of(w["closes"])) for w in stored["windows"]}
        if row and stored not in [record["calendar"] for record in calendars]:
            case.wrong(3, "the calendar in force is not in evidence")
        self.accepted = {u: v for u, v in self.verdicts.items() if v["outcome"] == "accepted"}
        additions = [r for k, r in self.records.items() if is_amendment(k, case.service) and r["kind"] == "added"]
        self.added = {record["upload"] for record in additions}
        self.decided = [r for k, r in self.records.items() if k.startswith(f"operations/{case.service}/")]
        never = {u for u, tombstone in self.tombstones.items() if tombstone["held"] is not None} | set(self.stragglers)
        never -= self.added
        self.manifests: dict[int, dict[str, dict[str, Any]]] = {}  # by window, of those that are frozen
        self.offered = {u: v for u, v in self.accepted.items() if u not in never}

    def windows_by(self, version: int, received: datetime) -> list[int | None]:
        """The window of a received time by the calendars of that version: several changes may have raced for it."""
        start = f"calendars/{self.case.service}/{version:06d}-"
        kept = [record["calendar"] for key, record in self.records.items() if key.startswith(start)]
        calendars = [calendar["windows"] for calendar in kept if calendar]
        return [
            next((w["number"] for w in c if moment_of(w["opens"]) <= received < moment_of(w["closes"])), None)
            for c in (calendars if version else [self.case.published])
        ]

    def wrong(self, rule: int, text: str) -> None:
        """Notes that a rule of DESIGN 5 was broken."""
        self.case.wrong(rule, text)

    def under(self, folder: str) -> dict[str, dict[str, Any]]:
        start = f"{folder}/{self.case.service}/"
        return {k.removeprefix(start).removesuffix(".json"): v for k, v in self.records.items() if k.startswith(start)}

    def uploads(self) -> list[dict[str, Any]]:
        return [row for row in self.case.table if row["sk"] == "UPLOAD"]

    def member(self, trust: str, school: str, since: datetime, until: datetime | None) -> bool:
        """Whether the school was in the trust at some moment from `since` to `until`."""
        inside = False
        for moment, whose, which, joined in self.case.members:
            if whose != trust or which != school:
                continue
            if inside and moment >= since:
                return True
            if until is not None and moment > until:
                break
            inside = joined
        return inside

    def was_decided(self, upload: str, did: str) -> bool:
        return any(record["upload"] == upload and record["did"] == did for record in self.decided)

    def is_of(self, upload: str, number: int, school: str) -> bool:
        return bool(self.verdicts[upload]["window"] == number and self.verdicts[upload]["school"] == school)

    def rank(self, upload: str) -> tuple[str, str]:
        return self.verdicts[upload]["received"], upload

    @property
    def last(self) -> datetime:
        """The end of the history, as far as the evidence goes."""
        return max((p.surfaced for p in self.case.posts), default=datetime.min.replace(tzinfo=UTC)) + self.case.grace


def is_amendment(key: str, service: str) -> bool:
    """Whether a record amends a frozen window of a service."""
    return key.startswith(f"amendments/{service}/")


def moment_of(text: str) -> datetime:
    """A moment as a record keeps it."""
    return datetime.fromisoformat(text)


def text_of(moment: datetime) -> str:
    """A moment as records keep it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def said_by(view: Evidence, upload: str) -> dict[str, Any]:
    """What is in the file that an upload's verdict is on."""
    version = view.verdicts[upload]["version"]
    return next(post.said for post in view.posts[upload] if post.version == version)
