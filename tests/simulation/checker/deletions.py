"""A deletion that was acknowledged is a deletion."""

from __future__ import annotations

from .evidence import Evidence


def check_deletions(view: Evidence) -> None:
    """The file of an acknowledged deletion is gone, and counts nowhere that was not sealed by then."""
    sealed = {whose: moment for moment, what, whose in reversed(view.case.happened) if what == "sealed"}
    for upload, moment in view.case.acknowledged.items():
        row = view.items.get((f"UPLOAD#{upload}", "UPLOAD"))
        if upload not in view.tombstones:
            view.wrong(7, f"the deletion of {upload} was acknowledged, and there is no tombstone")
        if row is not None and row["status"] != "DELETED":
            view.wrong(7, f"the deletion of {upload} was acknowledged, and it is {row['status']}")
        for number, lines in view.manifests.items():
            for school, line in lines.items():
                if line["upload"] == upload and sealed.get(f"{number}#{school}", moment) > moment:
                    view.wrong(7, f"the deletion of {upload} was acknowledged before window {number} froze it")
