"""Nobody can work out another school's children: attacked by subtraction and rounding, with all that a trust knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.report_view import view
from early_results.reporting.disclosure import Cell, Why, hidden, refusal, small_groups
from early_results.reporting.figures import Beside, Block, Copy, Figures, school_figures, subjects_of
from early_results.reporting.summary import (
    ALL,
    EMPTY,
    GENDERS,
    TERMS,
    BadSummary,
    Summary,
    gender_of,
    summarise,
    term_of,
)
from early_results.reporting.taking import CUTS, National, Taking, crossing_base, national, number_base
from early_results.results import PupilResults
from early_results.service import Service, load_service, service_names
from tests.effort import examples
from tests.unit.reporting.report_samples import KS1, SCHOOL, UNHURRIED, cohort, report_of
from tests.unit.reporting.test_services import generated

World = Mapping[str, list[PupilResults]]


@cache
def pupils_of(size: int, seed: int, rare: bool) -> list[PupilResults]:
    """A school of so many pupils; where `rare`, the first of them has no gender and no date of birth."""
    made = cohort(size, seed)
    if rare and made:
        made = [made[0]._replace(pupil=made[0].pupil._replace(gender="", birth_date=None)), *made[1:]]
    return made


@cache
def summary_of(size: int, seed: int, rare: bool) -> Summary:
    """The summary of that school."""
    return summarise(KS1, pupils_of(size, seed, rare))


class Season(NamedTuple):
    """Schools with their pupils, their files' summaries and their trusts."""

    world: World
    files: dict[str, Summary]
    trusts: dict[str, str]

    def national(self) -> National:
        """What the freeze adds up."""
        return national(KS1, self.files.items(), self.trusts)

    def told(self, school: str, of: National) -> Figures:
        """What the school's report has."""
        return school_figures(KS1, self.files[school], Beside(of, school, self.files[school]))

    def beside(self, school: str) -> set[str]:
        """The schools of the organisation of a school."""
        trust = self.trusts.get(school)
        return {other for other in self.world if trust and self.trusts.get(other) == trust} | {school}


@st.composite
def seasons(draw: st.DrawFn) -> Season:
    count = draw(st.integers(1, 36))
    sizes = draw(st.lists(st.sampled_from([0, 1, 2, 5, 11, 29, 30, 31, 45, 60, 250]), min_size=count, max_size=count))
    drawn = {f"{1000000 + at}": (size, draw(st.integers(0, 5)), draw(st.booleans())) for at, size in enumerate(sizes)}
    world = {school: pupils_of(*kind) for school, kind in drawn.items()}
    files = {school: summary_of(*kind) for school, kind in drawn.items()}
    kinds = draw(st.lists(st.sampled_from(["", "", "A", "B"]), min_size=count, max_size=count))
    return Season(world, files, {school: kind for school, kind in zip(world, kinds, strict=True) if kind})


def in_group(pupil: PupilResults, group: str) -> bool:
    return group in (ALL, gender_of(pupil.pupil.gender), term_of(pupil.pupil.birth_date))


def based(pupil: PupilResults, base: str) -> bool | None:
    """Whether a pupil reaches what a figure counts; None if the figure is not of the pupil."""
    if base == "combined":
        parts = [pupil.assessments.get(key) for key in ("ta_reading", "ta_writing", "ta_maths")]
        return None if None in parts else all(part in ("EXS", "GDS") for part in parts)
    if base.startswith("ss_"):
        return None if base not in pupil.scores else pupil.scores[base] >= 100
    return None if base not in pupil.assessments else pupil.assessments[base] in ("EXS", "GDS")


BASES = [column.key for column in KS1.results] + ["combined"]


def shown_percent(block: Block, base: str) -> int | None:
    """What a reader sees of all schools in a figure: a whole percentage, or nothing."""
    shares = {subject.key: subject.expected for subject in subjects_of(block)}
    shares |= {scores.key: scores.expected for scores in block.scores if scores.expected}
    return shares[base].percent if shares[base].of else None


def counts(pupils: Iterable[PupilResults], base: str, groups: Iterable[str]) -> tuple[int, int]:
    """How many of some groups' pupils reach a figure, of how many."""
    of = [based(p, base) for group in groups for p in pupils if in_group(p, group) and based(p, base) is not None]
    return sum(bool(met) for met in of), len(of)


