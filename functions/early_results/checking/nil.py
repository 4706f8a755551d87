"""A nil return: a school says that it has no pupils in a service's year group, so that nobody reminds it.

It is an upload like any other: it has a form, a received time, a verdict, a place in the registers and in the manifest,
and a later file overwrites it. Only its contents differ: three lines of text instead of a workbook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from early_results.checking import messages
from early_results.findings import Code, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from early_results.checking.rules import Case

FIRST_LINE = "Early Results nil return"
LONGEST = 200  # bytes; a longer file is not a nil return


class NilReturn(NamedTuple):
    """What a nil return says: of which service, and of which school."""

    service: str
    school: str


def nil_return(told: NilReturn) -> bytes:
    """The file that says so, which `read_nil` reads back."""
    return f"{FIRST_LINE}\nservice: {told.service}\nschool: {told.school}\n".encode()


def read_nil(data: bytes) -> NilReturn | None:
    """What a file says if it is a nil return, None if it is anything else. Line ends may be those of Windows."""
    if len(data) > LONGEST or not data.startswith(FIRST_LINE.encode()) or not data.isascii():
        return None
    lines = data.decode().split("\n")
    lines = [line.strip() for line in lines if line.strip()]
    if len(lines) != 3 or not lines[1].startswith("service:") or not lines[2].startswith("school:"):
        return None
    service, school = (line.partition(":")[2].strip() for line in lines[1:])
    return NilReturn(service, school) if len(school) == 7 and school.isdigit() else None


def find(case: Case) -> Iterable[Finding]:
    """What is wrong with a nil return: the school is not the uploader's, or the school's list has pupils after all."""
    if case.school is None:
        yield Finding(Code.WRONG_SCHOOL, messages.wrong_school())
    elif case.roster is not None and case.roster.pupils:
        from early_results.checking.roster import TEMPLATE_FIRST_ROW

        rows = range(TEMPLATE_FIRST_ROW, TEMPLATE_FIRST_ROW + len(case.roster.pupils))
        yield Finding(Code.PUPIL_MISSING, messages.pupil_missing(case.service, rows))
