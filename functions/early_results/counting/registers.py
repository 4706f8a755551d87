"""Registers: which upload counts, decided by a maximum (DESIGN 5).

A register is the maximum, in dictionary order, of (received, upload id, deleted). Joining a mark that is equal or
smaller changes nothing. So all orders, repeats and crashes between steps lead to the same register.

A join is decided here, from what was read, and written in one transaction. Every write has as its condition that what
was read is still so. If another write came between, the join is read and decided again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .. import keys
from ..times import cut, from_text, to_text
from ..writes import ABSENT, PRESENT, Check, Item, Key, OneOf, Put, Requirement, Update, Write
from .invariants import always
from .uploads import REPORT_PREFIX, Held, ReportState, Status, Upload, held_partition, purge_partition


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A register's maximum: whole-second received time, upload id, and whether that upload was deleted."""

    received: datetime
    upload_id: str
    deleted: bool

    def to_text(self) -> str:
        """The mark as stored: `2023-06-30T10:59:59Z#<upload id>#0`. Texts compare as marks do."""
        return f"{to_text(self.received)}#{self.upload_id}#{int(self.deleted)}"


def mark_from_text(text: str) -> Mark:
    """A stored mark. ValueError if the text is none."""
    received, upload_id, deleted = text.split("#")
    return Mark(from_text(received), upload_id, deleted == "1")


@dataclass(frozen=True, slots=True)
class Register:
    """A register as read: its mark, None if nothing was ever joined, and whether it is sealed.

    A sealed register without a mark of its own may carry an earlier window's file on: `carried_upload` is that file,
    `carried_from` that window.
    """

    key: Key
    mark: Mark | None = None
    sealed: bool = False
    carried_from: int | None = None
    carried_upload: str | None = None

    @property
    def winner(self) -> str | None:
        """The upload that stands in the register undeleted, or None."""
        return self.mark.upload_id if self.mark and not self.mark.deleted else None

    @property
    def frozen_upload(self) -> str | None:
        """The upload that a sealed register freezes, its own or a carried one; None if it freezes none."""
        return self.winner or self.carried_upload


def register_from_item(key: Key, item: Item | None) -> Register:
    """A register as the table has it. Where the table has none, the register is empty and unsealed."""
    if item is None:
        return Register(key)
    return Register(
        key,
        mark_from_text(item["mark"]) if "mark" in item else None,
        "frozen_at" in item,
        item.get("carried_from"),
        item.get("carried_upload"),
    )


@dataclass(frozen=True, slots=True)
class Counting:
    """What counts for a school in a window that is frozen: the upload, None for nothing, and its facts."""

    upload: str | None = None
    carried_from: int | None = None
    facts: Item = field(default_factory=dict)


def counting(register: Register, row: Item | None, added: Item | None) -> Counting:
    """What counts for a school: the file of the sealed `row`, or the straggler let in beside it, whichever is later.

    `added` is the straggler's item (`keys.added`), None if no straggler was let in. A file that was carried from an
    earlier window was received before all of this window's, so comparing the received times is enough.
    """
    sealed = Counting(register.frozen_upload, register.carried_from, row or {})
    if added is None:
        return sealed
    let_in = str(added["upload_id"])
    if register.mark:
        stands: tuple[datetime, str] | None = (register.mark.received, register.mark.upload_id)
    elif row and register.carried_upload:
        stands = (from_text(row["received"]), register.carried_upload)
    else:
        stands = None
    if stands and stands > (from_text(added["received"]), let_in):
        return sealed
    return Counting(let_in, added.get("carried_from"), added)


class Outcome(StrEnum):
    """What a join came to."""

    JOINED = "joined"
    STRAGGLER = "straggler"
    NOTHING_TO_DO = "nothing-to-do"
    NOT_YET = "not-yet"


@dataclass(frozen=True, slots=True)
class Join:
    """A decided join: the writes of one transaction, and the outcome if they succeed."""

    outcome: Outcome
    writes: tuple[Write, ...] = ()


def facts(upload: Upload) -> Item:
    """What a register keeps of its winner: enough to write a manifest line from the sealed row alone."""
    return {
        "upload_id": upload.upload_id,
        "object_key": upload.object_key,
        "version": upload.version,
        "sha256": upload.sha256,
        "received": to_text(_received(upload)),
        "ruleset": upload.ruleset,
        "figures": upload.figures_sha256,
    }


FACTS = ("upload_id", "object_key", "version", "sha256", "received", "ruleset", "figures")


def is_straggler(upload: Upload, window: Register, sealing: bool) -> bool:
    """Whether a good upload that waits for its offer comes too late for its window's register.

    `sealing` says that the window's registers are being or have been sealed. A register that was empty when the sealing
    began counts as sealed, because its school may not be among those that are frozen.
    """
    return upload.offer_pending and (window.sealed or (sealing and window.mark is None))


