"""A school's report as an Excel workbook: the same figures as the PDF, to sort, copy and chart.

Percentages and means are numbers, so a data manager can work with them; their number formats show exactly what the PDF
shows (`<1%`, `67% (2 of 3)`). Text is always written as text: a school called `=1+1` is a name, never a formula.

openpyxl stamps a workbook and the parts of its archive with the time of saving. Both are replaced by the window's
close, so that the same figures give the same bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, cast
from xml.sax.saxutils import quoteattr

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.series import SeriesLabel
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.title import title_maker
from openpyxl.drawing.line import LineProperties
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter
from openpyxl.xml.functions import tostring

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

SCHOOL_COLOUR, NATIONAL_COLOUR = "12436D", "A33B00"
_THIN = Side(style="thin", color="C9D0D8")
_INK = "1D2430"

Cell = str | int | float | Share | Mean | None


def build_workbook(report: ReportInput) -> bytes:
    """The report as .xlsx, dated by the window's close."""
    figures, says = report.figures, words(report)
    book = _Told()
    for style in _styles():
        book.add_named_style(style)
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
    _notes(_sheet(book, "How it is counted", says, 110), figures, says)
    book.remove(book.worksheets[0])  # the empty sheet that a new workbook comes with
    book.properties.title = f"{says.title}: {says.school}"
    book.properties.subject = says.window
    book.properties.creator = book.properties.lastModifiedBy = "Early Results"
    book.properties.language = "en-GB"
    return _saved(book, report.closes)


class _Told(Workbook):
    """A workbook with what its charts show in words, by sheet: openpyxl has no place for an alternative text."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, list[str]] = {}


def _with_alternatives(drawing: bytes, told: Sequence[str]) -> bytes:
    """A sheet's drawing with the text of each of its charts, in the order in which they were put there."""
    texts = iter(told)
    return _CHART.sub(lambda found: found[0] + f" descr={quoteattr(next(texts))}".encode(), drawing)


_DRAWING = re.compile(r"xl/drawings/drawing(\d+)\.xml$")
_CHART = re.compile(rb'<(?:\w+:)?cNvPr id="\d+" name="Chart \d+"')


def _saved(book: _Told, moment: datetime) -> bytes:
    moment = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    book.properties.created = moment
    saved = io.BytesIO()
    # Stored here and not deflated: the whole is deflated once, below.
    ExcelWriter(book, zipfile.ZipFile(saved, "w", zipfile.ZIP_STORED, allowZip64=True)).save()
    book.properties.modified = moment
    fixed = io.BytesIO()
    told = [book.told[sheet.title] for sheet in book.worksheets if sheet.title in book.told]
    with zipfile.ZipFile(saved) as parts, zipfile.ZipFile(fixed, "w") as out:
        for name in parts.namelist():
            content = parts.read(name)
            if drawing := _DRAWING.match(name):
                content = _with_alternatives(content, told[int(drawing[1]) - 1])
            if name == "docProps/core.xml":
                content = tostring(book.properties.to_tree())
            entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            out.writestr(entry, content)
    return fixed.getvalue()


def _styles() -> list[NamedStyle]:
    def style(
        name: str,
        *,
        bold: bool = False,
        size: int = 11,
        colour: str = _INK,
        across: str = "general",
        fill: str = "",
        rule: bool = False,
    ) -> NamedStyle:
        return NamedStyle(
            name=name,
            font=Font(name="Calibri", size=size, bold=bold, color=colour),
            alignment=Alignment(
                horizontal=across,
                vertical="center",
                wrap_text=name in ("er notice", "er head", "er first head", "er wrap"),
            ),
            fill=PatternFill("solid", fgColor=fill) if fill else PatternFill(),
            border=Border(bottom=_THIN) if rule else Border(),
        )

    return [
        style("er title", bold=True, size=18, colour=SCHOOL_COLOUR),
        style("er section", bold=True, size=13, colour=SCHOOL_COLOUR),
        style("er quiet", colour="56606C"),
        style("er notice", fill="FFF4E5"),
        style("er wrap"),
        style("er head", bold=True, colour="FFFFFF", across="center", fill=SCHOOL_COLOUR),
        style("er first head", bold=True, colour="FFFFFF", across="left", fill=SCHOOL_COLOUR),
        style("er label", rule=True),
        style("er strong", bold=True, rule=True),
        style("er number", across="right", rule=True),
        style("er national", colour="56606C", across="right", rule=True),
    ]


