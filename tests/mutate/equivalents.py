"""Mutants that make no difference which anybody could notice, each with the reason: by module, function and slip."""

from __future__ import annotations

EQUIVALENT: dict[tuple[str, str, str], str] = {}