def possible(percent: int, of: int) -> tuple[int, int]:
    """The least and the greatest count that is shown as this whole percentage."""
    least = -(-(2 * percent - 1) * of // 200)
    return max(0, least), min(of, (of * (2 * percent + 1) - 1) // 200)


class Learnt(NamedTuple):
    """What an organisation can work out of some groups together, in schools that are not its own."""

    base: str
    groups: tuple[str, ...]
    least: int
    most: int


def attack(season: Season, reader: str) -> Iterator[Learnt]:
    """All that a reader can work out by taking its own pupils, and shown groups, away from what is shown.

    The attacker is given more than is shown: the exact number of pupils behind every figure.
    """
    figures = season.told(reader, season.national())
    own = [p for school in season.beside(reader) for p in season.world[school]]
    everybody = [p for pupils in season.world.values() for p in pupils]
    blocks = {group.key: group.others for group in figures.cohorts[0].groups if group.others}
    for base in BASES:
        shown = {key: shown_percent(block, base) for key, block in blocks.items()}
        spans = {}
        for key, percent in shown.items():
            if percent is not None:
                spans[key] = possible(percent, counts(everybody, base, [key])[1])
        targets: list[tuple[tuple[str, ...], tuple[int, int]]] = [((key,), span) for key, span in spans.items()]
        for parting in (GENDERS, TERMS):
            known = [spans[key] for key in parting if key in spans]
            left = tuple(key for key in parting if key not in spans)
            if ALL in spans and known and left:
                low, high = spans[ALL]
                targets.append((left, (low - sum(k[1] for k in known), high - sum(k[0] for k in known))))
        for groups, (low, high) in targets:
            met, _ = counts(own, base, groups)
            yield Learnt(base, groups, max(0, low - met), high - met)


@settings(UNHURRIED, max_examples=examples(60))
@given(seasons(), st.data())
def test_what_can_be_worked_out_is_of_many_children_of_many_schools(season: Season, data: st.DataObject) -> None:
    reader = data.draw(st.sampled_from(sorted(season.world)))
    own = season.beside(reader)
    for learnt in attack(season, reader):
        outside = {
            school: counts(pupils, learnt.base, learnt.groups)
            for school, pupils in season.world.items()
            if school not in own
        }
        met, of = sum(m for m, _ in outside.values()), sum(n for _, n in outside.values())
        if not of and not counts([p for s in own for p in season.world[s]], learnt.base, learnt.groups)[1]:
            continue  # nobody at all is in these groups: that is all that can be learnt
        assert sum(n > 0 for _, n in outside.values()) >= 10, learnt
        assert of >= 150, learnt
        assert learnt.least <= met <= learnt.most, learnt  # the attack itself is right
        # Rounding leaves a choice of counts, but where all or nobody reaches it in ten schools and more.
        if 3 < met < of - 3:
            assert min(learnt.most, of) - learnt.least >= 2, learnt


@settings(UNHURRIED, max_examples=examples(30))
@given(seasons(), st.data())
def test_a_trust_that_holds_all_schools_but_one_is_shown_nothing(season: Season, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from(sorted(season.world)))
    owned = season._replace(trusts={school: "A" for school in season.world if school != other})
    of = owned.national()
    readers = data.draw(st.lists(st.sampled_from(sorted(season.world)), max_size=2))
    for reader in {other, *readers}:
        figures = owned.told(reader, of)
        assert all(group.others is None for cohort in figures.cohorts for group in cohort.groups)
        assert (figures.others_schools, figures.others_pupils, figures.others_sha256) == (None, None, None)
        assert figures.gaps


@settings(UNHURRIED, max_examples=examples(30))
@given(seasons(), st.data())
def test_what_is_shown_is_whole_percentages_of_what_is_so(season: Season, data: st.DataObject) -> None:
    """On every door: what the figures do not hold, no workbook, page or JSON made of them can show."""
    reader = data.draw(st.sampled_from(sorted(season.world)))
    figures = season.told(reader, season.national())
    everybody = [p for pupils in season.world.values() for p in pupils]
    for group in figures.cohorts[0].groups:
        if group.others is None:
            continue
        assert (group.others.pupils, group.others.empty) == (0, 0)
        for base in BASES:
            percent = shown_percent(group.others, base)
            met, of = counts(everybody, base, [group.key])
            assert percent is None or percent == (Fraction(100 * met, of) + Fraction(1, 2)).__floor__()
        shares = [subject.expected for subject in subjects_of(group.others)]
        shares += [subject.higher for subject in subjects_of(group.others) if subject.higher]
        shares += [code.share for subject in subjects_of(group.others) for code in subject.codes]
        shares += [each.share for scores in group.others.scores for each in scores.distribution]
        shares += [share for scores in group.others.scores for share in (scores.expected, scores.high) if share]
        assert {share.of for share in shares} <= {0, 100}
        assert {scores.mean.number for scores in group.others.scores} <= {0, 10}
        assert all(s.assessed == s.blank == s.out == 0 for s in subjects_of(group.others))
        assert all(s.number == s.assessed == s.blank == s.out == 0 for s in group.others.scores)
        assert all(crossing.total in (0, 100) for crossing in group.others.crossings)
    seen = view(replace(report_of(season.world[reader]), figures=figures), Copy.STAFF)
    for chart in seen["cohorts"][0]["charts"]:  # a bar drawn to the thousandth would tell the count
        assert all(length % 10 == 0 for length in chart["others"] or ())


cells = st.builds(
    lambda schools, each, share: Cell(schools, schools * each, max(each, schools * each * share // 100)),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 100),
)


@UNHURRIED
@given(st.lists(cells, min_size=1, max_size=4), st.integers(1, 12))
def test_no_hidden_group_comes_out_by_subtraction(parts: list[Cell], own: int) -> None:
    groups = {f"g{at}": cell for at, cell in enumerate(parts)}
    whole = Cell(
        max(cell.schools for cell in parts),
        sum(cell.pupils for cell in parts),
        min(sum(cell.largest for cell in parts), max(cell.largest for cell in parts) + 20),
    )
    gone = hidden(whole, [groups], own)
    assert (gone.get("") is not None) is (refusal(whole, own) is not None)
    if "" in gone:
        assert set(gone) == {"", *groups}
        return
    for name, cell in groups.items():
        assert name in gone or refusal(cell, own) is None
    left = sum(groups[name].pupils for name in gone)
    assert left == 0 or left >= 300
    assert not gone or max(groups[name].schools for name in gone) - own >= 10 or len(gone) == len(groups)


@pytest.mark.parametrize(
    ("cell", "own", "why"),
    [
        (Cell(10, 300, 150), 0, None),
        (Cell(20, 300, 150), 10, None),
        (Cell(9, 300, 150), 0, Why.FEW_SCHOOLS),
        (Cell(10, 299, 149), 0, Why.FEW_PUPILS),
        (Cell(10, 300, 151), 0, Why.ONE_LARGE),
        (Cell(20, 300, 150), 11, Why.FEW_OUTSIDE),
        (Cell(10, 300, 150), 1, Why.FEW_OUTSIDE),
    ],
)
def test_the_floor(cell: Cell, own: int, why: Why | None) -> None:
    assert refusal(cell, own) is why


def test_one_child_of_no_known_gender_takes_a_second_group_along() -> None:
    whole = Cell(20, 700, 40)
    groups = {"female": Cell(20, 360, 20), "male": Cell(20, 339, 20), "gender-unknown": Cell(1, 1, 1)}
    assert hidden(whole, [groups], 1) == {"gender-unknown": Why.FEW_SCHOOLS, "male": Why.SUBTRACTION}


@UNHURRIED
@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 40), min_size=1), max_size=2))
def test_governors_are_not_told_of_a_group_of_fewer_than_eleven_nor_can_work_it_out(
    parts: list[dict[str, int]],
) -> None:
    gone = small_groups(parts)
    for groups in parts:
        assert all(name in gone for name, pupils in groups.items() if 0 < pupils < 11)
    if len(parts) == 1:
        left = sum(pupils for name, pupils in parts[0].items() if name in gone)
        assert left == 0 or left >= 11 or gone >= {name for name, pupils in parts[0].items() if pupils}


