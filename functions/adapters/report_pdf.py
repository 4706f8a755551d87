"""A school's report as a PDF: tagged (PDF/UA-1), so a screen reader can read it, and the same bytes every time.

The page itself is report_assets/report.typ. What reaches it is one JSON text of ready words and numbers: Typst parses
it as data, so a school called `*St #1*` cannot become markup. Fonts come from report_assets alone, never from the
machine, or the same figures would give other bytes elsewhere.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import typst

from early_results.canonical import canonical
from early_results.reporting.figures import (
    NO_FIGURE,
    Assessment,
    CodeCount,
    Cohort,
    Copy,
    Measure,
    ReportInput,
    Scores,
    Share,
    capital,
    measures,
    score_tables,
    subject_tables,
    subjects_of,
    text_of,
    words,
)
from early_results.service import Service

ASSETS = Path(__file__).parent / "report_assets"


class PdfFailed(RuntimeError):
    """Typst could not set the report. The message is Typst's own, which names the template, not the school's data."""


def build_pdf(report: ReportInput, copy: Copy = Copy.SHOWN) -> bytes:
    """The report as PDF/UA-1, in British English, dated by the window's close. PdfFailed if Typst refuses it.

    The compiler is kept for the next report of the process: the first takes some 200 ms, the next ones about 60.
    """
    try:
        pdf = _compiler().compile(
            format="pdf",
            sys_inputs={"report": canonical(view(report)).decode()},
            pdf_standards=["ua-1"],
            timestamp=int(report.closes.timestamp()),
        )
    except typst.TypstError as error:
        raise PdfFailed(f"the report's PDF: {error.message}") from error
    if not isinstance(pdf, bytes):
        raise PdfFailed(f"the report's PDF: Typst gave {type(pdf).__name__}")
    return pdf


@cache
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(ASSETS)])
    # With a path and not with bytes: a compiler made from bytes looks for its source on disk the second time it
    # compiles.
    return typst.Compiler(
        input=str(ASSETS / "report.typ"), root=str(ASSETS), font_paths=fonts, ignore_system_fonts=True
    )


def printable(text: str) -> str:
    """Text that the report's font can print. PDF/UA forbids a missing glyph, so one odd letter would fail the report.

    Latin letters with any accent (Welsh, Polish, Turkish, Vietnamese ...) and ordinary punctuation stay; anything else
    becomes a question mark. The school's number stands beside its name.
    """
    return "".join(c if _has_glyph(c) else "?" for c in unicodedata.normalize("NFC", text))


# Dashes, curly quotation marks, bullet, ellipsis, euro, at least. Written as code points, since they look like plain
# signs.
_PUNCTUATION = "\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026\u20ac\u2265"


def _has_glyph(character: str) -> bool:
    point = ord(character)
    return (
        0x20 <= point <= 0x7E
        or (0xA0 <= point <= 0x17F and point != 0xAD)
        or 0x218 <= point <= 0x21B
        or 0x1E80 <= point <= 0x1E85
        or 0x1EA0 <= point <= 0x1EF9
        or character in _PUNCTUATION
    )


def view(report: ReportInput) -> dict[str, Any]:
    """The report as the template reads it: texts, and whole numbers for the lengths of bars."""
    figures, says = report.figures, words(report)
    texts: dict[str, Any] = {
        "title": says.title,
        "author": "Early Results",
        "school": says.school,
        "window": says.window,
        "notice": says.notice,
        "facts": [list(fact) for fact in says.facts],
        "footer": f"{says.title} · School {report.school} · Window {report.window} · Early, unvalidated data",
        "none": NO_FIGURE,
        "national": figures.has_others,
        "cohorts": [_cohort(report.service, cohort) for cohort in figures.cohorts],
        "codes": [[code.code, code.meaning] for code in report.service.codes],
        "notes": list(figures.notes),
        "provenance": says.provenance,
    }
    return {key: _every_text(value, printable) for key, value in texts.items()}


def _cohort(service: Service, cohort: Cohort) -> dict[str, Any]:
    """The pages of one year group."""
    terms, school, national = service.words, cohort.all.school, cohort.all.others
    beside = national or school
    subjects = list(zip(subjects_of(school), subjects_of(beside), strict=True))
    tests = list(zip(school.scores, beside.scores, strict=True))
    return {
        "subjects": [
            {
                "title": cohort.titled(f"{table.title} at a glance"),
                "expected": capital(terms.reached_short),
                "higher": capital(terms.higher) if table.has_higher else None,
                "rows": [
                    _headline(mine, theirs if national else None)
                    for mine, theirs in (subjects[at] for at in table.lines)
                ],
            }
            for table in subject_tables(terms, school)
        ],
        "scores": [
            {
                "title": cohort.titled(f"{table.title} at a glance"),
                "number": ["Pupils with", f"a {terms.one}"],
                "mean": ["Mean", terms.one],
                "expected": None
                if school.scores[table.lines[0]].expected is None
                else f"{school.scores[table.lines[0]].expected_at} or more",
                "high": school.scores[table.lines[0]].high_name if table.has_higher else None,
                "rows": [
                    {
                        "name": mine.name,
                        "number": str(mine.number),
                        "mean": mine.mean.text,
                        "national_mean": theirs.mean.text,
                        "expected": _maybe_pair(mine.expected, theirs.expected if national else None),
                        "high": _maybe_pair(mine.high, theirs.high if national else None),
                    }
                    for mine, theirs in (tests[at] for at in table.lines)
                ],
            }
            for table in score_tables(terms, school)
        ],
        "distributions_title": cohort.titled(f"{capital(terms.code)}, code by code"),
        "distributions": [
            {
                "name": mine.name,
                "line": counted(mine.assessed, "pupil assessed", "pupils assessed")
                + _blank(mine.out, "out of the cohort")
                + _blank(mine.blank, "blank"),
                "rows": _code_rows(mine.codes, theirs.codes, national=national is not None),
            }
            for mine, theirs in zip(school.assessments, beside.assessments, strict=True)
        ],
        "charts_title": cohort.titled(f"{capital(terms.numbers)}, {terms.one} by {terms.one}"),
        "charts": [_chart(service, mine, theirs if national else None) for mine, theirs in tests],
        "crossings_title": cohort.titled(f"{capital(terms.code)} beside {terms.number}"),
        "crossing_line": f"Pupils by {terms.code} and {terms.one} band. Pupils with neither, and "
        "codes that nobody has, are left out.",
        "crossings": [
            {
                "name": crossing.name,
                "head": ["Code", *crossing.bands, "All"],
                "rows": [
                    {"cells": [row.code or "Blank", *(str(c) for c in row.counts), str(row.total)]}
                    for row in crossing.rows
                    if row.total
                ]
                + [{"cells": ["All", *(str(c) for c in crossing.totals), str(crossing.total)]}],
            }
            for crossing in school.crossings
        ],
        "groups_title": cohort.titled("Girls and boys, and term of birth"),
        "group_line": "Your school's figure for each group of pupils"
        + (", and under it that of all schools taking part." if national else ".")
        + " The workbook of this report has every code and every score by group.",
        "groups": {
            "labels": [group.short for group in cohort.groups],
            "rows": _group_rows(measures(terms, cohort)),
        },
    }


def _code_rows(own: Sequence[CodeCount], nation: Sequence[CodeCount], *, national: bool) -> list[dict[str, Any]]:
    return [
        {
            "code": mine.code,
            "count": str(mine.share.count),
            "share": mine.share.shown,
            "national": theirs.share.shown,
            "bar": _thousandths(mine.share),
            "tick": _thousandths(theirs.share) if national else None,
        }
        for mine, theirs in zip(own, nation, strict=True)
    ]


def counted(count: int, one: str, many: str) -> str:
    """`1 pupil assessed`, `24 pupils assessed`."""
    return f"{count:,} {one if count == 1 else many}"


def _blank(count: int, word: str) -> str:
    return f", {count:,} {word}" if count else ""


def _thousandths(share: Share) -> int | None:
    """The length of a bar. None, the share where there is nobody to count, draws nothing."""
    return 1000 * share.count // share.of if share.count else None


def _pair(school: Share, national: Share | None) -> dict[str, Any]:
    return {
        "school": school.text,
        "national": national.text if national else "",
        "bar": _thousandths(school),
        "tick": _thousandths(national) if national else None,
    }


def _maybe_pair(school: Share | None, national: Share | None) -> dict[str, Any] | None:
    return None if school is None else _pair(school, national)


def _headline(school: Assessment, national: Assessment | None) -> dict[str, Any]:
    return {
        "name": school.name,
        "assessed": str(school.assessed),
        "expected": _pair(school.expected, national.expected if national else None),
        "higher": _pair(school.higher, national.higher if national else None) if school.higher else None,
    }


def _chart(service: Service, school: Scores, national: Scores | None) -> dict[str, Any]:
    terms = service.words
    one = terms.one
    mine = [_thousandths(count.share) or 0 for count in school.distribution]
    theirs = [_thousandths(count.share) or 0 for count in national.distribution] if national else None
    tallest = max((*mine, *(theirs or []), 50))
    step = next(step for step in (20, 50, 100, 200, 500) if tallest <= 5 * step or step == 500)
    top = -(-tallest // step) * step + step // 2
    line = counted(school.number, f"pupil with a {one}", f"pupils with a {one}")
    line += "".join(f", {code.share.count:,} {code.code}" for code in school.codes if code.share.count)
    line += _blank(school.blank, "without" if not school.codes else "blank")
    having = [count.score for count in school.distribution if count.share.count]
    alt = f"Bar chart of {school.name} {terms.numbers}. "
    reached = [
        (share, national_share, words)
        for share, national_share, words in (
            (school.expected, national.expected if national else None, f"{school.expected_at} or more"),
            (school.high, national.high if national else None, school.high_name),
        )
        if share is not None
    ]
    if having:
        line += f" · mean {school.mean.text}" + (f"; all schools {national.mean.text}" if national else "")
        alt += (
            f"{counted(school.number, f'pupil has a {one}', f'pupils have {one}s')} from {having[0]} to {having[-1]}, "
            f"mean {school.mean.text}"
            + (f"; {', '.join(f'{share.text} have {words}' for share, _, words in reached)}." if reached else ".")
        )
        if national:
            shares = [share.text for _, share, _ in reached if share is not None]
            alt += f" All schools taking part: mean {national.mean.text}" + (
                f", {' and '.join(shares)}." if shares else "."
            )
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
        "levels": [[level, f"{level // 10}%"] for level in range(step, top, step)],
        "top": top,
        "school": mine,
        "national": theirs,
    }


def _group_rows(lines: tuple[Measure, ...]) -> list[dict[str, Any]]:
    rows = []
    section = ""
    for line in lines:
        rows.append(
            {
                "title": line.section if line.section != section else None,
                "name": line.name,
                "school": [text_of(figure) for figure in line.school],
                "national": [text_of(figure) for figure in line.others] or None,
            }
        )
        section = line.section
    return rows


def _every_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _every_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_every_text(inner, change) for inner in value]
    return value
