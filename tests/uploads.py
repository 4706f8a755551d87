"""Uploads as tests need them: what a test does not name is of one school's ordinary file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from early_results.counting.calendar import FORM_LIFETIME
from early_results.counting.uploads import Status, Upload

SERVICE, SCHOOL = "ks1-2023", "1231234"


def upload_of(upload_id: str, issued: datetime, **facts: Any) -> Upload:
    """An upload by its id and the moment of its form. With nothing else named: a form that nobody has used yet."""
    school = facts.get("school", SCHOOL)
    ordinary: dict[str, Any] = {
        "service": SERVICE,
        "user": "sub",
        "user_name": "head@school.example",
        "organisation": f"SCHOOL#{school}",
        "name": "a.xlsx",
        "size": 1,
        "expires_at": issued + FORM_LIFETIME,
        "status": Status.AWAITING_UPLOAD,
        "school": school,
    }
    return Upload(upload_id=upload_id, issued=issued, **{**ordinary, **facts})
