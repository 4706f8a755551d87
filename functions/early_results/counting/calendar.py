"""The calendar of a service: which window a received time belongs to, and how a window may be extended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ..service import Service, Window
from ..times import cut, from_text, to_text

FORM_LIFETIME = timedelta(minutes=10)
EXTENSION_CUTOFF = timedelta(minutes=1)


class CalendarRefused(ValueError):
    """A change to the calendar that may not be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The windows of a service, in order and without overlap. Version 0 is the service file's own calendar."""

    service: str
    version: int
    windows: tuple[Window, ...]

    def window(self, number: int) -> Window | None:
        """The window of that number, or None."""
        return next((w for w in self.windows if w.number == number), None)

    def window_of(self, received: datetime) -> Window | None:
        """The window a received time belongs to: `opens <= received < closes`, at whole seconds. None outside all."""
        moment = cut(received)
        return next((w for w in self.windows if w.opens <= moment < w.closes), None)

    def last_closed(self, moment: datetime) -> Window | None:
        """The window that closed last at or before a moment, or None."""
        closed = [w for w in self.windows if w.closes <= moment]
        return closed[-1] if closed else None

    def next_to_open(self, moment: datetime) -> Window | None:
        """The first window that opens after a moment, or None."""
        return next((w for w in self.windows if w.opens > moment), None)

    def earlier(self, number: int) -> tuple[Window, ...]:
        """The windows before one, nearest first: where a file may be carried forward from."""
        return tuple(reversed([w for w in self.windows if w.number < number]))

    def form_expiry(self, now: datetime) -> datetime | None:
        """When an upload form issued now expires: after 10 minutes or at the open window's close, whichever is first.

        None if no window is open: no form is issued then.
        """
        window = self.window_of(now)
        return min(now + FORM_LIFETIME, window.closes) if window else None

    def extend(self, number: int, closes: datetime, now: datetime) -> Calendar:
        """The calendar with one window closing later. CalendarRefused from a minute before its close on.

        A window that opens where the extended one closed opens later by as much, so that the two never overlap.
        """
        window = self.window(number)
        if window is None:
            raise CalendarRefused(f"{self.service} has no window {number}")
        if now >= window.closes - EXTENSION_CUTOFF:
            raise CalendarRefused("a window may be extended until one minute before its close, not later")
        if closes <= window.closes:
            raise CalendarRefused("the new close must be later than the present one")
        windows = []
        for other in self.windows:
            if other.number == number:
                windows.append(other._replace(closes=closes, reports=max(other.reports, closes.date())))
            elif window.closes <= other.opens < closes:
                if other.closes <= closes:
                    raise CalendarRefused(f"window {other.number} would be left with no time")
                windows.append(other._replace(opens=closes))
            else:
                windows.append(other)
        return Calendar(self.service, self.version + 1, tuple(windows))

    def to_json(self) -> dict[str, Any]:
        """The calendar as it is stored."""
        return {
            "service": self.service,
            "version": self.version,
            "windows": [
                {
                    "number": w.number,
                    "opens": to_text(w.opens),
                    "closes": to_text(w.closes),
                    "reports": w.reports.isoformat(),
                }
                for w in self.windows
            ],
        }


def calendar_of(service: Service) -> Calendar:
    """The calendar as the service file publishes it: version 0."""
    return Calendar(service.name, 0, service.windows)


def calendar_from_json(data: dict[str, Any]) -> Calendar:
    """A stored calendar. KeyError or ValueError if it is none."""
    return Calendar(
        data["service"],
        int(data["version"]),
        tuple(
            Window(
                int(w["number"]),
                from_text(w["opens"]).astimezone(UTC),
                from_text(w["closes"]).astimezone(UTC),
                date.fromisoformat(w["reports"]),
            )
            for w in data["windows"]
        ),
    )
