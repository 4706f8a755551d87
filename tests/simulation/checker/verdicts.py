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
    window = next((n for n, (o, c) in view.windows.items() if o <= judged.received < c), None)
    if verdict["window"] != window:
        wrong(3, f"the verdict of {upload} says window {verdict['window']}, its received time {window}")
    if "could-not-process" in verdict["findings"]:
        if verdict["outcome"] != "refused":
            wrong(3, f"{upload} was closed by an operator and counts")
        return
    file = json.loads(judged.data)
    good = window is not None and file["good"] and verdict["allowed_by"] is not None
    if good:
        name = f"school-rosters/{view.case.service}/{file['school']}/{verdict['roster_version']}.json"
        held = view.case.uploads.get(name)
        listed = sorted(p["upn"] for p in json.loads(held[0].data)["pupils"]) if held else None
        good = listed == sorted(file["pupils"])
    if good is not (verdict["outcome"] == "accepted"):
        wrong(3, f"the verdict of {upload} is {verdict['outcome']}, the evidence says otherwise")
    if verdict["allowed_by"] is not None:
        check_authority(view, upload, verdict, file["school"], judged)


def check_authority(view: Evidence, upload: str, verdict: dict[str, Any], school: str, judged: Posted) -> None:
    by = verdict["allowed_by"]
    if by == f"SCHOOL#{school}":
        return
    kind, _, name = by.partition("#")
    # From its surfacing on, the membership at some moment must have allowed it.
    if kind != "TRUST" or not view.member(name, school, judged.surfaced, None):
        view.wrong(5, f"{upload} was judged for {school} by the authority of {by}")