def test_a_window_that_was_frozen_before_shows_nothing_of_others() -> None:
    stored = {"schools": 40, "summary": summarise(KS1, cohort(900, 1)).to_json()}
    old = National.from_json(stored)
    assert old.to_json() == stored
    figures = school_figures(KS1, summarise(KS1, cohort(30, 1)), Beside(old, SCHOOL, EMPTY))
    assert not figures.has_others
    assert figures.gaps == (
        "Nothing is shown of other schools: this window was closed before it was counted who took part.",
    )


def test_where_the_sum_holds_a_file_that_is_gone_nothing_is_compared() -> None:
    files = [(f"90000{at:02}", summarise(KS1, cohort(30, at))) for at in range(30)]
    whole = national(KS1, files, {})
    own = summarise(KS1, cohort(30, 1))
    assert school_figures(KS1, own, Beside(whole, SCHOOL, EMPTY)).has_others
    assert not school_figures(KS1, own, Beside(whole, SCHOOL, None)).has_others


@pytest.mark.parametrize("data", [{}, {"trusts": {}, "cells": {"": {"all": {"pupils": [1]}}}, "spreads": {}}, []])
def test_what_was_spoilt_of_who_took_part_refuses_to_load(data: object) -> None:
    with pytest.raises(BadSummary):
        Taking.from_json(data)


