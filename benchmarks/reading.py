"""What reading the results sheet of an upload costs: ours, the floor beneath any reader on expat, and the libraries.

    .venv/bin/python -m benchmarks.reading [ROUNDS]

All take turns in every round, so that a busy spell of the machine falls on all of them alike, and what is measured is
processor time, all of one thread. The medians and their ratios go to benchmarks/results/reading.md.
Trust the ratios. Memory is the peak of a process that reads once.
"""

from __future__ import annotations

import gc
import importlib.metadata
import platform
import pyexpat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.school_workbooks import ROOT, SIZES, files

SHEET = "KS1 results"
# What a reader has to look into before it can say what is in the results sheet of these files.
PARTS = ("_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml", "xl/sharedStrings.xml")
RESULTS = ROOT / "benchmarks" / "results" / "reading.md"


def floor(data: bytes) -> None:
    """Inflates the parts and has expat parse them with handlers that do nothing.

    No reader on expat that handles the beginning, the end and the text of elements can be faster.
    """

    def start(_name: str, _attributes: object) -> None:
        pass

    def other(_text: str) -> None:
        pass

    with zipfile.ZipFile(BytesIO(data)) as archive:
        for part in (*PARTS, "xl/worksheets/sheet1.xml"):
            parser = pyexpat.ParserCreate()
            parser.buffer_text = True
            parser.StartElementHandler = start
            parser.EndElementHandler = other
            parser.CharacterDataHandler = other
            with archive.open(part) as file:
                while chunk := file.read(65536):
                    parser.Parse(chunk, False)
            parser.Parse(b"", True)


def ours(data: bytes) -> int:
    from early_results.workbook import open_workbook

    book = open_workbook(data)
    return len(book.rows(next(sheet for sheet in book.sheets if sheet.name == SHEET)))


def openpyxl_read_only(data: bytes) -> int:
    import openpyxl

    book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True)
    rows = sum(1 for row in book[SHEET].iter_rows(values_only=True) if any(v is not None for v in row))
    book.close()
    return rows


def openpyxl_full(data: bytes) -> int:
    import openpyxl

    book = openpyxl.load_workbook(BytesIO(data), data_only=True)
    return sum(1 for row in book[SHEET].iter_rows(values_only=True) if any(v is not None for v in row))


def calamine(data: bytes) -> int:
    from python_calamine import CalamineWorkbook

    return len(CalamineWorkbook.from_filelike(BytesIO(data)).get_sheet_by_name(SHEET).to_python())


def pandas_calamine(data: bytes) -> int:
    import pandas

    return len(pandas.read_excel(BytesIO(data), sheet_name=SHEET, engine="calamine", dtype=object)) + 1


READERS: dict[str, Callable[[bytes], Any]] = {
    "floor: inflate + expat, no-op handlers": floor,
    "ours": ours,
    "openpyxl, read-only": openpyxl_read_only,
    "openpyxl": openpyxl_full,
    "python-calamine (Rust)": calamine,
    "pandas + calamine": pandas_calamine,
}


def measured(data: bytes, size: int, rounds: int) -> dict[str, float]:
    """The median seconds of each reader."""
    times: dict[str, list[float]] = {name: [] for name in READERS}
    for name, reader in READERS.items():
        rows = reader(data)
        assert rows in (None, size + 1), f"{name} read {rows} rows of {size + 1}"
    for _ in range(rounds):
        for name, reader in READERS.items():
            gc.collect()
            began = time.process_time()
            reader(data)
            times[name].append(time.process_time() - began)
    return {name: median(each) for name, each in times.items()}


PEAK = """
import sys
sys.path[:0] = [".", "functions"]
import benchmarks.reading as reading
from pathlib import Path
name, file = sys.argv[1:]
if name != "nothing":
    reading.READERS[name](Path(file).read_bytes())
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


def peak(name: str, file: Path) -> float:
    """The peak megabytes of a process that reads the file once."""
    command = [sys.executable, "-c", PEAK, name, str(file)]
    return int(subprocess.run(command, check=True, capture_output=True, cwd=ROOT, timeout=300).stdout) / 1024


def main(rounds: int) -> None:
    seconds: dict[int, dict[str, float]] = {}
    memory: dict[int, dict[str, float]] = {}
    for size in SIZES:
        clean, _, _ = files(size)
        seconds[size] = measured(clean.read_bytes(), size, max(5, rounds if size < 1000 else rounds // 8))
        memory[size] = {name: peak(name, clean) for name in READERS}
    nothing = peak("nothing", files(30)[0])

    libraries = ("openpyxl", "python-calamine", "pandas")
    versions = [f"Python {platform.python_version()}", f"expat {pyexpat.EXPAT_VERSION.removeprefix('expat_')}"]
    versions += [f"{library} {importlib.metadata.version(library)}" for library in libraries]
    lines = [
        "# Reading a results workbook",
        "",
        f"`python -m benchmarks.reading {rounds}`: medians of interleaved rounds, in milliseconds of processor time, "
        "and how many times "
        f"the floor that is. {', '.join(versions)}. Files saved by LibreOffice from the service's own template, all "
        "results filled in. Peak memory is of a process that reads once; one that reads nothing takes "
        f"{nothing:.0f} MB.",
        "",
        "| | " + " | ".join(f"{size:,} pupils | times floor | peak" for size in SIZES) + " |",
        "|---|" + "---:|---:|---:|" * len(SIZES),
    ]
    base = next(iter(READERS))
    for name in READERS:
        cells = [
            f"{seconds[size][name] * 1000:.1f} | {seconds[size][name] / seconds[size][base]:.2f} "
            f"| {memory[size][name]:.0f} MB"
            for size in SIZES
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    faster = ", ".join(f"{s:,} pupils {seconds[s]['openpyxl, read-only'] / seconds[s]['ours']:.1f}" for s in SIZES)
    lines += ["", f"Times faster than openpyxl read-only: {faster}.", ""]
    lines += [
        "The floor listens to the beginning, the end and the text of every element. Ours takes rows that are plainly "
        "written out of the sheet before the parser sees it (docs/decisions/0011); all else it gathers with as little "
        "Python as can be, row by row.",
        "",
    ]
    text = "\n".join(lines)
    print(text)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
