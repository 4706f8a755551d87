"""Stores that tell what each call touches and what came of it, and keep a hash of all that they hold.

A resource is an item of the table, an index, a key of a bucket, or what a bucket lists. Two calls that touch no
resource in common, or that both only read it, may be made in either order with the same result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from adapters.objects import Version
from early_results.writes import Check, Item, Key, Put, Remove, Update, Write
from tests.simulation.store import MemoryBucket, MemoryTable, Stored

Resource = tuple[str, ...]
Answer = TypeVar("Answer")


class Listener(Protocol):
    """Who is told of calls."""

    def touches(
        self, reads: Iterable[Resource], writes: Iterable[Resource], puts: Iterable[tuple[Resource, int]] = ()
    ) -> None:
        """Said before a call: what it reads, what it writes, and which object it puts, with a hash of the bytes."""

    def came(self, learnt: Callable[[], object]) -> None:
        """Said after a call, or after a page of it: gives what the caller learnt, if anybody wants to know."""


def digest(*parts: object) -> int:
    """A hash of 128 bits, of the text of what is given."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=16).digest())


def _plain(item: Item) -> list[tuple[str, object]]:
    return sorted(
        (name, sorted(value) if isinstance(value, set | frozenset) else value) for name, value in item.items()
    )


class ProbedTable(MemoryTable):
    """The table; `state` is a hash of its items that does not depend on the order of writes."""

    listener: Listener
    state = 0

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        self.listener.touches([("item", *key)], [])
        found = super().get(key, consistent=consistent)
        self.listener.came(lambda: _plain(found) if found is not None else None)
        return found

    def get_many(self, wanted: Iterable[Key]) -> dict[Key, Item]:
        keys = list(dict.fromkeys(wanted))
        self.listener.touches([("item", *key) for key in keys], [])
        found = super().get_many(keys)
        self.listener.came(lambda: sorted((key, _plain(item)) for key, item in found.items()))
        return found

    def query(self, pk: str, *, index: str | None = None, **how: Any) -> Iterator[Item]:
        self.listener.touches([("index", index) if index else ("partition", pk)], [])
        rows = list(super().query(pk, index=index, **how))  # one page: the worlds are small
        self.listener.came(lambda: [_plain(row) for row in rows])
        return iter(rows)

    def write(self, writes: Write | Sequence[Write]) -> None:
        todo = [writes] if isinstance(writes, Put | Update | Remove | Check) else list(writes)
        made = [write.key for write in todo if not isinstance(write, Check)]
        self.listener.touches([("item", *w.key) for w in todo], [r for key in made for r in self._touched(key)])
        self._told(lambda: super(ProbedTable, self).write(writes))

    def delete(self, key: Key) -> None:
        self.listener.touches([], self._touched(key))
        self._told(lambda: super(ProbedTable, self).delete(key))

    def _touched(self, key: Key) -> list[Resource]:
        touched: list[Resource] = [("item", *key), ("partition", key.pk)]
        if key.sk == "UPLOAD":
            touched += [("index", name) for name in ("unsettled", "by_school", "by_trust")]
        return touched

    def _told(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            name = type(error).__name__
            self.listener.came(lambda: name)
            raise
        self.listener.came(lambda: "written")

    def _set(self, key: Key, item: Item | None) -> None:
        before = self.items.get(key)
        if before is not None:
            self.state ^= digest(key, _plain(before))
        if item is not None:
            self.state ^= digest(key, _plain(item))
        super()._set(key, item)


class ProbedBucket(MemoryBucket):
    """A bucket; `state` is a hash of its versions."""

    listener: Listener
    state = 0

    def versions(self, key: str) -> list[Version]:
        self.listener.touches([(self.name, key)], [])
        found = super().versions(key)
        self.listener.came(lambda: found)
        return found

    def all_versions(self, prefix: str) -> Iterator[Version]:
        self.listener.touches([(self.name, "list")], [])
        found = list(super().all_versions(prefix))
        self.listener.came(lambda: found)
        return iter(found)

    def metadata(self, key: str, version: str | None = None) -> dict[str, str]:
        self.listener.touches([(self.name, key)], [])
        return self._answered(lambda: super(ProbedBucket, self).metadata(key, version))

    def list(self, prefix: str, start_after: str = "") -> Iterator[Version]:
        self.listener.touches([(self.name, "list")], [])
        found = list(super().list(prefix, start_after))
        self.listener.came(lambda: found)
        return iter(found)

    def get(self, key: str, version: str | None = None, limit: int | None = None) -> bytes:
        self.listener.touches([(self.name, key)], [])
        return self._answered(lambda: super(ProbedBucket, self).get(key, version, limit))

    def has(self, key: str) -> bool:
        self.listener.touches([(self.name, key)], [])
        return self._answered(lambda: super(ProbedBucket, self).has(key))

    def put(self, key: str, body: bytes, content_type: str) -> str:
        kind = digest(body, content_type)
        self.listener.touches([], [(self.name, "list")], [((self.name, key), kind)])
        return self._answered(lambda: super(ProbedBucket, self).put(key, body, content_type))

    def put_once(self, key: str, body: bytes, content_type: str) -> str:
        self.listener.touches([(self.name, key)], [(self.name, key), (self.name, "list")])
        return self._answered(lambda: super(ProbedBucket, self).put_once(key, body, content_type))

    def remove_versions(self, key: str, keep: str | None = None) -> int:
        removed = 0
        for version in self.versions(key):
            if version.version == keep:
                continue
            self.listener.touches([], [(self.name, key), (self.name, "list")])
            self.gate.before("remove version", f"{self.name}/{key}", write=True)
            self._drop(key, version.version)
            self.gate.after("remove version", f"{self.name}/{key}")
            self.listener.came(lambda: "removed")
            removed += 1
        return removed

    def remove(self, key: str) -> None:
        self.listener.touches([], [(self.name, key), (self.name, "list")])
        self._answered(lambda: super(ProbedBucket, self).remove(key))
        self._count()

    def store(self, key: str, body: bytes, received: Any, signed: dict[str, str] | None = None) -> str:
        version = super().store(key, body, received, signed)
        self._count()
        return version

    def mark_deleted(self, key: str, received: Any) -> None:
        super().mark_deleted(key, received)
        self._count()

    def _drop(self, key: str, version: str) -> None:
        super()._drop(key, version)
        self._count()

    def _count(self) -> None:
        self.state = -1  # counted again when it is asked for

    def hashed(self) -> int:
        """A hash of all versions: keys, contents, received times, in their order. Their ids are names, no more."""

        def told(stored: Stored) -> tuple[object, ...]:
            return (stored.received.isoformat(), hashlib.blake2b(stored.data, digest_size=16).digest(), stored.marker)

        if self.state < 0:
            self.state = digest(sorted((key, [told(s) for s in found]) for key, found in self.objects.items()))
        return self.state

    def _answered(self, act: Callable[[], Answer]) -> Answer:
        try:
            result = act()
        except Exception as error:
            name = type(error).__name__
            self.listener.came(lambda: name)
            raise
        self.listener.came(lambda: hashlib.blake2b(repr(result).encode(), digest_size=16).digest())
        return result
