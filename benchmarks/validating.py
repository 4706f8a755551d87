"""What judging an upload costs, from its bytes to the verdict: ours, and the same rules written for three libraries.

    .venv/bin/python -m benchmarks.validating [ROUNDS]

Warm: all take turns in every round; medians of processor time. Cold: a new process each time, its processor time from
start to verdict beyond that of a Python that does nothing. Results go to benchmarks/results/validating.md. Each library
must find the same 40 mistakes, or the benchmark fails.
"""

from __future__ import annotations

import gc
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from io import BytesIO
from statistics import median
from typing import Any

from benchmarks.school_workbooks import MADE, MISTAKES, ROOT, SCHOOL, SIZES, files

SHEET = "KS1 results"
RESULTS = ROOT / "benchmarks" / "results" / "validating.md"


def ours(data: bytes, roster_csv: bytes) -> int:
    """Everything: reading, findings with cells and messages, roster, warnings, normal form of the results."""
    from early_results.checking.check import judge, read_submission
    from early_results.checking.roster import Roster, parse_rosters
    from early_results.service import load_service

    service = load_service("ks1-2023")
    submission = read_submission(data, service)
    school = submission.school or ""
    roster = Roster(school, "1", MADE, parse_rosters(roster_csv, service)[school])
    verdict = judge(submission, service, allowed_schools={SCHOOL}, roster=roster)
    return len(verdict.errors)


def _columns() -> tuple[list[Any], list[Any], list[str]]:
    from early_results.service import load_service

    service = load_service("ks1-2023")
    assessments = [c for c in service.results if c.codes]
    scores = [c for c in service.results if not c.codes]
    return assessments, scores, [c.heading for c in service.columns]


def _frame(data: bytes, engine: str) -> Any:
    import pandas

    return pandas.read_excel(BytesIO(data), sheet_name=SHEET, engine=engine, dtype=object)


def with_pandas(data: bytes, roster_csv: bytes, engine: str = "openpyxl") -> int:
    """The same checks, warnings included, column by column; without messages or normal form."""
    import pandas

    assessments, scores, headings = _columns()
    frame = _frame(data, engine)
    roster = pandas.read_csv(BytesIO(roster_csv), dtype=str)
    errors = len(set(headings) - set(frame.columns)) + len(set(frame.columns) - set(headings))
    upn = frame["UPN"].astype(str).str.strip().str.upper()
    errors += (
        int(upn.duplicated().sum()) + int((~upn.isin(roster["UPN"])).sum()) + int((~roster["UPN"].isin(upn)).sum())
    )
    errors += int((frame["School DFE"].astype(str) != SCHOOL).sum())
    warnings = 0
    points, codes = {}, {}
    for column in scores:
        cells = frame[column.heading]
        number = pandas.to_numeric(cells, errors="coerce")
        good = number.between(column.minimum, column.maximum) & (number % 1 == 0)
        errors += int((cells.notna() & ~good).sum())
        points[column.subject] = number
    for column in assessments:
        cells = frame[column.heading]
        code = cells.astype("string").str.strip().str.upper()
        errors += int((code.notna() & (code != "") & ~code.isin(column.codes)).sum())
        codes[column.subject] = code
    for subject in set(points) & set(codes):
        warnings += int(((codes[subject] == "GDS") & (points[subject] < 100)).sum())
        warnings += int((codes[subject].isin(["PK1", "PK2", "PK3", "PK4", "EM"]) & points[subject].notna()).sum())
    blanks = pandas.DataFrame(codes).isna().sum(axis=1)
    warnings += int(((blanks > 0) & (blanks < len(codes))).sum())
    both = frame.assign(UPN=upn).merge(roster, on="UPN", suffixes=("", " of the roster"))
    for heading in ("Forename", "Surname", "Gender"):
        warnings += int((both[heading].astype(str).str.strip() != both[heading + " of the roster"]).sum())
    born = pandas.to_datetime(both["Date of birth"]) != pandas.to_datetime(
        both["Date of birth of the roster"], format="%d/%m/%Y"
    )
    warnings += int(born.sum())
    assert warnings == 0 or errors
    return errors


