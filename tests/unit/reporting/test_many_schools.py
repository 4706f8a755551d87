"""The reports of many schools: every number recomputed by pandas from the pupils, and the suppressed cells attacked."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cache
from math import sqrt
from typing import Any, NamedTuple

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.report_pdf import build_summary_pdf, build_trust_pdf
from adapters.summary_view import summary_view
from adapters.summary_workbook import build_summary_workbook
from adapters.trust_view import trust_view
from adapters.trust_workbook import build_trust_workbook
from early_results.ids import authority_of
from early_results.reporting.chance import funnel
from early_results.reporting.disclosure import Why
from early_results.reporting.figures import Beside, school_figures
from early_results.reporting.operators import Counted, Participation, SummaryInput, count_once, summary_figures
from early_results.reporting.summary import summarise
from early_results.reporting.taking import National, national
from early_results.reporting.trusts import Member, TrustFigures, TrustInput, trust_figures
from early_results.results import PupilResults
from tests.effort import examples
from tests.unit.reporting.report_samples import KS1, UNHURRIED, cohort
from tests.unit.reporting.test_disclosure import possible, pupils_of

World = Mapping[str, list[PupilResults]]
WINDOW = KS1.windows[0]
MET, HIGHER = ("EXS", "GDS"), ("GDS",)
PARTS = ("ta_reading", "ta_writing", "ta_maths")


def frame_of(world: World) -> pd.DataFrame:
    """A row a pupil: school, authority, and by measure 1, 0, or nothing for who is not in its cohort."""
    rows = []
    for school, pupils in world.items():
        for pupil in pupils:
            row: dict[str, Any] = {"school": school, "authority": school[:3]}
            for key, code in pupil.assessments.items():
                if KS1.code(code).counted:
                    row[key] = code in MET
                    if any(KS1.code(c).higher for c in KS1.column(key).codes):
                        row[f"{key}/higher"] = code in HIGHER
            for key, score in pupil.scores.items():
                row |= {key: score >= 100, f"{key}/higher": score >= 110}
            parts = [pupil.assessments.get(part) for part in PARTS]
            if None not in parts:
                row |= {"combined": all(p in MET for p in parts), "combined/higher": all(p in HIGHER for p in parts)}
            row["blank"] = [c.key for c in KS1.results if c.key not in pupil.assessments and c.key not in pupil.scores]
            rows.append(row)
    columns = [measure for measure, *_ in measures()]
    return pd.DataFrame(rows, columns=["school", "authority", "blank", *columns])


@cache
def measures() -> tuple[tuple[str, str, str], ...]:
    """Measure, name and standard, in the order of the pages."""
    figures = trust_figures(trust_input({}, [], {}))
    words = {False: "Expected standard or above", True: "Greater depth and high score"}
    return tuple((each.measure, each.name, words[each.higher]) for each in figures.cohorts[0].together)


def nation(world: World, trusts: Mapping[str, str]) -> National:
    return national(KS1, [(school, summarise(KS1, pupils)) for school, pupils in world.items()], trusts)


def trust_input(world: World, own: Iterable[str], trusts: Mapping[str, str], trust: str = "A") -> TrustInput:
    members = []
    for school in own:
        summary = summarise(KS1, world[school]) if school in world else None
        members.append(Member(school, f"School {school}", summary, summary))
    seen = nation(world, trusts)
    return TrustInput(KS1, trust, "A Trust", WINDOW.number, WINDOW.closes, WINDOW.reports, tuple(members), seen)


def summary_input(world: World, trusts: Mapping[str, str]) -> SummaryInput:
    seen = nation(world, trusts)
    counted = count_once(KS1, [(s, summarise(KS1, p)) for s, p in world.items()], seen, trusts)
    authorities: dict[str, Participation] = {}
    for school in world:
        before = authorities.get(authority_of(school), Participation())
        authorities[authority_of(school)] = before._replace(listed=before.listed + 1, sent=before.sent + 1)
    return SummaryInput(
        KS1, WINDOW.number, WINDOW.closes, WINDOW.reports, seen, authorities, Counted.from_json(counted.to_json())
    )


def all_of(size: int, code: str, score: int) -> list[PupilResults]:
    return [
        pupil._replace(
            assessments={c.key: code if code in c.codes else c.codes[0] for c in KS1.assessments},
            scores={c.key: score for c in KS1.scores},
        )
        for pupil in cohort(size, size)
    ]


def blank(size: int) -> list[PupilResults]:
    return [pupil._replace(assessments={}, scores={}) for pupil in cohort(size, size)]


OWN = [f"12310{at:02}" for at in range(8)]
FULL: World = {
    **dict(zip(OWN, (cohort(30, 1), cohort(58, 2), all_of(25, "GDS", 115), blank(20), cohort(1, 3), cohort(10, 4),
                     cohort(11, 5), []), strict=True)),
    **{f"{201 + at % 2}20{at:02}": cohort(30 + at % 5, 100 + at) for at in range(40)},
}  # fmt: skip
WORLDS: dict[str, tuple[World, list[str]]] = {
    "full": (FULL, [*OWN, "1231099"]),
    "two schools in all": ({OWN[0]: cohort(30, 1), OWN[1]: cohort(29, 2)}, OWN[:2]),
    "one pupil": ({OWN[0]: cohort(1, 1)}, OWN[:1]),
    "all blank": ({OWN[0]: blank(20), OWN[1]: blank(12)}, OWN[:2]),
}


def half_up(count: int, of: int) -> int:
    return (Fraction(100 * count, of) + Fraction(1, 2)).__floor__()


def wilson(count: int, of: int) -> tuple[float, float]:
    p, z = count / of, 1.959964
    middle, half = p + z * z / (2 * of), z * sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return (middle - half) / (1 + z * z / of), (middle + half) / (1 + z * z / of)


def sheet(book: bytes, name: str, header: int | None = 3) -> pd.DataFrame:
    return pd.read_excel(io.BytesIO(book), sheet_name=name, header=header, dtype=object, engine="openpyxl")


@pytest.mark.parametrize("name", WORLDS)
def test_every_number_of_a_trusts_report_is_recomputed_from_the_pupils(name: str) -> None:
    world, own = WORLDS[name]
    report = trust_input(world, own, {school: "A" for school in own if school in world})
    frame, book = frame_of(world), build_trust_workbook(report)
    mine = frame[frame["school"].isin(own)]
    found = sheet(book, "School by school").set_index(["School", "Measure", "Standard"])
    shown: dict[str, list[tuple[int, int]]] = {}
    side = {row["name"]: row for row in (trust_view(report)["cohorts"][0]["side"] or {"rows": []})["rows"]}
    for school in sorted(set(mine["school"])):
        for measure, words, standard in measures():
            values = mine.loc[mine["school"] == school, measure].dropna()
            row, met, of = found.loc[f"School {school}", words, standard], int(values.sum()), len(values)
            if of < 11:
                assert row["Share"] == ("<11" if of else "–")
                assert (row["Pupils"], row["Of"]) == (row["Share"],) * 2
                continue
            assert (row["Pupils"], row["Of"]) == (met, of)
            assert row["Share"] == pytest.approx(met / of)
            low, high = wilson(met, of)
            assert (row["Range of chance: from"], row["to"]) == pytest.approx((low, high), abs=0.00051)
            shown.setdefault(measure, []).append((met, of))
            if measure == "combined":
                assert side[f"School {school}"]["count"] == f"{met} of {of}"
                assert side[f"School {school}"]["percent"].rstrip("%").lstrip("<>") == str(half_up(met, of))
            if "All schools" in row and row["All schools"] != "–":
                everybody = frame[measure].dropna()
                percent = half_up(int(everybody.sum()), len(everybody))
                assert row["All schools"] == pytest.approx(percent / 100)
                more = met - Fraction(of * percent, 100)
                assert abs(row["More or fewer children"] - more) <= Fraction(1, 2)
    together = found.loc["Together"]
    for measure, words, standard in measures():
        row, kept = together.loc[words, standard], shown.get(measure, [])
        assert (row["Pupils"], row["Of"]) == (sum(met for met, _ in kept), sum(of for _, of in kept))
    compared = "All schools" in found.columns
    assert compared is (name == "full")
    if compared:
        assert (found["All schools"] != "–").any()
        everybody = frame["combined"].dropna()
        said = trust_view(report)["cohorts"][0]["side"]["rows"][-1]
        assert said["others"] == f"{half_up(int(everybody.sum()), len(everybody))}%"
    files = sheet(book, "In short", header=None)
    listed = files[files[1].isin(own)].set_index(1)
    assert set(listed.index) == set(own)
    for school in own:
        sizes = len(world[school]) if school in world else "–"
        assert listed.loc[school, 3] == sizes
        nothing = sum(not p.assessments and not p.scores for p in world[school]) if school in world else "–"
        assert listed.loc[school, 4] == nothing


@pytest.mark.parametrize("name", WORLDS)
def test_every_number_of_the_operators_summary_is_recomputed_from_the_pupils(name: str) -> None:
    world, own = WORLDS[name]
    report = summary_input(world, {school: "A" for school in own if school in world})
    frame, book = frame_of(world), build_summary_workbook(report)
    found = sheet(book, "Measures").set_index(["Measure", "Standard"])
    if name != "full":
        assert set(found["All pupils"]) == {"–"}
        assert not report.counted.histograms
        assert not any(isinstance(rate, int) for told in report.counted.rates.values() for rate in told.values())
        return
    rates = sheet(book, "By authority").set_index("Authority")
    for measure, words, standard in measures():
        values = frame[["school", "authority", measure]].dropna()
        row = found.loc[words, standard]
        assert row["All pupils"] == pytest.approx(half_up(int(values[measure].sum()), len(values)) / 100)
        if measure.endswith("/higher"):
            continue
        schools = values.groupby("school")[measure].agg(["sum", "count"])
        schools = schools[schools["count"] >= 11]
        bins = pd.Series([min(9, 10 * int(met) // int(of)) for met, of in schools.itertuples(index=False)])
        heads = [head for head in found.columns if str(head).startswith("Schools ")]
        assert [row[head] for head in heads] == [int((bins == at).sum()) for at in range(10)]
        for authority, of_it in values.groupby("authority"):
            told = rates.loc[authority, words]
            if of_it["school"].nunique() < 10 or len(of_it) < 300:
                assert told in ("few schools", "few pupils")
            elif told != "another could be worked out":
                assert told == pytest.approx(half_up(int(of_it[measure].sum()), len(of_it)) / 100)
    told = sheet(book, "Codes and blanks").set_index("Column")
    for column in KS1.results:
        without = sum(column.key in blanks for blanks in frame["blank"])
        assert told.loc[column.heading, "Blank"] == pytest.approx(half_up(without, len(frame)) / 100)
    everybody = [pupil for pupils in world.values() for pupil in pupils]
    for column in KS1.assessments:
        codes = pd.Series([p.assessments[column.key] for p in everybody if column.key in p.assessments])
        for code in column.codes:
            share = half_up(int((codes == code).sum()), len(codes)) / 100
            assert told.loc[column.heading, code] == pytest.approx(share)
    for column in KS1.scores:
        scores = [p.scores[column.key] for p in everybody if column.key in p.scores]
        tenths = (Fraction(10 * sum(scores), len(scores)) + Fraction(1, 2)).__floor__()
        assert told.loc[column.heading, "Mean"] == pytest.approx(tenths / 10)
    groups = sheet(book, "Groups").set_index(["Standard", "Measure"])
    girls = frame_of({s: [p for p in pupils if p.pupil.gender == "Female"] for s, pupils in world.items()})
    for measure, words, _ in measures()[1:4]:
        values = girls[measure].dropna()
        row = groups.loc["Teacher assessment: expected standard or above", words]
        assert row["Girls"] == pytest.approx(half_up(int(values.sum()), len(values)) / 100)


@settings(UNHURRIED)
@given(st.integers(1, 2000), st.integers(0, 100), st.integers(3, 400))
def test_the_funnels_limits_are_a_normal_distributions(of: int, percent: int, pupils: int) -> None:
    met = of * percent // 100
    p = met / of
    half = sqrt(p * (1 - p) / pupils)
    wanted = [min(1, max(0, p + side * z * half)) for z in (1.96, 3.09) for side in (-1, 1)]
    assert [limit / 1000 for limit in funnel(met, of, pupils)] == pytest.approx(wanted, abs=0.0011)


def test_a_school_is_told_to_lie_outside_by_its_size() -> None:
    world = {
        **{f"2011{at:03}": cohort(30, at) for at in range(40)},
        OWN[0]: [*all_of(10, "EXS", 100), *all_of(1, "WTS", 90)],
    }
    world |= {OWN[1]: all_of(60, "WTS", 90), OWN[2]: cohort(30, 3)}
    told = trust_figures(trust_input(world, OWN[:3], dict.fromkeys(OWN[:3], "A"))).cohorts[0].funnel
    assert told is not None
    assert told.of_all
    everybody = frame_of(world)["combined"].dropna()
    rate = half_up(int(everybody.sum()), len(everybody))
    assert (told.rate.count, told.rate.of) == (rate, 100)
    spread = sqrt(rate * (100 - rate)) / 100
    for point in told.points:
        share = point.share.count / point.share.of
        away = abs(share - rate / 100) / (spread / sqrt(point.share.of))
        assert point.beyond == (998 if away > 3.09 else 95 if away > 1.96 else 0)
    assert [point.beyond for point in told.points] == [95, 998, 0]


def test_the_same_input_gives_the_same_bytes() -> None:
    trusts = dict.fromkeys(OWN, "A")
    for make in (build_trust_pdf, build_trust_workbook):
        assert make(trust_input(FULL, OWN, trusts)) == make(trust_input(FULL, OWN, trusts))
    for build in (build_summary_pdf, build_summary_workbook):
        assert build(summary_input(FULL, trusts)) == build(summary_input(FULL, trusts))


# The attack.


class Season(NamedTuple):
    """Schools with their pupils, and the trust of each that is in one."""

    world: World
    trusts: dict[str, str]

    def beside(self, school: str) -> set[str]:
        """The schools of the organisation of a school."""
        trust = self.trusts.get(school)
        return {other for other in self.world if trust and self.trusts.get(other) == trust} | {school}


@st.composite
def seasons(draw: st.DrawFn) -> Season:
    """Schools in four authorities, of which some are of trusts; one trust may hold nearly all."""
    numbers = [draw(st.sampled_from([0, 1, 4, 9, 12, 16, 24])) for _ in range(4)]
    places = [place for place, number in zip(("201", "302", "865", "919"), numbers, strict=True) for _ in range(number)]
    places = places or ["201"]
    count = len(places)
    some = draw(st.sampled_from([[30, 31, 33], [30, 30, 30, 45, 60, 250], [0, 1, 5, 10, 11, 30, 60]]))
    sizes = draw(st.lists(st.sampled_from(some), min_size=count, max_size=count))
    world = {
        f"{place}{1000 + at}": pupils_of(size, draw(st.integers(0, 20)), rare=False)
        for at, (size, place) in enumerate(zip(sizes, places, strict=True))
    }
    kinds = draw(st.sampled_from([["", "", "A", "B"], ["A", "A", "A", "A", "B", ""], [""]]))
    drawn = draw(st.lists(st.sampled_from(kinds), min_size=count, max_size=count))
    return Season(world, {school: kind for school, kind in zip(world, drawn, strict=True) if kind})


def tally(frame: pd.DataFrame, measure: str) -> dict[str, tuple[int, int]]:
    """By school how many of its pupils reached a measure, of how many."""
    told = frame[["school", measure]].dropna().astype({measure: int}).groupby("school")[measure].agg(["sum", "count"])
    return {str(school): (int(row["sum"]), int(row["count"])) for school, row in told.iterrows()}


def is_of_many(outside: Mapping[str, tuple[int, int]]) -> bool:
    """Whether what is learnt of these schools together is of nobody, or of many children of many schools."""
    of = sum(of for _, of in outside.values())
    return of == 0 or (sum(n > 0 for _, n in outside.values()) >= 10 and of >= 150)


@settings(UNHURRIED, max_examples=examples(10))
@given(seasons(), st.data())
def test_the_summary_tells_nobody_of_few_children(season: Season, data: st.DataObject) -> None:
    """Whoever reads it, with all that they know of their own pupils, and the figures of their own school's report."""
    reader = data.draw(st.sampled_from(sorted(season.world)))
    own, frame = season.beside(reader), frame_of(season.world)
    report = summary_input(season.world, season.trusts)
    _, [told] = summary_figures(report)
    summary = summarise(KS1, season.world[reader])
    theirs = school_figures(KS1, summary, Beside(report.national, reader, summary)).cohorts[0].all.standings
    for rate in told.rates:
        counts = tally(frame, rate.measure)
        outside = {school: count for school, count in counts.items() if school not in own}
        whole = (sum(m for m, _ in counts.values()), sum(n for _, n in counts.values()))
        if rate.percent is not None:
            low, high = possible(rate.percent, whole[1])
            assert low <= whole[0] <= high
            assert is_of_many(outside)
            if rate.measure in theirs:
                assert theirs[rate.measure].percent == rate.percent  # no second rounding of the same
        if rate.measure.endswith("/higher"):
            continue
        rates = {a: r.get(("", rate.measure)) for a, r in report.counted.rates.items()}
        shown = {authority for authority, found in rates.items() if isinstance(found, int)}
        for authority in shown:
            there = {school: count for school, count in counts.items() if school[:3] == authority}
            low, high = possible(int(rates[authority] or 0), sum(n for _, n in there.values()))
            assert low <= sum(m for m, _ in there.values()) <= high
            assert is_of_many({school: count for school, count in there.items() if school not in own})
        if shown:  # what is left of all schools when the authorities that are shown are taken away
            left = {school: count for school, count in outside.items() if school[:3] not in shown}
            mine = [n for school, (_, n) in counts.items() if school in own and school[:3] not in shown]
            assert is_of_many(left) or (not any(n for _, n in left.values()) and not mine), (rate.measure, rates)
        bins = report.counted.histograms.get(("", rate.measure))
        if bins:
            assert sum(bins) == sum(n >= 11 for _, n in counts.values())
            assert sum(n >= 11 for _, n in outside.values()) >= 10


