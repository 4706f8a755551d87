"""A file's summary: the counts that every figure of a report adds up from, and nothing about any one pupil.

The check writes it when it accepts a file, as one small item of the table. It is read to build the school's report and
to add up the national figures. Since it holds only counts, the summary of two files together is the sum of their
summaries, in any order.

Pupils are counted once by gender and once by term of birth. Both ways must give the same totals. `Summary.from_json`
checks that, and refuses a summary that was cut short or mixed up. If a service takes several year groups in one file,
there are counts for each year group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from early_results.canonical import sha256_of
from early_results.results import PupilResults
from early_results.service import Column, Combined, ResultCode, Service

Key = tuple[str, ...]

GENDERS = ("female", "male", "gender-unknown")
TERMS = ("autumn", "spring", "summer", "term-unknown")
ALL = "all"
OTHER_YEAR = "other"  # for pupils of any other year group, if the service takes several

# A management information system gives the word or the letter. Anything else is counted as not recorded, never guessed.
_GENDER_WORDS = {"f": "female", "female": "female", "girl": "female", "m": "male", "male": "male", "boy": "male"}

# In the table of codes against numbers: the key for a pupil who has one of the two and not the other.
NONE = "none"
BELOW, EXPECTED, HIGH = "below", "expected", "high"
BANDS = (BELOW, EXPECTED, HIGH, NONE)


class BadSummary(ValueError):
    """A stored text is no summary, or two summaries cannot be added. The message names the place, never a value."""


@dataclass(frozen=True)
class Summary:
    """Counts of pupils by key, zeros left out. Made by `summarise`, `add` and `from_json`; never changed.

    Keys begin with a group (one of GENDERS or TERMS; where a service takes several year groups, with the year before
    it: `1/female`), then: `pupils` · `empty` (no result of any kind) · `code, column, code` · `score, column, score` ·
    `<combined measure>, complete | met | higher` · `band, subject, code, band`, where a blank code or score is `none`.
    A column that takes a number or a code counts under `score` or `code`.
    `rulesets` names every ruleset that judged the files, sorted. Files that were judged before and after a correction
    of the rules can be added up all the same.
    """

    service: str
    rulesets: tuple[str, ...]
    counts: Mapping[Key, int]

    @cached_property
    def totals(self) -> Mapping[Key, int]:
        """The counts of all pupils, by year group ("" if the service takes only one) and key."""
        return self._totals(GENDERS)

    def _totals(self, partition: tuple[str, ...]) -> Mapping[Key, int]:
        totals: Counter[Key] = Counter()
        for (group, *rest), count in self.counts.items():
            year, _, kind = group.rpartition("/")
            if kind in partition:
                totals[(year, *rest)] += count
        return totals

    def count(self, group: str, *key: str, year: str = "") -> int:
        """How many pupils of a group (or of `all`) of a year group have that key; 0 if none has."""
        if group == ALL:
            return self.totals.get((year, *key), 0)
        return self.counts.get((f"{year}/{group}" if year else group, *key), 0)

    @property
    def pupils(self) -> int:
        """How many pupils there are, of all year groups."""
        return sum(count for (_, *key), count in self.totals.items() if key == ["pupils"])

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary of strings and whole numbers. A one-form school's is some 4 KB, a nation's 15 KB."""
        groups: dict[str, Any] = {}
        for key in sorted(self.counts):
            place = groups
            for part in key[:-1]:
                place = place.setdefault(part, {})
            place[key[-1]] = self.counts[key]
        return {"service": self.service, "rulesets": list(self.rulesets), "groups": groups}

    @classmethod
    def from_json(cls, data: Any) -> Summary:
        """The summary that `to_json` gave. BadSummary if it is not one."""
        if not isinstance(data, dict) or set(data) != {"service", "rulesets", "groups"}:
            raise BadSummary("a summary has a service, rulesets and groups")
        service, rulesets, groups = data["service"], data["rulesets"], data["groups"]
        if not isinstance(service, str) or not isinstance(groups, dict):
            raise BadSummary("a summary's service is text and its groups are a map")
        if not isinstance(rulesets, list) or not all(isinstance(r, str) for r in rulesets):
            raise BadSummary("a summary's rulesets are a list of names")
        if not {group.rpartition("/")[2] for group in groups} <= {*GENDERS, *TERMS}:
            raise BadSummary("a summary counts by gender and by term of birth only")
        summary = cls(service, tuple(sorted(set(rulesets))), dict(_leaves(groups, ())))
        if summary._totals(TERMS) != summary.totals:
            raise BadSummary("a summary's counts by gender and by term of birth do not add up to the same totals")
        return summary

    @property
    def sha256(self) -> str:
        """The hash of the summary's canonical JSON: equal counts, equal hash."""
        return sha256_of(self.to_json())


# The sum of no summaries: no service, no pupils.
EMPTY = Summary("", (), {})


def summarise(service: Service, results: Sequence[PupilResults]) -> Summary:
    """The summary of one school's checked results. Without results it has no counts.

    ValueError, naming the column alone, if a code or score is not one the service accepts: only results that passed
    the checks may be counted.
    """
    counts: Counter[Key] = Counter()
    plan = _Plan(
        columns={column.key: column for column in service.results},
        codes={code.code: code for code in service.codes},
        combined=service.combined,
        paired=paired(service),
    )
    for result in results:
        keys = _keys(plan, result)
        year = year_of(service, result.pupil.nc_year)
        for kind in (gender_of(result.pupil.gender), term_of(result.pupil.birth_date)):
            group = f"{year}/{kind}" if year else kind
            counts.update((group, *key) for key in keys)
    return Summary(service.name, (service.ruleset,), dict(counts))


