"""A school's own figures as counts, for programs: of all its pupils, and by gender and by term of birth.

Everything is a number of pupils, so that whoever reads it rounds and divides as they wish. Nothing of other schools is
in it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..service import Column, ResultCode, Service
from .disclosure import LEAST_GROUP
from .summary import ALL, GENDERS, TERMS, Summary

CSV_COLUMNS = (
    "service",
    "window",
    "school",
    "la",
    "upload_id",
    "received_utc",
    "carried_from",
    "ruleset",
    "year",
    "group",
    "measure",
    "key",
    "value",
    "pupils",
)


class Measured(NamedTuple):
    """Pupils of a column or a combined measure. `cohort` are those that a share is of.

    `expected` and `higher` reach that standard; None where there is no such standard. `counts` has each code and number
    that somebody has.
    """

    cohort: int
    expected: int | None
    higher: int | None
    counts: Mapping[str, int] | None = None


class Group(NamedTuple):
    """A group of pupils. `year` is "" where the service takes one year group."""

    year: str
    group: str
    pupils: int
    empty: int
    columns: Mapping[str, Measured]
    combined: Mapping[str, Measured]


def counted_groups(service: Service, summary: Summary, *, small: bool) -> tuple[list[Group], list[str]]:
    """The groups of a school's summary, and which partings are hidden: `gender`, `term`.

    Unless `small`, a parting with a group of 1 to 10 pupils is left out as a whole: what is left of all pupils would
    tell the group that is hidden.
    """
    years = sorted({year for year, *_ in summary.totals})
    found = [_group(service, summary, year, ALL) for year in years]
    hidden = []
    for parting, names in (("gender", GENDERS), ("term", TERMS)):
        groups = [_group(service, summary, year, name) for year in years for name in names]
        if not small and any(0 < group.pupils < LEAST_GROUP for group in groups):
            hidden.append(parting)
        else:
            found += [group for group in groups if group.pupils]
    order = (ALL, *GENDERS, *TERMS)
    return sorted(found, key=lambda group: (group.year, order.index(group.group))), hidden


def _group(service: Service, summary: Summary, year: str, group: str) -> Group:
    def count(*key: str) -> int:
        return summary.count(group, *key, year=year)

    combined = {
        one.key: Measured(count(one.key, "complete"), count(one.key, "met"), count(one.key, "higher"))
        for one in service.combined
    }
    columns = {column.key: _column(service, column, count) for column in service.results}
    return Group(year, group, count("pupils"), count("empty"), columns, combined)


def _column(service: Service, column: Column, count: Callable[..., int]) -> Measured:
    codes = [(service.code(code), count("code", column.key, code)) for code in column.codes]
    span = range(column.minimum, column.maximum + 1) if column.has_numbers else ()
    numbers = [(number, count("score", column.key, str(number))) for number in span]

    def reached(least: int | None, of: list[bool]) -> int | None:
        """How many reach a standard, by a code or by a number; None where neither can."""
        if least is None and not any(of):
            return None
        by_code = sum(pupils for (_, pupils), reaches in zip(codes, of, strict=True) if reaches)
        return by_code + sum(pupils for number, pupils in numbers if least is not None and number >= least)

    return Measured(
        sum(pupils for code, pupils in codes if code.counted) + sum(pupils for _, pupils in numbers),
        reached(column.expected, [code.met for code, _ in codes]),
        reached(column.higher, [code.higher for code, _ in codes]),
        {name: pupils for name, pupils in _named(codes, numbers) if pupils},
    )


def _named(codes: Iterable[tuple[ResultCode, int]], numbers: Iterable[tuple[int, int]]) -> Iterator[tuple[str, int]]:
    yield from ((code.code, pupils) for code, pupils in codes)
    yield from ((str(number), pupils) for number, pupils in numbers)


def long_rows(groups: Iterable[Group]) -> Iterator[tuple[str, str, str, str, str, int]]:
    """The groups as rows: year, group, measure, key of the column or combined measure, value, pupils.

    Measures are `pupils`, `empty`, `cohort`, `expected`, `higher` and, with a code or number as `value`, `result`.
    """
    for group in groups:
        place = (group.year, group.group)
        yield (*place, "pupils", "", "", group.pupils)
        yield (*place, "empty", "", "", group.empty)
        for key, found in (*group.columns.items(), *group.combined.items()):
            for measure, pupils in (("cohort", found.cohort), ("expected", found.expected), ("higher", found.higher)):
                if pupils is not None:
                    yield (*place, measure, key, "", pupils)
            for value, pupils in (found.counts or {}).items():
                yield (*place, "result", key, value, pupils)


def long_csv(schools: Iterable[tuple[Sequence[str], Iterable[Group]]]) -> str:
    """The groups of schools as one long CSV. Before each of a school's rows stands what is given with its groups."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for before, groups in schools:
        writer.writerows((*before, *row) for row in long_rows(groups))
    return out.getvalue()