# Who took part, counted again from the pupils.


def bases_of(service: Service, pupil: PupilResults) -> set[str]:
    given = {**pupil.assessments, **pupil.scores}
    out = {code.code for code in service.codes if not code.counted}
    counted = {key for key, value in given.items() if not (key in pupil.assessments and value in out)}
    found = {"pupils"} | counted | {number_base(key) for key in pupil.scores}
    found |= {measure.key for measure in service.combined if all(part in counted for part in measure.parts)}
    return found | {crossing_base(pair.codes) for pair in service.pairs if pair.codes in given or pair.numbers in given}


@pytest.mark.parametrize("name", service_names())
def test_who_took_part_is_counted_as_from_the_pupils(name: str) -> None:
    service = load_service(name)
    world = {f"{8000000 + at}": generated(service, size, at) for at, size in enumerate((0, 1, 12, 30, 31, 60, 14, 25))}
    trusts = {school: "AB"[at % 2] for at, school in enumerate(world) if at % 3}
    files = [(school, summarise(service, results)) for school, results in world.items()]
    stored = national(service, files, trusts)
    taking = National.from_json(stored.to_json()).taking
    assert taking is not None
    assert taking == stored.taking
    assert taking.trusts == {
        trust: tuple(sorted(school for school in world if trusts.get(school) == trust)) for trust in ("A", "B")
    }
    many = len(service.year_groups) > 1
    must: dict[tuple[str, str, str], dict[str, int]] = {}
    for school, results in world.items():
        for entry in results:
            year = entry.pupil.nc_year if many else ""
            for group in (ALL, gender_of(entry.pupil.gender), term_of(entry.pupil.birth_date)):
                for base in bases_of(service, entry):
                    of = must.setdefault((year, group, base), {})
                    of[school] = of.get(school, 0) + 1
    assert set(taking.cells) == set(must)
    for place, of in must.items():
        organisations: dict[str, int] = {}
        for school, pupils in of.items():
            organisation = trusts.get(school, school)
            organisations[organisation] = organisations.get(organisation, 0) + pupils
        assert taking.cells[place] == Cell(len(of), sum(of.values()), max(organisations.values()))
    for (year, measure), spread in taking.spreads.items():
        rates = []
        for results in world.values():
            mine = [p for p in results if not many or p.pupil.nc_year == year]
            block = next(
                cohort.all.school
                for cohort in school_figures(service, summarise(service, mine)).cohorts
                if cohort.key == year
            )
            figures = {s.key: (s.expected.count, s.expected.of) for s in subjects_of(block)}
            figures |= {s.key: (s.expected.count, s.expected.of) for s in block.scores if s.expected}
            figures |= {number_base(s.key): (s.mean.total, s.mean.number) for s in block.scores}
            if figures[measure][1] >= 11:
                rates.append(Fraction(*figures[measure]))
        rates.sort()
        assert spread.cell.schools == len(rates)
        for per_cent, cut in zip(CUTS, spread.cuts, strict=True):
            assert sum(rate <= Fraction(*cut) for rate in rates) * 100 >= per_cent * len(rates)
            assert sum(rate < Fraction(*cut) for rate in rates) * 100 < per_cent * len(rates)
        for rate in rates:
            below = sum(rate > Fraction(*cut) for at, cut in zip(CUTS, spread.cuts, strict=True) if at % 20 == 0)
            assert spread.fifth(rate.numerator, rate.denominator) == 1 + below
