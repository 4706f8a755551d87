"""The data set handed over: what is written, what is refused, and the lines of docs/handover.md as they stand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from early_results.object_keys import release_folder, release_record_key
from infra.operator import cli, handing, operating, seasons
from infra.operator.handing import hand_over, standing_release
from infra.operator.operating import CannotOperate
from tests.unit.checking.school_files import SERVICE
from workflow.release_dataset import release_dataset

from .season import CLOSES, ENDS, NAME, RESULTS, SCHOOLS, Season

DOC = (Path(__file__).resolve().parents[2] / "docs" / "handover.md").read_text()


def release(played: Season) -> str:
    """Both windows are frozen, and what counts is released."""
    for moment in (CLOSES, ENDS):
        played.now = max(played.now, moment + timedelta(minutes=5))
        played.freeze()
    return str(release_dataset(played.stores, SERVICE, lambda: 900.0).release)


def handed(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines_of_the_docs(number: int) -> str:
    return str(re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)[number])


def test_a_release_is_handed_over_as_it_lies_in_the_bucket(
    played: Season, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played.upload(SCHOOLS[0])
    played.upload(SCHOOLS[2], RESULTS[1])
    name = release(played)
    monkeypatch.setattr(operating, "open_stack", lambda *_: played.operated)
    assert cli.main(["handover", NAME, "--to", str(tmp_path)]) == 0
    assert "8 pupils of 2 schools, each file as release.json says" in capsys.readouterr().out
    found = handed(tmp_path / NAME / name)
    found.pop(handing.PARQUET, None)
    folder = release_folder(NAME, name)
    bucket = played.stores.results
    assert found == {v.key.removeprefix(folder): bucket.get(v.key) for v in bucket.list(folder)}
    [kept] = [json.loads(played.stores.records.get(v.key)) for v in played.stores.records.list(f"handovers/{NAME}/")]
    assert (kept["release"], kept["by"]) == (name, "an operator")
    # Once more is the same, also over what a try that died has left.
    (tmp_path / NAME / f"{name}.partial").mkdir()
    hand_over(played.operated, SERVICE, tmp_path)
    assert sorted(path.name for path in (tmp_path / NAME).iterdir()) == [name]
    # What an operator sees beside the windows.
    assert cli.main(["windows", "--service", NAME]) == 0
    assert f"data set: {name}, 8 pupils" in capsys.readouterr().out


def test_the_lines_of_the_docs_read_it_in_ten(played: Season, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = played.upload(SCHOOLS[0])
    played.upload(SCHOOLS[2], ("", *RESULTS[1][1:]))
    release(played)
    hand_over(played.operated, SERVICE, tmp_path / "handed-over")
    monkeypatch.chdir(tmp_path)
    read = lines_of_the_docs(0)
    assert len([line for line in read.splitlines() if line]) <= 10
    known: dict[str, Any] = {}
    exec(read, known)  # noqa: S102 - the documentation's own lines
    pupils = known["pupils"]
    assert len(pupils) == 8
    assert pupils["ta_reading"].isna().sum() == 4
    assert pupils["ss_reading"].sum() == 4 * 100 + 4 * 110
    assert pupils["empty"].sum() == 0
    assert pupils["received_utc"].dt.month.eq(6).all()
    assert pupils["carried_from"].eq(1).all()
    assert pupils["la"].tolist() == ["123"] * 4 + ["801"] * 4
    # What was built on it, once a school has deleted its file.
    played.delete(f"SCHOOL#{SCHOOLS[0]}", gone)
    release(played)
    said = hand_over(played.operated, SERVICE, tmp_path / "handed-over")
    assert "lies there too. It may hold rows that were taken back: remove it." in said
    known["release"] = max(Path("handed-over/ks1-2023").iterdir())
    exec(lines_of_the_docs(1), known)  # noqa: S102
    assert known["gone"] == {gone}
    assert set(known["kept"]["school"]) == {SCHOOLS[2]}


def test_parquet_has_the_same_rows_with_types(played: Season, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="takes the group handover: 166 MB")
    played.upload(SCHOOLS[0])
    played.upload(SCHOOLS[2], ("", *RESULTS[1][1:]))
    name = release(played)
    assert "pupils.parquet: the same rows" in hand_over(played.operated, SERVICE, tmp_path)
    path = tmp_path / NAME / name / handing.PARQUET
    rows = pd.read_parquet(path)
    assert rows["ss_reading"].tolist() == [100] * 4 + [110] * 4
    assert rows["ta_reading"].isna().tolist() == [False] * 4 + [True] * 4
    assert rows["carried_from"].tolist() == [1] * 8
    assert str(rows["received_utc"].dtype).startswith("datetime64[")
    assert rows["empty"].dtype == bool
    before = path.read_bytes()
    hand_over(played.operated, SERVICE, tmp_path)
    assert path.read_bytes() == before


def _changed_part(played: Season, name: str) -> None:
    key = f"{release_folder(NAME, name)}schools.csv"
    played.stores.results.put(key, played.stores.results.get(key) + b"\n", "text/csv")


def _other_release(played: Season, name: str) -> None:
    key = f"{release_folder(NAME, name)}release.json"
    played.stores.results.put(key, played.stores.results.get(key) + b"\n", "application/json")


def _lost_part(played: Season, name: str) -> None:
    played.stores.results.remove(f"{release_folder(NAME, name)}la=123/pupils.csv.gz")


def _deleted(played: Season, name: str) -> None:
    [upload] = [v.key.split("/")[2] for v in played.stores.uploads.list(f"uploads/{NAME}/")]
    played.delete(f"SCHOOL#{SCHOOLS[0]}", upload)


def _no_record(played: Season, name: str) -> None:
    played.stores.records.remove_versions(release_record_key(NAME, 1))


def _closed(played: Season, name: str) -> None:
    played.build_reports()
    seasons.close_season(played.operated, SERVICE, "over", really=True)


@pytest.mark.parametrize(
    ("slip", "says"),
    [
        (_changed_part, "schools.csv is not what release.json says"),
        (_other_release, "release.json is not the one that the records bucket names"),
        (_lost_part, "a file of the release is not there"),
        (_deleted, "behind: a file was deleted or let in since"),
        (_no_record, "none yet"),
        (_closed, "the season is closed"),
    ],
)
def test_what_is_not_what_it_should_be_is_handed_to_nobody(
    played: Season, tmp_path: Path, slip: Callable[[Season, str], None], says: str
) -> None:
    played.upload(SCHOOLS[0])
    name = release(played)
    slip(played, name)
    with pytest.raises(CannotOperate, match=says):
        hand_over(played.operated, SERVICE, tmp_path)
    assert not (tmp_path / NAME / name).exists()
    assert list(played.stores.records.list("handovers/")) == []


def test_before_the_final_freeze_there_is_none(played: Season) -> None:
    assert standing_release(played.stores, SERVICE) == (None, "none: the final window is not frozen")
