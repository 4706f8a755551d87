"""What a report says before its tables: the message, what missed a combined measure, last time, the pupils to look at.

Every sentence is made from figures by a rule that stands here, and speaks of children before it speaks of per cent.
Words for the standard, the codes and the numbers are the service's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from early_results.reporting.chance import wilson
from early_results.reporting.disclosure import LEAST_GROUP, small_groups
from early_results.reporting.figures import (
    Block,
    Cohort,
    Copy,
    Earlier,
    Mean,
    ReportInput,
    Scores,
    Share,
    Standing,
    capital,
    measured,
    school_figures,
    subjects_of,
    told,
)
from early_results.reporting.summary import GENDERS, TERMS, paired, year_of
from early_results.results import PupilResults
from early_results.service import Column, Combined, Service

MANY_BLANK = 5  # per cent of the pupils: above, a share is also told as all that it could become
SMALL_YEAR = 30  # pupils: below, years are told together as well
CLOSE = 3  # numbers below a threshold that are close to it
MOST_NAMED = 3  # parts that a pattern names


@dataclass(frozen=True, slots=True)
class Line:
    """One measure of all pupils of a year group, with what chance does to it and how it stands beside all schools.

    `interval` is in thousandths, None of nobody. `between` is told where many results are missing. `did` is what those
    who are counted did, after `13 of 27 pupils`.
    """

    measure: str
    name: str
    did: str
    share: Share
    interval: tuple[int, int] | None
    between: str
    standing: Standing | None

    @property
    def interval_words(self) -> str:
        """`47% to 80%`, or nothing."""
        if self.interval is None:
            return ""
        return f"{percent_of(self.interval[0])}% to {percent_of(self.interval[1])}%"

    @property
    def children_words(self) -> str:
        """`3 fewer`, `1 more`, `as many`; nothing where there is nothing to compare with. Unusual ones say so."""
        if self.standing is None:
            return ""
        more = self.standing.children
        words = "as many" if not more else f"{abs(more):,} {'more' if more > 0 else 'fewer'}"
        return f"{words}, unusual" if self.standing.unusual else words


@dataclass(frozen=True, slots=True)
class Pattern:
    """How many pupils missed exactly these parts of a combined measure; of no parts, they reached it.

    Where they missed more than MOST_NAMED, `missed` is empty and `parts` alone says how many.
    """

    missed: tuple[str, ...]
    parts: int
    pupils: int

    @property
    def words(self) -> str:
        """`missed only maths`, `missed reading and maths`."""
        if not self.parts:
            return "reached all"
        if not self.missed:
            return f"missed {self.parts} parts of it"
        return f"missed {'only ' if len(self.missed) == 1 else ''}{and_words(self.missed)}"


@dataclass(frozen=True, slots=True)
class Change:
    """A measure now and before: the school's own."""

    name: str
    now: Share | Mean
    before: Share | Mean


