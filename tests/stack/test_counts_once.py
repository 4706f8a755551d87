"""Who wins when people post at once, and that nothing counts twice (DESIGN 5)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from early_results import keys
from early_results.counting.registers import register_from_item
from early_results.times import from_text
from infra.local.client import Refused, post_form
from infra.local.demonstration import SERVICE
from infra.local.stack import wait_for
from tests.conftest import Deployed

from .filled import bad, good

pytestmark = pytest.mark.stack
SCHOOL = "1232001"


def test_two_users_at_once_ten_times_over_leave_one_winner(deployed: Deployed) -> None:
    """Exactly one upload of a school is SUCCESSFUL: the greatest (received, upload id); the rest are OVERWRITTEN."""
    people = [deployed.sign_in(f"SCHOOL#{SCHOOL}"), deployed.sign_in("TRUST#ABC")]
    data = good(deployed, SCHOOL)
    with ThreadPoolExecutor(4) as pool:
        made = [
            (person, pool.submit(person.upload, SERVICE, f"{SCHOOL} {number}.xlsx", data))
            for number in range(10)
            for person in people
        ]
    ids = [job.result() for _, job in made]
    first = people[0]
    # The trust's files are the school's to see once their rows have said whose they are.
    for person, job in made:
        assert person.verdict(job.result(), 60)["status"] != "CHECKING"
    # A join may come after the verdict of another; what counts is how it ends.
    wait_for(
        "every upload to be offered",
        lambda: not any(first.get(f"/uploads/{upload_id}")["status"] == "CHECKING" for upload_id in ids),
    )
    uploads = [first.get(f"/uploads/{upload_id}") for upload_id in ids]
    assert len(uploads) == 20
    winner = max(uploads, key=lambda u: (from_text(u["receipt"]["received"]), u["upload_id"]))
    statuses = {u["upload_id"]: u["status"] for u in uploads}
    assert statuses.pop(winner["upload_id"]) == "SUCCESSFUL"
    assert set(statuses.values()) == {"OVERWRITTEN"}
    table = deployed.stores.table
    for key in (keys.window_register(SERVICE, 1, SCHOOL), keys.current_register(SERVICE, SCHOOL)):
        assert register_from_item(key, table.get(key)).winner == winner["upload_id"]
    ticked = [u["upload_id"] for u in _history(first) if u["counts_for_school"]]
    assert ticked == [winner["upload_id"]]


def _history(client: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    cursor = None
    while True:
        page = client.get("/uploads", cursor=cursor, organisation=f"SCHOOL#{SCHOOL}")  # type: ignore[attr-defined]
        found += page["uploads"]
        cursor = page["cursor"]
        if cursor is None:
            return found


def test_a_form_posted_twice_counts_once_by_its_oldest_version(deployed: Deployed) -> None:
    """Whatever is posted later with the same form changes nothing: not the verdict, not the hash, not the history."""
    school = deployed.sign_in("SCHOOL#1232002")
    first, second = good(deployed, "1232002"), bad(deployed, "1232002")
    form = school.forms(SERVICE, {"once.xlsx": first})[0]
    assert post_form(form["post"], first) == 204
    before = school.verdict(form["upload_id"])
    assert before["status"] == "SUCCESSFUL"
    assert post_form(form["post"], second) == 204
    record = keys.upload(form["upload_id"])
    wait_for("the replay to be noted", lambda: "replays" in (deployed.stores.table.get(record) or {}))
    after = school.get(f"/uploads/{form['upload_id']}")
    assert after["replays"] == 1
    assert {k: after[k] for k in ("status", "receipt", "counts", "findings")} == {
        k: before[k] for k in ("status", "receipt", "counts", "findings")
    }
    assert [u["upload_id"] for u in school.get("/uploads")["uploads"]].count(form["upload_id"]) == 1
    assert school.follow(f"/uploads/{form['upload_id']}/file") == first


def test_a_deleted_file_is_gone_and_nothing_older_comes_back(deployed: Deployed) -> None:
    """Only the uploader deletes; the objects go, a tombstone stays, and the school has no file, not an older one."""
    trust = deployed.sign_in("TRUST#ABC")
    school = deployed.sign_in("SCHOOL#8012003")
    older = school.verdict(school.upload(SERVICE, "older.xlsx", good(deployed, "8012003")))["upload_id"]
    newer = trust.verdict(trust.upload(SERVICE, "newer.xlsx", good(deployed, "8012003", 2)))["upload_id"]
    assert school.get(f"/uploads/{older}")["status"] == "OVERWRITTEN"
    assert trust.get(f"/uploads/{newer}")["status"] == "SUCCESSFUL"
    with pytest.raises(Refused) as refused:
        school.delete(newer)
    assert refused.value.status == 403

    trust.delete(newer)

    stores = deployed.stores
    assert newer not in [u["upload_id"] for u in trust.get("/uploads", organisation="SCHOOL#8012003")["uploads"]]
    with pytest.raises(Refused) as gone:
        trust.get(f"/uploads/{newer}")
    assert gone.value.status == 404
    assert stores.uploads.versions(f"uploads/{SERVICE}/{newer}/file.xlsx") == []
    assert stores.records.has(f"tombstones/{SERVICE}/{newer}.json")
    assert not stores.results.has(f"extracts/{SERVICE}/{newer}.json")
    assert school.get(f"/uploads/{older}")["status"] == "OVERWRITTEN"
    key = keys.window_register(SERVICE, 1, "8012003")
    register = register_from_item(key, stores.table.get(key))
    assert register.winner is None
    assert register.mark is not None
    assert register.mark.upload_id == newer
    # A file received later counts again.
    again = school.verdict(school.upload(SERVICE, "again.xlsx", good(deployed, "8012003", 3)))
    assert again["status"] == "SUCCESSFUL"
    assert again["receipt"]["counts"] is True


def test_an_upload_that_is_awaited_cannot_be_deleted_yet(deployed: Deployed) -> None:
    school = deployed.sign_in("SCHOOL#1231234")
    form = school.forms(SERVICE, {"never sent.xlsx": b"x"})[0]
    with pytest.raises(Refused) as refused:
        school.delete(form["upload_id"])
    assert refused.value.status == 409
    assert refused.value.body["type"] == "urn:early-results:problem:still-checking"
