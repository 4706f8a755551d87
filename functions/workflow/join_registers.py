"""Joining an upload to its registers in the table: read, decide, write. After a lost race, all three again."""

from __future__ import annotations

from contextlib import suppress

from adapters.errors import Conflict
from adapters.objects import written_once
from adapters.stores import Stores
from early_results import keys
from early_results.canonical import canonical
from early_results.counting import registers
from early_results.counting.freeze import state_from_item
from early_results.counting.registers import Join, Outcome, Register, register_from_item
from early_results.counting.uploads import Upload, upload_from_item
from early_results.object_keys import straggler_key

# A race is lost only to another join of the same school. Two people at one school may post at once, hundreds do not, so
# twenty tries are plenty.
TRIES = 20


class TooManyRacesError(RuntimeError):
    """A join lost all its `TRIES` races. The upload still waits for its offer; the stream or the sweep tries again."""


def offer_upload(stores: Stores, upload_id: str) -> Outcome:
    """Offers a good upload to its registers, in one transaction. Safe to repeat at any time."""
    for _ in range(TRIES):
        item = stores.table.get(keys.upload(upload_id))
        if item is None:
            return Outcome.NOTHING_TO_DO
        upload = upload_from_item(item)
        if upload.note_pending:
            return settle_note(stores, upload)
        if not upload.offer_pending:
            return Outcome.NOTHING_TO_DO
        window, current = read_registers(stores, upload)
        # Read after the registers: a school that was first listed after the sealing began must see that it has begun.
        sealing = is_sealing(stores, upload)
        join = registers.offer(upload, window, current, sealing)
        if wrote(stores, join):
            return settle_note(stores, upload) if join.outcome is Outcome.STRAGGLER else join.outcome
    raise TooManyRacesError(upload_id)


def read_registers(stores: Stores, upload: Upload) -> tuple[Register, Register]:
    """The window's and the service's register of an upload's school, as they are now."""
    school = upload.school
    if school is None:
        raise ValueError("an upload without a school has no registers")
    window_key = keys.window_register(upload.service, _number(upload), school)
    current_key = keys.current_register(upload.service, school)
    return (
        register_from_item(window_key, stores.table.get(window_key)),
        register_from_item(current_key, stores.table.get(current_key)),
    )


def is_sealing(stores: Stores, upload: Upload) -> bool:
    """Whether the registers of an upload's window are being or have been sealed."""
    return state_from_item(stores.table.get(keys.state(upload.service, _number(upload)))).sealing


def settle_note(stores: Stores, upload: Upload) -> Outcome:
    """Writes the note of a straggler, and settles it: no freeze waits for it any more, and an operator decides."""
    keep_note(stores, upload)
    with suppress(Conflict):  # another run settled it, or it was deleted; if we lost a race, the next sweep settles it
        stores.table.write(registers.straggler_noted(upload))
    return Outcome.STRAGGLER


def keep_note(stores: Stores, upload: Upload) -> None:
    """Writes the note of a straggler to the records bucket. Its record must say already that it is one."""
    key = straggler_key(upload.service, _number(upload), upload.upload_id)
    written_once(stores.records, key, canonical(registers.straggler_note(upload)))


def _number(upload: Upload) -> int:
    if upload.window is None:
        raise ValueError("an upload outside every window has no registers")
    return upload.window


def wrote(stores: Stores, join: Join) -> bool:
    """Writes a decided join; False if another write changed what it was decided from."""
    try:
        stores.table.write(join.writes)
    except Conflict:
        return False
    return True
