"""What was changed beside a manifest was decided or deleted, and what was decided or deleted is there."""

from __future__ import annotations

from typing import Any

from .evidence import Evidence


def check_amendments(view: Evidence, number: int, lines: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Holds the amendments to the evidence; gives the uploads that were let into a frozen window, by school."""
    start = f"amendments/{view.case.service}/{number}/"
    amended = {v["upload"] for k, v in view.records.items() if k.startswith(start) and v["kind"] == "removed"}
    frozen = {line["upload"] for line in lines.values() if line["upload"]}
    added: dict[str, list[str]] = {}
    for key, record in view.records.items():
        if not key.startswith(start) or record["kind"] != "added":
            continue
        upload, verdict = record["upload"], view.verdicts.get(record["upload"])
        added.setdefault(record["school"], []).append(upload)
        if upload not in view.stragglers or not view.was_decided(upload, "admit"):
            view.wrong(3, f"{upload} was let into window {number}, and nobody may have done that")
        if verdict is None or verdict["outcome"] != "accepted" or verdict["school"] != record["school"]:
            view.wrong(3, f"{upload} was let into window {number} without a verdict that accepts it")
        elif verdict["window"] > number:
            view.wrong(3, f"{upload} was let into window {number}, which closed before it came")
    frozen |= {upload for uploads in added.values() for upload in uploads}
    # Of several that were let in, only the latest is known to have been removed.
    latest = {max(uploads, key=view.rank) for uploads in added.values()}
    frozen_lines = {line["upload"] for line in lines.values() if line["upload"]}
    for upload in amended - frozen:
        view.wrong(3, f"an amendment removes {upload}, which window {number} did not freeze")
    for upload in amended - view.tombstones.keys():
        view.wrong(3, f"an amendment removes {upload}, which was not deleted")
    for upload in (frozen_lines | latest) & view.tombstones.keys() - amended:
        view.wrong(2, f"{upload} was deleted after window {number} froze it, and no amendment says so")
    return added
