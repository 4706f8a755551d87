"""Only what surfaced too late was left out of a freeze."""

from __future__ import annotations

from .evidence import Evidence


def check_stragglers(view: Evidence) -> None:
    for upload in view.stragglers:
        verdict = view.verdicts.get(upload)
        if verdict is None:
            view.wrong(3, f"{upload} is a straggler without a verdict")
            continue
        closes = view.windows[verdict["window"]][1]
        surfaced = min(p.surfaced for p in view.posts[upload] if p.version == verdict["version"])
        if surfaced < closes + view.case.grace - view.case.skew:
            view.wrong(3, f"{upload} surfaced in time and was left out as a straggler")
