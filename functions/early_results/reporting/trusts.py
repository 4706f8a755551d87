"""A trust's report: which of its schools sent a file, how they stand side by side, and what they come to together.

A school's figure of fewer than LEAST_GROUP pupils is not shown, and those pupils are not in the trust's figure either.
So no subtraction tells them, whatever else a reader holds: the reports of the other schools, the operators' summary.

What may be told of all schools is decided anew for this reader, who knows the pupils of all the trust's schools.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from early_results.reporting.chance import children, funnel, wilson
from early_results.reporting.disclosure import LEAST_GROUP
from early_results.reporting.figures import Beside, Figures, Share, measured, plain, school_figures
from early_results.reporting.story import Line, and_words, lines, lowered, percent_of
from early_results.reporting.summary import EMPTY, Summary, add
from early_results.reporting.taking import National, national
from early_results.service import Service
from early_results.times import date_words, second_words

MOST_NAMED = 4  # schools that a sentence names
ONE_TRUST = "own"


class Came(StrEnum):
    """What came of a school in a window."""

    IN = "in"
    CARRIED = "carried"
    DELETED = "deleted"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Member:
    """A school of a trust in a window. `summary` is of the file that counts, None if none does.

    `inside` is the summary by which the school is in the sum of all schools (`Beside.inside`).
    """

    school: str
    name: str
    summary: Summary | None = None
    inside: Summary | None = EMPTY
    carried_from: int | None = None
    deleted: bool = False

    @property
    def came(self) -> Came:
        """Whether a file counts, and which; if none does, whether one was deleted."""
        if self.summary is None:
            return Came.DELETED if self.deleted else Came.MISSING
        return Came.IN if self.carried_from is None else Came.CARRIED

    @property
    def shown_name(self) -> str:
        """The name as it can be printed; the number where there is none."""
        return plain(self.name) or f"School {self.school}"


@dataclass(frozen=True, slots=True)
class TrustInput:
    """Everything that a trust's report is built from. The same input gives the same bytes."""

    service: Service
    trust: str
    trust_name: str
    window: int
    closes: datetime
    reports: date
    members: tuple[Member, ...]
    national: National

    @property
    def shown_name(self) -> str:
        """The trust's name as it can be printed."""
        return plain(self.trust_name) or f"Trust {self.trust}"

    @property
    def sorted_members(self) -> tuple[Member, ...]:
        """The schools by name, as they stand in every table."""
        return tuple(sorted(self.members, key=lambda member: (member.shown_name.casefold(), member.school)))


@dataclass(frozen=True, slots=True)
class SchoolRow:
    """A school with a file: its pupils of the year group, and by measure its figure, of LEAST_GROUP pupils or more."""

    school: str
    name: str
    pupils: int
    empty: int
    lines: Mapping[str, Line]
    few: frozenset[str]  # measures of which it has pupils, and too few


@dataclass(frozen=True, slots=True)
class Together:
    """A measure of all schools of the trust whose figure of it is shown.

    `percent` is the rate of all schools taking part, `children` how many more of the trust's reached it than at that
    rate; None where it may not be told.
    """

    measure: str
    name: str
    did: str
    share: Share
    interval: tuple[int, int] | None
    percent: int | None
    children: int | None
    schools: int

    @property
    def higher(self) -> bool:
        """Whether it is of the higher standard."""
        return self.measure.endswith("/higher")


@dataclass(frozen=True, slots=True)
class Point:
    """A school in the funnel: its figure, and the same in thousandths. `beyond` is 0 inside, else 95 or 998."""

    school: str
    name: str
    share: Share
    at: int
    beyond: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """The schools of one measure by size. `rate` is the middle line, of all schools taking part or of the trust."""

    name: str
    rate: Share
    of_all: bool
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class TrustCohort:
    """One year group of a trust. `together` has the measures in the page's order, the expected standard first."""

    key: str
    name: str
    rows: tuple[SchoolRow, ...]
    together: tuple[Together, ...]
    funnel: Funnel | None

    def titled(self, title: str) -> str:
        """A title, with the year group before it where there are several."""
        return f"{self.name}: {lowered(title)}" if self.name else title