@dataclass(frozen=True, slots=True)
class Look:
    """Back to one window or collection. `same`: in words that nothing has changed, empty if something has."""

    title: str
    same: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A pupil of the annex: name, UPN, the results in the order of the file, and what to look at."""

    name: str
    upn: str
    results: tuple[str, ...]
    notes: tuple[str, ...]


def lines(service: Service, cohort: Cohort, *, higher: bool) -> tuple[Line, ...]:
    """The measures of all pupils, combined ones first: of the higher standard, or of the expected one."""
    block = cohort.all.school
    names = {subject.key: subject.name for subject in subjects_of(block)}
    own = {measure.key: measure.reached for measure in service.combined if measure.reached}
    tests = {scores.key: scores for scores in block.scores}
    blank = {subject.key: subject.blank for subject in subjects_of(block)}
    blank |= {scores.key: scores.blank for scores in block.scores}
    found = []
    for measure, (base, share) in measured(block).items():
        if measure.endswith("/higher") is not higher:
            continue
        if base in tests:
            threshold = tests[base].high_name if higher else f"{tests[base].expected_at} or more"
            name = f"{tests[base].name}, {service.words.one} of {threshold}"
            did = f"have a {service.words.one} of {threshold} in {lowered(tests[base].name)}"
        else:
            name = names[base]
            did = f"reached the {service.words.higher if higher else service.words.reached} in {lowered(name)}"
            if base in own and not higher:
                did = own[base]
        found.append(
            Line(
                measure,
                name,
                did,
                share,
                wilson(share.count, share.of) if share.of else None,
                between(share, blank[base], block.pupils),
                cohort.all.standings.get(measure),
            )
        )
    combined = {measure.key for measure in service.combined}
    return tuple(sorted(found, key=lambda line: line.measure.partition("/")[0] not in combined))


def between(share: Share, blank: int, pupils: int) -> str:
    """What a share could become once the blank results are told: `between 52% and 71%`; nothing where few are blank."""
    if not share.of or 100 * blank <= MANY_BLANK * pupils:
        return ""
    of = share.of + blank
    return f"between {Share(share.count, of).percent}% and {Share(share.count + blank, of).percent}%"


def eligible(scores: Scores, share: Share) -> Share:
    """The same pupils, of all who were eligible: those without a number count as not reaching it."""
    return Share(share.count, scores.number + _coded_in(scores) + scores.blank)


def _coded_in(scores: Scores) -> int:
    return scores.assessed - scores.number


def patterns(service: Service, pupils: Sequence[PupilResults], year: str, measure: Combined) -> tuple[Pattern, ...]:
    """What the pupils of a year group with all parts of a measure missed, the most frequent first.

    "" as the year stands for all pupils. They add up to the measure's cohort.
    """
    parts = [service.column(part) for part in measure.parts]
    missed: Counter[tuple[int, tuple[int, ...]]] = Counter()
    for entry in pupils:
        if year and year_of(service, entry.pupil.nc_year) != year:
            continue
        reached = [_met(service, part, entry) for part in parts]
        if None not in reached:
            short = tuple(at for at, met in enumerate(reached) if not met)
            missed[len(short), short if len(short) <= MOST_NAMED else ()] += 1
    ordered = sorted(missed.items(), key=lambda found: (found[0][0] > 0, -found[1], found[0]))
    return tuple(Pattern(tuple(lowered(parts[at].subject_name) for at in key), n, count) for (n, key), count in ordered)


def _met(service: Service, column: Column, entry: PupilResults) -> bool | None:
    """Whether a pupil reached the standard in a column; None if blank or out of the cohort."""
    number, written = entry.scores.get(column.key), entry.assessments.get(column.key)
    if number is not None:
        return column.expected is not None and number >= column.expected
    if written is None or not service.code(written).counted:
        return None
    return service.code(written).met


@dataclass(frozen=True, slots=True)
class Message:
    """The first page's sentences. `held` and `gap` may be empty."""

    verdict: str
    furthest: str
    held: str
    question: str
    caveat: str


def message(report: ReportInput, cohort: Cohort, missed: Sequence[Pattern]) -> Message:
    """What the reader is told first, of one year group."""
    service, block = report.service, cohort.all.school
    if not block.pupils or block.empty == block.pupils:
        return Message(
            "No pupil has a result yet." if block.pupils else "There is no pupil in this year group.",
            "",
            "",
            "Question to ask: when will the results be there?" if block.pupils else "",
            "",
        )
    rows = lines(service, cohort, higher=False)
    first = rows[0] if rows else None
    verdict = _verdict(service, cohort, first)
    caveat = ""
    if first and first.interval and first.share.of:
        caveat = (
            f"With {first.share.of:,} pupils chance alone moves this figure from {first.interval_words}: "
            "look at the children before the percentage."
        )
    return Message(
        verdict,
        _furthest(service, rows),
        _held(missed),
        "Question to ask: " + _question(service, block, rows, missed),
        caveat,
    )


def _verdict(service: Service, cohort: Cohort, first: Line | None) -> str:
    if first is None:
        figure = cohort.headline_figure
        if figure is None and cohort.all.school.scores:
            figure = cohort.all.school.scores[0].mean
        return f"{capital(service.words.number)}: {told(figure)}." if figure is not None else "There are no figures."
    if not first.share.of:
        return f"{first.name}: nobody can be counted yet."
    what = f"{first.share.count:,} of {first.share.of:,} pupils ({first.share.shown}) {first.did}"
    standing = first.standing
    if standing is None:
        return what + "."
    so = {True: "more than chance usually explains", False: "no more than chance explains"}[standing.unusual]
    if not standing.children:
        return f"{what}, as at the rate of all schools taking part ({standing.percent}%)."
    count = f"{abs(standing.children):,} {'more' if standing.children > 0 else 'fewer'}"
    return f"{what}: {count} than at the rate of all schools taking part ({standing.percent}%), {so}."


