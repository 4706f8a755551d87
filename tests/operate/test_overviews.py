"""The reports of many schools' files, over a season: built after the freeze, and again whenever what counts changes."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from adapters import report_pdf
from early_results import keys
from early_results.canonical import sha256
from early_results.object_keys import overview_folder
from early_results.writes import Put
from infra.operator import operating, seasons
from portal import overviews as portal
from portal.problems import Problem
from portal.requests import OverviewsQuery
from tests.unit.checking.school_files import SERVICE
from workflow import build_overviews as building
from workflow.build_overviews import Told, build_overviews

from .season import CLOSES, ENDS, NAME, RESULTS, SCHOOLS, TRUST, Season, season

OF_TRUST = f"TRUST#{TRUST}"


def run(played: Season, seconds: float = 300) -> Told:
    return build_overviews(played.stores, SERVICE, lambda: seconds)


def told(played: Season, whose: str = OF_TRUST) -> dict[str, Any] | None:
    """What somebody is told of their report of window 1."""
    query = OverviewsQuery(service=NAME, window="1")
    found = portal.list_overviews(played.stores, played.user(whose), query, played.now)["overviews"]
    assert len(found) <= 1
    return dict(found[0]) if found else None


def state(played: Season, whose: str = OF_TRUST) -> str | None:
    found = told(played, whose)
    return found["state"] if found else None


def fetched(played: Season, whose: str = OF_TRUST) -> str:
    """Where the link leads that somebody is given, or why there is none."""
    played.stores.results.link = lambda key, **_: key  # type: ignore[method-assign]  # a bucket in memory signs nothing
    try:
        return portal.overview_link(played.stores, played.user(whose), SERVICE, "1", "pdf", played.now)["url"]
    except Problem as refused:
        return refused.detail


def objects(played: Season, whose: str = "/trusts/") -> dict[str, bytes]:
    bucket = played.stores.results
    return {at.key: bucket.get(at.key) for at in bucket.list(overview_folder(NAME)) if whose in at.key}


def frozen(played: Season) -> dict[str, str]:
    """A season with a file of each school, frozen, on the day of its reports. Gives the uploads by school."""
    uploads = {school: played.upload(school, RESULTS[at % 2]) for at, school in enumerate(SCHOOLS)}
    played.now = CLOSES + timedelta(minutes=5)
    played.freeze()
    return uploads


def test_a_trusts_report_is_built_once_and_again_when_a_file_is_deleted() -> None:
    with season() as played:
        assert run(played) == Told()  # nothing is frozen
        assert "not frozen yet" in fetched(played)
        uploads = frozen(played)
        assert state(played) == "PROCESSING"
        assert "still being built" in fetched(played)
        assert run(played).built == 2
        first = objects(played)
        [(name, pdf), (book, xlsx)] = first.items()
        assert (pdf[:5], xlsx[:2]) == (b"%PDF-", b"PK")
        assert state(played) == "READY"
        assert (told(played) or {})["statement"] == "2 of 2 schools have a file that counts."
        frozen_at, played.now = played.now, CLOSES - timedelta(days=1)
        assert "available from" in fetched(played)  # on the day of the reports, and not before
        played.now = frozen_at
        assert name in fetched(played)
        assert name.removesuffix("pdf") == book.removesuffix("xlsx")
        item = played.stores.table.get(keys.trust_report(NAME, 1, TRUST)) or {}
        assert item["sha256"] == {"pdf": sha256(pdf), "xlsx": sha256(xlsx)}
        assert run(played) == Told()
        assert objects(played) == first

        played.delete(f"SCHOOL#{SCHOOLS[0]}", uploads[SCHOOLS[0]])
        # From this moment on nobody is given the report with the deleted file in it.
        assert state(played) == "PROCESSING"
        assert "still being built" in fetched(played)
        assert run(played).built == 2
        assert (told(played) or {})["statement"] == "1 of 2 schools has a file that counts."
        second = objects(played)
        assert len(second) == 2
        assert not first.keys() & second.keys()
        assert next(iter(second)) in fetched(played)

        played.delete(f"SCHOOL#{SCHOOLS[1]}", uploads[SCHOOLS[1]])
        assert run(played) == Told(built=1)  # the operators' summary
        assert told(played) is None
        assert objects(played) == {}
        assert played.stores.table.get(keys.trust_report(NAME, 1, TRUST)) is None
        assert "No file of your schools" in fetched(played)


def test_a_straggler_that_is_let_in_is_in_the_next_report() -> None:
    with season() as played:
        early = played.upload(SCHOOLS[0])
        late = played.straggler(SCHOOLS[0])
        played.check(late)
        played.offer(late)
        assert run(played).built == 2
        before = played.stores.table.get(keys.trust_report(NAME, 1, TRUST)) or {}
        assert before["schools"] == {SCHOOLS[0]: early, SCHOOLS[1]: ""}
        operating.admit(played.operated, late, "S3 had a bad minute")
        assert state(played) == "PROCESSING"
        assert run(played).built == 2
        after = played.stores.table.get(keys.trust_report(NAME, 1, TRUST)) or {}
        assert after["schools"] == {SCHOOLS[0]: late, SCHOOLS[1]: ""}
        assert after["sha256"] != before["sha256"]
        assert len(objects(played)) == 2


def test_a_school_that_leaves_the_trust_takes_its_figures_along() -> None:
    with season() as played:
        frozen(played)
        run(played)
        assert state(played) == "READY"
        played.later(minutes=1)
        rows = "".join(f"{school},School {school},{TRUST if school == SCHOOLS[0] else ''}\n" for school in SCHOOLS)
        played.extract("rosters/schools.csv", f"School DFE,Name,Trust\n{rows}")
        assert state(played) == "PROCESSING"  # the trust may not read of the other one any more, from now on
        assert run(played).built == 1
        item = played.stores.table.get(keys.trust_report(NAME, 1, TRUST)) or {}
        assert item["schools"].keys() == {SCHOOLS[0]}


def test_who_does_not_act_for_a_trust_has_none_of_it() -> None:
    with season() as played:
        frozen(played)
        run(played)
        assert "/summary/" in fetched(played, "OPERATOR")
        for whose in (f"SCHOOL#{SCHOOLS[0]}", f"SCHOOL#{SCHOOLS[2]}"):
            assert fetched(played, whose).startswith("Reports of many schools are for those who act for a trust")
            with pytest.raises(Problem, match="not-allowed"):
                portal.list_overviews(played.stores, played.user(whose), OverviewsQuery(), played.now)


def test_a_report_that_cannot_be_built_is_told_as_such_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(report: object) -> bytes:
        raise report_pdf.PdfFailed("trust.typ: no")

    with season() as played:
        frozen(played)
        with monkeypatch.context() as patched:
            patched.setattr(report_pdf, "build_trust_pdf", broken)
            done = run(played)
            assert [(whose, type(error)) for whose, error in done.failed] == [(OF_TRUST, report_pdf.PdfFailed)]
            assert state(played) == "FAILED"
            assert "could not be built" in fetched(played)
            assert len(run(played).failed) == 1
        assert run(played).built == 1
        assert state(played) == "READY"


def test_a_newer_template_and_a_lost_record_lead_to_a_new_report(monkeypatch: pytest.MonkeyPatch) -> None:
    with season() as played:
        frozen(played)
        run(played)
        first = objects(played)
        with monkeypatch.context() as patched:
            patched.setattr(building, "_form", lambda: "another")
            assert run(played).built == 2
            assert not objects(played).keys() & first.keys()
        assert run(played).built == 2
        assert objects(played) == first  # the same bytes
        played.stores.table.delete(keys.trust_report(NAME, 1, TRUST))
        played.stores.table.delete(keys.overviews(NAME, 1))
        assert run(played).built == 1
        assert objects(played) == first


def test_a_run_without_time_leaves_the_rest_to_the_next_and_a_rebuild_is_waited_for() -> None:
    with season() as played:
        frozen(played)
        assert run(played, seconds=10).behind == 1
        assert objects(played) == {}
        assert state(played, "OPERATOR") == "READY"  # it comes first
        played.stores.table.write(Put(keys.rebuild(), {"state": "begun"}))
        assert run(played) == Told(behind=1)
        played.stores.table.delete(keys.rebuild())
        assert run(played).built == 1


def test_a_closed_season_keeps_no_report_and_gets_none() -> None:
    with season() as played:
        frozen(played)
        played.build_reports()
        run(played)
        played.now = ENDS + timedelta(minutes=5)
        played.freeze()
        played.build_reports()
        run(played)
        assert (len(objects(played)), len(objects(played, ""))) == (4, 10)
        counted = seasons.close_season(played.operated, SERVICE, "handed over", really=False)
        assert (counted.objects[overview_folder(NAME)], counted.items["records of many schools"]) == (10, 6)
        seasons.close_season(played.operated, SERVICE, "handed over", really=True)
        assert objects(played, "") == {}
        assert run(played) == Told()
        assert objects(played, "") == {}
        kept = {keys.trust_report(NAME, 1, TRUST), keys.operators_summary(NAME, 1), keys.overviews(NAME, 1)}
        assert not kept & set(played.table.items)


def test_the_operators_summary_says_who_took_part_as_it_is_now() -> None:
    with season() as played:
        uploads = frozen(played)
        assert state(played, "OPERATOR") == "PROCESSING"
        run(played)
        assert state(played, "OPERATOR") == "READY"
        counted = objects(played, "counted.json")
        [(_, pdf), (_, xlsx)] = objects(played, "/summary/").items()
        assert (pdf[:5], took_part(xlsx)) == (
            b"%PDF-",
            {"123": "2 2 0 0 0 0", "801": "1 1 0 0 0 0", "All": "3 3 0 0 0 0"},
        )
        played.delete(f"SCHOOL#{SCHOOLS[2]}", uploads[SCHOOLS[2]])
        assert state(played, "OPERATOR") == "PROCESSING"
        run(played)
        assert state(played, "OPERATOR") == "READY"
        [(_, _), (_, again)] = objects(played, "/summary/").items()
        assert took_part(again)["801"] == "1 0 0 0 1 0"
        assert objects(played, "counted.json") == counted  # what is told of authorities does not change with it
        played.now = ENDS + timedelta(minutes=5)
        played.freeze()
        run(played)
        book = next(data for key, data in objects(played, "/2/summary/").items() if key.endswith("xlsx"))
        assert took_part(book)["All"] == "3 0 2 0 0 1"  # two carried forward


def took_part(xlsx: bytes) -> dict[str, str]:
    """By authority: schools, in this window, carried, let in late, deleted, nothing."""
    table = pd.read_excel(io.BytesIO(xlsx), sheet_name="Who took part", header=3, dtype=str, engine="openpyxl")
    return {row[0]: " ".join(row[1:]) for row in table.itertuples(index=False)}
