"""A file's summary: the counts that every figure of a report adds up from, and nothing about any one pupil.

It is written once, when a file is accepted, kept as one small item, and read again to build the school's report and to
add up the national figures. A summary is only counts, so adding is all there is to it: the summary of two files
together is the sum of their summaries, in any order.

Pupils are counted once by gender and once by term of birth. The two partitions must agree in every total, which
`Summary.from_json` checks: a summary that was cut short or mixed up refuses to load.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from early_results.results import PupilResults
from early_results.service import Column, Service

Key = tuple[str, ...]

GENDERS = ("female", "male", "gender-unknown")
TERMS = ("autumn", "spring", "summer", "term-unknown")
ALL = "all"

# A management information system gives the word or the letter. Anything else is counted apart, never guessed.
_GENDER_WORDS = {"f": "female", "female": "female", "girl": "female", "m": "male", "male": "male", "boy": "male"}

# Where one of a pair is missing in the assessment by score table: the key of the blank assessment or the blank score.
NONE = "none"
BELOW, EXPECTED, HIGH = "below", "expected", "high"
BANDS = (BELOW, EXPECTED, HIGH, NONE)


class BadSummary(ValueError):
    """A stored summary that is not one, or two that cannot be added. The message names the place, never a value."""


def canonical(value: Any) -> str:
    """The one JSON text of a value: keys sorted, no spaces. What is stored and what is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(value: Any) -> str:
    """The SHA-256 of a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


@dataclass(frozen=True)
class Summary:
    """Counts of pupils by key, zeros left out. Made by `summarise`, `add` and `from_json`; never changed.

    Keys begin with a group (one of GENDERS or TERMS), then:
    `pupils` · `empty` (no result of any kind) · `code, column, code` · `score, column, score` ·
    `combined, complete | met | higher` · `band, subject, code, band`, where a blank code or score is `none`.
    `rulesets` names every ruleset that judged the files, sorted: a correction of the rules in mid-window must not
    keep a freeze from adding up.
    """

    service: str
    rulesets: tuple[str, ...]
    counts: Mapping[Key, int]

    @cached_property
    def totals(self) -> Mapping[Key, int]:
        """The counts of all pupils, by key without its group."""
        totals: Counter[Key] = Counter()
        for (group, *rest), count in self.counts.items():
            if group in GENDERS:
                totals[tuple(rest)] += count
        return totals

    def count(self, group: str, *key: str) -> int:
        """How many pupils of a group (or of `all`) have that key; 0 where nobody has."""
        if group == ALL:
            return self.totals.get(key, 0)
        return self.counts.get((group, *key), 0)

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
        if not set(groups) <= {*GENDERS, *TERMS}:
            raise BadSummary("a summary counts by gender and by term of birth only")
        summary = cls(service, tuple(sorted(set(rulesets))), dict(_leaves(groups, ())))
        by_term: Counter[Key] = Counter()
        for (group, *rest), count in summary.counts.items():
            if group in TERMS:
                by_term[tuple(rest)] += count
        if by_term != summary.totals:
            raise BadSummary("a summary's counts by gender and by term of birth do not add up to the same totals")
        return summary

    @property
    def sha256(self) -> str:
        """The hash of the summary's canonical JSON: equal counts, equal hash."""
        return sha256_of(self.to_json())


# What adding starts from: no service, no pupils.
EMPTY = Summary("", (), {})


def summarise(service: Service, results: Sequence[PupilResults]) -> Summary:
    """The summary of one school's checked results; of none, a summary without counts.

    ValueError, naming the column alone, if a code or score is not one the service accepts: only results that passed
    the checks may be counted.
    """
    counts: Counter[Key] = Counter()
    for result in results:
        keys = _keys(service, result)
        for group in (gender_of(result.pupil.gender), term_of(result.pupil.birth_date)):
            counts.update((group, *key) for key in keys)
    return Summary(service.name, (service.ruleset,), dict(counts))


def add(summaries: Iterable[Summary]) -> Summary:
    """The sum of summaries of one service, in any order and grouping; of none, EMPTY. BadSummary if services differ."""
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
    """The group of a gender as a school's system gives it: `Female`, `f` and `girl` are one."""
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


def band_of(service: Service, score: int | None) -> str:
    """The band of a scaled score: below the expected standard, expected, high, or none."""
    if score is None:
        return NONE
    if score >= service.score_high:
        return HIGH
    return EXPECTED if score >= service.score_expected else BELOW


def paired(service: Service) -> tuple[tuple[Column, Column], ...]:
    """The subjects with both: (assessment column, score column), in the order of the template."""
    scores = {column.subject: column for column in service.scores}
    return tuple((column, scores[column.subject]) for column in service.assessments if column.subject in scores)


def combined_columns(service: Service) -> tuple[Column, ...]:
    """The assessment columns of the combined measure. KeyError, naming the subject, if the service lacks one."""
    columns = {column.subject: column for column in service.assessments}
    return tuple(columns[subject] for subject in service.combined_subjects)


def _keys(service: Service, result: PupilResults) -> list[Key]:
    keys: list[Key] = [("pupils",)]
    if not result.assessments and not result.scores:
        keys.append(("empty",))
    accepted = {column.key: column.codes for column in service.assessments}
    for column, code in result.assessments.items():
        if code not in accepted.get(column, ()):
            raise ValueError(f"{column}: a code that {service.name} does not accept was to be counted")
        keys.append(("code", column, code))
    ranges = {column.key: range(column.minimum, column.maximum + 1) for column in service.scores}
    for column, score in result.scores.items():
        if score not in ranges.get(column, ()):
            raise ValueError(f"{column}: a score that {service.name} does not accept was to be counted")
        keys.append(("score", column, str(score)))
    together = [result.assessments.get(column.key) for column in combined_columns(service)]
    codes = [service.code(code) for code in together if code is not None]
    # A pupil counts in the combined measure with all its subjects given, as a code in one cannot stand for three.
    if codes and len(codes) == len(together):
        keys.append(("combined", "complete"))
        if all(code.met for code in codes):
            keys.append(("combined", "met"))
        if all(code.higher for code in codes):
            keys.append(("combined", "higher"))
    for assessment, score_column in paired(service):
        assessed, scored = result.assessments.get(assessment.key), result.scores.get(score_column.key)
        if assessed is not None or scored is not None:
            keys.append(("band", assessment.subject, assessed or NONE, band_of(service, scored)))
    return keys


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
