"""The cases. Each is given a store and a name of its own, so that many can share one table or bucket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from adapters.errors import AlreadyThere, Conflict, NotThere, OutsideError
from adapters.objects import Bucket
from adapters.table import Table
from early_results.writes import (
    ABSENT,
    PRESENT,
    AtMost,
    Check,
    Key,
    NoneOf,
    OneOf,
    Put,
    Remove,
    Requirement,
    Update,
    Write,
)

TableCase = Callable[[Table, str], None]
BucketCase = Callable[[Bucket, str], None]
TABLE: dict[str, TableCase] = {}
VERSIONED: dict[str, BucketCase] = {}
PLAIN: dict[str, BucketCase] = {}


def _listed(cases: dict[str, Any]) -> Callable[[Any], Any]:
    def listed(case: Any) -> Any:
        cases[case.__name__] = case
        return case

    return listed


def _refuses(table: Table, *writes: Write) -> None:
    with pytest.raises(Conflict):
        table.write(list(writes))


@_listed(TABLE)
def what_is_written_is_read(table: Table, name: str) -> None:
    item = {
        "text": "é\n",
        "number": 12,
        "yes": True,
        "nothing": None,
        "list": [1, {"a": "b"}],
        "map": {"x": {"y": 2}},
        "set": {"a", "b"},
        "empty": "",
    }
    table.write(Put(Key(name, "1"), item))
    assert table.get(Key(name, "1")) == {**item, "pk": name, "sk": "1"}
    assert table.get(Key(name, "2")) is None
    table.write(Put(Key(name, "1"), {"other": 1}))
    assert table.get(Key(name, "1")) == {"other": 1, "pk": name, "sk": "1"}, "a put replaces the whole item"


@_listed(TABLE)
def what_was_read_may_be_changed_without_changing_the_table(table: Table, name: str) -> None:
    table.write(Put(Key(name, "1"), {"a": 1}))
    read = table.get(Key(name, "1"))
    assert read is not None
    read["a"] = 2
    assert (table.get(Key(name, "1")) or {})["a"] == 1


@_listed(TABLE)
def an_update_sets_removes_adds_and_makes(table: Table, name: str) -> None:
    key = Key(name, "1")
    table.write(Update(key, set={"a": 1}, add={"s": frozenset({"x"})}))
    table.write(Update(key, set={"b": 2}, remove=("a", "never"), add={"s": frozenset({"x", "y"})}))
    assert table.get(key) == {"pk": name, "sk": "1", "b": 2, "s": {"x", "y"}}


@_listed(TABLE)
def conditions_hold_or_refuse(table: Table, name: str) -> None:
    here, gone = Key(name, "here"), Key(name, "gone")
    table.write(Put(here, {"a": "x", "n": 1}))
    holding: list[dict[str, Requirement]] = [
        {"a": "x"},
        {"n": 1},
        {"a": PRESENT, "pk": PRESENT},
        {"b": ABSENT},
        {"a": OneOf(("y", "x"))},
        {"a": NoneOf(("y", "z"))},
        {"b": NoneOf(("y",))},
        {"a": AtMost("x")},
        {"a": AtMost("xa")},
        {"b": AtMost("a")},
    ]
    refused: list[dict[str, Requirement]] = [
        {"a": "y"},
        {"n": 2},
        {"n": "1"},
        {"b": "x"},
        {"a": ABSENT},
        {"pk": ABSENT},
        {"b": PRESENT},
        {"a": OneOf(("y", "z"))},
        {"b": OneOf(("x",))},
        {"a": NoneOf(("y", "x"))},
        {"a": AtMost("w")},
        {"a": AtMost("")},
        {"a": "x", "n": 2},
    ]
    for require in holding:
        table.write(Update(here, set={"last": 1}, require=require))
        table.write([Check(here, require), Put(Key(name, "beside"), {})])
    for require in refused:
        with pytest.raises(Conflict):
            table.write(Update(here, set={"a": "changed"}, require=require))
        with pytest.raises(Conflict):
            table.write(Put(here, {"a": "changed"}, require))
        _refuses(table, Check(here, require), Put(Key(name, "never"), {}))
        _refuses(table, Remove(here, require))
    of_an_item: list[dict[str, Requirement]] = [{"a": "x"}, {"pk": PRESENT}, {"a": OneOf(("x",))}]
    for require in of_an_item:
        with pytest.raises(Conflict):
            table.write(Update(gone, set={"a": 1}, require=require))
    assert (table.get(here) or {})["a"] == "x"
    assert table.get(gone) is None
    assert table.get(Key(name, "never")) is None


@_listed(TABLE)
def a_transaction_happens_whole_or_not_at_all(table: Table, name: str) -> None:
    one, two, three = (Key(name, sk) for sk in "123")
    table.write(Put(two, {"v": 1}))
    _refuses(table, Put(one, {}), Update(two, set={"v": 2}, require={"v": 9}), Put(three, {}))
    assert [table.get(key) for key in (one, three)] == [None, None]
    assert (table.get(two) or {})["v"] == 1
    table.write([Put(one, {}, {"pk": ABSENT}), Update(two, set={"v": 2}, require={"v": 1}), Remove(three)])
    assert table.get(one) is not None
    assert (table.get(two) or {})["v"] == 2
    table.write([Remove(one, {"pk": PRESENT}), Check(two, {"v": 2})])
    assert table.get(one) is None
    table.write([])


@_listed(TABLE)
def conditions_see_the_table_as_it_was_before_the_transaction(table: Table, name: str) -> None:
    one, two = Key(name, "1"), Key(name, "2")
    table.write(Put(one, {"v": 1}))
    _refuses(table, Update(one, set={"v": 2}), Put(two, {}), Check(Key(name, "3"), {"pk": PRESENT}))
    assert (table.get(one) or {})["v"] == 1


@_listed(TABLE)
def a_transaction_may_not_touch_an_item_twice(table: Table, name: str) -> None:
    key = Key(name, "1")
    with pytest.raises(OutsideError) as refused:
        table.write([Update(key, set={"a": 1}), Check(key, {"b": ABSENT})])
    assert not isinstance(refused.value, Conflict), "trying again would never help"
    assert table.get(key) is None


@_listed(TABLE)
def a_deletion_may_be_repeated(table: Table, name: str) -> None:
    key = Key(name, "1")
    table.write(Put(key, {}))
    table.delete(key)
    table.delete(key)
    assert table.get(key) is None


@_listed(TABLE)
def many_are_read_at_once(table: Table, name: str) -> None:
    wanted = [Key(name, f"{number:03d}") for number in range(105)]
    for key in wanted[::7]:
        table.write(Put(key, {"n": int(key.sk)}))
    found = table.get_many([*wanted, *wanted[:3]])
    assert {key: item["n"] for key, item in found.items()} == {key: int(key.sk) for key in wanted[::7]}
    assert table.get_many([]) == {}


@_listed(TABLE)
def a_partition_is_read_in_order(table: Table, name: str) -> None:
    for sk in ("B#2", "A#1", "B#1", "C", "B#10"):
        table.write(Put(Key(name, sk), {}))
    table.write(Put(Key(f"{name}-other", "B#3"), {}))

    def read(**how: Any) -> list[str]:
        return [item["sk"] for item in table.query(name, **how)]

    assert read() == ["A#1", "B#1", "B#10", "B#2", "C"]
    assert read(prefix="B#") == ["B#1", "B#10", "B#2"]
    assert read(before="B#10") == ["A#1", "B#1"]
    assert read(after="B#10") == ["B#2", "C"]
    assert read(newest_first=True) == ["C", "B#2", "B#10", "B#1", "A#1"]
    assert read(newest_first=True, before="B#2", limit=2) == ["B#10", "B#1"]
    assert read(limit=2) == ["A#1", "B#1"]
    assert read(limit=99) == read()
    assert list(table.query(f"{name}-nothing")) == []


@_listed(TABLE)
def an_index_lists_only_what_has_its_attributes(table: Table, name: str) -> None:
    for number in (3, 1, 2):
        table.write(Put(Key(f"{name}-{number}", "U"), {"unsettled": name, "order": str(number), "more": 1}))
    table.write(Put(Key(f"{name}-4", "U"), {"order": "4"}))
    table.write(Put(Key(f"{name}-5", "U"), {"unsettled": name}))
    assert [row["order"] for row in table.query(name, index="unsettled")] == ["1", "2", "3"]
    assert all("more" not in row for row in table.query(name, index="unsettled")), "it holds keys alone"
    table.write(Update(Key(f"{name}-2", "U"), remove=("unsettled",)))
    table.write(Update(Key(f"{name}-1", "U"), set={"unsettled": f"{name}-else"}))
    assert [row["order"] for row in table.query(name, index="unsettled")] == ["3"]
    assert [row["order"] for row in table.query(f"{name}-else", index="unsettled")] == ["1"]


@_listed(TABLE)
def an_index_reads_backwards_and_before(table: Table, name: str) -> None:
    for number in range(1, 6):
        table.write(Put(Key(f"{name}-{number}", "U"), {"by_school": name, "order": str(number), "more": number}))
    rows = list(table.query(name, index="by_school", newest_first=True, before="5", limit=3))
    assert [(row["order"], row["more"]) for row in rows] == [("4", 4), ("3", 3), ("2", 2)]


# Buckets.


@_listed(VERSIONED)
def versions_are_kept_oldest_first(bucket: Bucket, name: str) -> None:
    key = f"{name}/a"
    assert bucket.oldest(key) is None
    assert bucket.versions(key) == []
    written = [bucket.put(key, data, "text/plain") for data in (b"1", b"22", b"333")]
    bucket.put(f"{key}b", b"other", "text/plain")
    found = bucket.versions(key)
    assert [(version.version, version.size) for version in found] == list(zip(written, (1, 2, 3), strict=True))
    assert len(set(written)) == 3
    oldest = bucket.oldest(key)
    assert oldest is not None
    assert oldest.version == written[0]
    assert oldest.received.microsecond == 0
    assert oldest.received.utcoffset() is not None
    assert [bucket.get(key, version) for version in written] == [b"1", b"22", b"333"]
    assert bucket.get(key) == b"333"
    assert bucket.get(key, limit=2) == b"33"


@_listed(VERSIONED)
def versions_are_removed_but_for_one(bucket: Bucket, name: str) -> None:
    key = f"{name}/a"
    written = [bucket.put(key, data, "text/plain") for data in (b"1", b"2", b"3")]
    bucket.put(f"{key}b", b"other", "text/plain")
    assert bucket.remove_versions(key, keep=written[1]) == 2
    assert [version.version for version in bucket.versions(key)] == [written[1]]
    assert bucket.get(key) == b"2"
    with pytest.raises(NotThere):
        bucket.get(key, written[0])
    assert bucket.remove_versions(key) == 1
    assert bucket.remove_versions(key) == 0
    assert not bucket.has(key)
    assert bucket.get(f"{key}b") == b"other"
    assert [listed.key for listed in bucket.list(f"{name}/")] == [f"{key}b"], "no marker of a deletion is left"


@_listed(VERSIONED)
def a_removal_without_a_version_leaves_a_marker(bucket: Bucket, name: str) -> None:
    key = f"{name}/a"
    written = [bucket.put(key, data, "text/plain") for data in (b"1", b"2")]
    bucket.put(f"{key}b", b"other", "text/plain")
    bucket.remove(key)
    assert not bucket.has(key)
    with pytest.raises(NotThere):
        bucket.get(key)
    assert [listed.key for listed in bucket.list(f"{name}/")] == [f"{key}b"], "it is not listed"
    assert [version.version for version in bucket.versions(key)] == written, "its versions are"
    assert [version.key for version in bucket.all_versions(f"{name}/")] == [key, key, f"{key}b"]
    assert bucket.get(key, written[0]) == b"1"
    bucket.put_once(key, b"3", "text/plain")
    assert bucket.get(key) == b"3"


@_listed(VERSIONED)
@_listed(PLAIN)
def an_object_may_be_written_once(bucket: Bucket, name: str) -> None:
    key = f"{name}/a"
    bucket.put_once(key, b"1", "text/plain")
    with pytest.raises(AlreadyThere):
        bucket.put_once(key, b"2", "text/plain")
    assert bucket.get(key) == b"1"


@_listed(VERSIONED)
@_listed(PLAIN)
def keys_are_listed_in_order(bucket: Bucket, name: str) -> None:
    for key in ("b/2", "a/1", "b/1", "c"):
        bucket.put(f"{name}/{key}", key.encode(), "text/plain")
    bucket.put(f"{name}/b/1", b"again", "text/plain")

    def listed(prefix: str, **how: Any) -> list[str]:
        return [version.key.removeprefix(f"{name}/") for version in bucket.list(f"{name}/{prefix}", **how)]

    assert listed("") == ["a/1", "b/1", "b/2", "c"]
    assert listed("b/") == ["b/1", "b/2"]
    assert listed("", start_after=f"{name}/b/1") == ["b/2", "c"]
    assert listed("b/", start_after=f"{name}/b/0") == ["b/1", "b/2"], "what it starts after need not be there"
    assert listed("z") == []
    assert next(bucket.list(f"{name}/b/1")).size == len(b"again"), "the newest version is listed"


@_listed(VERSIONED)
@_listed(PLAIN)
def what_is_not_there_is_said_to_be_not_there(bucket: Bucket, name: str) -> None:
    key = f"{name}/a"
    assert not bucket.has(key)
    with pytest.raises(NotThere):
        bucket.get(key)
    bucket.put(key, b"", "text/plain")
    assert bucket.has(key)
    assert bucket.get(key) == b""


@_listed(PLAIN)
def an_object_is_written_over_and_removed(bucket: Bucket, name: str) -> None:
    key = f"{name}/a"
    bucket.put(key, b"1", "text/plain")
    bucket.put(key, b"2", "text/plain")
    assert bucket.get(key) == b"2"
    bucket.remove(key)
    bucket.remove(key)
    assert not bucket.has(key)
    bucket.put_once(key, b"3", "text/plain")
    assert bucket.get(key) == b"3"
