"""A sample of `make wiring`: the template as it is passes its season, and copies with a wire missing do not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.conftest import Deployed
from tests.template.reading import Template, load_template
from tests.wiring.harness import Workbench, bench_on, play
from tests.wiring.mutations import Mutation, properties, wires
from tests.wiring.season import Broken
from tests.wiring.texts import objections

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def bench(spare: Deployed) -> Workbench:
    """Room for more stacks on the MiniStack of another stack."""
    return bench_on(spare.stack)


@pytest.fixture(scope="module")
def whole() -> Template:
    """The template as it is."""
    return load_template()


def _named(template: Template, name: str) -> Mutation:
    return next(mutation for mutation in wires(template) if mutation.name == name)


def test_the_template_as_it_is_carries_a_season(bench: Workbench, whole: Template) -> None:
    play(bench, whole, "wiring-whole", "season")


@pytest.mark.parametrize(
    ("name", "kind", "step"),
    [
        ("RosterRole: WriteSchoolRosters: s3:PutObject", "season", "extracts are taken in"),
        ("UploadDeadLetterQueue: redrive policy", "poison", "reach their last queue"),
        ("UploadQueuePolicy", "season", "the stack is not created"),
    ],
)
def test_a_wire_that_is_missing_is_noticed(bench: Workbench, whole: Template, name: str, kind: str, step: str) -> None:
    mutated = _named(whole, name).applied(whole)
    with pytest.raises(Broken, match=step):
        play(bench, mutated, f"wiring-{name[:6].lower()}-{kind}", kind)


def test_what_no_season_can_notice_is_noticed_by_the_tests_on_the_text(whole: Template) -> None:
    assert not objections(whole)
    played = {mutation.path for mutation in wires(whole) if mutation.plays}
    for mutation in [m for m in wires(whole) if not m.plays]:
        assert objections(mutation.applied(whole)), mutation.name
    # A tenth of all properties here, each of them in `make wiring`.
    for mutation in properties(whole)[::10]:
        # What lies in a wire, or holds one, is missed when the wire is: a season says so in `make wiring`.
        if not any(_overlap(mutation.path, path) for path in played):
            assert objections(mutation.applied(whole)), mutation.name


def _overlap(one: Sequence[object], other: Sequence[object]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
