"""The operators' summary of a window: who took part by local authority, and what all schools came to.

It may be passed on, so its reader is anybody. What is shown must bear being read by the largest trust that took part,
and by the trust with most schools of an authority. The rules are those of `disclosure.py`.

What is told of authorities and of how schools spread is counted once, soon after the freeze, and kept as it is told.
Counted anew after a deletion, two editions would tell the difference between them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from early_results.ids import authority_of
from early_results.reporting.disclosure import LEAST_GROUP, LEAST_PUPILS, LEAST_SCHOOLS, Cell, Why, refusal
from early_results.reporting.figures import NO_SHARE, Beside, Cohort, Figures, Share, school_figures
from early_results.reporting.story import lines
from early_results.reporting.summary import ALL, EMPTY, BadSummary, Key, Summary
from early_results.reporting.taking import PUPILS, National, measures_of, number_base
from early_results.reporting.trusts import many
from early_results.service import Column, Service
from early_results.times import date_words, second_words

BINS = 10  # of a histogram of schools: ten per cent each
Of = tuple[str, str]  # year, measure


class Participation(NamedTuple):
    """How many of an authority's schools did what. `late` are those of whom a straggler was let in after the freeze."""

    listed: int = 0
    sent: int = 0
    carried: int = 0
    late: int = 0
    deleted: int = 0

    @property
    def nothing(self) -> int:
        """Schools of which nothing counts, and nothing did."""
        return self.listed - self.sent - self.carried - self.late - self.deleted


