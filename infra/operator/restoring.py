"""Copies a restored table into the stack's own.

DynamoDB's point-in-time recovery makes a new table, without stream, alarms, protection, time to live or a backup of its
own (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html), and no stack
knows it. So the stack makes an empty one of the next generation, with everything, and the items are copied into it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from adapters.errors import OutsideError
from adapters.table import Table
from early_results import keys
from early_results.times import to_text
from early_results.writes import Item, Key, Put

from .operating import CannotOperate, OperatorSession

WORKERS = 16
AT_ONCE = 1000


def restore(session: OperatorSession, source: str) -> int:
    """Copies every item of the table named `source`. Gives how many. Safe to run again after it died half way.

    While it runs, freeze and sweep do nothing. CannotOperate if the stack's table is not empty, or if the other table
    is not one of Early Results.
    """
    table = session.stores.table
    if source == table.name:
        raise CannotOperate(f"{source} is the stack's own table")
    if table.get(keys.rebuild()) is None and any(True for _ in table.query(keys.SCHOOLS, limit=1)):
        raise CannotOperate("the stack's table has schools in it, so it is not lost; nothing was changed")
    other = table.beside(source)
    try:
        if not any(True for _ in other.query(keys.SCHOOLS, limit=1)):
            raise CannotOperate(f"{source} has no schools in it: it is not a table of Early Results, or an empty one")
    except OutsideError:
        raise CannotOperate(f"there is no table {source} that could be read") from None
    table.write(Put(keys.rebuild(), {"begun": to_text(session.now()), "by": session.who}))
    copied = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        items = _kept(other)
        while some := list(islice(items, AT_ONCE)):  # in parts: a season's table is half a gigabyte
            copied += sum(pool.map(lambda item: _copy(table, item), some))
    table.delete(keys.rebuild())
    return copied


def _kept(other: Table) -> Iterator[Item]:
    return (item for item in other.everything() if (item["pk"], item["sk"]) != tuple(keys.rebuild()))


def _copy(table: Table, item: Item) -> int:
    own = {name: value for name, value in item.items() if name not in ("pk", "sk")}
    table.write(Put(Key(item["pk"], item["sk"]), own))
    return 1
