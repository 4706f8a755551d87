"""The figures of a report: computed once, from a summary alone, for the workbook and the PDF alike.

Neither renderer computes anything, so they cannot disagree. Denominators are in docs/decisions/0003-denominators.md
and, in the reader's words, in `notes`.

Rounding, everywhere: half up, decided on whole numbers, never on floats. 1 of 8 is 13%, a mean of 101.25 is 101.3.
A percentage that rounds to 0 or 100 without being it is shown as `<1%` or `>99%`, and one of fewer than six pupils
says its count beside it: "67% (2 of 3)".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from unicodedata import category

from early_results.reporting.summary import (
    ALL,
    BANDS,
    GENDERS,
    NONE,
    TERMS,
    BadSummary,
    Summary,
    add,
    combined_columns,
    paired,
    sha256_of,
)
from early_results.service import LONDON, Service

# Below this many pupils one child moves a percentage by 20 points or more: the count is told beside it.
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

NO_FIGURE = "\N{EN DASH}"  # nobody to count: neither 0 nor "null"


@dataclass(frozen=True, slots=True)
class Share:
    """`count` pupils `of` so many; `percent` is whole, rounded half up, None of nobody."""

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
        """The percentage alone, for where the count stands beside it anyway."""
        if not self.of:
            return NO_FIGURE
        if self.percent == 0 and self.count:
            return "<1%"
        if self.percent == 100 and self.count < self.of:
            return ">99%"
        return f"{self.percent}%"

    @property
    def beside(self) -> str:
        """The count to tell beside a percentage of few pupils; empty for six and more."""
        return f" ({self.count} of {self.of})" if 0 < self.of < SMALL else ""


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of `number` scaled scores that add up to `total`."""

    total: int
    number: int

    @property
    def tenths(self) -> int | None:
        """The mean in tenths, rounded half up; None of no scores."""
        return (20 * self.total + self.number) // (2 * self.number) if self.number else None

    @property
    def text(self) -> str:
        """One decimal: `101.3`, or a dash where there are no scores."""
        return NO_FIGURE if self.tenths is None else f"{self.tenths // 10}.{self.tenths % 10}"


@dataclass(frozen=True, slots=True)
class CodeCount:
    """A teacher assessment code and its share of the pupils assessed in the subject."""

    code: str
    meaning: str
    share: Share


@dataclass(frozen=True, slots=True)
class Assessment:
    """Teacher assessment in one subject, or of several combined. `higher` is None where no code stands for it."""

    key: str
    name: str
    heading: str
    assessed: int
    blank: int
    expected: Share
    higher: Share | None
    codes: tuple[CodeCount, ...]


@dataclass(frozen=True, slots=True)
class ScoreCount:
    """How many pupils have one scaled score."""

    score: int
    share: Share


@dataclass(frozen=True, slots=True)
class Scores:
    """The scaled scores of one subject. `distribution` has every score from lowest to highest, also those of nobody."""

    key: str
    name: str
    heading: str
    number: int
    blank: int
    mean: Mean
    expected: Share
    high: Share
    distribution: tuple[ScoreCount, ...]