@dataclass(frozen=True, slots=True)
class Counted:
    """What is told of authorities and of the spread of schools, as it was counted once.

    `rates` has the whole percentage of each authority's pupils by year and measure, or why it is not told;
    `histograms` how many schools have 0 to 9%, 10 to 19% ... 90 to 100%, of those with LEAST_GROUP pupils or more.
    """

    rates: Mapping[str, Mapping[Of, int | Why]] = field(default_factory=dict)
    histograms: Mapping[Of, tuple[int, ...]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "rates": {
                authority: [[*of, rate if isinstance(rate, int) else rate.value] for of, rate in sorted(told.items())]
                for authority, told in sorted(self.rates.items())
            },
            "histograms": [[*of, list(bins)] for of, bins in sorted(self.histograms.items())],
        }

    @classmethod
    def from_json(cls, data: Any) -> Counted:
        """What `to_json` gave. BadSummary if it is not that."""
        try:
            return cls(
                {
                    str(authority): {
                        (year, measure): rate if isinstance(rate, int) else Why(rate) for year, measure, rate in told
                    }
                    for authority, told in data["rates"].items()
                },
                {(year, measure): tuple(map(int, bins)) for year, measure, bins in data["histograms"]},
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadSummary("what was counted of authorities is told by rates and histograms") from error


class _Place:
    """One measure in one authority: pupils who reached it, of how many, and whose they are."""

    def __init__(self) -> None:
        self.met = self.of = 0
        self.pupils: Counter[str] = Counter()  # by organisation
        self.schools: Counter[str] = Counter()

    def cell(self) -> Cell:
        return Cell(self.schools.total(), self.of, max(self.pupils.values(), default=0))

    def most(self) -> int:
        """The schools of the organisation that has most here."""
        return max(self.schools.values(), default=0)


def count_once(
    service: Service, files: Iterable[tuple[str, Summary | None]], national: National, trusts: Mapping[str, str]
) -> Counted:
    """What may be told of authorities and of the spread of schools, from the sealed files' summaries, one a school.

    None is the summary of a file that was deleted before it could be counted: nothing is told of its authority.
    """
    if national.taking is None:
        return Counted()
    weights = measures_of(service)
    means = {number_base(column.key) for column in service.results}
    places: dict[str, dict[Of, _Place]] = {}
    bins: dict[Of, list[int]] = {}
    gone: set[str] = set()
    for school, summary in files:
        authority = authority_of(school)
        here = places.setdefault(authority, {})
        if summary is None:
            gone.add(authority)
            continue
        for of, (met, pupils) in _shares(summary, weights).items():
            if of[1] in means or not pupils:
                continue
            place = here.setdefault(of, _Place())
            place.met += met
            place.of += pupils
            place.pupils[trusts.get(school, school)] += pupils
            place.schools[trusts.get(school, school)] += 1
            if pupils >= LEAST_GROUP:
                bins.setdefault(of, [0] * BINS)[min(BINS - 1, BINS * met // pupils)] += 1
    most = most_schools(national)
    rates: dict[str, dict[Of, int | Why]] = {authority: {} for authority in places}
    for of in sorted({of for here in places.values() for of in here}):
        cells = {authority: here[of] for authority, here in places.items() if of in here}
        whole = national.taking.cells.get((of[0], ALL, of[1]), Cell(0, 0, 0))
        refused = hidden_authorities(whole, cells, most, gone)
        for authority, place in cells.items():
            rates[authority][of] = refused.get(authority) or Share(place.met, place.of).percent or 0
    spreads = national.taking.spreads
    told = {of: tuple(n) for of, n in bins.items() if of in spreads and refusal(spreads[of].cell, most) is None}
    return Counted(rates, told)


def _shares(summary: Summary, weights: Mapping[Key, tuple[tuple[str, int, int], ...]]) -> dict[Of, list[int]]:
    """Of each year and measure, how many pupils reached it, and of how many."""
    found: dict[Of, list[int]] = {}
    for (year, *key), count in summary.totals.items():
        for measure, over, under in weights.get(tuple(key), ()):
            share = found.setdefault((year, measure), [0, 0])
            share[0] += over * count
            share[1] += under * count
    return found


def hidden_authorities(
    whole: Cell, places: Mapping[str, _Place], most: int, gone: Iterable[str] = ()
) -> dict[str, Why]:
    """Which authorities' figures are not told, and why.

    As for groups: what remains when the shown ones are taken from all schools' figure is nobody, or may be told itself.
    """
    why = refusal(whole, most)
    if why:
        return dict.fromkeys(places, why)
    found: dict[str, Why] = {authority: Why.NOT_COUNTED for authority in gone if authority in places}
    for authority, place in places.items():
        refused = refusal(place.cell(), place.most())
        if refused and authority not in found:
            found[authority] = refused
    shown = sorted((place.of, authority) for authority, place in places.items() if authority not in found)
    while shown and not _bears(whole, places, found):
        found[shown.pop(0)[1]] = Why.SUBTRACTION
    return found


def _bears(whole: Cell, places: Mapping[str, _Place], found: Mapping[str, Why]) -> bool:
    pupils, schools = Counter[str](), Counter[str]()
    for authority in found:
        pupils.update(places[authority].pupils)
        schools.update(places[authority].schools)
    left = whole.pupils - sum(place.of for authority, place in places.items() if authority not in found)
    unknown = left - pupils.total()  # of files that are gone: they may be of anybody
    rest = Cell(schools.total(), left, max(pupils.values(), default=0) + unknown)
    return left == 0 or refusal(rest, max(schools.values(), default=0)) is None


def most_schools(national: National) -> int:
    """How many schools the organisation had that took part with most of them."""
    taking = national.taking
    return max(map(len, taking.trusts.values()), default=1) if taking else 1


@dataclass(frozen=True, slots=True)
class SummaryInput:
    """Everything that an operators' summary is built from. The same input gives the same bytes."""

    service: Service
    window: int
    closes: datetime
    reports: date
    national: National
    authorities: Mapping[str, Participation]
    counted: Counted

    @property
    def everywhere(self) -> Participation:
        """All authorities together."""
        return Participation(*(sum(column) for column in zip(*self.authorities.values(), strict=True)))


@dataclass(frozen=True, slots=True)
class Rate:
    """A measure of all schools, in whole per cent; None where it may not be told."""

    measure: str
    name: str
    did: str
    percent: int | None
    middle: tuple[int, int] | None  # half of the schools lie here
    histogram: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class SummaryCohort:
    """One year group of all schools. `of_all` has its groups, each with what may be told in `others`."""

    key: str
    name: str
    rates: tuple[Rate, ...]
    of_all: Cohort
    blanks: tuple[tuple[str, int | None], ...]  # by column: how many of all pupils have no result, in whole per cent

    def titled(self, title: str) -> str:
        """A title, with the year group before it where there are several."""
        return self.of_all.titled(title)


def as_read_by_anybody(national: National) -> National:
    """All schools as a reader may see them who has as many schools as the trust with most of them."""
    taking = national.taking
    if taking is None:
        return national
    return replace(national, taking=replace(taking, trusts={"": tuple(map(str, range(most_schools(national))))}))


def summary_figures(report: SummaryInput) -> tuple[Figures, tuple[SummaryCohort, ...]]:
    """What may be told of all schools: the figures, and by year group."""
    figures = school_figures(report.service, EMPTY, Beside(as_read_by_anybody(report.national), "0", EMPTY))
    return figures, tuple(_cohort(report, cohort) for cohort in figures.cohorts)


def _cohort(report: SummaryInput, cohort: Cohort) -> SummaryCohort:
    service, taking = report.service, report.national.taking
    others = cohort.all.others
    told = (
        {}
        if others is None
        else {
            **{subject.key: subject.expected for subject in (*others.assessments, *others.combined)},
            **{
                f"{subject.key}/higher": subject.higher or NO_SHARE
                for subject in (*others.assessments, *others.combined)
            },
            **{scores.key: scores.expected or NO_SHARE for scores in others.scores},
            **{f"{scores.key}/higher": scores.high or NO_SHARE for scores in others.scores},
        }
    )
    rates = []
    for higher in (False, True):
        for line in lines(service, cohort, higher=higher):
            of = (cohort.key, line.measure)
            bins = report.counted.histograms.get(of)
            spread = taking.spreads.get(of) if taking and bins else None
            quarters = [Share(*cut).percent or 0 for cut in spread.middle] if spread else None
            middle = (quarters[0], quarters[1]) if quarters else None
            rates.append(
                Rate(line.measure, line.name, line.did, told.get(line.measure, NO_SHARE).percent, middle, bins)
            )
    return SummaryCohort(cohort.key, cohort.name, tuple(rates), cohort, _blanks(report, cohort.key))


def _blanks(report: SummaryInput, year: str) -> tuple[tuple[str, int | None], ...]:
    summary, taking = report.national.summary, report.national.taking
    pupils = summary.count(ALL, "pupils", year=year)
    cell = taking.cells.get((year, ALL, PUPILS), Cell(0, 0, 0)) if taking else Cell(0, 0, 0)
    open_to_all = refusal(cell, most_schools(report.national)) is None

    def having(column: Column) -> int:
        codes = sum(summary.count(ALL, "code", column.key, code, year=year) for code in column.codes)
        if not column.has_numbers:
            return codes
        span = range(column.minimum, column.maximum + 1)
        return codes + sum(summary.count(ALL, "score", column.key, str(number), year=year) for number in span)

    return tuple(
        (column.heading, Share(pupils - having(column), pupils).percent if open_to_all else None)
        for column in report.service.results
    )


# In words.


def summary_message(report: SummaryInput, cohorts: Iterable[SummaryCohort]) -> tuple[str, ...]:
    """What an operator is told first."""
    every = report.everywhere
    there = every.sent + every.carried + every.late
    said = [
        f"{there:,} of {many(every.listed, 'school')} {'has' if there == 1 else 'have'} a file that counts, in "
        f"{_authorities(sum(1 for one in report.authorities.values() if one.sent + one.carried + one.late))}."
    ]
    changed = [
        f"{many(number, 'school')} {words}"
        for number, words in (
            (every.carried, "carried forward from an earlier window"),
            (every.late, "let in after the freeze"),
            (every.deleted, "deleted since"),
        )
        if number
    ]
    if changed:
        said.append(f"Of note: {'; '.join(changed)}.")
    for cohort in cohorts:
        first = next((rate for rate in cohort.rates if rate.percent is not None), None)
        if first:
            before = f"{cohort.name}: " if cohort.name else ""
            said.append(f"{before}{first.percent}% of pupils {first.did}.")
    told = sum(1 for rates in report.counted.rates.values() if any(isinstance(rate, int) for rate in rates.values()))
    said.append(
        f"Figures of {_authorities(told)} can be told: at least {LEAST_SCHOOLS} schools and {LEAST_PUPILS} pupils "
        "stand behind each."
    )
    return tuple(said)


def _authorities(count: int) -> str:
    return "1 local authority" if count == 1 else f"{count:,} local authorities"


def summary_notes(report: SummaryInput) -> tuple[str, ...]:
    """How the summary is counted, and what is left out."""
    return (
        *report.service.notes,
        "Who took part is counted as it is now. Figures are those of the files that were frozen, as in every school's "
        "report: a file that was deleted or let in afterwards does not change them, since two editions would tell it.",
        f"A figure is told only where at least {LEAST_SCHOOLS} schools with {LEAST_PUPILS} pupils stand behind it, no "
        f"school or trust has more than half of them, and at least {LEAST_SCHOOLS} schools remain whichever trust "
        "takes its own away. An authority or group is also left out where another that is left out could be worked "
        "out from it. So this summary may be passed on.",
        f"Histograms are of schools with {LEAST_GROUP} pupils or more in the figure, by tens of per cent.",
        "Percentages are whole, rounded half up, of the pupils in the cohort; blanks are of all pupils.",
    )


def summary_titles(report: SummaryInput) -> tuple[str, str]:
    """The title of the collection, and the window with the day of its reports."""
    return report.service.title, f"Submission window {report.window} · reports of {date_words(report.reports)}"


def summary_facts(report: SummaryInput) -> tuple[tuple[str, str], ...]:
    """What the summary is made from."""
    return (
        ("Submission window", f"{report.window}, closed {second_words(report.closes)}"),
        ("Frozen files", many(report.national.schools, "school")),
        ("Rules", " and ".join(report.national.summary.rulesets) or "none"),
    )
