"""A model of later outcomes: how many pupils with this result, of this gender and month of birth, came to what.

A model is a JSON file. Whatever in it does not fit is refused by the setting's name and in words, before anything is
estimated: a model that is read wrongly would still print chances. docs/estimates.md has the format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from ..canonical import sha256_of
from ..service import Column, Service

FORM = 1
LEAST = 30  # pupils of a cell, below which it is not used
PERCENTILES = ("50", "20", "5")
FINEST = ("prior", "gender", "birth_month")
MOST_LEVELS = 20
LONGEST_TEXT = 500

Cell = tuple[str, str | None, int | None]  # prior outcome, gender, month of birth


class BadModel(ValueError):
    """A model that cannot be used. The message names the setting and says what it must be."""


class Odds(NamedTuple):
    """What the odds of a level or more are multiplied by, as a fraction: a school's effect."""

    by: int
    over: int


class Later(NamedTuple):
    """One later outcome. `levels` are its levels, lowest first; `cells` count pupils by level.

    `column` is the result column that holds the prior outcome, `bands` the names of its ranges of numbers where it
    holds numbers: name, lowest, highest.
    """

    key: str
    name: str
    column: str
    bands: tuple[tuple[str, int, int], ...]
    levels: tuple[str, ...]
    cells: Mapping[Cell, tuple[int, ...]]


class Model(NamedTuple):
    """A model that fits its service. `effects` has the schools at the 50th, 20th and 5th percentile, in that order."""

    name: str
    version: str
    sha256: str
    service: str
    made_of: str
    example: bool
    back_off: tuple[tuple[str, ...], ...]
    effects: tuple[tuple[str, Odds], ...]
    outcomes: tuple[Later, ...]

    @property
    def provenance(self) -> tuple[tuple[str, str], ...]:
        """What stands on every page and in every row that is made with it: name and text."""
        made_of = f"EXAMPLE, not for use. {self.made_of}" if self.example else self.made_of
        return (("model", self.name), ("version", self.version), ("sha256", self.sha256), ("made of", made_of))


def model_sha256(data: Mapping[str, Any]) -> str:
    """The hash of all that a model's file says but the hash itself."""
    return sha256_of({name: value for name, value in data.items() if name != "sha256"})


