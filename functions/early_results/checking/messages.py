"""What the findings say, in words for the person who filled in the workbook: what is wrong and what to do next.

Where the service's guide has a wording it is kept. A message may name the codes, ranges and headings of the service and
the cells of the file; it never quotes a pupil's name, UPN or value, because findings are stored and shown to others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from early_results.findings import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from early_results.service import Column, Service, Window

# What each kind of finding is called in lists and counts. `title` fills in the service's own words.
TITLES: dict[Code, str] = {
    Code.NOT_A_WORKBOOK: "Not an Excel workbook",
    Code.OLD_EXCEL: "An old Excel workbook (.xls)",
    Code.ENCRYPTED: "Encrypted",
    Code.MACROS: "A workbook with macros",
    Code.DAMAGED: "A damaged workbook",
    Code.TOO_LARGE: "Too large",
    Code.NO_RESULTS_SHEET: "No results sheet of this service",
    Code.MISSING_COLUMN: "Column missing",
    Code.REPEATED_COLUMN: "Column repeated",
    Code.UNKNOWN_COLUMN: "Column not part of the template",
    Code.WRONG_SCHOOL: "Another school's file",
    Code.MIXED_SCHOOLS: "More than one school",
    Code.PUPIL_NOT_ON_ROSTER: "Pupil not on your school's list",
    Code.PUPIL_MISSING: "Pupils missing from the file",
    Code.PUPIL_REPEATED: "Pupil repeated",
    Code.CODE_NOT_ACCEPTED: "{Code} code not accepted",
    Code.SCALED_SCORE_RANGE: "{Number} out of range",
    Code.CELL_ERROR: "Excel error in a cell",
    Code.NO_RESULTS: "No results",
    Code.FORMULA_NOT_CALCULATED: "Formula without a value",
    Code.CELLS_MERGED: "Merged cells",
    Code.SEVERAL_SHEETS: "Results on more than one sheet",
    Code.ROW_NOT_A_PUPIL: "Row that is not a pupil",
    Code.WINDOW_CLOSED: "Submission window closed",
    Code.COULD_NOT_PROCESS: "Could not be checked",
    Code.DIFFERS_FROM_ROSTER: "Differs from your MIS",
    Code.ASSESSMENT_MISSING: "{Code} missing",
    Code.ASSESSMENT_SCORE_MISMATCH: "{Code} and {number} disagree",
    Code.SCORE_UNREACHABLE: "{Number} that no pupil can have",
    Code.RESULTS_REMOVED: "Results removed since your last file",
    Code.PUPIL_JOINED: "Pupils have joined",
    Code.PUPIL_LEFT: "Pupil has left",
}


def title(code: Code, service: Service) -> str:
    """What a kind of finding is called in a service: `Mark out of range`."""
    result, number = service.words.code or "result", service.words.number or "number"
    return TITLES[code].format(Code=capital(result), number=number, Number=capital(number))


DOWNLOAD = "download a new template and copy your results into it"


# The file and its headings


def no_results_sheet(service: Service) -> str:
    return (
        f"No sheet has the headings of the {name(service)} template. Fill in the template's own sheet "
        f"“{service.sheet}” and keep its row of headings; or {DOWNLOAD}."
    )


def no_result_columns(service: Service, sheet: str) -> str:
    """`sheet` is the name of the sheet that lists pupils under some of the template's headings."""
    return (
        f"The sheet “{sheet}” lists pupils, but has none of the template's result headings (such as "
        f"“{service.results[0].heading}”): it looks like an export from your MIS, or a list of your own. Copy its "
        f"results into the {name(service)} template, or match its columns to the template's."
    )


def sheets_differ(sheets: Sequence[str]) -> str:
    """`sheets` are the names of the sheets with results, the one that was read first."""
    return (
        f"{_sheets_named(sheets)} have different results for the same pupils, so we cannot tell which count. Keep the "
        "sheet that is right and delete the others (right-click its tab, Delete); then save and upload again."
    )