def straggler_note(upload: Upload) -> Item:
    """What the records bucket keeps of a straggler. Without it the buckets alone could not tell what was frozen."""
    return {
        "upload": upload.upload_id,
        "service": upload.service,
        "school": upload.school,
        "window": upload.window,
        "received": to_text(_received(upload)),
    }


def offer(upload: Upload, window: Register, current: Register, sealing: bool) -> Join:
    """Offers a good upload to its two registers.

    A straggler is not offered but waits for an operator. First its record says that it is a straggler, so that no other
    run can join it. It stays unsettled until `straggler_noted`, so that a sweep writes its note if this run dies.
    """
    if not upload.offer_pending:
        return Join(Outcome.NOTHING_TO_DO)
    mark = Mark(_received(upload), upload.upload_id, deleted=False)
    school, number = str(upload.school), upload.window or 0
    always(
        window.key == keys.window_register(upload.service, number, school), "an upload joins its own window's register"
    )
    always(current.key == keys.current_register(upload.service, school), "an upload joins its own school's register")
    if is_straggler(upload, window, sealing):
        return Join(
            Outcome.STRAGGLER,
            (
                Update(
                    upload.key,
                    set={"held": Held.STRAGGLER.value, "unsettled": upload.unsettled_in},
                    remove=("offer_pending",),
                    require={"offer_pending": "yes"},
                ),
            ),
        )
    writes = [_join_mark(window, mark, facts(upload), sealable=True)]
    raised = current.mark is None or current.mark < mark
    writes.append(_join_mark(current, mark, facts(upload), sealable=False))
    writes.append(
        Update(
            upload.key,
            set=_joined_as(current, mark),
            remove=("offer_pending", "unsettled", "held"),
            require={"offer_pending": "yes"},
        )
    )
    if raised and current.winner and current.winner != upload.upload_id:
        writes.append(_overwrite(current.winner, upload.upload_id))
    return Join(Outcome.JOINED, tuple(writes))


def _joined_as(current: Register, mark: Mark) -> Item:
    """The status of an upload that joins its school's register: SUCCESSFUL, or OVERWRITTEN and by which upload."""
    if current.mark is None or current.mark < mark:
        return {"status": Status.SUCCESSFUL.value}
    return {"status": Status.OVERWRITTEN.value, "overwritten_by": current.mark.upload_id}


def begin_admission(upload: Upload) -> Update:
    """Marks a straggler as being let in: from then on nobody can delete or refuse it half way. Its note is written."""
    return Update(
        upload.key,
        set={"held": Held.ADMITTING.value},
        require={
            "held": Held.STRAGGLER.value,
            "unsettled": held_partition(upload.service),
            "status": Status.CHECKING.value,
        },
    )


@dataclass(frozen=True, slots=True)
class Amended:
    """A frozen window that a straggler is let into, as read: its register, its row, the straggler let in before."""

    number: int
    register: Register
    row: Item | None
    added: Item | None
    report: Item  # what the record of a report says besides its figures

    def admits(self, upload: Upload) -> bool:
        """Whether the upload counts once it is let in. It does unless a later file was frozen or let in."""
        return counting(self.register, self.row, self._with(upload)).upload == upload.upload_id

    def _with(self, upload: Upload) -> Item:
        """The item of the latest straggler that was let in: this upload, or the one before it if that is later."""
        mine = {name: value for name, value in facts(upload).items() if value is not None} | {"school": upload.school}
        if self.number != upload.window:
            mine["carried_from"] = upload.window
        before = self.added
        if before and (before["received"], before["upload_id"]) > (mine["received"], mine["upload_id"]):
            return before
        return mine


def admit(upload: Upload, current: Register, windows: Sequence[Amended]) -> Join:
    """Lets a straggler in: into the register of the service, and beside the sealed rows of these windows.

    The sealed rows stay as they are. One transaction changes what counts beside them and which file a window's report
    is of, so that a deletion, a freeze or a build at the same moment sees all of the change or nothing of it.
    """
    if upload.held != Held.ADMITTING:
        return Join(Outcome.NOTHING_TO_DO)
    mark = Mark(_received(upload), upload.upload_id, deleted=False)
    raised = current.mark is None or current.mark < mark
    notes: dict[str, Item] = {upload.upload_id: _joined_as(current, mark)}
    if raised and current.winner:
        notes[current.winner] = {"status": Status.OVERWRITTEN.value, "overwritten_by": upload.upload_id}
    writes = [_join_mark(current, mark, facts(upload), sealable=False)]
    for window in windows:
        added = keys.added(upload.service, window.number, str(upload.school))
        unchanged: Requirement = window.added["upload_id"] if window.added else ABSENT
        writes.append(Put(added, window._with(upload), {"upload_id": unchanged}))
        if not window.admits(upload):
            continue
        report = keys.report(upload.service, window.number, str(upload.school))
        note = f"{REPORT_PREFIX}{window.number}"
        state = {"state": ReportState.PROCESSING.value, "upload_id": upload.upload_id, "service": upload.service}
        writes.append(Put(report, {**window.report, **state, "window": window.number}))
        notes[upload.upload_id][note] = ReportState.PROCESSING.value
        before = counting(window.register, window.row, window.added).upload
        if before is not None:
            notes.setdefault(before, {})[note] = ReportState.REPLACED.value
    own = notes.pop(upload.upload_id)
    writes.append(Update(upload.key, set=own, remove=("held", "unsettled"), require={"held": Held.ADMITTING.value}))
    standing = OneOf((Status.SUCCESSFUL.value, Status.OVERWRITTEN.value))
    for other, values in notes.items():
        # A deleted file stays deleted; its record only notes that its report was replaced.
        require: dict[str, Requirement] = {"status": standing} if "status" in values else {"pk": PRESENT}
        writes.append(Update(keys.upload(other), set=values, require=require))
    return Join(Outcome.JOINED, tuple(writes))


