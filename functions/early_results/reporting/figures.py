"""The figures of a report: computed once, from a summary alone, for the workbook and the PDF alike.

Neither renderer computes anything, so they cannot disagree. Denominators are in docs/decisions/0003-denominators.md
and, in the reader's words, in `notes`.

Rounding, everywhere: half up, decided on whole numbers, never on floats. 1 of 8 is 13%, a mean of 101.25 is 101.3.
A percentage that rounds to 0 or 100 without being it is shown as `<1%` or `>99%`, and one of fewer than six pupils
says its count beside it: "67% (2 of 3)".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from unicodedata import category

from early_results.canonical import sha256_of
from early_results.reference import reference_of
from early_results.reporting.chance import against_rest, children, discoveries, marked
from early_results.reporting.disclosure import LEAST_GROUP, LEAST_PUPILS, LEAST_SCHOOLS, Cell, Why, hidden, refusal
from early_results.reporting.summary import (
    ALL,
    BANDS,
    EMPTY,
    GENDERS,
    NONE,
    OTHER_YEAR,
    TERMS,
    Summary,
    paired,
)
from early_results.reporting.taking import National, crossing_base, number_base, partings
from early_results.results import PupilResults
from early_results.service import Column, Service
from early_results.service import Words as Terms
from early_results.times import date_words, second_words

# Below this many pupils one child moves a percentage by about 20 points, so the count is shown beside it.
SMALL = 6

GROUP_LABELS = {
    ALL: "All pupils",
    "female": "Girls",
    "male": "Boys",
    "gender-unknown": "Gender not recorded",
    "autumn": "Autumn-born (September to December)",
    "spring": "Spring-born (January to April)",
    "summer": "Summer-born (May to August)",
    "term-unknown": "Date of birth not recorded",
}
_RARE = frozenset({"gender-unknown", "term-unknown"})

NO_FIGURE = "\N{EN DASH}"  # shown where there is nobody to count: 0 would be wrong, and nobody wants to read "null"


@dataclass(frozen=True, slots=True)
class Share:
    """`count` pupils `of` so many. `percent` is whole, rounded half up, and None if `of` is 0."""

    count: int
    of: int

    @property
    def percent(self) -> int | None:
        """The whole percentage, rounded half up."""
        return (200 * self.count + self.of) // (2 * self.of) if self.of else None

    @property
    def text(self) -> str:
        """As a reader sees it: `63%`, `<1%`, `67% (2 of 3)`, or a dash where there is nobody to count."""
        return self.shown + self.beside

    @property
    def shown(self) -> str:
        """The percentage alone, for places where the count stands beside it anyway."""
        if not self.of:
            return NO_FIGURE
        if self.percent == 0 and self.count:
            return "<1%"
        if self.percent == 100 and self.count < self.of:
            return ">99%"
        return f"{self.percent}%"

    @property
    def beside(self) -> str:
        """The count to show beside a percentage of few pupils. Empty for six pupils and more."""
        return f" ({self.count} of {self.of})" if 0 < self.of < SMALL else ""


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of `number` numbers that add up to `total`."""

    total: int
    number: int

    @property
    def tenths(self) -> int | None:
        """The mean in tenths, rounded half up. None if there are no scores."""
        return (20 * self.total + self.number) // (2 * self.number) if self.number else None

    @property
    def text(self) -> str:
        """One decimal: `101.3`, or a dash where there are no scores."""
        return NO_FIGURE if self.tenths is None else f"{self.tenths // 10}.{self.tenths % 10}"


@dataclass(frozen=True, slots=True)
class CodeCount:
    """A code and its share of the pupils with a result in the subject."""

    code: str
    meaning: str
    share: Share


@dataclass(frozen=True, slots=True)
class Assessment:
    """The codes of one subject, or a measure of several subjects combined, which has no codes.

    `assessed` are the pupils in the cohort: those with a result, less the `out` whose code takes them out of it.
    `higher` is None if the service has no higher standard here. `of_numbers` says that a part of a combined measure is
    a number. `reachable` says that one of the codes reaches the standard. Some columns have none that does, such as
    those for pupils who could not take a test: of these the codes are told, and no share.
    """

    key: str
    name: str
    heading: str
    assessed: int
    out: int
    blank: int
    expected: Share
    higher: Share | None
    codes: tuple[CodeCount, ...]
    of_numbers: bool = False
    reachable: bool = True