@settings(UNHURRIED, max_examples=examples(10))
@given(seasons(), st.sampled_from("AB"))
def test_a_trusts_report_tells_no_school_of_few_pupils_and_nothing_of_few_other_schools(
    season: Season, trust: str
) -> None:
    """Whoever has it beside the reports of the trust's schools and the summary: what is not shown is in no sum."""
    own = [school for school, of in season.trusts.items() if of == trust]
    frame = frame_of(season.world)
    figures: TrustFigures = trust_figures(trust_input(season.world, own, season.trusts, trust))
    [told] = figures.cohorts
    for each in told.together:
        counts = tally(frame, each.measure)
        shown = [row.lines[each.measure].share for row in told.rows if each.measure in row.lines]
        assert all(share.of >= 11 for share in shown)
        assert (each.share.count, each.share.of) == (sum(s.count for s in shown), sum(s.of for s in shown))
        few = {row.school for row in told.rows if each.measure in row.few}
        assert few == {school for school in own if 0 < counts.get(school, (0, 0))[1] < 11}
        if each.percent is not None:
            assert is_of_many({school: count for school, count in counts.items() if school not in own})
        for row in told.rows:
            line = row.lines.get(each.measure)
            if line and line.standing:
                assert line.standing.percent == each.percent


def test_an_authority_is_hidden_too_where_those_that_are_hidden_come_out_of_it() -> None:
    """30, 14 and 12 schools bear being told; of 6 and 3 nothing is, and the 12 less would leave nine schools."""
    numbers = {"302": 30, "201": 14, "919": 12, "865": 6, "123": 3}
    world = {f"{place}1{at:03}": cohort(36, at) for place, number in numbers.items() for at in range(number)}
    told = summary_input(world, {}).counted.rates
    assert {place: rates["", "ta_maths"] for place, rates in told.items() if place not in ("302", "201")} == {
        "919": Why.SUBTRACTION,
        "865": Why.FEW_SCHOOLS,
        "123": Why.FEW_SCHOOLS,
    }
    assert all(isinstance(told[place]["", "ta_maths"], int) for place in ("302", "201"))


