"""The operators' deadline board: its totals, its filters and pages, and that 17,000 schools are not too many for it."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from adapters.objects import Bucket
from adapters.settings import Settings
from adapters.stores import Stores
from adapters.table import Table
from early_results import keys
from early_results.access import Role, User
from early_results.counting.freeze import State
from early_results.counting.registers import Mark
from early_results.counting.uploads import UNSETTLED_PARTITIONS
from early_results.ids import new_ulid
from early_results.service import load_service
from early_results.times import to_text
from early_results.writes import Item, Put
from portal.board import deadline_board
from portal.contract import document
from portal.problems import Problem
from portal.requests import BoardQuery, query_of
from tests.openapi import slips_of, validator
from tests.simulation.store import MemoryBucket, MemoryTable

SERVICE = load_service("ks1-2023")
WINDOW = SERVICE.windows[0]
NOW = WINDOW.closes - timedelta(hours=1)
OPERATOR = User("sub", "operator", Role.OPERATOR, "OPERATOR", frozenset())
ANSWER_LIMIT = 6 * 1024 * 1024  # of a function of Lambda
UPLOAD = new_ulid(datetime(2023, 6, 29, tzinfo=UTC), bytes(10))


class Counting(MemoryTable):
    """The table in memory, which counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.page = 10**9
        self.asked: Counter[str] = Counter()

    def query(self, pk: str, **named: Any) -> Any:
        self.asked["query"] += 1
        return super().query(pk, **named)

    def get_many(self, wanted: Any) -> Any:
        wanted = list(wanted)
        self.asked["get many"] += -(-len(wanted) // 100)
        return super().get_many(wanted)

    def submitted(self, school: str, **more: Any) -> None:
        """A school's file is in."""
        mark = Mark(NOW, UPLOAD, deleted=False).to_text()
        row = {"school": school, "mark": mark, "upload_id": UPLOAD, "received": to_text(NOW), **more}
        self.write(Put(keys.window_register(SERVICE.name, 1, school), row))

    def listed(self, school: str, name: str, trust: str | None = None) -> None:
        """A school of schools.csv."""
        item: Item = {"school": school, "name": name, **({"trust": trust} if trust else {})}
        self.write(Put(keys.listed_school(school), item))


@pytest.fixture
def table() -> Counting:
    return Counting()


def board(table: Counting, **query: str) -> dict[str, Any]:
    """The board, once held against the contract."""
    told = asked_by(OPERATOR, table, query)
    schema = document()["paths"]["/windows/{service}/{window}"]["get"]["responses"]["200"]["content"]
    assert slips_of(validator(document(), schema["application/json"]["schema"]), told) == []
    return told


def asked_by(user: User, table: Counting, query: dict[str, str]) -> dict[str, Any]:
    second = timedelta(seconds=1)
    settings = Settings("table", "uploads", "results", "records", second, second, second, 1)
    nothing = cast(Bucket, MemoryBucket("nothing", versioned=False))
    stores = Stores(cast(Table, table), nothing, nothing, nothing, settings)
    return {**deadline_board(stores, user, SERVICE, "1", query_of(BoardQuery, query), NOW)}


def numbers(told: dict[str, Any]) -> list[str]:
    return [line["school"] for line in told["schools"]]


@pytest.fixture
def five(table: Counting) -> Counting:
    table.listed("1231234", "Holly Lane Primary School", "ABC")
    table.listed("1232001", "St Agnes", "ABC")
    table.listed("2042000", "Oakfield Academy", "XYZ")
    table.listed("8012003", "Marsh End")
    table.write(Put(keys.listed_school("9352010"), {"school": "9352010"}))  # known by its roster alone
    table.write(Put(keys.trust("ABC"), {"name": "ABC Trust"}))
    table.submitted("1231234")
    table.submitted("8012003")
    table.write(Put(keys.window_register(SERVICE.name, 1, "2042000"), {"school": "2042000", "tried": UPLOAD}))
    return table


def test_totals_by_authority_and_trust(five: Counting) -> None:
    told = board(five)
    assert told["counts"] == {"submitted": 2, "only-errors": 1, "nothing": 2}
    assert told["found"] == 5
    assert told["authorities"] == [
        {"authority": "123", "submitted": 1, "only-errors": 0, "nothing": 1},
        {"authority": "204", "submitted": 0, "only-errors": 1, "nothing": 0},
        {"authority": "801", "submitted": 1, "only-errors": 0, "nothing": 0},
        {"authority": "935", "submitted": 0, "only-errors": 0, "nothing": 1},
    ]
    assert told["trusts"] == [
        {"trust": None, "name": "", "submitted": 1, "only-errors": 0, "nothing": 1},
        {"trust": "ABC", "name": "ABC Trust", "submitted": 1, "only-errors": 0, "nothing": 1},
        {"trust": "XYZ", "name": "", "submitted": 0, "only-errors": 1, "nothing": 0},
    ]
    assert [line["standing"] for line in told["schools"]] == [
        *("submitted", "nothing", "only-errors", "submitted", "nothing")
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"authority": "123"}, ["1231234", "1232001"]),
        ({"trust": "XYZ"}, ["2042000"]),
        ({"trust": "(none)"}, ["8012003", "9352010"]),
        ({"standing": "submitted"}, ["1231234", "8012003"]),
        ({"standing": "only-errors,nothing"}, ["1232001", "2042000", "9352010"]),
        ({"find": "oakFIELD"}, ["2042000"]),
        ({"find": "3120"}, []),
        ({"find": "2320"}, ["1232001"]),
        ({"trust": "ABC", "standing": "nothing"}, ["1232001"]),
        ({"authority": "999"}, []),
    ],
)
def test_filters(five: Counting, query: dict[str, str], found: list[str]) -> None:
    told = board(five, **query)
    assert numbers(told) == found
    assert (told["found"], told["cursor"]) == (len(found), None)
    assert sum(told["counts"].values()) == 5  # the totals are of all schools, whatever is asked for