@dataclass(frozen=True, slots=True)
class ScoreCount:
    """How many pupils have one number."""

    score: int
    share: Share


@dataclass(frozen=True, slots=True)
class Scores:
    """The numbers of one subject. `distribution` has every number from lowest to highest, also those that nobody has.

    `number` pupils have a number, and the mean is theirs. If the column takes codes as well, `codes` counts them, and
    `assessed` includes the pupils whose code stays in the cohort. The shares are of `assessed`; a share is None if the
    service has no such threshold. `expected_at` and `high_at` are the thresholds.
    """

    key: str
    name: str
    heading: str
    number: int
    assessed: int
    out: int
    blank: int
    mean: Mean
    expected_at: int | None
    high_at: int | None
    expected: Share | None
    high: Share | None
    high_name: str
    distribution: tuple[ScoreCount, ...]
    codes: tuple[CodeCount, ...]


@dataclass(frozen=True, slots=True)
class BandRow:
    """Pupils with one code, by score band, in the order of `Crossing.bands`. `code` is empty for those without one."""

    code: str
    meaning: str
    counts: tuple[int, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """Codes against numbers in one subject.

    Pupils with neither are left out. `bands` are the bands' labels, in order.
    """

    subject: str
    name: str
    bands: tuple[str, ...]
    rows: tuple[BandRow, ...]
    totals: tuple[int, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Block:
    """All figures of one group of pupils."""

    pupils: int
    empty: int
    assessments: tuple[Assessment, ...]
    combined: tuple[Assessment, ...]
    scores: tuple[Scores, ...]
    crossings: tuple[Crossing, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a share of a school's pupils stands beside that of all schools.

    `percent` is theirs, `children` how many more reached it here than at that rate, fewer below 0. `unusual`: chance
    seldom explains it. `fifth` (1 the lowest) and `middle`, the middle half of schools in per cent, are of schools with
    eleven pupils or more, None where they may not be told.
    """

    percent: int
    children: int
    unusual: bool
    fifth: int | None
    middle: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Group:
    """One group of pupils: `dimension` is all, gender or term.

    `others` are the figures of all schools that took part, None where none of them may be shown. They are what is
    published and no more: whole percentages, as shares of 100, means in tenths, and shares of nobody where one is
    hidden. So no door can show what the rules of `disclosure.py` hide.
    """

    key: str
    dimension: str
    label: str
    short: str
    school: Block
    others: Block | None
    standings: dict[str, Standing] = field(default_factory=dict)  # by measure: see `measured`


@dataclass(frozen=True, slots=True)
class Cohort:
    """The pupils of one year group. `name` is empty where the service has but one. `groups` begins with all pupils.

    `headline` names the figure that is shown first, and `headline_figure` is that figure. Either both are set or none.
    """

    key: str
    name: str
    headline: str
    headline_figure: Share | Mean | None
    groups: tuple[Group, ...]

    @property
    def all(self) -> Group:
        """The group of all its pupils."""
        return self.groups[0]

    def titled(self, title: str) -> str:
        """A title, with the year group before it where there are several: `Year 1: marks at a glance`."""
        return f"{self.name}: {title[:1].lower()}{title[1:]}" if self.name else title


@dataclass(frozen=True, slots=True)
class Beside:
    """What may stand beside a school's figures: those of all schools that took part, and who asks.

    `inside` is the summary by which the school itself is in their sum: EMPTY if it is not, None if that file is gone.
    """

    national: National
    school: str
    inside: Summary | None


@dataclass(frozen=True, slots=True)
class Figures:
    """All the numbers of a report, for each year group that the service takes.

    `figures_sha256` and `others_sha256` are the hashes of what the figures were computed from, as stored. What is told
    of all schools is None where none of their figures may be shown: a hash of few schools can be guessed at. `gaps` say
    in words why figures of all schools are missing.
    """

    service: str
    rulesets: tuple[str, ...]
    figures_sha256: str
    cohorts: tuple[Cohort, ...]
    others_schools: int | None
    others_pupils: int | None
    others_sha256: str | None
    gaps: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def pupils(self) -> int:
        """How many pupils the file has."""
        return sum(cohort.all.school.pupils for cohort in self.cohorts)

    @property
    def empty(self) -> int:
        """How many of them have no result at all."""
        return sum(cohort.all.school.empty for cohort in self.cohorts)

    @property
    def has_others(self) -> bool:
        """Whether there are figures of all schools to stand beside the school's."""
        return self.others_schools is not None

    @property
    def sha256(self) -> str:
        """The hash of every count: equal figures, equal hash."""
        return sha256_of(asdict(self))


class Copy(StrEnum):
    """For whom a copy of a report is: `SHOWN` may be shown to governors and others, `STAFF` lists the pupils."""

    SHOWN = "shown"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a school's file came to in an earlier window, of this collection or of the one of an earlier year.

    `unchanged`: it is the very file that the report is of.
    """

    service: Service
    window: int
    summary: Summary
    unchanged: bool


@dataclass(frozen=True, slots=True)
class ReportInput:
    """Everything that one school's report is built from. The same input gives the same bytes.

    `closes` and `received` are aware. `sha256` is that of the frozen file. `carried_from` is the number of the earlier
    window whose file was carried forward because none came in this one, else None. `pupils` are the file's results, and
    where they are lost, `complete` is false. `earlier` is what there is to look back to, the latest first.
    """

    service: Service
    school: str
    school_name: str
    window: int
    closes: datetime
    reports: date
    upload_id: str
    received: datetime
    sha256: str
    carried_from: int | None
    figures: Figures
    pupils: tuple[PupilResults, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    complete: bool = True


def school_figures(service: Service, summary: Summary, beside: Beside | None = None) -> Figures:
    """The figures of one school's summary beside those of all schools, where given and where they may be shown.

    ValueError if a summary is of another service; EMPTY counts for any.
    """
    for given in (summary, beside.national.summary if beside else summary):
        if given.service not in ("", service.name):
            raise ValueError(f"a summary of {given.service} is not one of {service.name}")
    others = _Others.of(service, beside) if beside else None
    years = [("", "", service.year_groups[0])]
    if len(service.year_groups) > 1:
        years = [(year.nc_year, year.name, year) for year in service.year_groups]
    cohorts = [_cohort(service, summary, others, key, name, year.headline, year.measure) for key, name, year in years]
    if summary.count(ALL, "pupils", year=OTHER_YEAR):
        cohorts.append(_cohort(service, summary, others, OTHER_YEAR, "Other year groups", "", ""))
    national = others.national if others and any(cohort.all.others for cohort in cohorts) else None
    return Figures(
        service=service.name,
        rulesets=summary.rulesets,
        figures_sha256=summary.sha256,
        cohorts=tuple(cohorts),
        others_schools=national.schools if national else None,
        others_pupils=national.summary.pupils if national else None,
        others_sha256=national.sha256 if national else None,
        gaps=others.gaps(cohorts) if others else (),
        notes=_notes(service, national),
    )


@dataclass(frozen=True, slots=True)
class _Others:
    """The figures of all schools as one reader may see them: `refused` has by year and base the hidden groups."""

    national: National
    refused: Mapping[tuple[str, str], Mapping[str, Why]]
    nothing: Why | None = None
    rest: Summary = EMPTY  # of all schools but this one
    inside: Summary = EMPTY
    own_schools: int = 0

    @classmethod
    def of(cls, service: Service, beside: Beside) -> _Others:
        taking = beside.national.taking
        if taking is None:
            return cls(beside.national, {}, Why.NOT_COUNTED)
        if beside.inside is None:
            return cls(beside.national, {}, Why.OTHER_FILE)
        rest = dict(beside.national.summary.counts)
        for key, count in beside.inside.counts.items():
            rest[key] = rest.get(key, 0) - count
        if any(count < 0 for count in rest.values()):
            raise ValueError("the figures of all schools do not hold those of this one")
        own = len(taking.beside(beside.school))
        cells: dict[tuple[str, str], dict[str, Cell]] = {}
        for (year, group, base), cell in taking.cells.items():
            cells.setdefault((year, base), {})[group] = cell
        nobody = Cell(0, 0, 0)
        return cls(
            beside.national,
            {place: hidden(of.get(ALL, nobody), partings(of), own) for place, of in cells.items()},
            rest=Summary(service.name, beside.national.summary.rulesets, rest),
            inside=beside.inside,
            own_schools=own,
        )

    def why(self, year: str, group: str, *bases: str) -> Why | None:
        """Why a figure of these bases may not be shown of a group; None if it may. Nobody's figure never is."""
        if self.nothing:
            return self.nothing
        for base in bases:
            refused = self.refused.get((year, base))
            if refused is None:  # nobody is in it
                return Why.FEW_SCHOOLS
            why = refused.get("") or (refused.get(group) if group != ALL else None)
            if why:
                return why
        return None

    def gaps(self, cohorts: list[Cohort]) -> tuple[str, ...]:
        """Why figures of these cohorts' groups are missing, in words: one sentence a reason that applies."""
        shown = {(cohort.key, group.key) for cohort in cohorts for group in cohort.groups}
        years = {year for year, _ in self.refused}
        reasons = {
            why for (year, _), of in self.refused.items() for group, why in of.items() if (year, group or ALL) in shown
        }
        if self.nothing:
            reasons = {self.nothing}
        elif any(cohort.key not in years for cohort in cohorts):
            reasons.add(Why.FEW_SCHOOLS)  # of whom there is nobody at all
        return tuple(words for why, words in GAPS.items() if why in reasons)


_FLOOR = (
    f"A figure of all schools is shown only where at least {LEAST_SCHOOLS} schools with {LEAST_PUPILS} pupils stand "
    "behind it"
)
GAPS = {
    Why.NOT_COUNTED: "Nothing is shown of other schools: this window was closed before it was counted who took part.",
    Why.OTHER_FILE: "Nothing is shown of other schools: the sum was made before this file took the place of another.",
    Why.FEW_SCHOOLS: f"{_FLOOR}. Where fewer took part it is left out, so that nobody can work out another school's "
    "children.",
    Why.FEW_PUPILS: f"{_FLOOR}. Where there are fewer pupils it is left out: percentages of few give back counts.",
    Why.ONE_LARGE: "Where one school or trust has more than half of the pupils, the figure would be its own, and is "
    "left out.",
    Why.FEW_OUTSIDE: f"Where fewer than {LEAST_SCHOOLS} schools outside your own trust took part, the figure is left "
    "out: your trust could take its own pupils away from it.",
    Why.SUBTRACTION: "Some groups are left out because another, smaller group could be worked out from them.",
}


def _cohort(
    service: Service, summary: Summary, others: _Others | None, year: str, name: str, headline: str, measure: str
) -> Cohort:
    groups = []
    for dimension, keys in (("all", (ALL,)), ("gender", GENDERS), ("term", TERMS)):
        for key in keys:
            # "Not recorded" is shown only if the school has such pupils.
            if key in _RARE and not summary.count(key, "pupils", year=year):
                continue
            label = GROUP_LABELS[key]
            groups.append(
                Group(
                    key=key,
                    dimension=dimension,
                    label=label,
                    short=label.partition(" (")[0],
                    school=_block(service, summary, key, year),
                    others=_published(service, others, key, year) if others else None,
                )
            )
    if others is None or not any(group.others and _any_shown(group.others) for group in groups):
        groups = [replace(group, others=None) for group in groups]
    else:
        groups = _standing(service, others, groups, year)
    return Cohort(year, name, headline, _headline(groups[0].school, measure), tuple(groups))


def measured(block: Block) -> dict[str, tuple[str, Share]]:
    """The shares by which a group is set beside all schools: by measure the base and the share, in the page's order.

    A measure is a subject's key, for the higher standard with `/higher` after it.
    """
    found: dict[str, tuple[str, Share]] = {}
    for subject in subjects_of(block):
        if subject.reachable:
            found[subject.key] = (subject.key, subject.expected)
    for scores in block.scores:
        if scores.expected is not None:
            found[scores.key] = (scores.key, scores.expected)
    for subject in subjects_of(block):
        if subject.higher is not None:
            found[f"{subject.key}/higher"] = (subject.key, subject.higher)
    for scores in block.scores:
        if scores.high is not None:
            found[f"{scores.key}/higher"] = (scores.key, scores.high)
    return found


def _standing(service: Service, others: _Others, groups: list[Group], year: str) -> list[Group]:
    """The groups with how they stand beside all schools. Groups of few are not tested: chance explains nearly all."""
    taking = others.national.taking
    tests: list[tuple[int, str, int]] = []
    found: list[dict[str, Standing]] = []
    for at, group in enumerate(groups):
        standings: dict[str, Standing] = {}
        found.append(standings)
        if group.others is None or taking is None:
            continue
        mine, theirs = measured(group.school), measured(group.others)
        rest = measured(_block(service, others.rest, group.key, year))
        own = measured(_block(service, others.inside, group.key, year))
        for measure, (base, share) in mine.items():
            percent = theirs[measure][1].percent
            if percent is None or not share.of:
                continue
            schools = taking.cells[year, group.key, base].schools - (own[measure][1].of > 0)
            p = against_rest(share.count, share.of, rest[measure][1].count, rest[measure][1].of, schools)
            whole = group.dimension == "all"
            if not whole and share.of >= LEAST_GROUP:
                tests.append((at, measure, p))
            fifth, middle = _spread(others, year, measure, share) if whole else (None, None)
            standings[measure] = Standing(
                percent, children(share.count, share.of, percent), whole and marked(p), fifth, middle
            )
    for (at, measure, _), unusual in zip(tests, discoveries([p for _, _, p in tests]), strict=True):
        found[at][measure] = replace(found[at][measure], unusual=unusual)
    return [replace(group, standings=standings) for group, standings in zip(groups, found, strict=True)]


def _spread(others: _Others, year: str, measure: str, share: Share) -> tuple[int | None, tuple[int, int] | None]:
    """In which fifth of the schools a school stands, and the middle half of them, where it may be told."""
    taking = others.national.taking
    spread = taking.spreads.get((year, measure)) if taking else None
    if spread is None or share.of < LEAST_GROUP or refusal(spread.cell, others.own_schools) is not None:
        return None, None
    low, high = (Share(*cut).percent for cut in spread.middle)
    if low is None or high is None:
        return None, None
    return spread.fifth(share.count, share.of), (low, high)


def _any_shown(block: Block) -> bool:
    return any(subject.expected.of for subject in subjects_of(block)) or any(s.mean.number for s in block.scores)


NO_SHARE = Share(0, 0)  # of nobody: shown as a dash
NO_MEAN = Mean(0, 0)


def _published(service: Service, others: _Others, group: str, year: str) -> Block:
    """What all schools' figures of a group may be told as: whole percentages and tenths, where they may be at all.

    Numbers of pupils are not among it, nor `<1%`: of 300 pupils that is one child.
    """
    exact = _block(service, others.national.summary, group, year)

    def open_to(*bases: str) -> bool:
        return others.why(year, group, *bases) is None

    def share(told: Share | None, shown: bool) -> Share | None:
        return None if told is None else Share(told.percent, 100) if shown and told.percent is not None else NO_SHARE

    def sure(told: Share, shown: bool) -> Share:
        return share(told, shown) or NO_SHARE

    def codes(told: tuple[CodeCount, ...], shown: bool) -> tuple[CodeCount, ...]:
        return tuple(replace(code, share=sure(code.share, shown)) for code in told)

    subjects = []
    for subject in subjects_of(exact):
        shown = open_to(subject.key)
        subjects.append(
            replace(
                subject,
                assessed=0,
                out=0,
                blank=0,
                expected=sure(subject.expected, shown),
                higher=share(subject.higher, shown),
                codes=codes(subject.codes, shown),
            )
        )
    scores = []
    for told in exact.scores:
        shown, numbers = open_to(told.key, number_base(told.key)), open_to(number_base(told.key))
        mean = Mean(told.mean.tenths, 10) if numbers and told.mean.tenths is not None else NO_MEAN
        scores.append(
            replace(
                told,
                number=0,
                assessed=0,
                out=0,
                blank=0,
                mean=mean,
                expected=share(told.expected, shown),
                high=share(told.high, shown),
                distribution=tuple(
                    replace(each, share=sure(each.share, numbers and shown)) for each in told.distribution
                ),
                codes=codes(told.codes, shown),
            )
        )
    crossings = []
    for crossing, (column, numbers_column) in zip(exact.crossings, paired(service), strict=True):
        shown = open_to(crossing_base(column.key), column.key, number_base(numbers_column.key)) and crossing.total > 0

        def percents(counts: tuple[int, ...], shown: bool = shown, total: int = crossing.total) -> tuple[int, ...]:
            return tuple(Share(count, total).percent or 0 if shown else 0 for count in counts)

        rows = tuple(
            replace(row, counts=percents(row.counts), total=percents((row.total,))[0]) for row in crossing.rows
        )
        crossings.append(replace(crossing, rows=rows, totals=percents(crossing.totals), total=100 if shown else 0))
    count = len(exact.assessments)
    return Block(0, 0, tuple(subjects[:count]), tuple(subjects[count:]), tuple(scores), tuple(crossings))


def _headline(block: Block, measure: str) -> Share | Mean | None:
    for subject in (*block.assessments, *block.combined):
        if subject.key == measure:
            return subject.expected
    for scores in block.scores:
        if scores.key == measure:
            return scores.mean if scores.expected is None else scores.expected
    return None


def _block(service: Service, summary: Summary, group: str, year: str) -> Block:
    def count(*key: str) -> int:
        return summary.count(group, *key, year=year)

    def coded(column: Column, of: int) -> tuple[CodeCount, ...]:
        return tuple(
            CodeCount(code, service.code(code).meaning, Share(count("code", column.key, code), of))
            for code in column.codes
        )

    pupils = count("pupils")
    assessments = []
    for column in service.assessments:
        counts = {code: count("code", column.key, code) for code in column.codes}
        having = sum(counts.values())
        known = [service.code(code) for code in column.codes]
        assessed = sum(counts[c.code] for c in known if c.counted)
        assessments.append(
            Assessment(
                key=column.key,
                name=column.subject_name,
                heading=column.heading,
                assessed=assessed,
                out=having - assessed,
                blank=pupils - having,
                expected=Share(sum(counts[c.code] for c in known if c.met), assessed),
                higher=Share(sum(counts[c.code] for c in known if c.higher), assessed)
                if any(c.higher for c in known)
                else None,
                codes=coded(column, having),
                reachable=any(c.met for c in known),
            )
        )
    combined = []
    for measure in service.combined:
        parts = [service.column(part) for part in measure.parts]
        complete = count(measure.key, "complete")
        combined.append(
            Assessment(
                key=measure.key,
                name=measure.name,
                heading=", ".join(part.subject_name for part in parts),
                assessed=complete,
                out=0,
                blank=pupils - complete,
                expected=Share(count(measure.key, "met"), complete),
                higher=Share(count(measure.key, "higher"), complete)
                if all(_has_higher(service, part) for part in parts)
                else None,
                codes=(),
                of_numbers=any(part.has_numbers for part in parts),
            )
        )
    scores = [_scores(service, column, pupils, count, coded) for column in service.scores]
    crossings = []
    for codes, numbers in paired(service):
        rows = []
        for code in (*codes.codes, NONE):
            crossed = tuple(count("band", codes.subject, code, band) for band in BANDS)
            meaning = f"No {service.words.code}" if code == NONE else service.code(code).meaning
            rows.append(BandRow("" if code == NONE else code, meaning, crossed, sum(crossed)))
        totals = tuple(sum(row.counts[i] for row in rows) for i in range(len(BANDS)))
        crossings.append(Crossing(codes.subject, codes.subject_name, _bands(numbers), tuple(rows), totals, sum(totals)))
    return Block(pupils, count("empty"), tuple(assessments), tuple(combined), tuple(scores), tuple(crossings))


def _has_higher(service: Service, column: Column) -> bool:
    return column.higher is not None or any(service.code(code).higher for code in column.codes)


def _bands(column: Column) -> tuple[str, ...]:
    assert column.expected is not None and column.higher is not None  # noqa: S101, PT018  # a pair's numbers have both
    middle = f"{column.expected} to {column.higher - 1}"
    return (f"Below {column.expected}", middle, f"{column.higher} or more", "No score")


def _scores(
    service: Service,
    column: Column,
    pupils: int,
    count: Callable[..., int],
    coded: Callable[[Column, int], tuple[CodeCount, ...]],
) -> Scores:
    having = {score: count("score", column.key, str(score)) for score in range(column.minimum, column.maximum + 1)}
    number = sum(having.values())
    written = {code: count("code", column.key, code) for code in column.codes}
    assessed = number + sum(n for code, n in written.items() if service.code(code).counted)
    given = number + sum(written.values())

    def share(least: int | None) -> Share | None:
        return None if least is None else Share(sum(n for s, n in having.items() if s >= least), assessed)

    return Scores(
        key=column.key,
        name=column.subject_name,
        heading=column.heading,
        number=number,
        assessed=assessed,
        out=given - assessed,
        blank=pupils - given,
        mean=Mean(sum(score * n for score, n in having.items()), number),
        expected_at=column.expected,
        high_at=column.higher,
        expected=share(column.expected),
        high=share(column.higher),
        high_name=str(column.maximum) if column.higher == column.maximum else f"{column.higher} or more",
        distribution=tuple(ScoreCount(score, Share(n, number)) for score, n in having.items()),
        codes=coded(column, given),
    )


def _notes(service: Service, national: National | None) -> tuple[str, ...]:
    notes = [
        *service.notes,
        "Percentages are rounded to the nearest whole number, halves upwards, so a column may not add up to exactly "
        f"100%. Where fewer than {SMALL} pupils are counted, their number is shown: one pupil then makes a large "
        "difference.",
        "Girls and boys are as recorded in your management information system. Autumn-born is September to December, "
        "spring-born January to April, summer-born May to August.",
    ]
    if national:
        notes.append(
            "All schools taking part means every pupil in the files received for this collection by the close of this "
            f"submission window ({_many(national.schools, 'school')}, "
            f"{_many(national.summary.pupils, 'pupil')}), your school among them. "
            "Schools choose to take part, so it is not the Department for Education's national figure. It is told in "
            "whole percentages alone."
        )
    return tuple(notes)


@dataclass(frozen=True, slots=True)
class Table:
    """The first table of one kind of result. `lines` are the places of its rows, in `subjects_of` or `Block.scores`."""

    title: str
    lines: tuple[int, ...]
    has_higher: bool


def subjects_of(block: Block) -> tuple[Assessment, ...]:
    """The subjects that are counted in codes, then the combined measures, in the order of `Table.lines`."""
    return (*block.assessments, *block.combined)


def subject_tables(terms: Terms, block: Block) -> tuple[Table, ...]:
    """The tables of what pupils reached. The first has codes and measures combined of codes, the second the others."""
    kinds: dict[bool, list[int]] = {}
    for at, subject in enumerate(subjects_of(block)):
        if subject.reachable:
            kinds.setdefault(subject.of_numbers, []).append(at)
    titles = {False: capital(terms.code), True: "Subjects combined"}
    return tuple(
        Table(titles[kind], tuple(lines), any(subjects_of(block)[at].higher for at in lines))
        for kind, lines in sorted(kinds.items(), reverse=True)
    )


def score_tables(terms: Terms, block: Block) -> tuple[Table, ...]:
    """The tables of numbers: one for each pair of thresholds, as subjects may have different ones."""
    kinds: dict[tuple[int | None, int | None], list[int]] = {}
    for at, scores in enumerate(block.scores):
        kinds.setdefault((scores.expected_at, scores.high_at), []).append(at)
    return tuple(Table(capital(terms.numbers), tuple(lines), high is not None) for (_, high), lines in kinds.items())


def capital(text: str) -> str:
    """The text as it begins a sentence."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table by group: a figure for each of `Cohort.groups`. `others` is empty where there is none.

    `section` is the heading above a group of measures. An int is a number of pupils.
    """

    section: str
    name: str
    school: tuple[Share | Mean | int, ...]
    others: tuple[Share | Mean | int, ...]


def measures(terms: Terms, cohort: Cohort) -> tuple[Measure, ...]:
    """The headline measures for every group of pupils of a year group, in the order of the page."""
    lines: list[Measure] = []

    def line(section: str, name: str, figure: Callable[[Block], Share | Mean | int | None]) -> None:
        lines.append(
            Measure(
                section,
                name,
                tuple(_shown(figure(group.school)) for group in cohort.groups),
                tuple(_shown(figure(group.others)) for group in cohort.groups if group.others is not None)
                if name != "Pupils"
                else (),
            )
        )

    def expected(at: int) -> Callable[[Block], Share]:
        return lambda block: subjects_of(block)[at].expected

    def higher(at: int) -> Callable[[Block], Share | None]:
        return lambda block: subjects_of(block)[at].higher

    def score(at: int, part: Callable[[Scores], Share | Mean | None]) -> Callable[[Block], Share | Mean | None]:
        return lambda block: part(block.scores[at])

    sample = cohort.all.school
    line("Pupils in the file", "Pupils", lambda block: block.pupils)
    for table in subject_tables(terms, sample):
        for at in table.lines:
            line(f"{table.title}: {terms.reached}", subjects_of(sample)[at].name, expected(at))
        for at in table.lines:
            if subjects_of(sample)[at].higher is not None:
                line(f"{table.title}: {terms.higher}", subjects_of(sample)[at].name, higher(at))
    for at, scores in enumerate(sample.scores):
        line(f"Mean {terms.number}", scores.name, score(at, lambda scores: scores.mean))
    parts: tuple[tuple[Callable[[Scores], str], Callable[[Scores], Share | None]], ...] = (
        (lambda scores: f"{scores.expected_at} or more", lambda scores: scores.expected),
        (lambda scores: scores.high_name, lambda scores: scores.high),
    )
    for name, part in parts:
        for at, scores in enumerate(sample.scores):
            if part(scores) is not None:
                line(f"{capital(terms.number)} of {name(scores)}", scores.name, score(at, part))
    return tuple(lines)


def _shown(figure: Share | Mean | int | None) -> Share | Mean | int:
    return Share(0, 0) if figure is None else figure


def text_of(figure: Share | Mean | int) -> str:
    """A figure as a reader sees it."""
    return f"{figure:,}" if isinstance(figure, int) else figure.text


def told(figure: Share | Mean) -> str:
    """A headline: a percentage always with its count beside it, or a mean with the number of pupils."""
    if isinstance(figure, Mean):
        return f"{figure.text} (mean of {_many(figure.number, 'pupil')})"
    return f"{figure.shown} ({figure.count:,} of {figure.of:,})" if figure.of else NO_FIGURE


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


# Control, format, unassigned, private and surrogate code points.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})


def plain(text: str) -> str:
    """Text as a report can print it: on one line, and without control characters, which Excel and PDF cannot hold."""
    kept = (" " if c.isspace() else c for c in text if c.isspace() or category(c) not in _UNPRINTABLE)
    return " ".join("".join(kept).split())


@dataclass(frozen=True, slots=True)
class Words:
    """The words around the figures, the same in workbook and PDF."""

    title: str
    school: str
    window: str
    notice: str
    facts: tuple[tuple[str, str], ...]
    provenance: str


INCOMPLETE = (
    "This report is not complete: the results of single pupils could not be read when it was made, so nothing says "
    "which parts pupils missed, and no pupil is listed. All other figures are complete. We have been told."
)


def words(report: ReportInput) -> Words:
    """What the workbook and the PDF both say: titles, the notice, and which file the report is of."""
    service, figures = report.service, report.figures
    name = plain(report.school_name)
    pupils = f"{figures.pupils:,}"
    if figures.empty:
        pupils += f", of whom {figures.empty:,} without any result"
    facts = [
        ("School number", f"{report.school} (local authority {report.school[:3]})"),
        ("Submission window", f"{report.window}, closed {second_words(report.closes)}"),
        (
            "File",
            f"Reference {reference_of(report.upload_id)}, SHA-256 {report.sha256[:12]}…",
        ),
        ("Received", second_words(report.received)),
        (f"{service.year_group} pupils in the file", pupils),
    ]
    if report.carried_from is not None:
        facts.insert(
            4,
            (
                "Carried forward",
                f"No successful file was received in window {report.window}: "
                f"this is the file of window {report.carried_from}.",
            ),
        )
    if figures.others_schools is not None and figures.others_pupils is not None:
        facts.append(
            (
                "All schools taking part",
                f"{_many(figures.others_pupils, 'pupil')} of {_many(figures.others_schools, 'school')}",
            )
        )
    facts += [
        (cohort.headline, told(cohort.headline_figure))
        for cohort in figures.cohorts
        if cohort.headline_figure is not None
    ]
    return Words(
        title=service.title,
        school=name or f"School {report.school}",
        window=f"Submission window {report.window} · reports of {date_words(report.reports)}",
        notice="These are early results as they were submitted for your school, not yet checked against any other "
        f"source. They are not official statistics, and {service.words.statutory}."
        + ("" if report.complete else f" {INCOMPLETE}"),
        facts=tuple(facts),
        provenance=(f"Checked by the rules {' and '.join(figures.rulesets)}. " if figures.rulesets else "")
        + f"Made from the figures {figures.figures_sha256[:12]}"
        + (f" and those of all schools {figures.others_sha256[:12]}" if figures.others_sha256 else "")
        + f"; the SHA-256 of the file is {report.sha256}.",
    )