def lowered(name: str) -> str:
    """A name as it stands within a sentence: small, unless it begins with an abbreviation."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def _furthest(service: Service, rows: Sequence[Line]) -> str:
    """The measures furthest above and below all schools, in children; without them, the highest and the lowest."""
    counted = [line for line in rows if line.share.of]
    beside = [(line, line.standing) for line in counted if line.standing]
    said = []
    if beside:
        above, most = max(beside, key=lambda pair: pair[1].children)
        below, least = min(beside, key=lambda pair: pair[1].children)
        for line, standing, word in ((above, most, "above"), (below, least, "below")):
            if standing.children * (1 if word == "above" else -1) > 0:
                unusual = ", more than chance usually explains" if standing.unusual else ""
                count = f"{abs(standing.children):,} {'more' if word == 'above' else 'fewer'}"
                beside_it = f"{line.share.shown} beside {standing.percent}%"
                said.append(f"Furthest {word}: {lowered(line.name)}, {count} ({beside_it}){unusual}.")
        return " ".join(said) or "No figure differs from that of all schools by as much as one child."
    # Whoever reaches a combined measure reaches all its parts, so that it could only ever be the lowest.
    parted = {measure.key for measure in service.combined}
    counted = [line for line in counted if line.measure not in parted]
    if len(counted) < 2:
        return ""
    ranked = sorted(counted, key=lambda line: -line.share.count * 10**9 // line.share.of)  # else as on the page
    high, low = ranked[0], ranked[-1]
    if high.share.count * low.share.of == low.share.count * high.share.of:
        return f"All figures are alike: {high.share.shown}."
    return f"Highest: {lowered(high.name)}, {told(high.share)}. Lowest: {lowered(low.name)}, {told(low.share)}."


def _held(missed: Sequence[Pattern]) -> str:
    """What held the combined measure back: the most frequent way of missing it."""
    short = [pattern for pattern in missed if pattern.parts]
    if not short:
        return "Everybody who has all results reached it." if missed else ""
    total, top = sum(pattern.pupils for pattern in short), short[0]
    if total == 1:
        return f"The one pupil who did not reach it {top.words}."
    if top.pupils == 1:
        return f"The {total:,} pupils who did not reach it missed it each in another way."
    said = and_words([f"{p.pupils:,} {p.words}" for p in short if p.pupils == top.pupils][:MOST_NAMED])
    return f"Of the {total:,} pupils who did not reach it, {said}: nothing else held back more."


def _question(service: Service, block: Block, rows: Sequence[Line], missed: Sequence[Pattern]) -> str:
    """One question, by the first rule that applies: what is missing, what is unusual, what nearly got there."""
    missing = [(line, line.between) for line in rows if line.between]
    if missing:
        line, words = missing[0]
        return f"which results are still missing? Until they are there, {lowered(line.name)} is {words}."
    unusual = [line for line in rows if line.standing and line.standing.unusual and line.standing.children < 0]
    if unusual:
        line = min(unusual, key=lambda each: each.standing.children if each.standing else 0)
        fewer = abs(line.standing.children) if line.standing else 0
        subject = lowered(line.name)
        return f"what do the pupils who did not reach it in {subject} have in common? {fewer:,} fewer is unusual."
    only = [pattern for pattern in missed if pattern.parts == 1]
    if only:
        pattern = only[0]
        who = "the one pupil" if pattern.pupils == 1 else f"the {pattern.pupils:,} pupils"
        return f"what would have brought {who} who {pattern.words} to the {service.words.expected}?"
    for scores in block.scores:
        least_good = scores.high_at if scores.expected_at is None else scores.expected_at
        if least_good is not None:
            close = sum(
                each.share.count for each in scores.distribution if least_good - CLOSE <= each.score < least_good
            )
            if close:
                who = "the one pupil" if close == 1 else f"the {close:,} pupils"
                least, most = least_good - CLOSE, least_good - 1
                return f"what would have helped {who} with {least} to {most} in {lowered(scores.name)}?"
    return "what do we do here that should be kept?"


# Last time.


def looks(report: ReportInput, cohort: Cohort) -> tuple[Look, ...]:
    """Back to each earlier window and collection that holds the school, and small years taken together."""
    found = [_look(report, cohort, earlier) for earlier in report.earlier]
    years = [earlier for earlier in report.earlier if earlier.service.name != report.service.name]
    if years and cohort.all.school.pupils < SMALL_YEAR:
        blocks = [block for e in years if (block := _block_of(e, cohort)) is not None]
        together: dict[str, list[Share]] = {}
        for block in (cohort.all.school, *blocks):
            for measure, (_, share) in measured(block).items():
                together.setdefault(measure, []).append(share)
        changes = [
            Change(line.name, line.share, Share(sum(s.count for s in shares), sum(s.of for s in shares)))
            for line in lines(report.service, cohort, higher=False)
            if len(shares := together[line.measure]) == len(blocks) + 1
        ]
        if blocks and changes:
            found.append(Look(f"{len(blocks) + 1} years together, as each is small", "", tuple(changes)))
    return tuple(found)


def _block_of(earlier: Earlier, cohort: Cohort) -> Block | None:
    for before in school_figures(earlier.service, earlier.summary).cohorts:
        if before.key == cohort.key:
            return before.all.school
    return None


def _look(report: ReportInput, cohort: Cohort, earlier: Earlier) -> Look:
    here = earlier.service.name == report.service.name
    title = f"Window {earlier.window}" if here else earlier.service.title
    if earlier.unchanged:
        return Look(title, f"This is the very file of window {earlier.window}: nothing has changed since.", ())
    if here and earlier.summary.sha256 == report.figures.figures_sha256:
        return Look(title, f"The file is another than in window {earlier.window}; no figure has changed.", ())
    block = _block_of(earlier, cohort)
    if block is None:
        return Look(title, "That collection has no such year group.", ())
    before = measured(block)
    changes = [
        Change(line.name, line.share, before[line.measure][1])
        for line in lines(report.service, cohort, higher=False)
        if line.measure in before
    ]
    means = {scores.key: scores.mean for scores in block.scores}
    changes += [
        Change(f"{scores.name}: mean {report.service.words.number}", scores.mean, means[scores.key])
        for scores in cohort.all.school.scores
        if scores.key in means
    ]
    return Look(title, "", tuple(changes))


# The two copies.


def hidden_groups(cohort: Cohort, copy: Copy) -> frozenset[str]:
    """The groups that a copy leaves out: none of the staff's; "all" where the whole year group is too small."""
    if copy is Copy.STAFF:
        return frozenset()
    if 0 < cohort.all.school.pupils < LEAST_GROUP:
        return frozenset(group.key for group in cohort.groups)
    pupils = {group.key: group.school.pupils for group in cohort.groups}
    return small_groups([{key: pupils.get(key, 0) for key in GENDERS}, {key: pupils.get(key, 0) for key in TERMS}])