@dataclass(frozen=True, slots=True)
class TrustFigures:
    """All numbers of a trust's report. `gaps` say why figures of all schools are missing."""

    cohorts: tuple[TrustCohort, ...]
    has_others: bool
    gaps: tuple[str, ...]


def trust_figures(report: TrustInput) -> TrustFigures:
    """The figures of a trust's report, from its schools' summaries alone."""
    with_file = [member for member in report.sorted_members if member.summary is not None]
    seen = as_read_by(report)
    schools = [(m, school_figures(report.service, m.summary or EMPTY, _beside(seen, m))) for m in with_file]
    # Of nobody: the year groups, the measures with their names, and what may be told of all schools.
    reader = report.members[0].school if report.members else ""
    blank = school_figures(report.service, EMPTY, Beside(seen, reader, EMPTY))
    cohorts = tuple(_cohort(report, blank, at, schools) for at in range(len(blank.cohorts)))
    return TrustFigures(cohorts, blank.has_others, blank.gaps)


def _beside(seen: National, member: Member) -> Beside:
    return Beside(seen, member.school, member.inside)


def as_read_by(report: TrustInput) -> National:
    """All schools as this trust may see them: its own are those it has now and those it had at the freeze.

    Who knows the pupils of schools that joined since may hold more than half of a figure's.
    """
    taking = report.national.taking
    if taking is None:
        return report.national
    known = [(member.school, member.inside) for member in report.members if member.inside is not None]
    ours = national(report.service, known, {school: ONE_TRUST for school, _ in known}).taking
    cells = dict(taking.cells)
    for place, own in (ours.cells if ours else {}).items():
        if place in cells:
            cells[place] = cells[place]._replace(largest=max(cells[place].largest, own.pupils))
    own_schools = {member.school for member in report.members} | set(taking.trusts.get(report.trust, ()))
    trusts = {"": tuple(sorted(own_schools)), **taking.trusts}  # the first that holds a school is its own
    return replace(report.national, taking=replace(taking, trusts=trusts, cells=cells))


def _cohort(report: TrustInput, blank: Figures, at: int, schools: Sequence[tuple[Member, Figures]]) -> TrustCohort:
    service, empty = report.service, blank.cohorts[at]
    rows = []
    for member, figures in schools:
        cohort = next(cohort for cohort in figures.cohorts if cohort.key == empty.key)
        every = [line for higher in (False, True) for line in lines(service, cohort, higher=higher)]
        block = cohort.all.school
        rows.append(
            SchoolRow(
                member.school,
                member.shown_name,
                block.pupils,
                block.empty,
                {line.measure: line for line in every if line.share.of >= LEAST_GROUP},
                frozenset(line.measure for line in every if 0 < line.share.of < LEAST_GROUP),
            )
        )
    named = [line for higher in (False, True) for line in lines(service, empty, higher=higher)]
    others = measured(empty.all.others) if empty.all.others else {}
    together = tuple(_together(line, rows, others[line.measure][1].percent if others else None) for line in named)
    return TrustCohort(empty.key, empty.name, tuple(rows), together, _funnel(together, rows))


def _together(line: Line, rows: Iterable[SchoolRow], percent: int | None) -> Together:
    shares = [row.lines[line.measure].share for row in rows if line.measure in row.lines]
    share = Share(sum(each.count for each in shares), sum(each.of for each in shares))
    return Together(
        line.measure,
        line.name,
        line.did,
        share,
        wilson(share.count, share.of) if share.of else None,
        percent,
        children(share.count, share.of, percent) if percent is not None and share.of else None,
        len(shares),
    )


def _funnel(together: Sequence[Together], rows: Sequence[SchoolRow]) -> Funnel | None:
    """The funnel of the first measure, if two schools or more can be shown in it."""
    if not together or together[0].schools < 2:
        return None
    first = together[0]
    rate = first.share if first.percent is None else Share(first.percent, 100)
    points = []
    for row in rows:
        if first.measure in row.lines:
            share = row.lines[first.measure].share
            at = 1000 * share.count // share.of
            low95, high95, low998, high998 = funnel(rate.count, rate.of, share.of)
            beyond = 998 if not low998 <= at <= high998 else 95 if not low95 <= at <= high95 else 0
            points.append(Point(row.school, row.name, share, at, beyond))
    return Funnel(first.name, rate, first.percent is not None, tuple(points))


