"""The runbook is in step: every alarm of the template is in it, and every command in it is one that there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from infra.operator.cli import parser
from tests.template.reading import ALARM, load_template, of_type

ROOT = Path(__file__).resolve().parents[3]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
OPERATORS = (
    *("retry", "settle", "calendar", "windows", "chase", "verify-window", "rebuild", "user", "trace", "season"),
    "restore",
)


def _commands() -> list[str]:
    spans = re.findall(r"`(early-results [^`]+)`", RUNBOOK)
    spans += [line.split("#")[0].strip() for line in RUNBOOK.splitlines() if line.startswith("    early-results")]
    # Where a command is only mentioned, it stands without its arguments.
    return [span for span in spans if "--" in span or span == "early-results rebuild"]


def test_every_alarm_is_explained_and_every_alarm_explained_exists() -> None:
    alarms = set(of_type(load_template(), ALARM))
    assert set(re.findall(r"`(\w+Alarm)`", RUNBOOK)) == alarms


@pytest.mark.parametrize("command", _commands())
def test_every_command_can_be_typed_as_it_stands(command: str) -> None:
    options = parser().parse_args(shlex.split(command)[1:])
    assert options.command in OPERATORS


def test_every_operators_command_is_in_the_runbook() -> None:
    typed = {shlex.split(command)[1] for command in _commands()}
    assert set(OPERATORS) <= typed
    decisions = [command for command in _commands() if " settle " in command]
    assert {option for command in decisions for option in ("--admit", "--refuse") if option in command} == {
        "--admit",
        "--refuse",
    }
