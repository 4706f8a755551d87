"""Keys of objects in the three buckets, in one place; the keys of the table's items are in `keys.py`."""

from __future__ import annotations

from typing import NamedTuple

from .ids import is_ulid


class UploadKey(NamedTuple):
    """What the key of an upload's object says."""

    service: str
    upload_id: str


def upload_key(service: str, upload_id: str) -> str:
    """Where an upload's file lies in the uploads bucket."""
    return f"uploads/{service}/{upload_id}/file.xlsx"


def parse_upload_key(key: str) -> UploadKey | None:
    """What an object key says. None if the key is not one that `upload_key` makes."""
    match key.split("/"):
        case ["uploads", service, upload_id, "file.xlsx"] if service and is_ulid(upload_id):
            return UploadKey(service, upload_id)
    return None


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
    """Where the amendment lies that lets a straggler into a frozen window."""
    return f"amendments/{service}/{window}/{upload_id}-added.json"


def user_key(sub: str) -> str:
    """Where a user's role and organisation lie in the records bucket; nothing there says who the user is."""
    return f"users/{sub}.json"


def sub_of_user_key(key: str) -> str:
    """Whose rights lie under a key of `user_key`."""
    return key.removeprefix("users/").removesuffix(".json")


def season_key(service: str) -> str:
    """Where the records bucket keeps the note that an operator closed a season and removed its children's data."""
    return f"seasons/{service}/closed.json"


def closing_key(service: str, window: int) -> str:
    """Where the records bucket keeps what a window is frozen with: its close, its calendar's version, its schools."""
    return f"closings/{service}/{window}.json"


def manifest_key(service: str, window: int) -> str:
    """Where a window's manifest lies in the records bucket."""
    return f"manifests/{service}/{window}/manifest.jsonl"


def national_key(service: str, window: int) -> str:
    """Where a window's national figures lie in the records bucket."""
    return f"figures/{service}/{window}/national.json"


def findings_key(service: str, upload_id: str, form: str) -> str:
    """Where the findings of an upload lie in the results bucket; form is one of FINDINGS_FORMS."""
    return f"findings/{service}/{upload_id}/findings.{form}"


# The lists of an upload's findings. Those "of pupils" name them and quote cells, for who acts for the school.
FINDINGS_FORMS = ("json", "csv", "xlsx", "pupils.json", "pupils.csv")


def extract_key(service: str, upload_id: str) -> str:
    """Where the normalised results of a good upload lie in the results bucket."""
    return f"extracts/{service}/{upload_id}.json"


# A school's report in its forms, each with the end of its file's name: what may be shown to others, the staff's copy
# with its list of pupils, and the workbook.
REPORT_FORMS = {"pdf": "pdf", "staff": "staff.pdf", "xlsx": "xlsx"}


def report_key(service: str, window: int, school: str, upload_id: str, form: str) -> str:
    """Where a school's report lies in the results bucket; form is one of REPORT_FORMS."""
    return f"reports/{service}/{window}/{school}/{upload_id}.{REPORT_FORMS[form]}"


OVERVIEW_FORMS = ("pdf", "xlsx")


def overview_folder(service: str, window: int | None = None) -> str:
    """Where the reports of many schools' files lie in the results bucket: of a service, or of one window of it."""
    return f"overviews/{service}/" if window is None else f"overviews/{service}/{window}/"


def overview_key(service: str, window: int, trust: str, made_of: str, form: str) -> str:
    """Where a trust's report lies, by the hash of what it is made of; form is one of OVERVIEW_FORMS."""
    return f"{overview_folder(service, window)}trusts/{trust}/{made_of[:32]}.{form}"


def summary_key(service: str, window: int, made_of: str, form: str) -> str:
    """Where the operators' summary lies, by the hash of what it is made of; form is one of OVERVIEW_FORMS."""
    return f"{overview_folder(service, window)}summary/{made_of[:32]}.{form}"


def counted_key(service: str, window: int) -> str:
    """Where it is kept what is told of authorities and of the spread of schools: counted once for a window."""
    return f"{overview_folder(service, window)}counted.json"


def release_folder(service: str, release: str = "") -> str:
    """Where the releases of a service's data set lie in the results bucket, or the files of one of them."""
    return f"dataset/{service}/{release}/" if release else f"dataset/{service}/"


def release_record_prefix(service: str) -> str:
    """Where the records of a service's releases lie in the records bucket, in order of their numbers."""
    return f"releases/{service}/"


def release_record_key(service: str, number: int) -> str:
    """Where the record of one release lies in the records bucket: hashes and numbers, no pupil."""
    return f"{release_record_prefix(service)}{number:06d}.json"


def handover_key(service: str, moment: str) -> str:
    """Where it is kept in the records bucket who took a release of a service's data set, and when."""
    return f"handovers/{service}/{moment}.json"


def amendments_prefix(service: str, window: int) -> str:
    """Where the amendments of a frozen window lie in the records bucket."""
    return f"amendments/{service}/{window}/"


def parse_amendment_key(key: str) -> tuple[str, bool]:
    """The upload of an amendment's key, and whether it was let in; if not, it was deleted."""
    name = key.rsplit("/", 1)[-1].removesuffix(".json")
    return name.removesuffix("-added"), name.endswith("-added")
