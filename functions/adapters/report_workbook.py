"""A school's report as an Excel workbook: the same figures as the PDF, to sort, copy and chart."""

from __future__ import annotations

from typing import NamedTuple, cast

from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.series import SeriesLabel
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.title import title_maker
from openpyxl.drawing.line import LineProperties
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.worksheet import Worksheet

from adapters.sheets import NATIONAL_COLOUR, SCHOOL_COLOUR, Book, Cell, new_sheet, put, put_notes, put_table, saved_book
from early_results.reporting.figures import (
    NO_FIGURE,
    Assessment,
    Cohort,
    Figures,
    Group,
    Mean,
    ReportInput,
    Scores,
    Share,
    Words,
    capital,
    measures,
    score_tables,
    subject_tables,
    subjects_of,
    words,
)
from early_results.reporting.story import Line, eligible, lines, looks, message, patterns
from early_results.service import Words as Terms


def _sheet(book: Book, title: str, says: Words, first_width: int, *, tall: bool = False) -> Worksheet:
    """A sheet of the report: the first names the school in place of what it holds."""
    first = title == "Summary"
    under = f"{says.title if first else says.school} · {says.window}"
    return new_sheet(book, title, says.school if first else title, under, first_width, tall=tall)


def build_workbook(report: ReportInput) -> bytes:
    """The report as .xlsx, dated by the window's close."""
    figures, says = report.figures, words(report)
    book = Book()
    terms = report.service.words
    _short(_sheet(book, "In short", says, 58), report)
    _summary(_sheet(book, "Summary", says, 46), terms, figures, says)
    for cohort in figures.cohorts:
        block = cohort.all.school

        def sheet(title: str, first_width: int, *, tall: bool = False, cohort: Cohort = cohort) -> Worksheet:
            return _sheet(book, cohort.titled(title).replace(":", ""), says, first_width, tall=tall)

        if block.assessments:
            _assessments(sheet(capital(terms.code), 14, tall=True), cohort)
        if block.scores:
            _scores(sheet(capital(terms.numbers), 12), cohort)
        if block.crossings:
            _crossings(sheet("Assessment by score", 14, tall=True), cohort)
        _groups(sheet("Groups of pupils", 46, tall=True), terms, cohort)
        if any(_coded(cohort.all)):
            _codes_by_group(sheet("Codes by group", 18), cohort)
        if block.scores:
            _scores_by_group(sheet(f"{capital(terms.one)}s by group", 34), cohort)
    put_notes(_sheet(book, "How it is counted", says, 110), (says.notice, *figures.notes, says.provenance))
    return saved_book(book, report.closes, f"{says.title}: {says.school}", says.window)


def _beside(national: bool, *heads: str) -> list[str]:
    """Headings, each with an All schools one after it where there are national figures."""
    return [text for head in heads for text in ((head, "All schools") if national else (head,))]


def _both(mine: Share | Mean | None, theirs: Share | Mean | None, national: bool) -> list[Cell]:
    return [mine or NO_FIGURE, theirs or NO_FIGURE] if national else [mine or NO_FIGURE]


def _lines(group: Group) -> list[tuple[Assessment, Assessment | None]]:
    mine = subjects_of(group.school)
    if group.others is None:
        return [(line, None) for line in mine]
    return list(zip(mine, subjects_of(group.others), strict=True))


def _tests(group: Group) -> list[tuple[Scores, Scores | None]]:
    if group.others is None:
        return [(line, None) for line in group.school.scores]
    return list(zip(group.school.scores, group.others.scores, strict=True))


def _coded(group: Group) -> list[tuple[Assessment | Scores, Assessment | Scores | None]]:
    """The subjects with codes, those that take a number or a code last."""
    pairs: list[tuple[Assessment | Scores, Assessment | Scores | None]] = [*_lines(group), *_tests(group)]
    return [(mine, theirs) for mine, theirs in pairs if mine.codes]


