"""A table, buckets and queues in memory that keep the rules the pipeline leans on.

What DynamoDB and S3 promise (conditions, transactions that happen whole or not at all, indexes that lag, versions,
writing once) is kept here and nothing more; `tests/contract` holds this module, moto and MiniStack to one list of
cases. Every call passes a gate first, where the scheduler hands control to somebody else or makes the call fail.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.errors import AlreadyThere, Conflict, NotThere, OutsideError
from adapters.objects import Version
from early_results.writes import (
    Absent,
    AtMost,
    Check,
    Item,
    Key,
    NoneOf,
    OneOf,
    Present,
    Put,
    Remove,
    Requirement,
    Update,
    Write,
)

WHOLE_INDEXES = ("by_school", "by_trust")  # template.yaml: these hold whole items, the others keys alone
MOST_WRITES = 100  # of one DynamoDB transaction


class Gate:
    """What stands between a caller and a store. This one lets everything through."""

    def before(
        self, what: str, key: str, *, write: bool = False, conditional: bool = False, once: bool = False
    ) -> None:
        """Called before a call has any effect; may raise in its place."""

    def after(self, what: str, key: str, *, once: bool = False) -> None:
        """Called when a write has taken effect; may raise, as a connection does that breaks before the answer.

        `once` says that the write cannot be told from a repeat of itself: a client that tries again is refused.
        """

    def now(self) -> datetime:
        """S3's own clock."""
        raise NotImplementedError

    def signer(self) -> datetime:
        """The clock of the machine that signs a form."""
        raise NotImplementedError


OPEN_GATE = Gate()


