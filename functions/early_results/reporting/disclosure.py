"""Which figures of all schools may be shown: none from which another school's child could be told.

With two schools, 8 of 29 beside "32%" can only be 10 of 31: two other children are told. So a figure of several schools
is shown only above a floor, and a group that is hidden must not come out of the others by subtraction. The rules and
what they cost are in docs/decisions/0003-denominators.md; the thresholds are ours.

Everything here errs towards hiding: what a union of hidden groups holds is bounded, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

LEAST_SCHOOLS = 10  # that took part, and as many again that remain outside the reader's own organisation
LEAST_PUPILS = 300
LEAST_GROUP = 11  # pupils of a school's own group, in the copy that is shown to others


class Cell(NamedTuple):
    """Who stands behind a figure: schools with a pupil in it, pupils, and those of its largest organisation.

    An organisation is a trust, or a school that is in none.
    """

    schools: int
    pupils: int
    largest: int


class Why(StrEnum):
    """Why a figure of all schools is not shown."""

    NOT_COUNTED = "not-counted"  # the window was frozen before it was counted who took part
    OTHER_FILE = "other-file"  # what the sum has of this school is another file than the report's, and is gone
    FEW_SCHOOLS = "few-schools"
    FEW_PUPILS = "few-pupils"
    ONE_LARGE = "one-large"
    FEW_OUTSIDE = "few-outside"
    SUBTRACTION = "subtraction"


def refusal(cell: Cell, own_schools: int) -> Why | None:
    """Why a figure may not be shown to a reader whose organisation has `own_schools` schools; None if it may."""
    if cell.schools < LEAST_SCHOOLS:
        return Why.FEW_SCHOOLS
    if cell.pupils < LEAST_PUPILS:
        return Why.FEW_PUPILS
    if 2 * cell.largest > cell.pupils:
        return Why.ONE_LARGE
    if cell.schools - own_schools < LEAST_SCHOOLS:
        return Why.FEW_OUTSIDE
    return None


def hidden(whole: Cell, parts: Iterable[Mapping[str, Cell]], own_schools: int) -> dict[str, Why]:
    """Which groups of one figure are hidden, and why; the key "" stands for the whole.

    `parts` are the ways in which the whole is parted into groups: each of `parts` adds up to it. What remains of the
    whole when the shown groups of one parting are taken away is nobody, or may itself be shown: until then one more
    group is hidden, the smallest first.
    """
    parts = [dict(groups) for groups in parts]
    why = refusal(whole, own_schools)
    if why:
        return {"": why} | {name: why for groups in parts for name in groups}
    found: dict[str, Why] = {}
    for groups in parts:
        for name, cell in groups.items():
            refused = refusal(cell, own_schools) if cell.pupils else None
            if refused:
                found[name] = refused
        shown = sorted((cell.pupils, name) for name, cell in groups.items() if name not in found)
        while shown and not _bears_subtraction(whole, groups, found, own_schools):
            found[shown.pop(0)[1]] = Why.SUBTRACTION
    return found


def _bears_subtraction(whole: Cell, groups: Mapping[str, Cell], found: Mapping[str, Why], own_schools: int) -> bool:
    """Whether what the hidden groups of a parting come to together may be told, as subtraction tells it."""
    left = [cell for name, cell in groups.items() if name in found]
    rest = Cell(
        max((cell.schools for cell in left), default=0),  # at least
        whole.pupils - sum(cell.pupils for name, cell in groups.items() if name not in found),
        min(whole.largest, sum(cell.largest for cell in left)),  # at most
    )
    return rest.pupils == 0 or refusal(rest, own_schools) is None


def small_groups(parts: Iterable[Mapping[str, int]]) -> frozenset[str]:
    """The groups of one school that its governors' copy leaves out: fewer than LEAST_GROUP pupils, or needed to guard
    one that has fewer.

    `parts` are the ways in which all pupils are parted into groups, by the number of pupils.
    """
    gone: set[str] = set()
    for groups in parts:
        small = {name for name, pupils in groups.items() if 0 < pupils < LEAST_GROUP}
        shown = sorted((pupils, name) for name, pupils in groups.items() if pupils and name not in small)
        while shown and 0 < sum(groups[name] for name in small) < LEAST_GROUP:
            small.add(shown.pop(0)[1])
        gone |= small
    return frozenset(gone)
