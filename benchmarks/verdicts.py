"""The verdict on every test workbook, one JSON line a file: made before and after a change, and compared.

    python -m benchmarks.verdicts make FOLDER          every workbook that the tests, benchmarks and demonstration make
    python -m benchmarks.verdicts judge FOLDER OUT     judges the files of a folder
    python -m benchmarks.verdicts compare BEFORE AFTER the lines that differ, in short

A folder beside a `roster.csv` is a school's; further folders of such files may be put beside those that `make` wrote.
The files are made once and judged by both versions, because a change may well be to what makes them.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import sys
from collections import Counter
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from early_results.results import Pupil

SERVICE_NAME = "ks1-2023"

TEXTS = (
    *(
        " ",
        "exs",
        " EXS ",
        "EXS\u00a0",
        "EXS\u200b",
        "EXP",
        "HNM",
        "gds",
        "a",
        "em",
        "pk4",
        "N/A",
        "-",
        "?",
        "Expected",
    ),
    *("100", " 100 ", "100.0", "84", "116", "99.5", "100,5", "1e2", "=1+1", "#N/A", "TRUE", "x" * 300, "Year 2", "2"),
    *("F", "Male", "14/04/2015", "2014-09-02", "1231234", "123/1234", "123 1234", "7654321", "smith", "O\u2019Neill"),
)
VALUES: tuple[Any, ...] = (
    *TEXTS,
    *(None, 0, 1, 2, 84, 85, 100, 100.0, 100.5, 115, 116, -1, 1231234, 7654321, 42108, 1e15, True, False),
    *(date(2014, 9, 2), datetime(2014, 9, 2, 9, 30), time(9, 30)),  # noqa: DTZ001
)
ERRORS = ("#N/A", "#REF!")


def make(folder: Path) -> int:
    """Writes the files; how many."""
    written = 0
    for school, roster, files in (_hostile(), _written(), _cells(), _tables(), _benchmarks(), _demonstration()):
        (folder / school).mkdir(parents=True, exist_ok=True)
        (folder / school / "roster.csv").write_text(roster, encoding="utf-8")
        for name, data in files.items():
            (folder / school / f"{name}.xlsx").write_bytes(data)
            written += 1
    return written


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)[:80]


def _hostile() -> tuple[str, str, dict[str, bytes]]:
    from tests.unit.workbook.hostile import CASES

    return "hostile", _roster_csv(4), {_plain(name): case.make() for name, case in CASES.items()}


def _written() -> tuple[str, str, dict[str, bytes]]:
    from tests.unit.workbook.test_workbook_oracle import WRITERS

    return "written", _roster_csv(4), {_plain(name): writer() for name, writer in WRITERS.items()}


def _roster_csv(pupils: int) -> str:
    from early_results.checking.roster import rosters_csv
    from tests.unit.checking.school_files import SERVICE, roster

    return rosters_csv(roster(pupils).pupils, SERVICE)


def _cells() -> tuple[str, str, dict[str, bytes]]:
    """A good file of six pupils with one cell changed: every value in every column, and in the heading."""
    from tests.unit.checking.school_files import Shown, book, grid, roster

    pupils = roster(6).pupils
    values = [*VALUES, *map(Shown, ERRORS)]
    files = {}
    for (number, value), position in itertools.product(enumerate(values), range(1, 15)):
        files[f"row-3-column-{position:02}-value-{number:02}"] = book({**grid(pupils), (3, position): value})
        files[f"row-8-column-{position:02}-value-{number:02}"] = book({**grid(pupils), (8, position): value})
    for position in range(1, 17):
        for number, value in enumerate((None, "Notes", "UPN", " ks1 results ", Shown("#REF!"), 5)):
            files[f"heading-{position:02}-value-{number:02}"] = book({**grid(pupils), (1, position): value})
    return "cells", _roster_csv(6), files


def _tables() -> tuple[str, str, dict[str, bytes]]:
    """Whole tables that differ: rows and columns moved, left out, doubled, and other templates."""
    from early_results.checking.roster import roster_version
    from tests.unit.checking.school_files import GOOD, book, grid, mark, roster

    six, good = roster(6).pupils, grid(roster(6).pupils)
    version = roster_version(six)
    files = {
        "good": book(good),
        "good-marked": book(good, mark=mark(version)),
        "forged-mark": book(good, mark=mark("forged")),
        "other-year": book(good, mark=mark(service="ks1-2022")),
        "other-key-stage": book({p: v.replace("KS1", "KS2") if isinstance(v, str) else v for p, v in good.items()}),
        "no-results": book(grid(six, ())),
        "no-pupils": book(grid(())),
        "other-school": book(grid(roster(6, school="7654321").pupils)),
        "strangers": book(grid(roster(6, first=50).pupils)),
        "twice": book({**good, **{(row + 6, c): v for (row, c), v in good.items() if row > 1}}),
        "half-and-half": book({**good, **{(row, 1): 7654321 for row in (2, 3, 4)}}),
        "all-wrong": book(grid(six, ("x",) * 7)),
        "other-names": book(good, sheet="Sheet1", others={"Notes": {(1, 1): "x"}}),
    }
    for count in range(6):
        files[f"pupils-{count}"] = book(grid(six[:count]))
        files[f"more-pupils-{count}"] = book(grid(roster(7 + count).pupils))
        files[f"heading-row-{count}"] = book(grid(six, heading_row=1 + 7 * count))
        files[f"some-blank-{count}"] = book({**good, **{(2 + count, c): None for c in range(8, 8 + count)}})
    for left_out in range(1, 15):
        files[f"without-{left_out:02}"] = book({place: v for place, v in good.items() if place[1] != left_out})
        files[f"pupil-column-{left_out:02}"] = book({**good, **{(row, left_out): None for row in range(2, 8)}})
        files[f"moved-{left_out:02}"] = book({(r, (c + left_out) % 14 + 1): v for (r, c), v in good.items()})
    for first, second in (("GDS", 99), ("PK2", 100), ("EM", None), ("A", 90), (None, 100), ("gds", " 85 ")):
        files[f"mismatch-{first}-{second}"] = book(grid(six, (first, *GOOD[1:4], second, *GOOD[5:])))
    return "tables", _roster_csv(6), files


def _benchmarks() -> tuple[str, str, dict[str, bytes]]:
    from benchmarks.school_workbooks import files

    clean, mistaken, roster = files(120)
    data = {path.stem: path.read_bytes() for path in (clean, mistaken)}
    return "benchmarks", roster.read_text(encoding="utf-8"), data


def _demonstration() -> tuple[str, str, dict[str, bytes]]:
    from adapters.templates import template_workbook
    from early_results.checking.roster import Roster, roster_version, rosters_csv
    from early_results.service import load_service
    from infra.local.demonstration import SCHOOLS, fill, pupils_of, results_of

    service = load_service(SERVICE_NAME)
    files: dict[str, bytes] = {}
    everybody: list[Pupil] = []
    made = datetime(2023, 6, 5, 3, tzinfo=UTC)
    for school, (_, number, _) in SCHOOLS.items():
        pupils = pupils_of(school, number)
        everybody += pupils
        template = template_workbook(service, Roster(school, roster_version(pupils), made, pupils), made)
        files[f"template-{school}"] = template
        files[f"filled-{school}"] = fill(template, service, {p.upn: dict(results_of(service, p)) for p in pupils})
    return "demonstration", rosters_csv(everybody, service), files


def judge_folder(folder: Path) -> list[dict[str, Any]]:
    """A line for each file: its verdict, and the hash of its figures if it is accepted."""
    from early_results.checking.check import judge, read_submission
    from early_results.checking.roster import Roster, parse_rosters, roster_version
    from early_results.reporting.summary import summarise
    from early_results.service import load_service

    service = load_service(SERVICE_NAME)
    lines = []
    for roster_file in sorted(folder.rglob("roster.csv")):
        rosters = parse_rosters(roster_file.read_bytes(), service)
        for path in sorted(roster_file.parent.iterdir()):
            if path == roster_file:
                continue
            submission = read_submission(io.BytesIO(path.read_bytes()), service)
            pupils = rosters.get(submission.school or "")
            roster = None
            if pupils and submission.school:
                roster = Roster(submission.school, roster_version(pupils), datetime(2023, 6, 5, tzinfo=UTC), pupils)
            verdict = judge(submission, service, allowed_schools=rosters.keys(), roster=roster)
            figures = summarise(service, verdict.results) if verdict.accepted else None
            results = hashlib.sha256(repr(verdict.results).encode()).hexdigest()
            lines.append(
                {
                    "file": str(path.relative_to(folder)),
                    **verdict.to_json(),
                    "figures": figures.sha256 if figures else None,
                    "results": results if verdict.accepted else None,
                }
            )
    return lines


def compare(before: Path, after: Path) -> str:
    """Which files' verdicts differ, and how: codes before and after."""
    told = []
    old, new = (
        {line["file"]: line for line in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
        for path in (before, after)
    )
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        told.append(f"{name}: {_short(old.get(name))} -> {_short(new.get(name))}")
    return "\n".join([*told, f"{len(told)} of {len(old.keys() | new.keys())} files differ"])


def _short(line: dict[str, Any] | None) -> str:
    if line is None:
        return "none"
    codes = Counter(finding["code"] for finding in [*line["errors"], *line["warnings"]])
    outcome = "accepted" if line["accepted"] else "refused"
    hashes = f" {line['results'][:6]}/{line['figures'][:6]}" if line["results"] else ""
    return f"{outcome}{hashes} {', '.join(f'{n} {code}' for code, n in sorted(codes.items())) or 'nothing'}"


def main(arguments: list[str]) -> int:
    """Runs one of the three commands."""
    what, first, *rest = arguments
    if what == "make":
        print(f"{make(Path(first))} files")
    elif what == "judge":
        lines = judge_folder(Path(first))
        text = "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines)
        Path(rest[0]).write_text(text, encoding="utf-8")
        print(f"{len(lines)} files, {sum(line['accepted'] for line in lines)} accepted")
    else:
        print(compare(Path(first), Path(rest[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
