"""Mutants that make no difference which anybody could notice, each with the reason: by module, function and slip."""

from __future__ import annotations

REGISTERS = "early_results.counting.registers"

EQUIVALENT: dict[tuple[str, str, str], str] = {
    (REGISTERS, "offer", "Lt becomes LtE"): (
        "a register that has the upload's own mark already, which a rebuild may write, has it as its winner too"
    ),
    (REGISTERS, "delete", "Lt becomes LtE"): (
        "a register with an upload's deleted mark has no winner, and nobody is overwritten"
    ),
}
