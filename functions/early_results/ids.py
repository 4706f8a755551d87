"""Identifiers: upload ids (ULIDs), school numbers and the keys of objects.

Source of the ULID form: https://github.com/ulid/spec (48 bits of milliseconds, 80 bits of randomness, Crockford's
base 32); the text sorts as the time does, which the sweep and the history rely on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
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
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)  # a float would lose some of them


def first_ulid_of(moment: datetime) -> str:
    """The smallest ULID of a moment's millisecond: where a listing from that moment starts."""
    return new_ulid(moment, bytes(10))


def _milliseconds(moment: datetime) -> int:
    # Integers throughout: a float second has no exact millisecond.
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1000 + moment.microsecond // 1000


def is_school(text: str) -> bool:
    """Whether the text is a DfE number: seven digits, `1231234`."""
    return len(text) == 7 and text.isascii() and text.isdigit()


def authority_of(school: str) -> str:
    """The local authority of a school: the first three digits of its DfE number."""
    return school[:3]


def upload_key(service: str, upload_id: str) -> str:
    """Where an upload's file lies in the uploads bucket."""
    return f"uploads/{service}/{upload_id}/file.xlsx"


def parse_upload_key(key: str) -> tuple[str, str] | None:
    """Service and upload id of an object key, or None if it is not a key that an upload's form allows."""
    parts = key.split("/")
    if len(parts) != 4 or parts[0] != "uploads" or parts[3] != "file.xlsx" or not parts[1] or not is_ulid(parts[2]):
        return None
    return parts[1], parts[2]


def roster_key(service: str, school: str, version: str) -> str:
    """Where one version of a school's roster lies in the uploads bucket."""
    return f"school-rosters/{service}/{school}/{version}.json"


def verdict_key(service: str, upload_id: str) -> str:
    """Where an upload's verdict lies in the records bucket."""
    return f"verdicts/{service}/{upload_id}.json"


def tombstone_key(service: str, upload_id: str) -> str:
    """Where a deleted upload's tombstone lies in the records bucket."""
    return f"tombstones/{service}/{upload_id}.json"


def straggler_key(service: str, window: int, upload_id: str) -> str:
    """Where the note of a straggler lies in the records bucket."""
    return f"stragglers/{service}/{window}/{upload_id}.json"


def amendment_key(service: str, window: int, upload_id: str) -> str:
    """Where the amendment of a frozen window by one upload lies in the records bucket."""
    return f"amendments/{service}/{window}/{upload_id}.json"


def admission_key(service: str, window: int, upload_id: str) -> str:
    """Where the amendment lies by which an operator let a straggler into a frozen window."""
    return f"amendments/{service}/{window}/{upload_id}-added.json"


def user_key(sub: str) -> str:
    """Where a user's role and organisation lie in the records bucket; nothing there says who the user is."""
    return f"users/{sub}.json"


def closing_key(service: str, window: int) -> str:
    """Where the terms of a window's freeze lie in the records bucket: its close, its calendar, its schools."""
    return f"closings/{service}/{window}.json"


def manifest_key(service: str, window: int) -> str:
    """Where a window's manifest lies in the records bucket."""
    return f"manifests/{service}/{window}/manifest.jsonl"


def national_key(service: str, window: int) -> str:
    """Where a window's national figures lie in the records bucket."""
    return f"figures/{service}/{window}/national.json"


def findings_key(service: str, upload_id: str, form: str) -> str:
    """Where the findings of an upload lie in the results bucket; form is json, csv or xlsx."""
    return f"findings/{service}/{upload_id}/findings.{form}"


def extract_key(service: str, upload_id: str) -> str:
    """Where the normalised results of a good upload lie in the results bucket."""
    return f"extracts/{service}/{upload_id}.json"


def report_key(service: str, window: int, school: str, upload_id: str, form: str) -> str:
    """Where a school's report lies in the results bucket; form is pdf or xlsx."""
    return f"reports/{service}/{window}/{school}/{upload_id}.{form}"
