"""What the pages of a trust's report hold: ready words, and whole numbers for the lengths of lines.

Lengths are thousandths of the picture. Nothing is computed from pupils here.
"""

from __future__ import annotations

from typing import Any

from early_results.reporting.chance import funnel
from early_results.reporting.disclosure import LEAST_GROUP
from early_results.reporting.figures import NO_FIGURE, Share, capital
from early_results.reporting.trusts import (
    Funnel,
    SchoolRow,
    Together,
    TrustCohort,
    TrustInput,
    came_words,
    coverage_words,
    empty_pupils,
    interval_words,
    many,
    trust_facts,
    trust_figures,
    trust_message,
    trust_notes,
    trust_notice,
    trust_title,
)
from early_results.service import Words as Terms

TOO_FEW = f"<{LEAST_GROUP}"
MOST_COLUMNS = 8
STEPS = 48  # points of a limit's line
BEYOND = {0: "inside", 95: "outside 95%", 998: "outside 99.8%"}


def trust_view(report: TrustInput) -> dict[str, Any]:
    """The report as the template reads it."""
    figures = trust_figures(report)
    title, window = trust_title(report)
    return {
        "title": title,
        "author": "Early Results",
        "name": report.shown_name,
        "window": f"{window} · trust report: no pupil is named",
        "notice": trust_notice(report),
        "footer": f"{title} · {report.shown_name} · Window {report.window} · Early, unvalidated data",
        "others": figures.has_others,
        "coverage": coverage_words(report),
        "schools": [
            [
                member.shown_name,
                member.school,
                capital(came_words(member)),
                f"{member.summary.pupils:,}" if member.summary else NO_FIGURE,
                f"{empty_pupils(member.summary):,}" if member.summary else NO_FIGURE,
            ]
            for member in report.sorted_members
        ],
        "cohorts": [_cohort(report, cohort) for cohort in figures.cohorts],
        "few": f"{TOO_FEW}: fewer than {LEAST_GROUP} pupils, so not shown, and not in the trust's figure."
        if any(row.few for cohort in figures.cohorts for row in cohort.rows)
        else "",
        "gaps": list(figures.gaps),
        "notes": list(trust_notes(report, figures)),
        "facts": [list(fact) for fact in trust_facts(report)],
    }


def _cohort(report: TrustInput, cohort: TrustCohort) -> dict[str, Any]:
    first = cohort.together[0] if cohort.together else None
    return {
        "name": cohort.name,
        "message": list(trust_message(report, cohort)),
        "side": _side(cohort, first) if first and first.share.of else None,
        "funnel": _funnel(cohort, cohort.funnel) if cohort.funnel else None,
        "matrices": [
            matrix
            for higher, title in standards(report.service.words).items()
            for matrix in _matrices(cohort, cohort.titled(title), [t for t in cohort.together if t.higher is higher])
        ],
    }


def standards(terms: Terms) -> dict[bool, str]:
    """What the measures of the expected standard are called together, and those of the higher one."""
    higher = " and ".join(dict.fromkeys(word for word in (terms.higher, terms.high) if word))
    return {False: capital(terms.reached), True: capital(higher)}


def _side(cohort: TrustCohort, first: Together) -> dict[str, Any]:
    """The schools side by side in the first measure, and the trust under them."""
    rows = [_dot(row, first.measure) for row in cohort.rows if row.pupils]
    return {
        "title": cohort.titled(f"{first.name}, school by school"),
        "others": first.percent is not None,
        "rows": [
            *rows,
            {
                "name": f"{many(first.schools, 'school')} together"
                if first.schools > 1
                else "The trust, of one school",
                **_shares(first.share, first.interval),
                "others": f"{first.percent}%" if first.percent is not None else NO_FIGURE,
                "children": "" if first.children is None else more_words(first.children),
                "unusual": False,
                "diamond": 10 * first.percent if first.percent is not None else None,
                "strong": True,
            },
        ],
    }


def _dot(row: SchoolRow, measure: str) -> dict[str, Any]:
    line = row.lines.get(measure)
    if line is None:
        nothing = _shares(Share(0, 0), None) | {"count": TOO_FEW if measure in row.few else NO_FIGURE}
        marks = {"others": NO_FIGURE, "children": NO_FIGURE, "unusual": False, "diamond": None, "strong": False}
        return {"name": row.name, **nothing, **marks}
    standing = line.standing
    return {
        "name": row.name,
        **_shares(line.share, line.interval),
        "others": f"{standing.percent}%" if standing else NO_FIGURE,
        "children": line.children_words or NO_FIGURE,
        "unusual": bool(standing and standing.unusual),
        "diamond": 10 * standing.percent if standing else None,
        "strong": False,
    }