class _Charted(NamedTuple):
    """The rows of a table that a chart shows, its headings the first."""

    title: str
    head: int
    last: int


def _short(sheet: Worksheet, report: ReportInput) -> None:
    """The message of each year group, and its measures with what chance does to them."""
    others, row = report.figures.has_others, 4
    for column, width in (("G", 24), ("J", 14), ("K", 18)):
        sheet.column_dimensions[column].width = width
    if report.figures.gaps and not others:
        put(sheet, row, 1, " ".join(report.figures.gaps), "er quiet")
        row += 2
    for cohort in report.figures.cohorts:
        missed = [patterns(report.service, report.pupils, cohort.key, of) for of in report.service.combined]
        told = message(report, cohort, missed[0] if missed else ())
        for sentence in (told.verdict, told.furthest, told.held, told.question, told.caveat):
            if sentence:
                put(sheet, row, 1, sentence, "er strong" if sentence is told.verdict else "er label")
                row += 1
        for higher, title in ((False, report.service.words.reached), (True, report.service.words.higher)):
            rows = lines(report.service, cohort, higher=higher)
            if not rows:
                continue
            head = ["Measure", "Pupils", "Of", "Share", "Range of chance: from", "to", "If blanks are counted"]
            head += ["All schools", "More or fewer children", "Unusual", "Fifth of schools, 1 the lowest"] * others
            put(sheet, row + 1, 1, cohort.titled(capital(title)), "er section")
            row = put_table(sheet, row + 2, 1, head, [_line(line, others) for line in rows])
            for at in range(row - len(rows), row):
                for bound in (5, 6):
                    sheet.cell(at, bound).number_format = "0%"
        for of, found in zip(report.service.combined, missed, strict=True):
            if found:
                put(sheet, row + 1, 1, f"{of.name}: who missed what", "er section")
                row = put_table(
                    sheet, row + 2, 1, ["What they missed", "Pupils"], [[capital(p.words), p.pupils] for p in found]
                )
        put(sheet, row + 1, 1, cohort.titled("Last time"), "er section")
        row += 2
        for look in looks(report, cohort):
            put(sheet, row, 1, f"{look.title}. {look.same}" if look.same else look.title, "er label")
            row += 1
            if look.changes:
                row = put_table(
                    sheet, row, 1, ["Measure", "Now", "Then"], [[c.name, c.now, c.before] for c in look.changes]
                )
        if not report.earlier:
            put(sheet, row, 1, "There is no earlier window or collection that holds this school.", "er quiet")
            row += 1
        row += 1


def _line(line: Line, others: bool) -> list[Cell]:
    low, high = line.interval or (None, None)
    cells: list[Cell] = [line.name, line.share.count, line.share.of, line.share]
    cells += [NO_FIGURE if at is None else at / 1000 for at in (low, high)]
    cells.append(line.between or NO_FIGURE)
    if others:
        standing = line.standing
        cells += [Share(standing.percent, 100), standing.children] if standing else [NO_FIGURE, NO_FIGURE]
        cells.append("unusual" if standing and standing.unusual else NO_FIGURE)
        cells.append(standing.fifth or NO_FIGURE if standing else NO_FIGURE)
    return cells