def test_ten_schools_remain_of_an_authority_and_of_all_whoever_takes_their_own_away() -> None:
    """A trust has 6 of an authority's 15 schools, and less than half of its pupils."""
    one = {f"2011{at:03}": cohort(36, at) for at in range(15)}
    trusts = dict.fromkeys(list(one)[:6], "A")
    _, [told] = summary_figures(summary_input(one, trusts))
    assert {(rate.percent, rate.histogram) for rate in told.rates} == {(None, None)}
    both = one | {f"3021{at:03}": cohort(36, at) for at in range(30)}
    report = summary_input(both, trusts)
    assert report.counted.rates["201"]["", "ta_maths"] is Why.FEW_OUTSIDE
    assert report.counted.rates["302"]["", "ta_maths"] is Why.SUBTRACTION  # all schools less these are those
    _, [told] = summary_figures(report)
    assert all(rate.percent is not None for rate in told.rates)
    assert isinstance(summary_input(both, {}).counted.rates["201"]["", "ta_maths"], int)


def test_a_trust_that_holds_all_schools_but_one_learns_nothing_from_either() -> None:
    world = {f"2011{at:03}": cohort(30, at) for at in range(40)}
    trusts = dict.fromkeys(list(world)[:-1], "A")
    told = trust_figures(trust_input(world, list(trusts), trusts))
    assert not told.has_others
    assert all(each.percent is None for each in told.cohorts[0].together)
    assert not any(line.standing for row in told.cohorts[0].rows for line in row.lines.values())
    report = summary_input(world, trusts)
    _, [summary] = summary_figures(report)
    assert all(rate.percent is None and rate.histogram is None for rate in summary.rates)
    assert {rate for told_of in report.counted.rates.values() for rate in told_of.values()} <= set(Why)
    seen = str(summary_view(report)["cohorts"])
    assert "%" not in seen.replace("0%", "")


