"""A trust's report as an Excel workbook: the same figures as the PDF, to sort and filter."""

from __future__ import annotations

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from adapters.sheets import Book, Cell, new_sheet, put, put_notes, put_table, saved_book
from adapters.trust_view import BEYOND, TOO_FEW, standards
from early_results.reporting.figures import NO_FIGURE, Share, capital
from early_results.reporting.trusts import (
    SchoolRow,
    Together,
    TrustCohort,
    TrustInput,
    came_words,
    coverage_words,
    empty_pupils,
    trust_facts,
    trust_figures,
    trust_message,
    trust_notes,
    trust_notice,
    trust_title,
)
from early_results.service import Words as Terms

FIGURES = ("School", "Number", "Measure", "Standard", "Pupils", "Of", "Share", "Range of chance: from", "to")
BESIDE = ("All schools", "More or fewer children", "Unusual")


def build_trust_workbook(report: TrustInput) -> bytes:
    """The trust's report as .xlsx, dated by the window's close."""
    figures = trust_figures(report)
    title, window = trust_title(report)
    book = Book()

    def sheet(name: str, first_width: int, *, tall: bool = False) -> Worksheet:
        return new_sheet(book, name, name, f"{report.shown_name} · {title} · {window}", first_width, tall=tall)

    _short(sheet("In short", 58), report, figures.cohorts, figures.gaps if not figures.has_others else ())
    for cohort in figures.cohorts:
        _figures(
            sheet(cohort.titled("School by school").replace(":", ""), 46),
            report.service.words,
            cohort,
            figures.has_others,
        )
        _matrix(sheet(cohort.titled("Side by side").replace(":", ""), 46), report.service.words, cohort)
        _funnel(sheet(cohort.titled("Funnel").replace(":", ""), 46), cohort)
    told = [trust_notice(report), *trust_notes(report, figures)]
    told += [f"{label}: {value}" for label, value in trust_facts(report)]
    put_notes(sheet("How it is counted", 110), told)
    return saved_book(book, report.closes, f"{title}: {report.shown_name}", window)


def _short(sheet: Worksheet, report: TrustInput, cohorts: tuple[TrustCohort, ...], gaps: tuple[str, ...]) -> None:
    """The message, and which file of each school counts."""
    row = 4
    for cohort in cohorts:
        if cohort.name:
            put(sheet, row, 1, cohort.name, "er section")
            row += 1
        for at, sentence in enumerate(trust_message(report, cohort)):
            put(sheet, row, 1, sentence, "er label" if at else "er strong")
            row += 1
        row += 1
    for sentence in (coverage_words(report), *gaps):
        put(sheet, row, 1, sentence, "er quiet")
        row += 1
    put(sheet, row + 1, 1, "Which files count", "er section")
    sheet.column_dimensions["C"].width = 30
    put_table(
        sheet,
        row + 2,
        1,
        ("School", "Number", "File that counts", "Pupils", "Without any result"),
        [
            (
                member.shown_name,
                member.school,
                capital(came_words(member)),
                member.summary.pupils if member.summary else NO_FIGURE,
                empty_pupils(member.summary) if member.summary else NO_FIGURE,
            )
            for member in report.sorted_members
        ],
    )


def _figures(sheet: Worksheet, terms: Terms, cohort: TrustCohort, others: bool) -> None:
    """A row for each school and measure, and one of the trust for each measure."""
    sheet.column_dimensions["C"].width = 46
    sheet.column_dimensions["D"].width = 34
    titles = standards(terms)
    rows = [
        [*_named(row.name, row.school, each, titles), *_figure(row, each, others)]
        for row in cohort.rows
        if row.pupils
        for each in cohort.together
    ]
    rows += [[*_named("Together", NO_FIGURE, each, titles), *_together(each, others)] for each in cohort.together]
    after = put_table(sheet, 4, 1, [*FIGURES, *(BESIDE if others else ())], rows)
    for row in range(5, after):
        for bound in (8, 9):
            sheet.cell(row, bound).number_format = "0%"
    sheet.freeze_panes = "E5"
    sheet.print_title_rows = "4:4"
    if after > 5:
        sheet.auto_filter.ref = f"A4:D{after - 1}"


def _named(school: str, number: str, each: Together, titles: dict[bool, str]) -> list[Cell]:
    return [school, number, each.name, titles[each.higher]]


def _figure(row: SchoolRow, each: Together, others: bool) -> list[Cell]:
    line = row.lines.get(each.measure)
    if line is None:
        few = TOO_FEW if each.measure in row.few else NO_FIGURE
        return [*[few] * 5, *[NO_FIGURE] * (3 * others)]
    cells = _share(line.share, line.interval)
    if others:
        standing = line.standing
        cells += [Share(standing.percent, 100), standing.children] if standing else [NO_FIGURE, NO_FIGURE]
        cells.append("unusual" if standing and standing.unusual else NO_FIGURE)
    return cells


def _together(each: Together, others: bool) -> list[Cell]:
    cells = _share(each.share, each.interval)
    if others:
        told = each.percent is not None
        cells += [Share(each.percent or 0, 100) if told else NO_FIGURE]
        cells += [NO_FIGURE if each.children is None else each.children, NO_FIGURE]
    return cells


def _share(share: Share, interval: tuple[int, int] | None) -> list[Cell]:
    low, high = interval or (None, None)
    return [share.count, share.of, share, *(NO_FIGURE if at is None else at / 1000 for at in (low, high))]


def _matrix(sheet: Worksheet, terms: Terms, cohort: TrustCohort) -> None:
    """Schools by measures, as percentages: the expected standard, and under it the higher one."""
    row = 4
    for higher, title in standards(terms).items():
        measures = [each for each in cohort.together if each.higher is higher]
        if not measures:
            continue
        for at in range(len(measures)):
            sheet.column_dimensions[get_column_letter(2 + at)].width = 16
        put(sheet, row, 1, title, "er section")
        rows: list[list[Cell]] = [
            [each.name, *(_cell(each, measure) for measure in measures)] for each in cohort.rows if each.pupils
        ]
        rows.append(["Together", *(each.share for each in measures)])
        if any(each.percent is not None for each in measures):
            told = [NO_FIGURE if each.percent is None else Share(each.percent, 100) for each in measures]
            rows.append(["All schools taking part", *told])
        after = put_table(sheet, row + 1, 1, ["School", *(each.name for each in measures)], rows)
        sheet.row_dimensions[row + 1].height = 48
        row = after + 1


def _cell(row: SchoolRow, each: Together) -> Cell:
    line = row.lines.get(each.measure)
    return (TOO_FEW if each.measure in row.few else NO_FIGURE) if line is None else line.share


def _funnel(sheet: Worksheet, cohort: TrustCohort) -> None:
    """Where each school lies beside what chance explains, in the first measure."""
    told = cohort.funnel
    if told is None:
        put(sheet, 4, 1, "A funnel needs two schools or more that can be shown.", "er quiet")
        return
    whose = "all schools taking part" if told.of_all else "the trust's schools together"
    put(sheet, 4, 1, f"{told.name}, beside the rate of {whose} ({told.rate.shown})", "er section")
    for column in "CD":
        sheet.column_dimensions[column].width = 18
    rows: list[list[Cell]] = [[point.name, point.share.of, point.share, BEYOND[point.beyond]] for point in told.points]
    put_table(sheet, 5, 1, ("School", "Pupils", "Share", "Beside chance"), rows)
