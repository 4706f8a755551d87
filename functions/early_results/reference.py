"""A reference that a person can read over the telephone: `7QK4M-2XB30`.

It is the last nine letters of an upload's id, which are random, and a tenth that checks them. The alphabet is the id's
own, Crockford's: it has no I, L, O or U, and what was written as I, L or O is read as 1, 1 and 0. The check letter is a
sum in the field of 32 elements, each letter times another power of its generator. So one wrong letter never passes, nor
two that changed places.
Source: https://www.crockford.com/base32.html; the method is that of Reed and Solomon with one check symbol.
"""

from __future__ import annotations

from .ids import ALPHABET

_LETTERS = 9  # 45 bits: of 100,000 uploads of a season any two share them with a chance of 1 in 7,000
_GENERATED_BY = 0b100101  # x^5 + x^2 + 1, which is primitive
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)} | {"I": 1, "L": 1, "O": 0}


def reference_of(upload_id: str) -> str:
    """The reference of an upload, in two groups of five letters."""
    letters = upload_id[-_LETTERS:]
    return f"{letters[:5]}-{letters[5:]}{_check(letters)}"


def read_reference(text: str) -> str | None:
    """The reference that somebody typed or wrote down, as `reference_of` writes it.

    Letter case, spaces and hyphens do not matter. None if it is none: of another length, or with a letter that is
    wrong.
    """
    values = [_VALUES.get(letter) for letter in text.upper() if letter not in " -\u2010\u2011\u2013"]
    if len(values) != _LETTERS + 1 or None in values:
        return None
    letters = "".join(ALPHABET[value] for value in values if value is not None)
    return f"{letters[:5]}-{letters[5:]}" if letters[-1] == _check(letters[:-1]) else None


def looks_like_one(text: str) -> bool:
    """Whether a text has the length and the letters of a reference, right or wrong, and a digit or two groups."""
    letters = [letter for letter in text.upper() if letter not in " -\u2010\u2011\u2013"]
    shaped = len(letters) == _LETTERS + 1 and all(letter in _VALUES for letter in letters)
    return shaped and (any(letter.isdigit() for letter in letters) or text.strip()[5:6] in ("-", " "))


def _check(letters: str) -> str:
    total = 0
    for letter in letters:  # Horner's rule: the first letter gets the highest power
        total = _doubled(total ^ _VALUES[letter])
    return ALPHABET[total]


def _doubled(value: int) -> int:
    """A value times the field's generator."""
    value <<= 1
    return value ^ _GENERATED_BY if value & 32 else value
