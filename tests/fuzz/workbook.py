"""Fuzzes the workbook reader for as long as it is given, guided by coverage of the reader and of zipfile.

    python -m venv out/fuzz && out/fuzz/bin/pip install 'atheris>=3' hypothesis pytest
    PYTHONPATH=functions:. nice out/fuzz/bin/python tests/fuzz/workbook.py out/corpus -max_total_time=1500

Arguments after the corpus are libFuzzer's. A find stops the run and is saved as crash-...; keep it as a test in
tests/unit/workbook/test_workbook_fuzz.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

with atheris.instrument_imports(include=["early_results", "zipfile"]):
    import zipfile  # noqa: F401 - instrumented

    from early_results import workbook  # noqa: F401 - instrumented

from tests.unit.workbook.test_workbook_fuzz import check, make_file, seeds
from tests.unit.workbook.test_workbook_regular import both_agree


def main() -> None:
    """Runs libFuzzer with the reader's promises as what must not break."""
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


def one(data: bytes) -> None:
    """One file: the reader keeps its promises, and says the same by the short way as without it."""
    file = make_file(data)
    check(file)
    both_agree(file, 2_000)  # longer than any number among the seeds


if __name__ == "__main__":
    main()
