"""What follows from checking an upload: the writes of a verdict, and the findings that are not about its contents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .. import keys
from ..findings import Code, Finding
from ..service import Service
from ..times import moment_words, to_text
from ..writes import ABSENT, Item, OneOf, Put, Requirement, Update, Write
from .calendar import Calendar
from .uploads import SHOWN_FINDINGS, Held, Status, Upload
from .verdict_record import VerdictRecord

# A straggler is CHECKING too until an operator decides it. If S3's event of it comes again, no check may judge it
# again.
UNJUDGED: dict[str, Requirement] = {
    "status": OneOf((Status.AWAITING_UPLOAD.value, Status.CHECKING.value)),
    "offer_pending": ABSENT,
    "held": ABSENT,
}

# The status is required too, because a deleted upload keeps its `held`.
PARKED: dict[str, Requirement] = {"held": Held.PARKED.value, "status": Status.UPLOAD_ERROR.value}


def window_closed(calendar: Calendar, received: datetime) -> Finding:
    """The finding of a file that arrived outside every window: when it did, and when the window closed or opens."""
    arrived = f"Your file reached us at {moment_words(received)}"
    closed = calendar.last_closed(received)
    opens = calendar.next_to_open(received)
    parts = [f"{arrived}, and no submission window was open then."]
    if closed:
        parts.append(f"The last window closed at {moment_words(closed.closes)}.")
    if opens:
        parts.append(f"Please upload the file again once the next window opens, at {moment_words(opens.opens)}.")
    else:
        parts.append("There is no later window for this service. Please contact support if you think this is wrong.")
    return Finding(Code.WINDOW_CLOSED, " ".join(parts))


def could_not_process(service: Service) -> Finding:
    """The finding of a file whose check failed twice. That is our fault, not the user's."""
    return Finding(
        Code.COULD_NOT_PROCESS,
        "We could not process this file. This is our fault, not yours. We have been told and are looking into it; you "
        f"may also upload the file again, or contact {service.support.email}.",
    )


def too_large(size: int, limit: int) -> Finding:
    """The finding of a file over the size limit, refused before it was sent. Sizes in bytes."""
    return Finding(
        Code.TOO_LARGE,
        f"This file is {_megabytes(size)} MB. The largest file we can take is {_megabytes(limit)} MB. Download the "
        "template again, copy your results into it and upload that file.",
    )


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f}".removesuffix(".0")


def refused_late(calendar: Calendar, received: datetime, reason: str) -> Finding:
    """The finding of a straggler that an operator did not let in, with the operator's reason."""
    window = calendar.window_of(received)
    closed = f", before the window closed at {moment_words(window.closes)}" if window else ""
    return Finding(
        Code.WINDOW_CLOSED,
        f"Your file was received at {moment_words(received)}{closed}, but it only became visible to us after the "
        f"window had been frozen. We have looked into it, and it does not count: {reason}",
    )


def refuse_straggler(upload: Upload, finding: Finding) -> Update:
    """Settles a straggler as an upload error, because an operator refused it."""
    return Update(
        upload.key,
        set={
            "status": Status.UPLOAD_ERROR.value,
            "findings": [finding.to_json()],
            "counts": {**upload.counts, "errors": 1, "warnings": 0},
        },
        remove=("held", "unsettled"),
        require={"held": Held.STRAGGLER.value, "status": Status.CHECKING.value},
    )


def begin_checking(upload: Upload, received: datetime, version: str) -> Update:
    """Records which version of the object counts and when it was received, before the check."""
    return Update(
        upload.key,
        set={
            "status": Status.CHECKING.value,
            "received": to_text(received),
            "version": version,
            "unsettled": upload.unsettled_in,
        },
        require=UNJUDGED,
    )


def record_verdict(
    upload: Upload,
    record: VerdictRecord,
    findings: Sequence[Finding],
    *,
    changes: dict[str, Any] | None = None,
    summary: str | None = None,
    repairs: Sequence[dict[str, str]] = (),
    corrected_from: str | None = None,
) -> tuple[Write, ...]:
    """The writes of a verdict: a good file waits for its offer, a bad one is settled.

    `record` is the verdict's own. It names the object that was judged: S3 may have shown an older version since, and
    another check may have begun on that one. `changes` are those against the school's last good file, as the API gives
    them. `summary` is the canonical JSON of a good file's summary. `repairs` and `corrected_from` are
    what the file's mark tells.
    """
    values: Item = {
        "received": to_text(record.received),
        "version": record.version,
        "status": (Status.CHECKING if record.accepted else Status.UPLOAD_ERROR).value,
        "counts": record.counts,
        "findings": [finding.to_json() for finding in findings[:SHOWN_FINDINGS]],
        "ruleset": record.ruleset,
    }
    optional = {
        "sha256": record.sha256,
        "window": record.window,
        "roster_version": record.roster_version,
        "changes": changes,
        "figures_sha256": record.figures_sha256,
        "repairs": list(repairs) or None,
        "corrected_from": corrected_from,
    }
    values |= {name: value for name, value in optional.items() if value is not None}
    remove: tuple[str, ...] = ()
    if record.school_allowed:
        values |= {"school": record.school_allowed, "by_school": f"SCHOOL#{record.school_allowed}"}
        remove += ("by_trust",)
    if record.accepted:
        values["offer_pending"] = "yes"
    else:
        remove += ("unsettled",)
    verdict = Update(upload.key, set=values, remove=remove, require=UNJUDGED)
    if summary is None:
        return (verdict,)
    return (verdict, Put(keys.summary(upload.upload_id), {"summary": summary, "service": upload.service}))


def park(upload: Upload, service: Service) -> Update:
    """Parks an upload that killed its function twice. It stays unsettled, so that no freeze goes on without it."""
    return Update(
        upload.key,
        set={
            "status": Status.UPLOAD_ERROR.value,
            "held": Held.PARKED.value,
            "findings": [could_not_process(service).to_json()],
            "counts": {"pupils": 0, "errors": 1, "warnings": 0},
            "ruleset": service.ruleset,
            "unsettled": upload.unsettled_in,
        },
        require=UNJUDGED,
    )


def retry_parked(upload: Upload) -> Update:
    """Lets a parked upload be checked again, because an operator asked for it."""
    return Update(
        upload.key,
        set={"status": Status.CHECKING.value, "unsettled": upload.unsettled_in},
        remove=("held", "findings", "counts", "rescues"),
        require=PARKED,
    )


def close_parked(upload: Upload, record: VerdictRecord) -> Update:
    """Settles a parked upload as an upload error, because an operator closed it: its window no longer waits for it.

    The record keeps the object's facts as the verdict has them: the check that died may have read a newer version.
    """
    values: Item = {"received": to_text(record.received), "version": record.version, "sha256": record.sha256}
    if record.window is not None:
        values["window"] = record.window
    return Update(upload.key, set=values, remove=("held", "unsettled"), require=PARKED)
