"""Faults put into the pipeline on purpose: importing this lists them all."""

from __future__ import annotations

from . import again, checks, deletions, operators, registers, sweeping, windows
from .listing import BIASES, FAULTS, MOST_HISTORIES, Caught, hunt, switched_on

__all__ = [
    "BIASES",
    "FAULTS",
    "MOST_HISTORIES",
    "Caught",
    "again",
    "checks",
    "deletions",
    "hunt",
    "operators",
    "registers",
    "sweeping",
    "switched_on",
    "windows",
]
