"""The operators' deadline board: who has submitted, who has only errors, who has nothing.

The totals are of all schools. The schools themselves come in order of their DfE numbers, filtered and page by page,
because 17,000 of them are too many for one answer. The first page reads every register, with one query for each local
authority. A later page reads only the registers that it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, NamedTuple

from adapters.lookups import calendar_now, unsettled_ids, window_states
from adapters.stores import Stores
from early_results import keys
from early_results.access import Role, User
from early_results.counting.freeze import State
from early_results.counting.registers import register_from_item
from early_results.counting.standing import standing
from early_results.counting.uploads import Held, held_partition
from early_results.ids import authority_of
from early_results.reference import read_reference, reference_of
from early_results.service import Service
from early_results.writes import Item

from . import problems
from .history import named_upload
from .limits import MOST_WAITING
from .requests import BoardQuery
from .services import describe_window, window_of

if TYPE_CHECKING:
    from . import answers  # 6 ms of a cold start; only the contract reads what is in it

NO_TRUST = "(none)"
_QUERIES = 16  # how many local authorities' registers are read at once


def deadline_board(
    stores: Stores, user: User, service: Service, number: str, query: BoardQuery, now: datetime
) -> answers.Board:
    """A window for operators: its state, the totals, and a page of its schools.

    Only the first page has the totals and the number of schools that were found.
    """
    if user.role is not Role.OPERATOR:
        raise problems.forbidden("Only operators see the whole of a window.")
    calendar = calendar_now(stores, service)
    window = window_of(calendar, number)
    state = window_states(stores, calendar)[window.number]
    board = _Board(stores, service.name, window.number)
    if query.cursor is None:
        lines = board.all_lines(list(stores.table.query(keys.SCHOOLS)))
        found = [line for line in lines if _wanted(line, query) or _is_named(line, board, query)]
        totals: _Totals | None = _totals(stores, lines)
    else:
        later = stores.table.query(keys.SCHOOLS, after=keys.listed_school(query.cursor).sk)
        rest = board.lines(row for row in later if _may_be_wanted(row, query))
        found = list(islice((line for line in rest if _wanted(line, query)), int(query.limit) + 1))
        totals = None
    page = found[: int(query.limit)]
    waiting = _waiting(stores, service, frozen=state.state is State.FROZEN)
    return {
        **describe_window(window, state, now),
        "service": service.name,
        "counts": totals and totals.everything,
        "authorities": totals and totals.authorities,
        "trusts": totals and totals.trusts,
        "found": len(found) if totals else None,
        "schools": page,
        "cursor": page[-1]["school"] if len(found) > len(page) else None,
        "waiting": waiting[:MOST_WAITING],
        "waiting_in_all": len(waiting),
        "manifest": {"key": state.manifest_key, "version": state.manifest_version, "sha256": state.manifest_sha256},
    }


class _Board:
    """How schools stand in one window."""

    def __init__(self, stores: Stores, service: str, window: int) -> None:
        self._stores = stores
        self._service = service
        self._window = window
        self.tried: dict[str, str] = {}  # by school: the latest file with errors, where none counts
        marks = list(stores.table.query(keys.state(service, window).pk))
        # What stands beside the sealed rows: stragglers that operators let in, by school, and files deleted since the
        # freeze.
        self._added = {row["sk"].removeprefix("ADDED#"): row for row in marks if row["sk"].startswith("ADDED#")}
        self._gone = {row["upload_id"] for row in marks if row["sk"].startswith("REMOVED#")}
        # A school without a file in this window is frozen with its earlier one: nobody need chase it.
        self._earlier = _Board(stores, service, window - 1) if window > 1 else None

    def lines(self, schools: Iterable[Item]) -> Iterator[answers.SchoolOnBoard]:
        """The lines of schools in order of their numbers.

        A local authority is read only when its schools are needed.
        """
        for authority, group in groupby(schools, key=lambda row: authority_of(row["school"])):
            yield from self._authority(authority, list(group))

    def all_lines(self, schools: list[Item]) -> list[answers.SchoolOnBoard]:
        """The lines of schools in order of their numbers, with many local authorities read at once."""
        groups = [(name, list(group)) for name, group in groupby(schools, key=lambda row: authority_of(row["school"]))]
        with ThreadPoolExecutor(_QUERIES) as pool:
            return list(chain.from_iterable(pool.map(lambda group: self._authority(*group), groups)))

    def _authority(self, authority: str, schools: list[Item]) -> list[answers.SchoolOnBoard]:
        partition = keys.window_partition(self._service, self._window, authority)
        rows = {row["sk"].removeprefix("SCHOOL#"): row for row in self._stores.table.query(partition)}
        earlier = self._earlier._authority(authority, schools) if self._earlier else [None] * len(schools)
        return [self._line(row, rows.get(row["school"]), line) for row, line in zip(schools, earlier, strict=True)]

    def _line(self, school: Item, row: Item | None, earlier: answers.SchoolOnBoard | None) -> answers.SchoolOnBoard:
        number = str(school["school"])
        if row and "tried" in row:
            self.tried[number] = row["tried"]
        register = register_from_item(keys.window_register(self._service, self._window, number), row)
        stands = standing(self._window, register, row, self._added.get(number), self._gone)
        return {
            "school": number,
            "name": str(school.get("name", "")),
            "authority": authority_of(number),
            "trust": school.get("trust"),
            "standing": "submitted" if stands.upload else "only-errors" if row and "tried" in row else "nothing",
            "upload_id": stands.upload,
            "received": stands.facts.get("received") if stands.upload else None,
            "carried_from": stands.carried_from if stands.upload else None,
            "carries_on": None if stands.upload or stands.sealed else self._carries_on(earlier),
        }

    def _carries_on(self, earlier: answers.SchoolOnBoard | None) -> int | None:
        """The window whose file a school is frozen with if it uploads nothing in this one."""
        if earlier is None:
            return None
        if earlier["upload_id"]:
            return earlier["carried_from"] or self._window - 1
        return earlier["carries_on"]


def _may_be_wanted(school: Mapping[str, object], query: BoardQuery) -> bool:
    """Whether the query asks for a school, as far as that can be decided without its register."""
    number, name = str(school["school"]), str(school.get("name", ""))
    return (
        query.authority in (None, authority_of(number))
        and query.trust in (None, school.get("trust") or NO_TRUST)
        and (query.find is None or query.find.casefold() in f"{number} {name}".casefold())
    )


def _wanted(line: answers.SchoolOnBoard, query: BoardQuery) -> bool:
    return _may_be_wanted(line, query) and (query.standing is None or line["standing"] in query.standing.split(","))


def _is_named(line: answers.SchoolOnBoard, board: _Board, query: BoardQuery) -> bool:
    """Whether the query is the reference of the school's file that counts, or of its latest one with errors."""
    named = read_reference(query.find or "")
    files = (line["upload_id"], board.tried.get(line["school"]))
    return named is not None and named in (reference_of(file) for file in files if file)


