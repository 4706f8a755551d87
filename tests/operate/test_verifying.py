"""What verify-window finds: nothing after an honest season, and each thing that was tampered with."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from early_results import keys
from early_results.object_keys import manifest_key, upload_key, verdict_key
from early_results.times import from_text, to_text
from early_results.writes import Update
from infra.operator import operating
from infra.operator.verifying import CannotVerify, Verification, describe, verify_window
from tests.unit.checking.school_files import SERVICE

from .season import CLOSES, NAME, RESULTS, SCHOOLS, WRONG, Season


def verify(played: Season, number: int = 1) -> Verification:
    return verify_window(played.stores, SERVICE, number)


def play(played: Season) -> dict[str, str]:
    """Window 1 with a bit of everything, frozen, its reports built."""
    made = {
        "first": played.upload(SCHOOLS[0]),
        "second": played.upload(SCHOOLS[0], RESULTS[1], by="TRUST#ABC"),
        "wrong": played.upload(SCHOOLS[0], WRONG),
        "deleted": played.upload(SCHOOLS[1]),
        "third": played.upload(SCHOOLS[2]),
    }
    played.delete(f"SCHOOL#{SCHOOLS[1]}", made["deleted"])
    played.now = CLOSES + timedelta(minutes=5)
    assert played.freeze()[0].state == "FROZEN"
    return made


def test_an_honest_season_agrees(played: Season) -> None:
    made = play(played)
    told = verify(played)
    assert told.differences == []
    assert (told.schools, told.frozen, told.files) == (3, 2, 5)
    # Deleted after the freeze, and the next window carries what is left.
    played.delete("TRUST#ABC", made["second"])
    played.upload(SCHOOLS[1])
    played.now += timedelta(days=30)
    assert played.freeze()[0].state == "FROZEN"
    for number in (1, 2):
        told = verify(played, number)
        assert told.differences == []
    assert describe(told, SERVICE).endswith("everything agrees.")


def test_it_says_what_it_believes_and_how_much_rests_on_that(played: Season) -> None:
    made = play(played)
    before = verify(played).trusted
    assert [text.split()[0] for text in before[:4]] == ["S3's", "the", "the", "the"]
    a_trusts = "1 verdict by a trust's authority: that the school was in it is shown, not that it was so at that moment"
    gone = "of files deleted since, of which only the verdict is left to tell what they were"
    assert before[4:] == [f"1 verdict {gone}", a_trusts]
    played.delete("TRUST#ABC", made["second"])
    told = verify(played)
    assert told.differences == []
    asked = "the tombstones of 1 frozen file: that its uploader asked for the deletion"
    assert told.trusted == [*before[:4], f"2 verdicts {gone}", a_trusts, asked]
    lines = describe(told, SERVICE).splitlines()
    assert [line.removeprefix("trusts: ") for line in lines if line.startswith("trusts: ")] == told.trusted


def test_it_says_that_a_settled_file_was_not_read_and_who_let_a_late_one_in(played: Season) -> None:
    parked = played.sent(f"SCHOOL#{SCHOOLS[1]}", b"kills its function")
    played.park(parked)
    operating.settle(played.operated, parked, "a bomb")
    late = played.straggler(SCHOOLS[0])
    played.check(late)
    played.offer(late)
    operating.admit(played.operated, late, "it was there in time")
    told = verify(played)
    assert told.differences == []
    assert told.trusted[4:] == [
        "1 verdict that an operator settled because the file could not be processed, unread here too",
        "the operators who let 1 late file in, and their reasons",
    ]


def test_a_window_that_is_not_frozen_cannot_be_verified(played: Season) -> None:
    played.upload(SCHOOLS[0])
    with pytest.raises(CannotVerify):
        verify(played)


def _other_manifest(played: Season, made: dict[str, str]) -> None:
    """A manifest that names the older file of a school."""
    verdict = json.loads(played.stores.records.get(verdict_key(NAME, made["first"])))
    data = []
    for line in map(json.loads, played.stores.records.get(manifest_key(NAME, 1)).splitlines()):
        if line["school"] == SCHOOLS[0]:
            line |= {n: verdict[n] for n in ("key", "version", "sha256", "received", "ruleset", "figures")}
            line["upload"] = made["first"]
        data.append(json.dumps(line, sort_keys=True, separators=(",", ":")))
    played.stores.records.put(manifest_key(NAME, 1), ("\n".join(data) + "\n").encode(), "application/x-ndjson")


def _other_file(played: Season, made: dict[str, str]) -> None:
    """The file is replaced by another, under the same key."""
    key = upload_key(NAME, made["third"])
    played.stores.uploads.remove_versions(key)
    played.stores.uploads.put(key, played.file(SCHOOLS[2], RESULTS[1]), "text/plain")


def _gone(played: Season, made: dict[str, str]) -> None:
    played.stores.uploads.remove_versions(upload_key(NAME, made["third"]))


def _late_verdict(played: Season, made: dict[str, str]) -> None:
    """A file of window 2 with a verdict that puts it into window 1."""
    upload = played.upload(SCHOOLS[1])
    _change_verdict(played, upload, window=1, received=to_text(CLOSES - timedelta(seconds=1)))


def _accepted_after_all(played: Season, made: dict[str, str]) -> None:
    _change_verdict(played, made["wrong"], outcome="accepted")


def _by_nobody(played: Season, made: dict[str, str]) -> None:
    _change_verdict(played, made["third"], allowed_by="TRUST#ABC")


def _change_verdict(played: Season, upload: str, **changes: object) -> None:
    key = verdict_key(NAME, upload)
    record = json.loads(played.stores.records.get(key)) | changes
    played.stores.records.put(key, json.dumps(record).encode(), "application/json")


def _other_register(played: Season, made: dict[str, str]) -> None:
    mark = f"{to_text(CLOSES)}#{made['third']}#0"
    played.stores.table.write(Update(keys.current_register(NAME, SCHOOLS[2]), set={"mark": mark}))


def _other_seal(played: Season, made: dict[str, str]) -> None:
    key = keys.window_register(NAME, 1, SCHOOLS[2])
    row = played.stores.table.get(key)
    assert row is not None
    mark = row["mark"].replace("#0", "#1")
    played.stores.table.write(Update(key, set={"mark": mark}))


def _no_amendment(played: Season, made: dict[str, str]) -> None:
    played.delete("TRUST#ABC", made["second"])
    played.stores.records.remove_versions(f"amendments/{NAME}/1/{made['second']}.json")


def _no_tombstone(played: Season, made: dict[str, str]) -> None:
    played.delete("TRUST#ABC", made["second"])
    played.stores.records.remove_versions(f"tombstones/{NAME}/{made['second']}.json")


def _other_figures(played: Season, made: dict[str, str]) -> None:
    key = f"figures/{NAME}/1/national.json"
    figures = json.loads(played.stores.records.get(key)) | {"schools": 17}
    data = json.dumps(figures, sort_keys=True, separators=(",", ":")).encode()
    played.stores.records.put(key, data, "application/json")


def _other_calendar(played: Season, made: dict[str, str]) -> None:
    key = f"closings/{NAME}/1.json"
    terms = json.loads(played.stores.records.get(key))
    terms["closes"] = to_text(from_text(terms["closes"]) + timedelta(hours=3))
    played.stores.records.put(key, json.dumps(terms).encode(), "application/json")


def _never_judged(played: Season, made: dict[str, str]) -> None:
    played.now = CLOSES - timedelta(hours=1)
    played.sent(f"SCHOOL#{SCHOOLS[1]}", played.file(SCHOOLS[1]))


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (_other_manifest, "manifest and amendments say"),
        (_other_file, "is gone, without a tombstone"),
        (_gone, "is gone, without a tombstone"),
        (_late_verdict, "and its verdict says window 1"),
        (_accepted_after_all, "judged again"),
        (_by_nobody, "by the authority of TRUST#ABC"),
        (_other_register, "the table's current register of 8012003"),
        (_other_seal, "the table's register of 8012003 has None"),
        (_no_amendment, "no amendment says so"),
        (_no_tombstone, "is gone, without a tombstone"),
        (_other_figures, "the national figures"),
        (_other_calendar, "of the calendar says"),
        (_never_judged, "was received in time and has no verdict"),
    ],
    ids=lambda value: getattr(value, "__name__", "").strip("_"),
)
def test_what_was_tampered_with_is_told(
    played: Season, tamper: Callable[[Season, dict[str, str]], None], told: str
) -> None:
    made = play(played)
    tamper(played, made)
    differences = verify(played).differences
    assert any(told in line for line in differences), differences
