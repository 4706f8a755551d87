"""Schools' own figures on the API: by role, from the day of the reports on, recounted by pandas from the workbooks."""

from __future__ import annotations

import io
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pandas as pd
import pytest

from early_results.reporting.counts import counted_groups, long_csv
from early_results.reporting.summary import summarise
from early_results.results import Pupil, PupilResults
from early_results.service import load_service, service_names
from portal import figures, problems
from portal.figures import figures_csv, figures_json, find_figures
from portal.requests import FiguresQuery
from tests.unit.checking.school_files import SERVICE

from .season import CLOSES, ENDS, NAME, RESULTS, SCHOOLS, TRUST, Season

HEADINGS = {column.heading: column.key for column in SERVICE.columns}
MET = {code.code for code in SERVICE.codes if code.met}
HIGHER = {code.code for code in SERVICE.codes if code.higher}


def told(played: Season, organisation: str, number: int = 1, **query: Any) -> dict[str, Any]:
    window, page = find_figures(
        played.stores, played.user(organisation), SERVICE, str(number), FiguresQuery(**query), played.now
    )
    return dict(figures_json(SERVICE, window, page))


def schools_of(answer: dict[str, Any]) -> list[str]:
    return [one["school"] for one in answer["schools"]]


def frozen(played: Season) -> dict[str, str]:
    uploads = {school: played.upload(school, RESULTS[at % 2]) for at, school in enumerate(SCHOOLS)}
    played.now = CLOSES + timedelta(minutes=5)
    played.freeze()
    return uploads


def sheet(played: Season, upload: str) -> pd.DataFrame:
    [version] = played.stores.uploads.versions(f"uploads/{NAME}/{upload}/file.xlsx")
    data = played.stores.uploads.get(version.key, version.version)
    return pd.read_excel(io.BytesIO(data), engine="openpyxl", dtype=object).rename(columns=HEADINGS)


def test_who_sees_whose(played: Season) -> None:
    frozen(played)
    assert schools_of(told(played, f"SCHOOL#{SCHOOLS[0]}")) == [SCHOOLS[0]]
    assert schools_of(told(played, f"TRUST#{TRUST}")) == list(SCHOOLS[:2])
    assert schools_of(told(played, f"TRUST#{TRUST}", cursor=SCHOOLS[0])) == [SCHOOLS[1]]
    assert schools_of(told(played, "OPERATOR")) == list(SCHOOLS)
    assert schools_of(told(played, "OPERATOR", school=SCHOOLS[2])) == [SCHOOLS[2]]
    with pytest.raises(problems.Problem) as refused:
        told(played, f"SCHOOL#{SCHOOLS[0]}", school=SCHOOLS[2])
    assert refused.value.status is HTTPStatus.FORBIDDEN


def test_not_before_the_freeze_nor_before_the_day_of_the_reports(played: Season) -> None:
    with pytest.raises(problems.Problem) as early:
        told(played, "OPERATOR")
    assert early.value.document()["detail"] == "This window is not frozen yet, so there are no figures."
    frozen(played)
    played.now = CLOSES - timedelta(days=1)  # as if reports came out a day later
    with pytest.raises(problems.Problem) as unpublished:
        told(played, f"SCHOOL#{SCHOOLS[0]}")
    assert str(unpublished.value.document()["detail"]).startswith("Reports of this window are available from ")
    assert schools_of(told(played, "OPERATOR")) == list(SCHOOLS)