def sheets_share_the_pupils(service: Service, sheets: Sequence[str]) -> str:
    """As `sheets_differ`, where each sheet has other pupils, as two classes have."""
    return (
        f"{_sheets_named(sheets)} each have results of other pupils, as if there were a sheet for each class. All of a "
        f"school's pupils must be on one sheet: copy them onto the sheet “{service.sheet}” of one template, delete "
        "the other sheets, save and upload again."
    )


def _sheets_named(sheets: Sequence[str]) -> str:
    """`The sheets “A” and “B”`."""
    names = [f"“{name}”" for name in sheets]
    return f"The sheets {', '.join(names[:-1])} and {names[-1]}"


def other_service(service: Service, label: str, *, known: bool = False) -> str:
    """`label` names the file's own template, for example `Phonics 2022`. `known` says that we collect that one too."""
    if known:
        return (
            f"This is the {label} file; you are in {name(service)}. Upload it under {label}, or download the "
            f"{name(service)} template and fill that in."
        )
    return f"This is the {label} template. Download the {name(service)} template and fill that in."


def missing_column(column: Column, service: Service) -> str:
    return (
        f"The column “{column.heading}” is missing. Put its heading back exactly as the {name(service)} template has "
        f"it, or {DOWNLOAD}."
    )


def repeated_column(first: str) -> str:
    """`first` is the cell of the heading that came first."""
    return f"This heading is already in {first}. Keep one of the two columns and delete the other."


def unknown_column(service: Service, missing: Sequence[Column] = ()) -> str:
    """`missing` are the columns whose headings are not there and that this one may be, the likeliest alone if it is."""
    start = f"This heading is not one of the {name(service)} template's."
    if len(missing) == 1:
        return f"{start} If it is the column “{missing[0].heading}”, rename it to exactly that; if not, delete it."
    if missing:
        headings = ", ".join(f"“{column.heading}”" for column in missing)
        return f"{start} If it is one that is missing, rename it to exactly that ({headings}); if not, delete it."
    return f"This column is not part of the {name(service)} template. Delete it, or move it to another sheet."


# The school


def wrong_school() -> str:
    return (
        "The School DFE number in this file is not your school's, nor one of your trust's. Check that you chose the "
        "right file; if you did, download your school's own template and fill that in."
    )


def no_school_number(service: Service) -> str:
    return (
        f"No row has a School DFE number of seven digits, so we cannot tell whose file this is. Put back your school's "
        f"number, for example 1231234, beside every pupil, or download a new {name(service)} template."
    )


def mixed_schools() -> str:
    return (
        "This School DFE number differs from the other rows'. A file holds one school's pupils: correct the number, or "
        "move the pupil to the file of that school."
    )


def school_blank() -> str:
    return "The School DFE number is missing on this row. Your school's number is used."


# Pupils


def no_roster(service: Service) -> str:
    return (
        f"We hold no list of {service.year_group} pupils for this school, so the file cannot be checked. "
        f"Please contact support: {service.support.email}, {service.support.telephone}."
    )


def no_pupil_matches(service: Service) -> str:
    return (
        f"None of these pupils is on your school's current {service.year_group} list. This may be another year's file: "
        f"{DOWNLOAD}."
    )


def not_on_roster(service: Service) -> str:
    return (
        f"This pupil is not on your school's current {service.year_group} list. Check the UPN. You cannot add pupils "
        "to the template: if the pupil is new, bring your MIS up to date and download the template again (it can take "
        "up to 24 hours). If the pupil has left, delete the row."
    )


def results_without_upn() -> str:
    return "This row has results but no UPN. Put back the pupil's UPN; if the row is a total or a note, clear it."


def row_of_headings() -> str:
    return "This row has the headings once more, so it is not a pupil. Delete the whole row."


def row_not_a_pupil() -> str:
    return (
        "This row is not a pupil: it has no UPN, and no name with a date of birth. If it is a total, a key of codes, a "
        "signature or a note, delete the whole row. If a pupil is meant, put back the UPN."
    )


