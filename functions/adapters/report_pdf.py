"""Reports as PDF: tagged (PDF/UA-1), so a screen reader can read it, and the same bytes every time.

The pages themselves are report_assets/report.typ, trust.typ and summary.typ. What reaches them is one JSON text of
ready words and numbers: Typst parses it as data, so a school called `*St #1*` cannot become markup. Fonts come from
report_assets alone, never from the machine, or the same figures would give other bytes elsewhere.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

from adapters.pdf_packing import packed
from adapters.report_view import view
from adapters.summary_view import summary_view
from adapters.trust_view import trust_view
from early_results.canonical import canonical
from early_results.reporting.figures import Copy, ReportInput
from early_results.reporting.operators import SummaryInput
from early_results.reporting.trusts import TrustInput

ASSETS = Path(__file__).parent / "report_assets"


class PdfFailed(RuntimeError):
    """Typst could not set the report. The message is Typst's own, which names the template, not the school's data."""


def build_pdf(report: ReportInput, copy: Copy = Copy.SHOWN) -> bytes:
    """A school's report as PDF/UA-1, in British English, dated by the window's close. PdfFailed if Typst refuses it."""
    return _set("report.typ", view(report, copy), report.closes)


def build_trust_pdf(report: TrustInput) -> bytes:
    """A trust's report, likewise."""
    return _set("trust.typ", trust_view(report), report.closes)


def build_summary_pdf(report: SummaryInput) -> bytes:
    """An operators' summary, likewise."""
    return _set("summary.typ", summary_view(report), report.closes)


def _set(template: str, told: dict[str, Any], moment: datetime) -> bytes:
    """A document of one of the templates.

    Its compiler is kept for the next one of the process: the first takes some 200 ms more.
    """
    try:
        pdf = _compiler(template).compile(
            format="pdf",
            sys_inputs={"report": canonical(_every_text(told, printable)).decode()},
            pdf_standards=["ua-1"],
            timestamp=int(moment.timestamp()),
        )
    except typst.TypstError as error:
        raise PdfFailed(f"{template}: {error.message}") from error
    if not isinstance(pdf, bytes):
        raise PdfFailed(f"{template}: Typst gave {type(pdf).__name__}")
    return packed(pdf)


@cache
def _compiler(template: str) -> typst.Compiler:
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(ASSETS)])
    # With a path and not with bytes: a compiler made from bytes looks for its source on disk the second time it
    # compiles.
    return typst.Compiler(input=str(ASSETS / template), root=str(ASSETS), font_paths=fonts, ignore_system_fonts=True)


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


def _every_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _every_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_every_text(inner, change) for inner in value]
    return value
