"""The operators' summary as an Excel workbook: the same figures as the PDF, and every measure of every authority."""

from __future__ import annotations

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from adapters.sheets import Book, Cell, new_sheet, put, put_notes, put_table, saved_book
from adapters.summary_view import HEAD, group_table
from adapters.trust_view import standards
from early_results.reporting.disclosure import Why
from early_results.reporting.figures import NO_FIGURE, Assessment, Mean, Scores, Share, measures
from early_results.reporting.operators import (
    BINS,
    SummaryCohort,
    SummaryInput,
    summary_facts,
    summary_figures,
    summary_message,
    summary_notes,
    summary_titles,
)

WHY = {
    Why.NOT_COUNTED: "a file was deleted before it was counted",
    Why.FEW_SCHOOLS: "few schools",
    Why.FEW_PUPILS: "few pupils",
    Why.ONE_LARGE: "one trust has most",
    Why.FEW_OUTSIDE: "few schools outside one trust",
    Why.SUBTRACTION: "another could be worked out",
}


def build_summary_workbook(report: SummaryInput) -> bytes:
    """The summary as .xlsx, dated by the window's close."""
    figures, cohorts = summary_figures(report)
    title, window = summary_titles(report)
    book = Book()

    def sheet(name: str, first_width: int) -> Worksheet:
        return new_sheet(book, name, name, f"Operators' summary · {title} · {window}", first_width)

    short = sheet("In short", 90)
    for row, sentence in enumerate((*summary_message(report, cohorts), *figures.gaps), 4):
        put(short, row, 1, sentence, "er label")
    _participation(sheet("Who took part", 14), report)
    for cohort in cohorts:
        names = [cohort.titled(n).replace(":", "") for n in ("Measures", "Groups", "By authority", "Codes and blanks")]
        _measures(sheet(names[0], 46), report, cohort)
        _groups(sheet(names[1], 46), report, cohort)
        _authorities(sheet(names[2], 14), report, cohort)
        _codes(sheet(names[3], 46), cohort)
    facts = (f"{label}: {value}" for label, value in summary_facts(report))
    put_notes(sheet("How it is counted", 110), (*summary_notes(report), *facts))
    return saved_book(book, report.closes, f"{title}: operators' summary", window)


def _participation(sheet: Worksheet, report: SummaryInput) -> None:
    rows: list[list[Cell]] = [[authority, *one, one.nothing] for authority, one in sorted(report.authorities.items())]
    rows.append(["All", *report.everywhere, report.everywhere.nothing])
    put_table(sheet, 4, 1, HEAD, rows)
    sheet.freeze_panes = "B5"


def _measures(sheet: Worksheet, report: SummaryInput, cohort: SummaryCohort) -> None:
    """Every measure of all schools, and how many schools lie in each ten per cent."""
    titles = standards(report.service.words)
    sheet.column_dimensions["B"].width = 34
    head = ["Measure", "Standard", "All pupils", "Middle half: from", "to"]
    head += [f"Schools {10 * at}% to {'100' if at == BINS - 1 else 10 * at + 9}%" for at in range(BINS)]
    rows: list[list[Cell]] = []
    for rate in cohort.rates:
        low, high = rate.middle or (None, None)
        told = [NO_FIGURE if at is None else Share(at, 100) for at in (rate.percent, low, high)]
        bins: tuple[Cell, ...] = rate.histogram or (NO_FIGURE,) * BINS
        rows.append([rate.name, titles[rate.measure.endswith("/higher")], *told, *bins])
    put_table(sheet, 4, 1, head, rows)


def _groups(sheet: Worksheet, report: SummaryInput, cohort: SummaryCohort) -> None:
    """The measures by group of pupils."""
    columns = group_table(report, cohort)["columns"]
    sheet.column_dimensions["B"].width = 46
    rows: list[list[Cell]] = [
        [line.section, line.name, *line.others] for line in measures(report.service.words, cohort.of_all) if line.others
    ]
    put_table(sheet, 4, 1, ["Standard", "Measure", *columns], rows)


def _authorities(sheet: Worksheet, report: SummaryInput, cohort: SummaryCohort) -> None:
    """Every authority's rate of the expected standard, or why it is not told."""
    wanted = [rate for rate in cohort.rates if not rate.measure.endswith("/higher")]
    for at in range(len(wanted)):
        sheet.column_dimensions[get_column_letter(2 + at)].width = 26
    rows: list[list[Cell]] = []
    for authority, told in sorted(report.counted.rates.items()):
        cells: list[Cell] = []
        for rate in wanted:
            found = told.get((cohort.key, rate.measure))
            cells.append(NO_FIGURE if found is None else WHY[found] if isinstance(found, Why) else Share(found, 100))
        rows.append([authority, *cells])
    put_table(sheet, 4, 1, ["Authority", *(rate.name for rate in wanted)], rows)
    sheet.row_dimensions[4].height = 48
    sheet.freeze_panes = "B5"


def _codes(sheet: Worksheet, cohort: SummaryCohort) -> None:
    """By column the share of blank cells, each code's share, and the mean."""
    others = cohort.of_all.all.others
    subjects: list[Assessment | Scores] = [*others.assessments, *others.scores] if others else []
    coded = {subject.heading: subject.codes for subject in subjects}
    means = {scores.heading: scores.mean for scores in others.scores} if others else {}
    names = list(dict.fromkeys(code.code for codes in coded.values() for code in codes))
    rows: list[list[Cell]] = []
    for heading, blank in cohort.blanks:
        told = {code.code: code.share for code in coded.get(heading, ())}
        mean: Mean | str = means.get(heading) or NO_FIGURE
        cells: list[Cell] = [NO_FIGURE if blank is None else Share(blank, 100), mean]
        rows.append([heading, *cells, *(told.get(name, "") for name in names)])
    put_table(sheet, 4, 1, ["Column", "Blank", "Mean", *names], rows)
