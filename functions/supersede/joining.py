"""Joining an upload to its registers in the table: read, decide, write; a lost race is read again and decided again."""

from __future__ import annotations

from adapters.errors import Conflict
from adapters.stores import Stores
from early_results import keys, registers
from early_results.freeze import State, state_from_item
from early_results.registers import Join, Outcome, Register, register_from_item
from early_results.uploads import Upload, upload_from_item

# Each lost race means that another join of the same school went through, so a few tries are plenty: two people at one
# school may post at once, hundreds do not.
TRIES = 20


class TooManyRacesError(RuntimeError):
    """A join lost every race it was given; it stays pending, and the stream or the sweep tries it again."""


def offer_upload(stores: Stores, upload_id: str) -> Outcome:
    """Offers a good upload to its registers, in one transaction. Safe to repeat at any time."""
    for _ in range(TRIES):
        item = stores.table.get(keys.upload(upload_id))
        if item is None:
            return Outcome.NOTHING_TO_DO
        upload = upload_from_item(item)
        if not upload.offer_pending:
            return Outcome.NOTHING_TO_DO
        window, current = read_registers(stores, upload)
        state = state_from_item(stores.table.get(keys.state(upload.service, _number(upload))))
        join = registers.offer(upload, window, current, state.state is State.FROZEN)
        if _wrote(stores, join):
            return join.outcome
    raise TooManyRacesError(upload_id)


def delete_upload(stores: Stores, upload_id: str) -> tuple[Outcome, Upload | None]:
    """Joins an upload's mark as deleted, in one transaction with a pending offer. Gives the upload as it was."""
    for _ in range(TRIES):
        item = stores.table.get(keys.upload(upload_id))
        if item is None:
            return Outcome.NOTHING_TO_DO, None
        upload = upload_from_item(item)
        if upload.school is None or upload.window is None:
            window, current = None, Register(keys.current_register(upload.service, upload.school or "none"))
        else:
            window, current = read_registers(stores, upload)
        join = registers.delete(upload, window, current)
        if join.outcome is not Outcome.JOINED or _wrote(stores, join):
            return join.outcome, upload
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


def _number(upload: Upload) -> int:
    if upload.window is None:
        raise ValueError("an upload outside every window has no registers")
    return upload.window


def _wrote(stores: Stores, join: Join) -> bool:
    try:
        stores.table.write(join.writes)
    except Conflict:
        return False
    return True
