"""What one school's report costs: summary, figures, workbook and PDF, measured in turns on the same schools.

    .venv/bin/python benchmarks/reports.py [ROUNDS]

Every round takes a school not seen before, as Typst remembers what it has set, and does each step once, so that a
busy spell of the machine falls on all of them alike. Medians of the rounds go to benchmarks/results/reports.md.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from html import escape
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "functions")]

started = time.perf_counter()
from adapters.report_pdf import build_pdf  # noqa: E402
from adapters.report_view import view  # noqa: E402
from adapters.report_workbook import build_workbook  # noqa: E402

IMPORTED = time.perf_counter() - started

from early_results.reporting.figures import Copy, school_figures  # noqa: E402
from early_results.reporting.summary import add, summarise  # noqa: E402
from tests.unit.reporting.report_samples import KS1, beside, cohort, nation_of, report_of  # noqa: E402

WEASY_ROUNDS = 5  # it is slow, and not among the project's tools: measured where somebody has installed it


def by_weasyprint(told: dict[str, Any]) -> bytes:
    """The words and numbers of the pages as plain tables: no chart, no bar, and no marks for who cannot see."""
    from weasyprint import HTML  # type: ignore[import-not-found, unused-ignore]

    def cells(value: Any) -> str:
        if isinstance(value, dict):
            return "".join(cells(inner) for inner in value.values())
        if isinstance(value, list):
            if value and all(isinstance(inner, str) for inner in value):
                return "<tr>" + "".join(f"<td>{escape(inner)}</td>" for inner in value) + "</tr>"
            return "<table>" + "".join(cells(inner) for inner in value) + "</table>"
        return f"<tr><td>{escape(str(value))}</td></tr>" if isinstance(value, str) else ""

    pdf: bytes = HTML(string=f"<html lang=en><body><table>{cells(told)}</table></body></html>").write_pdf()
    return pdf


def main(rounds: int) -> None:
    nation = nation_of(50)
    summaries = [summarise(KS1, cohort(30, seed)) for seed in range(200)]
    times: dict[str, list[float]] = {}
    sizes: dict[str, list[int]] = {}

    def timed(step: str, work: Callable[[], Any]) -> Any:
        before = time.perf_counter()
        result = work()
        times.setdefault(step, []).append(1000 * (time.perf_counter() - before))
        if isinstance(result, bytes):
            sizes.setdefault(step, []).append(len(result))
        return result

    first: dict[str, float] = {}
    for number in range(rounds + 1):
        results = cohort(60, 10_000 + number)
        report = report_of(results, nation, name=f"School {number}")
        summary = timed("summary of 60 pupils", partial(summarise, KS1, results))
        timed("figures, of the school and of all schools", partial(school_figures, KS1, summary, beside(nation)))
        timed("workbook", partial(build_workbook, report))
        timed("PDF/UA to be shown", partial(build_pdf, report, Copy.SHOWN))
        timed("PDF/UA for staff, with its pupils", partial(build_pdf, report, Copy.STAFF))
        if find_spec("weasyprint") and number <= WEASY_ROUNDS:
            timed("the same content by WeasyPrint", partial(by_weasyprint, view(report, Copy.SHOWN)))
        timed("sum of 200 summaries", lambda: add(summaries))
        if not number:
            first = {step: taken.pop() for step, taken in times.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    lines = [
        "| step | first, ms | median, ms | 90th percentile, ms | size, KB |",
        "|---|--:|--:|--:|--:|",
    ]
    for step, taken in times.items():
        size = f"{median(sizes[step]) / 1024:.0f}" if step in sizes else ""
        lines.append(
            f"| {step} | {first[step]:.1f} | {median(taken):.1f} | {quantiles(taken, n=10)[-1]:.1f} | {size} |"
        )
    text = (
        "# Reports\n\n"
        f"{rounds} rounds of a school of 60 pupils each, steps in turns, one process on Python "
        f"{sys.version.split()[0]}; importing openpyxl and Typst took {1000 * IMPORTED:.0f} ms, "
        f"peak memory was {peak:.0f} MB. `benchmarks/reports.py` wrote this page.\n\n" + "\n".join(lines) + "\n"
    )
    (ROOT / "benchmarks" / "results" / "reports.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