def read_model(text: bytes, service_of: Mapping[str, Service]) -> Model:
    """The model that a file's text holds. BadModel, naming the setting, if it does not fit.

    `service_of` gives the services there are, by name.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BadModel(f"it is not JSON: {error}") from None
    top = _Settings(data, "the model")
    top.only("form", "name", "version", "sha256", "service", "made_of", "example", "back_off", "school_effects")
    if top.whole("form", 1, 10**6) != FORM:
        raise BadModel(f"form: must be {FORM}, the only one that this program reads")
    try:
        hashed = model_sha256(data)
    except ValueError:
        raise BadModel("a number in it is none: NaN and infinity cannot be used") from None
    if top.text("sha256") != hashed:
        raise BadModel(f"sha256: is not the hash of the rest, which is {hashed}: it was changed after it was made")
    name = top.text("service")
    if name not in service_of:
        raise BadModel(f'service: there is no service "{name}"; there is {", ".join(sorted(service_of))}')
    service = service_of[name]
    back_off = _back_off(top)
    outcomes = tuple(
        _outcome(_Settings(one, f"outcomes[{at}]"), service, back_off) for at, one in enumerate(top.items("outcomes"))
    )
    if len({one.key for one in outcomes}) != len(outcomes):
        raise BadModel("outcomes: two have the same key")
    return Model(
        top.text("name"),
        top.text("version"),
        hashed,
        name,
        top.text("made_of"),
        top.truth("example"),
        back_off,
        _effects(_Settings(top.value("school_effects"), "school_effects")),
        outcomes,
    )


def _back_off(top: _Settings) -> tuple[tuple[str, ...], ...]:
    """By what cells are looked up, the finest first; each step leaves something out, and the prior outcome stays."""
    steps: list[tuple[str, ...]] = []
    for at, step in enumerate(top.items("back_off")):
        where = f"back_off[{at}]"
        if not isinstance(step, list) or not step or any(name not in FINEST for name in step):
            raise BadModel(f'{where}: must be a list of "prior", "gender" and "birth_month"')
        names = tuple(name for name in FINEST if name in step)
        if len(names) != len(step) or "prior" not in names:
            raise BadModel(f'{where}: must name "prior", and nothing twice')
        if steps and not set(names) < set(steps[-1]):
            raise BadModel(f"{where}: must leave out something of the step before, and add nothing")
        steps.append(names)
    return tuple(steps)


def _effects(given: _Settings) -> tuple[tuple[str, Odds], ...]:
    """Odds for the schools at each percentile: 1 at the 50th, and no less at the higher ones."""
    given.only(*PERCENTILES)
    found: list[tuple[str, Odds]] = []
    for percentile in PERCENTILES:
        pair = given.items(percentile)
        if len(pair) != 2 or not all(_is_whole(one) and 1 <= one <= 10**6 for one in pair):
            raise BadModel(
                f"{given.at(percentile)}: must be two whole numbers, [5, 4] for odds one and a quarter times"
            )
        found.append((percentile, Odds(*pair)))
    if found[0][1].by != found[0][1].over:
        raise BadModel(f"{given.at('50')}: must be [1, 1]: the counts are of schools in the middle")
    for (lower, one), (higher, other) in pairwise(found):
        if other.by * one.over < one.by * other.over:
            raise BadModel(f"{given.at(higher)}: must be no less than at the {lower}th percentile")
    return tuple(found)


def _outcome(given: _Settings, service: Service, back_off: tuple[tuple[str, ...], ...]) -> Later:
    given.only("key", "name", "prior", "bands", "levels", "cells")
    column = _column(given, service)
    bands = _bands(given, column)
    priors = {name for name, _, _ in bands} | set(column.codes)
    levels = tuple(given.items("levels"))
    if not 2 <= len(levels) <= MOST_LEVELS or len(set(levels)) != len(levels):
        raise BadModel(f"{given.at('levels')}: must be 2 to {MOST_LEVELS} different names, the lowest first")
    for at, level in enumerate(levels):
        _text(level, f"{given.at('levels')}[{at}]")
    cells: dict[Cell, tuple[int, ...]] = {}
    for at, one in enumerate(given.items("cells")):
        cell = _Settings(one, f"{given.at('cells')}[{at}]")
        place, counts = _cell(cell, priors, levels, back_off[0])
        if place in cells:
            raise BadModel(f"{cell.where}: is the second cell of this prior outcome, gender and month of birth")
        cells[place] = counts
    return Later(given.text("key"), given.text("name"), column.key, bands, levels, cells)


def _column(given: _Settings, service: Service) -> Column:
    key = given.text("prior")
    known = {column.key: column for column in service.results}
    if key not in known:
        raise BadModel(
            f'{given.at("prior")}: {service.name} has no result column "{key}"; it has {", ".join(sorted(known))}'
        )
    return known[key]


def _bands(given: _Settings, column: Column) -> tuple[tuple[str, int, int], ...]:
    if not column.has_numbers:
        if "bands" in given.data:
            raise BadModel(f"{given.at('bands')}: {column.key} holds codes and no numbers: leave them out")
        return ()
    found: list[tuple[str, int, int]] = []
    for at, band in enumerate(given.items("bands")):
        where = f"{given.at('bands')}[{at}]"
        if not isinstance(band, list) or len(band) != 3 or not all(_is_whole(one) for one in band[1:]):
            raise BadModel(f'{where}: must be a name and two whole numbers, ["85 to 99", 85, 99]')
        name, lowest, highest = _text(band[0], where), *band[1:]
        if not column.minimum <= lowest <= highest <= column.maximum:
            raise BadModel(f"{where}: must lie within {column.minimum} to {column.maximum}, as {column.key} does")
        if found and lowest <= found[-1][2]:
            raise BadModel(f"{where}: must begin above the band before")
        if name in column.codes or any(name == other for other, _, _ in found):
            raise BadModel(f"{where}: another band or a code is called so")
        found.append((name, lowest, highest))
    return tuple(found)


def _cell(
    given: _Settings, priors: set[str], levels: tuple[str, ...], finest: tuple[str, ...]
) -> tuple[Cell, tuple[int, ...]]:
    given.only(*finest, "counts")
    prior = given.text("prior")
    if prior not in priors:
        raise BadModel(f'{given.at("prior")}: "{prior}" is not a code or band of its column')
    gender = given.value("gender") if "gender" in finest else None
    if gender not in (None, "F", "M"):
        raise BadModel(f'{given.at("gender")}: must be "F", "M", or null where it was not known')
    month = given.value("birth_month") if "birth_month" in finest else None
    if month is not None and not (_is_whole(month) and 1 <= month <= 12):
        raise BadModel(f"{given.at('birth_month')}: must be 1 to 12, or null where it was not known")
    counts = given.items("counts")
    if len(counts) != len(levels) or not all(_is_whole(count) and 0 <= count <= 10**9 for count in counts):
        raise BadModel(f"{given.at('counts')}: must be {len(levels)} whole numbers of pupils, one a level")
    return (prior, gender, month), tuple(counts)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: Any, where: str) -> str:
    """A text that may be printed and put into a cell. BadModel if it is none."""
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_TEXT or not value.isprintable():
        raise BadModel(f"{where}: must be a text of 1 to {LONGEST_TEXT} printable characters")
    if value.startswith(("=", "+", "-", "@")):
        raise BadModel(f'{where}: must not begin with "{value[0]}": a spreadsheet would run it as a formula')
    return value


class _Settings:
    """The settings of one place of the file, each read by name."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise BadModel(f"{where}: must be an object with settings")
        self.data: dict[str, Any] = data
        self.where = where

    def at(self, name: str) -> str:
        """Where a setting stands, in words."""
        return name if self.where == "the model" else f"{self.where}.{name}"

    def only(self, *names: str) -> None:
        """BadModel if there is a setting of another name."""
        allowed = {*names, "outcomes"} if self.where == "the model" else set(names)
        unknown = sorted(set(self.data) - allowed)
        if unknown:
            raise BadModel(f"{self.at(unknown[0])}: there is no such setting; there is {', '.join(sorted(allowed))}")

    def value(self, name: str) -> Any:
        """A setting that must be there."""
        if name not in self.data:
            raise BadModel(f"{self.at(name)}: is missing")
        return self.data[name]

    def text(self, name: str) -> str:
        """A text."""
        return _text(self.value(name), self.at(name))

    def truth(self, name: str) -> bool:
        """True or false."""
        value = self.value(name)
        if not isinstance(value, bool):
            raise BadModel(f"{self.at(name)}: must be true or false")
        return value

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number."""
        value = self.value(name)
        if not _is_whole(value) or not least <= value <= most:
            raise BadModel(f"{self.at(name)}: must be a whole number from {least} to {most}")
        return int(value)

    def items(self, name: str) -> list[Any]:
        """A list that is not empty."""
        value = self.value(name)
        if not isinstance(value, list) or not value:
            raise BadModel(f"{self.at(name)}: must be a list, and not be empty")
        return value


def summed(cells: Iterable[tuple[int, ...]], levels: int) -> tuple[int, ...]:
    """Counts added up, level by level."""
    total = [0] * levels
    for counts in cells:
        total = [one + other for one, other in zip(total, counts, strict=True)]
    return tuple(total)