def straggler_noted(upload: Upload) -> Update:
    """Settles a straggler whose note is written: it waits for an operator, and no freeze waits for it."""
    return Update(
        upload.key,
        set={"unsettled": held_partition(upload.service)},
        require={"held": Held.STRAGGLER.value, "unsettled": upload.unsettled_in, "status": Status.CHECKING.value},
    )


def delete(upload: Upload, window: Register | None, current: Register, sealing: bool) -> Join:
    """Deletes an upload: joins its mark as deleted. A pending offer is made in the same transaction.

    `window` is None where the upload belongs to no window, as a file that was never good. A sealed register never
    changes: the caller writes an amendment for every window that froze the file. NOT_YET if the file is still being
    checked, or is being let in. A straggler was never in a register, and its deletion does not put it into one.
    """
    if upload.status is Status.DELETED:
        return Join(Outcome.NOTHING_TO_DO)
    if not upload.deletable:
        return Join(Outcome.NOT_YET)
    late = upload.held == Held.STRAGGLER or (window is not None and is_straggler(upload, window, sealing))
    require: dict[str, Requirement] = {"status": upload.status.value}
    require["offer_pending"] = "yes" if upload.offer_pending else ABSENT
    require["held"] = upload.held or ABSENT  # an operator may begin to let it in at this moment
    writes: list[Write] = [
        Update(
            upload.key,
            set={
                "status": Status.DELETED.value,
                "purge_pending": "yes",
                "unsettled": purge_partition(upload.service),
                **({"held": Held.STRAGGLER.value} if late else {}),  # stays held, so that the tombstone can say it
            },
            remove=("offer_pending", "by_school", "by_trust", "findings", "changes"),
            require=require,
        )
    ]
    if (upload.offer_pending and not late) or upload.status in (Status.SUCCESSFUL, Status.OVERWRITTEN):
        mark = Mark(_received(upload), upload.upload_id, deleted=True)
        raised = current.mark is None or current.mark < mark
        writes.append(_join_mark(current, mark, {}, sealable=False))
        if window is not None and not window.sealed:
            writes.append(_join_mark(window, mark, {}, sealable=True))
        if raised and current.winner and current.winner != upload.upload_id:
            writes.append(_overwrite(current.winner, upload.upload_id))
    return Join(Outcome.JOINED, tuple(writes))


def _received(upload: Upload) -> datetime:
    if upload.received is None:
        raise ValueError("an upload without a received time cannot be joined")
    return upload.received


def _join_mark(register: Register, mark: Mark, kept: Item, *, sealable: bool) -> Write:
    """The write that joins a mark to a register: an update if the mark is greater, else a check of what was read."""
    always(mark.received == cut(mark.received), "a mark's received time has whole seconds")
    always(not (sealable and register.sealed), "nothing is joined to a sealed register")
    if mark.deleted:
        always(not kept, "a register whose maximum is deleted keeps nothing of it")
    else:
        always(kept["upload_id"] == mark.upload_id, "a register's facts are those of its mark")
        always(kept["received"] == to_text(mark.received), "a register's facts are those of its mark")
        always(all(kept[name] for name in ("version", "sha256", "figures")), "only a judged object is joined")
    require: dict[str, Requirement] = {"mark": register.mark.to_text() if register.mark else ABSENT}
    if sealable:
        require["frozen_at"] = ABSENT
    if register.mark is not None and mark <= register.mark:
        # There is nothing to write. But if the row is sealed meanwhile, the join must fail all the same.
        return Check(register.key, require)
    gone = tuple(name for name in FACTS if kept.get(name) is None)
    return Update(
        register.key,
        set={"mark": mark.to_text(), **{n: v for n, v in kept.items() if v is not None}},
        remove=gone,
        require=require,
    )


def _overwrite(upload_id: str, by: str) -> Write:
    """The former winner becomes OVERWRITTEN. If it was deleted meanwhile, the whole join fails and is decided again."""
    return Update(
        keys.upload(upload_id),
        set={"status": Status.OVERWRITTEN.value, "overwritten_by": by},
        require={"status": OneOf((Status.SUCCESSFUL.value, Status.OVERWRITTEN.value))},
    )