def _sheet(book: Workbook, title: str, says: Words, first_width: int, *, tall: bool = False) -> Worksheet:
    sheet: Worksheet = book.create_sheet(title)
    sheet.sheet_view.showGridLines = False
    sheet.column_dimensions["A"].width = first_width
    for column in range(2, 30):
        sheet.column_dimensions[get_column_letter(column)].width = 13
    sheet.page_setup.orientation = "portrait" if tall else "landscape"
    sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.HeaderFooter.oddFooter = HeaderFooterItem(
        left=_HeaderFooterPart(text="Early, unvalidated data"), right=_HeaderFooterPart(text="Page &P of &N")
    )
    _put(sheet, 1, 1, says.school if title == "Summary" else title, "er title")
    _put(
        sheet,
        2,
        1,
        f"{says.title} · {says.window}" if title == "Summary" else f"{says.school} · {says.window}",
        "er quiet",
    )
    sheet.row_dimensions[1].height = 26
    return sheet


def _put(sheet: Worksheet, row: int, column: int, value: Cell, style: str) -> None:
    cell = sheet.cell(row, column)
    cell.style = style
    if isinstance(value, Share):
        if value.percent is None:
            cell.value = NO_FIGURE
        else:
            # Exact, so that a data manager can work on; a half is spelt out, as Excel may round its float either way.
            cell.value = value.count / value.of
            half = (200 * value.count + value.of) % (2 * value.of) == 0
            cell.number_format = f'"{value.shown}"' if value.shown[0] in "<>" or half else "0%"
            if value.beside:
                cell.number_format += f'"{value.beside}"'
    elif isinstance(value, Mean):
        cell.value = value.total / value.number if value.number else NO_FIGURE
        half = value.number > 0 and (20 * value.total + value.number) % (2 * value.number) == 0
        cell.number_format = f'"{value.text}"' if half else "0.0"
    else:
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"  # openpyxl takes text that begins with = for a formula
        elif value is not None:
            cell.number_format = "#,##0"


