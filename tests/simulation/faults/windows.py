"""Faults of windows and their freeze."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from early_results import service
from early_results.canonical import canonical
from early_results.counting import freeze
from early_results.counting.calendar import Calendar
from early_results.counting.freeze import Waited
from early_results.object_keys import national_key
from early_results.writes import Key, Put
from workflow import build_report, freeze_window, import_extract

from ..boundary import Present
from .listing import Patches, fault


@fault("a window is frozen although not all is settled")
def _() -> Patches:
    return [(freeze, "waited_for", lambda *_: ())]


@fault("a window is sealed without the grace")
def _() -> Patches:
    return [(freeze, "may_seal", lambda closes, grace, now: now >= closes)]


@fault("a parked upload holds up nobody", "killer files")
def _() -> Patches:
    waited = freeze.waited_for

    def hasty(*given: Any) -> tuple[Waited, ...]:
        return tuple(w for w in waited(*given) if not w.why.startswith("parked"))

    return [(freeze, "waited_for", hasty)]


@fault("a seal does not require the mark as it was read")
def _() -> Patches:
    seal = freeze.seal
    frozen: Any = lambda register, school, now: replace(  # noqa: E731
        seal(register, school, now),
        set={**seal(register, school, now).set, **({"mark": register.mark.to_text()} if register.mark else {})},
        require={},
    )
    return [(freeze, "seal", frozen)]


@fault("the worker's clock decides the window")
def _() -> Patches:
    window_of = Calendar.window_of

    def by_clock(calendar: Calendar, received: datetime) -> Any:
        present = Present.world
        moment = present.scheduler.now() if present and present.scheduler.current else received
        return window_of(calendar, moment)

    return [(Calendar, "window_of", by_clock)]


@fault("the close itself still counts")
def _() -> Patches:
    def inclusive(calendar: Calendar, received: datetime) -> Any:
        moment = received.replace(microsecond=0)
        return next((w for w in calendar.windows if w.opens <= moment <= w.closes), None)

    return [(Calendar, "window_of", inclusive)]


@fault("noon is noon in UTC")
def _() -> Patches:
    def careless(published: Any) -> Any:
        return tuple(service.Window(n, o.replace(tzinfo=UTC), c.replace(tzinfo=UTC), r) for n, o, c, r in published)

    return [(service, "_windows", careless)]


@fault("nothing is carried forward")
def _() -> Patches:
    return [(Calendar, "earlier", lambda calendar, number: ())]


@fault("the manifest tells when it was made")
def _() -> Patches:
    line, runs = freeze.manifest_line, count()
    return [(freeze, "manifest_line", lambda *given: {**line(*given), "run": next(runs)})]


@fault("the national figures are added up again by every run")
def _() -> Patches:
    def again(stores: Any, service: Any, window: int, lines: Any) -> bytes:
        figures = canonical(freeze_window._national(stores, service, lines).to_json())
        freeze_window._write_once(stores, national_key(service.name, window), figures, "application/json")
        return figures

    return [(freeze_window, "_national_once", again)]


@fault("each run lists the schools anew")
def _() -> Patches:
    def anew(stores: Any, *_: Any) -> frozenset[str]:
        return frozenset(str(row["school"]) for row in stores.table.query("SCHOOLS"))

    return [(freeze_window, "_schools_to_seal", anew)]


@fault("a school is known by schools.csv alone")
def _() -> Patches:
    put_roster = import_extract._put_roster

    def unlisted(stores: Any, *given: Any) -> None:
        class Deaf:
            def __getattr__(self, name: str) -> Any:
                return getattr(stores.table, name)

            def write(self, writes: Any) -> None:
                if not (isinstance(writes, Put) and writes.key.pk == "SCHOOLS"):
                    stores.table.write(writes)

        put_roster(replace(stores, table=Deaf()), *given)

    return [(import_extract, "_put_roster", unlisted)]


@fault("a report whose note loses a race is given up", "conflicts")
def _() -> Patches:
    def once(stores: Any, *given: Any) -> bool:
        table = stores.table

        class Once:
            def get(self, key: Key) -> dict[str, str]:
                return {"status": "DELETED"}

            def write(self, writes: Any) -> None:
                table.write(writes)

        return noted(replace(stores, table=Once()), *given)

    noted = freeze_window._note_processing
    return [(freeze_window, "_note_processing", once)]


@fault("a report that loses a race is taken for deleted", "conflicts")
def _() -> Patches:
    return [(build_report, "_deleted", lambda *_: True)]
