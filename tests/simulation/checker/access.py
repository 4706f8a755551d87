"""Nobody sees or deletes what is not theirs."""

from __future__ import annotations

from .evidence import Evidence


def check_access(view: Evidence) -> None:
    for seen in view.case.seen:
        if seen.deleted and seen.sub != seen.owner:
            view.wrong(5, f"{seen.sub} deleted {seen.upload} of {seen.owner}")
        if seen.school is None or seen.sub == f"user-{seen.school}":
            continue
        if seen.sub != "user-trust" or not view.member("ABC", seen.school, seen.began, seen.ended):
            view.wrong(5, f"{seen.sub} was shown {seen.upload} of {seen.school}")
