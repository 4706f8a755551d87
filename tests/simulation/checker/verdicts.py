"""A verdict is what the file, the roster, the calendar and the authority of its uploader make it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .case import Posted
from .evidence import Evidence, text_of


def check_verdict(view: Evidence, upload: str, verdict: dict[str, Any]) -> None:
    wrong = view.wrong
    versions = sorted(view.posts.get(upload, ()), key=lambda p: p.received)
    judged = next((p for p in versions if p.version == verdict["version"]), None)
    if judged is None:
        wrong(4, f"the verdict of {upload} is on a version that nobody posted")
        return
    for older in versions:
        # An older version may surface after a younger one was judged: the verdict stands.
        if older.received < judged.received and older.surfaced <= judged.surfaced:
            wrong(3, f"the verdict of {upload} is not on its oldest version")
    if verdict["received"] != text_of(judged.received):
        wrong(3, f"the verdict of {upload} has another received time than S3")
    if verdict["sha256"] != hashlib.sha256(judged.data).hexdigest():
        wrong(3, f"the verdict of {upload} has another hash than its file")
    windows = view.windows_by(int(verdict["calendar_version"]), judged.received)
    window = verdict["window"]
    if window not in windows:
        wrong(3, f"the verdict of {upload} says window {window}, its received time {windows}")
    in_force = next((n for n, (opens, closes) in view.windows.items() if opens <= judged.received < closes), None)
    if window != in_force:
        wrong(3, f"the verdict of {upload} says window {window}, by the calendar in force it is {in_force}")
    if "could-not-process" in verdict["findings"]:
        if verdict["outcome"] != "refused":
            wrong(3, f"{upload} was closed by an operator and counts")
        return
    file = judged.said
    good = window is not None and file["good"] and verdict["allowed_by"] is not None
    if good:
        good = _fits(view, verdict, file)
    if good is not (verdict["outcome"] == "accepted"):
        wrong(3, f"the verdict of {upload} is {verdict['outcome']}, the evidence says otherwise")
    if verdict["allowed_by"] is not None:
        check_authority(view, upload, verdict, file["school"], judged)


def check_authority(view: Evidence, upload: str, verdict: dict[str, Any], school: str, judged: Posted) -> None:
    by = verdict["allowed_by"]
    gone = view.case.gone.get(verdict["user"])
    if gone is not None and judged.surfaced > gone:
        view.wrong(5, f"{upload} was judged by the authority of a user who had gone")
    if by == f"SCHOOL#{school}":
        return
    kind, _, name = by.partition("#")
    # From its surfacing on, the membership at some moment must have allowed it.
    if kind != "TRUST" or not view.member(name, school, judged.surfaced, None):
        view.wrong(5, f"{upload} was judged for {school} by the authority of {by}")


def _fits(view: Evidence, verdict: dict[str, Any], file: dict[str, Any]) -> bool:
    """Whether the file's pupils are those of the roster, or may differ from it since its template was issued."""
    roster = _listed(view, file["school"], verdict["roster_version"])
    template = _listed(view, file["school"], file["template"])
    pupils = set(file["pupils"])
    if roster is None:
        return False
    if template is None or file["template"] == verdict["roster_version"]:
        return pupils == roster
    return pupils <= roster | template and roster & template <= pupils and bool(pupils & roster)


def _listed(view: Evidence, school: str, version: str | None) -> set[str] | None:
    held = view.case.uploads.get(f"school-rosters/{view.case.service}/{school}/{version}.json")
    return {str(pupil["upn"]) for pupil in json.loads(held[0].data)["pupils"]} if held else None
