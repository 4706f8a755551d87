"""Mutants that make no difference which anybody could notice, each with the reason: by module, function and slip."""

from __future__ import annotations

REGISTERS = "early_results.counting.registers"

EQUIVALENT: dict[tuple[str, str, str], str] = {
    (REGISTERS, "_joined_as", "Lt becomes LtE"): (
        "a register has an upload's own mark from the transaction on that takes the upload's offer away"
    ),
    (REGISTERS, "offer", "Lt becomes LtE"): (
        "as in _joined_as; and where the marks were equal the winner would be the upload itself"
    ),
    (REGISTERS, "admit", "Lt becomes LtE"): (
        "a register has an admitted upload's mark from the transaction on that ends the admission"
    ),
    (REGISTERS, "delete", "Lt becomes LtE"): (
        "a register with an upload's deleted mark has no winner, and nobody is overwritten"
    ),
}