@dataclass(frozen=True, slots=True)
class BandRow:
    """Pupils of one code (or of none, `code` is then empty) by score band, in the order of `Figures.bands`."""

    code: str
    meaning: str
    counts: tuple[int, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """Teacher assessment against scaled score in one subject; pupils with neither are left out."""

    subject: str
    name: str
    rows: tuple[BandRow, ...]
    totals: tuple[int, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Block:
    """All figures of one group of pupils."""

    pupils: int
    empty: int
    assessments: tuple[Assessment, ...]
    combined: Assessment
    scores: tuple[Scores, ...]
    crossings: tuple[Crossing, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One group of pupils: `dimension` is all, gender or term; `national` is None where there are no such figures."""

    key: str
    dimension: str
    label: str
    short: str
    school: Block
    national: Block | None


@dataclass(frozen=True, slots=True)
class National:
    """Every sealed file of the window added up, and how many schools that was."""

    summary: Summary
    schools: int

    def to_json(self) -> dict[str, Any]:
        """As it is stored and hashed."""
        return {"schools": self.schools, "summary": self.summary.to_json()}

    @classmethod
    def from_json(cls, data: Any) -> National:
        """What `to_json` gave. BadSummary if it is not that."""
        if not isinstance(data, dict) or set(data) != {"schools", "summary"}:
            raise BadSummary("national figures have a number of schools and a summary")
        schools = data["schools"]
        if not isinstance(schools, int) or isinstance(schools, bool) or schools < 0:
            raise BadSummary("the number of schools is a whole number")
        return cls(Summary.from_json(data["summary"]), schools)

    @property
    def sha256(self) -> str:
        """The hash of the national figures, as reports and manifest name it."""
        return sha256_of(self.to_json())


def national(summaries: Iterable[Summary]) -> National:
    """The national figures of the summaries of all sealed files, one a school. BadSummary if services differ."""
    schools = 0

    def counted() -> Iterable[Summary]:
        nonlocal schools
        for summary in summaries:
            schools += 1
            yield summary

    total = add(counted())
    return National(total, schools)


@dataclass(frozen=True, slots=True)
class Figures:
    """All that a report says in numbers. `groups` begins with all pupils; `bands` labels the score bands in order.

    `figures_sha256` and `national_sha256` are the hashes of what the figures were computed from, as stored.
    """

    service: str
    rulesets: tuple[str, ...]
    figures_sha256: str
    groups: tuple[Group, ...]
    bands: tuple[str, ...]
    score_expected: int
    score_high: int
    national_schools: int | None
    national_pupils: int | None
    national_sha256: str | None
    notes: tuple[str, ...]

    @property
    def all(self) -> Group:
        """The group of all pupils."""
        return self.groups[0]

    @property
    def sha256(self) -> str:
        """The hash of every count: equal figures, equal hash."""
        return sha256_of(asdict(self))


@dataclass(frozen=True, slots=True)
class ReportInput:
    """What one school's report is built from, and all it is built from: the same input gives the same bytes.

    `closes` and `received` are aware. `sha256` is that of the frozen file. `carried_from` is the number of the earlier
    window whose file was carried forward because none came in this one, else None.
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


def school_figures(service: Service, summary: Summary, national: National | None = None) -> Figures:
    """The figures of one school's summary beside the national ones, where given.

    ValueError if a summary is of another service; EMPTY counts for any.
    """
    for given in (summary, national.summary if national else summary):
        if given.service not in ("", service.name):
            raise ValueError(f"a summary of {given.service} is not one of {service.name}")
    groups = []
    for dimension, keys in (("all", (ALL,)), ("gender", GENDERS), ("term", TERMS)):
        for key in keys:
            # "Not recorded" is shown where the school has such pupils, and else is only in the way.
            if key in _RARE and not summary.count(key, "pupils"):
                continue
            label = GROUP_LABELS[key]
            groups.append(
                Group(
                    key=key,
                    dimension=dimension,
                    label=label,
                    short=label.partition(" (")[0],
                    school=_block(service, summary, key),
                    national=_block(service, national.summary, key) if national else None,
                )
            )
    return Figures(
        service=service.name,
        rulesets=summary.rulesets,
        figures_sha256=summary.sha256,
        groups=tuple(groups),
        bands=(
            f"Below {service.score_expected}",
            f"{service.score_expected} to {service.score_high - 1}",
            f"{service.score_high} or more",
            "No score",
        ),
        score_expected=service.score_expected,
        score_high=service.score_high,
        national_schools=national.schools if national else None,
        national_pupils=national.summary.count(ALL, "pupils") if national else None,
        national_sha256=national.sha256 if national else None,
        notes=_notes(service, national),
    )


def _block(service: Service, summary: Summary, group: str) -> Block:
    pupils = summary.count(group, "pupils")
    assessments = []
    for column in service.assessments:
        counts = {code: summary.count(group, "code", column.key, code) for code in column.codes}
        assessed = sum(counts.values())
        known = [service.code(code) for code in column.codes]
        assessments.append(
            Assessment(
                key=column.key,
                name=column.subject_name,
                heading=column.heading,
                assessed=assessed,
                blank=pupils - assessed,
                expected=Share(sum(counts[c.code] for c in known if c.met), assessed),
                higher=Share(sum(counts[c.code] for c in known if c.higher), assessed)
                if any(c.higher for c in known)
                else None,
                codes=tuple(CodeCount(c.code, c.meaning, Share(counts[c.code], assessed)) for c in known),
            )
        )
    complete = summary.count(group, "combined", "complete")
    combined = Assessment(
        key="combined",
        name=service.combined_name,
        heading=", ".join(column.subject_name for column in combined_columns(service)),
        assessed=complete,
        blank=pupils - complete,
        expected=Share(summary.count(group, "combined", "met"), complete),
        higher=Share(summary.count(group, "combined", "higher"), complete),
        codes=(),
    )
    scores = []
    for column in service.scores:
        having = {
            score: summary.count(group, "score", column.key, str(score))
            for score in range(column.minimum, column.maximum + 1)
        }
        number = sum(having.values())
        scores.append(
            Scores(
                key=column.key,
                name=column.subject_name,
                heading=column.heading,
                number=number,
                blank=pupils - number,
                mean=Mean(sum(score * count for score, count in having.items()), number),
                expected=Share(sum(n for s, n in having.items() if s >= service.score_expected), number),
                high=Share(sum(n for s, n in having.items() if s >= service.score_high), number),
                distribution=tuple(ScoreCount(score, Share(count, number)) for score, count in having.items()),
            )
        )
    crossings = []
    for column, _ in paired(service):
        rows = []
        for code in (*column.codes, NONE):
            crossed = tuple(summary.count(group, "band", column.subject, code, band) for band in BANDS)
            meaning = "No teacher assessment" if code == NONE else service.code(code).meaning
            rows.append(BandRow("" if code == NONE else code, meaning, crossed, sum(crossed)))
        totals = tuple(sum(row.counts[i] for row in rows) for i in range(len(BANDS)))
        crossings.append(Crossing(column.subject, column.subject_name, tuple(rows), totals, sum(totals)))
    return Block(pupils, summary.count(group, "empty"), tuple(assessments), combined, tuple(scores), tuple(crossings))


def _notes(service: Service, national: National | None) -> tuple[str, ...]:
    notes = [
        "Percentages in a teacher assessment subject are of the pupils who have a code in that subject. "
        "A pupil with code A stays in and counts as not meeting the standard, as in the national statistics. "
        "A pupil whose cell is blank is left out; how many that is stands with each subject.",
        f"{service.combined_name}: of the pupils with a code in all of these subjects. A pupil reaches the expected "
        "standard or greater depth in the combined measure by reaching it in every one of them.",
        "Scaled score figures are of the pupils who have a score in that subject. "
        f"{service.score_expected} or more is the expected standard, {service.score_high} or more a high score.",
        "Percentages are rounded to the nearest whole number, halves upwards, so a column may not add up to exactly "
        f"100%. Where fewer than {SMALL} pupils are counted, their number is shown: one pupil then makes a large "
        "difference.",
        "Girls and boys are as recorded in your management information system. Autumn-born is September to December, "
        "spring-born January to April, summer-born May to August.",
    ]
    lower = [
        column.subject_name
        for column in service.assessments
        if not any(service.code(code).higher for code in column.codes)
    ]
    if lower:
        notes[1] += f" There is no greater depth standard in {' or '.join(lower).lower()}."
    if national:
        notes.append(
            "National here means every pupil in the files received for this collection by the close of this "
            f"submission window ({_many(national.schools, 'school')}, "
            f"{_many(national.summary.count(ALL, 'pupils'), 'pupil')}), your school among them. "
            "It is not the Department for Education's national figure."
        )
    return tuple(notes)


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table by group: a figure for each of `Figures.groups`. `national` is empty where there is none.

    `section` heads a run of measures. An int is a number of pupils.
    """

    section: str
    name: str
    school: tuple[Share | Mean | int, ...]
    national: tuple[Share | Mean | int, ...]


def measures(figures: Figures) -> tuple[Measure, ...]:
    """The headline measures for every group of pupils, in the order of the page."""

    def line(section: str, name: str, figure: Callable[[Block], Share | Mean | int]) -> Measure:
        return Measure(
            section,
            name,
            tuple(figure(group.school) for group in figures.groups),
            tuple(figure(group.national) for group in figures.groups if group.national is not None),
        )

    def assessed(block: Block) -> tuple[Assessment, ...]:
        return (*block.assessments, block.combined)

    def expected(at: int) -> Callable[[Block], Share]:
        return lambda block: assessed(block)[at].expected

    def higher(at: int) -> Callable[[Block], Share]:
        return lambda block: assessed(block)[at].higher or Share(0, 0)

    def score(at: int, part: Callable[[Scores], Share | Mean]) -> Callable[[Block], Share | Mean]:
        return lambda block: part(block.scores[at])

    sample = figures.all.school
    lines = [line("Pupils in the file", "Pupils", lambda block: block.pupils)]
    for at, subject in enumerate(assessed(sample)):
        lines.append(line("Teacher assessment: expected standard or above", subject.name, expected(at)))
    for at, subject in enumerate(assessed(sample)):
        if subject.higher is not None:
            lines.append(line("Teacher assessment: greater depth", subject.name, higher(at)))
    parts: tuple[tuple[str, Callable[[Scores], Share | Mean]], ...] = (
        ("Mean scaled score", lambda scores: scores.mean),
        (f"Scaled score of {figures.score_expected} or more", lambda scores: scores.expected),
        (f"Scaled score of {figures.score_high} or more", lambda scores: scores.high),
    )
    for section, part in parts:
        lines += [line(section, scores.name, score(at, part)) for at, scores in enumerate(sample.scores)]
    return tuple(lines)


def text_of(figure: Share | Mean | int) -> str:
    """A figure as a reader sees it."""
    return f"{figure:,}" if isinstance(figure, int) else figure.text


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


# Control, format, unassigned, private and surrogate code points.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})


def plain(text: str) -> str:
    """Text as a report may print it: one line, without control characters, which neither Excel nor PDF can hold."""
    kept = (" " if c.isspace() else c for c in text if c.isspace() or category(c) not in _UNPRINTABLE)
    return " ".join("".join(kept).split())


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def day_words(day: date) -> str:
    """`Friday 30 June 2023`, whatever the locale of the machine."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def moment_words(moment: datetime) -> str:
    """An aware moment in London time: `Friday 30 June 2023 at 11:59:58`, or `at 12 noon` where it is exactly that."""
    there = moment.astimezone(LONDON)
    clock = "12 noon" if (there.hour, there.minute, there.second) == (12, 0, 0) else f"{there:%H:%M:%S}"
    return f"{day_words(there.date())} at {clock}"


@dataclass(frozen=True, slots=True)
class Words:
    """The words around the figures, the same in workbook and PDF."""

    title: str
    school: str
    window: str
    notice: str
    facts: tuple[tuple[str, str], ...]
    provenance: str


def words(report: ReportInput) -> Words:
    """What both renderings say: titles, the notice, and which file the report is of."""
    service, figures = report.service, report.figures
    block = figures.all.school
    name = plain(report.school_name)
    pupils = f"{block.pupils:,}"
    if block.empty:
        pupils += f", of whom {block.empty:,} without any result"
    facts = [
        ("School number", f"{report.school} (local authority {report.school[:3]})"),
        ("Submission window", f"{report.window}, closed {moment_words(report.closes)}"),
        ("File", f"Upload {report.upload_id}, SHA-256 {report.sha256[:12]}…"),
        ("Received", moment_words(report.received)),
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
    if figures.national_schools is not None and figures.national_pupils is not None:
        facts.append(
            (
                "National figures",
                f"{_many(figures.national_pupils, 'pupil')} of {_many(figures.national_schools, 'school')} "
                f"in this collection",
            )
        )
    return Words(
        title=service.title,
        school=name or f"School {report.school}",
        window=f"Submission window {report.window} · reports of {report.reports.day} "
        f"{_MONTHS[report.reports.month - 1]} {report.reports.year}",
        notice="These are early results as they were submitted for your school, not yet checked against any other "
        "source. They are not official statistics, and this submission does not replace your statutory "
        f"{service.short_title} return to the Department for Education through your local authority.",
        facts=tuple(facts),
        provenance=(f"Checked by the rules {' and '.join(figures.rulesets)}. " if figures.rulesets else "")
        + f"Made from the figures {figures.figures_sha256[:12]}"
        + (f" and the national figures {figures.national_sha256[:12]}" if figures.national_sha256 else "")
        + f"; the SHA-256 of the file is {report.sha256}.",
    )
