"""What a person was told of a window was true when it was told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from .evidence import Evidence

GENERATED_NO_LONGER = "reports will no longer be generated"
UNKNOWN = timedelta(hours=1)  # after a table was lost, until it is written again


def check_statements(view: Evidence) -> None:
    """Each statement held against what stood in the window, at some moment while it was made."""
    for shown in view.case.shown:
        receipt = shown.told["receipt"]
        if receipt is None or any(lost <= shown.ended < lost + UNKNOWN for lost in view.case.lost):
            continue
        moments = [shown.began, *(m for m, *_ in view.case.happened if shown.began < m <= shown.ended)]
        stood = [_standing(view, shown.upload, moment) for moment in moments]
        if receipt["counts"] not in [best == shown.upload for best in stood]:
            view.wrong(8, f"{shown.upload} was said to {_say(receipt)} at {shown.ended}, and {stood} stood there")
        later = "later" in receipt["because"] and "deleted" not in receipt["because"]
        if later and shown.upload in view.offered and not any(best not in (None, shown.upload) for best in stood):
            view.wrong(8, f"{shown.upload} was said to give way to a later file at {shown.ended}; {stood} stood there")
        if GENERATED_NO_LONGER in shown.told["next_step"] and all(best == shown.upload for best in stood):
            view.wrong(8, f"{shown.upload} counts at {shown.ended}, and was said to give no reports")


def _say(receipt: dict[str, object]) -> str:
    return f"{'count' if receipt['counts'] else 'not count'} because {receipt['because']}"


def _standing(view: Evidence, upload: str, moment: datetime) -> str | None:
    """The upload that stood for the school in an upload's own window at a moment, None where nothing did."""
    verdict = view.verdicts.get(upload)
    if verdict is None or verdict["window"] is None or verdict["school"] is None:
        return None
    number, school = verdict["window"], verdict["school"]
    pool = list(_pool(view, number, school, moment))
    best = max(pool, key=view.rank, default=None)
    deleted = {whose for m, what, whose in view.case.happened if what == "deleted" and m <= moment}
    return None if best in deleted else best


def _pool(view: Evidence, number: int, school: str, moment: datetime) -> Iterator[str]:
    """The uploads that were joined to a window's register by a moment, or let in beside it."""
    sealed = False
    for happened, what, whose in view.case.happened:
        if happened > moment:
            return
        if what == "sealed" and whose == f"{number}#{school}":
            sealed = True
        elif what == "joined" and not sealed and whose in view.verdicts and view.is_of(whose, number, school):
            yield whose
        elif what == "added" and whose.startswith(f"{number}#{school}#"):
            yield whose.split("#")[2]