def pupil_repeated(first: int) -> str:
    """`first` is the row the pupil is on already."""
    return (
        f"This pupil is already on row {first}. If another pupil is meant, correct the UPN; otherwise delete one of "
        "the two rows."
    )


def pupil_missing(service: Service, template_rows: Sequence[int]) -> str:
    """`template_rows` are the rows that the missing pupils have in a template downloaded now."""
    count = len(template_rows)
    return (
        f"{count} {'pupil' if count == 1 else 'pupils'} of your school's current {service.year_group} list "
        f"{'is' if count == 1 else 'are'} not in this file. Download a new template: there "
        f"{'it is the pupil on row' if count == 1 else 'they are the pupils on rows'} {spans(template_rows)}. Every "
        "pupil must be in the file; leave all the cells blank for a pupil with no data."
    )


def pupil_joined(service: Service, template_rows: Sequence[int]) -> str:
    """`template_rows` are the rows that the pupils have in a template downloaded now."""
    count = len(template_rows)
    return (
        f"{count} {'pupil has' if count == 1 else 'pupils have'} joined your school's {service.year_group} list since "
        f"this template was downloaded, and {'is' if count == 1 else 'are'} not counted. To include "
        f"{'the pupil' if count == 1 else 'them'}, download a new template (row{'' if count == 1 else 's'} "
        f"{spans(template_rows)}) and upload it with all your results."
    )


def pupil_left(service: Service) -> str:
    return (
        f"This pupil has left your school's {service.year_group} list since this template was downloaded, so the row "
        "is not counted. If the pupil is still at your school, bring your MIS up to date and download a new template."
    )


def differs_from_roster(column: Column) -> str:
    return (
        f"“{column.heading}” differs from your school's MIS. The value from your MIS is used; if that one is wrong, "
        "correct it in your MIS."
    )


def column_differs(column: Column, rows: int, pupils: int) -> str:
    """`rows` of the file's `pupils` differ."""
    return (
        f"“{column.heading}” differs from your school's MIS in {rows} of {pupils} rows. The values from your MIS are "
        "used. If the column was pasted or filled down by mistake, nothing is lost; if your MIS is wrong, correct it "
        "there."
    )


def school_blank_in_most(rows: int, pupils: int) -> str:
    """`rows` of the file's `pupils` have no school number."""
    return f"The School DFE number is missing in {rows} of {pupils} rows. Your school's number is used."


# Results


def code_not_accepted(column: Column) -> str:
    numbers = f", or a whole number from {column.minimum} to {column.maximum}" if column.has_numbers else ""
    return f"Accepted codes are {', '.join(column.codes)}{numbers}. Allows empty field"


def code_of_other_column(column: Column, code: str) -> str:
    """`code` is one the service knows, given in a column that does not take it."""
    return f"{code} is not accepted for {column.subject_name}. {code_not_accepted(column)}"


def score_in_code_column(column: Column, service: Service) -> str:
    words = service.words
    return f"This looks like {a(words.number)}, but the column is {a(words.code)}. {code_not_accepted(column)}"


def scaled_score_range(column: Column) -> str:
    """The guide's own wording."""
    codes = f", or one of the codes {', '.join(column.codes)}" if column.codes else ""
    numbers = f"Range must be between {column.minimum} to {column.maximum} and be whole numbers"
    return f"{numbers}{codes}. Allows empty field"


def code_in_score_column(column: Column, service: Service) -> str:
    words = service.words
    return f"This looks like {a(words.code)} code, but the column is {a(words.number)}. {scaled_score_range(column)}"


def date_in_score_column(column: Column, service: Service) -> str:
    return (
        f"Excel has made a date of this cell. Set its format to General and type the {service.words.one} again. "
        f"{scaled_score_range(column)}"
    )


def percentage_in_score_column(column: Column, service: Service) -> str:
    return (
        "This looks like a percentage or a fraction, which Excel keeps as a number below 1. Set the cell's format to "
        f"General and type the {service.words.one}. {scaled_score_range(column)}"
    )


