"""Faults of joining."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from early_results.counting import registers
from early_results.counting.registers import Join, Mark, Outcome, Register
from early_results.counting.uploads import Upload
from early_results.writes import Key, Write
from workflow import join_registers

from .listing import Patches, fault, without


@fault("a tie of received times goes to the smaller upload id")
def _() -> Patches:
    def less(one: Mark, other: Mark) -> bool:
        return (one.received, _mirrored(one.upload_id), one.deleted) < (
            other.received,
            _mirrored(other.upload_id),
            other.deleted,
        )

    return [(Mark, "__lt__", less), (Mark, "__le__", lambda one, other: one == other or less(one, other))]


def _mirrored(text: str) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in text)


@fault("a join does not require the mark as it was read", "rush")
def _() -> Patches:
    raised = registers._join_mark

    def careless(register: Register, mark: Mark, kept: Any, *, sealable: bool) -> Write:
        return without(raised(register, mark, kept, sealable=sealable), "mark")

    return [(registers, "_join_mark", careless)]


@fault("a join does not require that the row is not sealed", "rush", slow=("transact WINDOW#",))
def _() -> Patches:
    raised = registers._join_mark

    def careless(register: Register, mark: Mark, kept: Any, *, sealable: bool) -> Write:
        return without(raised(register, mark, kept, sealable=sealable), "frozen_at")

    return [(registers, "_join_mark", careless)]


@fault("the latest to be checked wins, not the latest received")
def _() -> Patches:
    return [(Mark, "__lt__", lambda one, other: one != other), (Mark, "__le__", lambda one, other: one == other)]


@fault("a deletion leaves no mark in the registers")
def _() -> Patches:
    delete = registers.delete

    def forgetful(upload: Upload, *rest: Any) -> Join:
        join = delete(upload, *rest)
        return replace(join, writes=join.writes[:1])

    return [(registers, "delete", forgetful)]


@fault("a straggler is offered in silence")
def _() -> Patches:
    offer = registers.offer

    def silent(upload: Upload, window: Register, current: Register, sealing: bool) -> Join:
        if registers.is_straggler(upload, window, sealing):
            window = Register(Key(f"LOST#{upload.upload_id}", "x"))
        return offer(upload, window, current, False)

    return [(registers, "offer", silent)]


@fault("a straggler is not noted in the buckets")
def _() -> Patches:
    return [(join_registers, "keep_note", lambda *_: None)]


@fault("the former winner is not overwritten")
def _() -> Patches:
    offer = registers.offer

    def forgetful(*given: Any) -> Join:
        join = offer(*given)
        return replace(join, writes=join.writes[:3]) if join.outcome is Outcome.JOINED else join

    return [(registers, "offer", forgetful)]