def _table(
    sheet: Worksheet, top: int, left: int, head: Sequence[str], rows: Iterable[Sequence[Cell]], *, national: bool = True
) -> int:
    """Writes a table and gives the first free row below it. Columns headed All schools are set in the quieter style."""
    for at, text in enumerate(head):
        _put(sheet, top, left + at, text, "er head" if at else "er first head")
    sheet.row_dimensions[top].height = 32
    row = top
    for row, values in enumerate(rows, top + 1):
        for at, value in enumerate(values):
            style = "er strong" if at == 0 else "er national" if head[at].startswith("All schools") else "er number"
            _put(sheet, row, left + at, value, style)
    return row + 1


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
        _put(sheet, row, 1, " ".join(report.figures.gaps), "er quiet")
        row += 2
    for cohort in report.figures.cohorts:
        missed = [patterns(report.service, report.pupils, cohort.key, of) for of in report.service.combined]
        told = message(report, cohort, missed[0] if missed else ())
        for sentence in (told.verdict, told.furthest, told.held, told.question, told.caveat):
            if sentence:
                _put(sheet, row, 1, sentence, "er strong" if sentence is told.verdict else "er label")
                row += 1
        for higher, title in ((False, report.service.words.reached), (True, report.service.words.higher)):
            rows = lines(report.service, cohort, higher=higher)
            if not rows:
                continue
            head = ["Measure", "Pupils", "Of", "Share", "Range of chance: from", "to", "If blanks are counted"]
            head += ["All schools", "More or fewer children", "Unusual", "Fifth of schools, 1 the lowest"] * others
            _put(sheet, row + 1, 1, cohort.titled(capital(title)), "er section")
            row = _table(sheet, row + 2, 1, head, [_line(line, others) for line in rows])
            for at in range(row - len(rows), row):
                for bound in (5, 6):
                    sheet.cell(at, bound).number_format = "0%"
        for of, found in zip(report.service.combined, missed, strict=True):
            if found:
                _put(sheet, row + 1, 1, f"{of.name}: who missed what", "er section")
                row = _table(
                    sheet, row + 2, 1, ["What they missed", "Pupils"], [[capital(p.words), p.pupils] for p in found]
                )
        _put(sheet, row + 1, 1, cohort.titled("Last time"), "er section")
        row += 2
        for look in looks(report, cohort):
            _put(sheet, row, 1, f"{look.title}. {look.same}" if look.same else look.title, "er label")
            row += 1
            if look.changes:
                row = _table(
                    sheet, row, 1, ["Measure", "Now", "Then"], [[c.name, c.now, c.before] for c in look.changes]
                )
        if not report.earlier:
            _put(sheet, row, 1, "There is no earlier window or collection that holds this school.", "er quiet")
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
        _put(sheet, 3, column, None, "er notice")
    _put(sheet, 3, 1, f"Early, unvalidated data. {says.notice}", "er notice")
    sheet.merge_cells(start_row=3, end_row=3, start_column=1, end_column=8)
    sheet.row_dimensions[3].height = 50
    row = 5
    for label, text in says.facts:
        _put(sheet, row, 1, label, "er quiet")
        _put(sheet, row, 2, text, "er wrap")
        sheet.merge_cells(start_row=row, end_row=row, start_column=2, end_column=8)
        row += 1
    national = figures.has_others
    chart: tuple[str, int, int] | None = None
    for cohort in figures.cohorts:
        lines, tests = _lines(cohort.all), _tests(cohort.all)
        for table in subject_tables(terms, cohort.all.school):
            heads = [capital(terms.reached_short), *([capital(terms.higher)] if table.has_higher else [])]
            _put(sheet, row + 1, 1, cohort.titled(table.title), "er section")
            row = _table(
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
            _put(sheet, row + 1, 1, cohort.titled(table.title), "er section")
            row = _table(
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
        _put(sheet, row, 1, mine.name, "er section")
        out = f"{mine.out:,} out of the cohort, " if mine.out else ""
        _put(sheet, row, 2, f"{mine.assessed:,} assessed, {out}{mine.blank:,} blank", "er quiet")
        nation = theirs.codes if theirs else mine.codes
        after = _table(
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
        after = _table(sheet, top, 1, head, rows)
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
    cast(_Told, sheet.parent).told.setdefault(sheet.title, []).append(alternative)


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
        _put(sheet, row, 1, group.label, "er section")
        after = row
        for at, crossing in enumerate(group.school.crossings):
            head = ["Code", *crossing.bands, "All"]
            left = 1 + at * (len(head) + 1)
            _put(sheet, row + 1, left, crossing.name, "er quiet")
            after = max(
                after,
                _table(
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
                _put(sheet, row, 1 + at, text, "er head" if at else "er first head")
            sheet.row_dimensions[row].height = 32
            row += 1
        for at, value in enumerate((line.name, *line.school)):
            _put(sheet, row, 1 + at, value, "er strong" if at == 0 else "er number")
        row += 1
        if line.others:
            for at, value in enumerate(("    All schools", *line.others)):
                _put(sheet, row, 1 + at, value, "er national" if at else "er label")
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
    _table(sheet, 4, 1, head, rows)
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
    after = _table(sheet, 4, 1, head, rows)
    sheet.freeze_panes = "C5"
    sheet.print_title_rows = "4:4"
    sheet.auto_filter.ref = f"A4:B{after - 1}"  # a filter, with which to pick one test


def _share_heads(national: bool, name: str) -> list[str]:
    return [f"{name}: share", f"All schools: {name}"] if national else [f"{name}: share"]


def _notes(sheet: Worksheet, figures: Figures, says: Words) -> None:
    for row, note in enumerate((says.notice, *figures.notes, says.provenance), 4):
        _put(sheet, row, 1, note, "er wrap")
        sheet.row_dimensions[row].height = 15 * (1 + len(note) // 105) + 6
