"""The files that the benchmarks read: filled-in templates of schools of several sizes, as LibreOffice saves them.

Made once into out/benchmarks, the same every time.
"""

from __future__ import annotations

import io
import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "functions")]
OUT = ROOT / "out" / "benchmarks"
SIZES = (30, 120, 2000)
MISTAKES = 40
SCHOOL = "1231234"
MADE = datetime(2023, 6, 5, 3, tzinfo=UTC)
FORENAMES = (
    "Amelia",
    "Oliver",
    "Isla",
    "Noah",
    "Zoë",
    "Mohammed",
    "Freya",
    "Arthur",
    "Niamh",
    "Siân",
    "Priya",
    "Jakub",
)
SURNAMES = ("Smith", "Jones", "O'Neill", "Patel", "Khan", "Williams", "Kowalska", "Taylor-Jones", "Begum", "Walker")


def files(size: int) -> tuple[Path, Path, Path]:
    """The clean workbook, the one with mistakes, and the roster's CSV, for a school of that many pupils."""
    clean, mistaken, roster = (OUT / f"{kind}-{size}{end}" for kind, end in KINDS)
    if not (clean.exists() and mistaken.exists() and roster.exists()):
        make(size, clean, mistaken, roster)
    return clean, mistaken, roster


KINDS = (("clean", ".xlsx"), ("mistakes", ".xlsx"), ("roster", ".csv"))


def make(size: int, clean: Path, mistaken: Path, roster_csv: Path) -> None:
    """Fills in the service's own template, and lets LibreOffice save it again."""
    import openpyxl

    from adapters.templates import template_workbook
    from early_results.checking.roster import Roster, roster_version, rosters_csv
    from early_results.results import Pupil
    from early_results.service import load_service

    service = load_service("ks1-2023")
    choose = random.Random(size)  # noqa: S311
    pupils = tuple(
        Pupil(
            SCHOOL,
            f"P{1234567800000 + number}",
            choose.choice(FORENAMES),
            choose.choice(SURNAMES),
            choose.choice(("Male", "Female")),
            date(2014, 9, 1) + timedelta(days=choose.randrange(365)),
            "2",
        )
        for number in range(size)
    )
    roster = Roster(SCHOOL, roster_version(pupils), MADE, pupils)
    data = template_workbook(service, roster, MADE)
    raw = OUT / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    roster_csv.write_text(rosters_csv(pupils, service), encoding="utf-8")
    for target, mistakes in ((clean, 0), (mistaken, MISTAKES)):
        book = openpyxl.load_workbook(io.BytesIO(data))
        sheet = book[service.sheet]
        at = {cell.value: cell.column for row in sheet.iter_rows(max_row=5) for cell in row if cell.value}
        first = next(c.row for row in sheet.iter_rows() for c in row if c.value == pupils[0].upn)
        wrong = dict.fromkeys(choose.sample(range(size * len(service.results)), mistakes))
        for number in range(size):
            for place, column in enumerate(service.results):
                if column.codes:
                    value: str | int = choose.choice([c for c in column.codes if c in ("GDS", "EXS", "HNM", "WTS")])
                else:
                    value = choose.randrange(100, 116)
                if number * len(service.results) + place in wrong:
                    value = "EXPECTED" if column.codes else 120
                sheet.cell(first + number, at[column.heading], value)
        book.save(raw / target.name)
        command = ["soffice", "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(OUT)]
        subprocess.run([*command, str(raw / target.name)], check=True, capture_output=True, timeout=300)
