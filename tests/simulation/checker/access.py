"""Nobody sees or deletes what is not theirs."""

from __future__ import annotations

from datetime import datetime

from .evidence import Evidence

NOWHERE = "SCHOOL#0000000"  # the organisation of a user who has gone


def check_access(view: Evidence) -> None:
    """What was shown and deleted, by whom."""
    for seen in view.case.seen:
        if seen.deleted and seen.sub != seen.owner:
            view.wrong(5, f"{seen.sub} deleted {seen.upload} of {seen.owner}")
        _may_see(view, seen.sub, seen.upload, seen.school, seen.began, seen.ended)
    for shown in view.case.shown:
        _may_see(view, shown.sub, shown.upload, shown.school, shown.began, shown.ended)


def _may_see(view: Evidence, sub: str, upload: str, school: str | None, began: datetime, ended: datetime) -> None:
    gone = view.case.gone.get(sub)
    acts_for = {view.case.organisations[sub]} if gone is None or began <= gone else set[str]()
    if gone is not None and ended >= gone:
        acts_for.add(NOWHERE)
    for organisation in acts_for:
        kind, _, name = organisation.partition("#")
        trusted = kind == "TRUST" and school is not None and view.member(name, school, began, ended)
        if school is None or (kind, name) == ("SCHOOL", school) or trusted:
            return
    view.wrong(5, f"{sub} was shown {upload} of {school}{', and had gone' if gone else ''}")
