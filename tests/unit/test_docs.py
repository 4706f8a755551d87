"""The docs are in step with the code: every command, every setting, every decision."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from early_results.counting.uploads import Status
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


def _design_sections() -> set[str]:
    return set(re.findall(r"^## (\d+)\. ", (ROOT / "docs" / "design.md").read_text(), re.MULTILINE))


def test_every_section_of_the_design_that_is_cited_exists() -> None:
    sources = [path for room in ("functions", "infra", "tests", "docs") for path in (ROOT / room).rglob("*.*")]
    cited = {
        (path.name, section)
        for path in sources
        if path.suffix in (".py", ".md", ".yaml", ".js") and "node_modules" not in path.parts
        for section in re.findall(r"DESIGN (\d+)", path.read_text(encoding="utf-8"))
    }
    assert len(cited) > 20
    assert {(name, section) for name, section in cited if section not in _design_sections()} == set()


@pytest.mark.parametrize("page", ["design.md", "changing.md"])
def test_every_file_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    named = set(re.findall(r"`((?:functions|infra|docs|tests|benchmarks)/[\w/.\-]+)`", text))
    links = {link.partition("#")[0] for link in re.findall(r"\]\((?!http|#)([\w/.#\-]+)\)", text)}
    assert named
    assert {name for name in named if not (ROOT / name).exists()} == set()
    assert {link for link in links if not (ROOT / "docs" / link).resolve().exists()} == set()


def test_every_change_is_held_by_tests() -> None:
    """Each usual change says which tests notice a file that was forgotten, and `make check` runs one of them."""
    page = (ROOT / "docs" / "changing.md").read_text()
    titles = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert titles == ["Accept a code", "Add a finding", "Add a route", "Add an alarm", "Add a service"]
    for title, change in zip(titles, page.split("\n## ")[1:], strict=True):
        steps = re.findall(r"^(\d)\. ", change, re.MULTILINE)
        assert steps == [str(number) for number in range(1, len(steps) + 1)], title
        held = re.findall(r"`(tests/[\w/]+\.py)`", change.split("Held by")[1])
        assert any(test.startswith(("tests/unit/", "tests/template/")) for test in held), title


def test_the_design_explains_every_status_and_every_word_that_it_leans_on() -> None:
    design = (ROOT / "docs" / "design.md").read_text()
    glossary = set(re.findall(r"^\| ([a-z ]+) \| ", design, re.MULTILINE))
    assert {"register", "mark", "offer", "settled", "sweep", "freeze", "sealed", "manifest", "straggler"} <= glossary
    assert {status.value for status in Status} <= set(re.findall(r"`([A-Z_]+)`", design))


def test_every_control_in_the_threat_model_has_the_test_that_it_names() -> None:
    model = (ROOT / "docs" / "threat-model.md").read_text()
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", model))
    assert len(named) > 25
    assert {name for name in named if f"def {name}(" not in tests} == set()
    files = set(re.findall(r"`((?:tests|infra)/[\w/]+\.\w+)`", model))
    assert {name for name in files if not (ROOT / name).exists()} == set()
    rows = [line for line in model.splitlines() if re.match(r"\| [STRIDE](?:, [STRIDE])* \|", line)]
    assert [row for row in rows if "`test" not in row] == [], "every threat has a test"


@pytest.mark.parametrize("room", ["functions/workflow", "infra"])
def test_a_room_s_readme_names_its_files_and_no_others(room: str) -> None:
    folder = ROOT / room
    named = set(re.findall(r"`([\w./-]+\.(?:py|sh))`", (folder / "README.md").read_text()))
    missing = {name for name in named if not (folder / name).exists()}
    own = {path.name for pattern in ("*.py", "*.sh") for path in folder.glob(pattern)} - {"__init__.py"}
    assert (missing, own - named) == (set(), set())