def _summary(sheet: Worksheet, terms: Terms, figures: Figures, says: Words) -> None:
    for column in range(1, 9):
        put(sheet, 3, column, None, "er notice")
    put(sheet, 3, 1, f"Early, unvalidated data. {says.notice}", "er notice")
    sheet.merge_cells(start_row=3, end_row=3, start_column=1, end_column=8)
    sheet.row_dimensions[3].height = 50
    row = 5
    for label, text in says.facts:
        put(sheet, row, 1, label, "er quiet")
        put(sheet, row, 2, text, "er wrap")
        sheet.merge_cells(start_row=row, end_row=row, start_column=2, end_column=8)
        row += 1
    national = figures.has_others
    chart: tuple[str, int, int] | None = None
    for cohort in figures.cohorts:
        lines, tests = _lines(cohort.all), _tests(cohort.all)
        for table in subject_tables(terms, cohort.all.school):
            heads = [capital(terms.reached_short), *([capital(terms.higher)] if table.has_higher else [])]
            put(sheet, row + 1, 1, cohort.titled(table.title), "er section")
            row = put_table(
                sheet,
                row + 2,
                1,
                ["Subject", "Pupils assessed", "Blank", *_beside(national, *heads)],
                (
                    [
                        mine.name,
                        mine.assessed,
                        mine.blank,
                        *_both(mine.expected, theirs.expected if theirs else None, national),
                        *(_both(mine.higher, theirs.higher if theirs else None, national) if table.has_higher else ()),
                    ]
                    for mine, theirs in (lines[at] for at in table.lines)
                ),
            )
            chart = chart or _Charted(f"{table.title}: {terms.reached}", row - len(table.lines) - 1, row - 1)
        for table in score_tables(terms, cohort.all.school):
            first = cohort.all.school.scores[table.lines[0]]
            heads = ["Mean"]
            if first.expected is not None:
                heads.append(f"{first.expected_at} or more")
            if first.high is not None:
                full = first.high_name.isdigit()  # a full mark, which a number alone would not say
                heads.append(f"{terms.one.capitalize()} of {first.high_name}" if full else first.high_name)
            of_all = [f"{head} of all eligible" for head in heads[1:]]
            put(sheet, row + 1, 1, cohort.titled(table.title), "er section")
            row = put_table(
                sheet,
                row + 2,
                1,
                ["Test", f"Pupils with a {terms.one}", "Without", *_beside(national, *heads), *of_all],
                (
                    [
                        mine.name,
                        mine.number,
                        cohort.all.school.pupils - mine.number,
                        *_both(mine.mean, theirs.mean if theirs else None, national),
                        *(
                            _both(mine.expected, theirs.expected if theirs else None, national)
                            if first.expected is not None
                            else ()
                        ),
                        *(
                            _both(mine.high, theirs.high if theirs else None, national)
                            if first.high is not None
                            else ()
                        ),
                        *(eligible(mine, share) for share in (mine.expected, mine.high) if share is not None),
                    ]
                    for mine, theirs in (tests[at] for at in table.lines)
                ),
            )
    if chart:
        _bar_chart(sheet, f"A{row + 1}", *chart, 4, 5 if national else 4, width=24)


def _assessments(sheet: Worksheet, cohort: Cohort) -> None:
    national = cohort.all.others is not None
    sheet.column_dimensions["F"].width = 4
    row = 4
    for mine, theirs in _lines(cohort.all)[: len(cohort.all.school.assessments)]:
        put(sheet, row, 1, mine.name, "er section")
        out = f"{mine.out:,} out of the cohort, " if mine.out else ""
        put(sheet, row, 2, f"{mine.assessed:,} assessed, {out}{mine.blank:,} blank", "er quiet")
        nation = theirs.codes if theirs else mine.codes
        after = put_table(
            sheet,
            row + 1,
            1,
            ["Code", "Pupils", *_beside(national, "Share")],
            (
                [own.code, own.share.count, *_both(own.share, other.share if theirs else None, national)]
                for own, other in zip(mine.codes, nation, strict=True)
            ),
        )
        _bar_chart(sheet, f"G{row}", mine.name, row + 1, after - 1, 3, 4 if theirs else 3)
        row = max(after, row + 14) + 2


