"""Every figure, counted again from the pupils by another road."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from early_results.reporting.figures import (
    Block,
    Mean,
    Share,
    measures,
    plain,
    school_figures,
    words,
)
from early_results.reporting.summary import EMPTY, BadSummary, gender_of, summarise, term_of
from early_results.reporting.taking import National, national
from early_results.results import PupilResults
from early_results.times import day_words, second_words
from tests.unit.reporting.report_samples import KS1, UNHURRIED, beside, cohort, cohorts, nation_of, report_of


def rounded(exact: Fraction, step: str) -> Decimal:
    """Half up by Decimal, which is not how the figures do it."""
    # 60 digits tell a tie from what is nearly one: denominators here are far below 10**25.
    digits = Decimal(exact.numerator * 10**60 // exact.denominator).scaleb(-60)
    return digits.quantize(Decimal(step), ROUND_HALF_UP)


def check(share: Share, having: list[bool]) -> None:
    assert (share.count, share.of) == (sum(having), len(having))
    assert share.percent == (int(rounded(Fraction(100 * sum(having), len(having)), "1")) if having else None)


def recount(block: Block, pupils: list[PupilResults]) -> None:
    """Asserts every figure of the block against the pupils themselves."""
    assert block.pupils == len(pupils)
    met, higher = {"GDS", "EXS"}, {"GDS"}
    for figure, column in zip(block.assessments, KS1.assessments, strict=True):
        codes = [p.assessments[column.key] for p in pupils if column.key in p.assessments]
        assert figure.assessed == len(codes)
        assert figure.blank == len(pupils) - len(codes)
        check(figure.expected, [code in met for code in codes])
        if column.subject == "science":
            assert figure.higher is None
        else:
            assert figure.higher is not None
            check(figure.higher, [code in higher for code in codes])
        assert [row.code for row in figure.codes] == list(column.codes)
        for row in figure.codes:
            check(row.share, [code == row.code for code in codes])
    three = ("ta_reading", "ta_writing", "ta_maths")
    complete = [p for p in pupils if all(key in p.assessments for key in three)]
    assert block.combined[0].assessed == len(complete)
    check(block.combined[0].expected, [all(p.assessments[key] in met for key in three) for p in complete])
    assert block.combined[0].higher is not None
    check(block.combined[0].higher, [all(p.assessments[key] in higher for key in three) for p in complete])
    for tests, column in zip(block.scores, KS1.scores, strict=True):
        scores = [p.scores[column.key] for p in pupils if column.key in p.scores]
        assert (tests.number, tests.blank) == (len(scores), len(pupils) - len(scores))
        mean = tests.mean.tenths
        assert mean == (int(rounded(Fraction(sum(scores), len(scores)), "0.1") * 10) if scores else None)
        assert tests.expected is not None
        assert tests.high is not None
        check(tests.expected, [score >= 100 for score in scores])
        check(tests.high, [score >= 110 for score in scores])
        assert [row.score for row in tests.distribution] == list(range(85, 116))
        for bar in tests.distribution:
            check(bar.share, [score == bar.score for score in scores])
    assert [crossing.subject for crossing in block.crossings] == ["reading", "maths"]
    for crossing in block.crossings:
        cells = [
            (p.assessments.get(f"ta_{crossing.subject}", ""), p.scores.get(f"ss_{crossing.subject}")) for p in pupils
        ]
        cells = [cell for cell in cells if cell != ("", None)]
        for line in crossing.rows:
            mine = [score for code, score in cells if code == line.code]
            assert line.counts == (
                sum(s is not None and s < 100 for s in mine),
                sum(s is not None and 100 <= s < 110 for s in mine),
                sum(s is not None and s >= 110 for s in mine),
                mine.count(None),
            )
            assert line.total == len(mine)
        assert crossing.total == sum(crossing.totals) == len(cells)


@UNHURRIED
@given(cohorts())
def test_every_figure_of_every_group_is_what_counting_the_pupils_gives(ours: list[PupilResults]) -> None:
    figures = school_figures(KS1, summarise(KS1, ours))
    for group in figures.cohorts[0].groups:

        def mine(pupils: list[PupilResults], key: str = group.key) -> list[PupilResults]:
            return [p for p in pupils if key in ("all", gender_of(p.pupil.gender), term_of(p.pupil.birth_date))]

        recount(group.school, mine(ours))
    shown = {group.key for group in figures.cohorts[0].groups}
    for pupil in ours:
        assert {gender_of(pupil.pupil.gender), term_of(pupil.pupil.birth_date)} <= shown


@UNHURRIED
@given(
    st.one_of(st.integers(0, 12), st.integers(0, 2000)).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))
)
def test_percentages_round_half_up_and_never_hide_somebody(counts: tuple[int, int]) -> None:
    share = Share(*counts)
    count, of = counts
    if not of:
        assert (share.percent, share.text) == (None, "\N{EN DASH}")
        return
    assert share.percent == int(rounded(Fraction(100 * count, of), "1"))
    assert (share.shown == "0%") is (count == 0)
    assert (share.shown == "100%") is (count == of)
    assert (f"({count} of {of})" in share.text) is (of < 6)


def test_rounding_by_example() -> None:
    assert [Share(*pair).text for pair in ((1, 8), (3, 8), (2, 3), (3, 5), (3, 6), (1, 400), (399, 400), (0, 9))] == [
        "13%",
        "38%",
        "67% (2 of 3)",
        "60% (3 of 5)",
        "50%",
        "<1%",
        ">99%",
        "0%",
    ]
    assert [Mean(*pair).text for pair in ((405, 4), (1013, 10), (100, 1), (0, 0))] == [
        "101.3",
        "101.3",
        "100.0",
        "\N{EN DASH}",
    ]


def test_equal_figures_have_equal_hashes_and_others_not() -> None:
    nation = nation_of(12)
    one = school_figures(KS1, summarise(KS1, cohort(30, 1)), beside(nation))
    assert one.sha256 == school_figures(KS1, summarise(KS1, cohort(30, 1)[::-1]), beside(nation)).sha256
    assert one.sha256 != school_figures(KS1, summarise(KS1, cohort(30, 2)), beside(nation)).sha256
    assert one.sha256 != school_figures(KS1, summarise(KS1, cohort(30, 1)), beside(nation_of(13))).sha256
    assert one.others_sha256 == nation.sha256 == National.from_json(nation.to_json()).sha256


def test_figures_of_another_service_are_refused() -> None:
    ours = summarise(KS1, cohort(3, 1))
    other = replace(ours, service="ks1-2024")
    with pytest.raises(ValueError, match="ks1-2024"):
        school_figures(KS1, other)
    with pytest.raises(ValueError, match="ks1-2024"):
        school_figures(KS1, ours, beside(National(other, 1)))
    with pytest.raises(BadSummary):
        national(KS1, [("1", ours), ("2", other)], {})


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"schools": 1},
        {"schools": "1", "summary": EMPTY.to_json()},
        {"schools": -1, "summary": EMPTY.to_json()},
    ],
)
def test_national_figures_that_were_spoilt_refuse_to_load(data: object) -> None:
    with pytest.raises(BadSummary):
        National.from_json(data)


def test_a_school_with_nothing_and_a_nation_of_nobody() -> None:
    figures = school_figures(KS1, EMPTY, beside(national(KS1, [], {})))
    assert figures.cohorts[0].all.school.pupils == 0
    assert (figures.others_pupils, figures.others_schools, figures.others_sha256) == (None, None, None)
    assert all(
        line.school[0] == 0 or "\N{EN DASH}" in getattr(line.school[0], "text", "")
        for line in measures(KS1.words, figures.cohorts[0])
    )


def test_measures_have_a_figure_for_every_group() -> None:
    figures = school_figures(KS1, summarise(KS1, cohort(40, 1)), beside(nation_of(45)))
    lines = measures(KS1.words, figures.cohorts[0])
    assert len({(line.section, line.name) for line in lines}) == len(lines) == 1 + 5 + 4 + 3 * 3
    assert all(len(line.school) == len(figures.cohorts[0].groups) for line in lines)
    assert all(len(line.others) == len(line.school) for line in lines[1:])
    assert lines[0].others == ()
    assert lines[5].school[0] == figures.cohorts[0].all.school.combined[0].expected
    assert lines[9].school[1] == figures.cohorts[0].groups[1].school.combined[0].higher


def test_the_words_say_which_file_and_when() -> None:
    said = words(report_of(cohort(3, 1), nation_of(12), carried=None))
    facts = dict(said.facts)
    assert facts["School number"] == "1231234 (local authority 123)"
    assert facts["Submission window"] == "1, closed Friday 30 June 2023 at 12 noon"
    assert facts["Received"] == "Wednesday 28 June 2023 at 14:03:22"
    assert facts["File"] == "Reference P0QRS-TVWXD, SHA-256 9f86d081884c…"
    assert facts["Year 2 pupils in the file"] == "3"
    assert "statutory KS1 return" in said.notice
    figures = report_of(cohort(3, 1), nation_of(12)).figures
    assert figures.figures_sha256 == summarise(KS1, cohort(3, 1)).sha256
    for trace in ("ks1-2023.1", figures.figures_sha256[:12], str(figures.others_sha256)[:12], report_of([]).sha256):
        assert trace in said.provenance
    assert "Carried forward" not in facts
    carried = dict(words(replace(report_of([]), window=2, carried_from=1)).facts)
    assert carried["Carried forward"] == "No successful file was received in window 2: this is the file of window 1."


def test_days_and_moments() -> None:
    assert day_words(date(2023, 7, 7)) == "Friday 7 July 2023"
    assert second_words(datetime(2023, 1, 5, 12, 0, tzinfo=UTC)) == "Thursday 5 January 2023 at 12 noon"
    assert second_words(datetime(2023, 6, 30, 10, 59, 59, tzinfo=UTC)) == "Friday 30 June 2023 at 11:59:59"


@UNHURRIED
@given(st.text())
def test_plain_text_is_one_line_without_control_characters(text: str) -> None:
    shown = plain(text)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in shown)
    assert plain("St\n Mary's\t\x00") == "St Mary's"
