"""Results and reports for the tests of summary, figures and reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cache
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from early_results.reporting.figures import Beside, ReportInput, school_figures
from early_results.reporting.summary import EMPTY, summarise
from early_results.reporting.taking import National, national
from early_results.results import Pupil, PupilResults
from early_results.service import Service, load_service

KS1 = load_service("ks1-2023")
SCHOOL = "1231234"

# A busy machine is not a bug: no test here fails for being slow.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


# Made once: a strategy is checked whenever it is made, which takes longer than drawing from it.
_BORN = st.none() | st.dates(date(2014, 1, 1), date(2016, 12, 31))
_GENDERS = st.sampled_from(["Male", "Female", "M", " f ", "", "Not specified"])
_CODES = {column.key: st.sampled_from([None, *column.codes]) for column in KS1.assessments}
_SCORES = {column.key: st.none() | st.integers(column.minimum, column.maximum) for column in KS1.scores}


def _result(
    born: date | None, gender: str, codes: dict[str, str | None], scores: dict[str, int | None]
) -> PupilResults:
    return PupilResults(
        Pupil(SCHOOL, "P0", "", "", gender, born, "2"),
        2,
        {key: code for key, code in codes.items() if code is not None},
        {key: score for key, score in scores.items() if score is not None},
    )


# Any one pupil's checked results, blanks and unknown identity among them.
pupils_results = st.builds(_result, _BORN, _GENDERS, st.fixed_dictionaries(_CODES), st.fixed_dictionaries(_SCORES))


def cohorts(most: int = 12) -> st.SearchStrategy[list[PupilResults]]:
    return st.lists(pupils_results, max_size=most)


def cohort(size: int, seed: int) -> list[PupilResults]:
    """A likely cohort: the same for the same seed."""
    random = Random(seed)  # noqa: S311
    made = []
    for number in range(size):
        ability = random.gauss(0, 1)
        assessments = {
            column.key: column.codes[min(len(column.codes) - 1, max(0, round(1 - ability + random.gauss(0, 0.4))))]
            for column in KS1.assessments
            if random.random() > 0.03
        }
        scores = {
            column.key: max(column.minimum, min(column.maximum, round(102 + 7 * ability)))
            for column in KS1.scores
            if random.random() > 0.05
        }
        born = date(2014 + (number % 12 < 8), 1 + (number + 8) % 12, 1 + number % 28)
        pupil = Pupil(SCHOOL, f"P{number}", "", "", random.choice(["Male", "Female"]), born, "2")
        made.append(PupilResults(pupil, number + 2, assessments, scores))
    return made


def report_of(
    results: Sequence[PupilResults],
    nation: National | None = None,
    *,
    name: str = "St Mary's",
    carried: int | None = None,
) -> ReportInput:
    return report_for(KS1, results, nation, name=name, carried=carried)


def report_for(
    service: Service,
    results: Sequence[PupilResults],
    nation: National | None = None,
    *,
    name: str = "St Mary's",
    carried: int | None = None,
) -> ReportInput:
    window = service.windows[0]
    return ReportInput(
        service=service,
        school=SCHOOL,
        school_name=name,
        window=window.number,
        closes=window.closes,
        reports=window.reports,
        upload_id="01H3Z4F5QJ6K7M8N9P0QRSTVWX",
        received=datetime(2023, 6, 28, 13, 3, 22, tzinfo=UTC),
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        carried_from=carried,
        figures=school_figures(service, summarise(service, results), beside(nation)),
        pupils=tuple(results),
    )


def beside(nation: National | None) -> Beside | None:
    """All schools, as a school sees them that is in no trust, and whose own file is not among theirs."""
    return Beside(nation, SCHOOL, EMPTY) if nation else None


@cache
def nation_of(schools: int, service: Service = KS1) -> National:
    """So many schools of 30 pupils, each in no trust: from eleven on, most figures of theirs may be shown."""
    return national(service, ((f"900{seed:04}", summarise(service, cohort(30, seed))) for seed in range(schools)), {})


def _unknown() -> list[PupilResults]:
    return [r._replace(pupil=r.pupil._replace(gender="", birth_date=None)) for r in cohort(3, 7)]


# The schools that break reports: none, blank, tiny, large, unknown identity, names that look like code.
ODD: dict[str, Callable[[], ReportInput]] = {
    "none": lambda: report_of([], nation_of(45)),
    "none-nor-nation": lambda: report_of([], None),
    "blank": lambda: report_of([r._replace(assessments={}, scores={}) for r in cohort(4, 8)], nation_of(45), name=""),
    "one": lambda: report_of(cohort(1, 3), None),
    "unknown": lambda: report_of(_unknown(), nation_of(45)),
    "mixed": lambda: report_of(
        [*_unknown(), *cohort(5, 2)], nation_of(45), carried=1, name="The " + "Very " * 40 + "Long Name"
    ),
    "large": lambda: report_of(cohort(1100, 4), nation_of(45)),
    "markup": lambda: report_of(
        cohort(8, 5), nation_of(45), name='=1+1 #panic() $x$ *b* _i_ <label> @ref [c] `d` \\ // /* "q"'
    ),
    "unprintable": lambda: report_of(
        cohort(8, 6), nation_of(45), name="Tŷ Ŵyl 日本 \U0001f600 \u0000\u0007\ufffe\ue000\n\u202eabc"
    ),
}
