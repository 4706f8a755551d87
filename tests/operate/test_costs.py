"""The model of costs: its counts are those of the code as it is, its prices have a source, and each saving saves."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from benchmarks import costs, counting
from benchmarks.costs import __main__ as command
from benchmarks.costs import model
from tests.template.reading import load_template

TIMES = "processor_ms"


def test_the_counts_are_those_of_the_code_as_it_is() -> None:
    """If this fails, an act asks for more or less than it did: `python -m benchmarks.counting` counts anew."""
    counted = {
        name: {what: number for what, number in counts.items() if what != TIMES}
        for name, counts in counting.count().items()
    }
    kept = {
        name: {what: number for what, number in counts.items() if what != TIMES} for name, counts in model.ACTS.items()
    }
    assert counted == kept


def test_every_price_is_dated_has_its_source_and_is_used() -> None:
    prices = {name: price for name, price in model.PRICES.items() if isinstance(price, dict)}
    assert model.PRICES["read"].year >= 2026
    for name, price in prices.items():
        assert price["source"].startswith("https://aws.amazon.com/"), name
        assert price["price"] > 0, name
        assert price["per"] > 0, name
    used = {line.what for choices in (model.BEFORE, model.NOW) for line in model.lines(choices)}
    assert used == set(prices)


def test_each_saving_saves_and_the_parts_are_the_whole() -> None:
    choices = model.BEFORE
    for name, change, _ in model.SAVINGS:
        after = replace(choices, **change)
        assert model.total(after) < model.total(choices), name
        choices = after
    assert choices == model.NOW
    # What one can choose is either a saving that was made or named as one that was not.
    made = {setting for _, change, _ in model.SAVINGS for setting in change}
    assert {field.name for field in fields(model.Choices)} - made == {"rosters_anew", "emails"}
    assert sum(line.usd for line in model.lines(model.NOW)) == pytest.approx(model.total(model.NOW))
    assert all(line.usd >= 0 for line in model.lines(model.NOW))


def test_the_template_is_what_the_model_takes_for_chosen() -> None:
    """The model's `NOW` says what this repository deploys: the plan of the users, the API's metrics, the alarms."""
    template = load_template()
    assert template["Parameters"]["UserPoolTier"]["Default"].lower() == model.NOW.tier
    assert "DetailedMetricsEnabled" not in str(template["Resources"]["ApiStage"])
    whole, less = model.alarm_months(model.BEFORE, template), model.alarm_months(model.NOW, template)
    assert less < whole / 3


def test_the_command_says_what_dominates(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main() == 0
    told = capsys.readouterr().out
    dearest = model.lines(model.NOW)[0]
    assert told.split("|---|---:|---|---|\n", 1)[1].startswith(f"| {dearest.part} | ")
    for name, _, _ in model.SAVINGS:
        assert f"| {name} | " in told
    assert "Without those who sign in" in told
    assert costs.__doc__ is not None
