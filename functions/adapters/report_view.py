"""What the pages of a report hold: ready words, and whole numbers for the lengths of bars. The template sets them.

Lengths are thousandths. Nothing is computed from pupils here, and nothing of other schools that is not shown in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from early_results.reporting import story
from early_results.reporting.chance import mean_interval
from early_results.reporting.disclosure import LEAST_GROUP
from early_results.reporting.figures import (
    NO_FIGURE,
    Assessment,
    Block,
    Cohort,
    Copy,
    Crossing,
    Group,
    Mean,
    ReportInput,
    Scores,
    Share,
    capital,
    measures,
    plain,
    subjects_of,
    text_of,
    words,
)
from early_results.service import Column, Service

COPIES = {
    Copy.SHOWN: "copy to be shown: no pupil is named",
    Copy.STAFF: "staff copy: it names pupils",
}
FIFTHS = ("lowest fifth", "second lowest fifth", "middle fifth", "second highest fifth", "highest fifth")
MOST_SHARED = 2  # subjects of codes that share a page with what follows
MOST_CODES = 8  # columns that a page has room for
MOST_STANDINGS = 9
MOST_PATTERNS = 11
NOT_HELD = (
    "Disadvantage, special educational needs and English as an additional language are not in the template, so this "
    "report cannot show them."
)
FEW = (
    f"This year group has fewer than {LEAST_GROUP} pupils. So that no child can be told by a figure, this copy shows "
    "none of it; the staff copy does."
)


def view(report: ReportInput, copy: Copy) -> dict[str, Any]:
    """The report as the template reads it."""
    figures, says = report.figures, words(report)
    return {
        "title": says.title,
        "author": "Early Results",
        "school": says.school,
        "window": says.window,
        "copy": COPIES[copy],
        "notice": says.notice,
        "facts": [list(fact) for fact in says.facts],
        "footer": f"{says.title} · School {report.school} · Window {report.window} · Early, unvalidated data",
        "others": figures.has_others,
        # A page each for codes, numbers and groups, where there is enough to fill it.
        "paged": len(figures.cohorts) == 1 and len(figures.cohorts[0].all.school.assessments) > MOST_SHARED,
        "gaps": list(figures.gaps),
        "cohorts": [_cohort(report, cohort, copy) for cohort in figures.cohorts],
        "codes": [[code.code, code.meaning] for code in report.service.codes],
        "glossary": _glossary(figures.has_others),
        "notes": [*figures.notes, NOT_HELD],
        "provenance": says.provenance,
    }


def _glossary(others: bool) -> list[list[str]]:
    told = [
        ["Range of chance", "95% interval (Wilson): where a figure might lie if the same school had other children."],
        ["Blank", "A cell without a result. Blank results are not counted, and how many there are stands beside."],
    ]
    if others:
        told += [
            ["All schools", "All schools taking part, added up over pupils and told in whole percentages."],
            ["More, fewer", "How many children more or fewer reached it here than at the rate of all schools."],
            [
                "Unusual",
                "Chance explains it less than one time in twenty (mid-p against the other schools); of groups, at most "
                "one in twenty that are marked is marked by chance (Benjamini and Hochberg).",
            ],
            ["Fifth", "Where the school stands among those with eleven pupils or more. There are no ranks."],
        ]
    return told


def _cohort(report: ReportInput, cohort: Cohort, copy: Copy) -> dict[str, Any]:
    """The pages of one year group."""
    service = report.service
    gone = story.hidden_groups(cohort, copy)
    if "all" in gone:
        return {"name": cohort.name, "few": FEW}
    block, others = cohort.all.school, cohort.all.others
    missed = [story.patterns(service, report.pupils, cohort.key, measure) for measure in service.combined]
    told = story.message(report, cohort, missed[0] if missed else ())
    groups = [group for group in cohort.groups if group.key not in gone]
    return {
        "name": cohort.name,
        "few": None,
        "message": [text for text in (told.verdict, told.furthest, told.held, told.question) if text],
        "caveat": told.caveat,
        "pupils": f"{block.pupils:,} pupils in the file"
        + (f", {block.empty:,} without any result" * bool(block.empty)),
        "dots": [  # of the expected standard on the first page, of the higher one on the second
            {
                "title": cohort.titled(capital(title)),
                "rows": [_dot(line) for line in rows],
                "others": any(line.standing for line in rows),
            }
            for title, rows in (
                (service.words.reached, story.lines(service, cohort, higher=False)),
                (_higher_title(service), story.lines(service, cohort, higher=True)),
            )
            if rows
        ],
        "means": _means(service, cohort, others),
        "looks": [
            {
                "title": look.title,
                "same": look.same,
                "rows": [
                    [change.name, _told(change.now), _told(change.before), _moved(change)] for change in look.changes
                ],
            }
            for look in story.looks(report, cohort)
        ],
        "no_look": ""
        if report.earlier
        else "There is no earlier window or collection that holds this school, so nothing can be said of change.",
        "codes": _codes(service, cohort),
        "patterns": [
            {
                "title": measure.name,
                "rows": _patterns(found),
                "of": f"{sum(p.pupils for p in found):,} pupils with all results",
            }
            for measure, found in zip(service.combined, missed, strict=True)
            if found
        ],
        "standings": _standings(service, cohort),
        "scores": _scores(service, cohort),
        "charts": [
            _chart(service, mine, others.scores[at] if others else None) for at, mine in enumerate(block.scores)
        ],
        "charts_title": cohort.titled(f"{capital(service.words.numbers)}, {service.words.one} by {service.words.one}"),
        "crossings": [
            _crossing(crossing, others.crossings[at] if others else None) for at, crossing in enumerate(block.crossings)
        ],
        "crossings_title": cohort.titled(f"{capital(service.words.code)} beside {service.words.number}"),
        "groups_title": cohort.titled("Girls and boys, and term of birth"),
        "groups": _groups(service, cohort, groups),
        "groups_hidden": f"Groups of fewer than {LEAST_GROUP} pupils, and what would give them away, are left out of "
        "this copy."
        if gone & {group.key for group in cohort.groups}
        else "",
        "annex": _annex(report, cohort) if copy is Copy.STAFF and block.pupils and report.complete else None,
    }


def _patterns(found: Sequence[story.Pattern]) -> list[list[str]]:
    rows = [[capital(pattern.words), f"{pattern.pupils:,}"] for pattern in found[:MOST_PATTERNS]]
    rest = sum(pattern.pupils for pattern in found[MOST_PATTERNS:])
    return [*rows, ["In other ways", f"{rest:,}"]] if rest else rows


def _higher_title(service: Service) -> str:
    terms = service.words
    return " and ".join(dict.fromkeys(word for word in (terms.higher, terms.high) if word))


def _told(figure: Share | Mean) -> str:
    if isinstance(figure, Mean):
        return figure.text
    return f"{figure.shown} ({figure.count:,} of {figure.of:,})" if figure.of else NO_FIGURE


def _moved(change: story.Change) -> str:
    """By how much a figure moved, in points or tenths; a dash where one of the two is of nobody."""
    now, before = change.now, change.before
    if isinstance(now, Mean) and isinstance(before, Mean):
        if now.tenths is None or before.tenths is None:
            return NO_FIGURE
        tenths = now.tenths - before.tenths
        return f"{'+' if tenths >= 0 else '-'}{abs(tenths) // 10}.{abs(tenths) % 10}"
    if isinstance(now, Share) and isinstance(before, Share) and now.percent is not None and before.percent is not None:
        return points(now.percent - before.percent)
    return NO_FIGURE


def points(difference: int) -> str:
    """A difference of percentages: `+4`, `-3`, `0`."""
    return f"{difference:+d}" if difference else "0"


def _dot(line: story.Line) -> dict[str, Any]:
    standing, share = line.standing, line.share
    return {
        "name": line.name,
        "count": f"{share.count:,} of {share.of:,}" if share.of else NO_FIGURE,
        "percent": share.shown,
        "interval": line.interval_words or NO_FIGURE,
        "between": line.between,
        "others": f"{standing.percent}%" if standing else NO_FIGURE,
        "children": line.children_words or NO_FIGURE,
        "unusual": bool(standing and standing.unusual),
        "at": _thousandths(share) if share.of else None,
        "low": line.interval[0] if line.interval else None,
        "high": line.interval[1] if line.interval else None,
        "diamond": 10 * standing.percent if standing else None,
        "middle": [10 * at for at in standing.middle] if standing and standing.middle else None,
    }


def _thousandths(share: Share) -> int:
    return 1000 * share.count // share.of if share.of else 0


def _means(service: Service, cohort: Cohort, others: Block | None) -> list[list[str]]:
    """Means, where no share says it: of a check without a standard."""
    return [
        [f"{scores.name}: mean {service.words.number}", scores.mean.text, others.scores[at].mean.text if others else ""]
        for at, scores in enumerate(cohort.all.school.scores)
        if scores.expected is None
    ]


def _codes(service: Service, cohort: Cohort) -> dict[str, Any] | None:
    """Every subject with codes: a bar of its pupils, and the numbers, all schools' share under them."""
    block, others = cohort.all.school, cohort.all.others
    coded: list[tuple[Assessment | Scores, Assessment | Scores | None]] = [
        (subject, others.assessments[at] if others else None) for at, subject in enumerate(block.assessments)
    ]
    coded += [(s, others.scores[at] if others else None) for at, s in enumerate(block.scores) if s.codes]
    if not coded:
        return None
    names = list(dict.fromkeys(code.code for subject, _ in coded for code in subject.codes))
    if len(names) > MOST_CODES:  # what nobody here has is left to the workbook
        had = {code.code for subject, _ in coded for code in subject.codes if code.share.count}
        names = [name for name in names if name in had]
    shade = {code.code: at for at, code in enumerate(service.codes)}
    rows = []
    for subject, theirs in coded:
        mine = {code.code: code.share for code in subject.codes}
        beside = {code.code: code.share for code in theirs.codes} if theirs else {}
        rows.append(
            {
                "name": subject.name,
                "bar": [
                    {"code": name, "count": f"{share.count:,}", "length": _thousandths(share), "shade": shade[name]}
                    for name, share in mine.items()
                    if share.count
                ],
                "blank": f"{subject.blank:,}",
                "cells": [_code_cell(mine.get(name)) for name in names],
                "others": [beside[name].shown if name in beside else "" for name in names] if beside else None,
            }
        )
    return {
        "title": cohort.titled(f"{capital(service.words.code)}, code by code"),
        "names": names,
        "rows": rows,
    }


