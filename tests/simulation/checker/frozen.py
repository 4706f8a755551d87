"""What a window froze is what the buckets say that it must."""

from __future__ import annotations

import hashlib
import json

from .amendments import check_amendments
from .evidence import Evidence, text_of
from .figures import check_figures
from .manifests import check_lines
from .reports import check_reports


def check_window(view: Evidence, number: int, before: dict[str, str | None]) -> dict[str, str | None]:
    wrong, service = view.wrong, view.case.service
    known = {row["pk"].removeprefix("SCHOOL#") for row in view.case.table if row["sk"] == f"ROSTER#{service}"}
    must: dict[str, str | None] = {}
    everyone = known | set(before) | {str(v["school"]) for v in view.offered.values() if v["window"] == number}
    for school in everyone:
        mine = [u for u, v in view.offered.items() if v["window"] == number and v["school"] == school]
        best = max(mine, key=lambda u: (view.offered[u]["received"], u), default=None)
        if best is None:
            must[school] = before.get(school)
        else:
            must[school] = None if best in view.tombstones else best
    state = view.items.get((f"WINDOW#{service}#{number}", "STATE"), {})
    key = f"manifests/{service}/{number}/manifest.jsonl"
    if view.windows[number][1] > view.last and not state:
        return {}  # still open when the history ends
    if state.get("state") != "FROZEN" or "reports_queued" not in state or key not in view.case.records:
        wrong(3, f"window {number} is closed and was not frozen")
        return must
    if state["closes"] != text_of(view.windows[number][1]):
        wrong(3, f"window {number} was frozen for another close than the calendar's")
    data = view.case.records[key]
    if hashlib.sha256(data).hexdigest() != state["manifest_sha256"]:
        wrong(2, f"the manifest of window {number} has not the hash that its state keeps")
    national = view.case.records.get(f"figures/{service}/{number}/national.json", b"")
    if hashlib.sha256(national).hexdigest() != state["national_sha256"]:
        wrong(2, f"the national figures of window {number} have not the hash that its state keeps")
    lines = {line["school"]: line for line in map(json.loads, data.splitlines())}
    if list(lines) != sorted(lines) or len(lines) != len(data.splitlines()):
        wrong(3, f"the manifest of window {number} is not sorted, or lists a school twice")
    view.manifests[number] = lines
    check_lines(view, number, lines)
    check_figures(view, number, lines)
    added = check_amendments(view, number, lines)
    counting: dict[str, str | None] = {}
    for school in sorted(must.keys() | lines.keys() | added.keys()):
        line = lines.get(school)
        if line is None and school not in added:
            # Only who came after the freeze, without a file, may be left out.
            if must.get(school) is not None:
                wrong(3, f"{school} is missing in the manifest of window {number}")
            continue
        found = [line["upload"]] if line and line["upload"] else []
        # One that was deleted before the freeze is in no line, and still nothing older comes back.
        found += [u for u in view.offered if u in view.tombstones and view.is_of(u, number, school)]
        # A file carried from the window before is older than any of this window's own.
        latest = max(found + added.get(school, []), key=view.rank, default=None)
        counting[school] = None if latest in view.tombstones else latest
        if counting[school] != must.get(school):
            wrong(3, f"window {number} has {counting[school]} for {school}, the buckets say {must.get(school)}")
    check_reports(view, number, counting)
    return must