# In words.


def trust_message(report: TrustInput, cohort: TrustCohort) -> tuple[str, ...]:
    """What the reader is told first of a year group: the figure, who is furthest from it, what is unusual, a question.

    Each sentence is made by a rule, tried in this order.
    """
    if not any(row.pupils for row in cohort.rows):
        return ("No school has a file with pupils of this year group.",)
    first = cohort.together[0] if cohort.together else None
    if first is None or not first.share.of:
        return ("No figure can be shown: no school has eleven pupils with results.",)
    said = [_verdict(first, cohort)]
    unusual = _unusual(cohort)
    said.append(_furthest(first, cohort))
    if unusual:
        said.append(f"More than chance usually explains: {and_words(unusual[:MOST_NAMED])}.")
    elif any(line.standing for row in cohort.rows for line in row.lines.values()):
        said.append(
            "No school's figure of the expected standard differs from all schools by more than chance explains."
        )
    said.append(f"Question to ask: {_question(cohort, first, unusual)}")
    return tuple(sentence for sentence in said if sentence)


def _verdict(first: Together, cohort: TrustCohort) -> str:
    what = f"{first.share.count:,} of {first.share.of:,} pupils ({first.share.shown}) {first.did}"
    what += f", in {many(first.schools, 'school')}"
    if first.percent is None or first.children is None:
        return what + "."
    if not first.children:
        return f"{what}, as at the rate of all schools taking part ({first.percent}%)."
    more = f"{abs(first.children):,} {'more' if first.children > 0 else 'fewer'}"
    return f"{what}: {more} than at the rate of all schools taking part ({first.percent}%)."


