"""The register of a school is the maximum of what was offered and deleted, and its winner alone is SUCCESSFUL."""

from __future__ import annotations

from .evidence import Evidence


def check_current(view: Evidence) -> None:
    schools = {str(v["school"]) for v in view.accepted.values()}
    for school in schools:
        mine = [u for u, v in view.offered.items() if v["school"] == school]
        best = max(mine, key=lambda u: (view.offered[u]["received"], u), default=None)
        item = view.items.get((f"SCHOOL#{school}", f"CURRENT#{view.case.service}"), {})
        mark = f"{view.offered[best]['received']}#{best}#{int(best in view.tombstones)}" if best else None
        if item.get("mark") != mark:
            view.wrong(1, f"the register of {school} is {item.get('mark')}, the maximum {mark}")
        winners = [u["upload_id"] for u in view.uploads() if u["status"] == "SUCCESSFUL" and u.get("school") == school]
        if winners != ([best] if best and best not in view.tombstones else []):
            view.wrong(1, f"successful for {school}: {winners}, the maximum {mark}")
