"""`early-results service`: lists, shows, checks, and drafts a next year that fits."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from early_results.service import load_service, read_service, service_names
from infra.operator.cli import main
from infra.operator.collections import text_of


def test_every_service_is_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["service", "list"]) == 0
    listed = capsys.readouterr().out
    for name in service_names():
        service = load_service(name)
        assert f"{name} " in listed
        assert main(["service", "show", name]) == 0
        shown = capsys.readouterr().out
        for column in service.results:
            assert column.heading in shown
        for code in service.codes:
            assert f"{code.code:4} {code.fate.value}" in shown
        assert service.published[0][2].strftime("%d/%m/%Y %H:%M") in shown
    assert main(["service", "show", "phonics-1999"]) == 2
    assert "phonics-2026" in capsys.readouterr().err


def test_a_file_that_fits_and_files_that_do_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mtc-2026.toml"
    text = text_of(load_service("mtc-2026"))
    file.write_text(text, encoding="utf-8")
    assert main(["service", "check", str(file)]) == 0
    assert "MTC score: 0 to 25 (25 higher) or A B J L U Z X NAA H Q" in capsys.readouterr().out
    file.write_text(text.replace("maximum = 25", 'maximum = "25"'), encoding="utf-8")
    assert main(["service", "check", str(file)]) == 1
    assert "mtc-2026.toml: [[result]] mtc: maximum: is a text in quotation marks. Write" in capsys.readouterr().out
    other = tmp_path / "mtc-2030.toml"
    other.write_text(text, encoding="utf-8")
    assert main(["service", "check", str(other)]) == 1
    assert 'Write service = "mtc-2030"' in capsys.readouterr().out
    assert main(["service", "check", str(tmp_path / "none.toml")]) == 2


@pytest.mark.parametrize("name", service_names())
def test_a_draft_of_another_year_fits_and_keeps_the_weekdays(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = load_service(name)
    for years in (1, 2, 5):
        new = f"{name.rpartition('-')[0]}-{other.year + years}"
        out = tmp_path / f"{new}.toml"
        given = ["service", "new", new, "--from", name, "--year", str(other.year + years), "--out", str(out)]
        assert main(given) == 0
        made = read_service(out.read_bytes(), out.name)
        assert (made.name, made.ruleset, made.year) == (new, f"{new}.1", other.year + years)
        assert str(made.year) in made.title
        assert made.results == other.results
        for before, after in zip(other.published, made.published, strict=True):
            for was, now in zip(before[1:], after[1:], strict=True):
                assert now.weekday() == was.weekday()
                assert abs(now - was - timedelta(days=round(365.25 * years))) <= timedelta(days=4)
        assert main(given) == 2
        assert "exists already" in capsys.readouterr().err


def test_a_draft_that_would_not_fit_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.toml"
    assert main(["service", "new", "mtc-1066", "--from", "mtc-2026", "--year", "1066", "--out", str(out)]) == 2
    assert "year: is 1066" in capsys.readouterr().err
    assert not out.exists()
