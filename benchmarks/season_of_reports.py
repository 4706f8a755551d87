"""How long a season's reports take: those of a school, a trust and the operators measured, 17,000 schools worked out.

    .venv/bin/python benchmarks/season_of_reports.py [ROUNDS]

Processor time of this process, so that a busy machine does not count; every round is a school that Typst has not seen.
The results, with the sums, go to benchmarks/results/season_of_reports.md.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "functions")]

from adapters.report_pdf import build_pdf, build_summary_pdf, build_trust_pdf  # noqa: E402
from adapters.report_workbook import build_workbook  # noqa: E402
from adapters.summary_workbook import build_summary_workbook  # noqa: E402
from adapters.trust_workbook import build_trust_workbook  # noqa: E402
from early_results.reporting.figures import Copy  # noqa: E402
from early_results.reporting.operators import Participation, SummaryInput, count_once  # noqa: E402
from early_results.reporting.summary import Summary, summarise  # noqa: E402
from early_results.reporting.taking import National, national  # noqa: E402
from early_results.reporting.trusts import Member, TrustInput  # noqa: E402
from tests.unit.reporting.report_samples import KS1, cohort, nation_of, report_of  # noqa: E402

SCHOOLS, TRUSTS, MEMBERS = 17_000, 2_500, 4
REQUESTS = 12  # of S3 and DynamoDB for one report, one after the other
REQUEST_MS = 20
TOGETHER = {"MaximumConcurrency of the full scale": 18, "a hundred": 100}


def main(rounds: int) -> None:
    """Measures, and writes what 17,000 schools come to."""
    times: dict[str, list[float]] = {}

    def timed(step: str, work: Callable[[], Any]) -> Any:
        before = time.process_time()
        result = work()
        times.setdefault(step, []).append(1000 * (time.process_time() - before))
        return result

    nation = nation_of(50)
    stored = json.dumps(nation.to_json())
    for number in range(rounds + 1):
        results = cohort(40, 20_000 + number)
        timed("reading the figures of all schools", lambda: National.from_json(json.loads(stored)))
        report = timed("figures", partial(report_of, results, nation, name=f"School {number}"))
        for copy in Copy:
            timed(f"PDF, {copy.value}", partial(build_pdf, report, copy))
        timed("workbook", partial(build_workbook, report))
        own = {
            f"123{at}{number:03}": summarise(KS1, cohort(40, 30_000 + 10 * number + at)) for at in range(1, MEMBERS + 1)
        }
        trust = _trust(own, nation, number)
        timed("trust: PDF", partial(build_trust_pdf, trust))
        timed("trust: workbook", partial(build_trust_workbook, trust))
        if not number:
            times.clear()  # the first pays for fonts and imports
    many = {f"{201 + at % 150}{1000 + at // 150:04}": summarise(KS1, cohort(40, at % 60)) for at in range(1500)}
    texts = {school: json.dumps(summary.to_json()) for school, summary in many.items()}
    whole = national(KS1, many.items(), {})
    read = timed(
        "summary: reading 1,500 summaries", lambda: [(s, Summary.from_json(json.loads(t))) for s, t in texts.items()]
    )
    counted = timed("summary: counting 1,500 schools", lambda: count_once(KS1, read, whole, {}))
    authorities = {school[:3]: Participation(10, 10) for school in many}
    window = KS1.windows[0]
    told = SummaryInput(KS1, 1, window.closes, window.reports, whole, authorities, counted)
    timed("summary: PDF and workbook", lambda: (build_summary_pdf(told), build_summary_workbook(told)))

    ms = {step: median(taken) for step, taken in times.items()}
    school = sum(ms[step] for step in ms if ":" not in step)
    trust_ms = ms["trust: PDF"] + ms["trust: workbook"]
    summary = (ms["summary: reading 1,500 summaries"] + ms["summary: counting 1,500 schools"]) * SCHOOLS / 1500
    waiting = REQUESTS * REQUEST_MS
    each = school + waiting
    lines = ["| step | processor time, ms |", "|---|--:|", *(f"| {step} | {taken:.1f} |" for step, taken in ms.items())]
    lines += ["", f"A school: {school:.0f} ms of processor, and {REQUESTS} requests of {REQUEST_MS} ms: {each:.0f} ms."]
    for what, at_once in TOGETHER.items():
        sum_of = f"{SCHOOLS:,} x {each:.0f} ms / {at_once} = {SCHOOLS * each / 1000 / at_once:.0f} s"
        lines += ["", f"{SCHOOLS:,} schools, {at_once} at a time ({what}): {sum_of}."]
    asked = 5 * REQUEST_MS
    sum_of = f"{TRUSTS:,} x ({trust_ms:.0f} + {asked}) ms = {TRUSTS * (trust_ms + asked) / 1000:.0f} s"
    lines += ["", f"{TRUSTS:,} trusts of {MEMBERS} schools in one function: {sum_of}, in runs of 270 s."]
    then = f"{ms['summary: PDF and workbook']:.0f} ms"
    lines += ["", f"The summary of {SCHOOLS:,} schools: {summary / 1000:.0f} s once to read and count, then {then}."]
    head = f"# A season of reports\n\n{rounds} rounds of schools of 40 pupils, medians, warm, "
    head += f"under a load of {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores. "
    text = f"{head}`benchmarks/season_of_reports.py` wrote this page.\n\n" + "\n".join(lines) + "\n"
    (ROOT / "benchmarks" / "results" / "season_of_reports.md").write_text(text, encoding="utf-8")
    print(text)


def _trust(own: dict[str, Summary], nation: National, number: int) -> TrustInput:
    members = tuple(Member(school, f"School {school}", summary) for school, summary in own.items())
    window = KS1.windows[0]
    return TrustInput(KS1, "T", f"Trust {number}", 1, window.closes, window.reports, members, nation)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