class MemoryTable:
    """DynamoDB's table: writes of one item and transactions are atomic; indexes are some writes behind."""

    def __init__(self, gate: Gate = OPEN_GATE) -> None:
        self.gate = gate
        self.items: dict[Key, Item] = {}
        self.partitions: dict[str, dict[str, Item]] = {}
        self.indexed: dict[Key, Item] = {}  # what the indexes have seen so far
        self.lagging: deque[tuple[Key, Item | None]] = deque()  # what they have not seen yet
        self.catch_up: Callable[[int], int] = lambda waiting: waiting  # how many writes an index reads of those waiting
        self.watch: Callable[[Key, Item | None, Item | None], None] = lambda key, old, new: None
        self.page = 100
        self.there = True  # a table that is lost is not there until another one is deployed
        self.lock = threading.Lock()  # of the indexes: outside the simulation threads are real

    def _asked(self, what: str, key: str, **how: Any) -> None:
        self.gate.before(what, key, **how)
        if not self.there:
            raise OutsideError("there is no such table")

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        self._asked("get", key.pk)
        found = self.items.get(key)
        return dict(found) if found is not None else None

    def get_many(self, wanted: Iterable[Key]) -> dict[Key, Item]:
        found = {}
        keys = list(dict.fromkeys(wanted))
        for start in range(0, len(keys), self.page):
            self._asked("get many", keys[start].pk)
            for key in keys[start : start + self.page]:
                if key in self.items:
                    found[key] = dict(self.items[key])
        return found

    def query(
        self,
        pk: str,
        *,
        prefix: str = "",
        index: str | None = None,
        before: str | None = None,
        after: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[Item]:
        last: str | None = None
        given = 0
        while True:
            self._asked("query", f"{index}:{pk}" if index else pk)
            rows = self._index_rows(index, pk) if index else self.partitions.get(pk)
            if not rows:
                return
            order = sorted(rows, reverse=newest_first)
            page = []
            for sk in order:
                if last is not None and (sk >= last if newest_first else sk <= last):
                    continue
                if prefix and not sk.startswith(prefix):
                    continue
                if before and not sk < before:
                    continue
                if after and not sk > after:
                    continue
                page.append(sk)
                if len(page) == self.page or (limit is not None and given + len(page) == limit):
                    break
            copies = [dict(rows[sk]) for sk in page]
            given += len(copies)
            yield from copies
            if len(page) < self.page or (limit is not None and given >= limit):
                return
            last = page[-1]

    def _index_rows(self, index: str, value: str) -> dict[str, Item]:
        with self.lock:
            for _ in range(self.catch_up(len(self.lagging))):
                key, new = self.lagging.popleft()
                if new is None or "order" not in new:  # in no index
                    self.indexed.pop(key, None)
                else:
                    self.indexed[key] = new
            rows = [item for item in self.indexed.values() if item.get(index) == value]
        if index in WHOLE_INDEXES:
            return {item["order"]: item for item in rows}
        return {item["order"]: {name: item[name] for name in ("pk", "sk", index, "order")} for item in rows}

    def write(self, writes: Write | Sequence[Write]) -> None:
        todo = [writes] if isinstance(writes, Put | Update | Remove | Check) else list(writes)
        if not todo:
            return
        touched = [write.key for write in todo]
        if len(set(touched)) != len(touched) or len(touched) > MOST_WRITES:
            raise OutsideError("a transaction touches an item twice, or too many")
        transaction = len(todo) > 1 or isinstance(todo[0], Check)
        guarded = transaction or bool(todo[0].require)
        name = "transact" if transaction else "write"
        self._asked(name, todo[0].key.pk, write=True, conditional=guarded)
        for write in todo:
            if isinstance(write, Check) and not write.require:
                raise OutsideError("a check without a condition")
            self._holds(write)
        made = [(write.key, self._result(write)) for write in todo if not isinstance(write, Check)]
        for key, item in made:
            self._set(key, item)
        # A transaction carries a token that makes its repeat harmless; a conditional write does not.
        self.gate.after(name, todo[0].key.pk, once=guarded and not transaction)

    def delete(self, key: Key) -> None:
        self._asked("delete", key.pk, write=True)
        if key in self.items:
            self._set(key, None)
        self.gate.after("delete", key.pk)

    def _holds(self, write: Write) -> None:
        item = self.items.get(write.key)
        known: Item = {} if item is None else item
        for attribute, requirement in write.require.items():
            if not _meets(known.get(attribute, _MISSING), requirement):
                raise Conflict("a condition of the write did not hold")

    def _result(self, write: Put | Update | Remove) -> Item | None:
        if isinstance(write, Remove):
            return None
        if isinstance(write, Put):
            _check_values(write.item)
            return {**write.item, **write.key._asdict()}
        names = [*write.set, *write.remove, *write.add]
        if len(set(names)) != len(names):
            raise OutsideError("two parts of an update overlap")
        _check_values(write.set)
        item: Item = {**self.items.get(write.key, {}), **write.key._asdict()}
        for name in write.remove:
            item.pop(name, None)
        item.update(write.set)
        for name, texts in write.add.items():
            if not texts:
                raise OutsideError("an empty set cannot be stored")
            item[name] = set(item.get(name, ())) | set(texts)
        return item

    def _set(self, key: Key, item: Item | None) -> None:
        old = self.items.get(key)
        if item is None:
            self.items.pop(key, None)
            self.partitions.get(key.pk, {}).pop(key.sk, None)
        else:
            self.items[key] = item
            self.partitions.setdefault(key.pk, {})[key.sk] = item
        self.lagging.append((key, item))
        self.watch(key, old, item)


_MISSING = object()


def _meets(value: Any, requirement: Requirement) -> bool:
    match requirement:
        case Absent():
            return value is _MISSING
        case Present():
            return value is not _MISSING
        case OneOf(values):
            return value in values
        case NoneOf(unwanted):
            return bool(value is _MISSING or value not in unwanted)
        case AtMost(most):
            return bool(value is _MISSING or value <= most)
        case _:
            return bool(value == requirement)


def _check_values(value: Any) -> None:
    """Refuses what DynamoDB's serialiser would refuse: a slip here must not pass for a working write."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise TypeError("names of attributes are texts")
            _check_values(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_values(inner)
    elif isinstance(value, set | frozenset):
        if not value:
            raise TypeError("an empty set cannot be stored")
    elif not isinstance(value, str | int | bytes | bool | None):
        raise TypeError(f"a {type(value).__name__} cannot be stored")


@dataclass(slots=True)
class Stored:
    """One stored version. It surfaces, all at once, when its transfer has ended: that may be after `received`."""

    version: str
    received: datetime
    data: bytes
    signed: dict[str, str] = field(default_factory=dict)
    marker: bool = False  # a delete marker: somebody removed the object without naming a version


class MemoryBucket:
    """S3's bucket: strongly consistent, versioned or not."""

    def __init__(self, name: str, gate: Gate = OPEN_GATE, *, versioned: bool, first: int = 0) -> None:
        self.name = name
        self.gate = gate
        self.versioned = versioned
        self.objects: dict[str, list[Stored]] = {}  # in the order S3 wrote them
        self.page = 1000
        self.watch_put: Callable[[str, bytes | None, bytes], None] = lambda key, old, new: None
        self.watch_removal: Callable[[str, Stored], None] = lambda key, stored: None
        self._numbers = first

    def oldest(self, key: str) -> Version | None:
        found = self.versions(key)
        return found[0] if found else None

    def versions(self, key: str) -> list[Version]:
        self.gate.before("versions", f"{self.name}/{key}")
        found = [Version(key, s.version, s.received, len(s.data)) for s in self.objects.get(key, ()) if not s.marker]
        found.sort(key=lambda version: version.received)
        return found

    def all_versions(self, prefix: str) -> Iterator[Version]:
        for key in sorted(key for key in self.objects if key.startswith(prefix)):
            self.gate.before("versions", f"{self.name}/{key}")
            for stored in reversed([s for s in self.objects.get(key, []) if not s.marker]):
                yield Version(key, stored.version, stored.received, len(stored.data))

    def metadata(self, key: str, version: str | None = None) -> dict[str, str]:
        self.gate.before("head", f"{self.name}/{key}")
        found = self._found(key, version)
        if found is not None:
            return dict(found.signed)
        raise NotThere("an object is not there")

    def list(self, prefix: str, start_after: str = "") -> Iterator[Version]:
        while True:
            self.gate.before("list", f"{self.name}/{prefix}")
            there = (key for key in self.objects if key.startswith(prefix) and key > start_after)
            keys = sorted(key for key in there if not self.objects[key][-1].marker)[: self.page]
            page = [(key, self.objects[key][-1]) for key in keys]
            for key, newest in page:
                yield Version(key, "", newest.received, len(newest.data))
            if len(keys) < self.page:
                return
            start_after = keys[-1]

    def get(self, key: str, version: str | None = None, limit: int | None = None) -> bytes:
        self.gate.before("read", f"{self.name}/{key}")
        found = self._found(key, version)
        if found is not None:
            return found.data if limit is None else found.data[:limit]
        raise NotThere("an object is not there")

    def has(self, key: str) -> bool:
        self.gate.before("head", f"{self.name}/{key}")
        return self._found(key, None) is not None

    def put(self, key: str, body: bytes, content_type: str) -> str:
        self.gate.before("put", f"{self.name}/{key}", write=True)
        version = self.store(key, body, self.gate.now())
        self.gate.after("put", f"{self.name}/{key}")
        return version

    def put_once(self, key: str, body: bytes, content_type: str) -> str:
        self.gate.before("put once", f"{self.name}/{key}", write=True, once=True)
        if self._found(key, None) is not None:
            raise AlreadyThere("an object that may be written once is there already")
        version = self.store(key, body, self.gate.now())
        self.gate.after("put once", f"{self.name}/{key}", once=True)
        return version

    def store(self, key: str, body: bytes, received: datetime, signed: dict[str, str] | None = None) -> str:
        """Makes a version; no gate: for what happens inside S3, such as a posted form."""
        self._numbers += 1
        # Version ids say nothing about order: a multiplicative hash scatters them.
        version = f"{(self._numbers * 2654435761) % 2**32:08x}" if self.versioned else ""
        stored = Stored(version, received, body, signed or {})
        before = self.objects.get(key)
        self.watch_put(key, before[-1].data if before else None, body)
        if self.versioned:
            self.objects.setdefault(key, []).append(stored)
        else:
            self.objects[key] = [stored]
        return version

    def _found(self, key: str, version: str | None) -> Stored | None:
        """The version of that name, or the newest; None where a delete marker is in its place, or nothing."""
        stored = self.objects.get(key, [])
        if version:
            return next((s for s in stored if s.version == version and not s.marker), None)
        return stored[-1] if stored and not stored[-1].marker else None

    def mark_deleted(self, key: str, received: datetime) -> None:
        """What a removal without a version does in a versioned bucket; no gate: it comes from outside."""
        self.store(key, b"", received)
        self.objects[key][-1].marker = True

    def remove_versions(self, key: str, keep: str | None = None) -> int:
        removed = 0
        for version in self.versions(key):
            if version.version == keep:
                continue
            self.gate.before("remove version", f"{self.name}/{key}", write=True)
            self._drop(key, version.version)
            self.gate.after("remove version", f"{self.name}/{key}")
            removed += 1
        return removed

    def _drop(self, key: str, version: str) -> None:
        for stored in self.objects.get(key, []):
            if stored.version == version:
                self.watch_removal(key, stored)
        left = [stored for stored in self.objects.get(key, []) if stored.version != version]
        if left:
            self.objects[key] = left
        else:
            self.objects.pop(key, None)

    def remove(self, key: str) -> None:
        self.gate.before("remove", f"{self.name}/{key}", write=True)
        if self.versioned:
            self.mark_deleted(key, self.gate.now())
        else:
            self.objects.pop(key, None)
        self.gate.after("remove", f"{self.name}/{key}")

    def form(
        self, key: str, *, content_type: str, metadata: dict[str, str], max_bytes: int, seconds: int
    ) -> dict[str, Any]:
        return {
            "key": key,
            "signed": self.gate.signer(),
            "seconds": seconds,
            "max_bytes": max_bytes,
            "metadata": dict(metadata),
        }


class MemoryQueue:
    """SQS's queue as a sender sees it. The scheduler decides what becomes of a message."""

    def __init__(self, name: str, taken: Callable[[dict[str, Any]], None], gate: Gate = OPEN_GATE) -> None:
        self.name = name
        self.gate = gate
        self.taken = taken

    def send(self, messages: Sequence[dict[str, Any]]) -> None:
        for message in messages:
            # One at a time, so that a batch may fail half way.
            self.gate.before("send", self.name, write=True)
            self.taken(json.loads(json.dumps(message)))
            self.gate.after("send", self.name)
