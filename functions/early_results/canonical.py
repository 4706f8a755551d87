"""JSON in the one form that is stored and hashed, and the hash. Two hashes can be compared only if made alike."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """JSON in one form: names sorted, no spaces, UTF-8. A set becomes a sorted list.

    ValueError for a number that JSON does not have, TypeError for any other value that it does not have.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_listed
    ).encode()


def sha256(data: bytes) -> str:
    """The SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_of(value: Any) -> str:
    """The SHA-256 of a value's canonical JSON, in hexadecimal."""
    return sha256(canonical(value))


def _listed(value: Any) -> list[Any]:
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"a {type(value).__name__} has no place in JSON")