def of_a_formula(message: str) -> str:
    """What is wrong with a value that a formula gave."""
    return (
        f"{message.removesuffix('.')}. A formula gave this value: open the workbook in Excel, see what the cell shows, "
        "and type that in the place of the formula."
    )


def formula_not_calculated() -> str:
    return (
        "This cell has a formula, but the file does not hold its value: the program that wrote the file did not work "
        "it out. Open the workbook in Excel, save it there, and upload it again; or type the value in the place of the "
        "formula."
    )


def picture_in_cell() -> str:
    return "This cell holds a picture, which cannot be read. Delete the picture and type the value, or clear the cell."


def cells_merged(area: str) -> str:
    """`area` is the range, `L2:L5`."""
    return (
        f"The cells {area} are merged into one, so only the first of them has a value. Select them, choose Home, Merge "
        "& Center, Unmerge Cells, and enter each pupil's result in its own cell."
    )


def cell_error() -> str:
    return (
        "Excel shows an error in this cell (such as #N/A or #REF!). Type the value itself, or clear the cell if there "
        "is none."
    )


def no_results(service: Service) -> str:
    return (
        f"There are no results in this file. Enter your results on the sheet “{service.sheet}”, save the workbook in "
        "Excel and upload it again."
    )


def no_pupils(service: Service) -> str:
    return (
        f"There are no pupils on the sheet. Download a new {name(service)} template, enter your results there and "
        "upload it."
    )


def results_removed() -> str:
    return (
        "This pupil had results in your last successful file and has none in this one. Each file replaces the one "
        "before it completely: if the results still stand, enter them here too."
    )


def assessment_missing(column: Column, service: Service) -> str:
    kind = service.words.code if column.kind == "code" else service.words.number
    kind += " or code" if column.kind == "number-or-code" else ""
    return (
        f"{column.subject_name} has no {kind}, though other subjects of this pupil have. If there is one, "
        "enter it; otherwise leave the cell empty."
    )


def score_unreachable(service: Service, column: Column) -> str:
    """A number that the year's conversion table leads to from no mark."""
    return (
        f"No number of marks in {column.subject_name} leads to this {service.words.number} in {service.year}. Please "
        "check it for a typing error."
    )


def assessment_score_mismatch(service: Service, column: Column) -> str:
    """`column` is that of the numbers.

    All rules are named, because the one that the pupil breaks would tell a value.
    """
    rules = []
    for rule in service.mismatches:
        codes = [code.code for code in service.codes if code.code in rule.codes]
        rules.append(f"{any_of(codes)} with {'any score' if rule.any_score else f'a score below {rule.below}'}")
    return (
        f"This {service.words.code} and the pupil's “{column.heading}” disagree strongly ({'; '.join(rules)}). Check "
        "both; if both are right, leave them."
    )


# Words


def name(service: Service) -> str:
    """`Phonics 2026`: the service as people call it."""
    return f"{service.short_title} {service.year}"


def a(words: str) -> str:
    """The words with the article before them: `a mark`, `an outcome`."""
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"


def capital(words: str) -> str:
    """The words as they begin a sentence."""
    return words[:1].upper() + words[1:]


def any_of(words: Sequence[str]) -> str:
    """`A, B or C`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def spans(numbers: Iterable[int]) -> str:
    """Ascending row numbers as people write them: `4, 7 to 9 and 12`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    words = [
        word
        for first, last in runs
        for word in ([f"{first} to {last}"] if last > first + 1 else dict.fromkeys((str(first), str(last))))
    ]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def deadline(window: Window) -> str:
    """When a window closes and when its reports come, for templates and pages."""
    # imported only here: it loads the time zone, which checking a file does not need
    from early_results.times import date_words, moment_words

    return (
        f"Window {window.number} closes at {moment_words(window.closes)}; reports are available from "
        f"{date_words(window.reports)}."
    )
