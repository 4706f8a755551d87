"""Identifiers: upload ids (ULIDs), school numbers, and how each is written.

Keys of objects: `object_keys.py`; keys of the table: `keys.py`.

Source of the ULID form: https://github.com/ulid/spec (48 bits of milliseconds, 80 bits of randomness, Crockford's
base 32); the text sorts as the time does, which the sweep and the history rely on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# How identifiers are written, as regular expressions without anchors: for the API, its contract and the data set.
ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
REFERENCE = "[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}"  # reference.py
SCHOOL = "[0-9]{7}"
AUTHORITY = "[0-9]{3}"
TRUST = "[A-Za-z0-9._-]{1,40}"
SERVICE = "[a-z0-9-]{1,40}"
_DECODE = {letter: value for value, letter in enumerate(ALPHABET)}
_TIME_LETTERS = 10
_LETTERS = 26


def new_ulid(moment: datetime, randomness: bytes) -> str:
    """The ULID of a moment (milliseconds count, the rest is cut) and 10 random bytes. ValueError on other lengths."""
    if len(randomness) != 10:
        raise ValueError("a ULID takes 10 bytes of randomness")
    value = (_milliseconds(moment) << 80) | int.from_bytes(randomness, "big")
    letters = []
    for _ in range(_LETTERS):
        value, digit = divmod(value, 32)
        letters.append(ALPHABET[digit])
    return "".join(reversed(letters))


def is_ulid(text: str) -> bool:
    """Whether the text is a ULID in canonical form (capitals, no larger than 48 bits of time)."""
    return len(text) == _LETTERS and text[0] <= "7" and all(letter in _DECODE for letter in text)


def ulid_time(ulid: str) -> datetime:
    """When a ULID was made, in UTC, to the millisecond. ValueError if it is none."""
    if not is_ulid(ulid):
        raise ValueError("not a ULID")
    value = 0
    for letter in ulid[:_TIME_LETTERS]:
        value = value * 32 + _DECODE[letter]
    # whole milliseconds: a float of seconds would lose some of them
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)


def first_ulid_of(moment: datetime) -> str:
    """The smallest ULID of a moment's millisecond: a listing of everything since that moment starts here."""
    return new_ulid(moment, bytes(10))


def _milliseconds(moment: datetime) -> int:
    # Integers throughout, because a float of seconds cannot hold every millisecond exactly.
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1000 + moment.microsecond // 1000


def is_school(text: str) -> bool:
    """Whether the text is a DfE number: seven digits, `1231234`."""
    return len(text) == 7 and text.isascii() and text.isdigit()


def authority_of(school: str) -> str:
    """The local authority of a school: the first three digits of its DfE number."""
    return school[:3]