def test_a_trust_that_took_over_schools_since_the_freeze_is_asked_with_them() -> None:
    """At the freeze it had 12 of 32 schools; today it has 26, and knows their pupils."""
    world = {f"2011{at:03}": cohort(30, at) for at in range(32)}
    schools = list(world)
    trusts = dict.fromkeys(schools[:12], "A")
    assert trust_figures(trust_input(world, schools[:12], trusts)).has_others
    assert not trust_figures(trust_input(world, schools[:26], trusts)).has_others  # six remain outside
    large = {**world, **{school: cohort(250, 7) for school in schools[12:15]}}
    assert not trust_figures(trust_input(large, schools[:15], trusts)).has_others  # more than half of the pupils


def test_an_authority_whose_file_went_before_it_was_counted_is_not_told() -> None:
    world = {f"{place}1{at:03}": cohort(30, at) for place in ("201", "302", "865") for at in range(15)}
    files = [(school, summarise(KS1, pupils)) for school, pupils in world.items()]
    seen = nation(world, {})
    told = count_once(KS1, [(s, None if s == "2011000" else summary) for s, summary in files], seen, {})
    assert set(told.rates["201"].values()) == {Why.NOT_COUNTED}
    assert all(isinstance(rate, int) for rate in told.rates["302"].values())