def _code_cell(share: Share | None) -> str:
    if share is None:
        return ""
    return f"{share.count:,} ({share.shown})" if share.count else "0"


def _standings(service: Service, cohort: Cohort) -> list[list[str]]:
    """Where the school stands, by measure: which fifth, and the middle half of the schools."""
    rows = []
    for line in story.lines(service, cohort, higher=False):
        standing = line.standing
        if standing and standing.fifth and standing.middle:
            middle = f"{standing.middle[0]}% to {standing.middle[1]}%"
            rows.append((line.measure, [line.name, line.share.shown, FIFTHS[standing.fifth - 1], middle]))
    combined = {measure.key for measure in service.combined}
    return [row for measure, row in rows if len(rows) <= MOST_STANDINGS or measure in combined]


def _scores(service: Service, cohort: Cohort) -> dict[str, Any] | None:
    """The tests: who has a number, the mean with its range of chance, and both ways of counting who reached it."""
    block, others = cohort.all.school, cohort.all.others
    if not block.scores:
        return None
    rows = []
    for at, scores in enumerate(block.scores):
        theirs = others.scores[at] if others else None
        spread = mean_interval({each.score: each.share.count for each in scores.distribution if each.share.count})
        cells = [
            f"{scores.number:,}",
            scores.mean.text,
            f"{_tenths(spread[0])} to {_tenths(spread[1])}" if spread else NO_FIGURE,
        ]
        if theirs:
            cells.append(theirs.mean.text)
        told = []
        for name, share, beside in (
            (f"{scores.expected_at} or more", scores.expected, theirs.expected if theirs else None),
            (scores.high_name, scores.high, theirs.high if theirs else None),
        ):
            if share is not None:
                told.append(
                    {
                        "name": f"{scores.name}: {name}",
                        "scored": _told(Share(share.count, scores.number)),
                        "eligible": _told(story.eligible(scores, share)),
                        "others": beside.shown if beside else "",
                    }
                )
        rows.append({"name": scores.name, "cells": cells, "thresholds": told})
    one = service.words.one
    return {
        "title": cohort.titled(f"{capital(service.words.numbers)} at a glance"),
        "head": [f"Pupils with a {one}", "Mean", "Range of chance", *(["Mean of all schools"] if others else [])],
        "rows": rows,
        "thresholds_head": [f"Of those with a {one}", "Of all eligible", *(["All schools"] if others else [])],
        "others_count": (
            "All schools: of those in the cohort"
            if any(s.codes for s in block.scores)
            else f"All schools: of those with a {one}"
        )
        if others
        else "",
    }


