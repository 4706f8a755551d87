"""All schools that took part in a window: their sum, who stands behind each figure, and how the schools spread.

It is counted once, when the window is frozen, and never again. `disclosure.py` decides from the cells what of the sum
may be shown; the cuts of a spread are some school's own figure each, and come with a cell of their own.

A figure's base is the pupils it is a share of: a column's or a combined measure's cohort under its key, the pupils with
a number under `<key>/number`, those in a table of codes by numbers under `<codes>/numbers`, and all pupils, `pupils`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from early_results.canonical import sha256_of
from early_results.reporting.disclosure import LEAST_GROUP, Cell
from early_results.reporting.summary import (
    ALL,
    GENDERS,
    OTHER_YEAR,
    TERMS,
    BadSummary,
    Key,
    Summary,
    add,
    paired,
)
from early_results.service import Service

PUPILS = "pupils"  # the base of all pupils
FIFTHS = (20, 40, 60, 80)
QUARTERS = (25, 75)
CUTS = tuple(sorted((*FIFTHS, *QUARTERS)))  # per cent of the schools, lowest first
_FINE = 10**14  # tells any two different shares of fewer than ten million pupils apart


def number_base(column: str) -> str:
    """The base of a column's pupils with a number."""
    return f"{column}/number"


def crossing_base(codes: str) -> str:
    """The base of a table of codes by numbers, by the key of the codes' column."""
    return f"{codes}/numbers"