class _Totals(NamedTuple):
    everything: answers.Standings
    authorities: list[answers.AuthorityStandings]
    trusts: list[answers.TrustStandings]


def _totals(stores: Stores, lines: list[answers.SchoolOnBoard]) -> _Totals:
    everything = _nobody()
    authorities: dict[str, answers.Standings] = {}
    trusts: dict[str, answers.Standings] = {}
    for line in lines:
        for tally in (
            everything,
            authorities.setdefault(line["authority"], _nobody()),
            trusts.setdefault(line["trust"] or "", _nobody()),
        ):
            tally[line["standing"]] += 1
    names = stores.table.get_many(keys.trust(name) for name in trusts if name)
    return _Totals(
        everything,
        [{"authority": name, **authorities[name]} for name in sorted(authorities)],
        [
            {"trust": name or None, "name": str(names.get(keys.trust(name), {}).get("name", "")), **trusts[name]}
            for name in sorted(trusts)
        ],
    )


def _nobody() -> answers.Standings:
    return {"submitted": 0, "only-errors": 0, "nothing": 0}


# What an operator may do about a held upload, by why it is held: the commands, with its id in place of "{}".
_COMMANDS: dict[str, tuple[str, ...]] = {
    Held.PARKED: ("early-results retry {}", "early-results settle {}"),
    Held.STRAGGLER: ("early-results settle {} --admit", "early-results settle {} --refuse"),
    Held.ADMITTING: ("early-results settle {} --admit",),
}


def _waiting(stores: Stores, service: Service, *, frozen: bool) -> list[answers.Waiting]:
    """The uploads that are not settled, oldest first: what a freeze would wait for, and what waits for an operator.

    Once a window is `frozen` only the latter.
    """
    unsettled = set(unsettled_ids(stores, service.name))
    held = {str(row["order"]) for row in stores.table.query(held_partition(service.name), index="unsettled")}
    wanted = [keys.upload(upload_id) for upload_id in sorted(unsettled | held)]
    found = stores.table.get_many(wanted)
    return [
        {
            **named_upload(found[key]["upload_id"]),
            "commands": [
                words.format(found[key]["upload_id"]) for words in _COMMANDS.get(found[key].get("held", ""), ())
            ],
            "school": found[key].get("school"),
            "status": found[key]["status"],
            "held": found[key].get("held"),
            "issued": found[key]["issued"],
        }
        for key in wanted
        if key in found
        and "unsettled" in found[key]
        and ("received" in found[key] or "held" in found[key])
        and (not frozen or found[key].get("held"))
    ]