def _scores(sheet: Worksheet, cohort: Cohort) -> None:
    """Every number with its pupils, beside one another where the subjects have one range, else a table each."""
    national = cohort.all.others is not None
    ranges: dict[tuple[int, int], list[tuple[Scores, Scores | None]]] = {}
    for mine, theirs in _tests(cohort.all):
        ranges.setdefault((mine.distribution[0].score, mine.distribution[-1].score), []).append((mine, theirs))
    top = 4
    sheet.freeze_panes = f"A{top + 1}" if len(ranges) == 1 else None
    for tests in ranges.values():
        head = ["Score"]
        for mine, _ in tests:
            short = mine.heading.rpartition(" ")[2]
            head += [f"{short}: pupils", *_share_heads(national, short)]
        span = 3 if national else 2
        rows = []
        one_of_them, _ = tests[0]
        for at, number in enumerate(one_of_them.distribution):
            line: list[Cell] = [number.score]
            for mine, theirs in tests:
                line += [
                    mine.distribution[at].share.count,
                    *_both(mine.distribution[at].share, theirs.distribution[at].share if theirs else None, national),
                ]
            rows.append(line)
        after = put_table(sheet, top, 1, head, rows)
        for at, (mine, theirs) in enumerate(tests):
            column = 2 + span * at + 1
            place = f"{get_column_letter(3 + span * len(tests))}{top + at * 16}"
            _bar_chart(sheet, place, mine.name, top, after - 1, column, column + (1 if theirs else 0), line=True)
        top = max(after, top + 16 * len(tests)) + 2


def _bar_chart(
    sheet: Worksheet,
    place: str,
    title: str,
    top: int,
    bottom: int,
    first: int,
    last: int,
    *,
    line: bool = False,
    width: int = 16,
) -> None:
    """The school's shares as bars; the others beside them, or as a line over them."""
    chart = BarChart()
    heading = title_maker(title)
    chart.title = heading
    # Set explicitly, because otherwise Excel lays them over the bars.
    heading.overlay = chart.legend.overlay = False
    chart.height, chart.width = 7.2, width
    chart.gapWidth = 40
    chart.y_axis.number_format = "0%"
    chart.y_axis.scaling.min = 0
    # Unless this is set, openpyxl leaves the axes out, and Excel shows bars without a scale.
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.y_axis.majorGridlines = ChartLines(spPr=GraphicalProperties(ln=LineProperties(solidFill="E3E7EC")))
    chart.legend.position = "b"
    if line:
        chart.x_axis.tickLblSkip = 5  # labels 85, 90, ...: thirty labels would be printed sideways
    names = Reference(sheet, min_col=1, min_row=top + 1, max_row=bottom)
    chart.add_data(Reference(sheet, min_col=first, min_row=top, max_row=bottom), titles_from_data=True)
    chart.series[0].tx = SeriesLabel(v="Your school")
    chart.series[0].graphicalProperties.solidFill = SCHOOL_COLOUR
    if last > first:
        data = Reference(sheet, min_col=last, min_row=top, max_row=bottom)
        if line:
            over = LineChart()
            over.add_data(data, titles_from_data=True)
            over.series[0].tx = SeriesLabel(v="All schools taking part")
            over.series[0].graphicalProperties.line.solidFill = NATIONAL_COLOUR
            over.series[0].smooth = False
            over.series[0].marker.symbol = "none"
            chart += over
        else:
            chart.add_data(data, titles_from_data=True)
            chart.series[1].graphicalProperties.solidFill = NATIONAL_COLOUR
    chart.set_categories(names)
    sheet.add_chart(chart, place)
    alternative = _alternative(sheet, title, top, bottom, first, last)
    cast(Book, sheet.parent).told.setdefault(sheet.title, []).append(alternative)


def _alternative(sheet: Worksheet, title: str, top: int, bottom: int, first: int, last: int) -> str:
    """What a chart shows, for who cannot see it: every bar that is not of nobody, as the table beside it has them."""

    def bars(column: int) -> str:
        rows = [(sheet.cell(row, 1).value, sheet.cell(row, column).value) for row in range(top + 1, bottom + 1)]
        told = [
            f"{name} {(200 * value + 1) // 2:.0f}%" for name, value in rows if isinstance(value, int | float) and value
        ]
        return ", ".join(told) or "nobody"

    others = f" All schools taking part: {bars(last)}." if last > first else ""
    return f"Bar chart of {title}. Your school: {bars(first)}.{others}"