def _tenths(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}"


def _chart(service: Service, school: Scores, others: Scores | None) -> dict[str, Any]:
    terms = service.words
    one = terms.one
    mine = [_thousandths(count.share) for count in school.distribution]
    shown = others if others and others.mean.number else None
    theirs = [_thousandths(count.share) for count in shown.distribution] if shown else None
    tallest = max((*mine, *(theirs or []), 50))
    step = next(step for step in (20, 50, 100, 200, 500) if tallest <= 5 * step or step == 500)
    top = -(-tallest // step) * step
    line = counted(school.number, f"pupil with a {one}", f"pupils with a {one}")
    line += "".join(f", {code.share.count:,} {code.code}" for code in school.codes if code.share.count)
    line += f", {school.blank:,} {'blank' if school.codes else 'without'}" if school.blank else ""
    having = [count.score for count in school.distribution if count.share.count]
    alt = f"Bar chart of {school.name} {terms.numbers}. "
    if having:
        line += f" · mean {school.mean.text}" + (f"; all schools {shown.mean.text}" if shown else "")
        alt += (
            f"{counted(school.number, f'pupil has a {one}', f'pupils have {one}s')} from {having[0]} to {having[-1]}, "
        )
        alt += f"mean {school.mean.text}."
        if shown:
            alt += f" All schools taking part: mean {shown.mean.text}."
    else:
        alt += f"No pupil of this school has a {one}."
    marks = [[school.expected_at, f"{school.expected_at}: {terms.expected}"]] if school.expected_at is not None else []
    marks += [[school.high_at, f"{school.high_at}: {terms.high}"]] if school.high_at is not None else []
    return {
        "name": school.name,
        "line": line,
        "alt": alt,
        "first": school.distribution[0].score,
        "marks": marks,
        "levels": [[level, f"{level // 10}%"] for level in range(step, top + 1, step)],
        "top": top,
        "school": mine,
        "others": theirs,
    }


def counted(count: int, one: str, many: str) -> str:
    """`1 pupil assessed`, `24 pupils assessed`."""
    return f"{count:,} {one if count == 1 else many}"


def _crossing(mine: Crossing, theirs: Crossing | None) -> dict[str, Any]:
    """Codes by numbers: the school's pupils, and all schools' shares of all pupils of the table beside them."""
    beside = theirs if theirs and theirs.total else None
    rows = []
    for at, row in enumerate(mine.rows):
        if row.total:  # codes that nobody here has are left out
            rows.append(
                {
                    "name": row.code or "Blank",
                    "cells": [f"{count:,}" for count in (*row.counts, row.total)],
                    "others": [f"{p}%" for p in (*beside.rows[at].counts, beside.rows[at].total)] if beside else None,
                }
            )
    rows.append(
        {
            "name": "All",
            "cells": [f"{count:,}" for count in (*mine.totals, mine.total)],
            "others": [f"{p}%" for p in (*beside.totals, 100)] if beside else None,
        }
    )
    return {"name": mine.name, "head": ["Code", *mine.bands, "All"], "rows": rows}


GAPS = (("gender", "female", "male"), ("term", "autumn", "summer"))


def _groups(service: Service, cohort: Cohort, groups: Sequence[Group]) -> dict[str, Any]:
    """The table by group, with the gaps between girls and boys and between the oldest and the youngest."""
    places = {group.key: cohort.groups.index(group) for group in groups}
    columns: list[str] = []
    pick: list[tuple[int, ...]] = []  # the place of a group, or of the two that a gap lies between
    for dimension in ("all", "gender", "term"):
        for group in groups:
            if group.dimension == dimension:
                columns.append(group.short)
                pick.append((places[group.key],))
        for of, first, second in GAPS:
            if of == dimension and first in places and second in places:
                columns.append("Gap")
                pick.append((places[first], places[second]))
    unusual = {(measure, group.key) for group in groups for measure, s in group.standings.items() if s.unusual}

    def cells(figures: Sequence[Share | Mean | int]) -> list[str]:
        return [text_of(figures[at[0]]) if len(at) == 1 else gap(figures[at[0]], figures[at[1]]) for at in pick]

    rows: list[dict[str, Any]] = []
    section = ""
    terms, block = service.words, cohort.all.school
    kept = {"Pupils in the file", f"Mean {terms.number}"}
    if not subjects_of(block):
        kept |= {f"{capital(terms.number)} of {scores.expected_at} or more" for scores in block.scores}
    for line in measures(terms, cohort):
        if line.section not in kept and not line.section.endswith(terms.reached):
            continue  # the workbook has the rest
        if line.section != section:
            rows.append({"title": line.section})
            section = line.section
        rows.append({"title": None, "name": line.name, "cells": cells(line.school)})
        if line.others:
            name = f"{line.name}, all schools"
            rows.append({"title": None, "name": name, "cells": cells(line.others), "quiet": True})
    marks = [_unusual_words(service, cohort, measure, key) for measure, key in sorted(unusual) if key != "all"]
    return {"columns": columns, "rows": rows, "unusual": marks}


def _unusual_words(service: Service, cohort: Cohort, measure: str, key: str) -> str:
    group = next(group for group in cohort.groups if group.key == key)
    standing = group.standings[measure]
    base = measure.partition("/")[0]
    block = group.school
    names = {subject.key: subject.name for subject in subjects_of(block)} | {s.key: s.name for s in block.scores}
    name = names[base]
    what = service.words.higher or service.words.high if measure.endswith("/higher") else service.words.reached
    more = f"{abs(standing.children):,} {'more' if standing.children >= 0 else 'fewer'}"
    return f"{group.short}, {name}, {what}: {more} than at the rate of the same group of all schools"


def gap(first: Share | Mean | int, second: Share | Mean | int) -> str:
    """How far the first is above the second, in points or tenths; a dash where one is of nobody."""
    if isinstance(first, Share) and isinstance(second, Share):
        if first.percent is None or second.percent is None:
            return NO_FIGURE
        return points(first.percent - second.percent)
    if isinstance(first, Mean) and isinstance(second, Mean):
        if first.tenths is None or second.tenths is None:
            return NO_FIGURE
        tenths = first.tenths - second.tenths
        return f"{'+' if tenths > 0 else '-' if tenths < 0 else ''}{_tenths(abs(tenths))}"
    return ""


def _annex(report: ReportInput, cohort: Cohort) -> dict[str, Any]:
    pupils = story.annex(report, cohort)
    return {
        "title": cohort.titled("Pupils"),
        "kinds": [[kind, sum(1 for _ in columns)] for kind, columns in groupby(report.service.results, _kind)],
        "head": [story.short(column) for column in report.service.results],
        "rows": [
            [plain(pupil.name) or pupil.upn, *(result or "" for result in pupil.results), "; ".join(pupil.notes)]
            for pupil in pupils
        ],
    }


def _kind(column: Column) -> str:
    """What stands above columns of one kind: the beginning of their headings, where it has a subject after it."""
    kind, colon, _ = column.heading.partition(":")
    return kind if colon else ""
