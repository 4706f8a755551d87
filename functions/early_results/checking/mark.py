"""The mark: what a template says about itself, on a sheet that Excel does not show.

People keep templates for weeks, and open last year's by mistake. The mark lets a file say which service and which
pupil list it was made for, so that we can name the mistake instead of listing a hundred consequences. It is a hint and
never an authority: anybody can edit a workbook, so nothing is allowed because a mark says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from early_results.ids import is_ulid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MARK_SHEET = "Early Results mark"
HELP_SHEET = "How to fill this in"
OVERVIEW_SHEET = "What to correct"  # a sheet of the annotated copy
BESIDE_RESULTS = frozenset({MARK_SHEET, HELP_SHEET, OVERVIEW_SHEET})  # sheets of ours on which nobody enters results
_FIRST = "Early Results template"
_REPAIRED = "repaired"
_CORRECTED = "corrected from"
MOST_REPAIRS = 100
LONGEST_WORD = 60  # characters of a word that was taken for a code
_LONGEST = 64  # the most characters that a value of a mark may have; ours are far shorter


class Repair(NamedTuple):
    """A word that a school's export has for a code: the column's key, the word, the code; "" if none is proposed."""

    column: str
    word: str
    code: str


class TemplateMark(NamedTuple):
    """Which service, ruleset and roster version a template was made from, for which school, and when (aware, UTC).

    `repairs` are the words that were taken for codes where the template was filled in from an export. `corrected_from`
    is the upload whose results were corrected at the page, "" where the template was filled in otherwise.
    """

    service: str
    ruleset: str
    school: str
    roster_version: str
    issued: datetime
    repairs: tuple[Repair, ...] = ()
    corrected_from: str = ""


def mark_rows(mark: TemplateMark) -> tuple[tuple[str, ...], ...]:
    """The mark as rows of name and value, all text, to be written from A1 on. A repair has two more cells."""
    return (
        (_FIRST, "1"),
        ("service", mark.service),
        ("ruleset", mark.ruleset),
        ("school", mark.school),
        ("roster version", mark.roster_version),
        ("issued", mark.issued.isoformat()),
        *(((_CORRECTED, mark.corrected_from),) if mark.corrected_from else ()),
        *((_REPAIRED, repair.column, repair.word, repair.code) for repair in mark.repairs[:MOST_REPAIRS]),
    )


def read_mark(rows: Iterable[tuple[int, Mapping[int, object]]]) -> TemplateMark | None:
    """The mark on these rows (as `Workbook.rows` gives them), or None if there is none or it has been changed."""
    values: dict[str, str] = {}
    repairs: list[Repair] = []
    for _, cells in rows:
        name, value = cells.get(1), cells.get(2)
        if name == _REPAIRED:
            repairs += _repair(value, cells.get(3), cells.get(4))
        elif isinstance(name, str) and isinstance(value, str) and len(value) <= _LONGEST:
            values[name] = value
    try:
        issued = datetime.fromisoformat(values["issued"])
        mark = TemplateMark(values["service"], values["ruleset"], values["school"], values["roster version"], issued)
        first = values.get(_CORRECTED, "")
        mark = mark._replace(repairs=tuple(repairs[:MOST_REPAIRS]), corrected_from=first if is_ulid(first) else "")
    except (KeyError, ValueError):
        return None
    return mark if _FIRST in values and issued.tzinfo is not None and all(_plain(v) for v in values.values()) else None


def _repair(column: object, word: object, code: object) -> list[Repair]:
    """A repair that a mark tells, or none if it is not of our making: it is stored, and shown to people."""
    if not (isinstance(column, str) and isinstance(word, str) and isinstance(code, str)):
        return []
    fits = len(column) <= _LONGEST and len(code) <= _LONGEST and _plain(column + code)
    return [Repair(column, word, code)] if fits and word.isprintable() and 0 < len(word) <= LONGEST_WORD else []


def service_label(service: str) -> str:
    """The name of a service that we do not know, for people: `mtc-2022` is `MTC 2022`."""
    return service.replace("-", " ").upper()


def _plain(value: str) -> bool:
    """Whether every character is one that our own marks are made of, so that it may be shown and stored."""
    return value.isascii() and all(c.isalnum() or c in "-.:+#/_" for c in value)
