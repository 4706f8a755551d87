"""The words of the e-mails: plain text, a subject that says it all, and nothing of any pupil.

A file's name is left out, because people write children's names into it. So are findings: who may see them signs in.
What is said of a window comes from `counting/standing.py`, as on the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ..counting.standing import Said, Standing, next_step, school_words
from ..counting.uploads import Held, Upload
from ..findings import Code
from ..guide import Support
from ..service import Service, Window
from ..times import day_words, from_text, moment_words
from .notices import Kind

MOST_LISTED = 100  # schools in one e-mail; the largest trusts have about as many


class Letter(NamedTuple):
    """One e-mail: its subject, one line, and its text."""

    subject: str
    text: str


class SchoolNamed(NamedTuple):
    """A school and its name, blank if the table has none."""

    number: str
    name: str

    @property
    def words(self) -> str:
        """`Holly Lane Primary School (1231234)`."""
        name = " ".join(self.name.split())  # a subject is one line, whatever an extract's cell holds
        return f"{name} ({self.number})" if name else f"School {self.number}"


class Frame(NamedTuple):
    """What every e-mail of a service says: where the page is, and whom to ask."""

    service: Service
    url: str

    def letter(self, kind: Kind, subject: str, *paragraphs: str) -> Letter:
        """An e-mail with these paragraphs; empty ones are left out."""
        support: Support = self.service.support
        hours = "; ".join(support.hours)
        ending = [
            f"Sign in here: {self.url}",
            f"Questions? {support.email}, telephone {support.telephone}. {hours}.",
            f"This is about {self.service.title}. It is not the statutory return to the DfE or your local authority.",
            "You get this because your account may send files for this school or trust. "
            + (
                "It is always sent, because somebody else has overwritten a file that you sent."
                if kind is Kind.OVERWRITTEN
                else "To get no more of them, sign in and select “E-mails”."
            ),
        ]
        body = "\n\n".join([*(text for text in paragraphs if text), *ending])
        return Letter(subject, body + "\n")


def verdict_letter(
    frame: Frame, upload: Upload, told: Sequence[Said], school: SchoolNamed | None, stands: str, reference: str
) -> Letter:
    """The verdict on a file, and its receipt.

    `told` is what is said of it (`said_of`); `stands` says what counts for its school now, "" if no school is known.
    """
    whose = f"{school.words}: your" if school else "Your"
    what = f"{whose} {_short(frame.service)} file"
    errors, warnings = upload.counts.get("errors", 0), upload.counts.get("warnings", 0)
    receipt = _receipt(upload, told, reference)
    if upload.held == Held.PARKED:
        return frame.letter(Kind.VERDICT, f"{what} could not be processed yet", next_step(upload, told), receipt)
    codes = {finding["code"] for finding in upload.findings}
    if Code.COULD_NOT_PROCESS in codes:
        return frame.letter(
            Kind.VERDICT,
            f"{what} could not be processed and does not count",
            "We could not process this file. This is our fault, not yours. Please upload it again, or ask us.",
            stands,
            receipt,
        )
    if Code.WINDOW_CLOSED in codes:
        return frame.letter(
            Kind.VERDICT, f"{what} does not count", "Your file did not reach us in time for a window.", receipt
        )
    if errors:
        found = _number(errors, "error") + (f" and {_number(warnings, 'warning')}" if warnings else "")
        return frame.letter(
            Kind.VERDICT,
            f"{what} has {_number(errors, 'error')} and does not count",
            f"We have checked the file that you sent and found {found} in it. A file with errors does not count.",
            "Sign in to see what is wrong and in which cell. Put it right, and upload the file again before the window "
            "closes.",
            stands,
            receipt,
        )
    counts = bool(told) and told[0].counts
    pupils = _number(upload.counts.get("pupils", 0), "pupil")
    look = (
        f" Please look at {_number(warnings, 'warning')}: the file counts all the same." if warnings and counts else ""
    )
    return frame.letter(
        Kind.VERDICT,
        f"{what} was accepted" + ("" if counts else ", but does not count"),
        f"We have checked the file that you sent, with {pupils}, and found no errors.{look}",
        receipt,
    )


def overwritten_letter(
    frame: Frame, upload: Upload, told: Sequence[Said], school: SchoolNamed, by: Upload, reference: str
) -> Letter:
    """That another user's file took the place of one's own. Who it was, the history shows too."""
    when = f" at {moment_words(by.received)}" if by.received else ""
    mine = f", which you sent at {moment_words(upload.received)}" if upload.received else ""
    return frame.letter(
        Kind.OVERWRITTEN,
        f"{school.words}: your {_short(frame.service)} file was overwritten by somebody else",
        f"{by.user_name} has sent a file for {school.words}{when}. It has overwritten yours{mine}.",
        "If that was not meant, speak to them, or upload your file again: the last good file before the close counts.",
        _receipt(upload, told, reference),
    )


class Chased(NamedTuple):
    """A school for which no good file has come, and whether only files with errors have."""

    school: SchoolNamed
    tried: bool


def reminder_letter(frame: Frame, window: Window, chased: Sequence[Chased]) -> Letter:
    """That a window closes soon, and which of one's schools have no good file in it."""
    closes = moment_words(window.closes)
    if len(chased) == 1:
        [one] = chased
        subject = f"{one.school.words}: no good {_short(frame.service)} file yet, and the window closes at {closes}"
        said = (
            f"Files have come for {one.school.words}, but all of them have errors, and none counts."
            if one.tried
            else f"We have received no file for {one.school.words} yet."
        )
    else:
        subject = (
            f"{len(chased)} schools without a good {_short(frame.service)} file, and the window closes at {closes}"
        )
        said = _listed(
            "No good file has come for these schools of yours:",
            [f"{one.school.words}: {'only files with errors' if one.tried else 'no file yet'}" for one in chased],
        )
    return frame.letter(
        Kind.REMINDER,
        subject,
        said,
        "Sign in to download the template with your pupils filled in, and upload it with their results.",
        f"Window {window.number} closes at {closes}. A file that reaches us later does not count for it.",
    )