def with_pandera(data: bytes, roster_csv: bytes, engine: str = "openpyxl") -> int:
    """The same checks as a schema: codes forgiven by parsers, warnings as checks that warn; no messages, no cells."""
    import warnings

    import pandas
    import pandera.errors
    import pandera.pandas as pandera

    assessments, scores, _ = _columns()
    roster = pandas.read_csv(BytesIO(roster_csv), dtype=str)
    told = partial(pandera.Check, raise_warning=True)

    def folded(cells: Any) -> Any:
        return cells.astype("string").str.strip().str.upper().replace("", None)

    def as_number(cells: Any) -> Any:
        return pandas.to_numeric(cells.where(cells.isna(), cells.astype("string").str.strip()), errors="coerce")

    def number_or_text(cells: Any) -> Any:
        return as_number(cells).astype(object).where(as_number(cells).notna() | cells.isna(), cells)

    def whole(cells: Any, low: int, high: int) -> Any:
        number = pandas.to_numeric(cells, errors="coerce")
        return number.between(low, high) & (number % 1 == 0)

    def as_on_roster(heading: str) -> Callable[[Any], Any]:
        def check(frame: Any) -> Any:
            held = frame["UPN"].map(roster.set_index("UPN")[heading])
            if heading == "Date of birth":
                return pandas.to_datetime(frame[heading]) == pandas.to_datetime(held, format="%d/%m/%Y")
            return frame[heading].astype("string").str.strip() == held.astype("string")

        return check

    def given_together(frame: Any) -> Any:
        blanks = frame[[c.heading for c in assessments]].isna().sum(axis=1)
        return (blanks == 0) | (blanks == len(assessments))

    def agrees(code: str, score: str) -> Callable[[Any], Any]:
        def check(frame: Any) -> Any:
            number = pandas.to_numeric(frame[score], errors="coerce")
            low = (frame[code] == "GDS") & (number < 100)
            return ~(low | (frame[code].isin(["PK1", "PK2", "PK3", "PK4", "EM"]) & number.notna()))

        return check

    by_subject = {c.subject: c.heading for c in assessments}
    plain = ("Forename", "Surname", "Gender", "Date of birth")
    columns = {
        "School DFE": pandera.Column(object, pandera.Check.isin([int(SCHOOL), SCHOOL])),
        "UPN": pandera.Column(
            object, pandera.Check.isin(list(roster["UPN"])), unique=True, parsers=pandera.Parser(folded), coerce=True
        ),
        **{h: pandera.Column(object) for h in (*plain, "NC Year")},
        **{
            c.heading: pandera.Column(
                object,
                pandera.Check.isin(list(c.codes)),
                nullable=True,
                parsers=pandera.Parser(folded),
                coerce=True,
            )
            for c in assessments
        },
        **{
            c.heading: pandera.Column(
                object,
                pandera.Check(partial(whole, low=c.minimum, high=c.maximum)),
                nullable=True,
                parsers=pandera.Parser(number_or_text),
            )
            for c in scores
        },
    }
    checks = [
        pandera.Check(lambda frame: set(roster["UPN"]) <= set(frame["UPN"]), name="pupils missing"),
        *(told(as_on_roster(heading), name=heading) for heading in plain),
        told(given_together, name="assessment missing"),
        *(told(agrees(by_subject[c.subject], c.heading)) for c in scores if c.subject in by_subject),
    ]
    schema = pandera.DataFrameSchema(columns, checks=checks, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            schema.validate(_frame(data, engine), lazy=True)
        except pandera.errors.SchemaErrors as error:
            return len(error.failure_cases)
    return 0


def with_frictionless(data: bytes, roster_csv: bytes) -> int:
    """The same checks, those on a whole row or file as a check of its own; no messages but its own, no forgiving."""
    import csv
    import tempfile

    import attrs
    import frictionless
    from frictionless import errors, formats

    assessments, scores, _ = _columns()
    pupils = {row["UPN"]: row for row in csv.DictReader(roster_csv.decode().splitlines())}
    by_subject = {c.subject: c.heading for c in assessments}
    warned = 0

    @attrs.define(kw_only=True, repr=False)
    class AgainstTheRoster(frictionless.Check):
        """Pupils missing; and the warnings, which are counted beside."""

        type = "against-the-roster"
        Errors = [errors.RowConstraintError]  # noqa: RUF012
        seen: set[str] = attrs.field(factory=set)

        def validate_row(self, row: Any) -> Any:
            nonlocal warned
            held = pupils.get(row["UPN"])
            self.seen.add(row["UPN"])
            if held:
                warned += sum(str(row[h]).strip() != held[h] for h in ("Forename", "Surname", "Gender"))
                warned += f"{row['Date of birth']:%d/%m/%Y}" != held["Date of birth"]
            blanks = sum(row[c.heading] is None for c in assessments)
            warned += 0 < blanks < len(assessments)
            for c in scores:
                code = row[by_subject[c.subject]] if c.subject in by_subject else None
                if code is not None and row[c.heading] is not None:
                    warned += (code == "GDS" and row[c.heading] < 100) or code in ("PK1", "PK2", "PK3", "PK4", "EM")
            yield from ()

        def validate_end(self) -> Any:
            for _ in pupils.keys() - self.seen:
                yield errors.TableError(note="a pupil is missing")

    field = frictionless.Field.from_descriptor
    fields = [
        field({"name": "School DFE", "type": "integer", "constraints": {"enum": [int(SCHOOL)]}}),
        field({"name": "UPN", "type": "string", "constraints": {"enum": list(pupils), "unique": True}}),
        *(field({"name": name, "type": "any"}) for name in ("Forename", "Surname", "Gender")),
        *(field({"name": name, "type": "any"}) for name in ("Date of birth", "NC Year")),
        *(field({"name": c.heading, "type": "string", "constraints": {"enum": list(c.codes)}}) for c in assessments),
        *(
            field({"name": c.heading, "type": "integer", "constraints": {"minimum": c.minimum, "maximum": c.maximum}})
            for c in scores
        ),
    ]
    with tempfile.NamedTemporaryFile(suffix=".xlsx", dir=ROOT / "out" / "benchmarks") as file:
        file.write(data)
        file.flush()
        resource = frictionless.Resource(
            path=os.path.relpath(file.name),
            control=formats.ExcelControl(sheet=SHEET),
            schema=frictionless.Schema(fields=fields),
        )
        report = resource.validate(frictionless.Checklist(checks=[AgainstTheRoster()]))
    return sum(len(task.errors) for task in report.tasks)


JUDGES: dict[str, Callable[[bytes, bytes], int]] = {
    "ours": ours,
    "pandas, its default engine (openpyxl)": with_pandas,
    "pandas + calamine": partial(with_pandas, engine="calamine"),
    "pandera on pandas' default": with_pandera,
    "pandera + calamine": partial(with_pandera, engine="calamine"),
    "frictionless": with_frictionless,
}

COLD = """
import sys
sys.path[:0] = [{paths}]
from benchmarks.validating import JUDGES
from pathlib import Path
JUDGES[sys.argv[1]](Path(sys.argv[2]).read_bytes(), Path(sys.argv[3]).read_bytes())
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
print(len(sys.modules))
"""
# The domain and the reader alone, as an upload's function would start: no benchmark around them.
COLD_OURS = """
import sys
sys.path.insert(0, "functions")
from early_results.checking.check import judge, read_submission
from early_results.checking.roster import Roster, parse_rosters
from early_results.service import load_service
service = load_service("ks1-2023")
with open(sys.argv[2], "rb") as file:
    submission = read_submission(file, service)
with open(sys.argv[3], "rb") as file:
    rosters = parse_rosters(file.read(), service)
from datetime import UTC, datetime
roster = Roster(submission.school, "1", datetime(2023, 6, 5, tzinfo=UTC), rosters[submission.school])
verdict = judge(submission, service, allowed_schools=rosters.keys(), roster=roster)
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
print(len(sys.modules))
"""


def warm(size: int, rounds: int) -> dict[str, dict[str, float]]:
    """Median seconds of each judge, for the clean file and the one with mistakes."""
    clean, mistaken, roster = (path.read_bytes() for path in files(size))
    times: dict[str, dict[str, list[float]]] = {name: {"clean": [], "mistakes": []} for name in JUDGES}
    for name, judge in JUDGES.items():
        assert judge(clean, roster) == 0, f"{name} finds mistakes in a clean file"
        found = judge(mistaken, roster)
        assert found == MISTAKES, f"{name} finds {found} of {MISTAKES} mistakes"
    for _ in range(rounds):
        for kind, data in (("clean", clean), ("mistakes", mistaken)):
            for name, judge in JUDGES.items():
                gc.collect()
                began = time.process_time()
                judge(data, roster)
                times[name][kind].append(time.process_time() - began)
    return {name: {kind: median(each) for kind, each in kinds.items()} for name, kinds in times.items()}


def process(code: str, *arguments: str) -> tuple[float, list[str]]:
    """The processor seconds of a new Python, and what it printed."""
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as child:
        assert child.stdout is not None
        printed = child.stdout.read().split()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"a cold process failed: {arguments}"
    return usage.ru_utime + usage.ru_stime, printed


def cold(size: int, rounds: int) -> dict[str, tuple[float, float, int]]:
    """Of each judge: the median seconds beyond bare Python, the peak megabytes, the modules imported."""
    clean, _, roster = files(size)
    wide = COLD.format(paths=f"{str(ROOT)!r}, {str(ROOT / 'functions')!r}")
    bare: list[float] = []
    times: dict[str, list[float]] = {name: [] for name in JUDGES}
    printed: dict[str, list[str]] = {}
    for _ in range(rounds):
        bare.append(process("pass")[0])
        for name in JUDGES:
            code = COLD_OURS if name == "ours" else wide
            seconds, printed[name] = process(code, name, str(clean), str(roster))
            times[name].append(seconds)
    modules = int(process("import sys; print(len(sys.modules))")[1][0])
    return {
        name: (median(each) - median(bare), int(printed[name][0]) / 1024, int(printed[name][1]) - modules)
        for name, each in times.items()
    }


def main(rounds: int) -> None:
    """Measures, prints and keeps the tables."""
    warmed = {size: warm(size, max(5, rounds if size < 1000 else rounds // 6)) for size in SIZES}
    colds = {size: cold(size, max(5, rounds // 4)) for size in SIZES}
    libraries = ("pandas", "python-calamine", "pandera", "frictionless", "openpyxl")
    versions = ", ".join(f"{library} {importlib.metadata.version(library)}" for library in libraries)
    heads = " | ".join(f"{size:,} pupils, clean | times ours | {MISTAKES} mistakes | times ours" for size in SIZES)
    lines = [
        "# Judging a results workbook",
        "",
        f"`python -m benchmarks.validating {rounds}`: Python {platform.python_version()}, {versions}. Files saved by "
        f"LibreOffice from the service's own template. Every judge finds none, or all {MISTAKES}, mistakes.",
        "",
        "Ours does more than the others: findings with cells and messages, every warning, the results in normal form. "
        "What each of the others leaves out is said beside it in `benchmarks/validating.py`.",
        "",
        "## Warm: from bytes to verdict, milliseconds of processor time",
        "",
        f"| | {heads} |",
        "|---|" + "---:|---:|---:|---:|" * len(SIZES),
    ]
    for name in JUDGES:
        cells = [
            f"{warmed[size][name][kind] * 1000:.1f} | {warmed[size][name][kind] / warmed[size]['ours'][kind]:.1f}"
            for size in SIZES
            for kind in ("clean", "mistakes")
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    dearer = (
        f"{size:,} pupils {warmed[size]['ours']['mistakes'] / warmed[size]['ours']['clean'] - 1:+.0%}" for size in SIZES
    )
    lines += [
        "",
        f"What {MISTAKES} mistakes cost ours: {', '.join(dearer)}.",
        "",
        "## Cold: a new process to its verdict, milliseconds of processor time beyond bare Python",
        "",
        "| | " + " | ".join(f"{size:,} pupils | times ours | peak" for size in SIZES) + " | modules imported |",
        "|---|" + "---:|---:|---:|" * len(SIZES) + "---:|",
    ]
    for name in JUDGES:
        cells = [
            f"{colds[size][name][0] * 1000:.0f} | {colds[size][name][0] / colds[size]['ours'][0]:.1f} "
            f"| {colds[size][name][1]:.0f} MB"
            for size in SIZES
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {colds[SIZES[0]][name][2]} |")
    text = "\n".join([*lines, ""])
    print(text)
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
