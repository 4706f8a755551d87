"""A window closes at noon in London."""

from __future__ import annotations

from itertools import pairwise
from zoneinfo import ZoneInfo

from .evidence import Evidence

LONDON = ZoneInfo("Europe/London")


def check_closes(view: Evidence) -> None:
    """Every window of the calendar in force."""
    for _, closes in view.windows.values():
        if closes.astimezone(LONDON).strftime("%H%M%S") != "120000":
            view.wrong(3, f"a window closes at {closes}, which is not noon in London")
    spans = sorted(view.windows.values())
    for (_, closes), (opens, _) in pairwise(spans):
        if opens < closes:
            view.wrong(3, f"a window opens at {opens}, before the one before it closes at {closes}")
