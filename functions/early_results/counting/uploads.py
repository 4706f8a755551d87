"""Uploads: the record of one attempt, and the status people see.

The stored item is the record itself (`Upload.to_item`): one shape for the table, for tests and for anything that
rebuilds the table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from .. import keys
from ..ids import ALPHABET
from ..object_keys import upload_key
from ..times import from_text, to_text
from ..writes import Item, Key

SHOWN_FINDINGS = 10
UNSETTLED_PARTITIONS = 8
REPORT_PREFIX = "report_"


class Status(StrEnum):
    """The stored status of an upload."""

    AWAITING_UPLOAD = "AWAITING_UPLOAD"
    CHECKING = "CHECKING"
    SUCCESSFUL = "SUCCESSFUL"
    UPLOAD_ERROR = "UPLOAD_ERROR"
    OVERWRITTEN = "OVERWRITTEN"
    DELETED = "DELETED"


class Held(StrEnum):
    """Why an upload waits for an operator before it can settle."""

    PARKED = "parked"  # our check of the file failed for good
    STRAGGLER = "straggler"  # S3 showed the file only after its window was frozen
    ADMITTING = "admitting"  # an operator is letting a straggler in: until that is done nobody may delete or refuse it


LATE = (Held.STRAGGLER, Held.ADMITTING)  # held because S3 showed the file only after the freeze
PROCESSING = "PROCESSING"  # shown, never stored: a report is being built from the file
SHOWN_STATUSES = (*(s.value for s in Status if s is not Status.DELETED), PROCESSING)


class ReportState(StrEnum):
    """How far a report of a frozen file is."""

    PROCESSING = "PROCESSING"
    READY = "READY"
    REPLACED = "REPLACED"  # the window now has another file, a straggler that was let in
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Upload:
    """One attempt. Moments are UTC; `received` is S3's own time of the version that counts, in whole seconds.

    `findings` are the first ten as `Finding.to_json` gives them; `counts` holds pupils, errors and warnings.
    `reports` maps a window's number, as text, to the state of the report that is built from this file; stored flat, as
    `report_1`, because DynamoDB cannot set an entry of a map that is not there yet.
    `repairs` are the words of a matched export that stand for codes in the file: column (its key), word, code.
    `corrected_from` is the upload of the same school whose results this file has, corrected at the page.
    `held` says why the upload waits for an operator, None if it does not. `overwritten_by` is the upload that took its
    place.
    """

    upload_id: str
    service: str
    user: str
    user_name: str
    organisation: str
    name: str
    size: int
    issued: datetime
    expires_at: datetime
    status: Status
    school: str | None = None
    trust: str | None = None
    received: datetime | None = None
    version: str | None = None
    sha256: str | None = None
    window: int | None = None
    ruleset: str | None = None
    roster_version: str | None = None
    findings: tuple[dict[str, Any], ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    changes: dict[str, Any] | None = None
    figures_sha256: str | None = None
    offer_pending: bool = False
    unsettled: bool = False
    held: Held | None = None
    purge_pending: bool = False
    replays: frozenset[str] = frozenset()
    reports: dict[str, str] = field(default_factory=dict)
    queued_again: datetime | None = None
    overwritten_by: str | None = None
    repairs: tuple[dict[str, str], ...] = ()
    corrected_from: str | None = None

    @property
    def key(self) -> Key:
        """The key of the record."""
        return keys.upload(self.upload_id)

    @property
    def object_key(self) -> str:
        """Where the file lies in the uploads bucket."""
        return upload_key(self.service, self.upload_id)

    @property
    def unsettled_in(self) -> str:
        """The partition of the unsettled index that lists it while a freeze must wait for it."""
        return unsettled_partition(self.service, self.upload_id)

    @property
    def note_pending(self) -> bool:
        """Whether this is a straggler whose note in the records bucket may still be missing."""
        return self.held == Held.STRAGGLER and self.unsettled

    @property
    def deletable(self) -> bool:
        """Whether a check has come to its end, and nobody is letting the upload into a frozen window at this moment."""
        return self.judged and self.held != Held.ADMITTING

    @property
    def judged(self) -> bool:
        """Whether a check has come to its end: good files that wait for their offer or for an operator included."""
        waiting = self.status in (Status.AWAITING_UPLOAD, Status.CHECKING)
        return self.offer_pending or self.held is not None or not waiting

    def to_item(self) -> Item:
        """The record as the table keeps it; attributes that say nothing are left out, so that indexes stay sparse."""
        item: Item = {
            "upload_id": self.upload_id,
            "service": self.service,
            "user": self.user,
            "user_name": self.user_name,
            "organisation": self.organisation,
            "name": self.name,
            "size": self.size,
            "issued": to_text(self.issued),
            "expires_at": to_text(self.expires_at),
            "status": self.status.value,
            "order": self.upload_id,
        }
        if self.received:
            item["received"] = to_text(self.received)
        if self.queued_again:
            item["queued_again"] = to_text(self.queued_again)
        for name in (
            "trust",
            "version",
            "sha256",
            "window",
            "ruleset",
            "roster_version",
            "figures_sha256",
            "changes",
            "overwritten_by",
            "corrected_from",
        ):
            value = getattr(self, name)
            if value is not None:
                item[name] = value
        if self.school:
            item["school"] = self.school
            if self.status is not Status.DELETED:
                item["by_school"] = f"SCHOOL#{self.school}"
        elif self.trust and self.status is not Status.DELETED:
            item["by_trust"] = f"TRUST#{self.trust}"
        if self.repairs:
            item["repairs"] = list(self.repairs)
        if self.findings:
            item["findings"] = list(self.findings)
        if self.counts:
            item["counts"] = dict(self.counts)
        for number, state in self.reports.items():
            item[f"{REPORT_PREFIX}{number}"] = state
        if self.replays:
            item["replays"] = set(self.replays)
        if self.offer_pending:
            item["offer_pending"] = "yes"
        if self.held:
            item["held"] = self.held.value
        if self.unsettled:
            item["unsettled"] = self.unsettled_in
        elif self.purge_pending:
            item["unsettled"] = purge_partition(self.service)
        elif self.held in LATE:
            item["unsettled"] = held_partition(self.service)
        if self.purge_pending:
            item["purge_pending"] = "yes"
        return item


def unsettled_partition(service: str, upload_id: str) -> str:
    """The partition of the unsettled index that lists an upload while a freeze must wait for it.

    A service has several; the last letter of the upload's id says which. DynamoDB takes 1,000 writes a second into one
    partition of a table or an index, and throttles writes to the table if its index cannot follow.
    """
    return f"{service}#{ALPHABET.index(upload_id[-1]) % UNSETTLED_PARTITIONS}"


def unsettled_partitions(service: str) -> tuple[str, ...]:
    """All the partitions of `unsettled_partition`."""
    return tuple(f"{service}#{number}" for number in range(UNSETTLED_PARTITIONS))


def purge_partition(service: str) -> str:
    """The partition of the unsettled index that lists deletions whose objects are still to be removed."""
    return f"PURGE#{service}"


def held_partition(service: str) -> str:
    """The partition of the unsettled index that lists stragglers: an operator decides them, no freeze waits."""
    return f"HELD#{service}"


def upload_from_item(item: Item) -> Upload:
    """A stored record. KeyError or ValueError if it is none."""
    return Upload(
        upload_id=item["upload_id"],
        service=item["service"],
        user=item["user"],
        user_name=item["user_name"],
        organisation=item["organisation"],
        name=item["name"],
        size=item["size"],
        issued=from_text(item["issued"]),
        expires_at=from_text(item["expires_at"]),
        status=Status(item["status"]),
        school=item.get("school"),
        trust=item.get("trust"),
        received=from_text(item["received"]) if "received" in item else None,
        version=item.get("version"),
        sha256=item.get("sha256"),
        window=item.get("window"),
        ruleset=item.get("ruleset"),
        roster_version=item.get("roster_version"),
        findings=tuple(item.get("findings", ())),
        counts=item.get("counts", {}),
        changes=item.get("changes"),
        figures_sha256=item.get("figures_sha256"),
        offer_pending="offer_pending" in item,
        unsettled=item.get("unsettled") == unsettled_partition(item["service"], item["upload_id"]),
        held=Held(item["held"]) if "held" in item else None,
        purge_pending="purge_pending" in item,
        replays=frozenset(item.get("replays", ())),
        reports={
            name.removeprefix(REPORT_PREFIX): state
            for name, state in item.items()
            if name.startswith(REPORT_PREFIX) and state != ReportState.REPLACED.value
        },
        queued_again=from_text(item["queued_again"]) if "queued_again" in item else None,
        overwritten_by=item.get("overwritten_by"),
        repairs=tuple(item.get("repairs", ())),
        corrected_from=item.get("corrected_from"),
    )


def shown_status(upload: Upload) -> str:
    """The status people see: PROCESSING while a report is built, UPLOAD_ERROR if that failed for good."""
    if upload.status in (Status.SUCCESSFUL, Status.OVERWRITTEN):
        if ReportState.FAILED in upload.reports.values():
            return Status.UPLOAD_ERROR.value
        if ReportState.PROCESSING in upload.reports.values():
            return PROCESSING
    return upload.status.value
