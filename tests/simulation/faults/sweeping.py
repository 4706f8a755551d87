"""Faults of the sweep, the calendar and the organisations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from early_results.canonical import canonical
from early_results.writes import Check, Key, Put, Remove, Update
from infra.operator import operations
from workflow import freeze_window, import_extract, sweep_bucket

from ..store import MemoryTable
from .listing import Patches, fault


@fault("the sweep never looks below its low-water mark")
def _() -> Patches:
    sweep = sweep_bucket.sweep

    def shallow(stores: Any, queue: Any, service: Any, calendar: Any, now: Any, **_: Any) -> Any:
        return sweep(stores, queue, service, calendar, now)

    return [(sweep_bucket, "WHOLE_EVERY", timedelta(days=99)), (freeze_window, "sweep", shallow)]


@fault("the sweep does not queue again what was lost")
def _() -> Patches:
    return [(sweep_bucket, "_due_again", lambda *_: False)]


@fault("the sweep does not offer what the stream lost")
def _() -> Patches:
    return [(sweep_bucket, "_offer", lambda stores, upload, swept: upload)]


@fault("a transaction is carried out write by write")
def _() -> Patches:
    write = MemoryTable.write

    def one_by_one(table: MemoryTable, writes: Any) -> None:
        for single in [writes] if isinstance(writes, Put | Update | Remove | Check) else writes:
            write(table, single)

    return [(MemoryTable, "write", one_by_one)]


@fault("a school that leaves its trust does so in two steps")
def _() -> Patches:
    put_newer = import_extract._put_newer

    def in_steps(stores: Any, key: Key, item: Any, made: Any, along: Any = None) -> None:
        before = stores.table.get(key) or {}
        put_newer(stores, key, item, made)
        for write in along(before) if along and (stores.table.get(key) or {}).get("made") else ():
            stores.table.write(write)

    return [(import_extract, "_put_newer", in_steps)]


@fault("a change of the calendar is not kept as evidence")
def _() -> Patches:
    return [(operations, "canonical", lambda kept: canonical({"calendar": None}))]
