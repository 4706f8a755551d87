"""Of a deleted file nothing is left."""

from __future__ import annotations

from .evidence import Evidence


def check_nothing_left(view: Evidence, upload: str) -> None:
    left = [name for name in view.case.results if upload in name]
    left += [name for name in view.case.uploads if upload in name]
    if (f"UPLOAD#{upload}", "SUMMARY") in view.items:
        left.append("its summary")
    if left:
        view.wrong(4, f"{upload} was deleted, and {', '.join(left)} is left")
