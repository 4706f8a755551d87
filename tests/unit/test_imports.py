"""Nothing is imported on the way to a verdict that the way does not use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
HEAVY = {
    "boto3",
    "s3transfer",
    "multiprocessing",
    "openpyxl",
    "pydantic",
    "pydantic_core",
    "typst",
    "portal",
    "moto",
    "pandas",
}

CHECKING = (
    "from early_results.checking.check import judge, read_submission;"
    "from early_results.service import load_service; load_service('ks1-2023')"
)


def _imported_by(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{program}; import sys; print(*sorted(sys.modules))"],
        cwd=FUNCTIONS,
        env={"POWERTOOLS_METRICS_NAMESPACE": "x", "POWERTOOLS_SERVICE_NAME": "x", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("module", ["validate.app", "supersede.app", "report.freeze", "roster.app"])
def test_a_function_on_the_hot_path_brings_no_heavy_library(module: str) -> None:
    assert _imported_by(f"import {module}") & HEAVY == set()


def test_checking_a_file_brings_the_standard_library_alone() -> None:
    imported = _imported_by(CHECKING)
    foreign = imported - set(sys.stdlib_module_names) - {"early_results", "__main__"}
    # What the environment itself loads at its start (editable installs) is none of ours.
    assert {name for name in foreign if not name.startswith("_")} & (HEAVY | {"boto3", "botocore", "tzdata"}) == set()


def test_checking_a_file_does_without_what_only_costs_time_to_start() -> None:
    """`dataclasses` brings `inspect`: with the classes it makes, a third of a cold start."""
    imported = _imported_by(CHECKING)
    assert imported & {"dataclasses", "inspect", "hashlib", "json", "csv", "unicodedata"} == set()


def test_a_page_is_served_without_what_only_workbooks_need() -> None:
    """openpyxl is half of the portal's cold start, and one request in hundreds makes a workbook."""
    assert _imported_by("import portal.app") & {"openpyxl", "typst", "boto3", "s3transfer"} == set()


def test_no_function_but_the_build_brings_typst() -> None:
    assert "typst" not in _imported_by("import portal.app")
    assert "typst" in _imported_by("import report.build")
