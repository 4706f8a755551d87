"""What the pages of the operators' summary hold: ready words, and whole numbers for the heights of bars."""

from __future__ import annotations

from typing import Any

from adapters.trust_view import standards
from early_results.reporting.disclosure import Why
from early_results.reporting.figures import NO_FIGURE, Assessment, Scores, capital, measures, text_of
from early_results.reporting.operators import (
    Participation,
    Rate,
    SummaryCohort,
    SummaryInput,
    summary_facts,
    summary_figures,
    summary_message,
    summary_notes,
    summary_titles,
)

MOST_RATES = 6  # measures of an authority that the page has room for; the workbook has them all
HEAD = ("Authority", "Schools", "In this window", "Carried", "Let in late", "Deleted", "Nothing")


def summary_view(report: SummaryInput) -> dict[str, Any]:
    """The summary as the template reads it."""
    figures, cohorts = summary_figures(report)
    title, window = summary_titles(report)
    return {
        "title": title,
        "author": "Early Results",
        "name": "Operators' summary",
        "window": f"{window} · no school and no pupil is named",
        "notice": "These are early results as schools submitted them, not yet checked against any other source. They "
        f"are not official statistics, and {report.service.words.statutory}.",
        "footer": f"{title} · Operators' summary · Window {report.window} · Early, unvalidated data",
        "message": list(summary_message(report, cohorts)),
        "totals": [list(HEAD[1:]), participation(report.everywhere)],
        "cohorts": [_cohort(report, cohort) for cohort in cohorts],
        "authorities": _authorities(report, cohorts),
        "gaps": list(figures.gaps),
        "notes": list(summary_notes(report)),
        "facts": [list(fact) for fact in summary_facts(report)],
    }


def participation(one: Participation) -> list[str]:
    """The numbers of schools in the order of HEAD."""
    return [f"{n:,}" for n in (one.listed, one.sent, one.carried, one.late, one.deleted, one.nothing)]


def percent(told: int | None) -> str:
    """A whole percentage, or a dash where none may be told."""
    return NO_FIGURE if told is None else f"{told}%"


def rate_words(told: int | Why | None) -> str:
    """An authority's rate, or a dash."""
    return percent(told if isinstance(told, int) else None)


def _cohort(report: SummaryInput, cohort: SummaryCohort) -> dict[str, Any]:
    others = cohort.of_all.all.others
    return {
        "name": cohort.name,
        "told": others is not None,
        "tables": [
            {"title": cohort.titled(title), "rows": [_rate(rate) for rate in cohort.rates if _is(rate, higher)]}
            for higher, title in standards(report.service.words).items()
            if any(_is(rate, higher) for rate in cohort.rates)
        ],
        "means": [
            [scores.name, scores.mean.text] for scores in (others.scores if others else ()) if scores.mean.number
        ],
        "means_title": cohort.titled(f"Mean {report.service.words.number}"),
        "groups_title": cohort.titled("Girls and boys, and term of birth"),
        "groups": group_table(report, cohort),
        "codes_title": cohort.titled("Codes, and blank cells"),
        "codes": code_table(cohort),
        "crossings_title": cohort.titled(f"{capital(report.service.words.code)} beside {report.service.words.number}"),
        "crossings": [
            {
                "name": crossing.name,
                "head": ["Code", *crossing.bands, "All"],
                "rows": [[row.code or "Blank", *(f"{n}%" for n in (*row.counts, row.total))] for row in crossing.rows]
                + [["All", *(f"{n}%" for n in (*crossing.totals, crossing.total))]],
            }
            for crossing in (others.crossings if others else ())
            if crossing.total
        ],
    }


def _is(rate: Rate, higher: bool) -> bool:
    return rate.measure.endswith("/higher") is higher


def _rate(rate: Rate) -> dict[str, Any]:
    tallest = max(rate.histogram or (0,))
    return {
        "name": rate.name,
        "percent": percent(rate.percent),
        "middle": f"{rate.middle[0]}% to {rate.middle[1]}%" if rate.middle else NO_FIGURE,
        "schools": f"{sum(rate.histogram):,}" if rate.histogram else NO_FIGURE,
        "bars": [1000 * n // tallest for n in rate.histogram] if rate.histogram and tallest else [],
        "counts": " ".join(f"{n:,}" for n in rate.histogram) if rate.histogram else "",
    }


def group_table(report: SummaryInput, cohort: SummaryCohort) -> dict[str, Any]:
    """The measures by group of pupils, as all schools may be told; a row of one text is a heading."""
    groups = [group for group in cohort.of_all.groups if group.others is not None]
    rows: list[list[str]] = []
    section = ""
    for line in measures(report.service.words, cohort.of_all):
        if line.others:
            rows += [[line.section]] if line.section != section else []
            section = line.section
            rows.append([line.name, *map(text_of, line.others)])
    return {"columns": [group.short for group in groups], "rows": rows}


def code_table(cohort: SummaryCohort) -> list[list[str]]:
    """By column, the share of each code among pupils with a result, and the share of all pupils who have none."""
    others = cohort.of_all.all.others
    coded: dict[str, str] = {}
    subjects: list[Assessment | Scores] = [*others.assessments, *others.scores] if others else []
    for subject in subjects:
        told = [f"{code.code} {code.share.shown}" for code in subject.codes if code.share.of]
        coded[subject.heading] = ", ".join(told)
    return [[heading, percent(blank), coded.get(heading) or NO_FIGURE] for heading, blank in cohort.blanks]


def _authorities(report: SummaryInput, cohorts: tuple[SummaryCohort, ...]) -> dict[str, Any]:
    """Who took part, and what may be told of each authority's first measures."""
    wanted = [
        (cohort.key, rate.measure, f"{cohort.name}: {rate.name}" if cohort.name else rate.name)
        for cohort in cohorts
        for rate in cohort.rates
        if _is(rate, False)
    ][:MOST_RATES]
    return {
        "head": [*HEAD, *(name for _, _, name in wanted)],
        "counts": len(HEAD),
        "rows": [
            [
                authority,
                *participation(one),
                *(
                    rate_words(report.counted.rates.get(authority, {}).get((year, measure)))
                    for year, measure, _ in wanted
                ),
            ]
            for authority, one in sorted(report.authorities.items())
        ],
    }
