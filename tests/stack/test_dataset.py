"""The data set through the real doors: frozen, released, deleted from, released anew; recomputed by pandas."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adapters.templates import template_workbook
from early_results.checking.roster import Roster, rosters_csv
from early_results.counting.calendar import Calendar
from early_results.object_keys import counted_key, overview_folder, release_folder
from early_results.results import Pupil
from early_results.service import Window, load_service
from infra.local import demonstration
from infra.local.client import PortalClient
from infra.local.demonstration import fill, pupils_of, results_of
from infra.local.stack import wait_for
from infra.operator.handing import hand_over
from infra.operator.operations import store_calendar
from tests.conftest import Deployed

from .conftest import run_freeze

pytestmark = pytest.mark.stack
# A collection of its own: its only window closes here, whatever the tests beside this one need of theirs.
SERVICE = load_service("mtc-2026")
SCHOOLS = ("1231234", "8012003")


def _workbook(pupils: tuple[Pupil, ...], school: str) -> bytes:
    moment = datetime(2026, 6, 1, 8, tzinfo=UTC)
    template = template_workbook(SERVICE, Roster(school, "test", moment, pupils), moment)
    return fill(template, SERVICE, {pupil.upn: results_of(SERVICE, pupil, 7) for pupil in pupils})


def _pupils_taken_in(person: PortalClient, school: str) -> bool:
    answer = person.request("GET", f"/services/{SERVICE.name}/template", school=school)
    return answer.status == 200


def _release(deployed: Deployed) -> dict[str, Any]:
    """A run of the function beside the schedule's own, and what stands afterwards; {} before the first release."""
    answer = deployed.stack.client("lambda").invoke(
        FunctionName=deployed.stack.outputs["DatasetFunctionName"], Payload=b'{"run": "release"}'
    )
    told = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    name = told[SERVICE.name]["release"]
    if name is None:
        return {}
    found: dict[str, Any] = json.loads(deployed.stores.results.get(f"{release_folder(SERVICE.name, name)}release.json"))
    return found


def _overviews(deployed: Deployed) -> dict[str, int]:
    """A run of the overview function beside the schedule's own."""
    answer = deployed.stack.client("lambda").invoke(
        FunctionName=deployed.stack.outputs["OverviewFunctionName"], Payload=b'{"run": "overview"}'
    )
    told = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    found: dict[str, int] = told[SERVICE.name]
    return found


def _took_part(operator: PortalClient, path: str) -> list[str]:
    """What the operators' summary says of all schools: listed, sent a file, carried, let in late, deleted, nothing."""
    book = operator.follow(path, format="xlsx")
    table = pd.read_excel(io.BytesIO(book), sheet_name="Who took part", header=3, dtype=str, engine="openpyxl")
    return list(table.set_index("Authority").loc["All"])


def object_keys(deployed: Deployed) -> list[str]:
    """What lies there of trusts' reports."""
    return [listed.key for listed in deployed.stores.results.list(overview_folder(SERVICE.name))]


def _objects(deployed: Deployed) -> dict[str, bytes]:
    bucket = deployed.stores.results
    return {listed.key: bucket.get(listed.key) for listed in bucket.list(release_folder(SERVICE.name))}


def _rows(objects: dict[str, bytes]) -> pd.DataFrame:
    frames = [
        pd.read_csv(io.BytesIO(data), compression="gzip", dtype=str, keep_default_na=False)
        for key, data in objects.items()
        if key.endswith("pupils.csv.gz")
    ]
    return pd.concat(frames).sort_values(["school", "upn"], ignore_index=True)


def _recomputed(files: dict[str, bytes]) -> pd.DataFrame:
    """What the rows must say, by pandas from the workbooks that were uploaded."""
    result = SERVICE.results[0]
    frames = []
    for school, data in files.items():
        sheet = pd.read_excel(io.BytesIO(data), engine="openpyxl", sheet_name=SERVICE.sheet, dtype=object, header=None)
        [top] = sheet.index[sheet.eq("UPN").any(axis=1)]
        table = sheet.iloc[top + 1 :].set_axis(sheet.loc[top], axis=1).dropna(subset=["UPN"])
        values = table[result.heading].map(lambda value: "" if pd.isna(value) else str(value))
        frames.append(pd.DataFrame({"school": school, "upn": table["UPN"], "row": table.index + 1, "value": values}))
    return pd.concat(frames).sort_values(["school", "upn"], ignore_index=True)


def _agree(deployed: Deployed, files: dict[str, bytes]) -> None:
    rows, wanted = _rows(_objects(deployed)), _recomputed(files)
    assert list(rows["school"]) == list(wanted["school"])
    assert list(rows["upn"]) == list(wanted["upn"])
    assert list(rows["row"].astype(int)) == list(wanted["row"])
    assert list(rows[SERVICE.results[0].key]) == list(wanted["value"])


