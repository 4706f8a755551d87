"""A window closes at noon in London."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from .evidence import Evidence

LONDON = ZoneInfo("Europe/London")


def check_closes(view: Evidence) -> None:
    """Every window of the calendar in force."""
    for _, closes in view.windows.values():
        if closes.astimezone(LONDON).strftime("%H%M%S") != "120000":
            view.wrong(3, f"a window closes at {closes}, which is not noon in London")
