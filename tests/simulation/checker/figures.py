"""What is counted is what the files say: national figures, and what each report is made of."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import UTC
from typing import Any

from .evidence import Evidence, said_by

Counts = Counter[tuple[str, ...]]
COMBINED = ("ta_reading", "ta_writing", "ta_maths")


def check_figures(view: Evidence, number: int, lines: dict[str, dict[str, Any]]) -> None:
    """The national figures of a frozen window, counted anew from what was put into the files."""
    frozen = [line["upload"] for line in lines.values() if line["upload"] in view.verdicts]
    if view.tombstones.keys() & set(frozen) or any(not _whole(view, upload) for upload in frozen):
        return  # what was deleted between two steps adds nothing: what the sum must be is not known
    stored = json.loads(view.case.records[f"figures/{view.case.service}/{number}/national.json"])
    if stored["schools"] != len(frozen):
        view.wrong(3, f"the national figures of window {number} are of {stored['schools']} schools, not {len(frozen)}")
    must: Counts = Counter()
    for upload in frozen:
        must += counted(said_by(view, upload)["results"])
    for group in ("female", "autumn"):  # of every pupil of the simulation
        has = _flat(stored["summary"]["groups"].get(group, {}))
        if has != must:
            view.wrong(3, f"the national figures of window {number} are not the sum of its files")


def check_own_figures(view: Evidence) -> None:
    """Two files with the same results have the same figures, two that differ have others."""
    figures: dict[str, Counts] = {}
    for upload, verdict in view.accepted.items():
        if not _whole(view, upload):
            continue
        must = counted(said_by(view, upload)["results"])
        if figures.setdefault(str(verdict["figures"]), must) != must:
            view.wrong(6, f"{upload} has other results than another file, and the same figures")


def check_report(view: Evidence, number: int, school: str, upload: str) -> None:
    """What a report says is of its file, and of its window."""
    for form in ("pdf", "xlsx"):
        data = view.case.results.get(f"reports/{view.case.service}/{number}/{school}/{upload}.{form}")
        if data is None:
            continue
        said, verdict = json.loads(data), view.verdicts[upload]
        national = view.case.records.get(f"figures/{view.case.service}/{number}/national.json", b"null")
        own = json.dumps(said["own"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        wrong = [
            (said["upload"], said["school"], said["window"]) != (upload, school, number),
            said["sha256"] != verdict["sha256"],
            hashlib.sha256(own).hexdigest() != verdict["figures"],
            said["national"] != json.loads(national),
            said["carried_from"] != (verdict["window"] if verdict["window"] != number else None),
            said["closes"][:19] != view.windows[number][1].astimezone(UTC).isoformat()[:19],
        ]
        if any(wrong):
            view.wrong(6, f"the report of {school} in window {number} is not of {upload}: {wrong}")
        item = view.items.get((f"SCHOOL#{school}", f"REPORT#{view.case.service}#{number}"), {})
        if item.get("sha256", {}).get(form) != hashlib.sha256(data).hexdigest() and item.get("state") == "READY":
            view.wrong(6, f"the report of {school} in window {number} has not the hash that its record keeps")


def _whole(view: Evidence, upload: str) -> bool:
    """Whether every pupil of a file counts: none that has left since its template was issued."""
    said, verdict = said_by(view, upload), view.verdicts[upload]
    return len(said["pupils"]) == verdict["pupils"] and said["template"] in ("", verdict["roster_version"])


def counted(results: list[dict[str, Any]]) -> Counts:
    """The counts of a file's results: pupils, codes, scores, the combined measure."""
    counts: Counts = Counter()
    for pupil in results:
        counts["pupils",] += 1
        for name, value in pupil.items():
            kind = "code" if isinstance(value, str) else "score"
            counts[kind, name, str(value)] += 1
        together = [pupil[subject] for subject in COMBINED]
        counts["combined", "complete"] += 1
        counts["combined", "met"] += all(code in ("EXS", "GDS") for code in together)
        counts["combined", "higher"] += all(code == "GDS" for code in together)
    return +counts


def _flat(groups: dict[str, Any]) -> Counts:
    """The stored counts of a group, without the table of assessments by band (a test of its own holds that)."""
    found: Counts = Counter()

    def walk(place: Any, path: tuple[str, ...]) -> None:
        if isinstance(place, int):
            found[path] = place
            return
        for name, inner in place.items():
            walk(inner, (*path, name))

    walk({name: inner for name, inner in groups.items() if name != "band"}, ())
    return found