def test_a_final_freeze_a_deletion_and_what_each_releases(spare: Deployed, tmp_path: Path) -> None:
    stores = spare.stores
    now = datetime.now(UTC).replace(microsecond=0)
    window = Window(1, now - timedelta(days=1), now + timedelta(hours=1), now.date())
    store_calendar(stores.table, stores.records, Calendar(SERVICE.name, 1, (window,)), "test", "a last window")
    pupils = {school: pupils_of(school, 12, service=SERVICE) for school in SCHOOLS}
    listed = rosters_csv([one for some in pupils.values() for one in some], SERVICE)
    stores.uploads.put(f"rosters/{SERVICE.name}/pupils.csv", listed.encode(), "text/csv")
    people = {school: spare.sign_in(f"SCHOOL#{school}") for school in SCHOOLS}
    for school, person in people.items():
        wait_for("the pupils", lambda p=person, s=school: _pupils_taken_in(p, s), 120)  # type: ignore[misc]
    files = {school: _workbook(pupils[school], school) for school in SCHOOLS}
    uploads = {
        school: person.verdict(person.upload(SERVICE.name, "tables.xlsx", files[school]), 120)
        for school, person in people.items()
    }
    assert {upload["status"] for upload in uploads.values()} == {"SUCCESSFUL"}
    assert _release(spare) == {}

    # The final window closes and is frozen: a release of what it froze.
    # A file fixes the calendar to the end of its second (decision 0040), so the window closes after that.
    closes = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    closed = Calendar(SERVICE.name, 2, (window._replace(closes=closes),))
    store_calendar(stores.table, stores.records, closed, "test", "it closes now")
    first: dict[str, Any] = {}

    def is_released() -> bool:
        run_freeze(spare)
        first.update(_release(spare))
        return bool(first)

    wait_for("the first release", is_released, 120, every=1)
    assert (first["number"], first["rows"], first["replaces"]) == (1, 24, None)
    _agree(spare, files)
    before = _objects(spare)

    # An operator fetches it; the API tells nobody.
    assert "24 pupils of 2 schools" in hand_over(spare.operated, SERVICE, tmp_path)
    handed = tmp_path / SERVICE.name / first["release"]
    assert (handed / "schema.json").is_file()
    assert len(_rows({path.name: path.read_bytes() for path in handed.glob("la=123/*.csv.gz")})) == 12

    # Each school's own figures, and all of them for an operator, as JSON and as CSV.
    figures = f"/figures/{SERVICE.name}/1"
    numbers = pd.to_numeric(_recomputed(files)["value"], errors="coerce")
    operator = spare.sign_in("OPERATOR")
    told = [person.get(figures)["schools"] for person in people.values()]
    assert [one["school"] for [one] in told] == list(SCHOOLS)
    found = operator.get(figures)["schools"]
    assert [one["school"] for one in found] == list(SCHOOLS)
    everybody = [group for one in found for group in one["groups"] if group["group"] == "all"]
    key = SERVICE.results[0].key
    counted = [
        int(n)
        for group in everybody
        for n, c in group["columns"][key]["counts"].items()
        if n.isdigit()
        for _ in range(c)
    ]
    assert sorted(counted) == sorted(numbers.dropna().astype(int))
    long = pd.read_csv(io.BytesIO(operator.request("GET", figures, format="csv").data), dtype=str)
    mine = long[(long["measure"] == "result") & (long["group"] == "all") & long["value"].str.isdigit()]
    assert sorted(mine["value"].repeat(mine["pupils"].astype(int)).astype(int)) == sorted(counted)
    assert people[SCHOOLS[0]].request("GET", figures, school=SCHOOLS[1]).status == 403

    # The trust of both schools has its report, an operator the summary; a school has neither.
    trust = spare.sign_in("TRUST#ABC")
    assert not any(_overviews(spare)["failed"] for _ in range(2))
    [overview] = trust.get("/overviews", service=SERVICE.name)["overviews"]
    assert (overview["state"], overview["statement"]) == ("READY", "2 of 4 schools have a file that counts.")
    path = f"/overviews/{SERVICE.name}/1"
    report = trust.follow(path, format="pdf")
    assert report.startswith(b"%PDF-")
    assert people[SCHOOLS[0]].request("GET", path).status == 403
    assert list(_took_part(operator, path))[:2] == [str(len(demonstration.SCHOOLS)), "2"]
    lying = object_keys(spare)

    # Nothing changed: nothing is released, and nothing differs.
    assert _release(spare) == first
    assert _objects(spare) == before

    # A school deletes its file: its rows are gone with the release that held them.
    gone, stays = SCHOOLS
    people[gone].delete(uploads[gone]["upload_id"])
    assert trust.request("GET", path).status == 404, "nobody is given a report with a deleted file in it"
    second: dict[str, Any] = {}

    def is_released_anew() -> bool:
        second.update(_release(spare))
        return bool(second["number"] == 2)

    wait_for("the second release", is_released_anew, 120, every=1)
    assert second["replaces"]["release"] == first["release"]
    wait_for("the trust's report", lambda: _overviews(spare)["failed"] == 0 and object_keys(spare) != lying, 60)
    [overview] = trust.get("/overviews", service=SERVICE.name)["overviews"]
    assert (overview["state"], overview["statement"]) == ("READY", "1 of 4 schools has a file that counts.")
    assert trust.follow(path, format="pdf") != report
    # What is told of authorities is counted once, for good.
    assert set(object_keys(spare)) & set(lying) == {counted_key(SERVICE.name, 1)}
    assert list(_took_part(operator, path))[1:5] == ["1", "0", "0", "1"]
    [taken] = second["withdrawn"]
    assert (taken["upload_id"], taken["pupils"], taken["why"]) == (uploads[gone]["upload_id"], 12, "deleted")
    after = _objects(spare)
    assert not set(after) & set(before), "the objects of the first release are removed"
    _agree(spare, {stays: files[stays]})
    assert "It may hold rows that were taken back" in hand_over(spare.operated, SERVICE, tmp_path)
    record = json.loads(stores.records.get(f"releases/{SERVICE.name}/000002.json"))
    assert record["replaces"] == second["replaces"]
    kept = b"".join(stores.records.get(v.key) for v in stores.records.list(f"releases/{SERVICE.name}/"))
    assert not [one.upn for one in pupils[gone] if one.upn.encode() in kept]