def _crossings(sheet: Worksheet, cohort: Cohort) -> None:
    row = 4
    for number, group in enumerate(cohort.groups):
        if group.dimension == "term" and cohort.groups[number - 1].dimension != "term":
            sheet.row_breaks.append(Break(row - 1))  # a page for each way of grouping, when printed
        put(sheet, row, 1, group.label, "er section")
        after = row
        for at, crossing in enumerate(group.school.crossings):
            head = ["Code", *crossing.bands, "All"]
            left = 1 + at * (len(head) + 1)
            put(sheet, row + 1, left, crossing.name, "er quiet")
            after = max(
                after,
                put_table(
                    sheet,
                    row + 2,
                    left,
                    head,
                    (
                        [code, *counts]
                        for code, counts in (
                            *((line.code or "Blank", (*line.counts, line.total)) for line in crossing.rows),
                            ("All", (*crossing.totals, crossing.total)),
                        )
                    ),
                ),
            )
        row = after + 1


def _groups(sheet: Worksheet, terms: Terms, cohort: Cohort) -> None:
    row, section = 4, ""
    for line in measures(terms, cohort):
        if line.section != section:
            section = line.section
            for at, text in enumerate((section, *(group.short for group in cohort.groups))):
                put(sheet, row, 1 + at, text, "er head" if at else "er first head")
            sheet.row_dimensions[row].height = 32
            row += 1
        for at, value in enumerate((line.name, *line.school)):
            put(sheet, row, 1 + at, value, "er strong" if at == 0 else "er number")
        row += 1
        if line.others:
            for at, value in enumerate(("    All schools", *line.others)):
                put(sheet, row, 1 + at, value, "er national" if at else "er label")
            row += 1


def _codes_by_group(sheet: Worksheet, cohort: Cohort) -> None:
    """Every code of every subject, for each group: pupils, share and the share of all schools."""
    national = cohort.all.others is not None
    head = ["Subject", "Code"]
    for group in cohort.groups:
        head += [f"{group.short}: pupils", *_share_heads(national, group.short)]
    rows = []
    for at, (subject, _) in enumerate(_coded(cohort.all)):
        for code in range(len(subject.codes)):
            line: list[Cell] = [subject.name, subject.codes[code].code]
            for group in cohort.groups:
                mine, theirs = _coded(group)[at]
                share = mine.codes[code].share
                line += [share.count, *_both(share, theirs.codes[code].share if theirs else None, national)]
            rows.append(line)
    put_table(sheet, 4, 1, head, rows)
    sheet.freeze_panes = "C5"
    sheet.print_title_rows = "4:4"


def _scores_by_group(sheet: Worksheet, cohort: Cohort) -> None:
    """Every score of every test, for each group: pupils, and the share of all schools."""
    head = ["Test", "Score"]
    for group in cohort.groups:
        head += [f"{group.short}: pupils", *([f"All schools: {group.short}"] if cohort.all.others else [])]
    rows = []
    for at, (test, _) in enumerate(_tests(cohort.all)):
        for place, counted in enumerate(test.distribution):
            line: list[Cell] = [test.name, counted.score]
            for group in cohort.groups:
                mine, theirs = _tests(group)[at]
                line.append(mine.distribution[place].share.count)
                if theirs:
                    line.append(theirs.distribution[place].share)
            rows.append(line)
    after = put_table(sheet, 4, 1, head, rows)
    sheet.freeze_panes = "C5"
    sheet.print_title_rows = "4:4"
    sheet.auto_filter.ref = f"A4:B{after - 1}"  # a filter, with which to pick one test


def _share_heads(national: bool, name: str) -> list[str]:
    return [f"{name}: share", f"All schools: {name}"] if national else [f"{name}: share"]
