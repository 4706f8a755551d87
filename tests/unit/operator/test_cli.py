"""The command line, as people and scripts use it: exit codes, output, and what it does not load."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pytest

from early_results.checking.roster import rosters_csv
from infra.operator import cli
from tests.unit.checking.school_files import SERVICE, roster

ROOT = Path(__file__).parents[3]


@dataclass
class Files:
    folder: Path
    roster: str
    good: str
    bad: str
    empty: str

    def validate(self, file: str, *more: str) -> int:
        return cli.main(["validate", file, "--service", "ks1-2023", "--roster", self.roster, *more])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("cli")
    listed = folder / "roster.csv"
    listed.write_text(rosters_csv(roster(5).pupils, SERVICE), encoding="utf-8")
    out = str(folder / "template.xlsx")
    assert cli.main(["template", "--service", "ks1-2023", "--roster", str(listed), "--out", out]) == 0
    book = openpyxl.load_workbook(out)
    for row in range(2, 7):
        book[SERVICE.sheet].cell(row, 12).value = 100
    book.save(folder / "good.xlsx")
    book[SERVICE.sheet]["M4"] = 84
    book[SERVICE.sheet]["H5"] = "EXS"
    book.save(folder / "bad.xlsx")
    return Files(folder, str(listed), str(folder / "good.xlsx"), str(folder / "bad.xlsx"), out)


def test_a_good_file_exits_0(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert files.validate(files.good) == 0
    assert capsys.readouterr().out.startswith("✔ Accepted  5 pupils, 0 warnings\n")


def test_json_is_as_designed(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert files.validate(files.bad, "--format", "json") == 1
    data = json.loads(capsys.readouterr().out)
    assert list(data) == ["accepted", "errors", "warnings", "pupils", "ruleset"]
    assert data["accepted"] is False
    assert data["errors"] == [
        {
            "code": "scaled-score-range",
            "message": "Range must be between 85 to 115 and be whole numbers. Allows empty field",
            "row": 4,
            "column": "Scaled Score: KS1 Maths",
            "cell": "M4",
        }
    ]
    assert [warning["cell"] for warning in data["warnings"]] == ["I5", "J5", "K5"]
    assert (data["pupils"], data["ruleset"]) == (5, "ks1-2023.1")


def test_a_finding_about_the_whole_file_has_nulls(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert files.validate(str(files.folder / "template.xlsx"), "--format", "json") == 1
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert (error["code"], error["row"], error["column"], error["cell"]) == ("no-results", None, None, None)


def test_the_copies_are_written(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    annotated, listed = files.folder / "annotated.xlsx", files.folder / "findings.csv"
    assert files.validate(files.bad, "--annotated", str(annotated), "--csv", str(listed)) == 1
    book = openpyxl.load_workbook(annotated)
    book[SERVICE.sheet]["M4"] = 85
    book.save(annotated)
    assert files.validate(str(annotated)) == 0
    assert "scaled-score-range" in listed.read_text(encoding="utf-8-sig")
    assert "✘ Not accepted" in capsys.readouterr().out


def test_who_joined_is_told_against_the_older_list(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    newer = files.folder / "newer.csv"
    newer.write_text(rosters_csv(roster(6).pupils, SERVICE), encoding="utf-8")
    arguments = ["validate", files.good, "--service", "ks1-2023", "--roster", str(newer), "--format", "json"]
    assert cli.main(arguments) == 1
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == "pupil-missing"
    assert cli.main([*arguments, "--template-roster", files.roster]) == 0
    assert json.loads(capsys.readouterr().out)["warnings"][0]["code"] == "pupil-joined"


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate"],
        ["validate", "FILE", "--service", "ks1-2023"],
        ["validate", "FILE", "--service", "ks9-1999", "--roster", "ROSTER"],
        ["validate", "FILE", "--service", "../pyproject", "--roster", "ROSTER"],
        ["validate", "FILE", "--service", "ks1-2023", "--roster", "nowhere.csv"],
        ["validate", "FILE", "--service", "ks1-2023", "--roster", "FILE"],
        ["validate", "nowhere.xlsx", "--service", "ks1-2023", "--roster", "ROSTER"],
        ["validate", "FILE", "--service", "ks1-2023", "--roster", "ROSTER", "--csv", "no/such/folder.csv"],
        ["validate", "FILE", "--service", "ks1-2023", "--roster", "ROSTER", "--format", "xml"],
        ["template", "--service", "ks1-2023", "--roster", "ROSTER", "--out", "no/such/folder.xlsx"],
        ["template", "--service", "ks1-2023", "--roster", "ROSTER", "--out", "x.xlsx", "--school", "7654321"],
        ["template", "--service", "ks1-2023", "--roster", "TWO", "--out", "x.xlsx"],
        [],
        ["unknown"],
    ],
)
def test_what_cannot_be_run_exits_2_and_says_why(
    files: Files, arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files.folder)
    two = files.folder / "two.csv"
    two.write_text(rosters_csv(roster(2).pupils + roster(2, school="7654321").pupils, SERVICE), encoding="utf-8")
    named = {"FILE": files.good, "ROSTER": files.roster, "TWO": str(two)}
    try:
        code = cli.main([named.get(argument, argument) for argument in arguments])
    except SystemExit as left:  # argparse's way
        code = int(str(left.code))
    assert code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err
    assert "Traceback" not in captured.err


def test_one_school_of_several_is_chosen_by_its_rows_or_by_name(files: Files) -> None:
    both = files.folder / "both.csv"
    both.write_text(rosters_csv(roster(3, school="7654321").pupils + roster(5).pupils, SERVICE), encoding="utf-8")
    assert cli.main(["validate", files.good, "--service", "ks1-2023", "--roster", str(both)]) == 0
    out = str(files.folder / "chosen.xlsx")
    chosen = ["--school", "7654321"]
    assert cli.main(["template", "--service", "ks1-2023", "--roster", str(both), "--out", out, *chosen]) == 0
    assert openpyxl.load_workbook(out)[SERVICE.sheet]["A2"].value == 7654321


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "coloured"), [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, False)]
)
def test_colour_where_the_terminal_allows(
    files: Files, environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert files.validate(files.good) == 0
    assert ("\033[" in terminal.getvalue()) is coloured


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_terminal_that_knows_no_ticks_still_gets_the_verdict(files: Files, form: str) -> None:
    arguments = ["validate", files.empty, "--service", "ks1-2023", "--roster", files.roster, "--format", form]
    done = subprocess.run(
        [sys.executable, "-m", "infra.operator.cli", *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'functions'}", "PYTHONIOENCODING": "ascii", "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == ""
    assert "\033[" not in done.stdout
    assert "KS1 results" in done.stdout
    assert form == "text" or "“KS1 results”" in json.loads(done.stdout)["errors"][0]["message"]


def test_a_reader_who_has_seen_enough_is_no_failure_of_ours(files: Files) -> None:
    command = (
        f"{sys.executable} -m infra.operator.cli validate {files.bad} --service ks1-2023 --roster {files.roster} | true"
    )
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'functions'}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stderr == ""


def test_checking_loads_neither_boto3_nor_openpyxl(files: Files) -> None:
    script = (
        "import sys; from infra.operator import cli;"
        f"code = cli.main(['validate', {files.good!r}, '--service', 'ks1-2023', '--roster', {files.roster!r}]);"
        "heavy = {'boto3', 'botocore', 'openpyxl', 'pydantic', 'hashlib', 'importlib.resources', 'logging'};"
        "sys.exit(code or ', '.join(heavy & sys.modules.keys()) or None)"
    )
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'functions'}", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