class Spread(NamedTuple):
    """How the figures of schools with LEAST_GROUP pupils or more spread: the figure that each of CUTS falls on."""

    cell: Cell
    cuts: tuple[tuple[int, int], ...]

    def fifth(self, count: int, of: int) -> int:
        """In which fifth a school with this figure stands, 1 the lowest, 5 the highest."""
        limits = [cut for at, cut in zip(CUTS, self.cuts, strict=True) if at in FIFTHS]
        return 1 + sum(count * under > over * of for over, under in limits)

    @property
    def middle(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The middle half: the figures at a quarter and at three quarters of the schools."""
        lower, upper = (cut for at, cut in zip(CUTS, self.cuts, strict=True) if at in QUARTERS)
        return lower, upper


Place = tuple[str, str, str]  # year, group, base


@dataclass(frozen=True, slots=True)
class Taking:
    """Who took part. `trusts` are the schools of each trust that sent a file, as it was at the freeze.

    `cells` are by year ("" where there is but one), group and base; `spreads`, of all pupils, by year and measure.
    """

    trusts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cells: Mapping[Place, Cell] = field(default_factory=dict)
    spreads: Mapping[tuple[str, str], Spread] = field(default_factory=dict)

    def beside(self, school: str) -> frozenset[str]:
        """The schools of a school's own organisation, itself among them."""
        for schools in self.trusts.values():
            if school in schools:
                return frozenset(schools)
        return frozenset((school,))

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        cells: dict[str, Any] = {}
        for (year, group, base), cell in sorted(self.cells.items()):
            cells.setdefault(year, {}).setdefault(group, {})[base] = list(cell)
        spreads: dict[str, Any] = {}
        for (year, measure), spread in sorted(self.spreads.items()):
            told = {"who": list(spread.cell), "cuts": [list(cut) for cut in spread.cuts]}
            spreads.setdefault(year, {})[measure] = told
        return {
            "trusts": {name: list(s) for name, s in sorted(self.trusts.items())},
            "cells": cells,
            "spreads": spreads,
        }

    @classmethod
    def from_json(cls, data: Any) -> Taking:
        """What `to_json` gave. BadSummary if it is not that."""
        try:
            return cls(
                {str(name): tuple(map(str, schools)) for name, schools in data["trusts"].items()},
                {
                    (year, group, base): Cell(*map(int, cell))
                    for year, groups in data["cells"].items()
                    for group, bases in groups.items()
                    for base, cell in bases.items()
                },
                {
                    (year, measure): Spread(
                        Cell(*map(int, told["who"])), tuple((int(over), int(under)) for over, under in told["cuts"])
                    )
                    for year, measures in data["spreads"].items()
                    for measure, told in measures.items()
                },
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadSummary("who took part is told by trusts, cells and spreads") from error


@dataclass(frozen=True, slots=True)
class National:
    """Every sealed file of a window added up, how many schools that was, and who took part.

    `taking` is None in a window that was frozen before it was counted: nothing of it is shown beside a school then.
    """

    summary: Summary
    schools: int
    taking: Taking | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is stored and hashed."""
        told = {"schools": self.schools, "summary": self.summary.to_json()}
        return told if self.taking is None else {**told, "taking": self.taking.to_json()}

    @classmethod
    def from_json(cls, data: Any) -> National:
        """What `to_json` gave. BadSummary if it is not that."""
        if not isinstance(data, dict) or set(data) - {"taking"} != {"schools", "summary"}:
            raise BadSummary("the figures of all schools have a number of schools and a summary")
        schools = data["schools"]
        if not isinstance(schools, int) or isinstance(schools, bool) or schools < 0:
            raise BadSummary("the number of schools is a whole number")
        taking = Taking.from_json(data["taking"]) if "taking" in data else None
        return cls(Summary.from_json(data["summary"]), schools, taking)

    @property
    def sha256(self) -> str:
        """The hash of the figures of all schools, as reports and the window's state name it."""
        return sha256_of(self.to_json())


def national(service: Service, files: Iterable[tuple[str, Summary]], trusts: Mapping[str, str]) -> National:
    """The figures of all schools, from the school and the summary of every sealed file, one a school.

    `trusts` has the trust of each school that is in one. BadSummary if services differ.
    """
    gatherer = _Gatherer(service, trusts)

    def counted() -> Iterable[Summary]:
        for school, summary in files:
            gatherer.take(school, summary)
            yield summary

    total = add(counted())
    return National(total, gatherer.schools, gatherer.taking())


class _Gatherer:
    """Counts who took part, one school at a time: 17,000 of them, so each key is looked up once and remembered."""

    def __init__(self, service: Service, trusts: Mapping[str, str]) -> None:
        self.schools = 0
        self.trusts = trusts
        self.members: dict[str, list[str]] = {}
        self.bases = _bases(service)
        self.measures = measures_of(service)
        self.places: dict[Place, int] = {}
        self.spots: dict[tuple[str, str], int] = {}
        self.known: dict[Key, tuple[tuple[int, ...], tuple[tuple[int, int, int], ...]]] = {}
        self.cells: list[list[int]] = []  # schools, pupils, the largest organisation's
        self.of_trusts: dict[str, Counter[int]] = {}
        self.spread: list[list[tuple[int, int, int, str]]] = []

    def take(self, school: str, summary: Summary) -> None:
        self.schools += 1
        trust = self.trusts.get(school, "")
        if trust:
            self.members.setdefault(trust, []).append(school)
        pupils: dict[int, int] = {}
        figures: dict[int, list[int]] = {}
        for key, count in summary.counts.items():
            known = self.known.get(key)
            if known is None:
                known = self.known[key] = self._look_up(key)
            for place in known[0]:
                pupils[place] = pupils.get(place, 0) + count
            for spot, over, under in known[1]:
                figure = figures.setdefault(spot, [0, 0])
                figure[0] += over * count
                figure[1] += under * count
        together = self.of_trusts.setdefault(trust, Counter()) if trust else Counter[int]()
        for place, number in pupils.items():
            together[place] += number
            cell = self.cells[place]
            cell[0] += 1
            cell[1] += number
            cell[2] = max(cell[2], together[place])
        for spot, (over, under) in figures.items():
            if under >= LEAST_GROUP:
                self.spread[spot].append((over * _FINE // under, over, under, trust or school))

    def _look_up(self, key: Key) -> tuple[tuple[int, ...], tuple[tuple[int, int, int], ...]]:
        """Which cells a key of a summary adds to, and which figures of the spreads, with what weight."""
        kind, rest = key[0], key[1:]
        year, _, group = kind.rpartition("/")
        groups = (group, ALL) if group in GENDERS else (group,)
        places = tuple(
            self._place(self.places, (year, among, base), self.cells, [0, 0, 0])
            for base in self.bases.get(rest, ())
            for among in groups
        )
        if group not in GENDERS:
            return places, ()
        return places, tuple(
            (self._place(self.spots, (year, measure), self.spread, []), over, under)
            for measure, over, under in self.measures.get(rest, ())
        )

    @staticmethod
    def _place(known: dict[Any, int], name: Any, made: list[Any], new: Any) -> int:
        if name not in known:
            known[name] = len(made)
            made.append(new)
        return known[name]

    def taking(self) -> Taking:
        return Taking(
            {name: tuple(sorted(schools)) for name, schools in self.members.items()},
            {place: Cell(*self.cells[at]) for place, at in self.places.items()},
            {spot: _spread(self.spread[at]) for spot, at in self.spots.items() if self.spread[at]},
        )


def _spread(schools: list[tuple[int, int, int, str]]) -> Spread:
    ordered = sorted(schools)
    organisations: Counter[str] = Counter()
    for _, _, under, organisation in ordered:
        organisations[organisation] += under
    cell = Cell(len(ordered), sum(organisations.values()), max(organisations.values()))
    # The school that the cut falls on: the first with so many per cent of the schools at or below it.
    at = [-(-cut * len(ordered) // 100) - 1 for cut in CUTS]
    return Spread(cell, tuple(ordered[place][1:3] for place in at))


def _bases(service: Service) -> dict[Key, tuple[str, ...]]:
    """The bases that each key of a summary, without its group, counts towards."""
    found: dict[Key, tuple[str, ...]] = {(PUPILS,): (PUPILS,)}
    for column in service.results:
        for code in column.codes:
            if service.code(code).counted:
                found["code", column.key, code] = (column.key,)
        if column.has_numbers:
            for number in range(column.minimum, column.maximum + 1):
                found["score", column.key, str(number)] = (column.key, number_base(column.key))
    for measure in service.combined:
        found[measure.key, "complete"] = (measure.key,)
    for codes, _ in paired(service):
        for code in (*codes.codes, "none"):
            for band in ("below", "expected", "high", "none"):
                found["band", codes.subject, code, band] = (crossing_base(codes.key),)
    return found


def measures_of(service: Service) -> dict[Key, tuple[tuple[str, int, int], ...]]:
    """The figures by which schools are set beside one another, and what each key adds: measure, over, under."""
    found: dict[Key, tuple[tuple[str, int, int], ...]] = {}
    for column in service.results:
        for name in column.codes:
            code = service.code(name)
            if code.counted and (column.kind == "code" or column.expected is not None):
                found["code", column.key, name] = ((column.key, int(code.met), 1),)
        if column.has_numbers:
            for number in range(column.minimum, column.maximum + 1):
                told = [(number_base(column.key), number, 1)]
                if column.expected is not None:
                    told.append((column.key, int(number >= column.expected), 1))
                found["score", column.key, str(number)] = tuple(told)
    for measure in service.combined:
        found[measure.key, "complete"] = ((measure.key, 0, 1),)
        found[measure.key, "met"] = ((measure.key, 1, 0),)
    return found


def partings(year_cells: Mapping[str, Cell]) -> tuple[dict[str, Cell], dict[str, Cell]]:
    """A base's cells by group, as the two ways in which all pupils are parted."""
    nobody = Cell(0, 0, 0)
    return (
        {group: year_cells.get(group, nobody) for group in GENDERS},
        {group: year_cells.get(group, nobody) for group in TERMS},
    )


__all__ = [
    "CUTS",
    "OTHER_YEAR",
    "PUPILS",
    "National",
    "Spread",
    "Taking",
    "crossing_base",
    "measures_of",
    "national",
    "number_base",
]
