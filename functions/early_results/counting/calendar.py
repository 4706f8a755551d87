"""The calendar of a service: which window a received time belongs to, and how a window may be moved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from ..service import LONDON, Service, Window
from ..times import cut, from_text, to_text

FORM_LIFETIME = timedelta(minutes=10)
CHANGE_CUTOFF = timedelta(minutes=1)


class CalendarRefused(ValueError):
    """An operator asked for a change of the calendar that is not allowed. The message says why."""


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
        """The calendar with one window closing later, as `move` makes it.

        CalendarRefused if the new close is not later.
        """
        window = self._known(number)
        if now < window.closes - CHANGE_CUTOFF and closes <= window.closes:
            raise CalendarRefused("the new close must be later than the present one")
        return self.move(number, now, closes=closes)

    def move(
        self,
        number: int,
        now: datetime,
        *,
        opens: datetime | None = None,
        closes: datetime | None = None,
        reports: date | None = None,
    ) -> Calendar:
        """The next version of the calendar, with one window's opening, close or day of reports moved; None leaves it.

        Whatever was said about a file that has been received must stay true. So from one minute before it, an opening
        or a close can no longer be moved. A new opening lies more than a minute ahead. A new close lies at least a
        form's lifetime ahead, because forms that are out already are valid that long. A window always opens before it
        closes, never opens before the window before it has closed, and its reports never come out before the day it
        closes. Where a close is moved past the next window's opening, that window opens at the new close.

        `now` and the moments are aware. CalendarRefused says why a change is not allowed.
        """
        window = self._known(number)
        moved = window._replace(
            opens=cut(opens) if opens else window.opens,
            closes=cut(closes) if closes else window.closes,
            reports=reports or window.reports,
        )
        if moved.opens != window.opens:
            self._may_open(window, moved.opens, now)
        if moved.closes != window.closes:
            _may_close(window, moved.closes, now)
        closing_day = moved.closes.astimezone(LONDON).date()
        if moved.reports < closing_day:
            if reports is not None:
                raise CalendarRefused(f"reports of window {number} cannot come out before the day it closes")
            moved = moved._replace(reports=closing_day)
        if moved.opens >= moved.closes:
            raise CalendarRefused(f"window {number} would be left with no time")
        if moved == window:
            raise CalendarRefused(f"window {number} has these times already: nothing would change")
        return Calendar(self.service, self.version + 1, tuple(self._beside(window, moved)))

    def plan(self, planned: Mapping[int, Window], now: datetime, free: Collection[int]) -> Calendar:
        """The next version of the calendar, with windows that hold no file moved to anywhere ahead, all at once.

        A published calendar may be of a year that is over. Its windows cannot be moved one by one, because one would
        overlap the next. `free` are the numbers of the windows that were never held or have not opened. An opening may
        be at most one minute ago, for a window that is to open at once. CalendarRefused says why a change is not
        allowed.
        """
        for number, window in planned.items():
            if number not in free:
                raise CalendarRefused(f"window {self._known(number).number} has opened: move its close instead")
            if window.opens < cut(now) - CHANGE_CUTOFF:
                raise CalendarRefused(f"window {number} would open in the past")
            if window.opens >= window.closes:
                raise CalendarRefused(f"window {number} would be left with no time")
            if window.reports < window.closes.astimezone(LONDON).date():
                raise CalendarRefused(f"reports of window {number} cannot come out before the day it closes")
        windows = tuple(planned.get(window.number, window) for window in self.windows)
        for before, after in pairwise(windows):
            if before.closes > after.opens:
                raise CalendarRefused(
                    f"window {after.number} would open before window {before.number} has closed: name both"
                )
        if windows == self.windows:
            raise CalendarRefused("the calendar says so already: nothing would change")
        return Calendar(self.service, self.version + 1, windows)

    def first_difference(self, other: Calendar, since: datetime | None) -> datetime | None:
        """The first moment from `since` on (None: ever) that belongs to another window there, or None."""
        edges = {moment for c in (self, other) for w in c.windows for moment in (w.opens, w.closes)}
        moments = sorted(edges) if since is None else [since, *sorted(edge for edge in edges if edge > since)]
        return next((moment for moment in moments if self._number_at(moment) != other._number_at(moment)), None)

    def _number_at(self, moment: datetime) -> int | None:
        window = self.window_of(moment)
        return window.number if window else None

    def _known(self, number: int) -> Window:
        window = self.window(number)
        if window is None:
            raise CalendarRefused(f"{self.service} has no window {number}")
        return window

    def _may_open(self, window: Window, opens: datetime, now: datetime) -> None:
        if now >= window.opens - CHANGE_CUTOFF:
            raise CalendarRefused("an opening can be moved only until one minute before the window opens")
        if opens <= now + CHANGE_CUTOFF:
            raise CalendarRefused("the new opening must be more than a minute from now")
        before = next(iter(self.earlier(window.number)), None)
        if before and opens < before.closes:
            raise CalendarRefused(f"window {window.number} would open before window {before.number} has closed")

    def _beside(self, window: Window, moved: Window) -> Iterator[Window]:
        """The windows with one of them moved.

        A window that the moved one now overlaps opens when the moved one closes.
        """
        for other in self.windows:
            if other.number == window.number:
                yield moved
            elif window.closes <= other.opens < moved.closes:
                if other.closes <= moved.closes:
                    raise CalendarRefused(f"window {other.number} would be left with no time")
                yield other._replace(opens=moved.closes)
            else:
                yield other

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


def _may_close(window: Window, closes: datetime, now: datetime) -> None:
    if now >= window.closes - CHANGE_CUTOFF:
        raise CalendarRefused("a close can be moved only until one minute before the window closes")
    if closes < min(window.closes, now + FORM_LIFETIME):
        raise CalendarRefused("the new close must be at least ten minutes from now: forms are valid until then")


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
