"""The operator's commands as typed, on a stack that has been through a flood: verified, lost, rebuilt, verified."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.settings import read_support
from early_results.writes import Key
from infra.local import demonstration
from infra.local.demonstration import SERVICE
from infra.local.stack import wait_for
from infra.operator import cli, operating
from tests.conftest import Deployed

from .conftest import SUPPORT_EMAIL, freeze, open_window
from .filled import good

pytestmark = pytest.mark.stack
SCHOOL = "8012003"


@pytest.fixture
def typed(closing: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands find the stack as they find the one that `make run` started. They name its support from then on."""
    for setting in operating.SUPPORT_SETTINGS.values():
        monkeypatch.setenv(setting, "")
    monkeypatch.setattr(operating, "LOCAL", tmp_path)
    (tmp_path / "stack.json").write_text(json.dumps(demonstration.stack_json(closing.stack, closing.seeded)))


def _verified(capsys: pytest.CaptureFixture[str], window: int) -> str:
    code = cli.main(["verify-window", "--service", SERVICE, "--window", str(window)])
    said = capsys.readouterr()
    assert (code, said.err) == (0, ""), said.out
    return said.out


@pytest.mark.usefixtures("typed")
def test_a_lost_table_comes_back(closing: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    number = open_window(closing)
    school = closing.sign_in(f"SCHOOL#{SCHOOL}")
    kept = school.verdict(school.upload(SERVICE, "kept.xlsx", good(closing, SCHOOL)), 60)["upload_id"]
    steps = ("form issued to", "received by S3", "checked by", "validate says checked: accepted", "now SUCCESSFUL")

    def all_told() -> bool:  # a function's log comes a moment after what it did
        assert cli.main(["trace", kept]) == 0
        told = capsys.readouterr().out
        return all(step in told for step in steps)

    wait_for("the whole story", all_told, 60, 1)
    assert cli.main(["trace", "--school", SCHOOL]) == 0
    assert kept in capsys.readouterr().out
    # A stack names its own support, and so do the commands that work on it.
    assert school.get("/services")["services"][0]["support"]["email"] == SUPPORT_EMAIL
    assert read_support().email == SUPPORT_EMAIL
    assert cli.main(["verify-window", "--service", SERVICE, "--window", str(number)]) == 2
    assert "is not frozen" in capsys.readouterr().err
    assert cli.main(["calendar", "show", "--service", SERVICE]) == 0
    assert "open for uploads" in capsys.readouterr().out
    frozen = {n: freeze(closing, n) for n in range(1, number)}
    for window in frozen:
        assert "everything agrees" in _verified(capsys, window)
    stores = closing.stores
    before = _counts(closing)

    for key in _keys(closing):
        stores.table.delete(key)
    assert cli.main(["rebuild"]) == 0
    assert "The table is rebuilt." in capsys.readouterr().out

    for window in frozen:
        assert "everything agrees" in _verified(capsys, window)
    after = _counts(closing)
    assert {kind: after[kind] for kind in ("CURRENT", "PROFILE", "ROSTER", "SUMMARY", "SCHOOL")} == {
        kind: before[kind] for kind in ("CURRENT", "PROFILE", "ROSTER", "SUMMARY", "SCHOOL")
    }
    # The people are back, with what was theirs, and life goes on.
    again = closing.sign_in(f"SCHOOL#{SCHOOL}")
    history = {upload["upload_id"]: upload for upload in again.get("/uploads")["uploads"]}
    assert history[kept]["status"] == "SUCCESSFUL"
    assert history[kept]["name"] == "kept.xlsx"
    newer = again.verdict(again.upload(SERVICE, "newer.xlsx", good(closing, SCHOOL, 2)), 60)
    assert newer["status"] == "SUCCESSFUL"
    assert again.get(f"/uploads/{kept}")["status"] == "OVERWRITTEN"
    # A table that is there is left alone.
    assert cli.main(["rebuild"]) == 2
    assert "it is not lost" in capsys.readouterr().err


@pytest.mark.usefixtures("typed")
def test_a_user_is_added_and_signs_in(closing: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["user", "add", "--email", "new@example.org", "--role", "school", "--organisation", f"SCHOOL#{SCHOOL}"]
    assert cli.main(command) == 0
    password = capsys.readouterr().out.split("The password is ")[1].rstrip(".\n")
    stack = closing.stack
    client = type(closing.sign_in("OPERATOR")).sign_in(
        stack.api_url, stack.endpoint, stack.region, stack.outputs["UserPoolClientId"], "new@example.org", password
    )
    assert client.get("/me")["organisation"] == f"SCHOOL#{SCHOOL}"
    assert cli.main(command) == 2
    assert "a user already" in capsys.readouterr().err


def _keys(deployed: Deployed) -> list[Key]:
    table = deployed.stack.outputs["TableName"]
    pages = deployed.stack.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [Key(item["pk"]["S"], item["sk"]["S"]) for page in pages for item in page["Items"]]


def _counts(deployed: Deployed) -> dict[str, int]:
    """Items by kind, without those of reports of many schools: the overview function makes them again when it looks."""
    found: dict[str, int] = {}
    for key in _keys(deployed):
        if key.pk.startswith("WINDOW#") and key.sk in ("SUMMARY", "OVERVIEWS"):
            continue
        kind = key.sk.split("#")[0]
        found[kind] = found.get(kind, 0) + 1
    return found