class Stands(NamedTuple):
    """What stands for a school in a window."""

    school: SchoolNamed
    standing: Standing


def frozen_letter(frame: Frame, window: Window, closes: datetime, stands: Sequence[Stands]) -> Letter:
    """That a window is frozen, and what counts for one's schools in it."""
    counted = sum(one.standing.upload is not None for one in stands)
    short = _short(frame.service)
    if len(stands) == 1:
        [one] = stands
        verdict = "your file is final" if counted else "no file counts"
        subject = f"{one.school.words}: {short} window {window.number} is closed, {verdict}"
        said = school_words(one.standing, closes)
    else:
        subject = f"{short} window {window.number} is closed: files of {counted} of your {len(stands)} schools count"
        said = _listed(
            f"Window {window.number} closed at {moment_words(closes)}. What counts for your schools:",
            [f"{one.school.words}: {_final(one.standing)}" for one in stands],
        )
    reports = f"Reports are available from {day_words(window.reports)}." if counted else ""
    return frame.letter(Kind.FROZEN, subject, said, reports)


def report_letter(frame: Frame, window: Window, schools: Sequence[SchoolNamed]) -> Letter:
    """That the reports of a window can be fetched."""
    short = _short(frame.service)
    if len(schools) == 1:
        subject = f"{schools[0].words}: your {short} report is ready"
        said = f"The {short} report of {schools[0].words} for window {window.number} can be downloaded now."
    else:
        subject = f"{short} reports of {len(schools)} of your schools are ready"
        said = _listed(
            f"The {short} reports for window {window.number} of these schools can be downloaded now:",
            [school.words for school in schools],
        )
    return frame.letter(
        Kind.REPORT, subject, said, "It is not attached: a report is about children, so please sign in."
    )


def _final(stands: Standing) -> str:
    if stands.upload is None:
        return "no file counts, the latest one has been deleted" if stands.deleted else "no file counts"
    received = f"the file received at {moment_words(from_text(stands.facts['received']))} counts"
    return received + (f", carried forward from window {stands.carried_from}" if stands.carried_from else "")


def _receipt(upload: Upload, told: Sequence[Said], reference: str) -> str:
    """Hash, received time, window and whether the file counts: what the page calls the receipt."""
    lines = ["Your receipt", f"Reference: {reference}"]
    if upload.received:
        lines.append(f"Received: {moment_words(upload.received)}")
    lines += [one.statement for one in told]
    if upload.sha256:
        lines.append(f"SHA-256 of the file: {upload.sha256}")
    return "\n".join(lines)


def _listed(first: str, lines: Sequence[str]) -> str:
    more = [f"- and {len(lines) - MOST_LISTED} more"] if len(lines) > MOST_LISTED else []
    return "\n".join([first, *(f"- {line}" for line in lines[:MOST_LISTED]), *more])


def _short(service: Service) -> str:
    return f"{service.short_title} {service.year}"


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