def test_a_page_and_the_one_after(played: Season, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen(played)
    monkeypatch.setattr(figures, "MOST_FIGURES", 2)
    first = told(played, "OPERATOR")
    assert (schools_of(first), first["cursor"]) == (list(SCHOOLS[:2]), SCHOOLS[1])
    last = told(played, "OPERATOR", cursor=first["cursor"])
    assert (schools_of(last), last["cursor"]) == ([SCHOOLS[2]], None)


def test_what_is_carried_and_what_is_deleted(played: Season) -> None:
    uploads = frozen(played)
    played.now = ENDS + timedelta(minutes=5)
    played.freeze()
    [one] = told(played, "OPERATOR", 2, school=SCHOOLS[0])["schools"]
    assert (one["upload_id"], one["carried_from"]) == (uploads[SCHOOLS[0]], 1)
    played.delete(f"SCHOOL#{SCHOOLS[0]}", uploads[SCHOOLS[0]])
    for number in (1, 2):
        assert told(played, "OPERATOR", number, school=SCHOOLS[0])["schools"] == []


def test_the_numbers_are_those_of_the_workbook(played: Season) -> None:
    uploads = frozen(played)
    window, page = find_figures(
        played.stores, played.user(f"TRUST#{TRUST}"), SERVICE, "1", FiguresQuery(format="csv"), played.now
    )
    long = pd.read_csv(io.StringIO(figures_csv(SERVICE, window, page.schools)), dtype=str, keep_default_na=False)
    long["pupils"] = long["pupils"].astype(int)
    assert set(long["school"]) == set(SCHOOLS[:2])
    for school in SCHOOLS[:2]:
        pupils = sheet(played, uploads[school])
        for group, those in (("all", pupils), ("female", pupils[pupils["gender"] == "Female"])):
            mine = long[(long["school"] == school) & (long["group"] == group)]
            numbers = mine.set_index(["measure", "key", "value"])["pupils"].to_dict()
            assert numbers["pupils", "", ""] == len(those)
            for column in SERVICE.results:
                found = those[column.key].dropna()
                assert numbers["cohort", column.key, ""] == len(found)
                if column.kind == "code":
                    assert numbers["expected", column.key, ""] == found.isin(MET).sum()
                    assert numbers.get(("higher", column.key, ""), 0) == found.isin(HIGHER).sum()
                else:
                    assert numbers["expected", column.key, ""] == (found >= 100).sum()
                    assert numbers["higher", column.key, ""] == (found >= 110).sum()
                for value, count in found.astype(str).value_counts().items():
                    assert numbers["result", column.key, value] == count
            parts = those[["ta_reading", "ta_writing", "ta_maths"]]
            assert numbers["expected", "combined", ""] == parts.isin(MET).all(axis=1).sum()
            assert numbers["higher", "combined", ""] == parts.isin(HIGHER).all(axis=1).sum()


def test_few_pupils_are_for_their_school_and_trust_alone(played: Season) -> None:
    frozen(played)
    own = told(played, f"SCHOOL#{SCHOOLS[0]}")["schools"][0]
    assert own["hidden"] == []
    assert {group["group"] for group in own["groups"]} >= {"all", "female", "male"}
    operators = told(played, "OPERATOR", school=SCHOOLS[0])["schools"][0]
    assert operators["hidden"] == ["gender", "term"]  # four pupils: every group is small
    assert [group["group"] for group in operators["groups"]] == ["all"]


@pytest.mark.parametrize("girls", [0, 10, 11, 30])
def test_a_parting_with_a_small_group_is_hidden_whole(girls: int) -> None:
    results = [
        PupilResults(Pupil("1231234", f"P{n}", "", "", "F" if n < girls else "M", None, "2"), n, {}, {})
        for n in range(30)
    ]
    groups, hidden = counted_groups(SERVICE, summarise(SERVICE, results), small=False)
    assert hidden == (["gender"] if girls == 10 else [])
    shown = {group.group for group in groups}
    assert shown >= {"all", "term-unknown"}
    assert ({"female", "male"} & shown == set()) is (girls == 10)


@pytest.mark.parametrize("name", service_names())
def test_codes_and_numbers_of_every_service_are_counted_by_its_file(name: str) -> None:
    """Each pupil has one code or number in every column; then the last of the codes, then the greatest number."""
    service = load_service(name)
    results = []
    for at in range(40):
        codes, numbers = {}, {}
        for column in service.results:
            if column.codes and (at % 2 or not column.has_numbers):
                codes[column.key] = column.codes[at // 2 % len(column.codes)]
            else:
                numbers[column.key] = column.minimum + at % (column.maximum - column.minimum + 1)
        results.append(PupilResults(Pupil("1231234", f"P{at}", "", "", "F", None, "1"), at, codes, numbers))
    groups, _ = counted_groups(service, summarise(service, results), small=True)
    of_all = [group for group in groups if group.group == "all"]
    assert sum(group.pupils for group in of_all) == 40
    for column in service.results:
        codes_of = [result.assessments[column.key] for result in results if column.key in result.assessments]
        scores = [result.scores[column.key] for result in results if column.key in result.scores]
        counted = [service.code(code) for code in codes_of]
        found = [group.columns[column.key] for group in of_all]
        assert sum(one.cohort for one in found) == sum(code.counted for code in counted) + len(scores)
        if found[0].expected is not None:
            reached = sum(column.expected is not None and score >= column.expected for score in scores)
            assert sum(one.expected or 0 for one in found) == sum(code.met for code in counted) + reached
        if found[0].higher is not None:
            high = sum(column.higher is not None and score >= column.higher for score in scores)
            assert sum(one.higher or 0 for one in found) == sum(code.higher for code in counted) + high
        assert sum(sum((one.counts or {}).values()) for one in found) == 40
    text = long_csv([(("x",) * 8, groups)])
    assert len(text.splitlines()) > 10
