"""What registers and sealed rows refuse to write, whoever asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from early_results import keys
from early_results.counting import freeze, registers
from early_results.counting.invariants import InvariantBroken
from early_results.counting.registers import Counting, Mark, Register, facts
from early_results.counting.uploads import Status, Upload
from tests.uploads import upload_of

SERVICE, SCHOOL, OTHER = "ks1-2023", "1231234", "1232001"
NOW = datetime(2023, 6, 30, 10, 0, tzinfo=UTC)
GOOD = upload_of(
    "01H43Q0F8RZJ4T1D2ZK5N8Q6WX",
    NOW,
    service=SERVICE,
    organisation=f"SCHOOL#{SCHOOL}",
    expires_at=NOW,
    status=Status.CHECKING,
    school=SCHOOL,
    received=NOW,
    version="v",
    sha256="s",
    window=1,
    ruleset="r",
    figures_sha256="f",
    offer_pending=True,
)
WINDOW = Register(keys.window_register(SERVICE, 1, SCHOOL))
CURRENT = Register(keys.current_register(SERVICE, SCHOOL))


def test_a_good_upload_joins_its_own_registers() -> None:
    assert registers.offer(GOOD, WINDOW, CURRENT, sealing=False).outcome == "joined"


@pytest.mark.parametrize(
    ("upload", "window", "current"),
    [
        (GOOD, Register(keys.window_register(SERVICE, 2, SCHOOL)), CURRENT),
        (GOOD, Register(keys.window_register(SERVICE, 1, OTHER)), CURRENT),
        (GOOD, WINDOW, Register(keys.current_register(SERVICE, OTHER))),
        (replace(GOOD, version=None), WINDOW, CURRENT),
        (replace(GOOD, sha256=None), WINDOW, CURRENT),
        (replace(GOOD, figures_sha256=None), WINDOW, CURRENT),
        (replace(GOOD, received=NOW + timedelta(milliseconds=1)), WINDOW, CURRENT),
    ],
)
def test_nothing_that_cannot_be_right_is_joined(upload: Upload, window: Register, current: Register) -> None:
    with pytest.raises(InvariantBroken):
        registers.offer(upload, window, current, sealing=False)


def test_nothing_is_joined_to_a_sealed_register_by_a_deletion_either() -> None:
    sealed = replace(WINDOW, mark=Mark(NOW, GOOD.upload_id, deleted=False), sealed=True)
    done = replace(GOOD, status=Status.SUCCESSFUL, offer_pending=False)
    join = registers.delete(done, sealed, replace(CURRENT, mark=sealed.mark), sealing=True)
    assert sealed.key not in [write.key for write in join.writes]
    with pytest.raises(InvariantBroken):
        registers._join_mark(sealed, Mark(NOW, GOOD.upload_id, deleted=True), {}, sealable=True)


def test_a_row_is_sealed_once_and_for_its_own_school() -> None:
    freeze.seal(WINDOW, SCHOOL, NOW)
    with pytest.raises(InvariantBroken):
        freeze.seal(replace(WINDOW, sealed=True), SCHOOL, NOW)
    with pytest.raises(InvariantBroken):
        freeze.seal(WINDOW, OTHER, NOW)


def test_a_file_is_carried_for_its_own_school_from_another_window_with_its_own_facts() -> None:
    later = Register(keys.window_register(SERVICE, 2, SCHOOL))
    earlier = replace(WINDOW, mark=Mark(NOW, GOOD.upload_id, deleted=False), sealed=True)
    kept = Counting(GOOD.upload_id, None, facts(GOOD))
    assert len(freeze.seal_carrying(later, SCHOOL, earlier, kept, 1, NOW)) == 3
    for register, before, what in (
        (later, replace(earlier, key=keys.window_register(SERVICE, 1, OTHER)), kept),
        (later, replace(earlier, key=later.key), kept),
        (later, earlier, Counting("another", None, facts(GOOD))),
        (later, earlier, Counting(GOOD.upload_id, None, {"upload_id": GOOD.upload_id})),
    ):
        with pytest.raises(InvariantBroken):
            freeze.seal_carrying(register, SCHOOL, before, what, 1, NOW)


def test_a_manifest_is_not_made_of_a_row_whose_facts_are_anothers() -> None:
    row = {**facts(GOOD), "school": SCHOOL, "frozen_at": "x", "mark": Mark(NOW, GOOD.upload_id, False).to_text()}
    assert freeze.manifest_line(SERVICE, 1, row)["upload"] == GOOD.upload_id
    with pytest.raises(InvariantBroken):
        freeze.manifest_line(SERVICE, 2, {**row, "carried_upload": "another", "carried_from": 1})
    with pytest.raises(InvariantBroken):
        freeze.manifest_line(SERVICE, 1, {**row, "version": None})