def _furthest(first: Together, cohort: TrustCohort) -> str:
    """The highest and the lowest school of the first measure."""
    shown = [(row, row.lines[first.measure].share) for row in cohort.rows if first.measure in row.lines]
    if len(shown) < 2:
        return ""
    ordered = sorted(shown, key=lambda pair: -pair[1].count * 10**9 // pair[1].of)
    (high, high_share), (least, least_share) = ordered[0], ordered[-1]
    if high_share.count * least_share.of == least_share.count * high_share.of:
        return f"All {len(shown)} schools are alike: {high_share.shown}."
    told = [f"{row.name}, {share.shown} of {share.of:,}" for row, share in ((high, high_share), (least, least_share))]
    return f"Highest: {told[0]}. Lowest: {told[1]}."


def _unusual(cohort: TrustCohort) -> list[str]:
    """The schools and measures of the expected standard that are marked, those furthest in children first."""
    found = []
    for row in cohort.rows:
        for measure, line in row.lines.items():
            if line.standing and line.standing.unusual and not measure.endswith("/higher"):
                found.append((-abs(line.standing.children), row.name, line))
    return [
        f"{name} in {lowered(line.name)} ({abs(line.standing.children):,} "
        f"{'more' if line.standing.children > 0 else 'fewer'})"
        for _, name, line in sorted(found, key=lambda each: (each[0], each[1], each[2].measure))
        if line.standing
    ]


def _question(cohort: TrustCohort, first: Together, unusual: Sequence[str]) -> str:
    below = [
        (row.lines[measure].standing.children, row.name, row.lines[measure])  # type: ignore[union-attr]
        for row in cohort.rows
        for measure in row.lines
        if (standing := row.lines[measure].standing) and standing.unusual and standing.children < 0
    ]
    if below:
        fewer, name, line = min(below, key=lambda each: (each[0], each[1], each[2].measure))
        return (
            f"what do the {abs(fewer):,} children at {name} need in {lowered(line.name)}, and who has done it before?"
        )
    blanks = [(100 * row.empty // row.pupils, row.name) for row in cohort.rows if row.pupils and row.empty]
    if blanks and max(blanks)[0] > 5:
        return f"when will {max(blanks)[1]} have the results that are missing?"
    shown = [(row.lines[first.measure].share, row.name) for row in cohort.rows if first.measure in row.lines]
    if len(shown) > 1:
        best = max(shown, key=lambda pair: (pair[0].count * 10**9 // pair[0].of, pair[1]))[1]
        return f"what does {best} do that the other schools could try?"
    return "what do we do here that should be kept?"


def coverage_words(report: TrustInput) -> str:
    """How many of the schools have a file that counts, and who has none: `4 of 5 schools ...`."""
    there = [member for member in report.members if member.summary is not None]
    absent = [member.shown_name for member in report.sorted_members if member.summary is None]
    said = f"{len(there):,} of {many(len(report.members), 'school')} {'has' if len(there) == 1 else 'have'} "
    said += "a file that counts"
    if absent:
        rest = len(absent) - MOST_NAMED
        named = [*absent[:MOST_NAMED], *([f"{rest:,} more"] if rest > 0 else [])]
        said += f"; nothing counts for {and_words(named)}"
    return said + "."


def empty_pupils(summary: Summary) -> int:
    """How many pupils of a file have no result at all."""
    return sum(count for (_, *key), count in summary.totals.items() if key == ["empty"])


def came_words(member: Member) -> str:
    """What came of a school, in words."""
    return {
        Came.IN: "in this window",
        Came.CARRIED: f"carried forward from window {member.carried_from}",
        Came.DELETED: "deleted by its uploader",
        Came.MISSING: "none",
    }[member.came]


def many(count: int, noun: str) -> str:
    """`1 school`, `12 schools`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def interval_words(interval: tuple[int, int] | None) -> str:
    """`47% to 80%`, or nothing."""
    return f"{percent_of(interval[0])}% to {percent_of(interval[1])}%" if interval else ""


def trust_notes(report: TrustInput, figures: TrustFigures) -> tuple[str, ...]:
    """How the figures of a trust's report are counted."""
    notes = [
        *report.service.notes,
        "Percentages are rounded to the nearest whole number, halves upwards.",
        f"A school's figure of fewer than {LEAST_GROUP} pupils is not shown (<{LEAST_GROUP}), and those pupils "
        "are not in the trust's figure: what is left out cannot be worked out from what is shown.",
        "The trust's figure adds up pupils, so a large school counts for more than a small one.",
        "The range of chance is Wilson's 95% interval: where a figure might lie if the same school had other children. "
        "The funnel's limits are 95% and 99.8% (Spiegelhalter, 2005): inside them, chance alone explains where a "
        "school of that size lies.",
        "The schools are those of the trust today, in order of name. There are no ranks.",
    ]
    if figures.has_others and report.national.taking:
        notes.append(
            "All schools taking part means every pupil in the files received for this collection by the close of this "
            f"submission window ({many(report.national.schools, 'school')}), yours among them, in whole percentages. "
            "Unusual: chance explains it less than one time in twenty (mid-p against the other schools), as in the "
            "school's own report; with many schools and measures, some are marked by chance alone."
        )
    return tuple(notes)


def trust_title(report: TrustInput) -> tuple[str, str]:
    """The title of the collection, and the window with the day of its reports."""
    return report.service.title, (f"Submission window {report.window} · reports of {date_words(report.reports)}")


def trust_notice(report: TrustInput) -> str:
    """That these are early data."""
    return (
        "These are early results as they were submitted for your schools, not yet checked against any other source. "
        f"They are not official statistics, and {report.service.words.statutory}."
    )


def trust_facts(report: TrustInput) -> tuple[tuple[str, str], ...]:
    """What the report is made from."""
    pooled = add(member.summary for member in report.sorted_members if member.summary is not None)
    return (
        ("Trust", f"{report.shown_name} ({report.trust})"),
        ("Submission window", f"{report.window}, closed {second_words(report.closes)}"),
        ("Files", coverage_words(report)),
        ("Pupils in the files", f"{pooled.pupils:,}"),
        ("Made from the figures", pooled.sha256[:12]),
        ("Rules", " and ".join(pooled.rulesets) or "none"),
    )