def add(summaries: Iterable[Summary]) -> Summary:
    """The sum of summaries of one service, in any order; EMPTY if there are none. BadSummary if services differ."""
    service = ""
    rulesets: set[str] = set()
    counts: dict[Key, int] = {}
    for summary in summaries:
        if summary.service and service and summary.service != service:
            raise BadSummary(f"a summary of {summary.service} cannot be added to one of {service}")
        service = service or summary.service
        rulesets.update(summary.rulesets)
        for key, count in summary.counts.items():
            counts[key] = counts.get(key, 0) + count
    return Summary(service, tuple(sorted(rulesets)), counts)


def gender_of(gender: str) -> str:
    """The group of a gender as a school's system writes it: `Female`, `f` and `girl` are the same."""
    return _GENDER_WORDS.get(gender.strip().casefold(), "gender-unknown")


def term_of(born: date | None) -> str:
    """The term of birth as the national statistics have it: autumn is September to December, spring January to April.

    The month alone decides, so a pupil taught out of their age group is counted with the term they were born in.
    """
    if born is None:
        return "term-unknown"
    if born.month >= 9:
        return "autumn"
    return "spring" if born.month <= 4 else "summer"


def year_of(service: Service, nc_year: str) -> str:
    """The year group that a pupil is counted in: `1` for `1`, `Y1`, `01` and `Year 1`; OTHER_YEAR for another.

    "" if the service takes one year group. Then all its pupils are counted together, also those who are taught with an
    older or a younger class.
    """
    if len(service.year_groups) == 1:
        return ""
    written = year_key(nc_year)
    return next((group.nc_year for group in service.year_groups if year_key(group.nc_year) == written), OTHER_YEAR)


def year_key(nc_year: str) -> str:
    """A year group as it is compared, however a school's system writes it."""
    text = "".join(nc_year.split()).casefold()
    text = text.removeprefix("year").removeprefix("y")
    return "0" if text in ("r", "reception") else text.lstrip("0") or "0"


def band_of(column: Column, score: int | None) -> str:
    """The band of a number in a column with both thresholds: below the standard, expected, high, or none."""
    if score is None:
        return NONE
    if column.higher is not None and score >= column.higher:
        return HIGH
    return EXPECTED if column.expected is not None and score >= column.expected else BELOW


def paired(service: Service) -> tuple[tuple[Column, Column], ...]:
    """The subjects that have both: (column of codes, column of numbers), in the order of the service file."""
    return tuple((service.column(pair.codes), service.column(pair.numbers)) for pair in service.pairs)


class _Plan(NamedTuple):
    """The facts of a service that counting looks up for each pupil, worked out once."""

    columns: Mapping[str, Column]
    codes: Mapping[str, ResultCode]
    combined: tuple[Combined, ...]
    paired: tuple[tuple[Column, Column], ...]


def _keys(plan: _Plan, result: PupilResults) -> list[Key]:
    keys: list[Key] = [("pupils",)]
    if not result.assessments and not result.scores:
        keys.append(("empty",))
    for key, code in result.assessments.items():
        column = plan.columns.get(key)
        if column is None or code not in column.codes:
            raise ValueError(f"{key}: a code that the service does not accept was to be counted")
        keys.append(("code", key, code))
    for key, score in result.scores.items():
        column = plan.columns.get(key)
        if column is None or not column.has_numbers or not column.minimum <= score <= column.maximum:
            raise ValueError(f"{key}: a score that the service does not accept was to be counted")
        keys.append(("score", key, str(score)))
    for measure in plan.combined:
        keys += [(measure.key, reached) for reached in _reached(plan, measure, result)]
    for codes, numbers in plan.paired:
        assessed, scored = result.assessments.get(codes.key), result.scores.get(numbers.key)
        if assessed is not None or scored is not None:
            keys.append(("band", codes.subject, assessed or NONE, band_of(numbers, scored)))
    return keys


def _reached(plan: _Plan, measure: Combined, result: PupilResults) -> list[str]:
    """What a pupil counts as in a combined measure: complete, met, higher.

    Nothing, unless the pupil has a result in every part and no code that takes the pupil out of the cohort.
    """
    met = higher = True
    for key in measure.parts:
        column = plan.columns[key]
        score, written = result.scores.get(key), result.assessments.get(key)
        if score is not None:
            met = met and column.expected is not None and score >= column.expected
            higher = higher and column.higher is not None and score >= column.higher
        elif written is not None:
            code = plan.codes[written]
            if not code.counted:
                return []
            met, higher = met and code.met, higher and code.higher
        else:
            return []
    return ["complete"] + ["met"] * met + ["higher"] * higher


def _leaves(place: Mapping[Any, Any], path: Key) -> Iterable[tuple[Key, int]]:
    for part, inner in place.items():
        if not isinstance(part, str):
            raise BadSummary("a summary's keys are text")
        if isinstance(inner, dict):
            yield from _leaves(inner, (*path, part))
        elif isinstance(inner, int) and not isinstance(inner, bool) and inner > 0 and path:
            yield (*path, part), inner
        else:
            raise BadSummary(f"a summary's counts are whole numbers above 0: {'/'.join((*path, part))}")
