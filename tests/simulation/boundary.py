"""The boundary to workbooks, PDFs, threads and randomness: what is replaced while a history is played."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from adapters import lookups
from early_results.checking.check import Verdict
from early_results.checking.roster import Roster
from early_results.findings import Code, Finding
from early_results.reporting import summary
from early_results.reporting.figures import ReportInput
from early_results.results import Pupil, PupilResults
from early_results.service import load_service
from infra.operator import evidence, rebuilding, verifying
from portal import uploading
from workflow import build_report, check_upload, freeze_window, import_extract, sweep_bucket

from .scheduler import Crash, Pool

SERVICE = "ks1-2023"

if TYPE_CHECKING:
    from .world import World


@dataclass(frozen=True, slots=True)
class SmallSubmission:
    """What a small file says."""

    school: str | None
    pupils: tuple[str, ...]
    good: bool
    template_roster_version: str | None = None


def read_small(data: bytes, service: Any) -> SmallSubmission:
    """Reads a small file; some kill the machine that reads them."""
    said = json.loads(data)
    world = Present.world
    tag = said["tag"]
    if world is not None and world.kills.get(tag, 0) > 0:
        world.kills[tag] -= 1
        world.scheduler.story(f"file {tag} kills its function")
        raise Crash("killed by a file")
    return SmallSubmission(said["school"], tuple(said["pupils"]), said["good"])


def judge_small(
    submission: SmallSubmission,
    service: Any,
    *,
    allowed_schools: Any,
    roster: Roster | None,
    template_roster: Roster | None = None,
    previous: Any = None,
) -> Verdict:
    """The checks in small: authority, then the roster, then the contents."""
    school = submission.school if submission.school in allowed_schools else None
    errors = []
    if school is None:
        errors.append(Finding(Code.WRONG_SCHOOL, "Not yours."))
    elif roster is None or sorted(p.upn for p in roster.pupils) != sorted(submission.pupils):
        errors.append(Finding(Code.PUPIL_MISSING, "Not this roster."))
    if not submission.good:
        errors.append(Finding(Code.CODE_NOT_ACCEPTED, "Not a code."))
    results: tuple[PupilResults, ...] = ()
    if not errors and roster is not None:
        results = tuple(PupilResults(pupil, row, {}, {}) for row, pupil in enumerate(roster.pupils, 2))
    warnings = (Finding(Code.RESULTS_REMOVED, "Before there were results."),) if previous is not None else ()
    return Verdict(not errors, school, tuple(errors), warnings, results, len(results), "ks1-2023.1", None)


def build_small(report: ReportInput) -> bytes:
    """A report, which takes a while to make."""
    if Present.world is not None:
        Present.world.scheduler.linger(int(Present.world.scheduler.random.random() * 3_000))
    return f"pdf {report.upload_id} {report.window}".encode()


@lru_cache(maxsize=4096)
def _summary_of(upns: tuple[tuple[str, str], ...]) -> summary.Summary:
    service = load_service(SERVICE)
    return summary.summarise(service, [PupilResults(pupil(s, u), 2, {}, {}) for s, u in upns])


def summarise_small(service: Any, results: Any) -> summary.Summary:
    """The project's own summary, remembered: a small world has few rosters."""
    return _summary_of(tuple((r.pupil.school, r.pupil.upn) for r in results))


def pupil(school: str, upn: str) -> Pupil:
    return Pupil(school, upn, "F", "S", "F", None, "2")


class SmallPool:
    """The pool of users, as far as a rebuild asks: whose name is whose."""

    def __init__(self, subs: Iterable[str]) -> None:
        self.subs = tuple(subs)

    def get_paginator(self, _: str) -> SmallPool:
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        yield {
            "Users": [
                {"Attributes": [{"Name": "sub", "Value": sub}, {"Name": "email", "Value": sub}]} for sub in self.subs
            ]
        }


class Present:
    """The history being played: what the replaced boundary functions need to know of it."""

    world: World | None = None


@contextmanager
def small_boundaries() -> Iterator[None]:
    """Stand-ins where the pipeline meets workbooks, PDFs, threads and true randomness, for as long as it plays."""

    def randomness(count: int) -> bytes:
        return Present.world.plan.randbytes(count) if Present.world else bytes(count)

    replaced: list[tuple[Any, str, Any]] = [
        (check_upload, "read_submission", read_small),
        (check_upload, "judge", judge_small),
        (check_upload, "summarise", summarise_small),
        (build_report, "school_figures", lambda *_: None),
        (build_report, "build_pdf", build_small),
        (build_report, "build_workbook", lambda report: f"xlsx {report.upload_id} {report.window}".encode()),
        (freeze_window, "ThreadPoolExecutor", Pool),
        (sweep_bucket, "ThreadPoolExecutor", Pool),
        (lookups, "ThreadPoolExecutor", Pool),
        (import_extract, "ThreadPoolExecutor", Pool),
        (evidence, "ThreadPoolExecutor", Pool),
        (rebuilding, "summarise", summarise_small),
        (verifying, "read_submission", read_small),
        (verifying, "judge", judge_small),
        (verifying, "summarise", summarise_small),
        (uploading, "token_bytes", randomness),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    for module, name, value in replaced:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
