"""The docs are in step with the code: every command, every setting, every decision."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.operator.cli import parser
from tests.template.reading import load_template

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
DOCS = README + "".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))


def test_every_make_target_is_in_the_readme() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert {"run", "demo", "test", "build", "deploy"} <= targets
    assert {target for target in targets if f"make {target}" not in README} == set()


def test_every_target_that_the_docs_name_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`make ([a-z]+)`", DOCS))
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_every_command_is_in_the_docs() -> None:
    commands = next(action for action in parser()._actions if action.dest == "command").choices
    assert commands
    assert {name for name in commands if f"early-results {name}" not in DOCS} == set()


def test_every_file_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`((?:functions|infra|docs|tests|benchmarks)/[\w/.\-]+)`", README))
    links = set(re.findall(r"\]\((?!http)([\w/.\-]+)\)", README))
    assert named
    assert {name for name in named | links if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.name)
def test_a_decision_has_a_number_of_its_own(path: Path) -> None:
    number = path.name[:4]
    assert number.isdigit()
    assert len(list(path.parent.glob(f"{number}-*"))) == 1
    assert path.read_text().startswith(f"# {int(number)}. ")


def test_every_parameter_of_the_template_says_what_it_is_for() -> None:
    parameters = load_template()["Parameters"]
    assert parameters
    assert [name for name, parameter in parameters.items() if not parameter.get("Description")] == []