def annex(report: ReportInput, cohort: Cohort) -> tuple[Listed, ...]:
    """The pupils of a year group by surname, with what to look at: for those who teach them."""
    service = report.service
    found = []
    for entry in report.pupils:
        year = year_of(service, entry.pupil.nc_year)
        if cohort.key and year != cohort.key:
            continue
        name = f"{entry.pupil.surname}, {entry.pupil.forename}".strip(", ")
        results = tuple(_result(entry, column) for column in service.results)
        found.append(Listed(name, entry.pupil.upn, results, tuple(_notes(service, entry))))
    return tuple(sorted(found, key=lambda pupil: (pupil.name.casefold(), pupil.upn)))


def _result(entry: PupilResults, column: Column) -> str:
    number = entry.scores.get(column.key)
    return str(number) if number is not None else entry.assessments.get(column.key, "")


def _notes(service: Service, entry: PupilResults) -> Iterable[str]:
    """Close to a threshold, a code and a number that disagree, what is missing."""
    pairs = {numbers.key: codes for codes, numbers in paired(service)}
    close, apart = [], []
    for column in service.scores:
        number = entry.scores.get(column.key)
        if number is None or column.expected is None:
            continue
        code = entry.assessments.get(pairs[column.key].key) if column.key in pairs else None
        met = service.code(code).met if code else None
        if (met and number < column.expected - CLOSE) or (met is False and number >= column.expected):
            apart.append(f"{short(column)} {code} with {number}")
        elif column.expected - CLOSE <= number < column.expected:
            close.append(f"{short(column)} {number}")
    if apart:
        yield f"apart: {', '.join(apart)}"
    if close:
        yield f"close: {', '.join(close)}"
    blank = [c for c in service.results if c.key not in entry.assessments and c.key not in entry.scores]
    if len(blank) == len(service.results):
        yield "no result"
    elif blank:
        yield "blank: " + ", ".join(dict.fromkeys(short(column) for column in blank))


def short(column: Column) -> str:
    """The shortest name of a subject: its own, or the last word of its heading where that is shorter, as GPS is."""
    return min(column.subject_name, column.heading.rpartition(" ")[2], key=len)


def percent_of(thousandths: int) -> int:
    """The whole percentage of thousandths, rounded half up."""
    return (thousandths + 5) // 10


def and_words(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