def _shares(share: Share, interval: tuple[int, int] | None) -> dict[str, Any]:
    return {
        "count": f"{share.count:,} of {share.of:,}" if share.of else NO_FIGURE,
        "percent": share.shown,
        "interval": interval_words(interval) or NO_FIGURE,
        "at": 1000 * share.count // share.of if share.of else None,
        "low": interval[0] if interval else None,
        "high": interval[1] if interval else None,
        "middle": None,
    }


def more_words(more: int) -> str:
    """`3 fewer`, `1 more`, `as many`."""
    return f"{abs(more):,} {'more' if more > 0 else 'fewer'}" if more else "as many"


def _funnel(cohort: TrustCohort, told: Funnel) -> dict[str, Any]:
    largest = max(point.share.of for point in told.points)
    step = next(step for step in (10, 20, 50, 100, 200, 500, 1000) if largest <= 6 * step or step == 1000)
    top = -(-largest // step) * step
    sizes = sorted({max(3, top * at // STEPS) for at in range(1, STEPS + 1)})
    outside = [point for point in told.points if point.beyond]
    rate = (
        f"the rate of all schools taking part ({told.rate.shown})"
        if told.of_all
        else (f"the rate of the trust's schools together ({told.rate.shown})")
    )
    alt = f"Funnel plot of {told.name} by number of pupils, around {rate}. "
    alt += (
        "; ".join(f"{point.name}: {BEYOND[point.beyond]}" for point in outside) if outside else "All schools are inside"
    )
    return {
        "title": cohort.titled(f"{told.name}: what chance explains"),
        "line": f"Each dot is a school. The middle line is {rate}. Between the inner lines lie 95 of 100 schools by "
        "chance alone, between the outer lines 998 of 1,000.",
        "alt": f"{alt}.",
        "rate": 1000 * told.rate.count // told.rate.of,
        "limits": [[1000 * size // top, *funnel(told.rate.count, told.rate.of, size)] for size in sizes],
        "ticks": [[1000 * at // top, f"{at:,}"] for at in range(0, top + 1, step)],
        "points": [
            {"x": 1000 * point.share.of // top, "y": point.at, "beyond": point.beyond, "number": str(number)}
            for number, point in enumerate(told.points, 1)
        ],
        "rows": [
            [str(number), point.name, f"{point.share.of:,}", point.share.shown, BEYOND[point.beyond]]
            for number, point in enumerate(told.points, 1)
        ],
    }


def _matrices(cohort: TrustCohort, title: str, measures: list[Together]) -> list[dict[str, Any]]:
    """A table of schools by measures, numbers printed, in parts that a page is wide enough for."""
    if len(cohort.together) < 2:
        return []  # it stands in the table by school already
    parts = -(-len(measures) // MOST_COLUMNS)
    each = -(-len(measures) // parts) if parts else 0
    return [
        _matrix(cohort, title if not at else f"{title} (continued)", measures[at : at + each])
        for at in range(0, len(measures), each or 1)
    ]


def _matrix(cohort: TrustCohort, title: str, measures: list[Together]) -> dict[str, Any]:
    def cell(row: SchoolRow, measure: str) -> list[str]:
        line = row.lines.get(measure)
        if line is None:
            return [TOO_FEW if measure in row.few else NO_FIGURE, "", ""]
        unusual = "unusual" if line.standing and line.standing.unusual else ""
        return [line.share.shown, f"{line.share.count:,} of {line.share.of:,}", unusual]

    rows: list[dict[str, Any]] = [
        {"name": row.name, "cells": [cell(row, each.measure) for each in measures], "kind": "school"}
        for row in cohort.rows
        if row.pupils
    ]
    rows.append(
        {
            "name": "Together",
            "cells": [
                [each.share.shown, f"{each.share.count:,} of {each.share.of:,}" if each.share.of else "", ""]
                for each in measures
            ],
            "kind": "together",
        }
    )
    if any(each.percent is not None for each in measures):
        told = [["" if each.percent is None else f"{each.percent}%", "", ""] for each in measures]
        rows.append({"name": "All schools taking part", "cells": told, "kind": "others"})
    return {"title": title, "head": [each.name for each in measures], "rows": rows}