@pytest.mark.parametrize("limit", ["1", "2", "4", "5"])
@pytest.mark.parametrize("query", [{}, {"standing": "nothing"}, {"trust": "ABC"}, {"find": "o"}])
def test_pages_have_every_school_once(five: Counting, limit: str, query: dict[str, str]) -> None:
    told = board(five, limit=limit, **query)
    seen = numbers(told)
    while told["cursor"]:
        told = board(five, limit=limit, cursor=told["cursor"], **query)
        assert told["counts"] is None
        seen += numbers(told)
    assert seen == numbers(board(five, **query))


def test_a_straggler_that_was_let_in_has_submitted(five: Counting) -> None:
    five.submitted("8012003", frozen_at=to_text(NOW))
    five.write(Put(keys.window_register(SERVICE.name, 1, "1232001"), {"frozen_at": to_text(NOW)}))
    five.write(Put(keys.state(SERVICE.name, 1), _frozen()))
    late = new_ulid(datetime(2023, 6, 30, tzinfo=UTC), bytes(10))
    added = {"upload_id": late, "received": to_text(NOW + timedelta(minutes=1))}
    older = {"upload_id": late, "received": to_text(NOW - timedelta(minutes=1))}
    five.write(Put(keys.added(SERVICE.name, 1, "1232001"), added))
    five.write(Put(keys.added(SERVICE.name, 1, "8012003"), older))
    lines = {line["school"]: line for line in board(five)["schools"]}
    assert (lines["1232001"]["standing"], lines["1232001"]["upload_id"]) == ("submitted", late)
    assert lines["1232001"]["received"] == added["received"]
    assert lines["8012003"]["upload_id"] == UPLOAD  # what was frozen is later than what was let in


def test_a_file_carried_on_from_an_earlier_window_counts(five: Counting) -> None:
    row = {"frozen_at": to_text(NOW), "carried_from": 1, "carried_upload": UPLOAD, "received": to_text(NOW)}
    five.write(Put(keys.window_register(SERVICE.name, 1, "9352010"), row))
    five.write(Put(keys.state(SERVICE.name, 1), _frozen()))
    [line] = board(five, authority="935")["schools"]
    assert (line["standing"], line["carried_from"], line["received"]) == ("submitted", 1, to_text(NOW))


def _frozen() -> Item:
    return {"state": State.FROZEN.value, "closes": to_text(WINDOW.closes), "calendar_version": 0}


@pytest.mark.parametrize("role", [Role.SCHOOL, Role.TRUST])
def test_operators_alone_see_it(five: Counting, role: Role) -> None:
    with pytest.raises(Problem) as refused:
        asked_by(User("sub", "somebody", role, "TRUST#ABC", frozenset({"1231234"})), five, {})
    assert refused.value.status == 403


def test_seventeen_thousand_schools(table: Counting) -> None:
    """No answer comes near what Lambda may answer, and the pages after the first cost what they show."""
    for number in range(17_000):
        school = f"{200 + number % 152}{2000 + number // 152:04d}"
        table.listed(
            school, f"The Church of England Voluntary Aided Primary School of St Somebody {number}", _trust(number)
        )
        if number % 3:
            table.submitted(school)
    first = board(table)
    assert (first["found"], len(first["schools"])) == (17_000, 1000)
    text = json.dumps(first).encode()
    assert len(text) < ANSWER_LIMIT / 10
    assert len(gzip.compress(text)) < 100_000
    assert len(json.dumps(board(table, limit="100"))) < 250_000
    table.asked.clear()
    board(table, limit="100")
    # The schools, the stragglers and the calendar's own; the unsettled and the held; the state, and 960 trusts' names.
    assert table.asked == {"query": 152 + 2 + UNSETTLED_PARTITIONS + 1, "get many": 1 + 10}
    table.asked.clear()
    seen, pages, told = numbers(first), 1, first
    while told["cursor"]:
        told = board(table, cursor=told["cursor"])
        seen += numbers(told)
        pages += 1
    assert pages == 17
    assert len(set(seen)) == 17_000
    assert (
        table.asked["query"] < (5 + UNSETTLED_PARTITIONS) * pages + 152
    )  # each authority once, and again where a page ends within it


def _trust(number: int) -> str | None:
    return f"TRUST-{number % 1200}" if number % 5 else None
